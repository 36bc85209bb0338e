package aggregator

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"sync"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// bytesAtOnce bounds the documents that are read and stored at the same time, whatever
// Concurrency is: each costs some five times its size, and waiting for servers is what
// takes many at once.
const bytesAtOnce = 8 << 20

// readAtOnce is how many documents are read at the same time: all processors but the
// one that stores. Of sixty that are read at once none is done for a while, each takes
// its memory, and the one that stores has its turn once in a while.
func readAtOnce() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// errNoTurn ends a visit that had no turn at its host, or where that leads: it is no fault
// of the source's.
var errNoTurn = errors.New("others had their turn first")

// visit looks at a claimed source and commits what it told, and at its past where
// that is not read yet. The error is the store's: the source's own trouble is part
// of the Visit. With silence nobody is asked: it is the error. What panics on the way,
// also in the store, is the source's trouble.
func (a *Aggregator) visit(ctx context.Context, d feeds.Due, silence error) (feeds.Visit, feeds.Tally, error) {
	v, tally, err := a.tryVisit(ctx, d, silence)
	if errors.Is(err, feeds.ErrReader) {
		v = a.decide(a.Now(), d, fetch.Response{}, err, nil)
		tally, err = a.Store.Commit(ctx, v)
	}
	return v, tally, err
}

func (a *Aggregator) tryVisit(ctx context.Context, d feeds.Due, silence error) (v feeds.Visit, tally feeds.Tally, err error) {
	defer feeds.Contain(&err)
	now := a.Now()
	var r fetch.Response
	err = silence
	if silence == nil {
		r, err = a.ask(ctx, d)
	}
	if errors.Is(err, fetch.ErrTurn) {
		return feeds.Visit{Answer: r.Answer}, feeds.Tally{}, errNoTurn
	}
	// What was fetched waits here while too much is being read and stored.
	weight := min(int64(len(r.Body)), bytesAtOnce)
	if a.bytes.Acquire(ctx, weight) != nil || ctx.Err() != nil {
		return feeds.Visit{}, feeds.Tally{}, ctx.Err()
	}
	put := sync.OnceFunc(func() { a.bytes.Release(weight) })
	defer put()
	if err == nil {
		err = a.read(&d.Source, &r)
	}
	if lost(now, &d.Source, err) {
		found, ok := a.rediscover(ctx, d)
		if ok {
			r, err = found, nil
		}
		r.Looked, r.Busy, r.BusyUntil = found.Looked, found.Busy, found.BusyUntil
	}
	known := map[string]feeds.Known{}
	if err == nil && r.Feed != nil {
		var trouble error
		if known, trouble = a.known(ctx, d.Source.ID, r.Feed); trouble != nil {
			return feeds.Visit{}, feeds.Tally{}, trouble
		}
	}
	v = a.decide(now, d, r, err, known)
	v.Link = r.Link
	if v.Err == nil && v.Backfill.Due(now) {
		v.More = a.Now().Add(a.Lease)
	}
	if silence == nil {
		v.Rest = a.rest(&d.Source)
	}
	tally, err = a.Store.Commit(ctx, v)
	put()
	if err == nil && !v.More.IsZero() {
		if err = a.older(ctx, &v, &tally); ctx.Err() != nil {
			err = nil // what was stored before counts
		}
	}
	return v, tally, err
}

// rest is until when the host of a source that was asked just now has its pause.
func (a *Aggregator) rest(s *feeds.Source) time.Time {
	if s.Domain() == "" || a.Pause <= 0 {
		return time.Time{}
	}
	return a.Now().Add(a.Pause)
}

// known is what the store has of the feed's entries.
func (a *Aggregator) known(ctx context.Context, source int64, f *feeds.Feed) (map[string]feeds.Known, error) {
	guids := make([]string, len(f.Entries))
	for i := range f.Entries {
		guids[i] = f.Entries[i].GUID
	}
	return a.Store.Known(ctx, source, guids)
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
// Feed of the response is normalized. It is what inspect shows.
func Look(ctx context.Context, fetchers map[string]fetch.Func, s feeds.Source, v feeds.Validators) (fetch.Response, error) {
	a := New(Options{Fetch: fetchers})
	return a.look(ctx, feeds.Due{Source: s, Validators: v})
}

// Preview is the visit that a look would have become: what would change, and when
// the next one would be. It stores nothing.
func Preview(now time.Time, s feeds.Source, r fetch.Response, err error, known map[string]feeds.Known, rules *feeds.Rules, in Intervals) feeds.Visit {
	a := New(Options{Rules: rules, Intervals: in})
	return a.decide(now, feeds.Due{Source: s}, r, err, known)
}

// look fetches and reads.
func (a *Aggregator) look(ctx context.Context, d feeds.Due) (fetch.Response, error) {
	r, err := a.ask(ctx, d)
	if err == nil {
		err = a.read(&d.Source, &r)
	}
	return r, err
}

// ask fetches. A panic is this source's failure and nobody else's.
func (a *Aggregator) ask(ctx context.Context, d feeds.Due) (r fetch.Response, err error) {
	defer feeds.Contain(&err)
	f, err := a.fetcher(&d.Source)
	if err != nil {
		return r, err
	}
	return f(ctx, d.Source, d.Validators)
}

// read makes a feed of the body of the source's answer.
func (a *Aggregator) read(s *feeds.Source, r *fetch.Response) (err error) {
	defer feeds.Contain(&err)
	if r.NotModified {
		return nil
	}
	a.reading <- struct{}{}
	defer func() { <-a.reading }()
	base := s.Site
	if r.Feed == nil {
		base = r.URL
		if r.Feed, err = feeds.Read(r.Body, r.ContentType, base); err != nil {
			if at, own := feeds.HostOf(r.URL), s.Host(); at != own { // a portal that wants a password first, for one
				err = fmt.Errorf("%s redirects to %s: %w", own, at, err)
			}
			return err
		}
	}
	r.Body = nil
	feeds.Normalize(r.Feed, base)
	return nil
}

func (a *Aggregator) fetcher(s *feeds.Source) (fetch.Func, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, errors.New("its address cannot be read") // it may hold a password
	}
	f := a.Fetch[u.Scheme]
	if f == nil {
		return nil, fmt.Errorf("nobody knows how to fetch from an address that begins with %q", u.Scheme+":")
	}
	return f, nil
}

// hasStatus says that the server answered with the HTTP status.
func hasStatus(err error, status int) bool {
	var s *fetch.StatusError
	return errors.As(err, &s) && s.Status == status
}
