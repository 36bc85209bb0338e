package storage

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
)

// The large store: what a planet of a thousand sources has after some decades.
const (
	millionEntries = 1_000_000
	millionSources = 1000
	millionVisit   = 500 // entries a visit
)

// million is made once for all benchmarks of a run: it takes minutes.
var million = sync.OnceValues(func() (string, error) {
	var err error
	millionDir, err = os.MkdirTemp("", "orrery-million")
	return filepath.Join(millionDir, "orrery.db"), err
})

// millionDir is removed when all is done.
var millionDir string

// words is a text of n words that no other has: some are said often, most rarely.
func words(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		k := r.IntN(20_000) * r.IntN(20_000) / 20_000
		fmt.Fprintf(&b, "w%d ", k)
	}
	return b.String()
}

// millionPost is the n-th post of the source; they are two hours apart.
func millionPost(source, n int) feeds.Entry {
	r := rand.New(rand.NewPCG(uint64(source), uint64(n)))
	name := fmt.Sprintf("s%d-%d", source, n)
	e := post(name, epoch.Add(-time.Duration(n)*9*time.Hour-time.Duration(source)*time.Minute))
	e.Title, e.Content = words(r, 5), "<p>"+words(r, 100)+"</p>"
	e.GUID, e.GUIDGlobal = "tag:posts.example,2026:"+name, true
	return e
}

// millionStore is a store of a million entries, and all its sources, claimed.
func millionStore(b *testing.B) (*DB, []feeds.Due) {
	b.Helper()
	if testing.Short() {
		b.Skip("a million entries take minutes")
	}
	path, err := million()
	if err != nil {
		b.Fatal(err)
	}
	db := open(b, path)
	list := make([]feeds.Source, millionSources)
	for i := range list {
		list[i] = remote(fmt.Sprintf("s%d", i))
	}
	configure(b, db, nil, list...)
	due := claim(b, db, feeds.Want{Now: epoch.Add(time.Hour), N: millionSources, All: true, Lease: 1000 * time.Hour})
	if len(due) < millionSources { // another benchmark has filled it, and holds them
		if _, err := db.write.ExecContext(b.Context(), `UPDATE sources SET lease = 0, last_visit = 0`); err != nil {
			b.Fatal(err)
		}
		return db, claim(b, db, feeds.Want{Now: epoch.Add(time.Hour), N: millionSources, All: true, Lease: 1000 * time.Hour})
	}
	for i, d := range due {
		for first := 0; first < millionEntries/millionSources; first += millionVisit {
			entries := make([]feeds.Entry, millionVisit)
			for n := range entries {
				entries[n] = millionPost(i, first+n)
			}
			v := visitOf(d, epoch, entries...)
			v.More = epoch.Add(1000 * time.Hour)
			commit(b, db, v)
		}
	}
	return db, due
}

func BenchmarkMillionCommitOf50NewEntries(b *testing.B) {
	db, due := millionStore(b)
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		entries := make([]feeds.Entry, 50)
		for i := range entries {
			entries[i] = millionPost(n%millionSources, -50*(n/millionSources+1)+i)
			entries[i].GUID += fmt.Sprint(" ", b.Name(), time.Now().UnixNano())
		}
		v := visitOf(due[n%millionSources], epoch.Add(time.Hour), entries...)
		v.More = epoch.Add(1000 * time.Hour)
		b.StartTimer()
		commit(b, db, v)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/50, "µs/entry")
}

// A copy of a post of the same week, under another address in another source.
func BenchmarkMillionNearDuplicate(b *testing.B) {
	db, due := millionStore(b)
	found := 0
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		source := n % millionSources
		e := millionPost((source+1)%millionSources, 30+n/millionSources)
		e.GUID, e.Permalink = fmt.Sprint(b.Name(), time.Now().UnixNano()), ""
		e.GUIDGlobal = false
		v := visitOf(due[source], epoch.Add(time.Hour), e)
		v.More = epoch.Add(1000 * time.Hour)
		b.StartTimer()
		found += commit(b, db, v).Duplicate
	}
	b.ReportMetric(float64(found)/float64(b.N), "found")
}
