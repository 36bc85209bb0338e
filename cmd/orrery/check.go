package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"orrery/aggregator"
	"orrery/aggregator/fetch"
	"orrery/config"
	"orrery/feeds"
)

func (p *program) check() *cobra.Command {
	var visit, strict bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Find every mistake in the configuration",
		Long: `Reads the configuration and says every problem at once, each with
file:line:column. With --fetch it also visits each source, without storing
anything, but none that asked to be left alone or was visited less than
fetch.min_interval ago. Where there is a database already, it names the categories
and the authors in it that look alike, and what to write to make them one.`,
		Example: `  orrery check                        before a new configuration is used
  orrery check --fetch --strict       in a job that tells when a source fails`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			pl, err := p.load(missing)
			if err != nil {
				return err
			}
			defer pl.close()
			if err := errors.Join(storageTrouble(pl.config), pl.checkLook(), pl.checkListeners()); err != nil {
				return usageError{err}
			}
			failed := 0
			if visit {
				failed, err = p.visitAll(c.Context(), pl)
			}
			if c.Context().Err() != nil {
				err = c.Context().Err()
			}
			if err != nil {
				return err
			}
			suggestions, err := p.suggest(c.Context(), pl)
			if err != nil {
				return usageError{err}
			}
			fmt.Fprintf(p.stdout, "%s: no problem found: %s, %s\n", pl.config.Path,
				count(len(pl.sources), "source", "sources"), count(len(pl.rules.Rules), "category", "categories"))
			fmt.Fprint(p.stdout, suggestions)
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

// addressable says that a category can have an address: it has a letter or a digit, or the
// configuration gives it a slug.
func addressable(c *config.Config, title string) bool {
	return feeds.Slug(title) != "" ||
		slices.ContainsFunc(c.Categories, func(o config.Category) bool { return feeds.FoldTag(o.Title) == feeds.FoldTag(title) })
}

// missing finds folders and lists that the configuration names and that cannot be
// read, and categories that would be left out. To a visit that is the source's trouble,
// which passes when its disk is back.
func missing(c *config.Config) (problems config.Errors) {
	for i := range c.Sources {
		s := &c.Sources[i]
		p := config.Problem{File: c.Path, Line: s.Line, Column: s.Column}
		for _, title := range s.Categories {
			if !addressable(c, title) {
				p.Message, p.Hint = fmt.Sprintf("no address can be made of the category %q", title), "give it a slug below categories:, or write a title with a letter or a digit"
				problems = append(problems, p)
			}
		}
		if filepath.IsAbs(s.OPML) { // else it was not understood
			list, err := readOPML(s.OPML)
			switch {
			case err != nil:
				problems = append(problems, listProblem(c, s, err))
			case len(list.Outlines) == 0:
				p.Message, p.Hint = "the list "+s.OPML+" names no feed", "correct the path, or export the list again"
				problems = append(problems, p)
			}
		}
		if filepath.IsAbs(s.Markdown) {
			if p.Message, p.Hint = folderTrouble(s.Markdown); p.Message != "" {
				problems = append(problems, p)
			}
		}
	}
	return problems
}

// folderTrouble says why a folder cannot be read, and what to do; "" for nothing.
func folderTrouble(dir string) (message, hint string) {
	i, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "the folder " + dir + " does not exist", "create it, or correct the path"
	case err == nil && !i.IsDir():
		return dir + " is no folder", "name the folder that holds the posts"
	case err == nil:
		_, err = os.ReadDir(dir)
	}
	if err == nil {
		return "", ""
	}
	if cause := new(fs.PathError); errors.As(err, &cause) {
		err = cause.Err
	}
	return fmt.Sprintf("the folder %s cannot be read: %v", dir, err), "see who may read it"
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// visitAll looks at every source that does not want to be left alone, and prints what
// it has; it returns how many failed.
func (p *program) visitAll(ctx context.Context, pl *planet) (failed int, err error) {
	spared, err := pl.spared(ctx)
	if err != nil {
		return 0, err
	}
	out := p.newProgress()
	var list []feeds.Source
	for _, s := range pl.sources {
		if why := spared[s.Slug]; why != "" {
			out.line(s.Slug + ": not visited: " + why)
			continue
		}
		list = append(list, s)
	}
	out.start(len(list))
	defer out.end()
	pl.aggregator(nil).Survey(ctx, list, func(s *feeds.Source, r fetch.Response, err error) {
		var alone *aggregator.LeftAlone
		switch {
		case ctx.Err() != nil:
			return
		case errors.As(err, &alone):
			out.line(fmt.Sprintf("%s: not visited: %s said that it is asked too often (429), and is left alone until %s", s.Slug, alone.Host, untilTime(alone.Until)))
		case err != nil:
			failed++
			out.line(s.Slug + ": failed: " + feeds.Explain(err))
		default:
			out.line(seen(s, &r))
		}
		out.step()
	})
	return failed, nil
}

// seen says what a look found.
func seen(s *feeds.Source, r *fetch.Response) string {
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
	return line
}
