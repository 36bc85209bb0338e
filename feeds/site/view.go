package site

import (
	"cmp"
	"context"
	"fmt"

	"orrery/feeds"
)

// directory is what the planet consists of, as of one epoch. It answers made-up
// names without asking the store.
type directory struct {
	epoch      uint64
	failed     uint64 // the tick, plus one, in which it could not be read anew
	sources    map[string]feeds.Source
	categories map[string]feeds.Category
}

func newDirectory(sources []feeds.Source, categories []feeds.Category) *directory {
	d := &directory{sources: map[string]feeds.Source{}, categories: map[string]feeds.Category{}}
	for _, x := range sources {
		if validName(x.Slug) {
			d.sources[x.Slug] = x
		}
	}
	for _, c := range categories {
		if validName(c.Slug) {
			d.categories[c.Slug] = c
		}
	}
	return d
}

// directory reads what the planet consists of, once an epoch. The last one
// serves when the store cannot be read.
func (s *Site) directory(ctx context.Context) (*directory, error) {
	fresh := func() *directory {
		if d := s.list.Load(); d != nil && (d.epoch == s.epoch.Load() || d.failed == s.tick.Load()+1) {
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
		epoch, tick := s.epoch.Load(), s.tick.Load()
		d, err := s.readDirectory(ctx)
		if old := s.list.Load(); err != nil && old != nil {
			s.log(fmt.Errorf("read what the planet consists of, the last list is used: %w", err))
			again := *old
			again.failed = tick + 1
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
	categories, err := s.reader.Categories(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the categories: %w", err)
	}
	return newDirectory(sources, categories), nil
}

// view says what the document of rt is of; errNotFound when there is no such thing.
func (s *Site) view(ctx context.Context, rt route) (view, error) {
	if rt.kind != atCategory && rt.kind != atSource {
		return s.plainView(rt), nil
	}
	d, err := s.directory(ctx)
	if err != nil {
		return view{}, err
	}
	return s.viewIn(d, rt)
}

func (s *Site) viewIn(d *directory, rt route) (view, error) {
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
	}
	return s.plainView(rt), nil
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
	v := view{name: cmp.Or(c.Title, c.Slug)}
	v.Path = route{kind: atCategory, name: rt.name}.escaped()
	v.Title = v.name + " – " + s.planet.Title
	v.Description = "Posts about " + v.name + " on " + s.planet.Title + "."
	v.Language = s.planet.Language
	return v
}

func (s *Site) sourceView(rt route, x *feeds.Source) view {
	v := view{name: x.Name(), home: x.Home(), feed: x.PublicURL()}
	v.Path = route{kind: atSource, name: rt.name}.escaped()
	v.Title = v.name + " – " + s.planet.Title
	v.Description = "Posts by " + v.name + " on " + s.planet.Title + "."
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
