package feeds

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checkAtom is RFC 4287 with output.md 1–10.
func checkAtom(b []byte) []string {
	var f faults
	root, err := parseXML(b)
	if err != nil {
		return []string{"not well-formed: " + err.Error()}
	}
	if root.name != "atom:feed" {
		return []string{"the root is " + root.name}
	}
	f.once("feed", root, "atom:id", "atom:title", "atom:updated")
	if !absoluteURI(root.value("atom:id")) {
		f.add("feed: its id is no URI: %q", root.value("atom:id"))
	}
	updated := f.date("feed", root, "atom:updated", parse3339)
	if rels := f.links("feed", root, "self", "alternate", "hub"); rels["self"] != 1 || rels["alternate"] == 0 {
		f.add("feed: %d links self, %d alternate", rels["self"], rels["alternate"])
	}
	f.people("feed", root)
	ids := map[string]bool{root.value("atom:id"): true}
	for i, e := range root.all("atom:entry") {
		where := fmt.Sprintf("entry %d", i+1)
		f.atomEntry(where, e, ids)
		if len(root.all("atom:author"))+len(e.all("atom:author")) == 0 {
			f.add("%s: neither it nor the feed has an author", where)
		}
		if parse, err := parse3339(e.value("atom:updated")); err == nil && parse.After(updated) {
			f.add("%s: it is newer than the feed", where)
		}
	}
	return f
}

func (f *faults) atomEntry(where string, e *node, ids map[string]bool) {
	f.once(where, e, "atom:id", "atom:updated")
	if len(e.all("atom:title")) != 1 {
		f.add("%s: it has %d titles", where, len(e.all("atom:title")))
	}
	id := e.value("atom:id")
	if !absoluteURI(id) || ids[id] {
		f.add("%s: its id is no URI or not unique: %q", where, id)
	}
	ids[id] = true
	updated := f.date(where, e, "atom:updated", parse3339)
	if published := f.date(where, e, "atom:published", parse3339); updated.Before(published) {
		f.add("%s: it was updated before it was published", where)
	}
	rels := f.links(where, e, "alternate", "enclosure", "via", "related", "replies", "license")
	f.pictures(where, e)
	if rels["alternate"] == 0 && len(e.all("atom:content")) == 0 {
		f.add("%s: neither content nor a link alternate", where)
	}
	f.people(where, e)
	for _, c := range e.all("atom:category") {
		if scheme, said := c.attrs["scheme"]; c.attrs["term"] == "" || c.text != "" || said && !absoluteURI(scheme) {
			f.add("%s: bad category %v %q", where, c.attrs, c.text)
		}
	}
	for _, name := range []string{"atom:summary", "atom:content"} {
		for _, c := range e.all(name) {
			if c.attrs["type"] != "html" || strings.TrimSpace(c.text) == "" {
				f.add("%s: %s has type %q, or is empty", where, name, c.attrs["type"])
			}
			f.html(where, c.text)
		}
	}
	f.atomSource(where+", source", e)
}

func (f *faults) atomSource(where string, e *node) {
	for i, s := range e.all("atom:source") {
		if i > 0 {
			f.add("%s: several", where)
		}
		f.once(where, s, "atom:id", "atom:title", "atom:updated")
		f.date(where, s, "atom:updated", parse3339)
		f.links(where, s, "self", "alternate")
		f.people(where, s)
		if !absoluteURI(s.value("atom:id")) {
			f.add("%s: its id is no URI: %q", where, s.value("atom:id"))
		}
	}
}

// links counts the relations; only the allowed ones may occur (output.md 8), and
// alternates differ in type and language (RFC 4287 §4.1.1).
func (f *faults) links(where string, n *node, allowed ...string) map[string]int {
	count, alternates := map[string]int{}, map[string]bool{}
	for _, l := range n.all("atom:link") {
		rel := l.attrs["rel"]
		count[rel]++
		if !slices.Contains(allowed, rel) {
			f.add("%s: a link may not be %q here", where, rel)
		}
		f.web(where, "link "+rel, l.attrs["href"])
		if key := l.attrs["type"] + " " + l.attrs["hreflang"]; rel == "alternate" {
			if alternates[key] {
				f.add("%s: two alternates of type %s", where, key)
			}
			alternates[key] = true
		}
	}
	return count
}

func (f *faults) people(where string, n *node) {
	for _, p := range append(n.all("atom:author"), n.all("atom:contributor")...) {
		f.once(where+", author", p, "atom:name")
		if len(p.all("atom:email")) > 0 {
			f.add("%s: an author's mail address is nobody's business", where)
		}
		for _, u := range p.all("atom:uri") {
			f.web(where, "an author's uri", u.text)
		}
	}
}

// rssItemNames are the elements an item of ours may have.
var rssItemNames = strings.Fields(`title link description content:encoded dc:creator dc:language category guid pubDate
	source enclosure media:content media:thumbnail comments dc:contributor`)

// checkRSS is RSS 2.0 with the profile of the RSS Advisory Board (output.md 11–13).
func checkRSS(b []byte) []string {
	var f faults
	root, err := parseXML(b)
	if err != nil {
		return []string{"not well-formed: " + err.Error()}
	}
	if root.name != "rss" || root.attrs["version"] != "2.0" || len(root.all("channel")) != 1 {
		return []string{"the root is " + root.name + " " + root.attrs["version"]}
	}
	c := root.all("channel")[0]
	f.once("channel", c, "title", "link", "description", "docs", "generator")
	f.web("channel", "link", c.value("link"))
	f.date("channel", c, "lastBuildDate", parse822)
	if rels := f.links("channel", c, "self", "hub"); rels["self"] != 1 {
		f.add("channel: %d links self", rels["self"])
	}
	for _, l := range c.all("atom:link") {
		if l.attrs["rel"] == "self" && l.attrs["type"] != "application/rss+xml" {
			f.add("channel: link self has type %q", l.attrs["type"])
		}
	}
	for _, i := range c.all("image") {
		f.web("image", "url", i.value("url"))
		if i.value("title") != c.value("title") || i.value("link") != c.value("link") {
			f.add("image: its title and link are not the channel's")
		}
	}
	ids := map[string]bool{}
	for i, item := range c.all("item") {
		f.rssItem(fmt.Sprintf("item %d", i+1), item, ids)
	}
	return f
}

func (f *faults) rssItem(where string, n *node, ids map[string]bool) {
	order := map[string]int{}
	for i, k := range n.kids {
		if repeats := k.name == "dc:creator" || k.name == "dc:contributor" || k.name == "category" || k.name == "media:content"; order[k.name] > 0 && !repeats {
			f.add("%s: %s twice", where, k.name)
		}
		order[k.name] = i + 1
		if !slices.Contains(rssItemNames, k.name) { // author above all: it must be a mail address
			f.add("%s: unexpected element %s", where, k.name)
		}
		if strings.TrimSpace(k.text) == "" && k.name != "enclosure" && !strings.HasPrefix(k.name, "media:") {
			f.add("%s: %s is empty", where, k.name)
		}
	}
	if n.value("title")+n.value("description") == "" {
		f.add("%s: neither title nor description", where)
	}
	if c := order["content:encoded"]; c > 0 && (order["description"] == 0 || order["description"] > c) {
		f.add("%s: no description before content:encoded", where)
	}
	f.html(where, n.value("description"))
	f.html(where, n.value("content:encoded"))
	f.date(where, n, "pubDate", parse822)
	if l := n.all("link"); len(l) > 0 {
		f.web(where, "link", n.value("link"))
	}
	f.once(where, n, "guid")
	for _, g := range n.all("guid") {
		perma := g.attrs["isPermaLink"]
		if perma != "true" && perma != "false" || perma == "true" && !webAddress(g.text) {
			f.add("%s: guid %q has isPermaLink=%q", where, g.text, perma)
		}
		if ids[g.text] {
			f.add("%s: guid %q is not unique", where, g.text)
		}
		ids[g.text] = true
	}
	for _, s := range n.all("source") {
		f.web(where, "source url", s.attrs["url"])
	}
	for _, c := range n.all("comments") {
		f.web(where, "comments", c.text)
	}
	f.pictures(where, n)
	f.files(where, n)
}

func (f *faults) pictures(where string, n *node) {
	for _, x := range n.all("media:thumbnail") {
		f.web(where, "media:thumbnail", x.attrs["url"])
	}
}

func (f *faults) files(where string, n *node) {
	for _, x := range n.all("enclosure") {
		f.web(where, "enclosure", x.attrs["url"])
		if _, err := strconv.ParseUint(x.attrs["length"], 10, 63); err != nil || !strings.Contains(x.attrs["type"], "/") {
			f.add("%s: enclosure with length %q and type %q", where, x.attrs["length"], x.attrs["type"])
		}
	}
	for _, x := range n.all("media:content") {
		f.web(where, "media:content", x.attrs["url"])
	}
}
