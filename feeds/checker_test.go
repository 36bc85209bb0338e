package feeds

import (
	"bytes"
	"strings"
	"testing"
)

// goodFeed has what the checkers look at, and what is around an archive.
func goodFeed() *Feed {
	e := stored("https://a.example/1", 1, &Source{Slug: "a", URL: "https://a.example/feed", FeedID: "tag:a.example,2026:f", FeedTitle: "A", Icon: "https://a.example/i.png"})
	e.Permalink, e.Image = "https://a.example/1", "https://a.example/1.png"
	e.Authors, e.Contributors = []Person{{Name: "Ann", URL: "https://ann.example/"}}, []Person{{Name: "Cy"}}
	e.Tags = []Tag{{Term: "t", Scheme: "tag:a.example,2026:t"}, {Term: "a & b"}}
	e.Summary, e.Language, e.TitleHTML, e.Title = "<p>s</p>", "de", "<b>b</b>", "b"
	e.Enclosures = []Enclosure{{URL: "https://a.example/1.mp3", Type: "audio/mpeg", Length: 3}, {URL: "https://a.example/1.ogg", Type: "audio/ogg"}}
	e.Links = []Link{{Rel: "license", URL: "https://l.example/"}, {Rel: "replies", URL: "https://a.example/1#c", Language: "fr", Type: "text/html"}}
	e.Changed = day(2)
	second := stored("2", 1, nil)
	second.ID = "second"
	p := testPlanet
	p.Icon = "https://planet.example/icon.png"
	f := p.Compose(View{Title: "P", Description: "All & more"}, "feed", []Entry{e, second})
	f.Hubs = []string{"https://hub.example/"}
	f.Archive, f.PrevArchive, f.NextArchive, f.Current = true, "https://planet.example/1", "https://planet.example/3", "https://planet.example/now"
	p.Bury(f, []Tombstone{{ID: "gone", At: day(1)}, {GUID: "tag:a.example,2026:gone", At: day(1)}})
	return f
}

// A checker that finds nothing proves nothing: every rule is broken once in a
// good document, by one replacement, and must be reported.
func TestCheckersSeeEveryFault(t *testing.T) {
	good := goodFeed()
	for format, list := range map[string][][2]string{
		"atom": append(atomFaults(), atomTextFaults()...), "rss": append(rssFaults(), rssTextFaults()...), "json": append(jsonFaults(), jsonOurFaults()...),
	} {
		doc := string(writeValid(t, format, good))
		for _, f := range list {
			bad := strings.Replace(doc, f[0], f[1], 1)
			if bad == doc {
				t.Errorf("%s: %q does not occur in\n%s", format, f[0], doc)
			} else if p := checkers[format]([]byte(bad)); len(p) == 0 {
				t.Errorf("%s: with %q in place of %q nothing is reported", format, f[1], f[0])
			}
		}
	}
	if p := checkers["rss"](bytes.ReplaceAll(writeValid(t, "rss", good), []byte("content:encoded"), []byte("title"))); len(p) == 0 {
		t.Error("two titles are not reported")
	}
}

// atomFaults are what to replace once in a good document, and what by.
func atomFaults() [][2]string {
	return [][2]string{
		{"</feed>", ""},
		{"<title>P", "<title>P\x0b"},
		{"<id>tag:planet.example,2026:f</id>", ""},
		{"<id>tag:planet.example,2026:f</id>", "<id>7</id>"},
		{"<title>P</title>", "<title></title>"},
		{"<updated>2026-01-02T12:00:00Z", "<updated>2026-01-02 12:00"},
		{"<updated>2026-01-02T12:00:00Z", "<updated>2025-01-01T12:00:00Z"},
		{`rel="self"`, `rel="next"`},
		{`href="https://hub.example/"`, `href="/hub"`},
		{`rel="hub" href="https://hub.example/"`, `rel="alternate" type="text/html" href="https://planet.example/x"`},
		{"<id>https://a.example/1<", "<id>tag:planet.example,2026:e/second<"},
		{"<id>https://a.example/1<", "<id>one<"},
		{"<published>2026-01-01", "<published>2027-01-01"},
		{`term="t"`, `term=""`},
		{`scheme="tag:a.example,2026:t"`, `scheme="mine"`},
		{"<name>Ann</name>", "<name></name>"},
		{"<name>Ann</name>", "<name>Ann</name><email>a@a.example</email>"},
		{"<uri>https://ann.example/", "<uri>javascript:x"},
		{"<id>tag:a.example,2026:f</id>", ""},
		{"<title>A</title>", ""},
		{`<content type="html">`, "<content>"},
		{"&lt;p&gt;s&lt;/p&gt;", "&lt;p&gt;s"},
		{"&lt;p&gt;s&lt;/p&gt;", "&lt;script&gt;&lt;/script&gt;"},
		{`rel="enclosure"`, `rel="hub"`},
	}
}

// What was added to the rules: texts, and a feed's past.
func atomTextFaults() [][2]string {
	return [][2]string{
		{"<title>P</title>", "<title>P &amp;amp; Q</title>"},
		{"<title>P</title>", "<title>P &lt;/b&gt;</title>"},
		{"<title>P</title>", "<title>Q&amp;A2</title>"},
		{"<title>P</title>", `<title type="xhtml">P</title>`},
		{"<title>P</title>", "<title>P\u0092s</title>"},
		{"<title>P</title>", "<title>P\uFFFD</title>"},
		{"<subtitle>All", "<subtitle>&amp;copy;"},
		{"<updated>2026-01-02T12:00:00Z", "<updated>1970-01-01T12:00:00Z"},
		{"<icon>https://planet", "<icon>planet"},
		{`<title type="html">&lt;b&gt;b&lt;/b&gt;</title>`, "<title></title>"},
		{`<title type="html">&lt;b&gt;b&lt;/b&gt;</title>`, `<title type="html">&lt;b&gt;</title>`},
		{"<title>2</title>", ""},
		{`<content type="html">&lt;p&gt;x&lt;/p&gt;</content>`, `<content type="html"></content>`},
		{`type="html">&lt;p&gt;s`, `type="text/html">&lt;p&gt;s`},
		{`xml:lang="de"`, `xml:lang="german language"`},
		{`hreflang="fr"`, `hreflang="?"`},
		{`type="audio/mpeg"`, `type="audio"`},
		{`href="https://a.example/1.mp3"`, `href="https://a.example/[1].mp3"`},
		{`href="https://a.example/1.mp3"`, `href="https://a.example/ä.mp3"`},
		{` xmlns:fh=`, ` xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:fh=`},
		{"<fh:archive></fh:archive>", "<fh:archive></fh:archive><fh:complete></fh:complete>"},
		{"<fh:archive></fh:archive>", "<fh:complete></fh:complete>"},
		{"<fh:archive></fh:archive>", "<fh:archive>1</fh:archive>"},
		{`rel="current"`, `rel="next-archive"`},
		{`rel="next-archive"`, `rel="next"`},
		{`rel="next-archive" type="application/atom+xml" href="https://planet.example/3"`, `rel="next-archive" href="https://planet.example/feed"`},
		{`rel="prev-archive"`, `rel="previous"`},
		{`ref="tag:a.example,2026:gone"`, `ref="gone"`},
		{`ref="tag:a.example,2026:gone"`, `ref="tag:planet.example,2026:e/gone"`},
		{`ref="tag:a.example,2026:gone"`, `ref="https://a.example/1"`},
		{`when="2026-01-01T12:00:00Z"`, `when="2026-01-01"`},
		{`when="2026-01-01T12:00:00Z"`, `when="2026-01-03T12:00:00Z"`},
		{"</entry>", "</entry><at:deleted-entry ref=\"tag:b.example,2026:x\" when=\"2026-01-01T12:00:00Z\"></at:deleted-entry>"},
	}
}

func rssFaults() [][2]string {
	return [][2]string{
		{"</rss>", ""},
		{`version="2.0"`, `version="0.91"`},
		{"<title>P</title>", "<title> </title>"},
		{"<link>https://planet.example/</link>", "<link>/</link>"},
		{"<description>All &#x26; more</description>", ""},
		{"<lastBuildDate>Fri", "<lastBuildDate>Thu"},
		{"<lastBuildDate>Fri, 02 Jan 2026", "<lastBuildDate>Fri, 02 Jan 26"},
		{`rel="self"`, `rel="alternate"`},
		{`type="application/rss+xml"`, `type="text/xml"`},
		{"<dc:creator>Ann</dc:creator>", "<author>Ann</author>"},
		{"<dc:creator>Ann</dc:creator>", "<dc:creator></dc:creator>"},
		{` isPermaLink="true"`, ""},
		{`isPermaLink="false">tag`, `isPermaLink="true">tag`},
		{">tag:planet.example,2026:e/second</guid>", ">https://a.example/1</guid>"},
		{"<description>&lt;p&gt;s&lt;/p&gt;</description>", ""},
		{`<source url="https://a.example/feed"`, "<source"},
		{`length="3"`, `length=""`},
		{`type="audio/mpeg"`, `type=""`},
		{`domain="tag:a.example,2026:t">t<`, `domain="x"><`},
		{"<guid", "<x:guid xmlns:x='urn:x'/><guid"},
	}
}

func rssTextFaults() [][2]string {
	return [][2]string{
		{"<description>All &#x26; more", "<description>All &amp; more"},
		{"<category>a &#x26; b", "<category>a &amp; b"},
		{"<title>b</title>", "<title>&#x3C;b>b&#x3C;/b></title>"},
		{"<title>b</title>", "<title>b\u0092s</title>"},
		{"<url>https://planet.example/icon.png", "<url>https://planet.example/icon.svg"},
		{"<atom:updated>2026-01-02T", "<atom:updated>2026-01-01T"},
		{"<atom:updated>2026-01-02T12:00:00Z", "<atom:updated>Fri, 02 Jan 2026 12:00:00 GMT"},
		{"<pubDate>Thu, 01 Jan 2026", "<pubDate>Thu, 01 Jan 1970"},
		{"<dc:language>de", "<dc:language>german language"},
		{`<enclosure url="https://a.example/`, `<enclosure url="https://localhost/`},
		{`type="audio/ogg"`, `type=""`},
		{">https://l.example/<", ">l<"},
		{` xmlns:fh=`, ` xmlns:at="http://purl.org/atompub/tombstones/1.0" xmlns:fh=`},
		{"<fh:archive></fh:archive>", "<fh:complete></fh:complete>"},
		{`rel="current"`, `rel="next"`},
		{`rel="prev-archive"`, `rel="first"`},
		{`href="https://planet.example/1"`, `href="/1"`},
		{"</item>", `</item><at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="x" when="x"></at:deleted-entry>`},
	}
}

func jsonFaults() [][2]string {
	return [][2]string{
		{"{", "["},
		{"1.1", "1.2"},
		{`"title": "P"`, `"title": ""`},
		{`"items": [`, `"entries": [`},
		{`"feed_url": "https://planet`, `"feed_url": "planet`},
		{`"id": "https://a.example/1"`, `"id": 1`},
		{`"id": "https://a.example/1"`, `"id": "tag:planet.example,2026:e/second"`},
		{`"content_html": "<p>x</p>"`, `"content_html": ""`},
		{`"content_html": "<p>x</p>"`, `"content_html": "<p onclick=\"x\">x</p>"`},
		{`"url": "https://a.example/1"`, `"url": "a.example"`},
		{`"date_published": "2026`, `"date_published": "26`},
		{`"url": "https://ann.example/"`, `"url": "ann"`},
		{`"authors": [`, `"authors": [{},`},
		{`"t"`, `" "`},
		{`"mime_type": "audio/mpeg"`, `"mime_type": ""`},
		{`"_orrery"`, `"_orr.ery"`},
		{`"_orrery"`, `"orrery"`},
		{`"feed_url": "https://a.example/feed"`, `"feed_url": ""`},
		{`"type": "WebSub"`, `"type": "websub"`},
	}
}

func jsonOurFaults() [][2]string {
	return [][2]string{
		{`"next_url": "https://planet.example/1"`, `"next_url": "https://planet.example/feed"`},
		{`"next_url": "https://planet.example/1"`, `"next_url": "1"`},
		{`"icon": "https://planet`, `"icon": "planet`},
		{`"language": "en"`, `"language": "?"`},
		{`"language": "de"`, `"language": "?"`},
		{`"title": "P"`, `"title": "P` + "\u0092" + `"`},
		{`"id": "tag:planet.example,2026:f"`, `"id": "f"`},
		{`"generator": "Orrery"`, `"generator": ""`},
		{`"archive": true`, `"complete": true`},
		{`"archive": true`, `"archive": true, "complete": true`},
		{`"current": "https://planet.example/now"`, `"actual": ""`},
		{`"next_archive": "https:`, `"next_archive": "x:`},
		{`"id": "tag:a.example,2026:gone"`, `"id": "https://a.example/1"`},
		{`"id": "tag:a.example,2026:gone"`, `"id": "tag:planet.example,2026:e/gone"`},
		{`"date": "2026-01-01T12:00:00Z"`, `"date": "2026-01-03T12:00:00Z"`},
		{`"date_modified": "2026-01-02T12:00:00Z"`, `"date_modified": "yesterday"`},
		{`"date_published": "2026`, `"date_published": "1970`},
		{`"title_html": "<b>b</b>"`, `"title_html": "<b>b"`},
		{`"rel": "license"`, `"rel": "edit"`},
		{`"url": "https://l.example/"`, `"url": "l"`},
		{`"scheme": "tag:a.example,2026:t"`, `"scheme": ""`},
		{`"contributors": [`, `"contributors": [{},`},
		{`"icon": "https://a.example/i.png"`, `"icon": "i.png"`},
		{`"mime_type": "audio/mpeg"`, `"mime_type": "audio/"`},
	}
}
