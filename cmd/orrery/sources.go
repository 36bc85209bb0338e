package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"orrery/feeds"
)

func (p *program) sources() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "sources",
		Short: "List the sources: state, last success, next visit, entries, last error",
		Example: `  orrery sources
  orrery sources --json | jq 'select(.state == "failing")'`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			pl, err := p.open(c.Context())
			if err != nil {
				return err
			}
			defer pl.close()
			list, err := pl.store.Sources(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return p.sourcesJSON(list)
			}
			return p.sourcesTable(list)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return c
}

// stateOf is the state of a source in a word.
func stateOf(s *feeds.Source) string {
	switch {
	case s.Retired:
		return "retired"
	case s.State.Gone:
		return "gone"
	case s.State.LastVisit.IsZero():
		return "new"
	case s.State.Failures > 0:
		return "failing"
	case s.State.LastError != "":
		return "partly" // posts were left out
	}
	return "ok"
}

func (p *program) sourcesTable(list []feeds.Source) error {
	t := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "SOURCE\tSTATE\tENTRIES\tLAST SUCCESS\tNEXT VISIT\tADDRESS")
	for i := range list {
		s := &list[i]
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", s.Slug, stateOf(s), s.Entries,
			shortTime(s.State.LastSuccess, "never"), nextVisit(s), s.URL)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range list {
		if e := list[i].State.LastError; e != "" {
			fmt.Fprintf(p.stdout, "\n%s: %s\n", list[i].Slug, strings.ReplaceAll(e, "\n", "\n  "))
		}
	}
	return nil
}

func nextVisit(s *feeds.Source) string {
	switch {
	case s.Retired || s.State.Gone:
		return "never"
	case s.Local() && s.Every == 0, s.State.NextVisit.IsZero():
		return "next pass"
	}
	return shortTime(s.State.NextVisit, "next pass")
}

func shortTime(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.Local().Format("2006-01-02 15:04")
}

// sourceJSON is a source as sources --json prints it; times are RFC 3339 or null.
type sourceJSON struct {
	Slug        string     `json:"slug"`
	URL         string     `json:"url"`
	Title       string     `json:"title"`
	Site        string     `json:"site"`
	State       string     `json:"state"`
	Entries     int        `json:"entries"`
	Updated     *time.Time `json:"updated"`
	LastVisit   *time.Time `json:"last_visit"`
	LastSuccess *time.Time `json:"last_success"`
	NextVisit   *time.Time `json:"next_visit"`
	Failures    int        `json:"failures"`
	Status      int        `json:"status"`
	LastError   string     `json:"last_error"`
}

func (p *program) sourcesJSON(list []feeds.Source) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	for i := range list {
		s := &list[i]
		if err := e.Encode(sourceJSON{
			Slug: s.Slug, URL: s.URL, Title: s.Name(), Site: s.Home(), State: stateOf(s), Entries: s.Entries,
			Updated: timeOrNull(s.Updated), LastVisit: timeOrNull(s.State.LastVisit), LastSuccess: timeOrNull(s.State.LastSuccess),
			NextVisit: timeOrNull(s.State.NextVisit), Failures: s.State.Failures, Status: s.State.Status, LastError: s.State.LastError,
		}); err != nil {
			return err
		}
	}
	return nil
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// titleOf names an entry for people.
func titleOf(e *feeds.Entry) string {
	return cmp.Or(e.Title, feeds.Excerpt(cmp.Or(e.Content, e.Summary), 60), e.Permalink, e.GUID)
}
