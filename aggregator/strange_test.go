package aggregator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// home is a source whose feed was read before.
func home() feeds.Source {
	return feeds.Source{
		Slug: "a", URL: "https://feeds.example/a", FeedTitle: "A’s Diary", FeedLink: "https://a.example/",
		State: feeds.State{LastSuccess: epoch.Add(-day)},
	}
}

// feedOf is a feed with posts at these addresses.
func feedOf(title, language string, posts ...string) *feeds.Feed {
	f := &feeds.Feed{Title: title, Language: language}
	for _, p := range posts {
		f.Entries = append(f.Entries, feeds.Entry{GUID: "of " + p, Permalink: p, Title: "T", Published: epoch})
	}
	return f
}

func TestFeedIsHeldBackOnlyWhenItsNamePostsAndHostsAreAllOthers(t *testing.T) {
	const sold, poker = "https://casino.example/1", "https://poker.example/1"
	known := map[string]feeds.Known{"of " + sold: {}}
	for _, c := range []struct {
		name   string
		change func(s *feeds.Source)
		feed   *feeds.Feed
		known  map[string]feeds.Known
		held   bool
	}{
		{"all are others", nil, feedOf("Casino", "de", sold, poker), nil, true},
		{"and it has no language", nil, feedOf("Casino", "", sold), nil, true},
		{"the name stays, as of a blog that moved", nil, feedOf("A’s Diary", "de", sold), nil, false},
		{"the name stays, more or less", nil, feedOf("A’S-DIARY", "de-AT", sold), nil, false},
		{"no name and no language", nil, feedOf("", "", sold), nil, false},
		{"a post is known", nil, feedOf("Casino", "zh", sold, poker), known, false},
		{"a post is at home", nil, feedOf("Casino", "zh", sold, "https://a.example/2"), nil, false},
		{"a post is where the feed is", nil, feedOf("Casino", "zh", sold, "https://FEEDS.example/2"), nil, false},
		{"a post is on the configured site", func(s *feeds.Source) { s.Site = "https://casino.example/" }, feedOf("Casino", "zh", sold), nil, false},
		{"it has no posts", nil, feedOf("Casino", "zh"), nil, false},
		{"nothing was ever read of it", func(s *feeds.Source) { s.FeedTitle = "" }, feedOf("Casino", "zh", sold), nil, false},
		{"a folder is renamed", func(s *feeds.Source) { s.URL = "file:///posts" }, feedOf("Casino", "zh", sold), nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := home()
			if c.change != nil {
				c.change(&s)
			}
			d := feeds.Due{Source: s, Validators: feeds.Validators{URL: s.URL, ETag: "old"}}
			r := fetch.Response{Status: 200, URL: s.URL, Feed: c.feed, Validators: feeds.Validators{URL: s.URL, ETag: "new"}}
			v := decide(epoch, d, r, nil, c.known, &feeds.Rules{}, Intervals{})
			if v.Held != c.held || errors.Is(v.Err, ErrStrange) != c.held || (v.Outcome == feeds.Failed) != c.held || (v.Validators.ETag == "old") != c.held {
				t.Errorf("held %v, outcome %d, %v, validators %+v", v.Held, v.Outcome, v.Err, v.Validators)
			}
			if c.held && (v.Feed != nil || !strings.Contains(v.Err.Error(), "orrery release a ")) {
				t.Errorf("%v, %+v", v.Err, v.Feed)
			}
		})
	}
}

// Of what has no name, or a usual one, the language tells.
func TestFeedInAnotherLanguageOnOtherHostsIsHeldBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		first *feeds.Feed
		then  *feeds.Feed
		held  bool
	}{
		{"another language", feedOf("Blog", "de", "https://a.example/1"), feedOf("Blog", "zh", "https://casino.example/1"), true},
		{"another language and no name", feedOf("Blog", "de", "https://a.example/1"), feedOf("", "zh", "https://casino.example/1"), true},
		{"another country", feedOf("Blog", "de", "https://a.example/1"), feedOf("Blog", "de-AT", "https://casino.example/1"), false},
		{"another language at home", feedOf("Blog", "de", "https://a.example/1"), feedOf("Blog", "en", "https://a.example/2"), false},
		{"a language where there was none", feedOf("Blog", "", "https://a.example/1"), feedOf("Blog", "en", "https://b.example/2"), false},
		{"no language where there was one", feedOf("Blog", "de", "https://a.example/1"), feedOf("Blog", "", "https://b.example/2"), false},
	} {
		db := stored(t, remote("a"))
		for i, f := range []*feeds.Feed{c.first, c.then} {
			answer := func(_ context.Context, s feeds.Source, _ feeds.Validators) (fetch.Response, error) {
				return fetch.Response{Status: 200, URL: s.URL, Feed: f}, nil
			}
			a, _ := newAggregator(db, answer, func(o *Options) { o.Now = func() time.Time { return epoch.Add(time.Duration(i) * day) } })
			refresh(t, a, Pass{})
		}
		if got := sources(t, db)["a"].State.Held; got != c.held {
			t.Errorf("%s: held %v", c.name, got)
		}
	}
}

// A link blog writes about others: with the language that the configuration gives
// it, its feed's own is another at every visit.
func TestLinkBlogWithAConfiguredLanguageIsNotHeldBack(t *testing.T) {
	s := newSite(t)
	linked := func(post string) http.HandlerFunc {
		return plain(fmt.Sprintf(`<rss version="2.0"><channel><title>Links</title><language>en-us</language><link>%s/</link>
			<item><guid isPermaLink="false">%s</guid><title>T</title><link>https://%s.example/</link></item></channel></rss>`, s.URL, post, post))
	}
	s.at("/feed", linked("one"))
	w := visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed", Language: "de"})
	w.after(t, 0)
	s.at("/feed", linked("two"))
	if sum := w.after(t, day); sum.New != 1 {
		t.Errorf("%s; %s", sum, sources(t, w.db)["a"].State.LastError)
	}
}

// A post without an address says nothing of its host, whether the source has a site
// or not.
func TestPostWithoutAnAddressIsNotAtHome(t *testing.T) {
	for _, site := range []string{"", "https://a.example/"} {
		s := home()
		s.Site = site
		f := feedOf("Casino", "zh", "https://casino.example/1", "")
		if err := strange(&s, f, nil); !errors.Is(err, ErrStrange) {
			t.Errorf("with the site %q it is taken", site)
		}
	}
}

// casino is the feed of whoever bought a domain.
var casino = strings.ReplaceAll(titled("Casino", "8"), "<content", `<link href="https://casino.example/8"/><content`)

// sold is a site whose feed is somebody else's now, and what it was.
func sold(t *testing.T) (s *site, w *web, before http.HandlerFunc) {
	t.Helper()
	s, before = newSite(t), serves(atom("1"), `"1"`)
	s.at("/feed", before)
	w = visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed"})
	w.after(t, 0)
	s.at("/feed", serves(casino, `"8"`))
	s.was()
	return s, w, before
}

func TestSoldDomainChangesNothingUntilItIsLetIn(t *testing.T) {
	s, w, before := sold(t)
	for i := range 2 {
		if sum := w.after(t, time.Duration(1+i)*day); sum.Failed != 1 || !sum.Zero() {
			t.Errorf("%s", sum)
		}
	}
	same(t, "asked", s.was(), []string{`/feed "1"`, `/feed "1"`})
	same(t, "shown", shown(t, w.db), []string{"urn:x:1"})
	a := sources(t, w.db)["a"]
	if !a.State.Held || a.State.Failures != 2 || a.FeedTitle != "Sample" {
		t.Errorf("source %+v", a)
	}
	for _, words := range []string{`"Sample"`, `"Casino"`, "held back", "orrery release a "} {
		if !strings.Contains(a.State.LastError, words) {
			t.Errorf("it does not say %s: %s", words, a.State.LastError)
		}
	}
	s.at("/feed", before) // it was a mistake of the server
	if sum := w.after(t, 3*day); sum.Unchanged != 1 || sum.Failed != 0 {
		t.Errorf("when it is back: %s", sum)
	}
	if st := sources(t, w.db)["a"].State; st.Held || st.Failures != 0 || st.LastError != "" {
		t.Errorf("state %+v", st)
	}
}

// What is held back stays so while its server is in trouble: orrery release can
// still let it in.
func TestSoldDomainIsHeldBackThroughOtherTrouble(t *testing.T) {
	s, w, _ := sold(t)
	w.after(t, day)
	s.at("/feed", status(500))
	w.after(t, 2*day)
	if st := sources(t, w.db)["a"].State; !st.Held || !strings.Contains(st.LastError, "500") {
		t.Errorf("state %+v", st)
	}
}

// Whoever keeps the planet has decided that this is the source now.
func TestFeedAtAnotherConfiguredAddressIsNotHeldBack(t *testing.T) {
	s := newSite(t)
	s.at("/feed", plain(atom("1")))
	s.at("/other", plain(casino))
	w := visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed"})
	w.after(t, 0)
	resync(t, w, feeds.Source{Slug: "a", URL: s.URL + "/other"})
	if sum := w.after(t, day); sum.New != 1 {
		t.Errorf("%s; %s", sum, sources(t, w.db)["a"].State.LastError)
	}
}

// outdated makes the store at the path one that an older program filled, which read
// something else in every post.
func outdated(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range []string{
		`UPDATE sources SET reader = reader - 1`,
		`UPDATE copies SET body = json_set(body, '$.content', 'as it was read once')`,
		`UPDATE listings SET listing = CAST(json_set(CAST(listing AS TEXT), '$.reader', 'an older one') AS BLOB)`,
	} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}

// old is a store of these sources that was filled before, by an older program.
func old(t *testing.T, fill func(w *web), sites []*site, list ...feeds.Source) *web {
	t.Helper()
	path := newFile(t)
	w := &web{db: open(t, path), now: epoch}
	w.fetch = fetcher(t, func() time.Time { return w.now }, sites...)
	resync(t, w, list...)
	fill(w)
	outdated(t, path)
	return w
}

// reread fails the test unless the planet shows what this program reads in these
// posts, and nothing was revised.
func (w *web) reread(t *testing.T, guids ...string) {
	t.Helper()
	list, err := w.db.Entries(t.Context(), feeds.Query{})
	if err != nil || len(list) != len(guids) {
		t.Fatalf("%d entries, not %d; %v", len(list), len(guids), err)
	}
	for _, e := range list {
		if e.Revision != 0 || e.Changed.After(epoch) || !strings.HasPrefix(e.Content, "<p>") {
			t.Errorf("%s: revision %d, changed %v, %q", e.GUID, e.Revision, e.Changed, e.Content)
		}
	}
	same(t, "shown", shown(t, w.db), guids)
}

// fetching.md 9: bump the version → exactly one unconditional GET.
func TestSourceThatAnOlderProgramReadIsAskedForWholeOnce(t *testing.T) {
	s := newSite(t)
	s.at("/feed", serves(atom("1", "2"), `"1"`))
	w := old(t, func(w *web) { w.after(t, 0) }, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed"})
	s.was()
	for i := range 4 {
		if sum := w.after(t, time.Duration(1+i)*day); sum.Unchanged != 1 || sum.Failed != 0 {
			t.Errorf("%s", sum)
		}
		w.reread(t, "urn:x:1", "urn:x:2")
	}
	same(t, "asked", s.was(), []string{"/feed", `/feed "1"`, `/feed "1"`, `/feed "1"`})
}

// rereads is a source that an older program read and that answers so at the first
// visit of the new one, and well after that.
func rereads(t *testing.T, meanwhile http.HandlerFunc) {
	t.Helper()
	s, well := newSite(t), serves(atom("1", "2"), `"1"`)
	s.at("/feed", well)
	w := old(t, func(w *web) { w.after(t, 0) }, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed"})
	s.was()
	s.at("/feed", meanwhile)
	w.after(t, day)
	s.at("/feed", well)
	if sum := w.after(t, 2*day); sum.Failed != 0 || !sum.Zero() {
		t.Errorf("the new reading is taken for the author's: %s", sum)
	}
	w.reread(t, "urn:x:1", "urn:x:2")
	w.after(t, 3*day)
	same(t, "asked", s.was(), []string{"/feed", "/feed", `/feed "1"`})
}

// What goes wrong meanwhile leaves it to be done.
func TestSourceThatAnOlderProgramReadIsAskedForWholeUntilItAnswers(t *testing.T) {
	for name, meanwhile := range map[string]http.HandlerFunc{
		"a failure": status(500),
		"a page":    naming("/x"),
		"a part": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9999")
			fmt.Fprint(w, atom("1", "2"))
		},
		"a sold domain": serves(casino, `"8"`),
	} {
		t.Run(name, func(t *testing.T) { rereads(t, meanwhile) })
	}
}

// fetching.md 5: the end of it was not read by the new program yet.
func TestSourceThatAnOlderProgramReadIsAskedForWholeAfterATruncation(t *testing.T) {
	whole := atom("1", "2")
	rereads(t, serves(whole[:strings.LastIndex(whole, "<entry>")], `"cut"`))
}

// posts is a folder of posts that are a day old, and a source that is that.
func posts(t *testing.T, names ...string) (dir string, source feeds.Source) {
	t.Helper()
	dir = t.TempDir()
	for _, n := range names {
		file, then := filepath.Join(dir, n+".md"), epoch.Add(-day)
		if err := os.WriteFile(file, []byte("---\ntitle: "+n+"\ndate: 2026-01-01\n---\nText"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, then, then); err != nil {
			t.Fatal(err)
		}
	}
	return dir, feeds.Source{Slug: "a", URL: "file://" + dir, Site: "https://a.example/", Permalink: "/:title/"}
}

func TestFolderThatAnOlderProgramReadIsReadWholeOnce(t *testing.T) {
	_, source := posts(t, "one", "two")
	w := old(t, func(w *web) { w.folder(t, 0) }, nil, source)
	for i := range 2 {
		if sum := w.folder(t, time.Duration(1+i)*day); sum.Unchanged != 1 || sum.Failed != 0 {
			t.Errorf("%s", sum)
		}
		w.reread(t, "https://a.example/one/", "https://a.example/two/")
	}
}

// markdown.md 8: what the owner deleted before the newer program looked first is
// withdrawn as ever.
func TestPostDeletedBeforeItsFolderIsReadAgainIsWithdrawn(t *testing.T) {
	dir, source := posts(t, "goes", "stays")
	w := old(t, func(w *web) { w.folder(t, 0) }, nil, source)
	if err := os.Remove(filepath.Join(dir, "goes.md")); err != nil {
		t.Fatal(err)
	}
	if sum := w.folder(t, day); sum.Withdrawn != 1 || sum.New+sum.Revised != 0 {
		t.Errorf("%s", sum)
	}
	w.reread(t, "https://a.example/stays/")
}

// folder makes a pass over folders.
func (w *web) folder(t *testing.T, since time.Duration) Summary {
	t.Helper()
	w.now = epoch.Add(since)
	a, _ := newAggregator(w.db, nil, func(o *Options) {
		w.options(o)
		o.Fetch["file"] = (&fetch.Folder{Now: o.Now}).Fetch
	})
	return refresh(t, a, Pass{})
}
