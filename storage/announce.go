package storage

import (
	"cmp"
	"slices"
	"time"
)

// What a visit announces at most (dedupe.md 7): what was published in the last week,
// the newest announced of it. A known source may also bring some older posts, such as
// a draft that was written long ago; more of them are an import.
const (
	recent       = 7 * 24 * time.Hour
	announced    = 20
	lateAnnounce = 3
)

// announce tells the world of the new entries it should hear of. All are stored and
// stand in their places by their own dates.
func (w *writer) announce() error {
	if w.mute {
		w.news = nil
		return nil
	}
	since := micros(w.now.Add(-recent))
	var old, young []news
	for _, n := range w.news {
		if n.sort < since {
			old = append(old, n)
		} else {
			young = append(young, n)
		}
	}
	newest := func(a, b news) int { return cmp.Or(cmp.Compare(b.sort, a.sort), cmp.Compare(a.entry, b.entry)) }
	slices.SortFunc(young, newest)
	told := young[:min(len(young), announced)]
	if !w.quiet && len(old) <= lateAnnounce {
		told = append(told, old...)
		for _, n := range old { // feeds show them beside their newest
			if err := w.exec(`UPDATE entries SET arrived = $1 WHERE id = $2`, micros(w.now), n.entry); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(told, func(a, b news) int { return cmp.Compare(a.entry, b.entry) })
	for _, n := range told {
		w.tell(n.entry, "new")
	}
	w.news = nil
	return nil
}
