package fetch

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"orrery/feeds"
)

// squeezed is s in a coding.
func squeezed(t *testing.T, coding, s string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "br":
		w = brotli.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := io.WriteString(w, s); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGzipIsUndone(t *testing.T) {
	body := string(zipped(t, strings.NewReader(sampleFeed)))
	for _, coding := range []string{"gzip", "GZIP", "x-gzip"} {
		s := newServer(t, always(200, body, "Content-Encoding", coding))
		if r := mustFetch(t, newFetcher(t, Options{MaxBody: 10 << 20}, s), s.URL, feeds.Validators{}); string(r.Body) != sampleFeed {
			t.Errorf("%s: body %q", coding, r.Body)
		}
	}
	for _, nonsense := range []string{"utf-8", "identity", "none"} {
		s := newServer(t, always(200, sampleFeed, "Content-Encoding", nonsense))
		if r := mustFetch(t, newFetcher(t, Options{}, s), s.URL, feeds.Validators{}); string(r.Body) != sampleFeed {
			t.Errorf("%s: body %q", nonsense, r.Body)
		}
	}
}

func TestEveryCodingThatIsAskedForIsUndone(t *testing.T) {
	long := strings.Repeat(sampleFeed, 1000)
	for _, tt := range []struct{ header, body string }{
		{"br", squeezed(t, "br", long)},
		{"zstd", squeezed(t, "zstd", long)},
		{"br, gzip", squeezed(t, "gzip", squeezed(t, "br", long))}, // in the order in which they were applied
		{"gzip, utf-8", squeezed(t, "gzip", long)},
		{"", squeezed(t, "gzip", long)}, // a file served as it lies there
	} {
		s := newServer(t, always(200, tt.body, "Content-Encoding", tt.header))
		if r := mustFetch(t, newFetcher(t, Options{}, s), s.URL, feeds.Validators{}); string(r.Body) != long {
			t.Errorf("%q: %d bytes, want %d", tt.header, len(r.Body), len(long))
		}
	}
}

func TestBrokenCompressionIsAnError(t *testing.T) {
	good := zipped(t, strings.NewReader(strings.Repeat(sampleFeed, 100)))
	badSum := bytes.Clone(good)
	badSum[len(badSum)-5] ^= 1
	tests := []struct{ name, coding, body string }{
		{"mislabelled", "gzip", sampleFeed},
		{"mislabelled x-gzip", "x-gzip", sampleFeed},
		{"wrong sum", "gzip", string(badSum)},
		{"a second member that is broken", "gzip", string(good) + string(badSum)},
		{"brotli", "br", "\x0b\x02\x80"},
		{"zstd", "zstd", "\x28\xb5\x2f\xfd"},
		{"twice", "gzip, gzip", string(good)},
		{"three times", "gzip, br, zstd", string(good)},
		{"a coding nobody asked for", "deflate", string(good)},
	}
	for _, tt := range tests {
		s := newServer(t, always(200, tt.body, "Content-Encoding", tt.coding, "ETag", `"1"`))
		if r, err := fails(t, newFetcher(t, Options{}, s), s.URL); !errors.Is(err, ErrEncoding) || r.Status != 200 {
			t.Errorf("%s: status %d, err = %v", tt.name, r.Status, err)
		}
	}
}

// As browsers do: what was compressed is whole, and its sum is right.
func TestWhatFollowsACompressedDocumentIsPassedOver(t *testing.T) {
	good := squeezed(t, "gzip", sampleFeed)
	half := squeezed(t, "gzip", "<fee")
	for name, body := range map[string]string{
		"a comment":                  good + "<!-- cached -->",
		"a byte":                     good + "\x00",
		"zeros":                      good + strings.Repeat("\x00", 1000),
		"much":                       good + strings.Repeat("<p>", 20_000),
		"the beginning of a member":  good + "\x1f\x8b",
		"nothing, after two members": half + squeezed(t, "gzip", sampleFeed[4:]),
		"a comment, after two":       half + squeezed(t, "gzip", sampleFeed[4:]) + "<!-- cached -->",
	} {
		for _, coding := range []string{"gzip", ""} {
			s := newServer(t, always(200, body, "Content-Encoding", coding))
			want := sampleFeed
			if strings.HasPrefix(body, half) {
				want = "<fee" + sampleFeed[4:]
			}
			if r := mustFetch(t, newFetcher(t, Options{}, s), s.URL, feeds.Validators{}); string(r.Body) != want {
				t.Errorf("%s, %q: body %q", name, coding, r.Body)
			}
		}
	}
}

// The connection was fine: whoever reads the sentence shall not look there.
func TestCompressedDocumentThatIsCutOffIsNoBrokenConnection(t *testing.T) {
	for _, coding := range []string{"gzip", "br", "zstd"} {
		whole := squeezed(t, coding, strings.Repeat(sampleFeed, 100))
		for _, length := range []int{1, 5, len(whole) / 2, len(whole) - 1} {
			s := newServer(t, always(200, whole[:length], "Content-Encoding", coding))
			_, err := fails(t, newFetcher(t, Options{}, s), s.URL)
			want := "the document from " + s.Listener.Addr().String() + " is compressed with " + coding + ", and its end is missing"
			if !errors.Is(err, ErrEncoding) || err.Error() != want {
				t.Errorf("%s, %d bytes: %v, want %q", coding, length, err, want)
			}
		}
	}
}

// A connection that breaks behind a whole document has not brought all of it.
func TestConnectionThatBreaksBehindACompressedDocumentIsToldOf(t *testing.T) {
	good := squeezed(t, "gzip", sampleFeed)
	for _, more := range []string{"", "\x1f", "<!"} {
		s := newServer(t, raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", len(good)+len(more)+1)+good+more))
		if _, err := fails(t, newFetcher(t, Options{}, s), s.URL); !strings.HasSuffix(err.Error(), "broke in the middle of the document") {
			t.Errorf("%q: %v", more, err)
		}
	}
}

func TestBodyIsBoundedAfterDecompression(t *testing.T) {
	const limit = 64 << 10
	bomb := zipped(t, io.LimitReader(zeros{}, 10<<20))
	if len(bomb) > limit {
		t.Fatalf("the bomb has %d bytes, more than the limit", len(bomb))
	}
	full := strings.Repeat("x", limit)
	tests := []struct {
		name string
		h    http.HandlerFunc
	}{
		{"bomb", always(200, string(bomb), "Content-Encoding", "gzip")},
		{"bomb of x-gzip", always(200, string(bomb), "Content-Encoding", "x-gzip")},
		{"bomb of brotli", always(200, squeezed(t, "br", strings.Repeat("\x00", 10<<20)), "Content-Encoding", "br")},
		{"bomb of zstd", always(200, squeezed(t, "zstd", strings.Repeat("\x00", 10<<20)), "Content-Encoding", "zstd")},
		{"bomb in a bomb", always(200, squeezed(t, "gzip", squeezed(t, "gzip", strings.Repeat("\x00", 10<<20))), "Content-Encoding", "gzip, gzip")},
		{"bomb without a label", always(200, string(bomb))},
		{"one byte too many", always(200, full+"x")},
		{"says so itself", raw("HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n")},
		{"endless", endless},
	}
	for _, tt := range tests {
		s := newServer(t, tt.h)
		_, err := fails(t, newFetcher(t, Options{MaxBody: limit}, s), s.URL)
		want := "the document at " + s.Listener.Addr().String() + " is larger than 64KiB; raise fetch.max_body if it has to be"
		if !errors.Is(err, ErrTooLarge) || err.Error() != want {
			t.Errorf("%s: err = %v, want %q", tt.name, err, want)
		}
	}
	s := newServer(t, always(200, full))
	if r := mustFetch(t, newFetcher(t, Options{MaxBody: limit}, s), s.URL, feeds.Validators{}); len(r.Body) != limit {
		t.Errorf("a document of exactly the limit: %d bytes", len(r.Body))
	}
}

// fetching.md 33: below the limit of size, too, nobody makes us unpack what is no text.
func TestDocumentThatGrowsOutOfProportionIsNotRead(t *testing.T) {
	var list strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&list, "<item><guid>%d</guid><title>The same again</title></item>\n", i)
	}
	for _, coding := range []string{"gzip", "br", "zstd"} {
		s := newServer(t, always(200, squeezed(t, coding, strings.Repeat(" ", 9<<20)), "Content-Encoding", coding))
		_, err := fails(t, newFetcher(t, Options{MaxBody: 10 << 20}, s), s.URL)
		if want := "is more than 200 times as long when it is decompressed"; !errors.Is(err, errBomb) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", coding, err, want)
		}
		s = newServer(t, always(200, squeezed(t, coding, list.String()), "Content-Encoding", coding))
		if r := mustFetch(t, newFetcher(t, Options{MaxBody: 10 << 20}, s), s.URL, feeds.Validators{}); string(r.Body) != list.String() {
			t.Errorf("%s: a monotonous list came as %d of %d bytes", coding, len(r.Body), list.Len())
		}
	}
}
