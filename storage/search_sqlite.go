package storage

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"orrery/feeds"
)

// SQLite's index is a file of its own beside the planet's, since a file has one writer.
// It holds no texts (FTS5, contentless), and is worth nothing by itself: whatever is
// wrong with it, it is thrown away and made anew. So that one that lags behind, as that
// of a planet which was restored from a backup, is known for what it is, each step gives
// it a new mark, which the planet has, too.

// fileIndexVersion is of what is in the file; it changes with the terms, too.
const fileIndexVersion = 100*feeds.TermsVersion + 4

// errNoIndex means that there is no index of this planet: none, another's, or one that
// is damaged.
var errNoIndex = errors.New("there is no index of texts, and none could be made")

type fileIndex struct {
	db       *DB
	path     string // of the planet
	engine   engine
	patience time.Duration // how long it may look for something

	mu   sync.Mutex
	open *openIndex // nil: not yet
}

// openIndex is an index that is used.
type openIndex struct {
	write, read *sql.DB
	file        os.FileInfo
	logged      atomic.Int64 // entries since the log was written to the file
	useless     bool         // found to be of no use; guarded by the mutex of the fileIndex
}

func (f *fileIndex) name() string    { return f.path + "-search" }
func (f *fileIndex) newName() string { return f.path + "-search-new" }

// dsn is for an index that may be lost with the power: the marks tell.
func (f *fileIndex) dsn(path string) string {
	return fmt.Sprintf("%s?_pragma=busy_timeout(%d)&_pragma=synchronous(NORMAL)&mode=rw", &url.URL{Scheme: "file", Path: path}, f.engine.busy.Milliseconds()) + roomy
}

func (f *fileIndex) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closeOpen()
}

func (f *fileIndex) closeOpen() error {
	if f.open == nil {
		return nil
	}
	o := f.open
	f.open = nil
	return errors.Join(o.read.Close(), o.write.Close())
}

// get opens the index, again if somebody else has made it anew; nil: there is none.
func (f *fileIndex) get() (*openIndex, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, err := os.Stat(f.name())
	gone := errors.Is(err, os.ErrNotExist)
	if err != nil && !gone {
		return nil, err
	}
	if f.open != nil && !gone && os.SameFile(i, f.open.file) {
		if f.open.useless {
			return nil, nil
		}
		return f.open, nil
	}
	_ = f.closeOpen() // what is wrong with what is gone is nobody's concern
	if gone {
		return nil, nil
	}
	o := &openIndex{file: i}
	if o.write, err = f.engine.openFile(f.dsn(f.name())+"&_pragma=wal_autocheckpoint(0)&_txlock=immediate", keptWriting); err != nil {
		return nil, err
	}
	o.write.SetMaxOpenConns(1)
	if o.read, err = f.engine.openFile(f.dsn(f.name())+forReading, keptReading); err != nil {
		return nil, errors.Join(err, o.write.Close())
	}
	o.read.SetMaxOpenConns(runtime.NumCPU())
	f.open = o
	return o, nil
}

// discredit has an index that is of no use made anew, by whoever indexes.
func (f *fileIndex) discredit(o *openIndex) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o.useless = true
}

// isUseless says that the error is that of a file which is damaged, or not an index.
func isUseless(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return errors.Is(err, errNoIndex)
	}
	switch e.Code() & 0xFF {
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return true
	case lib.SQLITE_ERROR: // a table or column that is not there
		return strings.Contains(e.Error(), "no such")
	}
	return false
}

func (f *fileIndex) step(ctx context.Context) (n int, more bool, err error) {
	for range 20 { // other processes may make it anew just then
		n, more, err = f.fill(ctx)
		if !isUseless(err) {
			break
		}
		if err := f.remake(ctx); err != nil {
			return 0, false, err
		}
	}
	return n, more, err
}

// remake throws the index away and makes an empty one, unless another process has just
// done so: nobody gives marks while this one writes to the planet.
func (f *fileIndex) remake(ctx context.Context) error {
	return f.db.tx(ctx, func(t *txn) error {
		o, err := f.get()
		if err != nil {
			return err
		}
		if o != nil && f.ours(ctx, o, t.tx) {
			return nil
		}
		mark := rand.Text()
		if err := f.create(ctx, mark); err != nil {
			return err
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		_ = f.closeOpen()
		if err := remove(f.name()); err != nil {
			return err
		}
		if err := os.Rename(f.newName(), f.name()); err != nil {
			return err
		}
		return t.rewordAll(mark)
	})
}

// ours says that the index is that of the planet's state in the transaction.
func (f *fileIndex) ours(ctx context.Context, o *openIndex, planet *sql.Tx) bool {
	tx, err := o.read.BeginTx(ctx, nil)
	if err != nil {
		return false
	}
	defer tx.Rollback() //nolint:errcheck // it was only read
	mark, err := readIndexMark(ctx, planet)
	if err != nil || checkMarks(ctx, tx, mark) != nil {
		return false
	}
	_, err = tx.ExecContext(ctx, `SELECT rowid FROM texts WHERE texts MATCH 'a' LIMIT 1`)
	return err == nil
}

// checkVersion fails with errNoIndex unless the index is one of this program.
func checkVersion(ctx context.Context, tx *sql.Tx) error {
	var version int
	err := tx.QueryRowContext(ctx, `SELECT user_version FROM pragma_user_version`).Scan(&version)
	if err == nil && version != fileIndexVersion {
		return errNoIndex
	}
	return err
}

// checkMarks fails with errNoIndex unless the index is one of this program, and has the
// mark, or had it until a step that was not finished.
func checkMarks(ctx context.Context, tx *sql.Tx, mark string) error {
	if err := checkVersion(ctx, tx); err != nil {
		return err
	}
	if mark == "" {
		return errNoIndex
	}
	var now, before string
	if err := tx.QueryRowContext(ctx, `SELECT mark, before FROM marks`).Scan(&now, &before); err != nil {
		return err
	}
	if mark != now && mark != before {
		return errNoIndex
	}
	return nil
}

// remove takes a database away, with its logs: they would be taken for those of the next.
func remove(path string) error {
	for _, end := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// create makes an empty index under its new name, which whoever may read the planet may
// read.
func (f *fileIndex) create(ctx context.Context, mark string) error {
	planet, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if err := remove(f.newName()); err != nil {
		return err
	}
	file, err := os.OpenFile(f.newName(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, planet.Mode().Perm())
	if err != nil {
		return err
	}
	if err := errors.Join(file.Chmod(planet.Mode().Perm()), file.Close()); err != nil {
		return err
	}
	db, err := f.engine.openFile(f.dsn(f.newName())+"&_pragma=journal_mode(WAL)&_txlock=immediate", keptWriting)
	if err != nil {
		return err
	}
	return errors.Join(makeSchema(ctx, db, mark), db.Close()) // which leaves no log behind
}

func makeSchema(ctx context.Context, db *sql.DB, mark string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a Commit it does nothing
	for _, text := range append(strings.SplitAfter(fileIndexSchema, ";"), fmt.Sprintf("PRAGMA user_version = %d", fileIndexVersion)) {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO marks VALUES (1, $1, '')`, mark); err != nil {
		return err
	}
	return tx.Commit()
}

// fill indexes a batch. The lock of the index is taken first and that of the planet
// last, for a moment: no two steps are on their way between the two commits, and one
// that ends there is done again.
func (f *fileIndex) fill(ctx context.Context) (n int, more bool, err error) {
	o, err := f.get()
	if err == nil && o == nil {
		err = errNoIndex
	}
	if err != nil {
		return 0, false, err
	}
	defer func() {
		if isUseless(err) && !errors.Is(err, errNoIndex) { // whose it is, remake sees
			f.discredit(o)
		}
	}()
	tx, err := o.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, false, err
	}
	defer tx.Rollback() //nolint:errcheck // after a Commit it does nothing
	var w work
	if err := f.db.snapshot(ctx, func(planet *sql.Tx) (err error) {
		w, err = readWork(ctx, planet)
		return err
	}); err != nil {
		return 0, false, err
	}
	if err := checkMarks(ctx, tx, w.mark); err != nil || len(w.ids) == 0 {
		return 0, false, err
	}
	if err := place(ctx, tx, w.docs); err != nil {
		return 0, false, err
	}
	mark := rand.Text()
	if _, err := tx.ExecContext(ctx, `UPDATE marks SET mark = $1, before = $2`, mark, w.mark); err != nil {
		return 0, false, err
	}
	err = f.db.tx(ctx, func(t *txn) error {
		if err := tx.Commit(); err != nil {
			return err
		}
		return t.indexed(&w, mark)
	})
	if err != nil {
		return 0, false, err
	}
	return len(w.ids), w.more, o.settle(ctx, mark, len(w.ids))
}

// settle does what others need not wait for.
func (o *openIndex) settle(ctx context.Context, mark string, n int) error {
	// The planet has the mark. What has that of before is a backup.
	if _, err := o.write.ExecContext(ctx, `UPDATE marks SET before = '' WHERE mark = $1`, mark); err != nil {
		return err
	}
	if o.logged.Add(int64(n)) < indexBatch {
		return nil
	}
	o.logged.Store(0)
	_, err := o.write.ExecContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`)
	return err
}
