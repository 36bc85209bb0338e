package feeds

import (
	"strings"
	"time"
)

// Entry is one post. Read and the Markdown reader fill the first half, Normalize
// makes it safe, the store sets the second half.
type Entry struct {
	// GUID is what the source calls the post, compared byte for byte
	// (RFC 4287 §4.2.6), at most MaxGUID bytes.
	GUID string `json:"guid"`
	// GUIDGlobal says that GUID means the same post wherever it appears: an
	// atom:id, or a GUID that is an absolute URI (parsing.md 12).
	GUIDGlobal bool   `json:"guid_global,omitempty"`
	Permalink  string `json:"permalink"`
	// Aliases are further addresses of the same post.
	Aliases []string `json:"aliases,omitempty"`
	Title   string   `json:"title"` // plain text, one line
	// TitleHTML is the title with the emphasis, code and indices it came with; after
	// Normalize it is sanitized, and empty where it says no more than Title.
	TitleHTML string `json:"title_html,omitempty"`
	// Summary and Content are HTML; after Normalize they are sanitized, balanced
	// and hold absolute addresses only.
	Summary string `json:"summary,omitempty"`
	Content string `json:"content,omitempty"`
	// SummaryMade says that the source gave no Summary for a long Content, and that
	// Normalize made one of its beginning.
	SummaryMade bool `json:"summary_made,omitempty"`
	// The addresses that relative links in Summary and Content resolve against,
	// where the source said so (XML Base); only between Read and Normalize.
	summaryBase, contentBase string

	Authors      []Person    `json:"authors,omitempty"`
	Contributors []Person    `json:"contributors,omitempty"`
	Tags         []Tag       `json:"tags,omitempty"`
	Enclosures   []Enclosure `json:"enclosures,omitempty"`
	// Links are the further addresses it came with and what they are to it: via,
	// related, replies, license, other alternates.
	Links    []Link `json:"links,omitempty"`
	Image    string `json:"image,omitempty"`    // absolute address of a picture that stands for the post
	Language string `json:"language,omitempty"` // BCP 47
	// Published and Updated are what the source said, UTC; zero: it did not say,
	// or said something nobody can believe (before 1990, parsing.md 24).
	Published time.Time `json:"published,omitzero"`
	Updated   time.Time `json:"updated,omitzero"`
	// Unzoned says that a date came without a zone that means anything, and was taken
	// for UTC: it may be off by 14 hours (parsing.md 23).
	Unzoned bool `json:"unzoned,omitempty"`
	// Origin is the atom:source or RSS source the entry came with, for a planet of planets.
	Origin *Origin `json:"origin,omitempty"`
	// Group ties the translations of one post together; empty: none.
	Group string `json:"group,omitempty"`

	// Categories is decided by Rules when the entry is read.
	Categories []CategoryName `json:"-"`

	// What the store adds.
	ID        string    `json:"-"` // short, stable, survives a wiped database: see PublicID
	FirstSeen time.Time `json:"-"`
	// Sort is min(published, first seen), fixed at first sight (parsing.md 25):
	// a source that dates everything anew moves nothing.
	Sort    time.Time `json:"-"`
	Changed time.Time `json:"-"` // Updated if the source says so, else when the text last changed, else Sort
	// HeldUntil is until when the store keeps a new entry back, as one of a flood;
	// zero: it is shown.
	HeldUntil time.Time `json:"-"`
	Revision  int       `json:"-"` // 0 for the text as first seen
	Source    *Source   `json:"-"` // where the primary copy came from
	Also      []Source  `json:"-"` // the other sources that have the post
	AlsoAt    []Link    `json:"-"` // and their addresses of it, where they have others: via
}

// blank says that there is nothing to show of the entry, nor to know it by.
func (e *Entry) blank() bool {
	return e.GUID == "" && e.Permalink == "" && e.Title == "" && strings.TrimSpace(e.Content+e.Summary) == "" &&
		e.Image == "" && len(e.Enclosures) == 0
}

// Tag is a label as it came. Two tags are the same when FoldTag of their terms is.
type Tag struct {
	Term   string `json:"term"`
	Scheme string `json:"scheme,omitempty"`
	Label  string `json:"label,omitempty"`
}

// Enclosure is an attached file. Length is in bytes, 0 when unknown.
type Enclosure struct {
	URL    string `json:"url"`
	Type   string `json:"type,omitempty"`
	Length int64  `json:"length,omitempty"`
}

// Link is an address and what it is to the post or feed it came with: Rel is a name
// of the IANA registry or a URI, in lower case (RFC 4287 §4.2.7.2).
type Link struct {
	Rel      string `json:"rel"`
	URL      string `json:"url"`
	Type     string `json:"type,omitempty"`
	Language string `json:"language,omitempty"` // BCP 47, of what is there
	Title    string `json:"title,omitempty"`
}

// Origin is the feed an entry was first published in (RFC 4287 §4.2.11).
type Origin struct {
	ID       string    `json:"id,omitempty"`
	Title    string    `json:"title,omitempty"`
	Subtitle string    `json:"subtitle,omitempty"`
	Link     string    `json:"link,omitempty"` // its page
	Self     string    `json:"self,omitempty"` // its feed
	Icon     string    `json:"icon,omitempty"`
	Rights   string    `json:"rights,omitempty"`
	Updated  time.Time `json:"updated,omitzero"`
	Authors  []Person  `json:"authors,omitempty"`
}

// CategoryName names a category: Title for people, Slug for addresses.
type CategoryName struct {
	Slug  string `json:"slug"`
	Title string `json:"title"`
}
