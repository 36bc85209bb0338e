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
}

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
