package site

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

func TestNumberedPagesAreTheArchivesAndNeverShift(t *testing.T) {
	f, s := archived(t)
	last := body(t, get(s, "/page/2/"))
	wantParts(t, "the last page", last, ">Page 2<", "!Page 2 of", `<a rel="next" href="/">Newer: The newest posts</a>`, `<a rel="prev" href="/page/1/">Older: Page 1</a>`,
		`<link rel="canonical" href="https://planet.example/page/2/">`, `href="/entry/`)
	first := body(t, get(s, "/page/1/"))
	wantParts(t, "the first page", first, `<a rel="next" href="/page/2/">Newer: Page 2</a>`, `!rel="prev"`)
	wantParts(t, "the newest posts", body(t, get(s, "/")), `<a rel="prev" href="/page/2/">Older: Page 2</a>`)
	for _, path := range []string{"/page/0/", "/page/3/", "/page/01/", "/page/x/", "/page/1/2/", "/page/", "/entry/p1/page/1/", "/category/nobody/page/1/", "/search/page/1/"} {
		wantStatus(t, get(s, path), 404)
	}
	r := get(s, "/page/1")
	wantStatus(t, r, 301)
	wantHeader(t, r, "Location", "/page/1/")
	// What comes later, whatever its date, stands on no earlier page.
	f.mu.Lock()
	f.entries = append(f.entries, feeds.Entry{ID: "late", GUID: "late", Title: "Late", Sort: epoch.AddDate(-5, 0, 0), FirstSeen: epoch, Source: &f.sources[0]})
	f.seq++
	f.mu.Unlock()
	refresh(t, s)
	if again := body(t, get(s, "/page/1/")); strings.Contains(again, "late") {
		t.Error("a post that was dated long ago came onto a page that was full")
	}
}

func TestTitlesAreAViewOfTheirOwn(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	for _, path := range []string{"/", "/category/chess/", "/source/rook/"} {
		full, titles := body(t, get(s, path)), body(t, get(s, path+"titles/"))
		wantParts(t, path, full, `<a href="`+path+`titles/">Titles only</a>`, `<a href="`+path+`" aria-current="page">Posts</a>`)
		wantParts(t, path+"titles/", titles, `<a href="`+path+`titles/" aria-current="page">Titles only</a>`, "!e-content", `class="u-url"`)
		if len(titles) > len(full)/2 && path == "/" {
			t.Errorf("%d bytes of titles, %d of posts", len(titles), len(full))
		}
	}
	get(s, "/titles/")
	if want := titlesPages * testPlanet.Entries; testPlanet.Entries > 0 && f.lastQuery.Limit != want {
		t.Errorf("%d titles are asked for, want %d", f.lastQuery.Limit, want)
	}
	wantStatus(t, get(s, "/entry/long/titles/"), 404)
	wantStatus(t, get(s, "/titles/feed.atom"), 404)
}

func TestEveryMonthWithPostsHasAPage(t *testing.T) {
	f := newFake()
	f.entries = nil
	for i, at := range []time.Time{
		time.Date(2024, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 1, 31, 12, 0, 0, 0, time.UTC), time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC),
	} {
		id := fmt.Sprintf("m%d", i)
		f.entries = append([]feeds.Entry{{ID: id, GUID: id, Title: "Post " + id, Sort: at, FirstSeen: at, Source: &f.sources[0]}}, f.entries...)
	}
	s := newSite(t, f)
	wantParts(t, "archive", body(t, get(s, "/archive/")), `<a href="/archive/2024/12/" aria-label="December 2024: 1 post">1</a>`, `<a href="/archive/2025/01/" aria-label="January 2025: 2 posts">2</a>`,
		"From April 2023 to March 2025: 4 posts; most in January 2025, 2.")
	wantParts(t, "January", body(t, get(s, "/archive/2025/01/")), "Post m1", "Post m2", "!Post m0", "!Post m3", `<a rel="next" href="/archive/2025/03/">Newer: March 2025</a>`, `<a rel="prev" href="/archive/2024/12/">Older: December 2024</a>`)
	wantParts(t, "the planet", body(t, get(s, "/")), `<a href="/archive/2025/01/">January 2025</a>`, `<a href="/archive/">All months</a>`)
	for _, path := range []string{"/archive/2025/02/", "/archive/2025/1/", "/archive/2025/13/", "/archive/2025/", "/archive/0000/00/", "/archive/2025/01/feed.atom", "/archive/+025/01/"} {
		wantStatus(t, get(s, path), 404)
	}
}

func TestSitemapNamesEveryPageOfOurOwn(t *testing.T) {
	s := newSite(t, newFake())
	r := get(s, "/sitemap.xml")
	wantStatus(t, r, 200)
	wantHeader(t, r, "Content-Type", "application/xml; charset=utf-8")
	var list struct {
		URLs []string `xml:"url>loc"`
	}
	if err := xml.Unmarshal([]byte(body(t, r)), &list); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(list.URLs, "\n") + "\n"
	wantParts(t, "sitemap", all, "https://planet.example/\n", "https://planet.example/category/g%C3%A4rten/\n", "https://planet.example/archive/2026/03/\n", "!/entry/", "!feed.", "!/why/", "!/search")
	for _, u := range list.URLs {
		wantStatus(t, get(s, strings.TrimPrefix(u, "https://planet.example")), 200)
	}
	wantParts(t, "robots.txt", body(t, get(s, "/robots.txt")), "Disallow: /search\n", "Sitemap: https://planet.example/sitemap.xml\n")
	wantParts(t, "manifest", body(t, get(s, "/manifest.webmanifest")), `"name": "Planet Test"`, `"start_url": "/"`)
	hidden := newSite(t, newFake(), func(o *Options) { o.NoIndex = true })
	wantParts(t, "robots.txt", body(t, get(hidden, "/robots.txt")), "Disallow: /search\n", "!Disallow: /\n", "!Sitemap")
	for _, path := range []string{"/", "/entry/long/", "/archive/"} {
		wantParts(t, path, body(t, get(hidden, path)), `<meta name="robots" content="noindex">`)
		wantParts(t, path, body(t, get(s, path)), "!noindex")
	}
}

func TestFirstLookIsToldAtOnce(t *testing.T) {
	f := statusOf(feeds.Source{})
	s := newSite(t, f)
	refresh(t, s)
	wantParts(t, "before", body(t, get(s, "/")), "!Last looked")
	f.visited(0, epoch)
	refresh(t, s)
	wantParts(t, "after", body(t, get(s, "/")), "Last looked for news on")
}

func TestPagesSayWhenThePlanetLastLooked(t *testing.T) {
	f := newFake()
	now := epoch.Add(10 * time.Hour)
	s := newSite(t, f, func(o *Options) { o.StaleAfter = 24 * time.Hour })
	s.now = func() time.Time { return now }
	refresh(t, s)
	first := get(s, "/")
	page := body(t, first)
	wantParts(t, "fresh", page, `Last looked for news on <time datetime="2026-03-01">1 March 2026</time>.`, `!class="stale"`)
	now = now.Add(5 * time.Minute)
	f.visited(0, epoch.Add(9*time.Hour))
	refresh(t, s)
	if body(t, get(s, "/")) != page {
		t.Error("a pass on the same day changed the page")
	}
	wantParts(t, "nothing here", body(t, get(s, "/nowhere")), `Last looked for news on <time datetime="2026-03-01">1 March 2026</time>.`, `!class="stale"`)
	feed := get(s, "/feed.atom").Header.Get("ETag")
	now = now.Add(24 * time.Hour)
	refresh(t, s)
	wantParts(t, "stale", body(t, get(s, "/")), `<p class="stale" role="status">Planet Test has not looked at its sources since 1 March 2026, 21:00 UTC: what is newer is not here yet.</p>`)
	wantParts(t, "nothing here, stale", body(t, get(s, "/nowhere")), `<p class="stale" role="status">Planet Test has not looked`)
	if again := get(s, "/feed.atom").Header.Get("ETag"); again != feed {
		t.Error("a feed changed by that")
	}
	f.visited(0, now)
	now = now.Add(lookAge)
	refresh(t, s)
	wantParts(t, "fresh again", body(t, get(s, "/")), `2 March 2026</time>.`, `!class="stale"`)
}

func TestSourceSaysWhyItStandsAsItDoes(t *testing.T) {
	h := feeds.Health("").Visit(epoch.AddDate(0, 0, -2), true).Visit(epoch.AddDate(0, 0, -1), false).Visit(epoch, true)
	s := newSite(t, statusOf(feeds.Source{
		Title: "A <blog>", URL: "https://user:secret@a.example/feed", Site: "javascript:x", Keep: feeds.Match{Tags: []string{"Chess", "Go"}, Authors: []string{"Ann"}}, Entries: 3, Language: "de",
		State: feeds.State{LastVisit: epoch, LastSuccess: epoch.AddDate(0, 0, -1), Failures: 2, LastError: "the server answered 500", Health: h},
	}, feeds.Source{URL: "file:///srv/secret", State: feeds.State{LastVisit: epoch}}))
	page := body(t, get(s, "/source/a/why/"))
	wantParts(t, "why", page, "<h1>How A &lt;blog&gt; is doing</h1>", "It is visited again, and its posts stay.", "the server answered 500", "!secret", "!javascript",
		"tagged “Chess” or “Go”, or by “Ann”", `<a href="https://a.example/feed">`, "In the last 30 days, all visits went well on 2 of 3 days; they failed on 28 February.", "German", "!12:00")
	if w := wellFormed(page); len(w) > 0 {
		t.Error(w)
	}
	wantParts(t, "a folder", body(t, get(s, "/source/b/why/")), "a folder of posts of the planet itself", "!secret", "!Visits")
	wantStatus(t, get(s, "/source/c/why/"), 404)
	wantStatus(t, get(s, "/category/a/why/"), 404)
}

func TestFacesAreFilesOfOursOrInitials(t *testing.T) {
	for name, want := range map[string]string{
		"XMPP Standards Foundation": "XS", "jitsi": "J", "  the (old) blog": "TO", "日本語 ブログ": "日", "Élan vital": "ÉV", "…": "·", "3 & 4": "34",
	} {
		if got := initials(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 20)...)
	s := newSite(t, newFake(), func(o *Options) { o.Faces = map[string][]byte{"rook": png} })
	page := body(t, get(s, "/source/rook/"))
	wantParts(t, "with a picture", page, `<img src="/static/face.`)
	wantParts(t, "without", body(t, get(s, "/source/beet/")), `class="face hue`, "!/static/face.")
	_, rest, _ := strings.Cut(page, `<img src="`)
	src, _, _ := strings.Cut(rest, `"`)
	r := get(s, src)
	wantStatus(t, r, 200)
	wantHeader(t, r, "Content-Type", "image/png")
	for text, want := range map[string]string{
		"<html><script>alert(1)</script>": "no picture", strings.Repeat("x", maxFace+1): "are enough", "": "no picture",
		`<?xml version="1.0"?><svg xmlns="x"/>`: "", "GIF89a": "",
	} {
		if err := CheckFace([]byte(text)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestSearchShowsWhatItFoundAndWhereToNarrowIt(t *testing.T) {
	f := newFake()
	f.change("long", func(e *feeds.Entry) {
		e.Title, e.TitleHTML = "On castles", ""
		e.Content = "<p>" + strings.Repeat("Nothing of it. ", 200) + "Then the castle &lt;b&gt; stands.</p>"
	})
	s := newSite(t, f)
	page := body(t, get(s, "/search?q=castle*&category=g%C3%A4rten"))
	wantParts(t, "found", page, "On <mark>castles</mark>", "Then the <mark>castle</mark> &lt;b&gt; stands.", `<select name="category">`, `<option value="gärten" selected>Gärten &amp; Höfe</option>`, `<details open>`,
		`<input type="search" id="q" name="q" value="castle*"`, "!e-content")
	if w := wellFormed(page); len(w) > 0 {
		t.Error(w)
	}
}

func TestOnlySoManySearchAtOnce(t *testing.T) {
	f := newFake()
	f.gate = make(chan struct{})
	s := newSite(t, f)
	for range maxFinders {
		s.finders <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.finding(ctx); !errors.Is(err, errBusy) {
		t.Errorf("one more may search: %v", err)
	}
	<-s.finders
	done, err := s.finding(t.Context())
	if err != nil {
		t.Fatalf("nobody may search though there is room: %v", err)
	}
	done()
}

func TestNothingOfAPageIsLostInATheme(t *testing.T) {
	s := newSite(t, newFake())
	for _, x := range samples() {
		var b bytes.Buffer
		if err := s.writePage(&b, x.route, x.material); err != nil {
			t.Errorf("%s: %v", x.route, err)
		}
		if w := wellFormed(b.String()); len(w) > 0 {
			t.Errorf("%s: %v", x.route, w)
		}
	}
}
