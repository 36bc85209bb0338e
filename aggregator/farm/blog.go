package farm

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// blog is what all the posts of a feed have in common.
type blog struct {
	number      int
	seed        int64
	format      format
	title       string
	host        string
	about       string
	people      []string
	tags        []string
	zone        *time.Location
	entries     int           // in its feed
	mean        int           // bytes of a post
	gap         time.Duration // between two posts
	last        time.Time     // of the entries it began with
	xhtml       bool          // Atom's content is inline
	base        bool          // and has an xml:base
	handWritten bool          // no generator's classes and styles in its markup
}

type format int

const (
	rss format = iota
	atom
	rdf
)

// formatOf spreads the formats evenly: of a hundred feeds that follow one
// another seventy are RSS 2.0, 25 Atom and five RSS 1.0.
func formatOf(n int) format {
	switch n = n * 37 % 100; {
	case n < 70:
		return rss
	case n < 95:
		return atom
	}
	return rdf
}

// What the numbers and sizes of entries are: of real feeds most have ten to
// fifty, and some blogs are all links while others are all essays.
var (
	entryCounts = []int{10, 10, 10, 10, 15, 20, 20, 25, 25, 30, 30, 30, 40, 50, 50, 100, 100}
	postSizes   = []int{600, 1500, 2500, 4000, 4500, 6000, 6500, 8500, 10000, 17000}
	postSpread  = []int{20, 40, 60, 80, 100, 100, 120, 180, 200} // percent of its blog's
)

// The first posts of the oldest blogs are of 2001; what a step adds is younger
// than all that was there.
var (
	newest = time.Date(2025, 5, 1, 0, 0, 0, 0, time.UTC)
	spring = time.Date(2025, 6, 1, 8, 0, 0, 0, time.UTC)
)

const day = 24 * time.Hour

func (f *Farm) blog(n int) *blog {
	t := &text{Rand: rand.New(rand.NewPCG(uint64(f.options.Seed), uint64(n)))}
	b := &blog{
		number: n, seed: f.options.Seed, format: formatOf(n),
		host: fmt.Sprintf("%s-%d.example", t.slug(), n), title: t.words(2 + t.IntN(3)), about: t.words(8),
		zone:    time.FixedZone("", 1800*(t.IntN(40)-16)),
		entries: entryCounts[t.IntN(len(entryCounts))], mean: postSizes[t.IntN(len(postSizes))],
		gap: time.Duration(1+t.IntN(45)) * day, last: newest.Add(-time.Duration(t.IntN(700)) * day),
		xhtml: t.one(3), base: t.one(4), handWritten: t.one(3),
	}
	if f.options.Entries > 0 {
		b.entries, b.mean = f.options.Entries, 700
	}
	for range 1 + t.IntN(3) {
		b.people = append(b.people, t.pick(names)+" "+capital(t.word()))
	}
	for range 4 + t.IntN(20) {
		b.tags = append(b.tags, t.tag())
	}
	return b
}

// tag is one of about two thousand, some of them in everybody's mouth.
func (t *text) tag() string {
	w := t.pick(vocabulary[100:])
	if t.one(2) {
		return w
	}
	return capital(w) + " " + vocabulary[100+t.IntN(8)]
}

// post is an entry without its content.
type post struct {
	title, link, guid, author string
	tags                      []string
	at                        time.Time
}

// text is the generator of a post, the same whatever else stands in the feed.
func (b *blog) text(number int) *text {
	t := &text{
		Rand:  rand.New(rand.NewPCG(uint64(b.seed), uint64(b.number+1)<<32|uint64(number))),
		nbsp:  "&nbsp;",
		marks: []string{" &mdash;", "&hellip;", " &amp;", " &#8217;", " &#8211;", ";", ":", " &quot;quoted&quot;"},
	}
	if b.format == atom && b.xhtml { // XML has none of HTML's names
		t.nbsp, t.marks = "&#160;", []string{" &#8212;", "&#8230;", " &amp;", " –", ";"}
	}
	return t
}

// post is the entry with the number; the first one has zero, what steps add is
// behind those the blog began with.
func (b *blog) post(number int, t *text) post {
	at := spring.Add(time.Duration(number-b.entries) * time.Hour)
	if back := b.entries - 1 - number; back >= 0 {
		at = b.last.Add(-time.Duration(back)*b.gap - time.Duration(t.Int64N(int64(day))).Truncate(time.Second))
	}
	p := post{
		title: t.words(3 + t.IntN(7)), author: b.people[t.IntN(len(b.people))], at: at.In(b.zone),
		link: "https://" + b.host + "/" + at.Format("2006/01/") + t.slug() + "-" + strconv.Itoa(number) + "/",
		guid: fmt.Sprintf("https://%s/?p=%d", b.host, 1000+number),
	}
	if b.format == atom {
		p.guid = fmt.Sprintf("tag:%s,2020:post-%d", b.host, number)
	}
	if t.one(5) {
		p.title += " & " + t.word()
	}
	first := t.IntN(len(b.tags))
	for i := range t.IntN(min(len(b.tags), 6)) {
		p.tags = append(p.tags, b.tags[(first+i)%len(b.tags)])
	}
	return p
}

// content writes a post of about its size.
func (b *blog) content(t *text) {
	end := len(t.b) + b.mean*postSpread[t.IntN(len(postSpread))]/100
	t.paragraph(b)
	for len(t.b) < end {
		switch t.IntN(20) {
		case 0:
			t.add("<h2>", t.words(4), "</h2>\n")
		case 1:
			t.list()
		case 2:
			t.code(b)
		case 3:
			t.image(b)
		case 4:
			t.add("<blockquote><p>")
			t.sentence()
			t.add("</p></blockquote>\n")
		default:
			t.paragraph(b)
		}
	}
	if !b.handWritten && t.one(3) { // a counter, which every reader has to take out
		t.add(`<img src="https://stats.example/p.gif?`, t.hex(24), `" alt="" width="1" height="1" />`)
	}
}

func (t *text) paragraph(b *blog) {
	switch {
	case b.handWritten:
		t.add("<p>")
	case t.one(3):
		t.add(`<p class="wp-block-paragraph has-`, t.hex(4), `" style="margin-top:1em">`)
	default:
		t.add(`<p id="`, t.hex(8), `">`)
	}
	for range 2 + t.IntN(5) {
		t.sentence()
	}
	if t.one(8) {
		t.add("<br />\n")
		t.sentence()
	}
	t.add("</p>\n")
}

func (t *text) list() {
	t.add("<ul>\n")
	for range 2 + t.IntN(6) {
		t.add("<li>")
		t.sentence()
		t.add("</li>\n")
	}
	t.add("</ul>\n")
}

func (t *text) code(b *blog) {
	t.add("<pre>")
	if !b.handWritten {
		t.add(`<code class="language-go" data-line="`, t.hex(2), `">`)
	} else {
		t.add("<code>")
	}
	for range 3 + t.IntN(12) {
		t.add("if ", t.word(), " &lt; ", t.word(), " &amp;&amp; ", t.word(), "(&quot;", t.hex(6), "&quot;) {\n\treturn ", t.word(), "\n}\n")
	}
	t.add("</code></pre>\n")
}

func (t *text) image(b *blog) {
	name := "https://" + b.host + "/uploads/" + t.slug() + "-" + t.hex(6)
	t.add(`<figure class="wp-block-image"><img src="`, name, `.jpg" alt="`, t.words(4), `" width="1024" height="683"`)
	if !b.handWritten {
		t.add(` srcset="`, name, `-300x200.jpg 300w, `, name, `-768x512.jpg 768w" sizes="(max-width: 1024px) 100vw, 1024px" loading="lazy"`)
	}
	t.add(` /><figcaption>`, t.words(6), "</figcaption></figure>\n")
}
