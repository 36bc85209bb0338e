package site

import (
	"cmp"
	"slices"

	"orrery/feeds"
)

// listRow is a category or a language in a list of them.
type listRow struct {
	link
	Feed    string // of the list, as Atom
	Entries int
	Newest  moment
	Share   int // of the entries of the longest, in percent, at least 1
	Chart   *chart
}

type sourceRow struct {
	link
	Site, Feed string
	Doing      string // where it says how the source is doing
	Face       *face
	Entries    int
	Newest     moment
	Condition  string
	Trouble    string
	Chart      *chart
}

// listRows are the lists of a kind, by name; languages by how much is written in them.
func (s *Site) listRows(m material, of kind) []listRow {
	var rows []listRow
	most := 0
	for i := range m.categories {
		c := &m.categories[i]
		kind, slug := c.List()
		at := route{kind: of, name: slug}
		name := cmp.Or(c.Title, c.Slug)
		switch {
		case !validName(slug) || c.Entries == 0:
			continue
		case of == atCategory && kind == "":
		case of == atLanguage && kind == feeds.LanguageList:
			name = languageName(slug)
		default:
			continue
		}
		most = max(most, c.Entries)
		feed := at
		feed.feed = "atom"
		rows = append(rows, listRow{link{name, s.href(at)}, s.href(feed), c.Entries, momentOf(c.Newest), 0, s.chart(m.activity[c.Slug], m.newest())})
	}
	for i := range rows {
		rows[i].Share = max(rows[i].Entries*100/most, 1)
	}
	slices.SortFunc(rows, func(a, b listRow) int {
		if of == atLanguage && a.Entries != b.Entries {
			return b.Entries - a.Entries
		}
		return byName(a.link, b.link)
	})
	return rows
}

func (s *Site) sourceRows(m material) []sourceRow {
	var rows []sourceRow
	for i := range m.sources {
		x := &m.sources[i]
		if !validName(x.Slug) {
			continue
		}
		rows = append(rows, sourceRow{
			link: s.sourceLink(x), Site: webLink(x.Home()), Feed: s.feedOf(x), Doing: s.href(route{kind: atWhy, name: x.Slug}), Face: s.face(x),
			Entries: x.Entries, Newest: momentOf(x.Newest), Condition: x.Condition(), Trouble: trouble(x), Chart: s.chart(m.activity[x.Slug], m.newest()),
		})
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
