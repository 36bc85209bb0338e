package xmpp

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// component connects to the server and stays until the test ends.
func (s *realServer) component(t *testing.T, name, secret string, log *logged) (*Component, func()) {
	t.Helper()
	c, err := New(Options{Name: name, Secret: secret, Server: cmp.Or(s.addresses[name], s.addresses[planetName]), PubSub: pubsubName, Dial: new(net.Dialer).DialContext, Log: log.log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop := func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return c, stop
}

// reader is another component, which keeps the messages that come.
type reader struct {
	t    *testing.T
	s    *session
	said []*Element
	n    int
}

func (s *realServer) reader(t *testing.T) *reader {
	t.Helper()
	conn, err := net.Dial("tcp", s.addresses[readerName])
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, s: newSession(conn)}
	t.Cleanup(func() { r.s.leave(); r.s.end() })
	if err := r.s.handshake(readerName, testSecret); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *reader) next() *Element {
	r.t.Helper()
	if err := r.s.conn.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	e, err := r.s.element()
	if err != nil {
		r.t.Fatalf("the reader hears no more: %v", err)
	}
	return e
}

// ask waits for the answer and keeps what comes before.
func (r *reader) ask(typ, to, payload string) (*Element, error) {
	r.t.Helper()
	r.n++
	id := fmt.Sprint("q", r.n)
	if err := r.s.send(stanza{Name: "iq", Type: typ, ID: id, From: readerName, To: to, Inner: []byte(payload)}); err != nil {
		r.t.Fatal(err)
	}
	for {
		e := r.next()
		if e.Name.Local == "iq" && e.Attr("id") == id {
			return result(to, e)
		}
		r.said = append(r.said, e)
	}
}

func (r *reader) subscribe(node string) {
	r.t.Helper()
	if _, err := r.ask("set", pubsubName, "<pubsub xmlns='"+pubsubSpace+"'><subscribe node='"+node+"' jid='"+readerName+"'/></pubsub>"); err != nil {
		r.t.Fatal(err)
	}
}

// notice is the items element of the next notification.
func (r *reader) notice() *Element {
	r.t.Helper()
	const event = "http://jabber.org/protocol/pubsub#event"
	for {
		var e *Element
		if len(r.said) > 0 {
			e, r.said = r.said[0], r.said[1:]
		} else {
			e = r.next()
		}
		if items := e.Child(event, "event").Child(event, "items"); items != nil {
			return items
		}
	}
}
