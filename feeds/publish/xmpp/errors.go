package xmpp

import (
	"errors"
	"fmt"
	"slices"
)

const (
	stanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"
	streamErrors = "urn:ietf:params:xml:ns:xmpp-streams"
	pubsubErrors = "http://jabber.org/protocol/pubsub#errors"
)

// ErrOffline is of what was asked while there was no connection. It comes with why.
var ErrOffline = errors.New("there is no connection to the XMPP server")

// errLost is of what was sent, or half sent: nobody knows whether it arrived.
var errLost = errors.New("the connection to the XMPP server broke before the answer came")

// A StanzaError is an answer that says no (RFC 6120 §8.3).
type StanzaError struct {
	From      string
	Type      string // auth, cancel, continue, modify, wait
	Condition string // forbidden, item-not-found, …
	PubSub    string // what XEP-0060 adds, such as payload-too-big; "" for nothing
	Text      string // as the server says it
}

func (e *StanzaError) Error() string {
	return e.From + " says " + e.Condition + after(", ", e.PubSub) + after(": ", e.Text)
}

// result is the payload of an answer.
func result(from string, e *Element) (*Element, error) {
	if e.Attr("type") == "result" {
		if len(e.Children) == 0 {
			return nil, nil
		}
		return e.Children[0], nil
	}
	err := &StanzaError{From: from, Condition: "undefined-condition"}
	// What was asked may stand before the error, and conditions come in any order.
	for _, c := range e.Children {
		if c.Name.Local != "error" {
			continue
		}
		err.Type = c.Attr("type")
		for _, d := range c.Children {
			switch {
			case d.Name.Space == stanzaErrors && d.Name.Local == "text":
				err.Text = d.text()
			case d.Name.Space == stanzaErrors:
				err.Condition = d.Name.Local
			case d.Name.Space == pubsubErrors:
				err.PubSub = d.Name.Local
			}
		}
	}
	return nil, err
}

// A StreamError is why the server ended the connection (RFC 6120 §4.9).
type StreamError struct {
	Condition string
	Text      string // as the server says it
	help      string
}

func (e *StreamError) Error() string {
	if e.help != "" {
		return e.help + " (" + e.Condition + after(": ", e.Text) + ")"
	}
	return "the XMPP server ended the connection: " + e.Condition + after(": ", e.Text)
}

// final says that the next attempt will end like this one.
func (e *StreamError) final() bool {
	return slices.Contains([]string{"not-authorized", "host-unknown", "conflict"}, e.Condition)
}

// ours says that it was what we sent that ended the connection: Prosody calls a stanza
// that is too long not-well-formed, too.
func (e *StreamError) ours() bool {
	return slices.Contains([]string{"not-well-formed", "xml-not-well-formed", "invalid-xml", "restricted-xml", "bad-format", "policy-violation"}, e.Condition)
}

func isStreamError(e *Element) bool { return e.Name.Space == streamSpace && e.Name.Local == "error" }

func newStreamError(e *Element) *StreamError {
	err := &StreamError{Condition: "undefined-condition"}
	for _, c := range e.Children {
		switch {
		case c.Name.Space != streamErrors:
		case c.Name.Local == "text":
			err.Text = c.text()
		default:
			err.Condition = c.Name.Local
		}
	}
	return err
}

// explain makes a sentence for people of why a connection ended: what happened, and the
// line of the configuration that helps.
func (o *Options) explain(err error) error {
	var refusal *StreamError
	if !errors.As(err, &refusal) {
		return fmt.Errorf("the connection of %s to the XMPP server at %s ended: %w", o.Name, o.Server, err)
	}
	switch refusal.Condition {
	case "not-authorized":
		refusal.help = fmt.Sprintf("the XMPP server at %s does not let %[2]s in: make xmpp.secret the same as component_secret under Component %[2]q (Prosody), or as password under hosts: %[2]s: of ejabberd_service (ejabberd, which says the same of a name that it does not know)", o.Server, o.Name)
	case "host-unknown":
		refusal.help = fmt.Sprintf("the XMPP server at %s does not know %[2]s: add Component %[2]q with a component_secret (Prosody), or hosts: {%[2]s: {password: …}} to ejabberd_service (ejabberd), or correct xmpp.component", o.Server, o.Name)
	case "conflict":
		refusal.help = fmt.Sprintf(`another program is connected to the XMPP server at %s as %s: stop it; if it was this one, before its connection broke, component_conflict_resolve = "kick_old" lets the new one in (Prosody)`, o.Server, o.Name)
	}
	return refusal
}

// unreachable is why there is no connection to begin with.
func (o *Options) unreachable(err error) error {
	return fmt.Errorf("the XMPP server does not answer at %s: %w; is it running, with component_ports (Prosody) or a listener of ejabberd_service (ejabberd) there? If it is elsewhere, correct xmpp.server", o.Server, err)
}

// silence is of a question nobody answered.
func (o *Options) silence(to string) error {
	return fmt.Errorf("%s did not answer %s within %s: does it run, and is no other program connected as %[2]s? ejabberd shares answers out between all that are connected to one listener of ejabberd_service: give every component its own", to, o.Name, answerTime)
}

// An ItemError is about one item: it will not be published, however often it is tried,
// while others are.
type ItemError struct {
	Node string
	Item string // its id, "" where there is none
	Err  error
}

func (e *ItemError) Error() string {
	if e.Item == "" {
		return fmt.Sprintf("an entry cannot be on node %s: %v", e.Node, e.Err)
	}
	return fmt.Sprintf("item %s cannot be on node %s: %v", e.Item, e.Node, e.Err)
}

func (e *ItemError) Unwrap() error { return e.Err }

// refusals are the answers to a publication that are about the item. That the node is
// missing or ours no longer is not the item's fault, and somebody may put it right.
var refusals = []string{"bad-request", "not-acceptable", "payload-too-big", "invalid-payload"}

// blame says whether it is the item for which a publication failed.
func blame(err error, node, item string) error {
	var no *StanzaError
	var end *StreamError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errUnsafe),
		errors.As(err, &no) && (slices.Contains(refusals, no.Condition) || slices.Contains(refusals, no.PubSub)),
		errors.Is(err, errLost) && errors.As(err, &end) && end.ours(): // or it would end every connection to come
		return &ItemError{Node: node, Item: item, Err: err}
	}
	return fmt.Errorf("publish item %s on node %s: %w", item, node, err)
}

// Temporary says that err may be gone the next time: the connection was lost, the
// service is busy, or it is set up wrong, which somebody may put right. It is not if all
// that went wrong is about the item itself. Of several errors, one is enough.
func Temporary(err error) bool {
	if err == nil {
		return false
	}
	switch x := err.(type) {
	case *ItemError:
		return false
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(x.Unwrap(), Temporary)
	case interface{ Unwrap() error }:
		return x.Unwrap() == nil || Temporary(x.Unwrap())
	}
	return true
}

func hasCondition(err error, conditions ...string) bool {
	var no *StanzaError
	return errors.As(err, &no) && slices.Contains(conditions, no.Condition)
}

// after is s behind what separates it from what stands before, "" for nothing.
func after(sep, s string) string {
	if s == "" {
		return ""
	}
	return sep + s
}
