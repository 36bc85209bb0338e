package aggregator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// epoch is when every test begins.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var errTrouble = errors.New("the server is on fire")

// post is an entry as a source has it.
func post(name string) feeds.Entry {
	return feeds.Entry{
		GUID: name, Permalink: "https://posts.example/" + name, Title: "Post " + name,
		Content: "<p>Text of " + name + "</p>", Published: epoch.Add(-time.Hour),
	}
}

func guids(list []feeds.Entry) string {
	var out []string
	for i := range list {
		out = append(out, list[i].GUID)
	}
	return strings.Join(out, " ")
}

func TestDecideKeepsWhatIsNewOrRevised(t *testing.T) {
	same, revised, back := post("same"), post("revised"), post("back")
	known := map[string]feeds.Known{
		"same": {Hash: same.Hash()}, "revised": {Hash: "old"}, "back": {Hash: back.Hash(), Withdrawn: true}, "missing": {Hash: "x"},
	}
	list := []feeds.Entry{same, revised, post("new"), back}
	old := feeds.Validators{URL: "u", ETag: "old"}
	fresh := feeds.Validators{URL: "u", ETag: "new"}
	for _, c := range []struct {
		name      string
		source    feeds.Source
		response  fetch.Response
		err       error
		outcome   feeds.Outcome
		entries   string // GUIDs; "-": the feed was not read
		validator string
		withdrawn int
	}{
		{"new and revised ones", feeds.Source{}, fetch.Response{Feed: &feeds.Feed{Entries: list}, Validators: fresh}, nil, feeds.Changed, "revised new back", "new", 0},
		{"nothing new", feeds.Source{}, fetch.Response{Feed: &feeds.Feed{Entries: list[:1]}, Validators: fresh}, nil, feeds.Unchanged, "", "new", 0},
		// fetching.md 27: a feed that shrinks or empties deletes nothing.
		{"an empty feed", feeds.Source{}, fetch.Response{Feed: &feeds.Feed{}, Validators: fresh}, nil, feeds.Unchanged, "", "new", 0},
		{"a 304", feeds.Source{}, fetch.Response{NotModified: true, Status: 304, Validators: fresh}, nil, feeds.Unchanged, "-", "new", 0},
		{"a failure", feeds.Source{}, fetch.Response{Status: 500, Validators: fresh, Withdrawn: []string{"same"}, Problems: []string{"p"}}, errTrouble, feeds.Failed, "-", "old", 0},
		{"a failure with a feed", feeds.Source{}, fetch.Response{Feed: &feeds.Feed{Entries: list}, Validators: fresh}, errTrouble, feeds.Failed, "-", "old", 0},
		{"404", feeds.Source{}, fetch.Response{Status: 404}, fmt.Errorf("it: %w", &fetch.StatusError{Status: 404}), feeds.Failed, "-", "old", 0},
		{"410 behind a redirect", feeds.Source{}, fetch.Response{Status: 410}, &fetch.StatusError{Status: 410, Redirected: true}, feeds.Failed, "-", "old", 0},
		{"410 where it has moved to", feeds.Source{Address: "https://b.example/"}, fetch.Response{Status: 410}, &fetch.StatusError{Status: 410}, feeds.Failed, "-", "old", 0},
		{"410", feeds.Source{}, fetch.Response{Status: 410}, fmt.Errorf("it: %w", &fetch.StatusError{Status: 410}), feeds.Gone, "-", "old", 0},
		{"a deleted post", feeds.Source{}, fetch.Response{Feed: &feeds.Feed{}, Withdrawn: []string{"same"}, Validators: fresh}, nil, feeds.Changed, "", "new", 1},
		{"only some are kept", feeds.Source{Keep: feeds.Match{Words: []string{"new", "same"}}}, fetch.Response{Feed: &feeds.Feed{Entries: list}, Validators: fresh}, nil, feeds.Changed, "new", "new", 0},
		{"some are dropped", feeds.Source{Drop: feeds.Match{Words: []string{"new"}}}, fetch.Response{Feed: &feeds.Feed{Entries: list}, Validators: fresh}, nil, feeds.Changed, "revised back", "new", 0},
		{"all are dropped", feeds.Source{Drop: feeds.Match{Words: []string{"post"}}}, fetch.Response{Feed: &feeds.Feed{Entries: list}, Validators: fresh}, nil, feeds.Unchanged, "", "new", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := feeds.Due{Source: c.source, Validators: old, Fence: 7}
			v := decide(epoch, d, c.response, c.err, known, &feeds.Rules{}, Intervals{})
			got := "-"
			if v.Feed != nil {
				got = guids(v.Feed.Entries)
			}
			if v.Outcome != c.outcome || got != c.entries || v.Validators.ETag != c.validator || len(v.Withdrawn) != c.withdrawn {
				t.Errorf("outcome %d, entries %q, validator %s, withdrawn %v", v.Outcome, got, v.Validators.ETag, v.Withdrawn)
			}
			if v.Due.Fence != 7 || !v.At.Equal(epoch) || v.Status != c.response.Status || !errors.Is(v.Err, c.err) {
				t.Errorf("visit %+v", v)
			}
		})
	}
}

func TestDecideLeavesTheFeedItWasGivenAlone(t *testing.T) {
	f := &feeds.Feed{Title: "T", Entries: []feeds.Entry{post("a"), post("b")}}
	before := fmt.Sprintf("%+v", f)
	v := decide(epoch, feeds.Due{}, fetch.Response{Feed: f}, nil, nil, &feeds.Rules{}, Intervals{})
	if now := fmt.Sprintf("%+v", f); now != before || v.Feed.Title != "T" || guids(v.Feed.Entries) != "a b" {
		t.Errorf("was %s\nis  %s", before, now)
	}
}

func TestDecidedEntryHasItsCategoriesAndLanguage(t *testing.T) {
	rules := &feeds.Rules{Rules: []feeds.Rule{{CategoryName: feeds.CategoryName{Slug: "texts", Title: "Texts"}, Match: feeds.Match{Words: []string{"text"}}}}}
	d := feeds.Due{Source: feeds.Source{Language: "de_AT", Categories: []feeds.CategoryName{{Slug: "all", Title: "All"}}}}
	french := post("french")
	french.Language = "fr"
	v := decide(epoch, d, fetch.Response{Feed: &feeds.Feed{Entries: []feeds.Entry{post("a"), french}}}, nil, nil, rules, Intervals{})
	want := []feeds.CategoryName{{Slug: "all", Title: "All"}, {Slug: "texts", Title: "Texts"}}
	for i, language := range []string{"de-AT", "fr"} {
		base := language[:2]
		want := append(slices.Clip(want), feeds.CategoryName{Slug: feeds.LanguageList + base, Title: base})
		if e := v.Feed.Entries[i]; !slices.Equal(e.Categories, want) || e.Language != language {
			t.Errorf("%s: categories %v, language %s", e.GUID, e.Categories, e.Language)
		}
	}
	// The language the source lends is part of what is stored, so it is known the next time.
	known := map[string]feeds.Known{"a": {Hash: v.Feed.Entries[0].Hash()}}
	if v := decide(epoch, d, fetch.Response{Feed: &feeds.Feed{Entries: []feeds.Entry{post("a")}}}, nil, known, rules, Intervals{}); v.Outcome != feeds.Unchanged {
		t.Errorf("the same entry is new: %+v", v.Feed.Entries)
	}
}

// parsing.md 24, 25: sort = min(published, first seen).
func TestEntryIsPlacedWhereItsDatesCanBeBelieved(t *testing.T) {
	now := epoch.Add(999) // nanoseconds are not kept
	past, older := epoch.Add(-time.Hour), epoch.Add(-48*time.Hour)
	future := epoch.Add(time.Hour)
	third := epoch.Add(-3 * time.Microsecond)
	for _, c := range []struct {
		name                             string
		published, updated, sort, change time.Time
	}{
		{"published", past, time.Time{}, past, past},
		{"published now", epoch, time.Time{}, epoch, epoch},
		{"published and updated", older, past, older, past},
		{"updated before it was published", past, older, past, past},
		{"undated", time.Time{}, time.Time{}, third, third},
		{"only updated, as Atom may", time.Time{}, past, past, past},
		{"in the future", future, time.Time{}, third, third},
		{"only updated, in the future", time.Time{}, future, third, third},
		{"updated in the future", past, future, past, past},
		{"both in the future", future, future, third, third},
	} {
		e := feeds.Entry{Published: c.published, Updated: c.updated}
		place(&e, now, now, 3)
		if !e.Sort.Equal(c.sort) || !e.Changed.Equal(c.change) || !e.FirstSeen.Equal(epoch) {
			t.Errorf("%s: sort %v, changed %v, first seen %v", c.name, e.Sort, e.Changed, e.FirstSeen)
		}
		if !e.Published.Equal(c.published) || !e.Updated.Equal(c.updated) {
			t.Errorf("%s: what the source said was changed", c.name)
		}
	}
}

// dedupe.md 7: a new source floods nothing with its undated pages.
func TestUndatedEntriesOfAFirstVisitRankBelowTheDatedOnes(t *testing.T) {
	day := func(n int) time.Time { return epoch.AddDate(0, 0, -n) }
	imprint, first, second, ahead := post("imprint"), post("first"), post("second"), post("ahead")
	imprint.Published, first.Published, second.Published, ahead.Published = time.Time{}, day(9), day(2), epoch.Add(time.Hour)
	list := []feeds.Entry{imprint, first, second, ahead}
	sorts := func(s feeds.Source) map[string]time.Time {
		out := map[string]time.Time{}
		v := decide(epoch, feeds.Due{Source: s}, fetch.Response{Feed: &feeds.Feed{Entries: list}}, nil, nil, &feeds.Rules{}, Intervals{})
		for _, e := range v.Feed.Entries {
			out[e.GUID] = e.Sort
		}
		return out
	}
	got := sorts(feeds.Source{URL: "https://a.example/feed"})
	if !got["imprint"].Before(day(8)) || !got["first"].Equal(day(9)) || !got["ahead"].After(day(1)) {
		t.Errorf("first visit: %v", got)
	}
	got = sorts(feeds.Source{URL: "https://a.example/feed", State: feeds.State{LastSuccess: day(1)}})
	if !got["imprint"].After(day(1)) {
		t.Errorf("a later visit: an undated entry is new, but placed at %v", got["imprint"])
	}
}

// fetching.md 5: the entries of a truncated answer count, its ETag does not.
func TestTruncatedFeedLeavesNoETagBehind(t *testing.T) {
	d := feeds.Due{Source: feeds.Source{URL: "https://a.example/feed"}, Validators: feeds.Validators{URL: "u", ETag: "old", LastModified: "then"}}
	got := feeds.Validators{URL: "u", ETag: "new", LastModified: "now", BodyHash: "hash"}
	f := &feeds.Feed{Entries: []feeds.Entry{post("a")}}
	v := decide(epoch, d, fetch.Response{Feed: f, Validators: got}, nil, nil, &feeds.Rules{}, Intervals{})
	if v.Validators.ETag != "new" {
		t.Errorf("of a whole answer: %+v", v.Validators)
	}
	f.Truncated = true
	v = decide(epoch, d, fetch.Response{Feed: f, Validators: got}, nil, nil, &feeds.Rules{}, Intervals{})
	if want := (feeds.Validators{URL: "u", BodyHash: "hash"}); len(v.Feed.Entries) != 1 || v.Validators.ETag != "" || v.Validators.LastModified != "" || v.Validators.BodyHash != want.BodyHash {
		t.Errorf("of a truncated one: %d entries, %+v", len(v.Feed.Entries), v.Validators)
	}
}

// A document whose end is always missing is read again once, and not with every visit.
func TestTruncatedFeedIsReadAgainUntilItsEndNeverComes(t *testing.T) {
	cut := fetch.Response{Feed: &feeds.Feed{Truncated: true, Entries: []feeds.Entry{post("a")}}}
	for _, c := range []struct {
		name   string
		reread bool
		state  feeds.State
		unread bool
	}{
		{"a new one", false, feeds.State{}, false},
		{"one that was whole", true, feeds.State{LastSuccess: epoch}, true},
		{"one whose end was missing, too", true, feeds.State{LastSuccess: epoch, LastError: "a post has no title\n" + endMissing}, false},
	} {
		d := feeds.Due{Source: feeds.Source{URL: "https://a.example/feed", State: c.state}, Reread: c.reread}
		if v := decide(epoch, d, cut, nil, nil, &feeds.Rules{}, Intervals{}); v.Unread != c.unread {
			t.Errorf("%s: %v", c.name, v.Unread)
		}
	}
}

// parsing.md 24: a year nobody can believe is no date at all.
func TestEntryDatedBefore1990IsUndated(t *testing.T) {
	e := post("old")
	e.Published = time.Date(1989, 12, 31, 0, 0, 0, 0, time.UTC)
	f := &feeds.Feed{Entries: []feeds.Entry{e}}
	feeds.Normalize(f, "https://posts.example/")
	v := decide(epoch, feeds.Due{}, fetch.Response{Feed: f}, nil, nil, &feeds.Rules{}, Intervals{})
	if got := v.Feed.Entries[0].Sort; !got.Equal(epoch) {
		t.Errorf("it stands at %v", got)
	}
}

func TestUndatedEntriesKeepTheOrderOfTheirDocument(t *testing.T) {
	f := &feeds.Feed{}
	for i := range 9 {
		e := post(fmt.Sprint(i))
		e.Published = time.Time{}
		f.Entries = append(f.Entries, e)
	}
	v := decide(epoch, feeds.Due{}, fetch.Response{Feed: f}, nil, nil, &feeds.Rules{}, Intervals{})
	for i := 1; i < len(v.Feed.Entries); i++ {
		if !v.Feed.Entries[i].Sort.Before(v.Feed.Entries[i-1].Sort) {
			t.Errorf("%d does not stand below %d", i, i-1)
		}
	}
}

// hostile.md, Faults: what was noted by a clock that was a year ahead.
func TestTimesOfAClockThatWasAheadHoldNothingBack(t *testing.T) {
	ahead := epoch.AddDate(1, 0, 0)
	for after, due := range map[time.Time]bool{epoch: true, epoch.Add(7 * 24 * time.Hour): false, ahead: true} {
		if b := (feeds.Backfill{URL: "https://a.example/2", After: after}); b.Due(epoch) != due {
			t.Errorf("what is not to be read before %v: %v", after, !due)
		}
	}
	s := feeds.Source{URL: "https://a.example/feed", Site: "https://a.example/", State: feeds.State{LastSuccess: epoch}}
	for looked, want := range map[time.Time]bool{{}: true, epoch.Add(-time.Hour): false, ahead: true} {
		s.Moving.Looked = looked
		if lost(epoch, &s, &fetch.StatusError{Status: 404}) != want {
			t.Errorf("whose site was asked at %v: %v", looked, !want)
		}
	}
	s.Moving = feeds.Move{To: "https://b.example/", Since: ahead, Seen: 9}
	if m, _ := moved(epoch, &s, &fetch.Response{MovedTo: "https://b.example/"}, nil); !m.Since.Equal(epoch) || m.Seen != 1 {
		t.Errorf("moved since %v, seen %d", m.Since, m.Seen)
	}
}
