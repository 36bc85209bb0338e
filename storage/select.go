package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"orrery/feeds"
)

// selection are entries with their own ids, those of the sources that they are shown of,
// and the lists they stand in.
type selection struct {
	list         []feeds.Entry
	ids, primary []int64
	lists        []standing
}

// with is the selection and behind it another.
func (s selection) with(more selection) selection {
	return selection{append(s.list, more.list...), append(s.ids, more.ids...), append(s.primary, more.primary...), append(s.lists, more.lists...)}
}

func selectEntries(ctx context.Context, tx *sql.Tx, q feeds.Query) (selection, error) {
	if q.Archive == 0 && !q.Open && !q.ByArrival {
		return selectOrdered(ctx, tx, q)
	}
	if _, whole := q.Scope(); !whole || q.Month != 0 {
		return selection{}, errors.New("only the planet, a source and a list have archives")
	}
	list, there, err := listOf(ctx, tx, q)
	if err != nil || !there {
		return selection{}, err
	}
	switch {
	case q.Archive > 0:
		ids, err := archivedIn(ctx, tx, list, q.Archive)
		if err != nil {
			return selection{}, err
		}
		return selectAmong(ctx, tx, q, ids)
	case q.ByArrival:
		return selectLast(ctx, tx, q, list)
	}
	found, err := selectOrdered(ctx, tx, q)
	if err != nil || q.Limit == 0 || len(found.list) < q.Limit {
		return found, err
	}
	return addOpen(ctx, tx, q, list, found)
}

func selectOrdered(ctx context.Context, tx *sql.Tx, q feeds.Query) (selection, error) {
	query, args := entriesQuery(q, nil)
	return scanSelection(tx.QueryContext(ctx, query, args...))
}

// selectAmong is what the query selects of the entries with the ids.
func selectAmong(ctx context.Context, tx *sql.Tx, q feeds.Query, ids []int64) (all selection, err error) {
	q.Limit, q.After = 0, nil
	for batch := range slices.Chunk(ids, knownBatch) {
		query, args := entriesQuery(q, batch)
		some, err := scanSelection(tx.QueryContext(ctx, query, args...))
		if err != nil {
			return selection{}, err
		}
		all = all.with(some)
	}
	all.sort(func(i, j int) int { return newer(&all.list[i], &all.list[j]) })
	return all, nil
}

// newer orders as Query does.
func newer(a, b *feeds.Entry) int {
	return cmp.Or(b.Sort.Compare(a.Sort), strings.Compare(a.ID, b.ID))
}

// sort sorts by a comparison of places.
func (s *selection) sort(compare func(i, j int) int) {
	at := make([]int, len(s.list))
	for i := range at {
		at[i] = i
	}
	slices.SortFunc(at, compare)
	s.pick(at)
}

// pick keeps the entries at the places, in that order.
func (s *selection) pick(at []int) {
	out := selection{make([]feeds.Entry, len(at)), make([]int64, len(at)), make([]int64, len(at)), make([]standing, len(at))}
	for i, k := range at {
		out.list[i], out.ids[i], out.primary[i], out.lists[i] = s.list[k], s.ids[k], s.primary[k], s.lists[k]
	}
	*s = out
}

func archivedIn(ctx context.Context, tx *sql.Tx, list string, n int) ([]int64, error) {
	return scanArchive(tx.QueryRowContext(ctx, `SELECT entries FROM archives WHERE list = $1 AND n = $2`, list, n))
}

// addOpen puts what is open and older among the newest entries, in place of the oldest
// that are not open.
func addOpen(ctx context.Context, tx *sql.Tx, q feeds.Query, list string, found selection) (selection, error) {
	open, err := archivedIn(ctx, tx, list, openRow)
	if err != nil {
		return found, err
	}
	late := slices.DeleteFunc(slices.Clone(open), func(id int64) bool { return slices.Contains(found.ids, id) })
	if len(late) == 0 {
		return found, nil
	}
	more, err := selectAmong(ctx, tx, q, late)
	if err != nil {
		return found, err
	}
	var keep []int
	room := q.Limit - len(more.list)
	for _, id := range found.ids {
		if slices.Contains(open, id) {
			room--
		}
	}
	for i, id := range found.ids {
		isOpen := slices.Contains(open, id)
		if isOpen || room > 0 {
			keep = append(keep, i)
		}
		if !isOpen {
			room--
		}
	}
	found.pick(keep)
	return found.with(more), nil
}

// selectLast is what came last, the newest first.
func selectLast(ctx context.Context, tx *sql.Tx, q feeds.Query, list string) (selection, error) {
	ids, err := lastOf(ctx, tx, list, q.Limit)
	if err != nil {
		return selection{}, err
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	limit := q.Limit
	var found selection
	for len(ids) > 0 && (limit == 0 || len(found.list) < limit) {
		n := len(ids)
		if limit > 0 {
			n = min(n, limit-len(found.list))
		}
		some, err := selectAmong(ctx, tx, q, ids[:n])
		if err != nil {
			return selection{}, err
		}
		some.sort(func(i, j int) int { return cmp.Compare(some.ids[j], some.ids[i]) })
		found = found.with(some)
		ids = ids[n:]
	}
	return found, nil
}

// lastOf are entries of the list among which the last limit stand that are shown, unless
// more than thrice as many were taken back; 0: all of the list.
func lastOf(ctx context.Context, tx *sql.Tx, list string, limit int) ([]int64, error) {
	ids, err := archivedIn(ctx, tx, list, openRow)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT entries FROM archives WHERE list = $1 AND n > $2 ORDER BY n DESC`, list, openRow)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for enough := len(ids) + 4*limit; (limit == 0 || len(ids) < enough) && rows.Next(); {
		some, err := scanArchive(rows)
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	return ids, rows.Err()
}
