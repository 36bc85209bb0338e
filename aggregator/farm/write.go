package farm

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"
)

// packers are kept: to make one takes longer than to compress a short feed.
// Level 4 takes half the time of the usual 6, and 3 % more room.
var packers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, 4) // there is such a level
	return z
}}

// write writes a feed after some steps.
func (f *Farm) write(n, grown int) *document {
	b := f.blog(n)
	w := &writer{blog: b}
	d := &document{entries: b.entries}
	d.modified = b.post(b.entries+grown-1, b.text(b.entries+grown-1)).at.UTC()
	switch b.format {
	case rss:
		d.mediaType = "application/rss+xml; charset=UTF-8"
		w.rss(grown, d.modified)
	case atom:
		d.mediaType = "application/atom+xml; charset=utf-8"
		w.atom(grown, d.modified)
	case rdf:
		d.mediaType = "text/xml"
		w.rdf(grown, d.modified)
	}
	d.size = len(w.b)
	sum := sha256.Sum256(w.b)
	d.etag = hex.EncodeToString(sum[:10])
	var packed bytes.Buffer
	z := packers.Get().(*gzip.Writer)
	z.Reset(&packed)
	_, _ = z.Write(w.b) // a buffer takes everything
	_ = z.Close()
	packers.Put(z)
	d.packed = slices.Clip(packed.Bytes())
	return d
}

// writer writes the document of a blog.
type writer struct {
	*blog
	b []byte
}

func (w *writer) add(parts ...string) {
	for _, p := range parts {
		w.b = append(w.b, p...)
	}
}

// element adds one with its text escaped.
func (w *writer) element(name, value string) {
	w.add("<", name, ">")
	w.escaped([]byte(value))
	w.add("</", name, ">\n")
}

func (w *writer) escaped(s []byte) {
	for _, c := range s {
		switch c {
		case '<':
			w.b = append(w.b, "&lt;"...)
		case '>':
			w.b = append(w.b, "&gt;"...)
		case '&':
			w.b = append(w.b, "&amp;"...)
		case '"':
			w.b = append(w.b, "&quot;"...)
		default:
			w.b = append(w.b, c)
		}
	}
}

// each hands out the posts in the feed, newest first.
func (w *writer) each(grown int, f func(p post, t *text)) {
	for n := grown + w.entries - 1; n >= grown; n-- {
		t := w.text(n)
		f(w.post(n, t), t)
	}
}

func (w *writer) home() string { return "https://" + w.host + "/" }

func (w *writer) rss(grown int, modified time.Time) {
	w.add(`<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
	xmlns:atom="http://www.w3.org/2005/Atom" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">
<channel>
`)
	w.element("title", w.title)
	w.add(`<atom:link href="`, w.home(), `feed/" rel="self" type="application/rss+xml" />`, "\n")
	w.element("link", w.home())
	w.element("description", w.about)
	w.element("lastBuildDate", modified.Format(time.RFC1123Z))
	w.add("<language>en-US</language>\n<sy:updatePeriod>hourly</sy:updatePeriod>\n<sy:updateFrequency>1</sy:updateFrequency>\n")
	w.each(grown, func(p post, t *text) {
		w.add("<item>\n")
		w.element("title", p.title)
		w.element("link", p.link)
		w.add("<dc:creator><![CDATA[", p.author, "]]></dc:creator>\n<pubDate>", p.at.Format(time.RFC1123Z), "</pubDate>\n")
		for _, tag := range p.tags {
			w.add("<category><![CDATA[", tag, "]]></category>\n")
		}
		w.add(`<guid isPermaLink="false">`)
		w.escaped([]byte(p.guid))
		w.add("</guid>\n<description><![CDATA[", w.excerpt(t), " [&#8230;]]]></description>\n")
		w.encoded(t)
		w.add("</item>\n")
	})
	w.add("</channel>\n</rss>\n")
}

// excerpt is the beginning of a post as WordPress gives it, without markup.
func (w *writer) excerpt(t *text) string {
	var b strings.Builder
	b.WriteString("<p>")
	for range 3 + t.IntN(3) {
		b.WriteString(t.words(12) + ". ")
	}
	b.WriteString("</p>")
	return b.String()
}

// encoded is the whole post, in nine blogs of ten in a CDATA section.
func (w *writer) encoded(t *text) {
	w.content(t)
	if w.number%10 == 9 {
		w.add("<content:encoded>")
		w.escaped(t.b)
	} else {
		w.add("<content:encoded><![CDATA[")
		w.b = append(w.b, t.b...)
		w.add("]]>")
	}
	w.add("</content:encoded>\n")
}

func (w *writer) atom(grown int, modified time.Time) {
	w.add(`<?xml version="1.0" encoding="utf-8"?>`, "\n", `<feed xmlns="http://www.w3.org/2005/Atom"`)
	if w.base {
		w.add(` xml:base="`, w.home(), `"`)
	}
	w.add(` xml:lang="en">`, "\n")
	w.element("title", w.title)
	w.element("subtitle", w.about)
	w.add(`<link href="`, w.home(), `" />`, "\n", `<link rel="self" type="application/atom+xml" href="`, w.home(), `atom.xml" />`, "\n")
	w.element("id", "tag:"+w.host+",2020:feed")
	w.element("updated", modified.Format(time.RFC3339))
	w.each(grown, func(p post, t *text) {
		w.add("<entry>\n")
		w.element("title", p.title)
		w.add(`<link rel="alternate" type="text/html" href="`, p.link, `" />`, "\n")
		w.element("id", p.guid)
		w.element("published", p.at.Format(time.RFC3339))
		w.element("updated", p.at.Add(time.Hour).Format(time.RFC3339))
		w.add("<author>\n")
		w.element("name", p.author)
		w.element("uri", w.home()+"about/")
		w.add("</author>\n")
		for _, tag := range p.tags {
			w.add(`<category term="`)
			w.escaped([]byte(tag))
			w.add(`" />`, "\n")
		}
		w.atomContent(t)
		w.add("</entry>\n")
	})
	w.add("</feed>\n")
}

func (w *writer) atomContent(t *text) {
	w.content(t)
	if w.xhtml {
		w.add(`<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">`)
		w.b = append(w.b, t.b...)
		w.add("</div></content>\n")
		return
	}
	w.add(`<content type="html">`)
	w.escaped(t.b)
	w.add("</content>\n")
}

func (w *writer) rdf(grown int, modified time.Time) {
	w.add(`<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel rdf:about="`, w.home(), `">
`)
	w.element("title", w.title)
	w.element("link", w.home())
	w.element("description", w.about)
	w.element("dc:date", modified.Format(time.RFC3339))
	w.add("<items><rdf:Seq>\n")
	w.each(grown, func(p post, _ *text) { w.add(`<rdf:li rdf:resource="`, p.link, `" />`, "\n") })
	w.add("</rdf:Seq></items>\n</channel>\n")
	w.each(grown, func(p post, t *text) {
		w.add(`<item rdf:about="`, p.link, `">`, "\n")
		w.element("title", p.title)
		w.element("link", p.link)
		w.element("dc:date", p.at.Format(time.RFC3339))
		w.element("dc:creator", p.author)
		for _, tag := range p.tags {
			w.element("dc:subject", tag)
		}
		w.element("description", t.words(30))
		w.encoded(t)
		w.add("</item>\n")
	})
	w.add("</rdf:RDF>\n")
}
