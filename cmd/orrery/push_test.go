package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"orrery/storage"
)

// gateway is an address that is known before the planet behind it runs.
type gateway struct {
	*httptest.Server
	to       atomic.Pointer[url.URL]
	verified chan struct{} // a hub has asked, and was told the challenge
}

func newGateway(t testing.TB) *gateway {
	g := &gateway{verified: make(chan struct{}, 10)}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(g.to.Load()) },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodGet && strings.HasPrefix(r.Request.URL.Path, "/"+pushFolder) && r.StatusCode == http.StatusOK {
				select {
				case g.verified <- struct{}{}:
				default: // that it has is known
				}
			}
			return nil
		},
	}
	g.Server = httptest.NewServer(proxy)
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) host() string { return strings.TrimPrefix(g.URL, "http://") }

// run starts a planet with the configuration behind the gateway.
func (g *gateway) run(t testing.TB, dir, config string) {
	t.Helper()
	path := filepath.Join(dir, "orrery.yaml")
	config = fmt.Sprintf("planet: {title: P, url: %q, hub: self}\nstorage: sqlite:p.db\nlisten: 127.0.0.1:0\nadmin: \"\"\nschedule: \"@every 1s\"\n", g.URL+"/") + config
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	// The planet asks its hub at once, so the gateway has to lead there before.
	g.to.Store(&url.URL{Scheme: "http", Host: "127.0.0.1:1"})
	_, m := startPart(t, `serving P at (http://\S+)/`, "-c", path, "serve")
	u, err := url.Parse(m[1])
	if err != nil {
		t.Fatal(err)
	}
	g.to.Store(u)
}

// A planet that follows another one, and would ask it once a day, hears of a post, of its
// change and of its end in seconds: it has subscribed at the other one's own hub.
func TestPlanetHearsOfAnotherInSeconds(t *testing.T) {
	dir := t.TempDir()
	posts, follower := filepath.Join(dir, "posts"), filepath.Join(dir, "follower")
	for _, d := range []string{posts, follower} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(posts, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	today := time.Now().UTC().Format(time.RFC3339)
	write("first.md", "---\ntitle: First\ndate: "+today+"\n---\nOne.\n")
	a, b := newGateway(t), newGateway(t)
	a.run(t, dir, fmt.Sprintf("fetch: {allow: [%q]}\nsources: [{markdown: posts, slug: own, site: %q, permalink: \"/:title/\"}]\n", b.host(), a.URL))
	shows(t, a.URL+"/", "First")
	toldAll(t, dir) // else the other one hears of the first, and then of none for a minute
	b.run(t, follower, fmt.Sprintf("fetch: {allow: [%q], min_interval: 24h, pause_per_host: 0s}\nsources: [{feed: %q, slug: other}]\n", a.host(), a.URL+"/feed.atom"))
	shows(t, b.URL+"/", "First")
	select {
	case <-b.verified:
	case <-time.After(patience):
		t.Fatal("the hub has not asked whether its calls are wanted")
	}
	write("second.md", "---\ntitle: Second\ndate: "+today+"\n---\nTwo.\n")
	begun := time.Now()
	shows(t, a.URL+"/", "Second")
	there := time.Now()
	shows(t, b.URL+"/", "Second")
	t.Logf("on the one after %v, on the other %v later", there.Sub(begun).Round(time.Millisecond), time.Since(there).Round(time.Millisecond))
}

// Who subscribed to a category is sent the feed also when a post has left it.
func TestSubscribersHearThatAPostLeftTheirCategory(t *testing.T) {
	dir := t.TempDir()
	write := func(name, tags string) {
		t.Helper()
		text := "---\ntitle: " + name + "\ndate: " + time.Now().UTC().Format(time.RFC3339) + "\ntags: [" + tags + "]\n---\nText.\n"
		if err := os.WriteFile(filepath.Join(dir, "posts", name+".md"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "posts"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("Stays", "One")
	write("Leaves", "One, Two")
	verified, sent := make(chan struct{}, 10), make(chan string, 10)
	reader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprint(w, r.FormValue("hub.challenge"))
			verified <- struct{}{}
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		sent <- string(body)
	}))
	defer reader.Close()
	g := newGateway(t)
	g.run(t, dir, fmt.Sprintf("fetch: {allow: [%q]}\ntags_as_categories: true\nsources: [{markdown: posts, slug: own, site: %q, permalink: \"/:title/\"}]\n",
		strings.TrimPrefix(reader.URL, "http://"), g.URL))
	topic := g.URL + "/category/one/feed.atom"
	shows(t, topic, "Leaves")
	toldAll(t, dir) // what was new before anybody listened
	r, err := http.PostForm(g.URL+"/"+hubFolder, url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.callback": {reader.URL + "/"}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusAccepted {
		t.Fatalf("the hub says %s", r.Status)
	}
	select {
	case <-verified:
	case <-time.After(patience):
		t.Fatal("nobody asked the reader whether it subscribed")
	}
	write("Leaves", "Two")
	select {
	case body := <-sent:
		if !strings.Contains(body, ">Stays<") || strings.Contains(body, ">Leaves<") {
			t.Errorf("the reader was sent\n%s", body)
		}
	case <-time.After(patience):
		t.Fatal("the reader was sent nothing")
	}
}

// toldAll waits until the hub of the planet in that folder owes nothing.
func toldAll(t testing.TB, dir string) {
	t.Helper()
	db, err := storage.Open(t.Context(), "sqlite:"+filepath.Join(dir, "p.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if list, err := db.Debts(t.Context()); err == nil && len(list) == 1 && list[0].Owed == 0 {
			return
		}
	}
	t.Fatal("the hub goes on owing")
}
