package site

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orrery/feeds"
)

func TestAKeptDocumentAsksTheStoreNothing(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	refresh(t, s)
	paths := []string{"/", "/feed.atom", "/category/chess/", "/source/rook/feed.rss", "/entry/long/", "/sources/", "/status/", "/categories/", "/opml.xml"}
	for _, p := range paths {
		wantStatus(t, get(s, p), 200)
	}
	before := f.asked("all")
	for _, p := range paths {
		wantStatus(t, get(s, p+"?utm_source=x"), 200)
		wantStatus(t, ask(s, http.MethodHead, p, "Accept-Encoding", "gzip"), 200)
	}
	wantStatus(t, get(s, "/category/made-up/"), 404)
	wantStatus(t, get(s, "/source/made-up/feed.atom"), 404)
	if n := f.asked("all") - before; n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
}

func TestAChangeRendersItsDocumentsOnceAndNoOthers(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	refresh(t, s)
	before := map[string]*http.Response{}
	paths := []string{"/", "/category/chess/", "/category/g%C3%A4rten/", "/entry/plain07/", "/entry/plain08/"}
	for _, p := range paths {
		before[p] = get(s, p)
	}
	f.change("plain07", func(e *feeds.Entry) { e.Title = "Check!" })
	if b := body(t, get(s, "/")); strings.Contains(b, "Check!") {
		t.Error("a request looked for changes by itself")
	}
	refresh(t, s)
	entries := f.asked("entries")
	for range 3 {
		for _, p := range paths {
			after, changed := get(s, p), p != "/category/g%C3%A4rten/" && p != "/entry/plain08/"
			if got := after.Header.Get("ETag") != before[p].Header.Get("ETag"); got != changed {
				t.Errorf("%s: new tag %v, want %v", p, got, changed)
			}
			if got := after.Header.Get("Last-Modified") != before[p].Header.Get("Last-Modified"); got != changed {
				t.Errorf("%s: new date %v, want %v", p, got, changed)
			}
		}
	}
	if n := f.asked("entries") - entries; n != 3 {
		t.Errorf("entries were read %d times for 3 changed documents", n)
	}
}

func TestAChangeNobodySeesKeepsBytesAndDate(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	refresh(t, s)
	before := get(s, "/source/rook/")
	f.change("plain02", func(e *feeds.Entry) { e.Aliases = []string{"https://rook.example/alias"} })
	refresh(t, s)
	after := get(s, "/source/rook/")
	for _, h := range []string{"ETag", "Last-Modified"} {
		wantHeader(t, after, h, before.Header.Get(h))
	}
}

func TestSimultaneousFirstRequestsRenderOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.gate = make(chan struct{})
		s := newSite(t, f)
		var wg sync.WaitGroup
		status := make([]int, 40)
		for i := range status {
			wg.Go(func() { status[i] = get(s, "/feed.atom").StatusCode })
		}
		synctest.Wait() // all of them are in it
		close(f.gate)
		wg.Wait()
		for i, got := range status {
			if got != 200 {
				t.Errorf("request %d: status %d", i, got)
			}
		}
		if n := f.asked("entries"); n != 1 {
			t.Errorf("the entries were read %d times", n)
		}
	})
}

func TestAFailingStoreKeepsTheLastGoodBytes(t *testing.T) {
	f := newFake()
	var logged []error
	s := newSite(t, f, func(o *Options) { o.Log = func(err error) { logged = append(logged, err) } })
	refresh(t, s)
	for _, path := range []string{"/", "/category/chess/feed.atom"} {
		logged = nil
		good := get(s, path)
		f.change("plain01", func(e *feeds.Entry) { e.Title += "!" })
		refresh(t, s)
		f.broken(true)
		calls := f.asked("all")
		for range 5 {
			bad := get(s, path)
			wantStatus(t, bad, 200)
			wantHeader(t, bad, "ETag", good.Header.Get("ETag"))
		}
		if n := f.asked("all") - calls; n > 2 {
			t.Errorf("%s: a failing store was asked %d times within a tick", path, n)
		}
		if len(logged) == 0 {
			t.Errorf("%s: nobody was told", path)
		}
		if s.Refresh(t.Context()) == nil {
			t.Error("Refresh hides the trouble")
		}
		f.broken(false)
		refresh(t, s)
		if get(s, path).Header.Get("ETag") == good.Header.Get("ETag") {
			t.Errorf("%s: it stays old after the store is back", path)
		}
	}
}

func TestNothingKeptAndAFailingStoreAsksForPatience(t *testing.T) {
	f := newFake()
	f.broken(true)
	s := newSite(t, f)
	for _, path := range []string{"/", "/feed.atom", "/category/chess/", "/entry/long/"} {
		r := get(s, path)
		wantStatus(t, r, 503)
		wantHeader(t, r, "Retry-After", "30")
		wantHeader(t, r, "Cache-Control", "no-store")
	}
	f.broken(false)
	wantStatus(t, get(s, "/"), 200)
}

func TestMadeUpAddressesCostNoMemory(t *testing.T) {
	s := newSite(t, newFake())
	for i := range 200 {
		for _, p := range []string{"/category/no%d/", "/source/no%d/feed.atom", "/entry/no%d/", "/no%d", "/category/chess/?n=%d"} {
			get(s, fmt.Sprintf(p, i))
		}
	}
	if n := len(s.cache.by); n != 1 {
		t.Errorf("%d documents are kept, want the one that exists", n)
	}
}

func TestTheCacheStaysWithinItsBoundAndDropsTheLeastUsed(t *testing.T) {
	f := newFake()
	s := newSite(t, f, func(o *Options) { o.CacheBytes = 60 << 10 })
	for i := range 40 {
		wantStatus(t, get(s, fmt.Sprintf("/entry/plain%02d/", i)), 200)
		wantStatus(t, get(s, "/entry/plain00/"), 200)
		if s.cache.bytes > s.cache.max {
			t.Fatalf("%d bytes are kept", s.cache.bytes)
		}
	}
	var sum int64
	for _, el := range s.cache.by {
		sum += el.Value.(*kept).doc.size()
	}
	if sum != s.cache.bytes || len(s.cache.by) != s.cache.order.Len() || len(s.cache.by) < 2 {
		t.Errorf("%d documents, %d bytes counted, %d there", len(s.cache.by), s.cache.bytes, sum)
	}
	if s.cache.by[route{kind: atEntry, name: "plain00"}] == nil {
		t.Error("the most used document was dropped")
	}
	wantStatus(t, get(s, "/feed.atom"), 200) // larger than the whole cache: served, not kept
	if s.cache.by[route{feed: "atom"}] != nil {
		t.Error("a document larger than the cache is kept")
	}
}

func TestAnEntryThatIsTakenBackIsGone(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	refresh(t, s)
	wantStatus(t, get(s, "/entry/plain05/"), 200)
	f.remove("plain05")
	refresh(t, s)
	wantStatus(t, get(s, "/entry/plain05/"), 410)
	if strings.Contains(body(t, get(s, "/")), "/entry/plain05/") {
		t.Error("the planet still links to it")
	}
}

func TestANewCategoryAppearsWithTheNextRefresh(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	refresh(t, s)
	wantStatus(t, get(s, "/category/tea/"), 404)
	tea := feeds.CategoryName{Slug: "tea", Title: "Tea"}
	f.change("plain05", func(e *feeds.Entry) { e.Categories = append(e.Categories, tea) })
	f.mu.Lock()
	f.cats = append(f.cats, feeds.Category{CategoryName: tea, Entries: 1})
	f.mu.Unlock()
	refresh(t, s)
	wantStatus(t, get(s, "/category/tea/"), 200)
}

func TestTwoSitesOverOneStoreGiveTheSameBytes(t *testing.T) {
	f := newFake()
	a, b := newSite(t, f), newSite(t, f)
	b.now = epoch.AddDate(9, 0, 0).UTC
	paths, err := a.Paths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		if get(a, p).Header.Get("ETag") != get(b, p).Header.Get("ETag") {
			t.Errorf("%s differs", p)
		}
	}
}

// A network that is cut says neither yes nor no.
func TestASilentStoreKeepsNobodyWaitingForWhatWasGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := newSite(t, f)
		refresh(t, s)
		good := get(s, "/feed.atom")
		f.change("plain01", func(e *feeds.Entry) { e.Title += "!" })
		refresh(t, s)
		gate := make(chan struct{})
		f.hold(gate)
		ask := func(most time.Duration) {
			t.Helper()
			began := time.Now()
			r := get(s, "/feed.atom")
			wantStatus(t, r, 200)
			wantHeader(t, r, "ETag", good.Header.Get("ETag"))
			if took := time.Since(began); took > most {
				t.Errorf("a request waited %v", took)
			}
		}
		ask(keptPatience)
		f.broken(true)
		if s.Refresh(t.Context()) == nil {
			t.Fatal("Refresh hides the trouble")
		}
		calls := f.asked("all")
		for range 3 { // whatever becomes of what is under way
			ask(0)
		}
		if n := f.asked("all") - calls; n != 0 {
			t.Errorf("a store that says nothing was asked %d times more", n)
		}
		f.hold(nil)
		close(gate)
		synctest.Wait()
		f.broken(false)
		refresh(t, s)
		if get(s, "/feed.atom").Header.Get("ETag") == good.Header.Get("ETag") {
			t.Error("it stays old after the store is back")
		}
	})
}
