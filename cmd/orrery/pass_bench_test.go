//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"orrery/aggregator"
	"orrery/aggregator/farm"
	"orrery/feeds"
)

func init() {
	commands["measure"] = measureMain
}

// With latency concurrency decides (speed.md): 64 visits at a time of 50 ms cannot
// be done with a thousand in less than 0.8 s.
const (
	benchConcurrency   = 64
	latencyConcurrency = 128
)

// BenchmarkPass is one pass of the real program over a thousand feeds, each
// process on its own: what they cost the farm is not counted, nor what a test
// binary has in it beside the program. Warm is a pass in which nothing changed,
// changed one in which ten feeds have one new entry.
func BenchmarkPass(b *testing.B) {
	thousand := lazyBed(b, farm.Options{Feeds: 1000, Seed: 1})
	b.Run("cold", func(b *testing.B) { benchCold(b, thousand()) })
	b.Run("warm", func(b *testing.B) { benchWarm(b, thousand(), benchConcurrency) })
	b.Run("changed", func(b *testing.B) { benchChanged(b, thousand()) })
	b.Run("latency/warm", func(b *testing.B) {
		f := thousand()
		f.farm.ask(b, "latency 50ms")
		defer f.farm.ask(b, "latency 0s")
		benchWarm(b, f, latencyConcurrency)
	})
	many := lazyBed(b, farm.Options{Feeds: 10_000, Entries: 2, Seed: 1})
	b.Run("10000/warm", func(b *testing.B) {
		if testing.Short() {
			b.Skip("a farm of ten thousand feeds takes its time")
		}
		benchWarm(b, many(), benchConcurrency)
	})
}

func benchCold(b *testing.B, f *bed) {
	var all costs
	for b.Loop() {
		path := f.farm.config(b, b.TempDir(), benchConcurrency)
		all = append(all, f.pass(b, path, f.cold()))
	}
	all.report(b, f.farm.Feeds)
}

func benchWarm(b *testing.B, f *bed, concurrency int) {
	path := f.stored(b, concurrency)
	var all costs
	for b.Loop() {
		before := f.farm.counts(b)
		all = append(all, f.pass(b, path, f.warm()))
		if after := f.farm.counts(b); after.NotModified-before.NotModified != int64(f.farm.Feeds) {
			b.Fatalf("the farm answered %+v before and %+v after", before, after)
		}
	}
	all.report(b, f.farm.Feeds)
}

func benchChanged(b *testing.B, f *bed) {
	path := f.stored(b, benchConcurrency)
	var all costs
	for b.Loop() {
		f.farm.ask(b, "step")
		all = append(all, f.pass(b, path, f.changed()))
	}
	all.report(b, f.farm.Feeds)
}

// BenchmarkPassInProcess is for profiles: the same passes without a process of
// their own, and without the start of the program.
//
//	go test -run '^$' -bench PassInProcess/cold -cpuprofile cpu.out ./cmd/orrery
func BenchmarkPassInProcess(b *testing.B) {
	thousand := lazyBed(b, farm.Options{Feeds: 1000, Seed: 1})
	b.Run("cold", func(b *testing.B) {
		f := thousand()
		for b.Loop() {
			refresh(b, f.farm.config(b, b.TempDir(), benchConcurrency), f.cold())
		}
	})
	b.Run("warm", func(b *testing.B) {
		f := thousand()
		path := f.stored(b, benchConcurrency)
		for b.Loop() {
			refresh(b, path, f.warm())
		}
	})
	b.Run("changed", func(b *testing.B) {
		f := thousand()
		path := f.stored(b, benchConcurrency)
		for b.Loop() {
			f.farm.ask(b, "step")
			refresh(b, path, f.changed())
		}
	})
}

func refresh(b *testing.B, config, want string) {
	b.Helper()
	p := &program{configFile: config, getenv: func(string) string { return "" }}
	pl, err := p.open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer pl.close()
	s, err := pl.aggregator(func(feeds.Visit, feeds.Tally) {}).Refresh(b.Context(), aggregator.Pass{All: true})
	if err != nil || !strings.HasPrefix(s.String(), want) {
		b.Fatalf("got %s (%v), want %s", s, err, want)
	}
}

// bed is a farm and a planet of all its feeds.
type bed struct {
	farm    *farmProcess
	program string // its path
	dir     string // of the planet
	full    bool   // its store has all that the farm had at first
}

// lazyBed is a bed that is made when it is first used, for filters of -bench.
func lazyBed(b *testing.B, o farm.Options) func() *bed {
	return sync.OnceValue(func() *bed {
		dir := b.TempDir()
		return &bed{farm: startFarm(b, o, 1), program: buildProgram(b, dir), dir: dir}
	})
}

func buildProgram(b *testing.B, dir string) string {
	b.Helper()
	path := filepath.Join(dir, "orrery")
	c := exec.Command("go", "build", "-trimpath", "-o", path, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return path
}

// The closing lines of a pass.
func (f *bed) cold() string { return f.line(f.farm.entries, 0) }
func (f *bed) warm() string { return f.line(0, f.farm.Feeds) }
func (f *bed) changed() string {
	return f.line(f.farm.Feeds/100, f.farm.Feeds-f.farm.Feeds/100)
}

func (f *bed) line(fresh, unchanged int) string {
	return fmt.Sprintf("%d sources: %d new, 0 revised, 0 duplicate, 0 failed, %d unchanged in ", f.farm.Feeds, fresh, unchanged)
}

// stored is the configuration of a planet that has visited all feeds once.
func (f *bed) stored(b *testing.B, concurrency int) string {
	b.Helper()
	path := f.farm.config(b, f.dir, concurrency)
	if !f.full {
		f.pass(b, path, f.cold())
		f.full = true
	}
	return path
}

// pass runs the program once, and fails unless its last line is the wanted one.
func (f *bed) pass(b *testing.B, config, want string) cost {
	b.Helper()
	c := exec.Command("measure", f.program, "-c", config, "fetch", "--all")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		b.Fatalf("%v\n%s%s", err, out, &stderr)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	n := len(lines)
	if n < 2 || !strings.HasPrefix(lines[n-2], want) {
		b.Fatalf("want %s, got\n%s%s", want, out, &stderr)
	}
	var m cost
	if err := json.Unmarshal([]byte(lines[n-1]), &m); err != nil {
		b.Fatal(err)
	}
	return m
}

// cost is what a process took.
type cost struct {
	Wall, CPU time.Duration
	Peak      int64 // of its memory, in bytes
}

type costs []cost

// report reports the medians.
func (all costs) report(b *testing.B, sources int) {
	median := func(of func(cost) float64) float64 {
		list := make([]float64, len(all))
		for i, c := range all {
			list[i] = of(c)
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	cpu := median(func(c cost) float64 { return c.CPU.Seconds() })
	b.ReportMetric(median(func(c cost) float64 { return c.Wall.Seconds() }), "s/pass")
	b.ReportMetric(cpu, "cpu-s/pass")
	b.ReportMetric(cpu*1e6/float64(sources), "cpu-µs/source")
	b.ReportMetric(median(func(c cost) float64 { return float64(c.Peak) / 1e6 }), "peak-MB")
	b.ReportMetric(0, "ns/op") // with the farm's steps and the start of two processes
}

// measureMain is the command measure: it runs another and adds a line to its
// output with what that took. It is a process of its own, because what the
// kernel says of the memory of a child is never less than that of its parent.
func measureMain() {
	c := exec.Command(os.Args[1], os.Args[2:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	spend(c, func() {})
}

// spend runs a command, with something beside it, and says what it took.
func spend(c *exec.Cmd, beside func()) {
	start := time.Now()
	err := c.Start()
	if err == nil {
		go beside()
		err = c.Wait()
	}
	wall := time.Since(start)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	peak := c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" { // which counts bytes, everybody else KiB
		peak *= 1 << 10
	}
	_ = json.NewEncoder(os.Stdout).Encode(cost{wall, c.ProcessState.UserTime() + c.ProcessState.SystemTime(), peak})
}
