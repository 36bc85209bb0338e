package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"orrery/feeds"
)

// Texts are indexed behind the commits and never in their way: to index all of them in
// the commit takes four times as long as to store them. A commit only notes in the table
// unindexed which entries it changed; Index makes what they are found by, and takes them
// out. Whatever happens in between, what is not indexed stands there still.

const (
	// indexBatch is how many entries one step indexes: a part of a second.
	indexBatch = 300
	// metaSearch names, in meta, which index is that of this planet: one that was made
	// of another state of it, or of another planet, is not used.
	metaSearch = "search"
	// indexedScope is the version that rises when texts were indexed.
	indexedScope = "i"
)

// textIndex is by what an engine finds texts. Several processes may use it at once.
type textIndex interface {
	// step indexes a batch of what is noted, and says how many entries that were and
	// whether there are more. An index that is missing, or of no use, is made anew.
	step(ctx context.Context) (n int, more bool, err error)
	// find returns the best of what is asked for, in no order. They are to be closed unless
	// there is an error.
	find(ctx context.Context, ask question) (foundTexts, error)
	close() error
}

func newTextIndex(db *DB, scheme, path string, e engine) textIndex {
	if scheme != "sqlite" {
		return &tableIndex{db, findTime}
	}
	if abs, err := filepath.Abs(path); err == nil { // wherever one stands later
		path = abs
	}
	return &fileIndex{db: db, path: path, engine: e, patience: findTime}
}

// entryText is an entry as it is indexed.
type entryText struct {
	id, sort    int64
	shown       bool
	title, text string // feeds.SearchText
	lists       string // those that it stands in, as words that nobody can type
}

// work is what there is to index, at one moment.
type work struct {
	docs []entryText
	ids  []int64
	upTo int64 // the greatest again: what is noted later has a greater one
	more bool
	mark string // of the index that is in use
}

// Index indexes the next entries that commits have changed, and says how many they were
// and whether more are waiting. What it does it may do twice, and several processes may
// do it at once; one that is killed has lost nothing.
func (db *DB) Index(ctx context.Context) (n int, more bool, err error) {
	n, more, err = db.index.step(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("index texts: %w", explain(err))
	}
	return n, more, nil
}

// reword notes that what the entry says, or where it stands, has changed.
func (t *txn) reword(entry int64) {
	if t.reworded == nil {
		t.reworded = map[int64]bool{}
	}
	t.reworded[entry] = true
}

var unindexed = &insertion{`INSERT INTO unindexed (entry_id, again) VALUES `, 2, ` ON CONFLICT (entry_id) DO UPDATE SET again = excluded.again`}

// writeReworded puts what was reworded where Index looks for it. Who rewords an entry
// raises the version of the planet, so that again rises with every transaction: Index
// takes out what it has read, and nothing that came later.
func (t *txn) writeReworded() error {
	if len(t.reworded) == 0 {
		return nil
	}
	var again int64
	if err := t.row(`SELECT coalesce(max(seq), 0) FROM versions WHERE scope = ''`).Scan(&again); err != nil {
		return err
	}
	var values []any
	for _, id := range sortedKeys(t.reworded) {
		values = append(values, id, again)
	}
	return t.insertRows(unindexed, values)
}

// rewordAll notes all entries that are shown, for an index that is made anew and has
// the mark.
func (t *txn) rewordAll(mark string) error {
	if err := t.exec(`INSERT INTO unindexed (entry_id, again) SELECT id, (SELECT coalesce(max(seq), 0) FROM versions WHERE scope = '')
		FROM entries WHERE withdrawn = 0 ON CONFLICT (entry_id) DO NOTHING`); err != nil {
		return err
	}
	return t.setMark(mark)
}

// readIndexMark is the mark of the index that is in use, "" for none.
func readIndexMark(ctx context.Context, q queryer) (mark string, err error) {
	err = q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, metaSearch).Scan(&mark)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return mark, err
}

func (t *txn) setMark(mark string) error {
	return t.exec(`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, metaSearch, mark)
}

// readWork reads what there is to index, what came last first: it is what people look
// for.
func readWork(ctx context.Context, tx *sql.Tx) (w work, err error) {
	if w.mark, err = readIndexMark(ctx, tx); err != nil {
		return w, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT entry_id, again FROM unindexed ORDER BY entry_id DESC LIMIT $1`, indexBatch+1)
	if err != nil {
		return w, err
	}
	err = eachRow(rows, func() error {
		var id, again int64
		if err := rows.Scan(&id, &again); err != nil {
			return err
		}
		if w.more = len(w.ids) == indexBatch; !w.more {
			w.ids, w.upTo = append(w.ids, id), max(w.upTo, again)
		}
		return nil
	})
	if err == nil && len(w.ids) > 0 {
		err = w.readDocuments(ctx, tx)
	}
	return w, err
}

func (w *work) readDocuments(ctx context.Context, tx *sql.Tx) error {
	w.docs = make([]entryText, len(w.ids))
	for i, id := range w.ids {
		w.docs[i].id = id
	}
	at, list := positions(w.ids), make([]feeds.Entry, len(w.ids))
	ids := anys(padded(w.ids))
	all := make([]standing, len(w.ids))
	rows, err := tx.QueryContext(ctx, `SELECT e.id, e.sort, e.lists, c.body FROM entries e JOIN copies c ON c.id = e.copy_id
		WHERE e.withdrawn = 0 AND e.id IN (`+marks(1, len(ids))+`)`, ids...)
	if err != nil {
		return err
	}
	if err := eachRow(rows, func() error {
		var id, sort int64
		var lists string
		var body []byte
		err := rows.Scan(&id, &sort, &lists, &body)
		if err != nil {
			return err
		}
		d := &w.docs[at[id]]
		d.shown, d.sort = true, sort
		if all[at[id]], err = parseStanding(lists); err == nil {
			err = decode(body, &list[at[id]])
		}
		if err != nil {
			return fmt.Errorf("entry %d: %w", id, err)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := eachCategory(ctx, tx, all, func(i int, id int64, c feeds.CategoryName) {
		w.docs[i].enlist(categoryWord(id))
		list[i].Categories = append(list[i].Categories, c)
	}); err != nil {
		return err
	}
	for i := range all {
		for _, id := range all[i].sources {
			w.docs[i].enlist(sourceWord(id))
		}
	}
	for i := range w.docs {
		if w.docs[i].shown {
			w.docs[i].title, w.docs[i].text = searchText(&list[i])
		}
	}
	return nil
}

// searchText is what is found of an entry. One whose text nobody foresaw is found by its
// lists only: it must not keep the others from being indexed (hostile.md).
func searchText(e *feeds.Entry) (title, text string) {
	defer func() {
		if recover() != nil {
			title, text = "", ""
		}
	}()
	return feeds.SearchText(e)
}

// Lists are indexed with the texts, so that the best of a list are found though a
// thousand others are better. No term has the sign.
func categoryWord(id int64) string { return fmt.Sprintf("§c%d", id) }
func sourceWord(id int64) string   { return fmt.Sprintf("§s%d", id) }

func (d *entryText) enlist(word string) {
	if d.lists != "" {
		d.lists += " "
	}
	d.lists += word
}

// indexed takes out what was indexed, and has whoever keeps what was found look anew. What
// else the planet shows is as it was.
func (t *txn) indexed(w *work, mark string) error {
	ids := anys(w.ids)
	slices.Reverse(ids) // in the order of the table
	for len(ids) > 0 {
		n := atOnce(len(ids))
		if err := t.exec(`DELETE FROM unindexed WHERE again <= $1 AND entry_id IN (`+unnamed(n)+`)`, append([]any{w.upTo}, ids[:n]...)...); err != nil {
			return err
		}
		ids = ids[n:]
	}
	if err := t.exec(`INSERT INTO versions (scope, seq, changed) VALUES ($1, 1, $2)
		ON CONFLICT (scope) DO UPDATE SET seq = versions.seq + 1, changed = max(versions.changed, excluded.changed)`, indexedScope, micros(time.Now())); err != nil {
		return err
	}
	if mark != w.mark {
		if err := t.setMark(mark); err != nil {
			return err
		}
	}
	if t.db.dialect.raised == nil {
		return nil
	}
	return t.db.dialect.raised(t.ctx, t.tx)
}
