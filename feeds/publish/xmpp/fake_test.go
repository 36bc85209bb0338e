package xmpp

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeServer is what a test says a server does. It has no network and, inside a
// synctest bubble, no time either.
type fakeServer struct {
	t *testing.T
	// serve is called for each connection, numbered from 1, after the handshake.
	serve func(n int, c *fakeConn)
	// greet, if it is there, takes the place of the handshake.
	greet func(n int, c *fakeConn)

	mu    sync.Mutex
	dials []time.Time
	open  int
	most  int // connections open at once
}

type fakeConn struct {
	net.Conn
	t   *testing.T
	dec *xml.Decoder
}

func (f *fakeServer) dial(context.Context, string, string) (net.Conn, error) {
	f.mu.Lock()
	f.dials = append(f.dials, time.Now())
	f.open++
	f.most = max(f.most, f.open)
	n := len(f.dials)
	f.mu.Unlock()
	ours, theirs := net.Pipe()
	go func() {
		c := &fakeConn{theirs, f.t, xml.NewDecoder(theirs)}
		if f.greet != nil {
			f.greet(n, c)
		} else if c.welcome() {
			f.serve(n, c)
		}
		_ = theirs.Close()
	}()
	return &countedConn{Conn: ours, closed: func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.open--
	}}, nil
}

type countedConn struct {
	net.Conn
	once   sync.Once
	closed func()
}

func (c *countedConn) Close() error {
	c.once.Do(c.closed)
	return c.Conn.Close()
}

const fakeHeader = `<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' id='a&amp;b' from='planet.example.org'>`

// welcome is the handshake, and says that the secret was right.
func (c *fakeConn) welcome() bool {
	if _, err := c.read(); err != nil {
		return false
	}
	c.say(fakeHeader)
	e, err := c.read()
	sum := sha1.Sum([]byte("a&b" + testSecret)) // the id is what the attribute means
	if err != nil || e.Name.Local != "handshake" || e.Text != hex.EncodeToString(sum[:]) {
		c.t.Errorf("the handshake is %v, %v", e, err)
		return false
	}
	c.say("<handshake/>")
	return true
}

func (c *fakeConn) say(s string) { _, _ = io.WriteString(c, s) }

// read is the next stanza; the head of the stream counts as one.
func (c *fakeConn) read() (*Element, error) {
	for {
		t, err := c.dec.Token()
		if err != nil {
			return nil, err
		}
		start, ok := t.(xml.StartElement)
		switch {
		case ok && start.Name.Local == "stream":
			return &Element{Name: start.Name, Attrs: start.Attr}, nil
		case ok:
			return readElement(c.dec, start)
		}
		if _, end := t.(xml.EndElement); end {
			return nil, io.EOF
		}
	}
}

// answer replies to a question with a payload.
func (c *fakeConn) answer(q *Element, payload string) {
	c.reply(q, "result", q.Attr("to"), q.Attr("id"), payload)
}

func (c *fakeConn) reply(q *Element, typ, from, id, payload string) {
	c.say(fmt.Sprintf("<iq type='%s' from='%s' to='%s' id='%s'>%s</iq>", typ, from, q.Attr("from"), id, payload))
}

// refuse replies with an error, as ejabberd does: what was asked comes first, and the
// PubSub condition before the other.
func (c *fakeConn) refuse(q *Element, typ, condition, pubsub string) {
	if pubsub != "" {
		pubsub = "<" + pubsub + " xmlns='" + pubsubErrors + "'/>"
	}
	c.reply(q, "error", q.Attr("to"), q.Attr("id"), "<pubsub xmlns='"+pubsubSpace+"'/><error type='"+typ+"'>"+pubsub+"<"+condition+" xmlns='"+stanzaErrors+"'/><text xmlns='"+stanzaErrors+"'>so it is</text></error>")
}

// untilEnd answers every question with nothing.
func (c *fakeConn) untilEnd() {
	for {
		q, err := c.read()
		if err != nil {
			return
		}
		if q.Name.Local == "iq" {
			c.answer(q, "")
		}
	}
}

// withFake runs the test against a fake server, in a bubble where waiting takes no time.
func withFake(t *testing.T, f *fakeServer, test func(t *testing.T, ctx context.Context, c *Component, log *logged)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f.t = t
		log := newLogged()
		c, err := New(Options{Name: planetName, Secret: testSecret, Server: "127.0.0.1:5347", PubSub: pubsubName, Dial: f.dial, Log: log.log})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := c.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		test(t, ctx, c, log)
		cancel()
		running.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.open != 0 || f.most > 1 {
			t.Errorf("%d connections are open after the end, and there were %d at once", f.open, f.most)
		}
	})
}
