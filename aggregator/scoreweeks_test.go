package aggregator

import (
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

// well answers as it should be.
var well = mood{"well", func(b *board, w http.ResponseWriter, r *http.Request, p *page) { b.tells(w, r, p, b.current(p)) }}

// renames gives new validators to what has not changed (fetching.md 7).
var renames = mood{"renames", func(b *board, w http.ResponseWriter, r *http.Request, p *page) {
	known := b.current(p)
	p.renamed++
	b.tells(w, r, p, known)
}}

// forgets gives no validators (fetching.md 6).
var forgets = mood{"forgets", func(b *board, w http.ResponseWriter, _ *http.Request, p *page) {
	p.given = pair{}
	b.sends(w)
}}

// breaks is an answer that must leave no trace, though it has validators.
func breaks(name string, answer func(b *board, w http.ResponseWriter)) mood {
	return mood{name, func(b *board, w http.ResponseWriter, _ *http.Request, _ *page) {
		w.Header().Set("ETag", `"of a fault"`)
		w.Header().Set("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT")
		answer(b, w)
	}}
}

// wants is a wish to be left alone; wait is what its words mean.
func wants(name string, status int, words func(now time.Time) string, wait time.Duration) mood {
	return breaks(name, func(b *board, w http.ResponseWriter) {
		b.quiet = b.clock().Add(wait)
		w.Header().Set("Retry-After", words(b.clock()))
		w.WriteHeader(status)
	})
}

// troubles are what a server goes through, one after the other (fetching.md 5,
// 21, 22, 26, 27).
func troubles() []mood {
	text := func(s string) func(time.Time) string { return func(time.Time) string { return s } }
	in30h := func(now time.Time) string { return now.Add(30 * time.Hour).Format(http.TimeFormat) }
	return []mood{
		wants("429 with seconds", 429, text("10800"), 3*time.Hour),
		wants("503 with a date", 503, in30h, 30*time.Hour),
		wants("429 without a time", 429, text(""), time.Hour),
		wants("503 with rubbish", 503, text("soon"), 0),
		breaks("500", func(_ *board, w http.ResponseWriter) { w.WriteHeader(500) }),
		breaks("404", func(_ *board, w http.ResponseWriter) { w.WriteHeader(404) }),
		breaks("cut off", func(b *board, w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100000")
			fmt.Fprint(w, b.feed())
		}),
		breaks("closed door", func(*board, http.ResponseWriter) { panic(http.ErrAbortHandler) }),
		breaks("a page", func(_ *board, w http.ResponseWriter) { fmt.Fprint(w, "<!DOCTYPE html><title>Welcome</title>") }),
		breaks("nothing", func(*board, http.ResponseWriter) {}),
	}
}

// inTurn are moods one a visit, with a good answer between them and, among many, a
// wish for years (fetching.md 21: for a week at the most).
func inTurn(moods ...mood) func(*board, string) mood {
	years := wants("503 for years", 503, func(time.Time) string { return "1000000000" }, fetch.MaxRetryAfter)
	return func(b *board, _ string) mood {
		switch n := b.visits; {
		case n == 11 && !testing.Short() && len(moods) > 5:
			return years
		case n%2 == 1:
			return moods[n/2%len(moods)]
		}
		return well
	}
}

// moves goes to another page for good after two days, over two hops
// (fetching.md 4, 23).
func moves(b *board, path string) mood {
	to := map[string]string{"/feed": "/feed/", "/feed/": "/atom.xml"}[path]
	if to == "" || b.clock().Before(epoch.Add(2*24*time.Hour)) {
		return well
	}
	return mood{"moved", func(_ *board, w http.ResponseWriter, r *http.Request, _ *page) {
		http.Redirect(w, r, to, http.StatusMovedPermanently)
	}}
}

// readers are processes on one store, as serve and a fetch from cron are two.
type readers struct {
	processes int
	path      string
	list      []feeds.Source
	o         fetch.Options
	stores    []*storage.DB
	webs      []*fetch.HTTP
	all       []*Aggregator
}

func newReaders(t *testing.T, processes int, clock func() time.Time, boards ...*board) *readers {
	t.Helper()
	r := &readers{processes: processes, path: newFile(t), o: fetch.Options{Now: clock}}
	for _, b := range boards {
		r.list = append(r.list, feeds.Source{Slug: b.name, URL: b.url})
		r.o.Allow = append(r.o.Allow, b.allow)
	}
	return r
}

func (r *readers) start(t *testing.T) {
	t.Helper()
	for range r.processes {
		db, err := storage.Open(t.Context(), "sqlite:"+r.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Sync(t.Context(), r.o.Now(), r.list, &feeds.Rules{}); err != nil {
			t.Fatal(err)
		}
		h := fetch.NewHTTP(r.o)
		a, _ := newAggregator(db, nil, func(o *Options) {
			o.Fetch, o.Now, o.Observe = map[string]fetch.Func{"http": h.Fetch}, r.o.Now, nil
			o.Intervals = Intervals{Min: floor, Max: 24 * time.Hour}
		})
		r.stores, r.webs, r.all = append(r.stores, db), append(r.webs, h), append(r.all, a)
	}
}

// pass lets the first of them make one pass each at the same time.
func (r *readers) pass(t *testing.T, passes ...Pass) {
	t.Helper()
	var wg sync.WaitGroup
	for i, p := range passes {
		wg.Go(func() {
			if _, err := r.all[i].Refresh(t.Context(), p); err != nil {
				t.Error(err)
			}
			r.webs[i].Close() // no connection outlives the time to the next pass
		})
	}
	wg.Wait()
}

func (r *readers) stop(t *testing.T) {
	t.Helper()
	for _, db := range r.stores {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	r.stores, r.webs, r.all = nil, nil, nil
}

// run makes a pass every 20 minutes, beside another one every hour that wants all
// there is, and starts the processes anew every twelve hours, of which restarted is
// told.
func (r *readers) run(t *testing.T, now *watch, days int, restarted func()) {
	t.Helper()
	for i := range days * 24 * 3 {
		if i%36 == 0 {
			r.stop(t)
			r.start(t)
			restarted()
		}
		if i%3 == 1 {
			r.pass(t, Pass{}, Pass{All: true})
		} else {
			r.pass(t, Pass{})
		}
		now.Add(int64(20 * time.Minute))
	}
}

// fetching.md 45.
func TestScoreboardOfWeeksIsClean(t *testing.T) {
	var now watch
	clock := now.time
	troubled := newBoard(t, 0, clock, "troubled", "/feed", inTurn(append(troubles(), renames)...))
	etag := newBoard(t, 1, clock, "etag", "/feed", inTurn(well, renames))
	etag.shape = func(v pair) pair { return pair{v[0], ""} } // fetching.md 3
	date := newBoard(t, 2, clock, "date", "/feed", inTurn(well))
	date.shape = func(v pair) pair { return pair{"", v[1]} }
	boards := []*board{
		troubled, etag, date,
		newBoard(t, 3, clock, "query", "/feed?format=atom&a=%20b&a", inTurn(well, renames)),
		newBoard(t, 4, clock, "forgets", "/feed", inTurn(well, forgets)),
		newBoard(t, 5, clock, "moves", "/feed", moves),
	}
	r := newReaders(t, 2, clock, boards...)
	days, interrupted := 14, 0
	if testing.Short() {
		days = 5
	}
	r.run(t, &now, days, func() { count(&interrupted, troubled.silent()) })
	entries := shown(t, r.stores[0])
	r.stop(t)
	if interrupted < days/4 {
		t.Errorf("only %d times were readers started while they were to be silent", interrupted)
	}
	for _, b := range boards {
		t.Run(b.name, func(t *testing.T) { b.report(t, entries) })
	}
}

// report demands a clean score, and that there was something to score.
func (b *board) report(t *testing.T, entries []string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	want := score{Unconditional: 1}
	if b.name == "moves" {
		want.Unconditional = 2 // the other page was new, too
	}
	if b.score != want {
		t.Errorf("score %+v, want %+v", b.score, want)
	}
	if n := b.moods["forgets"]; b.excused != n && b.excused != n-1 || n > 0 && n < 10 {
		t.Errorf("%d requests without validators after %d answers without", b.excused, n)
	}
	if b.visits < 20 || b.told < b.newest()-10 || b.moods["200"] < 2 || b.moods["304"] < 2 {
		t.Errorf("%d visits, post %d of %d was read, %v", b.visits, b.told, b.newest(), b.moods)
	}
	for i := range b.told + 1 {
		if !slices.Contains(entries, b.post(i)) {
			t.Errorf("%s was published and never read", b.post(i))
		}
	}
}

// fetching.md 23: three visits and two days say that the move is for good.
func TestPageThatAFeedMovedAwayFromIsLeftAlone(t *testing.T) {
	var now watch
	b := newBoard(t, 0, now.time, "moves", "/feed", moves)
	r := newReaders(t, 2, now.time, b)
	r.run(t, &now, 7, func() {})
	r.stop(t)
	b.mu.Lock()
	defer b.mu.Unlock()
	if last := b.pages["/feed"].asked; last.After(epoch.Add(5 * 24 * time.Hour)) {
		t.Errorf("it was asked until %v, the new one until %v", last, b.pages["/atom.xml"].asked)
	}
}

// busyHost is a host with four feeds that answers 429 once, and two readers.
func busyHost(t *testing.T, clock func() time.Time) (*board, *readers) {
	t.Helper()
	busy := wants("429", http.StatusTooManyRequests, func(time.Time) string { return "10800" }, 3*time.Hour)
	b := newBoard(t, 0, clock, "0", "/0", func(b *board, _ string) mood {
		if b.moods["429"] == 0 {
			return busy
		}
		return well
	})
	r := newReaders(t, 2, clock, b)
	for _, name := range []string{"1", "2", "3"} {
		r.list = append(r.list, feeds.Source{Slug: name, URL: strings.TrimSuffix(b.url, "0") + name})
	}
	return b, r
}

// fetching.md 21: those that wait for their host's turn are let go, too.
func TestTooManyRequestsHoldsWithinThePass(t *testing.T) {
	b, r := busyHost(t, func() time.Time { return epoch })
	r.start(t)
	r.pass(t, Pass{})
	r.stop(t)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.score.Impatient > 0 || b.moods["429"] != 1 {
		t.Errorf("%d requests came too early, %v", b.score.Impatient, b.moods)
	}
}

// fetching.md 21: a host that is asked too much has said so for all its feeds.
func TestTooManyRequestsHoldsForAllFeedsOfTheHost(t *testing.T) {
	var now watch
	b, r := busyHost(t, now.time)
	r.run(t, &now, 1, func() {})
	r.stop(t)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.score.Impatient > 0 || len(b.pages) != 4 || b.moods["well"] < 8 {
		t.Errorf("%d requests came too early, %v", b.score.Impatient, b.moods)
	}
}
