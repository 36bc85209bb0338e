package aggregator

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// misdeed is a thing a server does wrong.
type misdeed struct {
	name string
	does act
	says string // what the source's state then says, a regular expression
	// hangs: only the time limit of the visit ends it.
	hangs bool
}

// noAnswer is what silence is called.
const noAnswer = `^no answer from .+ within 300ms( \(redirected from .+\))?$`

// Options.MaxBody of the visits to misdeeds, of which the bombs are to be larger.
const maxBody = 256 << 10

// misdeeds are all we know of. elsewhere opens another server that may be asked
// and returns its address.
func misdeeds(t testing.TB, elsewhere func(serve func(net.Conn)) string) (all []misdeed) {
	t.Helper()
	for _, some := range [][]misdeed{
		silences(), noHTTP(), cutOff(), endless(), redirectsNowhere(),
		badTLS(t, func(serve act) act { return sends(302, "https://"+elsewhere(func(c net.Conn) { serve(c, nil) })+"/") }),
		noDocuments(), noFeeds(), badCodings(t),
	} {
		all = append(all, some...)
	}
	return all
}

// silences are answers that never come to their end.
func silences() []misdeed {
	const ok = "HTTP/1.1 200 OK\r\nETag: \"bad\"\r\n"
	const noEnd = noAnswer + `|^the document from .+ did not arrive within 300ms$`
	return []misdeed{
		{"no answer at all", falls(""), noAnswer, true},
		{"half a status line", falls("HTTP/1.1 20"), noAnswer, true},
		{"a header that does not end", falls(ok), noAnswer, true},
		{"a header a byte at a time", drips(ok + "X: "), noAnswer, true},
		{"100 and then nothing", falls("HTTP/1.1 100 Continue\r\n\r\n"), noAnswer, true},
		{"a header and then nothing", falls(ok + "\r\n"), noEnd, true},
		{"a body a byte at a time", drips(ok + "\r\n<feed>"), noEnd, true},
		{"half a body", falls(ok + "Content-Length: 1000\r\n\r\n<feed>"), noEnd, true},
		{"half a chunk", falls(ok + "Transfer-Encoding: chunked\r\n\r\nff\r\n<feed>"), noEnd, true},
		{"half a gzip header", falls(ok + "Content-Encoding: gzip\r\n\r\n\x1f\x8b"), noEnd, true},
		{"an error whose page does not end", falls("HTTP/1.1 500 No\r\n\r\n<p>"), `^the server answered 500`, true},
		{"a redirect whose page does not end", falls("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n<p>"), noAnswer, true},
	}
}

// noHTTP are answers in another language, or in a broken one.
func noHTTP() []misdeed {
	const broken = ` answered with something that is not HTTP, or broken \(`
	const ok = "HTTP/1.1 200 OK\r\nETag: \"bad\"\r\n"
	return []misdeed{
		{"mail", says("220 mail.example ESMTP\r\n"), broken, false},
		{"a secure shell", says("SSH-2.0-OpenSSH_9.9\r\n"), broken, false},
		{"HTTP/2 that nobody asked for", says("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), broken, false},
		{"a feed without a header", says(atom("bad")), broken, false},
		{"zeros", says(strings.Repeat("\x00", 1000)), broken, false},
		{"a status that is no number", says("HTTP/1.1 \xff\xfe OK\r\n\r\n"), broken, false},
		{"control characters in a header", says("HTTP/1.1 200 OK\r\nETag: \"\x1b[31m\"\r\n\r\n"), broken, false},
		{"two lengths", says(ok + "Content-Length: 6\r\nContent-Length: 7\r\n\r\n<feed>"), broken, false},
		{"a length below nothing", says(ok + "Content-Length: -1\r\n\r\n<feed>"), broken, false},
		{"a transfer coding nobody knows", says(ok + "Transfer-Encoding: rot13\r\n\r\n<feed>"), broken, false},
	}
}

// cutOff are answers that end too soon, or say how long they are and lie.
func cutOff() []misdeed {
	const closed, broke, unreadable = ` closed the connection without an answer$`, ` broke in the middle of the document$`, ` could not be read \(`
	const ok = "HTTP/1.1 200 OK\r\nETag: \"bad\"\r\n"
	chunked := ok + "Transfer-Encoding: chunked\r\n\r\n"
	return []misdeed{
		{"a closed door", says(""), closed, false},
		{"a slammed door", resets(""), closed, false},
		{"a reset in the header", resets(ok), closed, false},
		{"a reset in the body", resets(ok + "Content-Length: 1000\r\n\r\n<feed>"), broke, false},
		{"a length that is too long", says(ok + "Content-Length: 10000\r\n\r\n" + atom("bad")), broke, false},
		{"a length that is too short", says(ok + "Connection: close\r\nContent-Length: 100\r\n\r\n" + atom("bad")), `^the feed is broken: the end is missing`, false},
		{"a length of everything", falls(ok + "Content-Length: 9223372036854775807\r\n\r\n<feed>"), ` is larger than 256KiB`, false},
		{"no last chunk", says(chunked + "6\r\n<feed>\r\n"), broke, false},
		{"a chunk of no length", says(chunked + "xyz\r\n<feed>\r\n0\r\n\r\n"), unreadable, false},
		{"a chunk longer than everything", falls(chunked + "ffffffffffffffffff\r\n<feed>"), unreadable, false},
	}
}

// endless are answers that go on for ever, or as good as.
func endless() []misdeed {
	const tooLong, tooLarge, unreadable = `response headers exceeded 65536 bytes`, ` is larger than 256KiB`, ` could not be read \(`
	const ok, hint = "HTTP/1.1 200 OK\r\nETag: \"bad\"\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
	const chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"
	return []misdeed{
		{"an endless line of a header", repeats(ok+"X: ", "x"), tooLong, false},
		{"endless lines of a header", repeats(ok, "X: x\r\n"), tooLong, false},
		{"endless words that an answer will come", repeats("", hint), tooLong, false},
		{"100,000 words that an answer will come", says(strings.Repeat(hint, 100_000) + ok + "\r\n" + atom("bad")), tooLong, false},
		{"an endless body", repeats(ok+"\r\n", "<!-- -->"), tooLarge, false},
		{"endless chunks", repeats(chunked, "1\r\nx\r\n"), tooLarge, false},
		{"an endless extension of a chunk", repeats(chunked+"6;", "x"), unreadable, false},
		{"an endless trailer", repeats(chunked+"6\r\n<feed>\r\n0\r\n", "X: x\r\n"), unreadable, false},
	}
}

// fetching.md 24.
func redirectsNowhere() []misdeed {
	circle := func(c net.Conn, r *http.Request) {
		sends(301, map[string]string{"/feed": "/a", "/a": "/b", "/b": "/feed"}[r.URL.Path])(c, r)
	}
	further := func(c net.Conn, r *http.Request) { sends(302, r.URL.Path+"r")(c, r) }
	return []misdeed{
		{"a redirect to itself", sends(301, "/feed"), ` redirects in a circle, back to `, false},
		{"redirects in a circle", circle, ` redirects in a circle, back to `, false},
		{"redirects without end", further, ` redirects more than 5 times$`, false},
		{"a redirect to nowhere", says("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n"), `^the server answered 301 .* without saying where to`, false},
		{"a redirect to a file", sends(302, "file:///etc/passwd"), ` that has the scheme "file"`, false},
		{"a redirect to a script", sends(302, "javascript:alert(1)"), ` that has the scheme "javascript"`, false},
		{"a redirect to another age", sends(302, "gopher://blog.example/"), ` that has the scheme "gopher"`, false},
		{"a redirect to no host", sends(302, "http:///feed"), ` that names no host`, false},
		{"a redirect that cannot be read", sends(302, "http://[::1/%zz"), ` redirects to an address that cannot be read$`, false},
		{"a redirect without measure", sends(302, "/"+strings.Repeat("x", 5000)), ` redirects to an address longer than `, false},
		{"a redirect into the private network", sends(302, "http://10.0.0.1/"), `^10\.0\.0\.1:80 is a private address`, false},
		{"a redirect to the machine's secrets", sends(302, "http://169.254.169.254/latest/"), `^169\.254\.169\.254:80 is a private address`, false},
		{"a redirect to the machine itself", sends(302, "http://127.0.0.1:1/"), `^127\.0\.0\.1:1 is a private address`, false},
	}
}

// badTLS are redirects to servers one cannot talk to in private; secure opens one.
func badTLS(t testing.TB, secure func(serve act) act) []misdeed {
	shaking := func(c *tls.Config) act {
		return secure(func(conn net.Conn, _ *http.Request) {
			if s := tls.Server(conn, c); s.Handshake() == nil {
				_, _ = io.Copy(io.Discard, s)
			}
		})
	}
	s := httptest.NewUnstartedServer(nil)
	s.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	stranger := &tls.Config{Certificates: s.TLS.Certificates}
	old := stranger.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	return []misdeed{
		{"TLS that never begins", secure(falls("")), noAnswer, true},
		{"TLS a byte at a time", secure(drips("\x16\x03\x03\x40\x00")), noAnswer, true},
		{"TLS that is broken off", secure(resets("")), ` closed the connection without an answer`, false},
		{"TLS that is refused", secure(says("\x15\x03\x03\x00\x02\x02\x28")), `^no TLS connection to .+ could be made`, false},
		{"TLS of old", shaking(old), `^no TLS connection to .+ could be made`, false},
		{"TLS of a stranger", shaking(stranger), `^the TLS certificate of .+ is (for another name|signed by nobody we know)`, false},
		{"HTTP where TLS should be", secure(says("HTTP/1.1 400 Bad Request\r\n\r\n")), ` does not speak TLS`, false},
		{"endless rubbish where TLS should be", secure(repeats("", "rubbish")), ` does not speak TLS`, false},
	}
}

// noDocuments are statuses other than 200 and 304, with a feed in each (fetching.md
// 25 to 28).
func noDocuments() (list []misdeed) {
	for _, status := range []string{"101", "201", "206", "226", "300", "401", "403", "404", "418", "429", "451", "500", "502", "503", "599", "999"} {
		list = append(list, misdeed{"the status " + status, answers(status+" No", atom("bad")), `^the server answered ` + status, false})
	}
	return append(list, misdeed{"the status 204", answers("204 No", ""), `^the server answered 204`, false})
}

// noFeeds are good answers with something else in them (fetching.md 27).
func noFeeds() []misdeed {
	const ok = "200 OK"
	return []misdeed{
		{"a page", answers(ok, "<!DOCTYPE html><html><body>Log in</body></html>"), `^the address answers with a web page, not a feed`, false},
		{"nothing", answers(ok, ""), ` sent an empty document$`, false},
		{"white space", answers(ok, " \r\n\t\r\n"), ` sent an empty document$`, false},
		{"JSON of something else", answers(ok, `{"error": "quota"}`), `^the document is no feed`, false},
		{"a picture", answers(ok, "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), `^the document is no feed`, false},
		{"the beginning of a feed", answers(ok, atom("bad")[:120]), `^the feed is broken`, false},
		{"elements without bottom", answers(ok, "<feed>"+strings.Repeat("<a>", maxBody/4)), ` nested deeper than `, false},
		{"attributes without end", answers(ok, "<feed "+strings.Repeat(`a="" `, maxBody/6)+"/>"), ` more than 256 attributes$`, false},
	}
}

// badCodings are documents that are compressed in a bad way (fetching.md 33).
func badCodings(t testing.TB) []misdeed {
	coded := func(coding, text string) act { return answers("200 OK\r\nContent-Encoding: "+coding, text) }
	half := squeeze(t, "gzip", strings.NewReader(atom("bad")))
	list := []misdeed{
		{"gzip that is none", coded("gzip", atom("bad")), ` compressed with gzip`, false},
		{"half a gzip", coded("gzip", half[:len(half)/2]), `compressed|broke in the middle`, false},
		{"a coding that went out of use", coded("compress", atom("bad")), ` compressed with compress`, false},
	}
	for _, coding := range []string{"gzip", "br", "zstd"} {
		bomb := coded(coding, squeeze(t, coding, io.LimitReader(spaces{}, 8<<20)))
		list = append(list, misdeed{"a bomb of " + coding, bomb, ` is larger than 256KiB`, false})
	}
	return list
}

// squeeze compresses.
func squeeze(t testing.TB, coding string, r io.Reader) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "br":
		w = brotli.NewWriterLevel(&b, 4)
	default:
		w, err = zstd.NewWriter(&b)
	}
	if err == nil {
		_, err = io.Copy(w, r)
	}
	if err != nil || w.Close() != nil {
		t.Fatal(coding, err)
	}
	return b.String()
}

// spaces is white space without end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte(" "), len(p))), nil
}
