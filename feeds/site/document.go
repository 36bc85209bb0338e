package site

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"
)

// A document is what one address answers: its bytes as they are and compressed,
// each with its own validators and headers. It never changes.
type document struct {
	plain    form
	zipped   *form     // nil when compressing does not make it smaller
	modified time.Time // whole seconds; zero: not known
}

// form is a representation (RFC 9110 §3.2). The headers are made once.
type form struct {
	body []byte
	etag string // with its quotes; "" for what has none
	full http.Header
	bare http.Header // of a 304: no header that describes a body (RFC 9110 §15.4.5)
}

// facts are what a document says of itself besides its bytes.
type facts struct {
	typ      string
	control  string    // Cache-Control
	self     string    // absolute address for Link; "" for none
	policy   string    // Content-Security-Policy
	open     bool      // any page may read it (CORS)
	modified time.Time // zero: not known
	untagged bool      // no ETag: an error page
}

// Content security policies (hostile.md).
const (
	pagePolicy = "default-src 'none'; img-src https: http: data:; media-src https: http:; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	feedPolicy = "default-src 'none'; sandbox"
)

func newDocument(body []byte, f facts) *document {
	d := &document{modified: f.modified.Truncate(time.Second)}
	d.plain = f.form(body, "", d.modified)
	if z := compress(body); len(z) < len(body) {
		zipped := f.form(z, "gzip", d.modified)
		d.zipped = &zipped
	}
	return d
}

// form makes the headers of a representation. Each coding has an ETag of its
// own, a hash of the bytes that are sent: two codings are two representations
// (RFC 9110 §8.8.3.3).
func (f *facts) form(body []byte, coding string, modified time.Time) form {
	r := form{body: body, bare: http.Header{}}
	r.bare.Set("Cache-Control", f.control)
	r.bare.Set("Vary", "Accept-Encoding") // on 200 and 304, compressed or not (output.md 19)
	r.bare.Set("Content-Security-Policy", f.policy)
	r.bare.Set("X-Content-Type-Options", "nosniff")
	r.bare.Set("Referrer-Policy", "no-referrer")
	if f.self != "" {
		r.bare.Set("Link", "<"+f.self+`>; rel="self"`)
	}
	if f.open {
		r.bare.Set("Access-Control-Allow-Origin", "*")
		r.bare.Set("Access-Control-Expose-Headers", "ETag, Last-Modified, Link, Retry-After")
	}
	if !f.untagged {
		sum := sha256.Sum256(body)
		r.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
		r.bare["Etag"] = []string{r.etag}
	}
	if !modified.IsZero() {
		r.bare.Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
	}
	r.full = r.bare.Clone()
	r.full.Set("Content-Type", f.typ)
	r.full.Set("Content-Length", strconv.Itoa(len(body)))
	r.full.Set("Accept-Ranges", "none")
	if coding != "" {
		r.full.Set("Content-Encoding", coding)
	}
	return r
}

// compress is the same for the same bytes: the gzip header has no time.
func compress(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	// A bytes.Buffer takes everything.
	_, _ = z.Write(body)
	_ = z.Close()
	return b.Bytes()
}

// overhead is what a kept document costs besides its bytes, roughly.
const overhead = 4 << 10

func (d *document) size() int64 {
	n := len(d.plain.body) + overhead
	if d.zipped != nil {
		n += len(d.zipped.body)
	}
	return int64(n)
}

// same says that both have the same bytes and headers but for Last-Modified.
func (d *document) same(o *document) bool {
	return d.plain.etag == o.plain.etag
}
