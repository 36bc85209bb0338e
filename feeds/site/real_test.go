package site

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"orrery/feeds"
	"orrery/feeds/feedstest"
)

// TestRealFeedsMakeWellFormedPages puts what strangers really write, and what
// attackers would, through the pages.
func TestRealFeedsMakeWellFormedPages(t *testing.T) {
	seen := 0
	for _, folder := range []string{"atom10", "rss20", "xmpp", "jsonfeed", "hostile", "encodings"} {
		paths, err := filepath.Glob(filepath.Join(feedstest.Data(t, "feeds/"+folder), "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			seen += lookAt(t, path)
		}
	}
	if seen < 300 {
		t.Errorf("only %d entries were looked at", seen)
	}
}

func lookAt(t *testing.T, path string) int {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() || info.Size() > 300<<10 {
		return 0
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	feed, err := feeds.Read(data, "", "https://feed.example/feed")
	if err != nil {
		return 0
	}
	feeds.Normalize(feed, "https://feed.example/feed")
	f := emptyFake()
	f.sources = []feeds.Source{{Slug: "it", URL: "https://feed.example/feed", FeedTitle: feed.Title, FeedLink: feed.Link, Language: feed.Language}}
	for i, e := range feed.Entries[:min(len(feed.Entries), 6)] {
		e.ID, e.Sort, e.Changed, e.Source = fmt.Sprintf("e%d", i), e.Published, e.Updated, &f.sources[0]
		f.entries = append(f.entries, e)
	}
	s := newSite(t, f)
	paths, err := s.Paths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		r := get(s, p)
		if r.StatusCode != 200 {
			t.Errorf("%s: %s: status %d", filepath.Base(path), p, r.StatusCode)
		} else if r.Header.Get("Content-Type") == "text/html; charset=utf-8" {
			for _, w := range wellFormed(body(t, r)) {
				t.Errorf("%s: %s: %s", filepath.Base(path), p, w)
			}
		}
	}
	return len(f.entries)
}
