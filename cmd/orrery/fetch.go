package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orrery/aggregator"
	"orrery/feeds"
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
	pl.sources = nil // they are in the store, and a pass shall not grow with them
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
		err = p.notVisited(ctx, pl, want.Slugs, visited)
	}
	fmt.Fprintln(p.stdout, s)
	return s, err
}

// notVisited says why sources that were named were left alone.
func (p *program) notVisited(ctx context.Context, pl *planet, slugs []string, visited map[string]bool) error {
	if len(slugs) == 0 || len(slugs) == len(visited) {
		return nil
	}
	list, err := pl.store.Sources(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		s := &list[i]
		if visited[s.Slug] || !slices.Contains(slugs, s.Slug) {
			continue
		}
		why := "another process visits it now, or was killed while it did, or its host asked to be left alone; try again in some minutes"
		switch again := s.State.LastVisit.Add(pl.config.Fetch.MinInterval); {
		case s.Paused:
			why = "it is paused; orrery sources resume " + s.Slug
		case s.SameAs != "":
			why = "it has moved to where " + s.SameAs + " is; take it out of the configuration"
		case s.State.RetryAfter.After(time.Now()):
			why = "it asked to be left alone until " + shortTime(s.State.RetryAfter, "")
		case !s.State.LastVisit.IsZero() && again.After(time.Now()):
			why = fmt.Sprintf("not before %s (fetch.min_interval)", shortTime(again, ""))
		}
		fmt.Fprintf(p.stdout, "%s: not visited: %s\n", s.Slug, why)
	}
	return nil
}

// lineOf says in a line what a visit changed; "" if there is nothing to say.
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
	line := ""
	switch {
	case v.Err != nil:
		line = v.Due.Source.Slug + ": failed: " + feeds.Explain(v.Err)
	case parts != nil:
		line = v.Due.Source.Slug + ": " + strings.Join(parts, ", ")
	case len(v.Problems) > 0:
		line = fmt.Sprintf("%s: %d left out", v.Due.Source.Slug, len(v.Problems))
	}
	for _, problem := range v.Problems {
		line += "\n  " + problem
	}
	return line
}
