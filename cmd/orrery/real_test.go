package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"orrery/feeds/feedstest"
)

// orrery runs the program in a folder and returns what it said on stdout.
func orrery(t *testing.T, wantCode int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr); code != wantCode {
		t.Fatalf("orrery %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, wantCode, &stdout, &stderr)
	}
	return stdout.String()
}

// xmppPlanet writes a configuration over the real posts and, on loopback, the
// feeds of the same site, and returns its path.
func xmppPlanet(t *testing.T) string {
	t.Helper()
	posts := feedstest.Data(t, "xmpp.org/content/blog")
	blogs := httptest.NewServer(http.FileServer(http.Dir(feedstest.Data(t, "feeds/xmpp"))))
	t.Cleanup(blogs.Close)
	path := filepath.Join(t.TempDir(), "orrery.yaml")
	text := fmt.Sprintf(`planet: {title: Planet XMPP, url: "https://planet.example.org/"}
fetch: {allow: [%q], pause_per_host: 0s, min_interval: 0s, max_interval: 1ms}
sources:
  - {markdown: %q, title: XMPP Standards Foundation, slug: xsf, site: "https://xmpp.org/", permalink: "/:year/:month/:title/"}
  - {feed: %q, slug: xsf-feed}
  - {feed: %q, slug: xsf-feed-de}
categories:
  - {title: XMPP Summit, match: {tags: [XMPP Summit]}}
`, strings.TrimPrefix(blogs.URL, "http://"), posts, blogs.URL+"/xmpp.org-blog.rebuilt.rss", blogs.URL+"/xmpp.org-blog-de.rebuilt.rss")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheRealPostsAndTheirFeedsAreOnePlanet(t *testing.T) {
	config := xmppPlanet(t)
	orrery(t, 0, "-c", config, "fetch", "--strict", "xsf")
	out := orrery(t, 0, "-c", config, "fetch", "--strict")
	if !strings.Contains(out, "3 sources: 0 new, 0 revised, 366 duplicate, 0 failed, 1 unchanged") {
		t.Errorf("the site's own feeds are not its posts:\n%s", out)
	}
	again := orrery(t, 0, "-c", config, "fetch", "--strict")
	if !strings.Contains(again, "3 sources: 0 new, 0 revised, 0 duplicate, 0 failed, 3 unchanged") {
		t.Errorf("the same again is not nothing:\n%s", again)
	}
	entries := exported(t, orrery(t, 0, "-c", config, "export", "jsonl"))
	if len(entries) != 416 {
		t.Errorf("%d entries, want 416", len(entries))
	}
	both, languages := 0, map[string]int{}
	for _, e := range entries {
		checkEntry(t, e)
		languages[e.Language]++
		if len(e.Also) == 1 {
			both++
		}
		if e.Source != "xsf" {
			t.Errorf("%s: the primary is %s, want the folder", e.Permalink, e.Source)
		}
	}
	if both != 366 {
		t.Errorf("%d entries know a second source, want 366", both)
	}
	for language, want := range map[string]int{"en": 342, "de": 24, "it": 20, "fr": 17, "es": 9, "pt-BR": 3, "ro": 1} {
		if languages[language] != want {
			t.Errorf("%d entries in %s, want %d", languages[language], language, want)
		}
	}
	checkSummit(t, config)
}

func exported(t *testing.T, jsonl string) []storedEntry {
	t.Helper()
	var list []storedEntry
	lines := bufio.NewScanner(strings.NewReader(jsonl))
	lines.Buffer(nil, 10<<20)
	for lines.Scan() {
		var e storedEntry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

var (
	shortcode    = regexp.MustCompile(`\{\{[<%]|\[/?caption`)
	relativeLink = regexp.MustCompile(`(?:href|src)="(?:[^"h#xm]|#|/|h[^t])[^"]*"`)
)

func checkEntry(t *testing.T, e storedEntry) {
	t.Helper()
	if m := shortcode.FindString(e.Content + e.Summary); m != "" {
		t.Errorf("%s: %s is left in the content", e.Permalink, m)
	}
	if m := relativeLink.FindString(e.Content + e.Summary); m != "" {
		t.Errorf("%s: %s is left in the content", e.Permalink, m)
	}
	if !strings.HasPrefix(e.Permalink, "https://xmpp.org/") || e.Title == "" || e.Published == nil {
		t.Errorf("incomplete: %q %q %v", e.Permalink, e.Title, e.Published)
	}
}

func checkSummit(t *testing.T, config string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "public")
	orrery(t, 0, "-c", config, "build", "--check", dir)
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, "category", "xmpp-summit", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var atom struct {
		Entries []struct{} `xml:"entry"`
	}
	var rss struct {
		Items []struct{} `xml:"channel>item"`
	}
	var feed struct {
		Items []struct{} `json:"items"`
	}
	if err := xml.Unmarshal(read("feed.atom"), &atom); err != nil || len(atom.Entries) != 39 {
		t.Errorf("feed.atom: %d entries, want 39 (%v)", len(atom.Entries), err)
	}
	if err := xml.Unmarshal(read("feed.rss"), &rss); err != nil || len(rss.Items) != 39 {
		t.Errorf("feed.rss: %d items, want 39 (%v)", len(rss.Items), err)
	}
	if err := json.Unmarshal(read("feed.json"), &feed); err != nil || len(feed.Items) != 39 {
		t.Errorf("feed.json: %d items, want 39 (%v)", len(feed.Items), err)
	}
}

// A pass over the 416 posts into a new database, and one that finds nothing new.
func BenchmarkColdPass(b *testing.B) {
	posts := feedstest.Data(b, "xmpp.org/content/blog")
	for b.Loop() {
		b.StopTimer()
		path := benchPlanet(b, posts)
		b.StartTimer()
		benchFetch(b, path)
	}
}

func BenchmarkWarmPass(b *testing.B) {
	path := benchPlanet(b, feedstest.Data(b, "xmpp.org/content/blog"))
	benchFetch(b, path)
	for b.Loop() {
		benchFetch(b, path)
	}
}

func benchPlanet(b *testing.B, posts string) string {
	path := filepath.Join(b.TempDir(), "orrery.yaml")
	text := fmt.Sprintf("planet: {title: P, url: \"https://p.example/\"}\nsources: [{markdown: %q, site: \"https://xmpp.org/\", permalink: \"/:year/:month/:title/\"}]\n", posts)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	return path
}

func benchFetch(b *testing.B, config string) { benchRun(b, "-c", config, "fetch") }

func benchRun(b *testing.B, args ...string) {
	var out bytes.Buffer
	if code := run(context.Background(), args, strings.NewReader(""), &out, &out); code != 0 {
		b.Fatal(out.String())
	}
}
