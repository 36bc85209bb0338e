package site

import (
	"fmt"
	"slices"
	"time"

	"orrery/feeds"
)

// A pager leads from a page to those before and behind it.
type pager struct {
	Newer, Older *link
	Here         string // which page this is
	Months       []link // the last months
	AllMonths    string
}

// pagerMonths is how many months a pager names.
const pagerMonths = 6

// viewPager leads to the numbered pages of a view, which are its archives: numbered from
// the oldest, in the order of arrival, they never shift (pages.md 5), and none but the last
// changes when another comes. The planet's first page also leads to its months, which are
// in the order of time.
func (s *Site) viewPager(rt route, m material) *pager {
	p := &pager{}
	page := func(n int) *link {
		at := rt.page()
		at.archive = n
		return &link{fmt.Sprintf("Page %d", n), s.href(at)}
	}
	switch n := rt.archive; {
	case n == 0 && m.archives > 0:
		p.Older = page(m.archives)
	case n > 0:
		p.Here = fmt.Sprintf("Page %d", n) // of how many would change with every new one
		if p.Newer = page(n + 1); n == m.archives {
			p.Newer = &link{"The newest posts", s.href(rt.page())}
		}
		if n > 1 {
			p.Older = page(n - 1)
		}
	}
	if rt.kind == atHome && rt.archive == 0 && len(m.months) > 0 {
		p.AllMonths = s.href(route{kind: atMonths})
		for _, c := range m.months[:min(len(m.months), pagerMonths)] {
			p.Months = append(p.Months, s.monthLink(c.Month))
		}
	}
	if p.Older == nil && p.Newer == nil && p.Months == nil {
		return nil
	}
	return p
}

func (s *Site) monthLink(m feeds.Month) link {
	return link{monthName(m), s.href(route{kind: atMonth, month: m})}
}

// monthPager leads to the months with posts before and behind.
func (s *Site) monthPager(m feeds.Month, months []feeds.MonthCount) *pager {
	p := &pager{AllMonths: s.href(route{kind: atMonths})}
	for _, c := range months { // the newest first
		l := s.monthLink(c.Month)
		if c.Month > m {
			p.Newer = &l
		} else if c.Month < m {
			p.Older = &l
			break
		}
	}
	return p
}

// ways are a view's pages with its texts and without.
func (s *Site) ways(rt route) []navLink {
	if !rt.numbered() {
		return nil
	}
	full := rt.page()
	titles := full
	titles.titles = true
	return []navLink{{link{"Posts", s.href(full)}, rt == full}, {link{"Titles only", s.href(titles)}, rt == titles}}
}

// titleDay are the titles of a day.
type titleDay struct {
	moment
	Titles []title
}

// title is a post without its text.
type title struct {
	Lang, Dir string
	link
	Untitled bool
	Here     string
	Source   link
}

// titles groups the titles of entries by their days.
func (s *Site) titles(entries []feeds.Entry) []titleDay {
	var days []titleDay
	p := &poster{s: s}
	for i := range entries {
		x := p.heading(&entries[i])
		if n := len(days); n == 0 || days[n-1].Text != x.Time.Text {
			days = append(days, titleDay{moment: dayOf(x.Time)})
		}
		d := &days[len(days)-1]
		d.Titles = append(d.Titles, title{x.Lang, x.Dir, link{x.Title, x.Link}, x.Untitled, x.Here, x.Source})
	}
	return days
}

// yearRow are the months of a year, from January.
type yearRow struct {
	Year   int
	Sum    int
	Months [12]monthCell
}

// Names are the names of the months, in short.
func (yearRow) Names() (names [12]string) {
	for i := range names {
		names[i] = time.Month(i + 1).String()[:3]
	}
	return names
}

type monthCell struct {
	link
	Entries int
}

// years are those with posts, the newest first.
func (s *Site) years(months []feeds.MonthCount) []yearRow {
	var rows []yearRow
	for _, c := range months {
		if n := len(rows); n == 0 || rows[n-1].Year != c.Month.Year() {
			rows = append(rows, yearRow{Year: c.Month.Year()})
		}
		y := &rows[len(rows)-1]
		y.Sum += c.Entries
		y.Months[c.Month.Month()-1] = monthCell{s.monthLink(c.Month), c.Entries}
	}
	return rows
}

// holds says that there are posts of the month.
func holds(months []feeds.MonthCount, m feeds.Month) bool {
	return slices.ContainsFunc(months, func(c feeds.MonthCount) bool { return c.Month == m })
}
