package storage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/storage/pgtest"
)

// onEngines runs the benchmark with so many handles, as workers have them. What
// PostgreSQL writes lies in memory (pgtest): the disk is not what is measured.
func onEngines(b *testing.B, workers []int, bench func(b *testing.B, all []*DB)) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, n := range workers {
			b.Run(fmt.Sprintf("%s/workers=%d", engine, n), func(b *testing.B) {
				dsn := "sqlite:" + newPath(b)
				if engine == "postgres" {
					dsn = pgtest.URL(b)
				}
				var all []*DB
				for range n {
					db, err := Open(b.Context(), dsn)
					if err != nil {
						b.Fatal(err)
					}
					b.Cleanup(func() { shut(b, db) })
					all = append(all, db)
				}
				bench(b, all)
			})
		}
	}
}

// claimSources is how many sources, each at a host of its own, there are to claim.
const claimSources = 10_000

func configureMany(b *testing.B, db *DB) {
	b.Helper()
	list := make([]feeds.Source, claimSources)
	for i := range list {
		list[i] = remote(fmt.Sprintf("s%d", i))
	}
	configure(b, db, nil, list...)
}

// together shares the rounds of the benchmark among the workers, and reports how many
// there were a second, and how long one took: half of them at most, and 99 of 100.
func together(b *testing.B, all []*DB, round func(db *DB, n int)) { atWork(b, all, 0, round) }

// atWork is together with workers that are at something else before each round, for pause
// on average.
func atWork(b *testing.B, all []*DB, pause time.Duration, round func(db *DB, n int)) {
	var next atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	b.ResetTimer()
	begin := time.Now()
	for _, db := range all {
		wg.Go(func() {
			var mine []time.Duration
			for {
				n := int(next.Add(1)) - 1
				if n >= b.N {
					break
				}
				if pause > 0 {
					time.Sleep(rand.N(2 * pause)) // else all come at once, again and again
				}
				start := time.Now()
				round(db, n)
				mine = append(mine, time.Since(start))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	all0 := time.Since(begin)
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/all0.Seconds(), "rounds/s")
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "p50-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "p99-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkClaim: eight sources of ten thousand a claim.
func BenchmarkClaim(b *testing.B) { benchClaims(b, 0) }

// BenchmarkClaimAtWork: the same by workers that visit what they claim, for a tenth of a
// second: less than eight visits take.
func BenchmarkClaimAtWork(b *testing.B) { benchClaims(b, 100*time.Millisecond) }

func benchClaims(b *testing.B, pause time.Duration) {
	onEngines(b, []int{1, 4, 16}, func(b *testing.B, all []*DB) {
		configureMany(b, all[0])
		claim := func(db *DB, n int) {
			now := epoch.Add(time.Duration(n) * time.Second)
			if _, err := db.Claim(b.Context(), feeds.Want{Now: now, Start: now, N: 8, Lease: 20 * time.Second}); err != nil && !errors.Is(err, feeds.ErrBeside) {
				b.Error(err)
			}
		}
		for _, db := range all { // who begins compiles what he asks
			for n := range 3 {
				claim(db, n)
			}
		}
		atWork(b, all, pause, claim)
	})
}

// BenchmarkVisit: a claim of one source and the commit of a visit with one new entry.
func BenchmarkVisit(b *testing.B) {
	onEngines(b, []int{1, 4, 16}, func(b *testing.B, all []*DB) {
		configureMany(b, all[0])
		together(b, all, func(db *DB, n int) {
			now := epoch.Add(time.Duration(n) * time.Second)
			due, err := db.Claim(b.Context(), feeds.Want{Now: now, Start: now, N: 1, Lease: time.Hour})
			if err != nil || len(due) != 1 {
				b.Errorf("claimed %d: %v", len(due), err)
				return
			}
			v := visitOf(due[0], now, in(post(fmt.Sprintf("%s-%d", due[0].Source.Slug, n), now), "All"))
			v.Next = now.Add(100_000 * time.Hour)
			if _, err := db.Commit(b.Context(), v); err != nil {
				b.Error(err)
			}
		})
	})
}

// BenchmarkEntries: first visits that bring a hundred entries each.
func BenchmarkEntries(b *testing.B) {
	const entries = 100
	onEngines(b, []int{1, 2, 4}, func(b *testing.B, all []*DB) {
		configureMany(b, all[0])
		together(b, all, func(db *DB, n int) {
			due, err := db.Claim(b.Context(), feeds.Want{Now: epoch, Start: epoch, N: 1, Lease: time.Hour})
			if err != nil || len(due) != 1 {
				b.Errorf("claimed %d: %v", len(due), err)
				return
			}
			v := visitOf(due[0], epoch)
			for i := range entries {
				v.Feed.Entries = append(v.Feed.Entries, placed(millionPost(n, i), epoch))
			}
			v.Next = epoch.Add(100_000 * time.Hour)
			if _, err := db.Commit(b.Context(), v); err != nil {
				b.Error(err)
			}
		})
	})
}

// BenchmarkUnchanged: a claim of 32 sources and the commits of their visits, which
// found nothing new and wait together, as in a pass.
func BenchmarkUnchanged(b *testing.B) {
	onEngines(b, []int{1, 4}, func(b *testing.B, all []*DB) {
		configureMany(b, all[0])
		together(b, all, func(db *DB, n int) {
			now := epoch.Add(time.Duration(n) * time.Second)
			due, err := db.Claim(b.Context(), feeds.Want{Now: now, Start: now, N: 32, Lease: time.Hour})
			if err != nil {
				b.Error(err)
			}
			var wg sync.WaitGroup
			for _, d := range due {
				wg.Go(func() {
					v := feeds.Visit{Due: d, At: now, Next: now.Add(100 * time.Second), Outcome: feeds.Unchanged, Status: 304, Validators: d.Validators}
					if _, err := db.Commit(b.Context(), v); err != nil {
						b.Error(err)
					}
				})
			}
			wg.Wait()
		})
	})
}

// BenchmarkNotice is from a commit to the value that another process is given.
func BenchmarkNotice(b *testing.B) {
	url := pgtest.URL(b)
	here, there := openDSN(b, url), openDSN(b, url)
	ctx, cancel := context.WithCancel(b.Context())
	changes := there.Changes(ctx)
	<-changes // that it listens
	configure(b, here, nil, remote("a"))
	<-changes
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		at := epoch.Add(time.Duration(n) * time.Minute)
		d := claim(b, here, feeds.Want{Now: at, Start: at, N: 1, Slugs: []string{"a"}})[0]
		v := visitOf(d, at, post(fmt.Sprint(n), at))
		b.StartTimer()
		commit(b, here, v)
		began := time.Now()
		<-changes
		took = append(took, time.Since(began))
	}
	cancel()
	for range changes { // until it has ended
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "worst-µs")
	b.ReportMetric(0, "ns/op")
}
