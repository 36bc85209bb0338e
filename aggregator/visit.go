package aggregator

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// visit looks at a claimed source and commits what it told. The error is the
// store's: the source's own trouble is part of the Visit.
func (a *Aggregator) visit(ctx context.Context, d feeds.Due) (feeds.Visit, feeds.Tally, error) {
	now := a.Now()
	r, err := a.look(ctx, d)
	if ctx.Err() != nil {
		return feeds.Visit{}, feeds.Tally{}, ctx.Err()
	}
	known := map[string]feeds.Known{}
	if err == nil && r.Feed != nil {
		guids := make([]string, len(r.Feed.Entries))
		for i := range r.Feed.Entries {
			guids[i] = r.Feed.Entries[i].GUID
		}
		var trouble error
		if known, trouble = a.Store.Known(ctx, d.Source.ID, guids); trouble != nil {
			return feeds.Visit{}, feeds.Tally{}, trouble
		}
	}
	v := a.decide(now, d, r, err, known)
	tally, err := a.Store.Commit(ctx, v)
	return v, tally, err
}

// decide calls the pure one. A post that makes it panic is its source's failure.
func (a *Aggregator) decide(now time.Time, d feeds.Due, r fetch.Response, err error, known map[string]feeds.Known) (v feeds.Visit) {
	defer func() {
		if p := recover(); p != nil {
			v = decide(now, d, fetch.Response{Status: r.Status}, fault(p), nil, a.Rules, a.Intervals)
		}
	}()
	return decide(now, d, r, err, known, a.Rules, a.Intervals)
}

func fault(p any) error { return fmt.Errorf("%w: %v", feeds.ErrReader, p) }

// Look fetches and reads a source without deciding or storing anything; the
// Feed of the response is normalized. It is what inspect and check show.
func Look(ctx context.Context, fetchers map[string]fetch.Func, s feeds.Source, v feeds.Validators) (fetch.Response, error) {
	a := New(Options{Fetch: fetchers})
	return a.look(ctx, feeds.Due{Source: s, Validators: v})
}

// look fetches and reads. A panic is this source's failure and nobody else's.
func (a *Aggregator) look(ctx context.Context, d feeds.Due) (r fetch.Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault(p)
		}
	}()
	f, err := a.fetcher(&d.Source)
	if err != nil {
		return r, err
	}
	if r, err = f(ctx, d.Source, d.Validators); err != nil || r.NotModified {
		return r, err
	}
	base := r.URL
	if r.Feed == nil {
		if r.Feed, err = feeds.Read(r.Body, r.ContentType, base); err != nil {
			return r, err
		}
	} else {
		base = d.Source.Site
	}
	r.Body = nil
	feeds.Normalize(r.Feed, base)
	return r, nil
}

func (a *Aggregator) fetcher(s *feeds.Source) (fetch.Func, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, fmt.Errorf("the address %q cannot be read: %w", s.URL, err)
	}
	f := a.Fetch[u.Scheme]
	if f == nil {
		return nil, fmt.Errorf("nobody knows how to fetch %q", s.URL)
	}
	return f, nil
}

// hasStatus says that the server answered with the HTTP status.
func hasStatus(err error, status int) bool {
	var s *fetch.StatusError
	return errors.As(err, &s) && s.Status == status
}

// Intervals are the bounds of the time between two visits to a remote source.
type Intervals struct {
	Min, Max time.Duration
}
