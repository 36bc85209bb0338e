package storage

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orrery/feeds"
)

// coldFeed is a feed as a new planet first sees it: some posts of a year, each in the
// lists of its tags, its author and its language.
func coldFeed(source int) []feeds.Entry {
	list := make([]feeds.Entry, 15)
	rules := &feeds.Rules{TagsAsCategories: true}
	for i := range list {
		e := millionPost(source, i)
		e.Published = epoch.Add(-time.Duration(i)*25*24*time.Hour - time.Duration(source)*time.Minute)
		e.Language, e.Authors = "en", []feeds.Person{{Name: fmt.Sprint("Author ", source)}}
		e.Tags = []feeds.Tag{{Term: fmt.Sprint("Tag ", (source+i)%40)}, {Term: fmt.Sprint("Other ", (source*7+i)%40)}}
		e.Categories = rules.Lists(&e, &feeds.Source{})
		list[i] = placed(e, epoch)
	}
	return list
}

// coldVisits are the first visits of so many sources.
func coldVisits(b *testing.B, db *DB, n int) []feeds.Visit {
	b.Helper()
	list := make([]feeds.Source, n)
	for i := range list {
		list[i] = remote(fmt.Sprintf("s%d", i))
	}
	configure(b, db, nil, list...)
	visits := make([]feeds.Visit, 0, n)
	for i, d := range claim(b, db, feeds.Want{Now: epoch, N: n, Lease: time.Hour}) {
		visits = append(visits, visitOf(d, epoch, coldFeed(i)...))
	}
	return visits
}

// commitTogether commits the visits, sixteen of which wait together.
func commitTogether(b *testing.B, db *DB, visits []feeds.Visit) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(visits)); n = next.Add(1) - 1 {
				if _, err := db.Commit(b.Context(), visits[n]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkColdPass: the first pass of a new planet.
func BenchmarkColdPass(b *testing.B) {
	onEngines(b, []int{1}, func(b *testing.B, all []*DB) {
		visits := coldVisits(b, all[0], b.N)
		b.ResetTimer()
		begin := time.Now()
		commitTogether(b, all[0], visits)
		b.ReportMetric(float64(b.N*len(visits[0].Feed.Entries))/time.Since(begin).Seconds(), "entries/s")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkPictures: what the pages ask of a planet of a thousand sources, and once of ten
// thousand.
func BenchmarkPictures(b *testing.B) {
	onEngines(b, []int{1}, func(b *testing.B, all []*DB) {
		db := all[0]
		commitTogether(b, db, coldVisits(b, db, 1000))
		b.Run("months", func(b *testing.B) {
			for b.Loop() {
				if list, err := db.Months(b.Context(), feeds.Query{}); err != nil || len(list) < 12 {
					b.Fatal(len(list), err)
				}
			}
		})
		b.Run("activity", func(b *testing.B) {
			for b.Loop() {
				if sources, lists, err := db.Activity(b.Context(), feeds.MonthOf(epoch)-11); err != nil || len(sources) != 1000 || len(lists) < 1000 {
					b.Fatal(len(sources), len(lists), err)
				}
			}
		})
		b.Run("a page of a month", func(b *testing.B) {
			for b.Loop() {
				if list := entries(b, db, feeds.Query{Month: feeds.MonthOf(epoch) - 3, Language: "en", Limit: 60}); len(list) != 60 {
					b.Fatal(len(list))
				}
			}
		})
		configureMany(b, db)
		b.Run("last visit of 10000", func(b *testing.B) {
			for b.Loop() {
				if at, err := db.LastVisit(b.Context()); err != nil || at.IsZero() {
					b.Fatal(at, err)
				}
			}
		})
	})
}
