package site

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"orrery/feeds"
)

//go:embed templates
var templates embed.FS

// page is what every template gets.
type page struct {
	Planet    feeds.Planet
	Home      string // root-relative
	OwnerURL  string
	Names     assetNames
	Version   string
	Lang      string
	Dir       string // of Lang
	Title     string // of the window
	Heading   string
	Lead      string // a sentence about the page
	About     string // the same for link previews
	Canonical string // "" for a page that should not be found
	Refresh   string // where a browser is to go at once, root-relative; "": nowhere
	Template  string // which of the bodies
	Feeds     []feedLink
	FeedsOf   string // whose feeds these are
	Nav       []navLink
	OPML      string
	List      string // the sources of a category as OPML

	// of the body in Template
	Days       []day
	Site, Feed string // a source's own addresses
	Post       *post
	Search     *searchForm
	Categories []categoryRow
	Sources    []sourceRow
	Status     *status
}

type feedLink struct {
	Name, Title, Href, Address string
	// Folder and File are Address in two, between which a line may break.
	Folder, File string
	// Type is a whole attribute, because the template would write the + of a media
	// type as a reference, which readers that only search for the words do not find.
	Type template.HTMLAttr
}

// searchForm is what people look for, and in what.
type searchForm struct {
	Action, Text string
	Kept         []searchField // of the query, beside the text
}

type searchField struct{ Name, Value string }

type navLink struct {
	link
	Here bool
}

type day struct {
	moment
	Posts []template.HTML
}

type categoryRow struct {
	link
	Entries int
	Newest  moment
}

type sourceRow struct {
	link
	Site, Feed string
	Entries    int
	Newest     moment
	Trouble    string
}

// bodies are the templates of the kinds of page.
var bodies = map[kind]string{
	atHome: "view", atCategory: "view", atSource: "view", atAuthor: "view", atLanguage: "view", atSearch: "view", atEntry: "entry", atCategories: "categories", atSources: "sources",
	atStatus: "status",
}

// loadPages parses the templates and makes the pages for where there is nothing.
func (s *Site) loadPages() error {
	t, err := template.New("").Funcs(template.FuncMap{"body": s.body, "plural": plural}).ParseFS(templates, "templates/*.html")
	if err != nil {
		return fmt.Errorf("read the templates: %w", err)
	}
	s.pages = t
	if s.missing, err = s.absent("missing", "Nothing here"); err != nil {
		return fmt.Errorf("render the page for unknown addresses: %w", err)
	}
	if s.gone, err = s.absent("gone", "No longer here"); err != nil {
		return fmt.Errorf("render the page for what was taken back: %w", err)
	}
	return nil
}

// absent makes the page for addresses where there is nothing.
func (s *Site) absent(template, heading string) (*document, error) {
	p := s.frame(route{}, s.plainView(route{}))
	p.Template, p.Canonical, p.Heading, p.Lead = template, "", heading, ""
	p.Title = p.Heading + " – " + s.planet.Title
	for i := range p.Nav {
		p.Nav[i].Here = false
	}
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, "page.html", p); err != nil {
		return nil, err
	}
	return newDocument(b.Bytes(), facts{typ: "text/html; charset=utf-8", control: absentControl, policy: pagePolicy, untagged: true}), nil
}

// body renders the template that a page names for its main part.
func (s *Site) body(p page) (template.HTML, error) {
	var b strings.Builder
	err := s.pages.ExecuteTemplate(&b, p.Template+".html", p)
	return template.HTML(b.String()), err
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (s *Site) writePage(w io.Writer, rt route, m material) error {
	p := s.frame(rt, m.view)
	switch rt.kind {
	case atEntry:
		e := &m.entries[0]
		x := (&poster{s: s, alone: true, authors: m.authors}).post(e)
		x.History = tellHistory(e, m.versions)
		p.Post = &x
		p.Title, p.Heading, p.Lead = x.Title+" – "+s.planet.Title, x.Title, ""
		p.About = feeds.Excerpt(cmp.Or(e.Summary, e.Content), 200)
	case atCategories:
		p.Categories = s.categoryRows(m.categories)
	case atSources:
		p.Sources = s.sourceRows(m.sources)
	case atStatus:
		p.Status = s.status(m.sources, m.held)
	default:
		p.Site, p.Feed = webLink(m.view.home), webLink(m.view.feed)
		if rt.kind == atSearch {
			p.Search = s.searchForm(rt.filter)
		}
		p.Days = s.days(m)
	}
	return s.pages.ExecuteTemplate(w, "page.html", p)
}

// frame is what surrounds the body of any page.
func (s *Site) frame(rt route, v view) page {
	p := page{
		Planet: s.planet, Home: s.base, OwnerURL: webLink(s.planet.Owner.URL), Names: s.names, Version: s.version,
		Title: v.Title, Heading: v.name, Lead: v.Description, About: v.Description,
		Canonical: s.planet.URL + rt.escaped(), Template: bodies[rt.kind],
		OPML: s.href(route{kind: atOPML}),
	}
	p.Lang, p.Dir = script(s.planet.Language, "")
	p.Lang = cmp.Or(p.Lang, "en") // what our own words are in
	for _, n := range []struct {
		kind kind
		name string
	}{{atHome, "Planet"}, {atCategories, "Categories"}, {atSources, "Sources"}, {atStatus, "Status"}} {
		at := route{kind: n.kind}
		p.Nav = append(p.Nav, navLink{link{n.name, s.href(at)}, at == rt})
	}
	of := route{} // a list and an entry have no feeds of their own: the planet's
	p.FeedsOf = s.planet.Title
	if rt.hasFeeds() && rt.kind != atHome {
		of, p.FeedsOf = rt, v.name
	}
	if rt.kind == atCategory {
		p.List = s.href(rt.list())
	}
	p.Feeds = s.feedLinks(of, p.FeedsOf)
	return p
}

func (s *Site) searchForm(f filter) *searchForm {
	form := &searchForm{Action: s.href(route{kind: atSearch}), Text: f.text}
	for _, x := range [...]searchField{{"category", f.category}, {"source", f.source}, {"author", f.author}, {"lang", f.language}} {
		if x.Value != "" {
			form.Kept = append(form.Kept, x)
		}
	}
	return form
}

func (s *Site) feedLinks(of route, name string) []feedLink {
	list := make([]feedLink, 0, len(formats))
	for _, at := range of.feeds(0) {
		f := at.feed
		label := map[string]string{"atom": "Atom", "rss": "RSS", "json": "JSON"}[f]
		typ, _, _ := strings.Cut(s.facts(at, time.Time{}).typ, ";")
		file := at.document() + at.options()
		list = append(list, feedLink{
			Folder: s.planet.URL + strings.TrimSuffix(at.escaped(), file), File: file,
			Name: label, Type: template.HTMLAttr(`type="` + typ + `"`), Title: name + " (" + label + ")",
			Href: s.href(at), Address: s.planet.URL + at.escaped(),
		})
	}
	return list
}

// days groups entries by the day they appeared. An entry that cannot be
// rendered is left out and reported, the others stay (hostile.md).
func (s *Site) days(m material) []day {
	var days []day
	p := &poster{s: s, budget: inlineAll, authors: m.authors}
	for i := range m.entries {
		x := p.post(&m.entries[i])
		var b strings.Builder
		if err := s.pages.ExecuteTemplate(&b, "post.html", x); err != nil {
			s.log(fmt.Errorf("render entry %s, it is left out: %w", m.entries[i].ID, err))
			continue
		}
		if n := len(days); n == 0 || days[n-1].Text != x.Time.Text {
			iso := ""
			if x.Time.ISO != "" {
				iso = x.Time.ISO[:len(time.DateOnly)]
			}
			days = append(days, day{moment: moment{x.Time.Text, iso}})
		}
		d := &days[len(days)-1]
		d.Posts = append(d.Posts, template.HTML(b.String()))
	}
	return days
}

func (s *Site) categoryRows(list []feeds.Category) []categoryRow {
	var rows []categoryRow
	for _, c := range list {
		if kind, _ := c.List(); kind == "" && validName(c.Slug) {
			at := route{kind: atCategory, name: c.Slug}
			rows = append(rows, categoryRow{link{cmp.Or(c.Title, c.Slug), s.href(at)}, c.Entries, momentOf(c.Updated)})
		}
	}
	slices.SortFunc(rows, func(a, b categoryRow) int { return byName(a.link, b.link) })
	return rows
}

func (s *Site) sourceRows(list []feeds.Source) []sourceRow {
	var rows []sourceRow
	for i := range list {
		x := &list[i]
		if !validName(x.Slug) {
			continue
		}
		at := route{kind: atSource, name: x.Slug}
		r := sourceRow{
			link: link{x.Name(), s.href(at)}, Site: webLink(x.Home()), Feed: s.feedOf(x),
			Entries: x.Entries, Newest: momentOf(x.Updated), Trouble: trouble(x),
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b sourceRow) int { return byName(a.link, b.link) })
	return rows
}

// feedOf is where the feed of a source is: of a folder of ours, the one we make of it.
func (s *Site) feedOf(x *feeds.Source) string {
	if x.Local() && validName(x.Slug) {
		return s.href(route{kind: atSource, name: x.Slug, feed: "atom"})
	}
	return webLink(x.PublicURL())
}

// byName orders a list for people; the address decides between equal names.
func byName(a, b link) int {
	return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.URL, b.URL))
}
