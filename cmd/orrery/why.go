package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orrery/feeds"
)

func (p *program) why() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "why URL|ENTRY",
		Short: "Tell why a post is, or is not, on the planet",
		Long: `Tells the story of a post: where it stands, which sources have it and why their
copies are one post, which is shown and why, and what the world was told. Of an
address that no post here has it tells what may be the reason.

A post is named by its address, by that of its page here, or by its ID.`,
		Example: `  orrery why https://blog.example/2026/a-post/
  orrery why https://planet.example/entry/k3jd84hfa2/
  orrery why --json k3jd84hfa2 | jq .copies`,
		Args: exactly(1, "the address or the ID of a post"),
		RunE: func(c *cobra.Command, args []string) error { return p.tellWhy(c.Context(), args[0], asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object an entry, one a line")
	return c
}

func (p *program) tellWhy(ctx context.Context, name string, asJSON bool) error {
	pl, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer pl.close()
	t, err := pl.teller(ctx)
	if err != nil {
		return err
	}
	list, err := t.why(ctx, pl, name)
	if err != nil {
		return err
	}
	if asJSON {
		return p.whyJSON(name, list)
	}
	for i := range list {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		fmt.Fprintln(p.stdout, strings.Join(list[i].lines, "\n"))
	}
	return nil
}

// teller knows what it takes to tell the story of a post.
type teller struct {
	base    string         // address of the planet
	sources []feeds.Source // all that were ever configured
	authors feeds.Authors
}

func (pl *planet) teller(ctx context.Context) (*teller, error) {
	list, err := pl.store.Sources(ctx)
	if err != nil {
		return nil, err
	}
	return &teller{base: pl.config.Planet.URL, sources: list, authors: pl.rules.Authors}, nil
}

// told is what there is to tell of an entry, or of an address that none has.
type told struct {
	story      *feeds.Story // nil: there is none
	page       string       // its address with us; "": it is not shown
	categories []feeds.CategoryName
	sources    []string // slugs of those that an unknown address may belong to
	lines      []string
}

// why tells of everything that has the name, and of what that was merged into.
func (t *teller) why(ctx context.Context, pl *planet, name string) ([]told, error) {
	stories, err := pl.stories(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(stories) == 0 {
		unknown, err := t.missing(name)
		return []told{unknown}, err
	}
	list := make([]told, len(stories))
	for i := range stories {
		s := &stories[i]
		list[i].story = s
		if s.Shown {
			entries, err := pl.store.Entries(ctx, feeds.Query{ID: s.ID})
			if err != nil {
				return nil, err
			}
			list[i].page = t.page(s.ID)
			for _, e := range entries {
				list[i].categories = e.Categories
			}
		}
		list[i].lines = t.tell(s, list[i].categories)
	}
	if n := unmerged(stories); n > 1 {
		list[0].lines = append([]string{fmt.Sprintf("%d entries have this address.", n), ""}, list[0].lines...)
	}
	return list, nil
}

// unmerged counts the entries that were not merged into others.
func unmerged(stories []feeds.Story) (n int) {
	for i := range stories {
		if stories[i].Merged == "" {
			n++
		}
	}
	return n
}

// stories are those of all entries that have the name, each followed by what it was
// merged into.
func (pl *planet) stories(ctx context.Context, name string) ([]feeds.Story, error) {
	var list []feeds.Story
	for todo := []string{name}; len(todo) > 0; todo = todo[1:] {
		found, err := pl.store.Why(ctx, todo[0])
		if err != nil {
			return nil, err
		}
		for i := range found {
			s := found[i]
			if slices.ContainsFunc(list, func(o feeds.Story) bool { return o.ID == s.ID }) {
				continue
			}
			list = append(list, s)
			if s.Merged != "" {
				todo = append(todo, s.Merged)
			}
		}
	}
	return list, nil
}

// page is the address of an entry's page.
func (t *teller) page(id string) string { return t.base + "entry/" + id + "/" }

// whyJSON is an entry, or an address that none has, as why --json prints it.
type whyJSON struct {
	Asked      string      `json:"asked"`
	ID         string      `json:"id"`    // "" for an address that no entry has
	State      string      `json:"state"` // shown, hidden, held, merged, withdrawn, old, unknown
	Title      string      `json:"title"`
	Page       string      `json:"page"`        // "" unless it is shown
	MergedInto string      `json:"merged_into"` // ID
	HeldUntil  *time.Time  `json:"held_until"`
	FirstSeen  *time.Time  `json:"first_seen"`
	Sort       *time.Time  `json:"sort"`
	Changed    *time.Time  `json:"changed"`
	Categories []string    `json:"categories"`    // slugs
	Copies     []copyJSON  `json:"copies"`        // the one that is shown first
	Because    string      `json:"shown_because"` // folder, own, earliest, longest, https, name; "" for the only one
	Told       []eventJSON `json:"told"`
	Sources    []string    `json:"sources"` // that an unknown address may belong to
	Said       []string    `json:"said"`    // all of it for people
}

type copyJSON struct {
	Source    string     `json:"source"`
	GUID      string     `json:"guid"`
	Permalink string     `json:"permalink"`
	FirstSeen *time.Time `json:"first_seen"`
	Published *time.Time `json:"published"`
	Updated   *time.Time `json:"updated"`
	Revision  int        `json:"revision"`
	Withdrawn bool       `json:"withdrawn"`
	Purged    bool       `json:"purged"`
	Reason    string     `json:"reason"` // why it is the same post: person, guid, link, alias, text; "" for the first
	With      string     `json:"with"`   // the source whose copy it is the same as
}

type eventJSON struct {
	What string     `json:"what"`
	At   *time.Time `json:"at"`
}

func (p *program) whyJSON(asked string, list []told) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	for i := range list {
		if err := e.Encode(newWhyJSON(asked, &list[i])); err != nil {
			return err
		}
	}
	return nil
}

func newWhyJSON(asked string, t *told) whyJSON {
	j := whyJSON{
		Asked: asked, State: stateUnknown, Page: t.page, Categories: []string{}, Copies: []copyJSON{}, Told: []eventJSON{},
		Sources: append([]string{}, t.sources...), Said: t.lines,
	}
	for _, c := range t.categories {
		j.Categories = append(j.Categories, c.Slug)
	}
	s := t.story
	if s == nil {
		return j
	}
	j.ID, j.State, j.Title, j.MergedInto, j.Because = s.ID, stateOfStory(s), s.Title, s.Merged, s.ShownBecause()
	j.HeldUntil, j.FirstSeen, j.Sort, j.Changed = timeOrNull(s.Held), timeOrNull(s.FirstSeen), timeOrNull(s.Sort), timeOrNull(s.Changed)
	for i := range s.Copies {
		c := &s.Copies[i]
		j.Copies = append(j.Copies, copyJSON{
			Source: c.Source, GUID: c.GUID, Permalink: c.Permalink, Revision: c.Revision, Withdrawn: c.Withdrawn, Purged: c.Purged,
			FirstSeen: timeOrNull(c.FirstSeen), Published: timeOrNull(c.Published), Updated: timeOrNull(c.Updated),
			Reason: c.Reason, With: c.With,
		})
	}
	for _, e := range s.Events {
		j.Told = append(j.Told, eventJSON{e.What, timeOrNull(e.At)})
	}
	return j
}
