package site

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"orrery/feeds"
)

// Topics are the addresses of the feeds that show an entry: what WebSub calls topics. Of
// nil, one that is no longer shown, they are the planet's alone.
func (s *Site) Topics(e *feeds.Entry) []string {
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
		people := e.Authors
		if len(people) == 0 && e.Source != nil {
			people = e.Source.Authors
		}
		for _, a := range people {
			views = append(views, route{kind: atAuthor, name: feeds.Slug(a.Name)})
		}
		base, _, _ := strings.Cut(strings.ToLower(e.Language), "-")
		views = append(views, route{kind: atLanguage, name: base})
	}
	return s.topicsOf(views)
}

// TopicsSince are those of every feed that has changed since then. Among them is what a
// post has left that was changed or taken back at that time, which itself does not say
// where it stood before.
func (s *Site) TopicsSince(ctx context.Context, t time.Time) ([]string, error) {
	scopes, err := s.reader.ChangedSince(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("read what has changed: %w", err)
	}
	slices.Sort(scopes)
	var views []route
	for _, scope := range scopes {
		if rt, ok := routeOf(scope); ok {
			views = append(views, rt)
		}
	}
	return s.topicsOf(views), nil
}

// routeOf is where the entries of a scope (feeds.Query.Scope) are shown.
func routeOf(scope string) (route, bool) {
	what, slug, _ := strings.Cut(scope, " ")
	switch {
	case scope == "":
		return route{}, true
	case what == "s":
		return route{kind: atSource, name: slug}, true
	case what != "c":
		return route{}, false
	}
	list := feeds.CategoryName{Slug: slug}
	switch kind, name := list.List(); kind {
	case feeds.AuthorList:
		return route{kind: atAuthor, name: name}, true
	case feeds.LanguageList:
		return route{kind: atLanguage, name: name}, true
	}
	return route{kind: atCategory, name: slug}, true
}

func (s *Site) topicsOf(views []route) (topics []string) {
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

// Topic says that the address is that of a feed that there is and that changes: no
// archive, no search.
func (s *Site) Topic(address string) bool {
	rt, ok := s.topic(address)
	if !ok || s.planet.URL+rt.escaped() != address {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), renderTimeout)
	defer cancel()
	_, err := s.view(ctx, rt.page())
	return err == nil
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
	return rt, ok && rt.changes()
}

// Content is a topic's document as it is now, with its media type; an error if it cannot be
// made now, though there may be one of before.
func (s *Site) Content(ctx context.Context, topic string) (body []byte, mediaType string, err error) {
	rt, ok := s.topic(topic)
	if !ok {
		return nil, "", errNotFound
	}
	if err := s.refreshSoon(ctx); err != nil {
		return nil, "", err
	}
	// What was good before is good enough for readers, who ask again, but not for this. It
	// may also be being made by somebody who has asked before.
	for epoch, try := s.epoch.Load(), 0; ; try++ {
		d, err := s.document(ctx, rt)
		if err != nil {
			return nil, "", err
		}
		if k := s.keeps(rt).get(rt); k == nil || k.epoch.Load() >= epoch {
			return d.plain.body, d.facts.typ, nil
		}
		if try == 1 {
			return nil, "", fmt.Errorf("make %s anew: %w", rt, errSilent)
		}
	}
}

// errSilent says that the store has not answered in time.
var errSilent = errors.New("the store takes too long")

// refreshSoon is Refresh, for which others wait, too.
func (s *Site) refreshSoon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keptPatience)
	defer cancel()
	return s.Refresh(ctx)
}
