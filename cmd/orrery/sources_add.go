package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orrery/aggregator"
	"orrery/aggregator/fetch"
	"orrery/config"
	"orrery/feeds"
)

// addOptions are the flags of sources add.
type addOptions struct {
	title              string
	categories         []string
	every              string
	yes, first, dryRun bool
	pick               int
}

func (p *program) sourcesAdd() *cobra.Command {
	var o addOptions
	c := &cobra.Command{
		Use:   "add URL|FOLDER",
		Short: "Find a feed, show it, and add it to the configuration",
		Long: `Adds a source to the configuration, at the end of its list; every other line,
comments too, stays as it is. The address may be that of a feed or of a site:
then its feed is looked for, in what the page names and at three addresses where
feeds often lie. A folder of Markdown posts may be added likewise.

What the source brings is shown before, with what is odd about it. On a terminal
it asks before it writes, and which feed to take where there are several; else it
takes the first that is not one of comments. Nothing is stored: the next pass does
that.`,
		Example: `  orrery sources add https://blog.example.org/
  orrery sources add blog.example.org --category News --every 2h
  orrery sources add content/blog --title "Our blog"
  orrery sources add https://blog.example.org/ --pick 2 --dry-run`,
		Args: exactly(1, "the address of a feed or a site, or a folder"),
		RunE: func(c *cobra.Command, args []string) error { return p.addSource(c, args[0], o) },
	}
	f := c.Flags()
	f.StringVar(&o.title, "title", "", "what to call it (default: as its feed does)")
	f.StringArrayVar(&o.categories, "category", nil, "a category for all its entries; may be repeated")
	f.StringVar(&o.every, "every", "", "never visit it more often than this, such as 2h")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&o.first, "first", false, "of several feeds take the first without asking")
	f.IntVar(&o.pick, "pick", 0, "of several feeds take the one with this number")
	f.BoolVar(&o.dryRun, "dry-run", false, "only print the lines that would be added")
	return c
}

// adder adds one source.
type adder struct {
	*program
	planet  *planet
	options addOptions
	out     io.Writer // what it tells; stdout, unless that is for the lines alone
	asker   *asker    // nil: nobody is there to answer
	chose   bool      // among feeds of a page
}

func (p *program) addSource(c *cobra.Command, what string, o addOptions) error {
	if o.pick < 0 || o.pick > 0 && o.first {
		return wrongUsage("--pick takes a number from 1, and not together with --first")
	}
	s, err := o.source()
	if err != nil {
		return err
	}
	pl, err := p.load()
	if err != nil {
		return err
	}
	defer pl.close()
	for _, name := range s.Categories {
		if !addressable(pl.config, name) {
			return wrongUsage("--category: no address can be made of %q; write a title with a letter or a digit", name)
		}
	}
	a := &adder{program: p, planet: pl, options: o, out: p.stdout}
	if o.dryRun {
		a.out = p.stderr
	}
	if !o.yes {
		a.asker = newAsker(c.InOrStdin(), p.stderr)
	}
	if i, err := os.Stat(what); err == nil && i.IsDir() {
		err = a.folder(c.Context(), what, &s)
		return a.end(c.Context(), s, err)
	}
	addresses, err := addressesOf(what)
	if err != nil {
		return err
	}
	err = a.feed(c.Context(), addresses, &s)
	return a.end(c.Context(), s, err)
}

// source is what the flags say of the new one.
func (o *addOptions) source() (config.Source, error) {
	s := config.Source{Title: plain(o.title)}
	for _, name := range o.categories {
		name = plain(name)
		if name != "" && !slices.ContainsFunc(s.Categories, func(o string) bool { return feeds.FoldTag(o) == feeds.FoldTag(name) }) {
			s.Categories = append(s.Categories, name)
		}
	}
	if o.every == "" {
		return s, nil
	}
	var err error
	if s.Every, err = config.Duration(o.every); err != nil {
		return s, wrongUsage("--every: %w", err)
	}
	return s, nil
}

// addressesOf are the addresses that somebody may mean: without a scheme the one with
// TLS first.
func addressesOf(what string) ([]string, error) {
	address := strings.TrimSpace(what)
	if rest, ok := strings.CutPrefix(strings.ToLower(address), "feed:"); ok { // once browsers wrote so
		address = strings.TrimPrefix(address[len(address)-len(rest):], "//")
	}
	scheme, _, absolute := strings.Cut(address, "://")
	if absolute && !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return nil, wrongUsage("%q is no address of the web: it begins neither with https:// nor with http://", plain(what))
	}
	host, _, _ := strings.Cut(address, "/")
	if _, err := os.Stat(what); err == nil && !absolute {
		return nil, wrongUsage("%s is a file; name a folder or an address, or give a list of feeds to orrery import", plain(what))
	}
	if !absolute && !strings.Contains(strings.Trim(host, "."), ".") && !strings.HasPrefix(host, "localhost") {
		return nil, wrongUsage("%q is neither an address nor a folder here", plain(what))
	}
	list := []string{address}
	if !absolute {
		list = []string{"https://" + address, "http://" + address}
	}
	for i, a := range list {
		a, _, _ = strings.Cut(a, "#") // it is never sent
		if list[i] = feeds.Resolve("", a, "http", "https"); list[i] == "" {
			return nil, wrongUsage("%q is no address", plain(what))
		}
	}
	return list, nil
}

// feed finds the feed and shows it.
func (a *adder) feed(ctx context.Context, addresses []string, s *config.Source) error {
	if a.options.pick == 0 {
		if slug := a.planet.siteOf(addresses[0]); slug != "" {
			return fmt.Errorf("%s is the page of the source %s already; give the address of another feed of it if you want that, too", redacted(addresses[0]), slug)
		}
	}
	f := &finder{
		wish:  a.planet.wishes(ctx),
		fetch: a.planet.fetchers(), pause: a.planet.config.Fetch.PausePerHost, known: a.planet.sourceAt, choose: a.choose,
		say: func(format string, args ...any) { fmt.Fprintf(a.stderr, "note: "+format+"\n", args...) },
	}
	found, err := f.find(ctx, addresses)
	if err != nil {
		return err
	}
	if pick := a.options.pick; pick > 1 && !a.chose {
		return wrongUsage("--pick %d: %s names no feeds to pick from", pick, redacted(addresses[0]))
	}
	s.Feed = found.address
	now := time.Now()
	preview(a.out, found.address, found.Feed, now)
	odd := oddities(found, a.planet.config.Fetch.MaxBody, now)
	if slug := a.planet.sourceAt(found.Feed.Self); slug != "" {
		odd = append(odd, fmt.Sprintf("it says that its own address is %s, which is the source %s", redacted(found.Feed.Self), slug))
	} else if slug := a.planet.siteOf(found.Feed.Link); slug != "" {
		odd = append(odd, "its page is that of the source "+slug)
	}
	a.warn(odd)
	return nil
}

func (a *adder) warn(sentences []string) {
	for _, w := range sentences {
		fmt.Fprintf(a.stderr, "warning: %s\n", w)
	}
}

// choose takes the feed that was asked for, or asks.
func (a *adder) choose(ctx context.Context, list []fetch.Candidate) (n int, only bool, err error) {
	a.chose = true
	if len(list) > 1 {
		fmt.Fprintln(a.out, "feeds of this page:")
		for i, c := range list {
			fmt.Fprintf(a.out, "%3d  %s\n", i+1, strings.TrimSpace(plain(redacted(c.URL))+"  "+plain(c.Title)))
		}
	}
	o := &a.options
	switch {
	case o.pick > len(list):
		return 0, true, wrongUsage("--pick %d: the page names only %s", o.pick, count(len(list), "feed", "feeds"))
	case o.pick > 0:
		return o.pick - 1, true, nil
	case ofComments(&list[0]): // they come last
		return 0, true, fmt.Errorf("the page names no feed but one of comments, %s; --pick 1 takes that", redacted(list[0].URL))
	case len(list) == 1 || ofComments(&list[1]) || slices.ContainsFunc(list, func(c fetch.Candidate) bool { return a.planet.sourceAt(c.URL) != "" }):
		return 0, false, nil
	case a.asker == nil || o.first:
		fmt.Fprintf(a.stderr, "note: the first is taken, %s; --pick takes another\n", redacted(list[0].URL))
		return 0, false, nil
	}
	n, err = a.asker.number(ctx, "Which one?", len(list))
	return n - 1, true, err
}

// folder shows the posts of a folder.
func (a *adder) folder(ctx context.Context, dir string, s *config.Source) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	home, err := filepath.Abs(filepath.Dir(a.planet.config.Path))
	if err != nil {
		return err
	}
	s.Markdown = abs
	if rel, err := filepath.Rel(home, abs); err == nil {
		s.Markdown = filepath.ToSlash(rel)
	}
	odd, err := a.planet.overlap(abs)
	if err != nil {
		return err
	}
	at := *s
	at.Markdown = abs
	r, err := aggregator.Look(ctx, a.planet.fetchers(), a.planet.source(&at), feeds.Validators{})
	if err != nil {
		return err
	}
	r.Feed.Title, r.Feed.Format = s.Title, "markdown"
	if r.Feed.Title == "" {
		r.Feed.Title = filepath.Base(abs)
	}
	preview(a.out, abs, r.Feed, time.Now())
	if len(r.Feed.Entries) == 0 {
		odd = append(odd, "there is no post in it to show")
	}
	for _, problem := range r.Problems {
		odd = append(odd, "left out: "+problem)
	}
	a.warn(odd)
	return nil
}

// overlap says which sources have posts of the folder, or are in it; an error where
// one is the folder.
func (pl *planet) overlap(dir string) (odd []string, err error) {
	for i := range pl.config.Sources {
		other := &pl.config.Sources[i]
		switch {
		case other.Markdown == "":
		case other.Markdown == dir:
			return nil, fmt.Errorf("%s is the source %s already", dir, other.Slug)
		case strings.HasPrefix(dir, other.Markdown+string(filepath.Separator)):
			odd = append(odd, fmt.Sprintf("the source %s has this folder already: it is in %s", other.Slug, other.Markdown))
		case strings.HasPrefix(other.Markdown, dir+string(filepath.Separator)):
			odd = append(odd, fmt.Sprintf("the source %s is a folder in it: its posts will be in both", other.Slug))
		}
	}
	return odd, nil
}

// end asks, writes, and says what to do next.
func (a *adder) end(ctx context.Context, s config.Source, err error) error {
	if err != nil {
		return err
	}
	e, err := a.extend(a.planet, []config.Source{s})
	if err != nil {
		return err
	}
	if a.options.dryRun {
		_, err := io.WriteString(a.stdout, e.Lines)
		return err
	}
	if a.asker != nil {
		ok, err := a.asker.yes(ctx, "Add it to "+a.planet.config.Path+"?")
		if err == nil && !ok {
			err = errors.New("nothing was changed")
		}
		if err != nil {
			return err
		}
	}
	if err := e.Save(); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s:%d: added\n%s", a.planet.config.Path, e.Line, e.Lines)
	if !strings.HasSuffix(e.Lines, "\n") {
		fmt.Fprintln(a.out)
	}
	fmt.Fprintf(a.stderr, "next: orrery fetch %s; orrery serve takes it in when it starts, or on SIGHUP\n", e.Added[0].Slug)
	return nil
}
