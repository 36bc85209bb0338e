package xmpp

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"orrery/feeds"
)

// What an entry may have on a node: what it has more of is on its page.
const (
	// maxPayload leaves room for what a stanza has around its payload: two domains, the
	// name of a node with every character escaped, an id.
	maxPayload = maxStanza - 8<<10
	maxText    = 2 << 10 // of a summary, in bytes
	maxPeople  = 20
	maxTerms   = 50
	maxLinks   = 20
)

// ErrTooLong is of an entry that is too long even without its text.
var ErrTooLong = errors.New("the entry is too long for an XMPP server")

type atomEntry struct {
	XMLName      xml.Name       `xml:"http://www.w3.org/2005/Atom entry"`
	Lang         string         `xml:"xml:lang,attr,omitempty"`
	Title        atomText       `xml:"title"`
	ID           string         `xml:"id"`
	Published    string         `xml:"published,omitempty"`
	Updated      string         `xml:"updated"`
	Authors      []atomPerson   `xml:"author"`
	Contributors []atomPerson   `xml:"contributor"`
	Links        []atomLink     `xml:"link"`
	Categories   []atomCategory `xml:"category"`
	Source       *atomSource    `xml:"source"`
	Summary      *atomText      `xml:"summary"`
	Content      *atomContent   `xml:"content"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

type atomPerson struct {
	Name string `xml:"name"`
	URI  string `xml:"uri,omitempty"`
}

type atomLink struct {
	Rel    string `xml:"rel,attr"`
	Type   string `xml:"type,attr,omitempty"`
	Lang   string `xml:"hreflang,attr,omitempty"`
	Title  string `xml:"title,attr,omitempty"`
	Href   string `xml:"href,attr"`
	Length int64  `xml:"length,attr,omitempty"`
}

type atomCategory struct {
	Term   string `xml:"term,attr"`
	Scheme string `xml:"scheme,attr,omitempty"`
	Label  string `xml:"label,attr,omitempty"`
}

type atomSource struct {
	ID      string       `xml:"id"`
	Title   atomText     `xml:"title"`
	Updated string       `xml:"updated"`
	Links   []atomLink   `xml:"link"`
	Authors []atomPerson `xml:"author"`
	Rights  *atomText    `xml:"rights"`
}

// atomContent is XHTML: one div (RFC 4287 §3.1.1.3).
type atomContent struct {
	Type string `xml:"type,attr"`
	Div  struct {
		XMLName xml.Name `xml:"http://www.w3.org/1999/xhtml div"`
		Inner   string   `xml:",innerxml"`
	}
}

// Item makes the item of an entry on a node of the service: its id, and an atom:entry
// (RFC 4287) with the same atom:id as in the feeds of the planet, a title and a summary
// of plain text and the text as XHTML. An entry that is too long for a stanza keeps its
// summary only. Item fails for an entry that no document can say, or whose addresses
// alone are too long.
//
// RFC 4287 §4.1.2 allows one atom:content; the second one, of plain text, that XEP-0277
// asks for is the summary.
func Item(p *feeds.Planet, e *feeds.Entry, service, node string) (id string, payload []byte, err error) {
	f := p.Compose(feeds.View{}, "", []feeds.Entry{*e})
	if len(f.Entries) == 0 {
		return "", nil, errors.New(strings.Join(f.Dropped, "; "))
	}
	if e = &f.Entries[0]; len(e.Authors) == 0 { // RFC 4287 §4.1.2 wants one, and there is no feed around an item
		e.Authors = f.Authors
	}
	id = ItemID(e.GUID)
	a := newAtomEntry(e, URI(service, node, id))
	for _, shorten := range []func(){
		func() { a.Content = newAtomContent(e) },
		func() { a.Content, a.Summary = nil, newAtomSummary(e, maxText) },
		func() { a.Links, a.Categories, a.Contributors = a.Links[:min(len(a.Links), 2)], nil, nil },
		func() { a.Source, a.Authors = nil, a.Authors[:min(len(a.Authors), 1)] },
	} {
		shorten()
		if payload, err = xml.Marshal(a); err != nil {
			return "", nil, fmt.Errorf("write the entry %s: %w", e.GUID, err)
		}
		if len(payload) <= maxPayload {
			return id, payload, wellFormed(payload)
		}
	}
	return "", nil, fmt.Errorf("%w: %.200q", ErrTooLong, e.GUID)
}

// newAtomEntry makes all but the content of e, whose own address on the node is self.
func newAtomEntry(e *feeds.Entry, self string) *atomEntry {
	a := &atomEntry{
		Lang: language(e.Language), ID: legal(e.GUID), Updated: date(e.Updated),
		Authors: people(e.Authors), Contributors: people(e.Contributors), Source: newAtomSource(e.Origin),
	}
	a.Summary = newAtomSummary(e, maxText/4)
	// Plain text: Movim looks for child elements in a title of type html and finds none.
	title := cmp.Or(line(e.Title), line(feeds.Excerpt(e.Summary+" "+e.Content, 100)), e.Permalink, e.GUID)
	a.Title = atomText{"text", cut(title, feeds.MaxTitle)}
	if !e.Published.IsZero() {
		a.Published = date(e.Published)
	}
	// XEP-0472 has both; RFC 4287 §4.1.1 allows it, since the second has no type.
	a.Links = addressed(atomLink{Rel: "alternate", Type: "text/html", Href: uri(e.Permalink)}, atomLink{Rel: "alternate", Href: self})
	a.Links = append(a.Links, furtherLinks(e)...)
	for _, t := range e.Tags[:min(len(e.Tags), maxTerms)] {
		if term := line(cmp.Or(t.Term, t.Label)); term != "" {
			a.Categories = append(a.Categories, atomCategory{cut(term, feeds.MaxTitle), feeds.Resolve("", t.Scheme, "http", "https", "tag", "urn"), cut(line(t.Label), feeds.MaxTitle)})
		}
	}
	return a
}

// furtherLinks are what is attached to e, and where else it is: what a planet has on a
// node is a repetition, which says via what it came (XEP-0472, "Repeating a Post").
func furtherLinks(e *feeds.Entry) []atomLink {
	var links []atomLink
	for _, x := range e.Enclosures[:min(len(e.Enclosures), maxLinks)] {
		links = append(links, atomLink{Rel: "enclosure", Type: cmp.Or(mediaType(x.Type), "application/octet-stream"), Href: uri(x.URL), Length: max(x.Length, 0)})
	}
	via := false
	for _, l := range e.Links[:min(len(e.Links), maxLinks)] {
		switch l.Rel {
		case "via":
			via = true
		case "related", "replies", "license":
		default:
			continue // where it was edited, or its feed, is nobody's business here
		}
		links = append(links, atomLink{Rel: l.Rel, Type: mediaType(l.Type), Lang: language(l.Language), Title: cut(line(l.Title), feeds.MaxTitle), Href: uri(l.URL)})
	}
	if e.Origin != nil && !via {
		links = append(links, atomLink{Rel: "via", Type: "text/html", Href: uri(e.Permalink)})
	}
	return addressed(links...)
}

// addressed are the links that lead somewhere.
func addressed(links ...atomLink) []atomLink {
	return slices.DeleteFunc(links, func(l atomLink) bool { return l.Href == "" })
}

func newAtomSource(o *feeds.Origin) *atomSource {
	if o == nil {
		return nil
	}
	s := &atomSource{
		ID: legal(o.ID), Title: atomText{"text", cut(line(o.Title), feeds.MaxTitle)},
		Updated: date(o.Updated), Authors: people(o.Authors),
	}
	s.Links = addressed(atomLink{Rel: "self", Href: uri(o.Self)}, atomLink{Rel: "alternate", Type: "text/html", Href: uri(o.Link)})
	if rights := line(o.Rights); rights != "" {
		s.Rights = &atomText{"text", cut(rights, feeds.MaxTitle)}
	}
	return s
}

// newAtomSummary is the summary of e, else the beginning of its text.
func newAtomSummary(e *feeds.Entry, most int) *atomText {
	text := cmp.Or(line(feeds.Excerpt(e.Summary, most)), line(feeds.Excerpt(e.Content, most)))
	if text == "" {
		return nil
	}
	return &atomText{"text", text}
}

// newAtomContent is the text of e, or nil. It is sanitized again, which changes nothing
// in what was: no store is trusted with what ends the stream.
func newAtomContent(e *feeds.Entry) *atomContent {
	inner := xhtml(feeds.Sanitize(e.Content, e.Permalink))
	if strings.TrimSpace(inner) == "" {
		return nil
	}
	c := &atomContent{Type: "xhtml"}
	c.Div.Inner = inner
	return c
}

// people leaves out mail addresses, like our feeds. No uri is an xmpp: address: Movim
// takes the owner of that for the publisher.
func people(list []feeds.Person) []atomPerson {
	var out []atomPerson
	for _, p := range list[:min(len(list), maxPeople)] {
		if name := cut(line(cmp.Or(p.Name, p.URL)), feeds.MaxTitle); name != "" { // RFC 4287 §3.2.1
			out = append(out, atomPerson{name, uri(p.URL)})
		}
	}
	return out
}

func date(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
