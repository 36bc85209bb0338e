package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
)

// wire stands between the store and its server. It can be cut, and it can swallow
// what is said: then neither side hears of anything.
type wire struct {
	net.Listener
	to string

	mu      sync.Mutex
	ends    []net.Conn
	swallow chan struct{} // closed while it does not swallow
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, to: to, swallow: make(chan struct{})}
	close(w.swallow)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", w.to)
			if err != nil {
				c.Close()
				continue
			}
			w.mu.Lock()
			w.ends = append(w.ends, c, there)
			w.mu.Unlock()
			all.Go(func() { w.carry(c, there) })
			all.Go(func() { w.carry(there, c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		w.heal()
		w.cut()
		all.Wait()
	})
	return w
}

// carry copies until one end is closed.
func (w *wire) carry(from, to net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		w.mu.Lock()
		open := w.swallow
		w.mu.Unlock()
		<-open
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut ends all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.ends {
		c.Close()
	}
	w.ends = nil
}

// mute has it swallow everything until heal.
func (w *wire) mute() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.swallow = make(chan struct{})
}

func (w *wire) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.swallow:
	default:
		close(w.swallow)
	}
}

// overWire is a store whose server is behind a wire.
func overWire(t *testing.T, patience time.Duration) (*DB, *wire) {
	t.Helper()
	url := newURL(t)
	host := url[strings.Index(url, "@")+1:]
	host = host[:strings.Index(host, "/")]
	w := newWire(t, host)
	db, err := openWith(t.Context(), strings.Replace(url, host, w.Addr().String(), 1), engine{patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, db) })
	return db, w
}

// A network that is cut, or says nothing any more, ends what was under way; nothing
// acknowledged is lost, and when it is back everything goes on.
func TestNetworkThatIsCutLosesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		hurt   func(w *wire)
		rounds int
	}{{"cut", (*wire).cut, 12}, {"silent", (*wire).mute, 3}} {
		t.Run(c.name, func(t *testing.T) {
			db, w := overWire(t, time.Second)
			configure(t, db, nil, remote("a"))
			done := 0
			for round := range c.rounds {
				// The wire is hurt at another moment of the visit every time.
				hurt := time.AfterFunc(time.Duration(round)*700*time.Microsecond, func() { c.hurt(w) })
				ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
				for range 4 {
					if n, err := visitOnce(ctx, db); err == nil && n < done {
						t.Errorf("visit %d is made, though %d were acknowledged", n, done)
					} else if err == nil {
						done = n + 1
					}
				}
				cancel()
				hurt.Stop()
				w.cut()
				w.heal()
				n, err := 0, io.ErrUnexpectedEOF
				for try := 0; err != nil && try < 100; try++ { // until the lease of a visit that was cut off has ended
					n, err = visitOnce(t.Context(), db)
				}
				if err != nil {
					t.Fatalf("the network is back, and: %v", err)
				}
				if n < done {
					t.Errorf("visit %d is made, though %d were acknowledged", n, done)
				}
				done = n + 1
			}
			d := again(t, db, claimed(t, db, "a", time.Now().Add(time.Hour)), time.Now().Add(2*time.Hour))
			last, err := strconv.Atoi(strings.Trim(d.Validators.ETag, `"`))
			if list := entries(t, db, feeds.Query{}); err != nil || last < done-1 || len(list) != childPosts*(last+1) {
				t.Errorf("%d visits were acknowledged, the last stored is %d (%v), there are %d entries", done, last, err, len(list))
			}
			sound(t, db)
		})
	}
}

// visitOnce claims the source and makes its next visit.
func visitOnce(ctx context.Context, db *DB) (int, error) {
	now := time.Now()
	due, err := db.Claim(ctx, feeds.Want{Now: now, Start: now, N: 1, Lease: time.Millisecond, Slugs: []string{"a"}})
	if err != nil || len(due) != 1 {
		if err == nil {
			err = io.EOF
		}
		return 0, err
	}
	return childLooks(db, due[0])
}

// A worker that was stopped while the server had something to say to it, in a transaction
// in which nobody else may write, is given up by the server: none of its own limits ends
// the transaction then.
func TestWorkerThatTakesNothingHoldsUpNoOther(t *testing.T) {
	url := newURL(t)
	host := url[strings.Index(url, "@")+1:]
	host = host[:strings.Index(host, "/")]
	w := newWire(t, host)
	behind := strings.Replace(url, host, w.Addr().String(), 1)
	stopped, err := Open(t.Context(), behind+map[bool]string{true: "&", false: "?"}[strings.Contains(behind, "?")]+"tcp_user_timeout=1000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopped.Close() })
	other, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, other) })
	configure(t, other, nil, remote("a"))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	muted := make(chan struct{})
	wg.Go(func() {
		_ = stopped.tx(ctx, func(txn *txn) error { // it is not to be heard of any more
			rows, err := txn.query(`SELECT repeat('x', 1000000) FROM generate_series(1, 100)`)
			if err != nil {
				return err
			}
			return eachRow(rows, sync.OnceValue(func() error {
				w.mute()
				close(muted)
				return nil
			}))
		})
	})
	<-muted
	v := visitOf(claimed(t, other, "a", epoch), epoch, post("p", epoch))
	soon, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	if _, err := other.Commit(soon, v); err != nil {
		t.Errorf("the other: %v", err)
	}
}

// Nor does one that was stopped between two statements, and when it goes on it does again
// what the server has ended.
func TestWorkerThatIsStoppedInATransactionMakesItAgain(t *testing.T) {
	url := newURL(t)
	stopped, err := Open(t.Context(), url+map[bool]string{true: "&", false: "?"}[strings.Contains(url, "?")]+"idle_in_transaction_session_timeout=200")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, stopped) })
	other, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, other) })
	configure(t, other, nil, remote("a"), remote("b"))
	v := visitOf(claimed(t, other, "a", epoch), epoch, post("p", epoch))
	runs := 0
	err = anew(func() error {
		return stopped.tx(t.Context(), func(txn *txn) error {
			if runs++; runs == 1 { // the other waits for it until the server has ended it
				commit(t, other, v)
			}
			return txn.exec(`UPDATE sources SET held = 1 WHERE slug = 'b'`)
		})
	})
	if err != nil || runs != 2 || !stateOf(t, other, "b").State.Held {
		t.Errorf("made %d times: %v", runs, err)
	}
	if err := anew(func() error { runs++; return errFault }); !errors.Is(err, errFault) || runs != 3 {
		t.Errorf("what failed of itself is made %d times: %v", runs-2, err)
	}
	same(t, "stored", titles(entries(t, other, feeds.Query{})), []string{"Post p"})
	sound(t, other)
}

// So is a visit, wherever in its commit the process was stopped: nobody fetches anew what
// he has.
func TestCommitInWhichTheProcessWasStoppedIsMadeAgain(t *testing.T) {
	url := newURL(t)
	witness := openDSN(t, url)
	configure(t, witness, nil, remote("a"), remote("b"))
	stopped, faults := openFaulty(t, url)
	ended := func() bool {
		return column(t, witness, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()`)[0] == "0"
	}
	// This session alone, or one that is slow for once would be ended, too.
	faults.wait = func(c driver.Conn) {
		_, err := c.(driver.ExecerContext).ExecContext(t.Context(), `SET LOCAL idle_in_transaction_session_timeout = 20`, nil)
		if err != nil {
			t.Error(err)
		}
		for !ended() { // until the server has had enough
			runtime.Gosched()
		}
	}
	tried := 0
	for n, hit := 2, true; hit; n += 4 { // the first call begins the transaction
		at := epoch.Add(time.Duration(n) * time.Hour)
		v := visitOf(claimed(t, witness, "a", at), at, in(post(fmt.Sprint("p", n), at), "C"))
		faults.arm(n, waits)
		tally, err := stopped.Commit(t.Context(), v)
		if _, hit = faults.disarm(); err != nil || tally.New != 1 {
			t.Fatalf("stopped at call %d: %+v, %v", n, tally, err)
		}
		tried++
	}
	if got := len(entries(t, witness, feeds.Query{})); got != tried || tried < 5 {
		t.Errorf("%d entries of %d visits", got, tried)
	}
	sound(t, witness)
}

// Whoever reads, or waits for anything else, hears within the patience that the network
// says nothing any more, at whatever moment it falls silent; then it is of use again.
func TestNetworkThatIsSilentKeepsNobodyForEver(t *testing.T) {
	const patience = 2 * time.Second // on a machine that does much else, too
	question := `SELECT CAST(n AS TEXT) FROM generate_series(1, 300000) n`
	for name, ask := range map[string]func(ctx context.Context, db *DB, mute func()) error{
		"one row": func(ctx context.Context, db *DB, mute func()) error {
			mute()
			_, _, err := db.Version(ctx, feeds.Query{})
			return err
		},
		"rows": func(ctx context.Context, db *DB, mute func()) error {
			mute()
			_, err := db.Known(ctx, 1, []string{"guid"})
			return err
		},
		"one state of the store": func(ctx context.Context, db *DB, mute func()) error {
			mute()
			_, err := db.Entries(ctx, feeds.Query{})
			return err
		},
		"a statement": func(ctx context.Context, db *DB, mute func()) error {
			mute()
			return db.Release(ctx, feeds.Due{}, time.Time{})
		},
		"amid an answer": func(ctx context.Context, db *DB, mute func()) error {
			rows, err := db.read.QueryContext(ctx, question)
			if err != nil {
				return err
			}
			return explain(eachRow(rows, func() error { mute(); return nil }))
		},
		"amid a transaction": func(ctx context.Context, db *DB, mute func()) error {
			return db.snapshot(ctx, func(tx *sql.Tx) error {
				mute()
				_, err := tx.ExecContext(ctx, `SELECT 1`)
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it is waiting
			db, w := overWire(t, patience)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // not for ever
			defer cancel()
			for range 2 { // the second time nobody looks first whether the connection stands
				if err := ask(ctx, db, func() {}); err != nil {
					t.Fatal(err)
				}
			}
			since := time.Now()
			var once sync.Once
			err := ask(ctx, db, func() { once.Do(w.mute) })
			if took := time.Since(since); !errors.Is(err, ErrUnreachable) || took > 5*patience {
				t.Errorf("after %v: %v", took, err)
			}
			w.cut()
			w.heal()
			if err := ask(ctx, db, func() {}); err != nil {
				t.Errorf("the network is back, and: %v", err)
			}
		})
	}
}
