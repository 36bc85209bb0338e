package feeds

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Match is a set of conditions; an entry matches when it meets any of them. An
// empty Match matches nothing.
type Match struct {
	Tags    []string // a tag of the entry, compared by FoldTag
	Words   []string // a word or phrase in its title, summary or content, without regard to case
	Sources []string // the slug of its source
	Authors []string // the name of an author, compared by FoldTag
}

// Empty says that there are no conditions.
func (m Match) Empty() bool {
	return len(m.Tags)+len(m.Words)+len(m.Sources)+len(m.Authors) == 0
}

// Entry says whether e of the source with the slug meets a condition.
func (m Match) Entry(e *Entry, source string) bool {
	if slices.Contains(m.Sources, source) {
		return true
	}
	for _, t := range e.Tags {
		if containsFold(m.Tags, t.Term) || t.Label != "" && containsFold(m.Tags, t.Label) {
			return true
		}
	}
	for _, a := range e.Authors {
		if containsFold(m.Authors, a.Name) {
			return true
		}
	}
	return len(m.Words) > 0 && containsWords(e, m.Words)
}

func containsFold(list []string, s string) bool {
	if len(list) == 0 {
		return false
	}
	f := FoldTag(s)
	return slices.ContainsFunc(list, func(t string) bool { return FoldTag(t) == f })
}

func containsWords(e *Entry, words []string) bool {
	text := e.Title + " " + PlainText(e.Content)
	if !e.SummaryMade {
		text += " " + PlainText(e.Summary)
	}
	text = wordsOf(text)
	for _, w := range words {
		if w := wordsOf(w); w != "  " && strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// wordsOf is s in lower case with one space around every word, so that a phrase
// is found at word boundaries by a plain search.
func wordsOf(s string) string {
	f := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	})
	return " " + strings.Join(f, " ") + " "
}

// Rule fills one category.
type Rule struct {
	CategoryName
	Match Match
}

// Rules decide which categories an entry belongs to.
type Rules struct {
	Rules []Rule
	// TagsAsCategories makes a category of every tag that no rule takes.
	TagsAsCategories bool
	// Authors are known by all their names to rules that ask for one.
	Authors Authors `json:",omitempty"`
}

// For returns the categories of e from s, each once, ordered by slug. Those of several may
// be the same, as of C, C++ and C#: the store, which knows all, tells them apart.
func (r *Rules) For(e *Entry, s *Source) []CategoryName {
	var names []CategoryName
	var folds []string
	add := func(c CategoryName) {
		if fold := c.Fold(); c.Slug != "" && !slices.Contains(folds, fold) {
			names, folds = append(names, c), append(folds, fold)
		}
	}
	for _, c := range s.Categories {
		add(r.Name(c.Title, c))
	}
	seen := r.Authors.both(e)
	for i := range r.Rules {
		if r.Rules[i].Match.Entry(seen, s.Slug) {
			add(r.Rules[i].CategoryName)
		}
	}
	if r.TagsAsCategories {
		for _, t := range e.Tags {
			label := t.Label
			if label == "" {
				label = t.Term
			}
			if !r.taken(t) {
				add(r.Name(label, CategoryName{Slug: Slug(label), Title: label}))
			}
		}
	}
	slices.SortFunc(names, func(a, b CategoryName) int {
		return cmp.Or(strings.Compare(a.Slug, b.Slug), strings.Compare(a.Title, b.Title))
	})
	return names
}

// What an entry stands in besides its categories is kept as they are: lists of its
// authors and its language, whose slugs have these in front. No category's slug has a
// slash.
const (
	AuthorList   = "author/"
	LanguageList = "language/"
)

// maxAuthorLists is how many authors of one entry have it in their lists.
const maxAuthorLists = 8

// Lists returns the categories of e from s, and the lists of its authors, by the names
// that people chose, and of its language. Who is not named is the author of s.
func (r *Rules) Lists(e *Entry, s *Source) []CategoryName {
	names := r.For(e, s)
	people := e.Authors
	if len(people) == 0 {
		people = s.Authors
	}
	people = r.Authors.People(people)
	for _, p := range people[:min(len(people), maxAuthorLists)] {
		if slug := Slug(p.Name); slug != "" {
			names = append(names, CategoryName{Slug: AuthorList + slug, Title: p.Name})
		}
	}
	if tag := baseLanguage(e.Language); tag != "" {
		names = append(names, CategoryName{Slug: LanguageList + tag, Title: tag})
	}
	return names
}

// baseLanguage is the language of a tag without its region and script, "" for what
// is none (BCP 47).
func baseLanguage(tag string) string {
	base, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if len(base) < 2 || len(base) > 8 || base == "und" || strings.Trim(base, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return base
}

// List is the name of the list that c is, without what stands in front of its slug; ""
// for a category.
func (c CategoryName) List() (kind, slug string) {
	if i := strings.IndexByte(c.Slug, '/'); i >= 0 {
		return c.Slug[:i+1], c.Slug[i+1:]
	}
	return "", c.Slug
}

// Fold is equal for names of the same category or list.
func (c CategoryName) Fold() string {
	kind, _ := c.List()
	return kind + FoldTag(c.Title)
}

// Name is the configured category that people mean by title, or otherwise.
func (r *Rules) Name(title string, otherwise CategoryName) CategoryName {
	f := FoldTag(title)
	for i := range r.Rules {
		if c := r.Rules[i].CategoryName; FoldTag(c.Title) == f || FoldTag(c.Slug) == f {
			return c
		}
	}
	return otherwise
}

func (r *Rules) taken(t Tag) bool {
	for i := range r.Rules {
		if tags := r.Rules[i].Match.Tags; containsFold(tags, t.Term) || t.Label != "" && containsFold(tags, t.Label) {
			return true
		}
	}
	return false
}

// Kept says whether the source's own filters let e through.
func (s *Source) Kept(e *Entry) bool {
	if !s.Keep.Empty() && !s.Keep.Entry(e, s.Slug) {
		return false
	}
	return s.Drop.Empty() || !s.Drop.Entry(e, s.Slug)
}

// FoldTag is how tags, categories and names are compared: without regard to
// case, spaces, hyphens, underscores and diacritics.
func FoldTag(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r), unicode.IsSpace(r), r == '-', r == '_', r == '‐', r == '‑', r == '–':
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return norm.NFC.String(b.String())
}

// maxSlug keeps a slug within what every file system takes as a name (255 bytes).
const maxSlug = 80

// Slug makes s fit for an address: letters and digits of any script in lower
// case, Latin letters without their diacritics, everything else one hyphen; at
// most 80 bytes. It is empty when s has no letter or digit.
func Slug(s string) string {
	var b strings.Builder
	hyphen := false
	for _, r := range norm.NFC.String(latin(s)) {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) {
			hyphen = b.Len() > 0
			continue
		}
		if r = unicode.ToLower(r); b.Len()+len(string(r))+1 > maxSlug {
			break
		}
		if hyphen {
			b.WriteByte('-')
			hyphen = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// latin removes diacritics from Latin letters only: in other scripts they are letters.
func latin(s string) string {
	var b strings.Builder
	base := false
	for _, r := range norm.NFKD.String(s) {
		if unicode.Is(unicode.Mn, r) && base {
			continue
		}
		base = unicode.Is(unicode.Latin, r)
		b.WriteRune(r)
	}
	return b.String()
}
