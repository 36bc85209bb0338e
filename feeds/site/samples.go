package site

import (
	"time"

	"orrery/feeds"
)

// sample is a page with something in every part of it.
type sample struct {
	route    route
	material material
}

// samples are what a theme is tried with.
func samples() []sample {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	src := feeds.Source{
		ID: 1, Slug: "sample", URL: "https://blog.example/feed.atom", Title: "Sample", Site: "https://blog.example/", Language: "en", Entries: 2, Newest: at, Updated: at,
		Categories: []feeds.CategoryName{{Slug: "sample", Title: "Sample"}}, Keep: feeds.Match{Tags: []string{"sample"}},
		State: feeds.State{LastVisit: at, LastSuccess: at.Add(-24 * time.Hour), LastError: "the server answered 404", Failures: 2, Health: feeds.Health("").Visit(at, false)},
	}
	long := "<p>"
	for range foldAbove/5 + 1 {
		long += "word "
	}
	entry := feeds.Entry{
		ID: "sample", GUID: "sample", Title: "A sample", Permalink: "https://blog.example/1", Content: "<p>A word.</p>", Sort: at, FirstSeen: at, Changed: at.Add(time.Hour), Revision: 1,
		Authors: []feeds.Person{{Name: "Ann"}}, Source: &src, Also: []feeds.Source{src}, Categories: src.Categories, Language: "en",
		Origin: &feeds.Origin{Title: "Elsewhere", Link: "https://elsewhere.example/"}, Enclosures: []feeds.Enclosure{{URL: "https://blog.example/1.mp3", Type: "audio/mpeg", Length: 1 << 20}},
	}
	folded, untitled := entry, entry
	folded.Content, untitled.Title = long+"</p>", ""
	before := entry
	before.Title, before.Content = "Before", "<p>Another word.</p>"
	month := feeds.MonthOf(at)
	list := feeds.Category{CategoryName: src.Categories[0], Entries: 2, Newest: at, Updated: at}
	english := feeds.Category{CategoryName: feeds.CategoryName{Slug: feeds.LanguageList + "en", Title: "en"}, Entries: 2, Newest: at, Updated: at}
	d := newDirectory([]feeds.Source{src, {Slug: "other"}}, []feeds.Category{list, english})
	d.months = []feeds.MonthCount{{Month: month, Entries: 2}, {Month: month - 1, Entries: 1}}
	m := material{
		view: view{name: "Sample"}, look: look{dayMoment(at, ""), "Not looked for long."}, entries: []feeds.Entry{entry, folded, untitled},
		versions: []feeds.Version{{N: 1, At: at, Entry: before}}, sources: []feeds.Source{src}, categories: []feeds.Category{list, english},
		stories: []feeds.Story{{ID: "sample", Shown: true, FirstSeen: at, Copies: []feeds.CopyStory{{Source: "sample"}, {Source: "other", Reason: "link", With: "sample", Rank: 2}}}},
		held:    map[string]feeds.HeldPosts{"sample": {Posts: 2, Until: at}}, months: d.months,
		debts:    []feeds.Debt{{To: "sample", Owed: 2, Oldest: at, Tries: 1, GivenUp: 1}},
		activity: map[string][]feeds.MonthCount{"sample": d.months}, directory: d, archives: 3,
	}
	var all []sample
	for _, rt := range []route{
		{}, {archive: 2}, {titles: true}, {kind: atCategory, name: "sample"}, {kind: atSource, name: "sample"}, {kind: atSearch, filter: filter{text: "word"}},
		{kind: atMonth, month: month}, {kind: atMonths}, {kind: atEntry, name: "sample"}, {kind: atWhy, name: "sample"},
		{kind: atCategories}, {kind: atSources}, {kind: atStatus}, {kind: atAbout},
	} {
		all = append(all, sample{rt, m})
	}
	return append(all, sample{route{kind: atCategories}, material{}}, sample{route{kind: atSources}, material{}}, sample{route{kind: atStatus}, material{}}, sample{route{}, material{}})
}
