package aggregator

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// alone fetches from one server that does this, outside of any store.
func alone(t *testing.T, does act, o fetch.Options) error {
	t.Helper()
	s := &street{}
	t.Cleanup(func() { hungUp(t, &s.open) })
	s.live(t, 1)
	s.crooks[0].does(does)
	o.Allow = s.allow
	h := fetch.NewHTTP(o)
	t.Cleanup(h.Close)
	_, err := h.Fetch(t.Context(), s.list[0], feeds.Validators{})
	return err
}

// A connection that has switched protocols is no longer bound to the context of
// its request: what reads from it must bring a limit of its own.
func TestServerThatSwitchesProtocolsAndFallsSilentIsLeft(t *testing.T) {
	var ended atomic.Bool
	err := alone(t, func(c net.Conn, r *http.Request) {
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Second)) // so that the test ends
		falls("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")(c, r)
		_, err := c.Read(make([]byte, 1))
		ended.Store(errors.Is(err, os.ErrDeadlineExceeded)) // and not because we hung up
	}, fetch.Options{Timeout: 50 * time.Millisecond})
	if ended.Load() {
		t.Errorf("the visit lasted as long as the server liked: %v", err)
	}
}

// What is bounded after decompression must be bounded before it, too: a coding
// can say nothing over and over.
func TestNoMoreIsReadThanADocumentCanHold(t *testing.T) {
	const limit = 64 << 10
	for name, more := range map[string]string{
		"gzip": squeeze(t, "gzip", strings.NewReader("")),
		"zstd": "\x50\x2a\x4d\x18\x04\x00\x00\x00skip",
	} {
		var sent atomic.Int64
		err := alone(t, func(c net.Conn, r *http.Request) {
			repeats("HTTP/1.1 200 OK\r\nContent-Encoding: "+name+"\r\n\r\n", more)(&counted{c, &sent}, r)
		}, fetch.Options{Timeout: time.Second, MaxBody: limit})
		if sent.Load() > 16<<20 { // what sockets hold is far less
			t.Errorf("%s: %d bytes were taken for at most %d of a document: %v", name, sent.Load(), limit, err)
		}
	}
}

// counted is a connection that counts what was written.
type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// A length is a claim: memory is for bytes that came.
func TestLengthThatIsOnlyClaimedCostsNoMemory(t *testing.T) {
	const limit = 64 << 20
	before := allocated()
	err := alone(t, falls(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n<feed>", limit)),
		fetch.Options{Timeout: 50 * time.Millisecond, MaxBody: limit})
	if n := allocated() - before; n > limit/8 {
		t.Errorf("%d bytes were taken for a document of which six came: %v", n, err)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// A host at which many sources live keeps its own waiting and nobody else, whether
// it is slow or there is a pause between them.
func TestCrowdAtASlowHostKeepsNoOtherWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := stored(t, append(several("crowd", 6), several("calm", 1)...)...)
		m := newMeter(30 * time.Second)
		a, _ := newAggregator(db, m.fetch, func(o *Options) { o.Now, o.Concurrency = time.Now, 2 })
		refresh(t, a, Pass{})
		same(t, "the calm host", m.asked("calm"), []string{"00"})
	})
}
