//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"orrery/aggregator/farm"
	"orrery/storage/pgtest"
)

func init() { commands["leash"] = leashMain }

const (
	// workFeeds are the feeds of a pass; each has a host of its own, as most blogs have.
	// A host is leased to one worker: of sixteen the first one takes all, and keeps them
	// until nobody is due.
	workFeeds = 1000
	// readEvery is the pace at which the site is asked, however long it takes to answer.
	readEvery = 20 * time.Millisecond
	// workPatience is how long a pass may take; it is only reached when something is wrong.
	workPatience = 10 * time.Minute
)

// BenchmarkWork is the first pass of workers over a thousand feeds into one
// PostgreSQL database, each a process on its own, and what somebody who reads the
// planet's feed meanwhile waits for it, at a site that is one more process. The
// server, workers, site, farm and reader share the machine. Quiet is the same reader
// for five seconds when all is stored.
func BenchmarkWork(b *testing.B) {
	thousand := sync.OnceValue(func() *bed {
		return &bed{farm: startFarm(b, farm.Options{Feeds: workFeeds, Seed: 1}, workFeeds), program: buildProgram(b, b.TempDir())}
	})
	for _, workers := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			server := pgtest.Start(b, true) // vacuums and analyzes, as a real one does
			benchWork(b, thousand(), server, workers)
		})
	}
}

func benchWork(b *testing.B, f *bed, server *pgtest.Server, workers int) {
	var wall, cpu time.Duration
	var busy, quiet []time.Duration
	busiest := 0
	for b.Loop() {
		// The schedule is for a worker that once finds every source that is due claimed.
		config := f.farm.config(b, b.TempDir(), benchConcurrency,
			"storage: "+server.URL(b), "listen: 127.0.0.1:0", `admin: ""`, `schedule: "@every 1s"`)
		site, address := startSite(b, f.program, config)
		h := newHarvest(f.farm)
		reader := startReader(b, address+"feed.atom")
		start := time.Now()
		var all []*leashed
		for n := range workers {
			all = append(all, startLeashed(b, func(r record) { h.take(n, r) }, f.program, "-c", config, "work", "--log-format", "json"))
		}
		end := h.wait(b)
		busy = append(busy, reader.stop()...)
		wall += end.Sub(start)
		for _, w := range all {
			cpu += w.stop(b).CPU
		}
		busiest += h.busiest()
		reader = startReader(b, address+"feed.atom")
		time.Sleep(5 * time.Second)
		quiet = append(quiet, reader.stop()...)
		site.stop(b)
	}
	n := float64(b.N)
	b.ReportMetric(n*float64(f.farm.entries)/wall.Seconds(), "entries/s")
	b.ReportMetric(wall.Seconds()/n, "s/pass")
	b.ReportMetric(cpu.Seconds()/n, "workers-cpu-s/pass")
	b.ReportMetric(100*float64(busiest)/n/float64(f.farm.Feeds), "busiest-%")
	b.ReportMetric(quantile(busy, 50), "p50-ms")
	b.ReportMetric(quantile(busy, 99), "p99-ms")
	b.ReportMetric(quantile(quiet, 50), "quiet-p50-ms")
	b.ReportMetric(quantile(quiet, 99), "quiet-p99-ms")
	b.ReportMetric(0, "ns/op") // with the start of the processes and the quiet
}

// quantile is what so many of a hundred took at most, in milliseconds.
func quantile(took []time.Duration, percent int) float64 {
	slices.Sort(took)
	return took[len(took)*percent/100].Seconds() * 1e3
}

func startSite(b *testing.B, program, config string) (site *leashed, address string) {
	b.Helper()
	says := regexp.MustCompile(`^serving .* at (http://\S+/)$`)
	found := make(chan string, 1)
	site = startLeashed(b, func(r record) {
		if m := says.FindStringSubmatch(r.Msg); m != nil {
			found <- m[1]
		} else if r.Level != "INFO" {
			b.Errorf("the site: %+v", r)
		}
	}, program, "-c", config, "serve", "--no-fetch", "--log-format", "json")
	select {
	case address = <-found:
	case <-site.gone:
		b.Fatal("the site has ended")
	case <-time.After(patience):
		b.Fatal("the site does not serve")
	}
	return site, address
}

// record is a line of a process that tells what it does.
type record struct {
	Level, Msg, Source, Error string
	New, Revised, Duplicate   int
}

// harvest is what the workers have stored until now.
type harvest struct {
	farm *farmProcess
	full chan struct{} // closed when there is all, or trouble

	mu      sync.Mutex
	visited map[string]bool
	by      map[int]int // visits of a worker
	entries int
	trouble []string
	end     time.Time
}

func newHarvest(f *farmProcess) *harvest {
	return &harvest{farm: f, full: make(chan struct{}), visited: map[string]bool{}, by: map[int]int{}}
}

// take counts a visit, of which a worker tells when it is stored.
func (h *harvest) take(worker int, r record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.end.IsZero() {
		return
	}
	if r.Level != "INFO" || r.Revised+r.Duplicate > 0 || r.Source != "" && h.visited[r.Source] {
		h.trouble = append(h.trouble, fmt.Sprintf("worker %d: %+v", worker, r))
	}
	if r.Source != "" {
		h.visited[r.Source] = true
		h.by[worker]++
		h.entries += r.New
	}
	if len(h.visited) == h.farm.Feeds || h.trouble != nil {
		h.end = time.Now()
		close(h.full)
	}
}

// wait waits until all is stored and returns when that was.
func (h *harvest) wait(b *testing.B) time.Time {
	b.Helper()
	select {
	case <-h.full:
	case <-time.After(workPatience):
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.visited) != h.farm.Feeds || h.entries != h.farm.entries || h.trouble != nil {
		b.Fatalf("%d of %d feeds were visited, and brought %d of %d entries: %q", len(h.visited), h.farm.Feeds, h.entries, h.farm.entries, h.trouble)
	}
	return h.end
}

// busiest are the visits of the worker that made most.
func (h *harvest) busiest() (most int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.by {
		most = max(most, n)
	}
	return most
}

// reader asks for an address at a constant pace.
type reader struct {
	end  chan struct{}
	once sync.Once
	done sync.WaitGroup
	mu   sync.Mutex
	took []time.Duration
}

func startReader(b *testing.B, address string) *reader {
	r := &reader{end: make(chan struct{})}
	t := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true} // to unpack is no work of the site's
	r.done.Go(func() {
		defer t.CloseIdleConnections()
		tick := time.NewTicker(readEvery)
		defer tick.Stop()
		var asked sync.WaitGroup
		defer asked.Wait()
		for {
			select {
			case <-tick.C:
				asked.Go(func() { r.ask(b, t, address) })
			case <-r.end:
				return
			}
		}
	})
	b.Cleanup(func() { r.stop() })
	return r
}

func (r *reader) ask(b *testing.B, t *http.Transport, address string) {
	q, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		b.Error(err)
		return
	}
	q.Header.Set("Accept-Encoding", "gzip")
	start := time.Now()
	a, err := t.RoundTrip(q)
	if err != nil {
		b.Error(err)
		return
	}
	n, err := io.Copy(io.Discard, a.Body)
	took := time.Since(start)
	a.Body.Close()
	if a.StatusCode != http.StatusOK || n == 0 || err != nil {
		b.Errorf("%s: %s, %d bytes, %v", address, a.Status, n, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took = append(r.took, took)
}

// stop returns how long the answers took; those that are on their way are waited for.
func (r *reader) stop() []time.Duration {
	r.once.Do(func() { close(r.end) })
	r.done.Wait()
	return r.took
}

// leashed is a process that ends with us.
type leashed struct {
	cmd  *exec.Cmd
	in   io.Closer
	out  bytes.Buffer
	gone chan struct{} // closed when it has told its last
	once sync.Once
	cost cost
}

// startLeashed starts a program that tells records, each of which is taken.
func startLeashed(b *testing.B, take func(record), args ...string) *leashed {
	b.Helper()
	l := &leashed{cmd: exec.Command("leash", args...), gone: make(chan struct{})}
	l.cmd.Stdout = &l.out
	stderr, err := l.cmd.StderrPipe()
	if err == nil {
		l.in, err = l.cmd.StdinPipe()
	}
	if err == nil {
		err = l.cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		defer close(l.gone)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			var r record
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				r = record{Level: "ERROR", Msg: lines.Text()} // its last words
			}
			take(r)
		}
	}()
	b.Cleanup(func() { l.stop(b) })
	return l
}

// stop ends it, waits for that, and returns what it took.
func (l *leashed) stop(b *testing.B) cost {
	b.Helper()
	l.once.Do(func() {
		l.in.Close()
		<-l.gone
		err := l.cmd.Wait()
		if err == nil {
			err = json.Unmarshal(l.out.Bytes(), &l.cost)
		}
		if err != nil {
			b.Errorf("%s: %v", l.cmd, err)
		}
	})
	return l.cost
}

// leashMain is the command leash: it runs another until its own input ends, which it
// does even if we were killed, and says what that took.
func leashMain() {
	c := exec.Command(os.Args[1], os.Args[2:]...)
	c.Stderr = os.Stderr
	spend(c, func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = c.Process.Signal(syscall.SIGTERM) // it may have ended
		time.Sleep(shutdownTimeout + 10*time.Second)
		_ = c.Process.Kill()
	})
}
