package feeds

import (
	"cmp"
	"fmt"
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
	f.Language, f.Authors = v.get("language").str(), v.people("authors", "author")
	ours := v.get("_orrery")
	f.ID, f.Updated, f.Rights = ours.get("id").str(), parseDate(ours.get("date_modified").text()), oneLine(ours.get("rights").text())
	f.Complete, f.Archive = ours.get("complete").is("true"), ours.get("archive").is("true")
	f.Current, f.NextArchive = ours.get("current").str(), ours.get("next_archive").str()
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
		Language: v.get("language").str(), Authors: v.people("authors", "author"),
		Image: cmp.Or(v.get("image").str(), v.get("banner_image").str()),
	}
	e.Published, e.Updated = e.date(v.get("date_published").text()), e.date(v.get("date_modified").text())
	if e.Content == "" {
		e.Content = textHTML(v.get("content_text").text())
	}
	ours := v.get("_orrery")
	e.TitleHTML, e.Contributors, e.Links = ours.get("title_html").text(), ours.people("contributors"), jsonLinks(ours.get("links"))
	if other := v.get("external_url").str(); other != "" && other != e.Permalink {
		e.Links = append(e.Links, Link{Rel: "related", URL: other}) // what the post is about
	}
	e.Tags = jsonTags(v.get("tags"), ours.get("categories"))
	e.Origin = jsonOrigin(ours.get("source"))
	for x := range v.get("attachments").list() {
		if u := x.get("url").str(); u != "" && len(e.Enclosures) < maxEnclosures {
			e.Enclosures = append(e.Enclosures, Enclosure{URL: u, Type: x.get("mime_type").str(), Length: x.get("size_in_bytes").bytes()})
		}
	}
	return e
}

// date is the date that s says; e is marked where it has no zone.
func (e *Entry) date(s string) time.Time {
	t, zoned := readDate(s)
	e.Unzoned = e.Unzoned || !t.IsZero() && !zoned
	return t
}

// jsonLinks are the further links that another Orrery wrote.
func jsonLinks(list jsonValue) []Link {
	var out []Link
	for l := range list.list() {
		out = appendLink(out, xmlLink{
			rel: l.get("rel").str(), href: l.get("url").str(), typ: l.get("type").str(), lang: l.get("language").str(), title: oneLine(l.get("title").text()),
		})
	}
	return out
}

// jsonTags are the tags of an item: first those that another Orrery wrote whole,
// then those that are not among them by a name they have.
func jsonTags(plain, whole jsonValue) []Tag {
	var tags []Tag
	var known map[string]bool
	fold := func(s string) string { return FoldTag(cut(s, 4*maxTag)) } // Normalize keeps less
	for c := range whole.list() {
		t := Tag{Term: c.get("term").text(), Scheme: c.get("scheme").str(), Label: c.get("label").text()}
		if t.Term == "" && t.Label == "" || len(tags) == maxTags {
			continue
		}
		if known == nil {
			known = map[string]bool{}
		}
		known[fold(t.Term)], known[fold(t.Label)] = true, true
		tags = append(tags, t)
	}
	add := func(term string) {
		if term != "" && len(tags) < maxTags && (known == nil || !known[fold(term)]) {
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
	o.Subtitle, o.Rights, o.Icon = oneLine(v.get("description").text()), oneLine(v.get("rights").text()), v.get("icon").str()
	o.Updated, o.Authors = parseDate(v.get("date_modified").text()), v.people("authors")
	return &o
}

// people are those of a member of a JSON Feed or item, of the first that has any: author
// is what authors were in version 1.0.
func (v jsonValue) people(keys ...string) []Person {
	var out []Person
	for _, key := range keys {
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
