package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"orrery/feeds"
)

// Entries returns what the query selects, newest first.
func (db *DB) Entries(ctx context.Context, q feeds.Query) ([]feeds.Entry, error) {
	query, args := entriesQuery(q)
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", explain(err))
	}
	list, ids, primary, err := scanEntries(rows)
	if err == nil {
		err = db.addCategories(ctx, list, ids)
	}
	if err == nil {
		err = db.addSources(ctx, list, ids, primary)
	}
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", explain(err))
	}
	return list, nil
}

func entriesQuery(q feeds.Query) (string, []any) {
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	from, order, where := "entries e", "e", []string{"e.withdrawn = 0"}
	switch {
	case q.Category != "":
		from, order = "entry_categories o JOIN entries e ON e.id = o.entry_id", "o"
		where = append(where, "o.category_id = (SELECT id FROM categories WHERE slug = "+arg(q.Category)+")")
	case q.Source != "":
		from, order = "entry_sources o JOIN entries e ON e.id = o.entry_id", "o"
		where = append(where, "o.source_id = (SELECT id FROM sources WHERE slug = "+arg(q.Source)+")")
	}
	if q.Category != "" && q.Source != "" {
		where = append(where, "EXISTS (SELECT 1 FROM entry_sources x WHERE x.entry_id = e.id AND x.source_id = (SELECT id FROM sources WHERE slug = "+arg(q.Source)+"))")
	}
	if q.ID != "" {
		where = append(where, "e.public_id = "+arg(q.ID))
	}
	if q.After != nil {
		t := arg(micros(q.After.Sort))
		where = append(where, fmt.Sprintf("%s.sort <= %s AND (%s.sort < %s OR %s.public_id > %s)", order, t, order, t, order, arg(q.After.ID)))
	}
	query := "SELECT e.id, e.public_id, e.first_seen, e.sort, e.changed, c.revision, c.source_id, c.body FROM " + from +
		" JOIN copies c ON c.id = e.copy_id WHERE " + strings.Join(where, " AND ") + " ORDER BY " + order + ".sort DESC, " + order + ".public_id"
	if q.Limit > 0 {
		query += " LIMIT " + arg(q.Limit)
	}
	return query, args
}

func scanEntries(rows *sql.Rows) (list []feeds.Entry, ids, primary []int64, err error) {
	defer rows.Close()
	for rows.Next() {
		var e feeds.Entry
		var id, source, first, sort, changed int64
		var body []byte
		if err := rows.Scan(&id, &e.ID, &first, &sort, &changed, &e.Revision, &source, &body); err != nil {
			return nil, nil, nil, err
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return nil, nil, nil, fmt.Errorf("entry %s: %w", e.ID, err)
		}
		e.FirstSeen, e.Sort, e.Changed = fromMicros(first), fromMicros(sort), fromMicros(changed)
		list, ids, primary = append(list, e), append(ids, id), append(primary, source)
	}
	return list, ids, primary, rows.Err()
}

// addCategories fills in the categories of the entries, by slug.
func (db *DB) addCategories(ctx context.Context, list []feeds.Entry, ids []int64) error {
	at := positions(ids)
	for batch := range slices.Chunk(ids, knownBatch) {
		rows, err := db.read.QueryContext(ctx, `SELECT ec.entry_id, c.slug, c.title FROM entry_categories ec
			JOIN categories c ON c.id = ec.category_id WHERE ec.entry_id IN (`+marks(1, len(batch))+`) ORDER BY c.slug`, anys(batch)...)
		if err != nil {
			return err
		}
		err = eachRow(rows, func() error {
			var id int64
			var c feeds.CategoryName
			if err := rows.Scan(&id, &c.Slug, &c.Title); err != nil {
				return err
			}
			e := &list[at[id]]
			e.Categories = append(e.Categories, c)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addSources fills in where the entries come from and who else has them, by slug.
func (db *DB) addSources(ctx context.Context, list []feeds.Entry, ids, primary []int64) error {
	at := positions(ids)
	sources := map[int64]*feeds.Source{}
	for batch := range slices.Chunk(ids, knownBatch) {
		rows, err := db.read.QueryContext(ctx, `SELECT s.id, s.slug, s.url, s.config, s.retired, s.feed, 0, 0, 0, 0, 0, 0, '', 0, 0, 0, es.entry_id
			FROM entry_sources es JOIN sources s ON s.id = es.source_id WHERE es.entry_id IN (`+marks(1, len(batch))+`) ORDER BY s.slug`, anys(batch)...)
		if err != nil {
			return err
		}
		err = eachRow(rows, func() error {
			var s feeds.Source
			var id int64
			if err := scanSource(rows, &s, &id); err != nil {
				return err
			}
			if sources[s.ID] == nil {
				sources[s.ID] = &s
			}
			i := at[id]
			if primary[i] == s.ID {
				list[i].Source = sources[s.ID]
			} else {
				list[i].Also = append(list[i].Also, s)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func eachRow(rows *sql.Rows, f func() error) error {
	defer rows.Close()
	for rows.Next() {
		if err := f(); err != nil {
			return err
		}
	}
	return rows.Err()
}

func positions(ids []int64) map[int64]int {
	m := make(map[int64]int, len(ids))
	for i, id := range ids {
		m[id] = i
	}
	return m
}

func anys(ids []int64) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// Categories returns the categories that have entries or are configured, by slug.
func (db *DB) Categories(ctx context.Context) ([]feeds.Category, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT c.slug, c.title, count(e.id), coalesce(max(e.changed), 0) FROM categories c
		LEFT JOIN entry_categories ec ON ec.category_id = c.id LEFT JOIN entries e ON e.id = ec.entry_id
		GROUP BY c.id HAVING c.configured = 1 OR count(e.id) > 0 ORDER BY c.slug`)
	if err != nil {
		return nil, fmt.Errorf("read the categories: %w", explain(err))
	}
	var list []feeds.Category
	err = eachRow(rows, func() error {
		var c feeds.Category
		var updated int64
		if err := rows.Scan(&c.Slug, &c.Title, &c.Entries, &updated); err != nil {
			return err
		}
		c.Updated = fromMicros(updated)
		list = append(list, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the categories: %w", explain(err))
	}
	return list, nil
}

// Version rises whenever anything the query selects has changed; changed is when
// it last did, and never goes back. The zero Query is the whole planet.
func (db *DB) Version(ctx context.Context, q feeds.Query) (seq int64, changed time.Time, err error) {
	scope := ""
	switch {
	case q.ID != "":
	case q.Category != "":
		scope = "c " + q.Category
	case q.Source != "":
		scope = "s " + q.Source
	}
	var at int64
	err = db.read.QueryRowContext(ctx, `SELECT seq, changed FROM versions WHERE scope = $1`, scope).Scan(&seq, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, nil
	}
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("read the version: %w", explain(err))
	}
	return seq, fromMicros(at), nil
}
