package site

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"orrery/feeds"
)

// sink is an http.ResponseWriter that forgets.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(c int)   { s.status = c }
func (s *sink) Write(b []byte) (int, error) {
	s.bytes += len(b)
	return len(b), nil
}

func benchmarkServe(b *testing.B, want int, headers ...string) {
	s := newSite(b, newFake())
	if want == http.StatusNotModified {
		headers = append(headers, "If-None-Match", get(s, "/feed.atom", headers...).Header.Get("ETag"))
	}
	benchmarkAsk(b, s, want, headers...)
}

func benchmarkAsk(b *testing.B, s *Site, want int, headers ...string) {
	r := httptest.NewRequest(http.MethodGet, "http://somewhere.invalid/feed.atom", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := &sink{header: http.Header{}}
	s.ServeHTTP(w, r)
	if w.status != want {
		b.Fatalf("status %d, want %d", w.status, want)
	}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		s.ServeHTTP(w, r)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

func BenchmarkServe(b *testing.B)     { benchmarkServe(b, 200) }
func BenchmarkServeGzip(b *testing.B) { benchmarkServe(b, 200, "Accept-Encoding", "gzip, deflate") }
func BenchmarkServeBrotli(b *testing.B) {
	benchmarkServe(b, 200, "Accept-Encoding", "gzip, deflate, br, zstd")
}
func BenchmarkServe304(b *testing.B) {
	benchmarkServe(b, 304, "Accept-Encoding", "gzip, deflate, br, zstd")
}

// BenchmarkServeDelta is a revisit of a reader that has an older version.
func BenchmarkServeDelta(b *testing.B) {
	f := newFake()
	s := newSite(b, f)
	old := get(s, "/feed.atom").Header.Get("ETag")
	f.change("plain02", func(e *feeds.Entry) { e.Title += "!" })
	if err := s.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	benchmarkAsk(b, s, 226, "A-IM", "feed", "If-None-Match", old, "Accept-Encoding", "gzip, deflate, br, zstd")
}

// BenchmarkPage renders a page of 60 entries without the cache in front of it: with posts
// that were rendered for other pages, and with none.
func BenchmarkPage(b *testing.B) {
	b.Run("kept", func(b *testing.B) { benchmarkPage(b, newSite(b, newFake())) })
	b.Run("new", func(b *testing.B) {
		s := newSite(b, newFake())
		s.posts = newFragments(0)
		benchmarkPage(b, s)
	})
}

func benchmarkPage(b *testing.B, s *Site) {
	f := newFake()
	m := material{view: s.plainView(route{}), entries: f.entries[:60]}
	if len(m.entries) != testPlanet.Entries {
		b.Fatal("not a full page")
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.render(route{}, m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
}

// BenchmarkRenew is a page with everything a change costs: version, entries,
// rendering, compression, hashes.
func BenchmarkRenew(b *testing.B) {
	f := newFake()
	s := newSite(b, f)
	for b.Loop() {
		f.change("plain00", func(e *feeds.Entry) { e.Title += "" })
		s.cache.drop(route{})
		if _, err := s.document(b.Context(), route{}); err != nil {
			b.Fatal(err)
		}
	}
}
