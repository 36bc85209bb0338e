package storage

import (
	"context"
	"fmt"
)

// Authors returns everybody whom the entries that are shown name as their author,
// spelled as the sources do, with the number of those entries.
func (db *DB) Authors(ctx context.Context) (map[string]int, error) {
	rows, err := db.read.QueryContext(ctx, db.dialect.authors)
	if err != nil {
		return nil, fmt.Errorf("read the authors: %w", explain(err))
	}
	authors := map[string]int{}
	err = eachRow(rows, func() error {
		var name string
		var entries int
		err := rows.Scan(&name, &entries)
		authors[name] = entries
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the authors: %w", explain(err))
	}
	return authors, nil
}
