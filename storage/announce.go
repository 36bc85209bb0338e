package storage

import (
	"cmp"
	"slices"
	"time"

	"orrery/feeds"
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
	list, err := w.kept(list)
	if err != nil {
		return err
	}
	since := micros(w.now.Add(-recent))
	var old, told []news
	for _, n := range list {
		if n.sort < since {
			old = append(old, n)
		} else {
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

// kept are those of the new entries that are shown at the end of the visit, since some
// may have been too old to keep, and that a first visit has a date of: nobody says that
// the others are of the last week.
func (w *writer) kept(list []news) ([]news, error) {
	if !w.quiet && (w.source == nil || w.source.Retain == feeds.Retain{}) {
		return list, nil
	}
	var out []news
	for _, n := range list {
		var is bool
		if err := w.row(`SELECT count(*) FROM entries e JOIN copies c ON c.id = e.copy_id WHERE e.id = $1 AND e.withdrawn = 0
			AND ($2 = 0 OR json_extract(c.body, '$.published', '$.updated') <> '[null,null]')`, n.entry, w.quiet).Scan(&is); err != nil {
			return nil, err
		}
		if is {
			out = append(out, n)
		}
	}
	return out, nil
}
