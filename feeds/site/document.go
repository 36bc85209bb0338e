package site

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A document is what one address answers: its bytes as they are and compressed,
// with their validators and headers, which are made once. What it says never
// changes; compressed forms and deltas are added when they are first asked for.
type document struct {
	facts    facts
	base     string    // what its entity tags have in common; "" for what has none
	modified time.Time // whole seconds; zero: not known
	date     []string  // Last-Modified; nil: not known
	always   []field   // of every answer, a 304 too (RFC 9110 §15.4.5)
	whole    []field   // of an answer with a body
	plain    form
	coded    [len(codings)]coded

	shape  shape    // where its entries are, if it is a feed
	marks  []uint64 // what is compared of them with other versions
	deltas deltas
	of     *document // what it is a delta to

	place *place // set by the cache before anybody else knows of the document
	grown atomic.Int64
}

// field is a header with its values, which nobody may change.
type field struct {
	name   string
	values []string
}

// form is a representation (RFC 9110 §3.2).
type form struct {
	body   []byte
	tag    []string // ETag; nil for none
	length []string // Content-Length
	coding []string // Content-Encoding; nil for none
}

// coded is a form that is made when it is first asked for. Its tag is known before.
type coded struct {
	form // without a body where compressing does not make it smaller
	once sync.Once
}

// facts are what a document says of itself besides its bytes.
type facts struct {
	typ      string
	control  string    // Cache-Control
	self     string    // absolute address for Link; "" for none
	hubs     []string  // for Link, too
	policy   string    // Content-Security-Policy
	open     bool      // any page may read it (CORS)
	modified time.Time // zero: not known
	untagged bool      // no ETag: an error page
}

// Content security policies (hostile.md).
const (
	pagePolicy = "default-src 'none'; img-src https: http: data:; media-src https: http:; style-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	feedPolicy = "default-src 'none'; sandbox"
)

// exposed are the headers that pages of others may read of our answers (output.md 21).
const exposed = "ETag, Last-Modified, Link, Retry-After, IM, Delta-Base"

func newDocument(body []byte, f facts) *document {
	base := ""
	if !f.untagged {
		sum := sha256.Sum256(body)
		base = hex.EncodeToString(sum[:16]) // nothing in it looks like a mark or a proxy's suffix
	}
	d := assemble(body, base, f)
	if d.shape = shapeOf(f.typ); d.shape.known() {
		d.marks = d.shape.marks(body)
	}
	return d
}

// assemble makes a document that is tagged with base.
//
// Each coding has a strong tag of its own, since two codings are two
// representations (RFC 9110 §8.8.3.3). It is made of the hash of the plain bytes
// and the coding's mark, so that it is known, and a revisit answered, without
// compressing anything. That is as good as a hash of the compressed bytes: these
// depend on the plain ones and on how they are compressed, and the mark names that.
func assemble(body []byte, base string, f facts) *document {
	d := &document{facts: f, base: base, modified: f.modified.Truncate(time.Second)}
	d.plain = form{body: body, length: []string{strconv.Itoa(len(body))}}
	if base != "" {
		d.plain.tag = []string{`"` + base + `"`}
	}
	for i := range codings {
		if d.coded[i].coding = codings[i].header; base != "" {
			d.coded[i].tag = []string{`"` + base + codings[i].mark + `"`}
		}
	}
	if !d.modified.IsZero() {
		d.date = []string{d.modified.UTC().Format(http.TimeFormat)}
	}
	set := func(to *[]field, name, value string) { *to = append(*to, field{name, []string{value}}) }
	vary := "Accept-Encoding" // on 200, 226 and 304, compressed or not (output.md 19)
	if shapeOf(f.typ).known() {
		vary += ", A-IM"
	}
	set(&d.always, "Cache-Control", f.control)
	set(&d.always, "Vary", vary)
	set(&d.always, "Content-Security-Policy", f.policy)
	set(&d.always, "X-Content-Type-Options", "nosniff")
	set(&d.always, "Referrer-Policy", "no-referrer")
	if f.self != "" {
		link := "<" + f.self + `>; rel="self"`
		for _, hub := range f.hubs { // WebSub §4
			link += ", <" + hub + `>; rel="hub"`
		}
		set(&d.always, "Link", link)
	}
	if f.open {
		set(&d.always, "Access-Control-Allow-Origin", "*")
		set(&d.always, "Access-Control-Expose-Headers", exposed)
	}
	set(&d.whole, "Content-Type", f.typ)
	set(&d.whole, "Accept-Ranges", "none")
	return d
}

// form is the one called i, nil for a coding that does not make the document smaller.
func (d *document) form(i int) *form {
	if i == identity {
		return &d.plain
	}
	c := &d.coded[i]
	c.once.Do(func() {
		body := codings[i].compress(d.plain.body)
		if len(body) < len(d.plain.body) {
			c.body, c.length = body, []string{strconv.Itoa(len(body))}
			d.grew(int64(len(body)))
		}
	})
	if c.body == nil {
		return nil
	}
	return &c.form
}

// tag is the ETag of the form called i, which need not have been made.
func (d *document) tag(i int) []string {
	if i == identity {
		return d.plain.tag
	}
	return d.coded[i].tag
}

// overhead is what a kept document costs besides its bytes, roughly.
const overhead = 4 << 10

// size is what it takes of memory now.
func (d *document) size() int64 {
	return int64(len(d.plain.body)+8*len(d.marks)) + overhead + d.grown.Load()
}

// grew notes that something was added to the document, and has the cache count it.
func (d *document) grew(n int64) {
	if d.of != nil {
		d.of.grew(n)
		return
	}
	d.grown.Add(n)
	if d.place != nil {
		d.place.cache.recount(d.place.route, d)
	}
}

// same says that both have the same bytes and headers but for Last-Modified.
func (d *document) same(o *document) bool {
	return d.base == o.base
}
