package aggregator

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

const (
	// floodEntries is how many new posts of a known source are shown at once, if they
	// are far more than it writes; the others wait for floodTime (dedupe.md 7).
	floodEntries = 20
	floodTime    = 24 * time.Hour
	// floodFactor is how many times more than usual is far more.
	floodFactor = 5
	// freshTime is how young a post is to be one of a flood: what is older takes its
	// place far below, and is in nobody's way.
	freshTime = 7 * 24 * time.Hour
)

// hold marks the new entries that are to be held back as a flood, and returns how
// many. A folder belongs to its owner, and a first visit brings what there is.
func hold(now time.Time, s *feeds.Source, entries []feeds.Entry, known map[string]feeds.Known) int {
	if s.Local() || s.State.LastSuccess.IsZero() {
		return 0
	}
	var fresh []*feeds.Entry
	for i := range entries {
		e := &entries[i]
		if _, ok := known[e.GUID]; !ok && now.Sub(e.Sort) < freshTime {
			fresh = append(fresh, e)
		}
	}
	if len(fresh) <= floodEntries || len(fresh) <= floodFactor*usual(now, s) {
		return 0
	}
	slices.SortStableFunc(fresh, func(a, b *feeds.Entry) int { return cmp.Or(b.Sort.Compare(a.Sort), cmp.Compare(a.GUID, b.GUID)) })
	for _, e := range fresh[floodEntries:] {
		e.HeldUntil = now.Add(floodTime)
	}
	return len(fresh) - floodEntries
}

// usual is how many posts the source may be expected to have written since it was
// visited last.
func usual(now time.Time, s *feeds.Source) int {
	if s.Pace.Tempo <= 0 {
		return 0
	}
	return int(now.Sub(s.State.LastSuccess)/s.Pace.Tempo) + 1
}

// floodSentence says what is held back, and for how long.
func floodSentence(now time.Time, s *feeds.Source, entries []feeds.Entry) string {
	n := 0
	for i := range entries {
		if !entries[i].HeldUntil.IsZero() {
			n++
		}
	}
	return fmt.Sprintf("%d new posts at once are far more than it writes: the %d newest are shown, the others after %s or with orrery release %s",
		n+floodEntries, floodEntries, now.Add(floodTime).UTC().Format("2 January 15:04 UTC"), s.Slug)
}

// listed are the GUIDs of all that the source lists, nil where the answer says less
// than that.
func listed(s *feeds.Source, r *fetch.Response) []string {
	const changesAlone = 226 // RFC 3229 §10.4.1
	if s.Local() || r.Feed.Truncated || r.Status == changesAlone || len(r.Feed.Entries) == 0 {
		return nil
	}
	guids := make([]string, len(r.Feed.Entries))
	for i := range r.Feed.Entries {
		guids[i] = r.Feed.Entries[i].GUID
	}
	return guids
}

// redated says that the source gives an unchanged entry a later date of change than
// the store has.
func redated(now time.Time, e *feeds.Entry, k feeds.Known) bool {
	return e.Updated.After(k.Updated) && !e.Updated.After(now)
}

// datesAnew says that the source dates most of its unchanged entries anew: then its
// dates say nothing (dedupe.md 6).
func datesAnew(now time.Time, f *feeds.Feed, known map[string]feeds.Known) bool {
	moved, of := 0, 0
	for i := range f.Entries {
		e := &f.Entries[i]
		if k, ok := known[e.GUID]; ok {
			of++
			if redated(now, e, k) {
				moved++
			}
		}
	}
	return moved > 2 && moved > of/2
}
