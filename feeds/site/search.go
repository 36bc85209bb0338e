package site

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"orrery/feeds"
)

// searchForm is what people look for, and in what.
type searchForm struct {
	Action, Text string
	Kept         []searchField  // of the query, beside the text and what can be chosen
	Choices      []searchChoice // what can be chosen
	Chosen       bool           // something is
	About        string         // the search in words; "": nothing is asked for yet
}

type searchField struct{ Name, Value string }

// searchChoice is a list that the search may be narrowed to.
type searchChoice struct {
	Name, Label, Any string
	Options          []searchOption
}

type searchOption struct {
	Value, Name string
	Here        bool
}

// maxFinders is how many searches run at once: everybody may ask for as many different
// ones as they like, and each may take the store a while. findWait is how long another
// waits for its turn.
const (
	maxFinders = 4
	findWait   = 3 * time.Second
)

// errBusy says that too many others are searching.
var errBusy = errors.New("too many search at once")

// finding waits for a turn to search.
func (s *Site) finding(ctx context.Context) (done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, findWait)
	defer cancel()
	select {
	case s.finders <- struct{}{}:
		return func() { <-s.finders }, nil
	case <-ctx.Done():
		return nil, errBusy
	}
}

// maxChoices is how many categories, sources or languages a form offers; with more,
// their own pages are the better list.
const maxChoices = 100

func (s *Site) searchForm(f filter, m material) *searchForm {
	form := &searchForm{Action: s.href(route{kind: atSearch}), Text: f.text}
	if f != (filter{}) {
		form.About = m.view.name
	}
	lists := map[string]map[string]string{"category": {}, "source": {}, "lang": {}}
	for slug, c := range m.directory.categories {
		lists["category"][slug] = cmp.Or(c.Title, c.Slug)
	}
	for slug := range m.directory.sources {
		x := m.directory.sources[slug]
		lists["source"][slug] = x.Name()
	}
	for slug := range m.directory.languages {
		lists["lang"][slug] = languageName(slug)
	}
	for _, x := range [...]struct{ name, label, any, value string }{
		{"category", "About", "anything", f.category}, {"source", "From", "anybody", f.source}, {"lang", "In", "any language", f.language}, {"author", "", "", f.author},
	} {
		form.Chosen = form.Chosen || x.value != ""
		if n := len(lists[x.name]); n > 1 && n <= maxChoices {
			form.Choices = append(form.Choices, searchChoice{x.name, x.label, x.any, options(lists[x.name], x.value)})
		} else if x.value != "" {
			form.Kept = append(form.Kept, searchField{x.name, x.value})
		}
	}
	return form
}

// options are the names of a list in their order.
func options(names map[string]string, here string) []searchOption {
	list := make([]searchOption, 0, len(names))
	for slug, name := range names {
		list = append(list, searchOption{slug, name, slug == here})
	}
	slices.SortFunc(list, func(a, b searchOption) int { return byName(link{a.Name, a.Value}, link{b.Name, b.Value}) })
	return list
}

// unsearchable is the page in the place of the search where nothing but files answers.
func (s *Site) unsearchable(d *directory) ([]byte, error) {
	p := s.frame(route{}, s.plainView(route{}))
	p.Template, p.Address, p.Heading = "unsearchable", "", "Search"
	p.Title = p.Heading + " – " + s.planet.Title
	p.Nav[0].Here = false
	p.Look, p.Years = *s.look.Load(), s.years(d.months)
	var b bytes.Buffer
	err := s.pages.ExecuteTemplate(&b, "page.html", p)
	return b.Bytes(), err
}

// find shows of a post what was looked for, in place of its beginning.
func (p *poster) find(x *post, e *feeds.Entry) {
	if p.search.Empty() {
		return
	}
	x.Marked = p.search.Marked(x.Title)
	text := feeds.PlainText(cmp.Or(e.Content, e.Summary))
	if x.Snippet = p.search.Snippet(text, excerptSize); x.Snippet == nil {
		x.Snippet = []feeds.Passage{{Text: feeds.Excerpt(cmp.Or(e.Summary, e.Content), excerptSize)}}
	}
	x.Body, x.Folded, x.Excerpt = "", false, ""
}
