package feeds

import (
	"bytes"
	"strings"
	"testing"
)

// A checker that finds nothing proves nothing: every rule is broken once in a
// good document, by one replacement, and must be reported.
func TestCheckersSeeEveryFault(t *testing.T) {
	e := stored("https://a.example/1", 1, &Source{Slug: "a", URL: "https://a.example/feed", FeedID: "tag:a.example,2026:f", FeedTitle: "A"})
	e.Permalink = "https://a.example/1"
	e.Authors = []Person{{Name: "Ann", URL: "https://ann.example/"}}
	e.Tags = []Tag{{Term: "t", Scheme: "tag:a.example,2026:t"}}
	e.Summary = "<p>s</p>"
	e.Enclosures = []Enclosure{{URL: "https://a.example/1.mp3", Type: "audio/mpeg", Length: 3}}
	second := stored("2", 1, nil)
	second.ID = "second"
	good := testPlanet.Compose(View{Title: "P"}, "feed", []Entry{e, second})
	good.Hubs = []string{"https://hub.example/"}
	for format, list := range map[string][][2]string{"atom": atomFaults(), "rss": rssFaults(), "json": jsonFaults()} {
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
		{"<updated>2026-01-01T12:00:00Z", "<updated>2026-01-01 12:00"},
		{"<updated>2026-01-01T12:00:00Z", "<updated>2025-01-01T12:00:00Z"},
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

func rssFaults() [][2]string {
	return [][2]string{
		{"</rss>", ""},
		{`version="2.0"`, `version="0.91"`},
		{"<title>P</title>", "<title> </title>"},
		{"<link>https://planet.example/</link>", "<link>/</link>"},
		{"<description>P</description>", ""},
		{"<lastBuildDate>Thu", "<lastBuildDate>Fri"},
		{"<lastBuildDate>Thu, 01 Jan 2026", "<lastBuildDate>Thu, 01 Jan 26"},
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
