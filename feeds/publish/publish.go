// Package publish tells the world what the outbox owes it: to every listener (a hub, a
// webhook, a command, a chat service) each change of an entry at least once, crash or
// no crash, and the changes of one entry in their order.
//
// The store writes what is owed in the transaction that changes an entry. A listener
// has a progress of its own, so that a slow or dead one holds nobody up. What is sent
// is the entry as it is now: revisions that came while nobody listened are one, and of
// an entry that is withdrawn by now its end is all that is told.
package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"orrery/feeds"
)

// What a store speaks of, which may not import this package.
type (
	// Delivery is a row of the outbox as one listener sees it.
	Delivery = feeds.Delivery
	// Item is what a listener is told: what is new of one entry.
	Item = feeds.Item
	// Settlement is what became of deliveries.
	Settlement = feeds.Settlement
)

// What happens to entries.
const (
	New       = "new"
	Revised   = "revised"
	Withdrawn = "withdrawn" // Item.Entry is nil
)

// Outbox is what is owed, with one progress for each listener.
type Outbox interface {
	// Owed returns at most n deliveries that are not settled for the listener, in the
	// order of their ids, those of one entry in the order in which they happened. While
	// one waits for its Retry after now, no later one of the same entry is returned:
	// nobody may hear of an old change after a newer one. A listener that is new owes
	// nothing of the past.
	Owed(ctx context.Context, to string, now time.Time, n int) ([]Delivery, error)
	// Settle stores what became of the deliveries to the listener, all or none: done,
	// failed once more (Tries rises), or given up. Has is kept for the entries whose
	// deliveries are done. An id that is settled already, or not known, is passed over.
	Settle(ctx context.Context, to string, ids []int64, s Settlement) error
}

// Publisher is the way to one listener.
type Publisher interface {
	// Name is what the outbox knows the listener by; another name is another listener.
	Name() string
	// Send hands the items on, in their order, and returns how many were taken, from the
	// first on. An error is about the next one; if it is the listener's trouble and not
	// that item's, it has no method Refused() bool that says true, and none of the others
	// is tried. A method RetryAt() time.Time of it says when to come back. An item may come
	// twice. Send ends when ctx does.
	Send(ctx context.Context, items []Item) (taken int, err error)
}

// Listener is a Publisher and what it wants to hear.
type Listener struct {
	Publisher
	// Categories are slugs, one of which an entry must be in; none: every entry. Of an
	// entry that leaves them the listener is told that it is withdrawn.
	Categories []string
	// Gather waits so long for more news before the first is sent. 0: not at all.
	Gather time.Duration
	// Timeout bounds one Send. 0: a minute.
	Timeout time.Duration
	// GiveUp is how long after it happened, and after ten tries, news is given up. 0:
	// seven days. Negative: never.
	GiveUp time.Duration
	// Batch is how many deliveries one Send has at most. 0: 50.
	Batch int
}

// Round is what one look at the outbox came to, for people and counters.
type Round struct {
	To                             string
	Taken, Skipped, Failed, GaveUp int   // deliveries
	Err                            error // of the listener or, with nothing counted, of the store
}

// Options are what a Loop works with.
type Options struct {
	Outbox Outbox
	// Entry loads an entry by its ID, as it is shown now; nil if it is not.
	Entry func(ctx context.Context, id string) (*feeds.Entry, error)
	// Turn says that the listener is this process's to serve until that time, so that of
	// several on one store one does: two would mix up the order. A time that has come gives
	// the turn back. nil: there are no others.
	Turn func(ctx context.Context, to string, until time.Time) (bool, error)
	// Every is how often the outbox is looked at when nobody calls Wake. 0: a second.
	Every time.Duration
	// Done hears of every round in which something was done or went wrong; nil: nobody.
	Done func(Round)
	Now  func() time.Time // nil: time.Now
}

// Loop serves all listeners.
type Loop struct {
	o    Options
	list []*worker
}

// worker serves one listener.
type worker struct {
	o    *Options
	l    Listener
	wake chan struct{}
	ours bool // the turn, as far as we know
}

// NewLoop returns a Loop over the listeners; no two of them have one name.
func NewLoop(o Options, listeners ...Listener) (*Loop, error) {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Done == nil {
		o.Done = func(Round) {}
	}
	p := &Loop{o: o}
	var names []string
	for _, l := range listeners {
		name := l.Name()
		if name == "" || slices.Contains(names, name) {
			return nil, fmt.Errorf("two listeners are called %q, or one has no name; give each another in the configuration", name)
		}
		names = append(names, name)
		if l.Timeout <= 0 {
			l.Timeout = time.Minute
		}
		if l.GiveUp == 0 {
			l.GiveUp = giveUp
		}
		if l.Batch <= 0 {
			l.Batch = 50
		}
		p.list = append(p.list, &worker{o: &p.o, l: l, wake: make(chan struct{}, 1)})
	}
	return p, nil
}

// Run serves until ctx ends, and returns when every Send has returned and what it did is
// settled.
func (p *Loop) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, w := range p.list {
		wg.Go(func() { w.run(ctx) })
	}
	wg.Wait()
}

// Wake says that something may be owed, and returns at once.
func (p *Loop) Wake() {
	for _, w := range p.list {
		select {
		case w.wake <- struct{}{}:
		default: // it has been told
		}
	}
}

// Once serves every listener until nothing is owed that can be sent now, one after the
// other, for a program that does not stay.
func (p *Loop) Once(ctx context.Context) error {
	var errs []error
	for _, w := range p.list {
		defer w.giveBack(ctx)
		for again := true; again && ctx.Err() == nil; {
			var r Round
			r, again, _ = w.round(ctx, 0)
			if r.Err != nil {
				errs = append(errs, fmt.Errorf("tell %s: %w", r.To, r.Err))
			}
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}

func (w *worker) run(ctx context.Context) {
	defer w.giveBack(ctx)
	for ctx.Err() == nil {
		_, again, pause := w.round(ctx, w.l.Gather)
		if again {
			continue
		}
		wake := w.wake
		if pause > 0 {
			wake = nil // the listener is to be left alone, whatever happens
		}
		timer := time.NewTimer(max(pause, w.o.Every))
		select {
		case <-timer.C:
		case <-wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}
