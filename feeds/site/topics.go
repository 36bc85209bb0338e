package site

import (
	"context"
	"net/url"
	"strings"

	"orrery/feeds"
)

// Topics are the addresses of the feeds that show an entry, or did: what WebSub calls
// topics. Of one that is no longer shown nobody knows what it was in; then they are the
// planet's.
func (s *Site) Topics(e *feeds.Entry) (topics []string) {
	views := []route{{}}
	if e != nil {
		if e.Source != nil {
			views = append(views, route{kind: atSource, name: e.Source.Slug})
		}
		for i := range e.Also {
			views = append(views, route{kind: atSource, name: e.Also[i].Slug})
		}
		for _, c := range e.Categories {
			views = append(views, route{kind: atCategory, name: c.Slug})
		}
	}
	for _, v := range views {
		if v.kind != atHome && !validName(v.name) {
			continue
		}
		for _, f := range v.feeds(0) {
			topics = append(topics, s.planet.URL+f.escaped())
		}
	}
	return topics
}

// Topic says that the address is that of a feed that changes: no archive, no search.
func (s *Site) Topic(address string) bool {
	rt, ok := s.topic(address)
	return ok && s.planet.URL+rt.escaped() == address
}

func (s *Site) topic(address string) (route, bool) {
	path, ok := strings.CutPrefix(address, s.planet.URL)
	if !ok {
		return route{}, false
	}
	path, err := url.PathUnescape(path)
	if err != nil {
		return route{}, false
	}
	rt, ok := parseRoute(path)
	return rt, ok && rt.feed != "" && rt.feed != opml && rt.archive == 0 && rt.numbered()
}

// Content is a topic's document as it is now, with its media type.
func (s *Site) Content(ctx context.Context, topic string) (body []byte, mediaType string, err error) {
	rt, ok := s.topic(topic)
	if !ok {
		return nil, "", errNotFound
	}
	if err := s.Refresh(ctx); err != nil {
		return nil, "", err
	}
	d, err := s.document(ctx, rt)
	if err != nil {
		return nil, "", err
	}
	return d.plain.body, d.facts.typ, nil
}
