package main

import (
	"fmt"
	"slices"

	"orrery/config"
	"orrery/feeds"
)

// sourceAt is the slug of the source that has the address, of the configuration or of
// a list; "": none.
func (pl *planet) sourceAt(address string) string {
	c := feeds.CanonicalURL(address)
	for i := range pl.sources {
		if s := &pl.sources[i]; c != "" && feeds.CanonicalURL(s.URL) == c {
			return s.Slug
		}
	}
	return ""
}

// siteOf is the slug of a remote source whose page is at the address. A folder's page
// has a feed, too, which may be added: its posts count once.
func (pl *planet) siteOf(address string) string {
	c := feeds.CanonicalURL(address)
	for i := range pl.sources {
		if s := &pl.sources[i]; c != "" && !s.Local() && feeds.CanonicalURL(s.Site) == c {
			return s.Slug
		}
	}
	return ""
}

// extend tries the configuration with more sources. None takes its slug from a feed
// of a list: the addresses of that would lead to another source.
func (p *program) extend(pl *planet, sources []config.Source) (*config.Edit, error) {
	e, err := config.Append(pl.config.Path, sources, p.getenv)
	if err != nil {
		return nil, err
	}
	listed, taken := map[string]bool{}, map[string]bool{}
	for i := range pl.sources {
		listed[pl.sources[i].Slug] = true
	}
	for i := range pl.config.Sources {
		delete(listed, pl.config.Sources[i].Slug)
	}
	for i := range e.Config.Sources {
		taken[e.Config.Sources[i].Slug] = true
	}
	clash := false
	sources = slices.Clone(sources)
	for i := range e.Added {
		slug := e.Added[i].Slug
		for n := 2; listed[e.Added[i].Slug]; n++ {
			if name := fmt.Sprintf("%s-%d", slug, n); !listed[name] && !taken[name] {
				sources[i].Slug, e.Added[i].Slug = name, name
				taken[name], clash = true, true
			}
		}
	}
	if !clash {
		return e, nil
	}
	return config.Append(pl.config.Path, sources, p.getenv)
}
