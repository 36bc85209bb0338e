package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"orrery/feeds"
)

// progress shows a pass: a line for every source that changed or failed, and on
// a terminal a bar.
type progress struct {
	lines io.Writer
	stage io.Writer
	bar   *progressbar.ProgressBar // nil when nobody watches
}

func (p *program) newProgress() *progress { return &progress{lines: p.stdout, stage: p.stderr} }

// isTerminal says that somebody watches.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (o *progress) start(total int) { o.startNamed(total, "visiting sources") }

func (o *progress) startNamed(total int, what string) {
	if total == 0 || !isTerminal(o.stage) {
		return
	}
	o.bar = progressbar.NewOptions(total,
		progressbar.OptionSetWriter(o.stage), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
}

// following shows a work that says itself how far it is; the bar comes with its first
// word.
func (o *progress) following(what string) func(done, total int) {
	return func(done, total int) {
		if o.bar == nil {
			o.startNamed(total, what)
		}
		if o.bar != nil {
			_ = o.bar.Set(done)
		}
		if done >= total {
			o.end()
		}
	}
}

// slowAfter is how long a visit takes before the bar names its host.
const slowAfter = 2 * time.Second

// watch names the host that the pass waits for longest, until stop is called.
func (o *progress) watch(slowest func() (host string, took time.Duration)) (stop func()) {
	if o.bar == nil {
		return func() {}
	}
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		for {
			select {
			case <-end:
				return
			case <-t.C:
			}
			what := "visiting sources"
			if host, took := slowest(); took >= slowAfter {
				what += fmt.Sprintf(", %s for %ds", host, int(took.Seconds()))
			}
			o.bar.Describe(what)
		}
	})
	return func() {
		close(end)
		wg.Wait()
	}
}

// visit reports one visit; the aggregator calls it one at a time.
func (o *progress) visit(v feeds.Visit, t feeds.Tally) {
	if line := lineOf(v, t); line != "" {
		o.line(line)
	}
	o.step()
}

func (o *progress) line(s string) {
	if o.bar != nil {
		_ = o.bar.Clear() // the line takes the bar's place; the next step draws it again
	}
	fmt.Fprintln(o.lines, s)
}

func (o *progress) step() {
	if o.bar != nil {
		_ = o.bar.Add(1)
	}
}

func (o *progress) end() {
	if o.bar != nil {
		_ = o.bar.Finish()
	}
}
