package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"modernc.org/sqlite"

	"orrery/feeds"
)

var errFault = errors.New("the disk has a fault")

// faults make the n-th call of the driver fail, and count the calls.
type faults struct {
	mu    sync.Mutex
	calls int
	at    int // 0: never
	// after lets a commit happen before it fails: its answer is lost.
	after bool
	hit   bool
}

// arm makes the n-th call from now on fail.
func (f *faults) arm(n int, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at, f.after, f.hit = 0, n, after, false
}

// disarm returns the calls since arm, and whether one failed.
func (f *faults) disarm() (calls int, hit bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = 0
	return f.calls, f.hit
}

func (f *faults) call() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.calls == f.at {
		f.hit = true
		return errFault
	}
	return nil
}

// openFaulty opens the store with an engine that fails when it is told to.
func openFaulty(t *testing.T, path string) (*DB, *faults) {
	t.Helper()
	f := &faults{}
	name := "faulty " + path // database/sql keeps drivers for ever, so each has its own
	sql.Register(name, &faultyDriver{faults: f})
	db, err := openWith(t.Context(), "sqlite:"+path, engine{driver: name, busy: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, db) })
	return db, f
}

type faultyDriver struct {
	sqlite.Driver
	faults *faults
}

func (d *faultyDriver) Open(name string) (driver.Conn, error) {
	c, err := d.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	return &faultyConn{c, d.faults}, nil
}

type faultyConn struct {
	driver.Conn
	faults *faults
}

func (c *faultyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.faults.call(); err != nil {
		return nil, err
	}
	s, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &faultyStmt{s, c.faults}, nil
}

func (c *faultyConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.faults.call(); err != nil {
		return nil, err
	}
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return &faultyTx{tx, c.faults}, nil
}

type faultyTx struct {
	driver.Tx
	faults *faults
}

func (tx *faultyTx) Commit() error {
	err := tx.faults.call()
	switch {
	case err == nil:
		return tx.Tx.Commit()
	case tx.faults.after:
		return errors.Join(err, tx.Tx.Commit())
	}
	return errors.Join(err, tx.Tx.Rollback())
}

type faultyStmt struct {
	driver.Stmt
	faults *faults
}

func (s *faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.faults.call(); err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s *faultyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.faults.call(); err != nil {
		return nil, err
	}
	r, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	return &faultyRows{r, s.faults}, nil
}

type faultyRows struct {
	driver.Rows
	faults *faults
}

func (r *faultyRows) Next(dest []driver.Value) error {
	if err := r.faults.call(); err != nil {
		return err
	}
	return r.Rows.Next(dest)
}

// richStore is a store in which a visit of the folder "own" has all there is to
// do, and that visit.
func richStore(t *testing.T, db *DB) feeds.Visit {
	t.Helper()
	configure(t, db, &feeds.Rules{Rules: []feeds.Rule{{CategoryName: feeds.CategoryName{Slug: "big", Title: "Big"}}}}, folder("own"), remote("other"))
	visit(t, db, "other", epoch, in(post("shared", epoch), "Big"))
	visit(t, db, "own", epoch, in(post("old", epoch), "Big"), in(post("gone", epoch), "Big"))
	at := epoch.Add(time.Hour)
	old := in(post("old", epoch), "Small")
	old.Title = "Revised"
	old.Updated = at
	v := visitOf(claimed(t, db, "own", at), at, old, in(post("shared", epoch), "C"), in(post("new", at), "C++", "Big"))
	v.Feed.Title = "Renamed"
	v.Withdrawn = []string{"gone"}
	v.Validators = feeds.Validators{URL: v.Due.Source.URL, ETag: `W/"new"`, LastModified: "today", BodyHash: "hash", Listing: []byte("listing")}
	return v
}

// everyFault makes one call after another fail while act is done to a fresh
// copy of the store that prepare made, and checks that all of act was stored or
// nothing, and that it succeeds when it is done once more.
func everyFault[T any](t *testing.T, prepare func(t *testing.T, db *DB) T, act func(db *DB, what T) error) {
	t.Helper()
	path := newPath(t)
	db := open(t, path)
	what := prepare(t, db)
	before := dump(t, db)
	shut(t, db)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	after, calls, step := "", 0, 1
	if testing.Short() { // under the race detector every call would take minutes
		step = 13
	}
	for _, lost := range []bool{false, true} {
		for n := 1; ; n += step {
			path := newPath(t)
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			db, f := openFaulty(t, path)
			f.arm(n, lost)
			err := act(db, what)
			made, hit := f.disarm()
			if !hit {
				if err != nil {
					t.Fatalf("without a fault: %v", err)
				}
				if after == "" {
					after, calls = dump(t, db), made
				}
				break
			}
			shut(t, db)
			db = open(t, path)
			switch now := dump(t, db); {
			case now != before && now != after && after != "", now == before && err == nil, now != before && err != nil && !lost:
				t.Fatalf("call %d failed (answer lost: %v) with %v, and the store has half of it:\n%s", n, lost, err, diff(before, now))
			}
			if err := act(db, what); err != nil && !lost {
				t.Fatalf("call %d failed, and so does the next try: %v", n, err)
			}
			sound(t, db)
			shut(t, db)
		}
	}
	if calls < 10 || after == before {
		t.Fatalf("only %d calls were made; the test tests nothing", calls)
	}
}

// diff are the lines of now that before does not have.
func diff(before, now string) string {
	var b strings.Builder
	for line := range strings.Lines(now) {
		if !strings.Contains(before, line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestCommitStoresAVisitWholeOrNotAtAll(t *testing.T) {
	everyFault(t, richStore, func(db *DB, v feeds.Visit) error {
		_, err := db.Commit(context.Background(), v)
		return err
	})
}

func TestSyncStoresAConfigurationWholeOrNotAtAll(t *testing.T) {
	everyFault(t, func(t *testing.T, db *DB) feeds.Rules {
		commit(t, db, richStore(t, db))
		return feeds.Rules{Rules: []feeds.Rule{{CategoryName: feeds.CategoryName{Slug: "all", Title: "Big"}, Match: feeds.Match{Words: []string{"text"}}}}}
	}, func(db *DB, rules feeds.Rules) error {
		moved := remote("moved")
		moved.URL = remote("other").URL
		return db.Sync(context.Background(), epoch, []feeds.Source{moved, remote("fresh")}, &rules)
	})
}

func TestClaimLeasesAllItReturnsOrNothing(t *testing.T) {
	everyFault(t, func(t *testing.T, db *DB) int {
		configure(t, db, nil, folder("a"), folder("b"), remote("c"))
		return 0
	}, func(db *DB, _ int) error {
		_, err := db.Claim(context.Background(), feeds.Want{Now: epoch, Start: epoch, N: 10, Lease: time.Hour})
		return err
	})
}

func waiting(t *testing.T, ctx context.Context, v *feeds.Visit) *pending {
	t.Helper()
	p, err := newPending(ctx, v)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Visits that are committed together are still stored each by itself.
func TestVisitThatFailsInABatchKeepsNoOtherFromBeingStored(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"), remote("c"))
		var batch []*pending
		for _, slug := range []string{"a", "b", "c"} {
			v := visitOf(claimed(t, db, slug, epoch), epoch, post(slug, epoch))
			if slug == "b" {
				v.Due.Fence-- // somebody else has it
			}
			batch = append(batch, waiting(t, t.Context(), &v))
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		d := visitOf(batch[0].visit.Due, epoch, post("d", epoch))
		batch = append(batch, waiting(t, ended, &d))
		db.commitBatch(t.Context(), batch)
		got := []string{}
		for _, p := range batch {
			got = append(got, fmt.Sprint(isClosed(p.done), p.tally.New, errors.Is(p.err, feeds.ErrLeaseLost), errors.Is(p.err, context.Canceled)))
		}
		same(t, "visits", got, []string{"true 1 false false", "true 0 true false", "true 1 false false", "true 0 false true"})
		same(t, "stored", slices.Sorted(slices.Values(titles(entries(t, db, feeds.Query{})))), []string{"Post a", "Post c"})
		sound(t, db)
	})
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// What makes the store panic costs its own visit only: the others of the batch are
// written, and whoever comes next is served.
func TestVisitThatMakesTheStorePanicFailsAlone(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		good, bad := visitOf(claimed(t, db, "a", epoch), epoch, post("p", epoch)), visitOf(claimed(t, db, "b", epoch), epoch, post("q", epoch))
		p, q := waiting(t, t.Context(), &good), waiting(t, t.Context(), &bad)
		q.list[0].Entry = nil
		db.commitBatch(t.Context(), []*pending{q, p})
		same(t, "errors", []bool{p.err != nil, errors.Is(q.err, feeds.ErrReader)}, []bool{false, true})
		same(t, "stored", titles(entries(t, db, feeds.Query{})), []string{"Post p"})
		sound(t, db)
	})
}

// The visit before it in the batch is refused and rolled back.
func TestVisitBehindARefusedOneIsStoredWholeOrNotAtAll(t *testing.T) {
	everyFault(t, func(t *testing.T, db *DB) []feeds.Visit {
		configure(t, db, nil, remote("a"))
		return []feeds.Visit{visitOf(claimed(t, db, "a", epoch), epoch, in(post("a", epoch), "C"))}
	}, func(db *DB, visits []feeds.Visit) error {
		p, err := newPending(context.Background(), &visits[0])
		if err != nil {
			return err
		}
		lost := visits[0]
		lost.Due.Fence = 99
		q, err := newPending(context.Background(), &lost)
		if err != nil {
			return err
		}
		db.commitBatch(context.Background(), []*pending{q, p})
		if q.err == nil {
			return errors.New("a visit without a lease was acknowledged")
		}
		return p.err
	})
}
