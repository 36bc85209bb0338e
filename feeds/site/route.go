package site

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
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
	atAuthor                 // one author
	atLanguage               // one language
	atSearch                 // what a filter selects
	atEntry                  // one entry
	atCategories             // the list of categories
	atSources                // the list of sources
	atStatus                 // how the sources are doing
	atOPML                   // the sources as OPML
)

// A route is one address of the planet.
type route struct {
	kind kind
	name string // slug of a category, source, author or language, ID of an entry
	feed string // "atom", "rss", "json", of a category also "opml"; "" for the page
	// archive is the number of an archive, of a feed; 0: the feed itself.
	archive int
	// Of a feed: arrival orders it by when its entries came, excerpts has summaries
	// in place of the texts.
	arrival, excerpts bool
	filter            filter // of a search
}

// filter is what a search asks for; all of it has to hold.
type filter struct {
	text                               string // as it was typed
	category, source, author, language string // slugs
}

// opmlFile is the list of the sources of the planet, or of a category in its folder.
const (
	opmlFile = "opml.xml"
	opml     = "opml"
)

// wellKnown is where programs look for the list of whom a site reads, without having
// read a page of it (opml.org/blogroll.opml).
const wellKnown = ".well-known/recommendations.opml"

// formats are the feeds of every view, in the order people are offered them.
var formats = [...]string{"atom", "rss", "json"}

// folders are the kinds that have a name below them.
var folders = map[string]kind{
	"category": atCategory, "source": atSource, "author": atAuthor, "language": atLanguage, "entry": atEntry,
}

// lists are the kinds without one.
var lists = map[string]kind{"categories": atCategories, "sources": atSources, "status": atStatus}

// parseRoute reads a path below the planet's base, unescaped.
func parseRoute(path string) (route, bool) {
	switch path {
	case "":
		return route{}, true
	case opmlFile:
		return route{kind: atOPML}, true
	case "search":
		return route{kind: atSearch}, true
	}
	if f, n, ok := feedFile(path); ok {
		return route{feed: f, archive: n}, true
	}
	first, rest, ok := strings.Cut(path, "/")
	if !ok {
		return route{}, false
	}
	if k, ok := lists[first]; ok {
		return route{kind: k}, rest == ""
	}
	if first == "search" {
		f, n, ok := feedFile(rest)
		return route{kind: atSearch, feed: f}, ok && n == 0
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
	if file == opmlFile && k == atCategory {
		return route{kind: k, name: name}.list(), true
	}
	f, n, ok := feedFile(file)
	return route{kind: k, name: name, feed: f, archive: n}, ok && k != atEntry
}

// maxArchive bounds the number of an archive.
const maxArchive = 1 << 30

// feedFile takes "feed.atom" and "archive/7.atom" apart.
func feedFile(name string) (format string, archive int, ok bool) {
	name, format, _ = strings.Cut(name, ".")
	if !slices.Contains(formats[:], format) {
		return "", 0, false
	}
	if name == "feed" {
		return format, 0, true
	}
	number, ok := strings.CutPrefix(name, "archive/")
	archive, err := strconv.Atoi(number)
	if !ok || err != nil || archive < 1 || archive > maxArchive || strconv.Itoa(archive) != number {
		return "", 0, false
	}
	return format, archive, true
}

// maxQuery bounds the query of an address, in bytes.
const maxQuery = 1 << 10

// asked is the route with what the query of its address asks for. What nobody knows is
// ignored (output.md 20); a name that none can have is asked for, and selects nothing.
func (rt route) asked(query string) route {
	if query == "" || len(query) > maxQuery || rt.kind != atSearch && !slices.Contains(formats[:], rt.feed) {
		return rt
	}
	q, _ := url.ParseQuery(query) // what cannot be read is ignored, too
	if rt.feed != "" && rt.archive == 0 {
		rt.excerpts = q.Get("content") == "summary"
		rt.arrival = q.Get("order") == "arrival" && rt.kind != atSearch
	}
	if rt.kind == atSearch {
		rt.filter = filter{strings.Join(strings.Fields(q.Get("q")), " "), q.Get("category"), q.Get("source"), q.Get("author"), strings.ToLower(q.Get("lang"))}
	}
	return rt
}

// options is the part of the address behind the path, "" or with its question mark: the
// same for all that ask for the same.
func (rt route) options() string {
	q := url.Values{}
	for name, value := range map[string]string{
		"q": rt.filter.text, "category": rt.filter.category, "source": rt.filter.source, "author": rt.filter.author, "lang": rt.filter.language,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if rt.excerpts {
		q.Set("content", "summary")
	}
	if rt.arrival {
		q.Set("order", "arrival")
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode() // in the order of the names
}

// folder says where a page's address without its slash leads.
func folder(path string) (route, bool) {
	if path == "/" {
		return route{}, true
	}
	if path == "search/" {
		return route{kind: atSearch}, true
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

// escaped is the path as it stands in a link, with its query.
func (rt route) escaped() string { return rt.path(url.PathEscape) }

func (rt route) path(escape func(string) string) string {
	return rt.dir(escape) + rt.document() + rt.options()
}

// document is the file of a feed in its folder, "" of a page.
func (rt route) document() string {
	switch {
	case rt.feed == "":
		return ""
	case rt.feed == opml:
		return opmlFile
	case rt.archive > 0:
		return fmt.Sprintf("archive/%d.%s", rt.archive, rt.feed)
	}
	return "feed." + rt.feed
}

// of is the archive of a feed with the number, 0 for the feed itself.
func (rt route) of(archive int) route {
	return route{kind: rt.kind, name: rt.name, feed: rt.feed, archive: archive}
}

// hasFeeds says that the page has feeds of its own.
func (rt route) hasFeeds() bool {
	switch rt.kind {
	case atHome, atCategory, atSource, atAuthor, atLanguage, atSearch:
		return rt.feed == ""
	}
	return false
}

// feeds are the feeds of the page in all formats, or with a number the archives.
func (rt route) feeds(archive int) []route {
	list := make([]route, len(formats))
	for i, f := range formats {
		list[i] = rt.page()
		list[i].feed, list[i].archive = f, archive
	}
	return list
}

// list is the list of the sources of a category.
func (rt route) list() route { return route{kind: rt.kind, name: rt.name, feed: opml} }

// page is the page of a feed.
func (rt route) page() route { return route{kind: rt.kind, name: rt.name, filter: rt.filter} }

func (rt route) dir(escape func(string) string) string {
	switch rt.kind {
	case atCategory:
		return "category/" + escape(rt.name) + "/"
	case atSource:
		return "source/" + escape(rt.name) + "/"
	case atAuthor:
		return "author/" + escape(rt.name) + "/"
	case atLanguage:
		return "language/" + escape(rt.name) + "/"
	case atSearch:
		if rt.feed == "" {
			return "search"
		}
		return "search/"
	case atEntry:
		return "entry/" + escape(rt.name) + "/"
	case atCategories:
		return "categories/"
	case atSources:
		return "sources/"
	case atStatus:
		return "status/"
	case atOPML:
		return opmlFile
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
	if rt.feed == opml {
		return feeds.Query{} // whoever is put into a category need not have an entry in it
	}
	q := feeds.Query{Limit: limit, Open: slices.Contains(formats[:], rt.feed) && !rt.arrival && rt.archive == 0, ByArrival: rt.arrival, Archive: rt.archive}
	if rt.archive > 0 {
		q.Limit = 0
	}
	switch rt.kind {
	case atHome:
	case atCategory:
		q.Category = rt.name
	case atSource:
		q.Source = rt.name
	case atAuthor:
		q.Author = rt.name
	case atLanguage:
		q.Language = rt.name
	case atSearch:
		f := rt.filter
		q = feeds.Query{Limit: limit, Text: f.text, Newest: f.text != "" && rt.feed != "", Category: f.category, Source: f.source, Author: f.author, Language: f.language}
	case atEntry:
		return feeds.Query{ID: rt.name, Limit: 1}
	default:
		return feeds.Query{}
	}
	return q
}
