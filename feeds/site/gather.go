package site

import (
	"context"
	"fmt"
	"slices"
	"time"

	"orrery/feeds"
)

// material is all that a document is made from: the same material, the same bytes.
type material struct {
	view       view
	look       look
	entries    []feeds.Entry
	versions   []feeds.Version // of the only entry
	stories    []feeds.Story   // of the only entry, if it has several copies
	sources    []feeds.Source
	categories []feeds.Category
	held       map[string]feeds.HeldPosts // by source
	debts      []feeds.Debt
	authors    map[string]feeds.Category     // by slug
	months     []feeds.MonthCount            // of the view, the newest first
	activity   map[string][]feeds.MonthCount // of the sources, or of the categories, by slug
	directory  *directory
	more       bool    // there are others than entries, to which no page leads
	routes     []route // of a sitemap
	archives   int     // the number of the last
	deleted    []feeds.Tombstone
}

// newest is the last month with a post, of whatever view.
func (m *material) newest() feeds.Month {
	if m.directory == nil || len(m.directory.months) == 0 {
		return 0
	}
	return m.directory.months[0].Month
}

// named are the stories with the names of the sources in place of their slugs.
func (m *material) named() []feeds.Story {
	name := func(slug *string) {
		if m.directory == nil {
			return
		}
		if x, ok := m.directory.sources[*slug]; ok {
			*slug = x.Name()
		}
	}
	list := slices.Clone(m.stories)
	for i := range list {
		list[i].Copies = slices.Clone(list[i].Copies)
		for k := range list[i].Copies {
			name(&list[i].Copies[k].Source)
			name(&list[i].Copies[k].With)
		}
	}
	return list
}

// last is when a source was visited last.
func (m *material) last() (t time.Time) {
	for i := range m.sources {
		if at := m.sources[i].State.LastVisit; at.After(t) {
			t = at
		}
	}
	return t
}

// gather asks the store for what the document of rt shows.
func (s *Site) gather(ctx context.Context, rt route, v view) (m material, err error) {
	if rt.feed == opml {
		return s.gatherList(ctx, rt, v)
	}
	m.view, m.look = v, *s.look.Load()
	if rt.kind != atStatus && rt.kind != atOPML {
		if m.directory, err = s.directory(ctx); err != nil {
			return m, err
		}
		m.authors, m.months = m.directory.authors, m.directory.months
	}
	switch rt.kind {
	case atAbout, atMonths:
	case atSitemap:
		m.routes = s.pagesOf(m.directory)
	case atSources, atOPML, atCategories:
		err = s.gatherLists(ctx, rt, &m)
	case atStatus, atWhy:
		err = s.gatherHealth(ctx, rt, &m)
	default:
		q := rt.query(s.planet.Entries)
		if rt.ends() {
			q.Limit++
		}
		if m.entries, err = s.reader.Entries(ctx, q); err != nil {
			return m, fmt.Errorf("read the entries: %w", err)
		}
		if m.more = rt.ends() && len(m.entries) == q.Limit; m.more {
			m.entries = m.entries[:q.Limit-1]
		}
		err = s.gatherAround(ctx, rt, &m)
	}
	return m, err
}

// gatherLists asks for who writes, or about what, and when they did.
func (s *Site) gatherLists(ctx context.Context, rt route, m *material) (err error) {
	if rt.kind == atCategories {
		if m.categories, err = s.reader.Lists(ctx); err != nil {
			return fmt.Errorf("read the categories: %w", err)
		}
		_, m.activity, err = s.reader.Activity(ctx, m.newest()-chartMonths+1)
		return err
	}
	if m.sources, err = s.reader.Sources(ctx); err != nil {
		return fmt.Errorf("read the sources: %w", err)
	}
	if rt.kind == atSources {
		m.activity, _, err = s.reader.Activity(ctx, m.newest()-chartMonths+1)
	}
	return err
}

// gatherHealth asks for how the sources are doing, or the one.
func (s *Site) gatherHealth(ctx context.Context, rt route, m *material) (err error) {
	age := time.Duration(0)
	if rt.kind == atWhy { // whoever asks for the pages of all sources does not have all read for each
		age = healthAge
	}
	h, err := s.readHealth(ctx, age)
	if err != nil {
		return err
	}
	m.sources, m.held = h.sources, h.held
	if rt.kind == atStatus {
		if m.debts, err = s.reader.Debts(ctx); err != nil {
			return fmt.Errorf("read what is owed: %w", err)
		}
		return nil
	}
	i := slices.IndexFunc(h.sources, func(x feeds.Source) bool { return x.Slug == rt.name })
	if i < 0 {
		return errNotFound
	}
	m.sources = h.sources[i : i+1]
	m.months, err = s.reader.Months(ctx, rt.query(0))
	return err
}

// healths are how the sources are doing, as of a moment.
type healths struct {
	at      time.Time
	sources []feeds.Source
	held    map[string]feeds.HeldPosts
}

// healthAge is how old they may be on the page of one source.
const healthAge = 10 * time.Second

// readHealth asks the store, unless what it said last is younger than age.
func (s *Site) readHealth(ctx context.Context, age time.Duration) (*healths, error) {
	now := s.now()
	if h := s.health.Load(); h != nil && now.Sub(h.at) < age {
		return h, nil
	}
	h, err, _ := s.flight.Do("health\x00", func() (any, error) { return s.askHealth(ctx, now) })
	if err != nil {
		return nil, err
	}
	return h.(*healths), nil
}

func (s *Site) askHealth(ctx context.Context, now time.Time) (h *healths, err error) {
	h = &healths{at: now}
	if h.sources, err = s.reader.Sources(ctx); err != nil {
		return nil, fmt.Errorf("read the sources: %w", err)
	}
	if h.held, err = s.reader.Held(ctx); err != nil {
		return nil, fmt.Errorf("read what is held back: %w", err)
	}
	s.health.Store(h)
	return h, nil
}

// gatherAround asks for what a document says besides its entries.
func (s *Site) gatherAround(ctx context.Context, rt route, m *material) (err error) {
	switch {
	case rt.feed != "":
		return s.gatherPast(ctx, rt, m)
	case rt.kind == atMonth:
		if !holds(m.months, rt.month) {
			return errNotFound
		}
		return nil
	case rt.numbered():
		q := rt.page().query(0)
		if m.archives, err = s.reader.Archives(ctx, q); err != nil {
			return fmt.Errorf("read its archives: %w", err)
		}
		if rt.archive > m.archives {
			return errNotFound
		}
		if rt.kind != atHome {
			m.months, err = s.reader.Months(ctx, q)
		}
		if x, ok := m.directory.sources[rt.name]; ok && rt.kind == atSource {
			m.sources = []feeds.Source{x}
		}
		return err
	case rt.kind != atEntry:
		return nil
	case len(m.entries) == 0:
		return s.fate(ctx, rt.name)
	}
	return s.gatherPost(ctx, m)
}

// gatherPost asks for what became of the only entry.
func (s *Site) gatherPost(ctx context.Context, m *material) (err error) {
	e := &m.entries[0]
	if m.versions, err = s.versions(ctx, e); err == nil && len(e.Also) > 0 {
		m.stories, err = s.reader.Why(ctx, e.ID)
	}
	return err
}

// gatherList asks for the sources of a category: who was put into it, and who has an
// entry in it.
func (s *Site) gatherList(ctx context.Context, rt route, v view) (material, error) {
	m := material{view: v}
	in, err := s.reader.SourcesIn(ctx, rt.name)
	if err != nil {
		return m, fmt.Errorf("read who writes in the category: %w", err)
	}
	if m.sources, err = s.reader.Sources(ctx); err != nil {
		return m, fmt.Errorf("read the sources: %w", err)
	}
	m.sources = slices.DeleteFunc(m.sources, func(x feeds.Source) bool {
		return !slices.Contains(in, x.Slug) && !slices.ContainsFunc(x.Categories, func(c feeds.CategoryName) bool { return c.Slug == rt.name })
	})
	return m, nil
}

// gatherPast asks for what a feed says of what was before its entries.
func (s *Site) gatherPast(ctx context.Context, rt route, m *material) (err error) {
	q := rt.page().query(0)
	if m.archives, err = s.reader.Archives(ctx, q); err != nil {
		return fmt.Errorf("read its archives: %w", err)
	}
	if rt.archive > m.archives {
		return errNotFound
	}
	if rt.archive == 0 {
		if m.deleted, err = s.reader.Tombstones(ctx, q); err != nil {
			return fmt.Errorf("read what was taken back: %w", err)
		}
	}
	return nil
}
