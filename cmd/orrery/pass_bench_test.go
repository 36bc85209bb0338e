//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
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
	commands["farm"] = farmMain
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
		return &bed{farm: startFarm(b, o), program: buildProgram(b, dir), dir: dir}
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
	start := time.Now()
	err := c.Run()
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

// farmProcess is a farm in a process of its own.
type farmProcess struct {
	farm.Options
	address string
	entries int // it began with
	in      io.Writer
	out     *bufio.Scanner
}

func startFarm(b *testing.B, o farm.Options) *farmProcess {
	b.Helper()
	options, err := json.Marshal(o)
	if err != nil {
		b.Fatal(err)
	}
	c := exec.Command("farm", string(options))
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close() // it ends at the end of its input, even if we were killed
		_ = c.Wait()
	})
	f := &farmProcess{Options: o, in: in, out: bufio.NewScanner(out)}
	if _, err := fmt.Sscan(f.answer(b), &f.address, &f.entries); err != nil {
		b.Fatal(err)
	}
	return f
}

// ask sends a command and returns the answer.
func (f *farmProcess) ask(b *testing.B, command string) string {
	b.Helper()
	if _, err := fmt.Fprintln(f.in, command); err != nil {
		b.Fatal(err)
	}
	return f.answer(b)
}

func (f *farmProcess) answer(b *testing.B) string {
	b.Helper()
	if !f.out.Scan() {
		b.Fatalf("the farm has ended: %v", f.out.Err())
	}
	return f.out.Text()
}

func (f *farmProcess) counts(b *testing.B) (c farm.Counts) {
	b.Helper()
	if err := json.Unmarshal([]byte(f.ask(b, "counts")), &c); err != nil {
		b.Fatal(err)
	}
	return c
}

// config writes the configuration of a planet of the farm's feeds into the folder
// and returns its path.
func (f *farmProcess) config(b *testing.B, dir string, concurrency int) string {
	b.Helper()
	list := &feeds.OPML{Title: "Farm"}
	for n := range f.Feeds {
		list.Outlines = append(list.Outlines, feeds.Outline{Title: fmt.Sprintf("f%d", n), FeedURL: fmt.Sprintf("http://%s/%d.xml", f.address, n)})
	}
	var opml bytes.Buffer
	text := fmt.Sprintf(`planet: {title: Farm, url: "https://planet.example.org/"}
fetch: {concurrency: %d, per_host: %[1]d, pause_per_host: 0s, min_interval: 0s, allow: [%q]}
sources: [{opml: farm.opml}]
`, concurrency, f.address)
	if err := feeds.WriteOPML(&opml, list); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(dir, fmt.Sprintf("orrery-%d.yaml", concurrency))
	for name, data := range map[string][]byte{path: []byte(text), filepath.Join(dir, "farm.opml"): opml.Bytes()} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return path
}

// farmMain is the command farm: it says its address and its number of entries,
// then answers each line of its input, and ends with that.
func farmMain() {
	var o farm.Options
	err := json.Unmarshal([]byte(os.Args[1]), &o)
	var l net.Listener
	if err == nil {
		l, err = new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "farm:", err)
		os.Exit(1)
	}
	f := farm.New(o)
	size := f.Grow()
	s := &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	go s.Serve(l) //nolint:errcheck // it ends with the process
	fmt.Println(l.Addr(), size.Entries)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(farmDoes(f, lines.Text()))
	}
}

func farmDoes(f *farm.Farm, command string) string {
	what, arg, _ := strings.Cut(command, " ")
	switch what {
	case "step":
		return fmt.Sprint(f.Step())
	case "latency":
		d, err := time.ParseDuration(arg)
		if err != nil {
			return err.Error()
		}
		f.SetLatency(d)
	case "counts":
		c, err := json.Marshal(f.Counts())
		if err != nil {
			return err.Error()
		}
		return string(c)
	}
	return command
}
