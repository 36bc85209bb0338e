package xmpp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"orrery/feeds"
)

// Source is what the Publisher needs to know of the entries. One entry may be on
// several nodes.
type Source interface {
	// Nodes are all there should be.
	Nodes(ctx context.Context) ([]Node, error)
	// Posts are the entries that belong on a node, the newest first, all of them if
	// nobody breaks off. An error ends them.
	Posts(ctx context.Context, node string) iter.Seq2[Post, error]
	// Entry is the entry of a Post, nil if by now it is withdrawn or belongs on the
	// node no more.
	Entry(ctx context.Context, node string, p Post) (*feeds.Entry, error)
}

// Post is what is enough to know an entry by: feeds.Entry.ID and .GUID, as stored.
type Post struct{ ID, GUID string }

// Event is what happened to an entry.
type Event string

// What happens to entries. EntryNew and EntryRevised are told in the same way, so that
// either may come twice or stand for the other.
const (
	EntryNew       Event = "new"
	EntryRevised   Event = "revised"
	EntryWithdrawn Event = "withdrawn"
)

// Delivery is one piece of news: of an entry, to all the nodes it concerns.
type Delivery struct {
	Event  Event
	Entry  *feeds.Entry // nil if it is withdrawn
	AtomID string       // feeds.Planet.EntryID of it; of one that is withdrawn it must be said
	Nodes  []string     // names of the nodes it belongs on now
	Before []string     // and of those it was on: it is taken off those that it has left
}

// PublisherOptions say what a Publisher works with.
type PublisherOptions struct {
	Planet    *feeds.Planet
	Component *Component
	Source    Source
	// Pace is the time between two items when a node is filled, so that neither the
	// server nor the subscribers drown; 0: a tenth of a second. Negative: none.
	Pace time.Duration
	// Retry is how long Run waits before it goes over the nodes again after an error;
	// 0: a minute.
	Retry time.Duration
}

// Publisher keeps what is on the nodes the same as what belongs there.
type Publisher struct {
	o PublisherOptions
	// item is held from reading an entry to its publication: otherwise a withdrawal in
	// between would be undone.
	item sync.Mutex

	mu    sync.Mutex
	ready map[string]int // number of the connection over which a node was set up
	room  map[string]int // how many items a node holds, where that turned out to be few
}

// NewPublisher returns a Publisher. It does nothing until it is told to.
func NewPublisher(o PublisherOptions) *Publisher {
	if o.Pace == 0 {
		o.Pace = time.Second / 10
	}
	if o.Retry == 0 {
		o.Retry = time.Minute
	}
	return &Publisher{o: o, ready: map[string]int{}, room: map[string]int{}}
}

// Run reconciles once after every connection, until ctx ends. Errors go to the
// component's log.
func (p *Publisher) Run(ctx context.Context) error {
	for number := 0; ; {
		var err error
		if number, err = p.o.Component.Online(ctx, number); err != nil {
			return nil // as asked
		}
		for again := true; again; {
			if err = p.Reconcile(ctx); err != nil && ctx.Err() == nil {
				p.o.Component.o.Log(fmt.Errorf("compare the nodes with the entries: %w", err))
			}
			again = Temporary(err) && p.waitOnline(ctx, number)
		}
	}
}

// waitOnline waits for the time of another try, and says that there is still the
// connection to try it over.
func (p *Publisher) waitOnline(ctx context.Context, number int) bool {
	wait, cancel := context.WithTimeout(ctx, p.o.Retry)
	defer cancel()
	_, err := p.o.Component.Online(wait, number)
	return err != nil && ctx.Err() == nil && p.o.Component.Connected() == number
}

// Deliver brings one piece of news to all its nodes. It may be called again with the
// same, and should be if the error is Temporary.
func (p *Publisher) Deliver(ctx context.Context, d Delivery) error {
	leave := slices.Clone(d.Before)
	var errs []error
	if d.Event == EntryWithdrawn || d.Entry == nil {
		leave = append(leave, d.Nodes...)
		d.Nodes = nil
	}
	for _, node := range d.Nodes {
		_, err := p.publish(ctx, node, func() (*feeds.Entry, error) { return d.Entry, nil })
		errs = append(errs, err)
	}
	atomID := d.AtomID
	if atomID == "" && d.Entry != nil {
		atomID = p.o.Planet.EntryID(d.Entry)
	}
	if atomID == "" {
		return errors.Join(append(errs, &ItemError{Node: strings.Join(leave, ", "), Err: errors.New("nobody knows its atom:id")})...)
	}
	slices.Sort(leave)
	for _, node := range slices.Compact(leave) {
		if !slices.Contains(d.Nodes, node) {
			errs = append(errs, p.retract(ctx, node, ItemID(atomID)))
		}
	}
	return errors.Join(errs...)
}

// publish sets the node up if that has not been done since we are connected, and
// publishes the entry, if there is one; it returns whether it did.
func (p *Publisher) publish(ctx context.Context, node string, load func() (*feeds.Entry, error)) (bool, error) {
	if err := p.ensure(ctx, node); err != nil {
		return false, err
	}
	p.item.Lock()
	defer p.item.Unlock()
	e, err := load()
	if err != nil || e == nil {
		return false, err
	}
	id, payload, err := Item(p.o.Planet, e, p.o.Component.o.PubSub, node)
	if err != nil {
		return false, &ItemError{Node: node, Err: err}
	}
	err = p.o.Component.Publish(ctx, node, id, payload)
	if hasCondition(err, "item-not-found") { // somebody has deleted the node: next time it is made again
		p.mu.Lock()
		delete(p.ready, node)
		p.mu.Unlock()
	}
	return err == nil, err
}

func (p *Publisher) retract(ctx context.Context, node, id string) error {
	p.item.Lock()
	defer p.item.Unlock()
	return p.o.Component.Retract(ctx, node, id)
}

// ensure sets the node up, once a connection: ejabberd makes a node of its own, without
// our settings, when something is published on one that is not there.
func (p *Publisher) ensure(ctx context.Context, name string) error {
	number := p.o.Component.Connected()
	p.mu.Lock()
	done := number > 0 && p.ready[name] == number
	p.mu.Unlock()
	if done {
		return nil
	}
	nodes, err := p.o.Source.Nodes(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return &ItemError{Node: name, Err: errors.New("there should be no such node")}
	}
	if err := p.o.Component.EnsureNode(ctx, nodes[i]); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready[name] = number
	return nil
}
