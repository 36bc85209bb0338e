package feeds

import (
	"cmp"
	"encoding/xml"
	"io"
	"net/url"
	"strings"
)

type atomFeed struct {
	XMLName   xml.Name      `xml:"http://www.w3.org/2005/Atom feed"`
	Lang      string        `xml:"xml:lang,attr,omitempty"`
	Media     string        `xml:"xmlns:media,attr,omitempty"`
	History   string        `xml:"xmlns:fh,attr,omitempty"`
	Graves    string        `xml:"xmlns:at,attr,omitempty"`
	ID        string        `xml:"id"`
	Title     *atomText     `xml:"title"`
	Subtitle  *atomText     `xml:"subtitle"`
	Updated   string        `xml:"updated"`
	Generator string        `xml:"generator"`
	Icon      string        `xml:"icon,omitempty"`
	Rights    *atomText     `xml:"rights"`
	Links     []atomLink    `xml:"link"`
	Authors   []atomPerson  `xml:"author"`
	Complete  *struct{}     `xml:"fh:complete"`
	Archive   *struct{}     `xml:"fh:archive"`
	Deleted   []atomDeleted `xml:"at:deleted-entry"`
	Entries   []atomEntry   `xml:"entry"`
}

type atomEntry struct {
	Lang         string         `xml:"xml:lang,attr,omitempty"`
	ID           string         `xml:"id"`
	Title        *atomText      `xml:"title"`
	Published    string         `xml:"published,omitempty"`
	Updated      string         `xml:"updated"`
	Links        []atomLink     `xml:"link"`
	Authors      []atomPerson   `xml:"author"`
	Contributors []atomPerson   `xml:"contributor"`
	Categories   []atomCategory `xml:"category"`
	Source       *atomSource    `xml:"source"`
	Summary      *atomText      `xml:"summary"`
	Content      *atomText      `xml:"content"`
	Thumbnail    *mediaPicture  `xml:"media:thumbnail"`
}

type atomSource struct {
	ID       string       `xml:"id,omitempty"`
	Title    *atomText    `xml:"title"`
	Subtitle *atomText    `xml:"subtitle"`
	Updated  string       `xml:"updated"`
	Icon     string       `xml:"icon,omitempty"`
	Rights   *atomText    `xml:"rights"`
	Links    []atomLink   `xml:"link"`
	Authors  []atomPerson `xml:"author"`
}

// atomDeleted is an entry that was taken back (RFC 6721 §3).
type atomDeleted struct {
	Ref  string `xml:"ref,attr"`
	When string `xml:"when,attr"`
}

type atomLink struct {
	Rel    string `xml:"rel,attr"`
	Type   string `xml:"type,attr,omitempty"`
	Lang   string `xml:"hreflang,attr,omitempty"`
	Title  string `xml:"title,attr,omitempty"`
	Href   string `xml:"href,attr"`
	Length int64  `xml:"length,attr,omitempty"`
}

// mediaPicture is the media:thumbnail of an entry: neither Atom nor RSS has a word
// for its picture.
type mediaPicture struct {
	URL string `xml:"url,attr"`
}

func newMediaPicture(to string) *mediaPicture {
	if to == "" {
		return nil
	}
	return &mediaPicture{address(to)}
}

type atomPerson struct {
	Name string `xml:"name"`
	URI  string `xml:"uri,omitempty"`
}

type atomCategory struct {
	Term   string `xml:"term,attr"`
	Scheme string `xml:"scheme,attr,omitempty"`
	Label  string `xml:"label,attr,omitempty"`
}

// atomText is a text construct (RFC 4287 §3.1); Text is escaped.
type atomText struct {
	Type string `xml:"type,attr,omitempty"` // text when not said
	Text string `xml:",innerxml"`
}

// WriteAtom writes f as Atom 1.0 (RFC 4287), with its history (RFC 5005) and what was
// taken back (RFC 6721). The same feed gives the same bytes.
func WriteAtom(w io.Writer, f *Feed) error {
	const typ = "application/atom+xml"
	a := atomFeed{
		Lang: languageTag(f.Language), ID: printable(f.ID), Title: newAtomTitle(cmp.Or(f.Title, f.Link)), Subtitle: newAtomPlain(f.Subtitle),
		Updated: atomTime(f.Updated), Generator: generator, Icon: address(f.Icon), Rights: newAtomPlain(f.Rights),
		Authors: atomPeople(f.Authors), Links: append(atomLinks(f.Self, typ, f.Link, f.Hubs), append(f.history(typ), f.nodes()...)...),
		Complete: present(f.complete()), Archive: present(f.Archive), History: spaceIf(f.complete() || f.Archive, historySpace),
		Graves: spaceIf(len(f.Deleted) > 0, tombstoneSpace), Entries: make([]atomEntry, len(f.Entries)),
	}
	for _, t := range f.Deleted {
		a.Deleted = append(a.Deleted, atomDeleted{printable(t.GUID), atomTime(t.At)})
	}
	for i := range f.Entries {
		a.Entries[i] = newAtomEntry(&f.Entries[i])
		if a.Entries[i].Thumbnail != nil {
			a.Media = mediaSpace
		}
	}
	return writeXML(w, &a)
}

func newAtomEntry(e *Entry) atomEntry {
	a := atomEntry{
		Lang: languageTag(e.Language), ID: printable(e.GUID), Updated: atomTime(later(e.Updated, e.Published)),
		Authors: atomPeople(e.Authors), Contributors: atomPeople(e.Contributors), Source: newAtomSource(e.Origin),
		Summary: newAtomHTML(e.Summary), Content: newAtomHTML(e.Content), Thumbnail: newMediaPicture(e.Image),
	}
	title := printable(e.Title)
	if title == "" {
		title = e.heading()
	}
	if a.Title = newAtomHTML(e.TitleHTML); a.Title == nil {
		a.Title = newAtomTitle(title)
	}
	if a.Summary == nil && a.Content == nil { // RFC 4287 §4.1.1.1 advises one of them, and of this there is no more
		a.Summary = newAtomHTML(textHTML(title))
	}
	if !unsayable(e.Published) {
		a.Published = atomTime(e.Published)
	}
	if e.Permalink != "" {
		a.Links = append(a.Links, atomLink{Rel: "alternate", Type: "text/html", Href: address(e.Permalink)})
	}
	for _, x := range e.Enclosures {
		a.Links = append(a.Links, atomLink{Rel: "enclosure", Type: fileType(x.Type), Href: address(x.URL), Length: max(x.Length, 0)})
	}
	for _, l := range e.Links {
		if republished[l.Rel] {
			a.Links = append(a.Links, atomLink{Rel: l.Rel, Type: fileType(l.Type), Lang: languageTag(l.Language), Title: printable(l.Title), Href: address(l.URL)})
		}
	}
	for _, t := range e.Tags {
		if term := printable(cmp.Or(t.Term, t.Label)); term != "" {
			a.Categories = append(a.Categories, atomCategory{term, absoluteIRI(t.Scheme), printable(t.Label)})
		}
	}
	return a
}

// heading stands for the title of an entry that has none: RFC 4287 §4.1.1.1 advises one
// that is not empty, and a list of titles would have a gap there.
func (e *Entry) heading() string {
	const long = 100
	text := cmp.Or(printable(Excerpt(e.Summary, long)), printable(Excerpt(e.Content, long)))
	return cmp.Or(text, printable(e.Permalink), printable(e.GUID))
}

// republished are the relations of an entry's further links that hold wherever it
// appears; where it was edited or first fetched is nobody's business here.
var republished = map[string]bool{"via": true, "related": true, "replies": true, "license": true}

// absoluteIRI is s if it may be a scheme (RFC 4287 §4.2.2.2), else "": RSS calls
// its domains what it likes.
func absoluteIRI(s string) string {
	if s == "" {
		return ""
	}
	if u, err := url.Parse(s); err != nil || !u.IsAbs() || u.Opaque+u.Host+u.Path == "" || strings.ContainsAny(s, " <>\"{}|\\^`") {
		return ""
	}
	return address(s)
}

func newAtomSource(o *Origin) *atomSource {
	if o == nil {
		return nil
	}
	return &atomSource{
		ID: printable(o.ID), Title: newAtomTitle(o.Title), Subtitle: newAtomPlain(o.Subtitle), Updated: atomTime(o.Updated),
		Icon: address(o.Icon), Rights: newAtomPlain(o.Rights),
		Links: atomLinks(o.Self, "", o.Link, nil), Authors: atomPeople(o.Authors),
	}
}

// newAtomTitle is plain text, said in a way that leaves no doubt: where readers
// that ignore the type could take it for markup, it is escaped and called HTML.
func newAtomTitle(s string) *atomText {
	if s = printable(s); resemblesHTML(s) {
		return &atomText{Type: "html", Text: xmlEscapes.in(escapeHTML(s))}
	}
	return &atomText{Text: xmlEscapes.in(s)}
}

func newAtomPlain(s string) *atomText {
	if t := newAtomTitle(s); t.Text != "" {
		return t
	}
	return nil
}

func newAtomHTML(s string) *atomText {
	if s = inner(s); strings.TrimSpace(s) == "" {
		return nil
	}
	return &atomText{Type: "html", Text: s}
}

func atomLinks(self, selfType, page string, hubs []string) []atomLink {
	var links []atomLink
	if self != "" {
		links = append(links, atomLink{Rel: "self", Type: selfType, Href: address(self)})
	}
	if page != "" {
		links = append(links, atomLink{Rel: "alternate", Type: "text/html", Href: address(page)})
	}
	for _, h := range hubs {
		links = append(links, atomLink{Rel: "hub", Href: address(h)})
	}
	return links
}

// nodes are where the same is published in the XMPP network (XEP-0060 §12.9). No other
// link has no type, so that no two are alike (RFC 4287 §4.1.1).
func (f *Feed) nodes() []atomLink {
	for _, l := range f.Links {
		if l.Rel == "alternate" && strings.HasPrefix(l.URL, "xmpp:") {
			return []atomLink{{Rel: l.Rel, Href: address(l.URL)}}
		}
	}
	return nil
}

// atomPeople leaves out mail addresses: an author who gave one to his own
// readers did not ask to see it on every planet (parsing.md 15).
func atomPeople(people []Person) []atomPerson {
	var a []atomPerson
	for _, p := range people {
		// RFC 4287 §3.2.1: a person has a name
		if name := cmp.Or(printable(p.Name), address(p.URL)); name != "" {
			a = append(a, atomPerson{Name: name, URI: address(p.URL)})
		}
	}
	return a
}
