package aggregator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"orrery/feeds"
)

// hosts lets few visits at a time through to the hosts of one domain, with a pause between
// them (fetching.md 35), and knows for one pass who has enough or does not answer.
type hosts struct {
	perHost int
	pause   time.Duration
	mu      sync.Mutex
	all     map[string]*hostGate // by domain (feeds.DomainOf)
	silent  map[string]int       // visits in a row that were waited for in vain, by host: each is a machine
}

type hostGate struct {
	name   string
	places chan struct{}
	// The hosts' mutex guards these.
	free time.Time // when the next visit may begin
	busy time.Time // until when it wants no visits
	here int       // claimed sources that have not left yet
}

// silentVisits is how many sources of a host are waited for in vain before the
// others are not asked in the same pass: each would cost the whole timeout.
const silentVisits = 2

func newHosts(perHost int, pause time.Duration) *hosts {
	return &hosts{perHost: perHost, pause: pause, all: map[string]*hostGate{}, silent: map[string]int{}}
}

// anew are those for passes that begin when none is under way: what a host has told is
// forgotten, but not that it was asked just before.
func (h *hosts) anew(perHost int, pause time.Duration) *hosts {
	out := newHosts(perHost, pause)
	if h == nil {
		return out
	}
	for name, g := range h.all {
		if time.Until(g.free) > 0 {
			out.gate(name).free = g.free
		}
	}
	return out
}

// expect notes that a source of the domain was claimed; gone, that it is done with.
func (h *hosts) expect(host string) {
	if host == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gate(host).here++
}

func (h *hosts) gone(host string) {
	if host == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gate(host).here--
}

// gate is the domain's; the mutex is held.
func (h *hosts) gate(host string) *hostGate {
	g := h.all[host]
	if g == nil {
		g = &hostGate{name: host, places: make(chan struct{}, h.perHost)}
		h.all[host] = g
	}
	return g
}

// crowded are the domains that have a source waiting for its turn; late in a pass
// those that have any.
func (h *hosts) crowded(late bool) []string {
	enough := h.perHost
	if late {
		enough = 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []string
	for name, g := range h.all {
		if g.here > enough {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// enter waits for the domain's turn; leave ends it. The empty one is ourselves, and
// has no gate.
func (h *hosts) enter(ctx context.Context, host string) (*hostGate, error) {
	if host == "" {
		return nil, nil
	}
	h.mu.Lock()
	g := h.gate(host)
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
func (h *hosts) learn(v *feeds.Visit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v.Busy != "" { // it may be another's, that a redirect led to
		h.gate(v.Busy).busy = v.BusyUntil
	}
	host := v.Due.Source.Host()
	var timeout net.Error
	if errors.As(v.Err, &timeout) && timeout.Timeout() && host != "" { // a document that drips costs as much as none
		h.silent[host]++
	} else {
		delete(h.silent, host)
	}
}

// willing says whether the source is to be asked now: not while its domain is busy, and
// not when its host was silent, which is an error of all its sources.
func (h *hosts) willing(g *hostGate, s *feeds.Source, now time.Time) (bool, error) {
	if g == nil {
		return true, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if host := s.Host(); h.silent[host] >= silentVisits {
		return true, fmt.Errorf("%s did not answer in time for %d others of its sources just before, and was not asked again", host, h.silent[host])
	}
	return g.busy.IsZero() || !now.Before(g.busy), nil
}
