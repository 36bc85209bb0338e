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
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Errors that callers and people tell apart.
var (
	ErrNewer       = errors.New("the database was written by a newer Orrery; install that version, or restore a backup")
	ErrForeign     = errors.New("the database is not one of Orrery's; choose another for storage")
	ErrCorrupt     = errors.New("the database is damaged; nothing was changed: restore a backup, or take a new database and fetch anew")
	ErrLocked      = errors.New("another program holds the database, or keeps it busy; end it, or try again later")
	ErrUnreachable = errors.New("the database server cannot be reached, or will not serve us now; see that it runs, and that storage: names it")
	ErrReadOnly    = errors.New("the database cannot be written to; look at the permissions of the file and its folder, or of the database's user, and at the space left on the disk")
)

//go:embed migrations
var migrations embed.FS

// DB is an open store. Its methods may be called from any number of goroutines
// and processes at once.
type DB struct {
	dialect *dialect
	write   *sql.DB // for SQLite, which has one writer, one connection
	read    *sql.DB // cannot write
	copier  func() (*sql.DB, error)
	listen  listener // nil: nobody tells of changes
	commits commitQueue
	index   textIndex
	nudged  chan struct{} // holds a token while there may be something to index
	// preparing holds a token for each visit that is being prepared.
	preparing chan struct{}
	worker    int64 // who we are among those that claim
	schema    int   // that we know; 0: it is being made
	migrating atomic.Bool
	// ahead is by how many microseconds the clock of the database is ahead of ours.
	ahead    atomic.Int64
	feedSize atomic.Int64           // see SetFeedSize
	rules    atomic.Pointer[string] // fingerprint of the rules of our last Sync
}

// Open opens, creates or migrates the store that dsn names, such as
// sqlite:orrery.db or postgres://user@host/database. A newer schema is refused with ErrNewer. Errors name the
// file; a file that is refused is left as it was.
func Open(ctx context.Context, dsn string) (*DB, error) {
	return openWith(ctx, dsn, ordinary)
}

// engine is what tests open a store with otherwise than everybody else.
type engine struct {
	busy     time.Duration                           // how long to wait for another process that has the file
	patience time.Duration                           // how long a server may be silent
	through  func(driver.Connector) driver.Connector // to a file or a server; nil: as it is
	copying  bool                                    // a copy that is not finished may be opened
}

var ordinary = engine{busy: 10 * time.Second, patience: postgresPatience}

func openWith(ctx context.Context, dsn string, e engine) (*DB, error) {
	var db *DB
	var err error
	scheme, path, _ := strings.Cut(dsn, ":")
	name := path
	switch {
	case scheme == "sqlite" && path != "":
		db, err = openSQLite(ctx, path, e)
	case scheme == "postgres" || scheme == "postgresql":
		name = redacted(dsn)
		db, err = openPostgres(ctx, dsn, e)
	default:
		return nil, fmt.Errorf("storage begins with %q: neither sqlite:FILE nor postgres://USER@HOST/DATABASE", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, explain(err))
	}
	db.feedSize.Store(feedSize)
	db.worker, db.preparing = newWorker(), make(chan struct{}, spare())
	db.nudged = make(chan struct{}, 1)
	db.index = newTextIndex(db, scheme, path, e)
	if !e.copying {
		err = db.refuseUnfinished(ctx)
	}
	if err == nil {
		err = db.migrate(ctx)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", name, explain(err))
	}
	return db, nil
}

// Exists says that there is a store, which Open would not have to make. A server that
// does not answer is an error: nobody knows what it has.
func Exists(ctx context.Context, dsn string) (bool, error) {
	scheme, path, _ := strings.Cut(dsn, ":")
	if scheme == "sqlite" {
		i, err := os.Stat(path)
		return err == nil && i.Size() > 0, nil
	}
	db, err := openPostgres(ctx, dsn, ordinary)
	if err != nil {
		return false, fmt.Errorf("open %s: %w", redacted(dsn), explain(err))
	}
	defer db.Close()
	n, err := db.dialect.schemaVersion(ctx, db.read)
	return n > 0, explain(err)
}

// redacted is an address without its password.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" {
		return "the database"
	}
	u.RawQuery, u.Fragment = "", "" // a password may stand there, too
	return u.Redacted()
}

// Close ends all connections.
func (db *DB) Close() error {
	var err error
	if db.index != nil {
		err = db.index.close()
	}
	return errors.Join(err, db.read.Close(), db.write.Close())
}

// migrate brings an older schema up to date, all of it or nothing.
func (db *DB) migrate(ctx context.Context) error {
	d := db.dialect
	schemas, err := d.schemas()
	if err != nil {
		return err
	}
	newest := schemas[len(schemas)-1]
	have, err := d.schemaVersion(ctx, db.write)
	if err == nil && have != newest {
		err = db.migrateTo(ctx, schemas)
	}
	db.schema = newest
	return err
}

func (db *DB) migrateTo(ctx context.Context, schemas []int) error {
	d, newest := db.dialect, schemas[len(schemas)-1]
	db.migrating.Store(true)
	defer db.migrating.Store(false)
	return db.tx(ctx, func(t *txn) error {
		if d.unhurried != "" {
			if err := t.exec(d.unhurried); err != nil {
				return err
			}
		}
		have, err := d.schemaVersion(ctx, t.tx) // another process may have been faster
		if err != nil {
			return err
		}
		for _, n := range schemas {
			if n <= have {
				continue
			}
			text, err := migrations.ReadFile(d.migration(n))
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
		if have == newest {
			return nil
		}
		return d.setVersion(ctx, t.tx, newest)
	})
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

// padded are the values, with the last of them again until there are as many as one of
// few texts takes: connections keep them compiled.
func padded[T any](values []T) []T {
	if len(values) == 0 {
		return nil
	}
	const most = 1024 // what is longer has the next multiple of it
	size := 1
	for size < len(values) && size < most {
		size *= 2
	}
	size *= (len(values) + size - 1) / size
	out := slices.Clone(values)
	for len(out) < size {
		out = append(out, values[len(values)-1])
	}
	return out
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
