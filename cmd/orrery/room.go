package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
	"orrery/feeds/publish"
	"orrery/feeds/publish/xmpp"
)

// room is the planet in the XMPP network: a listener, and what keeps its nodes the same as
// the store.
type room struct {
	pl        *planet
	planet    feeds.Planet
	nodes     []xmpp.Node
	category  map[string]string // of a node, by its name; "": all entries
	component *xmpp.Component
	publisher *xmpp.Publisher
	log       func(error)
	held      atomic.Bool // the connection is this process's
	told      atomic.Bool // once has come as far as to tell
}

// xmppNodes are the addresses of the nodes, by the slugs of what is on them.
func (pl *planet) xmppNodes() map[string]string {
	x := pl.config.XMPP
	if x.Component == "" {
		return nil
	}
	nodes := map[string]string{}
	for _, n := range x.Nodes {
		if _, ok := nodes[n.Category]; !ok {
			nodes[n.Category] = xmpp.URI(x.PubSub, n.Name, "")
		}
	}
	return nodes
}

func newRoom(pl *planet, log func(error)) (*room, error) {
	x := pl.config.XMPP
	r := &room{pl: pl, planet: pl.describe(), category: map[string]string{}, log: log}
	titles := map[string]string{}
	for _, c := range pl.config.Categories {
		titles[c.Slug] = c.Title
	}
	for _, n := range x.Nodes {
		title, about := pl.config.Planet.Title, pl.config.Planet.Description
		if n.Category != "" {
			name := titles[n.Category]
			if name == "" {
				name = n.Category
			}
			title, about = name+" – "+title, "Posts about "+name+" on "+title+"."
		}
		r.nodes = append(r.nodes, xmpp.Node{Name: n.Name, Title: title, Description: about, Keep: x.Keep})
		r.category[n.Name] = n.Category
	}
	var err error
	r.component, err = xmpp.New(xmpp.Options{
		Name: x.Component, Secret: x.Secret, Server: x.Server, PubSub: x.PubSub, Title: pl.config.Planet.Title, Dial: fetch.Dial, Log: log,
	})
	if err != nil {
		return nil, err
	}
	r.publisher = xmpp.NewPublisher(xmpp.PublisherOptions{Planet: &r.planet, Component: r.component, Source: r})
	return r, nil
}

// Name is that of a listener.
func (r *room) Name() string { return xmppListener }

// connected says that this process has the connection, and that it stands.
func (r *room) connected() bool { return r.held.Load() && r.component.Connected() > 0 }

// A process that has the connection says so again while half of connectionLease is left.
const connectionLease = 30 * time.Second

// run connects while it is this process's turn, since there may be one connection only:
// ejabberd shares the answers out among several.
func (r *room) run(ctx context.Context) {
	for ctx.Err() == nil {
		r.hold(ctx, func(ctx context.Context) error { return r.publisher.Run(ctx) })
		select { // and then it is somebody else's first
		case <-time.After(connectionLease / 2):
		case <-ctx.Done():
		}
	}
}

// once is run for a program that does not stay: with the connection it makes the nodes
// what they should be, and tells what is owed.
func (r *room) once(ctx context.Context, tell func(ctx context.Context) error) (err error) {
	err = errors.New("another process has the XMPP connection, and tells what is owed there")
	r.hold(ctx, func(ctx context.Context) error {
		wait, cancel := context.WithTimeout(ctx, connectionLease/2)
		defer cancel()
		if _, offline := r.component.Online(wait, 0); offline != nil {
			err = fmt.Errorf("the XMPP server at %s was not reached within %s", r.pl.config.XMPP.Server, connectionLease/2)
			return err
		}
		r.told.Store(true)
		err = errors.Join(r.publisher.Reconcile(ctx), tell(ctx))
		return err
	})
	return err
}

// hold takes the connection, if it is nobody else's, and keeps it while the work is done:
// until that ends, the turn or the server is lost, or ctx ends.
func (r *room) hold(ctx context.Context, work func(ctx context.Context) error) {
	turn := func(ctx context.Context) bool {
		ok, err := r.pl.store.Turn(ctx, xmppListener, time.Now().Add(connectionLease))
		if err != nil && ctx.Err() == nil {
			r.log(fmt.Errorf("ask whose the XMPP connection is: %w", err))
		}
		return ok && err == nil
	}
	if !turn(ctx) {
		return
	}
	held, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.component.Run(held); err != nil {
			r.log(err)
		}
	})
	r.held.Store(true)
	wg.Go(func() {
		defer cancel()
		if err := work(held); err != nil && held.Err() == nil {
			r.log(err)
		}
	})
	for stood := time.Now(); held.Err() == nil; {
		select {
		case <-time.After(connectionLease / 3):
		case <-held.Done():
			continue
		}
		if r.component.Connected() > 0 {
			stood = time.Now()
		}
		if time.Since(stood) >= connectionLease || !turn(held) { // another process may reach the server
			break
		}
	}
	r.held.Store(false)
	cancel()
	wg.Wait()
	back, done := context.WithTimeout(context.WithoutCancel(ctx), connectionLease)
	defer done()
	_, _ = r.pl.store.Turn(back, xmppListener, time.Now()) // else it is over soon enough
}

// Send tells of items one after the other. What cannot be published is one item's failure
// only; whatever else happens is the server's.
func (r *room) Send(ctx context.Context, items []feeds.Item) (taken int, err error) {
	for i, item := range items {
		d := xmpp.Delivery{Event: xmpp.Event(item.Event), Entry: item.Entry}
		d.AtomID = r.planet.EntryID(&feeds.Entry{ID: item.Key, GUID: item.GUID})
		for _, n := range r.nodes {
			if item.Entry != nil && r.belongs(item.Entry, n.Name) {
				d.Nodes = append(d.Nodes, n.Name)
			} else if item.Event != publish.New {
				d.Before = append(d.Before, n.Name)
			}
		}
		if err := r.publisher.Deliver(ctx, d); err != nil {
			if !xmpp.Temporary(err) {
				err = refusedError{err}
			}
			return i, err
		}
	}
	return len(items), nil
}

// refusedError is about one item.
type refusedError struct{ error }

func (refusedError) Refused() bool   { return true }
func (e refusedError) Unwrap() error { return e.error }

func (r *room) belongs(e *feeds.Entry, node string) bool {
	slug, ok := r.category[node]
	return ok && (slug == "" || slices.ContainsFunc(e.Categories, func(c feeds.CategoryName) bool { return c.Slug == slug }))
}

// Nodes are those of the configuration.
func (r *room) Nodes(context.Context) ([]xmpp.Node, error) { return r.nodes, nil }

// postsAtOnce is how many entries are read at once to compare a node with.
const postsAtOnce = 100

// Posts are the entries that belong on a node, the newest first.
func (r *room) Posts(ctx context.Context, node string) iter.Seq2[xmpp.Post, error] {
	return func(yield func(xmpp.Post, error) bool) {
		q := feeds.Query{Category: r.category[node], Limit: postsAtOnce}
		for {
			list, err := r.pl.store.Entries(ctx, q)
			if err != nil {
				yield(xmpp.Post{}, err)
				return
			}
			for i := range list {
				if !yield(xmpp.Post{ID: list[i].ID, GUID: list[i].GUID}, nil) {
					return
				}
			}
			if len(list) < q.Limit {
				return
			}
			q.After = &list[len(list)-1]
		}
	}
}

// Entry is the entry of a Post, if it still belongs on the node.
func (r *room) Entry(ctx context.Context, node string, p xmpp.Post) (*feeds.Entry, error) {
	e, err := r.pl.entry(ctx, p.ID)
	if err != nil || e == nil || !r.belongs(e, node) {
		return nil, err
	}
	return e, nil
}

var _ publish.Publisher = (*room)(nil)
