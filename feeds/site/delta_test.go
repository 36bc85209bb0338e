package site

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"orrery/feeds"
)

// feedPaths are a feed of every format.
var feedPaths = []string{"/feed.atom", "/category/chess/feed.rss", "/source/rook/feed.json"}

// ids are what a feed has entries for.
func ids(t *testing.T, body string) []string {
	t.Helper()
	f, err := feeds.Read([]byte(body), "", "https://planet.example/feed")
	if err != nil {
		t.Fatalf("it cannot be read: %v\n%s", err, body)
	}
	if f.Truncated || len(f.Repaired) > 0 {
		t.Errorf("it had to be repaired: %v", f.Repaired)
	}
	list := []string{}
	for i := range f.Entries {
		list = append(list, f.Entries[i].GUID)
	}
	return list
}

// twice changes two entries of the planet, one of them twice, a refresh between, and
// returns the answers to path before, in the middle and after.
func twice(t *testing.T, s *Site, f *fake, path string) (first, second, third *http.Response) {
	t.Helper()
	refresh(t, s)
	first = get(s, path)
	f.change("plain02", func(e *feeds.Entry) { e.Title = "Castling" })
	f.change("plain04", func(e *feeds.Entry) { e.Title = "A pin" })
	refresh(t, s)
	second = get(s, path)
	f.change("plain02", func(e *feeds.Entry) { e.Title = "Castling long" })
	refresh(t, s)
	third = get(s, path)
	return first, second, third
}

func TestADeltaHasTheEntriesThatChangedAndNoOthers(t *testing.T) {
	for _, path := range feedPaths {
		f := newFake()
		s := newSite(t, f)
		first, second, third := twice(t, s, f, path)
		for _, c := range []struct {
			from *http.Response
			want []string
		}{
			{first, []string{"https://rook.example/2", "https://rook.example/4"}},
			{second, []string{"https://rook.example/2"}},
		} {
			r := get(s, path, "A-IM", "feed", "If-None-Match", c.from.Header.Get("ETag"))
			wantStatus(t, r, 226)
			got := body(t, r)
			list := ids(t, got)
			if slices.Sort(list); !slices.Equal(list, c.want) {
				t.Errorf("%s: entries %v, want %v", path, list, c.want)
			}
			if !strings.Contains(got, "Castling long") {
				t.Errorf("%s: it is not the newest text", path)
			}
			wantHeader(t, r, "ETag", third.Header.Get("ETag"))
			wantStatus(t, get(s, path, "A-IM", "feed", "If-None-Match", r.Header.Get("ETag")), 304)
		}
	}
}

func TestADeltaHasItsHeaders(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	for _, path := range feedPaths {
		first, _, third := twice(t, s, f, path)
		tag := first.Header.Get("ETag")
		r := get(s, path, "A-IM", "feed", "If-None-Match", tag)
		wantStatus(t, r, 226)
		want := third.Header.Clone()
		want.Set("IM", "feed")
		want.Set("Delta-Base", tag)
		want.Set("Cache-Control", "no-store, im")
		want.Set("Content-Length", fmt.Sprint(len(body(t, r))))
		if !maps.EqualFunc(r.Header, want, slices.Equal) {
			t.Errorf("%s: headers %v, want %v", path, r.Header, want)
		}
		wantHeader(t, r, "Vary", "Accept-Encoding, A-IM")
		wantHeader(t, get(s, path, "A-IM", "feed", "If-None-Match", third.Header.Get("ETag")), "Vary", "Accept-Encoding, A-IM")
	}
}

func TestOnlyWhoAsksForADeltaGetsOne(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	first, second, third := twice(t, s, f, "/feed.atom")
	old, mid, now := first.Header.Get("ETag"), second.Header.Get("ETag"), third.Header.Get("ETag")
	zipped := strings.TrimSuffix(old, `"`) + `.g1"`
	for _, c := range []struct {
		name    string
		headers []string
		want    int
		base    string
	}{
		{"a known version", []string{"A-IM", "feed", "If-None-Match", old}, 226, old},
		{"among other manipulations", []string{"A-IM", "vcdiff, gzip, feed;q=0.4", "If-None-Match", old}, 226, old},
		{"its tag weakened", []string{"A-IM", "feed", "If-None-Match", "W/" + old}, 226, "W/" + old},
		{"its tag in another coding", []string{"A-IM", "feed", "If-None-Match", zipped}, 226, zipped},
		{"several versions", []string{"A-IM", "feed", "If-None-Match", `"x", ` + mid + "," + old}, 226, mid},
		{"with a date, which does not count", []string{"A-IM", "feed", "If-None-Match", old, "If-Modified-Since", third.Header.Get("Last-Modified")}, 226, old},
		{"the current version", []string{"A-IM", "feed", "If-None-Match", now}, 304, ""},
		{"the current version among older ones", []string{"A-IM", "feed", "If-None-Match", old + "," + now}, 304, ""},
		{"an unknown version", []string{"A-IM", "feed", "If-None-Match", `"x"`}, 200, ""},
		{"no version", []string{"A-IM", "feed"}, 200, ""},
		{"a date alone", []string{"A-IM", "feed", "If-Modified-Since", first.Header.Get("Last-Modified")}, 200, ""},
		{"without A-IM", []string{"If-None-Match", old}, 200, ""},
		{"A-IM is empty", []string{"A-IM", "", "If-None-Match", old}, 200, ""},
		{"another manipulation", []string{"A-IM", "vcdiff", "If-None-Match", old}, 200, ""},
		{"any manipulation", []string{"A-IM", "*", "If-None-Match", old}, 200, ""},
		{"not this one", []string{"A-IM", "feed;q=0", "If-None-Match", old}, 200, ""},
		{"rather the whole", []string{"A-IM", "feed;q=0.5, identity", "If-None-Match", old}, 200, ""},
		{"a condition that fails", []string{"A-IM", "feed", "If-None-Match", old, "If-Match", old}, 412, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := get(s, "/feed.atom", c.headers...)
			wantStatus(t, r, c.want)
			if got := r.Header.Get("Delta-Base"); got != c.base {
				t.Errorf("Delta-Base: %s, want %s", got, c.base)
			}
			if (r.Header.Get("IM") != "") != (c.want == 226) {
				t.Errorf("IM: %q with status %d", r.Header.Get("IM"), c.want)
			}
		})
	}
	for _, path := range []string{"/", "/opml.xml", "/sources/"} {
		old := get(s, path).Header.Get("ETag")
		f.change("plain02", func(e *feeds.Entry) { e.Title += "!"; e.Source.FeedTitle += "!" })
		f.sources[0].Title += "!"
		refresh(t, s)
		r := get(s, path, "A-IM", "feed", "If-None-Match", old)
		wantStatus(t, r, 200)
		wantHeader(t, r, "Vary", "Accept-Encoding")
	}
}

func TestADeltaIsSentInTheCodingsOfTheWhole(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	first, _, _ := twice(t, s, f, "/feed.atom")
	ask := func(coding string) *http.Response {
		return get(s, "/feed.atom", "A-IM", "feed", "If-None-Match", first.Header.Get("ETag"), "Accept-Encoding", coding)
	}
	plain := body(t, ask("identity"))
	for i := range codings {
		r := ask(codings[i].name)
		wantStatus(t, r, 226)
		wantHeader(t, r, "Content-Encoding", codings[i].name)
		wantHeader(t, r, "ETag", get(s, "/feed.atom", "Accept-Encoding", codings[i].name).Header.Get("ETag"))
		if decoded(t, codings[i].name, r.Body) != plain {
			t.Errorf("%s: decoded it differs", codings[i].name)
		}
	}
}

func TestADeltaThatSavesNothingIsTheWhole(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	refresh(t, s)
	for _, path := range feedPaths {
		old := get(s, path).Header.Get("ETag")
		for i := range f.entries {
			f.change(f.entries[i].ID, func(e *feeds.Entry) { e.Title, e.TitleHTML = e.Title+"!", "" })
		}
		refresh(t, s)
		wantStatus(t, get(s, path, "A-IM", "feed", "If-None-Match", old), 200)
	}
}

func TestADeltaWithoutEntriesIsAFeed(t *testing.T) {
	for _, path := range feedPaths {
		f := newFake()
		s := newSite(t, f)
		refresh(t, s)
		old := get(s, path).Header.Get("ETag")
		f.remove("plain00") // what fills its place was not in it before
		f.entries = f.entries[:30]
		refresh(t, s)
		r := get(s, path, "A-IM", "feed", "If-None-Match", old)
		wantStatus(t, r, 226)
		if list := ids(t, body(t, r)); len(list) > 0 {
			t.Errorf("%s: entries %v", path, list)
		}
	}
}

func TestADeltaIsMadeOnceAndCounted(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	first, _, _ := twice(t, s, f, "/feed.atom")
	d := s.cache.get(route{feed: "atom"}).doc
	before := d.size()
	tags := []string{first.Header.Get("ETag")}
	a, _ := d.delta(tags)
	b, _ := d.delta(tags)
	if a == nil || a != b {
		t.Errorf("two deltas: %p, %p", a, b)
	}
	get(s, "/feed.atom", "A-IM", "feed", "If-None-Match", tags[0], "Accept-Encoding", "br")
	if got, want := d.size()-before, a.size()+int64(len(a.form(0).body)); got < want || s.cache.bytes != d.size() {
		t.Errorf("the document has grown by %d bytes, want %d; the cache counts %d", got, want, s.cache.bytes)
	}
}

func TestDeltasOutliveTheDocumentAndEndWithTheProcess(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	first, _, _ := twice(t, s, f, "/feed.json")
	old := []string{"A-IM", "feed", "If-None-Match", first.Header.Get("ETag")}
	s.cache.drop(route{feed: "json"})
	wantStatus(t, get(s, "/feed.json", old...), 226)
	wantStatus(t, get(newSite(t, f), "/feed.json", old...), 200)
}

func TestAnArchiveHasNoEarlierVersions(t *testing.T) {
	c := newCache(1 << 20)
	for _, rt := range []route{{feed: "atom"}, {feed: "atom", archive: 1}} {
		c.put(&kept{route: rt, doc: newDocument([]byte("<feed><entry/></feed>"), facts{typ: feeds.AtomType})})
	}
	if len(c.past.by) != 1 {
		t.Errorf("versions of %d feeds are known, want the one that changes", len(c.past.by))
	}
}

func TestWhatIsKnownOfThePastIsBounded(t *testing.T) {
	p := newPast(8 << 10)
	name := func(i int) string { return fmt.Sprintf("%032x", i) }
	rt := route{feed: "atom"}
	for i := range maxVersions + 3 {
		p.remember(rt, name(i), []uint64{1})
	}
	for i, want := range map[int]bool{2: false, 3: true, maxVersions + 2: true} {
		if _, ok := p.find(rt, name(i)); ok != want {
			t.Errorf("version %d is known: %v, want %v", i, ok, want)
		}
	}
	p.remember(rt, name(3), []uint64{3})
	p.remember(rt, "new", nil)
	if marks, _ := p.find(rt, name(3)); !slices.Equal(marks, []uint64{3}) {
		t.Errorf("what was said again is forgotten as if it were old: %v", marks)
	}
	p.remember(rt, "huge", make([]uint64, maxVersionBytes/8))
	if _, ok := p.find(rt, "huge"); ok {
		t.Error("a version that is larger than the bound is kept")
	}
	first := route{kind: atCategory, name: name(0), feed: "rss"}
	for i := range 300 {
		p.remember(route{kind: atCategory, name: name(i), feed: "rss"}, "x", make([]uint64, 10))
		if _, ok := p.find(first, "x"); !ok {
			t.Fatal("the one that is used most is forgotten")
		}
		var sum int64
		for _, el := range p.by {
			e := el.Value.(*earlier)
			sum += 256 + int64(len(e.route.String()))
			for _, v := range e.versions {
				sum += v.size()
			}
		}
		if sum != p.bytes || sum > p.max || len(p.by) != p.order.Len() {
			t.Fatalf("%d feeds, %d bytes counted, %d there", len(p.by), p.bytes, sum)
		}
	}
	if _, ok := p.find(route{kind: atCategory, name: name(299), feed: "rss"}, "x"); !ok {
		t.Error("the last one is not known")
	}
}

func TestWhatStandsBetweenEntriesStaysInADelta(t *testing.T) {
	for typ, c := range map[string]struct{ whole, want string }{
		feeds.AtomType: {
			"<feed>\n<id/>\n <entry a='>'><id>1</id></entry>\n <gone/>\n <entry><b><entry/></b></entry>\n <entry/><gone/>\n</feed>",
			"<feed>\n<id/>\n <gone/>\n <entry/><gone/>\n</feed>",
		},
		feeds.JSONType: {
			`{"x": {"items": [{}]}, "s": "items", "items" : [{"a": "]}\"\\"}, {"b": [[]]}, {"c": 1}], "gone": [{}]}`,
			`{"x": {"items": [{}]}, "s": "items", "items" : [{"c": 1}], "gone": [{}]}`,
		},
	} {
		s := shapeOf(typ)
		marks := s.marks([]byte(c.whole))
		if len(marks) != 3 {
			t.Errorf("%s: %d entries are found", typ, len(marks))
			continue
		}
		if got := string(s.without([]byte(c.whole), marks[:2])); got != c.want {
			t.Errorf("%s: %s, want %s", typ, got, c.want)
		}
		if got := s.without([]byte(c.whole), nil); !bytes.Equal(got, []byte(c.whole)) {
			t.Errorf("%s: nothing was known, and it is %s", typ, got)
		}
	}
}

// RFC 5005 §2: of a document that is complete what is not in it is gone.
func TestADeltaNeverSaysThatItIsAllThereIs(t *testing.T) {
	trap := `"complete": true, <fh:complete></fh:complete>`
	whole := &feeds.Feed{
		ID: "tag:x", Title: trap, Subtitle: trap, Link: "https://x.example/", Self: "https://x.example/feed", Complete: true,
		Entries: []feeds.Entry{{GUID: "tag:0", Title: trap, Content: trap}, {GUID: "tag:1", Title: trap, Content: trap}},
		Deleted: []feeds.Tombstone{{GUID: "tag:gone", At: epoch}},
	}
	for typ, write := range writers {
		var b bytes.Buffer
		if err := write(&b, whole); err != nil {
			t.Fatal(err)
		}
		s := shapeOf(typ)
		delta := s.without(b.Bytes(), s.marks(b.Bytes())[:1])
		for doc, complete := range map[string]bool{b.String(): true, string(delta): false} {
			f, err := feeds.Read([]byte(doc), "", "https://x.example/feed")
			if err != nil {
				t.Fatalf("%s: %v", typ, err)
			}
			if f.Complete != complete || f.Title != trap || f.Entries[len(f.Entries)-1].Title != trap {
				t.Errorf("%s: complete is %v, want %v, in\n%s", typ, f.Complete, complete, doc)
			}
		}
		if typ != feeds.RSSType && !strings.Contains(string(delta), "tag:gone") {
			t.Errorf("%s: the tombstone is lost in\n%s", typ, delta)
		}
	}
}
