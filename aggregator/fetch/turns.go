package fetch

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// turnTimeout bounds the wait for a turn: behind many sources that lead to one place, or
	// behind an answer that drips. Who waited on would hold up visits to others.
	turnTimeout = 15 * time.Second
	// hopPause is the longest pause between two requests: of the visits of a pass the whole
	// pause is kept, but where redirects lead a visit is under way.
	hopPause = 200 * time.Millisecond
)

// turns lets few requests at a time through to one domain, with a pause between them
// (fetching.md 35), and knows who has said 429. Passes take turns for their visits, with
// the whole pause, but only the walk knows where redirects lead.
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

// ErrTurn means that others were asking the domain until there was no time left for this
// one. Without a redirect nobody was asked.
var ErrTurn = errors.New("others had their turn first")

// enter waits until the domain may be asked; leave ends the turn. Nobody waits for a
// second turn while he has one, so nobody waits for himself. The error is ErrTurn, or
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
		if free := time.Now().Add(t.pause); free.After(d.free) {
			d.free = free
		}
		t.mu.Unlock()
		<-d.places
	}, nil
}

func (t *turns) wait(ctx context.Context, d *turn) error {
	wait, cancel := context.WithTimeoutCause(ctx, turnTimeout, ErrTurn)
	defer cancel()
	select {
	case d.places <- struct{}{}:
	case <-wait.Done():
		return context.Cause(wait)
	}
	t.mu.Lock()
	pause := max(time.Until(d.free), 0)
	d.free = time.Now().Add(pause + t.pause) // of the next who has a place beside this one
	t.mu.Unlock()
	if pause == 0 {
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
	d := t.of(domain)
	d.rest = later(d.rest, until.Round(0)) // by the clock of the store, also when the machine has slept
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
