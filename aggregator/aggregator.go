// Package aggregator visits sources: it claims who is due, fetches, reads,
// decides what is new and commits it, one visit at a time, many at once.
//
// Deciding is pure (decide.go, schedule.go); only visit.go does I/O.
package aggregator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// Store is what visits need of the database.
type Store interface {
	// Claim leases sources that are due, none if all are somebody's; an expired lease may
	// be claimed by anybody.
	Claim(ctx context.Context, want feeds.Want) ([]feeds.Due, error)
	// Waiting counts what Claim would lease without its limit.
	Waiting(ctx context.Context, want feeds.Want) (int, error)
	// Release gives a lease back without a visit.
	Release(ctx context.Context, due feeds.Due) error
	// LetGo shows what was held back until now.
	LetGo(ctx context.Context, now time.Time) error
	// MendClock moves times that a clock which was ahead has left behind.
	MendClock(ctx context.Context, now time.Time) error
	// Known returns what is stored under the source's GUIDs.
	Known(ctx context.Context, source int64, guids []string) (map[string]feeds.Known, error)
	// Commit stores the visit whole; feeds.ErrLeaseLost if somebody else has the source.
	Commit(ctx context.Context, v feeds.Visit) (feeds.Tally, error)
}

// Options are an Aggregator's parts and limits.
type Options struct {
	Store       Store
	Fetch       map[string]fetch.Func // by the scheme of the source's URL
	Rules       *feeds.Rules
	Now         func() time.Time
	Concurrency int           // visits at once, at least 1
	PerHost     int           // visits at once to the hosts of one domain, at least 1
	Pause       time.Duration // between two visits to them
	Intervals   Intervals
	// Lease is how long a claim holds. It must be twice as long as any visit; a
	// source that has waited half of it for its host's turn is claimed anew.
	// Default 10 minutes.
	Lease time.Duration
	// Linger is how long a visit may go on behind its answer, with documents of the past or
	// with a search for a feed that has moved: the pass waits for it. Default 30 seconds.
	Linger time.Duration
	// Observe is told of every visit that was committed, one at a time.
	Observe func(feeds.Visit, feeds.Tally)
}

// Aggregator runs passes over the sources.
type Aggregator struct {
	Options
	observing sync.Mutex
	bytes     *semaphore.Weighted // of the documents in hand
	reading   chan struct{}       // a token for each that is being read
	visits    sync.Map            // slug → *visiting

	sharing sync.Mutex
	passes  int    // under way
	hosts   *hosts // that they share
}

// shareHosts are the turns of hosts, the same for all passes that are under way: who is
// called for must not be asked beside whom the schedule asks.
func (a *Aggregator) shareHosts() (h *hosts, done func()) {
	a.sharing.Lock()
	defer a.sharing.Unlock()
	if a.passes == 0 {
		a.hosts = a.hosts.anew(a.PerHost, a.Pause)
	}
	a.passes++
	return a.hosts, func() {
		a.sharing.Lock()
		defer a.sharing.Unlock()
		a.passes--
	}
}

// visiting is a source that is being visited.
type visiting struct {
	host  string
	since time.Time
}

func (a *Aggregator) begin(s *feeds.Source) {
	a.visits.Store(s.Slug, &visiting{s.Host(), time.Now()})
}

func (a *Aggregator) finish(s *feeds.Source) { a.visits.Delete(s.Slug) }

// Slowest is the host whose visit under way has taken longest, and how long; ""
// when none is.
func (a *Aggregator) Slowest() (host string, took time.Duration) {
	now := time.Now()
	a.visits.Range(func(_, x any) bool {
		v := x.(*visiting)
		if d := now.Sub(v.since); v.host != "" && d > took {
			host, took = v.host, d
		}
		return true
	})
	return host, took
}

// New returns an Aggregator; missing limits get their defaults.
func New(o Options) *Aggregator {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Concurrency, o.PerHost = max(o.Concurrency, 1), max(o.PerHost, 1)
	o.Lease, o.Linger = cmp.Or(o.Lease, 10*time.Minute), cmp.Or(o.Linger, 30*time.Second)
	return &Aggregator{Options: o, bytes: semaphore.NewWeighted(bytesAtOnce), reading: make(chan struct{}, readAtOnce())}
}

// Pass says what a pass visits: who is due, or with All or Slugs also others
// (see feeds.Want).
type Pass struct {
	All   bool
	Slugs []string
	// Called says that somebody knows of something new there: the sources are looked at
	// however short ago they were. How often may call is the caller's business.
	Called bool
}

// Summary is what a pass did.
type Summary struct {
	feeds.Tally
	Sources, Failed, Unchanged int
	Took                       time.Duration
}

func (s Summary) String() string {
	sources := "sources"
	if s.Sources == 1 {
		sources = "source"
	}
	withdrawn := ""
	if s.Withdrawn > 0 { // rare, and nothing to overlook
		withdrawn = fmt.Sprintf("%d withdrawn, ", s.Withdrawn)
	}
	return fmt.Sprintf("%d %s: %d new, %d revised, %d duplicate, %s%d failed, %d unchanged in %.1fs",
		s.Sources, sources, s.New, s.Revised, s.Duplicate, withdrawn, s.Failed, s.Unchanged, s.Took.Seconds())
}

// Waiting is how many sources a pass would visit now.
func (a *Aggregator) Waiting(ctx context.Context, p Pass) (int, error) {
	now := a.Now()
	return a.Store.Waiting(ctx, a.want(p, now, now))
}

func (a *Aggregator) want(p Pass, now, start time.Time) feeds.Want {
	least := a.Intervals.Min
	if p.Called {
		least = 0
	}
	return feeds.Want{
		Now: now, Start: start, N: a.Concurrency, Lease: a.Lease,
		Slugs: p.Slugs, Called: p.Called, All: p.All, MinInterval: least,
	}
}

// Refresh makes one pass: every source gets at most one visit. A source's
// trouble is stored with it; the error is the store's, or the context's.
func (a *Aggregator) Refresh(ctx context.Context, p Pass) (Summary, error) {
	start := a.Now()
	if err := a.Store.MendClock(ctx, start); err != nil {
		return Summary{}, err
	}
	if err := a.Store.LetGo(ctx, start); err != nil {
		return Summary{}, err
	}
	hosts, done := a.shareHosts()
	defer done()
	pass := &pass{Aggregator: a, hosts: hosts, running: make(chan struct{}, a.Concurrency), left: make(chan struct{}, 1)}
	// Claimed sources may wait for their host's turn without keeping others
	// from theirs, but not so many that their leases run out.
	claimed := make(chan struct{}, 2*a.Concurrency)
	g, gctx := errgroup.WithContext(ctx)
	err := pass.claim(gctx, g, claimed, func(n int) feeds.Want {
		w := a.want(p, a.Now(), start)
		w.N = n
		return w
	})
	if trouble := g.Wait(); trouble != nil {
		err = trouble // the first; claiming only ended because of it
	}
	pass.summary.Took = a.Now().Sub(start)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return pass.summary, err
}

// Run makes a pass now and then one whenever the schedule says (robfig/cron's
// five fields, or @every 5m), never two at once, until ctx ends. report is told
// how each went.
func (a *Aggregator) Run(ctx context.Context, schedule string, report func(Summary, error)) error {
	// cron's jobs take no context, so they close over ours.
	job := cron.FuncJob(func() {
		if ctx.Err() != nil {
			return
		}
		s, err := a.Refresh(ctx, Pass{})
		if ctx.Err() == nil {
			report(s, err)
		}
	})
	one := cron.SkipIfStillRunning(cron.DiscardLogger)(job)
	c := cron.New()
	if _, err := c.AddJob(schedule, one); err != nil {
		return fmt.Errorf("schedule %q: %w", schedule, err)
	}
	var first sync.WaitGroup
	first.Go(one.Run)
	c.Start()
	<-ctx.Done()
	<-c.Stop().Done()
	first.Wait()
	return nil
}

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
		return p.giveBack(ctx, d)
	}
	asked := false
	defer func() { p.hosts.leave(gate, asked) }()
	select {
	case p.running <- struct{}{}:
		defer func() { <-p.running }()
	case <-ctx.Done():
		return p.giveBack(ctx, d)
	}
	willing, silence := p.hosts.willing(gate, &d.Source, p.Now())
	if !willing || p.Now().After(until) {
		return p.giveBack(ctx, d)
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
		return p.giveBack(ctx, d)
	case errors.Is(err, errNoTurn) && len(v.Answer.Hops) > 0:
		return nil // its host was asked and is not to be asked again in this pass: the lease runs out
	case errors.Is(err, errNoTurn): // which took a while: it is not claimed again at once
		asked = false
		return p.giveBack(ctx, d)
	case errors.Is(err, feeds.ErrLeaseLost):
		return nil // whoever has the source now tells what became of it
	}
	_ = p.giveBack(ctx, d) // if the store is well again; else the lease runs out
	return err
}

// giveBack releases a claim when the pass is ended, so that the source does not
// wait for the lease to run out.
func (p *pass) giveBack(ctx context.Context, d feeds.Due) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return p.Store.Release(ctx, d)
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
