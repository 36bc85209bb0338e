package fetch

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"

	"orrery/feeds"
)

// A 304 has no body. A server that sends one all the same speaks into the answer to
// whoever is next on its connection, who is not to blame.
func TestBodyOfA304IsNotTheNextAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var connections atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := connections.Add(1)
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for i := 0; ; i++ {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					if n == 1 && i == 0 {
						fmt.Fprint(c, "HTTP/1.1 304 Not Modified\r\n\r\n")
						continue
					}
					if n == 1 {
						fmt.Fprint(c, "<h1>Not modified</h1>")
					}
					fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na feed")
				}
			}()
		}
	}()
	h := NewHTTP(Options{Allow: []netip.AddrPort{netip.MustParseAddrPort(l.Addr().String())}})
	t.Cleanup(h.Close)
	one := "http://" + l.Addr().String() + "/one"
	if r := mustFetch(t, h, one, feeds.Validators{URL: one, ETag: `"1"`}); !r.NotModified {
		t.Fatalf("%+v", r)
	}
	if r := mustFetch(t, h, "http://"+l.Addr().String()+"/two", feeds.Validators{}); string(r.Body) != "a feed" || connections.Load() != 2 {
		t.Errorf("%q after %d connections", r.Body, connections.Load())
	}
}
