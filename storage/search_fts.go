package storage

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
)

// A place is where a text stands in the index: by its time, so that the newest are found
// first, and by its number.
const (
	placeBits = 28
	maxPlaced = 1<<placeBits - 1 // entries beyond are not found
	maxSecond = 1<<(63-placeBits) - 1
)

func placeOf(d *entryText) int64 { return firstPlace(d.sort) | d.id }

// firstPlace is where texts of the time begin.
func firstPlace(sort int64) int64 { return min(max(sort/1e6, 0), maxSecond) << placeBits }

// The texts are terms with blanks between, which this tokenizer leaves as they are.
// Eight segments are merged bit by bit, with every step: sixteen at once, which would be
// as fast, take seconds of a large index. Titles stand there once more by themselves: to
// see whether it is over the text that a common word stands, every text would be read.
// All words, to see which begin so, are what the index of the texts has anyway.
const fileIndexSchema = `
	CREATE VIRTUAL TABLE texts USING fts5 (title, text, lists, content='', contentless_delete=1, tokenize='ascii', prefix='` + prefixLengths + `');
	CREATE VIRTUAL TABLE titles USING fts5 (title, lists, content='', contentless_delete=1, tokenize='ascii', prefix='` + prefixLengths + `');
	CREATE VIRTUAL TABLE words USING fts5vocab (texts, instance);
	INSERT INTO texts (texts, rank) VALUES ('automerge', 8), ('hashsize', 8388608);
	INSERT INTO titles (titles, rank) VALUES ('automerge', 8), ('hashsize', 8388608);
	CREATE TABLE placed (entry_id INTEGER PRIMARY KEY, place INTEGER NOT NULL);
	CREATE TABLE marks (id INTEGER PRIMARY KEY, mark TEXT NOT NULL, before TEXT NOT NULL);`

// place writes the texts, those that are in the index already in place of what was there.
// The engine would write a segment for every one that stands before the last.
func place(ctx context.Context, tx *sql.Tx, docs []entryText) error {
	ids := make([]int64, len(docs))
	for i := range docs {
		ids[i] = docs[i].id
	}
	some := anys(padded(ids))
	in := `(` + marks(1, len(some)) + `)`
	rows, err := tx.QueryContext(ctx, `SELECT place FROM placed WHERE entry_id IN `+in+` ORDER BY place`, some...)
	if err != nil {
		return err
	}
	var old [][]any
	if err := eachRow(rows, func() error {
		var at int64
		err := rows.Scan(&at)
		old = append(old, []any{at})
		return err
	}); err != nil {
		return err
	}
	docs = slices.DeleteFunc(slices.Clone(docs), func(d entryText) bool { return !d.shown || d.id > maxPlaced })
	slices.SortFunc(docs, func(a, b entryText) int { return cmp.Compare(placeOf(&a), placeOf(&b)) })
	var texts, titles, placed [][]any
	for i := range docs {
		d := &docs[i]
		at := placeOf(d)
		texts = append(texts, []any{at, d.title, d.text, d.lists})
		titles = append(titles, []any{at, d.title, d.lists})
		placed = append(placed, []any{d.id, at})
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM placed WHERE entry_id IN `+in, some...); err != nil {
		return err
	}
	for _, w := range []struct {
		text string
		rows [][]any
	}{
		{`DELETE FROM texts WHERE rowid = $1`, old},
		{`DELETE FROM titles WHERE rowid = $1`, old},
		{`INSERT INTO texts (rowid, title, text, lists) VALUES ($1, $2, $3, $4)`, texts},
		{`INSERT INTO titles (rowid, title, lists) VALUES ($1, $2, $3)`, titles},
		{`INSERT INTO placed (entry_id, place) VALUES ($1, $2)`, placed},
	} {
		for _, args := range w.rows {
			if _, err := tx.ExecContext(ctx, w.text, args...); err != nil {
				return err
			}
		}
	}
	return nil
}
