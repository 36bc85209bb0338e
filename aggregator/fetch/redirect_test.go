package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

func TestRedirectCarriesNothingAlong(t *testing.T) {
	b := newServer(t, always(200, sampleFeed, "ETag", `"b"`))
	a := newServer(t, always(301, "moved", "Location", b.URL+"/feed", "Set-Cookie", "id=1"))
	h := newFetcher(t, Options{}, a, b)
	r := mustFetch(t, h, a.URL, feeds.Validators{URL: a.URL, ETag: `"a"`, LastModified: "Sun, 01 Mar 2026 12:00:00 GMT"})
	if a.last(t).Header.Get("If-None-Match") != `"a"` {
		t.Error("the first address did not get its own ETag")
	}
	for _, name := range []string{"If-None-Match", "If-Modified-Since", "Referer", "Cookie", "Authorization"} {
		if got := b.last(t).Header.Get(name); got != "" {
			t.Errorf("the second address got %s: %q", name, got)
		}
	}
	if r.URL != b.URL+"/feed" || r.Validators.URL != b.URL+"/feed" || r.Validators.ETag != `"b"` {
		t.Errorf("URL %q, validators %+v", r.URL, r.Validators)
	}
	mustFetch(t, h, a.URL, r.Validators)
	if got := a.last(t).Header.Get("If-None-Match"); got != "" {
		t.Errorf("the redirecting address got %q of the other", got)
	}
	if got := b.last(t).Header.Get("If-None-Match"); got != `"b"` {
		t.Errorf("If-None-Match = %q, want the one of the address that answered", got)
	}
}

// fetching.md 21: whoever leads to a host that has enough leaves it alone, as those do whose
// own it is.
func TestHostThatHasEnoughIsNotAskedByRedirects(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	busy := newServer(t, always(429, "", "Retry-After", "7200"))
	from := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, busy.URL+r.URL.Path, http.StatusFound)
	})
	h := newFetcher(t, Options{Now: func() time.Time { return now }}, busy, from)
	rest := now.Add(2 * time.Hour)
	fetch := func(path string) (Response, error) {
		return h.Fetch(t.Context(), source(from.URL+path), feeds.Validators{})
	}
	var status *StatusError
	if _, err := fetch("/a"); !errors.As(err, &status) || status.Status != 429 {
		t.Fatal(err)
	}
	if r, err := fetch("/b"); !errors.Is(err, ErrRest) || !r.RetryAfter.Equal(rest) || len(busy.requests()) != 1 {
		t.Errorf("%v, retry after %v, asked %d times", err, r.RetryAfter, len(busy.requests()))
	}
	if now = rest.Add(-time.Second); len(from.requests()) != 2 {
		t.Errorf("the first was asked %d times", len(from.requests()))
	}
	if _, err := fetch("/b"); !errors.Is(err, ErrRest) {
		t.Error(err)
	}
	now = rest
	if _, err := fetch("/b"); !errors.As(err, &status) || len(busy.requests()) != 2 {
		t.Errorf("%v, asked %d times", err, len(busy.requests()))
	}
	if _, err := h.Fetch(t.Context(), source(busy.URL), feeds.Validators{}); !errors.As(err, &status) { // which whoever claims decides
		t.Error(err)
	}
}

func TestOnlyPermanentHopsMoveASource(t *testing.T) {
	tests := []struct {
		codes string
		moved bool
	}{
		{"301", true}, {"308", true}, {"301 308 301", true},
		{"302", false}, {"303", false}, {"307", false},
		{"301 302", false}, {"302 301", false}, {"308 307 308", false},
	}
	for _, tt := range tests {
		codes := strings.Fields(tt.codes)
		s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			n, _ := strconv.Atoi(strings.Trim(r.URL.Path, "/")) // "/": 0
			if n >= len(codes) {
				_, _ = w.Write([]byte(sampleFeed))
				return
			}
			w.Header().Set("Location", fmt.Sprintf("/%d#top", n+1))
			code, _ := strconv.Atoi(codes[n])
			w.WriteHeader(code)
		})
		r := mustFetch(t, newFetcher(t, Options{}, s), s.URL+"/", feeds.Validators{})
		last := fmt.Sprintf("%s/%d", s.URL, len(codes))
		want := ""
		if tt.moved {
			want = last
		}
		if r.URL != last || r.MovedTo != want {
			t.Errorf("%s: URL %q, moved %q, want %q", tt.codes, r.URL, r.MovedTo, want)
		}
	}
}

func TestMoveIsReportedWithTheAnswerOnly(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/old":
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
		case r.URL.Path == "/lost":
			http.Redirect(w, r, "/nothing", http.StatusMovedPermanently)
		case r.URL.Path == "/new" && r.Header.Get("If-None-Match") == `"1"`:
			w.WriteHeader(304)
		default:
			http.NotFound(w, r)
		}
	})
	h := newFetcher(t, Options{}, s)
	r := mustFetch(t, h, s.URL+"/old", feeds.Validators{URL: s.URL + "/new", ETag: `"1"`})
	if !r.NotModified || r.MovedTo != s.URL+"/new" {
		t.Errorf("NotModified %v, moved %q", r.NotModified, r.MovedTo)
	}
	r, err := h.Fetch(t.Context(), source(s.URL+"/lost"), feeds.Validators{})
	if err == nil || r.MovedTo != "" || err.Error() != "the server answered 404 (not found) at "+s.URL+"/nothing" {
		t.Errorf("moved %q, err = %v", r.MovedTo, err)
	}
}

func TestGivingUpTLSIsFollowedButNeverAMove(t *testing.T) {
	plain := newServer(t, always(200, sampleFeed))
	secure := newTLSServer(t, always(301, "", "Location", plain.URL+"/feed"))
	front := newServer(t, always(301, "", "Location", secure.URL+"/feed"))
	h := newFetcher(t, Options{}, plain, secure, front)
	for _, from := range []string{secure.URL, front.URL} {
		r := mustFetch(t, h, from, feeds.Validators{})
		if r.URL != plain.URL+"/feed" || r.MovedTo != "" {
			t.Errorf("from %s: URL %q, moved %q", from, r.URL, r.MovedTo)
		}
	}
	ahead := newTLSServer(t, always(200, sampleFeed))
	upgrade := newServer(t, always(308, "", "Location", ahead.URL+"/feed"))
	r := mustFetch(t, newFetcher(t, Options{}, ahead, upgrade), upgrade.URL, feeds.Validators{})
	if r.MovedTo != ahead.URL+"/feed" {
		t.Errorf("moved %q: a move to TLS is a move", r.MovedTo)
	}
}

func TestRedirectsEnd(t *testing.T) {
	var s *server
	s = newServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch p := r.URL.Path; {
		case p == "/self":
			w.Header().Set("Location", "/self")
		case p == "/ping":
			w.Header().Set("Location", "/pong#x")
		case p == "/pong":
			w.Header().Set("Location", s.URL+"/ping")
		case p == "/5":
			_, _ = w.Write([]byte(sampleFeed))
			return
		case strings.HasPrefix(p, "/far"):
			w.Header().Set("Location", p+"r")
		case p == "/file":
			w.Header().Set("Location", "file:///etc/passwd")
		case p == "/ftp":
			w.Header().Set("Location", "ftp://example.org/feed")
		case p == "/nohost":
			w.Header().Set("Location", "http:///feed")
		case p == "/opaque":
			w.Header().Set("Location", "http:feed")
		case p == "/broken":
			w.Header().Set("Location", "http://[::1/feed%zz")
		case p == "/long":
			w.Header().Set("Location", "/"+strings.Repeat("x", feeds.MaxURL))
		default:
			n, _ := strconv.Atoi(p[1:]) // "/0" to "/4"
			w.Header().Set("Location", fmt.Sprintf("/%d", n+1))
		}
		w.WriteHeader(302)
	})
	h := newFetcher(t, Options{}, s)
	if r := mustFetch(t, h, s.URL+"/0", feeds.Validators{}); string(r.Body) != sampleFeed {
		t.Errorf("five redirects: body %q", r.Body)
	}
	tests := []struct {
		path, says string
		requests   int
	}{
		{"/self", "redirects in a circle", 1},
		{"/ping", "redirects in a circle", 2},
		{"/far", "redirects more than 5 times", 6},
		{"/file", `scheme "file"`, 1},
		{"/ftp", `scheme "ftp"`, 1},
		{"/nohost", "names no host", 1},
		{"/opaque", "names no host", 1},
		{"/broken", "cannot be read", 1},
		{"/long", "longer than 4096 bytes", 1},
	}
	for _, tt := range tests {
		before := len(s.requests())
		r, err := h.Fetch(t.Context(), source(s.URL+tt.path), feeds.Validators{})
		if !errors.Is(err, ErrRedirects) || !strings.Contains(err.Error(), tt.says) || r.Status != 302 {
			t.Errorf("%s: status %d, err = %v, want %q", tt.path, r.Status, err, tt.says)
		}
		if n := len(s.requests()) - before; n != tt.requests {
			t.Errorf("%s: %d requests, want %d", tt.path, n, tt.requests)
		}
	}
}

func TestRedirectIntoPrivateSpaceIsRefused(t *testing.T) {
	inside := newServer(t, always(200, "secret"))
	outside := newServer(t, always(302, "", "Location", inside.URL))
	h := newFetcher(t, Options{}, outside)
	r, err := h.Fetch(t.Context(), source(outside.URL), feeds.Validators{})
	if !errors.Is(err, ErrRefused) || len(inside.requests()) != 0 || r.Body != nil {
		t.Fatalf("err = %v, body %q, %d requests inside", err, r.Body, len(inside.requests()))
	}
	want := inside.Listener.Addr().String() + " is a private address; add it to fetch.allow if it is yours (redirected from " + outside.Listener.Addr().String() + ")"
	if err.Error() != want {
		t.Errorf("err = %q, want %q", err, want)
	}
}

func TestNameThatResolvesToAPrivateAddressIsRefused(t *testing.T) {
	s := newServer(t, always(200, "secret"))
	port := netip.MustParseAddrPort(s.Listener.Addr().String()).Port()
	h := newFetcher(t, Options{})
	_, err := h.Fetch(t.Context(), source(fmt.Sprintf("http://localhost:%d/", port)), feeds.Validators{})
	if !errors.Is(err, ErrRefused) || !strings.HasPrefix(err.Error(), "localhost resolves to a private address (") || len(s.requests()) != 0 {
		t.Errorf("err = %v, %d requests", err, len(s.requests()))
	}
}

func TestWishOfARedirectHoldsForTheNextVisit(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Retry-After", "3600")
			http.Redirect(w, r, "/feed", http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(sampleFeed))
	})
	h := newFetcher(t, Options{Now: func() time.Time { return now }}, s)
	r := mustFetch(t, h, s.URL+"/", feeds.Validators{})
	if !r.RetryAfter.Equal(now.Add(time.Hour)) || string(r.Body) != sampleFeed {
		t.Errorf("retry after %v, body %q", r.RetryAfter, r.Body)
	}
}
