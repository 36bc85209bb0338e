package feeds

import (
	"cmp"
	"fmt"
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
	Icon        string // absolute address of a small picture; RSS shows PNG, JPEG and GIF only
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
//
// One bad entry never breaks a feed: what no document can say of an entry is left
// out, and an entry without an id or a date is, with a sentence in Dropped.
func (p *Planet) Compose(v View, self string, entries []Entry) *Feed {
	f := &Feed{
		ID:       p.mint("f/" + strings.TrimSuffix(v.Path, "/")),
		Title:    v.Title,
		Subtitle: v.Description,
		Link:     p.URL + v.Path,
		Self:     p.URL + v.Path + self,
		Icon:     web(p.Icon),
		Language: cmp.Or(v.Language, p.Language),
		Authors:  []Person{p.owner()},
		Entries:  make([]Entry, 0, len(entries)),
	}
	seen := make(map[string]bool, len(entries))
	for i := range entries {
		e := p.compose(entries[i])
		why := ""
		switch {
		case e.GUID == "":
			why = "it has no id"
		case unsayable(e.Updated):
			why = "it has no date that can be written"
		case seen[e.GUID]: // RFC 4287 §4.1.1: one id is one entry in a document; the first is the newest
			why = "another one has its id, " + e.GUID
		}
		if why != "" {
			f.Dropped = append(f.Dropped, entries[i].called()+" is left out: "+why)
			continue
		}
		seen[e.GUID] = true
		f.Entries = append(f.Entries, e)
		if e.Updated.After(f.Updated) {
			f.Updated = e.Updated
		}
	}
	return f
}

// Bury puts into f, which Compose has made, what was taken back: the newest first, each
// once, and nothing that is in f again. f was updated when the last of it was, so that a
// feed does not grow older when its newest entry is taken back.
func (p *Planet) Bury(f *Feed, list []Tombstone) {
	there := make(map[string]bool, len(f.Entries)+len(list))
	for i := range f.Entries {
		there[f.Entries[i].GUID] = true
	}
	f.Deleted = nil
	for _, t := range slices.SortedStableFunc(slices.Values(list), func(a, b Tombstone) int { return b.At.Compare(a.At) }) {
		guid := t.GUID
		if t.GUID = p.EntryID(&Entry{GUID: t.GUID, ID: t.ID}); t.GUID == "" || unsayable(t.At) {
			f.Dropped = append(f.Dropped, fmt.Sprintf("the end of the entry %q is left out: it has no id, or no date that can be written", cmp.Or(t.ID, guid)))
			continue
		}
		if there[t.GUID] {
			continue
		}
		there[t.GUID] = true
		f.Deleted = append(f.Deleted, t)
		f.Updated = later(f.Updated, t.At)
	}
	slices.SortStableFunc(f.Deleted, func(a, b Tombstone) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.GUID, b.GUID)) // whatever the order they were given in
	})
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
	if len(e.AlsoAt) > 0 { // dedupe.md 13
		e.Links = append(slices.Clip(e.Links), e.AlsoAt...)
	}
	e.repair()
	if e.Permalink == "" && e.ID != "" {
		e.Permalink = p.URL + "entry/" + e.ID + "/"
	}
	tags := make([]Tag, 0, len(e.Categories)+len(e.Tags))
	for _, c := range e.Categories {
		tags = append(tags, Tag{Term: c.Slug, Scheme: p.URL + "category/", Label: c.Title})
	}
	e.Tags = append(tags, e.Tags...)
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
		o.Link, o.Self, o.Icon, o.Authors = web(o.Link), web(o.Self), web(o.Icon), reachablePeople(o.Authors)
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
	if unsayable(o.Updated) {
		o.Updated = e.Updated
	}
	return &o
}

// inherited is the author of an entry that names none: its feed's (RFC 4287
// §4.2.1), else the source itself, so that no post of somebody else is
// attributed to the planet.
func inherited(e *Entry) []Person {
	if o := e.Origin; o != nil && len(reachablePeople(o.Authors)) > 0 {
		return reachablePeople(o.Authors)
	}
	if e.Source == nil {
		return nil
	}
	if authors := reachablePeople(e.Source.Authors); len(authors) > 0 {
		return authors
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
// wiped database; "" for an entry that has neither.
func (p *Planet) EntryID(e *Entry) string {
	if isURI(e.GUID) && !frontPage(e.GUID) && printable(e.GUID) == e.GUID { // many posts of sloppy feeds are called after their site
		return e.GUID
	}
	if e.ID == "" {
		return ""
	}
	return p.mint("e/" + e.ID)
}

// mint makes a tag: URI (RFC 4151). The year is part of the name, not a date:
// it must never change.
func (p *Planet) mint(specific string) string {
	return "tag:" + host(p.URL) + ",2026:" + address(strings.TrimSuffix(specific, "/"))
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
