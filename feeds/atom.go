package feeds

import (
	"encoding/xml"
	"io"
	"net/url"
	"strings"
	"time"

	gorilla "github.com/gorilla/feeds"
)

// The media types of what we write (output.md 15).
const (
	AtomType = "application/atom+xml; charset=utf-8"
	RSSType  = "application/rss+xml; charset=utf-8"
	JSONType = "application/feed+json"
	OPMLType = "text/x-opml; charset=utf-8"
)

// generator is what our feeds name as their maker. It carries no version: a
// new program must not make every reader fetch an unchanged feed again.
const generator = "Orrery"

// xmlDoc lets gorilla/feeds encode structs of ours: its own write an atom:category
// without a term and know no atom:source (libraries.md 4a).
type xmlDoc struct{ root any }

func (d xmlDoc) FeedXml() any { return d.root }

func writeXML(w io.Writer, root any) error {
	if err := gorilla.WriteXML(xmlDoc{root}, w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type atomFeed struct {
	XMLName   xml.Name     `xml:"http://www.w3.org/2005/Atom feed"`
	Lang      string       `xml:"xml:lang,attr,omitempty"`
	Media     string       `xml:"xmlns:media,attr,omitempty"` // declared where an entry has a picture
	ID        string       `xml:"id"`
	Title     *atomText    `xml:"title"`
	Subtitle  *atomText    `xml:"subtitle"`
	Updated   string       `xml:"updated"`
	Generator string       `xml:"generator"`
	Icon      string       `xml:"icon,omitempty"`
	Rights    *atomText    `xml:"rights"`
	Links     []atomLink   `xml:"link"`
	Authors   []atomPerson `xml:"author"`
	Entries   []atomEntry  `xml:"entry"`
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

const mediaSpace = "http://search.yahoo.com/mrss/"

func newMediaPicture(address string) *mediaPicture {
	if address == "" {
		return nil
	}
	return &mediaPicture{clean(address)}
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

type atomText struct {
	Type string `xml:"type,attr,omitempty"` // text when not said
	Text string `xml:",chardata"`
}

// WriteAtom writes f as Atom 1.0 (RFC 4287). The same feed gives the same bytes.
func WriteAtom(w io.Writer, f *Feed) error {
	a := atomFeed{
		Lang: clean(f.Language), ID: clean(f.ID), Title: newAtomTitle(f.Title), Subtitle: newAtomPlain(f.Subtitle),
		Updated: atomTime(f.Updated), Generator: generator, Icon: clean(f.Icon), Rights: newAtomPlain(f.Rights),
		Authors: atomPeople(f.Authors),
		Links:   atomLinks(f.Self, "application/atom+xml", f.Link, f.Hubs),
		Entries: make([]atomEntry, len(f.Entries)),
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
		Lang: clean(e.Language), ID: clean(e.GUID), Title: newAtomTitle(e.Title), Updated: atomTime(later(e.Updated, e.Published)),
		Authors: atomPeople(e.Authors), Contributors: atomPeople(e.Contributors), Source: newAtomSource(e.Origin),
		Summary: newAtomHTML(e.Summary), Content: newAtomHTML(e.Content), Thumbnail: newMediaPicture(e.Image),
	}
	if e.TitleHTML != "" {
		a.Title = newAtomHTML(e.TitleHTML)
	}
	if !unsayable(e.Published) {
		a.Published = atomTime(e.Published)
	}
	if e.Permalink != "" {
		a.Links = append(a.Links, atomLink{Rel: "alternate", Type: "text/html", Href: clean(e.Permalink)})
	}
	for _, x := range e.Enclosures {
		a.Links = append(a.Links, atomLink{Rel: "enclosure", Type: clean(x.Type), Href: clean(x.URL), Length: x.Length})
	}
	for _, l := range e.Links {
		if republished[l.Rel] {
			a.Links = append(a.Links, atomLink{Rel: l.Rel, Type: clean(l.Type), Lang: l.Language, Title: clean(l.Title), Href: clean(l.URL)})
		}
	}
	for _, t := range e.Tags {
		a.Categories = append(a.Categories, atomCategory{clean(t.Term), absoluteIRI(t.Scheme), clean(t.Label)})
	}
	return a
}

// republished are the relations of an entry's further links that hold wherever it
// appears; where it was edited or first fetched is nobody's business here.
var republished = map[string]bool{"via": true, "related": true, "replies": true, "license": true}

// absoluteIRI is s if it may be a scheme (RFC 4287 §4.2.2.2), else "": RSS calls
// its domains what it likes.
func absoluteIRI(s string) string {
	if u, err := url.Parse(s); err != nil || !u.IsAbs() || u.Opaque+u.Host+u.Path == "" || strings.ContainsAny(s, " <>\"{}|\\^`") {
		return ""
	}
	return clean(s)
}

// later repairs an updated before its published, which readers show as nonsense.
func later(updated, published time.Time) time.Time {
	if updated.Before(published) {
		return published
	}
	return updated
}

func newAtomSource(o *Origin) *atomSource {
	if o == nil {
		return nil
	}
	return &atomSource{
		ID: clean(o.ID), Title: newAtomTitle(o.Title), Subtitle: newAtomPlain(o.Subtitle), Updated: atomTime(o.Updated), Icon: clean(o.Icon), Rights: newAtomPlain(o.Rights),
		Links: atomLinks(o.Self, "", o.Link, nil), Authors: atomPeople(o.Authors),
	}
}

// newAtomTitle is plain text, said in a way that leaves no doubt: where readers
// that ignore the type could take it for markup, it is escaped and called HTML.
func newAtomTitle(s string) *atomText {
	if s = clean(s); looksLikeHTML.MatchString(s) {
		return &atomText{Type: "html", Text: escapeHTML(s)}
	}
	return &atomText{Text: s}
}

func newAtomPlain(s string) *atomText {
	if s == "" {
		return nil
	}
	return newAtomTitle(s)
}

func newAtomHTML(s string) *atomText {
	if s == "" {
		return nil
	}
	return &atomText{Type: "html", Text: clean(s)}
}

func atomLinks(self, selfType, page string, hubs []string) []atomLink {
	var links []atomLink
	if self != "" {
		links = append(links, atomLink{Rel: "self", Type: selfType, Href: clean(self)})
	}
	if page != "" {
		links = append(links, atomLink{Rel: "alternate", Type: "text/html", Href: clean(page)})
	}
	for _, h := range hubs {
		links = append(links, atomLink{Rel: "hub", Href: clean(h)})
	}
	return links
}

// atomPeople leaves out mail addresses: an author who gave one to his own
// readers did not ask to see it on every planet (parsing.md 15).
func atomPeople(people []Person) []atomPerson {
	var a []atomPerson
	for _, p := range people {
		name := clean(p.Name)
		if name == "" {
			name = clean(p.URL) // RFC 4287 §3.2.1: a person has a name
		}
		if name != "" {
			a = append(a, atomPerson{Name: name, URI: clean(p.URL)})
		}
	}
	return a
}

// atomTime writes t as RFC 3339 in UTC. An unknown time is the epoch: the
// element is required (RFC 4287 §4.1.1) and the clock would change the bytes.
func atomTime(t time.Time) string {
	if unsayable(t) {
		t = time.Unix(0, 0)
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

// unsayable says that t is unknown, or of a year that RFC 3339 and RFC 822 have
// no four digits for.
func unsayable(t time.Time) bool {
	return t.IsZero() || t.UTC().Year() < 1 || t.UTC().Year() > 9999
}
