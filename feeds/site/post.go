package site

import (
	"cmp"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"orrery/feeds"
)

// post is an entry as the template shows it. Every string is plain text that
// the template escapes; only Styled and Body are HTML, sanitized when it was read.
type post struct {
	Lang, Dir string
	Title     string
	Styled    template.HTML // Title with its emphasis, "" for none
	Untitled  bool          // Title is the beginning of its text
	Link      string        // where the title leads: the origin, or Here
	Host      string        // of the origin, "" if the post has no page of its own
	Here      string        // its page on the planet
	Authors   []link
	Source    link
	Face      *face
	Origin    link // where it was first published, if Source is a planet itself
	Time      moment
	Edited    moment // zero: never
	Topics    []link
	MoreTopic int // how many further ones its own page shows
	Also      []link
	Files     []link
	Excerpt   string
	Body      template.HTML // "" when only its own page shows it
	Folded    bool
	Alone     bool     // on its own page
	History   *history // on its own page, of what was changed
	Reasons   []string // there, why it is here as it is
	// Where something was looked for: the title and a part of the text with marks.
	Marked, Snippet []feeds.Passage
}

type link struct{ Name, URL string }

// moment is a time for people and for machines.
type moment struct{ Text, ISO string }

func momentOf(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	t = t.UTC()
	return moment{Text: t.Format("2 January 2006"), ISO: t.Format(time.RFC3339)}
}

// maxTopics is how many categories an entry shows on a page of many.
const maxTopics = 4

// poster makes the posts of one page and watches its size.
type poster struct {
	s       *Site
	alone   bool
	budget  int                       // bytes of HTML that folded posts may still take
	authors map[string]feeds.Category // those that have a page, by slug
	search  feeds.Search
}

func (p *poster) post(e *feeds.Entry) post {
	x := p.heading(e)
	p.people(&x, e)
	p.topics(&x, e)
	p.text(&x, e)
	p.find(&x, e)
	for _, f := range e.Enclosures {
		if l := webLink(f.URL); l != "" {
			x.Files = append(x.Files, link{Name: fileLabel(&f), URL: l})
		}
	}
	return x
}

// heading is a post without its text and what stands around that.
func (p *poster) heading(e *feeds.Entry) post {
	at := route{kind: atEntry, name: e.ID}
	x := post{Title: e.Title, Styled: trusted(e.TitleHTML, 4), Here: p.s.href(at), Alone: p.alone, Time: momentOf(e.Sort)}
	x.Lang, x.Dir = script(entryLanguage(e), e.Title, func() string { return feeds.Excerpt(cmp.Or(e.Content, e.Summary), excerptSize) })
	if lang, dir := p.s.ownScript(); x.Lang == "" && x.Dir == dir {
		x.Lang = lang // most likely; "" is nobody's guess
	}
	x.Link, x.Host = x.Here, ""
	if l := webLink(e.Permalink); l != "" {
		u, _ := url.Parse(l) // webLink has read it
		x.Link, x.Host = l, u.Hostname()
	}
	if e.Revision > 0 {
		x.Edited = momentOf(e.Changed)
	}
	if x.Title == "" {
		x.Untitled = true
		x.Title = cmp.Or(feeds.Excerpt(cmp.Or(e.Content, e.Summary), 80), "Untitled")
	}
	if e.Source != nil {
		x.Source, x.Face = p.s.sourceLink(e.Source), p.s.face(e.Source)
	}
	return x
}

// picture is one that the post brought along, for link previews.
func (x *post) picture(e *feeds.Entry) string {
	for i := range e.Enclosures {
		if f := &e.Enclosures[i]; strings.HasPrefix(f.Type, "image/") && webLink(f.URL) != "" {
			return f.URL
		}
	}
	return ""
}

func entryLanguage(e *feeds.Entry) string {
	if e.Language == "" && e.Source != nil {
		return e.Source.Language
	}
	return e.Language
}

func (p *poster) people(x *post, e *feeds.Entry) {
	if o := e.Origin; o != nil && o.Title != "" && o.Title != x.Source.Name {
		x.Origin = link{Name: o.Title, URL: webLink(o.Link)}
	}
	for _, a := range e.Authors {
		if name := cmp.Or(a.Name, a.URL); name != x.Source.Name && name != "" {
			x.Authors = append(x.Authors, p.authorLink(a, name))
		}
	}
	for i := range e.Also {
		x.Also = append(x.Also, p.s.sourceLink(&e.Also[i]))
	}
}

// authorLink leads to the author's page here, or where there is none, to their own.
func (p *poster) authorLink(a feeds.Person, name string) link {
	slug := feeds.Slug(a.Name)
	if list, ok := p.authors[slug]; ok && feeds.FoldTag(list.Title) == feeds.FoldTag(a.Name) {
		return link{Name: name, URL: p.s.href(route{kind: atAuthor, name: slug})}
	}
	return link{Name: name, URL: webLink(a.URL)}
}

func (p *poster) topics(x *post, e *feeds.Entry) {
	for _, c := range e.Categories {
		if !validName(c.Slug) {
			continue
		}
		if len(x.Topics) == maxTopics && !p.alone {
			x.MoreTopic++
			continue
		}
		at := route{kind: atCategory, name: c.Slug}
		x.Topics = append(x.Topics, link{Name: cmp.Or(c.Title, c.Slug), URL: p.s.href(at)})
	}
}

// text decides how much of a post a page shows: all of a short one; a long one
// folded, and what would make the page too heavy only on its own page.
func (p *poster) text(x *post, e *feeds.Entry) {
	content := cmp.Or(e.Content, e.Summary)
	switch {
	case p.alone:
		x.Body = trusted(content, 2)
		return
	case len(content) <= inlineEach && !long(content):
		x.Body = trusted(content, 4)
		p.budget -= len(content)
		return
	}
	x.Excerpt = feeds.Excerpt(cmp.Or(e.Summary, content), excerptSize)
	if len(content) <= inlineEach && len(content) <= p.budget {
		x.Folded = true
		x.Body = trusted(content, 4)
		p.budget -= len(content)
	}
}

// trusted is the one place where text of a source goes into a page unescaped:
// feeds.Normalize has sanitized it.
func trusted(content string, top byte) template.HTML { return template.HTML(fit(content, top)) }

// Onward says that what is shown of the text ends in a link to the post's page.
func (x *post) Onward() bool { return x.Snippet != nil || x.Excerpt != "" && !x.Folded }

// fileLabel names an attachment by what is known of it.
func fileLabel(f *feeds.Enclosure) string {
	label := cmp.Or(f.Type, "file")
	switch {
	case f.Length >= 1<<20:
		label += ", " + strconv.FormatFloat(float64(f.Length)/(1<<20), 'f', 1, 64) + " MiB"
	case f.Length > 0:
		label += ", " + strconv.FormatInt((f.Length+1023)/1024, 10) + " KiB"
	}
	return label
}

// href is the root-relative address of rt: pages work under any base path.
func (s *Site) href(rt route) string { return s.base + rt.escaped() }

func (s *Site) sourceLink(x *feeds.Source) link {
	if !validName(x.Slug) {
		return link{Name: x.Name(), URL: webLink(x.Home())}
	}
	return link{Name: x.Name(), URL: s.href(route{kind: atSource, name: x.Slug})}
}
