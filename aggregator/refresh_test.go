package aggregator

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
	"orrery/storage"
)

// hostile.md, Faults: that source is marked, all others are visited.
func TestTroubleOfOneSourceIsItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		answer fetch.Func
		says   string
	}{
		"an error":             {fails(errTrouble), "the server is on fire"},
		"a panic":              {func(context.Context, feeds.Source, feeds.Validators) (fetch.Response, error) { panic("boo") }, "fault in Orrery: boo; please report"},
		"a page":               {body("<!DOCTYPE html><html><body>Captcha</body></html>"), "a web page, not a feed"},
		"nothing of anything":  {body("{}"), "no feed"},
		"half of a document":   {body(`<rss version="2.0"><channel><title>T</title><item><guid>new</guid><title>Ne`), "broken"},
		"a timeout of its own": {fails(context.DeadlineExceeded), "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			db := stored(t, remote("bad"), remote("good"), remote("other"))
			f := fakes{"bad": found("old"), "good": found("g"), "other": found("o")}
			a, _ := newAggregator(db, f.fetch, nil)
			refresh(t, a, Pass{})
			f["bad"], f["good"] = c.answer, found("g", "g2")
			now := epoch.Add(2 * time.Hour)
			a, l := newAggregator(db, f.fetch, func(o *Options) { o.Now = func() time.Time { return now } })
			s := refresh(t, a, Pass{})
			if s.Sources != 3 || s.Failed != 1 || s.New != 1 || s.Unchanged != 1 {
				t.Errorf("summary %s", s)
			}
			same(t, "visited", l.slugs(), []string{"bad", "good", "other"})
			same(t, "shown", shown(t, db), []string{"g", "g2", "o", "old"}) // its entries stay
			bad := sources(t, db)["bad"].State
			if !strings.Contains(bad.LastError, c.says) || bad.Failures != 1 || !bad.LastSuccess.Equal(epoch) || !bad.LastVisit.Equal(now) {
				t.Errorf("state %+v", bad)
			}
			due, err := db.Claim(t.Context(), feeds.Want{Now: now.Add(48 * time.Hour), Start: now.Add(time.Hour), N: 9, Lease: time.Hour, Slugs: []string{"bad"}})
			if err != nil || len(due) != 1 || due[0].Validators.ETag != "[old]" {
				t.Errorf("its validators: %+v, %v", due, err)
			}
		})
	}
}

// fetching.md 27; RFC 5005 §2 is the only exception, and we know no such feed.
func TestShrunkenFeedTakesNothingAway(t *testing.T) {
	db := stored(t, remote("a"))
	f := fakes{}
	for i, names := range [][]string{{"1", "2", "3"}, {"3"}, {}} {
		f["a"] = found(names...)
		now := epoch.Add(time.Duration(i) * 2 * time.Hour)
		a, _ := newAggregator(db, f.fetch, func(o *Options) { o.Now = func() time.Time { return now } })
		if s := refresh(t, a, Pass{}); s.Failed != 0 || s.Sources != 1 {
			t.Errorf("%v: %s", names, s)
		}
		same(t, fmt.Sprint(names), shown(t, db), []string{"1", "2", "3"})
	}
}

func TestUnchangedSourceIsASuccess(t *testing.T) {
	db := stored(t, remote("a"))
	f := fakes{"a": found("1")}
	a, _ := newAggregator(db, f.fetch, nil)
	refresh(t, a, Pass{})
	version, _, err := db.Version(t.Context(), feeds.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for i, answer := range []fetch.Func{
		func(_ context.Context, _ feeds.Source, v feeds.Validators) (fetch.Response, error) { // a 304, an equal body
			v.ETag = "newer"
			return fetch.Response{Status: 304, NotModified: true, Validators: v}, nil
		},
		func(_ context.Context, _ feeds.Source, v feeds.Validators) (fetch.Response, error) {
			if v.ETag != "newer" {
				t.Errorf("was given the validators %+v", v)
			}
			return fetch.Response{Status: 200, NotModified: true, Validators: v}, nil
		},
		found("1"),
	} {
		f["a"] = answer
		now := epoch.Add(time.Duration(i+1) * 2 * time.Hour)
		a, _ := newAggregator(db, f.fetch, func(o *Options) { o.Now = func() time.Time { return now } })
		if s := refresh(t, a, Pass{}); s.Unchanged != 1 || s.Sources != 1 || !s.Zero() {
			t.Errorf("%d: %s", i, s)
		}
		if st := sources(t, db)["a"].State; !st.LastSuccess.Equal(now) {
			t.Errorf("%d: state %+v", i, st)
		}
	}
	if after, _, err := db.Version(t.Context(), feeds.Query{}); err != nil || after != version {
		t.Errorf("the version went from %d to %d, %v", version, after, err)
	}
}

func TestUnknownSchemeIsTheSourcesTrouble(t *testing.T) {
	s := remote("a")
	s.URL = "gopher://a.example/"
	db := stored(t, s)
	a, _ := newAggregator(db, fakes{}.fetch, nil)
	if s := refresh(t, a, Pass{}); s.Failed != 1 {
		t.Errorf("summary %s", s)
	}
	if got := sources(t, db)["a"].State.LastError; got != `nobody knows how to fetch from an address that begins with "gopher:"` {
		t.Errorf("error %q", got)
	}
}

func TestPassVisitsEverySourceOnce(t *testing.T) {
	var list []feeds.Source
	var slugs []string
	for i := range 100 {
		slugs = append(slugs, fmt.Sprintf("s%03d", i))
		list = append(list, remote(slugs[i]))
	}
	for name, p := range map[string]Pass{"due": {}, "all": {All: true}, "named": {Slugs: slugs}} {
		t.Run(name, func(t *testing.T) {
			db := stored(t, list...)
			// Without intervals every source is due again as soon as it was visited.
			a, l := newAggregator(db, fakes{}.fetch, func(o *Options) { o.Intervals = Intervals{} })
			waiting, err := a.Waiting(t.Context(), p)
			if s := refresh(t, a, p); s.Sources != 100 || waiting != 100 || err != nil {
				t.Errorf("%s; waiting %d, %v", s, waiting, err)
			}
			same(t, "visited", l.slugs(), slugs)
		})
	}
}

func TestPassVisitsOnlyWhomItNames(t *testing.T) {
	db := stored(t, remote("a"), remote("b"), remote("c"))
	a, l := newAggregator(db, fakes{}.fetch, nil)
	refresh(t, a, Pass{Slugs: []string{"b", "nobody"}})
	same(t, "visited", l.slugs(), []string{"b"})
}

// hostile.md, Faults: fetch from cron beside serve.
func TestTwoAggregatorsBesideEachOtherVisitEverySourceOnce(t *testing.T) {
	var list []feeds.Source
	var slugs []string
	for i := range 60 {
		slugs = append(slugs, fmt.Sprintf("s%03d", i))
		list = append(list, remote(slugs[i]))
	}
	path := newFile(t)
	first := open(t, path)
	if err := first.Sync(t.Context(), epoch, list, &feeds.Rules{}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	all := &log{}
	for _, db := range []*storage.DB{first, open(t, path)} {
		wg.Go(func() {
			a, _ := newAggregator(db, fakes{}.fetch, func(o *Options) { o.Observe = all.observe })
			if _, err := a.Refresh(t.Context(), Pass{All: true}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	same(t, "visited", all.slugs(), slugs)
}

func TestObserveIsToldOfOneVisitAtATime(t *testing.T) {
	var list []feeds.Source
	for i := range 100 {
		list = append(list, remote(fmt.Sprintf("s%03d", i)))
	}
	db := stored(t, list...)
	var told, inside, most atomic.Int32
	a, _ := newAggregator(db, fakes{}.fetch, func(o *Options) {
		o.Concurrency = 32
		o.Observe = func(feeds.Visit, feeds.Tally) {
			now := inside.Add(1)
			for range 1000 {
				runtime.Gosched() // let others come, if they can
			}
			most.Store(max(most.Load(), now, inside.Load()))
			inside.Add(-1)
			told.Add(1)
		}
	})
	refresh(t, a, Pass{})
	if most.Load() != 1 || told.Load() != 100 {
		t.Errorf("told of %d visits, %d at once", told.Load(), most.Load())
	}
}

// hostile.md, Faults: the running visits are committed or left to nobody.
func TestEndedPassGivesItsClaimsBack(t *testing.T) {
	db := stored(t, remote("a"), remote("b"), remote("c"), remote("d"))
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	hangs := func(ctx context.Context, _ feeds.Source, _ feeds.Validators) (fetch.Response, error) {
		once.Do(cancel)
		<-ctx.Done()
		return fetch.Response{}, ctx.Err()
	}
	a, l := newAggregator(db, hangs, func(o *Options) { o.Concurrency = 2 })
	if _, err := a.Refresh(ctx, Pass{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	same(t, "told of", l.slugs(), []string{})
	due, err := db.Claim(t.Context(), feeds.Want{Now: epoch, Start: epoch, N: 9, Lease: time.Hour})
	if err != nil || len(due) != 4 {
		t.Errorf("only %d can be claimed, %v", len(due), err)
	}
	for _, d := range due {
		if d.Source.State.Failures != 0 || !d.Source.State.LastVisit.IsZero() {
			t.Errorf("%s: %+v", d.Source.Slug, d.Source.State)
		}
	}
}

// brokenStore is a store whose disk fails at one call.
type brokenStore struct {
	*storage.DB
	commit func(v feeds.Visit) error // nil: works
	known  error
}

func (b *brokenStore) Commit(ctx context.Context, v feeds.Visit) (feeds.Tally, error) {
	if b.commit != nil {
		if err := b.commit(v); err != nil {
			return feeds.Tally{}, err
		}
	}
	return b.DB.Commit(ctx, v)
}

func (b *brokenStore) Known(ctx context.Context, source int64, guids []string) (map[string]feeds.Known, error) {
	if b.known != nil {
		return nil, b.known
	}
	return b.DB.Known(ctx, source, guids)
}

// crowdedStore is one at which others claim all the while.
type crowdedStore struct {
	*storage.DB
	claims, besides int
}

func (s *crowdedStore) Claim(ctx context.Context, want feeds.Want) ([]feeds.Due, error) {
	if s.claims++; s.claims <= s.besides {
		return nil, fmt.Errorf("claim sources: %w", feeds.ErrBeside)
	}
	return s.DB.Claim(ctx, want)
}

func TestPassDoesNotEndBecauseOthersClaimInTheSameInstant(t *testing.T) {
	s := &crowdedStore{DB: stored(t, remote("a"), remote("b")), besides: 3}
	a, _ := newAggregator(s, fakes{"a": found("1"), "b": found("2")}.fetch, nil)
	a.beside = time.Millisecond
	if got := refresh(t, a, Pass{}); got.Sources != 2 || got.New != 2 {
		t.Errorf("%+v", got)
	}
}

func TestTroubleOfTheStoreEndsThePassAndNoSourceIsBlamed(t *testing.T) {
	full := errors.New("the disk is full")
	for name, b := range map[string]*brokenStore{
		"commit": {commit: func(feeds.Visit) error { return full }},
		"known":  {known: full},
	} {
		t.Run(name, func(t *testing.T) {
			b.DB = stored(t, remote("a"), remote("b"))
			a, l := newAggregator(b, fakes{"a": found("1"), "b": found("2")}.fetch, nil)
			if _, err := a.Refresh(t.Context(), Pass{}); !errors.Is(err, full) {
				t.Errorf("error %v", err)
			}
			same(t, "told of", l.slugs(), []string{})
			for slug, s := range sources(t, b.DB) {
				if s.State != (feeds.State{}) {
					t.Errorf("%s: %+v", slug, s.State)
				}
			}
		})
	}
}

func TestLostLeaseIsNobodysTrouble(t *testing.T) {
	b := &brokenStore{DB: stored(t, remote("a"), remote("b"))}
	b.commit = func(v feeds.Visit) error {
		if v.Due.Source.Slug == "a" {
			return fmt.Errorf("store: %w", feeds.ErrLeaseLost)
		}
		return nil
	}
	a, l := newAggregator(b, fakes{}.fetch, nil)
	if s := refresh(t, a, Pass{}); s.Sources != 1 || s.Failed != 0 {
		t.Errorf("summary %s", s)
	}
	same(t, "told of", l.slugs(), []string{"b"})
}

// A visit that was stored is told of, whatever ended meanwhile.
func TestStoredVisitIsCountedThoughThePassWasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := &brokenStore{DB: stored(t, remote("a"))}
	store := &afterCommit{b, cancel}
	a, l := newAggregator(store, fakes{"a": found("1")}.fetch, nil)
	s, err := a.Refresh(ctx, Pass{})
	if !errors.Is(err, context.Canceled) || s.Sources != 1 || s.New != 1 {
		t.Errorf("%s, %v", s, err)
	}
	same(t, "told of", l.slugs(), []string{"a"})
}

// afterCommit ends the pass as soon as a visit is stored.
type afterCommit struct {
	*brokenStore
	then func()
}

func (s *afterCommit) Commit(ctx context.Context, v feeds.Visit) (feeds.Tally, error) {
	defer s.then()
	return s.brokenStore.Commit(ctx, v)
}

// What makes the store panic is a failure of its source, which the store then has.
func TestPanicInTheStoreIsItsSourcesFailure(t *testing.T) {
	for name, lose := range map[string]func() error{
		"an error": func() error { return fmt.Errorf("store the visit: %w: boom", feeds.ErrReader) },
		"a panic":  func() error { panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			b := &brokenStore{DB: stored(t, remote("a"), remote("b"))}
			b.commit = func(v feeds.Visit) error {
				if v.Due.Source.Slug == "a" && v.Outcome != feeds.Failed {
					return lose()
				}
				return nil
			}
			a, l := newAggregator(b, fakes{"a": found("1"), "b": found("2")}.fetch, nil)
			if s := refresh(t, a, Pass{}); s.Sources != 2 || s.Failed != 1 || s.New != 1 {
				t.Errorf("summary %s", s)
			}
			same(t, "told of", slices.Sorted(slices.Values(l.slugs())), []string{"a", "b"})
			if st := sources(t, b.DB)["a"].State; st.Failures != 1 || !strings.Contains(st.LastError, "fault in Orrery") || st.NextVisit.IsZero() {
				t.Errorf("state %+v", st)
			}
		})
	}
}

// A panic behind the fetch and the reading: the entry's own categories.
func TestPanicInTheDecisionIsItsSourcesFailure(t *testing.T) {
	db := stored(t, remote("a"), remote("b"))
	a, _ := newAggregator(db, fakes{"a": found("1"), "b": found()}.fetch, func(o *Options) { o.Rules = nil })
	if s := refresh(t, a, Pass{}); s.Failed != 1 || s.Sources != 2 {
		t.Errorf("summary %s", s)
	}
	if got := sources(t, db)["a"].State.LastError; !strings.Contains(got, "fault in Orrery") {
		t.Errorf("error %q", got)
	}
}
