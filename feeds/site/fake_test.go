package site

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
)

var errStore = errors.New("the disk is gone")

// fake is a store in memory that counts what it is asked and fails on purpose.
type fake struct {
	mu      sync.Mutex
	entries []feeds.Entry
	sources []feeds.Source
	cats    []feeds.Category
	seq     int64
	touched map[feeds.Query]int64 // by what was changed, the limit left out
	before  map[string][]feeds.Version
	gone    map[string]bool
	moved   map[string]string
	held    map[string]feeds.HeldPosts
	debts   []feeds.Debt
	stories []feeds.Story
	// archived are the IDs in the archives, whatever they are of, from 1.
	archived map[int][]string
	deleted  []feeds.Tombstone

	lastQuery feeds.Query // that Entries was asked
	calls     map[string]int
	fail      bool
	failAt    int           // the call that fails, counted from 1; 0: none
	gate      chan struct{} // Entries waits for it, if set
}

func (f *fake) Why(context.Context, string) ([]feeds.Story, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stories, f.call("Why")
}

func (f *fake) Months(_ context.Context, q feeds.Query) (list []feeds.MonthCount, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call("Months"); err != nil {
		return nil, err
	}
	by := map[feeds.Month]int{}
	q.Month = 0
	for i := range f.entries {
		if e := &f.entries[i]; selects(q, e) && !e.Sort.IsZero() {
			by[feeds.MonthOf(e.Sort)]++
		}
	}
	for _, m := range slices.Backward(slices.Sorted(maps.Keys(by))) {
		list = append(list, feeds.MonthCount{Month: m, Entries: by[m]})
	}
	return list, nil
}

func (f *fake) Activity(context.Context, feeds.Month) (sources, lists map[string][]feeds.MonthCount, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return nil, nil, f.call("Activity")
}

func (f *fake) LastVisit(context.Context) (last time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.sources {
		if at := f.sources[i].State.LastVisit; at.After(last) {
			last = at
		}
	}
	return last, f.call("LastVisit")
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// hold has Entries wait for the gate; nil: no longer.
func (f *fake) hold(gate chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gate = gate
}

func (f *fake) call(name string) error {
	f.calls[name]++
	f.calls["all"]++
	if f.fail || f.calls["all"] == f.failAt {
		return errStore
	}
	return nil
}

func (f *fake) Entries(_ context.Context, q feeds.Query) ([]feeds.Entry, error) {
	f.mu.Lock()
	gate := f.gate
	f.mu.Unlock()
	if gate != nil {
		<-gate
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastQuery = q
	if err := f.call("entries"); err != nil {
		return nil, err
	}
	var list []feeds.Entry
	behind := q.After == nil
	for i := range f.entries {
		e := &f.entries[i]
		switch {
		case !behind:
			behind = e.ID == q.After.ID
		case q.Limit > 0 && len(list) == q.Limit:
		case selects(q, e) && (q.Archive == 0 || slices.Contains(f.archived[q.Archive], e.ID)):
			list = append(list, *e)
		}
	}
	return list, nil
}

func selects(q feeds.Query, e *feeds.Entry) bool {
	return (q.Month == 0 || q.Month == feeds.MonthOf(e.Sort)) && (q.ID == "" || q.ID == e.ID) && (q.Source == "" || q.Source == e.Source.Slug) && (q.Language == "" || q.Language == e.Language) &&
		(q.Author == "" || slices.ContainsFunc(e.Authors, func(p feeds.Person) bool { return feeds.Slug(p.Name) == q.Author })) &&
		(q.Category == "" || slices.ContainsFunc(e.Categories, func(c feeds.CategoryName) bool { return c.Slug == q.Category }))
}

func (f *fake) Sources(context.Context) ([]feeds.Source, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sources), f.call("sources")
}

func (f *fake) Lists(context.Context) ([]feeds.Category, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.cats), f.call("categories")
}

func (f *fake) Archives(context.Context, feeds.Query) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.archived), f.call("archives")
}

func (f *fake) SourcesIn(_ context.Context, category string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var in []string
	for i := range f.entries {
		if e := &f.entries[i]; selects(feeds.Query{Category: category}, e) {
			in = append(in, e.Source.Slug)
		}
	}
	return in, f.call("sourcesin")
}

func (f *fake) Tombstones(context.Context, feeds.Query) ([]feeds.Tombstone, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.deleted), f.call("tombstones")
}

func (f *fake) Version(_ context.Context, q feeds.Query) (int64, time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call("version"); err != nil {
		return 0, time.Time{}, err
	}
	seq := f.seq
	if q != (feeds.Query{}) {
		if _, ok := q.Scope(); !ok {
			return f.seq, epoch.Add(time.Duration(f.seq)*time.Minute + 300*time.Millisecond), nil
		}
		q.Limit, q.Open, q.Archive, q.ByArrival = 0, false, 0, false
		seq = f.touched[q]
	}
	return seq, epoch.Add(time.Duration(seq)*time.Minute + 300*time.Millisecond), nil
}

func (f *fake) ChangedSince(_ context.Context, t time.Time) (scopes []string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for q, seq := range f.touched {
		scope, ok := q.Scope()
		if ok && q.ID == "" && !epoch.Add(time.Duration(seq)*time.Minute).Before(t) {
			scopes = append(scopes, scope)
		}
	}
	return scopes, f.call("changed")
}

func (f *fake) Versions(_ context.Context, id string) ([]feeds.Version, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.before[id]), f.call("versions")
}

func (f *fake) Fate(_ context.Context, id string) (bool, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gone[id], f.moved[id], f.call("fate")
}

func (f *fake) Moved(context.Context) (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.moved), f.call("moved")
}

func (f *fake) Debts(context.Context) ([]feeds.Debt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.debts), f.call("debts")
}

func (f *fake) Held(context.Context) (map[string]feeds.HeldPosts, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.held), f.call("held")
}

// change edits an entry, or a new one in front of all, as a commit of the store would.
func (f *fake) change(id string, edit func(*feeds.Entry)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	i := slices.IndexFunc(f.entries, func(e feeds.Entry) bool { return e.ID == id })
	if i < 0 {
		f.entries, i = slices.Insert(f.entries, 0, feeds.Entry{ID: id, Source: &f.sources[0]}), 0
	}
	e := &f.entries[i]
	f.touch(e)
	edit(e)
	e.Changed = epoch.Add(time.Duration(f.seq) * time.Minute)
	f.touch(e)
}

func (f *fake) touch(e *feeds.Entry) {
	f.touched[feeds.Query{}] = f.seq
	f.touched[feeds.Query{ID: e.ID}] = f.seq
	f.touched[feeds.Query{Source: e.Source.Slug}] = f.seq
	for _, c := range e.Categories {
		f.touched[feeds.Query{Category: c.Slug}] = f.seq
	}
	for _, p := range e.Authors {
		f.touched[feeds.Query{Author: feeds.Slug(p.Name)}] = f.seq
	}
	f.touched[feeds.Query{Language: e.Language}] = f.seq
}

func (f *fake) remove(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	i := slices.IndexFunc(f.entries, func(e feeds.Entry) bool { return e.ID == id })
	f.touch(&f.entries[i])
	f.entries = slices.Delete(f.entries, i, i+1)
	f.gone[id] = true
}

// revise edits an entry and keeps what it said.
func (f *fake) revise(id string, edit func(*feeds.Entry)) {
	f.change(id, func(e *feeds.Entry) {
		v := feeds.Version{N: e.Revision, At: epoch.Add(time.Duration(f.seq) * 24 * time.Hour), Entry: *e}
		f.before[id] = slices.Insert(f.before[id], 0, v)
		e.Revision++
		edit(e)
	})
}

// merge takes an entry off and has it lead to another.
func (f *fake) merge(id, into string) {
	f.remove(id)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.gone, id)
	f.moved[id] = into
}

func (f *fake) asked(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[name]
}

func (f *fake) broken(yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = yes
}

var (
	chess   = feeds.CategoryName{Slug: "chess", Title: "Chess"}
	gardens = feeds.CategoryName{Slug: "gärten", Title: "Gärten & Höfe"}
)

// newSite is a site over f whose clock stands a year after everything.
func newSite(t testing.TB, f *fake, change ...func(*Options)) *Site {
	t.Helper()
	o := Options{Planet: testPlanet, Reader: f, Version: "0.0", StaleAfter: 2 * 365 * 24 * time.Hour, Log: func(err error) { t.Logf("log: %v", err) }}
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return epoch.AddDate(1, 0, 0) }
	return s
}

func refresh(t *testing.T, s *Site) {
	t.Helper()
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// get asks for path; headers are name, value, name, value.
func get(s *Site, path string, headers ...string) *http.Response {
	return ask(s, http.MethodGet, path, headers...)
}

func ask(s *Site, method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, "http://somewhere.invalid"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantStatus(t *testing.T, r *http.Response, want int) {
	t.Helper()
	if r.StatusCode != want {
		t.Fatalf("status %d, want %d", r.StatusCode, want)
	}
}

func wantHeader(t *testing.T, r *http.Response, name, want string) {
	t.Helper()
	if got := cmp.Or(r.Header.Get(name), "none"); got != want {
		t.Errorf("%s: %s, want %s", name, got, want)
	}
}
