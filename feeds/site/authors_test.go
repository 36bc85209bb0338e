package site

import (
	"strings"
	"testing"

	"orrery/feeds"
)

func TestEveryPageAndFeedShowsThePersonUnderTheChosenName(t *testing.T) {
	f := newFake()
	two := []feeds.Person{{Name: "nyco", URL: "https://n.example/"}, {Name: "NYCO"}}
	f.change("plain00", func(e *feeds.Entry) { e.Authors = two })
	table := feeds.Authors{}
	table.Add("Nÿco Nÿcosson", "nyco")
	s := newSite(t, f, func(o *Options) { o.Authors = table })
	refresh(t, s)
	for _, path := range []string{
		"/", "/feed.atom", "/feed.rss", "/feed.json", "/entry/plain00/", "/category/chess/", "/category/chess/feed.atom", "/source/rook/", "/source/rook/feed.json",
	} {
		text := body(t, get(s, path))
		if n := strings.Count(text, "Nÿco Nÿcosson"); n == 0 || n > 2 { // twice where RSS says it twice
			t.Errorf("%s names the person %d times", path, n)
		}
		if strings.Contains(text, ">nyco<") || strings.Contains(text, `"nyco"`) || strings.Contains(text, "NYCO") {
			t.Errorf("%s names the person otherwise", path)
		}
	}
	if two[0].Name != "nyco" || two[1].Name != "NYCO" {
		t.Error("what the store says has been changed")
	}
}

func TestTreeOfFilesShowsTheChosenName(t *testing.T) {
	f := newFake()
	f.change("plain00", func(e *feeds.Entry) { e.Authors = []feeds.Person{{Name: "nyco"}} })
	table := feeds.Authors{}
	table.Add("Somebody", "nyco")
	s := newSite(t, f, func(o *Options) { o.Authors = table })
	refresh(t, s)
	dir := t.TempDir() + "/public"
	build(t, s, dir)
	tree := files(t, dir)
	if !strings.Contains(tree["entry/plain00/index.html"], "Somebody") {
		t.Error("the page of the entry does not name the person")
	}
	for path, text := range tree {
		if strings.Contains(text, "nyco") {
			t.Errorf("%s names the person otherwise", path)
		}
	}
}
