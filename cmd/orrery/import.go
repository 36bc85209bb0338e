package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orrery/config"
	"orrery/feeds"
)

func (p *program) importList() *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use:   "import FILE.opml",
		Short: "Add the feeds of a list (OPML) to the configuration",
		Long: `Adds every feed of a list to the configuration, at the end of its sources; every
other line, comments too, stays as it is. Folders and categories of the list
become categories. Feeds that are sources already are skipped. Nobody is asked
whether they are there: orrery check --fetch does that.

To follow a list that changes name it in the configuration instead, as
"- opml: FILE".`,
		Example: `  orrery import subscriptions.opml
  orrery import --dry-run subscriptions.opml`,
		Args: exactly(1, "the file of a list"),
		RunE: func(_ *cobra.Command, args []string) error { return p.importFile(args[0], dryRun) },
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only print the lines that would be added")
	return c
}

func (p *program) importFile(path string, dryRun bool) error {
	pl, err := p.load()
	if err != nil {
		return err
	}
	defer pl.close()
	list, err := readList(path)
	if err != nil {
		return err
	}
	if len(list.Outlines) == 0 {
		return fmt.Errorf("%s: there is no feed in this list", path)
	}
	sources, skipped := pl.chosen(list)
	out, done, next := p.stdout, "added to", "next: orrery check --fetch, then orrery fetch; orrery serve takes them in when it starts, or on SIGHUP\n"
	if dryRun {
		out, done, next = p.stderr, "to be added to", "" // stdout is for the lines alone
	}
	if len(sources) == 0 {
		next = ""
	} else if err := p.takeIn(pl, sources, dryRun); errors.As(err, new(*config.AppendError)) {
		return fmt.Errorf("%w\n\nThe list can be named there as well: - opml: %s", err, path)
	} else if err != nil {
		return err
	}
	for _, s := range skipped {
		fmt.Fprintln(out, "skipped "+s)
	}
	fmt.Fprintf(out, "%s: %s: %d %s %s, %d skipped\n", path, count(len(list.Outlines)+len(list.Twice), "feed", "feeds"), len(sources), done, pl.config.Path, len(skipped))
	fmt.Fprint(p.stderr, next)
	return nil
}

// takeIn writes the sources into the configuration, or only shows the lines.
func (p *program) takeIn(pl *planet, sources []config.Source, dryRun bool) error {
	e, err := p.extend(pl, sources)
	if err != nil {
		return err
	}
	if dryRun {
		_, err := io.WriteString(p.stdout, e.Lines)
		return err
	}
	return e.Save()
}

// readList reads no more of a file than a list may have.
func readList(path string) (*feeds.OPML, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, wrongUsage("the list cannot be read: %w", err)
	}
	defer f.Close()
	const most = 1<<20 + 1 // one byte more than feeds.ReadOPML takes
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("the list cannot be read: %w", err)
	}
	list, err := feeds.ReadOPML(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// chosen are the feeds of a list that are no sources yet, and why the others are not
// among them.
func (pl *planet) chosen(list *feeds.OPML) (sources []config.Source, skipped []string) {
	seen := map[string]string{} // slug by canonical address
	for i := range pl.sources {
		seen[feeds.CanonicalURL(pl.sources[i].URL)] = pl.sources[i].Slug
	}
	for i := range list.Outlines {
		o := &list.Outlines[i]
		address := webAddress(o.FeedURL)
		slug, known := seen[feeds.CanonicalURL(address)]
		switch {
		case address == "":
			skipped = append(skipped, shown(o.FeedURL)+": no address of the web")
		case known && slug == "":
			skipped = append(skipped, shown(o.FeedURL)+": in the list twice")
		case known:
			skipped = append(skipped, shown(o.FeedURL)+": the source "+slug+" already")
		default:
			seen[feeds.CanonicalURL(address)] = ""
			sources = append(sources, config.Source{Feed: address, Title: titled(o, address), Categories: pl.categoriesOf(o)})
		}
	}
	for i := range list.Twice {
		skipped = append(skipped, shown(list.Twice[i].FeedURL)+": in the list twice")
	}
	return sources, skipped
}

// webAddress is an address that a configuration takes; "": it is none.
func webAddress(s string) string {
	s, _, _ = strings.Cut(s, "#") // never sent, and no part of what it names
	address := feeds.Resolve("", s, "http", "https")
	if u, err := url.Parse(address); err != nil || u.Hostname() == "" {
		return ""
	}
	return address
}

// titled is what the list calls the feed, unless that is only its address.
func titled(o *feeds.Outline, address string) string {
	title := plain(o.Title)
	if title == address || title == o.FeedURL {
		return ""
	}
	return shorter(title, feeds.MaxTitle/4) // characters have up to four bytes
}

func (pl *planet) categoriesOf(o *feeds.Outline) []string {
	var list []string
	for _, c := range o.Categories {
		c = plain(c)
		if c != "" && addressable(pl.config, c) && !slices.ContainsFunc(list, func(o string) bool { return feeds.FoldTag(o) == feeds.FoldTag(c) }) {
			list = append(list, c)
		}
	}
	return list
}

// shown is an address of a stranger for a line on the terminal.
func shown(address string) string { return shorter(plain(redacted(address)), 200) }

// shorter is at most n characters of s.
func shorter(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
