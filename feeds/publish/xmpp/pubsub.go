package xmpp

import (
	"context"
	"encoding/xml"
	"fmt"
	"strconv"
)

const (
	pubsubSpace = "http://jabber.org/protocol/pubsub"
	ownerSpace  = "http://jabber.org/protocol/pubsub#owner"
	rsmSpace    = "http://jabber.org/protocol/rsm"
)

// ask marshals the payload of a question to the PubSub service.
func (c *Component) ask(ctx context.Context, typ string, payload any) (*Element, error) {
	b, err := xml.Marshal(payload)
	if err != nil {
		return nil, err
	}
	return c.IQ(ctx, c.o.PubSub, typ, b)
}

type pubsubItem struct {
	ID      string `xml:"id,attr"`
	Payload []byte `xml:",innerxml"`
}

type publishQuery struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/pubsub pubsub"`
	Publish struct {
		Node string     `xml:"node,attr"`
		Item pubsubItem `xml:"item"`
	} `xml:"publish"`
}

// Publish puts an item on a node, in the place of the one that has its id, if any
// (XEP-0060 §7.1). The payload is one element. If the error is not Temporary, it is the
// item that cannot be published.
//
// One item is under way at a time: if the connection breaks over it, there is no doubt
// over which.
func (c *Component) Publish(ctx context.Context, node, id string, payload []byte) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := wellFormed(payload); err != nil { // exactly one element, XEP-0060 §7.1.3.6
		return blame(err, node, id)
	}
	var q publishQuery
	q.Publish.Node, q.Publish.Item = node, pubsubItem{id, payload}
	_, err := c.ask(ctx, "set", q)
	return blame(err, node, id)
}

type retractQuery struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/pubsub pubsub"`
	Retract struct {
		Node   string     `xml:"node,attr"`
		Notify bool       `xml:"notify,attr"`
		Item   pubsubItem `xml:"item"`
	} `xml:"retract"`
}

// Retract takes an item off a node and lets its subscribers know (XEP-0060 §7.2). That
// it is not there, or the node is not, is as good.
func (c *Component) Retract(ctx context.Context, node, id string) error {
	var q retractQuery
	q.Retract.Node, q.Retract.Notify, q.Retract.Item.ID = node, true, id
	_, err := c.ask(ctx, "set", q)
	if err == nil || hasCondition(err, "item-not-found") {
		return nil
	}
	return fmt.Errorf("retract item %s from node %s: %w", id, node, err)
}

type itemsQuery struct {
	XMLName xml.Name  `xml:"http://jabber.org/protocol/disco#items query"`
	Node    string    `xml:"node,attr"`
	Set     *rsmQuery `xml:"http://jabber.org/protocol/rsm set"`
}

type rsmQuery struct {
	Max   int    `xml:"max"`
	After string `xml:"after"`
}

// ItemIDs are the ids of the items on a node, in the order of the service (XEP-0060
// §5.5), none for a node that is not there. A service that answers in pages
// (XEP-0059) is asked for all of them.
func (c *Component) ItemIDs(ctx context.Context, node string) ([]string, error) {
	const page, most = 500, 100_000
	var ids []string
	seen := map[string]bool{}
	for q := (itemsQuery{Node: node}); ; {
		e, err := c.ask(ctx, "get", q)
		switch {
		case hasCondition(err, "item-not-found"):
			return ids, nil // on a later page: what it was to come after is gone
		case err != nil:
			return nil, fmt.Errorf("list the items of node %s: %w", node, err)
		case e == nil:
			return ids, nil
		}
		before := len(ids)
		for _, item := range e.Children {
			// What has a node of its own is a node below this one (XEP-0060 §5.2).
			if id := item.Attr("name"); item.Name.Local == "item" && id != "" && item.Attr("node") == "" && !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
		set := e.Child(rsmSpace, "set")
		count, err := strconv.Atoi(set.Child(rsmSpace, "count").text())
		last := set.Child(rsmSpace, "last").text()
		if last == "" || err == nil && count <= len(ids) || len(ids) == before || len(ids) > most {
			return ids, nil
		}
		q.Set = &rsmQuery{page, last}
	}
}
