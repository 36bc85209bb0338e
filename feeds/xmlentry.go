package feeds

import (
	"cmp"
	"strings"
)

// entryLeaf reads an element of an entry.
func (r *xmlReader) entryLeaf(s space, local string) {
	e := r.entry
	switch s {
	case spaceRSS, spaceAtom:
		r.entryCore(s, local)
	case spaceContent:
		if local == "encoded" {
			r.content(r.inside(false))
			return
		}
		r.skip()
	case spaceXHTML: // body
		if c := r.inside(true); e.Content == "" {
			r.content(c)
		}
	case spaceDC:
		r.entryDC(local)
	case spaceMedia:
		r.entryMedia(local)
	case spaceITunes:
		r.entryITunes(local)
	case spaceComments:
		if local == "commentrss" {
			r.addLink(xmlLink{rel: "replies", typ: "application/rss+xml", href: r.address(r.plain())})
			return
		}
		r.skip()
	case spaceLicense:
		if local == "license" {
			r.addLink(r.license())
			return
		}
		r.skip()
	case spaceBurner:
		if local == "origlink" {
			e.Permalink = strings.TrimSpace(r.inside(false).value) // dedupe.md 4
			return
		}
		r.skip()
	default:
		r.skip()
	}
}

func (r *xmlReader) content(c construct) {
	if strings.TrimSpace(c.value) != "" {
		r.entry.Content, r.entry.contentBase = c.value, r.base()
		r.late.lang = r.lang()
	}
}

func (r *xmlReader) entryCore(s space, local string) {
	e := r.entry
	switch local {
	case "title":
		if t, markup := r.titles(s); t != "" {
			e.Title, e.TitleHTML = t, markup
		}
	case "link":
		r.entryLink(s)
	case "id":
		if id := strings.TrimSpace(r.inside(false).value); id != "" && !r.late.guid {
			e.GUID = id
		}
	case "guid":
		r.guid()
	case "content":
		if s == spaceRSS && r.attr("type") == "" && r.attr("src") == "" {
			r.content(r.inside(false))
			return
		}
		r.atomContent()
	case "summary", "description":
		r.summary(s, local)
	case "pubdate", "published":
		r.published(4)
	case "issued":
		r.published(3)
	case "created", "lastbuilddate", "date": // the last two are not RSS's, but there
		r.published(1)
	case "updated":
		r.updated(3)
	case "modified":
		r.updated(2)
	case "category":
		r.category(s)
	case "author":
		if a := r.inside(false).value; strings.TrimSpace(a) != "" && len(r.late.authors) < maxPeople {
			r.late.authors = append(r.late.authors, personsOf(a)...)
		}
	default:
		r.entryBeside(s, local)
	}
}

// entryBeside reads what stands beside the text of an item of RSS.
func (r *xmlReader) entryBeside(s space, local string) {
	e := r.entry
	switch local {
	case "enclosure":
		if u := r.address(cmp.Or(r.attr("url"), r.attr("href"))); u != "" {
			e.Enclosures = append(e.Enclosures, Enclosure{URL: u, Type: r.attr("type"), Length: length(r.attr("length"))})
		}
		r.skip()
	case "image":
		if c := r.inside(true); c.markup { // <image><url>
			_, after, _ := strings.Cut(c.value, "<url>")
			u, _, _ := strings.Cut(after, "</url>")
			r.late.cover = cmp.Or(r.late.cover, r.address(unescape(u)))
		} else {
			r.late.cover = cmp.Or(r.late.cover, r.address(unescape(c.value)))
		}
	case "comments":
		r.addLink(xmlLink{rel: "replies", typ: "text/html", href: r.address(r.plain())})
	case "source":
		if u := r.address(r.attr("url")); u != "" {
			e.Origin = &Origin{ID: u, Self: u, Title: r.title(s)}
			return
		}
		r.skip()
	default:
		r.skip()
	}
}

// published and updated read a date of the entry. Of several the one of the highest
// rank counts, the first of equals; one that nobody can believe is none.
func (r *xmlReader) published(rank int) {
	if t, zoned := readDate(r.plain()); rank > r.late.published && t.Year() >= firstYear {
		r.entry.Published, r.late.published, r.late.unzoned[0] = t, rank, !zoned
	}
}

func (r *xmlReader) updated(rank int) {
	if t, zoned := readDate(r.plain()); rank > r.late.updated && t.Year() >= firstYear {
		r.entry.Updated, r.late.updated, r.late.unzoned[1] = t, rank, !zoned
	}
}

func (r *xmlReader) entryLink(s space) {
	l := r.link()
	if l.href == "" && (s == spaceRSS || !r.empty) { // some write RSS's link into Atom
		r.late.link = cmp.Or(r.late.link, r.address(r.plain()))
		return
	}
	r.addLink(l)
	r.skip()
}

func (r *xmlReader) addLink(l xmlLink) {
	if len(r.late.links) < maxLinks {
		r.late.links = append(r.late.links, l)
	}
}

// guid reads an RSS guid; one that is a permalink is the address where there is
// no other (parsing.md 11).
func (r *xmlReader) guid() {
	local := strings.EqualFold(strings.TrimSpace(r.attr("isPermaLink")), "false")
	g := strings.TrimSpace(r.inside(false).value)
	if g == "" {
		return
	}
	r.entry.GUID, r.late.guid = g, true
	if u := webURL("", g); u != "" && !local {
		r.late.guidLink = u
	}
}

func (r *xmlReader) category(s space) {
	t := Tag{Term: r.attr("term"), Label: r.attr("label"), Scheme: cmp.Or(r.attr("scheme"), r.attr("domain"))}
	if text := plainTitle(r.plain()); s == spaceRSS || t.Term == "" {
		t.Term = cmp.Or(text, t.Term)
	}
	r.tag(t)
}

func (r *xmlReader) tag(t Tag) {
	if t.Term != "" && len(r.entry.Tags) < maxTags {
		r.entry.Tags = append(r.entry.Tags, t)
	}
}

// atomContent reads atom:content by its type (RFC 4287 §4.1.3.3) or Atom 0.3's mode.
func (r *xmlReader) atomContent() {
	typ, src, mode := mediaOrShort(r.attr("type")), r.attr("src"), r.attr("mode")
	if src != "" { // out of line: never fetched here
		if u := r.address(src); typ == "html" || typ == "xhtml" { // the page itself (RFC 4287 §4.1.3.2)
			r.late.page = cmp.Or(r.late.page, u)
		} else if u != "" {
			r.entry.Enclosures = append(r.entry.Enclosures, Enclosure{URL: u, Type: mediaType(typ)})
		}
		r.skip()
		return
	}
	switch c := r.atomText(typ, mode); {
	case typ == "" || typ == "html" || typ == "xhtml" || typ == "text" || strings.HasPrefix(typ, "text/"):
		r.content(c)
	case strings.HasSuffix(typ, "+xml") || strings.HasSuffix(typ, "/xml"):
		r.content(c) // inline XML: the text in it is for people
	}
}

// mediaOrShort is a type attribute in lower case, without parameters; the media
// types of HTML by Atom's short names.
func mediaOrShort(typ string) string {
	typ, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(typ)), ";")
	switch typ {
	case "text/html":
		return "html"
	case "application/xhtml+xml":
		return "xhtml"
	case "text/plain":
		return "text"
	}
	return typ
}

// atomText reads a construct of the type as HTML.
func (r *xmlReader) atomText(typ, mode string) construct {
	xml := typ == "xhtml" || mode == "xml" || strings.HasSuffix(typ, "+xml") || strings.HasSuffix(typ, "/xml")
	c := r.inside(xml)
	switch {
	case mode == "base64":
		if c.value = fromBase64(c.value); typ == "text" {
			c.value = textHTML(c.value)
		}
	case c.markup && xml:
		c.value = unwrap(c.value)
	case c.markup, xml, typ == "html", mode == "escaped":
	default: // text: the characters themselves
		c.value = textHTML(c.value)
	}
	return c
}

// unwrap takes away the div that an xhtml construct must have and that is no part
// of the content (RFC 4287 §3.1.1.3).
func unwrap(s string) string {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "<div") || !strings.HasSuffix(s, "</div>") || strings.Count(s, "<div") != strings.Count(s, "</div>") {
		return s
	}
	if i := strings.IndexByte(s, '>'); i > 0 && (s[len("<div")] == ' ' || s[len("<div")] == '>') {
		return strings.TrimSuffix(s[i+1:], "</div>")
	}
	return s
}

// summary reads atom:summary by its type, RSS's description as HTML.
func (r *xmlReader) summary(s space, local string) {
	var c construct
	if s == spaceAtom {
		c = r.atomText(mediaOrShort(r.attr("type")), r.attr("mode"))
	} else {
		c = r.inside(false)
	}
	if strings.TrimSpace(c.value) == "" {
		return
	}
	if local == "summary" {
		r.entry.Summary, r.entry.summaryBase = c.value, r.base()
		r.late.lang = cmp.Or(r.late.lang, r.lang())
		return
	}
	r.late.description, r.late.descriptionBase = c.value, r.base()
}

func (r *xmlReader) entryDC(local string) {
	e := r.entry
	switch local {
	case "creator", "author":
		e.Authors = append(e.Authors, personsOf(r.inside(false).value)...)
	case "date", "issued", "created", "available":
		if local == "date" || local == "issued" {
			r.published(2)
		} else {
			r.published(1)
		}
	case "modified":
		r.updated(1)
	case "contributor":
		if c := person(r.inside(false).value); c != (Person{}) {
			e.Contributors = append(e.Contributors, c)
		}
	case "title":
		if t := r.title(spaceRSS); r.late.title == "" {
			r.late.title = t
		}
	case "subject":
		r.tag(Tag{Term: plainTitle(r.plain())})
	case "language":
		e.Language = cmp.Or(r.plain(), e.Language)
	case "identifier":
		if id := r.plain(); e.GUID == "" && isURI(id) {
			e.GUID = id
		}
	case "description":
		if c := r.inside(false); r.late.description == "" {
			r.late.description, r.late.descriptionBase = c.value, r.base()
		}
	default:
		r.skip()
	}
}

// entryMedia reads what Media RSS says beside the post itself.
func (r *xmlReader) entryMedia(local string) {
	if n := len(r.open); n > 1 && r.open[n-2].picture && local != "thumbnail" {
		r.skip()
		return
	}
	switch local {
	case "title":
		r.late.title = r.title(spaceRSS)
	case "description", "text":
		typ := strings.ToLower(r.attr("type"))
		c := r.inside(false)
		if typ != "html" && !c.markup && !hasTags(c.value) { // Media RSS: plain unless it says otherwise
			c.value = textHTML(c.value)
		}
		if r.late.description == "" {
			r.late.description, r.late.descriptionBase = c.value, r.base()
		}
	case "keywords":
		r.keywords()
	case "category":
		t := Tag{Scheme: r.attr("scheme"), Label: r.attr("label")}
		t.Term = r.plain()
		r.tag(t)
	case "thumbnail":
		if u := r.address(r.attr("url")); !r.face(u) {
			r.late.thumbnail = cmp.Or(r.late.thumbnail, u)
		}
		r.skip()
	default:
		r.skip()
	}
}

// keywords reads a list of tags with commas between them.
func (r *xmlReader) keywords() {
	for w := range strings.SplitSeq(plainTitle(r.plain()), ",") {
		r.tag(Tag{Term: strings.TrimSpace(w)})
	}
}

func (r *xmlReader) entryITunes(local string) {
	switch local {
	case "author":
		if a := r.inside(false).value; r.late.maker == "" {
			r.late.maker = a
		}
	case "keywords":
		r.keywords()
	case "image":
		r.late.cover = cmp.Or(r.late.cover, r.address(cmp.Or(r.attr("href"), r.attr("url"))))
		r.skip()
	case "title":
		if t := r.title(spaceRSS); r.late.title == "" {
			r.late.title = t
		}
	case "summary", "subtitle":
		c := r.inside(false)
		if !c.markup && !hasTags(c.value) {
			c.value = textHTML(c.value)
		}
		if local == "summary" || r.late.notes == "" {
			r.late.notes, r.late.notesBase = c.value, r.base()
		}
	default:
		r.skip()
	}
}
