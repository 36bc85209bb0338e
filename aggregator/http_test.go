package aggregator

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
	"orrery/storage"
)

// atom is a feed of posts with these names.
func atom(names ...string) string {
	var b strings.Builder
	b.WriteString(`<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x:feed</id><title>Sample</title><updated>2026-03-01T12:00:00Z</updated>`)
	for _, n := range names {
		fmt.Fprintf(&b, `<entry><id>urn:x:%s</id><title>%s</title><updated>2026-02-01T12:00:00Z</updated><content type="html">&lt;p&gt;%s&lt;/p&gt;</content></entry>`, n, n, n)
	}
	return b.String() + `</feed>`
}

// blog is a server whose answer changes, and what it was asked.
type blog struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  []string // the validators of every request
}

func newBlog(t *testing.T) *blog {
	b := &blog{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.asked = append(b.asked, r.Header.Get("If-None-Match")+" "+r.Header.Get("If-Modified-Since"))
		b.answer(w, r)
	}))
	t.Cleanup(b.Close)
	return b
}

// set is what the blog answers from now on.
func (b *blog) set(answer http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func (b *blog) last() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[len(b.asked)-1]
}

const modified = "Sun, 01 Mar 2026 11:00:00 GMT"

// serves is a server that knows conditional requests.
func serves(text, etag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		w.Header().Set("Last-Modified", modified)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, text)
	}
}

// web is an Aggregator that asks servers, and its store; every pass is two hours
// after the one before.
type web struct {
	db    *storage.DB
	fetch fetch.Func
	now   time.Time
}

func newWeb(t *testing.T, blogs ...*blog) *web {
	t.Helper()
	var o fetch.Options
	var list []feeds.Source
	for i, b := range blogs {
		list = append(list, feeds.Source{Slug: fmt.Sprint(i), URL: b.URL + "/feed"})
		o.Allow = append(o.Allow, netip.MustParseAddrPort(b.Listener.Addr().String()))
	}
	h := fetch.NewHTTP(o)
	t.Cleanup(h.Close)
	return &web{stored(t, list...), h.Fetch, epoch}
}

func (w *web) pass(t *testing.T) Summary {
	t.Helper()
	a, _ := newAggregator(w.db, nil, func(o *Options) {
		o.Fetch = map[string]fetch.Func{"http": w.fetch}
		o.Now = func() time.Time { return w.now }
	})
	s := refresh(t, a, Pass{})
	w.now = w.now.Add(2 * time.Hour)
	s.Took = 0
	return s
}

// fetching.md 1, 2, 5, 6.
func TestSecondPassAsksWithTheValidatorsThatWereStoredWithTheEntries(t *testing.T) {
	b := newBlog(t)
	w := newWeb(t, b)
	for i, c := range []struct {
		answer http.HandlerFunc
		asked  string // with which validators
		want   Summary
		shown  []string
	}{
		{serves(atom("1", "2"), `W/"odd etag"`), " ", Summary{Sources: 1, Tally: feeds.Tally{New: 2}}, []string{"urn:x:1", "urn:x:2"}},
		{serves(atom("1", "2"), `W/"odd etag"`), `W/"odd etag" ` + modified, Summary{Sources: 1, Unchanged: 1}, []string{"urn:x:1", "urn:x:2"}},
		{serves(atom("3"), `"b"`), `W/"odd etag" ` + modified, Summary{Sources: 1, Tally: feeds.Tally{New: 1}}, []string{"urn:x:1", "urn:x:2", "urn:x:3"}},
		{func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, atom("4")) }, `"b" ` + modified, Summary{Sources: 1, Tally: feeds.Tally{New: 1}}, []string{"urn:x:1", "urn:x:2", "urn:x:3", "urn:x:4"}},
		{serves(atom("4"), `"c"`), " ", Summary{Sources: 1, Unchanged: 1}, []string{"urn:x:1", "urn:x:2", "urn:x:3", "urn:x:4"}},
	} {
		b.set(c.answer)
		if s := w.pass(t); s != c.want {
			t.Errorf("pass %d: %s", i, s)
		}
		if got := b.last(); got != c.asked {
			t.Errorf("pass %d asked with %q, want %q", i, got, c.asked)
		}
		same(t, fmt.Sprint("pass ", i), shown(t, w.db), c.shown)
	}
}

// fetching.md 5; hostile.md, Faults: whatever goes wrong, the entries and the
// validators of the last good answer stay, and what was missed is fetched later.
func TestAnswerThatIsNotWholeHidesNothingBehindA304(t *testing.T) {
	whole := atom("1", "2")
	for name, broken := range map[string]http.HandlerFunc{
		"cut off before its length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			fmt.Fprint(w, whole[:len(whole)-20])
		},
		"chunks cut off": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, whole[:len(whole)-20])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"gzip cut off": func(w http.ResponseWriter, _ *http.Request) {
			var z strings.Builder
			g := gzip.NewWriter(&z)
			fmt.Fprint(g, whole)
			_ = g.Close()
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, z.String()[:z.Len()-12])
		},
		"a page":         func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html><body>Captcha</body></html>") },
		"nothing":        func(http.ResponseWriter, *http.Request) {},
		"500":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); fmt.Fprint(w, whole) },
		"404":            http.NotFound,
		"206":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206); fmt.Fprint(w, whole) },
		"a closed door":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a loop of hops": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/feed", http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBlog(t)
			w := newWeb(t, b)
			b.set(serves(atom("1"), `"1"`))
			w.pass(t)
			b.set(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"2"`)
				broken(w, r)
			})
			if s := w.pass(t); s.Failed != 1 {
				t.Errorf("the broken pass: %s", s)
			}
			same(t, "shown", shown(t, w.db), []string{"urn:x:1"})
			if st := sources(t, w.db)["0"].State; st.LastError == "" || st.Failures != 1 {
				t.Errorf("state %+v", st)
			}
			b.set(serves(whole, `"2"`))
			if s := w.pass(t); s.New != 1 {
				t.Errorf("the next pass: %s", s)
			}
			if got := b.last(); got != `"1" `+modified {
				t.Errorf("asked with %q", got)
			}
			same(t, "shown then", shown(t, w.db), []string{"urn:x:1", "urn:x:2"})
			if st := sources(t, w.db)["0"].State; st.LastError != "" || st.Failures != 0 {
				t.Errorf("state %+v", st)
			}
		})
	}
}

func TestCompressedFeedIsReadLikeAnyOther(t *testing.T) {
	b := newBlog(t)
	w := newWeb(t, b)
	b.set(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("gzip was not asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		g := gzip.NewWriter(w)
		fmt.Fprint(g, atom("1"))
		_ = g.Close()
	})
	if s := w.pass(t); s.New != 1 {
		t.Errorf("summary %s", s)
	}
}

// parsing.md 25: the first visit of a feed that says only when posts were
// updated puts none of them at the top of the planet.
func TestFirstVisitPutsOldPostsWhereTheyBelong(t *testing.T) {
	b := newBlog(t)
	w := newWeb(t, b)
	b.set(serves(atom("1"), `"1"`))
	w.pass(t)
	list, err := w.db.Entries(t.Context(), feeds.Query{})
	if err != nil || len(list) != 1 || !list[0].Sort.Equal(time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("got %+v, %v", list, err)
	}
}

// fetching.md 21: it is kept by the store, so that the next process heeds it too.
func TestServerThatAskedForTimeIsLeftAloneEvenIfAllAreWanted(t *testing.T) {
	b := newBlog(t)
	w := newWeb(t, b)
	b.set(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "86400")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	w.pass(t)
	until := sources(t, w.db)["0"].State.RetryAfter
	a, _ := newAggregator(w.db, nil, func(o *Options) {
		o.Fetch = map[string]fetch.Func{"http": w.fetch}
		o.Now = func() time.Time { return until.Add(-time.Minute) }
	})
	if s := refresh(t, a, Pass{All: true}); s.Sources != 0 {
		t.Errorf("before: %s", s)
	}
	a.Now = func() time.Time { return until }
	b.set(serves(atom("1"), `"1"`))
	if s := refresh(t, a, Pass{}); s.New != 1 {
		t.Errorf("after: %s", s)
	}
}

// fetching.md 25.
func TestSourceThatIsGoneIsNeverAskedAgainUnlessItIsNamed(t *testing.T) {
	b := newBlog(t)
	w := newWeb(t, b)
	b.set(serves(atom("1"), `"1"`))
	w.pass(t)
	b.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	if s := w.pass(t); s.Failed != 1 {
		t.Errorf("summary %s", s)
	}
	if s := sources(t, w.db)["0"]; !s.State.NextVisit.IsZero() || !strings.Contains(s.Answer.Next, "gone for good") {
		t.Errorf("it is to be visited at %v: %s", s.State.NextVisit, s.Answer.Next)
	}
	w.now = epoch.Add(30 * 24 * time.Hour)
	if s := w.pass(t); s.Sources != 0 {
		t.Errorf("a month later: %s", s)
	}
	same(t, "shown", shown(t, w.db), []string{"urn:x:1"})
	b.set(serves(atom("1", "2"), `"2"`))
	a, _ := newAggregator(w.db, nil, func(o *Options) {
		o.Fetch = map[string]fetch.Func{"http": w.fetch}
		o.Now = func() time.Time { return w.now }
	})
	if s := refresh(t, a, Pass{Slugs: []string{"0"}}); s.New != 1 || sources(t, w.db)["0"].State.Gone {
		t.Errorf("named: %s", s)
	}
}

func TestFailingServerKeepsNoOtherFromBeingRead(t *testing.T) {
	good, bad := newBlog(t), newBlog(t)
	w := newWeb(t, good, bad)
	good.set(serves(atom("1"), `"1"`))
	bad.Close()
	if s := w.pass(t); s != (Summary{Sources: 2, Failed: 1, Tally: feeds.Tally{New: 1}}) {
		t.Errorf("summary %s", s)
	}
}

// A feed whose end is always missing is asked for like any other when the same has come
// twice: it is all there is.
func TestFeedWithoutAnEndIsAskedForWholeOnce(t *testing.T) {
	b := newBlog(t)
	w := newWeb(t, b)
	b.set(serves(strings.TrimSuffix(atom("1"), "</feed>"), `"cut"`))
	for i, want := range []string{" ", " ", `"cut" Sun, 01 Mar 2026 11:00:00 GMT`} {
		if s := w.pass(t); (s.New == 1) != (i == 0) || s.Failed != 0 || b.last() != want {
			t.Errorf("pass %d: %s, asked with %q, want %q", i, s, b.last(), want)
		}
	}
}

// fetching.md 5: a truncation that HTTP cannot see leaves entries, but no
// validators: the next request is for the whole.
func TestTruncatedFeedIsReadAndAskedForWhole(t *testing.T) {
	whole := atom("1", "2")
	for name, cut := range map[string]int{
		"in the last post":  len(whole) - 20,
		"between two posts": strings.LastIndex(whole, "<entry>"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBlog(t)
			w := newWeb(t, b)
			b.set(serves(whole[:cut], `"cut"`))
			if s := w.pass(t); s.Failed != 0 || s.New != 1 {
				t.Errorf("the truncated pass: %s", s)
			}
			if st := sources(t, w.db)["0"].State; !strings.Contains(st.LastError, "the end of the feed is missing") || st.Failures != 0 {
				t.Errorf("state %+v", st)
			}
			b.set(serves(whole, `"cut"`))
			if s := w.pass(t); s.New != 1 {
				t.Errorf("the next pass: %s", s)
			}
			if got := b.last(); got != " " {
				t.Errorf("asked with %q, want nothing", got)
			}
			same(t, "shown then", shown(t, w.db), []string{"urn:x:1", "urn:x:2"})
			if st := sources(t, w.db)["0"].State; st.LastError != "" {
				t.Errorf("state %+v", st)
			}
		})
	}
}
