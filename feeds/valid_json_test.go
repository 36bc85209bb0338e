package feeds

import (
	"encoding/json"
	"fmt"
	"regexp"
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
	if doc["version"] != "https://jsonfeed.org/version/1.1" || text(doc["title"]) == "" {
		f.add("feed: version %v, title %q", doc["version"], doc["title"])
	}
	f.web("feed", "feed_url", text(doc["feed_url"]))
	f.web("feed", "home_page_url", text(doc["home_page_url"]))
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
	return f
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
			if _, err := parse3339(text(d)); err != nil {
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
		if !strings.Contains(text(field(a, "mime_type")), "/") {
			f.add("%s: attachment of type %v", where, field(a, "mime_type"))
		}
	}
	f.jsonSources(where, m["_orrery"])
}

func (f *faults) jsonSources(where string, orrery any) {
	sources := list(field(orrery, "also"))
	if s := field(orrery, "source"); s != nil {
		sources = append(sources, s)
	}
	for _, s := range sources {
		for _, name := range []string{"home_page_url", "feed_url"} {
			if u := field(s, name); u != nil {
				f.web(where, "source "+name, text(u))
			}
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
	`id|url|content_html|content_text|summary|date_published|date_modified|tags|attachments|image|external_url)$`)

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
