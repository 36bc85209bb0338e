package storage

import (
	"context"
	"fmt"

	"orrery/feeds"
)

// Held says how many posts are held back as a flood, by the slugs of their sources:
// what Trust would let go of each.
func (db *DB) Held(ctx context.Context) (map[string]feeds.HeldPosts, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT s.slug, count(DISTINCT e.id), max(e.held) FROM entries e
		JOIN copies c ON c.entry_id = e.id JOIN sources s ON s.id = c.source_id WHERE e.held > 0 GROUP BY s.id`)
	if err != nil {
		return nil, fmt.Errorf("count what is held back: %w", explain(err))
	}
	held := map[string]feeds.HeldPosts{}
	err = eachRow(rows, func() error {
		var slug string
		var h feeds.HeldPosts
		var until int64
		err := rows.Scan(&slug, &h.Posts, &until)
		h.Until = fromMicros(until)
		held[slug] = h
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count what is held back: %w", explain(err))
	}
	return held, nil
}
