package storage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"orrery/feeds"
)

// knownBatch is how many GUIDs one question names.
const knownBatch = 500

// Known returns what the store has of the source's GUIDs.
func (db *DB) Known(ctx context.Context, source int64, guids []string) (map[string]feeds.Known, error) {
	known := map[string]feeds.Known{}
	for batch := range slices.Chunk(guids, knownBatch) {
		byHash := make(map[string]string, len(batch))
		args := []any{source}
		for _, g := range padded(batch) {
			h := hashOf(g)
			byHash[string(h)] = g
			args = append(args, h)
		}
		rows, err := db.read.QueryContext(ctx, knownQuery(len(args)-1), args...)
		if err != nil {
			return nil, fmt.Errorf("look up entries: %w", explain(err))
		}
		if err := scanKnown(rows, byHash, known); err != nil {
			return nil, fmt.Errorf("look up entries: %w", explain(err))
		}
	}
	return known, nil
}

func knownQuery(n int) string {
	return `SELECT guid_hash, hash, withdrawn, updated FROM copies WHERE source_id = $1 AND guid_hash IN (` + marks(2, n) + `)`
}

func scanKnown(rows *sql.Rows, byHash map[string]string, known map[string]feeds.Known) error {
	defer rows.Close()
	for rows.Next() {
		var h []byte
		var k feeds.Known
		var updated int64
		if err := rows.Scan(&h, &k.Hash, &k.Withdrawn, &updated); err != nil {
			return err
		}
		k.Updated = fromMicros(updated)
		known[byHash[string(h)]] = k
	}
	return rows.Err()
}
