package aggregator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"orrery/feeds"
)

// hosts lets few visits at a time through to one host, with a pause between
// them (fetching.md 35), and knows for one pass who has enough or does not answer.
type hosts struct {
	perHost int
	pause   time.Duration
	mu      sync.Mutex
	all     map[string]*hostGate
}

type hostGate struct {
	name   string
	places chan struct{}
	// The hosts' mutex guards these.
	free   time.Time // when the next visit may begin
	busy   time.Time // until when it wants no visits
	silent int       // visits in a row that ended without an answer
}

// silentVisits is how many sources of a host are waited for in vain before the
// others are not asked in the same pass: each would cost the whole timeout.
const silentVisits = 2

func newHosts(perHost int, pause time.Duration) *hosts {
	return &hosts{perHost: perHost, pause: pause, all: map[string]*hostGate{}}
}

// enter waits for the host's turn; leave ends it. The empty host is ourselves, and
// has no gate.
func (h *hosts) enter(ctx context.Context, host string) (*hostGate, error) {
	if host == "" {
		return nil, nil
	}
	h.mu.Lock()
	g := h.all[host]
	if g == nil {
		g = &hostGate{name: host, places: make(chan struct{}, h.perHost)}
		h.all[host] = g
	}
	h.mu.Unlock()
	select {
	case g.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	h.mu.Lock()
	wait := time.Until(g.free)
	h.mu.Unlock()
	if err := rest(ctx, wait); err != nil && wait > 0 {
		<-g.places
		return nil, err
	}
	return g, nil
}

// leave ends the turn; asked says that a visit was made.
func (h *hosts) leave(g *hostGate, asked bool) {
	if g == nil {
		return
	}
	if asked {
		h.mu.Lock()
		g.free = time.Now().Add(h.pause)
		h.mu.Unlock()
	}
	<-g.places
}

// learn notes what a visit told of its host.
func (h *hosts) learn(g *hostGate, v *feeds.Visit) {
	if g == nil {
		return
	}
	var timeout net.Error
	h.mu.Lock()
	defer h.mu.Unlock()
	if g.silent++; v.Status != 0 || !errors.As(v.Err, &timeout) || !timeout.Timeout() {
		g.silent = 0
	}
	if v.Busy == g.name {
		g.busy = v.BusyUntil
	}
}

// willing says whether the host is to be asked now: not while it is busy, and not
// when it was silent, which is an error of all its sources.
func (h *hosts) willing(g *hostGate, now time.Time) (bool, error) {
	if g == nil {
		return true, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if g.silent >= silentVisits {
		return true, fmt.Errorf("%s did not answer %d others of its sources just before, and was not asked again", g.name, g.silent)
	}
	return g.busy.IsZero() || !now.Before(g.busy), nil
}
