package storage

import (
	"fmt"
	"testing"
	"time"

	"orrery/feeds"
)

// The size of the store the benchmarks measure against.
const (
	benchSources    = 100
	benchPerSource  = 200
	benchCategories = 20
)

// benchStore is a store of 20,000 entries of 100 sources in 20 categories.
func benchStore(b *testing.B) (*DB, []feeds.Due) {
	b.Helper()
	db := open(b, newPath(b))
	list := make([]feeds.Source, benchSources)
	for i := range list {
		list[i] = remote(fmt.Sprintf("s%d", i))
	}
	configure(b, db, nil, list...)
	due := claim(b, db, feeds.Want{Now: epoch, N: benchSources, Lease: time.Hour})
	for i, d := range due {
		commit(b, db, visitOf(d, epoch, benchEntries(i, 0, benchPerSource)...))
	}
	return db, due
}

// benchEntries are n entries of the source with the number, from first on.
func benchEntries(source, first, n int) []feeds.Entry {
	list := make([]feeds.Entry, n)
	for i := range list {
		name := fmt.Sprintf("s%d-%d", source, first+i)
		e := post(name, epoch.Add(-time.Duration(first+i)*time.Hour))
		e.Content = fmt.Sprintf("<p>%s %01000d</p>", name, i)
		title := fmt.Sprintf("Category %d", (source+i)%benchCategories)
		e.Categories = []feeds.CategoryName{{Slug: feeds.Slug(title), Title: title}}
		list[i] = e
	}
	return list
}

func BenchmarkCommitOf50NewEntries(b *testing.B) {
	db, due := benchStore(b)
	d := due[0]
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		entries := benchEntries(1000+n, 0, 50)
		d = again(b, db, d, epoch.Add(time.Duration(n+1)*24*time.Hour))
		b.StartTimer()
		commit(b, db, visitOf(d, epoch.Add(time.Duration(n+1)*24*time.Hour), entries...))
	}
}

func BenchmarkCommitOfAnUnchangedVisit(b *testing.B) {
	db, due := benchStore(b)
	d := due[0]
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		d = again(b, db, d, epoch.Add(time.Duration(n+1)*24*time.Hour))
		b.StartTimer()
		commit(b, db, feeds.Visit{Due: d, At: epoch, Next: epoch, Validators: d.Validators})
	}
}

func BenchmarkEntriesOf60InACategory(b *testing.B) {
	db, _ := benchStore(b)
	for b.Loop() {
		if list := entries(b, db, feeds.Query{Category: "category-3", Limit: 60}); len(list) != 60 {
			b.Fatalf("got %d entries", len(list))
		}
	}
}

func BenchmarkVersion(b *testing.B) {
	db, _ := benchStore(b)
	for b.Loop() {
		if seq, _, err := db.Version(b.Context(), feeds.Query{Category: "category-3"}); err != nil || seq == 0 {
			b.Fatal(seq, err)
		}
	}
}
