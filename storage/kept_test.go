package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"orrery/feeds"
)

// compilations counts how many texts the connections of a file have compiled, and how
// many of these there still are.
type compilations struct{ all, left atomic.Int64 }

func (n *compilations) through(c driver.Connector) driver.Connector {
	return countingConnector{c, n}
}

type countingConnector struct {
	driver.Connector
	n *compilations
}

func (c countingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	return &countingConn{inner, c.n}, err
}

type countingConn struct {
	driver.Conn
	n *compilations
}

func (c *countingConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c.n.all.Add(1)
	c.n.left.Add(1)
	return &countingStmt{s, c.n}, nil
}

func (c *countingConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

type countingStmt struct {
	driver.Stmt
	n *compilations
}

func (s *countingStmt) Close() error {
	s.n.left.Add(-1)
	return s.Stmt.Close()
}

func (s *countingStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s *countingStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

// openCounting opens one connection to the new file, which gets a table of the numbers 1 to 3.
func openCounting(t *testing.T, path string, most int) (*sql.DB, *compilations) {
	t.Helper()
	n := &compilations{}
	db, err := engine{through: n.through}.openFile("file:"+path, most)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	mustExec(t, db, `CREATE TABLE numbers (n INTEGER PRIMARY KEY)`, `INSERT INTO numbers VALUES (1), (2), (3)`)
	return db, n
}

func TestTextsOfAStoreAreCompiledOnce(t *testing.T) {
	n := &compilations{}
	db, err := openWith(t.Context(), "sqlite:"+newFile(t), engine{busy: quick.busy, through: n.through})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, db)
	for round := range 3 {
		before := n.all.Load()
		if _, err := db.Entries(t.Context(), feeds.Query{Limit: 60}); err != nil {
			t.Fatal(err)
		}
		if got := n.all.Load() - before; round > 0 && got != 0 || round == 0 && got == 0 {
			t.Errorf("asked for the %d. time, it compiled %d texts", round+1, got)
		}
	}
}

func TestTextThatRunsIsRunOnceMoreBesideItself(t *testing.T) {
	db, n := openCounting(t, newPath(t), 10)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // it was only read
	ask := func(visit func(int)) {
		t.Helper()
		rows, err := tx.QueryContext(t.Context(), `SELECT n FROM numbers WHERE n < $1 ORDER BY n`, 3)
		if err != nil {
			t.Fatal(err)
		}
		if err := eachRow(rows, func() error {
			var n int
			err := rows.Scan(&n)
			visit(n)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	said := ""
	ask(func(outer int) { ask(func(inner int) { said += fmt.Sprint(outer, inner, " ") }) })
	if want := "1 1 1 2 2 1 2 2 "; said != want {
		t.Errorf("got %s, want %s", said, want)
	}
	before := n.all.Load()
	ask(func(int) {})
	if n.all.Load() != before {
		t.Error("neither of the two is kept")
	}
}

func TestConnectionKeepsNoMoreTextsThanItMay(t *testing.T) {
	db, n := openCounting(t, newPath(t), 3)
	for i := range 20 {
		var sum int
		if err := db.QueryRowContext(t.Context(), fmt.Sprintf(`SELECT sum(n) + %d FROM numbers`, i)).Scan(&sum); err != nil || sum != 6+i {
			t.Fatalf("got %d (%v)", sum, err)
		}
		if left := n.left.Load(); left > 3 {
			t.Fatalf("%d texts are kept", left)
		}
	}
	long := `SELECT 1` + strings.Repeat(" ", keptLength) + `, 2`
	for _, text := range []string{long, `PRAGMA user_version`} {
		before := n.left.Load()
		mustExec(t, db, text)
		if n.left.Load() != before {
			t.Errorf("%.20s is kept", text)
		}
	}
	if err := db.Close(); err != nil || n.left.Load() != 0 {
		t.Errorf("the connection is closed (%v), and %d texts are left", err, n.left.Load())
	}
}

func TestTextThatFailedWorksTheNextTime(t *testing.T) {
	db, n := openCounting(t, newPath(t), 10)
	insert := func(value int) error {
		_, err := db.ExecContext(t.Context(), `INSERT INTO numbers VALUES ($1)`, value)
		return err
	}
	left := n.left.Load()
	if insert(1) == nil {
		t.Fatal("the same number came twice")
	}
	if n.left.Load() != left {
		t.Error("what failed is kept")
	}
	if err := insert(4); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.QueryContext(ctx, `SELECT n FROM numbers`); err == nil {
		t.Error("nobody wanted to know, and was told")
	}
	var count int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM numbers`).Scan(&count); err != nil || count != 4 {
		t.Errorf("got %d (%v)", count, err)
	}
}

// Who changes the tables is another process: what is kept must not answer by the old ones.
func TestTextKnowsTheTablesAsTheyAre(t *testing.T) {
	path := newPath(t)
	db, _ := openCounting(t, path, 10)
	other, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	columns := func() int {
		t.Helper()
		rows, err := db.QueryContext(t.Context(), `SELECT * FROM numbers`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil || rows.Err() != nil {
			t.Fatal(err, rows.Err())
		}
		return len(names)
	}
	if got := columns(); got != 1 {
		t.Fatalf("there are %d columns", got)
	}
	mustExec(t, other, `ALTER TABLE numbers ADD COLUMN name TEXT`)
	if got := columns(); got != 2 {
		t.Errorf("there are %d columns", got)
	}
}

func TestPaddedListsHaveFewLengthsAndTheSameValues(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 2: 2, 4: 4, 5: 8, 17: 32, 1000: 1024, 1024: 1024, 1025: 2048, 5000: 5120} {
		list := make([]int, n)
		for i := range list {
			list[i] = i
		}
		got := padded(list)
		if len(got) != want || !slices.Equal(slices.Compact(slices.Clone(got)), list) {
			t.Errorf("%d become %d: %v", n, len(got), got)
		}
	}
}
