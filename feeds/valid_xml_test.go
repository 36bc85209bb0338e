package feeds

import (
	"fmt"
	"path"
	"regexp"
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
	f.constructs("feed", root)
	updated := f.date("feed", root, "atom:updated", parse3339)
	if rels := f.links("feed", root, append(historyRels, "self", "alternate", "hub")...); rels["self"] != 1 || rels["alternate"] == 0 {
		f.add("feed: %d links self, %d alternate", rels["self"], rels["alternate"])
	}
	f.history("feed", root)
	f.people("feed", root)
	for _, i := range root.all("atom:icon") {
		f.web("feed", "icon", i.text)
	}
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
	f.graves(root, ids, updated)
	return f
}

func (f *faults) atomEntry(where string, e *node, ids map[string]bool) {
	f.once(where, e, "atom:id", "atom:title", "atom:updated")
	f.constructs(where, e)
	if l, said := e.attrs["xml:lang"]; said {
		f.language(where, l)
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
	if len(e.all("atom:content"))+len(e.all("atom:summary")) == 0 {
		f.add("%s: neither content nor a summary", where)
	}
	if rels["alternate"] == 0 && len(e.all("atom:content")) == 0 {
		f.add("%s: neither content nor a link alternate", where)
	}
	f.people(where, e)
	for _, c := range e.all("atom:category") {
		if scheme, said := c.attrs["scheme"]; c.attrs["term"] == "" || c.text != "" || said && !absoluteURI(scheme) {
			f.add("%s: bad category %v %q", where, c.attrs, c.text)
		}
	}
	for _, c := range e.all("atom:content") {
		if c.attrs["type"] != "html" {
			f.add("%s: content of type %q", where, c.attrs["type"])
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
		f.constructs(where, s)
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
		if t, said := l.attrs["type"]; said {
			f.media(where, "the type of link "+rel, t)
		}
		if t, said := l.attrs["hreflang"]; said {
			f.language(where, t)
		}
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

// channelNames are the elements a channel of ours may have.
var channelNames = strings.Fields(`title link description language copyright lastBuildDate docs generator ttl image atom:link
	dc:creator fh:complete fh:archive item`)

// repeated are those of them that an item may have several of.
var repeated = []string{"dc:creator", "dc:contributor", "category", "media:content", "creativeCommons:license"}

// rssItemNames are the elements an item of ours may have.
var rssItemNames = strings.Fields(`title link description content:encoded dc:creator dc:language category guid pubDate
	source enclosure media:content media:thumbnail comments dc:contributor atom:updated creativeCommons:license`)

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
	f.profile("channel", c, "title", "description", "copyright")
	f.history("channel", c)
	if rels := f.links("channel", c, append(historyRels, "self", "hub")...); rels["self"] != 1 {
		f.add("channel: %d links self", rels["self"])
	}
	for _, l := range c.all("atom:link") {
		if l.attrs["rel"] == "self" && l.attrs["type"] != "application/rss+xml" {
			f.add("channel: link self has type %q", l.attrs["type"])
		}
	}
	for _, i := range c.all("image") {
		f.web("image", "url", i.value("url"))
		if ext := strings.ToLower(path.Ext(i.value("url"))); ext != ".png" && ext != ".gif" && ext != ".jpg" && ext != ".jpeg" {
			f.add("image: %q is no picture for RSS", i.value("url"))
		}
		if i.value("title") != c.value("title") || i.value("link") != c.value("link") {
			f.add("image: its title and link are not the channel's")
		}
	}
	for i, k := range c.kids {
		if !slices.Contains(channelNames, k.name) || i > 0 && c.kids[i-1].name == "item" && k.name != "item" {
			f.add("channel: unexpected element %s, or behind an item", k.name)
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
		if order[k.name] > 0 && !slices.Contains(repeated, k.name) {
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
	published := f.date(where, n, "pubDate", parse822)
	if updated := f.date(where, n, "atom:updated", parse3339); !updated.IsZero() && !updated.After(published) {
		f.add("%s: updated %v, published %v", where, updated, published)
	}
	f.profile(where, n, "title", "category", "source", "dc:creator", "dc:contributor")
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
	for _, name := range []string{"comments", "creativeCommons:license"} {
		for _, c := range n.all(name) {
			f.web(where, name, c.text)
		}
	}
	for _, l := range n.all("dc:language") {
		f.language(where, l.text)
	}
	f.pictures(where, n)
	f.files(where, n)
}

func (f *faults) pictures(where string, n *node) {
	for _, x := range n.all("media:thumbnail") {
		f.web(where, "media:thumbnail", x.attrs["url"])
	}
}

// enclosed are the addresses that the W3C's validator lets an enclosure have.
var enclosed = regexp.MustCompile(`(?i)^https?://(?:(?:\d{1,3}\.){3}|(?:[a-z0-9-]+\.)+)[a-z0-9][a-z0-9-]*(?::\d+)?(?:/|$)`)

func (f *faults) files(where string, n *node) {
	for _, x := range n.all("enclosure") {
		f.web(where, "enclosure", x.attrs["url"])
		f.media(where, "the type of the enclosure", x.attrs["type"])
		if _, err := strconv.ParseUint(x.attrs["length"], 10, 63); err != nil || !enclosed.MatchString(x.attrs["url"]) {
			f.add("%s: enclosure with length %q and url %q", where, x.attrs["length"], x.attrs["url"])
		}
	}
	for _, x := range n.all("media:content") {
		f.web(where, "media:content", x.attrs["url"])
		f.media(where, "the type of media:content", x.attrs["type"])
	}
}
