package storage

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	// ErrAddress means that an address names no database.
	ErrAddress = errors.New("is neither sqlite:FILE nor postgres://USER@HOST/DATABASE")
	// ErrOccupied means that a planet is where a copy was to be written.
	ErrOccupied = errors.New("holds a planet already; nothing was written: name a new file or an empty database")
	// ErrUnfinished means that a database holds a part of a copy.
	ErrUnfinished = errors.New("was not finished; run orrery copy again")

	errNoDatabase = errors.New("there is no such database; nothing was written")
	errSame       = errors.New("they are the same database; nothing was written")
	errTwoCopies  = errors.New("another orrery copy writes to it; wait for it, or end it and try again")
)

// metaCopying names, in meta, how far a copy into the database is. While it is there,
// the database is no planet.
const metaCopying = "copying"

// metaSince is the first schema that has the table meta.
const metaSince = 3

// copyMark is how far a copy is.
type copyMark struct {
	From        string   // for people, without a password
	Fingerprint string   // of what is copied; "": what was copied is worth nothing
	Table       string   `json:",omitempty"` // that is being copied; those before it are
	Last        [][]byte `json:",omitempty"` // the key of the last row of it
	Rows        int      // that were copied
}

// readMark is the mark of the database, nil for none.
func readMark(ctx context.Context, q queryer) (*copyMark, error) {
	var text string
	err := q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, metaCopying).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m := &copyMark{}
	if err := json.Unmarshal([]byte(text), m); err != nil {
		return nil, fmt.Errorf("read how far the copy is: %w", err)
	}
	return m, nil
}

// unfinished is what whoever takes the copy for a planet is told; nil without a mark.
func (m *copyMark) unfinished() error {
	if m == nil {
		return nil
	}
	return fmt.Errorf("the copy of %s into it %w", m.From, ErrUnfinished)
}

// replace puts the next mark in the place of this one, or takes it away. It fails if
// this is not the one that stands there, since then somebody else writes there, too.
func (m *copyMark) replace(w *txn, next *copyMark) error {
	have, err := json.Marshal(m)
	if err != nil {
		return err
	}
	var n int64
	if next == nil {
		n, err = w.affect(`DELETE FROM meta WHERE name = $1 AND value = $2`, metaCopying, string(have))
	} else {
		want, e := json.Marshal(next)
		if e != nil {
			return e
		}
		n, err = w.affect(`UPDATE meta SET value = $1 WHERE name = $2 AND value = $3`, string(want), metaCopying, string(have))
	}
	if err == nil && n != 1 {
		err = errTwoCopies
	}
	return err
}

// refuseUnfinished is for whoever wants a planet.
func (db *DB) refuseUnfinished(ctx context.Context) error {
	version, err := db.dialect.schemaVersion(ctx, db.write)
	if err != nil || version < metaSince {
		return err
	}
	mark, err := readMark(ctx, db.write)
	return cmp.Or(err, mark.unfinished())
}

// nameOf is the address of a database for people: without what may be secret; "" for
// what is no address.
func nameOf(address string) string {
	scheme, path, _ := strings.Cut(address, ":")
	switch scheme {
	case "sqlite":
		abs, err := filepath.Abs(path) // wherever one stands when it is read
		if path == "" || err != nil {
			return ""
		}
		return strings.ToValidUTF8("sqlite:"+abs, "?")
	case "postgres", "postgresql":
		return redacted(address)
	}
	return ""
}

// openToRead opens a database that is there. Nothing is written to it, and neither its
// schema nor what it holds is looked at.
func openToRead(ctx context.Context, address string) (*DB, error) {
	var db *DB
	var err error
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		db, err = openFileToRead(ctx, path)
	} else {
		db, err = openPostgres(ctx, address, ordinary)
		var e *pgconn.PgError
		if errors.As(err, &e) && e.Code == "3D000" {
			err = fmt.Errorf("%w; createdb makes an empty one", errNoDatabase)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", nameOf(address), explain(err))
	}
	return db, nil
}

func openFileToRead(ctx context.Context, path string) (*DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(abs); errors.Is(err, os.ErrNotExist) {
		return nil, errNoDatabase
	}
	e := ordinary
	file := fmt.Sprintf("%s?_pragma=busy_timeout(%d)", &url.URL{Scheme: "file", Path: abs}, e.busy.Milliseconds())
	if err := patiently(ctx, e.busy, func() error { return look(ctx, abs, file, e) }); err != nil {
		return nil, err
	}
	// Whoever may only read would leave the files of the log behind, and cannot read what
	// somebody who was killed has left in them.
	db, err := e.openFile(file+"&mode=rw"+forReading, keptReading)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &DB{dialect: sqliteDialect, write: db, read: db}, nil
}

// patient lets a transaction that reads whole tables take its time. It wants rows in
// the order of an index: to sort them would take their room once more.
func patient(ctx context.Context, tx *sql.Tx, d *dialect) error {
	if d != postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, `SET LOCAL statement_timeout = 0; SET LOCAL tcp_user_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '10min'; SET LOCAL enable_sort = off`)
	return err
}

// admit looks whether a copy may be written to the target, before anything is.
func (c *copying) admit(d *dialect) error {
	target, err := openToRead(c.ctx, c.to)
	if errors.Is(err, errNoDatabase) && strings.HasPrefix(c.to, "sqlite:") {
		return nil // it is made
	}
	if err != nil {
		return err
	}
	defer target.Close()
	return target.snapshot(c.ctx, func(tx *sql.Tx) error {
		if target.dialect == d {
			if same, err := c.same(tx, d); err != nil || same {
				return errors.Join(err, map[bool]error{true: errSame}[same])
			}
		}
		version, err := target.dialect.schemaVersion(c.ctx, tx)
		if err != nil {
			return fmt.Errorf("%s: %w", nameOf(c.to), err)
		}
		newest, err := target.dialect.newest()
		if err != nil || version == 0 {
			return err
		}
		if version == newest {
			_, err := c.decide(tx)
			return err
		}
		return c.admitOlder(tx, version)
	})
}

// admitOlder admits a store of an older schema that is empty: it is not even migrated
// before that is known.
func (c *copying) admitOlder(tx *sql.Tx, version int) error {
	var occupied bool
	if err := tx.QueryRowContext(c.ctx, `SELECT EXISTS (SELECT 1 FROM sources) OR EXISTS (SELECT 1 FROM entries)`).Scan(&occupied); err != nil || !occupied {
		return err
	}
	if version >= metaSince {
		if mark, err := readMark(c.ctx, tx); err != nil || mark != nil {
			return cmp.Or(err, fmt.Errorf("%s holds an unfinished copy by an older Orrery; nothing was written: name a new file or an empty database", nameOf(c.to)))
		}
	}
	return fmt.Errorf("%s %w", nameOf(c.to), ErrOccupied)
}

// same says that the target is the original, under whatever name.
func (c *copying) same(target *sql.Tx, d *dialect) (bool, error) {
	if d != postgres {
		_, a, _ := strings.Cut(c.from, ":")
		_, b, _ := strings.Cut(c.to, ":")
		was, err := os.Stat(a)
		if err != nil {
			return false, err
		}
		is, err := os.Stat(b)
		return err == nil && os.SameFile(was, is), err
	}
	// A database has many addresses. A lock that one transaction holds the other cannot
	// have, if they are in one.
	key := rand.Int64()
	var mine, theirs string
	var held, free bool
	const ask = `SELECT pg_try_advisory_xact_lock($1), coalesce(current_schema(), '')`
	err := errors.Join(c.source.QueryRowContext(c.ctx, ask, key).Scan(&held, &mine), target.QueryRowContext(c.ctx, ask, key).Scan(&free, &theirs))
	return err == nil && held && !free && mine == theirs, err
}

// what the target is to a copy.
type what int

const (
	isEmpty    what = iota
	isOurs          // the copy goes on
	isOutdated      // a copy of what the original was, which is thrown away
)

// decide says what a target of the newest schema is, and refuses what is somebody's.
func (c *copying) decide(target queryer) (what, error) {
	mark, err := readMark(c.ctx, target)
	switch {
	case err != nil:
		return 0, err
	case mark == nil:
		for _, t := range copiedTables {
			var occupied bool
			if err := target.QueryRowContext(c.ctx, "SELECT EXISTS (SELECT 1 FROM "+t.name+t.filter("")+")").Scan(&occupied); err != nil {
				return 0, err
			}
			if occupied {
				return 0, fmt.Errorf("%s %w", nameOf(c.to), ErrOccupied)
			}
		}
		return isEmpty, nil
	case mark.Fingerprint == c.fingerprint:
		c.mark = *mark
		return isOurs, nil
	case mark.From == nameOf(c.from):
		c.mark = *mark
		return isOutdated, nil
	}
	return 0, fmt.Errorf("%s holds an unfinished copy of %s; nothing was written: go on with that one, or name a new file or an empty database",
		nameOf(c.to), mark.From)
}

// openTarget opens the target, marked as a copy that is under way.
func (c *copying) openTarget() error {
	if path, ok := strings.CutPrefix(c.to, "sqlite:"); ok {
		// Readable by its owner only: addresses of sources may hold passwords. What is
		// wrong with the path, the engine says.
		if f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
		}
	}
	e := ordinary
	e.copying = true
	var err error
	c.target, err = openWith(c.ctx, c.to, e)
	if err != nil {
		return err
	}
	if err = c.target.tx(c.ctx, c.begin); err != nil {
		c.target.Close()
	}
	return err
}

// begin sets the mark, or finds it.
func (c *copying) begin(w *txn) error {
	is, err := c.decide(w.tx)
	if err != nil || is == isOurs {
		return err
	}
	fresh := copyMark{From: nameOf(c.from), Fingerprint: c.fingerprint}
	if is == isOutdated {
		if err := c.mark.replace(w, &fresh); err != nil {
			return err
		}
		if err := wipe(w, c.target.dialect); err != nil {
			return err
		}
		c.result.Restarted, c.mark = true, fresh
		return nil
	}
	value, err := json.Marshal(&fresh)
	if err != nil {
		return err
	}
	c.mark = fresh
	return w.exec(`INSERT INTO meta (name, value) VALUES ($1, $2)`, metaCopying, string(value))
}

// wipe empties all tables.
func wipe(w *txn, d *dialect) error {
	var all []string
	for i := len(copiedTables) - 1; i >= 0; i-- {
		t := copiedTables[i]
		if w.db.dialect == postgres && t.where == "" {
			all = append(all, t.name)
			continue
		}
		if err := w.exec("DELETE FROM " + t.name + t.filter("")); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	// To look for each row who refers to it takes longer than to copy it.
	return w.exec("TRUNCATE " + strings.Join(all, ", "))
}
