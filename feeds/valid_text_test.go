package feeds

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// What the W3C's validator wants of texts, and of a feed's past and of what was taken
// back (RFC 5005, RFC 6721).

var (
	closingTag = regexp.MustCompile(`</(?:a|abbr|b|body|code|div|em|form|h[1-6]|html|i|li|p|pre|script|span|strong|style|table|td|title|tr|ul)>`)
	someEntity = regexp.MustCompile(`&(#?\w+)`)
)

// undeclared says that the validator takes a plain text for HTML (ContainsUndeclaredHTML,
// ContainsHTML).
func undeclared(s string) bool {
	if closingTag.MatchString(strings.ToLower(s)) {
		return true
	}
	for _, m := range someEntity.FindAllStringSubmatch(s, -1) {
		whole := m[0] + ";"
		if strings.ContainsFunc(m[1], func(r rune) bool { return !unicode.IsLetter(r) }) || html.UnescapeString(whole) != whole {
			return true
		}
	}
	return false
}

// constructs wants the texts of an Atom element said, and of the type they have.
func (f *faults) constructs(where string, n *node) {
	for _, k := range n.kids {
		switch k.name {
		case "atom:title", "atom:subtitle", "atom:rights", "atom:summary", "atom:content":
		default:
			continue
		}
		if strings.TrimSpace(k.text) == "" {
			f.add("%s: %s is empty", where, k.name)
		}
		switch typ := k.attrs["type"]; typ {
		case "html":
			f.html(where, k.text)
		case "":
			if undeclared(k.text) {
				f.add("%s: %s looks like HTML and is not called so: %q", where, k.name, k.text)
			}
		default:
			f.add("%s: %s has type %q", where, k.name, typ)
		}
	}
}

// profile wants plain text as the RSS Profile has it ("Character Data"), so that nobody
// takes it for markup, nor the validator (CharacterData, ContainsHTML).
func (f *faults) profile(where string, n *node, names ...string) {
	for _, k := range n.kids {
		if !slices.Contains(names, k.name) {
			continue
		}
		if closingTag.MatchString(strings.ToLower(k.text)) || strings.ContainsAny(k.text, "&<") && !strings.Contains(k.raw, "&#x") {
			f.add("%s: %s could be taken for HTML: %q", where, k.name, k.raw)
		}
	}
}

// historyRels are the relations of documents to each other that we write (RFC 5005).
var historyRels = []string{"prev-archive", "next-archive", "current", "next"}

// history is RFC 5005 for a feed or channel.
func (f *faults) history(where string, n *node) {
	to, self := map[string]string{}, ""
	for _, l := range n.all("atom:link") {
		rel := l.attrs["rel"]
		if rel == "self" {
			self = l.attrs["href"]
		}
		if slices.Contains(historyRels, rel) {
			if to[rel] != "" {
				f.add("%s: several links %s", where, rel)
			}
			to[rel] = l.attrs["href"]
		}
	}
	for rel, href := range to {
		if rel != "current" && href == self {
			f.add("%s: its link %s leads to itself", where, rel)
		}
	}
	complete, archive := len(n.all("fh:complete")), len(n.all("fh:archive"))
	switch {
	case complete+archive > 1:
		f.add("%s: complete %d times, an archive %d times", where, complete, archive)
	case complete == 1 && len(to) > 0: // §2
		f.add("%s: it is complete, and yet there are %v", where, to)
	case archive == 1 && to["current"] == "": // §4, MissingCurrentInArchive
		f.add("%s: an archive that does not say of what", where)
	case to["prev-archive"] != "" && to["next"] != "":
		f.add("%s: archived and paged", where)
	}
	for _, k := range append(n.all("fh:complete"), n.all("fh:archive")...) {
		if k.raw != "" || len(k.attrs) > 0 {
			f.add("%s: %s is not empty", where, k.name)
		}
	}
}

// graves is RFC 6721 for a feed with entries of these ids.
func (f *faults) graves(root *node, ids map[string]bool, updated time.Time) {
	seen := map[string]bool{}
	for i, k := range root.kids {
		if k.name != "at:deleted-entry" {
			continue
		}
		ref := k.attrs["ref"]
		if !absoluteURI(ref) || seen[ref] || ids[ref] {
			f.add("deleted: %q is no id, is there twice, or not deleted at all", ref)
		}
		seen[ref] = true
		if when, err := parse3339(k.attrs["when"]); err != nil || when.After(updated) {
			f.add("deleted: %q is no date, or later than the feed's", k.attrs["when"])
		}
		if i > 0 && root.kids[i-1].name == "atom:entry" {
			f.add("deleted: it stands behind an entry")
		}
	}
}
