package storage

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"orrery/feeds"
)

// Entries returns what the query selects, newest first: one state of the store,
// whatever is committed meanwhile.
func (db *DB) Entries(ctx context.Context, q feeds.Query) ([]feeds.Entry, error) {
	var found selection
	var best foundTexts
	var err error
	if q.Text != "" {
		if best, err = db.search(ctx, q); err != nil {
			return nil, fmt.Errorf("look for texts: %w", explain(err))
		}
		defer best.close()
	}
	err = db.snapshot(ctx, func(tx *sql.Tx) (err error) {
		if q.Text != "" {
			found, err = selectFound(ctx, tx, q, best)
		} else {
			found, err = selectEntries(ctx, tx, q)
		}
		if err != nil {
			return err
		}
		if err := addCategories(ctx, tx, &found); err != nil {
			return err
		}
		return addSources(ctx, tx, &found)
	})
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	return found.list, nil
}

// entriesQuery selects entries in their order, with ids only of these.
func entriesQuery(q feeds.Query, ids []int64) (string, []any) {
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	from, order, where := "entries e", "e", []string{"e.withdrawn = 0"}
	inSource := func() string { return "source_id = (SELECT id FROM sources WHERE slug = " + arg(q.Source) + ")" }
	inList := func(slug string) string {
		return "category_id = (SELECT id FROM categories WHERE slug = " + arg(slug) + ")"
	}
	const placed = " AND x.sort = e.sort AND x.public_id = e.public_id"
	lists, source := q.Lists(), q.Source != ""
	switch { // the first that is asked for is walked; whether an entry is in the others is looked up
	case len(ids) > 0:
		args = anys(padded(ids))
		where = append(where, "e.id IN ("+marks(1, len(args))+")")
	case len(lists) > 0:
		from, order = "category_entries o JOIN entries e ON e.id = o.entry_id", "o"
		where = append(where, "o."+inList(lists[0]))
		lists = lists[1:]
	case source:
		from, order = "source_entries o JOIN entries e ON e.id = o.entry_id", "o"
		where = append(where, "o."+inSource())
		source = false
	}
	for _, slug := range lists {
		where = append(where, "EXISTS (SELECT 1 FROM category_entries x WHERE x."+inList(slug)+placed+")")
	}
	if source {
		where = append(where, "EXISTS (SELECT 1 FROM source_entries x WHERE x."+inSource()+placed+")")
	}
	if q.ID != "" {
		where = append(where, "e.public_id = "+arg(q.ID))
	}
	if q.Month != 0 {
		from, until := spanOf(q.Month)
		where = append(where, order+".sort >= "+arg(from))
		if q.After == nil || micros(q.After.Sort) >= until { // one bound: an engine walks from either
			where, q.After = append(where, order+".sort < "+arg(until)), nil
		}
	}
	if q.After != nil {
		t := arg(micros(q.After.Sort))
		where = append(where, fmt.Sprintf("%s.sort <= %s AND (%s.sort < %s OR %s.public_id > %s)", order, t, order, t, order, arg(q.After.ID)))
	}
	query := "SELECT e.id, e.public_id, e.guid, e.first_seen, e.sort, e.changed, c.revision, c.source_id, e.lists, c.body FROM " + from +
		" JOIN copies c ON c.id = e.copy_id WHERE " + strings.Join(where, " AND ") + " ORDER BY " + order + ".sort DESC, " + order + ".public_id"
	if q.Limit > 0 {
		query += " LIMIT " + arg(q.Limit)
	}
	return query, args
}

func scanSelection(rows *sql.Rows, err error) (selection, error) {
	if err != nil {
		return selection{}, err
	}
	var s selection
	err = eachRow(rows, func() error {
		var e feeds.Entry
		var id, source, first, sort, changed int64
		var guid, lists string
		var body []byte
		if err := rows.Scan(&id, &e.ID, &guid, &first, &sort, &changed, &e.Revision, &source, &lists, &body); err != nil {
			return err
		}
		in, err := parseStanding(lists)
		if err == nil {
			err = decode(body, &e)
		}
		if err != nil {
			return fmt.Errorf("entry %s: %w", e.ID, err)
		}
		if e.GUID != guid { // the shown copy came later than the first
			e.GUID, e.GUIDGlobal = guid, false
		}
		e.FirstSeen, e.Sort, e.Changed = fromMicros(first), fromMicros(sort), fromMicros(changed)
		if e.Published.After(e.FirstSeen) {
			e.Published = e.Sort // a date in the future is kept, but not shown (parsing.md 24)
		}
		s.list, s.ids, s.primary, s.lists = append(s.list, e), append(s.ids, id), append(s.primary, source), append(s.lists, in)
		return nil
	})
	return s, err
}

// addCategories fills in the categories of the entries, by slug.
func addCategories(ctx context.Context, tx *sql.Tx, s *selection) error {
	return eachCategory(ctx, tx, s.lists, func(i int, _ int64, c feeds.CategoryName) {
		if kind, _ := c.List(); kind == "" { // else it says who wrote it, and in what
			s.list[i].Categories = append(s.list[i].Categories, c)
		}
	})
}

// addSources fills in where the entries come from and who else has them, by slug.
func addSources(ctx context.Context, tx *sql.Tx, found *selection) error {
	owners, list := map[int64][]int{}, found.list
	for i := range found.lists {
		for _, id := range found.lists[i].sources {
			owners[id] = append(owners[id], i)
		}
	}
	err := eachIn(ctx, tx, `SELECT `+sourceFace+`, 0, 0, 0 FROM sources WHERE id IN (?)`, slices.Sorted(maps.Keys(owners)), func(rows *sql.Rows) error {
		var s feeds.Source
		if err := scanSource(rows, &s); err != nil {
			return err
		}
		for _, i := range owners[s.ID] {
			if found.primary[i] == s.ID {
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
	var shared []int64
	for i := range list {
		slices.SortFunc(list[i].Also, func(a, b feeds.Source) int { return strings.Compare(a.Slug, b.Slug) })
		if len(list[i].Also) > 0 {
			shared = append(shared, found.ids[i])
		}
	}
	return addAddresses(ctx, tx, list, shared, positions(found.ids))
}

// addAddresses fills in where else the entries are, other than at the address that is
// shown.
func addAddresses(ctx context.Context, tx *sql.Tx, list []feeds.Entry, ids []int64, at map[int64]int) error {
	err := eachIn(ctx, tx, `SELECT c.entry_id, c.source_id, c.body FROM copies c JOIN entries e ON e.id = c.entry_id
		WHERE c.entry_id IN (?) AND c.id <> e.copy_id AND c.withdrawn = 0 AND c.purged = 0 ORDER BY c.id`, ids, func(rows *sql.Rows) error {
		var entry, source int64
		var body []byte
		if err := rows.Scan(&entry, &source, &body); err != nil {
			return err
		}
		var there struct {
			Permalink string `json:"permalink"`
		}
		if err := decode(body, &there); err != nil {
			return err
		}
		addAddress(&list[at[entry]], source, there.Permalink)
		return nil
	})
	if err != nil {
		return err
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

// eachIn asks a question about some of the ids at a time, which stand where its mark is.
func eachIn(ctx context.Context, tx *sql.Tx, question string, ids []int64, f func(rows *sql.Rows) error) error {
	for batch := range slices.Chunk(ids, knownBatch) {
		batch = padded(batch)
		rows, err := tx.QueryContext(ctx, strings.Replace(question, "?", marks(1, len(batch)), 1), anys(batch)...)
		if err == nil {
			err = eachRow(rows, func() error { return f(rows) })
		}
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
	list, err := db.Lists(ctx)
	return slices.DeleteFunc(list, func(c feeds.Category) bool {
		kind, _ := c.List()
		return kind != ""
	}), err
}

// Lists returns the categories and the lists of authors and languages (feeds.Rules),
// by slug.
func (db *DB) Lists(ctx context.Context) ([]feeds.Category, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT c.slug, c.title, count(e.id), coalesce(max(e.sort), 0), coalesce(max(e.changed), 0) FROM categories c
		LEFT JOIN category_entries ec ON ec.category_id = c.id LEFT JOIN entries e ON e.id = ec.entry_id
		GROUP BY c.id HAVING c.configured = 1 OR count(e.id) > 0 ORDER BY c.slug`)
	if err != nil {
		return nil, fmt.Errorf("read the categories: %w", explain(err))
	}
	var list []feeds.Category
	err = eachRow(rows, func() error {
		var c feeds.Category
		var newest, updated int64
		if err := rows.Scan(&c.Slug, &c.Title, &c.Entries, &newest, &updated); err != nil {
			return err
		}
		c.Newest, c.Updated = fromMicros(newest), fromMicros(updated)
		list = append(list, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the categories: %w", explain(err))
	}
	return list, nil
}

// SourcesIn are the slugs of the sources that have an entry in the category, sorted.
func (db *DB) SourcesIn(ctx context.Context, category string) ([]string, error) {
	var list []string
	err := db.snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT DISTINCT e.lists FROM category_entries ec JOIN entries e ON e.id = ec.entry_id
			WHERE ec.category_id = (SELECT id FROM categories WHERE slug = $1)`, category)
		if err != nil {
			return err
		}
		in := map[int64]bool{}
		if err := eachRow(rows, func() error {
			var lists string
			if err := rows.Scan(&lists); err != nil {
				return err
			}
			s, err := parseStanding(lists)
			for _, id := range s.sources {
				in[id] = true
			}
			return err
		}); err != nil {
			return err
		}
		return eachIn(ctx, tx, `SELECT slug FROM sources WHERE id IN (?)`, slices.Sorted(maps.Keys(in)), func(rows *sql.Rows) error {
			var slug string
			err := rows.Scan(&slug)
			list = append(list, slug)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read who writes in a category: %w", err)
	}
	slices.Sort(list)
	return list, nil
}
