// Package fetch looks at one source: a remote feed by one polite conditional
// GET, or a folder of Markdown posts by a stat a file. It is the only package
// that opens connections to addresses that strangers wrote.
package fetch

import (
	"context"
	"time"

	"orrery/feeds"
)

// Func looks at a source once. v is what the last stored look left behind. With
// an error the Response still says what is known: the status, RetryAfter.
type Func func(ctx context.Context, s feeds.Source, v feeds.Validators) (Response, error)

// Response is what a source answered: a document to read, a feed already read
// (a folder), or nothing new.
type Response struct {
	Status  int    // HTTP status; 0 for a folder
	URL     string // the address that answered, after redirects
	MovedTo string // where every hop said the source has moved for good; else ""
	Looked  bool   // the source's site was asked where the feed is now; set by who did
	// Busy is a host that said 429 on the way, until BusyUntil; set by who looked further.
	Busy        string
	BusyUntil   time.Time
	FoundAt     string   // where the source's site says that the feed is now; set by who looked there
	Link        []string // the Link headers
	NotModified bool
	Body        []byte // decoded from its transfer; the document, whole
	ContentType string
	// Feed is set instead of Body by a folder: its Entries are only those of
	// the files that had to be read.
	Feed      *feeds.Feed
	Withdrawn []string // GUIDs of a folder's deleted, expired or redrafted posts
	Problems  []string // sentences about files that could not be read
	// Validators are to be committed together with the entries.
	Validators feeds.Validators
	RetryAfter time.Time     // zero: the server did not ask for time
	MaxAge     time.Duration // freshness the server promised (RFC 9111 §4.2); 0: none
	AgeKept    bool          // a 304 that says nothing of freshness: what was promised before holds (RFC 9111 §3.2)
	Answer     feeds.Answer  // what of it people may want to see
}
