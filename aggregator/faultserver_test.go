package aggregator

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
	"orrery/storage"
)

// crook is a server that speaks bytes instead of HTTP, so that it can do wrong
// whatever can be done wrong. It is honest until it is told otherwise.
type crook struct {
	mu    sync.Mutex
	act   act // nil: honest
	feed  string
	etag  string
	takes time.Duration // for an honest answer
	asked []string      // the path and the ETag of every request
}

// act answers a request; when it returns, the connection is closed.
type act func(c net.Conn, r *http.Request)

// serve answers requests until the other side hangs up or the crook does wrong.
func (c *crook) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.asked = append(c.asked, r.URL.Path+" "+r.Header.Get("If-None-Match"))
		act := c.act
		c.mu.Unlock()
		if act != nil {
			act(conn, r)
			return
		}
		if !c.honest(conn, r) {
			return
		}
	}
}

// honest answers as one should, and says whether the connection still stands.
func (c *crook) honest(conn net.Conn, r *http.Request) bool {
	c.mu.Lock()
	text, etag, takes := c.feed, c.etag, c.takes
	c.mu.Unlock()
	if takes > 0 {
		<-time.After(takes)
	}
	if r.Header.Get("If-None-Match") == etag {
		return say(conn, "HTTP/1.1 304 Not Modified\r\nETag: "+etag+"\r\n\r\n")
	}
	return say(conn, fmt.Sprintf("HTTP/1.1 200 OK\r\nETag: %s\r\nContent-Length: %d\r\n\r\n%s", etag, len(text), text))
}

// does is what the crook does from now on; nil: it is honest again. What it was
// asked until now is returned and forgotten.
func (c *crook) does(a act) (asked []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.act, c.asked, asked = a, nil, c.asked
	return asked
}

func (c *crook) publishes(etag string, posts ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.etag, c.feed = etag, atom(posts...)
}

// street is a planet of crooks, each the source that is called by its number.
type street struct {
	crooks []*crook
	allow  []netip.AddrPort
	list   []feeds.Source
	open   sync.WaitGroup // a connection each
}

// live lets n crooks move in.
func (s *street) live(t testing.TB, n int) {
	t.Helper()
	for i := range n {
		c := &crook{}
		c.publishes(`"1"`, fmt.Sprintf("%03d-1", i))
		address := s.listen(t, c.serve)
		s.crooks = append(s.crooks, c)
		s.list = append(s.list, feeds.Source{Slug: fmt.Sprintf("%03d", i), URL: "http://" + address + "/feed"})
	}
}

// listen opens another address that may be asked.
func (s *street) listen(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	l := listen(t, len(s.allow))
	s.allow = append(s.allow, netip.MustParseAddrPort(l.Addr().String()))
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			s.open.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		accepting.Wait()
	})
	return l.Addr().String()
}

// listen opens the n-th address. All of 127/8 is loopback on Linux, so that every
// server is a host of its own; elsewhere the ports tell them apart.
func listen(t testing.TB, n int) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.%d.%d:0", 1+n/250, 1+n%250))
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// visit makes one pass over the sources that are due, all of them at once unless
// change says otherwise, and hangs up.
func (s *street) visit(t testing.TB, db *storage.DB, now time.Time, o fetch.Options, change func(o *Options)) (Summary, *log) {
	t.Helper()
	o.Allow, o.Now = s.allow, func() time.Time { return now }
	h := fetch.NewHTTP(o)
	defer h.Close()
	a, told := newAggregator(db, nil, func(a *Options) {
		a.Fetch, a.Now, a.Concurrency = map[string]fetch.Func{"http": h.Fetch}, o.Now, len(s.list)
		if change != nil {
			change(a)
		}
	})
	return refresh(t, a, Pass{}), told
}

// say writes and tells whether it went well.
func say(c net.Conn, text string) bool {
	_, err := io.WriteString(c, text)
	return err == nil
}

// says is an act that says something and closes the connection.
func says(text string) act {
	return func(c net.Conn, _ *http.Request) { say(c, text) }
}

// falls says something and then falls silent until the other side hangs up.
func falls(text string) act {
	return func(c net.Conn, _ *http.Request) {
		if say(c, text) {
			_, _ = io.Copy(io.Discard, c)
		}
	}
}

// drips says something and then a byte every now and then.
func drips(text string) act {
	return func(c net.Conn, _ *http.Request) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ok := say(c, text); ok; ok = say(c, "x") {
			<-tick.C
		}
	}
}

// repeats says something and then something else over and over.
func repeats(head, more string) act {
	more = strings.Repeat(more, 1+4096/len(more))
	return func(c net.Conn, _ *http.Request) {
		for ok := say(c, head); ok; ok = say(c, more) {
		}
	}
}

// resets says something and breaks the connection off.
func resets(text string) act {
	return func(c net.Conn, _ *http.Request) {
		say(c, text)
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // closing sends RST
		}
	}
}

// answers is good HTTP with a document and an ETag.
func answers(status, text string) act {
	return says(fmt.Sprintf("HTTP/1.1 %s\r\nETag: \"bad\"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", status, len(text), text))
}

// sends sends the visitor elsewhere.
func sends(code int, to string) act {
	return says(fmt.Sprintf("HTTP/1.1 %d Moved\r\nETag: \"bad\"\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", code, to))
}
