package feeds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// checkJSON is JSON Feed 1.1 (output.md 14).
func checkJSON(b []byte) []string {
	var f faults
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil || !utf8.Valid(b) {
		return []string{fmt.Sprintf("no JSON object: %v", err)}
	}
	if i := bytes.IndexFunc(b, badCharacter); i >= 0 {
		f.add("a bad character in %q", b[max(0, i-20):min(len(b), i+20)])
	}
	if doc["version"] != "https://jsonfeed.org/version/1.1" || text(doc["title"]) == "" {
		f.add("feed: version %v, title %q", doc["version"], doc["title"])
	}
	f.web("feed", "feed_url", text(doc["feed_url"]))
	f.web("feed", "home_page_url", text(doc["home_page_url"]))
	if icon, ok := doc["icon"]; ok {
		f.web("feed", "icon", text(icon))
	}
	if l, ok := doc["language"]; ok {
		f.language("feed", text(l))
	}
	f.jsonPeople("feed", doc["authors"])
	f.extensions("feed", doc)
	for _, h := range list(doc["hubs"]) {
		f.web("feed", "hub", text(field(h, "url")))
		if field(h, "type") != "WebSub" {
			f.add("feed: hub of type %v", field(h, "type"))
		}
	}
	items, ok := doc["items"].([]any)
	if !ok {
		f.add("feed: items is missing")
	}
	ids := map[string]bool{}
	for i, item := range items {
		m, ok := item.(map[string]any)
		if !ok {
			f.add("item %d is no object", i+1)
			continue
		}
		f.jsonItem(fmt.Sprintf("item %d", i+1), m, ids)
	}
	f.jsonHistory(doc, ids)
	return f
}

// jsonHistory is what the feed says of its past: next_url, which never leads back (JSON
// Feed 1.1, Top-level), and what we say beside it (docs/json-feed.md).
func (f *faults) jsonHistory(doc map[string]any, ids map[string]bool) {
	next, paged := doc["next_url"]
	ours, _ := doc["_orrery"].(map[string]any)
	if paged {
		if f.web("feed", "next_url", text(next)); next == doc["feed_url"] {
			f.add("feed: next_url leads to itself")
		}
	}
	if id, ok := ours["id"]; !ok || !absoluteURI(text(id)) || ours["generator"] == "" {
		f.add("feed: id %v, generator %v", id, ours["generator"])
	}
	updated, err := parse3339(text(ours["date_modified"]))
	if _, ok := ours["date_modified"]; ok && err != nil {
		f.add("feed: date_modified is %v", ours["date_modified"])
	}
	for _, name := range []string{"current", "next_archive"} {
		if u, ok := ours[name]; ok {
			f.web("feed", name, text(u))
		}
	}
	complete, archive := ours["complete"] == true, ours["archive"] == true
	if complete && (archive || paged || ours["current"] != nil || ours["next_archive"] != nil) || archive && ours["current"] == nil {
		f.add("feed: complete %v, archive %v of %v, next %v", complete, archive, ours["current"], next)
	}
	for _, d := range list(ours["deleted"]) {
		id := text(field(d, "id"))
		if !absoluteURI(id) || ids[id] {
			f.add("deleted: %q is no id, is there twice, or not deleted at all", id)
		}
		ids[id] = true
		if when, err := parse3339(text(field(d, "date"))); err != nil || when.After(updated) {
			f.add("deleted: %v is no date, or later than the feed's", field(d, "date"))
		}
	}
}

func (f *faults) jsonItem(where string, m map[string]any, ids map[string]bool) {
	id := text(m["id"])
	if id == "" || ids[id] {
		f.add("%s: its id is empty or not unique: %q", where, id)
	}
	ids[id] = true
	html, plain := text(m["content_html"]), text(m["content_text"])
	if html == "" && plain == "" {
		f.add("%s: no content", where)
	}
	f.html(where, html)
	for _, name := range []string{"url", "image", "external_url"} {
		if u, ok := m[name]; ok {
			f.web(where, name, text(u))
		}
	}
	for _, name := range []string{"date_published", "date_modified"} {
		if d, ok := m[name]; ok {
			if t, err := parse3339(text(d)); err != nil || t.Year() < 1990 {
				f.add("%s: %s is %v", where, name, d)
			}
		}
	}
	f.jsonPeople(where, m["authors"])
	f.extensions(where, m)
	for _, t := range list(m["tags"]) {
		if strings.TrimSpace(text(t)) == "" {
			f.add("%s: an empty tag", where)
		}
	}
	for _, a := range list(m["attachments"]) {
		f.web(where, "attachment", text(field(a, "url")))
		f.media(where, "the type of an attachment", text(field(a, "mime_type")))
	}
	if l, ok := m["language"]; ok {
		f.language(where, text(l))
	}
	f.jsonOurs(where, m["_orrery"])
}

// jsonOurs is what we say of an item beside JSON Feed (docs/json-feed.md).
func (f *faults) jsonOurs(where string, orrery any) {
	sources := list(field(orrery, "also"))
	if s := field(orrery, "source"); s != nil {
		sources = append(sources, s)
	}
	for _, s := range sources {
		for _, name := range []string{"home_page_url", "feed_url", "icon"} {
			if u := field(s, name); u != nil {
				f.web(where, "source "+name, text(u))
			}
		}
		f.jsonPeople(where, field(s, "authors"))
	}
	f.html(where, text(field(orrery, "title_html")))
	f.jsonPeople(where, field(orrery, "contributors"))
	for _, c := range list(field(orrery, "categories")) {
		if text(field(c, "term")) == "" || text(field(c, "scheme")) == "" {
			f.add("%s: category %v", where, c)
		}
	}
	for _, l := range list(field(orrery, "links")) {
		f.web(where, "a further link", text(field(l, "url")))
		if !slices.Contains([]string{"via", "related", "replies", "license"}, text(field(l, "rel"))) {
			f.add("%s: a link %v", where, l)
		}
	}
}

func (f *faults) jsonPeople(where string, people any) {
	for _, p := range list(people) {
		if text(field(p, "name"))+text(field(p, "url")) == "" {
			f.add("%s: an author without name and url", where)
		}
		if u := field(p, "url"); u != nil {
			f.web(where, "an author's url", text(u))
		}
	}
}

var jsonNames = regexp.MustCompile(`^(_[a-zA-Z][^.]*|version|title|home_page_url|feed_url|description|icon|language|authors|hubs|items|` +
	`next_url|id|url|content_html|content_text|summary|date_published|date_modified|tags|attachments|image|external_url)$`)

func (f *faults) extensions(where string, m map[string]any) {
	for name := range m {
		if !jsonNames.MatchString(name) {
			f.add("%s: %q is no field of JSON Feed", where, name)
		}
	}
}

func text(v any) string { s, _ := v.(string); return s }

func list(v any) []any { l, _ := v.([]any); return l }

func field(v any, name string) any { m, _ := v.(map[string]any); return m[name] }
