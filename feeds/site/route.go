package site

import (
	"net/url"
	"strings"
	"unicode"

	"orrery/feeds"
)

// kind is what an address shows.
type kind int

const (
	atHome       kind = iota // the planet: all its entries
	atCategory               // one category
	atSource                 // one source
	atEntry                  // one entry
	atCategories             // the list of categories
	atSources                // the list of sources
	atStatus                 // how the sources are doing
	atOPML                   // the sources as OPML
)

// A route is one address of the planet.
type route struct {
	kind kind
	name string // slug of a category or source, ID of an entry
	feed string // "atom", "rss", "json"; "" for the page
}

// formats are the feeds of every view, in the order people are offered them.
var formats = [...]string{"atom", "rss", "json"}

// folders are the kinds that have a name below them.
var folders = map[string]kind{"category": atCategory, "source": atSource, "entry": atEntry}

// lists are the kinds without one.
var lists = map[string]kind{"categories": atCategories, "sources": atSources, "status": atStatus}

// parseRoute reads a path below the planet's base, unescaped.
func parseRoute(path string) (route, bool) {
	if path == "" {
		return route{}, true
	}
	if path == "opml.xml" {
		return route{kind: atOPML}, true
	}
	if f, ok := feedFile(path); ok {
		return route{feed: f}, true
	}
	first, rest, ok := strings.Cut(path, "/")
	if !ok {
		return route{}, false
	}
	if k, ok := lists[first]; ok {
		return route{kind: k}, rest == ""
	}
	k, ok := folders[first]
	if !ok {
		return route{}, false
	}
	name, file, ok := strings.Cut(rest, "/")
	if !ok || !validName(name) || k == atEntry && !validID(name) {
		return route{}, false
	}
	if file == "" {
		return route{kind: k, name: name}, true
	}
	f, ok := feedFile(file)
	return route{kind: k, name: name, feed: f}, ok && k != atEntry
}

// feedFile takes "feed.atom" apart.
func feedFile(name string) (format string, ok bool) {
	ext, ok := strings.CutPrefix(name, "feed.")
	for _, f := range formats {
		if ok && f == ext {
			return f, true
		}
	}
	return "", false
}

// folder says where a page's address without its slash leads.
func folder(path string) (route, bool) {
	if path == "/" {
		return route{}, true
	}
	rt, ok := parseRoute(path + "/")
	return rt, ok && rt.feed == ""
}

// maxName is what every file system takes as a name, in bytes.
const maxName = 255

// validName says that s can stand in an address and be the name of a folder: a
// slug comes from configurations and tags, and must not lead out of the tree.
func validName(s string) bool {
	return s != "" && len(s) <= maxName && s != "." && s != ".." && !strings.ContainsFunc(s, func(r rune) bool {
		return r == '/' || r == '\\' || r == unicode.ReplacementChar || unicode.IsControl(r)
	})
}

// validID says that s looks like a feeds.PublicID, of any length: the store is
// not asked for anything else.
func validID(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// String is the path below the base, unescaped: "category/x/feed.atom".
func (rt route) String() string { return rt.path(func(s string) string { return s }) }

// escaped is the path as it stands in a link.
func (rt route) escaped() string { return rt.path(url.PathEscape) }

func (rt route) path(escape func(string) string) string {
	p := rt.dir(escape)
	if rt.feed != "" {
		p += "feed." + rt.feed
	}
	return p
}

func (rt route) dir(escape func(string) string) string {
	switch rt.kind {
	case atCategory:
		return "category/" + escape(rt.name) + "/"
	case atSource:
		return "source/" + escape(rt.name) + "/"
	case atEntry:
		return "entry/" + escape(rt.name) + "/"
	case atCategories:
		return "categories/"
	case atSources:
		return "sources/"
	case atStatus:
		return "status/"
	case atOPML:
		return "opml.xml"
	}
	return ""
}

// file is where the document lies in a tree of files, with slashes.
func (rt route) file() string {
	p := rt.String()
	if p == "" || strings.HasSuffix(p, "/") {
		p += "index.html"
	}
	return p
}

// query is what the store is asked for the route's entries. The lists depend on
// everything: the zero Query.
//
// Pages are in the order of time; a feed also has what was dated long ago and came now.
func (rt route) query(limit int) feeds.Query {
	late := rt.feed != ""
	switch rt.kind {
	case atHome:
		return feeds.Query{Limit: limit, Late: late}
	case atCategory:
		return feeds.Query{Category: rt.name, Limit: limit, Late: late}
	case atSource:
		return feeds.Query{Source: rt.name, Limit: limit, Late: late}
	case atEntry:
		return feeds.Query{ID: rt.name, Limit: 1}
	}
	return feeds.Query{}
}
