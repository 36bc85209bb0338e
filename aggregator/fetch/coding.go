package fetch

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// acceptCodings are asked for of everybody, in the order we like them best
// (fetching.md 33). To ask is to undo them ourselves: the transport knows gzip
// only, and only where nobody asked.
const acceptCodings = "gzip, br, zstd"

// zstdWindow is what a decoder must hold of a stream (RFC 9659 §3).
const zstdWindow = 8 << 20

// gzips are decoders that wait for the next document: one costs 40 KB.
var gzips = sync.Pool{New: func() any { return &members{from: bufio.NewReader(nil)} }}

// readBody reads a document to its end, at most limit bytes after decompression.
func readBody(answer *http.Response, limit int64) ([]byte, error) {
	if answer.ContentLength > limit {
		return nil, ErrTooLarge // it says so itself; not a byte need be sent
	}
	wire := &wire{Reader: io.LimitReader(answer.Body, limit+slack+1), most: limit + slack}
	body, err := readCoded(wire, &wire.n, codingsOf(answer), answer.ContentLength, limit)
	if err == nil && bytes.HasPrefix(body, gzipMagic) { // a compressed file, served as it lies on the disk
		came := wire.n
		wire.Reader, wire.n = bytes.NewReader(body), 0
		return readCoded(wire, &came, []string{"gzip"}, int64(len(body)), limit)
	}
	return body, err
}

var gzipMagic = []byte{0x1F, 0x8B, 8}

// codingsOf are the codings of an answer in the order in which they were applied.
// Servers are found that say utf-8 or none here; browsers do not mind.
func codingsOf(answer *http.Response) []string {
	if answer.ContentLength == 0 {
		return nil // nothing was encoded, since there is nothing
	}
	var list []string
	for name := range strings.SplitSeq(strings.Join(answer.Header.Values("Content-Encoding"), ","), ",") {
		switch name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "x-"); name { // RFC 9110 §8.4.1.3
		case "gzip", "br", "zstd", "deflate", "compress":
			list = append(list, name)
		}
	}
	return list
}

const (
	// firstGrow is how much room is made before a byte has come.
	firstGrow = 512 << 10
	// slack is what a compressed document may be longer than the longest plain one.
	slack = 64 << 10
)

const (
	// maxRatio is how much longer than what came a document may be (fetching.md 33). Feeds
	// are compressed to a fifth, the most monotonous to a fiftieth.
	maxRatio = 200
	// anyRatio is how long a document may be whatever came: tables of zeros are no harm yet.
	anyRatio = 4 << 20
)

// errBomb means that a document grows out of all proportion when it is decompressed.
var errBomb = errors.New("the document is compressed more than any text")

// bounded ends a document that is too long for what came of it.
type bounded struct {
	io.Reader
	wire *wire
	came *int64
	n    int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.n += int64(n); b.n > anyRatio && b.n > maxRatio**b.came {
		b.wire.err = errBomb
		return 0, errBomb
	}
	return n, err
}

// maxCodings is how often a document may be compressed over itself.
const maxCodings = 2

// readCoded undoes the codings, the last first, and reads to the end. length is
// what the answer said, -1 for nothing; came is how much of it has come.
func readCoded(wire *wire, came *int64, codings []string, length, limit int64) ([]byte, error) {
	if len(codings) > maxCodings {
		return nil, &unaskedCoding{name: strings.Join(codings, " and ")}
	}
	body, done, err := decoded(wire, codings)
	defer done()
	if err != nil {
		return nil, wire.blame(err, codings)
	}
	var b bytes.Buffer
	if length > 0 && len(codings) > 0 {
		length *= 4 // as text compresses
	}
	b.Grow(int(max(0, min(length, limit, firstGrow))) + bytes.MinRead) // what it claims costs nothing until it comes
	if _, err := b.ReadFrom(io.LimitReader(&bounded{body, wire, came, 0}, limit+1)); err != nil {
		return nil, wire.blame(err, codings)
	}
	if int64(b.Len()) > limit {
		return nil, ErrTooLarge
	}
	return b.Bytes(), nil
}

// decoded reads what is below the codings. done is to be called in any case.
func decoded(body io.Reader, codings []string) (r io.Reader, done func(), err error) {
	var all []func()
	done = func() {
		for _, f := range all {
			f()
		}
	}
	for _, coding := range slices.Backward(codings) {
		r, put, err := decoder(body, coding)
		if err != nil {
			return nil, done, err
		}
		all = append(all, put)
		body = r
	}
	return body, done, nil
}

// beginning is what can be read of the first bytes of a document, so many at most.
func beginning(answer *http.Response, most int64) []byte {
	codings := codingsOf(answer)
	if len(codings) > maxCodings {
		return nil
	}
	body, done, err := decoded(io.LimitReader(answer.Body, most), codings)
	defer done()
	if err != nil {
		return nil
	}
	page, _ := io.ReadAll(io.LimitReader(body, most)) // what of it came is enough
	return page
}

// wire remembers what became of the connection below the decoders. No compression of a
// document is larger than what it may have been, but for one that says nothing without
// end.
type wire struct {
	io.Reader
	most int64 // bytes that may come
	n    int64
	err  error
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if w.n += int64(n); w.n > w.most {
		w.err = ErrTooLarge
		return 0, w.err
	}
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// blame is the connection's error, if it broke; else the document is at fault.
func (w *wire) blame(err error, codings []string) error {
	var unasked *unaskedCoding
	switch {
	case w.err != nil:
		return w.err
	case len(codings) == 0, errors.As(err, &unasked):
		return err
	}
	return &brokenCoding{strings.Join(codings, " and "), err}
}

func decoder(body io.Reader, coding string) (r io.Reader, done func(), err error) {
	switch coding {
	case "gzip":
		m := gzips.Get().(*members)
		if err := m.reset(body); err != nil {
			return nil, nil, err
		}
		return m, func() { gzips.Put(m) }, nil
	case "br":
		return brotli.NewReader(body), func() {}, nil
	case "zstd":
		z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return nil, nil, &unaskedCoding{name: coding}
}

// members reads the members of a gzip one after the other (RFC 1952 §2.2). What
// follows the last and is none is passed over: servers are found that add a comment
// or zeros to what is whole already.
type members struct {
	one  gzip.Reader
	from *bufio.Reader
}

func (m *members) reset(body io.Reader) error {
	m.from.Reset(body)
	return m.open()
}

func (m *members) open() error {
	err := m.one.Reset(m.from)
	m.one.Multistream(false)
	return err
}

func (m *members) Read(p []byte) (int, error) {
	for {
		n, err := m.one.Read(p)
		if n > 0 && err == io.EOF {
			return n, nil // the next call sees to what follows
		}
		if err != io.EOF {
			return n, err
		}
		head, err := m.from.Peek(len(gzipMagic))
		if err != nil && err != io.EOF {
			return 0, err // the connection broke
		}
		if !bytes.Equal(head, gzipMagic) {
			return 0, io.EOF
		}
		if err := m.open(); err != nil {
			return 0, err
		}
	}
}

// brokenCoding is a document that is not what its Content-Encoding says.
type brokenCoding struct {
	name string
	err  error
}

func (e *brokenCoding) Error() string   { return e.name + ": " + e.err.Error() }
func (e *brokenCoding) Unwrap() []error { return []error{ErrEncoding, e.err} }

// unaskedCoding is a compression the request did not accept.
type unaskedCoding struct{ name string }

func (e *unaskedCoding) Error() string {
	return "compressed with " + e.name + ", which nobody asked for"
}
func (e *unaskedCoding) Unwrap() error { return ErrEncoding }
