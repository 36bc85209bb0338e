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

	"orrery/feeds"
)

// The past of every list, the whole planet's among them, is kept as archives (RFC 5005
// §4): which entries came into it together, in the order in which they came, whatever
// their dates. What is closed never gets another entry, so that who has read it need
// not read it again; what came last is open, and stands in the feed itself.
//
// An import, and the past of a new source, would flood the feeds: such entries, of which
// the world is not told, are closed at once.
const (
	// openRow is the number of the row that holds what is open; archives count from 1.
	openRow = 0
	// archivedAtOnce is how many entries an archive of those of which nobody was told has
	// at most.
	archivedAtOnce = 60
	// feedSize is how many entries a feed has, unless SetFeedSize says otherwise.
	feedSize = 60
)

// SetFeedSize says how many entries a feed has: fewer than that are ever open, and an
// archive is half as large.
func (db *DB) SetFeedSize(n int) { db.feedSize.Store(int64(n)) }

// planetList names all entries together among the lists; others have their ids, since
// whoever is configured otherwise gets another slug.
const planetList = ""

// name is what archives call the list with the id and the scope.
func listName(scope string, id int64) string { return scope[:2] + strconv.FormatInt(id, 10) }

// names are what archives call the lists.
func (l links) names() []string {
	var out []string
	for id, scope := range l {
		out = append(out, listName(scope, id))
	}
	return out
}

// listOf is the name of the one list that the query is of; ok is false if it is of none,
// or of one that is not there.
func listOf(ctx context.Context, q queryer, of feeds.Query) (list string, ok bool, err error) {
	scope, ok := of.Scope()
	if !ok || scope == "" {
		return planetList, ok, nil
	}
	query := `SELECT id FROM categories WHERE slug = $1`
	if scope[0] == 's' {
		query = `SELECT id FROM sources WHERE slug = $1`
	}
	var id int64
	err = q.QueryRowContext(ctx, query, scope[2:]).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return listName(scope, id), err == nil, err
}

// entered is an entry that has come into a list.
type entered struct {
	list        string
	entry, sort int64
	told        bool // the world hears of it now
	again       bool // it may have been there before
}

// enter notes that the entry has come into the list.
func (w *writer) enter(list string, entry, sort int64) {
	first := w.first["entries"]
	w.entered = append(w.entered, entered{list: list, entry: entry, sort: sort, again: first == 0 || entry < first})
}

func (w *writer) enterLists(now, old links, entry, sort int64) {
	for id, scope := range now {
		if _, ok := old[id]; !ok {
			w.enter(listName(scope, id), entry, sort)
		}
	}
}

// arrive leaves to the end of the transaction what the visit has brought into the lists.
func (w *writer) arrive() {
	for _, e := range w.entered {
		e.told = w.told[e.entry]
		w.arrived = append(w.arrived, e)
	}
	w.entered = nil
}

// writeArchives puts what has come into the lists into their archives.
func (t *txn) writeArchives() error {
	by := map[string][]entered{}
	type place struct {
		list  string
		entry int64
	}
	there := map[place]bool{}
	for _, e := range t.arrived {
		if at := (place{e.list, e.entry}); !there[at] {
			there[at] = true
			by[e.list] = append(by[e.list], e)
		}
	}
	t.arrived = nil
	for _, list := range slices.Sorted(maps.Keys(by)) {
		slices.SortFunc(by[list], func(a, b entered) int { return cmp.Or(cmp.Compare(a.sort, b.sort), cmp.Compare(a.entry, b.entry)) })
		if err := t.archive(list, by[list]); err != nil {
			return fmt.Errorf("archive of %q: %w", list, err)
		}
	}
	return nil
}

func (t *txn) archive(list string, came []entered) error {
	var last int64
	err := t.row(`SELECT n FROM archives WHERE list = $1 ORDER BY n DESC LIMIT 1`, list).Scan(&last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && slices.ContainsFunc(came, func(e entered) bool { return e.again }) {
		if came, err = t.unarchived(list, came); err != nil {
			return err
		}
	}
	var open, past []int64
	for _, e := range came {
		if e.told {
			open = append(open, e.entry)
		} else {
			past = append(past, e.entry)
		}
	}
	if len(open) > 0 {
		before, err := t.archived(list, openRow)
		if err != nil {
			return err
		}
		open = append(before, open...)
		for size := max(2, int(t.db.feedSize.Load())); len(open) >= size; {
			past, open = append(past, open[:size/2]...), open[size/2:]
		}
		if err := t.exec(`INSERT INTO archives (list, n, entries) VALUES ($1, $2, $3)
			ON CONFLICT (list, n) DO UPDATE SET entries = excluded.entries`, list, openRow, joinIDs(open)); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(past, archivedAtOnce) {
		last++
		if err := t.exec(`INSERT INTO archives (list, n, entries) VALUES ($1, $2, $3)`, list, last, joinIDs(chunk)); err != nil {
			return err
		}
	}
	return nil
}

// unarchived are those that were never in the list before.
func (t *txn) unarchived(list string, came []entered) ([]entered, error) {
	rows, err := t.query(`SELECT entries FROM archives WHERE list = $1`, list)
	if err != nil {
		return nil, err
	}
	there := map[int64]bool{}
	err = eachRow(rows, func() error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		ids, err := splitIDs(text)
		for _, id := range ids {
			there[id] = true
		}
		return err
	})
	return slices.DeleteFunc(came, func(e entered) bool { return there[e.entry] }), err
}

func (t *txn) archived(list string, n int64) ([]int64, error) {
	return scanArchive(t.row(`SELECT entries FROM archives WHERE list = $1 AND n = $2`, list, n))
}

func scanArchive(row interface{ Scan(...any) error }) ([]int64, error) {
	var text string
	if err := row.Scan(&text); errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return splitIDs(text)
}

func joinIDs(ids []int64) string {
	var b []byte
	for i, id := range ids {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, id, 10)
	}
	return string(b)
}

func splitIDs(text string) ([]int64, error) {
	var ids []int64
	for f := range strings.FieldsSeq(text) {
		id, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("archive %q: %w", text, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Archives is the number of the last closed archive of what the query selects, 0 for
// none. Only the whole planet, a source and a list have any.
func (db *DB) Archives(ctx context.Context, q feeds.Query) (int, error) {
	list, ok, err := listOf(ctx, db.read, q)
	if err == nil && !ok {
		return 0, nil
	}
	var n int
	if err == nil {
		err = db.read.QueryRowContext(ctx, `SELECT n FROM archives WHERE list = $1 ORDER BY n DESC LIMIT 1`, list).Scan(&n)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read the archives: %w", explain(err))
	}
	return n, nil
}
