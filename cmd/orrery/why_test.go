package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// noon is when the stories of these tests begin, where people are.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)

// twoCopies is the story of a post that a and b have.
func twoCopies() feeds.Story {
	return feeds.Story{
		ID: "abc", Title: "One", Shown: true, FirstSeen: noon, Sort: noon,
		Copies: []feeds.CopyStory{
			{Source: "a", Permalink: "https://a.example/1", Rank: 1, FirstSeen: noon, Published: noon, Sort: noon, Length: 100, Secure: true},
			{Source: "b", Permalink: "https://b.example/1", Rank: 1, FirstSeen: noon, Published: noon, Sort: noon, Length: 100, Secure: true, Reason: "guid", With: "a"},
		},
	}
}

func TestStoryOfAPostIsToldWhole(t *testing.T) {
	s := twoCopies()
	s.Sort = noon.Add(-24 * time.Hour)
	s.Copies[0].Revision, s.Copies[0].Updated, s.Copies[0].Rank = 2, noon.Add(time.Hour), 0
	s.Copies[1].Published, s.Copies[1].Permalink = time.Time{}, "https://user:secret@b.example/1"
	s.Events = []feeds.Event{{What: "new", At: noon}, {What: "revised", At: noon.Add(time.Hour)}}
	got := (&teller{base: "https://p.example/"}).tell(&s, []feeds.CategoryName{{Title: "Ä, B"}, {Title: "C"}, {Title: "D"}})
	want := []string{
		`"One" (abc) is shown: https://p.example/entry/abc/`,
		`It came on 2026-03-01 12:00 and stands at 2026-02-28 12:00, in the categories "Ä, B", "C" and "D".`,
		`It has 2 copies:`,
		`  a: https://a.example/1`,
		`    First seen 2026-03-01 12:00; it is dated 2026-03-01 12:00, changed 2026-03-01 13:00; revised 2 times so far.`,
		`    It is the one that is shown: a folder of the planet's own comes before all other sources.`,
		`  b: https://user:xxxxx@b.example/1`,
		`    First seen 2026-03-01 12:00; it has no date; not revised so far.`,
		`    It is the same post: it has the same GUID as the copy of a.`,
		`The world was told: new on 2026-03-01 12:00, revised on 2026-03-01 13:00.`,
		`If these are not one post, orrery split abc parts them.`,
		`To take it off the planet: orrery hide abc`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestStorySaysWhereThePostStands(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *feeds.Story)
		state  string
		want   string
	}{
		"shown":       {func(s *feeds.Story) {}, "shown", `"One" (abc) is shown: https://p.example/entry/abc/`},
		"no title":    {func(s *feeds.Story) { s.Title = "" }, "shown", "The post abc is shown: https://p.example/entry/abc/"},
		"bold title":  {func(s *feeds.Story) { s.Title = "\x1b[1m\"O\"\u202e" }, "shown", `"\x1b[1m\"O\"\u202e" (abc) is shown: https://p.example/entry/abc/`},
		"merged":      {func(s *feeds.Story) { s.Shown, s.Merged, s.Copies = false, "def", nil }, "merged", "The entry abc was found to be the same post as def, which its address leads to."},
		"hidden":      {func(s *feeds.Story) { s.Shown, s.Hidden = false, true }, "hidden", `"One" (abc) is hidden: a person took it off. orrery hide --undo abc shows it again.`},
		"hidden held": {func(s *feeds.Story) { s.Shown, s.Hidden, s.Held = false, true, noon }, "hidden", `"One" (abc) is hidden: a person took it off. orrery hide --undo abc shows it again.`},
		"held": {func(s *feeds.Story) { s.Shown, s.Held = false, noon }, "held",
			`"One" (abc) is held back until 2026-03-01 12:00, as one of a flood: a brought far more posts at once than it usually writes. orrery release a shows them now.`},
		"too old": {func(s *feeds.Story) { s.Shown, s.Copies[0].Purged, s.Copies[1].Purged = false, true, true }, "old",
			`"One" (abc) has left the planet: it is older than its sources are to keep, or one too many (retain in the configuration).`},
		"taken back": {func(s *feeds.Story) { s.Shown, s.Copies[0].Withdrawn, s.Copies[1].Withdrawn = false, true, true }, "withdrawn",
			`"One" (abc) is withdrawn: its owner took it out of a and b.`},
		"one taken back, one too old": {func(s *feeds.Story) {
			s.Shown, s.Copies[0].Withdrawn, s.Copies[0].Rank, s.Copies[1].Purged = false, true, 0, true
		}, "withdrawn", `"One" (abc) is withdrawn: its owner took it out of a.`},
		"taken back though copied": {func(s *feeds.Story) { s.Shown, s.Copies[0].Withdrawn, s.Copies[0].Rank = false, true, 0 }, "withdrawn",
			`"One" (abc) is withdrawn: its owner took it out of a. That b still has it does not bring it back.`},
		"of nobody": {func(s *feeds.Story) { s.Shown, s.Copies = false, nil }, "withdrawn", `"One" (abc) is withdrawn: no source has it any more.`},
	} {
		t.Run(name, func(t *testing.T) {
			s := twoCopies()
			c.change(&s)
			lines := (&teller{base: "https://p.example/"}).tell(&s, nil)
			if lines[0] != c.want || stateOfStory(&s) != c.state {
				t.Errorf("got  %s: %s\nwant %s: %s", stateOfStory(&s), lines[0], c.state, c.want)
			}
			if all := strings.Join(lines, "\n"); strings.Contains(all, "orrery hide abc") != s.Shown {
				t.Errorf("how to hide it:\n%s", all)
			}
		})
	}
}

// dedupe.md 13, 14: the reason is the first in which the best two differ.
func TestStorySaysWhyThatCopyIsShown(t *testing.T) {
	for name, c := range map[string]struct {
		change func(a, b *feeds.CopyStory)
		want   string
	}{
		"a folder":         {func(a, b *feeds.CopyStory) { a.Rank, b.Sort = 0, noon.Add(-time.Hour) }, "folder"},
		"its own site":     {func(a, b *feeds.CopyStory) { b.Rank, b.Sort = 2, noon.Add(-time.Hour) }, "own"},
		"the earliest":     {func(a, b *feeds.CopyStory) { b.Sort, b.Length = noon.Add(time.Second), 1000 }, "earliest"},
		"the longest":      {func(a, b *feeds.CopyStory) { a.Length, a.Secure = 200, false }, "longest"},
		"a little longer":  {func(a, b *feeds.CopyStory) { b.Length, b.Secure = 101, false }, "https"},
		"all is equal":     {func(a, b *feeds.CopyStory) {}, "name"},
		"it is alone":      {func(a, b *feeds.CopyStory) { b.Withdrawn = true }, ""},
		"the other is old": {func(a, b *feeds.CopyStory) { b.Purged = true }, ""},
		"none is left":     {func(a, b *feeds.CopyStory) { a.Purged, b.Purged = true, true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := twoCopies()
			c.change(&s.Copies[0], &s.Copies[1])
			if got := s.ShownBecause(); got != c.want {
				t.Errorf("shown because %q, want %q", got, c.want)
			}
			if says := s.TellShown(); c.want != "" && strings.Contains(says, ": .") {
				t.Errorf("there is no sentence for %s: %s", c.want, says)
			}
			// What is not shown now would be shown for the same reason, in whatever
			// order the copies are named.
			s.Shown, s.Hidden = false, true
			slices.Reverse(s.Copies)
			if got := s.ShownBecause(); got != c.want {
				t.Errorf("hidden, because %q, want %q", got, c.want)
			}
		})
	}
}

func TestStorySaysWhatMakesCopiesOnePost(t *testing.T) {
	for reason, want := range map[string]string{
		"person": "a person said that it is one with the copy of a (orrery merge)",
		"guid":   "it has the same GUID as the copy of a",
		"link":   "it has the same address as the copy of a",
		"alias":  "its address is an alias of the copy of a, or that one's is an alias of it",
		"text":   "it says nearly the same as the copy of a",
	} {
		if got := (&feeds.CopyStory{Source: "b", Reason: reason, With: "a"}).Sameness(); got != want {
			t.Errorf("%s: %s", reason, got)
		}
	}
	for with, want := range map[string]string{"": "another copy", "b": "another copy of b"} {
		if got := (&feeds.CopyStory{Source: "b", Reason: "text", With: with}).Sameness(); got != "it says nearly the same as "+want {
			t.Errorf("with %q: %s", with, got)
		}
	}
}

// tellerOf tells of a planet with these sources.
func tellerOf(sources ...feeds.Source) *teller {
	a := feeds.Authors{}
	a.Add("Nyco", "nyco (XSF)")
	return &teller{base: "https://p.example/planet/", sources: sources, authors: a}
}

func TestUnknownAddressIsLookedForAtTheSourcesOfItsSite(t *testing.T) {
	planet := tellerOf(
		feeds.Source{Slug: "old", URL: "https://a.example/old.xml", Retired: true},
		feeds.Source{Slug: "a", URL: "https://a.example/feed.xml"},
		feeds.Source{Slug: "ann", URL: "https://feeds.example/ann", Site: "https://many.example/~ann/"},
		feeds.Source{Slug: "ben", URL: "https://feeds.example/ben", FeedLink: "https://many.example/~ben/"},
		feeds.Source{Slug: "deep", URL: "https://feeds.deep.example/x"},
		feeds.Source{Slug: "moved", URL: "https://gone.example/x", Address: "https://here.example/y"},
		feeds.Source{Slug: "folder", URL: "file:///posts", Site: "https://own.example/"},
		feeds.Source{Slug: "alone", URL: "file:///other"},
		feeds.Source{Slug: "port", URL: "http://127.0.0.1:8000/feed"},
	)
	for address, want := range map[string]string{
		"https://www.a.example/2026/1":  "a old",
		"http://A.example":              "a old",
		"https://many.example/~ann/1":   "ann",
		"https://many.example/~ben":     "ben",
		"https://many.example/~cat/1":   "ann ben",
		"https://blog.deep.example/1":   "",
		"https://deep.example/1":        "deep",
		"https://sub.own.example/1":     "folder",
		"https://own.example/1":         "folder",
		"https://gone.example/1":        "moved",
		"https://here.example/1":        "moved",
		"https://else.example/1":        "",
		"http://127.0.0.1:8000/x":       "port",
		"http://127.0.0.1:9000/x":       "port", // the same site, perhaps
		"https://a.example.evil.test/1": "",
		"https://feeds.example/1":       "ann ben",
	} {
		var got []string
		for _, s := range planet.near(address) {
			got = append(got, s.Slug)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestUnknownAddressIsToldWhatItIs(t *testing.T) {
	planet := tellerOf(feeds.Source{Slug: "a", URL: "https://a.example/feed.xml"})
	for address, want := range map[string]string{
		"https://b.example/1":                         "No source is at b.example; orrery sources add https://b.example/ looks for a feed there and adds it.",
		"https://a.example/":                          "https://a.example/ is the front page of a site, where many posts may point: no post is known by it. Name the address of the post itself.",
		"https://p.example/planet":                    "This is the planet itself. Name the address of a post, or of its page here.",
		"http://p.example/planet/entry/aaaaaaaaaa/#x": "No entry has, or had, the ID aaaaaaaaaa. An entry keeps its ID; look whether the address is complete.",
		"https://p.example/1":                         "No source is at p.example; orrery sources add https://p.example/ looks for a feed there and adds it.",
		"https://a.example/1":                         "The source a is of that site: https://a.example/feed.xml",
		"https://me:secret@a.example/1":               "No post here has the address https://me:xxxxx@a.example/1",
	} {
		m, err := planet.missing(address)
		if err != nil || !slices.Contains(m.lines, want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", address, err, strings.Join(m.lines, "\n"), want)
		}
	}
	for name, hint := range map[string]string{
		"": "write the address whole", "abc": "write the address whole", "two words.": "write the address whole", "mailto:a@b.example": "write the address whole",
		"blog.example/x": "did you mean https://blog.example/x ?", "ftp://a.example/x": "write the address whole", "https://": "write the address whole",
	} {
		_, err := planet.missing(name)
		if !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: %v, want %s", name, err, hint)
		}
	}
}

// A host with hundreds of feeds must not fill the screen.
func TestFewSourcesOfAHostAreToldOf(t *testing.T) {
	var list []feeds.Source
	for _, slug := range strings.Fields("a b c d e f g") {
		list = append(list, feeds.Source{Slug: slug, URL: "https://many.example/" + slug})
	}
	m, err := tellerOf(list...).missing("https://many.example/x/y")
	if err != nil || len(m.sources) != 7 || m.lines[len(m.lines)-1] != "So are 4 more; orrery sources lists them." || strings.Contains(strings.Join(m.lines, "\n"), "source d") {
		t.Errorf("%v, %q\n%s", err, m.sources, strings.Join(m.lines, "\n"))
	}
}

func TestSourceOfAnUnknownAddressSaysHowItStands(t *testing.T) {
	visited := feeds.State{LastVisit: noon, LastSuccess: noon, NextVisit: noon.Add(time.Hour)}
	failing := feeds.State{LastVisit: noon, LastSuccess: noon.Add(-time.Hour), NextVisit: noon.Add(time.Hour), Failures: 3, LastError: "no\x1b route\nat all"}
	never := failing
	never.LastSuccess = time.Time{}
	partly, held, gone := visited, failing, failing
	partly.LastError, held.Held, gone.Gone = "a post has no text", true, true
	const next, inspect = "The next visit: 2026-03-01 13:00", "A post is read while its feed lists it."
	for name, c := range map[string]struct {
		source feeds.Source
		want   []string // their beginnings
	}{
		"new":       {feeds.Source{}, []string{"It was never visited; orrery fetch a does it now.", inspect}},
		"well":      {feeds.Source{State: visited, Answer: feeds.Answer{Next: "it is so"}}, []string{"It was last visited on 2026-03-01 12:00, and that went well.", next + ", because it is so", inspect}},
		"partly":    {feeds.Source{State: partly}, []string{"It was last visited on 2026-03-01 12:00; not all of it went well: a post has no text", next, inspect}},
		"failing":   {feeds.Source{State: failing}, []string{"It was last visited on 2026-03-01 12:00; that failed, 3 visits in a row since 2026-03-01 11:00: no route at all", next, inspect}},
		"never":     {feeds.Source{State: never}, []string{"It was last visited on 2026-03-01 12:00; that failed, as all before: no route at all", next, inspect}},
		"held":      {feeds.Source{State: held}, []string{"What it says now looks like somebody else's and is held back; orrery release a lets it in.", "It was last visited", next, inspect}},
		"gone":      {feeds.Source{State: gone}, []string{"Nobody visits it: the server said that it is gone for good (410); orrery fetch a asks it all the same.", "It was last visited"}},
		"paused":    {feeds.Source{Paused: true, State: visited}, []string{"Nobody visits it: it is paused; orrery sources resume a.", "It was last visited"}},
		"retired":   {feeds.Source{Retired: true}, []string{"Nobody visits it: it is no longer configured."}},
		"elsewhere": {feeds.Source{SameAs: "b"}, []string{"Nobody visits it: it has moved to where b is; take it out of the configuration."}},
		"a past": {feeds.Source{State: visited, Backfill: feeds.Backfill{URL: "https://a.example/old", Left: 2}}, []string{
			"It was last visited", next, "Of its past: to be read from https://a.example/old on, at most 2 documents", inspect,
		}},
		"a folder": {feeds.Source{URL: "file:///home/a%20b/posts", State: visited}, []string{
			"It was last visited", "The next visit: next pass", "A draft is left out, and what is dated in the future or has expired. orrery inspect FILE says what is read in a post of /home/a b/posts.",
		}},
		"filters": {feeds.Source{
			State: visited, Keep: feeds.Match{Tags: []string{"XMPP"}, Authors: []string{"Nyco", "nyco(xsf)"}}, Drop: feeds.Match{Words: []string{"poker", "slot machine", "win"}},
		}, []string{
			"It was last visited", next, `Its filter keep lets in only what has the tag "XMPP", or is by "Nyco".`, `Its filter drop leaves out what says "poker", "slot machine" or "win".`, inspect,
		}},
		"filters by sources": {feeds.Source{State: visited, Keep: feeds.Match{Sources: []string{"a"}}, Drop: feeds.Match{Sources: []string{"b", "a"}}}, []string{
			"It was last visited", next, "Its filter drop leaves out everything of it.", inspect,
		}},
		"filters of others": {feeds.Source{State: visited, Keep: feeds.Match{Sources: []string{"b"}}}, []string{
			"It was last visited", next, `Its filter keep lets in only what is of the source "b".`, inspect,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.source
			s.Slug = "a"
			if s.URL == "" {
				s.URL = "https://user:secret@a.example/feed.xml"
			}
			lines := tellerOf().source(&s)
			if strings.Contains(strings.Join(lines, ""), "secret") || len(lines) != len(c.want)+1 {
				t.Fatalf("got\n%s", strings.Join(lines, "\n"))
			}
			for i, want := range c.want {
				if got := lines[i+1]; !strings.HasPrefix(got, "  "+want) {
					t.Errorf("got  %s\nwant   %s", got, want)
				}
			}
		})
	}
}
