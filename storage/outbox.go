package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"orrery/feeds"
)

const (
	// keepGivenUp is for how long people can see what was given up, and mend it.
	keepGivenUp = 30 * 24 * time.Hour
	// maxFailure is how much is kept of what a listener said, in bytes.
	maxFailure = 1000
)

// owedColumns are what scanDelivery reads of a row of deliveries, called d, and its entry.
const owedColumns = `d.id, e.public_id, e.guid, d.event, d.at, d.tries,
	coalesce((SELECT t.has FROM told t WHERE t.listener_id = d.listener_id AND t.entry_id = d.entry_id), 0)`

// Owed returns at most n deliveries that are not settled for the listener, in the order of
// their ids, which is the order in which they happened. While one waits after now, no later
// one of the same entry is returned.
func (db *DB) Owed(ctx context.Context, to string, now time.Time, n int) ([]feeds.Delivery, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+owedColumns+` FROM deliveries d JOIN entries e ON e.id = d.entry_id
		WHERE d.listener_id = (SELECT id FROM listeners WHERE name = $1) AND d.given_up = 0 AND d.retry <= $2
		AND NOT EXISTS (SELECT 1 FROM deliveries w WHERE w.listener_id = d.listener_id AND w.entry_id = d.entry_id
			AND w.given_up = 0 AND w.id < d.id AND w.retry > $2)
		ORDER BY d.id LIMIT $3`, to, micros(now), n)
	if err != nil {
		return nil, fmt.Errorf("read what is owed to %s: %w", to, explain(err))
	}
	var list []feeds.Delivery
	err = eachRow(rows, func() error {
		var d feeds.Delivery
		err := scanDelivery(rows, &d)
		list = append(list, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is owed to %s: %w", to, explain(err))
	}
	return list, nil
}

func scanDelivery(rows *sql.Rows, d *feeds.Delivery, more ...any) error {
	return rows.Scan(append([]any{&d.ID, &d.Entry, &d.GUID, &d.Event, instant{&d.At}, &d.Tries, &d.Told}, more...)...)
}

// instant reads a time.
type instant struct{ t *time.Time }

// Scan takes what the store has as microseconds.
func (i instant) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as a %T", src)
	}
	*i.t = fromMicros(n)
	return nil
}

// Settle stores what became of the deliveries to the listener, all or none: done, failed
// once more, or given up. An id that is settled already, or not known, is passed over.
func (db *DB) Settle(ctx context.Context, to string, ids []int64, s feeds.Settlement) error {
	err := db.txBeside(ctx, func(t *txn) error {
		listener, err := t.lockListener(to)
		if errors.Is(err, ErrNoListener) {
			return nil // it was taken out of the configuration, with all that it was owed
		}
		if err != nil {
			return err
		}
		if s.Failure == nil {
			return t.delivered(listener, anys(unique(ids)), s.Has)
		}
		return t.failed(listener, anys(unique(ids)), &s)
	})
	if err != nil {
		return fmt.Errorf("settle what was told to %s: %w", to, err)
	}
	return nil
}

// lockListener has all others wait who change what the listener is owed, but not those
// who owe it more.
func (t *txn) lockListener(name string) (id int64, err error) {
	err = t.row(`UPDATE listeners SET lease = lease WHERE name = $1 RETURNING id`, name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoListener
	}
	return id, err
}

// delivered notes that the listener has the entries of the deliveries, or has them no more.
func (t *txn) delivered(listener int64, ids []any, has bool) error {
	seen := map[int64]bool{}
	var told []any
	if err := t.each(`SELECT entry_id FROM deliveries WHERE listener_id = $1 AND given_up = 0 AND id IN `, []any{listener}, ids, func(rows *sql.Rows) error {
		var entry int64
		err := rows.Scan(&entry)
		if !seen[entry] {
			seen[entry] = true
			told = append(told, listener, entry, has)
		}
		return err
	}); err != nil {
		return err
	}
	if err := t.insertRows(heard, told); err != nil {
		return err
	}
	_, err := t.changeEach(`DELETE FROM deliveries WHERE listener_id = $1 AND given_up = 0 AND id IN `, []any{listener}, ids)
	return err
}

// failed notes that the deliveries were not taken.
func (t *txn) failed(listener int64, ids []any, s *feeds.Settlement) error {
	why := storableText(s.Failure.Error())
	if len(why) > maxFailure {
		why = strings.ToValidUTF8(why[:maxFailure], "") + " …"
	}
	now := time.Now()
	_, err := t.changeEach(`UPDATE deliveries SET tries = tries + 1, failed = $1, error = $2, retry = $3, given_up = $4
		WHERE listener_id = $5 AND given_up = 0 AND id IN `, []any{micros(now), why, micros(s.Retry), s.Retry.IsZero(), listener}, ids)
	if err != nil || !s.Retry.IsZero() {
		return err
	}
	return t.exec(`DELETE FROM deliveries WHERE listener_id = $1 AND given_up = 1 AND failed < $2`, listener, micros(now.Add(-keepGivenUp)))
}

// changeEach makes a change, whose text ends in IN, for all values, some at a time, and
// counts the rows.
func (t *txn) changeEach(text string, args, values []any) (n int, err error) {
	for len(values) > 0 {
		k := atOnce(len(values))
		rows, err := t.affect(text+"("+unnamed(k)+")", append(args[:len(args):len(args)], values[:k]...)...)
		if n += int(rows); err != nil {
			return n, err
		}
		values = values[k:]
	}
	return n, nil
}

// Turn says that telling the listener is this handle's until that time, by the clock of
// the database where it has one; false: it is somebody else's, or there is no such
// listener. Whoever has the turn can lengthen it.
func (db *DB) Turn(ctx context.Context, to string, until time.Time) (bool, error) {
	var ours int64
	err := db.txBeside(ctx, func(t *txn) error {
		if _, err := db.askClock(t); err != nil {
			return err
		}
		var err error
		ours, err = t.affect(`UPDATE listeners SET lease = $1, worker = $2 WHERE name = $3 AND (worker = $2 OR lease <= $4)`,
			db.leaseTime(until), db.worker, to, db.leaseTime(time.Now()))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("take the turn of telling %s: %w", to, err)
	}
	return ours > 0, nil
}
