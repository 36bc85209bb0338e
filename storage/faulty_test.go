package storage

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"orrery/storage/pgtest"
)

var errFault = errors.New("the disk has a fault")

// fault is how a call of the driver fails.
type fault string

const (
	fails        fault = "fails"          // it is not made, and ends with an error
	breaks       fault = "breaks"         // the connection breaks before it is made
	failsCommit  fault = "fails a commit" // these are for commits alone
	breaksCommit fault = "breaks a commit"
	losesAnswer  fault = "loses an answer" // it is made, and ends with an error
	waits        fault = "waits"           // the process does nothing for a while, and then makes it
)

// faults make the n-th call of the driver fail, and count the calls: all of them, or
// those that the fault is about.
type faults struct {
	mu    sync.Mutex
	calls int
	at    int               // 0: never
	wait  func(driver.Conn) // for a call that waits
	how   fault
	hit   bool
}

// callKind is what a call is.
type callKind int

const (
	aStatement callKind = iota
	aRow
	aCommit
)

// arm makes the n-th call from now on fail.
func (f *faults) arm(n int, how fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at, f.how, f.hit = 0, n, how, false
}

// disarm returns the calls since arm, and whether one failed.
func (f *faults) disarm() (calls int, hit bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = 0
	return f.calls, f.hit
}

// due counts a call, and says how it is to fail; "": it is not.
func (f *faults) due(call callKind) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.how {
	case fails, breaks, dies:
	case waits: // between two statements, not among rows
		if call == aRow {
			return ""
		}
	default:
		if call != aCommit {
			return ""
		}
	}
	f.calls++
	if f.calls != f.at {
		return ""
	}
	f.hit = true
	if f.how == dies {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // it takes a moment
	}
	return f.how
}

// faultyConn is a connection whose calls fail.
type faultyConn struct {
	driver.Conn
	faults *faults
	snap   func() // breaks it
}

func (c *faultyConn) call() error { return c.callOf(aStatement) }

func (c *faultyConn) callOf(k callKind) error {
	switch c.faults.due(k) {
	case fails:
		return errFault
	case breaks:
		c.snap()
	case waits:
		c.faults.wait(c.Conn)
	}
	return nil
}

func (c *faultyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.call(); err != nil {
		return nil, err
	}
	s, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &faultyStmt{s, c}, nil
}

func (c *faultyConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.call(); err != nil {
		return nil, err
	}
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return &faultyTx{tx, c}, nil
}

type faultyTx struct {
	driver.Tx
	conn *faultyConn
}

func (tx *faultyTx) Commit() error {
	switch tx.conn.faults.due(aCommit) {
	case waits:
		tx.conn.faults.wait(tx.conn.Conn)
	case fails, failsCommit:
		return errors.Join(errFault, tx.Tx.Rollback())
	case breaks, breaksCommit:
		tx.conn.snap()
	case losesAnswer:
		err := errors.Join(errFault, tx.Tx.Commit())
		tx.conn.snap()
		return err
	}
	return tx.Tx.Commit()
}

type faultyStmt struct {
	driver.Stmt
	conn *faultyConn
}

func (s *faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.conn.call(); err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s *faultyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.call(); err != nil {
		return nil, err
	}
	return s.conn.rows(s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args))
}

func (c *faultyConn) rows(r driver.Rows, err error) (driver.Rows, error) {
	if err != nil {
		return nil, err
	}
	return &faultyRows{r, c}, nil
}

type faultyRows struct {
	driver.Rows
	conn *faultyConn
}

func (r *faultyRows) Next(dest []driver.Value) error {
	if err := r.conn.callOf(aRow); err != nil {
		return err
	}
	return r.Rows.Next(dest)
}

// faultyServerConn is one to a server, which is also asked without statements.
type faultyServerConn struct {
	*postgresConn
	faulty *faultyConn
}

func (c *faultyServerConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.faulty.PrepareContext(ctx, query)
}

func (c *faultyServerConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.faulty.BeginTx(ctx, o)
}

func (c *faultyServerConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.faulty.call(); err != nil {
		return nil, err
	}
	return c.postgresConn.ExecContext(ctx, query, args)
}

func (c *faultyServerConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.faulty.call(); err != nil {
		return nil, err
	}
	return c.faulty.rows(c.postgresConn.QueryContext(ctx, query, args))
}

type faultyConnector struct {
	driver.Connector
	faults *faults
}

func (c *faultyConnector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := inner.(*postgresConn)
	if !ok { // to a file
		return &faultyConn{inner, c.faults, func() {}}, nil
	}
	snap := func() { _ = conn.Conn.Conn().PgConn().Conn().Close() } // without a goodbye
	return &faultyServerConn{conn, &faultyConn{conn, c.faults, snap}}, nil
}

// openFaulty opens the store with an engine that fails when it is told to.
func openFaulty(t *testing.T, dsn string) (*DB, *faults) {
	t.Helper()
	db, f, err := faultyEngine(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, db) })
	return db, f
}

func faultyEngine(ctx context.Context, dsn string) (*DB, *faults, error) {
	f := &faults{}
	e := engine{busy: time.Second, patience: time.Minute, through: func(c driver.Connector) driver.Connector { return &faultyConnector{c, f} }}
	db, err := openWith(ctx, dsn, e)
	return db, f, err
}

// copies are stores that are as one was left, which can fail in some ways.
type copies struct {
	address func(t *testing.T) string // of a new one
	faults  []fault
	slow    bool // to make and to open: one that is as it was is taken again
}

// faultyStore is one of them, and a handle that sees it as it is.
type faultyStore struct {
	db, witness *DB
	faults      *faults
}

func (s *faultyStore) close(t *testing.T) {
	shut(t, s.db)
	shut(t, s.witness)
}

func (c *copies) open(t *testing.T) *faultyStore {
	t.Helper()
	address := c.address(t)
	s := &faultyStore{}
	s.db, s.faults = openFaulty(t, address)
	var err error
	if s.witness, err = Open(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s.witness) })
	return s
}

// step is how many calls there are from one that fails to the next.
func (c *copies) step(how fault) int {
	switch {
	case testing.Short(): // under the race detector every call would take minutes
		return 13
	case how == breaks: // to connect again takes its time
		return 2
	}
	return 1
}

func copiesOfFile(t *testing.T, prepare func(db *DB)) *copies {
	path := newFile(t)
	db := open(t, path)
	prepare(db)
	shut(t, db)
	files := map[string][]byte{}
	for _, end := range []string{"", "-search"} { // the index, if there is one
		file, err := os.ReadFile(path + end)
		if err == nil {
			files[end] = file
		} else if end == "" || !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return &copies{func(t *testing.T) string {
		path := newPath(t)
		for end, file := range files {
			if err := os.WriteFile(path+end, file, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return "sqlite:" + path
	}, []fault{fails, losesAnswer}, false}
}

func copiesOfDatabase(t *testing.T, prepare func(db *DB)) *copies {
	leaveOutPostgres(t)
	name := rand.Text() // a test may be run twice
	pgtest.Prepared(t, name, func(url string) error {
		db, err := Open(t.Context(), url)
		if err != nil {
			return err
		}
		defer db.Close()
		prepare(db)
		rewind(t, db)
		return nil
	})
	return &copies{func(t *testing.T) string { return pgtest.Prepared(t, name, nil) }, []fault{fails, breaks, breaksCommit, losesAnswer}, true}
}

// rewind has the next rows of a database get the numbers that follow the last: what was
// rolled back has taken some, which is no difference to anybody else.
func rewind(t *testing.T, db *DB) {
	t.Helper()
	for _, set := range column(t, db, `SELECT format('SELECT setval(pg_get_serial_sequence(''%1$I'', ''%2$I''), coalesce(max(%2$I), 0) + 1, false) FROM %1$I', table_name, column_name)
		FROM information_schema.columns WHERE is_identity = 'YES' AND table_schema = 'public'`) {
		column(t, db, set)
	}
}
