package storage

import (
	"context"
	"fmt"
)

// Trust lets in what was held back of the source: what its feed said of itself is
// forgotten, so that the next visit, which is due at once, compares with nothing.
// found says that there is such a source, held that something was held back.
func (db *DB) Trust(ctx context.Context, slug string) (found, held bool, err error) {
	err = db.tx(ctx, func(t *txn) error {
		var id int64
		if err := t.row(`SELECT coalesce(max(id), 0), coalesce(max(held), 0) FROM sources WHERE slug = $1 AND retired = 0`, slug).Scan(&id, &held); err != nil {
			return err
		}
		if found = id != 0; !held {
			return nil
		}
		return t.exec(`UPDATE sources SET held = 0, feed = '{}', last_error = '', failures = 0, next_visit = 0, last_visit = 0 WHERE id = $1`, id)
	})
	if err != nil {
		return false, false, fmt.Errorf("release %s: %w", slug, err)
	}
	return found, held, nil
}
