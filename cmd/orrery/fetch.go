package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orrery/aggregator"
	"orrery/feeds"
	"orrery/storage"
)

func (p *program) fetch() *cobra.Command {
	var all, strict bool
	c := &cobra.Command{
		Use:   "fetch [SOURCE...]",
		Short: "Visit the sources that are due, once",
		Long: `Makes one pass over the sources that are due, or those named by their slugs,
and ends. It may run beside serve and beside itself: no source is visited twice.

On stdout: a line for every source that changed or failed, and a closing line.
A source that fails is asked again later; its entries stay.`,
		Example: `  orrery fetch                 from cron, every few minutes
  orrery fetch --all           also sources that are not due
  orrery fetch xsf jitsi       only these two`,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := p.pass(c.Context(), aggregator.Pass{All: all, Slugs: args})
			if err == nil && strict && s.Failed > 0 {
				err = fmt.Errorf("%d of %d sources failed", s.Failed, s.Sources)
			}
			return err
		},
	}
	c.Flags().BoolVar(&all, "all", false, "also sources that are not due, though none that asked to be left alone, nor faster than fetch.min_interval")
	c.Flags().BoolVar(&strict, "strict", false, "exit with 1 when a source failed")
	p.logFormat(c)
	return c
}

// pass makes one pass and reports it.
func (p *program) pass(ctx context.Context, want aggregator.Pass) (aggregator.Summary, error) {
	pl, err := p.open(ctx)
	if err != nil {
		return aggregator.Summary{}, err
	}
	defer pl.close()
	for _, slug := range want.Slugs {
		if !slices.ContainsFunc(pl.sources, func(s feeds.Source) bool { return s.Slug == slug }) {
			return aggregator.Summary{}, wrongUsage("there is no source %q; orrery sources lists them", slug)
		}
	}
	pl.forget()
	log, err := p.newJournal()
	if err != nil {
		return aggregator.Summary{}, err
	}
	out := p.newProgress()
	visited := map[string]bool{} // of those that were named
	a := pl.aggregator(func(v feeds.Visit, t feeds.Tally) {
		if len(want.Slugs) > 0 {
			visited[v.Due.Source.Slug] = true
		}
		out.visit(v, t)
		if log.records != nil {
			log.visit(v, t)
		}
	})
	n, err := a.Waiting(ctx, want)
	if err != nil {
		return aggregator.Summary{}, err
	}
	out.start(n)
	stop := out.watch(a.Slowest)
	s, err := a.Refresh(ctx, want)
	stop()
	out.end()
	if err != nil && !errors.Is(err, context.Canceled) {
		return s, err
	}
	if err == nil {
		err = p.notVisited(ctx, pl, want, visited)
	}
	fmt.Fprintln(p.stdout, s)
	return s, err
}

// forget gives back what the sources took: they are in the store now, and a pass does
// not grow with them.
func (pl *planet) forget() {
	const many = 2000 // for fewer it is not worth the time
	if len(pl.sources) > many {
		defer debug.FreeOSMemory()
	}
	pl.sources = nil
}

// notVisited says why sources that were wanted were left alone: each that was named,
// else how many are claimed.
func (p *program) notVisited(ctx context.Context, pl *planet, want aggregator.Pass, visited map[string]bool) error {
	if len(want.Slugs) == 0 {
		return p.stillClaimed(ctx, pl, want)
	}
	if len(want.Slugs) == len(visited) {
		return nil
	}
	x, err := pl.solitude(ctx, pl.store)
	if err != nil {
		return err
	}
	for _, s := range x.list {
		if !visited[s.Slug] && slices.Contains(want.Slugs, s.Slug) {
			why := cmp.Or(x.why(s), "its turn did not come; try again")
			fmt.Fprintf(p.stdout, "%s: not visited: %s\n", s.Slug, why)
		}
	}
	return nil
}

// stillClaimed tells of sources that a pass has missed since they are claimed.
func (p *program) stillClaimed(ctx context.Context, pl *planet, want aggregator.Pass) error {
	now := time.Now()
	n, until, err := pl.store.Claimed(ctx, feeds.Want{Now: now, Start: now, All: want.All, MinInterval: pl.config.Fetch.MinInterval})
	if err != nil || n == 0 {
		return err
	}
	fmt.Fprintf(p.stdout, "%s not visited: they or others of their host are claimed by another process, which visits now or was killed while it did; free again at %s at the latest\n",
		count(n, "source was", "sources were"), untilTime(until))
	return nil
}

// lineOf says in a line what a visit changed, and what there is to remark in a line
// each; "" if there is nothing to say.
func lineOf(v feeds.Visit, t feeds.Tally) string {
	var parts []string
	for _, c := range []struct {
		n    int
		what string
	}{{t.New, "new"}, {t.Revised, "revised"}, {t.Duplicate, "duplicate"}, {t.Withdrawn, "withdrawn"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	lines := v.Problems
	if t.Held > 0 {
		lines = append(lines[:len(lines):len(lines)], storage.FloodSentence(&v.Due.Source, t.Held, v.At))
	}
	switch {
	case v.Err != nil:
		lines = append([]string{"failed: " + feeds.Explain(v.Err)}, lines...)
	case parts != nil:
		lines = append([]string{strings.Join(parts, ", ")}, lines...)
	case len(lines) == 0:
		return ""
	}
	return v.Due.Source.Slug + ": " + strings.Join(lines, "\n  ")
}
