package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orrery/feeds"
	"orrery/storage"
)

func (p *program) hide() *cobra.Command {
	var undo bool
	c := &cobra.Command{
		Use:   "hide ENTRY...",
		Short: "Take posts off every page and feed, or show them again",
		Long: `Takes posts off every page and feed, whatever their sources say from now on. They
are named by their IDs, by the addresses of their pages here, or by their own. A
running serve heeds it at once; --undo shows them again.`,
		Example: `  orrery hide https://blog.example/spam/
  orrery hide --undo k3jd84hfa2`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return wrongUsage("orrery hide needs the address or the ID of a post; see orrery hide --help")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return p.hideEntries(c.Context(), args, !undo) },
	}
	c.Flags().BoolVar(&undo, "undo", false, "show them again")
	return c
}

func (p *program) split() *cobra.Command {
	return &cobra.Command{
		Use:   "split ENTRY [SOURCE]",
		Short: "Say that the copies of an entry are several posts",
		Long: `Makes an entry of each copy of a post, or with a source one of the copy of that
source and leaves the others together. They stay apart, whatever they have in
common. orrery why ENTRY tells which copies there are.`,
		Example: `  orrery split https://blog.example/a-post/
  orrery split k3jd84hfa2 other-blog`,
		Args: between(1, 2, "an entry, and perhaps a source"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.splitEntry(c.Context(), args[0], strings.Join(args[1:], ""))
		},
	}
}

func (p *program) merge() *cobra.Command {
	return &cobra.Command{
		Use:   "merge ENTRY ENTRY",
		Short: "Say that two entries are one post",
		Long: `Makes one entry of two, which were not seen to be one post. It is the one that was
seen first; the address of the other leads there.`,
		Example: `  orrery merge https://blog.example/a-post/ https://other.example/the-same/`,
		Args:    exactly(2, "two entries"),
		RunE:    func(c *cobra.Command, args []string) error { return p.mergeEntries(c.Context(), args[0], args[1]) },
	}
}

// between is cobra.RangeArgs with a sentence for people.
func between(low, high int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < low || len(args) > high {
			return wrongUsage("%s needs %s; see %s --help", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}

// entryNamed is the story of the one entry that has the name.
func (pl *planet) entryNamed(ctx context.Context, name string) (*feeds.Story, error) {
	list, err := pl.stories(ctx, name)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(s feeds.Story) bool { return s.Merged != "" })
	if i := slices.IndexFunc(list, func(s feeds.Story) bool { return s.ID == name }); i >= 0 {
		list = list[i : i+1]
	}
	switch {
	case len(list) == 0:
		return nil, unknownEntry(name)
	case len(list) > 1:
		ids := make([]string, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		return nil, wrongUsage("%d entries have the address %s: %s; name one by its ID (orrery why tells which is which)", len(list), name, listed(ids, "and"))
	}
	return &list[0], nil
}

func unknownEntry(name string) error {
	return wrongUsage("no entry has the ID or the address %s; orrery why tells why a post is not here", name)
}

// refused is what the store refuses, for people.
func refused(name string, err error) error {
	if errors.Is(err, storage.ErrNoEntry) { // it was there a moment ago
		return unknownEntry(name)
	}
	return err
}

// hideEntries changes all of them or, where one is unknown, none.
func (p *program) hideEntries(ctx context.Context, names []string, hidden bool) error {
	pl, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer pl.close()
	list := make([]*feeds.Story, len(names))
	for i, n := range names {
		if list[i], err = pl.entryNamed(ctx, n); err != nil {
			return err
		}
	}
	for _, s := range list {
		_, changed, err := pl.store.Hide(ctx, time.Now(), s.ID, hidden)
		if err != nil {
			return refused(s.ID, err)
		}
		after, err := pl.entryNamed(ctx, s.ID)
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, hideSentence(after, changed, hidden))
	}
	return nil
}

// hideSentence says what hiding, or its undoing, did to the entry, which is now so.
func hideSentence(s *feeds.Story, changed, hidden bool) string {
	switch {
	case hidden && changed:
		return fmt.Sprintf("%s is hidden from every page and feed; orrery hide --undo %s shows it again", nameOf(s), s.ID)
	case hidden:
		return fmt.Sprintf("%s was hidden already; orrery hide --undo %s shows it again", nameOf(s), s.ID)
	case !changed:
		return fmt.Sprintf("%s is not hidden; orrery why %s tells where it stands", nameOf(s), s.ID)
	case !s.Shown:
		return fmt.Sprintf("%s is hidden no more, but it is not shown either: orrery why %s", nameOf(s), s.ID)
	}
	return fmt.Sprintf("%s is shown again; orrery hide %s hides it", nameOf(s), s.ID)
}

func (p *program) splitEntry(ctx context.Context, name, slug string) error {
	pl, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer pl.close()
	s, err := pl.entryNamed(ctx, name)
	if err != nil {
		return err
	}
	if err := splittable(s, slug); err != nil {
		return err
	}
	ids, err := pl.store.Split(ctx, time.Now(), s.ID, slug)
	if err != nil {
		return refused(name, err)
	}
	fmt.Fprintln(p.stdout, splitSentence(s, ids))
	return nil
}

// splittable says why there is nothing to split.
func splittable(s *feeds.Story, slug string) error {
	var slugs []string
	for i := range s.Copies {
		if c := s.Copies[i].Source; !slices.Contains(slugs, c) {
			slugs = append(slugs, c)
		}
	}
	switch {
	case len(s.Copies) < 2:
		return wrongUsage("%s has no other copy than that of %s: there is nothing to split", nameOf(s), listed(slugs, "and"))
	case slug != "" && !slices.Contains(slugs, slug):
		return wrongUsage("%s has no copy of a source %q; it has those of %s", nameOf(s), slug, listed(slugs, "and"))
	case slug != "" && len(slugs) == 1:
		return wrongUsage("all copies of %s are of %s; orrery split %s parts them", nameOf(s), slug, s.ID)
	}
	return nil
}

func splitSentence(s *feeds.Story, ids []string) string {
	if len(ids) < 2 {
		return fmt.Sprintf("%s is one entry still: orrery why %s", nameOf(s), s.ID)
	}
	if i := slices.Index(ids, s.ID); i > 0 { // the name that is known comes first
		ids = slices.Concat(ids[i:i+1], ids[:i], ids[i+1:])
	}
	undo := make([]string, len(ids)-1)
	for i, id := range ids[1:] {
		undo[i] = fmt.Sprintf("orrery merge %s %s", ids[0], id)
	}
	return fmt.Sprintf("%s is %d entries now, %s; to make them one again: %s", nameOf(s), len(ids), listed(ids, "and"), strings.Join(undo, " && "))
}

func (p *program) mergeEntries(ctx context.Context, a, b string) error {
	pl, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer pl.close()
	x, err := pl.entryNamed(ctx, a)
	if err != nil {
		return err
	}
	y, err := pl.entryNamed(ctx, b)
	if err != nil {
		return err
	}
	if x.ID == y.ID {
		return wrongUsage("%s and %s are one entry already, %s", a, b, x.ID)
	}
	for _, s := range []*feeds.Story{x, y} {
		if len(s.Copies) == 0 {
			return wrongUsage("%s has no copy that could be merged; orrery why %s", nameOf(s), s.ID)
		}
	}
	id, err := pl.store.Join(ctx, time.Now(), x.ID, y.ID)
	if err != nil {
		return refused(a+" or "+b, err)
	}
	fmt.Fprintln(p.stdout, mergeSentence(id, x, y))
	return nil
}

// mergeSentence says what was merged into what. Where one of the two had but one copy,
// parting that is enough to undo it.
func mergeSentence(id string, x, y *feeds.Story) string {
	if id != x.ID {
		x, y = y, x
	}
	undo := "orrery split " + id
	for _, pair := range [][2]*feeds.Story{{y, x}, {x, y}} {
		if one, rest := pair[0].Copies, pair[1].Copies; len(one) == 1 && len(one)+len(rest) > 2 &&
			!slices.ContainsFunc(rest, func(c feeds.CopyStory) bool { return c.Source == one[0].Source }) {
			undo += " " + one[0].Source
			break
		}
	}
	return fmt.Sprintf("%s is one with %s now, and its address leads there; to part them again: %s", nameOf(y), nameOf(x), undo)
}
