package aggregator

import (
	"context"
	"database/sql"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
	"orrery/storage"
)

// item is a post as a feed lists it, or a folder has it.
type item struct {
	guid, link, title, text string
	at, updated             time.Time
	tags                    []string
}

// turn puts one text in the place of another.
func turn(x *string, from, to string) { *x = strings.Replace(*x, from, to, 1) }

// habit is a kind of feed: what the n-th post of the source at the host is like.
type habit struct {
	name  string
	write func(host string, n int) item
}

// prose is a text of so many words that no other name has, three in a row.
func prose(name string, words int) string {
	var b strings.Builder
	for i := range words {
		h := fnv.New32a()
		fmt.Fprint(h, name, " ", i)
		if fmt.Fprintf(&b, "%c%s%s ", 'a'+rune(h.Sum32()%26), []string{"lo", "re", "mi", "tu", "sa"}[h.Sum32()/26%5], []string{"n", "st", "rk", "da", "vel"}[h.Sum32()/130%5]); i%12 == 11 {
			fmt.Fprintf(&b, "%s%d. ", name, i)
		}
	}
	return strings.TrimSpace(b.String())
}

// rss is a document that lists the items in this order.
func rss(title string, items ...item) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<rss version="2.0"><channel><title>%s</title><link>https://a.example/</link>`, title)
	for _, x := range items {
		b.WriteString("<item>")
		if x.guid != "" {
			fmt.Fprintf(&b, `<guid isPermaLink="false">%s</guid>`, escaped(x.guid))
		}
		if x.link != "" {
			fmt.Fprintf(&b, `<link>%s</link>`, escaped(x.link))
		}
		if x.title != "" {
			fmt.Fprintf(&b, `<title>%s</title>`, escaped(x.title))
		}
		if !x.at.IsZero() {
			fmt.Fprintf(&b, `<pubDate>%s</pubDate>`, x.at.Format(time.RFC1123Z))
		}
		for _, tag := range x.tags {
			fmt.Fprintf(&b, `<category>%s</category>`, escaped(tag))
		}
		fmt.Fprintf(&b, `<description>%s</description></item>`, escaped(x.text))
	}
	return b.String() + `</channel></rss>`
}

// atomOf is an Atom document that lists the items in this order.
func atomOf(title string, items ...item) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x:%s</id><title>%[1]s</title>`, title)
	for _, x := range items {
		fmt.Fprintf(&b, `<entry><id>%s</id><title>%s</title><updated>%s</updated>`, escaped(x.guid), escaped(x.title), x.updated.Format(time.RFC3339))
		if !x.at.IsZero() {
			fmt.Fprintf(&b, `<published>%s</published>`, x.at.Format(time.RFC3339))
		}
		fmt.Fprintf(&b, `<link href="%s"/><content type="html">%s</content></entry>`, escaped(x.link), escaped(x.text))
	}
	return b.String() + `</feed>`
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // to memory
	return b.String()
}

// planet is a store with its clock, and what its sources say when they are asked.
type planet struct {
	t    testing.TB
	db   *storage.DB
	path string
	now  time.Time
	says fakes
	log  []string // what the last pass brought, a line a visit

	aside  *sql.DB              // the store, behind its back; nil until it is asked
	asked  map[string]*sql.Stmt // by the question
	tables []string             // the questions for all that it holds
}

// newPlanet has these sources, of which none was visited yet.
func newPlanet(t testing.TB, sources ...feeds.Source) *planet {
	t.Helper()
	p := &planet{t: t, path: newFile(t), now: epoch, says: fakes{}}
	p.db = open(t, p.path)
	p.sync(sources...)
	return p
}

// sync makes these its sources.
func (p *planet) sync(sources ...feeds.Source) {
	p.t.Helper()
	if err := p.db.Sync(p.t.Context(), p.now, sources, &feeds.Rules{}); err != nil {
		p.t.Fatal(err)
	}
}

// blogger is a planet of one source, called a, which says this in its first visit.
func blogger(t testing.TB, document string) *planet {
	t.Helper()
	p := newPlanet(t, remote("a"))
	p.hears("a", document)
	p.pass(0)
	return p
}

// hears has the source say this from now on.
func (p *planet) hears(slug, document string) { p.says[slug] = body(document) }

// pass makes one over the sources, or all of them, so much later.
func (p *planet) pass(later time.Duration, slugs ...string) Summary {
	p.t.Helper()
	p.now = p.now.Add(later)
	p.log = nil
	a, _ := newAggregator(p.db, nil, func(o *Options) {
		o.Fetch = map[string]fetch.Func{"http": p.says.fetch, "https": p.says.fetch, "file": p.says.fetch}
		o.Now = func() time.Time { return p.now }
		o.Intervals = Intervals{time.Nanosecond, time.Nanosecond}
		o.Observe = func(v feeds.Visit, tally feeds.Tally) {
			p.log = append(p.log, fmt.Sprintf("%s %+v %v %q", v.Due.Source.Slug, tally, v.Err, v.Problems))
		}
	})
	s := refresh(p.t, a, Pass{All: len(slugs) == 0, Slugs: slugs})
	if s.Failed != 0 || s.Sources == 0 {
		p.t.Errorf("the pass failed: %s; %q", s, p.log)
	}
	return s
}

// settle makes a pass after which nobody is told any more what the one before found
// strange.
func (p *planet) settle() { p.pass(time.Minute) }

// again makes a pass in which all say the same as before. Nothing may change.
func (p *planet) again(what string) {
	p.t.Helper()
	before := p.dump()
	if s := p.pass(time.Minute); !s.Zero() {
		p.t.Errorf("%s, the same again: %s", what, s)
	}
	if d := difference(before, p.dump()); d != "" {
		p.t.Errorf("%s, the same again changes\n%s", what, d)
	}
}

// entries are those that the planet shows, the newest first; with a slug, those of
// the source.
func (p *planet) entries(slug ...string) []feeds.Entry {
	p.t.Helper()
	q := feeds.Query{}
	if len(slug) > 0 {
		q.Source = slug[0]
	}
	list, err := p.db.Entries(p.t.Context(), q)
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

// order is the ID and title of each of the entries.
func (p *planet) order(slug ...string) []string {
	p.t.Helper()
	out := []string{}
	for _, e := range p.entries(slug...) {
		out = append(out, e.ID+" "+e.Title)
	}
	return out
}

func (p *planet) titles(slug ...string) []string {
	p.t.Helper()
	out := []string{}
	for _, e := range p.entries(slug...) {
		out = append(out, e.Title)
	}
	return out
}

// trouble is what people are told of the source's last visit.
func (p *planet) trouble(slug string) string {
	p.t.Helper()
	return sources(p.t, p.db)[slug].State.LastError
}

// told is what the outbox has got after its first n rows, with a slug of that source's
// entries, in order: the event, and the title that the entry has now.
func (p *planet) told(n int, slug ...string) []string {
	p.t.Helper()
	of := ""
	if len(slug) > 0 {
		of = slug[0]
	}
	return p.rows(`SELECT o.event || ' ' || coalesce(json_extract(c.body, '$.title'), '') FROM outbox o JOIN entries e ON e.id = o.entry_id
		JOIN copies c ON c.id = e.copy_id JOIN sources s ON s.id = c.source_id WHERE o.id > $1 AND ($2 = '' OR s.slug = $2) ORDER BY o.id`, n, of)
}

// outbox is how many rows it has.
func (p *planet) outbox() int { return len(p.told(0)) }

// rows is what a question for one column gives.
func (p *planet) rows(query string, args ...any) []string {
	p.t.Helper()
	return column(p.t, p.asks(query), args...)
}

// asks is a question to the store behind its back, which is compiled once.
func (p *planet) asks(query string) *sql.Stmt {
	p.t.Helper()
	if p.aside == nil {
		db, err := sql.Open("sqlite", "file:"+p.path+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)")
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { db.Close() })
		db.SetMaxOpenConns(1)
		p.aside, p.asked = db, map[string]*sql.Stmt{}
	}
	if p.asked[query] == nil {
		s, err := p.aside.PrepareContext(p.t.Context(), query)
		if err != nil {
			p.t.Fatal(err)
		}
		p.asked[query] = s // closed with its database
	}
	return p.asked[query]
}

func column(t testing.TB, question *sql.Stmt, args ...any) []string {
	t.Helper()
	rows, err := question.QueryContext(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// dump is all that the store holds but when it was asked last, a line a row.
func (p *planet) dump() []string {
	p.t.Helper()
	const clock = " last_visit last_success next_visit lease fence answer "
	if p.tables == nil {
		for _, table := range p.rows(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`) {
			text := "'" + table + "'"
			for _, c := range p.rows(`SELECT name FROM pragma_table_info(?)`, table) {
				if table != "sources" || !strings.Contains(clock, " "+c+" ") {
					text += ` || ' ' || quote("` + c + `")`
				}
			}
			p.tables = append(p.tables, `SELECT `+text+` FROM "`+table+`" ORDER BY 1`)
		}
	}
	out := []string{}
	for _, query := range p.tables {
		out = append(out, p.rows(query)...)
	}
	return out
}

// difference is what only one of the dumps has, "" for nothing.
func difference(before, after []string) string {
	var b strings.Builder
	for _, x := range before {
		if _, ok := slices.BinarySearch(after, x); !ok {
			fmt.Fprintf(&b, "- %.300s\n", x)
		}
	}
	for _, x := range after {
		if _, ok := slices.BinarySearch(before, x); !ok {
			fmt.Fprintf(&b, "+ %.300s\n", x)
		}
	}
	return b.String()
}

// folderOf answers as a folder with these posts does: with all of them, and with
// the GUIDs of those that it had before and has no more.
func folderOf(p *planet, slug string, items ...item) {
	had := p.rows(`SELECT json_extract(c.body, '$.guid') FROM copies c JOIN sources s ON s.id = c.source_id WHERE s.slug = ? AND c.withdrawn = 0`, slug)
	p.says[slug] = func(_ context.Context, s feeds.Source, _ feeds.Validators) (fetch.Response, error) {
		f := &feeds.Feed{Format: "markdown", Title: s.Title}
		has := map[string]bool{}
		for _, x := range items {
			e := feeds.Entry{
				GUID: x.link, GUIDGlobal: true, Permalink: x.link, Title: x.title, Content: "<p>" + x.text + "</p>", Published: x.at, Updated: x.updated,
			}
			for _, tag := range x.tags {
				e.Tags = append(e.Tags, feeds.Tag{Term: tag})
			}
			f.Entries, has[e.GUID] = append(f.Entries, e), true
		}
		r := fetch.Response{URL: s.URL, Feed: f, Validators: feeds.Validators{URL: s.URL, Listing: []byte(fmt.Sprint(items))}}
		for _, g := range had {
			if !has[g] {
				r.Withdrawn = append(r.Withdrawn, g)
			}
		}
		return r, nil
	}
}

// local is a folder of ours.
func local(slug string) feeds.Source {
	return feeds.Source{Slug: slug, URL: "file:///posts/" + slug, Title: slug}
}
