package main

import (
	"slices"
	"strings"
	"testing"

	"orrery/config"
	"orrery/feeds"
)

// planetOf is a configuration put to work, without a store.
func planetOf(t *testing.T, text string) *planet {
	t.Helper()
	c, err := config.Parse("orrery.yaml", []byte("planet: {title: P, url: \"https://p.example/\"}\n"+text), nil)
	if err != nil {
		t.Fatal(err)
	}
	pl, err := newPlanet(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pl.close)
	return pl
}

func storedCategories(entries map[string]int) []feeds.Category {
	var list []feeds.Category
	for title, n := range entries {
		list = append(list, feeds.Category{CategoryName: feeds.CategoryName{Slug: feeds.Slug(title), Title: title}, Entries: n})
	}
	return list
}

func TestCategoriesThatLookLikeOneAreSuggested(t *testing.T) {
	tests := []struct {
		why, config string
		stored      map[string]int
		want        []string
	}{
		{"nothing", "", nil, nil},
		{"nothing alike", "", map[string]int{"Events": 3, "XEP-0045": 1, "XEP-0046": 1}, nil},
		{"two, the more used first", "", map[string]int{"Event": 3, "Events": 12}, []string{
			`"Events" (12) and "Event" (3) look like one category; to make them one, put this below categories:
  - title: Events
    match: {tags: [Events, Event]}
`}},
		{"three and two, the more used first", "", map[string]int{"App": 1, "Apps": 1, "Summit": 4, "Sumit": 1, "Summits": 2, "Summitt": 1}, []string{
			`"Summit" (4), "Summits" (2) and "Summitt" (1) look like one category; to make them one, put this below categories:
  - title: Summit
    match: {tags: [Summit, Summits, Summitt]}
`, `"App" (1) and "Apps" (1) look like one category; to make them one, put this below categories:
  - title: App
    match: {tags: [App, Apps]}
`}},
		{"one is configured", "categories: [{title: Event, slug: e, match: {tags: [Meeting], words: [meet up]}}]", map[string]int{"Event": 1, "Events": 12}, []string{
			`"Event" (1) and "Events" (12) look like one category; to make them one, change it so below categories:
  - title: Event
    slug: e
    match: {tags: [Meeting, Events], words: [meet up]}
`}},
		{"one is configured and not stored yet", "categories: [{title: Event}]", map[string]int{"Events": 12}, []string{
			`"Event" (0) and "Events" (12) look like one category; to make them one, change it so below categories:
  - title: Event
    match: {tags: [Events]}
`}},
		{"both are configured", "categories: [{title: Event}, {title: Events}]", map[string]int{"Event": 1, "Events": 12}, nil},
		{"two of three are configured", "categories: [{title: Event}, {title: Events}]", map[string]int{"Event": 1, "Events": 12, "Eventss": 1}, []string{
			`"Events" (12) and "Eventss" (1) look like one category; to make them one, change it so below categories:
  - title: Events
    match: {tags: [Eventss]}
`}},
		{"a rule takes the other already", "categories: [{title: Event, match: {tags: [events]}}]", map[string]int{"Event": 1, "Events": 12}, nil},
		{"tags make no categories any more", "tags_as_categories: false", map[string]int{"Event": 1, "Events": 12}, nil},
		{"a source names the other", "sources: [{feed: https://a.example/feed, slug: a, categories: [Event]}, {feed: https://b.example/feed, slug: b}]",
			map[string]int{"Event": 1, "Events": 12}, []string{
				`"Events" (12) and "Event" (1) look like one category; to make them one, put this below categories:
  - title: Events
    match: {tags: [Events, Event]}
  and in the categories of the source a write "Events", not "Event"
`}},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			if got := planetOf(t, test.config).likeCategories(storedCategories(test.stored)); !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestAuthorsWhoLookLikeOneAreSuggested(t *testing.T) {
	tests := []struct {
		why, config string
		stored      map[string]int
		want        []string
	}{
		{"nobody", "", nil, nil},
		{"several spellings", "", map[string]int{"Nyco": 2, "nyco": 1, "Nÿco": 1, "Bob": 9}, []string{
			`"Nyco" (2), "Nÿco" (1) and "nyco" (1) look like one author; to make them one, put this below authors:
  - name: Nyco
    aliases: [Nÿco, nyco]
`}},
		{"spellings of a name that is in the table", "authors: [{name: Nyco}]", map[string]int{"Nyco": 2, "nyco": 1, "Nÿco": 1}, nil},
		{"like one in the table", "authors: [{name: Edward, aliases: [ed]}]", map[string]int{"ed": 2, "Edwart": 1}, []string{
			`"Edward" (2) and "Edwart" (1) look like one author; to make them one, change it so below authors:
  - name: Edward
    aliases: [ed, Edwart]
`}},
		{"two in the table", "authors: [{name: Andrea}, {name: Andreas}]", map[string]int{"Andrea": 1, "andreas": 1}, nil},
		{"names that YAML would take for something else", "", map[string]int{"[Ann]: b": 2, "[ann]: b": 1}, []string{
			`"[Ann]: b" (2) and "[ann]: b" (1) look like one author; to make them one, put this below authors:
  - name: "[Ann]: b"
    aliases: ["[ann]: b"]
`}},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			if got := planetOf(t, test.config).likeAuthors(test.stored); !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// Whatever strangers are called: who pastes what is suggested has a valid
// configuration, and is not told the same again.
func TestSuggestionsThatAreFollowedEnd(t *testing.T) {
	for i, name := range []string{"Nyco", "yes", "a: b", "#tag", `"quoted`, "$${HOME} x", "${HOME} x", "C++ news", "- dash", "[x]y", "Ärzte", "back\\slash"} {
		categories := storedCategories(map[string]int{name: 2, name + "s": 1})
		authors := map[string]int{strings.ToUpper(name): 2, name: 1}
		pl := planetOf(t, "")
		got := slices.Concat(pl.likeCategories(categories), pl.likeAuthors(authors))
		text := ""
		for _, s := range got {
			_, what, _ := strings.Cut(s, "below ")
			text += what
		}
		pl = planetOf(t, text)
		if again := slices.Concat(pl.likeCategories(categories), pl.likeAuthors(authors)); len(again) > 0 {
			t.Errorf("%d %q: after pasting\n%s\ngot\n%s", i, name, text, again)
		}
		if len(got) == 0 {
			t.Errorf("%d %q: nothing was suggested", i, name)
		}
	}
}

func TestSourceDropsAPersonUnderAllNames(t *testing.T) {
	pl := planetOf(t, `
sources: [{feed: "https://a.example/feed", drop: {authors: [Robot]}}]
authors: [{name: Robot, aliases: [bot, "cron job"]}]
`)
	for name, want := range map[string]bool{"robot": false, "Cron-Job": false, "Ann": true} {
		e := feeds.Entry{Authors: []feeds.Person{{Name: name}}}
		if got := pl.sources[0].Kept(&e); got != want {
			t.Errorf("%s: kept %v, want %v", name, got, want)
		}
	}
}

func TestSuggestionsHaveAnOrder(t *testing.T) {
	stored := map[string]int{}
	for i := range 30 {
		name := strings.Repeat(string(rune('a'+i)), 4)
		stored[name], stored[name+"s"] = 1, 1
	}
	first := planetOf(t, "").likeCategories(storedCategories(stored))
	for range 5 {
		if again := planetOf(t, "").likeCategories(storedCategories(stored)); !slices.Equal(again, first) {
			t.Fatal("the order is not always the same")
		}
	}
}
