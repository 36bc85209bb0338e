package aggregator

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
	"orrery/storage"
)

// tooMany answers that we ask too often, and for how long to wait, if it says so.
func tooMany(status int, wait string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if wait != "" {
			w.Header().Set("Retry-After", wait)
		}
		w.WriteHeader(status)
	}
}

// town is two sites, the first with three sources, a, b and c, the other with d.
func town(t *testing.T) (busy, calm *site, list []feeds.Source) {
	t.Helper()
	busy, calm = newSite(t), newSite(t)
	for _, slug := range []string{"a", "b", "c"} {
		busy.at("/"+slug, serves(atom(slug), `"`+slug+`"`))
		list = append(list, feeds.Source{Slug: slug, URL: busy.URL + "/" + slug})
	}
	calm.at("/d", serves(atom("d"), `"d"`))
	return busy, calm, append(list, feeds.Source{Slug: "d", URL: calm.URL + "/d"})
}

// asks makes a pass over these sources, or all that are due, and returns what the
// site was asked, sorted.
func (w *web) asks(t *testing.T, s *site, since time.Duration, p Pass) []string {
	t.Helper()
	w.now = epoch.Add(since)
	a, _ := newAggregator(w.db, nil, w.options)
	s.was()
	refresh(t, a, p)
	asked := s.was()
	slices.Sort(asked)
	return asked
}

// fetching.md 21, 22.
func TestHostThatHasEnoughIsLeftAloneWithAllItsSources(t *testing.T) {
	all := []string{`/a "a"`, `/b "b"`, `/c "c"`}
	for _, c := range []struct {
		name, wait    string
		before, until time.Duration // after the answer
	}{
		{"it says until when", "10800", 3*time.Hour - time.Second, 3 * time.Hour},
		{"it says nothing", "", time.Hour - time.Second, 76 * time.Minute},
		{"it says something else", "soon", time.Hour - time.Second, 76 * time.Minute},
		{"it says a moment", "5", time.Hour - time.Second, 76 * time.Minute},
		{"it says a year", "31536000", 7*day - time.Second, 7 * day},
	} {
		t.Run(c.name, func(t *testing.T) {
			busy, calm, list := town(t)
			w := visits(t, []*site{busy, calm}, list...)
			w.after(t, 0)
			busy.at("/a", tooMany(429, c.wait))
			same(t, "the one that is refused", w.asks(t, busy, time.Hour, Pass{Slugs: []string{"a"}}), all[:1])
			busy.at("/a", serves(atom("a"), `"a"`))
			for _, p := range []Pass{{}, {All: true}, {Slugs: []string{"a", "b", "c"}}} {
				same(t, fmt.Sprintf("during it, with %+v", p), w.asks(t, busy, time.Hour+c.before, p), nil)
			}
			if d := sources(t, w.db)["d"].State; !d.LastVisit.Equal(w.now) || d.Failures != 0 {
				t.Errorf("the other host was not asked: %+v", d)
			}
			same(t, "after it", w.asks(t, busy, time.Hour+c.until, Pass{}), all)
			for slug, s := range sources(t, w.db) {
				if s.State.Failures != 0 || s.State.LastError != "" {
					t.Errorf("%s: %+v", slug, s.State)
				}
			}
		})
	}
}

// fetching.md 19, 21: it is kept in the store.
func TestBusyHostIsLeftAloneAfterARestart(t *testing.T) {
	busy, calm, list := town(t)
	path := newFile(t)
	start := func(since time.Duration) *web { // another process, with the same configuration
		db, err := storage.Open(t.Context(), "sqlite:"+path)
		if err != nil {
			t.Fatal(err)
		}
		w := &web{db: db, now: epoch.Add(since)}
		w.fetch = fetcher(t, func() time.Time { return w.now }, busy, calm)
		resync(t, w, list...)
		return w
	}
	stop := func(w *web) {
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	}
	w := start(0)
	w.after(t, 0)
	busy.at("/b", tooMany(429, "7200"))
	w.asks(t, busy, time.Hour, Pass{Slugs: []string{"b"}})
	busy.at("/b", serves(atom("b"), `"b"`))
	stop(w)
	w = start(2 * time.Hour)
	same(t, "the busy host", w.asks(t, busy, 2*time.Hour, Pass{All: true}), nil)
	if d := sources(t, w.db)["d"].State; !d.LastVisit.Equal(epoch.Add(2 * time.Hour)) {
		t.Errorf("the calm host: %+v", d)
	}
	stop(w)
	w = start(3 * time.Hour)
	same(t, "after it", w.asks(t, busy, 3*time.Hour, Pass{}), []string{`/a "a"`, `/b "b"`, `/c "c"`})
	stop(w)
}

// fetching.md 21: only 429 is about the host; 503 may be about one program on it.
func TestSourceThatIsOutOfServiceKeepsNoOtherOfItsHostFromBeingRead(t *testing.T) {
	busy, calm, list := town(t)
	w := visits(t, []*site{busy, calm}, list...)
	w.after(t, 0)
	busy.at("/a", tooMany(503, "7200"))
	same(t, "asked", w.asks(t, busy, time.Hour, Pass{}), []string{`/a "a"`, `/b "b"`, `/c "c"`})
	same(t, "during it", w.asks(t, busy, 2*time.Hour, Pass{All: true}), []string{`/b "b"`, `/c "c"`})
	busy.at("/a", serves(atom("a"), `"a"`))
	same(t, "after it", w.asks(t, busy, 3*time.Hour, Pass{}), []string{`/a "a"`, `/b "b"`, `/c "c"`})
}

// The host that answered is the busy one, not the one that sent us there.
func TestHostThatSendsUsToABusyOneIsAskedOn(t *testing.T) {
	busy, calm, list := town(t)
	calm.at("/e", redirects(302, busy.URL+"/full"))
	busy.at("/full", tooMany(429, "7200"))
	w := visits(t, []*site{busy, calm}, append(list, feeds.Source{Slug: "e", URL: calm.URL + "/e"})...)
	w.asks(t, busy, 0, Pass{Slugs: []string{"e"}})
	same(t, "the calm host", w.asks(t, calm, time.Hour, Pass{All: true}), []string{"/d"})
	same(t, "the busy host", w.asks(t, busy, time.Hour, Pass{All: true}), nil)
}

// Passes that follow each other, as when hubs call, do not ask a host without its pause.
func TestPauseOfAHostLastsBeyondThePass(t *testing.T) {
	const pause = 200 * time.Millisecond
	var mu sync.Mutex
	var asked []time.Time
	ask := func(ctx context.Context, s feeds.Source, v feeds.Validators) (fetch.Response, error) {
		mu.Lock()
		asked = append(asked, time.Now())
		mu.Unlock()
		return found()(ctx, s, v)
	}
	db := stored(t, feeds.Source{Slug: "a", URL: "https://x.example/a"}, feeds.Source{Slug: "b", URL: "https://x.example/b"})
	a, _ := newAggregator(db, fakes{"a": ask, "b": ask}.fetch, func(o *Options) { o.Pause = pause })
	for _, slug := range []string{"a", "b"} {
		if s := refresh(t, a, Pass{Slugs: []string{slug}}); s.Sources != 1 {
			t.Errorf("%s: %s", slug, s)
		}
	}
	if d := asked[1].Sub(asked[0]); d < pause {
		t.Errorf("asked again after %v", d)
	}
	rested := newHosts(1, pause)
	rested.gate("x.example").free = time.Now().Add(-time.Second)
	if h := rested.anew(1, pause); len(h.all) != 0 {
		t.Errorf("%d hosts are remembered that have rested", len(h.all))
	}
}

// Sources of the host that were claimed before it had enough wait for their turn in
// the same pass; they are given back and keep their place in the queue.
func TestSourceThatWaitedWhenItsHostHadEnoughIsNotAsked(t *testing.T) {
	busy := newSite(t)
	var list []feeds.Source
	for i := range 5 {
		list = append(list, feeds.Source{Slug: fmt.Sprint(i), URL: fmt.Sprint(busy.URL, "/", i)})
		busy.at(fmt.Sprint("/", i), tooMany(429, "7200"))
	}
	w := visits(t, []*site{busy}, list...)
	if asked := w.asks(t, busy, 0, Pass{}); len(asked) != 1 {
		t.Fatalf("asked %q", asked)
	}
	waiting := 0
	for _, s := range sources(t, w.db) {
		if s.State == (feeds.State{}) {
			waiting++
		}
	}
	if waiting != 4 {
		t.Errorf("%d sources are as they were", waiting)
	}
	for i := range 5 {
		busy.at(fmt.Sprint("/", i), plain(atom(fmt.Sprint(i))))
	}
	same(t, "two hours later", w.asks(t, busy, 2*time.Hour, Pass{}), []string{"/0", "/1", "/2", "/3", "/4"})
}

// As before, but the host is said to be busy by a source of another, which
// redirects there.
func TestSourceThatWaitedWhenAnotherHostsSourceFoundItsHostBusyIsNotAsked(t *testing.T) {
	busy, calm, list := town(t)
	calm.at("/e", redirects(302, busy.URL+"/full"))
	busy.at("/full", tooMany(429, "7200"))
	for _, slug := range []string{"a", "b", "c"} {
		busy.at("/"+slug, plain(atom("x")))
	}
	w := visits(t, []*site{busy, calm}, append(list, feeds.Source{Slug: "e", URL: calm.URL + "/e"})...)
	told := make(chan struct{})
	a, _ := newAggregator(w.db, nil, func(o *Options) {
		w.options(o)
		// Whoever is first keeps his turn until it is known what e was told.
		o.Store = slowStore{o.Store, func(v *feeds.Visit) {
			if v.Due.Source.Domain() == feeds.DomainOf(busy.URL) {
				<-told
			}
		}}
		o.Observe = func(v feeds.Visit, _ feeds.Tally) {
			if v.Due.Source.Slug == "e" {
				close(told)
			}
		}
	})
	refresh(t, a, Pass{})
	if asked := busy.was(); len(asked) != 2 || !slices.Contains(asked, "/full") {
		t.Errorf("asked %q", asked)
	}
}

// slowStore waits before it stores a visit.
type slowStore struct {
	Store
	wait func(*feeds.Visit)
}

func (s slowStore) Commit(ctx context.Context, v feeds.Visit) (feeds.Tally, error) {
	s.wait(&v)
	return s.Store.Commit(ctx, v)
}

// One address that is refused for ever must not keep the others of its host from
// being read for a week each time: the doubling is its own, the host's is what was
// said, or an hour.
func TestHostIsNotLeftAloneLongerBecauseOneSourceFailsForEver(t *testing.T) {
	s := feeds.Source{URL: "https://big.example/feed", State: feeds.State{Failures: 30}}
	r := fetch.Response{Status: 429, URL: s.URL}
	v := decide(epoch, feeds.Due{Source: s}, r, &fetch.StatusError{Status: 429}, nil, &feeds.Rules{}, Intervals{time.Hour, day})
	if wait := v.Next.Sub(epoch); wait < day {
		t.Errorf("the source is asked again in %v", wait)
	}
	if wait := v.BusyUntil.Sub(epoch); v.Busy != "big.example" || wait < time.Hour || wait > day {
		t.Errorf("%q is left alone for %v", v.Busy, wait)
	}
}

// Many sources of a busy host in several passes at once: nobody asks it twice.
func TestBusyHostIsAskedOnceByTwoProcesses(t *testing.T) {
	busy := newSite(t)
	var list []feeds.Source
	for i := range 6 {
		list = append(list, feeds.Source{Slug: fmt.Sprint(i), URL: fmt.Sprint(busy.URL, "/", i)})
		busy.at(fmt.Sprint("/", i), tooMany(429, "7200"))
	}
	w := visits(t, []*site{busy}, list...)
	w.asks(t, busy, 0, Pass{Slugs: []string{"0"}})
	var both sync.WaitGroup
	for range 2 {
		a, _ := newAggregator(w.db, nil, w.options)
		both.Go(func() {
			if _, err := a.Refresh(t.Context(), Pass{All: true}); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	same(t, "asked", busy.was(), nil)
}

// What people read: whose wish it is, and until when.
func TestVisitToABusyHostSaysWhyTheNextIsWhenItIs(t *testing.T) {
	busy, calm, list := town(t)
	w := visits(t, []*site{busy, calm}, list...)
	busy.at("/a", tooMany(429, "7200"))
	w.asks(t, busy, 0, Pass{Slugs: []string{"a"}})
	a := sources(t, w.db)["a"]
	if !strings.Contains(a.Answer.Next, "Retry-After") || !strings.Contains(a.State.LastError, "429") || a.State.Status != 429 ||
		!a.State.NextVisit.Equal(epoch.Add(2*time.Hour)) {
		t.Errorf("source %+v", a)
	}
}
