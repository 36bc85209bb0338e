package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// ErrNoListener means that the configuration names no such listener.
var ErrNoListener = errors.New("there is no such listener; see publish in the configuration")

// relisted is an event of the outbox of which the world does not hear: an entry stands in
// other categories, and says what it said.
const relisted = "relisted"

// SyncListeners makes the listeners those that the configuration names. A new one is owed
// nothing of the past; with one that is gone goes what it was owed. What was given up long
// ago goes as well.
func (db *DB) SyncListeners(ctx context.Context, names []string) error {
	want := slices.Compact(slices.Sorted(slices.Values(names)))
	var any bool
	err := explain(db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM listeners)`).Scan(&any))
	if err == nil && (any || len(want) > 0) {
		err = db.tx(ctx, func(t *txn) error { return t.syncListeners(want) })
	}
	if err != nil {
		return fmt.Errorf("store the listeners: %w", err)
	}
	return nil
}

func (t *txn) syncListeners(want []string) error {
	// Nobody settles meanwhile (lockListener).
	rows, err := t.query(`UPDATE listeners SET lease = lease RETURNING id, name`)
	if err != nil {
		return err
	}
	have := map[string]int64{}
	if err := eachRow(rows, func() error {
		var id int64
		var name string
		err := rows.Scan(&id, &name)
		have[name] = id
		return err
	}); err != nil {
		return err
	}
	for _, name := range want {
		if _, ok := have[name]; ok {
			delete(have, name)
			continue
		}
		id, err := t.next("listeners")
		if err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO listeners (id, name) VALUES ($1, $2)`, id, name); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Values(have)) {
		if err := t.exec(`DELETE FROM listeners WHERE id = $1`, id); err != nil {
			return err
		}
	}
	return t.pruneTold()
}

// pruneTold forgets what is of no use to anybody any more.
func (t *txn) pruneTold() error {
	now := time.Now()
	if err := t.exec(`DELETE FROM deliveries WHERE given_up = 1 AND failed < $1`, micros(now.Add(-keepGivenUp))); err != nil {
		return err
	}
	// That somebody did not want an entry matters while it is news (concern).
	if err := t.exec(`DELETE FROM told WHERE has = 0 AND entry_id IN (SELECT id FROM entries WHERE sort < $1)`, micros(now.Add(-2*recent))); err != nil {
		return err
	}
	// Of what grew too old to be kept nobody is told.
	return t.exec(`DELETE FROM told WHERE entry_id IN (SELECT id FROM entries WHERE withdrawn = 1)
		AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.listener_id = told.listener_id AND d.entry_id = told.entry_id)`)
}

// hearers are the listeners there are, asked for once a transaction.
func (t *txn) hearers() ([]int64, error) {
	if t.listeners == nil {
		list, err := t.ids(`SELECT id FROM listeners ORDER BY id`)
		if err != nil {
			return nil, err
		}
		t.listeners = append([]int64{}, list...) // none is not nil
	}
	return t.listeners, nil
}

// concern owes it to those whom it concerns that a shown entry stands in other categories:
// who has the entry, and who passed it over while it is news. What was no news before is
// none for the sake of a rule.
func (w *writer) concern(entry, sort int64) error {
	all, err := w.hearers()
	if err != nil || len(all) == 0 {
		return err
	}
	least := 1
	if sort >= micros(w.now.Add(-recent)) {
		least = 0
	}
	// Who is owed something may be looking at the entry now, as it was.
	list, err := w.ids(`SELECT id FROM listeners WHERE
		EXISTS (SELECT 1 FROM told t WHERE t.listener_id = listeners.id AND t.entry_id = $1 AND t.has >= $2)
		OR EXISTS (SELECT 1 FROM deliveries d WHERE d.listener_id = listeners.id AND d.entry_id = $1 AND d.given_up = 0) ORDER BY id`, entry, least)
	if err != nil || len(list) == 0 {
		return err
	}
	w.tell(entry, relisted)
	w.concerned[entry] = list
	return nil
}

// writeOwed writes what is to be told to the outbox, and what every listener is owed of
// it: a progress in the outbox alone would pass over what is committed late.
func (w *writer) writeOwed() error {
	values := w.added[owed]
	if len(values) == 0 {
		return nil
	}
	w.added[owed] = nil
	listeners, err := w.hearers()
	if err != nil {
		return err
	}
	if len(listeners) == 0 {
		return w.insertRows(owed, values)
	}
	var due []any
	for len(values) > 0 {
		n := atOnce(len(values) / owed.columns)
		rows, err := w.query(owed.text(n)+` RETURNING id, entry_id, event`, values[:n*owed.columns]...)
		if err != nil {
			return err
		}
		if due, err = w.dueOf(rows, listeners, due); err != nil {
			return err
		}
		values = values[n*owed.columns:]
	}
	return w.insertRows(delivered, due)
}

// dueOf adds to due what the listeners are owed of the rows of the outbox.
func (w *writer) dueOf(rows *sql.Rows, listeners []int64, due []any) ([]any, error) {
	err := eachRow(rows, func() error {
		var id, entry int64
		var event string
		if err := rows.Scan(&id, &entry, &event); err != nil {
			return err
		}
		to := listeners
		if event == relisted {
			to, event = w.concerned[entry], "revised"
		}
		for _, listener := range to {
			due = append(due, listener, id, entry, event, micros(w.now))
		}
		return nil
	})
	return due, err
}
