package storage

import (
	"context"
	"errors"
	"testing"
	"time"

	"orrery/storage/pgtest"
)

// noticeTime is how long a notice may take; it is only reached when something is wrong.
const noticeTime = 30 * time.Second

// noticed waits for a value, and fails the test where none comes or the channel ends.
func noticed(t *testing.T, what string, changes <-chan struct{}) {
	t.Helper()
	select {
	case _, open := <-changes:
		if !open {
			t.Fatalf("%s: the channel was closed", what)
		}
	case <-time.After(noticeTime):
		t.Fatalf("%s: not noticed within %v", what, noticeTime)
	}
}

// ended waits until the channel is closed.
func ended(t *testing.T, changes <-chan struct{}) {
	t.Helper()
	late := time.After(noticeTime)
	for {
		select {
		case _, open := <-changes:
			if !open {
				return
			}
		case <-late:
			t.Fatalf("the channel is open %v after the end of its context", noticeTime)
		}
	}
}

// leaveOutPostgres skips a test that the race detector has nothing to find in.
func leaveOutPostgres(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("PostgreSQL is left out of short tests")
	}
}

// listening are two handles on one store, and the changes that the second is told of,
// of which the first value, that it listens, was taken.
func listening(t *testing.T, address string) (writer *DB, changes <-chan struct{}, cancel func()) {
	t.Helper()
	var both [2]*DB
	for i := range both {
		db, err := Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { shut(t, db) })
		both[i] = db
	}
	ctx, stop := context.WithCancel(t.Context())
	changes = both[1].Changes(ctx)
	noticed(t, "the beginning", changes)
	return both[0], changes, stop
}

// Not left out under the race detector, although PostgreSQL otherwise is: the listener
// is a goroutine of ours, and no other test has it beside one that commits.
func TestNoticeOfACommitReachesAnotherHandle(t *testing.T) {
	db, changes, cancel := listening(t, pgtest.URL(t))
	configure(t, db, nil, remote("a"))
	noticed(t, "a source", changes)
	visit(t, db, "a", epoch, post("p", epoch))
	noticed(t, "an entry", changes)
	cancel()
	ended(t, changes)
}

func TestNoticesAreOneValueWhileNobodyTakesThem(t *testing.T) {
	leaveOutPostgres(t)
	db, changes, cancel := listening(t, pgtest.URL(t))
	defer cancel()
	for i := range 20 {
		configure(t, db, nil, remote("a"), remote(string(rune('b'+i))))
	}
	noticed(t, "20 changes", changes)
	if n := len(changes); n > 1 {
		t.Errorf("%d values wait", n)
	}
}

// What is said comes in the order of commits, so a mark tells that nothing came before.
func TestNoticeIsOnlyOfVersionsThatWereRaised(t *testing.T) {
	leaveOutPostgres(t)
	db := openPG(t)
	configure(t, db, nil, remote("a"), remote("b"))
	visit(t, db, "a", epoch, post("p", epoch))
	visit(t, db, "b", epoch)
	conn, err := db.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), `LISTEN `+changesChannel); err != nil {
		t.Fatal(err)
	}
	// heard is how many notices there were.
	heard := func() (n int) {
		if _, err := db.write.ExecContext(t.Context(), `SELECT pg_notify($1, 'mark')`, changesChannel); err != nil {
			t.Fatal(err)
		}
		for ; ; n++ {
			ctx, cancel := context.WithTimeout(t.Context(), noticeTime)
			defer cancel()
			switch said, err := conn.WaitForNotification(ctx); {
			case err != nil:
				t.Fatal(err)
			case said.Payload == "mark":
				return n
			}
		}
	}
	raise := func(t *txn) error {
		w := newWriter(t, epoch)
		w.bump("")
		return w.flush()
	}
	undone := errors.New("undone")
	next := epoch
	for _, c := range []struct {
		name string
		act  func() error
		want int
	}{
		{"a visit that changed nothing", func() error { visit(t, db, "a", next, post("p", epoch)); return nil }, 0},
		{"a new post", func() error { visit(t, db, "a", next, post("q", epoch)); return nil }, 1},
		{"a transaction that was undone", func() error {
			return db.tx(t.Context(), func(t *txn) error { return errors.Join(raise(t), undone) })
		}, 0},
		{"two visits in one transaction", func() error {
			return db.tx(t.Context(), func(t *txn) error { return errors.Join(raise(t), raise(t)) })
		}, 1},
	} {
		next = next.Add(2 * time.Hour)
		if err := c.act(); err != nil && !errors.Is(err, undone) {
			t.Fatal(err)
		}
		if n := heard(); n != c.want {
			t.Errorf("%s: %d notices, want %d", c.name, n, c.want)
		}
	}
}

func TestListenerFindsAServerThatIsBack(t *testing.T) {
	leaveOutPostgres(t)
	server := pgtest.Start(t, true)
	address := server.URL(t)
	_, changes, cancel := listening(t, address)
	defer cancel()
	for range 2 {
		server.Stop("immediate")
		server.Restart(t)
		noticed(t, "that the server is back", changes)
		for len(changes) > 0 {
			<-changes
		}
	}
	db, err := Open(t.Context(), address) // one that has not lost its connections
	if err != nil {
		t.Fatal(err)
	}
	configure(t, db, nil, remote("a"))
	noticed(t, "a source", changes)
	shut(t, db)
	server.Stop("immediate")
	cancel() // also while nobody answers
	ended(t, changes)
}

func TestChangesOfSQLiteAreSilent(t *testing.T) {
	db := open(t, newFile(t))
	ctx, cancel := context.WithCancel(t.Context())
	changes := db.Changes(ctx)
	configure(t, db, nil, remote("a"))
	visit(t, db, "a", epoch, post("p", epoch))
	if len(changes) > 0 {
		t.Error("a value")
	}
	cancel()
	ended(t, changes)
}
