package storage

import (
	"context"
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5"
)

// changesChannel is where PostgreSQL is told, and tells, that a version has been
// raised. It is one a database.
const changesChannel = "orrery"

// How long the listener waits before it connects again: the double after each try,
// from the first on, until one connection has lasted longer than the longest.
const (
	relistenFirst = 100 * time.Millisecond
	relistenMost  = 30 * time.Second
	// relistenGoodbye is how long a server may take to hear that nobody listens any more.
	relistenGoodbye = time.Second
)

// listener makes a connection outside of the pools, which waits for years.
type listener func(ctx context.Context) (*pgx.Conn, error)

// Changes gives a value soon after a version has been raised (Version), by whomever,
// until ctx ends; then the channel is closed. Several changes may be one value, and a
// value may mean no change.
//
// It is there to be quick, not to be relied on, and who wants to miss nothing also asks
// for the Version now and then: SQLite knows no notices and never gives a value, nor
// does a PostgreSQL behind a pooler that lends connections for a transaction (PgBouncer
// with pool_mode = transaction), which takes LISTEN and forgets it. A server that has
// gone away is looked for until it is back, and that it is back is a value.
//
// On PostgreSQL each call takes a connection of its own for as long as ctx lasts.
func (db *DB) Changes(ctx context.Context) <-chan struct{} {
	changes := make(chan struct{}, 1)
	if db.listen == nil {
		context.AfterFunc(ctx, func() { close(changes) })
		return changes
	}
	go func() { // ends with ctx, which is what closing tells
		defer close(changes)
		wait := relistenFirst
		for ctx.Err() == nil {
			if db.listenOnce(ctx, changes) > relistenMost {
				wait = relistenFirst
			}
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
			wait = min(2*wait, relistenMost)
		}
	}()
	return changes
}

// listenOnce listens until the connection or ctx ends, and says how long that was. Its
// errors are nobody's: whoever asks for the Version hears of a store that is gone.
func (db *DB) listenOnce(ctx context.Context, changes chan<- struct{}) (lasted time.Duration) {
	conn, err := db.listen(ctx)
	if err != nil {
		return 0
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), relistenGoodbye)
		defer cancel()
		_ = conn.Close(ctx) // nothing is lost with it
	}()
	if _, err := conn.Exec(ctx, `LISTEN `+changesChannel); err != nil {
		return 0
	}
	for since := time.Now(); ; {
		// The first one is for what was raised before anybody listened.
		select {
		case changes <- struct{}{}:
		default: // one that is still to be taken says as much
		}
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return time.Since(since)
		}
	}
}

// postgresRaised tells whoever listens, once the transaction is committed; several
// times in one transaction are one notice to them.
func postgresRaised(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `NOTIFY `+changesChannel)
	return err
}
