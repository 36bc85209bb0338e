package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"orrery/feeds"
)

// Entries returns what the query selects, newest first: one state of the store,
// whatever is committed meanwhile.
func (db *DB) Entries(ctx context.Context, q feeds.Query) ([]feeds.Entry, error) {
	var list []feeds.Entry
	err := db.snapshot(ctx, func(tx *sql.Tx) error {
		query, args := entriesQuery(q)
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		var ids, primary []int64
		if list, ids, primary, err = scanEntries(rows); err != nil {
			return err
		}
		if q.Late && q.Limit > 0 && len(list) == q.Limit {
			if list, ids, primary, err = addLate(ctx, tx, q, list, ids, primary); err != nil {
				return err
			}
		}
		if err := addCategories(ctx, tx, list, ids); err != nil {
			return err
		}
		return addSources(ctx, tx, list, ids, primary)
	})
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
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
	query := "SELECT e.id, e.public_id, e.guid, e.first_seen, e.sort, e.changed, c.revision, c.source_id, c.body FROM " + from +
		" JOIN copies c ON c.id = e.copy_id WHERE " + strings.Join(where, " AND ") + " ORDER BY " + order + ".sort DESC, " + order + ".public_id"
	if q.Limit > 0 {
		query += " LIMIT " + arg(q.Limit)
	}
	return query, args
}

// addLate puts those that came late among the entries, in place of the oldest of them.
func addLate(ctx context.Context, tx *sql.Tx, q feeds.Query, list []feeds.Entry, ids, primary []int64) ([]feeds.Entry, []int64, []int64, error) {
	oldest := micros(list[len(list)-1].Sort)
	q.Limit = q.Limit / 4 // so that a source that dates everything long ago does not fill all
	query, args := entriesQuery(q)
	args = append(args, oldest)
	query = strings.Replace(query, " WHERE ", fmt.Sprintf(" WHERE e.arrived > $%d AND e.sort < $%[1]d AND ", len(args)), 1)
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, nil, nil, err
	}
	late, lateIDs, latePrimary, err := scanEntries(rows)
	if err != nil {
		return nil, nil, nil, err
	}
	n := len(list) - len(late)
	return append(list[:n], late...), append(ids[:n], lateIDs...), append(primary[:n], latePrimary...), nil
}

func scanEntries(rows *sql.Rows) (list []feeds.Entry, ids, primary []int64, err error) {
	err = eachRow(rows, func() error {
		var e feeds.Entry
		var id, source, first, sort, changed int64
		var guid string
		var body []byte
		if err := rows.Scan(&id, &e.ID, &guid, &first, &sort, &changed, &e.Revision, &source, &body); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return fmt.Errorf("entry %s: %w", e.ID, err)
		}
		if e.GUID != guid { // the shown copy came later than the first
			e.GUID, e.GUIDGlobal = guid, false
		}
		e.FirstSeen, e.Sort, e.Changed = fromMicros(first), fromMicros(sort), fromMicros(changed)
		if e.Published.After(e.FirstSeen) {
			e.Published = e.Sort // a date in the future is kept, but not shown (parsing.md 24)
		}
		list, ids, primary = append(list, e), append(ids, id), append(primary, source)
		return nil
	})
	return list, ids, primary, err
}

// addCategories fills in the categories of the entries, by slug.
func addCategories(ctx context.Context, tx *sql.Tx, list []feeds.Entry, ids []int64) error {
	at := positions(ids)
	for batch := range slices.Chunk(ids, knownBatch) {
		rows, err := tx.QueryContext(ctx, `SELECT ec.entry_id, c.slug, c.title FROM entry_categories ec
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
func addSources(ctx context.Context, tx *sql.Tx, list []feeds.Entry, ids, primary []int64) error {
	owners, err := sourcesOf(ctx, tx, ids)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(slices.Collect(maps.Keys(owners)), knownBatch) {
		rows, err := tx.QueryContext(ctx, `SELECT `+sourceFace+`, 0, 0
			FROM sources WHERE id IN (`+marks(1, len(batch))+`)`, anys(batch)...)
		if err != nil {
			return err
		}
		err = eachRow(rows, func() error {
			var s feeds.Source
			if err := scanSource(rows, &s); err != nil {
				return err
			}
			for _, i := range owners[s.ID] {
				if primary[i] == s.ID {
					list[i].Source = &s
				} else {
					list[i].Also = append(list[i].Also, s)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	var shared []int64
	for i := range list {
		slices.SortFunc(list[i].Also, func(a, b feeds.Source) int { return strings.Compare(a.Slug, b.Slug) })
		if len(list[i].Also) > 0 {
			shared = append(shared, ids[i])
		}
	}
	return addAddresses(ctx, tx, list, shared, positions(ids))
}

// addAddresses fills in where else the entries are, other than at the address that is
// shown.
func addAddresses(ctx context.Context, tx *sql.Tx, list []feeds.Entry, ids []int64, at map[int64]int) error {
	for batch := range slices.Chunk(ids, knownBatch) {
		rows, err := tx.QueryContext(ctx, `SELECT c.entry_id, c.source_id, c.body FROM copies c JOIN entries e ON e.id = c.entry_id
			WHERE c.entry_id IN (`+marks(1, len(batch))+`) AND c.id <> e.copy_id AND c.withdrawn = 0 AND c.purged = 0 ORDER BY c.id`, anys(batch)...)
		if err != nil {
			return err
		}
		if err := eachRow(rows, func() error {
			var entry, source int64
			var body []byte
			if err := rows.Scan(&entry, &source, &body); err != nil {
				return err
			}
			var there struct {
				Permalink string `json:"permalink"`
			}
			if err := json.Unmarshal(body, &there); err != nil {
				return err
			}
			addAddress(&list[at[entry]], source, there.Permalink)
			return nil
		}); err != nil {
			return err
		}
	}
	for i := range list {
		slices.SortFunc(list[i].AlsoAt, func(a, b feeds.Link) int { return strings.Compare(a.URL, b.URL) })
	}
	return nil
}

// addAddress adds the address of the source's copy unless the entry has it already.
func addAddress(e *feeds.Entry, source int64, address string) {
	c := feeds.CanonicalURL(address)
	if c == "" || c == feeds.CanonicalURL(e.Permalink) || slices.ContainsFunc(e.AlsoAt, func(l feeds.Link) bool { return feeds.CanonicalURL(l.URL) == c }) {
		return
	}
	for i := range e.Also {
		if e.Also[i].ID == source {
			e.AlsoAt = append(e.AlsoAt, feeds.Link{Rel: "via", URL: address, Title: e.Also[i].Name()})
		}
	}
}

// sourcesOf returns for every source that has one of the entries their places
// among the ids.
func sourcesOf(ctx context.Context, tx *sql.Tx, ids []int64) (map[int64][]int, error) {
	owners, at := map[int64][]int{}, positions(ids)
	for batch := range slices.Chunk(ids, knownBatch) {
		rows, err := tx.QueryContext(ctx, `SELECT source_id, entry_id FROM entry_sources
			WHERE entry_id IN (`+marks(1, len(batch))+`)`, anys(batch)...)
		if err != nil {
			return nil, err
		}
		err = eachRow(rows, func() error {
			var source, entry int64
			err := rows.Scan(&source, &entry)
			owners[source] = append(owners[source], at[entry])
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return owners, nil
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

const versionQuery = `SELECT seq, changed FROM versions WHERE scope = $1`

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
	err = db.read.QueryRowContext(ctx, versionQuery, scope).Scan(&seq, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, nil
	}
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("read the version: %w", explain(err))
	}
	return seq, fromMicros(at), nil
}
