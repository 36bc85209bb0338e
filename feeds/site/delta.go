package site

import (
	"hash/maphash"
	"regexp"
	"sync"

	"orrery/feeds"
)

// A feed can be sent as what is new or changed in it since a version that the reader
// has (RFC 3229 with the instance manipulation "feed"). It is cut out of the bytes of
// the whole feed: what stands around the entries is in both, and each entry has the
// same bytes in both, so that a delta is as valid as the feed is.

// deltaControl keeps caches that do not know of deltas from taking one for the whole
// (RFC 3229 §10.8.2: those that do need not heed no-store).
const deltaControl = "no-store, im"

// shape says where the entries are in a format; zero: nowhere, it is no feed.
type shape struct {
	element string // XML: the name of an entry's element
	depth   int    // and how many elements are around it
	array   string // JSON: the member of the document that holds them
}

func shapeOf(typ string) shape {
	switch typ {
	case feeds.AtomType:
		return shape{element: "entry", depth: 1}
	case feeds.RSSType:
		return shape{element: "item", depth: 2}
	case feeds.JSONType:
		return shape{array: "items"}
	}
	return shape{}
}

func (s shape) known() bool { return s != shape{} }

// extent is an entry in the bytes of a feed; in XML with the space before it.
type extent struct{ start, end int }

// entries finds the entries of a feed. In what it cannot follow there are none, so
// that it is sent whole.
func (s shape) entries(body []byte) []extent {
	if s.array != "" {
		return jsonElements(body, s.array)
	}
	return xmlElements(body, s.element, s.depth)
}

// seed makes that nobody can write an entry that is taken for another one.
var seed = maphash.MakeSeed()

// marks are what the entries of a feed are compared by.
func (s shape) marks(body []byte) []uint64 {
	spans := s.entries(body)
	marks := make([]uint64, len(spans))
	for i, e := range spans {
		marks[i] = maphash.Bytes(seed, body[e.start:e.end])
	}
	return marks
}

// without is the feed without the entries that were in a version with these marks.
// Whatever else stands between entries, such as tombstones, stays; that it is all
// there is does not.
func (s shape) without(body []byte, marks []uint64) []byte {
	spans := s.entries(body)
	if len(spans) == 0 {
		return body
	}
	known := make(map[uint64]bool, len(marks))
	for _, m := range marks {
		known[m] = true
	}
	out := s.incomplete(body[:spans[0].start])
	none, all := true, true
	for i, e := range spans {
		if i > 0 && s.array == "" {
			out = append(out, body[spans[i-1].end:e.start]...)
		}
		if known[maphash.Bytes(seed, body[e.start:e.end])] {
			all = false
			continue
		}
		if !none && s.array != "" {
			out = append(out, body[spans[0].end:spans[1].start]...) // the comma
		}
		out = append(out, body[e.start:e.end]...)
		none = false
	}
	if all {
		return body
	}
	return append(out, s.incomplete(body[spans[len(spans)-1].end:])...)
}

// completeMember is how a JSON Feed of ours says that it is complete. No string in the
// document holds such quotes unescaped.
var completeMember = regexp.MustCompile(`"complete"\s*:\s*true\s*,\s*|,\s*"complete"\s*:\s*true`)

// completeElement is how the others do. Nor does any text hold such a tag.
var completeElement = regexp.MustCompile(`\s*<fh:complete\s*(/>|>\s*</fh:complete>)`)

// incomplete is a copy of what stands before or behind the entries of a feed that does
// not say that the document has all there is: whoever believes that of a delta takes
// the entries that are not in it for deleted (RFC 5005 §2).
func (s shape) incomplete(b []byte) []byte {
	if s.array != "" {
		return completeMember.ReplaceAll(b, nil)
	}
	return completeElement.ReplaceAll(b, nil)
}

// deltas are kept as long as the document they lead to, each made once.
type deltas struct {
	mu sync.Mutex
	by map[string]*document // by the base of the older version; nil: it saves nothing
}

// delta is what has changed since one of the versions in a list of entity tags, and
// that version's tag as it was sent; nil when none is known, or nothing is saved.
func (d *document) delta(lists []string) (*document, string) {
	if d.place == nil || !d.shape.known() {
		return nil, ""
	}
	list := entityTags{lines: lists}
	for {
		t, ok := list.next()
		if !ok {
			return nil, ""
		}
		if marks, ok := d.place.cache.past.find(d.place.route, t.base); ok {
			if since := d.since(t.base, marks); since != nil {
				return since, t.text
			}
		}
	}
}

// since makes the delta to an older version. Its tags are those of the document: a
// reader that has applied it has what they name (RFC 3229 §10.4.1). It is compressed
// like any answer, as libraries undo that before a reader looks at the status.
func (d *document) since(base string, marks []uint64) *document {
	d.deltas.mu.Lock()
	defer d.deltas.mu.Unlock()
	if x, ok := d.deltas.by[base]; ok {
		return x
	}
	var x *document
	if body := d.shape.without(d.plain.body, marks); len(body) < len(d.plain.body) {
		f := d.facts
		f.control = deltaControl
		x = assemble(body, d.base, f)
		x.always = append(x.always, field{"Im", []string{"feed"}})
		x.of = d
		d.grew(x.size())
	}
	if d.deltas.by == nil {
		d.deltas.by = map[string]*document{}
	}
	d.deltas.by[base] = x
	return x
}
