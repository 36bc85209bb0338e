package site

import (
	"bytes"
	"io"
	"runtime"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A coding is a content coding (RFC 9110 §8.4.1) that documents are sent in.
type coding struct {
	name string // as it is called in headers
	// mark tells a document's entity tags apart: it stands behind what all of them
	// have in common. Its number grows whenever the same bytes would be compressed to
	// others, with another level or another version of a library; a test notices.
	mark     string
	header   []string  // Content-Encoding
	suffix   string    // of a file beside the one that it holds; "": there is none
	encoders sync.Pool // of encode
}

// encode compresses; the same bytes give the same bytes, whatever was compressed before.
type encode func(body []byte) []byte

// codings are the ones we know, those that we would rather send first. The levels
// are chosen so that a change costs a few milliseconds once and every reader gains
// (BenchmarkCompress: 60 real entries, 294.5 KB, which take some 3 ms to render):
//
//	br    level 5   64.2 KB   7.2 ms    4: 67.6 KB  4.9 ms          9: 62.7 KB  17 ms   11: 56.0 KB  911 ms
//	zstd  better    67.8 KB   2.7 ms    default: 70.0 KB  1.5 ms    best: 64.5 KB  15 ms
//	gzip  level 6   69.4 KB   2.1 ms    9: 66.8 KB  26 ms           compress/gzip 6: 67.8 KB  6.3 ms
var codings = [...]coding{
	{name: "br", mark: ".b1", header: []string{"br"}, suffix: ".br", encoders: sync.Pool{New: func() any {
		return stream(brotli.NewWriterLevel(nil, 5))
	}}},
	{name: "zstd", mark: ".z1", header: []string{"zstd"}, encoders: sync.Pool{New: newZstd}},
	{name: "gzip", mark: ".g1", header: []string{"gzip"}, suffix: ".gz", encoders: sync.Pool{New: func() any {
		z, err := gzip.NewWriterLevel(nil, 6) // its header has no time
		if err != nil {
			panic(err) // a level that is a constant is right or wrong for ever
		}
		return stream(z)
	}}},
}

// identity is the index of the bytes as they are, behind those of the codings.
const identity = len(codings)

func stream(z interface {
	io.WriteCloser
	Reset(io.Writer)
}) encode {
	return func(body []byte) []byte {
		var b bytes.Buffer
		z.Reset(&b)
		// A bytes.Buffer takes everything.
		_, _ = z.Write(body)
		_ = z.Close()
		return b.Bytes()
	}
}

// newZstd makes an encoder that works alone, since several would cut a document
// where they happen to be, with a window that every reader has room for (RFC 9659
// §3: 8 MiB).
func newZstd() any {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // as above
	}
	return encode(func(body []byte) []byte { return z.EncodeAll(body, nil) })
}

// presses are how many documents are compressed at once: an encoder holds a few MB,
// and more of them than processors are no faster.
var presses = make(chan struct{}, runtime.GOMAXPROCS(0))

func (c *coding) compress(body []byte) []byte {
	presses <- struct{}{}
	defer func() { <-presses }()
	e := c.encoders.Get().(encode)
	defer c.encoders.Put(e)
	return bytes.Clone(e(body)) // without the room that the encoder made
}
