package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"orrery/feeds"
)

// How many entries of each month every list has is counted where entries come into lists
// and leave them, so that nobody has to read a planet's whole past to draw it. What is
// counted is what Entries selects: an entry that is not shown stands in no list.
//
// A list has one row for all its months: with one for each, the first visits of a new
// planet, which bring a few entries of many months to many lists, took a sixteenth longer.

// countedList is a list in what a transaction counts; archives call it the same, but a
// name takes a while to write.
type countedList struct {
	kind string // as a scope begins; "": the planet
	id   int64
}

func (l countedList) name() string {
	if l.kind == "" {
		return planetList
	}
	return listName(l.kind, l.id)
}

// months are by how many entries the months of lists have changed, in any order, a month
// perhaps several times.
type months map[countedList][]feeds.MonthCount

// count notes that an entry of the time has come into the lists, or with -1 left them.
// Who is in no source's list is not on the planet.
func (t *txn) count(sources, categories links, sort int64, by int) {
	if len(sources) == 0 {
		return
	}
	if t.months == nil {
		t.months = months{}
	}
	change := feeds.MonthCount{Month: monthOf(sort), Entries: by}
	planet := countedList{}
	t.months[planet] = append(t.months[planet], change)
	for _, in := range []links{sources, categories} {
		for id, scope := range in {
			list := countedList{scope[:2], id}
			t.months[list] = append(t.months[list], change)
		}
	}
}

// monthOf is the month of a time in the store, where 0 is a time like any other.
func monthOf(sort int64) feeds.Month { return feeds.MonthOf(time.UnixMicro(sort)) }

// spanOf is the time of the month in the store, its end excluded.
func spanOf(m feeds.Month) (from, until int64) {
	return m.Start().UnixMicro(), (m + 1).Start().UnixMicro()
}

var counted = &insertion{`INSERT INTO months (list, counts) VALUES `, 2, ` ON CONFLICT (list) DO UPDATE SET counts = excluded.counts`}

// writeMonths adds what was counted in the transaction.
func (t *txn) writeMonths() error {
	changed := map[string][]feeds.MonthCount{}
	for list, changes := range t.months {
		if changes = summed(changes); len(changes) > 0 {
			changed[list.name()] = changes
		}
	}
	t.months = nil
	names := slices.Sorted(maps.Keys(changed))
	var asked, values []any
	for _, name := range names {
		asked = append(asked, name)
	}
	if err := t.each(`SELECT list, counts FROM months WHERE list IN `, nil, asked, func(rows *sql.Rows) error {
		name, before, err := scanMonths(rows)
		changed[name] = summed(append(before, changed[name]...))
		return err
	}); err != nil {
		return err
	}
	for _, name := range names {
		if len(changed[name]) > 0 {
			values = append(values, name, joinMonths(changed[name]))
		} else if err := t.exec(`DELETE FROM months WHERE list = $1`, name); err != nil {
			return err
		}
	}
	return t.insertRows(counted, values)
}

// summed has each month once, in their order, and none of 0.
func summed(list []feeds.MonthCount) []feeds.MonthCount {
	slices.SortFunc(list, func(a, b feeds.MonthCount) int { return cmp.Compare(a.Month, b.Month) })
	out := list[:0]
	for i, m := range list {
		if n := len(out); i > 0 && n > 0 && out[n-1].Month == m.Month {
			out[n-1].Entries += m.Entries
		} else {
			out = append(out, m)
		}
	}
	return slices.DeleteFunc(out, func(m feeds.MonthCount) bool { return m.Entries == 0 })
}

// joinMonths writes the months as they are stored.
func joinMonths(list []feeds.MonthCount) string {
	b := make([]byte, 0, len(list)*len("24322:10 "))
	for i, m := range list {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(m.Month), 10)
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(m.Entries), 10)
	}
	return string(b)
}

// scanMonths reads a name and the months that stand with it, the oldest first.
func scanMonths(row scanner) (name string, list []feeds.MonthCount, err error) {
	var text string
	if err := row.Scan(&name, &text); err != nil {
		return "", nil, err
	}
	list = make([]feeds.MonthCount, 0, strings.Count(text, ":"))
	for field := range strings.FieldsSeq(text) {
		month, entries, _ := strings.Cut(field, ":")
		m, errMonth := strconv.Atoi(month)
		n, errEntries := strconv.Atoi(entries)
		if err := errors.Join(errMonth, errEntries); err != nil {
			return "", nil, fmt.Errorf("months of %s: %w", name, err)
		}
		list = append(list, feeds.MonthCount{Month: feeds.Month(m), Entries: n})
	}
	return name, list, nil
}

const monthsQuery = `SELECT list, counts FROM months WHERE list = $1`

// Months returns the months of which the query has entries and how many, the newest
// first, whatever month it asks for. Only the whole planet, a source and a list have any.
func (db *DB) Months(ctx context.Context, q feeds.Query) ([]feeds.MonthCount, error) {
	var list []feeds.MonthCount
	name, ok, err := listOf(ctx, db.read, q)
	if err == nil && ok {
		_, list, err = scanMonths(db.read.QueryRowContext(ctx, monthsQuery, name))
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read the months: %w", explain(err))
	}
	slices.Reverse(list)
	return list, nil
}

// Activity returns how many entries all sources and all lists (Lists) have of each month
// from since on, by their slugs, the oldest first. Who has none is left out.
func (db *DB) Activity(ctx context.Context, since feeds.Month) (sources, lists map[string][]feeds.MonthCount, err error) {
	if sources, err = db.activity(ctx, activityOf("s ", "sources"), since); err == nil {
		lists, err = db.activity(ctx, activityOf("c ", "categories"), since)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read who wrote when: %w", explain(err))
	}
	return sources, lists, nil
}

// activityOf asks for the months of all that a table has; each is looked up by its name.
func activityOf(kind, table string) string {
	return `SELECT o.slug, m.counts FROM ` + table + ` o CROSS JOIN months m ON m.list = '` + kind + `' || o.id`
}

func (db *DB) activity(ctx context.Context, query string, since feeds.Month) (map[string][]feeds.MonthCount, error) {
	rows, err := db.read.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	by := map[string][]feeds.MonthCount{}
	return by, eachRow(rows, func() error {
		slug, list, err := scanMonths(rows)
		first := slices.IndexFunc(list, func(m feeds.MonthCount) bool { return m.Month >= since })
		if first >= 0 {
			by[slug] = list[first:]
		}
		return err
	})
}

const lastVisitQuery = `SELECT last_visit FROM sources WHERE retired = 0 ORDER BY (-last_visit) LIMIT 1`

// LastVisit is when the planet last looked at any of its sources; zero: never.
func (db *DB) LastVisit(ctx context.Context) (time.Time, error) {
	var at int64
	if err := db.read.QueryRowContext(ctx, lastVisitQuery).Scan(&at); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("read when sources were visited: %w", explain(err))
	}
	return fromMicros(at), nil
}
