package storage

import (
	"cmp"
	"database/sql"
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
	if w.mute {
		return nil
	}
	told, list, err := w.takenBack(list)
	if err != nil {
		return err
	}
	young, old := w.newsworthy(list)
	told = slices.Concat(told, young, old)
	slices.SortFunc(told, func(a, b news) int { return cmp.Compare(a.entry, b.entry) })
	w.told = make(map[int64]bool, len(told))
	for _, n := range told {
		w.tell(n.entry, "new")
		w.told[n.entry] = true
	}
	return nil
}

// takenBack are those of the list that the world was told are withdrawn, of which it
// hears whatever brings them back, and the others.
func (w *writer) takenBack(list []news) (back, others []news, err error) {
	var ids []any
	for _, n := range list {
		if w.touched[n.entry] { // no other has been there before
			ids = append(ids, n.entry)
		}
	}
	last, withdrawn := map[int64]int64{}, map[int64]bool{}
	err = w.each(`SELECT id, entry_id, event FROM outbox WHERE entry_id IN `, nil, ids, func(rows *sql.Rows) error {
		var id, entry int64
		var event string
		err := rows.Scan(&id, &entry, &event)
		if id > last[entry] {
			last[entry], withdrawn[entry] = id, event == "withdrawn"
		}
		return err
	})
	for _, n := range list {
		if withdrawn[n.entry] {
			back = append(back, n)
		} else {
			others = append(others, n)
		}
	}
	return back, others, err
}

// newsworthy are those of the list that are told, apart the ones of long ago. What a
// person does is no news.
func (w *writer) newsworthy(list []news) (young, old []news) {
	if w.older() {
		return nil, nil
	}
	since := micros(w.now.Add(-recent))
	for _, n := range list {
		switch {
		case w.undated[n.entry]:
		case n.sort < since:
			old = append(old, n)
		default:
			young = append(young, n)
		}
	}
	slices.SortFunc(young, func(a, b news) int { return cmp.Or(cmp.Compare(b.sort, a.sort), cmp.Compare(a.entry, b.entry)) })
	if w.quiet || w.source == nil || w.source.Local() {
		young = young[:min(len(young), announced)]
	}
	if w.quiet || w.person || len(old) > lateAnnounce {
		old = nil
	}
	return young, old
}

// older says that the visit read a document of the source's past: the newest were told
// when the first one was read.
func (w *writer) older() bool { return w.quiet && w.source.Backfill.URL != "" }
