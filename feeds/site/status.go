package site

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orrery/feeds"
)

// statusAge is how long the status page is current. Every visit changes it, but not the
// store's Version: a visit that found nothing new is to change no other page.
const statusAge = time.Minute

// statusControl lets others keep the page no longer than we do, and not beyond: old
// news of a planet's health misleads.
var statusControl = fmt.Sprintf("public, max-age=%d", statusAge/time.Second)

// maxTroubles is how many troubles of one source are told apart: a folder has one for
// every post that cannot be read.
const maxTroubles = 5

// status is how the sources are doing.
type status struct {
	Counts     string // of the sources in each condition
	Last, Next moment // visits of the planet as a whole
	Care       []care
	Rows       []statusRow
	Words      []condition // that Rows use
	Told       *hearers    // nil if nobody listens
}

// care is a source that needs attention, with sentences for its owner.
type care struct {
	link
	Condition string
	Trouble   []string
	More      int    // further ones
	Says      string // since when; ends in At, if that is not zero
	At        moment
	Held      string // posts that are held back
	HeldUntil moment
	HeldThen  string // what becomes of them
	Health    *chart // of the last days; nil for a folder
	Feed      string
}

type statusRow struct {
	link
	Doing         string // where it says more
	Condition     string
	Ill           bool
	Success, Next moment
	Posts         int
}

// condition is a word that Source.Condition says, and what it means.
type condition struct{ Word, Means string }

// sameAs stands for all sources that are the same as some other.
const sameAs = "same as another"

// conditions are those that a page shows, in the order people are told of them.
var conditions = []condition{
	{"ok", "The last visit went well."},
	{"moved", "It has a new address for good, and is visited there."},
	{"partly", "The last visit went well, but something was left out."},
	{"new", "It has not been visited yet."},
	{"failing", "The last visit failed. It is visited again, and its posts stay."},
	{"held", "What it says now looks like somebody else’s, and is not taken."},
	{"gone", "Its server says that it will not come back. It is not visited any more, and its posts stay."},
	{"paused", "Whoever keeps the planet lets it rest. Its posts stay."},
	{sameAs, "It has moved to where another source is. Only that one is visited."},
}

// status tells of all sources that are still configured.
func (s *Site) status(m material) *status {
	list, held := m.sources, m.held
	st := &status{}
	count := map[string]int{}
	var last, next time.Time
	for i := range list {
		x := &list[i]
		if x.Retired {
			continue
		}
		when, at := nextVisit(x)
		row := statusRow{
			link: s.sourceLink(x), Condition: x.Condition(), Success: minuteOf(x.State.LastSuccess, "never"), Next: minuteOf(at, when), Posts: x.Entries,
		}
		if validName(x.Slug) {
			row.Doing = s.href(route{kind: atWhy, name: x.Slug})
		}
		if c, ok := s.care(x, held[x.Slug], minuteUTC); ok {
			row.Ill = c.Says != ""
			if !x.Local() {
				c.Health = health(x.State.Health, m.last())
			}
			st.Care = append(st.Care, c)
		}
		st.Rows = append(st.Rows, row)
		count[kindOf(row.Condition)]++
		if x.State.LastVisit.After(last) {
			last = x.State.LastVisit
		}
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	slices.SortFunc(st.Rows, func(a, b statusRow) int { return byName(a.link, b.link) })
	slices.SortFunc(st.Care, func(a, b care) int { return byName(a.link, b.link) })
	var counts []string
	for _, c := range conditions {
		if n := count[c.Word]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, c.Word))
			st.Words = append(st.Words, c)
		}
	}
	st.Counts = plural(len(st.Rows), "source", "sources") + ": " + strings.Join(counts, ", ") + "."
	st.Last, st.Next = minuteOf(last, ""), minuteOf(next, "")
	st.Told = hearersOf(m.debts)
	return st
}

// kindOf is the word of conditions for what a source says.
func kindOf(word string) string {
	if strings.HasPrefix(word, "same as ") {
		return sameAs
	}
	return word
}

// nextVisit is when a source is visited next; without a time, in words.
func nextVisit(x *feeds.Source) (words string, at time.Time) {
	switch {
	case x.Paused:
		return "not while it is paused", at
	case x.SameAs != "", x.State.Gone:
		return "never", at
	case x.Local() && x.Every == 0: // whatever is noted: a look at a folder costs nothing
		return "with the next pass", at
	}
	return "with the next pass", x.State.NextVisit
}

// care says what is wrong with a source, if anything is, with times as on says them.
func (s *Site) care(x *feeds.Source, held feeds.HeldPosts, on func(t time.Time, none string) moment) (care, bool) {
	c := care{link: s.sourceLink(x), Condition: x.Condition(), Feed: s.feedOf(x)}
	says, since, ill := ailment(x)
	if ill {
		c.Says, c.At = says, on(since, "")
		c.Trouble = slices.DeleteFunc(strings.Split(x.PublicError(), "\n"), func(t string) bool { return t == "" })
		if n := len(c.Trouble); n > maxTroubles {
			c.Trouble, c.More = c.Trouble[:maxTroubles], n-maxTroubles
		}
	}
	switch {
	case held.Posts == 1:
		c.Held, c.HeldThen = "1 post is held back as a flood until", "it is shown then, or when whoever keeps the planet releases it"
	case held.Posts > 1:
		c.Held = fmt.Sprintf("%d posts are held back as a flood until", held.Posts)
		c.HeldThen = "they are shown then, or when whoever keeps the planet releases them"
	}
	c.HeldUntil = on(held.Until, "")
	return c, ill || held.Posts > 0
}

// ailment says how it stands with a source that is not well; the sentence ends in since,
// if that is not zero.
func ailment(x *feeds.Source) (says string, since time.Time, ill bool) {
	st := &x.State
	switch x.Condition() {
	case "failing":
		says = "It has failed once"
		if st.Failures > 1 {
			says = fmt.Sprintf("It has failed %d times in a row", st.Failures)
		}
	case "gone":
		says = "Its server says that it will not come back, so it is not visited any more"
	case "held":
		says = "What it says now is not taken until whoever keeps the planet lets it in"
	case "partly":
		return "The rest of it is here; the last visit was on", st.LastVisit, true
	default:
		return "", time.Time{}, false
	}
	if st.LastSuccess.IsZero() {
		return says + "; it was never visited with success", time.Time{}, true
	}
	return says + "; the last good visit was on", st.LastSuccess, true
}

// minuteUTC is a time to the minute that says so.
func minuteUTC(t time.Time, none string) moment {
	m := minuteOf(t, none)
	if !t.IsZero() {
		m.Text += " UTC"
	}
	return m
}

// minuteOf is a time to the minute, in UTC, which its surroundings have to say; none
// for the zero time.
func minuteOf(t time.Time, none string) moment {
	if t.IsZero() {
		return moment{Text: none}
	}
	m := momentOf(t)
	m.Text = t.UTC().Format("2 January 2006, 15:04")
	return m
}
