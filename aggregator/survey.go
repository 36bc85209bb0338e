package aggregator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// LeftAlone is why a source was not asked: its host said just before that it is asked
// too often.
type LeftAlone struct {
	Host  string
	Until time.Time
}

func (e *LeftAlone) Error() string {
	return fmt.Sprintf("%s said that it is asked too often, and is left alone until %s", e.Host, e.Until.Format(time.RFC3339))
}

// Survey looks at sources as politely as a pass: so many at once, so many of one host,
// with the pause between them, and none of a host that has enough or does not answer.
// It decides and stores nothing and knows nothing that is stored: whoever calls leaves
// out those that asked to be left alone before. told gets what Look returns of each,
// or a *LeftAlone, one at a time and in no order.
func (a *Aggregator) Survey(ctx context.Context, list []feeds.Source, told func(s *feeds.Source, r fetch.Response, err error)) {
	s := &survey{Aggregator: a, hosts: newHosts(a.PerHost, a.Pause), running: make(chan struct{}, a.Concurrency), told: told}
	var all sync.WaitGroup
	for i := range list {
		all.Go(func() { s.turn(ctx, &list[i]) })
	}
	all.Wait()
}

// survey is the state of one Survey.
type survey struct {
	*Aggregator
	hosts   *hosts
	running chan struct{}
	telling sync.Mutex
	told    func(s *feeds.Source, r fetch.Response, err error)
}

func (s *survey) tell(source *feeds.Source, r fetch.Response, err error) {
	s.telling.Lock()
	defer s.telling.Unlock()
	s.told(source, r, err)
}

// turn waits for the source's turn, looks at it, and tells.
func (s *survey) turn(ctx context.Context, source *feeds.Source) {
	gate, err := s.hosts.enter(ctx, source.Domain())
	if err != nil {
		s.tell(source, fetch.Response{}, err)
		return
	}
	asked := false
	defer func() { s.hosts.leave(gate, asked) }()
	select {
	case s.running <- struct{}{}:
		defer func() { <-s.running }()
	case <-ctx.Done():
		s.tell(source, fetch.Response{}, ctx.Err())
		return
	}
	if err := s.hosts.refuses(gate, source, s.Now()); err != nil {
		s.tell(source, fetch.Response{}, err)
		return
	}
	asked = true
	s.askAndTell(ctx, source)
}

// askAndTell asks, and reads when there is room for the document.
func (s *survey) askAndTell(ctx context.Context, source *feeds.Source) {
	r, err := s.ask(ctx, feeds.Due{Source: *source})
	v := feeds.Visit{Due: feeds.Due{Source: *source}, Status: r.Status, Err: err}
	v.Busy, v.BusyUntil = busy(s.Now(), &r, err)
	if !errors.Is(err, fetch.ErrTurn) {
		s.hosts.learn(&v)
	}
	weight := min(int64(len(r.Body)), bytesAtOnce)
	if full := s.bytes.Acquire(ctx, weight); full != nil {
		s.tell(source, fetch.Response{}, full)
		return
	}
	defer s.bytes.Release(weight)
	if err == nil {
		err = s.read(source, &r)
	}
	s.tell(source, r, err)
}

// refuses says why the host is not to be asked now; nil: it may be.
func (h *hosts) refuses(g *hostGate, source *feeds.Source, now time.Time) error {
	willing, silence := h.willing(g, source, now)
	if willing {
		return silence
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return &LeftAlone{g.name, g.busy}
}
