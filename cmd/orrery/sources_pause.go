package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"orrery/feeds"
)

func (p *program) sourcesPause() *cobra.Command {
	return &cobra.Command{
		Use:   "pause SOURCE...",
		Short: "Leave sources alone until they are resumed",
		Long: `Leaves the sources, named by their slugs, alone: nobody visits them, not even
by name, until orrery sources resume. Their entries stay on the planet. A running
serve heeds it at once; the configuration is not changed.`,
		Example: `  orrery sources pause blog-example
  orrery sources resume blog-example`,
		Args: someSources,
		RunE: func(c *cobra.Command, args []string) error { return p.pauseSources(c.Context(), args, true) },
	}
}

func (p *program) sourcesResume() *cobra.Command {
	return &cobra.Command{
		Use:   "resume SOURCE...",
		Short: "Visit sources again that were paused",
		Long: `Ends the pause of sources: they are due at once, unless they asked themselves
to be left alone for longer.`,
		Example: `  orrery sources resume blog-example`,
		Args:    someSources,
		RunE:    func(c *cobra.Command, args []string) error { return p.pauseSources(c.Context(), args, false) },
	}
}

func someSources(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return wrongUsage("%s needs the slug of a source; orrery sources lists them", c.CommandPath())
	}
	return nil
}

// pauseSources changes all of them or, where one is unknown, none.
func (p *program) pauseSources(ctx context.Context, slugs []string, paused bool) error {
	pl, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer pl.close()
	for _, slug := range slugs {
		if !slices.ContainsFunc(pl.sources, func(s feeds.Source) bool { return s.Slug == slug }) {
			return wrongUsage("there is no source %q; orrery sources lists them", slug)
		}
	}
	word := map[bool]string{true: "paused", false: "resumed"}[paused]
	for _, slug := range slugs {
		changed, err := pl.store.Pause(ctx, time.Now(), slug, paused)
		switch {
		case err != nil:
			return err
		case changed:
			fmt.Fprintf(p.stdout, "%s: %s\n", slug, word)
		case paused:
			fmt.Fprintf(p.stdout, "%s: paused already\n", slug)
		default:
			fmt.Fprintf(p.stdout, "%s: not paused\n", slug)
		}
	}
	return nil
}
