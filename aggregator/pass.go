package aggregator

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"orrery/feeds"
)

// pass is the state of one Refresh.
type pass struct {
	*Aggregator
	hosts   *hosts
	running chan struct{}
	left    chan struct{} // a visit is done with
	mu      sync.Mutex
	summary Summary
}

// claim claims and starts visits until nobody is due any more.
func (p *pass) claim(ctx context.Context, g *errgroup.Group, claimed chan struct{}, want func(n int) feeds.Want) error {
	var last *feeds.Source
	for {
		n := acquire(ctx, claimed, p.Concurrency)
		if n == 0 {
			return nil // the context ended; the group knows why
		}
		w := want(n)
		late := w.Now.After(w.Start.Add(w.Lease / 2))
		w.PerHost, w.Crowded = p.PerHost+1, p.hosts.crowded(late) // one waits while others are visited
		w.After = last
		due, err := p.Store.Claim(ctx, w)
		for range n - len(due) {
			<-claimed
		}
		switch {
		case errors.Is(err, feeds.ErrBeside):
			if late {
				return nil
			}
			if rest(ctx, p.beside) != nil {
				return nil
			}
		case err != nil:
			return err
		case len(due) > 0:
			last = &due[len(due)-1].Source
			p.start(ctx, g, due, claimed, w.Now.Add(w.Lease/2))
		case last != nil: // once more from the beginning, where some were passed over
			last = nil
		case len(w.Crowded) == 0, late: // whoever is left comes with the next pass, which nobody shall wait for
			return nil
		default: // the others wait for hosts that have their hands full
			select {
			case <-p.left:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// start begins the visits of claimed sources.
func (p *pass) start(ctx context.Context, g *errgroup.Group, due []feeds.Due, claimed chan struct{}, until time.Time) {
	for _, d := range due {
		host := d.Source.Domain()
		p.hosts.expect(host)
		g.Go(func() error {
			defer func() {
				p.hosts.gone(host)
				<-claimed
				select {
				case p.left <- struct{}{}:
				default: // somebody was told already
				}
			}()
			return p.turn(ctx, d, until)
		})
	}
}

// besidePause is how long a pass waits when others were claiming all that is due. Who has
// many of them may be at it for seconds.
const besidePause = time.Second

// gather is how long a claim waits for further places to become free: each claim is
// a transaction, and one for many sources costs little more than for one.
const gather = 25 * time.Millisecond

// acquire waits for one place in the channel, and a moment for up to n.
func acquire(ctx context.Context, places chan struct{}, n int) int {
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	t := time.NewTimer(gather)
	defer t.Stop()
	for got := 1; got < n; got++ {
		select {
		case places <- struct{}{}:
		case <-t.C:
			return got
		}
	}
	return n
}

// turn waits for the source's turn, visits it, and counts. After until there is
// too little left of the lease: the claim is given back, and whoever claims next
// gets the source.
func (p *pass) turn(ctx context.Context, d feeds.Due, until time.Time) error {
	gate, err := p.hosts.enter(ctx, d.Source.Domain())
	if err != nil {
		return p.giveBack(ctx, d, false)
	}
	asked := false
	defer func() { p.hosts.leave(gate, asked) }()
	select {
	case p.running <- struct{}{}:
		defer func() { <-p.running }()
	case <-ctx.Done():
		return p.giveBack(ctx, d, false)
	}
	willing, silence := p.hosts.willing(gate, &d.Source, p.Now())
	if !willing || p.Now().After(until) {
		return p.giveBack(ctx, d, false)
	}
	asked = silence == nil
	p.begin(&d.Source)
	defer p.finish(&d.Source)
	v, tally, err := p.visit(ctx, d, silence)
	switch {
	case err == nil: // it was stored, even if the pass was ended meanwhile
		if asked {
			p.hosts.learn(&v)
		}
		p.count(v, tally)
		return nil
	case ctx.Err() != nil:
		return p.giveBack(ctx, d, asked)
	case errors.Is(err, errNoTurn) && len(v.Answer.Hops) > 0:
		return nil // its host was asked and is not to be asked again in this pass: the lease runs out
	case errors.Is(err, errNoTurn): // which took a while: it is not claimed again at once
		asked = false
		return p.giveBack(ctx, d, false)
	case errors.Is(err, feeds.ErrLeaseLost):
		return nil // whoever has the source now tells what became of it
	}
	_ = p.giveBack(ctx, d, asked) // if the store is well again; else the lease runs out
	return err
}

// giveBack releases a claim when the pass is ended, so that the source does not
// wait for the lease to run out. Its host, if it was asked, has its pause all the same, from
// whomever (fetching.md 35).
func (p *pass) giveBack(ctx context.Context, d feeds.Due, asked bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var at time.Time
	if asked {
		at = p.rest(&d.Source)
	}
	return p.Store.Release(ctx, d, at)
}

func (p *pass) count(v feeds.Visit, tally feeds.Tally) {
	p.mu.Lock()
	p.summary.Sources++
	p.summary.Add(tally)
	switch {
	case v.Outcome == feeds.Failed || v.Outcome == feeds.Gone:
		p.summary.Failed++
	case tally.Zero():
		p.summary.Unchanged++
	}
	p.mu.Unlock()
	if p.Observe != nil {
		p.observing.Lock()
		defer p.observing.Unlock()
		p.Observe(v, tally)
	}
}
