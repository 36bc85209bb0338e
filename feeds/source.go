package feeds

import (
	"strings"
	"time"
)

// Source is where entries come from.
type Source struct {
	ID   int64  // the store's; 0 before it is stored
	Slug string // in addresses, unique
	// URL is the feed's address (https:, http:), or file: and an absolute path
	// for a Markdown folder.
	URL   string
	Title string // of the configuration, else of the feed
	Site  string // the page the source belongs to; relative links of posts resolve against it
	// Language of entries that do not say theirs, BCP 47.
	Language   string
	Permalink  string         // pattern of a folder's addresses, Hugo's tokens
	Categories []CategoryName // where all its entries go, too
	Keep, Drop Match          // only entries that match Keep (if not empty) and not Drop
	Every      time.Duration  // never visited more often; 0: as the schedule says
	Retired    bool           // no longer configured; its entries stay

	// What its feed last said of itself; set by the store.
	FeedID    string
	FeedTitle string
	FeedLink  string
	Icon      string
	Rights    string
	Authors   []Person
	// Updated is the newest change of its entries.
	Updated time.Time

	State   State
	Entries int // copies stored and not withdrawn
}

// Local says that the source is a folder of ours: its owner decides, so its
// copy of a post wins over any other and a deleted file withdraws its entry.
func (s *Source) Local() bool { return strings.HasPrefix(s.URL, "file:") }

// Name is what people call the source.
func (s *Source) Name() string {
	for _, n := range []string{s.Title, s.FeedTitle, s.Slug} {
		if n != "" {
			return n
		}
	}
	return s.URL
}

// Home is the page of the source: configured, or named by its feed.
func (s *Source) Home() string {
	if s.Site != "" {
		return s.Site
	}
	return s.FeedLink
}

// State is what the last visits told of a source.
type State struct {
	LastVisit   time.Time // zero: never visited
	LastSuccess time.Time
	NextVisit   time.Time
	RetryAfter  time.Time // nobody may ask before, not even --all (fetching.md 20, 21)
	Failures    int       // in a row
	Gone        bool      // the server answered 410: never asked again
	LastError   string    // a sentence for people; "" after a success
	Status      int       // HTTP status of the last answer, 0 for none
}
