package main

import (
	"bufio"
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"orrery/feeds"
)

// exportBatch is how many entries are in memory at a time.
const exportBatch = 500

func (p *program) export() *cobra.Command {
	c := &cobra.Command{
		Use:   "export opml|jsonl",
		Short: "Write the list of sources, or all entries, to stdout",
		Example: `  orrery export opml > sources.opml
  orrery export jsonl > entries.jsonl      newest first, one entry a line`,
		ValidArgs: []string{"opml", "jsonl"},
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] != "opml" && args[0] != "jsonl" {
				return wrongUsage("orrery export needs opml or jsonl; see orrery export --help")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			pl, err := p.open(c.Context())
			if err != nil {
				return err
			}
			defer pl.close()
			if args[0] == "opml" {
				return p.exportOPML(c.Context(), pl)
			}
			return p.exportEntries(c.Context(), pl)
		},
	}
	return c
}

func (p *program) exportOPML(ctx context.Context, pl *planet) error {
	list, err := pl.store.Sources(ctx)
	if err != nil {
		return err
	}
	owner := pl.config.Planet.Owner
	o := &feeds.OPML{Title: pl.config.Planet.Title, Owner: feeds.Person{Name: owner.Name, URL: owner.URL}}
	for i := range list {
		s := &list[i]
		if s.Local() || s.Retired {
			continue
		}
		l := feeds.Outline{Title: s.Name(), FeedURL: s.PublicURL(), SiteURL: s.Home(), Language: s.Language}
		for _, c := range s.Categories {
			l.Categories = append(l.Categories, c.Title)
		}
		o.Outlines = append(o.Outlines, l)
	}
	return feeds.WriteOPML(p.stdout, o)
}

// storedEntry is a line of export jsonl.
type storedEntry struct {
	ID string `json:"id"`
	entryJSON
	FirstSeen time.Time `json:"first_seen"`
	Sort      time.Time `json:"sort"`
	Source    string    `json:"source"`
	Also      []string  `json:"also"`
	Revision  int       `json:"revision"`
}

func (p *program) exportEntries(ctx context.Context, pl *planet) error {
	out := bufio.NewWriter(p.stdout)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	q := feeds.Query{Limit: exportBatch}
	for {
		list, err := pl.store.Entries(ctx, q)
		if err != nil {
			return err
		}
		for i := range list {
			pl.rules.Authors.Entry(&list[i])
			if err := e.Encode(newStoredEntry(&list[i])); err != nil {
				return err
			}
		}
		if len(list) < exportBatch {
			return out.Flush()
		}
		q.After = &list[len(list)-1]
	}
}

func newStoredEntry(e *feeds.Entry) storedEntry {
	s := storedEntry{
		ID: e.ID, FirstSeen: e.FirstSeen, Sort: e.Sort, Revision: e.Revision, Also: []string{},
	}
	source := ""
	if e.Source != nil {
		s.Source, source = e.Source.Slug, e.Source.URL
	}
	for i := range e.Also {
		s.Also = append(s.Also, e.Also[i].Slug)
	}
	s.entryJSON = newEntryJSON(e, source)
	return s
}
