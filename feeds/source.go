package feeds

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
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
	Retain     Retain
	Every      time.Duration // never visited more often; 0: as the schedule says
	Retired    bool          // no longer configured; its entries stay

	// Address is where the source has moved for good (fetching.md 23); "": it is
	// still at URL, which stays what the configuration calls it.
	Address string
	Moving  Move   // where it says it has moved, until that is believed
	Paused  bool   // by whoever keeps the planet
	SameAs  string // slug of the source that is configured at the address it moved to; never visited
	Pace    Pace
	Answer  Answer
	// Backfill is what is left to read of its past.
	Backfill Backfill

	// What its feed last said of itself; set by the store.
	FeedID    string
	FeedTitle string
	// FeedLanguage is what the feed says; Language may be the configuration's.
	FeedLanguage string
	FeedLink     string
	Icon         string
	Rights       string
	Authors      []Person
	// Newest is when its newest entry was written, and Updated the newest change of all.
	Newest, Updated time.Time

	State   State
	Entries int // copies stored and not withdrawn
}

// Local says that the source is a folder of ours: its owner decides, so its
// copy of a post wins over any other and a deleted file withdraws its entry.
func (s *Source) Local() bool { return strings.HasPrefix(s.URL, "file:") }

// PublicURL is URL without the name and password that may stand in it: what others
// may see. A folder has none.
func (s *Source) PublicURL() string {
	u, err := url.Parse(s.URL)
	switch {
	case s.Local() || err != nil:
		return ""
	case u.User == nil:
		return s.URL
	}
	u.User = nil
	return u.String()
}

// Asked is the address that is asked: where the source has moved to, else its own.
func (s *Source) Asked() string {
	if s.Address != "" {
		return s.Address
	}
	return s.URL
}

// Host is the host that is asked, with its port, in lower case; "" for a folder.
func (s *Source) Host() string { return HostOf(s.Asked()) }

// Domain is who is asked, as turns are taken: see DomainOf; "" for a folder.
func (s *Source) Domain() string { return DomainOf(s.Asked()) }

// DomainOf is whose server an http or https address is, in lower case: the registrable
// domain of its host (fetching.md 35), so that all blogs of one are asked in turn, and
// those of a public suffix, where everybody may have one, each for itself. Where no name
// is registered, as for a bare address or localhost, it is the host with its port.
func DomainOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return DomainOfURL(u)
}

// DomainOfURL is DomainOf of an address that is parsed already.
func DomainOfURL(u *url.URL) string {
	if u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	name := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if _, err := netip.ParseAddr(name); err == nil {
		return strings.ToLower(u.Host)
	}
	if strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 { // one domain has one name
		if ascii, err := idna.Lookup.ToASCII(name); err == nil {
			name = ascii
		}
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil { // a suffix itself, or no name at all
		return strings.ToLower(u.Host)
	}
	return domain
}

// DomainsVersion is another when DomainOf may have become so.
func DomainsVersion() string { return publicsuffix.List.String() }

// HostOf is the host of an http or https address with its port, in lower case.
func HostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return strings.ToLower(u.Host)
}

// Owns says that e, which is the source's, was written there: that it is no copy of
// what another feed has. A planet's entries say where they come from, or link there.
func (s *Source) Owns(e *Entry) bool {
	if o := e.Origin; o != nil && (o.ID != "" || o.Self != "" || o.Link != "") {
		return o.ID != "" && o.ID == s.FeedID || CanonicalURL(o.Self) == CanonicalURL(s.URL) && o.Self != "" || sameSite(o.Link, s.FeedLink)
	}
	return e.Permalink == "" || sameSite(e.Permalink, s.URL) || sameSite(e.Permalink, s.Site) || sameSite(e.Permalink, s.FeedLink)
}

// sameSite says that the hosts of the addresses are one, or one below the other.
func sameSite(a, b string) bool {
	x, y := strings.TrimPrefix(host(a), "www."), strings.TrimPrefix(host(b), "www.")
	return x != "" && y != "" && (x == y || strings.HasSuffix(x, "."+y) || strings.HasSuffix(y, "."+x))
}

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

// Condition is the state of the source in a word, the same wherever people read it:
// retired, paused, gone, held, new, failing, partly (posts were left out), moved or ok;
// for one that has moved to where another is "same as" and that one's slug. What keeps
// it from being visited comes before what its visits told.
func (s *Source) Condition() string {
	switch {
	case s.Retired:
		return "retired"
	case s.Paused:
		return "paused"
	case s.SameAs != "":
		return "same as " + s.SameAs
	case s.State.Gone:
		return "gone"
	case s.State.Held:
		return "held"
	case s.State.LastVisit.IsZero():
		return "new"
	case s.State.Failures > 0:
		return "failing"
	case s.State.LastError != "":
		return "partly"
	case s.Address != "":
		return "moved"
	}
	return "ok"
}

// credentials are name and password in an address, with what is before them.
var credentials = regexp.MustCompile(`(?i)(https?://)[^\s/?#"]*@`)

// wanted is how people are told to write an address with a password: an example is
// nobody's secret.
const wanted = "https://name:password@"

// PublicError is State.LastError as others may see it, like PublicURL: without names
// and passwords in addresses, and without the place of a folder on our disk.
func (s *Source) PublicError() string {
	text := credentials.ReplaceAllStringFunc(s.State.LastError, func(a string) string {
		if a == wanted {
			return a
		}
		return a[:strings.Index(a, "//")+2]
	})
	if !s.Local() {
		return text
	}
	const folder = "the folder"
	places := []string{folder + " " + s.URL, folder, s.URL, folder}
	if u, err := url.Parse(s.URL); err == nil && len(u.Path) > 1 { // all the world knows of /
		places = append(places, folder+" "+u.Path, folder, u.Path, folder)
	}
	return strings.NewReplacer(places...).Replace(text)
}

// Retain says how much of a source's past is kept; 0: all of it.
type Retain struct {
	Days    int // posts that are older leave the planet
	Entries int // only so many, the newest
}

// State is what the last visits told of a source.
type State struct {
	LastVisit   time.Time // zero: never visited
	LastSuccess time.Time
	NextVisit   time.Time
	RetryAfter  time.Time // nobody may ask before, not even --all (fetching.md 20, 21)
	Failures    int       // in a row
	Gone        bool      // the server answered 410: never asked again
	Held        bool      // what it says now looks like somebody else's, and is not taken
	LastError   string    // a sentence for people; "" after a success
	Status      int       // HTTP status of the last answer, 0 for none
	Health      Health    // of the last days
}
