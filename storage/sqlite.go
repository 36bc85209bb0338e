package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// applicationID marks a file as ours ("Orry"), so that no other program's
// database is ever taken for an empty one.
const applicationID = 0x4F727279

// Pragmas stand in the DSN: an Exec on a pool reaches one connection. FULL,
// because NORMAL loses acknowledged commits in a power cut; immediate, because a
// deferred transaction fails with BUSY beside a second process whatever
// busy_timeout says.
const (
	forWriting = "_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)&_pragma=journal_mode(WAL)&_txlock=immediate"
	forReading = "_pragma=busy_timeout(10000)&_pragma=query_only(1)"
)

func openSQLite(ctx context.Context, path string) (*DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if i, err := os.Stat(filepath.Dir(abs)); err != nil || !i.IsDir() {
		return nil, fmt.Errorf("the folder %s does not exist; create it first", filepath.Dir(path))
	}
	file := fileURI(abs)
	w, err := sql.Open("sqlite", file+forWriting)
	if err != nil {
		return nil, err
	}
	w.SetMaxOpenConns(1)
	if err := w.PingContext(ctx); err != nil {
		w.Close()
		return nil, err
	}
	r, err := sql.Open("sqlite", file+forReading)
	if err != nil {
		w.Close()
		return nil, err
	}
	r.SetMaxOpenConns(2 * runtime.NumCPU())
	return &DB{path: abs, write: w, read: r}, nil
}

func (db *DB) version(ctx context.Context) (int, error) { return schemaVersion(ctx, db.write) }

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// schemaVersion is 0 for an empty file and an error for a database of others.
func schemaVersion(ctx context.Context, q queryer) (int, error) {
	var app, version, tables int
	err := q.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&app, &version, &tables)
	if err != nil {
		return 0, err
	}
	if app != applicationID && tables > 0 {
		return 0, ErrForeign
	}
	return version, nil
}

func setSchemaVersion(ctx context.Context, tx *sql.Tx, n int) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, n))
	return err
}

// Backup writes a consistent copy to a new file, while others read and write.
func (db *DB) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back up to %s: the file exists; choose another name, it will not be overwritten", path)
	}
	// A connection of its own: query_only forbids it, and the writer has work.
	c, err := sql.Open("sqlite", fileURI(db.path)+"_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "VACUUM INTO $1", path); err != nil {
		os.Remove(path)
		return fmt.Errorf("back up to %s: %w", path, explain(err))
	}
	return nil
}

func fileURI(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() + "?" }

// explain gives an error of the engine its sentence.
func explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	why := map[int]error{
		lib.SQLITE_BUSY: ErrLocked, lib.SQLITE_LOCKED: ErrLocked,
		lib.SQLITE_CORRUPT: ErrCorrupt, lib.SQLITE_NOTADB: ErrCorrupt,
		lib.SQLITE_READONLY: ErrReadOnly, lib.SQLITE_FULL: ErrReadOnly, lib.SQLITE_CANTOPEN: ErrReadOnly, lib.SQLITE_PERM: ErrReadOnly,
		lib.SQLITE_IOERR: ErrReadOnly,
	}[e.Code()&0xFF]
	if why == nil {
		return err
	}
	return fmt.Errorf("%w (%v)", why, err)
}
