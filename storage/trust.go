package storage

import (
	"context"
	"fmt"
	"time"
)

// Trust lets in what was held back of the source: what its feed said of itself is
// forgotten, so that the next visit, which is due at once, compares with nothing;
// and the posts of a flood are shown, of which the last error says that they wait.
// found says that there is such a source, held that its feed was held back, and
// posts how many of a flood were.
func (db *DB) Trust(ctx context.Context, now time.Time, slug string) (found, held bool, posts int, err error) {
	err = db.moderate(ctx, now, func(w *writer) error {
		var id int64
		if err := w.row(`SELECT coalesce(max(id), 0), coalesce(max(held), 0) FROM sources WHERE slug = $1 AND retired = 0`, slug).Scan(&id, &held); err != nil {
			return err
		}
		if found = id != 0; !found {
			return nil
		}
		n, err := w.letGo(`SELECT DISTINCT e.id FROM entries e JOIN copies c ON c.entry_id = e.id WHERE e.held > 0 AND c.source_id = $1 ORDER BY e.id`, id)
		if posts = n; err == nil && posts > 0 {
			w.bump("") // the list of sources shows it
			err = w.exec(`UPDATE sources SET last_error = '' WHERE id = $1 AND failures = 0`, id)
		}
		if err != nil || !held {
			return err
		}
		return w.exec(`UPDATE sources SET held = 0, feed = '{}', last_error = '', failures = 0, next_visit = 0, last_visit = 0 WHERE id = $1`, id)
	})
	if err != nil {
		return false, false, 0, fmt.Errorf("release %s: %w", slug, err)
	}
	return found, held, posts, nil
}
