package xmpp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"orrery/feeds"
)

// Reconcile makes every node there should be and puts the newest entries on it that are
// missing, the oldest first, and takes off it what belongs there no longer. It publishes
// no entry that is there: what was revised meanwhile is the outbox's to say. Of entries
// it holds ids only. An entry that cannot be published is reported and passed over.
func (p *Publisher) Reconcile(ctx context.Context) error {
	nodes, err := p.o.Source.Nodes(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range nodes {
		if err := p.reconcile(ctx, n); err != nil {
			errs = append(errs, fmt.Errorf("node %s: %w", n.Name, err))
		}
		if ctx.Err() != nil || errors.Is(errors.Join(errs...), ErrOffline) {
			break // all others would say the same
		}
	}
	return errors.Join(errs...)
}

func (p *Publisher) reconcile(ctx context.Context, n Node) error {
	if err := p.ensure(ctx, n.Name); err != nil {
		return err
	}
	ids, err := p.o.Component.ItemIDs(ctx, n.Name)
	if err != nil {
		return err
	}
	d, err := p.difference(ctx, n, ids)
	if err != nil {
		return err
	}
	for _, id := range d.surplus {
		if err := p.retract(ctx, n.Name, id); err != nil {
			return err
		}
		if err := p.pace(ctx); err != nil {
			return err
		}
	}
	return p.fill(ctx, n, d)
}

// difference is between what is on a node and what belongs there.
type difference struct {
	missing []Post   // the newest first
	among   int      // how many of missing are newer than the newest that is there
	there   []Post   // what stays, the newest first
	surplus []string // ids of ours that belong there no longer
}

// difference walks over the newest entries, and on over the older ones only as long as
// there are items on the node that are none of those: what has become old is no mistake,
// and no subscriber shall see it vanish.
func (p *Publisher) difference(ctx context.Context, n Node, ids []string) (difference, error) {
	var d difference
	unknown := make(map[string]bool, len(ids))
	for _, id := range ids {
		if isItemID(id) {
			unknown[id] = true
		}
	}
	most := n.keep()
	p.mu.Lock()
	if room, ok := p.room[n.Name]; ok {
		most = min(most, room)
	}
	p.mu.Unlock()
	seen := make(map[string]bool, most)
	for post, err := range p.o.Source.Posts(ctx, n.Name) {
		if err != nil {
			return d, err
		}
		if len(seen) >= most && len(unknown) == 0 {
			break
		}
		id := p.itemID(post)
		switch {
		case id == "" || seen[id]:
			continue
		case unknown[id]:
			delete(unknown, id)
			d.there = append(d.there, post)
		case len(seen) < most:
			d.missing = append(d.missing, post)
		}
		if len(d.there) == 0 {
			d.among = len(d.missing)
		}
		if len(seen) < most {
			seen[id] = true
		}
	}
	for _, id := range ids { // in the order of the service
		if unknown[id] {
			d.surplus = append(d.surplus, id)
		}
	}
	return d, nil
}

func (p *Publisher) itemID(post Post) string {
	atomID := p.o.Planet.EntryID(&feeds.Entry{ID: post.ID, GUID: post.GUID})
	if atomID == "" {
		return ""
	}
	return ItemID(atomID)
}

func (p *Publisher) pace(ctx context.Context) error { return pause(ctx, max(p.o.Pace, 0)) }

// fill publishes what is missing, the oldest first, so that the newest is the last to
// come.
//
// A node may hold less than we want. Then every old item that is put back drives a newer
// one out, without end; so after the first one fill looks whether the node has grown.
func (p *Publisher) fill(ctx context.Context, n Node, d difference) error {
	var failed []error
	tried := len(d.there) == 0
	published := 0
	for i := len(d.missing) - 1; i >= 0; i-- {
		done, err := p.publishPost(ctx, n.Name, d.missing[i])
		if err != nil && Temporary(err) {
			return errors.Join(append(failed, err)...)
		}
		failed = append(failed, err)
		if err := p.pace(ctx); err != nil {
			return err
		}
		if !done {
			continue
		}
		published++
		if !tried && i >= d.among {
			tried = true
			full, err := p.full(ctx, n, d, d.missing[i])
			if err != nil {
				return err
			}
			if full {
				i = d.among
			}
		}
	}
	if len(d.there) == 0 && published > 0 {
		failed = append(failed, p.measure(ctx, n, published))
	}
	return errors.Join(failed...)
}

func (p *Publisher) publishPost(ctx context.Context, node string, post Post) (bool, error) {
	return p.publish(ctx, node, func() (*feeds.Entry, error) { return p.o.Source.Entry(ctx, node, post) })
}

// full says that the node has not grown by the item of old; then it takes that off
// again and puts back what it drove out.
func (p *Publisher) full(ctx context.Context, n Node, d difference, old Post) (bool, error) {
	ids, err := p.o.Component.ItemIDs(ctx, n.Name)
	if err != nil {
		return false, err
	}
	gone := slices.DeleteFunc(slices.Clone(d.there), func(post Post) bool { return slices.Contains(ids, p.itemID(post)) })
	if len(gone) == 0 && slices.Contains(ids, p.itemID(old)) {
		return false, nil
	}
	p.limit(n, len(d.there))
	if err := p.retract(ctx, n.Name, p.itemID(old)); err != nil {
		return true, err
	}
	for _, post := range gone {
		if _, err := p.publishPost(ctx, n.Name, post); err != nil {
			return true, err
		}
	}
	return true, nil
}

// measure notes how many items a node holds that was empty and has been filled.
func (p *Publisher) measure(ctx context.Context, n Node, published int) error {
	ids, err := p.o.Component.ItemIDs(ctx, n.Name)
	if err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return !isItemID(id) })
	if len(ids) < published {
		p.limit(n, len(ids))
	}
	return nil
}

func (p *Publisher) limit(n Node, room int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.room[n.Name] = room
	p.o.Component.o.Log(fmt.Errorf("%s holds %d items of node %s, and %d are wanted: raise pubsub_max_items (Prosody) or max_items_node of mod_pubsub (ejabberd), and start again; until then the oldest are missing", p.o.Component.o.PubSub, room, n.Name, n.keep()))
}
