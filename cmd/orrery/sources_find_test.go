package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/config"
	"orrery/feeds"
)

// web is an internet of a few documents that notes who was asked.
type web struct {
	docs  map[string]doc
	asked []string
}

// doc is what an address answers: a document, or a status.
type doc struct {
	body, link string
	status     int    // 0: 200
	at         string // where it is after redirects; "": at its address
	moved      bool   // the redirects were for good
}

func (w *web) fetch(_ context.Context, s feeds.Source, _ feeds.Validators) (fetch.Response, error) {
	w.asked = append(w.asked, s.URL)
	d, ok := w.docs[s.URL]
	switch {
	case !ok:
		return fetch.Response{Status: 404, URL: s.URL}, &fetch.StatusError{Status: 404, URL: s.URL}
	case d.status < 0:
		return fetch.Response{}, errors.New("nobody answers")
	case d.status > 0:
		return fetch.Response{Status: d.status, URL: s.URL}, &fetch.StatusError{Status: d.status, URL: s.URL}
	}
	r := fetch.Response{Status: 200, URL: s.URL, Body: []byte(d.body)}
	if d.link != "" {
		r.Link = []string{d.link}
	}
	if d.at != "" {
		r.URL = d.at
	}
	if d.moved {
		r.MovedTo = d.at
	}
	return r, nil
}

const (
	blogFeed = `<rss version="2.0"><channel><title>Blog</title><link>https://blog.example/</link><description>d</description>` +
		`<item><title>One</title><link>https://blog.example/1</link></item></channel></rss>`
	otherFeed = `<rss version="2.0"><channel><title>Other</title><link>https://other.example/</link><description>d</description>` +
		`<item><title>Else</title><link>https://other.example/1</link></item></channel></rss>`
	bare = `<!doctype html><html><head><title>Blog</title></head></html>`
)

func pageNaming(list ...string) string {
	var b strings.Builder
	b.WriteString("<!doctype html><html><head>")
	for _, href := range list {
		fmt.Fprintf(&b, `<link rel="alternate" type="application/rss+xml" href="%s">`, href)
	}
	return b.String() + "</head></html>"
}

func TestFeedOfASiteIsFound(t *testing.T) {
	for _, test := range []struct {
		name  string
		docs  map[string]doc
		given []string
		want  string   // address, or what the error says
		asked []string // default: given and want
		said  string
	}{
		{name: "the address itself", docs: map[string]doc{"https://blog.example/f": {body: blogFeed}}, want: "https://blog.example/f", given: []string{"https://blog.example/f"}, asked: []string{"https://blog.example/f"}},
		{name: "named by the page", docs: map[string]doc{"https://blog.example/": {body: pageNaming("/f")}, "https://blog.example/f": {body: blogFeed}}, want: "https://blog.example/f"},
		{name: "named by the header", docs: map[string]doc{"https://blog.example/": {body: bare, link: `</f>; rel="alternate"; type="application/rss+xml"`}, "https://blog.example/f": {body: blogFeed}}, want: "https://blog.example/f"},
		{name: "elsewhere", docs: map[string]doc{"https://blog.example/": {body: pageNaming("https://feeds.example/b")}, "https://feeds.example/b": {body: blogFeed}}, want: "https://feeds.example/b"},
		{name: "relative to where the page is", docs: map[string]doc{"https://blog.example/": {body: pageNaming("f"), at: "https://www.blog.example/en/"}, "https://www.blog.example/en/f": {body: blogFeed}}, want: "https://www.blog.example/en/f"},
		{name: "the second that is named", docs: map[string]doc{"https://blog.example/": {body: pageNaming("/gone", "/page", "/f")}, "https://blog.example/page": {body: bare}, "https://blog.example/f": {body: blogFeed}},
			want: "https://blog.example/f", asked: []string{"https://blog.example/", "https://blog.example/gone", "https://blog.example/page", "https://blog.example/f"}, said: "gone: the server answered 404"},
		{name: "not the fourth that is named", docs: map[string]doc{"https://blog.example/": {body: pageNaming("/1", "/2", "/3", "/f")}, "https://blog.example/f": {body: blogFeed}},
			want: "none could be read: the server answered 404", asked: []string{"https://blog.example/", "https://blog.example/1", "https://blog.example/2", "https://blog.example/3"}},
		{name: "not the comments", docs: map[string]doc{"https://blog.example/": {body: pageNaming("/comments/feed", "/gone")}, "https://blog.example/comments/feed": {body: otherFeed}},
			want: "none could be read", asked: []string{"https://blog.example/", "https://blog.example/gone"}},
		{name: "by its usual name", docs: map[string]doc{"https://blog.example/": {body: bare}, "https://blog.example/atom.xml": {body: blogFeed}}, want: "https://blog.example/atom.xml",
			asked: []string{"https://blog.example/", "https://blog.example/feed/", "https://blog.example/atom.xml"}, said: "names no feed; this one was found by its usual name"},
		{name: "nowhere", docs: map[string]doc{"https://blog.example/": {body: bare}}, want: "names no feed, and there is none at https://blog.example/feed/, https://blog.example/atom.xml, https://blog.example/index.xml;",
			asked: []string{"https://blog.example/", "https://blog.example/feed/", "https://blog.example/atom.xml", "https://blog.example/index.xml"}},
		{name: "whoever has enough is not asked again", docs: map[string]doc{"https://blog.example/": {body: bare}, "https://blog.example/feed/": {status: 429}}, want: "names no feed",
			asked: []string{"https://blog.example/", "https://blog.example/feed/"}},
		{name: "no answer", docs: map[string]doc{"https://blog.example/": {status: 503}}, want: "https://blog.example/: the server answered 503", asked: []string{"https://blog.example/"}},
		{name: "without TLS if need be", docs: map[string]doc{"https://blog.example/f": {status: -1}, "http://blog.example/f": {body: blogFeed}}, given: []string{"https://blog.example/f", "http://blog.example/f"},
			want: "http://blog.example/f", asked: []string{"https://blog.example/f", "http://blog.example/f", "https://blog.example/f"}},
		{name: "with TLS if it may be", docs: map[string]doc{"http://blog.example/f": {body: blogFeed}, "https://blog.example/f": {body: strings.ReplaceAll(blogFeed, "https:", "http:")}}, given: []string{"http://blog.example/f"},
			want: "https://blog.example/f", said: "the same feed answers with TLS: https://blog.example/f is taken"},
		{name: "not what else is there with TLS", docs: map[string]doc{"http://blog.example/f": {body: blogFeed}, "https://blog.example/f": {body: otherFeed}}, given: []string{"http://blog.example/f"},
			want: "http://blog.example/f", asked: []string{"http://blog.example/f", "https://blog.example/f"}},
		{name: "not TLS that leads back", docs: map[string]doc{"http://blog.example/f": {body: blogFeed}, "https://blog.example/f": {body: blogFeed, at: "http://blog.example/f"}}, given: []string{"http://blog.example/f"},
			want: "http://blog.example/f", asked: []string{"http://blog.example/f", "https://blog.example/f"}},
		{name: "another port has no TLS", docs: map[string]doc{"http://blog.example:8080/f": {body: blogFeed}}, given: []string{"http://blog.example:8080/f"}, want: "http://blog.example:8080/f", asked: []string{"http://blog.example:8080/f"}},
		{name: "moved for good", docs: map[string]doc{"https://old.example/f": {body: blogFeed, at: "https://blog.example/f", moved: true}}, given: []string{"https://old.example/f"},
			want: "https://blog.example/f", asked: []string{"https://old.example/f"}, said: "https://old.example/f has moved for good: its new address is taken"},
		{name: "elsewhere for now", docs: map[string]doc{"https://old.example/f": {body: blogFeed, at: "https://blog.example/f"}}, given: []string{"https://old.example/f"},
			want: "https://old.example/f", asked: []string{"https://old.example/f"}, said: "https://old.example/f answers from https://blog.example/f for now"},
		{name: "a source already", given: []string{"https://known.example/f"}, want: "https://known.example/f is the source known already", asked: nil, docs: map[string]doc{}},
		{name: "moved to a source", docs: map[string]doc{"https://old.example/f": {body: blogFeed, at: "https://known.example/f", moved: true}}, given: []string{"https://old.example/f"},
			want: "is the source known already", asked: []string{"https://old.example/f"}},
		{name: "the page of a source", docs: map[string]doc{"https://blog.example/": {body: pageNaming("/f", "https://known.example/f")}}, want: "is the page of the source known already: it names https://known.example/f;", asked: []string{"https://blog.example/"}},
		{name: "a broken feed", docs: map[string]doc{"https://blog.example/f": {body: "<rss><channel><item"}}, given: []string{"https://blog.example/f"}, want: "https://blog.example/f: the feed is broken", asked: []string{"https://blog.example/f"}},
		{name: "no password is shown", docs: map[string]doc{"https://me:secret@blog.example/f": {status: 403}}, given: []string{"https://me:secret@blog.example/f"}, want: "https://me:xxxxx@blog.example/f: ", asked: []string{"https://me:secret@blog.example/f"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, said := &web{docs: test.docs}, ""
			f := &finder{
				wish:   func(*feeds.Source) string { return "" },
				fetch:  map[string]fetch.Func{"http": w.fetch, "https": w.fetch},
				known:  func(a string) string { return map[string]string{"https://known.example/f": "known"}[a] },
				choose: func(context.Context, []fetch.Candidate) (int, bool, error) { return 0, false, nil },
				say:    func(format string, args ...any) { said += fmt.Sprintf(format, args...) + "\n" },
			}
			if test.given == nil {
				test.given = []string{"https://blog.example/"}
			}
			got, err := f.find(t.Context(), test.given)
			switch {
			case err != nil && (strings.HasPrefix(test.want, "https://") && !strings.Contains(test.want, " ") || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %s", err, test.want)
			case err == nil && got.address != test.want:
				t.Errorf("found %s, want %s", got.address, test.want)
			case err == nil && (got.Feed == nil || got.Feed.Title != "Blog"):
				t.Errorf("read %+v", got.Feed)
			}
			if want := test.asked; want == nil && err == nil && !slices.Equal(w.asked, append(test.given, test.want)) || want != nil && !slices.Equal(w.asked, want) {
				t.Errorf("asked %q, want %q", w.asked, want)
			}
			if test.said != "" && !strings.Contains(said, test.said) || test.said == "" && said != "" && err == nil {
				t.Errorf("said %q, want %q", said, test.said)
			}
		})
	}
}

func TestSearchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := &web{docs: map[string]doc{"https://blog.example/": {body: bare}}}
	f := &finder{
		wish:  func(*feeds.Source) string { return "" },
		pause: time.Hour, known: func(string) string { return "" },
		fetch: map[string]fetch.Func{"https": func(c context.Context, s feeds.Source, v feeds.Validators) (fetch.Response, error) {
			cancel() // after the page, and before the guesses
			return w.fetch(c, s, v)
		}},
	}
	if _, err := f.find(ctx, []string{"https://blog.example/"}); !errors.Is(err, context.Canceled) || len(w.asked) != 1 {
		t.Errorf("%v after %q", err, w.asked)
	}
}

func TestAddressesAreReadAsPeopleTypeThem(t *testing.T) {
	t.Chdir(t.TempDir())
	for in, want := range map[string]string{
		"https://blog.example/":         "https://blog.example/",
		" HTTP://Blog.example/a b#c ":   "http://Blog.example/a%20b",
		"blog.example":                  "https://blog.example http://blog.example",
		"blog.example:8080/feed":        "https://blog.example:8080/feed http://blog.example:8080/feed",
		"localhost:8080":                "https://localhost:8080 http://localhost:8080",
		"feed:https://blog.example/f":   "https://blog.example/f",
		"feed://blog.example/f":         "https://blog.example/f http://blog.example/f",
		"https://me:secret@b.example/f": "https://me:secret@b.example/f",
		"blog":                          "",
		"ftp://blog.example/":           "",
		"file:///etc/passwd":            "",
		"javascript:alert(1)":           "",
		"":                              "",
		"https://":                      "",
		"../up":                         "",
		".":                             "",
	} {
		got, err := addressesOf(in)
		if strings.Join(got, " ") != want || (err == nil) != (want != "") || err != nil && !errors.As(err, new(usageError)) {
			t.Errorf("%q is read as %q, %v", in, got, err)
		}
	}
}

func feedOf(list ...feeds.Entry) found {
	f := found{address: "https://blog.example/f"}
	f.Feed = &feeds.Feed{Entries: list}
	return f
}

func TestWhatIsOddAboutAFeedIsSaid(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	good := feeds.Entry{GUID: "urn:x:1", GUIDGlobal: true, Content: "<p>Whole.</p>", Published: now.AddDate(0, 0, -3)}
	with := func(change func(*feeds.Entry)) feeds.Entry {
		e := good
		change(&e)
		return e
	}
	alter := func(change func(*found)) found {
		f := feedOf(good)
		change(&f)
		return f
	}
	for _, test := range []struct {
		name string
		f    found
		want string
	}{
		{"nothing", feedOf(good, good), ""},
		{"no TLS", alter(func(f *found) { f.address = "http://blog.example/f" }), "without TLS"},
		{"cut off", alter(func(f *found) { f.Feed.Truncated = true }), "cut off"},
		{"repaired", alter(func(f *found) { f.Feed.Repaired = []string{"a\x1b[31m", "b"} }), "repaired: a[31m, b"},
		{"large", alter(func(f *found) { f.Answer.Bytes = 600 << 10 }), "600 KiB large, and fetch.max_body is 1024 KiB"},
		{"empty", feedOf(), "no entries"},
		{"undated", feedOf(good, with(func(e *feeds.Entry) { e.Published = time.Time{} })), "1 of 2 entries have no date"},
		{"only updated", feedOf(with(func(e *feeds.Entry) { e.Published, e.Updated = time.Time{}, e.Published })), ""},
		{"known by its address", feedOf(with(func(e *feeds.Entry) { e.GUID, e.GUIDGlobal = "https://blog.example/1", false })), "no identity"},
		{"known by nothing", feedOf(with(func(e *feeds.Entry) { e.GUID, e.GUIDGlobal = "hash:1", false })), "no identity"},
		{"known by a number", feedOf(with(func(e *feeds.Entry) { e.GUID, e.GUIDGlobal = "17", false })), ""},
		{"no text", feedOf(with(func(e *feeds.Entry) { e.Content = "" })), "no text"},
		{"beginnings", feedOf(good, with(func(e *feeds.Entry) {
			e.Content = "<p>It begins [&#8230;]</p><p>The post One appeared first on Blog.</p>"
		})), "beginnings"},
		{"more is elsewhere", feedOf(with(func(e *feeds.Entry) { e.Content = `<p>It begins. <a href="/1">Continue reading →</a></p>` })), "beginnings"},
		{"ends in a sentence", feedOf(with(func(e *feeds.Entry) { e.Content = strings.Repeat("Many words and ", 20) + "then" })), "beginnings"},
		{"a note", feedOf(with(func(e *feeds.Entry) { e.Content = "Lunch" })), ""},
		{"one of three has dots", feedOf(good, good, with(func(e *feeds.Entry) { e.Content = "And so on..." })), ""},
		{"old", feedOf(with(func(e *feeds.Entry) { e.Published = now.AddDate(-2, 0, 0) })), "newest entry is of 1 March 2024"},
	} {
		got := strings.Join(oddities(test.f, 1<<20, now), "\n")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestTimesBetweenPostsAreForPeople(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		time.Minute: "every few minutes", 40 * time.Minute: "about every hour", 5 * time.Hour: "about every 5 hours", 20 * time.Hour: "about every day",
		2 * day: "about every 2 days", 6 * day: "about every week", 20 * day: "about every month", 70 * day: "about every 2 months", 800 * day: "about every 2 years",
	} {
		if got := every(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestTextsOfStrangersMoveNoCursor(t *testing.T) {
	if got := plain(" a\x1b[2Jb\u202ec\r\n\u0085d\u00a0e \U0001F339"); got != "a[2Jbc d e \U0001F339" {
		t.Errorf("%q", got)
	}
}

func TestNewSourceTakesNoSlugFromAListedOne(t *testing.T) {
	path := t.TempDir() + "/orrery.yaml"
	for name, text := range map[string]string{
		path: "planet: {title: P, url: \"https://p.example/\"}\nsources:\n  - opml: list.opml\n  - {feed: \"https://a.example/\", title: Rose 2}\n",
		strings.TrimSuffix(path, "orrery.yaml") + "list.opml": `<opml><body><outline text="Rose" xmlUrl="https://rose.example/"/><outline text="Rose 3" xmlUrl="https://rose3.example/"/></body></opml>`,
	} {
		if err := writeNew(name, text); err != nil {
			t.Fatal(err)
		}
	}
	p := &program{getenv: func(string) string { return "" }, configFile: path}
	pl, err := p.load()
	if err != nil {
		t.Fatal(err)
	}
	defer pl.close()
	e, err := p.extend(pl, []config.Source{{Feed: "https://x.example/", Title: "Rose"}, {Feed: "https://y.example/", Title: "Rose"}, {Feed: "https://z.example/", Title: "Tulip"}})
	if err != nil {
		t.Fatal(err)
	}
	var slugs []string
	for i := range e.Config.Sources {
		slugs = append(slugs, e.Config.Sources[i].Slug)
	}
	if want := []string{"", "rose-2", "rose-4", "rose-3-2", "tulip"}; !slices.Equal(slugs, want) {
		t.Errorf("slugs %q, want %q", slugs, want)
	}
}
