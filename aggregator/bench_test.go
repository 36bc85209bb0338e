package aggregator

import (
	"context"
	"fmt"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// speed.md: nothing is done twice, so a pass that finds nothing costs little.
func BenchmarkPassOver1000SourcesWithNothingChanged(b *testing.B) {
	const n = 1000
	var list []feeds.Source
	for i := range n {
		list = append(list, remote(fmt.Sprintf("s%d", i)))
	}
	db := stored(b, list...)
	unchanged := func(_ context.Context, _ feeds.Source, v feeds.Validators) (fetch.Response, error) {
		return fetch.Response{Status: 304, NotModified: true, Validators: v}, nil
	}
	now := epoch
	a, _ := newAggregator(db, unchanged, func(o *Options) {
		o.Now, o.Concurrency, o.Observe = func() time.Time { return now }, 32, nil
	})
	for b.Loop() {
		now = now.Add(25 * time.Hour)
		if s := refresh(b, a, Pass{}); s.Sources != n {
			b.Fatal(s)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/source")
}
