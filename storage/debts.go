package storage

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"orrery/feeds"
)

// maxFailed is how many failed deliveries to a listener people are shown.
const maxFailed = 100

// Debts returns what every listener is owed, by name, and what was given up.
func (db *DB) Debts(ctx context.Context) ([]feeds.Debt, error) {
	var list []feeds.Debt
	err := db.snapshot(ctx, func(tx *sql.Tx) error {
		var ids []int64
		rows, err := tx.QueryContext(ctx, `SELECT l.id, l.name, count(CASE WHEN d.given_up = 0 THEN 1 END), count(CASE WHEN d.given_up = 1 THEN 1 END),
			coalesce(min(CASE WHEN d.given_up = 0 THEN d.at END), 0), coalesce(max(CASE WHEN d.given_up = 0 THEN d.tries END), 0),
			coalesce(min(CASE WHEN d.given_up = 0 THEN d.retry END), 0)
			FROM listeners l LEFT JOIN deliveries d ON d.listener_id = l.id AND (d.given_up = 0 OR d.failed >= $1)
			GROUP BY l.id, l.name ORDER BY l.name`, micros(time.Now().Add(-keepGivenUp)))
		if err != nil {
			return err
		}
		if err := eachRow(rows, func() error {
			var id int64
			var d feeds.Debt
			err := rows.Scan(&id, &d.To, &d.Owed, &d.GivenUp, instant{&d.Oldest}, &d.Tries, instant{&d.Next})
			ids, list = append(ids, id), append(list, d)
			return err
		}); err != nil {
			return err
		}
		for i := range list {
			if err := failuresOf(ctx, tx, ids[i], &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what is owed: %w", err)
	}
	return list, nil
}

// failuresOf adds what the listener did not take.
func failuresOf(ctx context.Context, tx *sql.Tx, listener int64, debt *feeds.Debt) error {
	err := tx.QueryRowContext(ctx, `SELECT coalesce((SELECT error FROM deliveries WHERE listener_id = $1 AND given_up = 0 AND failed > 0
		ORDER BY failed DESC, id DESC LIMIT 1), '')`, listener).Scan(&debt.Error)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT `+owedColumns+`, d.error, d.failed, d.retry, d.given_up FROM deliveries d JOIN entries e ON e.id = d.entry_id
		WHERE d.listener_id = $1 AND d.failed > 0 AND (d.given_up = 0 OR d.failed >= $2) ORDER BY d.failed DESC, d.id DESC LIMIT $3`,
		listener, micros(time.Now().Add(-keepGivenUp)), maxFailed)
	if err != nil {
		return err
	}
	return eachRow(rows, func() error {
		var f feeds.FailedDelivery
		err := scanDelivery(rows, &f.Delivery, &f.Error, instant{&f.Failed}, instant{&f.Retry}, &f.GivenUp)
		debt.Failed = append(debt.Failed, f)
		return err
	})
}

// RetryDebts makes the deliveries to the listener due now that have failed or were given
// up, as if they had not failed before, and returns how many they are. Without ids it is
// all of them. ErrNoListener: nobody is called so.
func (db *DB) RetryDebts(ctx context.Context, to string, ids []int64) (int, error) {
	return db.changeDebts(ctx, to, ids, `UPDATE deliveries SET given_up = 0, retry = 0, tries = 0
		WHERE listener_id = $1 AND (given_up = 1 OR tries > 0)`)
}

// DropDebts forgets what the listener is owed and what was given up, and returns how many
// deliveries that was. Without ids it is all of them. ErrNoListener: nobody is called so.
func (db *DB) DropDebts(ctx context.Context, to string, ids []int64) (int, error) {
	return db.changeDebts(ctx, to, ids, `DELETE FROM deliveries WHERE listener_id = $1`)
}

func (db *DB) changeDebts(ctx context.Context, to string, ids []int64, text string) (n int, err error) {
	err = db.txBeside(ctx, func(t *txn) error {
		listener, err := t.lockListener(to)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			n, err = t.changeEach(text+` AND id IN `, []any{listener}, anys(unique(ids)))
			return err
		}
		rows, err := t.affect(text, listener)
		n = int(rows)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("change what is owed to %s: %w", to, err)
	}
	return n, nil
}
