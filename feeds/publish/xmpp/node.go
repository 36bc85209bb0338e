package xmpp

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
)

// SocialFeed is the type of our nodes (XEP-0472, the base profile).
const SocialFeed = "urn:xmpp:pubsub-social-feed:1"

// Keep is how many items of a node are kept if nothing else is said.
const Keep = 1000

// Node is a node as it should be.
type Node struct {
	// Name is for addresses, such as planet-go; spaces and slashes in it are allowed,
	// and asking for trouble. At most 1,023 bytes (RFC 7622 §3.4).
	Name        string
	Title       string // plain text
	Description string // plain text
	// Keep is how many of the newest entries must be there; 0: 1,000. It is asked for
	// as "max", the most that the service allows (XEP-0472), and as a number from a
	// service that does not know the word.
	Keep int
	// Silent leaves the payload out of notifications, as XEP-0472 advises. Many readers
	// then show nothing, since they do not ask for it.
	Silent bool
}

func (n *Node) keep() int { return cmp.Or(max(n.Keep, 0), Keep) }

// setting is a field of a node's configuration (XEP-0060 §8.2.1), with the values that
// do, the best first.
type setting struct {
	name   string
	values []string
}

// settings are those of a social feed that everybody can read and only we write.
func (n *Node) settings() []setting {
	return []setting{
		{"pubsub#title", []string{line(n.Title)}},
		{"pubsub#description", []string{line(n.Description)}},
		{"pubsub#type", []string{SocialFeed}},
		{"pubsub#access_model", []string{"open"}},
		{"pubsub#publish_model", []string{"publishers"}},
		{"pubsub#persist_items", []string{"true"}},
		{"pubsub#max_items", []string{"max", strconv.Itoa(n.keep())}},
		{"pubsub#notify_retract", []string{"true"}},
		{"pubsub#deliver_payloads", []string{strconv.FormatBool(!n.Silent)}},
		{"pubsub#send_last_published_item", []string{"never"}},
	}
}

type form struct {
	XMLName xml.Name    `xml:"jabber:x:data x"`
	Type    string      `xml:"type,attr"`
	Fields  []formField `xml:"field"`
}

type formField struct {
	Var   string `xml:"var,attr"`
	Type  string `xml:"type,attr,omitempty"`
	Value string `xml:"value"`
}

func submission(fields ...formField) form {
	const is = "http://jabber.org/protocol/pubsub#node_config"
	return form{Type: "submit", Fields: append([]formField{{"FORM_TYPE", "hidden", is}}, fields...)}
}

type createQuery struct {
	XMLName xml.Name `xml:"http://jabber.org/protocol/pubsub pubsub"`
	Create  struct {
		Node string `xml:"node,attr"`
	} `xml:"create"`
	Configure *configuration `xml:"configure"`
}

type configuration struct {
	Form form
}

type configureQuery struct {
	XMLName   xml.Name `xml:"http://jabber.org/protocol/pubsub#owner pubsub"`
	Configure struct {
		Node string `xml:"node,attr"`
		Form *form
	} `xml:"configure"`
}

// EnsureNode makes the node, configured as it should be, or puts the configuration of
// the one that is there right. What the service does not know or allow of it is left as
// it is, and Options.Log is told.
func (c *Component) EnsureNode(ctx context.Context, n Node) error {
	var q createQuery
	q.Create.Node = n.Name
	var fields []formField
	for _, s := range n.settings() {
		fields = append(fields, formField{Var: s.name, Value: s.values[0]})
	}
	q.Configure = &configuration{submission(fields...)}
	_, err := c.ask(ctx, "set", q) // in one stanza: nobody sees it without its settings
	if hasCondition(err, "not-acceptable", "bad-request", "feature-not-implemented") {
		q.Configure = nil // something of it is refused, and nobody says what
		_, err = c.ask(ctx, "set", q)
	}
	if err != nil && !hasCondition(err, "conflict") { // XEP-0060 §8.1.2: it is there
		return c.uncreated(n.Name, err)
	}
	if err := c.configure(ctx, n); err != nil {
		return c.uncreated(n.Name, err)
	}
	return nil
}

// uncreated says what helps where we may not.
func (c *Component) uncreated(node string, err error) error {
	if hasCondition(err, "forbidden", "not-allowed", "not-authorized") {
		return fmt.Errorf("%[1]s does not let %[2]s keep node %[3]s: add admins = { %[2]q } under Component %[1]q \"pubsub\" (Prosody), or to mod_pubsub an access_createnode that allows acl: {planet: {server: %[2]s}} (ejabberd); a node that somebody else made must be deleted first: %[4]w", c.o.PubSub, c.o.Name, node, err)
	}
	if hasCondition(err, "service-unavailable", "remote-server-not-found") {
		return fmt.Errorf("there is no PubSub service at %[1]s for node %[2]s: add Component %[1]q \"pubsub\" (Prosody) or mod_pubsub (ejabberd), or correct xmpp.pubsub: %[3]w", c.o.PubSub, node, err)
	}
	return fmt.Errorf("set up node %s at %s: %w", node, c.o.PubSub, err)
}

// configure compares the node's configuration with what it should be and submits the
// difference; when that is refused as a whole, one field after the other.
func (c *Component) configure(ctx context.Context, n Node) error {
	var q configureQuery
	q.Configure.Node = n.Name
	e, err := c.ask(ctx, "get", q)
	if err != nil {
		return err
	}
	var drift []setting
	for _, s := range n.settings() {
		// ejabberd offers no title, description or type before they have been set.
		if f := offered(e, s.name); f == nil && s.values[0] != "" || f != nil && !s.met(f, n.keep()) {
			drift = append(drift, s)
		}
	}
	if len(drift) == 0 {
		return nil
	}
	var fields []formField
	for _, s := range drift {
		fields = append(fields, formField{Var: s.name, Value: s.values[0]})
	}
	if err := c.submit(ctx, n.Name, fields...); !refused(err) {
		return err
	}
	for _, s := range drift {
		var err error
		for _, v := range s.values {
			if err = c.submit(ctx, n.Name, formField{Var: s.name, Value: v}); !refused(err) {
				break
			}
		}
		switch {
		case refused(err) && offered(e, s.name) == nil: // it does not know it
		case refused(err):
			c.o.Log(fmt.Errorf("node %s: %s does not allow %s = %q: %w", n.Name, c.o.PubSub, s.name, s.values[0], err))
		case err != nil:
			return err
		}
	}
	return nil
}

func refused(err error) bool {
	return hasCondition(err, "not-acceptable", "bad-request", "feature-not-implemented", "conflict")
}

func (c *Component) submit(ctx context.Context, node string, fields ...formField) error {
	f := submission(fields...)
	var q configureQuery
	q.Configure.Node, q.Configure.Form = node, &f
	_, err := c.ask(ctx, "set", q)
	return err
}

// offered is the field of a configuration form, nil if the service has none of the name.
func offered(e *Element, name string) *Element {
	x := e.Child(ownerSpace, "configure").Child("jabber:x:data", "x")
	if x == nil {
		return nil
	}
	i := slices.IndexFunc(x.Children, func(f *Element) bool { return f.Name.Local == "field" && f.Attr("var") == name })
	if i < 0 {
		return nil
	}
	return x.Children[i]
}

// met says that the field has the value it should, or one that is as good, or that it
// cannot have it.
func (s setting) met(f *Element, keep int) bool {
	var value string
	var options []string
	for _, c := range f.Children {
		switch c.Name.Local {
		case "value":
			value = c.text()
		case "option":
			options = append(options, c.Child(c.Name.Space, "value").text())
		}
	}
	if options != nil && !slices.Contains(options, s.values[0]) {
		return true
	}
	if n, err := strconv.Atoi(value); s.name == "pubsub#max_items" && err == nil {
		return n >= keep
	}
	// XEP-0004 §3.3: 1 and 0 are booleans, too.
	is := s.values[0]
	return value == is || value == "1" && is == "true" || value == "0" && is == "false"
}
