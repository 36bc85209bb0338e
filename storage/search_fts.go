package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"orrery/feeds"
)

// A place is where a text stands in the index: by its time, so that the newest are found
// first, and by its number.
const (
	placeBits = 28
	maxPlaced = 1<<placeBits - 1 // entries beyond are not found
	maxSecond = 1<<(63-placeBits) - 1
)

func placeOf(d *entryText) int64 {
	return min(max(d.sort/1e6, 0), maxSecond)<<placeBits | d.id
}

// The texts are terms with blanks between, which this tokenizer leaves as they are.
// Eight segments are merged bit by bit, with every step: sixteen at once, which would be
// as fast, take seconds of a large index.
const fileIndexSchema = `
	CREATE VIRTUAL TABLE texts USING fts5 (title, text, lists, content='', contentless_delete=1, tokenize='ascii');
	INSERT INTO texts (texts, rank) VALUES ('automerge', 8), ('hashsize', 8388608);
	CREATE TABLE placed (entry_id INTEGER PRIMARY KEY, place INTEGER NOT NULL);
	CREATE TABLE marks (id INTEGER PRIMARY KEY, mark TEXT NOT NULL, before TEXT NOT NULL);`

// place writes the documents, those that are in the index already in place of what was
// there. The engine would write a segment for every text that stands before the last.
func place(ctx context.Context, tx *sql.Tx, docs []entryText) error {
	ids := make([]int64, len(docs))
	for i := range docs {
		ids[i] = docs[i].id
	}
	rows, err := tx.QueryContext(ctx, `SELECT place FROM placed WHERE entry_id IN (`+marks(1, len(ids))+`) ORDER BY place`, anys(ids)...)
	if err != nil {
		return err
	}
	var old []int64
	if err := eachRow(rows, func() error {
		var at int64
		err := rows.Scan(&at)
		old = append(old, at)
		return err
	}); err != nil {
		return err
	}
	run := func(text string, each func(run func(args ...any) error) error) error {
		s, err := tx.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		defer s.Close()
		return each(func(args ...any) error {
			_, err := s.ExecContext(ctx, args...)
			return err
		})
	}
	if err := run(`DELETE FROM texts WHERE rowid = $1`, func(run func(args ...any) error) (err error) {
		for _, at := range old {
			err = errors.Join(err, run(at))
		}
		return err
	}); err != nil {
		return err
	}
	docs = slices.DeleteFunc(slices.Clone(docs), func(d entryText) bool { return !d.shown || d.id > maxPlaced })
	slices.SortFunc(docs, func(a, b entryText) int { return cmp.Compare(placeOf(&a), placeOf(&b)) })
	if err := run(`INSERT INTO texts (rowid, title, text, lists) VALUES ($1, $2, $3, $4)`, func(run func(args ...any) error) (err error) {
		for i := range docs {
			d := &docs[i]
			if err = run(placeOf(d), d.title, d.text, d.lists); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM placed WHERE entry_id IN (`+marks(1, len(ids))+`)`, anys(ids)...); err != nil {
		return err
	}
	return run(`INSERT INTO placed (entry_id, place) VALUES ($1, $2)`, func(run func(args ...any) error) (err error) {
		for i := range docs {
			if err = run(docs[i].id, placeOf(&docs[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// worthWeighing is how many entries may have one of the words that are looked for, all
// together, for the engine to weigh what it finds: it looks at each of them, whatever
// else is asked. What is said in so many says little.
const worthWeighing = 20_000

var fileExpression = &expression{and: " AND ", or: " OR ", not: " NOT ",
	phrase: func(p feeds.Phrase) string {
		text := `"` + strings.Join(p.Words, " ") + `"`
		if p.GoesOn {
			text += " *"
		}
		return text
	},
	list: func(word string) string { return `"` + word + `"` },
}

func (f *fileIndex) find(ctx context.Context, ask question) (hits []hit, err error) {
	o, err := f.get()
	if err != nil || o == nil {
		return nil, err
	}
	tx, err := o.read.BeginTx(ctx, nil)
	if err == nil {
		defer tx.Rollback() //nolint:errcheck // it was only read
		if err = checkVersion(ctx, tx); err == nil {
			hits, err = findIn(ctx, tx, &ask)
		}
	}
	if errors.Is(err, errNoIndex) {
		return nil, nil
	}
	if isUseless(err) {
		// Whoever indexes, here or elsewhere, makes it anew when he sees that it is nobody's.
		f.discredit(o)
		_, err = f.db.write.ExecContext(ctx, `DELETE FROM meta WHERE name = $1`, metaSearch)
		f.db.nudge()
		return nil, err
	}
	return hits, err
}

func findIn(ctx context.Context, tx *sql.Tx, ask *question) (hits []hit, err error) {
	weighed, err := worthIt(ctx, tx, ask)
	if err != nil {
		return nil, err
	}
	weigh := func(title bool) string { // what FTS5 says of the best is the least
		switch {
		case weighed:
			return "-bm25(texts, " + strconv.Itoa(titleWeight) + ", 1, 0)"
		case title:
			return strconv.Itoa(titleWeight)
		}
		return "1"
	}
	at := map[int64]int{}
	take := func(expression string, most int, title bool) (n int, err error) {
		rows, err := tx.QueryContext(ctx, `SELECT rowid, `+weigh(title)+` FROM texts WHERE texts MATCH $1 ORDER BY rowid DESC LIMIT $2`, expression, most)
		if err != nil {
			return 0, err
		}
		return n, eachRow(rows, func() error {
			var place int64
			var h hit
			if err := rows.Scan(&place, &h.relevance); err != nil {
				return err
			}
			n++
			h.id, h.sort = place&maxPlaced, place>>placeBits*1e6
			if i, ok := at[h.id]; ok {
				hits[i].relevance = max(hits[i].relevance, h.relevance)
				return nil
			}
			at[h.id] = len(hits)
			hits = append(hits, h)
			return nil
		})
	}
	n, err := take(fileExpression.write(ask, true), maxHits, false)
	if err != nil || weighed && n < maxHits {
		return hits, err
	}
	all := fileExpression.write(&question{Search: feeds.Search{All: ask.All}}, false)
	_, err = take("({title} : "+all+") AND "+fileExpression.write(ask, true), maxTitleHits, true)
	return hits, err
}

// worthIt says whether the engine may weigh what it finds. Which words begin so it would
// have to look for once more, which takes longest of all.
func worthIt(ctx context.Context, tx *sql.Tx, ask *question) (bool, error) {
	if slices.ContainsFunc(ask.All, func(p feeds.Phrase) bool { return p.GoesOn }) {
		return false, nil
	}
	left := worthWeighing
	for _, p := range ask.All {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM texts WHERE texts MATCH $1 LIMIT $2)`,
			fileExpression.phrase(p), left/len(p.Words)+1).Scan(&n); err != nil {
			return false, err
		}
		if left -= n * len(p.Words); left < 0 {
			return false, nil
		}
	}
	return true, nil
}
