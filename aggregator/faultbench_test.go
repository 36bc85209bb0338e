package aggregator

import (
	"fmt"
	"net"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// speed.md; the figure: with a tenth of 200 sources doing wrong a pass
// takes at most half as long again, and the others are done as soon as ever.
// Honest servers answer within a tenth of a second, the time limit is three.
func BenchmarkPassWithFaults(b *testing.B) {
	s := &street{}
	wrong := misdeeds(b, func(serve func(net.Conn)) string { return s.listen(b, serve) })
	silent := slices.DeleteFunc(slices.Clone(wrong), func(m misdeed) bool { return !m.hangs })
	s.live(b, 200)
	for i, c := range s.crooks {
		c.takes = 100 * time.Millisecond
		c.publishes(`"1"`, strings.Fields(strings.Repeat(fmt.Sprintf("%d- ", i), 10))...)
	}
	for _, c := range []struct {
		name  string
		wrong []misdeed
		place func(i int) int
	}{
		{"of any kind in between", wrong, func(i int) int { return 10 * i }},
		{"silent in front", silent, func(i int) int { return i }},
		{"silent at the end", silent, func(i int) int { return 180 + i }},
	} {
		b.Run(c.name, func(b *testing.B) {
			var good, bad measure
			next := 0
			for b.Loop() {
				for _, c := range s.crooks {
					c.does(nil)
				}
				good.add(s.measure(b))
				for i := range 20 {
					s.crooks[c.place(i)].does(c.wrong[next%len(c.wrong)].does)
					next++
				}
				bad.add(s.measure(b))
			}
			if ratio := bad.pass.Seconds() / good.pass.Seconds(); ratio > 1.5 {
				b.Errorf("with faults a pass takes %.2f times as long", ratio)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(good.pass.Seconds()/float64(b.N), "s/good-pass")
			b.ReportMetric(bad.pass.Seconds()/good.pass.Seconds(), "ratio")
			b.ReportMetric(bad.others.Seconds()/good.others.Seconds(), "others-ratio")
			b.ReportMetric(float64(good.peak)/(1<<20), "good-peak-MiB")
			b.ReportMetric(float64(bad.peak)/(1<<20), "peak-MiB")
		})
	}
}

// measure is what passes took: until their end, until the last honest source was
// done, and of the heap at the most.
type measure struct {
	pass, others time.Duration
	peak         uint64
}

func (m *measure) add(n measure) {
	m.pass, m.others, m.peak = m.pass+n.pass, m.others+n.others, max(m.peak, n.peak)
}

// measure makes a first pass with a new store.
func (s *street) measure(b *testing.B) (m measure) {
	b.Helper()
	db := stored(b, s.list...)
	o := fetch.Options{Timeout: 300 * time.Millisecond}
	var begun time.Time
	m.peak = peakOf(func() {
		begun = time.Now()
		s.visit(b, db, epoch, o, func(a *Options) {
			a.Concurrency = 32
			a.Observe = func(v feeds.Visit, _ feeds.Tally) {
				if v.Outcome != feeds.Failed {
					m.others = time.Since(begun)
				}
			}
		})
		m.pass = time.Since(begun)
	})
	return m
}

// peakOf is the largest heap while something is done.
func peakOf(do func()) uint64 {
	runtime.GC()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		var most uint64
		for {
			select {
			case <-tick.C:
				metrics.Read(sample)
				most = max(most, sample[0].Value.Uint64())
			case <-done:
				peak <- most
				return
			}
		}
	}()
	do()
	close(done)
	return <-peak
}
