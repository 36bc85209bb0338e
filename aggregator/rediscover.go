package aggregator

import (
	"context"
	"errors"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// maxGuesses is how many feeds of a page are tried.
const maxGuesses = 3

// lookAgain is how long a site is not asked again where its feed is.
const lookAgain = 30 * 24 * time.Hour

// lost says that the feed is not where it was, and that its site has not been asked
// for it lately.
func lost(now time.Time, s *feeds.Source, err error) bool {
	return hasStatus(err, 404) && !s.State.LastSuccess.IsZero() && s.Home() != "" &&
		now.Sub(s.Moving.Looked).Abs() >= lookAgain // also by a clock that was wrong
}

// rediscover looks whether the source's site names its feed somewhere else, and
// reads that. Only a feed that is recognised is taken.
func (a *Aggregator) rediscover(ctx context.Context, d feeds.Due) (fetch.Response, bool) {
	ctx, cancel := context.WithTimeout(ctx, a.Linger)
	defer cancel()
	s := &d.Source
	home := feeds.Source{Slug: s.Slug, URL: s.Home()}
	f, err := a.fetcher(&home)
	if err != nil || rest(ctx, a.Pause) != nil {
		return fetch.Response{}, false
	}
	page, err := f(ctx, home, feeds.Validators{})
	if err != nil {
		r := fetch.Response{Looked: asked(&page, err)}
		r.Busy, r.BusyUntil = busy(a.Now(), &page, err)
		return r, false
	}
	looked := true
	list := fetch.Candidates(page)
	for _, c := range list[:min(len(list), maxGuesses)] {
		if c.URL == s.Asked() || rest(ctx, a.Pause) != nil {
			continue
		}
		at := d
		at.Source.URL, at.Source.Address, at.Validators = c.URL, "", feeds.Validators{}
		r, err := a.look(ctx, at)
		if err == nil && r.Feed != nil && a.recognised(ctx, s, r.Feed) {
			r.FoundAt, r.Looked = c.URL, true
			return r, true
		}
		looked = looked && asked(&r, err)
		if host, until := busy(a.Now(), &r, err); host != "" {
			return fetch.Response{Looked: true, Busy: host, BusyUntil: until}, false
		}
	}
	return fetch.Response{Looked: looked}, false
}

// asked says that somebody was asked, though perhaps not where he leads to: without a turn
// nobody is.
func asked(r *fetch.Response, err error) bool {
	return len(r.Answer.Hops) > 0 || !errors.Is(err, fetch.ErrTurn)
}

// recognised says that f is the source's feed: it has its name, or a post of it.
func (a *Aggregator) recognised(ctx context.Context, s *feeds.Source, f *feeds.Feed) bool {
	if s.FeedTitle != "" && feeds.FoldTag(f.Title) == feeds.FoldTag(s.FeedTitle) {
		return true
	}
	known, err := a.known(ctx, s.ID, f)
	return err == nil && len(known) > 0
}
