package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// storyOf is an entry with a copy of each of these sources.
func storyOf(id string, slugs ...string) *feeds.Story {
	s := &feeds.Story{ID: id, Title: strings.ToUpper(id), Shown: true}
	for _, slug := range slugs {
		s.Copies = append(s.Copies, feeds.CopyStory{Source: slug})
	}
	return s
}

func TestHidingSaysWhatItDidAndHowToUndoIt(t *testing.T) {
	for _, c := range []struct {
		changed, hidden, shown bool
		want                   string
	}{
		{true, true, false, `"X" (x) is hidden from every page and feed; orrery hide --undo x shows it again`},
		{false, true, false, `"X" (x) was hidden already; orrery hide --undo x shows it again`},
		{true, false, true, `"X" (x) is shown again; orrery hide x hides it`},
		{true, false, false, `"X" (x) is hidden no more, but it is not shown either: orrery why x`},
		{false, false, true, `"X" (x) is not hidden; orrery why x tells where it stands`},
	} {
		s := storyOf("x", "a")
		s.Shown = c.shown
		if got := hideSentence(s, c.changed, c.hidden); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestSplittingSaysHowToMergeAgain(t *testing.T) {
	s := storyOf("x", "a", "b", "c")
	for want, ids := range map[string][]string{
		`"X" (x) is 2 entries now, x and y; to make them one again: orrery merge x y`:                        {"x", "y"},
		`"X" (x) is 3 entries now, x, y and z; to make them one again: orrery merge x y && orrery merge x z`: {"y", "x", "z"},
		`"X" (x) is one entry still: orrery why x`:                                                           {"x"},
	} {
		if got := splitSentence(s, ids); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestMergingSaysHowToSplitAgain(t *testing.T) {
	for _, c := range []struct {
		id   string
		x, y *feeds.Story
		want string
	}{
		{"x", storyOf("x", "a"), storyOf("y", "b"), `"Y" (y) is one with "X" (x) now, and its address leads there; to part them again: orrery split x`},
		{"y", storyOf("x", "a"), storyOf("y", "b"), `"X" (x) is one with "Y" (y) now, and its address leads there; to part them again: orrery split y`},
		{"x", storyOf("x", "a", "b"), storyOf("y", "c"), `"Y" (y) is one with "X" (x) now, and its address leads there; to part them again: orrery split x c`},
		{"y", storyOf("x", "a", "b"), storyOf("y", "c"), `"X" (x) is one with "Y" (y) now, and its address leads there; to part them again: orrery split y c`},
		{"x", storyOf("x", "a", "b"), storyOf("y", "a"), `"Y" (y) is one with "X" (x) now, and its address leads there; to part them again: orrery split x`},
		{"x", storyOf("x", "a", "b"), storyOf("y", "c", "d"), `"Y" (y) is one with "X" (x) now, and its address leads there; to part them again: orrery split x`},
	} {
		if got := mergeSentence(c.id, c.x, c.y); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestWhatCannotBeSplitIsSaid(t *testing.T) {
	for _, c := range []struct {
		story      *feeds.Story
		slug, want string
	}{
		{storyOf("x", "a"), "", `"X" (x) has no other copy than that of a: there is nothing to split`},
		{storyOf("x", "a", "b"), "c", `"X" (x) has no copy of a source "c"; it has those of a and b`},
		{storyOf("x", "a", "a"), "a", `all copies of "X" (x) are of a; orrery split x parts them`},
		{storyOf("x", "a", "a"), "", ""},
		{storyOf("x", "a", "b", "b"), "b", ""},
	} {
		err := splittable(c.story, c.slug)
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, new(usageError)) || err.Error() != c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func TestReleaseSaysHowMuchItLetGo(t *testing.T) {
	for want, c := range map[string]struct {
		held  bool
		posts int
	}{
		"nothing of a is held back":                                                         {false, 0},
		"1 post of a that was held back is shown":                                           {false, 1},
		"7 posts of a that were held back are shown":                                        {false, 7},
		"a is taken as it is with the next pass":                                            {true, 0},
		"2 posts of a that were held back are shown|a is taken as it is with the next pass": {true, 2},
	} {
		if got := strings.Join(released("a", c.held, c.posts), "|"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestListOfSourcesSaysWhatIsHeldBackAndKept(t *testing.T) {
	until := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	held := map[string]feeds.HeldPosts{"a": {Posts: 1, Until: until}, "b": {Posts: 30, Until: until}}
	for slug, want := range map[string]string{
		"a": "1 post is held back as a flood until 2026-03-01 12:00; orrery release a shows them now",
		"b": "30 posts are held back as a flood until 2026-03-01 12:00; orrery release b shows them now",
		"c": "",
	} {
		if got := floodOf(slug, held); got != want {
			t.Errorf("%s: %s", slug, got)
		}
	}
	for want, r := range map[string]feeds.Retain{
		"": {}, "the newest 1 post": {Entries: 1}, "what is not older than 30 days": {Days: 30},
		"the newest 40 posts, and only what is not older than 1 day": {Days: 1, Entries: 40},
	} {
		if got := retained(r); got != want {
			t.Errorf("%+v: %s", r, got)
		}
	}
}
