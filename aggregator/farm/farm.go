// Package farm serves blogs that nobody writes: feeds of the formats, sizes and
// habits of real ones, made from a seed. It is only for tests and benchmarks and
// no part of the program.
//
// Same seed, same bytes: figures taken at different times, or of different
// programs, are of the same work. A farm takes no clock and imports nothing of
// ours, so that it can judge all of it. In a benchmark it runs in a process of
// its own; what it costs is not ours.
package farm

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what grows.
type Options struct {
	// Feeds are served as /0.xml, /1.xml and so on. A thousand with their own
	// numbers of entries are about 33,000 entries, 240 MB, 68 MB compressed.
	Feeds int
	// Entries of every feed, short ones; 0: as many and as long as people write.
	Entries int
	// Latency is waited before every answer.
	Latency time.Duration
	Seed    int64
}

// Farm is an http.Handler. Its methods may be called from any number of goroutines.
type Farm struct {
	options Options
	plots   []plot
	latency atomic.Int64
	steps   atomic.Int64
	counts  counters
}

// plot is what stands on a feed's ground. Only the compressed bytes are kept.
type plot struct {
	mu    sync.Mutex
	grown int // entries it got by steps
	doc   *document
}

// Counts are what a farm has answered since it was made.
type Counts struct {
	Requests    int64
	NotModified int64 // answers that were 304
	Bytes       int64 // of bodies, as they were sent
}

type counters struct{ requests, notModified, bytes atomic.Int64 }

// Size is what a farm holds.
type Size struct {
	Entries       int
	Bytes, Packed int64 // of all documents, plain and compressed
}

// New makes a farm. Its documents are written when they are first asked for.
func New(o Options) *Farm {
	f := &Farm{options: o, plots: make([]plot, o.Feeds)}
	f.SetLatency(o.Latency)
	return f
}

// SetLatency is what is waited before every answer from now on.
func (f *Farm) SetLatency(d time.Duration) { f.latency.Store(int64(d)) }

// Counts are the requests until now.
func (f *Farm) Counts() Counts {
	return Counts{f.counts.requests.Load(), f.counts.notModified.Load(), f.counts.bytes.Load()}
}

// Grow writes all documents that were not asked for yet, so that nobody waits
// for that later, and says what there is.
func (f *Farm) Grow() Size {
	var next atomic.Int64
	var mu sync.Mutex
	var all Size
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for n := int(next.Add(1)) - 1; n < len(f.plots); n = int(next.Add(1)) - 1 {
				d := f.document(n)
				mu.Lock()
				all.Entries += d.entries
				all.Bytes += int64(d.size)
				all.Packed += int64(len(d.packed))
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return all
}

// Step gives every hundredth feed, others each time, one new entry, which takes
// the place of its oldest. It returns how many feeds that were.
func (f *Farm) Step() int {
	const every = 100
	step := int(f.steps.Add(1))
	changed := 0
	for n := step % min(every, max(len(f.plots), 1)); n < len(f.plots); n += every {
		p := &f.plots[n]
		p.mu.Lock()
		p.grown++
		p.doc = f.write(n, p.grown)
		p.mu.Unlock()
		changed++
	}
	return changed
}

func (f *Farm) document(n int) *document {
	p := &f.plots[n]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doc == nil {
		p.doc = f.write(n, p.grown)
	}
	return p.doc
}

// ServeHTTP answers /N.xml with a strong ETag and Last-Modified, compressed if
// that is accepted, 304 where nothing changed.
func (f *Farm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d := time.Duration(f.latency.Load()); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return
		}
	}
	f.counts.requests.Add(1)
	c := &counter{ResponseWriter: w, farm: f}
	name, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/"), ".xml")
	n, err := strconv.Atoi(name)
	if !ok || err != nil || n < 0 || n >= len(f.plots) || strconv.Itoa(n) != name {
		http.NotFound(c, r)
		return
	}
	f.document(n).serve(c, r)
}

// counter counts what is answered.
type counter struct {
	http.ResponseWriter
	farm *Farm
}

func (c *counter) WriteHeader(status int) {
	if status == http.StatusNotModified {
		c.farm.counts.notModified.Add(1)
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.farm.counts.bytes.Add(int64(n))
	return n, err
}

// document is a feed as it is served.
type document struct {
	packed        []byte // gzip
	etag          string // without its quotes
	mediaType     string
	modified      time.Time
	entries, size int
}

func (d *document) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", d.mediaType)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		// A strong tag is one of bytes, and these are others (RFC 9110 §8.8.3.3).
		h.Set("ETag", `"`+d.etag+`-gzip"`)
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(d.packed)))
		http.ServeContent(w, r, "", d.modified, bytes.NewReader(d.packed))
		return
	}
	h.Set("ETag", `"`+d.etag+`"`)
	plain, err := d.unpack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.ServeContent(w, r, "", d.modified, bytes.NewReader(plain))
}

func (d *document) unpack() ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(d.packed))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(d.size)
	_, err = io.Copy(&b, z)
	return b.Bytes(), err
}
