package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
)

const sampleFeed = `<feed xmlns="http://www.w3.org/2005/Atom"><title>Sample</title></feed>`

// server is a loopback server that remembers what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []*http.Request
}

func newServer(t testing.TB, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(s.remember(answer))
	t.Cleanup(s.Close)
	return s
}

func newTLSServer(t testing.TB, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(s.remember(answer))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that are meant to fail
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *server) remember(answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r)
		s.mu.Unlock()
		answer(w, r)
	})
}

func (s *server) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.asked...)
}

func (s *server) last(t *testing.T) *http.Request {
	t.Helper()
	all := s.requests()
	if len(all) == 0 {
		t.Fatal("the server was not asked")
	}
	return all[len(all)-1]
}

// newFetcher returns a fetcher that may ask the servers, and trusts them.
func newFetcher(t testing.TB, o Options, servers ...*server) *HTTP {
	t.Helper()
	roots := x509.NewCertPool()
	for _, s := range servers {
		o.Allow = append(o.Allow, netip.MustParseAddrPort(s.Listener.Addr().String()))
		if cert := s.Certificate(); cert != nil {
			roots.AddCert(cert)
		}
	}
	h := NewHTTP(o)
	h.transport.TLSClientConfig.RootCAs = roots
	t.Cleanup(h.Close)
	return h
}

func source(url string) feeds.Source { return feeds.Source{Slug: "sample", URL: url} }

func mustFetch(t *testing.T, h *HTTP, url string, v feeds.Validators) Response {
	t.Helper()
	r, err := h.Fetch(t.Context(), source(url), v)
	if err != nil {
		t.Fatalf("Fetch(%s): %v", url, err)
	}
	return r
}

// always answers with the header pairs and the body.
func always(status int, body string, pairs ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(pairs); i += 2 {
			w.Header()[pairs[i]] = append(w.Header()[pairs[i]], pairs[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestDocumentIsReadWhole(t *testing.T) {
	s := newServer(t, always(200, sampleFeed,
		"Content-Type", "application/atom+xml", "ETag", `"1"`, "Last-Modified", "Sun, 01 Mar 2026 12:00:00 GMT", "Cache-Control", "max-age=600"))
	h := newFetcher(t, Options{}, s)
	r := mustFetch(t, h, s.URL+"/feed#top", feeds.Validators{})
	if r.Status != 200 || r.NotModified || string(r.Body) != sampleFeed || r.ContentType != "application/atom+xml" {
		t.Errorf("got %d %v %q %q", r.Status, r.NotModified, r.ContentType, r.Body)
	}
	if r.URL != s.URL+"/feed" || r.MovedTo != "" || r.MaxAge != 10*time.Minute || !r.RetryAfter.IsZero() {
		t.Errorf("got URL %q, moved %q, max-age %v, retry %v", r.URL, r.MovedTo, r.MaxAge, r.RetryAfter)
	}
	want := feeds.Validators{URL: s.URL + "/feed", ETag: `"1"`, LastModified: "Sun, 01 Mar 2026 12:00:00 GMT", BodyHash: r.Validators.BodyHash}
	if got := r.Validators; got.URL != want.URL || got.ETag != want.ETag || got.LastModified != want.LastModified || len(got.BodyHash) != 64 {
		t.Errorf("validators = %+v, want %+v and a hash", got, want)
	}
}

func TestRequestSaysWhoAsksAndNothingElse(t *testing.T) {
	s := newServer(t, always(200, sampleFeed, "Set-Cookie", "id=1; Path=/", "ETag", `"1"`))
	const agent = "Orrery/0.1 (+https://planet.example.org/about; 12 sources)"
	h := newFetcher(t, Options{UserAgent: agent}, s)
	first := mustFetch(t, h, s.URL+"/feed?kept=1", feeds.Validators{})
	mustFetch(t, h, s.URL+"/feed?kept=1", first.Validators)
	if n := len(s.requests()); n != 2 {
		t.Fatalf("%d requests, want 2", n)
	}
	for i, r := range s.requests() {
		want := map[string]string{
			"User-Agent": agent,
			"Accept": "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, " +
				"application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1",
			"Accept-Encoding": "gzip, br, zstd",
		}
		if i == 1 {
			want["If-None-Match"] = `"1"`
			want["A-Im"] = "feed"
		}
		for name := range r.Header {
			if r.Header.Get(name) != want[name] || len(r.Header[name]) != 1 {
				t.Errorf("request %d: %s: %q, want %q", i, name, r.Header[name], want[name])
			}
		}
		if len(r.Header) != len(want) {
			t.Errorf("request %d has %d headers, want %d: %v", i, len(r.Header), len(want), r.Header)
		}
		if r.Method != "GET" || r.URL.RawQuery != "kept=1" {
			t.Errorf("request %d: %s %s", i, r.Method, r.URL)
		}
	}
}

func TestValidatorsGoBackByteForByte(t *testing.T) {
	tests := []struct{ name, etag, modified string }{
		{"weak with a space", `W/"a b"`, ""},
		{"suffix of a compressor", `"x-gzip"`, ""},
		{"no quotes", `abc`, ""},
		{"quotes inside", `"a"b"`, ""},
		{"lower-case weak", `w/"1"`, ""},
		{"UTF-8", `"é"`, ""},
		{"odd date", "", "Sun, 6 nov 1994 8:49:37 GMT"},
		{"a date that is none", "", "yesterday"},
		{"another zone", "", "Sun, 06 Nov 1994 08:49:37 +0100"},
		{"both", `"1"`, "Sun, 06 Nov 1994 08:49:37 GMT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var pairs []string
			if tt.etag != "" {
				pairs = append(pairs, "ETag", tt.etag)
			}
			if tt.modified != "" {
				pairs = append(pairs, "Last-Modified", tt.modified)
			}
			s := newServer(t, always(200, sampleFeed, pairs...))
			h := newFetcher(t, Options{}, s)
			r := mustFetch(t, h, s.URL, feeds.Validators{})
			mustFetch(t, h, s.URL, r.Validators)
			got := s.last(t).Header
			if got.Get("If-None-Match") != tt.etag || got.Get("If-Modified-Since") != tt.modified {
				t.Errorf("sent %q and %q, want %q and %q", got["If-None-Match"], got["If-Modified-Since"], tt.etag, tt.modified)
			}
			if _, sent := got["If-Modified-Since"]; sent != (tt.modified != "") {
				t.Errorf("If-Modified-Since sent: %v", sent)
			}
			if _, sent := got["If-None-Match"]; sent != (tt.etag != "") {
				t.Errorf("If-None-Match sent: %v", sent)
			}
		})
	}
}

func TestValidatorThatCannotBeStoredIsNone(t *testing.T) {
	for name, etag := range map[string]string{
		"no UTF-8": "\"\xe9\"",
		"huge":     `"` + strings.Repeat("x", maxValidator) + `"`,
	} {
		s := newServer(t, always(200, sampleFeed, "ETag", etag, "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"))
		r := mustFetch(t, newFetcher(t, Options{}, s), s.URL, feeds.Validators{})
		if r.Validators.ETag != "" || r.Validators.LastModified == "" {
			t.Errorf("%s: ETag %q, Last-Modified %q", name, r.Validators.ETag, r.Validators.LastModified)
		}
	}
}

func TestNewDocumentReplacesTheValidatorsWholesale(t *testing.T) {
	s := newServer(t, always(200, sampleFeed, "Last-Modified", "Sun, 01 Mar 2026 12:00:00 GMT"))
	old := feeds.Validators{URL: s.URL, ETag: `"old"`, LastModified: "Sat, 28 Feb 2026 12:00:00 GMT", BodyHash: "other"}
	r := mustFetch(t, newFetcher(t, Options{}, s), s.URL, old)
	if r.NotModified || r.Validators.ETag != "" || r.Validators.LastModified != "Sun, 01 Mar 2026 12:00:00 GMT" {
		t.Errorf("NotModified %v, validators %+v", r.NotModified, r.Validators)
	}
}

func TestValidatorsOfAnotherAddressAreNotSent(t *testing.T) {
	s := newServer(t, always(200, sampleFeed))
	h := newFetcher(t, Options{}, s)
	for _, url := range []string{"", s.URL + "/other", strings.Replace(s.URL, "http:", "https:", 1)} {
		mustFetch(t, h, s.URL+"/feed", feeds.Validators{URL: url, ETag: `"1"`, LastModified: "x"})
		if got := s.last(t).Header; got.Get("If-None-Match") != "" || got.Get("If-Modified-Since") != "" {
			t.Errorf("validators of %q were sent: %v", url, got)
		}
	}
}

func TestUnmodifiedKeepsValidatorsButThoseNamedAnew(t *testing.T) {
	tests := []struct {
		name           string
		pairs          []string
		etag, modified string
		maxAge         time.Duration
		ageKept        bool
	}{
		{"nothing new", nil, `"1"`, "Sun, 01 Mar 2026 12:00:00 GMT", 0, true},
		{"new ETag", []string{"ETag", `"2"`}, `"2"`, "Sun, 01 Mar 2026 12:00:00 GMT", 0, true},
		{"new date", []string{"Last-Modified", "Mon, 02 Mar 2026 12:00:00 GMT"}, `"1"`, "Mon, 02 Mar 2026 12:00:00 GMT", 0, true},
		{"new freshness", []string{"Cache-Control", "max-age=60"}, `"1"`, "Sun, 01 Mar 2026 12:00:00 GMT", time.Minute, false},
		{"no more freshness", []string{"Cache-Control", "no-cache"}, `"1"`, "Sun, 01 Mar 2026 12:00:00 GMT", 0, false},
		{"freshness that is over", []string{"Expires", "0"}, `"1"`, "Sun, 01 Mar 2026 12:00:00 GMT", 0, false},
	}
	for _, tt := range tests {
		s := newServer(t, always(304, "", tt.pairs...))
		old := feeds.Validators{URL: s.URL, ETag: `"1"`, LastModified: "Sun, 01 Mar 2026 12:00:00 GMT", BodyHash: "abc"}
		r := mustFetch(t, newFetcher(t, Options{}, s), s.URL, old)
		if !r.NotModified || r.Status != 304 || r.Body != nil || r.MaxAge != tt.maxAge || r.AgeKept != tt.ageKept {
			t.Errorf("%s: %+v", tt.name, r)
		}
		if v := r.Validators; v.URL != s.URL || v.ETag != tt.etag || v.LastModified != tt.modified || v.BodyHash != "abc" {
			t.Errorf("%s: validators %+v", tt.name, v)
		}
	}
}

func TestUnmodifiedWithoutAQuestionIsAnError(t *testing.T) {
	s := newServer(t, always(304, ""))
	h := newFetcher(t, Options{}, s)
	for name, v := range map[string]feeds.Validators{
		"first visit":     {},
		"another address": {URL: s.URL + "/other", ETag: `"1"`},
		"only a hash":     {URL: s.URL, BodyHash: "abc"},
	} {
		r, err := h.Fetch(t.Context(), source(s.URL), v)
		var status *StatusError
		if !errors.As(err, &status) || status.Status != 304 || r.NotModified || r.Validators.URL != "" {
			t.Errorf("%s: err = %v, response %+v", name, err, r)
		}
	}
}

func TestEqualBodyIsNotModifiedWithNewValidators(t *testing.T) {
	n := 0
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("ETag", []string{`"1"`, `"2"`}[min(n, 2)-1])
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = w.Write([]byte(sampleFeed))
	})
	h := newFetcher(t, Options{}, s)
	first := mustFetch(t, h, s.URL, feeds.Validators{})
	second := mustFetch(t, h, s.URL, first.Validators)
	if first.NotModified || !second.NotModified || second.Status != 200 || second.Body != nil {
		t.Errorf("first %v, second %v %d %q", first.NotModified, second.NotModified, second.Status, second.Body)
	}
	if second.Validators.ETag != `"2"` || second.MaxAge != time.Minute {
		t.Errorf("validators %+v, max-age %v", second.Validators, second.MaxAge)
	}
	elsewhere := first.Validators
	elsewhere.URL = s.URL + "/other"
	if r := mustFetch(t, h, s.URL, elsewhere); r.NotModified {
		t.Error("an equal body from another address passed for unmodified")
	}
}

func TestProxyOfTheEnvironmentIsIgnored(t *testing.T) {
	proxy := newServer(t, always(200, sampleFeed))
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	h := newFetcher(t, Options{}, proxy)
	// The environment never applies to loopback, so the address is another one
	// that the guard refuses before a packet leaves.
	_, err := h.Fetch(t.Context(), source("http://192.0.2.1/feed"), feeds.Validators{})
	if !errors.Is(err, ErrRefused) || len(proxy.requests()) != 0 || h.transport.Proxy != nil {
		t.Errorf("err = %v, the proxy was asked %d times", err, len(proxy.requests()))
	}
}

func TestHTTP2IsSpokenOverTLS(t *testing.T) {
	s := newTLSServer(t, always(200, sampleFeed))
	mustFetch(t, newFetcher(t, Options{}, s), s.URL, feeds.Validators{})
	if got := s.last(t).ProtoMajor; got != 2 {
		t.Errorf("HTTP/%d", got)
	}
}

func TestPasswordGoesToItsHostOnly(t *testing.T) {
	b := newServer(t, always(200, sampleFeed))
	a := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, strings.Replace(b.URL, "http://", "http://evil:lure@", 1), http.StatusMovedPermanently)
		case "/here":
			http.Redirect(w, r, "/feed", http.StatusMovedPermanently)
		default:
			w.Header().Set("ETag", `"1"`)
			_, _ = w.Write([]byte(sampleFeed))
		}
	})
	h := newFetcher(t, Options{}, a, b)
	home := strings.Replace(a.URL, "http://", "http://ann:se%20cret@", 1)

	r := mustFetch(t, h, home+"/here", feeds.Validators{})
	if name, password, _ := a.last(t).BasicAuth(); name != "ann" || password != "se cret" {
		t.Errorf("own host got %q %q", name, password)
	}
	if r.URL != a.URL+"/feed" || r.MovedTo != "" {
		t.Errorf("URL %q, moved %q: want no password and no move", r.URL, r.MovedTo)
	}
	mustFetch(t, h, home+"/feed", r.Validators)
	if got := a.last(t).Header.Get("If-None-Match"); got != `"1"` {
		t.Errorf("If-None-Match = %q with the same password", got)
	}
	mustFetch(t, h, strings.Replace(home, "ann", "bob", 1)+"/feed", r.Validators)
	if got := a.last(t).Header.Get("If-None-Match"); got != "" {
		t.Errorf("If-None-Match = %q with another name", got)
	}
	mustFetch(t, h, home+"/away", feeds.Validators{})
	if got := b.last(t).Header.Get("Authorization"); got != "" {
		t.Errorf("another host got Authorization %q", got)
	}
}

func TestPasswordIsForOneOrigin(t *testing.T) {
	tests := []struct {
		home, to string
		sent     bool
	}{
		{"https://ann:x@blog.example/a", "https://blog.example/b", true},
		{"https://ann:x@blog.example/a", "https://BLOG.example:443/a", true},
		{"http://ann:x@blog.example/a", "https://blog.example/a", true},
		{"https://ann:x@blog.example/a", "http://blog.example/a", false},
		{"https://ann:x@blog.example:8080/a", "http://blog.example:8080/a", false},
		{"http://ann:x@blog.example/a", "https://blog.example:8443/a", false},
		{"http://ann:x@blog.example:8080/a", "https://blog.example/a", false},
		{"https://ann:x@blog.example/a", "https://blog.example:8443/a", false},
		{"https://ann:x@blog.example/a", "https://www.blog.example/a", false},
		{"https://ann:x@blog.example/a", "https://evil.example/a", false},
		{"https://blog.example/a", "https://blog.example/a", false},
	}
	for _, tt := range tests {
		w, err := newWalk(tt.home, feeds.Validators{})
		if err != nil {
			t.Fatal(err)
		}
		if w.url, err = url.Parse(tt.to); err != nil {
			t.Fatal(err)
		}
		if got := w.credentials() != nil; got != tt.sent {
			t.Errorf("%s → %s: sent %v, want %v", tt.home, tt.to, got, tt.sent)
		}
	}
}

func BenchmarkFetchUnmodified(b *testing.B) {
	s := &server{Server: httptest.NewServer(always(304, "", "ETag", `"1"`))} // remembers nothing
	b.Cleanup(s.Close)
	h := newFetcher(b, Options{}, s)
	v := feeds.Validators{URL: s.URL, ETag: `"1"`, BodyHash: "abc"}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := h.Fetch(context.Background(), source(s.URL), v); err != nil || !r.NotModified {
			b.Fatalf("%+v: %v", r, err)
		}
	}
}
