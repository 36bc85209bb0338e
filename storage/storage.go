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
	"sync/atomic"
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
	write   *sql.DB // one connection: SQLite has one writer
	read    *sql.DB // cannot write
	copier  func() (*sql.DB, error)
	texts   statements
	commits commitQueue
	rules   atomic.Pointer[string] // fingerprint of the rules of our last Sync
}

// Open opens, creates or migrates the store that dsn names, such as
// sqlite:orrery.db. A newer schema is refused with ErrNewer. Errors name the
// file; a file that is refused is left as it was.
func Open(ctx context.Context, dsn string) (*DB, error) {
	return openWith(ctx, dsn, engine{driver: "sqlite", busy: 10 * time.Second})
}

// engine is what tests open a store with otherwise than everybody else.
type engine struct {
	driver string        // registered with database/sql
	busy   time.Duration // how long to wait for another process
}

func openWith(ctx context.Context, dsn string, e engine) (*DB, error) {
	name, path, ok := strings.Cut(dsn, ":")
	if !ok || name != "sqlite" || path == "" {
		return nil, fmt.Errorf("storage %q: not sqlite:FILE", dsn)
	}
	db, err := openSQLite(ctx, path, e)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, explain(err))
	}
	db.commits.writing = make(chan struct{}, 1)
	if err := db.migrate(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, explain(err))
	}
	return db, nil
}

// Close ends all connections.
func (db *DB) Close() error {
	return errors.Join(db.texts.close(), db.read.Close(), db.write.Close())
}

// migrate brings an older schema up to date, all of it or nothing.
func (db *DB) migrate(ctx context.Context) error {
	newest, err := newestSchema()
	if err != nil {
		return err
	}
	if have, err := schemaVersion(ctx, db.write); err != nil || have == newest {
		return err
	}
	return db.tx(ctx, func(t *txn) error {
		have, err := schemaVersion(ctx, t.tx) // another process may have been faster
		if err != nil {
			return err
		}
		for n := have + 1; n <= newest; n++ {
			text, err := migrations.ReadFile(fmt.Sprintf("migrations/%d.sql", n))
			if err != nil {
				return err
			}
			if _, err := t.tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("migrate to schema %d: %w", n, err)
			}
		}
		if have > 0 && have < reindexSince {
			w := newWriter(t, time.Now())
			if err := w.reindexAll(); err != nil {
				return fmt.Errorf("migrate to schema %d: %w", newest, err)
			}
		}
		return setSchemaVersion(ctx, t.tx, newest)
	})
}

// newestSchema is the schema that this program writes; 0 is an empty file.
func newestSchema() (int, error) {
	files, err := migrations.ReadDir("migrations")
	return len(files), err
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

// unnamed are n places for values that follow those that have numbers. They cost
// nothing to find, while the engine looks a numbered one up among all before it.
func unnamed(n int) string { return strings.Repeat(",?", n)[1:] }
