package fetch

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"orrery/feeds"
)

const page1 = "https://a.example/blog/post.html"

// named are the addresses that a page at page1 names, without what they share.
func named(r Response) string {
	r.URL = page1
	var out []string
	for _, c := range Candidates(r) {
		out = append(out, strings.TrimPrefix(c.URL, "https://a.example"))
	}
	return strings.Join(out, " ")
}

// link is an element that names a feed.
func link(attributes string) string { return "<link " + attributes + ">" }

const atomLink = `rel="alternate" type="application/atom+xml" `

// fetching.md 43; WHATWG HTML, "alternate".
func TestPageNamesItsFeeds(t *testing.T) {
	for _, c := range []struct{ name, page, want string }{
		{"one", link(atomLink + `href="https://a.example/feed"`), "/feed"},
		{"in a whole page", "\ufeff<!DOCTYPE html><html><head><title>T</title>" + link(atomLink+`href="/feed"`) + "</head><body><p>x</body></html>", "/feed"},
		{"relative to the page", link(atomLink + `href="feed.xml"`), "/blog/feed.xml"},
		{"relative to the host", link(atomLink + `href="/feed"`), "/feed"},
		{"relative to the scheme", link(atomLink + `href="//b.example/feed"`), "https://b.example/feed"},
		{"relative to nothing but a query", link(atomLink + `href="?feed=atom&amp;x=1"`), "/blog/post.html?feed=atom&x=1"},
		{"relative to a base", `<base href="/other/">` + link(atomLink+`href="feed"`), "/other/feed"},
		{"relative to the first base", `<base href="https://a.example/1/"><base href="/2/">` + link(atomLink+`href="feed"`), "/1/feed"},
		{"relative to a base without address", `<base target="_top">` + link(atomLink+`href="feed"`), "/blog/feed"},
		{"several in their order", link(atomLink+`href="/2"`) + link(`rel="alternate" type="application/rss+xml" href="/1"`) + link(atomLink+`href="/3"`), "/2 /1 /3"},
		{"comments last", link(atomLink+`title="Comments on all" href="/1"`) + link(atomLink+`href="/comments/feed"`) + link(atomLink+`href="/3"`), "/3 /1 /comments/feed"},
		{"one twice", link(atomLink+`href="/1"`) + link(atomLink+`href="/2"`) + link(`rel="alternate" type="application/rss+xml" href="https://a.example/1"`), "/1 /2"},
		{"all its types", link(`rel="alternate" type="application/rss+xml" href="/1"`) + link(`rel="alternate" type="application/feed+json" href="/2"`) +
			link(`rel="alternate" type="application/rdf+xml" href="/3"`) + link(`rel="alternate" type="text/xml" href="/4"`), "/1 /2 /3 /4"},
		{"feed+json before json", link(`rel="alternate" type="application/json" href="/wp-json"`) + link(`rel="alternate" type="application/feed+json" href="/feed"`), "/feed /wp-json"},
		{"a type with parameters", link(`rel="alternate" type="application/atom+xml; charset=utf-8; type=feed" href="/1"`) + link(`rel="alternate" type=" text/xml ;x" href="/2"`), "/1 /2"},
		{"in capitals", `<LINK REL="ALTERNATE" TYPE="Application/RSS+XML" HREF="/Feed">`, "/Feed"},
		{"several words", link(`rel="home  Alternate nofollow" type="application/atom+xml" href="/1"`), "/1"},
		{"without quotes", `<link rel=alternate type=application/atom+xml href=/1><link rel=alternate type=application/rss+xml href=/2/>`, "/1 /2/"},
		{"closed like XML", `<link rel="alternate" type="application/atom+xml" href="/1"/>`, "/1"},
		{"spaces around it", link(atomLink + "href=\" \n/1\t \""), "/1"},
		{"a space within it", link(atomLink + `href="/my feed"`), "/my%20feed"},
		{"rel=feed", link(`rel="feed" href="/1"`), "/1"},
		{"rel=feed and a word", link(`rel="feed alternate" href="/1"`), "/1"},
		{"rel=feed in the text", `<body><a href="/1" rel="feed">Subscribe</a>`, "/1"},
		{"another kind of link", link(`rel="stylesheet" type="application/atom+xml" href="/1"`) + link(`rel="alternatee" type="application/atom+xml" href="/2"`), ""},
		{"another type", link(`rel="alternate" type="text/html" hreflang="de" href="/de"`) + link(`rel="alternate" type="application/json+oembed" href="/2"`), ""},
		{"no type", link(`rel="alternate" href="/1"`), ""},
		{"no address", link(atomLink) + link(atomLink+`href=""`), ""},
		{"an address of no use", link(atomLink+`href="javascript:alert(1)"`) + link(atomLink+`href="data:application/atom+xml,x"`) + link(atomLink+`href="file:///etc"`) + link(atomLink+`href="http://"`), ""},
		{"in a comment", "<!-- " + link(atomLink+`href="/1"`) + " -->", ""},
		{"in a script", "<script>var x = '" + link(atomLink+`href="/1"`) + "'</script><style>" + link(atomLink+`href="/2"`) + "</style>", ""},
		{"in a title", "<title>" + link(atomLink+`href="/1"`) + "</title><textarea>" + link(atomLink+`href="/2"`) + "</textarea>", ""},
		{"as text", "<pre>&lt;link rel=alternate type=application/atom+xml href=/1&gt;</pre>", ""},
		{"a page that is cut off", link(atomLink+`href="/1"`) + `<link rel="alternate" type="application/atom+xml" href="/2`, "/1"},
		{"nothing", "", ""},
		{"no page", "{\"a\": 1}", ""},
	} {
		if got := named(Response{Body: []byte(c.page), ContentType: "text/html; charset=utf-8"}); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCandidateSaysWhatThePageSaysOfIt(t *testing.T) {
	r := Response{URL: page1, Body: []byte(link(`rel="alternate" type="Application/RSS+XML; charset=x" title=" Tom &amp; Jerry&#10;  go on " href="/1"`))}
	want := Candidate{URL: "https://a.example/1", Title: "Tom & Jerry go on", Type: "application/rss+xml"}
	if got := Candidates(r); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v", got)
	}
}

func TestPageIsReadInItsCharset(t *testing.T) {
	text := link(atomLink + `title="Müller" href="/é"`)
	latin := strings.NewReplacer("ü", "\xfc", "é", "\xe9").Replace(text)
	wide := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(u>>8), byte(u))
	}
	for name, r := range map[string]Response{
		"of the header":   {Body: []byte(latin), ContentType: "text/html; charset=ISO-8859-1"},
		"of the page":     {Body: []byte("<meta charset=latin1>" + latin), ContentType: "text/html"},
		"of a byte order": {Body: wide, ContentType: "text/html; charset=latin1"},
		"UTF-8 by itself": {Body: []byte("<meta charset=utf-8>" + text)},
		"an unknown one":  {Body: []byte(text), ContentType: "text/html; charset=klingon"},
		"a broken header": {Body: []byte("<meta charset=utf-8>" + text), ContentType: ";;;"},
	} {
		r.URL = page1
		if got := Candidates(r); len(got) != 1 || got[0].Title != "Müller" || got[0].URL != "https://a.example/%C3%A9" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// RFC 8288 §3.
func TestLinkHeaderNamesFeeds(t *testing.T) {
	const atom = `; rel="alternate"; type="application/atom+xml"`
	for _, c := range []struct {
		name    string
		headers []string
		want    string
	}{
		{"one", []string{"<https://a.example/1>" + atom}, "/1"},
		{"relative", []string{"<feed>" + atom}, "/blog/feed"},
		{"several lines", []string{"<1>" + atom, "</2>" + atom}, "/blog/1 /2"},
		{"several in a line", []string{"</1>" + atom + ", </2>" + atom + ", </3>" + atom, "</4>" + atom + ",</5>" + atom}, "/1 /2 /3 /4 /5"},
		{"others between them", []string{`</x.css>; rel=preload; as=style, </1>` + atom + `, </>; rel="shortlink"`}, "/1"},
		{"commas in an address", []string{"</1,2,3>" + atom + ", </2>" + atom}, "/1,2,3 /2"},
		{"a comma in a title", []string{"</1>" + atom + `; title="One, two"` + ", </2>" + atom}, "/1 /2"},
		{"a quote in a title", []string{"</1>" + atom + `; title="One \"two\", three"` + ", </2>" + atom}, "/1 /2"},
		{"a title in another charset", []string{"</1>" + atom + "; title*=UTF-8''%e2%82%ac" + ", </2>" + atom}, "/1 /2"},
		{"in capitals", []string{`</1>; REL=Alternate; TYPE="Application/Atom+XML"`}, "/1"},
		{"several words", []string{`</1>; rel="self alternate"; type="application/rss+xml"`}, "/1"},
		{"a type with parameters", []string{`</1>; rel=alternate; type="application/atom+xml; charset=utf-8"`}, "/1"},
		{"rel=feed", []string{`</1>; rel=feed`}, "/1"},
		{"comments last", []string{"</comments>" + atom + ", </2>" + atom}, "/2 /comments"},
		{"another kind of link", []string{`</wp-json/>; rel="https://api.w.org/"`, `</1>; rel="next"; type="application/atom+xml"`}, ""},
		{"no address", []string{atom, "<>" + atom, "<" + atom, ">" + atom, "", "<<<<", "<>>,<"}, ""},
	} {
		if got := named(Response{Link: c.headers}); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// The lenient way of RFC 8288, appendix B.3: what a server may write, and what some do.
func TestLinkHeaderIsReadAsItWasMeant(t *testing.T) {
	const atom = `; rel="alternate"; type="application/atom+xml"`
	for name, header := range map[string]string{
		"a comma and an address in a title": "</1>" + `; title="see, <https://b.example/>"` + atom + ", </2>" + atom,
		"any space between links":           "</1>" + atom + " ,  \t</2>" + atom,
		"one way and the other":             "</1>" + atom + ", </2>" + atom + ",</2>" + atom,
		"no comma before the end":           "</1>" + atom + ",, </2>" + atom + ",",
		"a type without quotes":             `</1>; rel=alternate; type=application/atom+xml, </2>` + atom,
		"a parameter twice: the first one":  `</1>; rel=alternate; rel=next; type="application/atom+xml", </2>` + atom,
		"a parameter without a value":       `</1>; crossorigin` + atom + ", </2>" + atom,
		"an address in another charset":     "</1>" + atom + `; title="Müller", </2>` + atom,
	} {
		if got := named(Response{Link: []string{header}}); got != "/1 /2" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// A feed that is said to be one twice over.
func TestFeedLinkWithTheTypeOfAFeedIsOne(t *testing.T) {
	for _, text := range []string{link(`rel="feed" type="application/atom+xml" href="/1"`), `<a rel="feed" type="application/rss+xml" href="/1">Feed</a>`} {
		if got := named(Response{Body: []byte(text)}); got != "/1" {
			t.Errorf("%s: got %q", text, got)
		}
	}
	// A page of microformats is one for others to read (h-feed).
	if got := named(Response{Body: []byte(link(`rel="feed" type="text/html" href="/1"`))}); got != "" {
		t.Errorf("a page is taken for a feed: %q", got)
	}
}

// WHATWG HTML, "document base URL": a base that is none of the web is as none.
func TestBaseThatIsNoAddressOfTheWebCountsForNothing(t *testing.T) {
	for _, href := range []string{"javascript:void(0)", "data:text/html,x", "http://[broken"} {
		if got := named(Response{Body: []byte(`<base href="` + href + `">` + link(atomLink+`href="feed"`))}); got != "/blog/feed" {
			t.Errorf("%s: got %q", href, got)
		}
	}
}

func TestHeaderAndPageThatNameOneFeedNameItOnce(t *testing.T) {
	r := Response{
		Link: []string{`<https://a.example/1>; rel="alternate"; type="application/atom+xml"`},
		Body: []byte(`<base href="/x/">` + link(atomLink+`href="2"`) + link(atomLink+`href="/1"`)),
	}
	if got := named(r); got != "/1 /x/2" { // the page's base is not the header's
		t.Errorf("got %q", got)
	}
}

// hostile.md: what strangers wrote has an end.
func TestNobodyNamesMoreFeedsThanCount(t *testing.T) {
	var page strings.Builder
	for i := 0; page.Len() < 5<<20; i++ {
		fmt.Fprintf(&page, `<link rel="alternate" type="application/atom+xml" href="/%d">`, i)
	}
	header := strings.Repeat(`</x>; rel=alternate; type="application/atom+xml", `, 1000)
	for name, r := range map[string]Response{
		"links":              {Body: []byte(page.String())},
		"links that are one": {Body: []byte(strings.Repeat(link(atomLink+`href="/x"`), 80_000))},
		"a link of one tag":  {Body: []byte("<link " + strings.Repeat("rel=alternate ", 300_000))},
		"an address":         {Body: []byte(link(atomLink + `href="/` + strings.Repeat("x", 5<<20) + `"`))},
		"an open tag":        {Body: []byte(strings.Repeat("<link ", 800_000))},
		"an open comment":    {Body: []byte(strings.Repeat("<!--", 1_000_000))},
		"bases":              {Body: []byte(strings.Repeat("<base href=x/>", 300_000))},
		"zeros":              {Body: make([]byte, 5<<20)},
		"headers":            {Link: []string{header, header, strings.Repeat("<", 60_000), strings.Repeat("<>", 30_000), strings.Repeat("<>;", 20_000) + `"`}},
	} {
		r.URL = page1
		got := Candidates(r)
		if len(got) > maxCandidates || name == "links" && len(got) != maxCandidates {
			t.Errorf("%s: %d feeds", name, len(got))
		}
		for _, c := range got {
			if len(c.URL) > feeds.MaxURL {
				t.Errorf("%s: an address of %d bytes", name, len(c.URL))
			}
		}
	}
}

// fetching.md 43: no guessing of more than three paths.
func TestWellKnownAddressesAreAFewBelowThePage(t *testing.T) {
	for page, want := range map[string]string{
		"https://a.example":             "https://a.example/feed/ https://a.example/atom.xml https://a.example/index.xml",
		"https://a.example/blog/?x=1#y": "https://a.example/blog/feed/ https://a.example/blog/atom.xml https://a.example/blog/index.xml",
		"http://a.example:8080/blog":    "http://a.example:8080/blog/feed/ http://a.example:8080/blog/atom.xml http://a.example:8080/blog/index.xml",
		"https://a.example/%zz":         "",
		"file:///etc/":                  "",
		"":                              "",
	} {
		if got := strings.Join(WellKnown(page), " "); got != want {
			t.Errorf("%s: got %q, want %q", page, got, want)
		}
	}
}
