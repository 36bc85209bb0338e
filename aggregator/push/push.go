// Package push lets publishers call when they have something new, as WebSub (W3C
// Recommendation of 23 January 2018) has it: it subscribes to the hubs that feeds name,
// keeps the subscriptions alive, and takes the hubs' calls.
//
// A call means no more than: look now. What it brings is not read but to check its
// signature, since the source says the same to whoever asks it, and says it itself
// (output.md 39, 40). Whatever goes wrong here, a source is still visited as often as it
// would be otherwise.
package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"orrery/feeds"
)

// Subscription is what is known of the push of one source.
type Subscription = feeds.PushSubscription

// Store keeps subscriptions, for any number of processes.
type Store interface {
	// Of returns the subscription of a source.
	Of(ctx context.Context, source int64) (s Subscription, ok bool, err error)
	// ByID returns the subscription whose ID or NewID is id, which is never empty.
	ByID(ctx context.Context, id string) (s Subscription, ok bool, err error)
	// Save stores s whole if what is stored of the source has the same Rev, and Rev one
	// higher; with Rev 0 if there is none. Else it stores nothing and says false. With an
	// empty Hub it deletes instead. A source that is deleted takes its subscription along.
	Save(ctx context.Context, s Subscription) (saved bool, err error)
	// Due returns at most n subscriptions whose Next is not after now, the longest due
	// first, with Next set to until and Rev raised, in the store as well: of two that call
	// at once only one gets each.
	Due(ctx context.Context, now time.Time, n int, until time.Time) ([]Subscription, error)
}

// Options are what a Subscriber works with.
type Options struct {
	// Callback is where hubs call: an address that ends in a slash and leads to the
	// Subscriber's ServeHTTP. It should be https (WebSub §5.1).
	Callback string
	Store    Store
	// Visit makes a source due now, and returns before it is visited.
	Visit func(ctx context.Context, source int64) error
	// Do makes one request and follows no redirect; it is aggregator/fetch's, with the
	// address guard in it: a hub's address is what a stranger's feed says.
	Do        func(*http.Request) (*http.Response, error)
	UserAgent string
	Timeout   time.Duration // of one request to a hub. 0: 10 s
	Lease     time.Duration // that hubs are asked for. 0: 10 days
	// AllowSHA1 takes signatures that were made with SHA-1, as old hubs make them.
	AllowSHA1 bool
	MaxBody   int64         // of a call, in bytes. 0: 5 MiB
	Every     time.Duration // how often the store is asked for work. 0: a second
	Now       func() time.Time
	Log       func(error) // nil: nobody hears
}

// Subscriber subscribes and is the http.Handler of the callbacks.
type Subscriber struct {
	o    Options
	wake chan struct{}
}

// New returns a Subscriber. It subscribes and visits while Run does.
func New(o Options) (*Subscriber, error) {
	if u, ok := address(o.Callback); !ok || !strings.HasSuffix(o.Callback, "/") || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the address %q, where hubs are to call, is not one of http or https that ends in a slash", o.Callback)
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Lease <= 0 {
		o.Lease = leaseAsked
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 5 << 20
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = func(error) {}
	}
	return &Subscriber{o: o, wake: make(chan struct{}, 1)}, nil
}

// Found notes which hubs a source names, and its own address there, whenever its document
// was read (Discover); without hubs, its subscription ends. A renewal asks the hub that
// was found last (WebSub §6.1).
func (p *Subscriber) Found(ctx context.Context, source int64, hubs []string, topic string) error {
	hub := choose(hubs)
	if _, ok := address(topic); !ok {
		hub = ""
	}
	for range saves {
		s, ok, err := p.o.Store.Of(ctx, source)
		if err != nil {
			return fmt.Errorf("ask for the push of source %d: %w", source, err)
		}
		if !ok && hub == "" || ok && hub == s.Hub && topic == s.Topic {
			return nil
		}
		s.Source = source
		found(&s, hub, topic, p.o.Now())
		switch saved, err := p.o.Store.Save(ctx, s); {
		case err != nil:
			return fmt.Errorf("note the hub of source %d: %w", source, err)
		case saved:
			p.nudge()
			return nil
		}
	}
	return errConflict
}

// Run subscribes, renews and hands on calls until ctx ends.
func (p *Subscriber) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := p.Pass(ctx)
		if err != nil && ctx.Err() == nil {
			p.o.Log(err)
		}
		if n > 0 && err == nil {
			continue
		}
		timer := time.NewTimer(p.o.Every)
		select {
		case <-timer.C:
		case <-p.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// perPass is how many sources are seen to at a time.
const perPass = 8

// Pass does what is due now, a part of it if that is much, and returns how many sources
// it had to do with.
func (p *Subscriber) Pass(ctx context.Context) (int, error) {
	now := p.o.Now()
	list, err := p.o.Store.Due(ctx, now, perPass, now.Add(maxRedirects*p.o.Timeout+time.Minute))
	if err != nil {
		return 0, fmt.Errorf("ask which subscriptions are due: %w", err)
	}
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() { errs[i] = p.work(ctx, list[i]) })
	}
	wg.Wait()
	return len(list), errors.Join(errs...)
}

// work does what is due of one subscription: the visit first, which a hub asked for.
func (p *Subscriber) work(ctx context.Context, s Subscription) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("see to the push of source %d: a fault in Orrery, please report it: %v", s.Source, r)
		}
	}()
	now := p.o.Now()
	if !s.Look.IsZero() && !s.Look.After(now) {
		err := p.o.Visit(ctx, s.Source)
		if err != nil {
			return fmt.Errorf("visit source %d: %w", s.Source, err) // its time comes again
		}
	}
	id, secret := newID(), newID()
	asking := false
	stored, err := p.change(ctx, s, func(x *Subscription) {
		if x.Look.Equal(s.Look) && !x.Look.After(now) {
			looked(x, now)
		}
		asking = ask(x, id, secret, now)
	})
	if err != nil || !asking {
		return err
	}
	// It is stored before the hub hears of it, which may call back before it answers.
	failure := p.subscribe(ctx, stored)
	if failure == nil || ctx.Err() != nil {
		return nil
	}
	_, err = p.change(ctx, stored, func(x *Subscription) {
		if x.NewID == id {
			refused(x, failure.Error(), p.o.Now())
		}
	})
	return err
}

// change applies a change to s, which others may have changed since it was read. What it
// returns is as stored but for Rev.
func (p *Subscriber) change(ctx context.Context, s Subscription, apply func(*Subscription)) (Subscription, error) {
	for range saves {
		apply(&s)
		schedule(&s)
		if saved, err := p.o.Store.Save(ctx, s); saved || err != nil {
			return s, err
		}
		fresh, ok, err := p.o.Store.Of(ctx, s.Source)
		if err != nil || !ok {
			return s, err
		}
		s = fresh
	}
	return s, fmt.Errorf("note the push of source %d: %w", s.Source, errConflict)
}

// saves is how often a change is tried that others come between.
const saves = 8

var errConflict = errors.New("others keep changing the subscription")

func (p *Subscriber) nudge() {
	select {
	case p.wake <- struct{}{}:
	default: // it is awake
	}
}
