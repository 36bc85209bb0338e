package site

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

var voids = strings.Fields("area base br col embed hr img input link meta source track wbr ellipse circle")

// block elements end an open paragraph, so inside one they are a mistake.
var block = strings.Fields("article aside blockquote details div dl figure footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p pre section table ul")

// leadsSomewhere are the links that a page may have.
var leadsSomewhere = regexp.MustCompile(`^(https?://|mailto:|xmpp:|/$|/[^/]|#)`)

// wellFormed returns what is wrong with the markup of a page.
func wellFormed(page string) []string {
	var wrong, open []string
	ids := map[string]bool{}
	z := html.NewTokenizer(strings.NewReader(page))
	for z.Next() != html.ErrorToken {
		tok := z.Token()
		if tok.Type == html.EndTagToken {
			if n := len(open); n == 0 || open[n-1] != tok.Data {
				wrong = append(wrong, fmt.Sprintf("</%s> in %v", tok.Data, open))
				return wrong
			}
			open = open[:len(open)-1]
			continue
		}
		if tok.Type != html.StartTagToken && tok.Type != html.SelfClosingTagToken {
			continue
		}
		if slices.Contains(block, tok.Data) && slices.Contains(open, "p") {
			wrong = append(wrong, "<"+tok.Data+"> in a paragraph")
		}
		seen := map[string]bool{}
		for _, a := range tok.Attr {
			if seen[a.Key] || a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "id" && ids[a.Val] || a.Val == "#ZgotmplZ" ||
				(a.Key == "href" || a.Key == "src") && !leadsSomewhere.MatchString(a.Val) {
				wrong = append(wrong, fmt.Sprintf("<%s %s=%q>", tok.Data, a.Key, a.Val))
			}
			seen[a.Key] = true
			if a.Key == "id" {
				ids[a.Val] = true
			}
		}
		if tok.Data == "script" || tok.Data == "style" || tok.Data == "iframe" {
			wrong = append(wrong, "<"+tok.Data+">")
		}
		if !slices.Contains(voids, tok.Data) {
			open = append(open, tok.Data)
		}
	}
	if len(open) > 0 {
		wrong = append(wrong, fmt.Sprintf("%v stay open", open))
	}
	return wrong
}

func TestEveryPageIsWellFormedAndRunsNothing(t *testing.T) {
	s := newSite(t, newFake())
	paths, err := s.Paths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	paths = append(paths, "/nowhere")
	n := 0
	for _, p := range paths {
		if r := get(s, p); strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			n++
			for _, w := range wellFormed(body(t, r)) {
				t.Errorf("%s: %s", p, w)
			}
		}
	}
	if n < 70 {
		t.Errorf("only %d pages were looked at", n)
	}
}

func TestTheCheckOfMarkupFindsMistakes(t *testing.T) {
	for _, page := range []string{
		"<p><b></p></b>", "<div>", "</div>", `<a href="javascript:x">x</a>`, `<i id="a"></i><i id="a"></i>`, `<p onclick="x"></p>`,
		"<script></script>", "<p><div></div></p>", `<a href="//evil.example/">x</a>`,
	} {
		if len(wellFormed(page)) == 0 {
			t.Errorf("%s passes", page)
		}
	}
}

// article is the part of the page at path that shows the entry.
func article(t *testing.T, s *Site, path, title string) string {
	t.Helper()
	b := body(t, get(s, path))
	for _, a := range strings.Split(b, "<article")[1:] {
		a, _, _ = strings.Cut(a, "</article>")
		if strings.Contains(a, title) {
			return a
		}
	}
	t.Fatalf("%s does not show %q", path, title)
	return ""
}

func TestAnEntrySaysWhatItIs(t *testing.T) {
	s := newSite(t, newFake())
	for _, c := range []struct {
		name, path, title string
		has, lacks        []string
	}{
		{"a plain one", "/", "Move 3<", []string{
			`<a class="u-url" href="https://rook.example/3">Move 3</a>`, `datetime="2026-02-28T08:00:00Z">28 February 2026</time>`,
			`<p>Knight to f4.</p>`, `<a class="p-category" rel="tag" href="/category/chess/">Chess</a>`, `href="/entry/plain03/"`,
			`href="/source/beet/">&#34;Beet&#34; &lt;b&gt;&amp; Bed&lt;/b&gt;</a>`,
		}, []string{"edited", "Also on", "<details", " lang=\"\""}},
		{"right to left", "/", "حديقة", []string{`lang="ar" dir="rtl"`}, nil},
		{"without title and permalink", "/", "Only a few words", []string{
			`class="untitled"`, `href="/entry/silent/">Only a few words &amp; no title.</a>`,
		}, []string{"p-name"}},
		{"a long one is folded", "/", "Title of <em>long", []string{
			"<details>", "Read on", `<h4>Top</h4>`, `<h5>Below</h5>`, `<img loading=lazy decoding=async referrerpolicy=no-referrer src="https://rook.example/p.png" alt="">`,
			`edited <time class="dt-updated"`, `Also on <a href="/source/rook/">The Rook</a>`, `href="/category/g%C3%A4rten/">Gärten &amp; Höfe</a>`,
		}, nil},
		{"one too heavy for the page", "/", "Title of huge", []string{`<a class="more u-uid" href="/entry/huge/"><span lang="en">Read on</span>`}, []string{"<details"}},
		{"a hostile one", "/", "alert", []string{
			`&lt;script&gt;alert(&#34;title&#34;)&lt;/script&gt;`, `href="/entry/hostile/"`, `<span class="p-author h-card">&lt;img src=x onerror=alert(1)&gt;</span>`,
			`<a href="https://rook.example/a.mp3">Attached: audio/&#34;mpeg, 3.0 MiB</a>`,
		}, []string{"javascript:", "data:", "onload"}},
		{"alone", "/entry/long/", "Title of <em>long", []string{
			`<h1 class="p-name"><a class="u-url" href="https://rook.example/long">Title of <em>long</em></a></h1>`, "<h2>Top</h2>", "<h3>Below</h3>", "on rook.example</a>",
			`<summary lang="en">How it came here</summary>`, `<li dir="ltr">It came here from &#34;Beet`,
		}, []string{"Read on", "here once"}},
		{"alone and huge", "/entry/huge/", "Title of huge", []string{strings.Repeat("More than a page may carry. ", 4000)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := article(t, s, c.path, c.title)
			for _, want := range c.has {
				if !strings.Contains(a, want) {
					t.Errorf("no %s in %.1500s", want, a)
				}
			}
			for _, not := range c.lacks {
				if strings.Contains(a, not) {
					t.Errorf("%s in %.1500s", not, a)
				}
			}
		})
	}
}

func TestPagesNameThemselvesAndTheirFeeds(t *testing.T) {
	s := newSite(t, newFake())
	for _, c := range []struct{ path, canonical, feeds, title, heading string }{
		{"/", "https://planet.example/", "https://planet.example/", "Planet Test", "Planet Test"},
		{"/category/g%C3%A4rten/", "https://planet.example/category/g%C3%A4rten/", "https://planet.example/category/g%C3%A4rten/", "Gärten &amp; Höfe – Planet Test", "Gärten &amp; Höfe"},
		{"/source/still/", "https://planet.example/source/still/", "https://planet.example/source/still/", "Still Waters – Planet Test", "Still Waters"},
		{"/entry/plain00/", "https://rook.example/0", "https://planet.example/", "Move 0 – Planet Test", "Move 0"},
		{"/sources/", "https://planet.example/sources/", "https://planet.example/", "Sources – Planet Test", "Sources"},
	} {
		b := body(t, get(s, c.path))
		want := []string{
			"<title>" + c.title + "</title>", `<link rel="canonical" href="` + c.canonical + `">`, `<meta property="og:title" content="` + c.heading + `">`,
			`<meta property="og:description" content="`, `<meta name="generator" content="Orrery 0.0">`, `<html lang="en">`, `<a class="skip" href="#content">`, `<main id="content"`,
		}
		for typ, f := range map[string]string{"application/atom+xml": "feed.atom", "application/rss+xml": "feed.rss", "application/feed+json": "feed.json"} {
			want = append(want, `<link rel="alternate" type="`+typ+`" title="`, `href="`+c.feeds+f+`">`, "<code>"+c.feeds+"<wbr>"+f+"</code>")
		}
		for _, w := range want {
			if !strings.Contains(b, w) {
				t.Errorf("%s: no %s", c.path, w)
			}
		}
		if n := strings.Count(b, "<h1"); n != 1 {
			t.Errorf("%s: %d headings of the first level", c.path, n)
		}
	}
}

func TestEntriesStandBelowTheirDays(t *testing.T) {
	f := newFake()
	b := body(t, get(newSite(t, f), "/"))
	for _, want := range []string{`<h2><time datetime="2026-03-01">1 March 2026</time></h2>`, `<h2><time datetime="2026-02-28">28 February 2026</time></h2>`} {
		if strings.Count(b, want) != 1 {
			t.Errorf("%s is there %d times", want, strings.Count(b, want))
		}
	}
	if n := strings.Count(b, "<article"); n != 60 {
		t.Errorf("%d entries on the page, want 60", n)
	}
}

func TestSourcesSayWhatIsWrongAndHideOurFolders(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	refresh(t, s)
	b := body(t, get(s, "/sources/"))
	for _, want := range []string{"failing: the server &lt;answered&gt; 500", `href="https://rook.example/atom.xml"`, `href="/source/beet/feed.atom"`, "31 posts"} {
		if !strings.Contains(b, want) {
			t.Errorf("no %s", want)
		}
	}
	if o := body(t, get(s, "/opml.xml")); !strings.Contains(o, `xmlUrl="https://planet.example/source/beet/feed.atom"`) || strings.Contains(o+b, "secret") {
		t.Error("the list of sources shows where a folder lies, or does not name our feed of it")
	}
	f.mu.Lock()
	f.seq++
	f.sources[2].State.LastVisit, f.sources[2].State.Failures = f.sources[2].State.LastVisit.Add(time.Minute), 3
	f.mu.Unlock()
	refresh(t, s)
	if body(t, get(s, "/sources/")) != b {
		t.Error("a visit that changed nothing changed the page")
	}
}

func TestAnEmptyPlanetSaysSoKindly(t *testing.T) {
	s := newSite(t, emptyFake())
	for path, want := range map[string]string{"/": "Nothing has been posted here yet", "/categories/": "no categories yet", "/sources/": "follows nobody yet", "/status/": "follows nobody yet"} {
		r := get(s, path)
		wantStatus(t, r, 200)
		if b := body(t, r); !strings.Contains(b, want) || len(wellFormed(b)) > 0 {
			t.Errorf("%s does not say %q, or says it badly: %v", path, want, wellFormed(b))
		}
	}
	for _, f := range formats {
		wantStatus(t, get(s, "/feed."+f), 200)
	}
}

func TestHeadingsOfAPostMoveBelowThePages(t *testing.T) {
	for _, c := range []struct {
		in   string
		top  byte
		want string
	}{
		{"<h1>a</h1><h2>b</h2>", 4, "<h4>a</h4><h5>b</h5>"},
		{"<h2>b</h2><h1 dir=\"rtl\">a</h1>", 4, "<h5>b</h5><h4 dir=\"rtl\">a</h4>"},
		{"<h4>a</h4>", 4, "<h4>a</h4>"},
		{"<h6>a</h6>", 2, "<h2>a</h2>"},
		{"<pre>a</pre><table class=\"x\"><tr></table><prefix>", 4, "<pre tabindex=0>a</pre><table tabindex=0 class=\"x\"><tr></table><prefix>"},
		{"<h1>a</h1><h5>b</h5>", 4, "<h4>a</h4><h6>b</h6>"},
		{"<hr><h7>&lt;h1&gt;</h7><h", 4, "<hr><h7>&lt;h1&gt;</h7><h"},
		{`<img src="x">`, 4, `<img loading=lazy decoding=async referrerpolicy=no-referrer src="x">`},
		{`<p title="<img "></p><imgx>`, 4, `<p title="<img loading=lazy decoding=async referrerpolicy=no-referrer "></p><imgx>`},
		{"", 4, ""},
	} {
		if got := fit(c.in, c.top); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestDirectionFollowsTheScriptAndTheLetters(t *testing.T) {
	for _, c := range []struct{ tag, text, lang, dir string }{
		{"he", "שלום", "he", "rtl"}, {"fa-IR", "", "fa-IR", "rtl"}, {"en", "Hello", "en", "ltr"}, {"pa-Arab", "", "pa-Arab", "rtl"},
		{"az-Latn", "", "az-Latn", "ltr"}, {"en", "سلام ۱۲", "en", "rtl"}, {"ar", "XMPP 1.0", "ar", "ltr"}, {"ar", "XMPP سلام", "ar", "rtl"}, {"", "سلا XYZW", "", "ltr"},
		{"", "سلام XY", "", "rtl"}, {"", "", "", "ltr"}, {"not a tag", "x", "", "ltr"}, {"und", "x", "", "ltr"}, {`"><script>`, "", "", "ltr"},
	} {
		if lang, dir := script(c.tag, c.text, nil); lang != c.lang || dir != c.dir {
			t.Errorf("%q, %q: lang %q dir %q, want %q %q", c.tag, c.text, lang, dir, c.lang, c.dir)
		}
		for i := range c.text { // it says the same in two parts
			if lang, dir := script(c.tag, c.text[:i], func() string { return c.text[i:] }); lang != c.lang || dir != c.dir {
				t.Errorf("%q, %q from %q on: lang %q dir %q, want %q %q", c.tag, c.text, c.text[i:], lang, dir, c.lang, c.dir)
			}
		}
	}
}

func TestColoursHaveEnoughContrast(t *testing.T) {
	css, err := static.ReadFile("static/planet.css")
	if err != nil {
		t.Fatal(err)
	}
	if len(css) > 20<<10 {
		t.Errorf("the style sheet has %d bytes", len(css))
	}
	themes := regexp.MustCompile(`(?s):root \{[^}]*--paper[^}]*\}`).FindAllString(string(css), 2)
	if len(themes) != 2 {
		t.Fatalf("%d themes, want light and dark", len(themes))
	}
	for _, theme := range themes {
		colour := map[string]float64{}
		for _, m := range regexp.MustCompile(`--(\w+): #([0-9a-f]{6});`).FindAllStringSubmatch(theme, -1) {
			colour[m[1]] = luminance(m[2])
		}
		for _, text := range []string{"ink", "quiet", "link", "glow"} {
			grounds := []string{"paper", "panel"}
			if text == "ink" {
				grounds = append(grounds, "added", "removed")
			}
			for _, ground := range grounds {
				a, b := colour[text], colour[ground]
				if a == b {
					t.Errorf("no colour is called %s, or none %s", text, ground)
				}
				if r := (max(a, b) + .05) / (min(a, b) + .05); r < 4.5 { // WCAG 2.2, 1.4.3
					t.Errorf("%s on %s: %.2f", text, ground, r)
				}
			}
		}
	}
}

// luminance is the relative luminance of a colour (WCAG 2.2).
func luminance(hex string) float64 {
	l := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			return math.NaN()
		}
		c := float64(n) / 255
		if c <= .04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		l += weight * c
	}
	return l
}

// WCAG 3.1.1, 3.1.2: what the templates say is English, whatever the planet's own words
// and its posts are in.
func TestEveryTextIsMarkedWithItsLanguage(t *testing.T) {
	f := newFake()
	f.entries[0].Title, f.entries[0].Content, f.entries[0].Language = "שלום עולם", "<p>קצר</p>", ""
	f.entries[0].Source = &f.sources[1] // which says nothing of its language
	plain := f.entries[len(f.entries)-1]
	plain.ID, plain.Title, plain.Content, plain.Language, plain.Source = "unsaid", "Unsaid", "", "", &f.sources[1]
	f.entries = append(f.entries, plain)
	for _, c := range []struct {
		language    string
		own, hebrew string // attributes
		unsaid      string
	}{
		{"en", `lang="en" dir="ltr"`, `lang="" dir="rtl"`, `lang="en" dir="ltr"`},
		{"de", `lang="de" dir="ltr"`, `lang="" dir="rtl"`, `lang="de" dir="ltr"`},
		{"fa", `lang="fa" dir="rtl"`, `lang="fa" dir="rtl"`, `lang="" dir="ltr"`},
	} {
		s := newSite(t, f, func(o *Options) { o.Planet.Language = c.language })
		home := body(t, get(s, "/"))
		for _, want := range []string{
			`<html lang="en">`, "<span " + c.own + ">Planet Test</span>", "<h1 " + c.own + ">Planet Test</h1>",
			`<p class="lead" ` + c.own + ">A planet for tests.", `<span class="more" lang="en">Read on</span><span class="less" lang="en">Fold up</span>`,
		} {
			if !strings.Contains(home, want) {
				t.Errorf("%s: no %s on the first page", c.language, want)
			}
		}
		if page := body(t, get(s, "/entry/"+f.entries[0].ID+"/")); !strings.Contains(page, `<article class="post alone h-entry" `+c.hebrew+">") {
			t.Errorf("%s: the Hebrew post is not marked %s", c.language, c.hebrew)
		}
		page := body(t, get(s, "/entry/unsaid/"))
		if !strings.Contains(page, `<article class="post alone h-entry" `+c.unsaid+">") || !strings.Contains(page, `<p class="empty" lang="en" dir="ltr">`) {
			t.Errorf("%s: the post that says nothing is not marked %s", c.language, c.unsaid)
		}
	}
}
