package aggregator

import (
	"context"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// maxGuesses is how many feeds of a page are tried.
const maxGuesses = 3

// rediscover looks once, at the first 404, whether the source's site names its feed
// somewhere else, and reads that. Only a feed that is recognised is taken.
func (a *Aggregator) rediscover(ctx context.Context, d feeds.Due, err error) (fetch.Response, bool) {
	s := &d.Source
	if !hasStatus(err, 404) || s.State.Failures > 0 || s.State.LastSuccess.IsZero() || s.Home() == "" {
		return fetch.Response{}, false
	}
	home := feeds.Source{Slug: s.Slug, URL: s.Home()}
	f, err := a.fetcher(&home)
	if err != nil || rest(ctx, a.Pause) != nil {
		return fetch.Response{}, false
	}
	page, err := f(ctx, home, feeds.Validators{})
	if err != nil {
		return fetch.Response{}, false
	}
	list := fetch.Candidates(page)
	for _, c := range list[:min(len(list), maxGuesses)] {
		if c.URL == s.Asked() || rest(ctx, a.Pause) != nil {
			continue
		}
		at := d
		at.Source.URL, at.Source.Address, at.Validators = c.URL, "", feeds.Validators{}
		r, err := a.look(ctx, at)
		if err == nil && r.Feed != nil && a.recognised(ctx, s, r.Feed) {
			r.FoundAt = c.URL
			return r, true
		}
	}
	return fetch.Response{}, false
}

// recognised says that f is the source's feed: it has its name, or a post of it.
func (a *Aggregator) recognised(ctx context.Context, s *feeds.Source, f *feeds.Feed) bool {
	if s.FeedTitle != "" && feeds.FoldTag(f.Title) == feeds.FoldTag(s.FeedTitle) {
		return true
	}
	known, err := a.known(ctx, s.ID, f)
	return err == nil && len(known) > 0
}
