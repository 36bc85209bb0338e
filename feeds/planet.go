package feeds

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Planet is what the merged feeds and the pages say of themselves.
type Planet struct {
	Title       string
	URL         string // absolute, ends in a slash; every address of ours is made from it
	Description string
	Language    string // BCP 47
	Owner       Person
	Entries     int // in a feed and on a page
}

// A View is one merged feed of the planet: all of it, a category, a source.
type View struct {
	Path        string // of its page below Planet.URL: "", "category/x/", "source/x/"
	Title       string
	Description string
	Language    string
}

// Compose makes the feed of a view from stored entries: identities that never
// change, the source of every foreign entry, our categories beside the tags.
// self is the name of the format's file, such as "feed.atom".
func (p *Planet) Compose(v View, self string, entries []Entry) *Feed {
	f := &Feed{
		ID:       p.mint("f/" + strings.TrimSuffix(v.Path, "/")),
		Title:    v.Title,
		Subtitle: v.Description,
		Link:     p.URL + v.Path,
		Self:     p.URL + v.Path + self,
		Language: cmp.Or(v.Language, p.Language),
		Authors:  []Person{p.owner()},
		Entries:  make([]Entry, 0, len(entries)),
	}
	seen := make(map[string]bool, len(entries))
	for i := range entries {
		e := p.compose(entries[i])
		if seen[e.GUID] {
			continue // RFC 4287 §4.1.1: one id is one entry in a document; the first is the newest
		}
		seen[e.GUID] = true
		f.Entries = append(f.Entries, e)
		if e.Updated.After(f.Updated) {
			f.Updated = e.Updated
		}
	}
	return f
}

func (p *Planet) owner() Person {
	o := p.Owner
	if o.Name == "" {
		o.Name = p.Title
	}
	return o
}

// compose gives an entry its face in our feeds. It depends on nothing but the
// entry, so it has the same bytes in every feed it appears in (output.md 4).
func (p *Planet) compose(e Entry) Entry {
	e.GUID = p.EntryID(&e)
	if e.Permalink == "" {
		e.Permalink = p.URL + "entry/" + e.ID + "/"
	}
	// A post that was dated in the future when we saw it stands where we saw it
	// (parsing.md 24).
	if e.Published.IsZero() || !e.FirstSeen.IsZero() && e.Published.After(e.FirstSeen) {
		e.Published = e.Sort
	}
	e.Updated = later(e.Changed, e.Published)
	tags := make([]Tag, 0, len(e.Categories)+len(e.Tags))
	for _, c := range e.Categories {
		tags = append(tags, Tag{Term: c.Slug, Scheme: p.URL + "category/", Label: c.Title})
	}
	e.Tags = append(tags, e.Tags...)
	if len(e.AlsoAt) > 0 { // dedupe.md 13
		e.Links = append(slices.Clip(e.Links), e.AlsoAt...)
	}
	e.Origin = p.origin(&e)
	if len(e.Authors) == 0 {
		e.Authors = inherited(&e)
	}
	return e
}

// origin is the atom:source of e: the one it came with, else its source, nil for
// a post of our own. It is updated when the entry is: the date of the whole
// source would change the entry's bytes with every other entry of the source
// (output.md 4).
func (p *Planet) origin(e *Entry) *Origin {
	var o Origin
	switch {
	case e.Origin != nil && cmp.Or(e.Origin.ID, e.Origin.Self, e.Origin.Link) != "":
		o = *e.Origin
		if !isURI(o.ID) { // RFC 4287 §4.2.6: an id is an IRI
			o.ID = cmp.Or(o.Self, o.Link, p.mint("s/"+PublicID(o.ID)))
		}
		o.Title = cmp.Or(o.Title, host(o.Link), host(o.Self), o.ID)
	case e.Source != nil && !p.own(e.Source):
		o = *e.Source.Origin()
		o.Updated = time.Time{}
	default:
		return nil
	}
	if o.Updated.IsZero() {
		o.Updated = e.Updated
	}
	return &o
}

// inherited is the author of an entry that names none: its feed's (RFC 4287
// §4.2.1), else the source itself, so that no post of somebody else is
// attributed to the planet.
func inherited(e *Entry) []Person {
	if o := e.Origin; o != nil && len(o.Authors) > 0 {
		return o.Authors
	}
	if e.Source == nil {
		return nil
	}
	if len(e.Source.Authors) > 0 {
		return e.Source.Authors
	}
	return []Person{{Name: e.Source.Name(), URL: e.Source.Home()}}
}

// own says that the source is published at the planet's own host: its entries
// are not copied from elsewhere and carry no atom:source.
func (p *Planet) own(s *Source) bool {
	return s.Local() && (s.Site == "" || host(s.Site) == host(p.URL))
}

// Origin is the source as an atom:source (RFC 4287 §4.2.11).
func (s *Source) Origin() *Origin {
	o := &Origin{
		ID: s.FeedID, Title: s.Name(), Link: s.Home(), Icon: s.Icon,
		Rights: s.Rights, Updated: s.Updated, Authors: s.Authors,
	}
	o.Self = s.PublicURL()
	if !isURI(o.ID) { // RFC 4287 §4.2.6: an id is an IRI
		o.ID = cmp.Or(o.Self, o.Link, "urn:orrery:"+s.Slug)
	}
	return o
}

// EntryID is the atom:id of e in our feeds: the source's own if it is an
// absolute URI, since an id must not change when an entry is republished (RFC
// 4287 §4.2.6), else one derived from what the source said, which survives a
// wiped database.
func (p *Planet) EntryID(e *Entry) string {
	if isURI(e.GUID) && !frontPage(e.GUID) { // many posts of sloppy feeds are called after their site
		return e.GUID
	}
	return p.mint("e/" + e.ID)
}

// mint makes a tag: URI (RFC 4151). The year is part of the name, not a date:
// it must never change.
func (p *Planet) mint(specific string) string {
	return "tag:" + host(p.URL) + ",2026:" + strings.TrimSuffix(specific, "/")
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Newest is the newest change among entries; zero for none.
func Newest(entries []Entry) time.Time {
	var t time.Time
	for i := range entries {
		if entries[i].Changed.After(t) {
			t = entries[i].Changed
		}
	}
	return t
}
