// Package config reads the configuration file. The Config struct is its manual:
// every key, its default, its unit and the reason for it stand there, and the
// file config.Example shows them as a person writes them.
//
// Reading is strict and patient: whatever the file says wrong is a Problem with
// a line, a column and a hint, and all of them are found at once.
package config

import (
	_ "embed" // for Example
	"net/netip"
	"time"
	_ "time/tzdata" // planet.timezone names the same zones on a machine without a zone database
)

// Example is a commented configuration that loads as it stands: the text that
// `orrery init` writes.
//
//go:embed example.yaml
var Example string

// Config is the configuration file. A key that is not marked required is
// optional. In every text ${NAME} is the environment variable NAME, which must
// not be empty, and $$ is a plain dollar. Durations are Go's with d for a day
// of 24 hours (30s, 1h30m, 2d); sizes are bytes or have a unit (5MiB, 500KB).
// Relative paths start at the folder of the file.
type Config struct {
	// Path is the file as it was named to Load.
	Path string `yaml:"-"`
	// Planet says who we are; required for its title and url.
	Planet Planet `yaml:"planet"`
	// Storage is where everything is kept: sqlite: and a file, which is created
	// when missing, or the address of a PostgreSQL database as psql takes it. Default
	// sqlite:orrery.db. After Load the file's path is absolute.
	Storage string `yaml:"storage"`
	// Listen is the host:port of the public site. Default 127.0.0.1:8080, for a
	// web server in front of it; an empty host means every address.
	Listen string `yaml:"listen"`
	// Admin is the host:port of /healthz, /readyz and /metrics, which are not for the
	// public and so never share Listen's. Default 127.0.0.1:8081; "" turns it off.
	Admin string `yaml:"admin"`
	// Schedule says when to look which sources are due: five cron fields or a
	// robfig/cron descriptor. Default "@every 5m". How often one source is
	// visited is decided by fetch.min_interval and fetch.max_interval.
	Schedule string `yaml:"schedule"`
	// Entries is the number of entries in a feed and on a page, 1 to 1000. Default 60.
	Entries int `yaml:"entries"`
	// Fetch is how sources are visited.
	Fetch Fetch `yaml:"fetch"`
	// Sources are where entries come from.
	Sources []Source `yaml:"sources"`
	// Categories are the merged feeds beside the planet's own.
	Categories []Category `yaml:"categories"`
	// TagsAsCategories makes a category of every tag that no category's match
	// takes. Default true.
	TagsAsCategories bool `yaml:"tags_as_categories"`
	// Publish are programs and addresses that are told of every change. Default: none.
	Publish []Publish `yaml:"publish"`
	// XMPP publishes the entries on nodes of a PubSub service (docs/xmpp.md). Default:
	// nothing is published there.
	XMPP XMPP `yaml:"xmpp"`
	// Authors are people who write under several names. Default: none; everybody is
	// called what the source says.
	Authors []Author `yaml:"authors"`
}

// Planet is what the site and its feeds say of themselves.
type Planet struct {
	// Title is the planet's name; required.
	Title string `yaml:"title"`
	// URL is where the world sees the planet: absolute, http or https, without
	// query and fragment; required. Every absolute address and the identity of
	// our feeds are made from it. After Load it ends in a slash.
	URL string `yaml:"url"`
	// Description is a sentence about the planet. Default: none.
	Description string `yaml:"description"`
	// Language of the planet's own words, BCP 47. Default en.
	Language string `yaml:"language"`
	// Timezone, by its IANA name such as Europe/Berlin, of the dates in posts
	// that do not say theirs. Default UTC.
	Timezone *time.Location `yaml:"timezone"`
	// Owner answers for the planet.
	Owner Owner `yaml:"owner"`
	// About is a Markdown file with what the planet says of itself: who runs it, how a
	// blog joins or leaves, the rules. It becomes the page /about/. Default: none. After
	// Load the path is absolute, as those of Theme and of Source.Avatar are.
	About string `yaml:"about"`
	// Theme is a folder whose templates/ and static/ take the place of the built-in ones,
	// file by file (docs/themes.md). Default: none.
	Theme string `yaml:"theme"`
	// Hub is told of every change of a feed, so that readers hear of it in seconds
	// (WebSub): the http(s) address of a hub, or self: the planet's site is the hub of its
	// own feeds. Default: none.
	Hub string `yaml:"hub"`
	// NoIndex asks search engines to leave the planet's pages out. Default false: they
	// name the posts' own addresses as the ones to be found.
	NoIndex bool `yaml:"noindex"`
}

// Owner is the person or body behind the planet, named in feeds and OPML.
type Owner struct {
	// Name for people. Default: the planet's title stands in for it.
	Name string `yaml:"name"`
	// Email is one address, published as it is. Default: none.
	Email string `yaml:"email"`
	// URL of a page about the owner, absolute. Default: none.
	URL string `yaml:"url"`
}

// Fetch bounds what a visit may cost us and the sources (fetching.md).
type Fetch struct {
	// Concurrency is the number of visits at a time, 1 to 1000. Default 32.
	Concurrency int `yaml:"concurrency"`
	// PerHost is the number of visits at a time to one host, which is all that belongs
	// to one registered domain (feeds.DomainOf), 1 to Concurrency.
	// Default 1: hosts with hundreds of feeds throttle whoever asks for them together.
	PerHost int `yaml:"per_host"`
	// PausePerHost is the rest between two visits to one host, at most 1h.
	// Default 1s; 0s for none.
	PausePerHost time.Duration `yaml:"pause_per_host"`
	// Timeout bounds one visit from the first packet to the last, 1ms to 1h. Default 30s.
	// Of it a connection gets 5s, its TLS and the first byte of an answer 10s each.
	Timeout time.Duration `yaml:"timeout"`
	// MaxBody is the size of the largest feed that is read, in bytes after
	// decompression, 1KiB to 1GiB. Default 5MiB.
	MaxBody int64 `yaml:"max_body"`
	// MinInterval is the least time between two visits to a source, 0s to
	// MaxInterval. Default 30m.
	MinInterval time.Duration `yaml:"min_interval"`
	// MaxInterval is the most time that failures, the source's own hints and its own
	// tempo make of that: who writes once a month is asked a few times a day. After
	// twenty failures in a row it is seven times as long. Default 24h.
	MaxInterval time.Duration `yaml:"max_interval"`
	// Contact goes into User-Agent, so that an owner of a source can ask who
	// visits: an http(s) or a mail address in ASCII. Default: planet.url.
	Contact string `yaml:"contact"`
	// Push asks the hubs that feeds name to call when there is something new (WebSub);
	// they call planet.url. Default true; whoever has no hub, or cannot be reached by one,
	// is visited as always.
	Push bool `yaml:"push"`
	// Allow lists the address:port pairs in private networks that may be visited,
	// such as 127.0.0.1:9000. Default: none; everything private is refused,
	// because the addresses in feeds are written by strangers.
	Allow []netip.AddrPort `yaml:"allow"`
}

// Source is where entries come from: it has exactly one of Markdown, Feed and OPML.
type Source struct {
	// Markdown is a folder of posts, subfolders too. After Load it is absolute.
	// It may be missing: that is reported when it is visited.
	Markdown string `yaml:"markdown"`
	// Feed is the http(s) address of a feed.
	Feed string `yaml:"feed"`
	// OPML is a file that lists feeds; its folders become categories. After Load
	// the path is absolute. Load does not read it.
	OPML string `yaml:"opml"`
	// Title for people. Default: the feed's own, or the folder's name. Not with OPML.
	Title string `yaml:"title"`
	// Site is the absolute http(s) address of the source's page; relative links
	// in posts resolve against it. Default: what the feed says; of a folder with a
	// permalink planet.url.
	// Not with OPML.
	Site string `yaml:"site"`
	// Permalink is the pattern of the addresses of a folder's posts, in Hugo's
	// tokens :year :month :day :title :slug :filename :section :sections :lang.
	// Default: Hugo's own, /:sections/:slugorfilename/, if there is a site; else the
	// planet's page of a post is its address. Only with Markdown.
	Permalink string `yaml:"permalink"`
	// Slug stands for the source in our addresses: lower-case letters and digits
	// of any script and hyphens, at most 80 bytes, unique. Default: made from the
	// title, else from the address or the folder's name. Not with OPML.
	Slug string `yaml:"slug"`
	// Language of entries that do not say theirs, BCP 47. Default: the feed's.
	Language string `yaml:"language"`
	// Avatar is a picture of who writes there, a PNG, JPEG, GIF, WebP or SVG file of at
	// most 256 KiB. Default: its initials. Nobody else is asked for one. Not with OPML.
	Avatar string `yaml:"avatar"`
	// Categories, by title, where all its entries go, too. Default: none.
	Categories []string `yaml:"categories"`
	// Keep lets through only the entries that match. Default: all.
	Keep Match `yaml:"keep"`
	// Drop holds back the entries that match, also those that Keep lets through.
	// Default: none.
	Drop Match `yaml:"drop"`
	// Every is the least time between two visits, 0s or more, for a source that
	// should be left alone longer than fetch.min_interval. Default 0s: as that says.
	Every time.Duration `yaml:"every"`
	// Retain is how much of its past is kept. Default: all of it.
	Retain Retain `yaml:"retain"`

	// Line and Column say where the source stands in the file, from 1.
	Line   int `yaml:"-"`
	Column int `yaml:"-"`
}

// Retain bounds the past of a source. What is older, or more, leaves the planet with
// the next visit that reads the source anew, without a word to anybody, and for good:
// its text is forgotten. With both bounds a post stays that is within both.
type Retain struct {
	// Days is how old a post may be, in days of its place in time: the date that it
	// came with, or when it was first seen if that is earlier. 0 to 36500; default 0:
	// any age.
	Days int `yaml:"days"`
	// Entries is how many of its posts are kept, the newest, 0 to 1000000. Default 0:
	// all.
	Entries int `yaml:"entries"`
}

// Category is a merged feed of ours.
type Category struct {
	// Title for people; required. No other category may have the same but for
	// case, spaces, hyphens and diacritics: tags are compared so.
	Title string `yaml:"title"`
	// Slug stands for the category in our addresses, as a source's does, unique
	// among categories. Default: made from the title.
	Slug string `yaml:"slug"`
	// Match says which entries belong to it. Default: only what sources send here
	// by their own categories.
	Match Match `yaml:"match"`
}

// Author is somebody who writes under several names: pages, feeds and exports show
// the one, and what asks for authors finds the others by it. The store keeps what
// the sources said, so that a line taken out undoes what it did.
type Author struct {
	// Name that is shown, however a source spells it in case, spaces, hyphens and
	// diacritics; required. It is nobody else's name or alias.
	Name string `yaml:"name"`
	// Aliases are the other names, compared as tags are; none is anybody else's name
	// or alias. Default: none, for a name that is only to be spelled as it is here.
	Aliases []string `yaml:"aliases"`
}

// Match is a set of conditions; an entry matches when it meets any of them, and
// matches nothing when there are none. All are optional.
type Match struct {
	// Tags of the entry, compared without regard to case, spaces, hyphens and diacritics.
	Tags []string `yaml:"tags"`
	// Words or phrases in the entry's title, summary or content, without regard to case.
	Words []string `yaml:"words"`
	// Sources by their slugs.
	Sources []string `yaml:"sources"`
	// Authors by name, compared as tags are. A name that stands in authors means the
	// aliases there, too.
	Authors []string `yaml:"authors"`
}

// defaults is a configuration before the file was read.
func defaults(path string) *Config {
	return &Config{
		Path:     path,
		Planet:   Planet{Language: "en", Timezone: time.UTC},
		Storage:  "sqlite:orrery.db",
		Listen:   "127.0.0.1:8080",
		Admin:    "127.0.0.1:8081",
		Schedule: "@every 5m",
		Entries:  60,
		Fetch: Fetch{
			Concurrency:  32,
			PerHost:      1,
			PausePerHost: time.Second,
			Timeout:      30 * time.Second,
			MaxBody:      5 << 20,
			MinInterval:  30 * time.Minute,
			MaxInterval:  24 * time.Hour,
			Push:         true,
		},
		TagsAsCategories: true,
	}
}
