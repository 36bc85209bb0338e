package storage

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
)

// A place is where a text stands in the index: by its second, so that the newest are
// found first, and behind those of the same second that were there before; if those are
// too many, with the next. The nearer to each other the places, the smaller the index:
// of each word it has the way from one text to the next.
const (
	placeBits    = 4
	secondsOfDay = 24 * 3600
)

// firstPlace is where texts of the time begin.
func firstPlace(sort int64) int64 { return max(sort/1e6, 0) << placeBits }

// timeOf is the time of the texts at the place, to the second.
func timeOf(place int64) int64 { return place >> placeBits * 1e6 }

// The texts are terms with blanks between, which this tokenizer leaves as they are.
// Eight segments are merged bit by bit, with every step: sixteen at once, which would be
// as fast, take seconds of a large index. Titles stand there once more by themselves: to
// see whether it is over the text that a common word stands, every text would be read.
// All words, to see which begin so, are what the index of the texts has anyway.
const fileIndexSchema = `
	CREATE VIRTUAL TABLE texts USING fts5 (title, text, lists, title_pairs, pairs, content='', contentless_delete=1, tokenize='ascii', prefix='` + prefixLengths + `');
	CREATE VIRTUAL TABLE titles USING fts5 (title, lists, content='', contentless_delete=1, tokenize='ascii', prefix='` + prefixLengths + `');
	CREATE VIRTUAL TABLE words USING fts5vocab (texts, instance);
	INSERT INTO texts (texts, rank) VALUES ('automerge', 8), ('hashsize', 8388608);
	INSERT INTO titles (titles, rank) VALUES ('automerge', 8), ('hashsize', 8388608);
	CREATE TABLE places (place INTEGER PRIMARY KEY, entry_id INTEGER NOT NULL UNIQUE);
	CREATE TABLE marks (id INTEGER PRIMARY KEY, mark TEXT NOT NULL, before TEXT NOT NULL);`

// place writes the texts, those that are in the index already in place of what was there.
// The engine would write a segment for every one that stands before the last.
func place(ctx context.Context, tx *sql.Tx, docs []entryText) error {
	old, err := takeOut(ctx, tx, docs)
	if err != nil {
		return err
	}
	docs = slices.DeleteFunc(slices.Clone(docs), func(d entryText) bool { return !d.shown })
	slices.SortFunc(docs, func(a, b entryText) int { return cmp.Or(cmp.Compare(a.sort, b.sort), cmp.Compare(a.id, b.id)) })
	at, err := findPlaces(ctx, tx, docs, old)
	if err != nil {
		return err
	}
	order := make([]int, len(docs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	for _, i := range order {
		d := &docs[i]
		if _, err := tx.ExecContext(ctx, `INSERT INTO texts (rowid, title, text, lists, title_pairs, pairs) VALUES ($1, $2, $3, $4, $5, $6)`,
			at[i], d.title, d.text, d.lists, pairsOf(d.title), pairsOf(d.text)); err != nil {
			return err
		}
	}
	for _, i := range order {
		if _, err := tx.ExecContext(ctx, `INSERT INTO titles (rowid, title, lists) VALUES ($1, $2, $3)`, at[i], docs[i].title, docs[i].lists); err != nil {
			return err
		}
	}
	return nil
}

// findPlaces is where the texts, in the order of their times, are to stand: where they
// stood, if that is of their time.
func findPlaces(ctx context.Context, tx *sql.Tx, docs []entryText, old map[int64]int64) ([]int64, error) {
	at := make([]int64, len(docs))
	keep := func(i int, place int64) error {
		at[i] = place
		_, err := tx.ExecContext(ctx, `INSERT INTO places (place, entry_id) VALUES ($1, $2)`, place, docs[i].id)
		return err
	}
	for i := range docs {
		if p, ok := old[docs[i].id]; ok && timeOf(p) == timeOf(firstPlace(docs[i].sort)) {
			if err := keep(i, p); err != nil {
				return nil, err
			}
		}
	}
	free := freePlaces{full: map[int64]int64{}}
	for i := range docs {
		if at[i] != 0 {
			continue
		}
		p, err := free.next(ctx, tx, docs[i].sort)
		if err == nil {
			err = keep(i, p)
		}
		if err != nil {
			return nil, err
		}
	}
	return at, nil
}

// takeOut takes the texts out of the index, and says where they stood.
func takeOut(ctx context.Context, tx *sql.Tx, docs []entryText) (old map[int64]int64, err error) {
	ids := make([]int64, len(docs))
	for i := range docs {
		ids[i] = docs[i].id
	}
	some := anys(padded(ids))
	in := `(` + marks(1, len(some)) + `)`
	rows, err := tx.QueryContext(ctx, `SELECT entry_id, place FROM places WHERE entry_id IN `+in+` ORDER BY place`, some...)
	if err != nil {
		return nil, err
	}
	old = map[int64]int64{}
	var order []int64
	if err := eachRow(rows, func() error {
		var id, at int64
		err := rows.Scan(&id, &at)
		old[id] = at
		order = append(order, at)
		return err
	}); err != nil || len(old) == 0 {
		return nil, err
	}
	for _, text := range []string{`DELETE FROM texts WHERE rowid = $1`, `DELETE FROM titles WHERE rowid = $1`, `DELETE FROM places WHERE place = $1`} {
		for _, at := range order {
			if _, err := tx.ExecContext(ctx, text, at); err != nil {
				return nil, err
			}
		}
	}
	return old, nil
}

// freePlaces finds places where nothing stands.
type freePlaces struct {
	full map[int64]int64 // by the first place of a second how many seconds from there on are full
}

func (f *freePlaces) next(ctx context.Context, tx *sql.Tx, sort int64) (int64, error) {
	from := firstPlace(sort)
	step := int64(1 << placeBits)
	if second := sort / 1e6; second > secondsOfDay && second%secondsOfDay >= secondsOfDay/2 { // towards noon: months are asked for
		step = -step
	}
	for {
		first := max(from+f.full[from]*step, 1)
		last := first | (1<<placeBits - 1)
		var at sql.NullInt64
		if err := tx.QueryRowContext(ctx, `SELECT max(place) FROM places WHERE place BETWEEN $1 AND $2`, first, last).Scan(&at); err != nil {
			return 0, err
		}
		if !at.Valid {
			return first, nil
		}
		if at.Int64 < last {
			return at.Int64 + 1, nil
		}
		f.full[from]++
	}
}
