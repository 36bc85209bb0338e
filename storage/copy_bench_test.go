package storage

import (
	"fmt"
	"testing"
	"time"

	"orrery/feeds"
)

// A store of 30,000 entries, as it is moved from one engine to the other.
func BenchmarkCopyOf30000Entries(b *testing.B) {
	file := "sqlite:" + newPath(b)
	db := openDSN(b, file)
	const sources, each = 100, 300
	list := make([]feeds.Source, sources)
	for i := range list {
		list[i] = remote(fmt.Sprintf("s%d", i))
	}
	configure(b, db, nil, list...)
	for i, d := range claim(b, db, feeds.Want{Now: epoch, N: sources, Lease: time.Hour}) {
		entries := make([]feeds.Entry, each)
		for n := range entries {
			entries[n] = in(millionPost(i, n), fmt.Sprint("Category ", (i+n)%20))
		}
		commit(b, db, visitOf(d, epoch, entries...))
	}
	server := newDSN(b, "postgres")
	if _, err := Copy(b.Context(), file, server, nil); err != nil {
		b.Fatal(err)
	}
	for name, from := range map[string]string{"sqlite": file, "postgres": server} {
		for _, to := range []string{"sqlite", "postgres"} {
			b.Run(name+" to "+to, func(b *testing.B) {
				rows := 0
				for b.Loop() {
					b.StopTimer()
					target := newDSN(b, to)
					b.StartTimer()
					report, err := Copy(b.Context(), from, target, nil)
					if err != nil {
						b.Fatal(err)
					}
					rows += report.Rows
				}
				b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric(float64(rows)/float64(b.N), "rows")
			})
		}
	}
}
