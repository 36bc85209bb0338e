package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrNoSource means that no source that is configured has the slug.
var ErrNoSource = errors.New("there is no such source")

// Pause leaves a source alone until it is resumed: nobody is sent to it, not even
// by its name, and what it has given stays. Resumed it is due at once, unless it
// asked to be left alone itself. A visit under way is finished. changed is false
// when the source was so already.
func (db *DB) Pause(ctx context.Context, now time.Time, slug string, paused bool) (changed bool, err error) {
	err = db.tx(ctx, func(t *txn) error {
		w := newWriter(t, now)
		var id int64
		var was bool
		err := w.row(`SELECT id, paused FROM sources WHERE slug = $1 AND retired = 0`, slug).Scan(&id, &was)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoSource
		}
		if changed = was != paused; err != nil || !changed {
			return err
		}
		w.bump("") // the list of sources shows it
		if err := w.exec(`UPDATE sources SET paused = $1, next_visit = next_visit * $2 WHERE id = $3`, paused, paused, id); err != nil {
			return err
		}
		if err := w.syncMoves(); err != nil {
			return err
		}
		return w.flush()
	})
	if err != nil {
		return false, fmt.Errorf("source %s: %w", slug, err)
	}
	return changed, nil
}
