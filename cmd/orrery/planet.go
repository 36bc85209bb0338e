package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"orrery/aggregator"
	"orrery/aggregator/fetch"
	"orrery/config"
	"orrery/feeds"
	"orrery/storage"
)

// planet is a configuration put to work.
type planet struct {
	config  *config.Config
	sources []feeds.Source
	rules   feeds.Rules
	named   map[string]feeds.CategoryName // what names has found out; a list says a title thousands of times
	store   *storage.DB                   // nil until open
	http    *fetch.HTTP
	// listener is opened before the planet knows its own address; nil: as configured.
	listener net.Listener
}

// load reads the configuration and the lists it names; more find further mistakes.
func (p *program) load(more ...func(*config.Config) config.Errors) (*planet, error) {
	path := cmp.Or(p.configFile, p.getenv("ORRERY_CONFIG"), "orrery.yaml")
	c, err := config.Load(path, p.getenv, more...)
	if err != nil {
		return nil, usageError{err}
	}
	return newPlanet(c)
}

func newPlanet(c *config.Config) (*planet, error) {
	pl := &planet{config: c, rules: rulesOf(c), named: map[string]feeds.CategoryName{}}
	var problems config.Errors
	for i := range c.Sources {
		s := &c.Sources[i]
		if s.OPML == "" {
			pl.sources = append(pl.sources, pl.source(s))
			continue
		}
		list, err := readOPML(s.OPML)
		if err != nil {
			problems = append(problems, listProblem(c, s, err))
			continue
		}
		names := pl.sourceNames()
		pl.sources = slices.Grow(pl.sources, len(list.Outlines))
		for _, o := range list.Outlines {
			pl.addOutline(s, o, names)
		}
	}
	if problems != nil {
		return nil, problems
	}
	pl.http = fetch.NewHTTP(fetch.Options{
		UserAgent: pl.userAgent(), Timeout: c.Fetch.Timeout, MaxBody: c.Fetch.MaxBody, PerHost: c.Fetch.PerHost, Pause: c.Fetch.PausePerHost, Allow: c.Fetch.Allow,
	})
	return pl, nil
}

func listProblem(c *config.Config, s *config.Source, err error) config.Problem {
	return config.Problem{
		File: c.Path, Line: s.Line, Column: s.Column, Message: err.Error(), Hint: "correct the path, or export the list again",
	}
}

// userAgent says who asks, where to complain, and for how many sources
// (fetching.md 29).
func (pl *planet) userAgent() string {
	return fmt.Sprintf("Orrery/%s (+%s; %d sources)", programVersion, cmp.Or(pl.config.Fetch.Contact, pl.config.Planet.URL), len(pl.sources))
}

func rulesOf(c *config.Config) feeds.Rules {
	r := feeds.Rules{TagsAsCategories: c.TagsAsCategories, Authors: feeds.Authors{}}
	for _, a := range c.Authors {
		r.Authors.Add(a.Name, a.Aliases...)
	}
	for _, cat := range c.Categories {
		r.Rules = append(r.Rules, feeds.Rule{
			CategoryName: feeds.CategoryName{Slug: cat.Slug, Title: cat.Title}, Match: feeds.Match(cat.Match),
		})
	}
	return r
}

func (pl *planet) source(s *config.Source) feeds.Source {
	f := feeds.Source{
		Slug: s.Slug, URL: s.Feed, Title: s.Title, Site: s.Site, Language: s.Language, Permalink: s.Permalink,
		Categories: pl.names(s.Categories), Keep: pl.match(s.Keep), Drop: pl.match(s.Drop), Every: s.Every, Retain: feeds.Retain(s.Retain),
	}
	if s.Markdown != "" {
		f.URL = (&url.URL{Scheme: "file", Path: s.Markdown}).String()
		if s.Permalink != "" { // without either, the planet's page of a post is its address
			f.Site = cmp.Or(f.Site, pl.config.Planet.URL)
		}
		f.Language = cmp.Or(f.Language, pl.config.Planet.Language)
	}
	return f
}

// match is what a source keeps or drops: no rules are asked there, so it holds all
// names of those whom it asks for.
func (pl *planet) match(m config.Match) feeds.Match { return pl.rules.Authors.Match(feeds.Match(m)) }

func (pl *planet) names(titles []string) []feeds.CategoryName {
	var out []feeds.CategoryName
	for _, t := range titles {
		name, ok := pl.named[t]
		if !ok {
			name = pl.rules.Name(t, feeds.CategoryName{Slug: feeds.Slug(t), Title: t})
			pl.named[t] = name
		}
		out = append(out, name)
	}
	return out
}

// sourceNames are what is taken while the sources are put together.
type sourceNames struct {
	addresses map[string]bool // CanonicalURL of each
	slugs     map[string]bool
	next      map[string]int // the number that a slug that is taken gets next
}

func (pl *planet) sourceNames() *sourceNames {
	n := &sourceNames{map[string]bool{}, map[string]bool{}, map[string]int{}}
	for i := range pl.sources {
		n.addresses[feeds.CanonicalURL(pl.sources[i].URL)] = true
		n.slugs[pl.sources[i].Slug] = true
	}
	for i := range pl.config.Sources {
		n.slugs[pl.config.Sources[i].Slug] = true
	}
	return n
}

// slug makes one that is free.
func (n *sourceNames) slug(wish string) string {
	slug := wish
	for n.slugs[slug] {
		n.next[wish]++
		slug = fmt.Sprintf("%s-%d", wish, n.next[wish]+1)
	}
	n.slugs[slug] = true
	return slug
}

// addOutline takes a feed of a list unless the configuration already has it.
func (pl *planet) addOutline(s *config.Source, o feeds.Outline, names *sourceNames) {
	feed := feeds.Resolve("", o.FeedURL, "http", "https")
	slug := cmp.Or(feeds.Slug(o.Title), feeds.Slug(strings.TrimPrefix(o.FeedURL, "https://")))
	address := feeds.CanonicalURL(feed)
	if address == "" || slug == "" || names.addresses[address] {
		return
	}
	names.addresses[address] = true
	pl.sources = append(pl.sources, feeds.Source{
		Slug: names.slug(slug), URL: feed, Title: o.Title, Site: feeds.Resolve("", o.SiteURL, "http", "https"), Language: cmp.Or(o.Language, s.Language),
		Categories: pl.names(append(o.Categories, s.Categories...)), Keep: pl.match(s.Keep), Drop: pl.match(s.Drop), Every: s.Every,
		Retain: feeds.Retain(s.Retain),
	})
}

func readOPML(path string) (*feeds.OPML, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the list of sources cannot be read: %w", err)
	}
	list, err := feeds.ReadOPML(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// open opens the store and makes its sources those of the configuration.
func (p *program) open(ctx context.Context) (*planet, error) {
	pl, err := p.load()
	if err != nil {
		return nil, err
	}
	return pl, pl.open(ctx, p.newProgress().following("putting posts into categories"))
}

// open opens the store; report is told how far the change of its categories is.
func (pl *planet) open(ctx context.Context, report storage.Progress) error {
	db, err := storage.Open(ctx, pl.config.Storage)
	if err != nil {
		return err
	}
	db.SetFeedSize(pl.config.Entries)
	if err := db.SyncReporting(ctx, time.Now(), pl.sources, &pl.rules, report); err != nil {
		db.Close()
		return err
	}
	if err := db.SyncListeners(ctx, pl.listenerNames()); err != nil {
		db.Close()
		return err
	}
	pl.store = db
	return nil
}

func (pl *planet) close() {
	pl.http.Close()
	if pl.store != nil {
		pl.store.Close()
	}
}

func (pl *planet) fetchers() map[string]fetch.Func {
	folder := &fetch.Folder{Zone: pl.config.Planet.Timezone}
	return map[string]fetch.Func{"file": folder.Fetch, "http": pl.http.Fetch, "https": pl.http.Fetch}
}

func (pl *planet) aggregator(observe func(feeds.Visit, feeds.Tally)) *aggregator.Aggregator {
	f := pl.config.Fetch
	return aggregator.New(aggregator.Options{
		Store: pl.store, Fetch: pl.fetchers(), Rules: &pl.rules, Observe: observe,
		Lease:       max(2*time.Minute, 4*f.Timeout), // what is killed is missed for no longer
		Concurrency: f.Concurrency, PerHost: f.PerHost, Pause: f.PausePerHost,
		Intervals: aggregator.Intervals{Min: f.MinInterval, Max: f.MaxInterval},
	})
}
