// Package storage keeps sources, entries and what is owed to the world in a
// database, and answers what the planet shows. A visit is committed whole or
// not at all.
//
// Times are integer microseconds. All texts are valid UTF-8 without NUL, which
// feeds.Normalize sees to.
package storage

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors that callers and people tell apart.
var (
	ErrNewer    = errors.New("the database was written by a newer Orrery; install that version, or restore a backup")
	ErrForeign  = errors.New("the file is a database, but not one of Orrery's; choose another file for storage")
	ErrCorrupt  = errors.New("the database is damaged; nothing was changed: restore a backup, or move the file away and fetch anew")
	ErrLocked   = errors.New("another program holds the database; end it and try again")
	ErrReadOnly = errors.New("the database cannot be written to; look at the permissions of the file and its folder, and at the space left on the disk")
)

//go:embed migrations/*.sql
var migrations embed.FS

// DB is an open store. Its methods may be called from any number of goroutines
// and processes at once.
type DB struct {
	path  string
	write *sql.DB // one connection: SQLite has one writer
	read  *sql.DB // cannot write
}

// Open opens, creates or migrates the store that dsn names, such as
// sqlite:orrery.db. A newer schema is refused with ErrNewer.
func Open(ctx context.Context, dsn string) (*DB, error) {
	engine, path, ok := strings.Cut(dsn, ":")
	if !ok || engine != "sqlite" || path == "" {
		return nil, fmt.Errorf("storage %q: not sqlite:FILE", dsn)
	}
	db, err := openSQLite(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, explain(err))
	}
	if err := db.migrate(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, explain(err))
	}
	return db, nil
}

// Close ends all connections.
func (db *DB) Close() error {
	return errors.Join(db.read.Close(), db.write.Close())
}

// migrate brings an older schema up to date, all of it or nothing.
func (db *DB) migrate(ctx context.Context) error {
	have, err := db.version(ctx)
	if err != nil {
		return err
	}
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return err
	}
	if have > len(files) {
		return ErrNewer
	}
	if have == len(files) {
		return nil
	}
	return db.tx(ctx, func(tx *sql.Tx) error {
		have, err := schemaVersion(ctx, tx) // another process may have been faster
		if err != nil {
			return err
		}
		for n := have + 1; n <= len(files); n++ {
			text, err := migrations.ReadFile(fmt.Sprintf("migrations/%d.sql", n))
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("migrate to schema %d: %w", n, err)
			}
		}
		return setSchemaVersion(ctx, tx, len(files))
	})
}

// tx runs f in a writing transaction.
func (db *DB) tx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return explain(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a Commit it does nothing
	if err := f(tx); err != nil {
		return explain(err)
	}
	return explain(tx.Commit())
}

// micros is t for the store.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros is a time from the store.
func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// marks is n placeholders from $first on, separated by commas.
func marks(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	return b.String()
}
