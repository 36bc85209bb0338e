package feeds

import (
	"cmp"
	"strings"
	"time"
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
		e.GUID = cmp.Or(strings.TrimSpace(r.inside(false).value), e.GUID)
	case "guid":
		r.guid()
	case "content":
		r.atomContent()
	case "summary", "description":
		r.summary(s, local)
	case "pubdate", "published", "issued", "created":
		if t := r.date(); e.Published.IsZero() || local != "created" {
			e.Published = t
		}
	case "updated", "modified":
		e.Updated = r.date()
	case "category":
		r.category(s)
	case "author":
		if a := r.inside(false).value; strings.TrimSpace(a) != "" {
			r.late.author = a
		}
	case "enclosure":
		if u := r.address(r.attr("url")); u != "" {
			e.Enclosures = append(e.Enclosures, Enclosure{URL: u, Type: r.attr("type"), Length: length(r.attr("length"))})
		}
		r.skip()
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

// date reads a date of the entry.
func (r *xmlReader) date() time.Time { return r.entry.date(r.plain()) }

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
	r.entry.GUID = g
	if u := webURL("", g); u != "" && !local {
		r.late.guidLink = u
	}
}

func (r *xmlReader) category(s space) {
	t := Tag{Term: r.attr("term"), Label: r.attr("label"), Scheme: cmp.Or(r.attr("scheme"), r.attr("domain"))}
	if text := r.plain(); s == spaceRSS || t.Term == "" {
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
		if u := r.address(src); u != "" {
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
		if a := person(r.inside(false).value); a.Name != "" || a.Email != "" {
			e.Authors = append(e.Authors, a)
		}
	case "date", "issued", "created", "available":
		if t := r.date(); e.Published.IsZero() {
			e.Published = t
		}
	case "modified":
		if t := r.date(); e.Updated.IsZero() {
			e.Updated = t
		}
	case "contributor":
		if c := person(r.inside(false).value); c != (Person{}) {
			e.Contributors = append(e.Contributors, c)
		}
	case "title":
		if t := r.title(spaceRSS); r.late.title == "" {
			r.late.title = t
		}
	case "subject":
		r.tag(Tag{Term: r.plain()})
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
		if c := r.inside(false); r.late.description == "" {
			r.late.description, r.late.descriptionBase = c.value, r.base()
		}
	case "keywords":
		r.keywords()
	case "category":
		t := Tag{Scheme: r.attr("scheme"), Label: r.attr("label")}
		t.Term = r.plain()
		r.tag(t)
	case "thumbnail":
		r.late.thumbnail = cmp.Or(r.late.thumbnail, r.address(r.attr("url")))
		r.skip()
	default:
		r.skip()
	}
}

// keywords reads a list of tags with commas between them.
func (r *xmlReader) keywords() {
	for w := range strings.SplitSeq(r.plain(), ",") {
		r.tag(Tag{Term: strings.TrimSpace(w)})
	}
}

// mediaContent reads the attributes of media:content: a file, or a picture that
// illustrates the post; the author's face, which some blogs have there, does not.
func (r *xmlReader) mediaContent() (picture bool) {
	if r.entry == nil {
		return false
	}
	u, typ, medium := r.address(r.attr("url")), r.attr("type"), r.attr("medium")
	if medium == "image" || strings.HasPrefix(typ, "image/") {
		if !strings.Contains(u, "gravatar.com/") {
			r.late.picture = cmp.Or(r.late.picture, u)
		}
		return true
	}
	if u == "" || medium == "document" || typ == "" && medium == "" {
		return false
	}
	if len(r.late.media) < maxEnclosures {
		r.late.media = append(r.late.media, Enclosure{URL: u, Type: typ, Length: length(r.attr("fileSize"))})
	}
	return false
}

func (r *xmlReader) entryITunes(local string) {
	switch local {
	case "author":
		if a := r.inside(false).value; r.late.author == "" {
			r.late.author = a
		}
	case "keywords":
		r.keywords()
	case "image":
		r.late.cover = cmp.Or(r.late.cover, r.address(r.attr("href")))
		r.skip()
	case "summary", "subtitle":
		if c := r.inside(false); r.late.description == "" {
			r.late.description, r.late.descriptionBase = textHTML(c.value), r.base()
		}
	default:
		r.skip()
	}
}
