package storage

import (
	"cmp"
	"slices"
	"time"
)

// What a visit announces (dedupe.md 7): what was published in the last week. Of a first
// visit, or a folder, which may be an import, it is the newest announced alone; a known
// source that is no flood writes so much, and is told whole. It may also bring some older
// posts, such as a draft that was written long ago; more of them are an import.
const (
	recent       = 7 * 24 * time.Hour
	announced    = 20
	lateAnnounce = 3
)

// announce tells the world of the new entries it should hear of. All are stored and
// stand in their places by their own dates.
func (w *writer) announce() error {
	list := w.news
	w.news = nil
	if w.mute || w.older() {
		return nil
	}
	since := micros(w.now.Add(-recent))
	var old, told []news
	for _, n := range list {
		switch {
		case w.undated[n.entry]:
		case n.sort < since:
			old = append(old, n)
		default:
			told = append(told, n)
		}
	}
	slices.SortFunc(told, func(a, b news) int { return cmp.Or(cmp.Compare(b.sort, a.sort), cmp.Compare(a.entry, b.entry)) })
	if w.quiet || w.source == nil || w.source.Local() {
		told = told[:min(len(told), announced)]
	}
	if w.person {
		for _, n := range old {
			known, err := w.ids(`SELECT id FROM outbox WHERE entry_id = $1 LIMIT 1`, n.entry)
			if err != nil {
				return err
			}
			if len(known) > 0 { // who was told that it was withdrawn
				told = append(told, n)
			}
		}
	} else if !w.quiet && len(old) <= lateAnnounce {
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
	return nil
}

// older says that the visit read a document of the source's past: the newest were told
// when the first one was read.
func (w *writer) older() bool { return w.quiet && w.source.Backfill.URL != "" }
