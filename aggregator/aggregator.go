// Package aggregator visits sources: it claims who is due, fetches, reads,
// decides what is new and commits it, one visit at a time, many at once.
//
// Deciding is pure (decide.go, schedule.go); only visit.go does I/O.
package aggregator

import (
	"cmp"
	"context"
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
	// Claim leases sources that are due, none if all are somebody's, and feeds.ErrBeside if
	// others are claiming them in the same instant; an expired lease may be claimed by
	// anybody.
	Claim(ctx context.Context, want feeds.Want) ([]feeds.Due, error)
	// Waiting counts what Claim would lease without its limit.
	Waiting(ctx context.Context, want feeds.Want) (int, error)
	// OthersEnd is when the first lease ends that other processes have of a source which
	// Claim would lease else; zero: they have none.
	OthersEnd(ctx context.Context, want feeds.Want) (time.Time, error)
	// Release gives a lease back of which no visit was stored, at that time or at once: a
	// host that was asked has its pause.
	Release(ctx context.Context, due feeds.Due, at time.Time) error
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
	Remote      bool          // visit no folders
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
	beside    time.Duration       // see besidePause

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
	return &Aggregator{Options: o, beside: besidePause, bytes: semaphore.NewWeighted(bytesAtOnce), reading: make(chan struct{}, readAtOnce())}
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
	// OthersEnd is when the first lease ends that other processes had of a source that was
	// due, when this pass found nobody else; zero: they had none.
	OthersEnd time.Time
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
		Slugs: p.Slugs, Called: p.Called, All: p.All, MinInterval: least, Remote: a.Remote,
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
	if err == nil && gctx.Err() == nil { // a lease may end while the last visits go on
		now := a.Now()
		// If it cannot be known now, the next pass will see.
		pass.summary.OthersEnd, _ = a.Store.OthersEnd(ctx, a.want(p, now, start))
	}
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
// five fields, or @every 5m), never two at once, until ctx ends. What somebody else had
// claimed and has not visited when his lease ends, he will not visit any more: then there
// is a pass, too. report is told how each went, of the latter if it had something to do.
func (a *Aggregator) Run(ctx context.Context, schedule string, report func(Summary, error)) error {
	var busy sync.Mutex
	leases := make(chan time.Time, 1)
	pass := func(scheduled bool) {
		if ctx.Err() != nil || !busy.TryLock() {
			return
		}
		defer busy.Unlock()
		s, err := a.Refresh(ctx, Pass{})
		if ctx.Err() == nil && (scheduled || s.Sources > 0 || err != nil) {
			report(s, err)
		}
		if err != nil || s.OthersEnd.IsZero() { // what a store in trouble has missed is for the schedule
			return
		}
		select {
		case <-leases: // of the pass before
		default:
		}
		leases <- s.OthersEnd
	}
	c := cron.New()
	if _, err := c.AddFunc(schedule, func() { pass(true) }); err != nil { // which takes no context
		return fmt.Errorf("schedule %q: %w", schedule, err)
	}
	var others sync.WaitGroup
	others.Go(func() { pass(true) })
	c.Start()
	defer others.Wait()
	lease := time.NewTimer(time.Hour)
	lease.Stop()
	defer lease.Stop()
	var notBefore time.Time
	for {
		select {
		case end := <-leases:
			now := a.Now()
			lease.Reset(max(end.Sub(now)+leaseOver, notBefore.Sub(now)))
		case <-lease.C:
			notBefore = a.Now().Add(leasePause)
			others.Go(func() { pass(false) })
		case <-ctx.Done():
			<-c.Stop().Done()
			return nil
		}
	}
}

// leaseOver is how long after the end of another's lease his sources are claimed, and
// leasePause how long after one such pass the next may be.
const (
	leaseOver  = 100 * time.Millisecond
	leasePause = 10 * time.Second
)
