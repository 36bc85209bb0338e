// Package xmpp tells the XMPP network of entries: it is a component of an XMPP server
// (XEP-0114) that keeps a node of a PubSub service (XEP-0060) for every category, as a
// social feed (XEP-0472).
//
// A Component keeps the connection and asks questions over it; a Publisher says what
// belongs on the nodes. The package opens no connection by itself: Options.Dial does,
// and the address it is given is the configuration's, never a feed's.
package xmpp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// minWait and maxWait bound the time between two attempts to connect.
	minWait = time.Second
	maxWait = 5 * time.Minute
	// steady is how long a connection must last to count as a good one: a server that
	// accepts us and hangs up at once is not asked every second for ever.
	steady = 30 * time.Second
	// answerTime is how long a question waits for its answer.
	answerTime = 30 * time.Second
)

// Options say who we are and where the server is.
type Options struct {
	Name   string // our domain, such as planet.example.org (xmpp.component)
	Secret string // shared with the server (xmpp.secret)
	Server string // host:port of its component listener, 5347 by custom (xmpp.server)
	PubSub string // domain of the PubSub service, such as pubsub.example.org (xmpp.pubsub)
	Title  string // what service discovery calls us; empty: Orrery
	// Dial connects to Server. XEP-0114 knows no encryption: it should be this machine,
	// or the near end of a tunnel.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Log is told why a connection ended or did not begin, and what a service would not
	// do, as sentences; nil: nobody is.
	Log func(error)
}

// A Component is one connection to a server, made again whenever it breaks.
type Component struct {
	o       Options
	running atomic.Bool
	turn    chan struct{} // one publication at a time, see Publish
	serial  atomic.Uint64 // of questions

	mu      sync.Mutex
	session *session      // nil: not connected
	number  int           // of connections so far
	last    error         // why there is none
	changed chan struct{} // closed when any of these changes
}

// New returns a component that Run connects. Its errors name the line of the
// configuration that is wrong.
func New(o Options) (*Component, error) {
	o.Title = cmp.Or(o.Title, "Orrery")
	switch _, port, err := net.SplitHostPort(o.Server); {
	case !isDomain(o.Name):
		return nil, fmt.Errorf("xmpp.component %q is not the name of a component: write a domain in lower case, such as planet.example.org", o.Name)
	case !isDomain(o.PubSub):
		return nil, fmt.Errorf("xmpp.pubsub %q is not the name of a PubSub service: write a domain in lower case, such as pubsub.example.org", o.PubSub)
	case o.Name == o.PubSub:
		return nil, fmt.Errorf("xmpp.component and xmpp.pubsub are both %s: the planet and the PubSub service of the server need a name each", o.Name)
	case o.Secret == "":
		return nil, fmt.Errorf("xmpp.secret is empty: write the component_secret of Component %q (Prosody) or its password under ejabberd_service (ejabberd)", o.Name)
	case err != nil || port == "":
		return nil, fmt.Errorf("xmpp.server %q is not an address: write host:port, such as 127.0.0.1:5347", o.Server)
	case o.Dial == nil:
		return nil, errors.New("xmpp: Options.Dial is missing")
	}
	if o.Log == nil {
		o.Log = func(error) {}
	}
	return &Component{o: o, turn: make(chan struct{}, 1), last: errors.New("nobody has connected yet"), changed: make(chan struct{})}, nil
}

// isDomain says that s can be the domain of a JID (RFC 7622 §3.2), as servers write it:
// an answer is known by its sender, letter for letter.
func isDomain(s string) bool {
	const longest = 253
	return s != "" && len(s) <= longest && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsUpper(r) || !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && r != '.' && r != '-'
	})
}

// Run connects, and connects again when the connection ends, until ctx does. There is
// never more than one connection: ejabberd takes a second one and shares our answers
// out between both.
func (c *Component) Run(ctx context.Context) error {
	if !c.running.CompareAndSwap(false, true) {
		return fmt.Errorf("xmpp: %s is running already, and has one connection only", c.o.Name)
	}
	defer c.running.Store(false)
	wait := time.Duration(0)
	for {
		lasted, err := c.connect(ctx)
		if ctx.Err() != nil {
			return nil // as asked
		}
		wait = nextWait(wait, lasted, err)
		c.o.Log(err)
		if err := pause(ctx, wait-rand.N(wait/5)); err != nil {
			return nil
		}
	}
}

// nextWait doubles the time to the next attempt. A server that said no will say no
// again, until somebody has changed its configuration or ours.
func nextWait(wait, lasted time.Duration, err error) time.Duration {
	var refusal *StreamError
	switch {
	case errors.As(err, &refusal) && refusal.final():
		return maxWait
	case lasted >= steady:
		return minWait
	}
	return min(max(2*wait, minWait), maxWait)
}

// pause waits for d, or returns the error of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connect has one connection from its beginning to its end, and returns how long it
// was of use and why it ended.
func (c *Component) connect(ctx context.Context) (time.Duration, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		err = c.o.unreachable(err)
		c.set(nil, err)
		return 0, err
	}
	s := newSession(conn)
	defer s.end()
	defer context.AfterFunc(ctx, s.leave)()
	if err := s.handshake(c.o.Name, c.o.Secret); err != nil {
		err = c.o.explain(err)
		c.set(nil, err)
		return 0, err
	}
	began := time.Now()
	c.set(s, nil)
	var keeper sync.WaitGroup
	keeper.Go(func() { s.keepAlive(c.ping) })
	err = c.o.explain(s.reason(s.read(c.handle)))
	c.set(nil, err) // before the questions fail: who asks again must not ask here
	if ctx.Err() == nil {
		s.fail(err)
	}
	s.end()
	keeper.Wait()
	return time.Since(began), err
}

func (c *Component) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	return c.o.Dial(ctx, "tcp", c.o.Server)
}

// set says which connection there is, or why there is none.
func (c *Component) set(s *session, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session, c.last = s, why; s != nil {
		c.number++
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// Online waits for a connection later than the one numbered after, 0 for any, and
// returns its number.
func (c *Component) Online(ctx context.Context, after int) (int, error) {
	for {
		c.mu.Lock()
		number, changed, up := c.number, c.changed, c.session != nil
		c.mu.Unlock()
		if up && number > after {
			return number, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Connected is the number of the connection there is, 0 for none.
func (c *Component) Connected() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		return 0
	}
	return c.number
}

// IQ sends a question of the type get or set (RFC 6120 §8.2.3) with one element as its
// payload, and returns the element of the answer, nil for an empty one. An answer that
// is an error is a *StanzaError; without a connection the error is ErrOffline.
func (c *Component) IQ(ctx context.Context, to, typ string, payload []byte) (*Element, error) {
	c.mu.Lock()
	s, why := c.session, c.last
	c.mu.Unlock()
	if s == nil {
		return nil, fmt.Errorf("%w: %w", ErrOffline, why)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, c.o.silence(to))
	defer cancel()
	id := s.name + "-" + strconv.FormatUint(c.serial.Add(1), 10)
	answer := s.expect(id, to)
	defer s.forget(id)
	if err := s.send(stanza{Name: "iq", Type: typ, ID: id, From: c.o.Name, To: to, Inner: payload}); err != nil {
		return nil, err
	}
	select {
	case e := <-answer:
		return result(to, e)
	case <-s.done:
		return nil, fmt.Errorf("%w: %w", errLost, s.why)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
