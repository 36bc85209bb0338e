package storage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
)

func TestClaimTakesTheLongestDueFirst(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"), remote("c"), remote("d"))
		for slug, wait := range map[string]time.Duration{"a": 3 * time.Hour, "b": time.Hour, "c": 2 * time.Hour, "d": 9 * time.Hour} {
			v := visitOf(claimed(t, db, slug, epoch), epoch)
			v.Next = epoch.Add(wait)
			commit(t, db, v)
		}
		now := epoch.Add(3 * time.Hour)
		same(t, "first two", slugsOf(claim(t, db, feeds.Want{Now: now, N: 2})), []string{"b", "c"})
		same(t, "the rest", slugsOf(claim(t, db, feeds.Want{Now: now, N: 2})), []string{"a"})
		same(t, "nobody", slugsOf(claim(t, db, feeds.Want{Now: now, N: 2})), []string{})
	})
}

func TestClaimedSourceIsNobodyElsesUntilItsLeaseEnds(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, stores []*DB) {
		here, there := stores[0], stores[1]
		configure(t, here, nil, remote("a"))
		d := claim(t, here, feeds.Want{Now: epoch, N: 1, Lease: time.Minute})[0]
		for _, db := range []*DB{here, there} {
			same(t, "during the lease", slugsOf(claim(t, db, feeds.Want{Now: epoch.Add(time.Minute - 1), N: 1})), []string{})
		}
		newer := claim(t, there, feeds.Want{Now: epoch.Add(time.Minute), N: 1})
		same(t, "after the lease", slugsOf(newer), []string{"a"})

		before := dump(t, here)
		old := visitOf(d, epoch, post("late", epoch))
		old.Validators.ETag = `"late"`
		if tally, err := here.Commit(t.Context(), old); !errors.Is(err, feeds.ErrLeaseLost) || !tally.Zero() {
			t.Errorf("the old claim's commit: %v, %v", tally, err)
		}
		if err := here.Release(t.Context(), d, time.Time{}); err != nil {
			t.Error(err)
		}
		if now := dump(t, here); now != before {
			t.Errorf("the old claim changed the store:\n%s", diff(before, now))
		}
		if tally := commit(t, there, visitOf(newer[0], epoch, post("p", epoch))); tally.New != 1 {
			t.Errorf("the new claim's commit: %v", tally)
		}
	})
}

func TestReleasedSourceIsDueAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		d := claimed(t, db, "a", epoch)
		if err := db.Release(t.Context(), d, time.Time{}); err != nil {
			t.Fatal(err)
		}
		again := claimed(t, db, "a", epoch)
		if again.Fence <= d.Fence {
			t.Errorf("the fence went from %d to %d", d.Fence, again.Fence)
		}
	})
}

// Whoever was asked is left alone for a while, by all, though nothing of it was stored.
func TestReleasedSourceKeepsItsHostForItsPause(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, all []*DB) {
		a, b := remote("a"), remote("b")
		b.URL = "https://www.a.example/other" // of the same domain
		configure(t, all[0], nil, a, b)
		d := claimed(t, all[0], "a", epoch)
		if err := all[0].Release(t.Context(), d, epoch.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		same(t, "claimed by another at once", slugsOf(claim(t, all[1], feeds.Want{Now: epoch, N: 9})), []string{})
		same(t, "claimed by another behind the pause", slugsOf(claim(t, all[1], feeds.Want{Now: epoch.Add(2 * time.Second), N: 9, PerHost: 1})), []string{"a"})
	})
}

// A folder may be on another machine.
func TestClaimWithoutFoldersLeavesThemToOthers(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("own"), remote("a"))
		same(t, "claimed", slugsOf(claim(t, db, feeds.Want{Now: epoch, N: 9, Remote: true})), []string{"a"})
		same(t, "claimed by another", slugsOf(claim(t, db, feeds.Want{Now: epoch, N: 9})), []string{"own"})
	})
}

func TestProcessesClaimEverySourceOnce(t *testing.T) {
	eachAddress(t, claimEverySourceOnce)
}

func claimEverySourceOnce(t *testing.T, dsn string) {
	db := openDSN(t, dsn)
	var list []feeds.Source
	var all []string
	for i := range 200 {
		list = append(list, remote(fmt.Sprintf("s%03d", i)))
		all = append(all, list[i].Slug)
	}
	configure(t, db, nil, list...)
	children := []*child{startChild(t, "claim", dsn), startChild(t, "claim", dsn)}
	var got []string
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, db := range []*DB{db, openDSN(t, dsn)} {
		wg.Go(func() {
			for {
				due, err := db.Claim(t.Context(), feeds.Want{Now: epoch, Start: epoch, N: 3, Lease: time.Hour})
				if errors.Is(err, feeds.ErrBeside) {
					continue
				}
				if err != nil {
					t.Error(err)
				}
				if len(due) == 0 {
					return
				}
				mu.Lock()
				got = append(got, slugsOf(due)...)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, c := range children {
		for _, line := range c.wait(t) {
			got = append(got, strings.Fields(line)...)
		}
	}
	slices.Sort(got)
	same(t, "claimed", got, all)
}

// fetching.md 20, 21, 25. The source was visited at epoch, an hour before now.
func TestClaimTakesWhoMayBeVisitedAndNobodyElse(t *testing.T) {
	now := epoch.Add(time.Hour)
	for _, c := range []struct {
		name  string
		state func(v *feeds.Visit) // nil: never visited
		local bool
		want  feeds.Want
		taken bool
	}{
		{"never visited", nil, false, feeds.Want{}, true},
		{"due", func(v *feeds.Visit) { v.Next = now }, false, feeds.Want{}, true},
		{"not due", func(v *feeds.Visit) { v.Next = now.Add(1000) }, false, feeds.Want{}, false},
		{"not due, but all are wanted", func(v *feeds.Visit) { v.Next = now.Add(time.Hour) }, false, feeds.Want{All: true}, true},
		{"not due, but named", func(v *feeds.Visit) { v.Next = now.Add(time.Hour) }, false, feeds.Want{Slugs: []string{"x", "s"}}, true},
		{"due, but others are named", func(v *feeds.Visit) { v.Next = now }, false, feeds.Want{Slugs: []string{"x"}}, false},
		{"visited less than the interval ago", func(v *feeds.Visit) { v.Next = now.Add(1000) }, false, feeds.Want{All: true, MinInterval: time.Hour + 1000}, false},
		{"named, visited less than the interval ago", func(v *feeds.Visit) { v.Next = now.Add(1000) }, false, feeds.Want{Slugs: []string{"s"}, MinInterval: 2 * time.Hour}, false},
		{"visited just the interval ago", func(v *feeds.Visit) { v.Next = now.Add(1000) }, false, feeds.Want{All: true, MinInterval: time.Hour}, true},
		{"due within the interval", func(v *feeds.Visit) { v.Next = now }, false, feeds.Want{All: true, MinInterval: 2 * time.Hour}, true},
		{"folder within the interval", func(v *feeds.Visit) { v.Next = now.Add(1000) }, true, feeds.Want{All: true, MinInterval: 2 * time.Hour}, true},
		{"asked to be left alone", func(v *feeds.Visit) { v.Next, v.RetryAfter = now, now.Add(1000) }, false, feeds.Want{All: true}, false},
		{"asked to be left alone and named", func(v *feeds.Visit) { v.Next, v.RetryAfter = now, now.Add(1000) }, false, feeds.Want{Slugs: []string{"s"}}, false},
		{"was left alone", func(v *feeds.Visit) { v.Next, v.RetryAfter = now, now }, false, feeds.Want{}, true},
		{"gone", func(v *feeds.Visit) { v.Next, v.Outcome = now, feeds.Gone }, false, feeds.Want{}, false},
		{"gone, and all are wanted", func(v *feeds.Visit) { v.Next, v.Outcome = now, feeds.Gone }, false, feeds.Want{All: true}, false},
		{"gone, but named", func(v *feeds.Visit) { v.Next, v.Outcome = now, feeds.Gone }, false, feeds.Want{Slugs: []string{"s"}}, true},
		{"gone, and a hub calls", func(v *feeds.Visit) { v.Next, v.Outcome = now, feeds.Gone }, false, feeds.Want{Slugs: []string{"s"}, Called: true}, false},
		{"a hub calls", func(v *feeds.Visit) { v.Next = now.Add(time.Hour) }, false, feeds.Want{Slugs: []string{"s"}, Called: true}, true},
		{"gone without a next visit", func(v *feeds.Visit) { v.Outcome, v.Next = feeds.Gone, time.Time{} }, false, feeds.Want{}, false},
		{"gone, but named within the interval", func(v *feeds.Visit) { v.Outcome, v.Next = feeds.Gone, time.Time{} }, false, feeds.Want{Slugs: []string{"s"}, MinInterval: 2 * time.Hour}, false},
		{"failed and due", func(v *feeds.Visit) { v.Next, v.Outcome, v.Err = now, feeds.Failed, errFault }, false, feeds.Want{}, true},
		{"had its turn in this pass", func(v *feeds.Visit) { v.Next = epoch }, false, feeds.Want{Start: epoch}, false},
		{"had its turn before this pass", func(v *feeds.Visit) { v.Next = epoch }, false, feeds.Want{Start: epoch.Add(1000)}, true},
		{"folder had its turn in this pass", func(v *feeds.Visit) { v.Next = epoch }, true, feeds.Want{Start: epoch, All: true}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				s := remote("s")
				if c.local {
					s = folder("s")
				}
				configure(t, db, nil, s)
				if c.state != nil {
					v := visitOf(claimed(t, db, "s", epoch), epoch)
					c.state(&v)
					commit(t, db, v)
				}
				c.want.Now, c.want.N = now, 10
				if c.want.Start.IsZero() {
					c.want.Start = now
				}
				waiting, err := db.Waiting(t.Context(), c.want)
				if err != nil {
					t.Fatal(err)
				}
				due := claim(t, db, c.want)
				if taken := len(due) == 1; taken != c.taken || waiting != len(due) {
					t.Errorf("claimed %d, waiting %d, want %v", len(due), waiting, c.taken)
				}
			})
		})
	}
}

// Whoever was killed keeps his sources until their leases run out: people are told
// of those that they miss.
func TestClaimsThatKeepSourcesFromAPassAreCounted(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"), remote("later"))
		v := visitOf(claimed(t, db, "later", epoch), epoch)
		v.Next = epoch.Add(9 * time.Hour)
		commit(t, db, v)
		claim(t, db, feeds.Want{Now: epoch, Start: epoch, N: 1, Lease: time.Hour, Slugs: []string{"a"}})
		claim(t, db, feeds.Want{Now: epoch, Start: epoch, N: 1, Lease: 2 * time.Hour, Slugs: []string{"b"}})
		all := feeds.Want{All: true}
		claim(t, db, feeds.Want{Now: epoch.Add(time.Minute), Start: epoch.Add(time.Minute), N: 9, Lease: time.Minute, All: true})
		for _, c := range []struct {
			name  string
			want  feeds.Want
			at    time.Duration
			n     int
			until time.Duration
		}{
			{"due", feeds.Want{}, time.Minute, 2, 2 * time.Hour},
			{"all", all, time.Minute, 3, 2 * time.Hour},
			{"named", feeds.Want{Slugs: []string{"a"}}, time.Minute, 1, time.Hour},
			{"those of all that may be visited", feeds.Want{All: true, MinInterval: time.Hour}, time.Minute, 2, 2 * time.Hour},
			{"when the first has run out", feeds.Want{}, time.Hour, 1, 2 * time.Hour},
			{"when all have", all, 2 * time.Hour, 0, 0},
		} {
			c.want.Now = epoch.Add(c.at)
			c.want.Start = c.want.Now
			n, until, err := db.Claimed(t.Context(), c.want)
			if err != nil || n != c.n || n > 0 && !until.Equal(epoch.Add(c.until)) || n == 0 && !until.IsZero() {
				t.Errorf("%s: %d until %v, %v", c.name, n, until, err)
			}
		}
		leases, err := db.Leases(t.Context(), epoch.Add(time.Hour))
		if err != nil || len(leases) != 1 || !leases["b"].Equal(epoch.Add(2*time.Hour)) {
			t.Errorf("%v, %v", leases, err)
		}
	})
}

// What a dead worker had may be visited when its lease ends, which is known beforehand.
func TestEndOfTheLeasesOfOthersIsKnown(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, all []*DB) {
		configure(t, all[0], nil, remote("a"), remote("b"), remote("c"))
		for slug, lease := range map[string]time.Duration{"a": time.Hour, "b": 2 * time.Hour} {
			claim(t, all[0], feeds.Want{Now: epoch, N: 1, Lease: lease, Slugs: []string{slug}})
		}
		claim(t, all[1], feeds.Want{Now: epoch, N: 1, Lease: time.Minute, Slugs: []string{"c"}})
		for _, c := range []struct {
			db   *DB
			at   time.Duration
			want time.Time
		}{
			{all[1], 0, epoch.Add(time.Hour)}, {all[1], time.Hour, epoch.Add(2 * time.Hour)}, {all[1], 2 * time.Hour, time.Time{}}, {all[0], 0, epoch.Add(time.Minute)},
		} {
			now := epoch.Add(c.at)
			if end, err := c.db.OthersEnd(t.Context(), feeds.Want{Now: now, Start: now}); err != nil || !end.Equal(c.want) {
				t.Errorf("after %v: %v, %v, want %v", c.at, end, err, c.want)
			}
		}
	})
}

func TestHostsThatWantNoVisitsAreKnownUntilTheyDo(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		for slug, until := range map[string]time.Duration{"a": time.Hour, "b": 2 * time.Hour} {
			v := failed(claimed(t, db, slug, epoch), epoch)
			v.Busy, v.BusyUntil = slug+".example", epoch.Add(until)
			commit(t, db, v)
		}
		for at, want := range map[time.Duration]string{0: "a b", time.Hour: "b", 2 * time.Hour: ""} {
			busy, err := db.BusyHosts(t.Context(), epoch.Add(at))
			var got []string
			for host, until := range busy {
				if slug := strings.TrimSuffix(host, ".example"); until.After(epoch.Add(at)) {
					got = append(got, slug)
				}
			}
			slices.Sort(got)
			if strings.Join(got, " ") != want || err != nil {
				t.Errorf("after %v: %v, %v", at, busy, err)
			}
		}
	})
}

func TestWaitingCountsWithoutTheLimitWhatClaimTakes(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"), remote("c"))
		configure(t, db, nil, remote("a"), remote("b"))
		want := feeds.Want{Now: epoch, Start: epoch, N: 1, Lease: time.Hour}
		for _, n := range []int{2, 1, 0} { // the retired one is nobody's
			if got, err := db.Waiting(t.Context(), want); err != nil || got != n {
				t.Errorf("waiting: %d, %v, want %d", got, err, n)
			}
			claim(t, db, want)
		}
	})
}

func TestFailuresAreCountedAndASuccessForgetsThem(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		state := func(at time.Time, outcome feeds.Outcome, err error, status int, problems ...string) feeds.State {
			v := visitOf(claimed(t, db, "a", at), at)
			v.Outcome, v.Err, v.Status, v.Problems = outcome, err, status, problems
			commit(t, db, v)
			list, err := db.Sources(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			list[0].State.Health = "" // has tests of its own
			return list[0].State
		}
		at := func(h int) time.Time { return epoch.Add(time.Duration(h) * time.Hour) }
		for _, c := range []struct {
			got, want feeds.State
		}{
			{state(at(0), feeds.Changed, nil, 200), feeds.State{LastVisit: at(0), LastSuccess: at(0), NextVisit: at(1), Status: 200}},
			{state(at(1), feeds.Failed, errFault, 500), feeds.State{LastVisit: at(1), LastSuccess: at(0), NextVisit: at(2), Failures: 1, LastError: errFault.Error(), Status: 500}},
			{state(at(2), feeds.Failed, feeds.ErrHTML, 200), feeds.State{LastVisit: at(2), LastSuccess: at(0), NextVisit: at(3), Failures: 2, LastError: feeds.Explain(feeds.ErrHTML), Status: 200}},
			{state(at(3), feeds.Gone, errFault, 410), feeds.State{LastVisit: at(3), LastSuccess: at(0), NextVisit: at(4), Failures: 3, Gone: true, LastError: errFault.Error(), Status: 410}},
			{state(at(4), feeds.Unchanged, nil, 304), feeds.State{LastVisit: at(4), LastSuccess: at(4), NextVisit: at(5), Status: 304}},
			{state(at(5), feeds.Changed, nil, 0, "one", "two"), feeds.State{LastVisit: at(5), LastSuccess: at(5), NextVisit: at(6), LastError: "one\ntwo"}},
		} {
			if c.got != c.want {
				t.Errorf("got  %+v\nwant %+v", c.got, c.want)
			}
		}
	})
}

// RFC 9111 §4.3.1: byte for byte.
func TestValidatorsComeBackByteForByte(t *testing.T) {
	odd := []string{`"a"`, `W/"x y"`, `"-gzip"`, "Sun, 6 nov 1994 8:49:37 GMT", "\x01\xff\xfe invalid \x80", "a\x00b", "ünï", ` "spaces" `, "'; DROP TABLE sources --", strings.Repeat("x", 9000)}
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("a"))
		for i, s := range odd {
			at := epoch.Add(time.Duration(i) * time.Hour)
			v := visitOf(claimed(t, db, "a", at), at)
			v.Validators = feeds.Validators{URL: "https://x.example/?" + fmt.Sprint(i), ETag: s, LastModified: odd[len(odd)-1-i], BodyHash: fmt.Sprint(i), Listing: []byte(s)}
			commit(t, db, v)
			got := claimed(t, db, "a", at.Add(time.Minute))
			if fmt.Sprintf("%q", got.Validators) != fmt.Sprintf("%q", v.Validators) {
				t.Errorf("stored %q, got %q", v.Validators, got.Validators)
			}
			if err := db.Release(t.Context(), got, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestFailedVisitLeavesEntriesAndValidatorsAlone(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		v := visitOf(claimed(t, db, "a", epoch), epoch, post("p", epoch))
		v.Validators = feeds.Validators{URL: "u", ETag: "e", LastModified: "l", BodyHash: "h"}
		commit(t, db, v)
		failed := feeds.Visit{Due: claimed(t, db, "a", epoch.Add(time.Hour)), At: epoch.Add(time.Hour), Outcome: feeds.Failed, Err: errFault}
		commit(t, db, failed)
		got := claimed(t, db, "a", epoch.Add(2*time.Hour)).Validators
		if got.URL != "u" || got.ETag != "e" || got.LastModified != "l" || got.BodyHash != "h" {
			t.Errorf("validators: %+v", got)
		}
		only(t, db)
	})
}

func TestKnownTellsWhatIsStoredUnderAGUID(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("a"), remote("b"))
		var list []feeds.Entry
		var guids []string
		for i := range 2*knownBatch + 1 {
			list = append(list, post(fmt.Sprintf("p%d", i), epoch))
			guids = append(guids, list[i].GUID)
		}
		list[0].Updated = epoch.Add(-time.Minute)
		visit(t, db, "a", epoch, list...)
		withdraw(t, db, "a", epoch.Add(time.Hour), "p1")
		d := claimed(t, db, "a", epoch.Add(2*time.Hour))
		known, err := db.Known(t.Context(), d.Source.ID, append(guids, "stranger", ""))
		if err != nil || len(known) != len(list) {
			t.Fatalf("knows %d of %d, %v", len(known), len(list), err)
		}
		for i := range list {
			want := feeds.Known{Hash: list[i].Hash(), Withdrawn: i == 1, Updated: list[i].Updated}
			if got := known[list[i].GUID]; got != want {
				t.Errorf("%s: got %+v, want %+v", list[i].GUID, got, want)
			}
		}
		other := claimed(t, db, "b", epoch)
		if known, err := db.Known(t.Context(), other.Source.ID, guids); err != nil || len(known) != 0 {
			t.Errorf("another source knows %d, %v", len(known), err)
		}
	})
}
