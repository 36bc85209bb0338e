package storage

import (
	"context"
	"fmt"
	"time"
)

// The values of entries.hidden.
const (
	shown        = iota
	hiddenItself // a person took it off
	hiddenWith   // one that was found to be the same was taken off
)

// Hide takes an entry off everywhere, whatever its sources say from now on, or shows
// it again. name is its ID, the address of its page or one of the post. changed is
// false when it was so already.
func (db *DB) Hide(ctx context.Context, now time.Time, name string, hidden bool) (id string, changed bool, err error) {
	err = db.moderate(ctx, now, func(w *writer) error {
		entry, public, err := w.named(name)
		if err != nil {
			return err
		}
		id = public
		var before int
		if err := w.row(`SELECT hidden FROM entries WHERE id = $1`, entry).Scan(&before); err != nil {
			return err
		}
		if changed = (before != shown) != hidden; changed {
			w.touch(entry)
		}
		now := shown
		if hidden {
			now = hiddenItself
		}
		// And all that were found to be the same: they may come to be others again.
		return w.exec(`WITH RECURSIVE same (id) AS (SELECT id FROM entries WHERE id = $1 UNION SELECT e.id FROM entries e JOIN same ON e.merged = same.id WHERE e.merged <> 0)
			UPDATE entries SET hidden = $2 WHERE id IN (SELECT id FROM same)`, entry, now)
	})
	if err != nil {
		return "", false, fmt.Errorf("entry %s: %w", name, err)
	}
	return id, changed, nil
}

// hideLike hides an entry that is made of a part of a hidden one.
func (w *writer) hideLike(entry, was int64) error {
	if was == 0 {
		return nil
	}
	return w.exec(`UPDATE entries SET hidden = $1 WHERE id = $2 AND EXISTS (SELECT 1 FROM entries WHERE id = $3 AND hidden = $1)`,
		hiddenItself, entry, was)
}

// part has an entry that led to another stand for itself again. If the other was
// hidden for its sake alone, it no longer is; and so on for what that one led to.
func (w *writer) part(entry, from int64) error {
	if err := w.exec(`UPDATE entries SET merged = 0 WHERE id = $1`, entry); err != nil {
		return err
	}
	for range maxMerges {
		n, err := w.affect(`UPDATE entries SET hidden = 0 WHERE id = $1 AND hidden = $2
			AND NOT EXISTS (SELECT 1 FROM entries m WHERE m.merged = $1 AND m.hidden <> 0)`, from, hiddenWith)
		if err != nil || n == 0 {
			return err
		}
		w.touch(from)
		if err := w.row(`SELECT merged FROM entries WHERE id = $1`, from).Scan(&from); err != nil {
			return err
		}
	}
	return nil
}
