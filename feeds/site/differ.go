package site

import (
	"iter"
	"slices"
	"unicode"
)

// What is compared is bounded, since the text of a post is a stranger's; and bounded
// in words, not in time as libraries do, since the same store gives the same bytes.
const (
	maxCompared = 256 << 10 // bytes of a text that is compared
	maxWords    = 3000      // from its first that differs to its last
	maxEdits    = 1000      // words that differ; beyond it is another text, which nobody would read word by word
	maxTold     = 64 << 10  // bytes of what is shown of a change
)

// text is a plain text and where its words are.
type text struct {
	s     string
	words []span
}

type span struct{ from, to int }

func newText(s string) *text { return &text{s, slices.Collect(words(s))} }

func (t *text) word(i int) string { return t.s[t.words[i].from:t.words[i].to] }

// part is what the words from i to j are written as, without what surrounds them.
func (t *text) part(i, j int) string { return t.s[t.words[i].from:t.words[j-1].to] }

// spaced says that something stands between word i and the one before it, or that
// there is no such word.
func (t *text) spaced(i int) bool { return i == len(t.words) || t.words[i].from > t.words[i-1].to }

// words finds the words of s: what stands between white space, and every character
// of the scripts that are written without it.
func words(s string) iter.Seq[span] {
	return func(yield func(span) bool) {
		start, single := -1, false
		for i, r := range s {
			space := unicode.IsSpace(r)
			alone := !space && unspaced(r)
			if start >= 0 && (space || !unicode.Is(unicode.M, r) && (single || alone)) {
				if !yield(span{start, i}) {
					return
				}
				start = -1
			}
			if start < 0 && !space {
				start, single = i, alone
			}
		}
		if start >= 0 {
			yield(span{start, len(s)})
		}
	}
}

func unspaced(r rune) bool {
	return r >= 0xE00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// An edit says that the words a0 to a1 of a text became b0 to b1 of the next.
type edit struct{ a0, a1, b0, b1 int }

// size is the number of words that differ.
func (e *edit) size() int { return max(e.a1-e.a0, e.b1-e.b0) }

// compare returns what became of a; ok is false where between the first and the last
// word that differs there is too much to compare.
func compare(a, b *text) (edits []edit, ok bool) {
	e := edit{a1: len(a.words), b1: len(b.words)}
	for e.a0 < min(e.a1, e.b1) && a.word(e.a0) == b.word(e.b0) {
		e.a0, e.b0 = e.a0+1, e.b0+1
	}
	for e.a1 > e.a0 && e.b1 > e.b0 && a.word(e.a1-1) == b.word(e.b1-1) {
		e.a1, e.b1 = e.a1-1, e.b1-1
	}
	switch {
	case e.size() == 0:
		return nil, true
	case e.size() > maxWords:
		return nil, false
	case e.a0 == e.a1 || e.b0 == e.b1:
		return []edit{e}, true
	}
	of := map[string]int32{}
	edits = shortest(a.numbers(of, e.a0, e.a1), b.numbers(of, e.b0, e.b1))
	for i := range edits {
		x := &edits[i]
		x.a0, x.a1, x.b0, x.b1 = x.a0+e.a0, x.a1+e.a0, x.b0+e.b0, x.b1+e.b0
	}
	return edits, edits != nil
}

// numbers gives equal words from i to j equal numbers.
func (t *text) numbers(of map[string]int32, i, j int) []int32 {
	list := make([]int32, 0, j-i)
	for ; i < j; i++ {
		w := t.word(i)
		n, ok := of[w]
		if !ok {
			n = int32(len(of))
			of[w] = n
		}
		list = append(list, n)
	}
	return list
}

// shortest finds the fewest words to take from a and to put in that make it b
// (Myers, An O(ND) Difference Algorithm, 1986, figure 2); nil if these are more than
// maxEdits. reach[d][i] is how far of a one comes with d edits on diagonal 2i - d.
func shortest(a, b []int32) []edit {
	var reach [][]int32
	for d := 0; d <= maxEdits; d++ {
		now := make([]int32, d+1)
		for i := range now {
			x := 0
			if d > 0 {
				x, _ = step(reach[d-1], i)
			}
			y := x - (2*i - d)
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x, y = x+1, y+1
			}
			if now[i] = int32(x); x >= len(a) && y >= len(b) {
				return retrace(reach, i)
			}
		}
		reach = append(reach, now)
	}
	return nil
}

// step is where the edit leads that comes farthest on the ith diagonal, and the place
// in before of the diagonal that it leads from.
func step(before []int32, i int) (x, from int) {
	if i == 0 || i < len(before) && before[i-1] < before[i] {
		return int(before[i]), i // a word of b is put in
	}
	return int(before[i-1]) + 1, i - 1 // a word of a is taken out
}

// retrace goes back the way that ended on the ith diagonal.
func retrace(reach [][]int32, i int) []edit {
	var edits []edit
	for d := len(reach); d > 0; d-- {
		to, from := step(reach[d-1], i)
		was := int(reach[d-1][from])
		e := edit{a0: was, a1: to, b0: was - (2*from - (d - 1)), b1: to - (2*i - d)}
		if n := len(edits); n > 0 && edits[n-1].a0 == e.a1 && edits[n-1].b0 == e.b1 {
			edits[n-1].a0, edits[n-1].b0 = e.a0, e.b0
		} else {
			edits = append(edits, e)
		}
		i = from
	}
	slices.Reverse(edits)
	return edits
}

// maxStray is how many words between two edits may be taken for changed, too.
const maxStray = 3

// joinEdits joins edits between which only a few words happen to be the same: "the"
// and "of" that survive in a sentence written anew help nobody to read it.
func joinEdits(edits []edit) []edit {
	var list []edit
	for _, e := range edits {
		if n := len(list); n > 0 {
			last := &list[n-1]
			if stray := e.b0 - last.b1; stray <= min(maxStray, last.size(), e.size()) {
				last.a1, last.b1 = e.a1, e.b1
				continue
			}
		}
		list = append(list, e)
	}
	return list
}
