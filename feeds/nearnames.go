package feeds

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what NearNames takes for a slip of the pen. Shorter names are too often
// other words, and what holds digits is numbered: XEP-0045 is not XEP-0046.
const (
	shortestEdited = 6  // letters
	longestEdited  = 64 // bytes
)

// NearNames groups names that people probably mean alike: those that FoldTag makes
// equal; those that differ by a plural ending, English or German; those of at least
// six letters, and without digits, that differ by one letter. It is meant for suggestions: a group is a
// question to a person, not an answer.
//
// Names and groups are sorted; a name without a like is in none.
func NearNames(names []string) [][]string {
	n := nearness{spelt: map[string][]string{}, root: map[string]string{}}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if f := FoldTag(name); f != "" {
			n.spelt[f] = append(n.spelt[f], name)
			n.root[f] = f
		}
	}
	n.plurals()
	n.edits()
	groups := map[string][]string{}
	for f, spelt := range n.spelt {
		r := n.find(f)
		groups[r] = append(groups[r], spelt...)
	}
	var out [][]string
	for _, g := range groups {
		if len(g) > 1 {
			slices.Sort(g)
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return out
}

// nearness joins folded names.
type nearness struct {
	spelt map[string][]string // how each is spelt
	root  map[string]string   // a forest: names of one tree are near
}

func (n *nearness) find(f string) string {
	for n.root[f] != f {
		n.root[f] = n.root[n.root[f]]
		f = n.root[f]
	}
	return f
}

func (n *nearness) join(a, b string) {
	if a, b = n.find(a), n.find(b); a != b {
		n.root[max(a, b)] = min(a, b)
	}
}

func (n *nearness) plurals() {
	for f := range n.spelt {
		for _, p := range pluralsOf(f) {
			if _, ok := n.spelt[p]; ok {
				n.join(f, p)
			}
		}
	}
}

// pluralsOf are the plurals that a folded name may have. The endings that make
// other words of short English ones (not, note; gold, golden) want a longer stem.
func pluralsOf(f string) []string {
	letters, digits := lettersOf(f)
	if digits || letters < 3 {
		return nil
	}
	last, _ := utf8.DecodeLastRuneInString(f)
	if !unicode.IsLetter(last) {
		return nil
	}
	var list []string
	if stem, y := strings.CutSuffix(f, "y"); y {
		list = append(list, stem+"ies")
	}
	if hasSuffix(f, "s", "x", "z", "ch", "sh", "o") {
		list = append(list, f+"es")
	}
	if last != 's' { // clas, class
		list = append(list, f+"s")
	}
	if letters < 5 {
		return list
	}
	if last == 'e' {
		return append(list, f+"n")
	}
	return append(list, f+"e", f+"en")
}

func hasSuffix(s string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(x string) bool { return strings.HasSuffix(s, x) })
}

// edits joins names that differ by one letter, though not by the first: there another
// letter makes another word far more often than a slip does (living, diving).
//
// Each name is looked up without each of its letters, and with a hole in its place:
// as much work as there are letters, where comparing all with all is as much as there
// are pairs.
func (n *nearness) edits() {
	const hole = "\x00"
	holed := map[string]string{}
	for f := range n.spelt {
		letters, digits := lettersOf(f)
		if digits || letters < shortestEdited || len(f) > longestEdited {
			continue
		}
		for i, r := range f {
			if i == 0 || !unicode.IsLetter(r) {
				continue
			}
			before, after := f[:i], f[i+utf8.RuneLen(r):]
			if _, ok := n.spelt[before+after]; ok && letters > shortestEdited {
				n.join(f, before+after)
			}
			if like, ok := holed[before+hole+after]; ok {
				n.join(f, like)
			} else {
				holed[before+hole+after] = f
			}
		}
	}
}

func lettersOf(s string) (n int, digits bool) {
	for _, r := range s {
		switch {
		case unicode.IsLetter(r):
			n++
		case unicode.IsNumber(r):
			digits = true
		}
	}
	return n, digits
}
