package fetch

import (
	"context"
	"errors"
	"sync"
	"time"
)

// turnTimeout bounds the wait for a turn. So long a queue is of sources that all lead to
// one place; who waits on holds up visits to others.
const turnTimeout = 10 * time.Second

// hopPause is the longest pause between two redirects of one visit.
const hopPause = 2 * time.Second

// turns lets few requests at a time through to one domain, with a pause between them
// (fetching.md 35), and knows who has said 429. Passes take turns for their visits, but
// only the walk knows where redirects lead.
type turns struct {
	most  int
	pause time.Duration
	now   func() time.Time // for what servers said
	mu    sync.Mutex
	all   map[string]*turn
	sweep int // when there are so many, those that say nothing any more go
}

// turn is a domain's. The mutex of the turns guards all but the channel.
type turn struct {
	places chan struct{}
	users  int       // who have a place or wait for one
	free   time.Time // when the next request may begin
	rest   time.Time // until when it is to be left alone
}

func newTurns(most int, pause time.Duration, now func() time.Time) *turns {
	return &turns{most: most, pause: pause, now: now, all: map[string]*turn{}}
}

// of is the domain's turn; the mutex is held.
func (t *turns) of(domain string) *turn {
	d := t.all[domain]
	if d != nil {
		return d
	}
	if len(t.all) >= t.sweep {
		for name, d := range t.all {
			if d.users == 0 && !time.Now().Before(d.free) && !t.now().Before(d.rest) {
				delete(t.all, name)
			}
		}
		t.sweep = 2*len(t.all) + 1000
	}
	d = &turn{places: make(chan struct{}, t.most)}
	t.all[domain] = d
	return d
}

var errCrowded = errors.New("too many wait for their turn")

// enter waits until the domain may be asked; leave ends the turn. Nobody waits for a
// second turn while he has one, so nobody waits for himself. The error is errCrowded, or
// the context's.
func (t *turns) enter(ctx context.Context, domain string) (leave func(), err error) {
	t.mu.Lock()
	d := t.of(domain)
	d.users++
	t.mu.Unlock()
	if err := t.wait(ctx, d); err != nil {
		t.mu.Lock()
		d.users--
		t.mu.Unlock()
		return nil, err
	}
	return func() {
		t.mu.Lock()
		d.users--
		d.free = time.Now().Add(t.pause)
		t.mu.Unlock()
		<-d.places
	}, nil
}

func (t *turns) wait(ctx context.Context, d *turn) error {
	wait, cancel := context.WithTimeoutCause(ctx, turnTimeout, errCrowded)
	defer cancel()
	select {
	case d.places <- struct{}{}:
	case <-wait.Done():
		return context.Cause(wait)
	}
	t.mu.Lock()
	pause := time.Until(d.free)
	t.mu.Unlock()
	if pause <= 0 {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-wait.Done():
		<-d.places
		return context.Cause(wait)
	}
}

// leaveAlone notes that the domain is not to be asked until then.
func (t *turns) leaveAlone(domain string, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(domain).rest = until
}

// rests is until when the domain is not to be asked; zero: it may be.
func (t *turns) rests(domain string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d := t.all[domain]; d != nil && t.now().Before(d.rest) {
		return d.rest
	}
	return time.Time{}
}
