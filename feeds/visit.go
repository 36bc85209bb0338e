package feeds

import "time"

// Validators are the ETag and Last-Modified of the answer that was stored, byte
// for byte as received (RFC 9111 §4.3.1), and the address that gave them: they
// mean nothing to any other address.
type Validators struct {
	URL          string
	ETag         string
	LastModified string
	// BodyHash is a hash of the decoded body: an equal body is not read again.
	BodyHash string
	// Listing is a folder's memory of its files, opaque to everybody but the
	// Markdown reader. ETag is its hash.
	Listing []byte
}

// Want says which sources a pass may claim.
type Want struct {
	Now   time.Time     // when the claim is made
	Start time.Time     // a source visited at or after Start had its turn in this pass
	N     int           // at most so many
	Lease time.Duration // how long the claim holds
	Slugs []string      // only these, also those that are gone; empty: every source
	// Called says that no person asks for the Slugs, but somebody who knows of something
	// new there: those that are gone stay so (fetching.md 25).
	Called bool
	// All also takes sources that are not due, though none that was visited less
	// than MinInterval ago, asked to be left alone, or is gone.
	All         bool
	MinInterval time.Duration
	// Remote leaves out folders, which may be on another machine.
	Remote bool
	// PerHost is how many sources of one domain a claim takes at most; 0: no bound. Of
	// the Crowded it takes none: those already wait for their turn.
	PerHost int
	Crowded []string
	// After continues behind the source that was claimed last, in the order of being
	// due, so that a claim need not look at what the ones before it have left; nil:
	// from the longest due.
	After *Source
}

// Due is a claimed source and what the visit needs to know of it.
type Due struct {
	Source     Source
	Validators Validators
	Fence      int64 // a Commit with an old fence is refused: the lease was lost
	// Reread says that an older program read what is stored: the visit asks for the
	// whole document, and what it says is stored again without making a revision of
	// it (fetching.md 9).
	Reread bool
}

// Known is what the store has under a GUID.
type Known struct {
	Hash      string
	Withdrawn bool
	Updated   time.Time
}

// Outcome is how a visit ended.
type Outcome int

// The outcomes, in the order of their good news.
const (
	Unchanged Outcome = iota // 304, an equal body, or nothing new in it
	Changed                  // entries are to be stored
	Failed                   // Err says why; entries and validators stay as they were
	Gone                     // 410: do not come back
)

// Visit is everything one look at a source told us. It is stored whole or not at all.
type Visit struct {
	Due     Due
	At      time.Time // when the visit began
	Next    time.Time // when to come back; zero: never
	Outcome Outcome
	Status  int   // of the HTTP answer, 0 for none
	Err     error // the trouble of a Failed visit
	// RetryAfter is set when the server asked to be left alone until then.
	RetryAfter time.Time
	// Busy is a domain none of whose sources may be asked before BusyUntil: it answered
	// 429 (fetching.md 21).
	Busy      string
	BusyUntil time.Time
	Pace      Pace
	Answer    Answer
	Moving    Move   // where the source says it lives now; empty: where it always did
	Address   string // where it is asked from now on; "": at its own address
	Held      bool
	// Older says that the visit read a document of the source's past: nothing of the
	// source changes but Backfill, and its Problems if there are any.
	Older    bool
	Backfill Backfill
	// More keeps the lease until More, since another Commit of this visit follows;
	// zero: the visit is over.
	More time.Time
	// Rest is how long nobody else, in any process, asks the host once more (fetching.md
	// 35): the lease is kept until then; zero: the host was not asked.
	Rest time.Time
	// Validators to send next time; committed with the entries or not at all.
	Validators Validators
	// Unread says that the end of a document that was to be read again was missing, and may
	// come with the next visit.
	Unread bool
	// Feed is what the source said of itself; nil when it was not read. Its
	// Entries are only those that are new or revised.
	Feed *Feed
	// Listed are the GUIDs of all entries that the source lists now, whether they are
	// news or not; nil when the answer was not all of it.
	Listed []string
	// Withdrawn are the GUIDs of posts that their owner deleted. A remote feed
	// that shrinks withdraws nothing.
	Withdrawn []string
	// Link are the Link headers of the answer; nil when it was not read. They are not
	// stored.
	Link []string
	// Problems are sentences about single posts that could not be read.
	Problems []string
}

// Tally counts what a Commit did.
type Tally struct {
	New, Revised, Duplicate, Withdrawn int
	Held                               int // of the new ones, as a flood
}

// Add adds u to t.
func (t *Tally) Add(u Tally) {
	t.New += u.New
	t.Revised += u.Revised
	t.Duplicate += u.Duplicate
	t.Withdrawn += u.Withdrawn
	t.Held += u.Held
}

// Zero says that nothing was changed.
func (t Tally) Zero() bool { return t == Tally{} }

// Query selects entries, newest first by (Sort, ID). Empty fields select everything.
type Query struct {
	// Text is what people look for, as they type it (ParseSearch): the best come first,
	// and after some thousands none. A Text in which nothing is looked for finds nothing.
	Text     string
	Newest   bool   // of what Text finds, the newest come first instead of the best
	Category string // slug
	Source   string // slug
	Author   string // slug of a list of Rules.Lists, without what stands in front
	Language string // likewise
	ID       string // one entry by its public ID
	Month    Month  // only those that stand in it, by Sort; 0: of any time
	Limit    int    // 0: no limit
	// Open also selects those that came since the last archive was closed, wherever
	// they stand, in place of the oldest others: a draft that was dated long ago and
	// published now reaches readers, and who reads the archives, too, misses nothing
	// (RFC 5005 §4). For a first page only, of all entries or of one list.
	Open bool
	// Archive selects the closed archive of that number, from 1 for the oldest: what
	// is still shown of it (RFC 5005 §4). Of all entries, or of one list. 0: no archive.
	Archive int
	// ByArrival selects and orders those that came last, the newest first, instead of
	// those that were written last.
	ByArrival bool
	// After continues a walk behind the last entry of the page before; nil: from the newest.
	After *Entry
}

// Lists are the slugs of the lists, as Rules.Lists names them, that an entry must stand
// in: its category, author and language.
func (q *Query) Lists() []string {
	var out []string
	for _, l := range [...]struct{ kind, slug string }{{"", q.Category}, {AuthorList, q.Author}, {LanguageList, q.Language}} {
		if l.slug != "" {
			out = append(out, l.kind+l.slug)
		}
	}
	return out
}

// Scope names what all entries of the query are together, if that is one thing: "" for
// the whole planet, "s SLUG" for a source, "c SLUG" for a category or another list. What
// is looked for is not. A part of it, such as a month, goes by its name.
func (q *Query) Scope() (scope string, ok bool) {
	lists := q.Lists()
	switch {
	case q.Text != "":
		return "", false
	case q.Source == "" && len(lists) == 0:
		return "", true
	case q.Source != "" && len(lists) == 0:
		return "s " + q.Source, true
	case q.Source == "" && len(lists) == 1:
		return "c " + lists[0], true
	}
	return "", false
}

// Category is a merged feed of ours with what the store knows about it.
type Category struct {
	CategoryName
	Entries int
	Newest  time.Time // when the newest of its entries was written
	Updated time.Time // the newest change of them all
}
