package storage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orrery/feeds"
)

var errBusy = errors.New("the listener is busy")

// wait is a failure that is tried again.
func wait(until time.Time) feeds.Settlement { return feeds.Settlement{Failure: errBusy, Retry: until} }

// changes is a store with a listener that is owed changes of two entries: p, p, q, p.
func changes(t testing.TB, db *DB) (ids []int64) {
	t.Helper()
	configure(t, db, nil, folder("own"))
	listen(t, db, "l", "m")
	at := func(n int) time.Time { return epoch.Add(time.Duration(n) * 2 * time.Hour) }
	p := post("p", epoch)
	visit(t, db, "own", epoch, p)
	p.Title = "Second"
	visit(t, db, "own", at(1), p)
	visit(t, db, "own", at(2), p, post("q", epoch))
	p.Title = "Third"
	visit(t, db, "own", at(3), p, post("q", epoch))
	isOwed(t, db, "l", epoch, "new p", "revised p", "new q", "revised p")
	for _, d := range deliveries(t, db, "l", epoch) {
		ids = append(ids, d.ID)
	}
	if !slices.IsSorted(ids) {
		t.Fatalf("the ids are %v", ids)
	}
	return ids
}

func TestNoLaterChangeOvertakesOneThatWaits(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		ids, now := changes(t, db), epoch
		settle(t, db, "l", wait(now.Add(time.Minute)), ids[1])
		isOwed(t, db, "l", now, "new p", "new q")
		isOwed(t, db, "l", now.Add(time.Minute), "new p", "revised p 1", "new q", "revised p")
		settle(t, db, "l", wait(now.Add(time.Minute)), ids[:2]...)
		isOwed(t, db, "l", now, "new q")
		isOwed(t, db, "l", now.Add(time.Minute), "new p 1", "revised p 2", "new q", "revised p")
		isOwed(t, db, "m", now, "new p", "revised p", "new q", "revised p")
		// What is given up holds nobody up.
		settle(t, db, "l", feeds.Settlement{Failure: errBusy}, ids[:2]...)
		isOwed(t, db, "l", now, "new q", "revised p")
		for n := range 6 {
			list, err := db.Owed(t.Context(), "m", now, n)
			if err != nil || len(list) != min(n, 4) {
				t.Errorf("%v, of %d: %+v", err, n, list)
			}
		}
	})
}

func TestToldIsWhatWasSettledLast(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		ids := changes(t, db)
		settle(t, db, "l", feeds.Settlement{Has: true}, ids[0])
		isOwed(t, db, "l", epoch, "revised p told", "new q", "revised p told")
		settle(t, db, "l", wait(epoch), ids[1])
		isOwed(t, db, "l", epoch, "revised p 1 told", "new q", "revised p told")
		settle(t, db, "l", feeds.Settlement{}, ids[1])
		isOwed(t, db, "l", epoch, "new q", "revised p")
		isOwed(t, db, "m", epoch, "new p", "revised p", "new q", "revised p")
	})
}

func TestIDThatIsSettledOrUnknownIsPassedOver(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		ids := changes(t, db)
		settle(t, db, "l", feeds.Settlement{Has: true}, ids[0], ids[0], 77_777, -1)
		isOwed(t, db, "l", epoch, "revised p told", "new q", "revised p told")
		for _, s := range []feeds.Settlement{{}, wait(epoch.Add(time.Hour)), {Failure: errBusy}} {
			settle(t, db, "l", s, ids[0])
		}
		settle(t, db, "l", feeds.Settlement{Has: true})
		settle(t, db, "nobody", feeds.Settlement{Has: true}, ids...)
		isOwed(t, db, "l", epoch, "revised p told", "new q", "revised p told")
		settle(t, db, "l", feeds.Settlement{Failure: errBusy}, ids[2]) // given up, and so settled
		settle(t, db, "l", feeds.Settlement{Has: true}, ids[2])
		if d := debtOf(t, db, "l"); d.GivenUp != 1 || d.Failed[0].ID != ids[2] || d.Failed[0].Told {
			t.Errorf("%+v", d)
		}
	})
}

// A receiver may know a delivery by its id: none comes again for another change.
func TestIDIsNeverUsedAgain(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("own"))
		listen(t, db, "l")
		seen := map[int64]bool{}
		for n := range 4 {
			at := epoch.Add(time.Duration(n) * 2 * time.Hour)
			p := post("p", epoch)
			p.Title = fmt.Sprint("Version ", n)
			visit(t, db, "own", at, in(p, "One"))
			visit(t, db, "own", at.Add(time.Hour), in(p, "Two"))
			for _, d := range deliveries(t, db, "l", at) {
				if seen[d.ID] {
					t.Errorf("%+v comes again", d)
				}
				seen[d.ID] = true
			}
			settleAll(t, db, "l", at, feeds.Settlement{Has: true})
		}
		if len(seen) != 8 {
			t.Errorf("%d deliveries", len(seen))
		}
	})
}

func TestManyAreSettledAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		listen(t, db, "l", "m")
		visit(t, db, "a", epoch)
		var list []feeds.Entry
		for i := range 137 {
			list = append(list, post(fmt.Sprint(i), epoch))
		}
		v := visitOf(claimed(t, db, "a", epoch.Add(time.Hour)), epoch.Add(time.Hour), list...)
		v.Due.Source.Pace.Tempo = time.Nanosecond // it writes so much
		v.Due.Source.State.LastSuccess = epoch.Add(-time.Hour)
		commit(t, db, v)
		if n := len(deliveries(t, db, "l", epoch)); n != 137 {
			t.Fatal(n)
		}
		settleAll(t, db, "l", epoch, wait(epoch))
		settleAll(t, db, "l", epoch, feeds.Settlement{Has: true})
		settleAll(t, db, "m", epoch, feeds.Settlement{Failure: errors.New(strings.Repeat("ä\x00\xff", 1000))})
		same(t, "left", column(t, db, `SELECT l.name || ' ' || count(*) FROM deliveries d JOIN listeners l ON l.id = d.listener_id WHERE given_up = 1 GROUP BY l.name`), []string{"m 137"})
		same(t, "told", column(t, db, `SELECT count(*) FROM told WHERE has = 1`), []string{"137"})
		if d := debtOf(t, db, "m"); d.GivenUp != 137 || len(d.Failed) != maxFailed || len(d.Failed[0].Error) > maxFailure+10 {
			t.Errorf("%d given up, %d shown", d.GivenUp, len(d.Failed))
		}
	})
}

func TestTurnIsOneHandlesUntilItEnds(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, all []*DB) {
		listen(t, all[0], "l", "m")
		turn := func(db *DB, to string, lasts time.Duration, want bool) {
			t.Helper()
			if ok, err := db.Turn(t.Context(), to, time.Now().Add(lasts)); err != nil || ok != want {
				t.Errorf("%v, %v", ok, err)
			}
		}
		turn(all[0], "l", time.Hour, true)
		turn(all[1], "l", time.Hour, false)
		turn(all[1], "m", time.Hour, true)
		turn(all[0], "l", -time.Second, true) // it is given back
		turn(all[1], "l", time.Hour, true)
		turn(all[0], "l", time.Hour, false)
		turn(all[0], "nobody", time.Hour, false)
	})
}

func TestOfManyThatWantTheTurnOneHasIt(t *testing.T) {
	eachWith(t, 4, func(t *testing.T, all []*DB) {
		listen(t, all[0], "l")
		for range 5 {
			var got atomic.Int32
			var wg sync.WaitGroup
			for _, db := range all {
				wg.Go(func() {
					ok, err := db.Turn(t.Context(), "l", time.Now().Add(time.Hour))
					if err != nil {
						t.Error(err)
					}
					if ok {
						got.Add(1)
					}
				})
			}
			wg.Wait()
			if got.Load() != 1 {
				t.Errorf("%d have it", got.Load())
			}
			if _, err := all[0].write.ExecContext(t.Context(), `UPDATE listeners SET lease = 0, worker = 0`); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Two that tell the same listener, as when a turn ended too early, forget nothing and
// settle nothing twice.
func TestTwoThatSettleAtOnceCountEachDeliveryOnce(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, all []*DB) {
		ids := changes(t, all[0])
		var wg sync.WaitGroup
		for i, db := range all {
			wg.Go(func() {
				mine := slices.Clone(ids)
				if i == 1 {
					slices.Reverse(mine)
				}
				for range 10 {
					if err := db.Settle(t.Context(), "l", mine, wait(epoch)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		isOwed(t, all[0], "l", epoch, "new p 20", "revised p 20", "new q 20", "revised p 20")
	})
}
