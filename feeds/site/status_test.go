package site

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// statusOf is a planet with these sources, called a, b, c if they have no slug.
func statusOf(sources ...feeds.Source) *fake {
	f := emptyFake()
	for i := range sources {
		x := &sources[i]
		if x.Slug == "" {
			x.Slug = string(rune('a' + i))
		}
		if x.URL == "" {
			x.URL = "https://" + x.Slug + ".example/feed"
		}
	}
	f.sources = sources
	return f
}

// statusParts are the head and the sections of the page of the planet's health.
func statusParts(t *testing.T, f *fake) (lead, care, every, words string) {
	t.Helper()
	r := get(newSite(t, f), "/status/")
	wantStatus(t, r, 200)
	page := body(t, r)
	for _, w := range wellFormed(page) {
		t.Error(w)
	}
	main, _, _ := strings.Cut(page, "</main>")
	rest, words, _ := strings.Cut(main, `<h2 id="words">`)
	rest, every, _ = strings.Cut(rest, `<h2 id="every">`)
	lead, care, _ = strings.Cut(rest, `<h2 id="care">`)
	return lead, care, every, words
}

// wantParts fails the test if text lacks a part, or has one that is written after a !.
func wantParts(t *testing.T, where, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if p, unwanted := strings.CutPrefix(p, "!"); strings.Contains(text, p) == unwanted {
			t.Errorf("%s: %q is there: %v, in\n%s", where, p, unwanted, text)
		}
	}
}

const (
	lastTime = `<time datetime="2026-03-01T12:00:00Z">1 March 2026, 12:00 UTC</time>`
	inTable  = `<td><time datetime="2026-03-01T12:00:00Z">1 March 2026, 12:00</time></td>`
	nextTime = `<td><time datetime="2026-03-01T15:00:00Z">1 March 2026, 15:00</time></td>`
)

func TestStatusSaysOfEverySourceHowItIs(t *testing.T) {
	well := feeds.State{LastVisit: epoch, LastSuccess: epoch, NextVisit: epoch.Add(3 * time.Hour)}
	change := func(edit func(*feeds.State)) feeds.State { st := well; edit(&st); return st }
	failing := change(func(st *feeds.State) { st.Failures, st.LastError = 5, "the server answered 404 (not found)" })
	for name, c := range map[string]struct {
		source      feeds.Source
		care, every []string // what is said; after ! what is not
	}{
		"ok":                    {feeds.Source{State: well, Entries: 7}, nil, []string{"<td>ok</td>" + inTable + nextTime + `<td class="number">7</td>`, `<th scope="row"><a href="/source/a/why/">a</a></th>`}},
		"moved":                 {feeds.Source{State: well, Address: "https://b.example/"}, nil, []string{"<td>moved</td>" + inTable + nextTime}},
		"new":                   {feeds.Source{}, nil, []string{"<td>new</td><td>never</td><td>with the next pass</td>"}},
		"paused":                {feeds.Source{State: failing, Paused: true}, nil, []string{"<td>paused</td>" + inTable + "<td>not while it is paused</td>"}},
		"same as":               {feeds.Source{State: well, SameAs: "b"}, nil, []string{"<td>same as b</td>" + inTable + "<td>never</td>"}},
		"a folder":              {feeds.Source{State: well, URL: "file:///srv/x"}, nil, []string{"<td>ok</td>" + inTable + "<td>with the next pass</td>"}},
		"a folder with a tempo": {feeds.Source{State: well, URL: "file:///srv/x", Every: time.Hour}, nil, []string{"<td>ok</td>" + inTable + nextTime}},
		"failing": {feeds.Source{State: failing}, []string{
			`<h3><a href="/source/a/">a</a> <span class="state trouble">failing</span></h3>`, `<p class="trouble">the server answered 404 (not found)</p>`,
			"<p>It has failed 5 times in a row; the last good visit was on " + lastTime + ".</p>", `<a href="https://a.example/feed">feed<span class="hidden"> of a</span></a>`,
		}, []string{`<td class="trouble">failing</td>` + inTable + nextTime}},
		"failing once": {feeds.Source{State: change(func(st *feeds.State) { st.Failures = 1 })}, []string{
			"<p>It has failed once; the last good visit was on " + lastTime, `!<p class="trouble">`,
		}, nil},
		"failing from the first visit on": {feeds.Source{State: change(func(st *feeds.State) { st.Failures, st.LastSuccess = 2, time.Time{} })}, []string{
			"<p>It has failed 2 times in a row; it was never visited with success.</p>",
		}, []string{`<td class="trouble">failing</td><td>never</td>` + nextTime}},
		"gone": {feeds.Source{State: change(func(st *feeds.State) { st.Gone, st.Failures, st.LastError = true, 1, "410" })}, []string{
			`<p class="trouble">410</p>`, "<p>Its server says that it will not come back, so it is not visited any more; the last good visit was on " + lastTime + ".</p>",
		}, []string{`<td class="trouble">gone</td>` + inTable + "<td>never</td>"}},
		"held": {feeds.Source{State: change(func(st *feeds.State) { st.Held, st.Failures, st.LastError = true, 1, "looks like another" })}, []string{
			`<p class="trouble">looks like another</p>`, "<p>What it says now is not taken until whoever keeps the planet lets it in; the last good visit was on " + lastTime + ".</p>",
		}, []string{`<td class="trouble">held</td>`}},
		"partly": {feeds.Source{State: change(func(st *feeds.State) {
			st.LastError = "1.md: no\n2.md: no\n\n3.md: no\n4.md: no\n5.md: no\n6.md: no\n7.md: no"
		})}, []string{
			`<p class="trouble">1.md: no</p>`, `<p class="trouble">5.md: no</p>`, "!6.md", `<p class="trouble">and 2 more</p>`, "<p>The rest of it is here; the last visit was on " + lastTime + ".</p>",
		}, []string{`<td class="trouble">partly</td>`}},
		"without an address here": {feeds.Source{Slug: "../up", URL: "https://u.example/feed", Site: "javascript:x", Title: "Up", State: failing}, []string{
			`<h3>Up <span`, `<a href="https://u.example/feed">`,
		}, []string{`<th scope="row">Up</th>`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, care, every, words := statusParts(t, statusOf(c.source))
			wantParts(t, "care", care, c.care...)
			wantParts(t, "every", every, c.every...)
			if (care == "") != (c.care == nil) {
				t.Errorf("it needs attention: %s", care)
			}
			wantParts(t, "words", words, "<dt>"+kindOf(c.source.Condition())+"</dt><dd>")
			if n := strings.Count(words, "<dt>"); n != 1 {
				t.Errorf("%d words are explained:\n%s", n, words)
			}
		})
	}
}

func TestStatusCountsSourcesAndNamesTheirVisits(t *testing.T) {
	at := func(last, next time.Duration) feeds.State {
		return feeds.State{LastVisit: epoch.Add(last), LastSuccess: epoch.Add(last), NextVisit: epoch.Add(next)}
	}
	bad, gone := at(-time.Hour, 2*time.Hour), at(-2*time.Hour, time.Minute)
	bad.Failures, gone.Gone = 1, true
	lead, care, every, _ := statusParts(t, statusOf(
		feeds.Source{Title: "Zebra", State: bad}, feeds.Source{Title: "ant", State: bad}, feeds.Source{State: at(0, 3*time.Hour)},
		feeds.Source{Paused: true, State: at(-time.Hour, time.Minute)}, feeds.Source{SameAs: "a", State: at(-time.Hour, time.Minute)}, feeds.Source{State: gone},
		feeds.Source{URL: "file:///srv/x", State: at(-time.Hour, -time.Hour)}, feeds.Source{},
		feeds.Source{Title: "Left", Retired: true, State: at(time.Hour, time.Hour)},
	))
	wantParts(t, "lead", lead, "8 sources: 2 ok, 1 new, 2 failing, 1 gone, 1 paused, 1 same as another.",
		"Last visit "+lastTime+"; next visit <time datetime=\"2026-03-01T14:00:00Z\">1 March 2026, 14:00 UTC</time>.")
	wantParts(t, "every", every, "!Left")
	for where, text := range map[string]string{"care": care, "every": every} {
		if a, z := strings.Index(text, ">ant<"), strings.Index(text, ">Zebra<"); a < 0 || z < a {
			t.Errorf("%s: not by name", where)
		}
	}
	lead, _, _, _ = statusParts(t, statusOf(feeds.Source{Paused: true, State: at(0, time.Hour)}))
	wantParts(t, "lead", lead, "1 source: 1 paused. Last visit "+lastTime+".</p>")
	lead, _, _, _ = statusParts(t, statusOf(feeds.Source{}))
	wantParts(t, "lead", lead, "1 source: 1 new.</p>")
}

func TestStatusTellsWhatIsHeldBackAsAFlood(t *testing.T) {
	f := statusOf(feeds.Source{State: feeds.State{LastVisit: epoch}}, feeds.Source{State: feeds.State{LastVisit: epoch}}, feeds.Source{Slug: "old", Retired: true})
	f.held = map[string]feeds.HeldPosts{"a": {Posts: 31, Until: epoch}, "b": {Posts: 1, Until: epoch}, "old": {Posts: 77, Until: epoch}}
	_, care, every, _ := statusParts(t, f)
	wantParts(t, "care", care,
		"<p>31 posts are held back as a flood until "+lastTime+": they are shown then, or when whoever keeps the planet releases them.</p>",
		"<p>1 post is held back as a flood until "+lastTime+": it is shown then, or when whoever keeps the planet releases it.</p>",
		`<span class="state">ok</span>`, "!77", "!It has")
	wantParts(t, "every", every, "<td>ok</td>", "!trouble")
}

func TestStatusHidesOurFoldersAndPasswordsAndRunsNothing(t *testing.T) {
	f := statusOf(
		feeds.Source{Slug: "folder", URL: "file:///srv/secret/posts", Title: `<script>alert("title")</script>`, State: feeds.State{
			LastVisit: epoch, Failures: 1, LastError: "the folder /srv/secret/posts does not exist"}},
		feeds.Source{Slug: "feed", URL: "https://name:secret@f.example/x", Site: "javascript:alert(1)", State: feeds.State{
			LastVisit: epoch, Failures: 1, LastError: `https://name:secret@f.example/x: <img src=x onerror="alert(1)"></p>`}},
		feeds.Source{Slug: "part", URL: "file:///srv/secret/more", State: feeds.State{LastVisit: epoch, LastError: "/srv/secret/more: odd"}},
	)
	s := newSite(t, f)
	for _, path := range []string{"/status/", "/sources/"} {
		page := body(t, get(s, path))
		for _, w := range wellFormed(page) {
			t.Errorf("%s: %s", path, w)
		}
		wantParts(t, path, page, "!secret", "!<script", "!<img", "!javascript", "the folder does not exist", "the folder: odd",
			"https://f.example/x: &lt;img src=x onerror=&#34;alert(1)&#34;&gt;&lt;/p&gt;", "&lt;script&gt;alert(&#34;title&#34;)&lt;/script&gt;",
			`href="/source/folder/feed.atom"`, `href="https://f.example/x"`)
	}
}

// ticking is a site whose clock the test sets.
func ticking(t *testing.T, f *fake) (s *Site, pass func(time.Duration)) {
	t.Helper()
	s, now := newSite(t, f), epoch.AddDate(1, 0, 0)
	s.now = func() time.Time { return now }
	refresh(t, s)
	return s, func(d time.Duration) { now = now.Add(d) }
}

// visited is what a visit that changes no page of posts does: the Version stays.
func (f *fake) visited(i int, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sources[i].State.LastVisit, f.sources[i].State.LastSuccess = at, at
}

func TestStatusIsMadeOnceAMinuteWhateverTheVersionSays(t *testing.T) {
	f := newFake()
	s, pass := ticking(t, f)
	first := get(s, "/status/")
	wantHeader(t, first, "Cache-Control", "public, max-age=60")
	wantHeader(t, first, "Last-Modified", "none")
	etag, asked := first.Header.Get("ETag"), f.asked("all")
	f.visited(0, epoch.Add(time.Hour))
	f.change("plain07", func(e *feeds.Entry) { e.Title = "Check!" })
	refresh(t, s)
	pass(statusAge - time.Second)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		wantHeader(t, ask(s, method, "/status/?x=1"), "ETag", etag)
	}
	if n := f.asked("all") - asked; n != 1 { // Refresh
		t.Errorf("the store was asked %d times within the minute", n-1)
	}
	pass(time.Second)
	version := f.asked("version")
	second := get(s, "/status/", "If-None-Match", etag)
	wantStatus(t, second, 200)
	wantParts(t, "after a visit", body(t, second), "Last visit <time datetime=\"2026-03-01T13:00:00Z\">")
	if f.asked("version") != version {
		t.Error("the store was asked for a version that says nothing of visits")
	}
}

func TestStatusThatSaysTheSameIsNotModified(t *testing.T) {
	f := newFake()
	s, pass := ticking(t, f)
	etag := get(s, "/status/").Header.Get("ETag")
	kept := s.cache.get(route{kind: atStatus}).doc
	for i := range 3 {
		pass(statusAge)
		asked := f.asked("sources")
		for range 5 {
			wantStatus(t, get(s, "/status/", "If-None-Match", etag), 304)
		}
		if n := f.asked("sources") - asked; n != 1 {
			t.Errorf("minute %d: the sources were read %d times", i, n)
		}
		if s.cache.get(route{kind: atStatus}).doc != kept {
			t.Error("equal bytes are kept twice")
		}
	}
}

func TestStatusStaysWhileTheStoreCannotBeRead(t *testing.T) {
	for _, call := range []int{1, 2} { // the sources, what is held
		f := newFake()
		s, pass := ticking(t, f)
		etag := get(s, "/status/").Header.Get("ETag")
		f.visited(0, epoch.Add(time.Hour))
		pass(statusAge)
		f.mu.Lock()
		f.failAt = f.calls["all"] + call
		f.mu.Unlock()
		asked := f.asked("all")
		for range 5 {
			r := get(s, "/status/")
			wantStatus(t, r, 200)
			wantHeader(t, r, "ETag", etag)
		}
		if n := f.asked("all") - asked; n != call {
			t.Errorf("a failing store was asked %d times within a tick", n)
		}
		refresh(t, s)
		if get(s, "/status/").Header.Get("ETag") == etag {
			t.Error("it stays old after the store is back")
		}
	}
	f := newFake()
	f.broken(true)
	wantStatus(t, get(newSite(t, f), "/status/"), 503)
}

func TestStatusIsExportedAsItIsServed(t *testing.T) {
	f := newFake()
	s, pass := ticking(t, f)
	dir := filepath.Join(t.TempDir(), "out")
	for i := range 2 {
		build(t, s, dir)
		if got := files(t, dir)["status/index.html"]; got == "" || got != body(t, get(s, "/status/")) {
			t.Errorf("build %d: the file is not what is served", i)
		}
		f.visited(0, epoch.Add(time.Hour))
		pass(statusAge)
	}
}

func TestEveryPageLeadsToTheStatus(t *testing.T) {
	s := newSite(t, newFake())
	wantParts(t, "/", body(t, get(s, "/")), `<a href="/status/">Status</a>`)
	wantParts(t, "/status/", body(t, get(s, "/status/")), `<a href="/status/" aria-current="page">Status</a>`, "<title>Status – Planet Test</title>",
		`<link rel="canonical" href="https://planet.example/status/">`)
	r := get(s, "/status")
	wantStatus(t, r, 301)
	wantHeader(t, r, "Location", "/status/")
	for _, path := range []string{"/status/feed.atom", "/status/x/"} {
		wantStatus(t, get(s, path), 404)
	}
}

func TestAStatusOfManySourcesIsALightPage(t *testing.T) {
	var sources []feeds.Source
	for i := range 300 {
		at := epoch.Add(time.Duration(i) * time.Second)
		sources = append(sources, feeds.Source{Slug: fmt.Sprintf("source-%03d", i), Title: fmt.Sprintf("The blog of source %d", i), State: feeds.State{
			LastVisit: at, LastSuccess: at, NextVisit: at.Add(time.Hour)}})
	}
	page := body(t, get(newSite(t, statusOf(sources...)), "/status/"))
	if n := len(page); n > 100<<10 { // pages.md 7
		t.Errorf("%d bytes", n)
	}
}

func TestStatusTellsWhetherListenersAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		debts []feeds.Debt
		says  []string
	}{
		"nobody":  {nil, []string{"!Who is told"}},
		"all":     {[]feeds.Debt{{To: "a"}, {To: "b"}}, []string{"<p>2 listeners are told of what is new, and nothing is left to tell.</p>"}},
		"not yet": {[]feeds.Debt{{To: "a", Owed: 3, Oldest: epoch}}, []string{"<p>1 listener is told of what is new; 3 messages are on the way.</p>"}},
		"one does not take it": {
			[]feeds.Debt{{To: "room.example", Owed: 1, Oldest: epoch, Tries: 2, Error: "no room", GivenUp: 7}, {To: "b", Owed: 1, Oldest: epoch.Add(-time.Hour)}},
			[]string{`<p class="trouble">2 listeners are told of what is new; 1 has not taken all of it, and 1 message waits since ` + lastTime + ". 7 messages were given up.</p>", "!room.example", "!no room"},
		},
		"the oldest of two": {
			[]feeds.Debt{{To: "a", Owed: 2, Oldest: epoch.Add(time.Hour), Tries: 1}, {To: "b", Owed: 3, Oldest: epoch, Tries: 9}},
			[]string{"2 have not taken all of it, and 5 messages wait since " + lastTime + ".</p>"},
		},
		"given up": {[]feeds.Debt{{To: "a", GivenUp: 1}}, []string{"<p>1 listener is told of what is new, and nothing is left to tell. 1 message was given up.</p>"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := statusOf(feeds.Source{})
			f.debts = c.debts
			r := get(newSite(t, f), "/status/")
			wantStatus(t, r, 200)
			page := body(t, r)
			for _, w := range wellFormed(page) {
				t.Error(w)
			}
			wantParts(t, "page", page, c.says...)
		})
	}
}
