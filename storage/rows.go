package storage

import (
	"strings"
)

// insertion is a text that writes rows, which is kept until there are many.
type insertion struct {
	into    string
	columns int
	behind  string
}

var (
	keyed      = &insertion{`INSERT INTO copy_keys (hash, copy_id) VALUES `, 2, ` ON CONFLICT DO NOTHING`}
	sketched   = &insertion{`INSERT INTO sketches (hash, sort, copy_id) VALUES `, 3, ` ON CONFLICT DO NOTHING`}
	inSource   = &insertion{`INSERT INTO source_entries (source_id, sort, public_id, entry_id) VALUES `, 4, ""}
	inCategory = &insertion{`INSERT INTO category_entries (category_id, sort, public_id, entry_id) VALUES `, 4, ""}
	owed       = &insertion{`INSERT INTO outbox (entry_id, event, at) VALUES `, 3, ""}
	// Never backwards, whatever the clock does: Last-Modified comes from it.
	raisedTo = &insertion{`INSERT INTO versions (scope, seq, changed) VALUES `, 3, ` ON CONFLICT (scope) DO UPDATE
		SET seq = versions.seq + 1, changed = max(versions.changed, excluded.changed)`}
	delivered = &insertion{`INSERT INTO deliveries (listener_id, id, entry_id, event, at) VALUES `, 5, ""}
	heard     = &insertion{`INSERT INTO told (listener_id, entry_id, has) VALUES `, 3, ` ON CONFLICT (listener_id, entry_id) DO UPDATE SET has = excluded.has`}
)

// text writes n rows.
func (to *insertion) text(n int) string {
	row := ",(" + unnamed(to.columns) + ")"
	return to.into + strings.Repeat(row, n)[1:] + to.behind
}

// add has the row written with the next writeAdded.
func (w *writer) add(to *insertion, row ...any) { w.added[to] = append(w.added[to], row...) }

// writeAdded writes the rows that were added, many with one text: small as they
// are, running a text takes longer than writing one.
func (w *writer) writeAdded() error {
	for _, to := range []*insertion{keyed, sketched, tied, inSource, inCategory} {
		if err := w.insertRows(to, w.added[to]); err != nil {
			return err
		}
		w.added[to] = w.added[to][:0]
	}
	return w.writeOwed()
}

// insertRows writes the rows whose values these are.
func (t *txn) insertRows(to *insertion, values []any) error {
	for len(values) > 0 {
		n := atOnce(len(values) / to.columns)
		if err := t.exec(to.text(n), values[:n*to.columns]...); err != nil {
			return err
		}
		values = values[n*to.columns:]
	}
	return nil
}
