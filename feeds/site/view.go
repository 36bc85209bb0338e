package site

import (
	"cmp"
	"context"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"orrery/feeds"
)

// directory is what the planet consists of, as of one epoch. It answers made-up
// names without asking the store.
type directory struct {
	epoch      uint64
	failed     uint64 // the tick, plus one, in which it could not be read anew
	sources    map[string]feeds.Source
	categories map[string]feeds.Category
	authors    map[string]feeds.Category // by their slugs without what stands in front
	languages  map[string]feeds.Category
	months     []feeds.MonthCount // with posts, the newest first
}

func newDirectory(sources []feeds.Source, lists []feeds.Category) *directory {
	d := &directory{
		sources: map[string]feeds.Source{}, categories: map[string]feeds.Category{},
		authors: map[string]feeds.Category{}, languages: map[string]feeds.Category{},
	}
	for _, x := range sources {
		if validName(x.Slug) {
			d.sources[x.Slug] = x
		}
	}
	for _, c := range lists {
		kind, slug := c.List()
		into := map[string]map[string]feeds.Category{"": d.categories, feeds.AuthorList: d.authors, feeds.LanguageList: d.languages}[kind]
		if into != nil && validName(slug) {
			into[slug] = c
		}
	}
	return d
}

// directory reads what the planet consists of, once an epoch. The last one
// serves when the store cannot be read.
func (s *Site) directory(ctx context.Context) (*directory, error) {
	fresh := func() *directory {
		if d := s.list.Load(); d != nil && (d.epoch == s.epoch.Load() || s.lost.Load() || d.failed == s.tick.Load()+1) {
			return d
		}
		return nil
	}
	if d := fresh(); d != nil {
		return d, nil
	}
	d, err, _ := s.flight.Do("directory\x00", func() (any, error) { // no route has this name
		if d := fresh(); d != nil {
			return d, nil
		}
		epoch := s.epoch.Load()
		d, err := s.readDirectory(ctx)
		if old := s.list.Load(); err != nil && old != nil {
			s.log(fmt.Errorf("read what the planet consists of, the last list is used: %w", err))
			again := *old
			again.failed = s.tick.Load() + 1
			d, err = &again, nil
		} else if err == nil {
			d.epoch = epoch
		}
		if err == nil {
			s.list.Store(d)
		}
		return d, err
	})
	if err != nil {
		return nil, err
	}
	return d.(*directory), nil
}

func (s *Site) readDirectory(ctx context.Context) (*directory, error) {
	sources, err := s.reader.Sources(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the sources: %w", err)
	}
	lists, err := s.reader.Lists(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the categories: %w", err)
	}
	d := newDirectory(sources, lists)
	if d.months, err = s.reader.Months(ctx, feeds.Query{}); err != nil {
		return nil, fmt.Errorf("read the months: %w", err)
	}
	return d, nil
}

// view says what the document of rt is of; errNotFound when there is no such thing.
func (s *Site) view(ctx context.Context, rt route) (view, error) {
	switch rt.kind {
	case atCategory, atSource, atWhy, atAuthor, atLanguage, atSearch:
	case atAbout:
		if s.about == "" {
			return view{}, errNotFound
		}
		return s.plainView(rt), nil
	default:
		return s.plainView(rt), nil
	}
	d, err := s.directory(ctx)
	if err != nil {
		return view{}, err
	}
	return s.viewIn(d, rt)
}

func (s *Site) viewIn(d *directory, rt route) (v view, err error) {
	defer func() {
		if len(d.months) > 0 && rt.feed == "" && err == nil {
			v.newest = d.months[0].Month
		}
	}()
	switch rt.kind {
	case atCategory:
		if c, ok := d.categories[rt.name]; ok {
			return s.categoryView(rt, &c), nil
		}
		return view{}, errNotFound
	case atSource:
		if x, ok := d.sources[rt.name]; ok {
			return s.sourceView(rt, &x), nil
		}
		return view{}, errNotFound
	case atWhy:
		if x, ok := d.sources[rt.name]; ok {
			v := s.listView(rt, "How "+x.Name()+" is doing", "What is known of "+x.Name())
			return v, nil
		}
		return view{}, errNotFound
	case atAuthor:
		if a, ok := d.authors[rt.name]; ok {
			return s.listView(rt, a.Title, "Posts by "+a.Title), nil
		}
		return view{}, errNotFound
	case atLanguage:
		if _, ok := d.languages[rt.name]; ok {
			name := languageName(rt.name)
			v := s.listView(rt, name, "Posts in "+name)
			v.Language = rt.name
			return v, nil
		}
		return view{}, errNotFound
	case atSearch:
		return s.searchView(d, rt)
	}
	return s.plainView(rt), nil
}

// listView is the view of something with a name.
func (s *Site) listView(rt route, name, posts string) view {
	v := view{name: name}
	v.Path = rt.page().escaped()
	v.Title = name + " – " + s.planet.Title
	v.Description = posts + " on " + s.planet.Title + "."
	v.Language = s.planet.Language
	return v
}

// languageName is what a language is called in English, which is what our own words
// are in.
func languageName(tag string) string {
	t, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	return cmp.Or(display.English.Languages().Name(t), tag)
}

// searchView says in words what the filter asks for; errNotFound when it names what
// does not exist.
func (s *Site) searchView(d *directory, rt route) (view, error) {
	words, language := "Posts", s.planet.Language
	for _, part := range [...]struct {
		slug, word string
		name       func(slug string) (string, bool)
	}{
		{rt.filter.text, "with", func(text string) (string, bool) { return "“" + text + "”", utf8.ValidString(text) }},
		{rt.filter.category, "about", func(slug string) (string, bool) { c, ok := d.categories[slug]; return cmp.Or(c.Title, slug), ok }},
		{rt.filter.author, "by", func(slug string) (string, bool) { a, ok := d.authors[slug]; return a.Title, ok }},
		{rt.filter.source, "from", func(slug string) (string, bool) { x, ok := d.sources[slug]; return x.Name(), ok }},
		{rt.filter.language, "in", func(slug string) (string, bool) {
			_, ok := d.languages[slug]
			language = slug
			return languageName(slug), ok
		}},
	} {
		if part.slug == "" {
			continue
		}
		name, ok := part.name(part.slug)
		if !ok {
			return view{}, errNotFound
		}
		words += " " + part.word + " " + name
	}
	if rt.filter == (filter{}) && rt.feed == "" {
		words = "Search"
	}
	v := s.listView(rt, words, words)
	v.Language = language
	return v, nil
}

// plainView is the view of what needs no looking up.
func (s *Site) plainView(rt route) view {
	v := view{name: s.planet.Title}
	v.Title, v.Language = s.planet.Title, s.planet.Language
	v.Description = cmp.Or(s.planet.Description, "The newest posts of everybody on "+s.planet.Title+".")
	switch rt.kind {
	case atCategories:
		v.name = "Categories"
		v.Description = "What people write about on " + s.planet.Title + "."
	case atMonths:
		v.name = "Archive"
		v.Description = "All posts of " + s.planet.Title + " by month."
	case atMonth:
		v.name = monthName(rt.month)
		v.Description = "What was posted on " + s.planet.Title + " in " + v.name + "."
	case atAbout:
		v.name = "About " + s.planet.Title
	case atSources:
		v.name = "Sources"
		v.Description = "Who writes on " + s.planet.Title + "."
	case atStatus:
		v.name = "Status"
		v.Description = "How the sources of " + s.planet.Title + " are doing."
	}
	if v.name != v.Title {
		v.Title = v.name + " – " + v.Title
	}
	return v
}

func (s *Site) categoryView(rt route, c *feeds.Category) view {
	name := cmp.Or(c.Title, c.Slug)
	return s.listView(rt, name, "Posts about "+name)
}

func (s *Site) sourceView(rt route, x *feeds.Source) view {
	v := s.listView(rt, x.Name(), "Posts by "+x.Name())
	v.home, v.feed = x.Home(), x.PublicURL()
	v.Language = cmp.Or(x.Language, s.planet.Language)
	return v
}

// trouble says in words what is wrong with a source. It names no time of a
// visit: a visit that changed nothing must change no page.
func trouble(x *feeds.Source) string {
	switch {
	case x.Retired:
		return "no longer followed; its posts stay"
	case x.State.Gone:
		return "gone: its server says that it will not come back"
	case x.State.LastError != "" && x.State.Failures == 0:
		return "partly: " + x.PublicError()
	case x.State.LastError != "":
		return "failing: " + x.PublicError()
	case x.State.LastVisit.IsZero():
		return "not visited yet"
	}
	return ""
}
