package site

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orrery/feeds"
)

// emptyFake is a store in which there is nothing.
func emptyFake() *fake {
	return &fake{
		calls: map[string]int{}, touched: map[feeds.Query]int64{},
		before: map[string][]feeds.Version{}, gone: map[string]bool{}, moved: map[string]string{},
	}
}

// newFake has 66 entries of three sources, the odd ones first.
func newFake() *fake {
	f := emptyFake()
	f.sources = []feeds.Source{
		{ID: 1, Slug: "rook", URL: "https://rook.example/atom.xml", Title: "The Rook", Site: "https://rook.example/", Language: "en",
			Categories: []feeds.CategoryName{chess}},
		{ID: 2, Slug: "beet", URL: "file:///srv/secret/beet", Title: `"Beet" <b>& Bed</b>`},
		{ID: 3, Slug: "still", URL: "https://still.example/feed", FeedTitle: "Still Waters", FeedLink: "javascript:alert(1)",
			State: feeds.State{LastVisit: epoch, Failures: 2, LastError: `the server <answered> 500`}},
	}
	f.entries = odd(f.sources)
	for i := range 60 {
		at := epoch.Add(-time.Duration(i+1) * 7 * time.Hour)
		e := feeds.Entry{
			ID: fmt.Sprintf("plain%02d", i), GUID: fmt.Sprintf("https://rook.example/%d", i), Permalink: fmt.Sprintf("https://rook.example/%d", i),
			Title: fmt.Sprintf("Move %d", i), Content: fmt.Sprintf("<p>Knight to f%d.</p>", i%8+1),
			Published: at, Sort: at, Changed: at, Source: &f.sources[i%2], Categories: []feeds.CategoryName{chess},
		}
		f.entries = append(f.entries, e)
	}
	// The one without a date is the last.
	undated := f.entries[5]
	f.entries = append(slices.Delete(f.entries, 5, 6), undated)
	for i := range f.entries {
		e := &f.entries[i]
		e.Source.Entries++
		e.Source.Newest, e.Source.Updated = maxTime(e.Source.Newest, e.Sort), maxTime(e.Source.Updated, e.Changed)
	}
	f.cats = []feeds.Category{{CategoryName: chess, Entries: 60}, {CategoryName: gardens, Entries: 1, Updated: epoch}, {CategoryName: feeds.CategoryName{Slug: "../up", Title: "Up"}}}
	return f
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// odd are entries of the kinds that pages break on.
func odd(sources []feeds.Source) []feeds.Entry {
	at := epoch.Add(2 * time.Hour)
	base := func(id string, src int) feeds.Entry {
		return feeds.Entry{ID: id, GUID: id, Permalink: "https://rook.example/" + id, Title: "Title of " + id, Sort: at, Changed: at, Source: &sources[src]}
	}
	hostile := base("hostile", 2)
	hostile.Title = `</a></h3><script>alert("title")</script>" onmouseover="x`
	hostile.Authors = []feeds.Person{{Name: `<img src=x onerror=alert(1)>`, URL: "javascript:alert(2)"}}
	hostile.Language = `en" onload="x`
	hostile.Permalink = "javascript:alert(3)"
	hostile.Enclosures = []feeds.Enclosure{{URL: "data:text/html,x", Type: "text/html"}, {URL: "https://rook.example/a.mp3", Type: `audio/"mpeg`, Length: 3 << 20}}
	rtl := base("arabic", 0)
	rtl.Title, rtl.Content, rtl.Language = "حديقة", "<p>نص قصير</p>", "ar"
	silent := base("silent", 0)
	silent.Title, silent.Permalink, silent.Summary = "", "", "<p>Only a few words &amp; no title.</p>"
	long := base("long", 1)
	long.Content = "<h1>Top</h1><p>" + strings.Repeat("Bishops and beetroots. ", 100) + `</p><h2>Below</h2><p><img src="https://rook.example/p.png" alt=""></p>`
	long.Categories = []feeds.CategoryName{gardens}
	long.Revision, long.Also = 2, []feeds.Source{sources[0]}
	long.TitleHTML = "Title of <em>long</em>"
	huge := base("huge", 0)
	huge.Content = "<p>" + strings.Repeat("More than a page may carry. ", 4000) + "</p>"
	empty := base("empty", 0)
	empty.Sort, empty.Changed = time.Time{}, time.Time{}
	return []feeds.Entry{hostile, rtl, silent, long, huge, empty}
}

var testPlanet = feeds.Planet{
	Title: "Planet Test", URL: "https://planet.example/", Description: "A planet for tests.", Language: "en",
	Owner: feeds.Person{Name: "Ada", URL: "https://ada.example/"}, Entries: 60,
}
