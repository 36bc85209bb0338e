package storage

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"orrery/feeds"
)

// txn is a writing transaction. Its texts must be few and constant, since connections
// keep them compiled.
type txn struct {
	ctx   context.Context
	tx    *sql.Tx
	db    *DB
	last  map[string]int64 // the newest id of a table
	first map[string]int64 // the first that this transaction gave out

	arrived  []entered      // into lists, not yet in their archives
	months   months         // that have got other numbers of entries
	reworded map[int64]bool // entries whose texts are to be indexed

	categories map[feeds.CategoryName]categoryRow // those that were looked up
	scopes     map[string]int64                   // versions to raise, and since when they are others

	listeners []int64 // see hearers
}

// tx runs f in the only transaction that writes entries.
func (db *DB) tx(ctx context.Context, f func(*txn) error) error {
	return db.txWithin(ctx, 0, f)
}

// txWithin is tx for one that is ended if nothing is said in it for so long.
func (db *DB) txWithin(ctx context.Context, idle time.Duration, f func(*txn) error) error {
	reworded := false
	err := db.txBeside(ctx, func(t *txn) error {
		if err := db.dialect.alone(t.ctx, t.tx, idle); err != nil {
			return err
		}
		if err := db.sameSchema(ctx, t.tx); err != nil {
			return err
		}
		if err := f(t); err != nil {
			return err
		}
		reworded = len(t.reworded) > 0
		if err := t.writeArchives(); err != nil {
			return err
		}
		if err := t.writeMonths(); err != nil {
			return err
		}
		if err := t.writeVersions(); err != nil {
			return err
		}
		return t.writeReworded()
	})
	if err == nil && reworded {
		db.nudge()
	}
	return err
}

// sameSchema refuses to write what a newer program has changed since we opened it: what
// we do not know of would be missing.
func (db *DB) sameSchema(ctx context.Context, q queryer) error {
	if db.schema == 0 {
		return nil
	}
	var have int
	if err := q.QueryRowContext(ctx, db.dialect.schema).Scan(&have); err != nil {
		return err
	}
	if have > db.schema {
		return ErrNewer
	}
	return nil
}

// txBeside runs f in a transaction that writes nothing but sources, beside others.
func (db *DB) txBeside(ctx context.Context, f func(*txn) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return explain(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a Commit it does nothing
	err = f(&txn{ctx: ctx, tx: tx, db: db, last: map[string]int64{}, first: map[string]int64{},
		categories: map[feeds.CategoryName]categoryRow{}, scopes: map[string]int64{}})
	if err == nil {
		err = tx.Commit()
	}
	if isStopped(err) {
		return endedError{explain(err)}
	}
	return explain(err)
}

// endedError is that of a transaction which the server ended before it was to be
// committed, since this process was stopped for a while. Nothing of it is stored, and it
// may be made again.
type endedError struct{ error }

func (e endedError) Unwrap() error { return e.error }

// anew makes a transaction again if it was ended, up to three times.
func anew(make func() error) error {
	err := make()
	for ended, again := (endedError{}), 0; errors.As(err, &ended) && again < 2; again++ {
		err = make()
	}
	return err
}

func (t *txn) exec(text string, args ...any) error {
	_, err := t.affect(text, args...)
	return err
}

// affect is exec with the number of rows that were written.
func (t *txn) affect(text string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(t.ctx, text, storable(args)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t *txn) query(text string, args ...any) (*sql.Rows, error) {
	return t.tx.QueryContext(t.ctx, text, storable(args)...)
}

// storable are the values with texts that every engine takes: PostgreSQL refuses NUL and
// what is not UTF-8, and with it the whole visit. Normalize sees to what feeds say; this
// is for the rest, as the name of a file of which a folder complains. Each is replaced,
// so that no text becomes equal to one that was stored.
func storable(args []any) []any {
	out := args
	for i, a := range args {
		s, ok := a.(string)
		if !ok || isStorable(s) {
			continue
		}
		if &out[0] == &args[0] {
			out = slices.Clone(args)
		}
		out[i] = storableText(s)
	}
	return out
}

func isStorable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func storableText(s string) string {
	if isStorable(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// next is a free id of the table, for rows that name each other: nobody else writes
// while this transaction lasts.
func (t *txn) next(table string) (int64, error) {
	last, ok := t.last[table]
	if !ok {
		if err := t.row(`SELECT coalesce(max(id), 0) FROM ` + table).Scan(&last); err != nil {
			return 0, err
		}
		t.first[table] = last + 1
	}
	t.last[table] = last + 1
	return last + 1, nil
}

// atOnce is how many of n values or rows one text takes. The sizes are few, because
// each is a text of its own, which is compiled once; nor large, because the engine
// looks each value up by its number among all before it.
func atOnce(n int) int {
	for _, size := range []int{100, 20, 4} {
		if n >= size {
			return size
		}
	}
	return 1
}

// each asks the question, which ends in IN, for all values, some hundreds at a time.
func (t *txn) each(question string, args, values []any, f func(*sql.Rows) error) error {
	for len(values) > 0 {
		n := atOnce(len(values))
		rows, err := t.query(question+"("+unnamed(n)+")", append(slices.Clip(args), values[:n]...)...)
		if err != nil {
			return err
		}
		if err := eachRow(rows, func() error { return f(rows) }); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// ids are those that a question for one column gives.
func (t *txn) ids(query string, args ...any) ([]int64, error) {
	rows, err := t.query(query, args...)
	if err != nil {
		return nil, err
	}
	var list []int64
	err = eachRow(rows, func() error {
		var id int64
		err := rows.Scan(&id)
		list = append(list, id)
		return err
	})
	return list, err
}

// row is the one row of a query.
func (t *txn) row(text string, args ...any) *sql.Row {
	return t.tx.QueryRowContext(t.ctx, text, storable(args)...)
}

type scanner interface{ Scan(dest ...any) error }

// snapshot runs f on one state of the store, whatever is written meanwhile.
func (db *DB) snapshot(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := db.read.BeginTx(ctx, &db.dialect.reading)
	if err != nil {
		return explain(err)
	}
	defer tx.Rollback() //nolint:errcheck // it was only read
	return explain(f(tx))
}
