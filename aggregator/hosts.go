package aggregator

import (
	"context"
	"sync"
	"time"
)

// hosts lets few visits at a time through to one host, with a pause between
// them (fetching.md 35).
type hosts struct {
	perHost int
	pause   time.Duration
	mu      sync.Mutex
	all     map[string]*hostGate
}

type hostGate struct {
	places chan struct{}
	free   time.Time // when the next visit may begin
}

func newHosts(perHost int, pause time.Duration) *hosts {
	return &hosts{perHost: perHost, pause: pause, all: map[string]*hostGate{}}
}

// enter waits for the host's turn; leave ends it. The empty host is ourselves.
func (h *hosts) enter(ctx context.Context, host string) (leave func(), err error) {
	if host == "" {
		return func() {}, nil
	}
	h.mu.Lock()
	g := h.all[host]
	if g == nil {
		g = &hostGate{places: make(chan struct{}, h.perHost)}
		h.all[host] = g
	}
	h.mu.Unlock()
	select {
	case g.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := h.rest(ctx, g); err != nil {
		<-g.places
		return nil, err
	}
	return func() {
		h.mu.Lock()
		g.free = time.Now().Add(h.pause)
		h.mu.Unlock()
		<-g.places
	}, nil
}

// rest waits until the host may be asked again.
func (h *hosts) rest(ctx context.Context, g *hostGate) error {
	h.mu.Lock()
	wait := time.Until(g.free)
	h.mu.Unlock()
	return rest(ctx, wait)
}
