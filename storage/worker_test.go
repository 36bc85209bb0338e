package storage

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/storage/pgtest"
)

// at is a source with an address at the host.
func at(host, name string) feeds.Source {
	return feeds.Source{Slug: host + name, URL: "https://" + host + ".example/" + name}
}

// fetching.md 35, across workers.
func TestHostIsLeasedWithItsSources(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, all []*DB) {
		here, there := all[0], all[1]
		configure(t, here, nil, at("a", "1"), at("a", "2"), at("b", "1"), folder("own"), folder("other"))
		d := claim(t, here, feeds.Want{Now: epoch, N: 1, Slugs: []string{"a1"}, Lease: time.Minute})
		claim(t, here, feeds.Want{Now: epoch, N: 1, Slugs: []string{"own"}, Lease: time.Minute})
		if n, err := there.Waiting(t.Context(), feeds.Want{Now: epoch, Start: epoch}); n != 2 || err != nil {
			t.Errorf("%d wait, %v", n, err)
		}
		same(t, "for another worker", slugsOf(claim(t, there, feeds.Want{Now: epoch, N: 9, Lease: time.Minute})), []string{"b1", "other"})
		same(t, "for the one that has the host", slugsOf(claim(t, here, feeds.Want{Now: epoch, N: 9, Lease: time.Minute})), []string{"a2"})
		same(t, "nobody", slugsOf(claim(t, there, feeds.Want{Now: epoch, N: 9})), []string{})
		for _, due := range append(d, claim(t, here, feeds.Want{Now: epoch, N: 9})...) {
			if err := here.Release(t.Context(), due, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		same(t, "while one of the host is claimed", slugsOf(claim(t, there, feeds.Want{Now: epoch, N: 9})), []string{})
		same(t, "when the leases have ended", slugsOf(claim(t, there, feeds.Want{Now: epoch.Add(time.Minute), N: 9, Slugs: []string{"a1", "a2"}})), []string{"a1", "a2"})
	})
}

// fetching.md 35: between two requests to a host is a pause, whoever makes them.
func TestHostThatWasAskedIsLeftToItsWorkerForItsPause(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, all []*DB) {
		here, there := all[0], all[1]
		configure(t, here, nil, at("a", "1"), at("a", "2"), at("a", "3"), at("b", "1"), at("b", "2"))
		rest := epoch.Add(time.Second)
		a := visitOf(claimed(t, here, "a1", epoch), epoch)
		a.Rest, a.Backfill, a.More = rest, feeds.Backfill{URL: "https://a.example/2", Left: 1}, epoch.Add(time.Minute)
		commit(t, here, a)
		a.Older, a.Feed, a.More, a.Backfill = true, nil, time.Time{}, feeds.Backfill{} // the last of its past
		commit(t, here, a)
		b := visitOf(claimed(t, here, "b1", epoch), epoch)
		b.Outcome, b.Feed, b.Err, b.Rest = feeds.Failed, nil, errFault, rest
		commit(t, here, b)
		same(t, "for another worker", slugsOf(claim(t, there, feeds.Want{Now: rest.Add(-1000), N: 9})), []string{})
		same(t, "for the same", slugsOf(claim(t, here, feeds.Want{Now: epoch, N: 1, Slugs: []string{"a2"}, Lease: 500 * time.Millisecond})), []string{"a2"})
		same(t, "for another worker, after the pause", slugsOf(claim(t, there, feeds.Want{Now: rest, N: 9})), []string{"a2", "a3", "b2"})
	})
}

// Workers that claim all at once never have a host in common.
func TestWorkersThatClaimAtTheSameTimeShareNoHost(t *testing.T) {
	eachWith(t, 6, func(t *testing.T, all []*DB) {
		const hosts, sources = 12, 10
		var list []feeds.Source
		for i := range hosts * sources {
			list = append(list, at(fmt.Sprintf("h%d", i%hosts), fmt.Sprintf("-%d", i/hosts)))
		}
		configure(t, all[0], nil, list...)
		var mu sync.Mutex
		owners, taken := map[string]int{}, map[string]int{}
		var wg sync.WaitGroup
		for n, db := range all {
			wg.Go(func() {
				for range 30 {
					due, err := db.Claim(t.Context(), feeds.Want{Now: epoch, Start: epoch, N: 2, Lease: time.Hour})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for i := range due {
						host := due[i].Source.Host()
						if owner, ok := owners[host]; ok && owner != n {
							t.Errorf("%s belongs to worker %d, and %d has %s", host, owner, n, due[i].Source.Slug)
						}
						owners[host] = n
						taken[due[i].Source.Slug]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for slug, n := range taken {
			if n != 1 {
				t.Errorf("%s was claimed %d times", slug, n)
			}
		}
		if len(owners) != hosts {
			t.Errorf("%d of %d hosts were claimed", len(owners), hosts)
		}
	})
}

// Who waits for others looks again and again for over a second, at first at once, and
// later often enough for those whose lease has ended.
func TestClaimBesideOthersLooksAgainOften(t *testing.T) {
	waits := slices.Collect(besideWaits)
	var all time.Duration
	for _, w := range waits {
		all += w
	}
	if waits[0] > 10*time.Millisecond || slices.Max(waits) > 100*time.Millisecond || all < time.Second || all > 1500*time.Millisecond {
		t.Errorf("it waits for %v, in all %v", waits, all)
	}
}

// A claim may look at many more sources than it takes. Whoever claims in the same instant
// gets those that are left, and is not told that there are none.
func TestClaimBesideAnotherGetsWhatTheOtherLeaves(t *testing.T) {
	leaveOutPostgres(t)
	for name, c := range map[string]struct {
		lock    string
		forEver bool
		want    []string
	}{
		"who looks at all sources":     {`SELECT id FROM sources FOR UPDATE`, false, []string{"b"}},
		"who claims all hosts":         {fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d, hashtext(host)) FROM sources`, writersLock), false, []string{"b"}},
		"who does not end for a while": {`SELECT id FROM sources FOR UPDATE`, true, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			db := openPG(t)
			configure(t, db, nil, remote("a"), remote("b"))
			other, err := db.write.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Rollback() //nolint:errcheck // after a Commit it does nothing
			if _, err = other.ExecContext(t.Context(), c.lock); err == nil {
				_, err = other.ExecContext(t.Context(), `UPDATE sources SET lease = $1, worker = 1 WHERE slug = 'a'`, micros(epoch.Add(time.Hour)))
			}
			if err != nil {
				t.Fatal(err)
			}
			if !c.forEver {
				time.AfterFunc(50*time.Millisecond, func() { _ = other.Commit() })
			}
			due, err := db.Claim(t.Context(), feeds.Want{Now: epoch, Start: epoch, N: 9, Lease: time.Hour})
			if c.forEver != errors.Is(err, feeds.ErrBeside) || !c.forEver && err != nil {
				t.Error(err)
			}
			same(t, "claimed", slugsOf(due), c.want)
		})
	}
	db := openPG(t)
	configure(t, db, nil, remote("a"))
	claimed(t, db, "a", epoch)
	if due, err := db.claimOnce(t.Context(), feeds.Want{Now: epoch, Start: epoch, N: 9}); len(due) != 0 || err != nil {
		t.Errorf("when all are claimed: %v, %v", due, err)
	}
}

// A worker whose clock is an hour slow holds what it claimed for as long as it meant to.
func TestLeasesGoByTheClockOfTheDatabase(t *testing.T) {
	db := openPG(t)
	slow := *postgres
	slow.clock = postgres.clock[:len(postgres.clock)-len(" AS BIGINT)")] + ` + 3600000000 AS BIGINT)`
	right := db.dialect
	configure(t, db, nil, remote("a"))
	db.dialect = &slow // it sees the database an hour ahead
	claim(t, db, feeds.Want{Now: epoch, N: 1, Lease: time.Minute})
	until, err := db.Leases(t.Context(), epoch)
	if d := until["a"].Sub(epoch.Add(time.Minute)).Abs(); err != nil || d > time.Second {
		t.Errorf("by its own clock it ends at %v, %v", until, err)
	}
	db.dialect = right
	real := epoch.Add(time.Hour)
	same(t, "during the lease", slugsOf(claim(t, db, feeds.Want{Now: real.Add(55 * time.Second), N: 1})), []string{})
	same(t, "after it", slugsOf(claim(t, db, feeds.Want{Now: real.Add(65 * time.Second), N: 1})), []string{"a"})
}

func TestClockIsAnotherOnlyWhereItIsFarFromTheKnownOne(t *testing.T) {
	const second = int64(time.Second / time.Microsecond)
	for _, c := range []struct {
		known, ahead, want int64
		moved              bool
	}{
		{0, 0, 0, false}, {0, second / 5, 0, false}, {0, -second / 5, 0, false},
		{0, second / 3, second / 3, true}, {0, -3600 * second, -3600 * second, true},
		{second / 3, second / 5, second / 3, false}, // around the bound it stays what it is
		{second / 3, 0, 0, true}, {3600 * second, -second / 5, 0, true},
		{3600 * second, 3601 * second, 3601 * second, true},
	} {
		db := &DB{}
		db.ahead.Store(c.known)
		if moved := db.noteClock(c.known, c.ahead); moved != c.moved || db.ahead.Load() != c.want {
			t.Errorf("known %d, now %d: moved %v to %d", c.known, c.ahead, moved, db.ahead.Load())
		}
	}
}

// The rows of a slow answer were made one after the other, and are read together.
func TestSlowAnswerIsNotTakenForAnotherClock(t *testing.T) {
	db := openPG(t)
	configure(t, db, nil, remote("a"), remote("b"), remote("c"), remote("d"))
	slow := *postgres
	slow.clock += ` - 200000 * (SELECT count(*) FROM sources AS behind WHERE behind.id > due.id)`
	db.dialect = &slow
	due, err := db.claimOnce(t.Context(), feeds.Want{Now: epoch, Start: epoch, N: 4, Lease: time.Minute})
	if err != nil || len(due) != 4 || db.ahead.Load() != 0 {
		t.Errorf("claimed %d: %v; the clock is %d ahead", len(due), err, db.ahead.Load())
	}
}

// Who is stopped while it waits for the lock of whoever writes entries is given it all
// the same, and keeps it no longer than one that was stopped in the middle.
func TestWorkerThatIsStoppedWhileItWaitsHoldsUpTheOthersForAMoment(t *testing.T) {
	t.Parallel()
	leaveOutPostgres(t)
	url := pgtest.URL(t)
	db, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, db) })
	configure(t, db, nil, remote("s0"))
	lock := func() (unlock func()) {
		t.Helper()
		tx, err := db.write.BeginTx(t.Context(), nil)
		if err == nil {
			err = db.dialect.alone(t.Context(), tx, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		return func() { _ = tx.Rollback() }
	}
	unlock := lock()
	worker := startChild(t, "commit", url)
	waits := func(waiting, having int) {
		t.Helper()
		want := []string{fmt.Sprint(waiting, " ", having)}
		for began := time.Now(); ; <-time.After(5 * time.Millisecond) {
			got := column(t, db, `SELECT count(*) FILTER (WHERE NOT granted) || ' ' || count(*) FILTER (WHERE granted) FROM pg_locks
				WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
			if slices.Equal(got, want) {
				return
			}
			if time.Since(began) > 20*time.Second {
				t.Fatalf("%s wait for the lock and have it, not %s", got, want)
			}
		}
	}
	waits(1, 1)
	if err := worker.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	unlock()
	waits(0, 1)
	began := time.Now()
	lock()()
	if held := time.Since(began); held > (idleVisits+postgresIdle)/2 {
		t.Errorf("it kept the lock for %v", held)
	}
	if err := worker.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if lines := worker.kill(t, 1); lines[0] != "s0 0" {
		t.Errorf("it then said %q", lines)
	}
}
