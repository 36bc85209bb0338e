package feeds

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// leaf reads an element that holds text or attributes, in the place around it.
// What we have no use for is passed over.
func (r *xmlReader) leaf(s space, local string, around kind) {
	switch {
	case around == kindPerson:
		if s == spaceOther || s == spaceMedia {
			r.skip()
			return
		}
		r.personLeaf(local)
	case around == kindOrigin:
		r.originLeaf(s, local)
	case around == kindImage:
		if local == "url" && (s == spaceRSS || s == spaceRDF) {
			r.feed.Icon = cmp.Or(r.feed.Icon, r.address(r.inside(false).value))
			return
		}
		r.skip()
	case around == kindEntry && r.entry != nil:
		r.entryLeaf(s, local)
	case around == kindFeed:
		r.feedLeaf(s, local)
	default:
		r.skip()
	}
}

// skip passes over an element. Where it has no end, so that an entry or the feed
// ends in it, it ends there.
func (r *xmlReader) skip() {
	if r.empty {
		return
	}
	name := r.name
	entries := 0 // of others', within it
	for nested := 0; ; {
		before, depth := r.pos, r.scanner.depth
		switch r.next() {
		case tokenEnd:
			return
		case tokenOpen:
			if r.name == name && !r.empty {
				nested++
			} else if endsEntry(r.name) && !r.empty {
				entries++
			}
		case tokenClose:
			switch {
			case entries > 0 && endsEntry(r.name):
				entries--
			case r.name == name && nested == 0:
				return
			case r.name == name:
				nested--
			case endsEntry(r.name):
				r.pos, r.scanner.depth = before, depth
				return
			}
		}
	}
}

// plain reads a line of text.
func (r *xmlReader) plain() string { return oneLine(r.line(false).value) }

// line is inside for a short text, which may have lost its end.
func (r *xmlReader) line(xhtml bool) construct {
	r.short = true
	defer func() { r.short = false }()
	return r.inside(xhtml)
}

func (r *xmlReader) personLeaf(local string) {
	switch local {
	case "name":
		r.person.Name = r.plain()
	case "email":
		r.person.Email = r.plain()
	case "uri", "url", "homepage":
		r.person.URL = r.address(r.plain())
	default:
		r.skip()
	}
}

func (r *xmlReader) originLeaf(s space, local string) {
	o := r.origin
	if s != spaceAtom && s != spaceRSS {
		r.skip()
		return
	}
	switch local {
	case "id":
		o.ID = strings.TrimSpace(r.inside(false).value)
	case "title":
		o.Title = r.title(s)
	case "subtitle", "tagline":
		o.Subtitle = r.title(s)
	case "rights", "copyright":
		o.Rights = r.title(s)
	case "icon", "logo":
		o.Icon = cmp.Or(o.Icon, r.address(r.plain()))
	case "updated", "modified":
		o.Updated = parseDate(r.plain())
	case "link":
		l := r.link()
		switch l.rel {
		case "self":
			o.Self = l.href
		case "alternate":
			o.Link = cmp.Or(o.Link, l.href)
		}
		r.skip()
	default:
		r.skip()
	}
}

// link reads the attributes of an atom:link.
func (r *xmlReader) link() xmlLink {
	l := xmlLink{
		rel: strings.ToLower(cmp.Or(strings.TrimSpace(r.attr("rel")), "alternate")), typ: r.attr("type"),
		href: r.address(r.attr("href")), length: r.attr("length"), lang: r.attr("hreflang"), title: r.attr("title"),
	}
	l.rel = strings.TrimPrefix(l.rel, "http://www.iana.org/assignments/relation/")
	return l
}

// title reads a text construct as plain text.
func (r *xmlReader) title(s space) string {
	plain, _ := r.titles(s)
	return plain
}

// titles reads a text construct as plain text and, where it is HTML, as that: by
// its type in Atom, by its looks elsewhere.
func (r *xmlReader) titles(s space) (plain, markup string) {
	typ, mode := mediaOrShort(r.attr("type")), r.attr("mode")
	c := r.line(typ == "xhtml")
	switch {
	case mode == "base64":
		return markedTitle(fromBase64(c.value))
	case s == spaceAtom && !c.markup && (typ == "" || typ == "text") && mode == "":
		return oneLine(c.value), ""
	case c.markup || s == spaceAtom && typ == "html":
		return PlainText(c.value), c.value
	}
	return markedTitle(c.value)
}

func (r *xmlReader) feedLeaf(s space, local string) {
	f := r.feed
	switch s {
	case spaceRSS, spaceAtom:
		r.feedCore(s, local)
	case spaceDC:
		switch local {
		case "language":
			f.Language = cmp.Or(f.Language, r.plain())
		case "rights":
			f.Rights = cmp.Or(f.Rights, r.title(s))
		case "date", "modified":
			if t := parseDate(r.plain()); f.Updated.IsZero() {
				f.Updated = t
			}
		case "creator":
			f.Authors = append(f.Authors, personsOf(r.inside(false).value)...)
		case "title":
			f.Title = cmp.Or(f.Title, r.title(spaceRSS))
		case "description":
			f.Subtitle = cmp.Or(f.Subtitle, r.title(spaceRSS))
		default:
			r.skip()
		}
	case spaceSY:
		r.syndication(local)
	case spaceLicense:
		if local == "license" {
			f.Links = appendLink(f.Links, r.license())
			return
		}
		r.skip()
	case spaceHistory:
		f.Complete, f.Archive = f.Complete || local == "complete", f.Archive || local == "archive"
		r.skip()
	case spaceITunes:
		switch local {
		case "image":
			f.Icon = cmp.Or(f.Icon, r.address(r.attr("href")))
			r.skip()
		case "author":
			if a := personsOf(r.inside(false).value); len(f.Authors) == 0 {
				f.Authors = a
			}
		case "summary", "subtitle":
			if t := r.title(spaceRSS); r.tagline == "" {
				r.tagline = t
			}
		default:
			r.skip()
		}
	default:
		r.skip()
	}
}

func (r *xmlReader) feedCore(s space, local string) {
	f := r.feed
	switch local {
	case "title":
		f.Title = cmp.Or(f.Title, r.title(s))
	case "subtitle", "tagline", "description", "info":
		f.Subtitle = cmp.Or(f.Subtitle, r.title(s))
	case "link":
		r.feedLink(s)
	case "id":
		f.ID = cmp.Or(f.ID, strings.TrimSpace(r.inside(false).value))
	case "language":
		f.Language = cmp.Or(r.plain(), f.Language)
	case "rights", "copyright":
		f.Rights = cmp.Or(f.Rights, r.title(s))
	case "icon":
		f.Icon = cmp.Or(r.address(r.plain()), f.Icon)
	case "logo":
		f.Icon = cmp.Or(f.Icon, r.address(r.plain()))
	case "updated", "modified", "lastbuilddate":
		if t := parseDate(r.plain()); !t.IsZero() {
			f.Updated = t
		}
	case "pubdate":
		if t := parseDate(r.plain()); f.Updated.IsZero() {
			f.Updated = t
		}
	case "managingeditor", "author":
		if a := r.inside(false).value; len(f.Authors) == 0 && strings.TrimSpace(a) != "" {
			f.Authors = personsOf(a)
		}
	case "ttl":
		if m, err := strconv.Atoi(r.plain()); err == nil && m > 0 && m < 1e6 {
			f.TTL = time.Duration(m) * time.Minute
		}
	case "skiphours", "skipdays":
		r.skips()
	default:
		r.skip()
	}
}

func (r *xmlReader) feedLink(s space) {
	l := r.link()
	if s == spaceRSS && l.href == "" {
		if text := r.address(r.plain()); text != "" {
			r.site = cmp.Or(r.site, text)
		}
		return
	}
	f := r.feed
	switch l.rel {
	case "self":
		f.Self = cmp.Or(f.Self, l.href)
	case "hub":
		f.Hubs = append(f.Hubs, l.href)
	case "alternate":
		if len(r.pages) < maxLinks {
			r.pages = append(r.pages, l)
		}
	case "prev-archive":
		f.PrevArchive = l.href
	case "next-archive":
		f.NextArchive = l.href
	case "current":
		f.Current = l.href
	case "next":
		f.Next = l.href
	default:
		f.Links = appendLink(f.Links, l)
	}
	r.skip()
}

// license reads the address of a license, which stands in the element or in its
// rdf:resource.
func (r *xmlReader) license() xmlLink {
	resource := r.attr("rdf:resource")
	return xmlLink{rel: "license", href: r.address(cmp.Or(r.plain(), resource))}
}

// appendLink keeps a link that has no field of its own.
func appendLink(list []Link, l xmlLink) []Link {
	if l.href == "" || len(list) == maxLinks {
		return list
	}
	return append(list, Link{Rel: l.rel, URL: l.href, Type: l.typ, Language: l.lang, Title: l.title})
}

// skips reads skipHours (0–23, GMT) and skipDays (English names, in full or not).
func (r *xmlReader) skips() {
	for _, word := range strings.Fields(PlainText(r.inside(true).value)) {
		r.feed.skipAt(word)
	}
}

// skipAt takes an hour or the name of a day, each once.
func (f *Feed) skipAt(word string) {
	if h, err := strconv.Atoi(word); err == nil && h >= 0 && h <= 24 && !slices.Contains(f.SkipHours, h%24) {
		f.SkipHours = append(f.SkipHours, h%24)
	}
	word = strings.ToLower(strings.Trim(word, ".,;"))
	for d := time.Sunday; d <= time.Saturday; d++ {
		named := len(word) >= len("mon") && strings.HasPrefix(strings.ToLower(d.String()), word)
		if named && !slices.Contains(f.SkipDays, d) {
			f.SkipDays = append(f.SkipDays, d)
		}
	}
}

// syndication reads sy:updatePeriod, sy:updateFrequency and sy:updateBase (RSS 1.0's
// module): the feed changes so many times in that period, once at that time.
func (r *xmlReader) syndication(local string) {
	switch local {
	case "updateperiod":
		r.feed.updatesEvery(r.plain())
	case "updatefrequency":
		r.feed.updatesOften(r.plain())
	case "updatebase":
		r.feed.UpdateBase = parseDate(r.plain())
	default:
		r.skip()
	}
}

func (f *Feed) updatesEvery(period string) {
	hours := map[string]time.Duration{"hourly": 1, "daily": 24, "weekly": 7 * 24, "monthly": 30 * 24, "yearly": 365 * 24}
	f.UpdatePeriod = hours[strings.ToLower(strings.TrimSpace(period))] * time.Hour / max(time.Duration(f.updates), 1)
}

func (f *Feed) updatesOften(times string) {
	if n, err := strconv.Atoi(strings.TrimSpace(times)); err == nil && n > 0 {
		f.updates = n
		f.UpdatePeriod = cmp.Or(f.UpdatePeriod, 24*time.Hour) / time.Duration(n) // fetching.md 18: daily where it does not say
	}
}
