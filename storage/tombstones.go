package storage

import (
	"context"
	"fmt"
	"slices"

	"orrery/feeds"
)

// bury notes for every list that the entry, which is merged, has been in that it was
// taken back.
func (w *writer) bury(entry int64) error {
	slices.Sort(w.left)
	for _, list := range slices.Compact(w.left) {
		if err := w.exec(`INSERT INTO tombstones (list, at, entry_id) VALUES ($1, $2, $3)`, list, micros(w.now), entry); err != nil {
			return err
		}
	}
	return nil
}

// exhume forgets that the entry was taken back: it is shown.
func (w *writer) exhume(entry int64) error {
	return w.exec(`DELETE FROM tombstones WHERE entry_id = $1`, entry)
}

// tombstones is how many a feed has at most.
const tombstones = 20

// Tombstones are the entries of what the query selects that were taken back last, the
// newest first (RFC 6721). Only the whole planet, a source and a list have any.
func (db *DB) Tombstones(ctx context.Context, q feeds.Query) ([]feeds.Tombstone, error) {
	list, ok, err := listOf(ctx, db.read, q)
	if err != nil {
		return nil, fmt.Errorf("read what was taken back: %w", explain(err))
	}
	if !ok {
		return nil, nil
	}
	rows, err := db.read.QueryContext(ctx, `SELECT e.public_id, e.guid, t.at FROM tombstones t JOIN entries e ON e.id = t.entry_id
		WHERE t.list = $1 ORDER BY t.at DESC, t.entry_id LIMIT $2`, list, tombstones)
	if err != nil {
		return nil, fmt.Errorf("read what was taken back: %w", explain(err))
	}
	var gone []feeds.Tombstone
	err = eachRow(rows, func() error {
		var t feeds.Tombstone
		var at int64
		err := rows.Scan(&t.ID, &t.GUID, &at)
		t.At = fromMicros(at)
		gone = append(gone, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was taken back: %w", explain(err))
	}
	return gone, nil
}
