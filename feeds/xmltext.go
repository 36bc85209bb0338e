package feeds

import (
	"net/url"
	"strings"
)

// construct is the inside of a text element: a piece of text, or of HTML.
type construct struct {
	// value is the text with references resolved, or where there are elements
	// inside, their markup as HTML.
	value string
	// markup says that there were elements inside.
	markup bool
}

// inside takes everything up to the end of the element that was just opened and
// returns its text. Where it was never closed it ends with the entry around it.
//
// With xhtml, text is kept escaped, since the whole is markup (RFC 4287 §3.1.1.3);
// otherwise elements inside are a writer's mistake, and what stands around them
// is HTML already.
func (r *xmlReader) inside(xhtml bool) construct {
	name := r.name
	if r.empty {
		return construct{}
	}
	var c construct
	var pieces markupWriter
	for nested := 0; ; {
		before, depth := r.pos, r.scanner.depth
		t := r.next()
		switch t {
		case tokenText, tokenCDATA:
			c.value = pieces.text(c.value, r.piece(t, xhtml))
			continue
		case tokenOpen:
			if !xhtml && (beginsEntry(r.name) || r.short && besideText(r.name)) {
				break
			}
			if r.name == name && !r.empty {
				nested++
			}
			c.markup = true
			c.value = pieces.open(r, c.value)
			continue
		case tokenClose:
			if r.name == name && nested == 0 {
				return c.done(&pieces)
			}
			if endsEntry(r.name) {
				break
			}
			if r.name == name {
				nested--
			}
			c.value = pieces.close(r, c.value)
			continue
		}
		if t != tokenEnd { // not ours: whoever is outside shall see it
			r.pos, r.scanner.depth = before, depth
		}
		r.repaired("elements without an end")
		return c.done(&pieces)
	}
}

func (r *xmlReader) piece(t token, xhtml bool) string {
	switch {
	case t == tokenCDATA && xhtml:
		return escapeHTML(r.text)
	case t == tokenCDATA, xhtml:
		return r.text
	}
	text, repaired := resolveReferences(r.text)
	if repaired {
		r.repaired("references to characters that no document may hold")
	}
	return text
}

func (c construct) done(p *markupWriter) construct {
	if p.b.Len() > 0 {
		c.value = p.b.String()
	}
	if inner, ok := strings.CutPrefix(strings.TrimSpace(c.value), "<![CDATA["); ok { // it was escaped once more
		if inner, ok = strings.CutSuffix(inner, "]]>"); ok {
			c.value = inner
		}
	}
	return c
}

// beginsEntry and endsEntry know the elements that no text reaches across.
func beginsEntry(name string) bool { return name == "item" || name == "entry" }

// besideText knows the elements that stand beside a short text and never in it.
func besideText(name string) bool {
	switch strings.ToLower(name) {
	case "link", "guid", "pubdate", "description", "category", "enclosure", "comments", "id", "updated", "published", "summary",
		"content", "content:encoded", "dc:creator", "dc:date":
		return true
	}
	return false
}

func endsEntry(name string) bool {
	switch name {
	case "item", "entry", "channel", "feed", "rss", "rdf:RDF":
		return true
	}
	return false
}

// markupWriter joins the pieces of a construct; a single piece of text, which is
// nearly every construct, is not copied.
type markupWriter struct {
	b     strings.Builder
	bases []localBase
	level int
}

// localBase is an xml:base inside a construct, and where it ends.
type localBase struct {
	level int
	base  string
}

func (p *markupWriter) text(have, piece string) string {
	if have == "" && p.b.Len() == 0 {
		return piece
	}
	if p.full() {
		return have
	}
	if p.b.Len() == 0 {
		p.b.WriteString(have)
	}
	p.b.WriteString(piece)
	return have
}

// full says that there is more markup than is kept of any text.
func (p *markupWriter) full() bool { return p.b.Len() > maxHTML }

// begin makes sure that what was found so far is in the buffer.
func (p *markupWriter) begin(have string) {
	if p.b.Len() == 0 {
		p.b.WriteString(have)
	}
}

func (p *markupWriter) open(r *xmlReader, have string) string {
	if p.full() {
		return have
	}
	p.begin(have)
	_, local := r.resolve(r.name)
	if base := r.attr("xml:base"); base != "" {
		p.bases = append(p.bases, localBase{p.level, r.join(p.base(r), base)})
	}
	p.b.WriteByte('<')
	p.b.WriteString(local)
	for _, a := range r.attrs {
		if strings.HasPrefix(a.name, "xml") {
			if a.name == "xml:lang" {
				p.attribute("lang", a.value)
			}
			continue
		}
		value := a.value
		if len(p.bases) > 0 && (a.name == "href" || a.name == "src") {
			value = escapeHTML(r.resolved(p.base(r), unescape(value)))
		}
		p.attribute(a.name, value)
	}
	p.b.WriteByte('>')
	switch {
	case traits[local]&isVoid != 0:
	case r.empty: // <a id="x"/> is no open link to an HTML parser
		p.b.WriteString("</" + local + ">")
	default:
		p.level++
		return have
	}
	p.end()
	return have
}

func (p *markupWriter) attribute(name, value string) {
	p.b.WriteByte(' ')
	p.b.WriteString(name)
	p.b.WriteString(`="`)
	p.b.WriteString(strings.ReplaceAll(value, `"`, "&quot;"))
	p.b.WriteByte('"')
}

func (p *markupWriter) close(r *xmlReader, have string) string {
	if p.full() {
		return have
	}
	p.begin(have)
	if _, local := r.resolve(r.name); traits[local]&isVoid == 0 {
		p.b.WriteString("</" + local + ">")
	}
	p.level = max(p.level-1, 0)
	p.end()
	return have
}

// end forgets the bases of elements that have ended.
func (p *markupWriter) end() {
	for len(p.bases) > 0 && p.bases[len(p.bases)-1].level >= p.level {
		p.bases = p.bases[:len(p.bases)-1]
	}
}

func (p *markupWriter) base(r *xmlReader) string {
	if len(p.bases) > 0 {
		return p.bases[len(p.bases)-1].base
	}
	return r.base()
}

// join is the base that an xml:base makes of the one around it; that one where it
// would be longer than any address.
func (r *xmlReader) join(base, value string) string {
	if len(value) > maxBase {
		return base
	}
	if b := r.resolved(base, unescape(value)); len(b) <= maxBase {
		return b
	}
	return base
}

// resolved is ref against base as RFC 3986 §5.2 says; ref itself where one of them is
// no address.
func (r *xmlReader) resolved(base, ref string) string {
	ref = strings.TrimSpace(ref)
	if base == "" || len(ref) > MaxURL {
		return ref
	}
	if base != r.lastBase {
		r.lastBase = base
		var err error
		if r.lastURL, err = url.Parse(base); err != nil {
			r.lastURL = nil
		}
	}
	if r.lastURL == nil {
		return ref
	}
	u, err := url.Parse(ref)
	if err != nil {
		return ref
	}
	return r.lastURL.ResolveReference(u).String()
}
