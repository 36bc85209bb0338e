package storage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
)

// CopyReport is what Copy has done.
type CopyReport struct {
	Rows, Tables int  // that the copy has
	Resumed      int  // rows that were there from a copy that was broken off
	Restarted    bool // what was there was thrown away: the original had changed since, or the copy was damaged
}

// Copy copies a store into another database, which it makes if there is none: all that
// the original holds at one moment, but for claims. The original is only read and may
// be in use; what is written to it meanwhile is not copied. Both are addresses as Open
// takes them.
//
// The other database must be empty, or hold a copy of this original that was broken
// off: then Copy goes on where that ended. Until all rows were counted and hashed on
// both sides and found equal, Open refuses it.
//
// report, unless it is nil, is told of the rows that were copied and of those that were
// compared, one after the other.
func Copy(ctx context.Context, from, to string, report Progress) (CopyReport, error) {
	return copyWith(ctx, from, to, report, copyBatch{rows: 1000, bytes: 8 << 20})
}

// copyBatch is how much is written in one transaction.
type copyBatch struct{ rows, bytes int }

func copyWith(ctx context.Context, from, to string, report Progress, batch copyBatch) (CopyReport, error) {
	for what, address := range map[string]string{"FROM": from, "TO": to} {
		if nameOf(address) == "" {
			return CopyReport{}, fmt.Errorf("copy: %s %w", what, ErrAddress) // without it: it may hold a password
		}
	}
	c := &copying{ctx: ctx, from: from, to: to, report: report, batch: batch}
	err := c.run()
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // an engine has words of its own for it
	}
	if err != nil {
		return CopyReport{}, fmt.Errorf("copy %s to %s: %w", nameOf(from), nameOf(to), err)
	}
	return c.result, nil
}

// copying is a copy that is being made.
type copying struct {
	ctx      context.Context
	from, to string
	report   Progress
	batch    copyBatch

	source      *sql.Tx // one state of the original
	target      *DB
	fingerprint string   // of the original
	mark        copyMark // as it stands in the target
	rows        int      // of the original
	done        int      // rows that were copied, and compared
	result      CopyReport
}

func (c *copying) run() error {
	original, err := openToRead(c.ctx, c.from)
	if err != nil {
		return err
	}
	defer original.Close()
	return original.snapshot(c.ctx, func(tx *sql.Tx) error {
		c.source = tx
		if err := c.examine(original.dialect); err != nil {
			return err
		}
		if err := c.admit(original.dialect); err != nil {
			return err
		}
		if err := c.openTarget(); err != nil {
			return err
		}
		defer c.target.Close()
		return c.copyAll()
	})
}

// examine refuses what is no store of this version, and takes its fingerprint.
func (c *copying) examine(d *dialect) error {
	if err := patient(c.ctx, c.source, d); err != nil {
		return err
	}
	version, err := d.schemaVersion(c.ctx, c.source)
	if err != nil {
		return fmt.Errorf("%s: %w", nameOf(c.from), err)
	}
	newest, err := d.newest()
	switch {
	case err != nil:
		return err
	case version == 0:
		return fmt.Errorf("%s holds no planet; nothing was written", nameOf(c.from))
	case version < newest:
		return fmt.Errorf("%s is of an older Orrery; nothing was written: orrery sources, or any command that uses it, brings it up to date", nameOf(c.from))
	}
	mark, err := readMark(c.ctx, c.source)
	if err = cmp.Or(err, mark.unfinished()); err != nil {
		return fmt.Errorf("%s: %w", nameOf(c.from), err)
	}
	return c.takeFingerprint()
}

// takeFingerprint tells by which an original is known that has not changed since a copy
// was begun. It need not tell everything: all rows are compared in the end.
func (c *copying) takeFingerprint() error {
	h := sha256.New()
	for _, t := range copiedTables {
		n, highest, err := t.count(c.ctx, c.source)
		if err != nil {
			return err
		}
		c.rows += n
		fmt.Fprintln(h, t.name, t.columns, t.order, n, highest)
		if t.small {
			s, err := t.sum(c.ctx, c.source, true, func() {})
			if err != nil {
				return err
			}
			h.Write(s.hash[:])
		}
	}
	c.fingerprint = hex.EncodeToString(h.Sum(nil))
	return nil
}

func (c *copying) copyAll() error {
	c.result = CopyReport{Rows: c.rows, Tables: len(copiedTables), Resumed: c.mark.Rows, Restarted: c.result.Restarted}
	c.done = c.mark.Rows
	begun := c.mark.Table == ""
	for _, t := range copiedTables {
		var after [][]byte
		if !begun {
			if t.name != c.mark.Table {
				continue
			}
			begun, after = true, c.mark.Last
		}
		if err := c.copyTable(t, after); err != nil {
			return err
		}
	}
	if err := c.compare(); err != nil {
		return err
	}
	return c.finish()
}

// copyTable copies the rows behind the key, a batch a transaction.
func (c *copying) copyTable(t *copiedTable, packed [][]byte) error {
	var after []any
	if packed != nil {
		kinds, err := t.kinds(c.ctx, c.source)
		if err != nil {
			return err
		}
		if after, err = t.unpackKey(kinds, packed); err != nil {
			return err
		}
	}
	var rows [][]any
	size := 0
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		if err := c.write(t, rows); err != nil {
			return err
		}
		rows, size = rows[:0], 0
		return c.tell()
	}
	err := t.each(c.ctx, c.source, true, after, func(row []any) error {
		if c.target.dialect == postgres {
			if err := t.forPostgres(row); err != nil {
				return err
			}
		}
		rows, size = append(rows, row), size+sizeOf(row)
		if len(rows) < c.batch.rows && size < c.batch.bytes {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// write stores the rows, and that they are.
func (c *copying) write(t *copiedTable, rows [][]any) error {
	into := &insertion{into: "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES ", columns: len(t.columns)}
	next := c.mark
	next.Table, next.Last, next.Rows = t.name, packKey(t.keyOf(rows[len(rows)-1])), c.mark.Rows+len(rows)
	err := c.target.tx(c.ctx, func(w *txn) error {
		if err := c.mark.replace(w, &next); err != nil {
			return err
		}
		values := make([]any, 0, 100*into.columns)
		for rest := rows; len(rest) > 0; {
			n := atOnce(len(rest))
			values = values[:0]
			for _, row := range rest[:n] {
				values = append(values, row...)
			}
			// exec would mend texts, and a copy is what it is
			if _, err := w.tx.ExecContext(w.ctx, into.text(n), values...); err != nil {
				return fmt.Errorf("write to table %s: %w", t.name, err)
			}
			rest = rest[n:]
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.mark = next
	c.done += len(rows)
	return nil
}

// tell reports how much is done, and looks whether anybody still wants it.
func (c *copying) tell() error {
	if c.report != nil {
		c.report(c.done, 2*c.rows)
	}
	return c.ctx.Err()
}

// compare counts and hashes the rows of every table on both sides.
func (c *copying) compare() error {
	c.done = c.rows
	return c.target.snapshot(c.ctx, func(target *sql.Tx) error {
		if err := patient(c.ctx, target, c.target.dialect); err != nil {
			return err
		}
		for _, t := range copiedTables {
			var was, is tableSum
			g, ctx := errgroup.WithContext(c.ctx)
			g.Go(func() (err error) {
				was, err = t.sum(ctx, c.source, true, c.compared)
				return err
			})
			g.Go(func() (err error) {
				is, err = t.sum(ctx, target, false, func() {})
				return err
			})
			if err := g.Wait(); err != nil {
				return fmt.Errorf("compare table %s: %w", t.name, err)
			}
			if was != is {
				return c.differ(t, was, is)
			}
		}
		c.done = 2 * c.rows
		return c.tell()
	})
}

// compared counts a row; not every one is worth a word.
func (c *copying) compared() {
	c.done++
	if c.done%c.batch.rows == 0 && c.report != nil {
		c.report(c.done, 2*c.rows)
	}
}

// differ has the next copy begin anew, since nobody knows what else is wrong.
func (c *copying) differ(t *copiedTable, was, is tableSum) error {
	what := fmt.Sprintf("has %d rows in the original and %d in the copy", was.rows, is.rows)
	if was.rows == is.rows {
		what = "has other rows in the original than in the copy"
	}
	next := c.mark
	next.Fingerprint = ""
	if err := c.target.tx(c.ctx, func(w *txn) error { return c.mark.replace(w, &next) }); err != nil {
		return err
	}
	return fmt.Errorf("table %s %s; the copy is not to be used: run orrery copy again, which begins anew", t.name, what)
}

// finish makes a planet of the copy.
func (c *copying) finish() error {
	if c.target.dialect == postgres {
		// Without it the first questions to a full database are answered as if it were
		// empty. It is no part of the copy.
		_, _ = c.target.write.ExecContext(c.ctx, "ANALYZE "+strings.Join(tableNames(), ", "))
	}
	return c.target.tx(c.ctx, func(w *txn) error {
		if c.target.dialect == postgres {
			if err := passIDs(w); err != nil {
				return err
			}
		}
		// What an index, which may be there, has of another planet is none of this one.
		if err := w.exec(`DELETE FROM meta WHERE name = $1`, metaSearch); err != nil {
			return err
		}
		return c.mark.replace(w, nil)
	})
}

// passIDs has PostgreSQL give ids behind those that were copied.
func passIDs(w *txn) error {
	rows, err := w.tx.QueryContext(w.ctx, `SELECT table_name, column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND is_identity = 'YES'`)
	if err != nil {
		return err
	}
	var texts []string
	if err := eachRow(rows, func() error {
		var table, column string
		err := rows.Scan(&table, &column)
		texts = append(texts, fmt.Sprintf(`SELECT setval(pg_get_serial_sequence('%s', '%s'), coalesce(max(%[2]s), 0) + 1, false) FROM %[1]s`, table, column))
		return err
	}); err != nil {
		return err
	}
	for _, text := range texts {
		if _, err := w.tx.ExecContext(w.ctx, text); err != nil {
			return err
		}
	}
	return nil
}

func tableNames() (names []string) {
	for _, t := range copiedTables {
		names = append(names, t.name)
	}
	return names
}
