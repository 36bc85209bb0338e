package fetch

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"orrery/feeds"
)

// FuzzWhateverTheServerAnswers lets a server answer every request with the same
// bytes. Nothing may panic, hang, pass the limits or leave half a document.
func FuzzWhateverTheServerAnswers(f *testing.F) {
	for _, answer := range []string{
		"",
		"HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 6\r\n\r\n<feed>",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<feed>\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nETag: W/\"2\"\r\nCache-Control: max-age=\"5\r\nAge: x\r\n\r\n",
		"HTTP/1.1 301 Moved\r\nLocation: //other.example/\r\nRetry-After: 9\r\n\r\n",
		"HTTP/1.1 308 Moved\r\nLocation: https://blog.example:444/?\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: \x80?#%\r\nContent-Length: 9999\r\n\r\n",
		"HTTP/1.1 429 Slow\r\nRetry-After: Sun, 01 Mar 9999 12:00:00 GMT\r\nDate: Sun, 01 Mar 0001 12:00:00 GMT\r\n\r\n",
		"HTTP/1.0 200\r\nExpires: 0\r\nExpires: Sun, 01 Mar 9999 12:00:00 GMT\r\n\r\n\xef\xbb\xbf ",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
		"HTTP/1.1 000 \r\n\r\n",
	} {
		f.Add(answer)
	}
	const limit = 1 << 10
	f.Fuzz(func(t *testing.T, answer string) {
		var servers sync.WaitGroup
		defer servers.Wait()
		h := NewHTTP(Options{Timeout: time.Second, MaxBody: limit})
		defer h.Close()
		h.transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			servers.Go(func() {
				defer server.Close()
				if _, err := http.ReadRequest(bufio.NewReader(server)); err == nil {
					_, _ = io.WriteString(server, answer)
				}
			})
			return client, nil
		}
		old := feeds.Validators{URL: "http://blog.example/feed", ETag: `"1"`, BodyHash: "abc"}
		r, err := h.Fetch(t.Context(), source(old.URL), old)
		if err == nil && r.NotModified == (r.Body != nil) || len(r.Body) > limit {
			t.Errorf("NotModified %v with %d bytes", r.NotModified, len(r.Body))
		}
		if err != nil && (r.Body != nil || r.NotModified || r.Validators.URL != "") {
			t.Errorf("%v came with %+v", err, r)
		}
		if err != nil && strings.ContainsFunc(err.Error(), func(c rune) bool { return !unicode.IsPrint(c) }) {
			t.Errorf("%q is no line of text", err)
		}
		if r.MaxAge < 0 || r.RetryAfter.After(time.Now().Add(MaxRetryAfter)) {
			t.Errorf("max-age %v, retry after %v", r.MaxAge, r.RetryAfter)
		}
	})
}
