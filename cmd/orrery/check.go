package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"orrery/aggregator"
	"orrery/feeds"
)

func (p *program) check() *cobra.Command {
	var visit, strict bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Find every mistake in the configuration",
		Long: `Reads the configuration and says every problem at once, each with
file:line:column. With --fetch it also visits each source, without storing
anything. Where there is a database already, it names the categories and the
authors in it that look alike, and what to write to make them one.`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			pl, err := p.load()
			if err != nil {
				return err
			}
			defer pl.close()
			failed := 0
			if visit {
				failed = p.visitAll(c.Context(), pl)
			}
			if err := c.Context().Err(); err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "%s: no problem found: %s, %s\n", pl.config.Path,
				count(len(pl.sources), "source", "sources"), count(len(pl.rules.Rules), "category", "categories"))
			p.suggest(c.Context(), pl)
			if strict && failed > 0 {
				return fmt.Errorf("%d of %s failed", failed, count(len(pl.sources), "source", "sources"))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&visit, "fetch", false, "also visit each source, without storing anything")
	c.Flags().BoolVar(&strict, "strict", false, "with --fetch: exit with 1 when a source failed")
	return c
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// visitAll looks at every source and prints what it has; it returns how many failed.
func (p *program) visitAll(ctx context.Context, pl *planet) int {
	out := p.newProgress()
	out.start(len(pl.sources))
	defer out.end()
	results := make(chan look)
	var g errgroup.Group
	g.SetLimit(pl.config.Fetch.Concurrency)
	failed := 0
	go func() {
		defer close(results)
		for i := range pl.sources {
			g.Go(func() error {
				results <- lookAt(ctx, pl, &pl.sources[i])
				return nil
			})
		}
		_ = g.Wait() // none of them returns an error
	}()
	for r := range results {
		if r.failed {
			failed++
		}
		out.line(r.line)
		out.step()
	}
	return failed
}

// look is what a look at a source tells.
type look struct {
	line   string
	failed bool
}

func lookAt(ctx context.Context, pl *planet, s *feeds.Source) look {
	r, err := aggregator.Look(ctx, pl.fetchers(), *s, feeds.Validators{})
	if err != nil {
		return look{s.Slug + ": failed: " + feeds.Explain(err), true}
	}
	newest := time.Time{}
	for i := range r.Feed.Entries {
		if t := r.Feed.Entries[i].Published; t.After(newest) {
			newest = t
		}
	}
	line := fmt.Sprintf("%s: %s", s.Slug, count(len(r.Feed.Entries), "entry", "entries"))
	if !newest.IsZero() {
		line += ", the newest of " + newest.Format("2 January 2006")
	}
	for _, problem := range r.Problems {
		line += "\n  " + problem
	}
	return look{line, false}
}
