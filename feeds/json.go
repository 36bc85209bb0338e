package feeds

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// jsonReader makes a Feed of a JSON Feed or of RSS written as JSON. One item is
// in memory as a tree at a time, so that a feed costs little more than its text.
type jsonReader struct {
	jsonScanner
	feed *Feed
	head []jsonNode // what the feed says of itself: all but its items
	item []jsonNode // the item that is being read; reused by the next

	items, channel            bool // seen: the items of a JSON Feed, the channel of RSS
	nameless, partial, beyond bool // what Repaired will tell
}

// readJSON reads JSON Feed 1.0 and 1.1 (parsing.md 22) and RSS in JSON from text,
// which is UTF-8 without a byte order mark. A field of the wrong type costs that
// field; of a document that is cut off or broken, the items before are kept and
// Repaired says so. Strings without escapes are parts of text.
//
// Errors are ErrNotFeed and ErrBroken, wrapped, ErrTooDeep and ErrTooMany.
func readJSON(text string) (*Feed, error) {
	r := &jsonReader{jsonScanner: jsonScanner{s: text, tokens: maxTokens}, feed: &Feed{}, head: []jsonNode{{kind: jsonObject}}}
	if r.peek() != '{' {
		return nil, fmt.Errorf("%w: a feed in JSON begins with {", ErrNotFeed)
	}
	r.members(func(key string) {
		switch key {
		case "items":
			r.items = true
			r.entries(jsonEntry)
		case "rss":
			r.members(r.rss)
		default:
			r.head = r.value(r.head, key)
		}
	})
	if r.err == nil && r.peek() != 0 {
		r.note("text after the end")
	}
	return r.finish()
}

// rss reads a member of the root of RSS in JSON.
func (r *jsonReader) rss(key string) {
	if key != "channel" || r.peek() != '{' {
		r.head = r.value(r.head, key)
		return
	}
	r.channel = true
	r.members(func(key string) {
		if key == "item" {
			r.entries(rssEntry)
			return
		}
		r.head = r.value(r.head, key)
	})
}

// entries reads a list of items, or one that stands alone.
func (r *jsonReader) entries(convert func(jsonValue) Entry) {
	r.feed.Entries = r.feed.Entries[:0] // of several lists the last counts, as everywhere in JSON
	r.elements(func() {
		if len(r.feed.Entries) >= maxEntries {
			r.beyond = true
			r.skip() // which keeps nothing, so its values are not counted
			return
		}
		r.item = r.value(r.item[:0], "")
		if r.err != nil {
			r.partial = true
			return
		}
		v := jsonValue(r.item)
		if v.kind() != jsonObject {
			return
		}
		e := convert(v)
		if e.GUID == "" && !r.channel { // JSON Feed 1.1, items: it must be discarded
			r.nameless = true
			return
		}
		r.feed.Entries = append(r.feed.Entries, e)
	})
}

func (r *jsonReader) note(what string) { r.feed.Repaired = append(r.feed.Repaired, what) }

// finish decides what was read, once all is known: a version may stand last.
func (r *jsonReader) finish() (*Feed, error) {
	r.head[0].size = len(r.head)
	head := jsonValue(r.head)
	version := strings.TrimSpace(head.get("version").str())
	_, number, ok := strings.Cut(version, "://jsonfeed.org/version/")
	switch {
	case r.err == ErrTooDeep || r.err == ErrTooMany:
		return nil, r.err
	case r.channel:
		r.rssHead(head)
	case ok && (strings.HasPrefix(version, "https:") || strings.HasPrefix(version, "http:")):
		r.jsonHead(head, "json "+oneLine(cut(number, 16)))
	case r.err != nil && version == "" && r.items: // the version may have been in what is missing
		r.jsonHead(head, "json")
	case r.err != nil:
		return nil, fmt.Errorf("%w: it begins like JSON, but %w", ErrNotFeed, r.err)
	default:
		return nil, fmt.Errorf("%w: the JSON document has no version of JSON Feed", ErrNotFeed)
	}
	if r.err != nil && len(r.feed.Entries) == 0 {
		return nil, fmt.Errorf("%w: %w, and no entry is whole before", ErrBroken, r.err)
	}
	r.notes()
	return r.feed, nil
}

func (r *jsonReader) notes() {
	r.feed.Truncated = r.err != nil
	if r.nameless {
		r.note("entries without an id")
	}
	if r.beyond {
		r.note("only the first 2,000 entries were read")
	}
	switch {
	case r.err == nil:
	case r.err != errCut:
		r.note(r.err.Error() + "; what follows was left out")
	case r.partial:
		r.note("the end is missing; its last entry was left out")
	default:
		r.note("the end is missing")
	}
}

func (r *jsonReader) jsonHead(v jsonValue, format string) {
	f := r.feed
	f.Format = format
	f.Title, f.Subtitle = oneLine(v.get("title").text()), oneLine(v.get("description").text())
	f.Link, f.Self, f.Next = v.get("home_page_url").str(), v.get("feed_url").str(), v.get("next_url").str()
	f.Icon = cmp.Or(v.get("icon").str(), v.get("favicon").str())
	f.Language, f.Authors = v.get("language").str(), v.authors()
	for h := range v.get("hubs").list() {
		if u := h.get("url").str(); u != "" && strings.EqualFold(h.get("type").str(), "WebSub") {
			f.Hubs = append(f.Hubs, u)
		}
	}
}

// jsonEntry is an item of a JSON Feed; nothing of one without an id.
func jsonEntry(v jsonValue) Entry {
	id := strings.TrimSpace(v.get("id").text())
	if id == "" {
		return Entry{}
	}
	e := Entry{
		GUID: id, GUIDGlobal: isURI(id), Permalink: cmp.Or(v.get("url").str(), v.get("external_url").str()),
		Title: oneLine(v.get("title").text()), Content: v.get("content_html").text(), Summary: textHTML(v.get("summary").text()),
		Language: v.get("language").str(), Authors: v.authors(),
		Published: parseDate(v.get("date_published").text()), Updated: parseDate(v.get("date_modified").text()),
	}
	if e.Content == "" {
		e.Content = textHTML(v.get("content_text").text())
	}
	ours := v.get("_orrery")
	e.Tags = jsonTags(v.get("tags"), ours.get("categories"))
	e.Origin = jsonOrigin(ours.get("source"))
	for x := range v.get("attachments").list() {
		if u := x.get("url").str(); u != "" && len(e.Enclosures) < maxEnclosures {
			e.Enclosures = append(e.Enclosures, Enclosure{URL: u, Type: x.get("mime_type").str(), Length: x.get("size_in_bytes").bytes()})
		}
	}
	return e
}

// jsonTags are the tags of an item: first those that another Orrery wrote whole,
// then those that are not among them by a name they have.
func jsonTags(plain, whole jsonValue) []Tag {
	var tags []Tag
	var known map[string]bool
	for c := range whole.list() {
		t := Tag{Term: c.get("term").text(), Scheme: c.get("scheme").str(), Label: c.get("label").text()}
		if t.Term == "" && t.Label == "" || len(tags) == maxTags {
			continue
		}
		if known == nil {
			known = map[string]bool{}
		}
		known[FoldTag(t.Term)], known[FoldTag(t.Label)] = true, true
		tags = append(tags, t)
	}
	add := func(term string) {
		if term != "" && len(tags) < maxTags && (known == nil || !known[FoldTag(term)]) {
			tags = append(tags, Tag{Term: term})
		}
	}
	if plain.kind() == jsonString { // some write their list into one string
		for term := range strings.SplitSeq(plain.text(), ",") {
			add(strings.TrimSpace(term))
		}
		return tags
	}
	for p := range plain.list() {
		add(p.text())
	}
	return tags
}

func jsonOrigin(v jsonValue) *Origin {
	o := Origin{
		ID: v.get("id").str(), Title: oneLine(v.get("title").text()), Link: v.get("home_page_url").str(), Self: v.get("feed_url").str(),
	}
	if o.ID == "" && o.Title == "" && o.Link == "" && o.Self == "" {
		return nil
	}
	o.Updated = parseDate(v.get("date_modified").text())
	return &o
}

func (r *jsonReader) rssHead(v jsonValue) {
	f := r.feed
	f.Format = "rss " + oneLine(cut(cmp.Or(v.get("version").text(), "2.0"), 16)) + " in json"
	f.Title, f.Subtitle = plainTitle(v.inner("title")), plainTitle(v.inner("description"))
	f.Link, f.Language = strings.TrimSpace(v.inner("link")), strings.TrimSpace(cmp.Or(v.inner("language"), v.inner("dc:language")))
	f.Rights, f.Icon = plainTitle(cmp.Or(v.inner("copyright"), v.inner("dc:rights"))), v.get("image").get("url").str()
	if f.Updated = parseDate(v.inner("lastBuildDate")); f.Updated.IsZero() {
		f.Updated = parseDate(cmp.Or(v.inner("pubDate"), v.inner("dc:date")))
	}
	f.Authors = v.creators("managingEditor")
	if m, err := strconv.Atoi(strings.TrimSpace(v.inner("ttl"))); err == nil && m > 0 && m < 1e6 {
		f.TTL = time.Duration(m) * time.Minute
	}
	for l := range v.get("atom:link").list() {
		switch href := l.get("href").str(); l.get("rel").str() {
		case "self":
			f.Self = href
		case "hub":
			f.Hubs = append(f.Hubs, href)
		}
	}
}

// rssEntry is an item of RSS in JSON. What are attributes and text of an element
// in XML are members of an object here, the text is called "#value".
func rssEntry(v jsonValue) Entry {
	e := Entry{
		GUID: strings.TrimSpace(v.inner("guid")), Title: plainTitle(v.inner("title")),
		Permalink: strings.TrimSpace(cmp.Or(v.inner("feedburner:origLink"), v.inner("link"))),
		Content:   v.inner("content:encoded"), Authors: v.creators("author"), Language: v.inner("dc:language"),
		Published: parseDate(cmp.Or(v.inner("pubDate"), v.inner("dc:date"))),
	}
	e.GUIDGlobal = isURI(e.GUID)
	if e.Permalink == "" && !v.get("guid").get("isPermaLink").is("false") {
		e.Permalink = webURL("", e.GUID) // parsing.md 11
	}
	if e.Content == "" {
		e.Content = v.inner("description")
	} else {
		e.Summary = v.inner("description")
	}
	for c := range v.get("category").list() {
		if t := c.words(); t != "" && len(e.Tags) < maxTags {
			e.Tags = append(e.Tags, Tag{Term: t, Scheme: c.get("domain").str()})
		}
	}
	for x := range v.get("enclosure").list() {
		if u := x.get("url").str(); u != "" && len(e.Enclosures) < maxEnclosures {
			e.Enclosures = append(e.Enclosures, Enclosure{URL: u, Type: x.get("type").str(), Length: x.get("length").bytes()})
		}
	}
	if u := v.get("source").get("url").str(); u != "" {
		e.Origin = &Origin{ID: u, Self: u, Title: plainTitle(v.inner("source"))}
	}
	return e
}

// authors are those of a JSON Feed or item; author is what version 1.0 had.
func (v jsonValue) authors() []Person {
	var out []Person
	for _, key := range []string{"authors", "author"} {
		for a := range v.get(key).list() {
			if len(out) == maxPeople {
				break
			}
			p := Person{Name: oneLine(a.get("name").text()), URL: a.get("url").str()}
			if name := a.text(); name != "" {
				p = person(cut(name, MaxTitle))
			}
			if p != (Person{}) {
				out = append(out, p)
			}
		}
		if len(out) > 0 {
			break
		}
	}
	return out
}

// creators are the people of RSS: dc:creator before the other (parsing.md 15).
func (v jsonValue) creators(other string) []Person {
	var out []Person
	for _, key := range []string{"dc:creator", other} {
		for c := range v.get(key).list() {
			if len(out) == maxPeople {
				break
			}
			if p := person(cut(c.words(), MaxTitle)); p != (Person{}) {
				out = append(out, p)
			}
		}
		if len(out) > 0 {
			break
		}
	}
	return out
}
