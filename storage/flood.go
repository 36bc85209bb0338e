package storage

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"orrery/feeds"
)

const (
	// floodEntries is how many new posts of a known source are shown at once, if they
	// are far more than it writes; the others wait for floodTime (dedupe.md 7).
	floodEntries = 20
	floodTime    = 24 * time.Hour
	// floodFactor is how many times more than usual is far more.
	floodFactor = 5
)

// hold marks those of the new entries that are held back as a flood. A folder belongs
// to its owner, and a first visit brings what there is. What is older than recent takes
// its place far below, and is in nobody's way.
func (w *writer) hold(list []prepared) {
	if w.quiet || w.source.Local() {
		return
	}
	var fresh []*prepared
	for i := range list {
		if p := &list[i]; w.known[string(p.guid)] == nil && w.now.Sub(p.Sort) < recent {
			fresh = append(fresh, p)
		}
	}
	if len(fresh) <= floodEntries || len(fresh) <= floodFactor*usual(w.now, w.source) {
		return
	}
	slices.SortStableFunc(fresh, func(a, b *prepared) int { return cmp.Or(b.Sort.Compare(a.Sort), cmp.Compare(a.GUID, b.GUID)) })
	for _, p := range fresh[floodEntries:] {
		p.HeldUntil = w.now.Add(floodTime)
		w.tally.Held++
	}
}

// usual is how many posts the source may be expected to have written since it was
// visited last.
func usual(now time.Time, s *feeds.Source) int {
	if s.Pace.Tempo <= 0 {
		return 0
	}
	return int(now.Sub(s.State.LastSuccess)/s.Pace.Tempo) + 1
}

// noteFlood says with the source that posts of it were held back, until when, and what
// lets them go.
func (w *writer) noteFlood() error {
	if w.tally.Held == 0 {
		return nil
	}
	return w.exec(`UPDATE sources SET last_error = CASE last_error WHEN '' THEN $1 ELSE last_error || $3 || $1 END WHERE id = $2`,
		FloodSentence(w.source, w.tally.Held, w.now), w.source.ID, "\n")
}

// FloodSentence tells people of posts that are held back since the visit at the time.
func FloodSentence(s *feeds.Source, held int, at time.Time) string {
	return fmt.Sprintf("%d new posts at once are far more than it writes: the %d newest are shown, the others after %s or with orrery release %s",
		held+floodEntries, floodEntries, at.Add(floodTime).UTC().Format("2 January 15:04 UTC"), s.Slug)
}
