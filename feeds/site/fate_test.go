package site

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/net/html/atom"

	"orrery/feeds"
)

// answer is what a server on loopback says, and the text of it.
func answer(t *testing.T, server *httptest.Server, method, path string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity")      // else only a GET asks for gzip
	r, err := server.Client().Transport.RoundTrip(req) // follows nothing
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(text)
}

// fated is a site with a post that was taken back, and two that were merged into others.
func fated(t *testing.T, change ...func(*Options)) (*fake, *Site) {
	t.Helper()
	f := newFake()
	s := newSite(t, f, change...)
	refresh(t, s)
	for _, id := range []string{"plain07", "plain08", "plain09"} { // kept pages must not outlive their posts
		wantStatus(t, get(s, "/entry/"+id+"/"), 200)
	}
	f.remove("plain07")
	f.merge("plain08", "long")
	f.merge("plain09", "plain07")
	refresh(t, s)
	return f, s
}

func TestAPostThatWasTakenBackAnswers410WithASentence(t *testing.T) {
	_, s := fated(t)
	server := httptest.NewServer(s)
	defer server.Close()
	r, page := answer(t, server, http.MethodGet, "/entry/plain07/")
	wantStatus(t, r, http.StatusGone)
	wantHeader(t, r, "Cache-Control", "public, max-age=60")
	wantHeader(t, r, "Content-Type", "text/html; charset=utf-8")
	wantHeader(t, r, "Content-Security-Policy", pagePolicy)
	wantHeader(t, r, "ETag", "none")
	n := parsed(t, page)
	if got := reads(all(n, atom.P, "lead")[0]); got != "There was a post at this address. It was taken back where it came from, or taken off Planet Test." {
		t.Errorf("it says %q", got)
	}
	if got := reads(all(n, atom.H1, "")[0]); got != "No longer here" {
		t.Errorf("the heading is %q", got)
	}
	if !strings.Contains(page, `<meta name="robots" content="noindex">`) || strings.Contains(page, "canonical") || !strings.Contains(page, `<a href="/">Go to`) {
		t.Error("it asks to be found, or leads nowhere")
	}
}

func TestAMergedPostLeadsToTheOther(t *testing.T) {
	for _, base := range []string{"/", "/below/"} {
		_, s := fated(t, func(o *Options) { o.Planet.URL = "https://planet.example" + base })
		server := httptest.NewServer(s)
		defer server.Close()
		r, page := answer(t, server, http.MethodGet, base+"entry/plain08/")
		wantStatus(t, r, http.StatusMovedPermanently)
		wantHeader(t, r, "Location", base+"entry/long/")
		wantHeader(t, r, "Cache-Control", "public, max-age=300")
		if page != "" {
			t.Errorf("it also says %q", page)
		}
	}
}

func TestHeadSaysWhatGetSaysOfWhatIsNotThere(t *testing.T) {
	_, s := fated(t)
	server := httptest.NewServer(s)
	defer server.Close()
	for _, path := range []string{"/entry/plain07/", "/entry/plain08/", "/entry/nobody/", "/entry/plain07", "/entry/long/"} {
		g, _ := answer(t, server, http.MethodGet, path)
		h, text := answer(t, server, http.MethodHead, path)
		g.Header.Del("Date")
		h.Header.Del("Date")
		if a, b := fmt.Sprint(g.StatusCode, g.Header), fmt.Sprint(h.StatusCode, h.Header); a != b || text != "" || g.Header.Get("Content-Length") == "" {
			t.Errorf("%s: GET %s\nHEAD %s, and a body of %d bytes", path, a, b, len(text))
		}
	}
}

func TestConditionsDoNotHideThatAPostIsGone(t *testing.T) {
	_, s := fated(t)
	wantStatus(t, get(s, "/entry/plain07/", "If-None-Match", "*"), 410)
	wantStatus(t, get(s, "/entry/plain07/", "If-Match", `"x"`), 410)
	wantStatus(t, get(s, "/entry/plain07/", "If-Modified-Since", "Tue, 01 Dec 2026 12:00:00 GMT"), 410)
}

func TestAFateThatLeadsNowhereIsNone(t *testing.T) {
	f, s := fated(t)
	for id, to := range map[string]string{"itself": "itself", "odd": "../up", "shouting": "LOUD"} {
		f.moved[id] = to
		wantStatus(t, get(s, "/entry/"+id+"/"), 404)
	}
}

func TestWhatReturnsIsThereAgain(t *testing.T) {
	f, s := fated(t)
	wantStatus(t, get(s, "/entry/plain07/"), 410)
	wantStatus(t, get(s, "/entry/plain08/"), 301)
	for _, id := range []string{"plain07", "plain08"} {
		f.change(id, func(e *feeds.Entry) { e.Title = "Back" })
		refresh(t, s)
		wantStatus(t, get(s, "/entry/"+id+"/"), 200)
	}
}

func TestAFloodOfAddressesWithoutAPostCostsThreeSmallQuestionsEachAndNoMemory(t *testing.T) {
	f, s := fated(t)
	wantStatus(t, get(s, "/entry/long/"), 200)
	f.mu.Lock()
	for i := range 300 {
		f.gone[fmt.Sprintf("gone%d", i)] = true
		f.moved[fmt.Sprintf("moved%d", i)] = "long"
	}
	f.mu.Unlock()
	kept, bytes, calls := len(s.cache.by), s.cache.bytes, f.asked("all")
	for i := range 300 {
		wantStatus(t, get(s, fmt.Sprintf("/entry/gone%d/", i)), 410)
		wantStatus(t, get(s, fmt.Sprintf("/entry/moved%d/", i)), 301)
		wantStatus(t, get(s, fmt.Sprintf("/entry/never%d/", i)), 404)
	}
	if len(s.cache.by) != kept || s.cache.bytes != bytes {
		t.Errorf("%d documents are kept, %d bytes more", len(s.cache.by), s.cache.bytes-bytes)
	}
	if n := f.asked("all") - calls; n != 3*900 { // its version, the entry, its fate
		t.Errorf("the store was asked %d times for 900 requests", n)
	}
}

func TestSimultaneousRequestsForWhatIsGoneAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := fated(t)
		f.gate = make(chan struct{})
		status := make(chan int, 40)
		for range cap(status) {
			go func() { status <- get(s, "/entry/plain08/").StatusCode }()
		}
		synctest.Wait()
		close(f.gate)
		for range cap(status) {
			if got := <-status; got != 301 {
				t.Errorf("status %d", got)
			}
		}
		if n := f.asked("fate"); n != 1 {
			t.Errorf("the store was asked %d times", n)
		}
	})
}

func TestAFailingStoreDoesNotSayThatAPostIsGone(t *testing.T) {
	f, s := fated(t)
	wantStatus(t, get(s, "/entry/plain07/"), 410)
	f.broken(true)
	for _, id := range []string{"plain07", "nobody"} {
		wantStatus(t, get(s, "/entry/"+id+"/"), 503)
	}
	wantStatus(t, get(s, "/entry/plain08/"), 200) // the last that was known of it
	f.broken(false)
	refresh(t, s)
	wantStatus(t, get(s, "/entry/plain07/"), 410)
	wantStatus(t, get(s, "/entry/plain08/"), 301)
}

func TestTheTreeOfFilesLeadsOnWhereAPostWasMerged(t *testing.T) {
	for _, base := range []string{"/", "/below/"} {
		f, s := fated(t, func(o *Options) { o.Planet.URL = "https://planet.example" + base })
		f.moved["../up"], f.moved["plain01"] = "long", "long" // no ID of ours; one that is there again
		dir := t.TempDir() + "/out"
		first := build(t, s, dir)
		tree := files(t, dir)
		for _, id := range []string{"plain07", "plain09"} { // gone, and merged into what is
			if _, ok := tree["entry/"+id+"/index.html"]; ok {
				t.Errorf("there is a page of %s", id)
			}
		}
		page := tree["entry/plain08/index.html"]
		for _, want := range []string{
			`<meta http-equiv="refresh" content="0; url=` + base + `entry/long/">`, `<link rel="canonical" href="https://planet.example` + base + `entry/long/">`,
			`<a href="` + base + `entry/long/">Go to the post</a>`,
		} {
			if !strings.Contains(page, want) {
				t.Errorf("no %s in %.900s", want, page)
			}
		}
		parsed(t, page)
		if strings.Contains(tree["entry/plain01/index.html"], "refresh") {
			t.Error("a post that is there leads away")
		}
		if r := build(t, s, dir); r.Unchanged != first.Files || r.Written != 0 {
			t.Errorf("nothing has changed: report %+v", r)
		}
	}
}
