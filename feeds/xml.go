package feeds

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// xmlReader makes a Feed of an XML document of any format, by what its elements
// mean and not by where they stand: feeds mix the formats as they like.
type xmlReader struct {
	scanner
	feed    *Feed
	entry   *Entry    // the open entry, nil outside of one
	origin  *Origin   // the open atom:source
	person  *Person   // the open atom:author
	site    string    // RSS channel's link
	tagline string    // iTunes' subtitle of the feed
	pages   []xmlLink // the feed's alternates
	full    bool      // no more entries are taken
	// The base that was resolved against last: nearly always it is the next, too.
	lastBase string
	lastURL  *url.URL
	short    bool  // the text that is read is a line, and ends where another element begins
	root     space // of names without a prefix that nobody declared
	open     []element
	bindings []binding
	// Texts that only count where the better one is missing.
	late late
}

// element is an open element around us.
type element struct {
	name       string
	kind       kind
	base, lang string // in scope; "" for not said
	bindings   int    // how many there were outside of it
	picture    bool   // a media:content whose title and description are a picture's
}

// kind is what an open element is to the elements in it.
type kind byte

const (
	kindOpaque kind = iota // nothing in it is for us
	kindFeed
	kindEntry
	kindImage
	kindPerson
	kindOrigin
	kindGroup // media:group, categories: as if it were not there
)

// xmlLink is an atom:link.
type xmlLink struct{ rel, typ, href, length, lang, title string }

// readXML reads a document whose root is there. It fails only where a bound is
// passed: whatever can be understood is understood.
func readXML(text string, root space) (*Feed, error) {
	r := &xmlReader{scanner: scanner{s: text}, feed: &Feed{}, root: root}
	for {
		switch r.next() {
		case tokenEnd:
			if r.err != nil {
				return nil, r.err
			}
			return r.whole()
		case tokenOpen:
			r.start()
		case tokenClose:
			r.end(r.name)
		}
	}
}

// whole is the feed at the end of the document, also where that came too early.
func (r *xmlReader) whole() (*Feed, error) {
	f := r.feed
	f.Subtitle = cmp.Or(f.Subtitle, r.tagline)
	f.Link, f.Links = page(r.site, r.pages, f.Language, f.Links)
	if len(r.open) == 0 || r.full {
		return f, nil
	}
	if f.Truncated = true; len(f.Entries) == 0 {
		return nil, fmt.Errorf("%w: the end is missing, and no entry is whole before", ErrBroken)
	}
	if r.entry != nil { // the next visit has it whole
		r.repaired("the end is missing; its last entry was left out")
	} else {
		r.repaired("the end is missing")
	}
	return f, nil
}

func (r *xmlReader) repaired(what string) {
	if !slices.Contains(r.feed.Repaired, what) {
		r.feed.Repaired = append(r.feed.Repaired, what)
	}
}

// base is the xml:base in scope, "" for none.
func (r *xmlReader) base() string {
	if n := len(r.open); n > 0 {
		return r.open[n-1].base
	}
	return ""
}

func (r *xmlReader) lang() string {
	if n := len(r.open); n > 0 {
		return r.open[n-1].lang
	}
	return ""
}

func (r *xmlReader) around() kind {
	if n := len(r.open); n > 0 {
		return r.open[n-1].kind
	}
	return kindOpaque
}

// address is ref against the xml:base in scope; what is still relative then,
// Normalize resolves against the feed.
func (r *xmlReader) address(ref string) string {
	if ref = strings.TrimSpace(ref); ref == "" {
		return ""
	}
	return r.resolved(r.base(), ref)
}

// start handles an open tag: its element is a place for others, or a leaf that
// is read to its end at once.
func (r *xmlReader) start() {
	e := element{name: r.name, base: r.base(), lang: r.lang(), bindings: len(r.bindings)}
	r.bind()
	space, local := r.resolve(r.name)
	if space == spaceXHTML && local != "body" {
		space = spaceOther
	}
	for _, a := range r.attrs {
		switch a.name {
		case "xml:base":
			e.base = r.join(e.base, a.value)
		case "xml:lang":
			if len(a.value) <= maxTag {
				e.lang = unescape(a.value)
			}
		}
	}
	outside := r.around()
	var place bool
	if e.kind, place = r.place(space, local, outside); place {
		r.enter(e)
		return
	}
	// While a leaf is read, what it says of base and language holds.
	e.kind = outside
	r.open = append(r.open, e)
	r.leaf(space, local, outside)
	if n := len(r.open); n > 0 && r.open[n-1].name == e.name {
		r.open = r.open[:n-1]
	}
	r.bindings = r.bindings[:min(e.bindings, len(r.bindings))]
}

// place says that an element holds others that we want to see.
func (r *xmlReader) place(s space, local string, outside kind) (kind, bool) {
	switch {
	case s == spaceRSS || s == spaceAtom || s == spaceRDF:
		switch local {
		case "rss", "feed", "rdf", "channel":
			if outside == kindEntry {
				return kindOpaque, true
			}
			return kindFeed, true
		case "item", "entry":
			return kindEntry, true
		case "image":
			return kindImage, outside == kindFeed && !r.empty
		case "author", "contributor":
			return kindPerson, !r.empty && r.elementFollows()
		case "categories":
			return kindGroup, outside == kindEntry && !r.empty
		case "source":
			return kindOrigin, s == spaceAtom && outside == kindEntry && !r.empty
		}
	case s == spaceMedia && (local == "group" || local == "content"):
		return kindGroup, true
	}
	return kindOpaque, false
}

// elementFollows says that the element that was just opened begins with another:
// some RSS feeds fill their authors as Atom does.
func (r *xmlReader) elementFollows() bool {
	rest := strings.TrimLeft(r.s[r.pos:min(len(r.s), r.pos+200)], " \t\r\n")
	return len(rest) > 3 && rest[0] == '<' && (isNameStart(rest[1]) || rest[1] == '!' && rest[2] == '-')
}

func (r *xmlReader) enter(e element) {
	switch e.kind {
	case kindEntry:
		if r.empty { // nothing is in it
			return
		}
		if r.entry != nil { // an item in an item: the outer one was not closed
			r.finishEntry()
		}
		r.beginEntry(e)
	case kindPerson:
		r.person = &Person{}
	case kindOrigin:
		r.origin = &Origin{}
	case kindGroup:
		e.kind = r.around()
		if _, local := r.resolve(e.name); local == "content" {
			e.picture = r.mediaContent()
		}
	case kindFeed:
		r.rootElement(e)
	}
	r.open = append(r.open, e)
	if r.empty {
		r.end(e.name)
	}
}

func (r *xmlReader) rootElement(e element) {
	space, local := r.resolve(e.name)
	what := local
	if len(r.open) > 0 { // only the document's own root names its format
		what = ""
	}
	switch what {
	case "feed":
		r.feed.Format = "atom " + cmp.Or(r.attr("version"), "1.0")
	case "rss":
		r.feed.Format = "rss " + cmp.Or(r.attr("version"), "2.0")
	case "rdf":
		r.feed.Format = "rss 1.0"
		for _, b := range r.bindings {
			if b.prefix == "" && b.space == spaceRSS && strings.Contains(r.s[:min(len(r.s), 1024)], "simple/0.9") {
				r.feed.Format = "rss 0.90"
			}
		}
	}
	if e.lang != "" && (space == spaceAtom || local != "channel") {
		r.feed.Language = cmp.Or(r.feed.Language, e.lang)
	}
	if local != "channel" && r.feed.Format == "" {
		r.feed.Format = "rss 2.0"
	}
}

// end closes the innermost open element of the name and all in it.
func (r *xmlReader) end(name string) {
	for i := len(r.open) - 1; i >= 0; i-- {
		if r.open[i].name != name {
			continue
		}
		for j := len(r.open) - 1; j >= i; j-- {
			r.leave(r.open[j])
		}
		r.bindings = r.bindings[:min(r.open[i].bindings, len(r.bindings))]
		r.open = r.open[:i]
		return
	}
}

func (r *xmlReader) leave(e element) {
	switch e.kind {
	case kindEntry:
		if r.entry != nil && beginsEntryLocal(e.name) {
			r.finishEntry()
		}
	case kindPerson:
		r.finishPerson(e)
	case kindOrigin:
		if r.entry != nil {
			r.entry.Origin = r.origin
		}
		r.origin = nil
	}
}

// beginsEntryLocal knows the element of an entry by its name, with any prefix.
func beginsEntryLocal(name string) bool {
	local := strings.ToLower(name[strings.IndexByte(name, ':')+1:])
	return local == "item" || local == "entry"
}

func (r *xmlReader) beginEntry(e element) {
	r.late = late{}
	r.entry = &Entry{Language: e.lang}
	if e.lang == r.lang() && e.lang == r.feed.Language {
		r.entry.Language = ""
	}
	if about := r.attr("rdf:about"); about != "" {
		r.entry.GUID = about // RSS 1.0 §5.5: the item's identity
	}
}

func (r *xmlReader) finishPerson(e element) {
	p := r.person
	r.person = nil
	if p == nil || *p == (Person{}) {
		return
	}
	_, local := r.resolve(e.name)
	switch {
	case local == "contributor": // who helped is not who wrote it
		if r.entry != nil && r.origin == nil {
			r.entry.Contributors = append(r.entry.Contributors, *p)
		}
	case r.origin != nil:
		r.origin.Authors = append(r.origin.Authors, *p)
	case r.entry != nil:
		r.entry.Authors = append(r.entry.Authors, *p)
	default:
		r.feed.Authors = append(r.feed.Authors, *p)
	}
}
