package aggregator

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
	"orrery/storage"
	"orrery/storage/filetest"
)

// fakes answer for sources, by slug.
type fakes map[string]fetch.Func

func (f fakes) fetch(ctx context.Context, s feeds.Source, v feeds.Validators) (fetch.Response, error) {
	if answer := f[s.Slug]; answer != nil {
		return answer(ctx, s, v)
	}
	return found()(ctx, s, v)
}

// found answers with a feed of these entries.
func found(names ...string) fetch.Func {
	return func(_ context.Context, s feeds.Source, _ feeds.Validators) (fetch.Response, error) {
		f := &feeds.Feed{Title: s.Slug}
		for _, n := range names {
			f.Entries = append(f.Entries, post(n))
		}
		return fetch.Response{Status: 200, URL: s.URL, Feed: f, Validators: feeds.Validators{URL: s.URL, ETag: fmt.Sprint(names)}}, nil
	}
}

// body answers with a document.
func body(text string) fetch.Func {
	return func(_ context.Context, s feeds.Source, _ feeds.Validators) (fetch.Response, error) {
		return fetch.Response{Status: 200, URL: s.URL, Body: []byte(text), Validators: feeds.Validators{URL: s.URL, ETag: "of a body"}}, nil
	}
}

// fails answers with an error.
func fails(err error) fetch.Func {
	return func(context.Context, feeds.Source, feeds.Validators) (fetch.Response, error) {
		return fetch.Response{}, err
	}
}

// remote is a source at a host of its own.
func remote(slug string) feeds.Source {
	return feeds.Source{Slug: slug, URL: "https://" + slug + ".example/feed"}
}

func open(t testing.TB, path string) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// newFile is the path of a new store.
func newFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orrery.db")
	filetest.Write(t, path, func(path string) error {
		db, err := storage.Open(t.Context(), "sqlite:"+path)
		if err != nil {
			return err
		}
		return db.Close()
	})
	return path
}

// stored is a new store with these sources.
func stored(t testing.TB, sources ...feeds.Source) *storage.DB {
	t.Helper()
	db := open(t, newFile(t))
	if err := db.Sync(t.Context(), epoch, sources, &feeds.Rules{}); err != nil {
		t.Fatal(err)
	}
	return db
}

// watch is a clock that a test moves on while servers may look at it: the time
// since epoch. A server that closes its door may still be at it when the reader
// has gone on.
type watch struct{ atomic.Int64 }

func (w *watch) time() time.Time { return epoch.Add(time.Duration(w.Load())) }

// log remembers the visits an Aggregator told of.
type log struct {
	mu     sync.Mutex
	visits []feeds.Visit
}

func (l *log) observe(v feeds.Visit, _ feeds.Tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.visits = append(l.visits, v)
}

func (l *log) slugs() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []string{}
	for i := range l.visits {
		out = append(out, l.visits[i].Due.Source.Slug)
	}
	slices.Sort(out)
	return out
}

// newAggregator is one at epoch that asks the fakes.
func newAggregator(store Store, f fetch.Func, change func(o *Options)) (*Aggregator, *log) {
	l := &log{}
	o := Options{
		Store: store, Fetch: map[string]fetch.Func{"https": f, "file": f}, Rules: &feeds.Rules{}, Now: func() time.Time { return epoch },
		Concurrency: 8, PerHost: 1, Intervals: Intervals{Min: time.Hour, Max: time.Hour}, Observe: l.observe,
	}
	if change != nil {
		change(&o)
	}
	return New(o), l
}

func refresh(t testing.TB, a *Aggregator, p Pass) Summary {
	t.Helper()
	s, err := a.Refresh(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sources are the stored ones, by slug.
func sources(t testing.TB, db *storage.DB) map[string]feeds.Source {
	t.Helper()
	list, err := db.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]feeds.Source{}
	for _, s := range list {
		m[s.Slug] = s
	}
	return m
}

// shown are the GUIDs of all entries of the planet, sorted.
func shown(t testing.TB, db *storage.DB) []string {
	t.Helper()
	list, err := db.Entries(t.Context(), feeds.Query{})
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for i := range list {
		out = append(out, list[i].GUID)
	}
	slices.Sort(out)
	return out
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}
