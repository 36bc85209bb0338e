package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

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
	forWriting = "&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)&_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(8000)&_txlock=immediate" + roomy
	// roomy keeps in memory, at most 16 MB of it, what a large transaction would write
	// to files and read again.
	roomy      = "&_pragma=temp_store(2)&_pragma=cache_size(-16384)"
	forReading = "&_pragma=query_only(1)"
	forLooking = "&mode=ro"
)

var sqliteDialect = &dialect{
	name:    "sqlite",
	version: sqliteVersion,
	setVersion: func(ctx context.Context, tx *sql.Tx, n int) error {
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, n))
		return err
	},
	schema:  `PRAGMA user_version`,
	alone:   func(context.Context, *sql.Tx, time.Duration) error { return nil }, // every transaction that writes is
	reading: sql.TxOptions{ReadOnly: true},
	pick: func(question, _ string, _ bool) string {
		return `SELECT id, host, 1, 0 FROM (` + question + `) AS due`
	},
	backup: func(ctx context.Context, db *DB, path string) error { return db.copyInto(ctx, path) },
	authors: `SELECT json_extract(a.value, '$.name'), count(DISTINCT e.id)
		FROM entries e JOIN copies c ON c.id = e.copy_id, json_each(c.body, '$.authors') a
		WHERE e.withdrawn = 0 AND json_extract(a.value, '$.name') <> '' GROUP BY 1`,
}

func openSQLite(ctx context.Context, path string, e engine) (*DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if i, err := os.Stat(filepath.Dir(abs)); err != nil || !i.IsDir() {
		return nil, fmt.Errorf("the folder %s does not exist; create it first", filepath.Dir(path))
	}
	file := fmt.Sprintf("%s?_pragma=busy_timeout(%d)", &url.URL{Scheme: "file", Path: abs}, e.busy.Milliseconds())
	if err := patiently(ctx, e.busy, func() error { return look(ctx, abs, file, e) }); err != nil {
		return nil, err
	}
	w, err := e.openFile(file+forWriting, keptWriting)
	if err != nil {
		return nil, err
	}
	w.SetMaxOpenConns(1)
	if err := patiently(ctx, e.busy, func() error { return w.PingContext(ctx) }); err != nil {
		w.Close()
		return nil, err
	}
	r, err := e.openFile(file+forReading, keptReading)
	if err != nil {
		w.Close()
		return nil, err
	}
	n := 2 * runtime.NumCPU()
	r.SetMaxOpenConns(n)
	r.SetMaxIdleConns(n) // opening one anew costs more than what it is asked
	copier := func() (*sql.DB, error) { return e.openFile(file, keptReading) }
	return &DB{dialect: sqliteDialect, write: w, read: r, copier: copier}, nil
}

// patiently tries again while the file is busy: where several open a new store at
// once, or the last one closes it, the engine asks nobody to wait and busy_timeout
// does not hold.
func patiently(ctx context.Context, patience time.Duration, f func() error) error {
	const pause = 5 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		err := f()
		var e *sqlite.Error
		if !errors.As(err, &e) || e.Code()&0xFF != lib.SQLITE_BUSY || waited >= patience {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// look refuses a file that is not for us before anything is written to it: to
// choose the journal mode is to write.
func look(ctx context.Context, path, file string, e engine) error {
	i, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case i.IsDir():
		return errors.New("the database cannot be written to: it is a folder; storage: must name a file")
	case i.Size() == 0:
		return nil
	}
	if unmade, err := lookAtHead(path); err != nil || unmade {
		return err
	}
	err = lookInside(ctx, file+forLooking, e)
	var broken *sqlite.Error
	if errors.As(err, &broken) && broken.Code() == lib.SQLITE_READONLY_ROLLBACK {
		// Whoever made the file, or changed its journal mode, was cut short: there is a
		// journal, and only who may write can roll it back. Whose file it is can be read
		// without.
		err = lookInside(ctx, file+forLooking+"&immutable=1", e)
	}
	return err
}

func lookInside(ctx context.Context, file string, e engine) error {
	db, err := e.openFile(file, keptReading)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = sqliteDialect.schemaVersion(ctx, db)
	return err
}

// lookAtHead refuses what does not begin as a database does: the engine takes a
// very short file for an empty one. It is unmade if the power went before anything
// but its size reached the disk: it is zeros, and its journal makes it empty again.
func lookAtHead(path string) (unmade bool, err error) {
	const magic = "SQLite format 3\x00"
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(f, head); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	switch string(head) {
	case magic:
		return false, nil
	case strings.Repeat("\x00", len(magic)):
		if j, err := os.Stat(path + "-journal"); err == nil && j.Size() > 0 {
			return true, nil
		}
	}
	return false, ErrCorrupt
}

// sqliteVersion asks one of ours for its number, which stands in the head of the file,
// and only of another what is in it: to read all tables takes most of what opening does.
// Whose a file is changes once, together with what is in it.
func sqliteVersion(ctx context.Context, q queryer, newest int) (int, error) {
	var app, version, tables int
	err := q.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&app)
	if err == nil && app == applicationID {
		err = q.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version)
	} else if err == nil {
		err = q.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
			(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&app, &version, &tables)
	}
	switch {
	case err != nil:
		return 0, err
	case app != applicationID && tables > 0:
		return 0, ErrForeign
	case version > newest:
		return 0, ErrNewer
	}
	return version, nil
}

// Backup writes a consistent copy to a new file, while others read and write.
// It is readable by its owner only: addresses of sources may hold passwords.
func (db *DB) Backup(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("back up to %s: the file exists; choose another name, it will not be overwritten", path)
	}
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer f.Close()
	err = db.dialect.backup(ctx, db, path)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		os.Remove(path)
		return fmt.Errorf("back up to %s: %w", path, explain(err))
	}
	return nil
}

// copyInto copies one state of the store into an empty file. It takes a
// connection of its own: the one that writes is not kept waiting, and those that
// may only read may not do this.
func (db *DB) copyInto(ctx context.Context, path string) error {
	c, err := db.copier()
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.ExecContext(ctx, "VACUUM INTO $1", path)
	return err
}

// explain gives an error of the engine its sentence.
func explain(err error) error {
	if e := explainPostgres(err); e != nil {
		return e
	}
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
