package feeds

import "time"

// Story is what became of a post: its entry, its copies, and what was told of it.
type Story struct {
	ID        string // of the entry
	Title     string
	Shown     bool
	Hidden    bool      // a person took it off
	Held      time.Time // until when it is held back as one of a flood; zero: it is not
	Merged    string    // ID of the entry that it was found to be the same as; "": none
	FirstSeen time.Time
	Sort      time.Time
	Changed   time.Time
	Copies    []CopyStory // the one that is shown first
	Events    []Event     // what the world was, or is to be, told
}

// CopyStory is what became of a post in one source.
type CopyStory struct {
	Source    string // slug
	GUID      string
	Permalink string
	FirstSeen time.Time
	Published time.Time // as the source says
	Updated   time.Time
	Revision  int
	Withdrawn bool   // its owner took it back
	Purged    bool   // too old to keep
	Reason    string // why it is the same post: person, guid, link, alias, text; "" for the first
	With      string // slug of the source whose copy it was joined to
	// What decides which copy is shown, in this order.
	Rank   int       // 0: of a folder of ours, 1: of its author's own site, 2: of another
	Sort   time.Time // its place in time; the earliest before others
	Length int       // of its text in bytes; twice as long before others
	Secure bool      // its address is https
}

// Live says that the source has the copy, and that we have it, too.
func (c *CopyStory) Live() bool { return !c.Withdrawn && !c.Purged }

// Event is something that the world was told of an entry: new, revised, withdrawn.
type Event struct {
	What string
	At   time.Time
}

// Version is what an entry said until At.
type Version struct {
	N     int
	At    time.Time
	Entry Entry
}

// HeldPosts are posts of a source that are held back as a flood.
type HeldPosts struct {
	Posts int
	Until time.Time // when the last of them is shown
}
