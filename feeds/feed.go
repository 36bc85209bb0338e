// Package feeds is the waist of the program: the types every other package
// speaks in, and the codecs between them and the world's formats.
//
// It describes and converts. It never opens a connection or a file, keeps no
// database, asks no clock and writes no log, so that everything here is a
// function of its arguments and a test is a table.
//
// # The words
//
//   - A source is where entries come from: a remote feed or a Markdown folder.
//   - A feed is a document, coming in or going out.
//   - An entry is one post, whatever format it came in; a post is only a local
//     Markdown file.
//   - A tag is a label the entry came with; a category is one of our merged
//     feeds, filled by rules over tags, words, authors and sources.
//   - A GUID is the identity an entry has for its source; a Key is our identity
//     of the post across sources; a permalink is its absolute address.
//   - Validators are the ETag and Last-Modified of an answer, byte for byte.
//   - A visit is one look at a source with all its consequences.
//   - A revision is a known GUID with a new Hash; a duplicate is a known Key
//     from another source.
package feeds

import "time"

// Feed is a document: what Read returns and what the Write functions take.
type Feed struct {
	Format   string // "atom 1.0", "rss 2.0", "json 1.1", "markdown"; only of a feed that was read
	Encoding string // charset label of the bytes before decoding, lower case
	Repaired []string

	ID       string // atom:id; may be empty for the other formats
	Title    string // plain text
	Subtitle string // plain text
	Link     string // the page the feed belongs to, absolute
	Self     string // the feed's own address, absolute
	Icon     string // absolute address of a small picture
	Language string // BCP 47, may be empty
	Rights   string // plain text
	Hubs     []string
	Links    []Link // further addresses: license, next-archive, other alternates
	Authors  []Person
	// Updated is the last significant change. When writing it is the newest
	// entry's, never the clock's: the same entries give the same bytes.
	Updated time.Time
	// TTL is how long the feed asks to be left alone (RSS ttl); 0: not said.
	TTL time.Duration
	// SkipHours (0 to 23, GMT) and SkipDays are when the feed asks not to be
	// visited (RSS 2.0).
	SkipHours []int
	SkipDays  []time.Weekday
	// UpdatePeriod is how often the feed says it changes (sy:*); 0: not said.
	UpdatePeriod time.Duration
	updates      int       // sy:updateFrequency, if it came first
	UpdateBase   time.Time // when it changed once, and every UpdatePeriod before and after; zero: not said
	// Truncated says that the end of the document is missing: its whole entries
	// count, but it is no answer to ask for changes to (fetching.md 5).
	Truncated bool
	// Complete says that the document has all there is, so that what is missing
	// was removed (RFC 5005 §2).
	Complete bool
	// PrevArchive and Next lead to older entries (RFC 5005 §4, JSON Feed next_url).
	PrevArchive, Next string
	// Archive says that the document is a part of the feed's past (RFC 5005 §4), of which
	// NextArchive is the part that came after it, "" for none, and Current the feed
	// itself.
	Archive              bool
	NextArchive, Current string
	Entries              []Entry
	// Deleted are entries that were taken back (RFC 6721). Only of what is written.
	Deleted []Tombstone
	// Dropped are sentences about entries that Compose and Bury left out, since no
	// document can say them. Only of what is written.
	Dropped []string
}

// Tombstone says that an entry is no longer there (RFC 6721).
type Tombstone struct {
	ID   string    // of the entry, as Entry.ID
	GUID string    // as Entry.GUID; what Compose makes of both is the atom:id that it had
	At   time.Time // when it was taken back
}

// Person is an author. A person has at least one of Name and URL.
type Person struct {
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
	URL   string `json:"url,omitempty"`
}
