package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"orrery/feeds"
)

// listen makes these the listeners.
func listen(t testing.TB, db *DB, names ...string) {
	t.Helper()
	if err := db.SyncListeners(t.Context(), names); err != nil {
		t.Fatal(err)
	}
}

func deliveries(t testing.TB, db *DB, to string, now time.Time) []feeds.Delivery {
	t.Helper()
	list, err := db.Owed(t.Context(), to, now, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// isOwed fails the test unless this is what the listener is owed now: the event, the GUID,
// and how often it failed and whether the listener has the entry, if so.
func isOwed(t testing.TB, db *DB, to string, now time.Time, want ...string) {
	t.Helper()
	got := []string{}
	for _, d := range deliveries(t, db, to, now) {
		s := d.Event + " " + d.GUID
		if d.Tries > 0 {
			s += fmt.Sprint(" ", d.Tries)
		}
		if d.Told {
			s += " told"
		}
		got = append(got, s)
	}
	if !slices.Equal(got, want) {
		t.Errorf("owed to %s: got %q, want %q", to, got, want)
	}
}

func settle(t testing.TB, db *DB, to string, s feeds.Settlement, ids ...int64) {
	t.Helper()
	if err := db.Settle(t.Context(), to, ids, s); err != nil {
		t.Fatal(err)
	}
}

// settleAll settles all that is owed to the listener now.
func settleAll(t testing.TB, db *DB, to string, now time.Time, s feeds.Settlement) {
	t.Helper()
	var ids []int64
	for _, d := range deliveries(t, db, to, now) {
		ids = append(ids, d.ID)
	}
	settle(t, db, to, s, ids...)
}

func TestEveryListenerIsOwedWhatHappensToEntries(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("own"))
		listen(t, db, "a", "b", "c")
		visit(t, db, "own", epoch, post("p", epoch), post("q", epoch))
		revised := post("p", epoch)
		revised.Title = "Revised"
		at := epoch.Add(2 * time.Hour)
		visit(t, db, "own", at, revised, post("q", epoch))
		withdraw(t, db, "own", at.Add(time.Hour), "q")
		for _, to := range []string{"a", "b", "c"} {
			isOwed(t, db, to, at, "new p", "new q", "revised p", "withdrawn q")
		}
		settleAll(t, db, "b", at, feeds.Settlement{Has: true})
		isOwed(t, db, "b", at)
		isOwed(t, db, "a", at, "new p", "new q", "revised p", "withdrawn q")
		d := deliveries(t, db, "a", at)
		if e := only(t, db); d[0].Entry != e.ID || !d[0].At.Equal(epoch) || !d[2].At.Equal(at) || d[0].ID >= d[1].ID {
			t.Errorf("%+v of %s", d, e.ID)
		}
		sound(t, db)
	})
}

func TestHiddenAndMergedEntriesAreOwedAsWithdrawn(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		listen(t, db, "l")
		visit(t, db, "a", epoch, post("p", epoch))
		visit(t, db, "b", epoch, post("q", epoch))
		list := entries(t, db, feeds.Query{})
		settleAll(t, db, "l", epoch, feeds.Settlement{Has: true})
		hide(t, db, epoch, list[0].ID, true)
		isOwed(t, db, "l", epoch, "withdrawn "+list[0].GUID+" told")
		settleAll(t, db, "l", epoch, feeds.Settlement{})
		hide(t, db, epoch, list[0].ID, false)
		isOwed(t, db, "l", epoch, "new "+list[0].GUID)
		settleAll(t, db, "l", epoch, feeds.Settlement{Has: true})
		kept, err := db.Join(t.Context(), epoch, list[0].ID, list[1].ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.ID != kept {
				isOwed(t, db, "l", epoch, "withdrawn "+e.GUID+" told")
			}
		}
	})
}

func TestNewListenerOwesNothingOfThePast(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, post("p", epoch))
		listen(t, db, "old")
		visit(t, db, "a", epoch.Add(time.Hour), post("p", epoch), post("q", epoch))
		listen(t, db, "old", "new", "old")
		isOwed(t, db, "old", epoch, "new q")
		isOwed(t, db, "new", epoch)
		isOwed(t, db, "nobody", epoch)
		listen(t, db, "new")
		isOwed(t, db, "old", epoch)
		listen(t, db, "new", "old")
		isOwed(t, db, "old", epoch)
		same(t, "told", column(t, db, `SELECT count(*) FROM told`), []string{"0"})
	})
}

func TestWithoutListenersNothingIsOwed(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		listen(t, db)
		visit(t, db, "a", epoch, in(post("p", epoch), "One"))
		visit(t, db, "a", epoch.Add(time.Hour), in(post("p", epoch), "Two"))
		same(t, "outbox", events(t, db), []string{"new Post p"})
		same(t, "rows", column(t, db, `SELECT count(*) FROM deliveries`), []string{"0"})
	})
}

// Who filters by category has to hear that an entry has come into one, or left it. The
// world and why do not.
func TestEntryWhoseCategoriesAloneChangeIsOwedToWhomItConcerns(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		listen(t, db, "has", "passed", "waits", "dropped")
		old, young := post("old", epoch.Add(-30*24*time.Hour)), post("young", epoch)
		visit(t, db, "a", epoch) // what comes first is told at most in part
		visit(t, db, "a", epoch.Add(time.Hour), in(old, "One"), in(young, "One"))
		at := epoch.Add(2 * time.Hour)
		isOwed(t, db, "waits", at, "new old", "new young")
		settleAll(t, db, "has", at, feeds.Settlement{Has: true})
		settleAll(t, db, "passed", at, feeds.Settlement{})
		if _, err := db.DropDebts(t.Context(), "dropped", nil); err != nil {
			t.Fatal(err)
		}
		told := events(t, db)
		visit(t, db, "a", at, in(old, "Two"), in(young, "Two"))
		isOwed(t, db, "has", at, "revised old told", "revised young told")
		isOwed(t, db, "passed", at, "revised young")
		isOwed(t, db, "waits", at, "new old", "new young", "revised old", "revised young")
		isOwed(t, db, "dropped", at)
		if got := events(t, db); !slices.Equal(got[:len(told)], told) || slices.ContainsFunc(got[len(told):], func(s string) bool { return s[:8] != relisted }) {
			t.Errorf("the outbox holds %q", got)
		}
		for _, s := range []string{old.Permalink, young.Permalink} {
			stories, err := db.Why(t.Context(), s)
			if err != nil || len(stories) != 1 || len(stories[0].Events) != 1 || stories[0].Events[0].What != "new" {
				t.Errorf("%v, %+v", err, stories)
			}
		}
		sound(t, db)
	})
}

// What is purged is told to nobody, and nobody need know who has it. Of what is withdrawn
// it has to be known until that is told.
func TestWhoHasAnEntryThatGrewOldIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		a := folder("a")
		a.Retain.Entries = 2
		configure(t, db, nil, a)
		listen(t, db, "l")
		at := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Hour) }
		visit(t, db, "a", epoch, post("p", at(-2)), post("q", at(-1)))
		settleAll(t, db, "l", epoch, feeds.Settlement{Has: true})
		visit(t, db, "a", at(2), post("p", at(-2)), post("q", at(-1)), post("r", at(2)))
		withdraw(t, db, "a", at(3), "q")
		listen(t, db, "l")
		same(t, "told", column(t, db, `SELECT e.guid FROM told t JOIN entries e ON e.id = t.entry_id`), []string{"q"})
		isOwed(t, db, "l", epoch, "new r", "withdrawn q told")
		settleAll(t, db, "l", epoch, feeds.Settlement{})
		listen(t, db, "l")
		same(t, "told then", column(t, db, `SELECT e.guid FROM told t JOIN entries e ON e.id = t.entry_id`), []string{})
	})
}

func TestCommitOwesAVisitWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	everyFault(t, func(t *testing.T, db *DB) feeds.Visit {
		listen(t, db, "a", "b", "c")
		v := richStore(t, db)
		settleAll(t, db, "a", epoch, feeds.Settlement{Has: true})
		return v
	}, func(db *DB, v feeds.Visit) error {
		_, err := db.Commit(context.Background(), v)
		return err
	})
}

func TestSettleStoresAllOrNothing(t *testing.T) {
	everyFault(t, func(t *testing.T, db *DB) []int64 {
		listen(t, db, "a")
		commit(t, db, richStore(t, db))
		var ids []int64
		for _, d := range deliveries(t, db, "a", epoch) {
			ids = append(ids, d.ID)
		}
		return ids
	}, func(db *DB, ids []int64) error {
		return db.Settle(context.Background(), "a", ids, feeds.Settlement{Has: true})
	})
}

// Commits of several processes, listeners that come and go, and settling, all at once:
// every listener that stays hears of every entry once.
func TestListenersAreOwedEverythingWhateverHappensAtOnce(t *testing.T) {
	const visits = 12
	eachWith(t, 3, func(t *testing.T, all []*DB) {
		configure(t, all[0], nil, remote("a"), remote("b"))
		for _, db := range all[1:] {
			configure(t, db, nil, remote("a"), remote("b"))
		}
		listen(t, all[0], "stays")
		errs := make(chan error, 4)
		stop := make(chan struct{})
		heard := map[string]int{}
		for i, slug := range []string{"a", "b"} {
			go func() { errs <- manyVisits(t, all[i], slug, visits) }()
		}
		go func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					errs <- nil
					return
				default:
				}
				if err := all[1].SyncListeners(t.Context(), []string{"stays", "other"}[:1+n%2]); err != nil {
					errs <- err
					return
				}
			}
		}()
		go func() {
			for deadline := time.Now().Add(time.Minute); len(heard) < 2*visits && time.Now().Before(deadline); {
				list, err := all[2].Owed(t.Context(), "stays", epoch, 5)
				for _, d := range list {
					heard[d.GUID]++
					err = errors.Join(err, all[2].Settle(t.Context(), "stays", []int64{d.ID}, feeds.Settlement{Has: true}))
				}
				if err == nil {
					err = all[2].Settle(t.Context(), "other", []int64{1, 2, 3}, feeds.Settlement{Has: true})
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
		for n := range 4 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
			if n == 2 {
				close(stop)
			}
		}
		for guid, n := range heard {
			if n != 1 {
				t.Errorf("%s was told %d times", guid, n)
			}
		}
		if len(heard) != 2*visits {
			t.Errorf("%d entries were told, not %d", len(heard), 2*visits)
		}
		sound(t, all[0])
	})
}

// manyVisits commits visits that each bring one entry.
func manyVisits(t *testing.T, db *DB, slug string, n int) error {
	for i := range n {
		at := epoch.Add(time.Duration(i) * time.Hour)
		due, err := db.Claim(t.Context(), feeds.Want{Now: at, Start: at, N: 1, Slugs: []string{slug}, Lease: time.Minute})
		if err != nil || len(due) != 1 {
			return fmt.Errorf("claimed %d of %s: %w", len(due), slug, err)
		}
		if _, err := db.Commit(t.Context(), visitOf(due[0], at, post(fmt.Sprint(slug, i), at))); err != nil {
			return err
		}
	}
	return nil
}
