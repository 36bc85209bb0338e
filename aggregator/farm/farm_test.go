package farm_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orrery/aggregator/farm"
	"orrery/feeds"
)

// get asks for a feed with headers, given by turns as name and value.
func get(f *farm.Farm, n int, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/%d.xml", n), nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func read(t *testing.T, f *farm.Farm, n int) *feeds.Feed {
	t.Helper()
	w := get(f, n)
	feed, err := feeds.Read(w.Body.Bytes(), w.Header().Get("Content-Type"), fmt.Sprintf("https://farm.example/%d.xml", n))
	if err != nil {
		t.Fatalf("feed %d: %v", n, err)
	}
	return feed
}

// hundred is a farm of a hundred feeds as people write them, which takes a while.
var hundred = sync.OnceValue(func() *farm.Farm { return farm.New(farm.Options{Feeds: 100, Seed: 1}) })

func TestSameSeedGivesTheSameBytes(t *testing.T) {
	one, two := farm.New(farm.Options{Feeds: 8, Seed: 7}), farm.New(farm.Options{Feeds: 9, Seed: 7})
	two.Grow()
	other := farm.New(farm.Options{Feeds: 8, Seed: 8})
	for _, f := range []*farm.Farm{one, two} {
		f.Step()
	}
	for n := range 8 {
		a, b, c := get(one, n), get(two, n), get(other, n)
		if !bytes.Equal(a.Body.Bytes(), b.Body.Bytes()) || a.Header().Get("ETag") != b.Header().Get("ETag") {
			t.Errorf("feed %d differs from itself", n)
		}
		if bytes.Equal(a.Body.Bytes(), c.Body.Bytes()) {
			t.Errorf("feed %d is the same by another seed", n)
		}
	}
}

func TestEveryFeedIsWholeAndEveryPostItsOwn(t *testing.T) {
	f := hundred()
	formats, seen, entries := map[string]int{}, map[string]bool{}, 0
	for n := range 100 {
		feed := read(t, f, n)
		formats[feed.Format]++
		entries += len(feed.Entries)
		if feed.Repaired != nil || feed.Truncated || feed.Title == "" || feed.Link == "" {
			t.Errorf("feed %d: repaired %q, truncated %v, title %q, link %q", n, feed.Repaired, feed.Truncated, feed.Title, feed.Link)
		}
		feeds.Normalize(feed, "https://farm.example/")
		for i := range feed.Entries {
			e := &feed.Entries[i]
			for _, k := range e.Keys() {
				if seen[k.Name] {
					t.Errorf("feed %d has %s, which stands elsewhere, too", n, k.Name)
				}
				seen[k.Name] = true
			}
			if e.Title == "" || e.Permalink == "" || e.Published.IsZero() || len(e.Authors) == 0 || len(e.Content) < 50 {
				t.Errorf("feed %d: an incomplete entry: %q %q %v %v", n, e.Title, e.Permalink, e.Published, e.Authors)
			}
			if i > 0 && !e.Published.Before(feed.Entries[i-1].Published) {
				t.Errorf("feed %d: %s is not older than the one before", n, e.Permalink)
			}
		}
	}
	if got := fmt.Sprint(formats); got != "map[atom 1.0:25 rss 1.0:5 rss 2.0:70]" {
		t.Errorf("formats: %s", got)
	}
	if all := f.Grow(); all.Entries != entries {
		t.Errorf("Grow says %d entries, there are %d", all.Entries, entries)
	}
}

// What a thousand are is said in Options; a hundred are so within a quarter.
func TestAFarmIsAsLargeAsItSays(t *testing.T) {
	within := func(what string, got, want int64) {
		if got < want*3/4 || got > want*5/4 {
			t.Errorf("%s: %d, want about %d", what, got, want)
		}
	}
	all := hundred().Grow()
	within("entries", int64(all.Entries), 3300)
	within("bytes", all.Bytes, 24e6)
	within("compressed", all.Packed, 6.8e6)
	if few := farm.New(farm.Options{Feeds: 50, Entries: 2, Seed: 1}).Grow(); few.Entries != 100 || few.Bytes > 50*8000 {
		t.Errorf("50 short feeds of two entries: %+v", few)
	}
}

func TestUnchangedFeedIsAnsweredWith304(t *testing.T) {
	f := farm.New(farm.Options{Feeds: 3, Entries: 5, Seed: 1})
	for _, coding := range []string{"gzip", "identity"} {
		first := get(f, 1, "Accept-Encoding", coding)
		etag, modified := first.Header().Get("ETag"), first.Header().Get("Last-Modified")
		if first.Code != http.StatusOK || !strings.HasPrefix(etag, `"`) || modified == "" {
			t.Fatalf("%s: %d, ETag %s, Last-Modified %s", coding, first.Code, etag, modified)
		}
		for _, c := range []struct {
			name, value string
			want        int
		}{
			{"If-None-Match", etag, http.StatusNotModified},
			{"If-None-Match", `"other"`, http.StatusOK},
			{"If-Modified-Since", modified, http.StatusNotModified},
			{"If-Modified-Since", "Mon, 01 Jan 2001 00:00:00 GMT", http.StatusOK},
		} {
			w := get(f, 1, "Accept-Encoding", coding, c.name, c.value)
			if w.Code != c.want || w.Code == http.StatusNotModified && w.Body.Len() > 0 {
				t.Errorf("%s, %s: %s: %d with %d bytes, want %d", coding, c.name, c.value, w.Code, w.Body.Len(), c.want)
			}
		}
	}
}

func TestCompressedFeedIsTheSameFeedUnderAnotherTag(t *testing.T) {
	f := farm.New(farm.Options{Feeds: 1, Seed: 1})
	packed, plain := get(f, 0, "Accept-Encoding", "gzip"), get(f, 0)
	if packed.Header().Get("Content-Encoding") != "gzip" || plain.Header().Get("Content-Encoding") != "" {
		t.Errorf("codings %q and %q", packed.Header().Get("Content-Encoding"), plain.Header().Get("Content-Encoding"))
	}
	if packed.Header().Get("ETag") == plain.Header().Get("ETag") {
		t.Error("both have the same strong ETag")
	}
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(unpacked, plain.Body.Bytes()) {
		t.Errorf("%d bytes unpacked, %d plain (%v)", len(unpacked), plain.Body.Len(), err)
	}
}

func TestStepGivesEveryHundredthFeedOneNewEntry(t *testing.T) {
	f := farm.New(farm.Options{Feeds: 300, Entries: 3, Seed: 1})
	before := map[int]*feeds.Feed{}
	for n := range 300 {
		before[n] = read(t, f, n)
	}
	if n := f.Step(); n != 3 {
		t.Errorf("a step changed %d feeds, want 3", n)
	}
	changed := 0
	for n := range 300 {
		now, old := read(t, f, n), before[n]
		if now.Entries[0].GUID == old.Entries[0].GUID {
			continue
		}
		changed++
		if len(now.Entries) != 3 || now.Entries[1].GUID != old.Entries[0].GUID || now.Entries[1].Content != old.Entries[0].Content {
			t.Errorf("feed %d got more than one new entry on top", n)
		}
		if !now.Entries[0].Published.After(now.Entries[1].Published) || !now.Updated.After(old.Updated) {
			t.Errorf("feed %d: the new entry is not the newest", n)
		}
	}
	if changed != 3 {
		t.Errorf("%d feeds changed, want 3", changed)
	}
}

func TestLatencyIsWaitedBeforeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := farm.New(farm.Options{Feeds: 1, Entries: 1, Seed: 1, Latency: 50 * time.Millisecond})
		for _, want := range []time.Duration{50 * time.Millisecond, 0} {
			start := time.Now()
			if get(f, 0); time.Since(start) != want {
				t.Errorf("waited %v, want %v", time.Since(start), want)
			}
			f.SetLatency(0)
		}
	})
}

func TestRequestsAreCounted(t *testing.T) {
	f := farm.New(farm.Options{Feeds: 2, Entries: 1, Seed: 1})
	w := get(f, 1, "Accept-Encoding", "gzip")
	size := w.Body.Len()
	get(f, 1, "Accept-Encoding", "gzip", "If-None-Match", w.Header().Get("ETag"))
	if got, want := f.Counts(), (farm.Counts{Requests: 2, NotModified: 1, Bytes: int64(size)}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestFeedThatDoesNotGrowHereIsNotFound(t *testing.T) {
	f := farm.New(farm.Options{Feeds: 2, Seed: 1})
	for _, path := range []string{"/", "/2.xml", "/-1.xml", "/01.xml", "/1", "/a.xml"} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
