package storage

import (
	"context"
	"fmt"
)

// Authors returns everybody whom the entries that are shown name as their author,
// spelled as the sources do, with the number of those entries.
func (db *DB) Authors(ctx context.Context) (map[string]int, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT json_extract(a.value, '$.name'), count(DISTINCT e.id)
		FROM entries e JOIN copies c ON c.id = e.copy_id, json_each(c.body, '$.authors') a
		WHERE e.withdrawn = 0 AND json_extract(a.value, '$.name') <> '' GROUP BY 1`)
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
