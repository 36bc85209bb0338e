package fetch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"orrery/feeds"
)

// nameserver answers lookups. The n-th one of a name gets the n-th list of
// addresses, further ones the last; a name without a list does not exist.
type nameserver struct {
	mu     sync.Mutex
	lists  map[string][][]string
	looked map[string]int
	silent bool
	over   bool // the test
	conns  []net.Conn
	open   sync.WaitGroup // a connection each
}

// newNameserver is asked by everything in this process until the test ends. Nobody
// else is.
func newNameserver(t *testing.T, lists map[string][][]string) *nameserver {
	t.Helper()
	n := &nameserver{lists: lists, looked: map[string]int{}}
	old := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: n.dial}
	t.Cleanup(func() {
		net.DefaultResolver = old
		n.mu.Lock()
		n.over = true
		for _, c := range n.conns {
			_ = c.Close()
		}
		n.mu.Unlock()
		n.open.Wait()
	})
	return n
}

func (n *nameserver) dial(context.Context, string, string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.over {
		return nil, net.ErrClosed // a lookup may outlive the visit that wanted it
	}
	client, server := net.Pipe()
	n.conns = append(n.conns, server)
	n.open.Go(func() {
		defer server.Close()
		n.serve(server)
	})
	return client, nil
}

// serve speaks DNS over a stream (RFC 1035 §4.2.2).
func (n *nameserver) serve(c net.Conn) {
	for {
		var size uint16
		if binary.Read(c, binary.BigEndian, &size) != nil {
			return
		}
		query := make([]byte, size)
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		if n.silent {
			continue
		}
		answer := n.answer(query)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (n *nameserver) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	addresses, ok := n.lookup(strings.ToLower(strings.TrimSuffix(q.Name.String(), ".")), q.Type)
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}
	if !ok {
		m.RCode = dnsmessage.RCodeNameError
	}
	m.Additionals = nil
	for _, a := range addresses {
		var body dnsmessage.ResourceBody = &dnsmessage.AAAAResource{AAAA: a.As16()}
		if a.Is4() {
			body = &dnsmessage.AResource{A: a.As4()}
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: body})
	}
	out, _ := m.Pack() // a message without bytes is an answer nobody understands
	return out
}

// lookup counts the questions for IPv4: there is one for IPv6 beside each.
func (n *nameserver) lookup(name string, kind dnsmessage.Type) (list []netip.Addr, exists bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	lists := n.lists[name]
	if len(lists) == 0 {
		return nil, false
	}
	at := min(n.looked[name], len(lists)-1)
	if kind == dnsmessage.TypeA {
		n.looked[name]++
	}
	for _, s := range lists[at] {
		if a := netip.MustParseAddr(s); a.Is4() == (kind == dnsmessage.TypeA) {
			list = append(list, a)
		}
	}
	return list, true
}

// private is an address of every kind that is not the public internet; all of them
// stand in guard_test.go.
var private = []string{
	"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1", "192.0.0.192", "192.0.2.1",
	"192.168.1.1", "198.18.0.1", "168.63.129.16", "224.0.0.1", "255.255.255.255",
	"::", "::1", "::ffff:10.1.2.3", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::1", "2001:db8::1", "fc00::1", "fe80::1", "ff02::1",
}

// hostile.md, The address guard: whichever way leads there.
func TestNoWayLeadsIntoThePrivateNetwork(t *testing.T) {
	lists := map[string][][]string{}
	for i, a := range private {
		lists[fmt.Sprintf("n%d.example", i)] = [][]string{{a}}
	}
	newNameserver(t, lists)
	var to string
	outside := newServer(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
	h := newFetcher(t, Options{}, outside)
	for i, a := range private {
		address := "http://" + net.JoinHostPort(a, "80") + "/feed"
		name := fmt.Sprintf("http://n%d.example/feed", i)
		for way, source := range map[string]string{"an address": address, "a name": name, "a redirect to it": outside.URL, "a redirect to a name": outside.URL} {
			to = address
			if strings.HasSuffix(way, "to a name") {
				to = name
			}
			if _, err := fails(t, h, source); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "private address") {
				t.Errorf("%s, %s: err = %v", a, way, err)
			}
		}
	}
}

// Resolvers and browsers take many a thing for 127.0.0.1.
func TestNoSpellingOfOurselvesIsAsked(t *testing.T) {
	inside := newServer(t, always(200, sampleFeed))
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	spellings := []string{
		"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.000.000.001",
		"①②⑦.⓪.⓪.①", "127。0。0。1", "%31%32%37.0.0.1", "localhost", "LOCALHOST", "localhost.", "a.localhost", "ip6-localhost", "me.example",
		"[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::1%25lo]", "[::]", "0", "0.0.0.0",
	}
	everything := map[string][][]string{}
	for _, s := range spellings {
		everything[strings.Trim(s, ".[]")] = [][]string{{"127.0.0.1"}}
	}
	newNameserver(t, everything)
	h := newFetcher(t, Options{})
	for _, s := range spellings {
		if _, err := fails(t, h, "http://"+s+":"+port+"/"); !errors.Is(err, ErrRefused) && !errors.Is(err, ErrAddress) && !isUnknown(err) {
			t.Errorf("%s: err = %v", s, err)
		}
	}
	if n := len(inside.requests()); n > 0 {
		t.Errorf("%d requests came in", n)
	}
}

// isUnknown says that there is no such name.
func isUnknown(err error) bool {
	var name *net.DNSError
	return errors.As(err, &name) && name.IsNotFound
}

// A name that was good when it was looked up the first time is looked up, and
// looked at, again.
func TestNameThatChangesItsAddressGetsNowhere(t *testing.T) {
	var name string
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // so that the next request looks the name up
		if r.URL.Path == "/away" {
			http.Redirect(w, r, name+"/latest/meta-data/", http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(sampleFeed))
	})
	good, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	for _, tt := range []struct {
		name     string
		lookups  [][]string
		paths    []string // visited one after the other
		requests int      // of the last visit, if it is refused
		refused  bool     // the last one
	}{
		{"good for ever", [][]string{{good}}, []string{"/", "/"}, 0, false},
		{"bad at the second visit", [][]string{{good}, {"169.254.169.254"}}, []string{"/", "/"}, 0, true},
		{"bad at the second hop", [][]string{{good}, {"10.0.0.1"}}, []string{"/away"}, 1, true},
		{"good again", [][]string{{"10.0.0.1"}, {good}}, []string{"/"}, 0, true},
		{"good and bad", [][]string{{"10.0.0.1", "fc00::1", good}}, []string{"/"}, 0, false},
		{"bad and worse", [][]string{{"10.0.0.1", "fc00::1", "127.0.0.9"}}, []string{"/"}, 0, true},
		{"another address of ours at the same port", [][]string{{good}, {"127.0.0.9"}}, []string{"/away"}, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			newNameserver(t, map[string][][]string{"blog.example": tt.lookups})
			h := newFetcher(t, Options{}, s)
			name = "http://blog.example:" + port
			var err error
			before := 0
			for _, path := range tt.paths {
				before = len(s.requests())
				_, err = h.Fetch(t.Context(), source(name+path), feeds.Validators{})
			}
			if tt.refused != errors.Is(err, ErrRefused) || !tt.refused && err != nil {
				t.Errorf("err = %v, refused is to be %v", err, tt.refused)
			}
			if n := len(s.requests()) - before; tt.refused && n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
		})
	}
}

func TestNameserverThatIsSilentHoldsNobodyUp(t *testing.T) {
	newNameserver(t, nil).silent = true
	_, err := fails(t, newFetcher(t, Options{Timeout: 100 * time.Millisecond}), "http://blog.example/feed")
	if s := err.Error(); s != "no answer from blog.example within 100ms" && s != "the name blog.example could not be looked up in time" {
		t.Errorf("err = %v", err)
	}
}

func TestNameNobodyKnowsIsAnError(t *testing.T) {
	newNameserver(t, nil)
	_, err := fails(t, newFetcher(t, Options{}), "http://blog.example/feed")
	if err.Error() != "there is no host called blog.example; check the address" {
		t.Errorf("err = %v", err)
	}
}
