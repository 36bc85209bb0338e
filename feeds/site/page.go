package site

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"orrery/feeds"
)

// page is what every template gets (docs/themes.md).
type page struct {
	Planet    feeds.Planet
	Home      string // root-relative, as all addresses here
	OwnerURL  string
	Names     assetNames
	Version   string
	Lang      string
	Dir       string // of Lang
	Title     string // of the window
	Heading   string
	Lead      string // a sentence about the page
	About     string // the same for link previews
	Address   string // absolute; "" for a page that should not be found
	Canonical string // the same, or where the post was first that the page is a copy of
	NoIndex   bool   // nor any other of this planet
	Image     string // for link previews, absolute
	Refresh   string // where a browser is to go at once; "": nowhere
	Template  string // which of the bodies
	Feeds     []feedLink
	FeedsOf   string       // whose feeds these are
	Node      template.URL // where the XMPP network has the same; ours, not a stranger's
	Nav       []navLink
	Seek      string // where the form of the search leads
	Within    string // where the posts of the view alone are searched; "": nowhere
	OPML      string
	List      string    // the sources of a category as OPML
	Look      look      // when the planet last looked at its sources
	Ways      []navLink // the same posts in other ways
	More      string    // a sentence about posts that are not shown
	Pager     *pager
	AboutPage string // where AboutText is; "": it is not

	// of the body in Template
	Days       []day
	Dates      []titleDay
	Site, Feed string // a source's own addresses
	Doing      string // where it says how the source is doing
	Face       *face
	Chart      *chart
	Post       *post
	Search     *searchForm
	Years      []yearRow
	Categories []listRow
	Languages  []listRow
	Sources    []sourceRow
	Status     *status
	Why        *sourceWhy
	AboutText  template.HTML
}

type feedLink struct {
	Name, Title, Href, Address string
	// Folder and File are Address in two, between which a line may break.
	Folder, File string
	// Type is a whole attribute, because the template would write the + of a media
	// type as a reference, which readers that only search for the words do not find.
	Type template.HTMLAttr
}

type navLink struct {
	link
	Here bool
}

type day struct {
	moment
	Posts []template.HTML
}

// bodies are the templates of the kinds of page.
var bodies = map[kind]string{
	atHome: "view", atCategory: "view", atSource: "view", atAuthor: "view", atLanguage: "view", atSearch: "view",
	atMonth: "titles", atMonths: "months", atEntry: "entry", atCategories: "categories", atSources: "sources",
	atStatus: "status", atWhy: "why", atAbout: "about",
}

// absences are the pages for addresses where there is nothing.
type absences struct {
	missing, gone *document // 404 and 410
}

// loadAbsences makes them, whose footers say when the planet last looked as all do.
func (s *Site) loadAbsences(l look) (err error) {
	a := &absences{}
	if a.missing, err = s.absence("missing", "Nothing here", l); err != nil {
		return err
	}
	if a.gone, err = s.absence("gone", "No longer here", l); err != nil {
		return err
	}
	s.absent.Store(a)
	return nil
}

func (s *Site) absence(template, heading string, l look) (*document, error) {
	p := s.frame(route{}, s.plainView(route{}))
	p.Template, p.Address, p.Heading, p.Lead, p.Look = template, "", heading, "", l
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
	p.Look = m.look
	switch rt.kind {
	case atEntry:
		s.entryPage(&p, m)
	case atCategories:
		p.Categories, p.Languages = s.listRows(m, atCategory), s.listRows(m, atLanguage)
	case atSources:
		p.Sources = s.sourceRows(m)
	case atStatus:
		p.Status = s.status(m)
	case atWhy:
		p.Why = s.sourceWhy(m)
	case atMonths:
		p.Years, p.Chart = s.years(m.months), s.chart(m.months, m.newest())
	case atMonth:
		p.Dates, p.Pager = s.titles(m.entries), s.monthPager(rt.month, m.months)
		if m.more {
			p.More = fmt.Sprintf("These are the newest %d of the month.", len(m.entries))
		}
	case atAbout:
		p.AboutText = s.about
	default:
		s.viewPage(&p, rt, m)
	}
	return s.pages.ExecuteTemplate(w, "page.html", p)
}

func (s *Site) entryPage(p *page, m material) {
	e := &m.entries[0]
	x := (&poster{s: s, alone: true, authors: m.authors}).post(e)
	x.History = tellHistory(e, m.versions)
	x.Reasons = append([]string{tellArrival(e)}, feeds.TellReasons(m.named())...)
	p.Post = &x
	p.Title, p.Heading, p.Lead = x.Title+" – "+s.planet.Title, x.Title, ""
	p.About = feeds.Excerpt(cmp.Or(e.Summary, e.Content), 200)
	p.Image = x.picture(e)
	if x.Host != "" {
		p.Canonical = x.Link
	}
}

// within is where the posts of a list alone are searched.
func (s *Site) within(rt route) string {
	at := route{kind: atSearch}
	switch rt.kind {
	case atCategory:
		at.filter.category = rt.name
	case atSource:
		at.filter.source = rt.name
	case atAuthor:
		at.filter.author = rt.name
	case atLanguage:
		at.filter.language = rt.name
	default:
		return ""
	}
	return s.href(at)
}

// tellArrival says since when a post is here, and why it stands where it does.
func tellArrival(e *feeds.Entry) string {
	came, at := momentOf(e.FirstSeen).Text, momentOf(e.Sort).Text
	text := "It came here on " + came
	if e.Source != nil {
		text = "It came here from " + e.Source.Name() + " on " + came
	}
	if at == came {
		return text + "."
	}
	return text + ", and stands where it was dated then: " + at + "."
}

// viewPage shows the entries of a view: the newest, those of an archive, or titles only.
func (s *Site) viewPage(p *page, rt route, m material) {
	p.Ways, p.Pager, p.Within = s.ways(rt), s.viewPager(rt, m), s.within(rt)
	if rt.titles {
		p.Template, p.Dates = "titles", s.titles(m.entries)
	} else {
		p.Days = s.days(rt, m)
	}
	switch {
	case rt.titles:
		p.Title = "Titles: " + p.Title
	case rt.archive > 0:
		p.Title = fmt.Sprintf("Page %d: %s", rt.archive, p.Title)
		p.Lead = fmt.Sprintf("Page %d, in the order in which posts came here.", rt.archive)
	case rt.kind == atSource:
		p.Site, p.Feed = webLink(m.view.home), webLink(m.view.feed)
		p.Doing = s.href(route{kind: atWhy, name: rt.name})
		p.Chart = s.chart(m.months, m.newest())
		if len(m.sources) == 1 {
			p.Face = s.face(&m.sources[0])
		}
	case rt.kind == atSearch:
		p.Search, p.Lead, p.NoIndex = s.searchForm(rt.filter, m), "", true
		if m.more {
			p.More = fmt.Sprintf("These are the %s %d. More words find fewer.", map[bool]string{true: "best", false: "newest"}[rt.filter.text != ""], len(m.entries))
		}
	case rt.kind != atHome:
		p.Chart = s.chart(m.months, m.newest())
	}
}

// ownScript is the language of the planet's own words, and its direction. Ours are English.
func (s *Site) ownScript() (lang, dir string) {
	lang, dir = script(s.planet.Language, "", nil)
	return cmp.Or(lang, "en"), dir
}

// frame is what surrounds the body of any page.
func (s *Site) frame(rt route, v view) page {
	p := page{
		Planet: s.planet, Home: s.base, OwnerURL: webLink(s.planet.Owner.URL), Names: s.names, Version: s.version,
		Title: v.Title, Heading: v.name, Lead: v.Description, About: v.Description,
		Address: s.planet.URL + rt.escaped(), Template: bodies[rt.kind], NoIndex: s.noIndex,
		OPML: s.href(route{kind: atOPML}), Seek: s.href(route{kind: atSearch}),
	}
	p.Lang, p.Dir = s.ownScript()
	for _, n := range []struct {
		kind kind
		name string
	}{{atHome, "Planet"}, {atCategories, "Categories"}, {atSources, "Sources"}, {atMonths, "Archive"}, {atStatus, "Status"}, {atAbout, "About"}} {
		if n.kind == atAbout && s.about == "" {
			continue
		}
		at := route{kind: n.kind}
		p.Nav = append(p.Nav, navLink{link{n.name, s.href(at)}, at == rt.page()})
	}
	if s.about != "" {
		p.AboutPage = s.href(route{kind: atAbout})
	}
	of := route{} // a list and an entry have no feeds of their own: the planet's
	p.FeedsOf = s.planet.Title
	if rt.hasFeeds() && rt.kind != atHome {
		of, p.FeedsOf = rt, v.name
	}
	if rt.kind == atCategory {
		p.List = s.href(rt.list())
	}
	p.Feeds, p.Node = s.feedLinks(of, p.FeedsOf), template.URL(s.node(of))
	p.Canonical = p.Address
	return p
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
func (s *Site) days(rt route, m material) []day {
	var days []day
	p := &poster{s: s, budget: inlineAll, authors: m.authors}
	if rt.archive > 0 {
		p.budget = 0 // what is long has its page; the past of a large planet need not hold it many times
	}
	if rt.kind == atSearch {
		p.search = feeds.ParseSearch(rt.filter.text)
	}
	var key []byte
	for i := range m.entries {
		x := p.post(&m.entries[i])
		html, err := s.fragment(&x, &key)
		if err != nil {
			s.log(fmt.Errorf("render entry %s, it is left out: %w", m.entries[i].ID, err))
			continue
		}
		if n := len(days); n == 0 || days[n-1].Text != x.Time.Text {
			days = append(days, day{moment: dayOf(x.Time)})
		}
		d := &days[len(days)-1]
		d.Posts = append(d.Posts, html)
	}
	return days
}

// dayOf is a moment without its hour.
func dayOf(m moment) moment {
	if m.ISO != "" {
		m.ISO = m.ISO[:len(time.DateOnly)]
	}
	return m
}

// byName orders a list for people; the address decides between equal names.
func byName(a, b link) int {
	return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.URL, b.URL))
}
