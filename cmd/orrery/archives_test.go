package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A planet of another planet has all of that one's past: its feed has ten posts, and
// the archives the others, in each format.
func TestPlanetReadsThePastOfAnotherFromItsArchives(t *testing.T) {
	const posts = 130
	dir := t.TempDir()
	site := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "public"))))
	t.Cleanup(site.Close)
	write := func(name, text string) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for i := range posts {
		write(fmt.Sprintf("posts/%d.md", i), fmt.Sprintf("---\ntitle: Post %d\ndate: %d-%02d-%02d\n---\nThe text of post number %d.\n", i, 2015+i/12, i%12+1, i%28+1, i))
	}
	first := write("orrery.yaml", fmt.Sprintf(`planet: {title: First, url: "%s/"}
entries: 10
sources: [{markdown: posts, title: Posts, slug: posts, site: "https://posts.example/"}]
`, site.URL))
	orrery(t, 0, "-c", first, "fetch", "--strict")
	orrery(t, 0, "-c", first, "build", filepath.Join(dir, "public"))
	for _, format := range []string{"atom", "rss", "json"} {
		second := write(format+"/orrery.yaml", fmt.Sprintf(`planet: {title: Second, url: "https://second.example/"}
fetch: {allow: [%q], pause_per_host: 0s, min_interval: 0s, max_interval: 1ms}
sources: [{feed: "%s/feed.%s", slug: first}]
`, strings.TrimPrefix(site.URL, "http://"), site.URL, format))
		orrery(t, 0, "-c", second, "fetch", "--strict", "--all")
		titles := map[string]int{}
		for line := range strings.Lines(orrery(t, 0, "-c", second, "export", "jsonl")) {
			var e struct{ Title string }
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			titles[e.Title]++
		}
		if len(titles) != posts {
			t.Errorf("%s: %d of %d posts", format, len(titles), posts)
		}
		for title, n := range titles {
			if n != 1 {
				t.Errorf("%s: %q is there %d times", format, title, n)
			}
		}
	}
}

// Whoever reads the first page and all numbered ones of a view has read everything, also
// what was dated long ago and came last.
func TestPagesOfAViewHaveEveryPost(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := write("orrery.yaml", `planet: {title: P, url: "https://p.example/"}
entries: 8
sources: [{markdown: posts, title: Posts, slug: posts, site: "https://posts.example/", categories: [All]}]
`)
	post := func(name, date string) {
		write("posts/"+name+".md", fmt.Sprintf("---\ntitle: %s\ndate: %s\n---\nThe text of %[1]s.\n", name, date))
	}
	for i := range 21 {
		post(fmt.Sprintf("post%02d", i), fmt.Sprintf("2026-01-%02d", i+1))
	}
	orrery(t, 0, "-c", config, "fetch", "--strict")
	post("draft", "2025-06-01")
	orrery(t, 0, "-c", config, "fetch", "--strict")
	public := filepath.Join(dir, "public")
	orrery(t, 0, "-c", config, "build", public)
	for _, view := range []string{"", "category/all", "source/posts"} {
		pages, err := filepath.Glob(filepath.Join(public, view, "page", "*", "index.html"))
		if err != nil || len(pages) == 0 {
			t.Fatal(pages, err)
		}
		all := ""
		for _, p := range append(pages, filepath.Join(public, view, "index.html")) {
			text, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			all += string(text)
		}
		for _, name := range []string{"post00", "post12", "post13", "post20", "draft"} {
			if !strings.Contains(all, "The text of "+name) {
				t.Errorf("/%s: %s is on no page", view, name)
			}
		}
	}
}
