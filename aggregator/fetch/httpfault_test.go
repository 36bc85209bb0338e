package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"orrery/feeds"
)

func zipped(t testing.TB, r io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, r); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// raw writes bytes as they are and closes the connection.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return // the client sees an empty answer, and the test fails
		}
		_, _ = io.WriteString(conn, answer)
		_ = conn.Close()
	}
}

// fails fetches with validators and demands an error that leaves them alone.
func fails(t *testing.T, h *HTTP, address string) (Response, error) {
	t.Helper()
	r, err := h.Fetch(t.Context(), source(address), feeds.Validators{URL: address, ETag: `"0"`})
	if err == nil {
		t.Fatalf("no error; response %+v", r)
	}
	if r.Body != nil || r.NotModified || r.MovedTo != "" || r.Validators.URL != "" || r.Validators.ETag != "" {
		t.Errorf("a failed visit left %+v", r)
	}
	for _, c := range err.Error() {
		if !unicode.IsPrint(c) {
			t.Errorf("%q holds %q", err, c)
		}
	}
	return r, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func endless(w http.ResponseWriter, r *http.Request) {
	for {
		if _, err := w.Write(make([]byte, 4096)); err != nil {
			return
		}
	}
}

func TestOnlyACompleteDocumentCounts(t *testing.T) {
	half := zipped(t, strings.NewReader(sampleFeed))
	half = half[:len(half)/2]
	const broke = "broke in the middle of the document"
	tests := []struct{ name, answer, says string }{
		{"short of its length", "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 100\r\n\r\n<feed>", broke},
		{"no byte of its length", "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 100\r\n\r\n", broke},
		{"truncated chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n<feed>", broke},
		{"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<feed>\r\n", broke},
		{"half of a gzip, short of its length", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n" + string(half), broke},
		{"half of a gzip, without a length", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + string(half), "compressed with gzip, and its end is missing"},
	}
	for _, tt := range tests {
		s := newServer(t, raw(tt.answer))
		r, err := fails(t, newFetcher(t, Options{}, s), s.URL)
		if !errors.Is(err, io.ErrUnexpectedEOF) || r.Status != 200 || !strings.HasSuffix(err.Error(), tt.says) {
			t.Errorf("%s: status %d, err = %v", tt.name, r.Status, err)
		}
	}
}

func TestAnswersThatAreNoHTTPAreErrors(t *testing.T) {
	tests := []struct{ name, answer, says string }{
		{"nothing", "", "closed the connection without an answer"},
		{"another protocol", "220 \x1b[31mmail\x00.example\r\n", "not HTTP, or broken"},
		{"half a header", "HTTP/1.1 200 OK\r\nETag: \"1\"\r\n", "closed the connection without an answer"},
		{"control characters in a header", "HTTP/1.1 200 OK\r\nETag: \"\x01\"\r\n\r\n", "not HTTP, or broken"},
		{"endless header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxHeaders), "not HTTP, or broken"},
		{"no number", "HTTP/1.1 \xff\xfe OK\r\n\r\n", "not HTTP, or broken"},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "not HTTP, or broken"},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not HTTP, or broken"},
	}
	for _, tt := range tests {
		s := newServer(t, raw(tt.answer))
		r, err := fails(t, newFetcher(t, Options{}, s), s.URL)
		if !strings.Contains(err.Error(), tt.says) || r.Status != 0 || len(err.Error()) > 500 {
			t.Errorf("%s: status %d, err = %v, want %q", tt.name, r.Status, err, tt.says)
		}
	}
}

func TestEmptyDocumentIsAnError(t *testing.T) {
	for _, body := range []string{"", " \r\n\t", "\ufeff\n"} {
		s := newServer(t, always(200, body, "ETag", `"1"`))
		if _, err := fails(t, newFetcher(t, Options{}, s), s.URL); !errors.Is(err, ErrEmpty) {
			t.Errorf("%q: err = %v", body, err)
		}
	}
	s := newServer(t, always(200, "", "Content-Encoding", "gzip"))
	if _, err := fails(t, newFetcher(t, Options{}, s), s.URL); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty gzip: err = %v", err)
	}
}

func TestOtherStatusesAreErrors(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		status int
		retry  bool // a Retry-After counts
		says   string
	}{
		{201, false, "the server answered 201 (created)"},
		{204, false, "the server answered 204 (no content), so there is no document"},
		{206, false, "the server answered 206 (partial content), a part of the document instead of the whole"},
		{226, false, "the server answered 226 (im used), changes instead of the whole document"},
		{300, true, "the server answered 300 (multiple choices)"},
		{301, true, "the server answered 301 (moved permanently) without saying where to"},
		{401, false, "the server answered 401 (unauthorized); if you have a name and a password, put them into the address as https://name:password@host/"},
		{403, false, "the server answered 403 (forbidden)"},
		{404, false, "the server answered 404 (not found)"},
		{410, false, "the server answered 410 (gone)"},
		{429, true, "the server answered 429 (too many requests)"},
		{500, false, "the server answered 500 (internal server error)"},
		{503, true, "the server answered 503 (service unavailable)"},
		{599, false, "the server answered 599"},
	}
	for _, tt := range tests {
		body := "an error page"
		if tt.status == 204 {
			body = ""
		}
		s := newServer(t, always(tt.status, body, "Retry-After", "120", "ETag", `"1"`))
		r, err := fails(t, newFetcher(t, Options{Now: func() time.Time { return now }}, s), s.URL)
		var status *StatusError
		if !errors.As(err, &status) || status.Status != tt.status || status.URL != s.URL || status.Redirected || r.Status != tt.status {
			t.Errorf("%d: response %+v, err = %#v", tt.status, r, err)
		}
		if err.Error() != tt.says {
			t.Errorf("%d: err = %q, want %q", tt.status, err, tt.says)
		}
		if want := now.Add(2 * time.Minute); tt.retry != r.RetryAfter.Equal(want) || !tt.retry && !r.RetryAfter.IsZero() {
			t.Errorf("%d: retry after %v", tt.status, r.RetryAfter)
		}
	}
}

func TestWebPageIsPassedOn(t *testing.T) {
	const page = "<!DOCTYPE html><title>Blog</title>"
	s := newServer(t, always(200, page, "Content-Type", "text/html; charset=utf-8"))
	r := mustFetch(t, newFetcher(t, Options{}, s), s.URL, feeds.Validators{})
	if string(r.Body) != page || r.ContentType != "text/html; charset=utf-8" {
		t.Errorf("got %q %q", r.ContentType, r.Body)
	}
}

func TestSilentServersEndAtTheTimeout(t *testing.T) {
	const timeout = 100 * time.Millisecond
	silent := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	begun := func(header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			always(200, "<feed>", header...)(w, r)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}
	stalledHop := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/feed")
		w.WriteHeader(302)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	tests := []struct {
		name string
		h    http.HandlerFunc
		says string
	}{
		{"no answer", silent, "no answer from %s within 100ms"},
		{"no end", begun("ETag", `"1"`), "the document from %s did not arrive within 100ms"},
		{"a redirect that hangs", stalledHop, "no answer from %s within 100ms"},
	}
	for _, tt := range tests {
		s := newServer(t, tt.h)
		_, err := fails(t, newFetcher(t, Options{Timeout: timeout}, s), s.URL)
		var timed net.Error
		if want := fmt.Sprintf(tt.says, s.Listener.Addr()); err.Error() != want || !errors.As(err, &timed) || !timed.Timeout() {
			t.Errorf("%s: err = %v, want %q", tt.name, err, want)
		}
	}
}

func TestCallerThatGivesUpIsNotTheSourcesFault(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := newFetcher(t, Options{}, s).Fetch(ctx, source(s.URL), feeds.Validators{})
	if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "the visit to ") {
		t.Errorf("err = %v", err)
	}
}

func TestAddressThatCannotBeAskedIsAnError(t *testing.T) {
	h := newFetcher(t, Options{})
	tests := []struct{ address, says string }{
		{"", `has the scheme ""`},
		{"ftp://example.org/feed", `has the scheme "ftp"`},
		{"file:///etc/passwd", `has the scheme "file"`},
		{"feed.xml", `has the scheme ""`},
		{"http:///feed", "names no host"},
		{"https://:8080/", "names no host"},
		{"http://ann:secret@host:port/", "cannot be read"},
		{"http://exa mple.org/", "cannot be read"},
		{"http://example.org/\x00", "cannot be read"},
	}
	for _, tt := range tests {
		_, err := fails(t, h, tt.address)
		if !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: err = %v, want %q", tt.address, err, tt.says)
		}
	}
}

func TestUntrustedCertificateIsAnError(t *testing.T) {
	s := newTLSServer(t, always(200, sampleFeed))
	h := newFetcher(t, Options{}, s)
	h.transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	_, err := fails(t, h, s.URL)
	if want := "the TLS certificate of " + s.Listener.Addr().String() + " is signed by nobody we know"; err.Error() != want {
		t.Errorf("err = %q, want %q", err, want)
	}
	if len(s.requests()) != 0 {
		t.Error("a request was sent")
	}
	plain := newServer(t, always(200, sampleFeed))
	_, err = fails(t, newFetcher(t, Options{}, plain), strings.Replace(plain.URL, "http:", "https:", 1))
	if !strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("err = %v", err)
	}
}

func TestRefusedConnectionIsAnError(t *testing.T) {
	s := newServer(t, always(200, sampleFeed))
	h := newFetcher(t, Options{}, s)
	s.Close()
	if _, err := fails(t, h, s.URL); !errors.Is(err, syscall.ECONNREFUSED) || !strings.HasSuffix(err.Error(), " refused the connection") {
		t.Errorf("err = %v", err)
	}
}

func TestTroubleOfTheNetworkIsASentence(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	tests := []struct {
		err  error
		want string
	}{
		{dial(&net.DNSError{Err: "no such host", Name: "blog.example", IsNotFound: true}), "there is no host called blog.example; check the address"},
		{dial(&net.DNSError{Err: "i/o timeout", Name: "blog.example", IsTimeout: true}), "the name blog.example could not be looked up in time"},
		{dial(&net.DNSError{Err: "server\x1b misbehaving", Name: "blog.example"}), "the name blog.example could not be looked up (server? misbehaving)"},
		{dial(os.ErrDeadlineExceeded), "no connection to blog.example within 5s"},
		{os.ErrDeadlineExceeded, "no answer from blog.example within 10s"},
		{dial(syscall.EHOSTUNREACH), "blog.example cannot be reached from here"},
		{dial(&refusal{address: "10.0.0.1:443"}), "blog.example resolves to a private address (10.0.0.1:443); add it to fetch.allow if it is yours"},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, "blog.example closed the connection without an answer"},
		{&tls.CertificateVerificationError{Err: x509.HostnameError{Host: "blog.example", Certificate: &x509.Certificate{}}}, "the TLS certificate of blog.example is for another name"},
		{&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, "the TLS certificate of blog.example has expired or is not valid yet"},
		{&tls.CertificateVerificationError{Err: errors.New("x509: odd")}, "the TLS certificate of blog.example is not valid (x509: odd)"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, "no TLS connection to blog.example could be made (remote error: tls: handshake failure)"},
		{errors.New("net/http: \x00\xff\u202e odd"), "blog.example answered with something that is not HTTP, or broken (??? odd)"},
	}
	h := NewHTTP(Options{})
	home := &url.URL{Scheme: "https", Host: "blog.example"}
	for _, tt := range tests {
		w := &walk{url: home, home: home}
		err := h.explain(t.Context(), t.Context(), w, tt.err)
		if err.Error() != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%v: got %q, want %q", tt.err, err, tt.want)
		}
	}
}

// A page that wants to see a browser is told from a refusal, however it is packed.
func TestChallengesAreKnown(t *testing.T) {
	page := "<html><title>Just a moment...</title>" + strings.Repeat("<p>Please wait.</p>", 2000)
	html := []string{"Content-Type", "text/html; charset=utf-8"}
	for _, tt := range []struct {
		name   string
		body   string
		header []string
		want   bool
	}{
		{"a page", page, html, true},
		{"gzip", squeezed(t, "gzip", page), append(html, "Content-Encoding", "gzip"), true},
		{"br", squeezed(t, "br", page), append(html, "Content-Encoding", "br"), true},
		{"zstd", squeezed(t, "zstd", page), append(html, "Content-Encoding", "zstd"), true},
		{"gzip that is cut", squeezed(t, "gzip", page+strings.Repeat("x", 4000))[:80], append(html, "Content-Encoding", "gzip"), true},
		{"no gzip", page, append(html, "Content-Encoding", "gzip"), false},
		{"a header", "no", []string{"Cf-Mitigated", "challenge"}, true},
		{"another page", "<html><title>Forbidden</title>", html, false},
		{"no page", page, []string{"Content-Type", "text/plain"}, false},
	} {
		s := newServer(t, always(403, tt.body, tt.header...))
		_, err := newFetcher(t, Options{}, s).Fetch(t.Context(), source(s.URL), feeds.Validators{})
		var status *StatusError
		if !errors.As(err, &status) || status.Challenge != tt.want || strings.Contains(err.Error(), "test for browsers") != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Who has given a name and a password already is not told to give one.
func TestRefusedPasswordIsSaidToBeThat(t *testing.T) {
	s := newServer(t, always(401, ""))
	address := strings.Replace(s.URL, "http://", "http://name:secret@", 1)
	_, err := fails(t, newFetcher(t, Options{}, s), address)
	if want := "the server answered 401 (unauthorized); it does not take the name and the password that stand in the address"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
