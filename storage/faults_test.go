package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

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

// everyFault makes one call after another fail while act is done to a fresh copy of the
// store that prepare made, on every engine and in every way, and checks that all of act
// was stored or nothing, and that it succeeds when it is done once more.
func everyFault[T any](t *testing.T, prepare func(t *testing.T, db *DB) T, act func(db *DB, what T) error) {
	t.Helper()
	for engine, original := range map[string]func(t *testing.T, prepare func(db *DB)) *copies{"sqlite": copiesOfFile, "postgres": copiesOfDatabase} {
		t.Run(engine, func(t *testing.T) {
			var what T
			var before string
			c := original(t, func(db *DB) {
				what = prepare(t, db)
				before = dump(t, db)
			})
			act := func(db *DB) error { return act(db, what) }
			after := c.withoutFault(t, act)
			if after == before {
				t.Fatal("nothing was stored; the test tests nothing")
			}
			for _, how := range c.faults {
				t.Run(string(how), func(t *testing.T) { c.everyFault(t, how, before, after, act) })
			}
		})
	}
}

// withoutFault is what the store holds when act was done.
func (c *copies) withoutFault(t *testing.T, act func(db *DB) error) string {
	t.Helper()
	s := c.open(t)
	s.faults.arm(0, fails)
	if err := act(s.db); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	if calls, _ := s.faults.disarm(); calls < 10 {
		t.Fatalf("only %d calls were made; the test tests nothing", calls)
	}
	return dump(t, s.witness)
}

func (c *copies) everyFault(t *testing.T, how fault, before, after string, act func(db *DB) error) {
	var s *faultyStore
	for n, hit := 1, true; hit; n += c.step(how) {
		if s == nil {
			s = c.open(t)
		}
		s.faults.arm(n, how)
		err := act(s.db)
		_, hit = s.faults.disarm()
		now := dump(t, s.witness)
		switch {
		case now != before && now != after:
			t.Fatalf("call %d failed, it ended with %v, and the store has half of it:\n%s", n, err, diff(before, now))
		case now == before && err == nil:
			t.Fatalf("call %d failed, and what is not stored was acknowledged", n)
		case now == after && err != nil && how != losesAnswer:
			t.Fatalf("call %d failed, and what is stored ended with %v", n, err)
		}
		if now == before && c.slow {
			rewind(t, s.witness)
			continue // the next try is the one that fails at a later call, or at none
		}
		if now == before {
			if err := act(s.db); err != nil {
				t.Fatalf("call %d failed, and so does the next try: %v", n, err)
			}
		}
		sound(t, s.witness)
		s.close(t)
		s = nil
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
	t.Parallel()
	everyFault(t, richStore, func(db *DB, v feeds.Visit) error {
		_, err := db.Commit(context.Background(), v)
		return err
	})
}

func TestSyncStoresAConfigurationWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
