package fetch

import (
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// speaker speaks HTTP/2 frame by frame, so that it can do wrong whatever can be
// done wrong.
type speaker struct {
	*http2.Framer
	conn   *tls.Conn
	stream uint32 // of the request
}

// newHTTP2Server answers requests with does, after which it listens until the
// other side hangs up; asked counts them.
func newHTTP2Server(t *testing.T, does func(s *speaker)) (s *server, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	s = &server{Server: httptest.NewUnstartedServer(nil)}
	s.TLS = &tls.Config{NextProtos: []string{"h2"}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": func(_ *http.Server, c *tls.Conn, _ http.Handler) {
			defer c.Close()
			if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
				return
			}
			f := &speaker{Framer: http2.NewFramer(c, c), conn: c}
			if f.WriteSettings() == nil {
				f.listen(asked, does)
			}
		},
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, asked
}

func (s *speaker) listen(asked *atomic.Int64, does func(s *speaker)) {
	for {
		frame, err := s.ReadFrame()
		if err != nil {
			return
		}
		if h, ok := frame.(*http2.HeadersFrame); ok {
			asked.Add(1)
			s.stream = h.StreamID
			does(s)
		}
	}
}

// fields are many of them in a row, as they go over the wire.
func fields(n int, name, value string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for range n {
		_ = e.WriteField(hpack.HeaderField{Name: name, Value: value}) // into memory
	}
	return b.Bytes()
}

var ok200 = fields(1, ":status", "200")

// begin sends a header, whole or not.
func (s *speaker) begin(header []byte, whole bool) error {
	return s.WriteHeaders(http2.HeadersFrameParam{StreamID: s.stream, BlockFragment: header, EndHeaders: whole})
}

// header is an answer that consists of a header and what follows.
func header(header []byte, then func(s *speaker) error) func(s *speaker) {
	return func(s *speaker) {
		if s.begin(header, true) == nil {
			_ = then(s) // the other side may have hung up
		}
	}
}

// once is an answer of one call.
func once(do func(s *speaker) error) func(s *speaker) {
	return func(s *speaker) { _ = do(s) } // the other side may have hung up
}

// forever repeats something until the other side hangs up.
func forever(do func(s *speaker) error) func(s *speaker) {
	return func(s *speaker) {
		for do(s) == nil {
		}
	}
}

// http2Fault is a thing a server does wrong, and what the error says.
type http2Fault struct {
	name string
	does func(s *speaker)
	says string
}

// http2Silences end by the time limit alone.
func http2Silences() []http2Fault {
	const silent = `^no answer from .+ within 200ms$|^the document from .+ did not arrive within 200ms$`
	nothing := func(s *speaker) error { return s.WriteData(s.stream, false, nil) }
	padding := func(s *speaker) error { return s.WriteDataPadded(s.stream, false, nil, make([]byte, 255)) }
	return []http2Fault{
		{"no answer", func(*speaker) {}, silent},
		{"a header and then nothing", header(ok200, func(*speaker) error { return nil }), silent},
		{"a byte and then nothing", header(ok200, func(s *speaker) error { return s.WriteData(s.stream, false, []byte("<")) }), silent},
		{"an error whose page does not end", header(fields(1, ":status", "500"), func(*speaker) error { return nil }), silent + `|^the server answered 500`},
		{"switching protocols", header(fields(1, ":status", "101"), func(*speaker) error { return nil }), silent},
		{"going away and staying", once(func(s *speaker) error { return s.WriteGoAway(s.stream, http2.ErrCodeNo, nil) }), silent},
		{"nothing over and over", header(ok200, func(s *speaker) error { forever(nothing)(s); return nil }), silent},
		{"padding over and over", header(ok200, func(s *speaker) error { forever(padding)(s); return nil }), silent},
		{"pings over and over", forever(func(s *speaker) error { return s.WritePing(false, [8]byte{}) }), silent},
		{"settings over and over", forever(func(s *speaker) error { return s.WriteSettings() }), silent},
		{"empty headers over and over", func(s *speaker) {
			_ = s.begin(ok200, false)
			forever(func(s *speaker) error { return s.WriteContinuation(s.stream, false, nil) })(s)
		}, silent},
	}
}

// http2Breaks are over at once.
func http2Breaks() []http2Fault {
	const closed, broke, broken, unreadable = ` closed the connection without an answer$`, ` broke in the middle of the document$`,
		` answered with something that is not HTTP, or broken \(`, ` could not be read \(`
	reset := func(code http2.ErrCode) func(s *speaker) error {
		return func(s *speaker) error { return s.WriteRSTStream(s.stream, code) }
	}
	length := func(n string) []byte { return append(bytes.Clone(ok200), fields(1, "content-length", n)...) }
	document := func(s *speaker) error { return s.WriteData(s.stream, true, []byte("<feed>")) }
	return []http2Fault{
		{"a closed door", once(func(s *speaker) error { return s.conn.Close() }), closed},
		{"half a document", header(ok200, func(s *speaker) error { _ = s.WriteData(s.stream, false, []byte("<feed>")); return s.conn.Close() }), broke},
		{"less than it said", header(length("100"), document), broke},
		{"more than it said", header(length("3"), document), unreadable},
		{"a reset", once(reset(http2.ErrCodeInternal)), broken},
		{"a wish to be left alone", once(reset(http2.ErrCodeEnhanceYourCalm)), broken},
		{"a wish for another version", once(reset(http2.ErrCodeHTTP11Required)), broken},
		{"a reset in the document", header(ok200, reset(http2.ErrCodeInternal)), unreadable},
		{"a document without a header", once(document), broken},
		{"a document for nobody", once(func(s *speaker) error { return s.WriteData(99, false, nil) }), broken},
		{"a push", once(func(s *speaker) error {
			return s.WritePushPromise(http2.PushPromiseParam{StreamID: s.stream, PromiseID: 2, BlockFragment: ok200, EndHeaders: true})
		}), broken},
		{"a window wider than wide", forever(func(s *speaker) error { return s.WriteWindowUpdate(0, 1<<31-1) }), broken},
		{"a frame larger than allowed", once(func(s *speaker) error { return s.WriteRawFrame(http2.FrameData, 0, s.stream, make([]byte, 1<<20)) }), broken},
		{"rubbish", once(func(s *speaker) error { _, err := s.conn.Write(bytes.Repeat([]byte{0xff}, 1000)); return err }), broken},
		{"HTTP/1.1", once(func(s *speaker) error { _, err := io.WriteString(s.conn, "HTTP/1.1 200 OK\r\n\r\n"); return err }), broken},
		{"a header nobody can read", header(bytes.Repeat([]byte{0xff}, 9), document), broken},
		{"a header without a status", header(fields(1, "etag", "1"), document), broken},
		{"a bomb in the header", header(append(bytes.Clone(ok200), fields(10_000, "x", strings.Repeat("x", 4000))...), document), broken},
		{"a header without end", func(s *speaker) {
			_ = s.begin(ok200, false)
			forever(func(s *speaker) error {
				return s.WriteContinuation(s.stream, false, fields(1, "x", strings.Repeat("x", 4000)))
			})(s)
		}, broken},
		{"words without end that an answer will come", forever(func(s *speaker) error { return s.begin(fields(1, ":status", "103"), true) }), broken},
	}
}

// hostile.md, Faults: most feeds are served over HTTP/2, which has faults of its
// own.
func TestHTTP2ServersThatDoWrongAreLeft(t *testing.T) {
	log.SetOutput(io.Discard) // net/http tells it of frames nobody asked for
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	for _, f := range http2Silences() {
		f.test(t, Options{Timeout: 200 * time.Millisecond})
	}
	for _, f := range http2Breaks() {
		f.test(t, Options{})
	}
}

func (f *http2Fault) test(t *testing.T, o Options) {
	t.Run(f.name, func(t *testing.T) {
		s, asked := newHTTP2Server(t, f.does)
		if _, err := fails(t, newFetcher(t, o, s), s.URL); !regexp.MustCompile(f.says).MatchString(err.Error()) {
			t.Errorf("err = %v, want %q", err, f.says)
		}
		if n := asked.Load(); n > 1 {
			t.Errorf("it was asked %d times", n)
		}
	})
}

func TestHTTP2DocumentWithoutEndIsBounded(t *testing.T) {
	s, _ := newHTTP2Server(t, header(ok200, func(s *speaker) error {
		go forever(func(s *speaker) error { return s.WriteData(s.stream, false, make([]byte, 1000)) })(s)
		return nil
	}))
	if _, err := fails(t, newFetcher(t, Options{MaxBody: 16 << 10}, s), s.URL); !strings.Contains(err.Error(), " is larger than 16KiB") {
		t.Errorf("err = %v", err)
	}
}

// A server that says that it did not look at the request is asked anew by net/http,
// at once and without end (go.dev/issue/52459); nginx's 444 says so.
func TestHTTP2ServerThatGoesAwayIsNotAskedOverAndOver(t *testing.T) {
	s, asked := newHTTP2Server(t, once(func(s *speaker) error {
		_ = s.WriteGoAway(0, http2.ErrCodeNo, nil)
		return s.conn.Close()
	}))
	_, err := fails(t, newFetcher(t, Options{Timeout: 200 * time.Millisecond}, s), s.URL)
	if n := asked.Load(); n > 2 {
		t.Errorf("it was asked %d times: %v", n, err)
	}
}
