package aggregator

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// titled is a feed with a title, and posts with these names.
func titled(title string, names ...string) string {
	return strings.Replace(atom(names...), "<title>Sample</title>", "<title>"+title+"</title>", 1)
}

// naming is a page that names these addresses as its feeds.
func naming(list ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!DOCTYPE html><html><head><title>Home</title>")
		for _, href := range list {
			fmt.Fprintf(w, `<link rel="alternate" type="application/atom+xml" href="%s">`, href)
		}
		fmt.Fprint(w, "</head><body><p>Hello</p></body></html>")
	}
}

// missing is a site whose feed was found once, and is not there any more.
func missing(t *testing.T) (*site, *web) {
	t.Helper()
	s := newSite(t)
	s.at("/feed", serves(atom("1"), `"1"`))
	w := visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed", Site: s.URL + "/"})
	w.after(t, 0)
	s.at("/feed", nil)
	s.was()
	return s, w
}

func TestFeedThatIsLostIsFoundWhereItsSiteNamesIt(t *testing.T) {
	for name, text := range map[string]string{
		"by its title":               titled("Sample", "2"),
		"by its title, more or less": titled(" SAMPLE ", "2"),
		"by a post":                  titled("Another", "1", "2"),
	} {
		t.Run(name, func(t *testing.T) {
			s, w := missing(t)
			s.at("/", naming("/new"))
			s.at("/new", serves(text, `"2"`))
			if sum := w.after(t, day); sum.New != 1 || sum.Failed != 0 {
				t.Errorf("%s", sum)
			}
			same(t, "asked", s.was(), []string{`/feed "1"`, "/", "/new"})
			a := sources(t, w.db)["a"]
			for _, words := range []string{"is no longer at " + s.URL + "/feed", s.URL + "/new", "write that into the configuration"} {
				if !strings.Contains(a.State.LastError, words) {
					t.Errorf("it does not say %q: %s", words, a.State.LastError)
				}
			}
			if a.URL != s.URL+"/feed" || a.Address != s.URL+"/new" || a.State.Failures != 0 || a.State.Status != 200 {
				t.Errorf("source %+v", a)
			}
			w.after(t, 2*day)
			same(t, "asked then", s.was(), []string{`/new "2"`})
			same(t, "shown", shown(t, w.db), []string{"urn:x:1", "urn:x:2"})
		})
	}
}

// The page that its feed named, where the configuration names none, after redirects
// and with a Link header.
func TestSiteThatTheFeedNamedIsLookedAt(t *testing.T) {
	s := newSite(t)
	s.at("/feed", plain(strings.Replace(atom("1"), "<id>", `<link href="/blog/"/><id>`, 1)))
	s.at("/blog/", redirects(302, "/weblog/"))
	s.at("/weblog/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", `<new>; rel="alternate"; type="application/atom+xml"`)
		fmt.Fprint(w, "<p>Hello")
	})
	s.at("/weblog/new", plain(atom("1", "2")))
	w := visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed"})
	w.after(t, 0)
	s.at("/feed", nil)
	s.was()
	w.after(t, day)
	same(t, "asked", s.was(), []string{"/feed", "/blog/", "/weblog/", "/weblog/new"})
	same(t, "shown", shown(t, w.db), []string{"urn:x:1", "urn:x:2"})
}

// What is not surely the same feed is not taken, and the site is asked only once.
func TestFeedThatIsLostStaysAFailure(t *testing.T) {
	for _, c := range []struct {
		name  string
		ready func(s *site)
		asked []string // besides the feed
	}{
		{"another feed", func(s *site) {
			s.at("/", naming("/other"))
			s.at("/other", plain(titled("Other", "8", "9")))
		}, []string{"/", "/other"}},
		{"a feed without a title or a post", func(s *site) {
			s.at("/", naming("/other"))
			s.at("/other", plain(titled("")))
		}, []string{"/", "/other"}},
		{"a page that is no feed", func(s *site) {
			s.at("/", naming("/other"))
			s.at("/other", naming("/feed"))
		}, []string{"/", "/other"}},
		{"a feed that is not there", func(s *site) { s.at("/", naming("/other")) }, []string{"/", "/other"}},
		{"the feed that is lost", func(s *site) { s.at("/", naming("/feed")) }, []string{"/"}},
		{"a page without feeds", func(s *site) { s.at("/", naming()) }, []string{"/"}},
		{"no page", func(s *site) { s.at("/", status(500)) }, []string{"/"}},
		{"a page elsewhere that is private", func(s *site) { s.at("/", redirects(302, "http://10.0.0.1/")) }, []string{"/"}},
		{"a feed elsewhere that is private", func(s *site) { s.at("/", naming("http://169.254.169.254/latest")) }, []string{"/"}},
		{"many feeds, and three are tried", func(s *site) {
			s.at("/", naming("/1", "/2", "/3", "/4", "/5"))
			s.at("/4", plain(atom("1")))
		}, []string{"/", "/1", "/2", "/3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, w := missing(t)
			c.ready(s)
			if sum := w.after(t, day); sum.Failed != 1 {
				t.Errorf("%s", sum)
			}
			same(t, "asked", s.was(), append([]string{`/feed "1"`}, c.asked...))
			for i := range 3 {
				w.after(t, time.Duration(2+i)*day)
				same(t, "asked then", s.was(), []string{`/feed "1"`})
			}
			a := sources(t, w.db)["a"]
			if a.Address != "" || a.State.Failures != 4 || a.State.Status != 404 || !strings.Contains(a.State.LastError, "404 (not found)") {
				t.Errorf("source %+v", a)
			}
			s.at("/feed", serves(atom("1"), `"1"`)) // its validators are what they were
			if sum := w.after(t, 9*day); sum.Unchanged != 1 || sum.Failed != 0 {
				t.Errorf("when it is there again: %s", sum)
			}
		})
	}
}

// A feed that comes and goes does not make us ask its site each time.
func TestSiteIsAskedForALostFeedOnceAMonth(t *testing.T) {
	s, w := missing(t)
	s.at("/", naming())
	for _, c := range []struct {
		day   int
		asked []string
	}{
		{1, []string{`/feed "1"`, "/"}}, {5, []string{`/feed "1"`}}, {29, []string{`/feed "1"`}},
		{32, []string{`/feed "1"`, "/"}}, {40, []string{`/feed "1"`}},
	} {
		s.at("/feed", nil)
		w.after(t, time.Duration(c.day)*day)
		same(t, fmt.Sprint("asked on day ", c.day), s.was(), c.asked)
		s.at("/feed", serves(atom("1"), `"1"`))
		w.after(t, time.Duration(c.day)*day+time.Hour)
		s.was()
	}
}

func TestSiteIsNotAskedWhereNothingIsLost(t *testing.T) {
	for _, c := range []struct {
		name   string
		first  http.HandlerFunc // the answer to the first visit
		answer http.HandlerFunc
	}{
		{"never found", nil, nil},
		{"a server in trouble", plain(atom("1")), status(500)},
		{"a closed door", plain(atom("1")), status(403)},
		{"gone for good", plain(atom("1")), status(410)},
		{"a page", plain(atom("1")), naming("/new")},
	} {
		s := newSite(t)
		s.at("/", naming("/new"))
		s.at("/new", plain(atom("1")))
		w := visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed", Site: s.URL + "/"})
		s.at("/feed", c.first)
		w.after(t, 0)
		s.at("/feed", c.answer)
		w.after(t, day)
		same(t, c.name, s.was(), []string{"/feed", "/feed"})
	}
}

func TestSiteThatTheGuardRefusesIsNotAsked(t *testing.T) {
	s, private := newSite(t), newSite(t)
	private.at("/", naming(s.URL+"/new"))
	s.at("/feed", plain(atom("1")))
	s.at("/new", plain(atom("1")))
	w := visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed", Site: private.URL + "/"}) // only s is allowed
	w.after(t, 0)
	s.at("/feed", nil)
	if sum := w.after(t, day); sum.Failed != 1 {
		t.Errorf("%s", sum)
	}
	same(t, "the private site", private.was(), nil)
	if st := sources(t, w.db)["a"].State; st.Failures != 1 || !strings.Contains(st.LastError, "404") {
		t.Errorf("state %+v", st)
	}
}

func TestFolderThatIsLostIsLookedForNowhere(t *testing.T) {
	s := newSite(t)
	s.at("/", naming("/new"))
	s.at("/new", plain(atom("1")))
	folder := feeds.Source{Slug: "a", URL: "file://" + filepath.Join(t.TempDir(), "posts"), Site: s.URL + "/"}
	w := visits(t, []*site{s}, folder)
	asks := func(file fetch.Func, since time.Duration) Summary {
		w.now = epoch.Add(since)
		a, _ := newAggregator(w.db, nil, func(o *Options) {
			w.options(o)
			o.Fetch["file"] = file
		})
		return refresh(t, a, Pass{})
	}
	if sum := asks(found("1"), 0); sum.New != 1 {
		t.Fatalf("%s", sum)
	}
	if sum := asks((&fetch.Folder{}).Fetch, day); sum.Failed != 1 {
		t.Errorf("%s", sum)
	}
	same(t, "asked", s.was(), nil)
	if a := sources(t, w.db)["a"]; a.Address != "" || !strings.Contains(a.State.LastError, "does not exist") {
		t.Errorf("source %+v", a)
	}
}

// A server that is rebuilt is in trouble first, and its feed is lost after that.
func TestFeedThatIsLostAfterTroubleIsFound(t *testing.T) {
	s, w := missing(t)
	s.at("/", naming("/new"))
	s.at("/new", plain(atom("1", "2")))
	s.at("/feed", status(503))
	w.after(t, day)
	s.at("/feed", nil)
	if sum := w.after(t, 2*day); sum.New != 1 {
		t.Errorf("%s; %s", sum, sources(t, w.db)["a"].State.LastError)
	}
}

// The feed was somewhere else for a while and comes home: there is nothing to write
// into the configuration.
func TestFeedThatIsLostIsFoundAtItsOwnAddress(t *testing.T) {
	s, w := missing(t)
	s.at("/", naming("/new"))
	s.at("/new", plain(atom("1")))
	w.after(t, day)
	s.at("/new", nil)
	s.at("/", naming("/feed"))
	s.at("/feed", plain(atom("1", "2")))
	if sum := w.after(t, 40*day); sum.New != 1 {
		t.Errorf("%s", sum)
	}
	if a := sources(t, w.db)["a"]; a.Address != "" || a.State.LastError != "" {
		t.Errorf("address %q, %s", a.Address, a.State.LastError)
	}
}

// fetching.md 21: wherever it is said.
func TestSiteThatHasEnoughIsLeftAlone(t *testing.T) {
	s, home := newSite(t), newSite(t)
	home.at("/", tooMany(429, "7200"))
	home.at("/b", plain(atom("b")))
	s.at("/feed", plain(atom("1")))
	w := visits(t, []*site{s, home}, feeds.Source{Slug: "a", URL: s.URL + "/feed", Site: home.URL + "/"}, feeds.Source{Slug: "b", URL: home.URL + "/b"})
	w.after(t, 0)
	s.at("/feed", nil)
	w.asks(t, s, day, Pass{Slugs: []string{"a"}})
	same(t, "the site", home.was(), []string{"/b", "/"})
	same(t, "the site within its time", w.asks(t, home, day+time.Hour, Pass{All: true}), nil)
}

// Nor is another of its feeds asked once one of them says so.
func TestFeedThatHasEnoughIsTheLastOneOfItsSite(t *testing.T) {
	s, home := newSite(t), newSite(t)
	home.at("/", plain(`<link rel="alternate" type="application/atom+xml" href="/1"><link rel="alternate" type="application/atom+xml" href="/2">`))
	home.at("/1", tooMany(429, "7200"))
	home.at("/2", plain(atom("1")))
	s.at("/feed", plain(atom("1")))
	w := visits(t, []*site{s, home}, feeds.Source{Slug: "a", URL: s.URL + "/feed", Site: home.URL + "/"})
	w.after(t, 0)
	s.at("/feed", nil)
	same(t, "asked of the site", w.asks(t, home, day, Pass{}), []string{"/", "/1"})
	if hosts, err := w.db.BusyHosts(t.Context(), w.now); err != nil || !hosts[feeds.HostOf(home.URL)].Equal(w.now.Add(2*time.Hour)) {
		t.Errorf("left alone: %v, %v", hosts, err)
	}
}

// Where the new address belongs to another source, the two are one.
func TestFeedThatIsFoundWhereAnotherSourceIsIsNotVisitedTwice(t *testing.T) {
	s := newSite(t)
	s.at("/", naming("/new"))
	s.at("/new", serves(atom("1"), `"1"`))
	s.at("/feed", plain(atom("1")))
	w := visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed", Site: s.URL + "/"}, feeds.Source{Slug: "b", URL: s.URL + "/new"})
	w.after(t, 0)
	s.at("/feed", nil)
	w.after(t, day)
	if got := sources(t, w.db)["a"].SameAs; got != "b" {
		t.Errorf("it is the same as %q", got)
	}
	same(t, "asked then", w.asks(t, s, 2*day, Pass{}), []string{`/new "1"`})
}

// merging is two sources, here and there, after here has moved to where there is.
func merging(t *testing.T) (s *site, w *web, here, there feeds.Source) {
	t.Helper()
	s = newSite(t)
	s.at("/old", redirects(301, "/new"))
	s.at("/new", serves(atom("1"), `"1"`))
	here, there = feeds.Source{Slug: "a", URL: s.URL + "/old"}, feeds.Source{Slug: "b", URL: s.URL + "/new"}
	w = visits(t, []*site{s}, here, there)
	for i := range 3 {
		w.after(t, time.Duration(i)*day)
	}
	s.was()
	return s, w, here, there
}

// fetching.md 23: merge if the target is already subscribed.
func TestSourceThatMovedToAnotherIsNotVisitedWhileThatIs(t *testing.T) {
	s, w, here, there := merging(t)
	if sum := w.after(t, 3*day); sum.Sources != 1 {
		t.Errorf("%s", sum)
	}
	same(t, "asked", s.was(), []string{`/new "1"`})
	if got := sources(t, w.db); got["a"].SameAs != "b" || got["a"].Address != "" || got["b"].SameAs != "" {
		t.Errorf("a %+v\nb %+v", got["a"], got["b"])
	}
	resync(t, w, here, there) // a restart changes nothing
	w.after(t, 4*day)
	same(t, "asked after a restart", s.was(), []string{`/new "1"`})

	resync(t, w, here)
	w.after(t, 5*day)
	same(t, "asked without the other", s.was(), []string{"/old", `/new "1"`})
	if a := sources(t, w.db)["a"]; a.SameAs != "" {
		t.Errorf("it is still the same as %q", a.SameAs)
	}
	same(t, "shown", shown(t, w.db), []string{"urn:x:1"})
}

func TestSourceThatMovedToAnotherIsVisitedWhenThatGoesElsewhere(t *testing.T) {
	s, w, here, there := merging(t)
	s.at("/elsewhere", serves(atom("2"), `"2"`))
	there.URL = s.URL + "/elsewhere"
	resync(t, w, here, there)
	w.after(t, 3*day)
	asked := s.was()
	slices.Sort(asked)
	same(t, "asked", asked, []string{"/elsewhere", `/new "1"`, "/old"})
}

func TestSourceConfiguredWhereAnotherHasMovedIsOneWithIt(t *testing.T) {
	s, w := settled(t)
	resync(t, w, feeds.Source{Slug: "a", URL: s.URL + "/old"}, feeds.Source{Slug: "b", URL: s.URL + "/new"})
	w.after(t, 3*day)
	s.was()
	w.after(t, 4*day)
	same(t, "asked", s.was(), []string{`/new "1"`})
}
