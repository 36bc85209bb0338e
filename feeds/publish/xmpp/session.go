package xmpp

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1" // XEP-0114 §3 asks for it
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	streamSpace    = "http://etherx.jabber.org/streams"
	componentSpace = "jabber:component:accept"

	handshakeTime = 15 * time.Second
	writeTime     = 10 * time.Second
	// keepTime is how often an idle connection is used, so that neither a firewall
	// forgets it nor we miss its end.
	keepTime = time.Minute
	// maxStanza is how many bytes we send at once. Prosody ends the stream of a
	// component that sends more than 512 KiB, ejabberd refuses more than 250,000 bytes.
	maxStanza = 64 << 10
	// maxHeard is how many bytes a stanza of the server may have: an answer that lists
	// some ten thousand items.
	maxHeard = 4 << 20
)

var (
	errHungUp = errors.New("the server closed the connection")
	errSilent = errors.New("the server said nothing for three minutes, although it was asked")
	errLong   = fmt.Errorf("the server sent a stanza of more than %d MiB", maxHeard>>20)
)

// session is one connection.
type session struct {
	conn  net.Conn
	name  string // random, so that no answer to an earlier connection is taken for one to us
	meter *meter
	dec   *xml.Decoder
	write sync.Mutex // a stanza is written whole

	once sync.Once
	done chan struct{} // closed at the end, after
	why  error         // is set

	mu    sync.Mutex
	asked map[string]question // by id
	left  atomic.Bool         // by us
}

type question struct {
	to     string
	answer chan *Element // of one
}

func newSession(conn net.Conn) *session {
	m := &meter{from: conn, left: maxHeard}
	return &session{conn: conn, name: rand.Text()[:8], meter: m, dec: xml.NewDecoder(m), done: make(chan struct{}), asked: map[string]question{}}
}

// meter bounds what is read before left is set again, and notes that something came.
type meter struct {
	from  io.Reader
	left  int
	heard atomic.Bool
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errLong
	}
	n, err := m.from.Read(p)
	m.left -= n
	m.heard.Store(m.heard.Load() || n > 0)
	return n, err
}

// handshake opens the stream and proves that we know the secret (XEP-0114 §3).
func (s *session) handshake(name, secret string) error {
	if err := s.conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return err
	}
	var to bytes.Buffer
	if err := xml.EscapeText(&to, []byte(name)); err != nil {
		return err
	}
	header := fmt.Sprintf("<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s' to='%s'>", componentSpace, streamSpace, to.String())
	if _, err := io.WriteString(s.conn, header); err != nil {
		return err
	}
	start, err := s.next()
	if err != nil {
		return err
	}
	if start.Name != (xml.Name{Space: streamSpace, Local: "stream"}) {
		return fmt.Errorf("%w: it begins with <%s>", errStrange, start.Name.Local)
	}
	var sent error
	if id := attribute(start, "id"); id != "" { // else an error follows
		sum := sha1.Sum([]byte(id + secret))
		_, sent = io.WriteString(s.conn, "<handshake>"+hex.EncodeToString(sum[:])+"</handshake>")
	}
	// Whether the server read it or not, what it says next tells more.
	e, err := s.element()
	switch {
	case err != nil:
		return errors.Join(sent, err)
	case isStreamError(e):
		return newStreamError(e)
	case e.Name.Local != "handshake":
		return fmt.Errorf("%w: it answers the handshake with <%s>", errStrange, e.Name.Local)
	}
	err = s.conn.SetDeadline(time.Time{}) // an idle server is no dead one
	if s.left.Load() {
		return net.ErrClosed // or nothing would end the reading
	}
	return err
}

// next is the start of the next element, whatever stands before it.
func (s *session) next() (xml.StartElement, error) {
	for {
		s.meter.left = maxHeard
		t, err := s.dec.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return t.Copy(), nil
		case xml.EndElement:
			return xml.StartElement{}, errHungUp
		}
	}
}

func (s *session) element() (*Element, error) {
	start, err := s.next()
	if err != nil {
		return nil, err
	}
	return readElement(s.dec, start)
}

// read hands every question from outside to handle, and every answer to whoever asked,
// until the connection ends. What people tell us or show us is read over.
func (s *session) read(handle func(*session, *Element)) error {
	for {
		start, err := s.next()
		if err != nil {
			return err
		}
		if start.Name.Local == "message" || start.Name.Local == "presence" {
			if err := s.dec.Skip(); err != nil {
				return err
			}
			continue
		}
		e, err := readElement(s.dec, start)
		switch {
		case err != nil:
			return err
		case isStreamError(e):
			return newStreamError(e)
		case e.Name.Local != "iq":
		case e.Attr("type") == "result", e.Attr("type") == "error":
			s.settle(e)
		default:
			handle(s, e)
		}
	}
}

// expect is to be called before the question is sent.
func (s *session) expect(id, to string) <-chan *Element {
	answer := make(chan *Element, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[id] = question{to, answer}
	return answer
}

func (s *session) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.asked, id)
}

// settle gives an answer to whoever asked. It counts only from whom was asked
// (RFC 6120 §8.1.2.1): anybody may send us a stanza with a guessed id.
func (s *session) settle(e *Element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.asked[e.Attr("id")]
	if !ok || !strings.EqualFold(q.to, e.Attr("from")) {
		return
	}
	delete(s.asked, e.Attr("id"))
	q.answer <- e
}

// send writes a stanza, or none of it.
func (s *session) send(st stanza) error {
	b, err := st.bytes()
	if err != nil {
		return err
	}
	return s.put(b)
}

func (s *session) put(b []byte) error {
	s.write.Lock()
	defer s.write.Unlock()
	err := s.conn.SetWriteDeadline(time.Now().Add(writeTime))
	if err == nil {
		_, err = s.conn.Write(b)
	}
	if err != nil { // half a stanza may be out: nothing can follow it
		s.fail(err)
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return nil
}

// keepAlive uses a connection over which nothing comes: white space between stanzas
// tells the network, a question tells whether the server still listens.
func (s *session) keepAlive(ping func() stanza) {
	tick := time.NewTicker(keepTime)
	defer tick.Stop()
	for silent := 0; ; {
		select {
		case <-s.done:
			return
		case <-tick.C:
		}
		var err error
		switch {
		case s.meter.heard.Swap(false):
			silent = 0
			err = s.put([]byte{' '})
		case silent == 2:
			s.fail(errSilent)
			return
		default:
			silent++
			err = s.send(ping())
		}
		if err != nil {
			return // the reader meets the end, too
		}
	}
}

// fail ends the connection: whoever waits for an answer is told why there is none.
func (s *session) fail(why error) {
	s.once.Do(func() {
		s.why = why
		close(s.done)
		_ = s.conn.Close()
	})
}

// reason is why the connection ended, when that is what made reading fail.
func (s *session) reason(read error) error {
	select {
	case <-s.done:
		return s.why
	default:
		return read
	}
}

// leave ends the stream and lets the server hang up, within a second. ejabberd routes
// answers to a connection until it has: who hung up first and came back at once would
// miss some.
func (s *session) leave() {
	const patience = time.Second
	s.left.Store(true)
	_ = s.conn.SetDeadline(time.Now().Add(patience)) // also ends a write that hangs
	s.write.Lock()
	defer s.write.Unlock()
	_, _ = io.WriteString(s.conn, "</stream:stream>")
}

// end closes the connection; after leave it waits for the server to do so.
func (s *session) end() {
	if s.left.Load() {
		_, _ = io.Copy(io.Discard, s.conn)
	}
	s.fail(net.ErrClosed)
}
