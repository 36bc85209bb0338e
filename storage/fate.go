package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
)

// maxMerges bounds how often what an entry was merged into was merged itself.
const maxMerges = 50

// fateQuery is what an entry has come to: the last of those that it was merged into.
var fateQuery = `WITH RECURSIVE chain(id, n) AS (
		SELECT id, 0 FROM entries WHERE public_id = $1
		UNION ALL SELECT e.merged, chain.n + 1 FROM chain JOIN entries e ON e.id = chain.id
			WHERE e.merged <> 0 AND chain.n < ` + strconv.Itoa(maxMerges) + `)
	SELECT chain.n, e.public_id, e.copy_id, e.withdrawn, e.hidden <> 0, e.held, e.merged
	FROM chain JOIN entries e ON e.id = chain.id ORDER BY chain.n DESC LIMIT 1`

// Fate says why no entry is shown under the ID. gone: it was, and its owner took it
// back, a person took it off, or it has grown too old. movedTo is the ID of the entry
// that it was found to be the same as and that is shown. Neither: it is shown, or
// nobody has ever seen it here; one that is held back has not been seen yet.
func (db *DB) Fate(ctx context.Context, id string) (gone bool, movedTo string, err error) {
	var hops, shown, held, merged int64
	var last string
	var withdrawn, hidden bool
	err = db.read.QueryRowContext(ctx, fateQuery, id).Scan(&hops, &last, &shown, &withdrawn, &hidden, &held, &merged)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, "", nil
	case err != nil:
		return false, "", fmt.Errorf("look for entry %s: %w", id, explain(err))
	case merged != 0 || shown == 0 || held != 0: // in a circle, or never shown
		return false, "", nil
	case hidden || withdrawn:
		return true, "", nil
	case hops > 0:
		return false, last, nil
	}
	return false, "", nil
}

// movedQuery is fateQuery for all entries at once.
var movedQuery = `WITH RECURSIVE chain(public_id, at, n) AS (
		SELECT public_id, merged, 1 FROM entries WHERE merged <> 0
		UNION ALL SELECT chain.public_id, e.merged, chain.n + 1 FROM chain JOIN entries e ON e.id = chain.at
			WHERE e.merged <> 0 AND chain.n < ` + strconv.Itoa(maxMerges) + `)
	SELECT chain.public_id, e.public_id FROM chain JOIN entries e ON e.id = chain.at WHERE e.merged = 0 AND e.withdrawn = 0`

// Moved returns the IDs of all entries that were found to be the same as another, and
// that other's, where it is shown.
func (db *DB) Moved(ctx context.Context) (map[string]string, error) {
	rows, err := db.read.QueryContext(ctx, movedQuery)
	if err != nil {
		return nil, fmt.Errorf("read which entries were merged: %w", explain(err))
	}
	moved := map[string]string{}
	err = eachRow(rows, func() error {
		var from, to string
		err := rows.Scan(&from, &to)
		moved[from] = to
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read which entries were merged: %w", explain(err))
	}
	return moved, nil
}
