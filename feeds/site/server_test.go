package site

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
)

// serve runs a site behind a real server and returns a function that asks it.
func serve(t *testing.T, s *Site) func(method, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	server := httptest.NewServer(s)
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		server.Close()
	})
	return func(method, path string, headers ...string) (*http.Response, string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		return answer, string(b)
	}
}

// RFC 9110 §9.3.2, and §6.4.1 for which answers have a body.
func TestHeadIsGetWithoutTheBodyOnTheWire(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	first, _, _ := twice(t, s, f, "/feed.atom")
	f.remove("plain09")
	refresh(t, s)
	old, now := first.Header.Get("ETag"), get(s, "/feed.atom").Header.Get("ETag")
	ask := serve(t, s)
	for _, c := range []struct {
		path    string
		headers []string
		want    int
	}{
		{"/", nil, 200},
		{"/", []string{"Accept-Encoding", "gzip"}, 200},
		{"/", []string{"Accept-Encoding", "br, zstd"}, 200},
		{"/feed.json?x=1", []string{"Accept-Encoding", "zstd"}, 200},
		{"/feed.atom", []string{"Range", "bytes=0-9"}, 200},
		{"/feed.atom", []string{"Range", "bytes=0-9", "If-Range", now}, 200},
		{"/feed.atom", []string{"If-None-Match", now}, 304},
		{"/feed.atom", []string{"If-None-Match", now, "Accept-Encoding", "br"}, 304},
		{"/feed.atom", []string{"If-Modified-Since", "Tue, 01 Dec 2026 12:00:00 GMT"}, 304},
		{"/feed.atom", []string{"A-IM", "feed", "If-None-Match", old}, 226},
		{"/feed.atom", []string{"A-IM", "feed", "If-None-Match", old, "Accept-Encoding", "br"}, 226},
		{"/feed.atom", []string{"If-Match", `"other"`}, 412},
		{"/sources", nil, 301},
		{"/nowhere", []string{"Accept-Encoding", "br"}, 404},
		{"/entry/plain09/", nil, 410},
	} {
		get, full := ask(http.MethodGet, c.path, c.headers...)
		head, none := ask(http.MethodHead, c.path, c.headers...)
		name := fmt.Sprint(c.path, c.headers)
		if get.StatusCode != c.want || head.StatusCode != c.want {
			t.Errorf("%s: GET %d, HEAD %d, want %d", name, get.StatusCode, head.StatusCode, c.want)
		}
		for _, r := range []*http.Response{get, head} {
			if r.Header.Get("Date") == "" { // §6.6.1
				t.Errorf("%s: no Date", name)
			}
			r.Header.Del("Date")
		}
		for k := range joined(get.Header, head.Header) {
			if a, b := strings.Join(get.Header[k], "|"), strings.Join(head.Header[k], "|"); a != b {
				t.Errorf("%s: GET says %s: %s, HEAD %s", name, k, a, b)
			}
		}
		if none != "" || get.ContentLength != int64(len(full)) || c.want != 304 && head.ContentLength != int64(len(full)) {
			t.Errorf("%s: %d bytes, GET says %d, HEAD %d and sends %d", name, len(full), get.ContentLength, head.ContentLength, len(none))
		}
		if hasBody := c.want != 301 && c.want != 304 && c.want != 412; hasBody != (full != "") {
			t.Errorf("%s: %d bytes with status %d", name, len(full), c.want)
		}
		if len(get.TransferEncoding) > 0 {
			t.Errorf("%s: sent in chunks", name)
		}
	}
}

func joined(a, b http.Header) http.Header {
	all := a.Clone()
	for k, v := range b {
		all[k] = v
	}
	return all
}

// RFC 9110 §15.4.5: what a 304 repeats of the 200, and what it leaves out.
func TestNotModifiedOnTheWire(t *testing.T) {
	ask := serve(t, newSite(t, newFake()))
	for _, path := range []string{"/", "/feed.atom", "/feed.rss", "/feed.json", "/opml.xml"} {
		for _, coding := range []string{"", "gzip", "br", "zstd"} {
			whole, _ := ask(http.MethodGet, path, "Accept-Encoding", coding)
			bare, _ := ask(http.MethodGet, path, "Accept-Encoding", coding, "If-None-Match", whole.Header.Get("ETag"))
			wantStatus(t, bare, 304)
			for _, k := range []string{"Cache-Control", "Content-Location", "Etag", "Expires", "Vary", "Last-Modified"} {
				if a, b := whole.Header.Get(k), bare.Header.Get(k); a != b {
					t.Errorf("%s %s: %s is %q in the 200 and %q in the 304", path, coding, k, a, b)
				}
			}
			for k := range bare.Header {
				if strings.HasPrefix(k, "Content-") && k != "Content-Security-Policy" {
					t.Errorf("%s %s: the 304 has %s", path, coding, k)
				}
			}
		}
	}
}

func TestAPageOfAnotherSiteMayAskForADelta(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	first, _, _ := twice(t, s, f, "/feed.json")
	ask := serve(t, s)
	pre, _ := ask(http.MethodOptions, "/feed.json", "Origin", "https://reader.example",
		"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "a-im,if-none-match")
	wantStatus(t, pre, 204)
	for _, name := range []string{"A-IM", "If-None-Match"} {
		if !strings.Contains(pre.Header.Get("Access-Control-Allow-Headers"), name) {
			t.Errorf("%s may not be sent", name)
		}
	}
	r, _ := ask(http.MethodGet, "/feed.json", "Origin", "https://reader.example", "A-IM", "feed", "If-None-Match", first.Header.Get("ETag"))
	wantStatus(t, r, 226)
	wantHeader(t, r, "Access-Control-Allow-Origin", "*")
	for _, name := range []string{"IM", "ETag", "Delta-Base"} {
		if !strings.Contains(r.Header.Get("Access-Control-Expose-Headers"), name) {
			t.Errorf("%s may not be read", name)
		}
	}
}

func TestHostileListsGetAnAnswerOnTheWire(t *testing.T) {
	ask := serve(t, newSite(t, newFake()))
	for name, list := range hostileLists() {
		if strings.IndexByte(list, 0) >= 0 {
			continue // the server's own library refuses it
		}
		for _, h := range []string{"Accept-Encoding", "A-IM", "If-None-Match", "If-Match", "Range", "If-Modified-Since"} {
			r, _ := ask(http.MethodGet, "/feed.atom", h, list, "A-IM", "feed")
			if r.StatusCode != 200 && (h != "If-Match" || r.StatusCode != 412) {
				t.Errorf("%s in %s: status %d", name, h, r.StatusCode)
			}
		}
	}
}

// What is made when it is first asked for may be asked for by many, while the planet
// changes and the cache is too small.
func TestReadersOfEveryKindAtOnce(t *testing.T) {
	f := newFake()
	s := newSite(t, f, func(o *Options) { o.CacheBytes = 400 << 10 })
	refresh(t, s)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			path, accept, tag := feedPaths[i%3], []string{"", "br", "gzip", "zstd"}[i%4], `"none"`
			seen := map[int]int{}
			for n := 0; ; n++ {
				select {
				case <-done:
					if n > 0 && seen[200] == 0 {
						t.Errorf("reader %d was never answered: %v", i, seen)
					}
					return
				default:
				}
				r := get(s, path, "Accept-Encoding", accept, "A-IM", "feed", "If-None-Match", tag)
				seen[r.StatusCode]++
				tag = r.Header.Get("ETag")
				if coding := r.Header.Get("Content-Encoding"); r.StatusCode != 304 {
					ids(t, decoded(t, coding, r.Body))
				}
			}
		})
	}
	for i := range 30 {
		f.change(fmt.Sprintf("plain%02d", i), func(e *feeds.Entry) { e.Title += "!" })
		refresh(t, s)
	}
	close(done)
	readers.Wait()
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	var sum int64
	for _, el := range s.cache.by {
		sum += el.Value.(*kept).doc.size()
	}
	if sum != s.cache.bytes || sum > s.cache.max {
		t.Errorf("%d bytes are counted, %d there", s.cache.bytes, sum)
	}
}
