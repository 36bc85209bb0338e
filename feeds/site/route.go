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
	atMonth                  // the titles of one month
	atEntry                  // one entry
	atWhy                    // how one source is doing, and why
	atMonths                 // the list of months
	atCategories             // the list of categories
	atSources                // the list of sources
	atStatus                 // how the sources are doing
	atAbout                  // what the planet is
	atOPML                   // the sources as OPML
	atSitemap                // the pages, for search engines
)

// A route is one address of the planet.
type route struct {
	kind kind
	name string // slug of a category, source, author or language, ID of an entry
	feed string // "atom", "rss", "json", of a category also "opml"; "" for the page
	// archive is the number of an archive, of a feed or as a numbered page; 0: what is
	// newest.
	archive int
	titles  bool // of a page: without the texts
	month   feeds.Month
	// Of a feed: arrival orders it by when its entries came, excerpts has summaries
	// in place of the texts.
	arrival, excerpts bool
	filter            filter // of a search
}

// opmlFile is the list of the sources of the planet, or of a category in its folder.
const (
	opmlFile    = "opml.xml"
	opml        = "opml"
	sitemapFile = "sitemap.xml"
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
var lists = map[string]kind{
	"categories": atCategories, "sources": atSources, "status": atStatus, "about": atAbout,
}

// parseRoute reads a path below the planet's base, unescaped.
func parseRoute(path string) (route, bool) {
	switch path {
	case opmlFile:
		return route{kind: atOPML}, true
	case sitemapFile:
		return route{kind: atSitemap}, true
	case "search":
		return route{kind: atSearch}, true
	case monthsFolder:
		return route{kind: atMonths}, true
	}
	if rt, ok := (route{}).within(path); ok {
		return rt, true
	}
	first, rest, ok := strings.Cut(path, "/")
	if !ok {
		return route{}, false
	}
	if k, ok := lists[first]; ok {
		return route{kind: k}, rest == ""
	}
	switch first {
	case "archive":
		return monthRoute(rest)
	case "search":
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
	at := route{kind: k, name: name}
	switch {
	case file == "":
		return at, true
	case k == atEntry:
		return route{}, false
	case file == opmlFile && k == atCategory:
		return at.list(), true
	case file == whyFolder && k == atSource:
		return route{kind: atWhy, name: name}, true
	}
	return at.within(file)
}

// Folders within those of the views.
const (
	monthsFolder = "archive/"
	titlesFolder = "titles/"
	pageFolder   = "page/"
	whyFolder    = "why/"
)

// within reads the path of what lies in the folder of a view: "", "titles/", "page/3/",
// "feed.atom", "archive/7.atom".
func (rt route) within(path string) (route, bool) {
	switch path {
	case "":
		return rt, true
	case titlesFolder:
		rt.titles = true
		return rt, true
	}
	if number, ok := strings.CutPrefix(path, pageFolder); ok {
		number, slash := strings.CutSuffix(number, "/")
		rt.archive, ok = archiveNumber(number)
		return rt, ok && slash
	}
	f, n, ok := feedFile(path)
	rt.feed, rt.archive = f, n
	return rt, ok
}

// monthRoute reads "2026/11/".
func monthRoute(path string) (route, bool) {
	year, rest, _ := strings.Cut(path, "/")
	month, slash := strings.CutSuffix(rest, "/")
	m, ok := feeds.ParseMonth(year, month)
	return route{kind: atMonth, month: m}, ok && slash
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
	number, there := strings.CutPrefix(name, "archive/")
	archive, ok = archiveNumber(number)
	return format, archive, there && ok
}

// archiveNumber reads the number of an archive as it is written, in one way only.
func archiveNumber(number string) (int, bool) {
	n, err := strconv.Atoi(number)
	return n, err == nil && n >= 1 && n <= maxArchive && strconv.Itoa(n) == number
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

// document is where a feed, or what is not the first page, lies in the folder of its
// view; "" of the first page.
func (rt route) document() string {
	switch {
	case rt.titles:
		return titlesFolder
	case rt.feed == "" && rt.archive > 0:
		return pageFolder + strconv.Itoa(rt.archive) + "/"
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
func (rt route) hasFeeds() bool { return rt.feed == "" && rt.isView() }

// isView says that what the page or feed shows are entries of a view.
func (rt route) isView() bool {
	switch rt.kind {
	case atHome, atCategory, atSource, atAuthor, atLanguage, atSearch:
		return true
	}
	return false
}

// isHealth says that the page tells how sources are doing, which every visit changes.
func (rt route) isHealth() bool { return rt.kind == atStatus || rt.kind == atWhy }

// changes says that it is the feed of a view as hubs know it: no part of its past, and in
// the usual order with all texts.
func (rt route) changes() bool {
	return rt.feed != "" && rt.feed != opml && rt.archive == 0 && !rt.arrival && !rt.excerpts && rt.numbered()
}

// numbered says that the view has archives, and so numbered pages.
func (rt route) numbered() bool { return rt.isView() && rt.kind != atSearch }

// ends says that the page shows no more than so many, and none follows.
func (rt route) ends() bool { return rt.feed == "" && (rt.kind == atSearch || rt.kind == atMonth) }

// feeds are the feeds of the page in all formats, or with a number the archives.
func (rt route) feeds(archive int) []route {
	list := make([]route, len(formats))
	for i, f := range formats {
		list[i] = rt.page()
		list[i].feed, list[i].archive = f, archive
	}
	return list
}

// Bounds of the pages that show titles only.
const (
	titlesPages = 4    // times as many as are on a page with texts
	maxMonth    = 2000 // entries of a month
)

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
	case atWhy:
		return "source/" + escape(rt.name) + "/" + whyFolder
	case atMonth:
		return monthsFolder + strings.ReplaceAll(rt.month.String(), "-", "/") + "/"
	case atMonths:
		return monthsFolder
	case atAbout:
		return "about/"
	case atSitemap:
		return sitemapFile
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
// The first page and the feeds of a view also have what was dated long ago and came since
// its last archive was closed: with that and all older pages one has read everything.
func (rt route) query(limit int) feeds.Query {
	if rt.feed == opml {
		return feeds.Query{} // whoever is put into a category need not have an entry in it
	}
	if rt.titles {
		limit *= titlesPages
	}
	q := feeds.Query{Limit: limit, Open: (slices.Contains(formats[:], rt.feed) || rt.feed == "" && rt.numbered()) && !rt.arrival && rt.archive == 0, ByArrival: rt.arrival, Archive: rt.archive}
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
	case atMonth:
		return feeds.Query{Month: rt.month, Limit: maxMonth}
	case atWhy:
		return feeds.Query{Source: rt.name}
	default:
		return feeds.Query{}
	}
	return q
}
