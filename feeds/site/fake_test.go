package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
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
	// archived are the IDs in the archives, whatever they are of, from 1.
	archived map[int][]string
	deleted  []feeds.Tombstone

	lastQuery feeds.Query // that Entries was asked
	calls     map[string]int
	fail      bool
	failAt    int           // the call that fails, counted from 1; 0: none
	gate      chan struct{} // Entries waits for it, if set
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

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
	return (q.ID == "" || q.ID == e.ID) && (q.Source == "" || q.Source == e.Source.Slug) && (q.Language == "" || q.Language == e.Language) &&
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

// emptyFake is a store in which there is nothing.
func emptyFake() *fake {
	return &fake{
		calls: map[string]int{}, touched: map[feeds.Query]int64{},
		before: map[string][]feeds.Version{}, gone: map[string]bool{}, moved: map[string]string{},
	}
}

// newFake has 66 entries of three sources, the odd ones first.
func newFake() *fake {
	f := emptyFake()
	f.sources = []feeds.Source{
		{ID: 1, Slug: "rook", URL: "https://rook.example/atom.xml", Title: "The Rook", Site: "https://rook.example/", Language: "en",
			Categories: []feeds.CategoryName{chess}},
		{ID: 2, Slug: "beet", URL: "file:///srv/secret/beet", Title: `"Beet" <b>& Bed</b>`},
		{ID: 3, Slug: "still", URL: "https://still.example/feed", FeedTitle: "Still Waters", FeedLink: "javascript:alert(1)",
			State: feeds.State{LastVisit: epoch, Failures: 2, LastError: `the server <answered> 500`}},
	}
	f.entries = odd(f.sources)
	for i := range 60 {
		at := epoch.Add(-time.Duration(i+1) * 7 * time.Hour)
		e := feeds.Entry{
			ID: fmt.Sprintf("plain%02d", i), GUID: fmt.Sprintf("https://rook.example/%d", i), Permalink: fmt.Sprintf("https://rook.example/%d", i),
			Title: fmt.Sprintf("Move %d", i), Content: fmt.Sprintf("<p>Knight to f%d.</p>", i%8+1),
			Published: at, Sort: at, Changed: at, Source: &f.sources[i%2], Categories: []feeds.CategoryName{chess},
		}
		f.entries = append(f.entries, e)
	}
	// The one without a date is the last.
	undated := f.entries[5]
	f.entries = append(slices.Delete(f.entries, 5, 6), undated)
	for i := range f.entries {
		e := &f.entries[i]
		e.Source.Entries++
		e.Source.Updated = maxTime(e.Source.Updated, e.Changed)
	}
	f.cats = []feeds.Category{{CategoryName: chess, Entries: 60}, {CategoryName: gardens, Entries: 1, Updated: epoch}, {CategoryName: feeds.CategoryName{Slug: "../up", Title: "Up"}}}
	return f
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// odd are entries of the kinds that pages break on.
func odd(sources []feeds.Source) []feeds.Entry {
	at := epoch.Add(2 * time.Hour)
	base := func(id string, src int) feeds.Entry {
		return feeds.Entry{ID: id, GUID: id, Permalink: "https://rook.example/" + id, Title: "Title of " + id, Sort: at, Changed: at, Source: &sources[src]}
	}
	hostile := base("hostile", 2)
	hostile.Title = `</a></h3><script>alert("title")</script>" onmouseover="x`
	hostile.Authors = []feeds.Person{{Name: `<img src=x onerror=alert(1)>`, URL: "javascript:alert(2)"}}
	hostile.Language = `en" onload="x`
	hostile.Permalink = "javascript:alert(3)"
	hostile.Enclosures = []feeds.Enclosure{{URL: "data:text/html,x", Type: "text/html"}, {URL: "https://rook.example/a.mp3", Type: `audio/"mpeg`, Length: 3 << 20}}
	rtl := base("arabic", 0)
	rtl.Title, rtl.Content, rtl.Language = "حديقة", "<p>نص قصير</p>", "ar"
	silent := base("silent", 0)
	silent.Title, silent.Permalink, silent.Summary = "", "", "<p>Only a few words &amp; no title.</p>"
	long := base("long", 1)
	long.Content = "<h1>Top</h1><p>" + strings.Repeat("Bishops and beetroots. ", 100) + `</p><h2>Below</h2><p><img src="https://rook.example/p.png" alt=""></p>`
	long.Categories = []feeds.CategoryName{gardens}
	long.Revision, long.Also = 2, []feeds.Source{sources[0]}
	long.TitleHTML = "Title of <em>long</em>"
	huge := base("huge", 0)
	huge.Content = "<p>" + strings.Repeat("More than a page may carry. ", 4000) + "</p>"
	empty := base("empty", 0)
	empty.Sort, empty.Changed = time.Time{}, time.Time{}
	return []feeds.Entry{hostile, rtl, silent, long, huge, empty}
}

var testPlanet = feeds.Planet{
	Title: "Planet Test", URL: "https://planet.example/", Description: "A planet for tests.", Language: "en",
	Owner: feeds.Person{Name: "Ada", URL: "https://ada.example/"}, Entries: 60,
}

// newSite is a site over f whose clock stands a year after everything.
func newSite(t testing.TB, f *fake, change ...func(*Options)) *Site {
	t.Helper()
	o := Options{Planet: testPlanet, Reader: f, Version: "0.0", Log: func(err error) { t.Logf("log: %v", err) }}
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
