package feeds

import (
	"cmp"
	"slices"
	"strings"
)

// late is what an entry falls back to.
type late struct {
	link            string // RSS link
	guidLink        string // RSS guid that is a permalink
	page            string // Atom's content that is a page elsewhere
	links           []xmlLink
	media           []Enclosure
	description     string // RSS description, Media RSS, iTunes
	descriptionBase string
	authors         []Person // RSS author: mail (Name)
	maker           string   // iTunes' author
	guid            bool     // there was an RSS guid, which counts before an atom:id
	notes           string   // iTunes' summary, else subtitle
	notesBase       string
	pictures        []Enclosure // Media RSS's, outside of groups
	published       int         // rank of the date that counts; 0: none
	updated         int
	unzoned         [2]bool // published and updated came without a zone
	title           string  // of Media RSS, Dublin Core
	lang            string  // of its content or summary

	thumbnail, cover string // of Media RSS and iTunes
}

// finishEntry makes the open entry whole and keeps it.
func (r *xmlReader) finishEntry() {
	e, l := r.entry, &r.late
	r.entry = nil
	if l.lang != r.feed.Language { // parsing.md 10: the language of the text is the entry's where it has none
		e.Language = cmp.Or(e.Language, l.lang)
	}
	l.finishLinks(e, cmp.Or(e.Language, r.feed.Language))
	for _, m := range l.media {
		if !slices.ContainsFunc(e.Enclosures, func(x Enclosure) bool { return x.URL == m.URL }) {
			e.Enclosures = append(e.Enclosures, m)
		}
	}
	e.Image = cmp.Or(l.thumbnail, l.cover)
	if l.description == "" {
		l.description, l.descriptionBase = l.notes, l.notesBase
	}
	l.morePictures(e)
	e.Unzoned = l.unzoned[0] || l.unzoned[1]
	switch {
	case e.Content == "" && e.Summary == "":
		e.Content, e.contentBase = l.description, l.descriptionBase
	case e.Summary == "":
		e.Summary, e.summaryBase = l.description, l.descriptionBase
	}
	if len(e.Authors) == 0 {
		e.Authors = l.authors
	}
	if len(e.Authors) == 0 && l.maker != "" {
		e.Authors = personsOf(l.maker)
	}
	if e.Title == "" {
		e.Title = l.title
	}
	if len(e.Authors) == 0 && e.Origin != nil {
		e.Authors = e.Origin.Authors // RFC 4287 §4.2.1: entry, its source, feed
	}
	e.GUIDGlobal = isURI(e.GUID)
	if e.blank() { // <item></item>
		return
	}
	if r.feed.Entries = append(r.feed.Entries, *e); len(r.feed.Entries) == maxEntries {
		r.repaired("only the first 2,000 entries were read")
		r.pos, r.full = len(r.s), true
	}
}

// finishLinks gives the links of an entry that is whole their places.
func (l *late) finishLinks(e *Entry, lang string) {
	var pages []xmlLink
	for _, k := range l.links {
		switch {
		case k.href == "":
		case k.rel == "alternate":
			pages = append(pages, k)
		case k.rel == "enclosure":
			e.Enclosures = append(e.Enclosures, Enclosure{URL: k.href, Type: k.typ, Length: length(k.length)})
		default:
			e.Links = appendLink(e.Links, k)
		}
	}
	for _, known := range []*string{&e.Permalink, &l.link} {
		if hostile(*known) || strings.HasPrefix(*known, "mailto:") {
			*known = ""
		}
	}
	e.Permalink, e.Links = page(cmp.Or(e.Permalink, l.link), pages, lang, e.Links)
	e.Permalink = cmp.Or(e.Permalink, l.guidLink, l.page)
}

// named gives an entry without an address that of its GUID, if that is one of its own
// site: who calls his posts so means it, though no rule says it.
func (e *Entry) named(f *Feed, base string) {
	if h := HostOf(e.GUID); e.Permalink == "" && h != "" && (h == HostOf(f.Link) || h == HostOf(base)) {
		e.Permalink = e.GUID
	}
}

// page is the address of a post or site: the one that is known, else the best of
// its alternates, a web page before anything else, of several the one in its own
// language (RFC 4287 §4.2.7). The others are added to links.
func page(known string, alternates []xmlLink, lang string, links []Link) (string, []Link) {
	best, most := -1, -1
	for i, a := range alternates {
		score := 0
		if a.typ == "text/html" || a.typ == "application/xhtml+xml" {
			score = 2
		}
		if a.lang != "" && strings.EqualFold(a.lang, lang) {
			score++
		}
		if a.href != "" && known == "" && score > most {
			best, most = i, score
		}
	}
	if best >= 0 {
		known = alternates[best].href
	}
	for _, a := range alternates {
		if a.href != known {
			links = appendLink(links, a)
		}
	}
	return known, links
}
