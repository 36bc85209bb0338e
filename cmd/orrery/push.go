package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"orrery/aggregator"
	"orrery/aggregator/push"
	"orrery/feeds"
)

// pusher is what comes of hubs that call: the sources that did are looked at, a few at a
// time, each once however often it was called for. What a crash forgets the next visit by
// schedule finds.
type pusher struct {
	*push.Subscriber
	pl    *planet
	warn  func(format string, args ...any)
	mu    sync.Mutex
	want  []string // slugs
	ready chan struct{}
}

// pushVisits is how many sources are looked at at once because a hub has called.
const pushVisits = 4

// pusher is nil where hubs are not asked to call.
func (pl *planet) pusher(warn func(format string, args ...any)) (*pusher, error) {
	if !pl.config.Fetch.Push {
		return nil, nil
	}
	p := &pusher{pl: pl, warn: warn, ready: make(chan struct{}, 1)}
	var err error
	p.Subscriber, err = push.New(push.Options{
		Callback: pl.config.Planet.URL + pushFolder, Store: pl.store.PushSubscriptions(), Visit: p.visit,
		Do: pl.http.Once, UserAgent: pl.userAgent(), Log: func(err error) { warn("%v", err) },
	})
	return p, err
}

// visit has the source looked at soon, and returns before it is.
func (p *pusher) visit(ctx context.Context, id int64) error {
	list, err := p.pl.store.Sources(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(s feeds.Source) bool { return s.ID == id })
	if i < 0 {
		return nil // it has gone
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.want, list[i].Slug) {
		p.want = append(p.want, list[i].Slug)
	}
	p.wake()
	return nil
}

// A source that is being visited just then may have been asked before its hub called, so
// it is tried again.
const (
	pushTries = 20
	pushPause = 2 * time.Second
)

// run subscribes, and visits who is called for, until ctx ends.
func (p *pusher) run(ctx context.Context, a *aggregator.Aggregator, report func(aggregator.Summary, error)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { p.Run(ctx) })
	for range pushVisits {
		wg.Go(func() {
			for slug, ok := p.next(ctx); ok; slug, ok = p.next(ctx) {
				p.look(ctx, a, slug, report)
			}
		})
	}
}

// next waits for a source that is called for.
func (p *pusher) next(ctx context.Context) (slug string, ok bool) {
	for {
		p.mu.Lock()
		if len(p.want) > 0 {
			slug, p.want = p.want[0], p.want[1:]
			if len(p.want) > 0 {
				p.wake()
			}
			p.mu.Unlock()
			return slug, true
		}
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return "", false
		case <-p.ready:
		}
	}
}

func (p *pusher) wake() {
	select {
	case p.ready <- struct{}{}:
	default: // somebody is told already
	}
}

// look visits a source, when it is nobody's.
func (p *pusher) look(ctx context.Context, a *aggregator.Aggregator, slug string, report func(aggregator.Summary, error)) {
	for range pushTries {
		s, err := a.Refresh(ctx, aggregator.Pass{Slugs: []string{slug}, Called: true})
		if ctx.Err() != nil {
			return
		}
		if err != nil || s.Sources > 0 {
			report(s, err)
			return
		}
		select {
		case <-time.After(pushPause):
		case <-ctx.Done():
			return
		}
	}
}

// found notes the hubs that a source names, when its document was read.
func (p *pusher) found(ctx context.Context, v *feeds.Visit) {
	s := &v.Due.Source
	if p == nil || v.Feed == nil || v.Older || s.Local() {
		return
	}
	hubs, topic := push.Discover(s.Asked(), v.Link, v.Feed)
	if err := p.Found(ctx, s.ID, hubs, topic); err != nil && ctx.Err() == nil {
		p.warn("%v", err)
	}
}
