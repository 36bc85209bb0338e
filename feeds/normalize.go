package feeds

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// Bounds of what is kept of a feed.
const (
	maxEntries    = 2000
	maxPeople     = 50
	maxTags       = 100
	maxTag        = 200
	maxEnclosures = 50
	maxLinks      = 50
	maxBase       = 1024 // bytes of an address that others are resolved against: it becomes part of each
)

// Normalize makes a feed that was read tidy and safe: addresses absolute, HTML
// sanitized, texts plain and on one line, languages canonical, dates that nobody
// can believe removed, everything bounded. base is the address that answered.
// It is idempotent, but for HTML that is longer than 256 KB when clean.
func Normalize(f *Feed, base string) {
	f.ID = guid(f.ID)
	f.Title, f.Subtitle, f.Rights = line(f.Title), line(f.Subtitle), line(f.Rights)
	f.Self = webURL(base, f.Self)
	if base = webURL("", base); base == "" { // a file: the document itself may know where it belongs
		base = f.Self
	}
	f.Link = webURL(base, f.Link)
	f.Icon = webURL(cmp.Or(f.Link, base), f.Icon)
	for _, to := range []*string{&f.PrevArchive, &f.Next, &f.NextArchive, &f.Current} {
		*to = webURL(base, *to)
	}
	f.Language = Language(f.Language)
	f.Authors = people(f.Authors, cmp.Or(f.Link, base))
	f.Updated = believable(f.Updated)
	var hubs []string
	for _, h := range f.Hubs[:min(len(f.Hubs), maxLinks)] {
		if h = webURL(base, h); h != "" && len(hubs) < 10 {
			hubs = append(hubs, h)
		}
	}
	f.Hubs = hubs
	f.Links = furtherLinks(f.Links, cmp.Or(f.Link, base), f.Link)
	if len(f.Entries) > maxEntries {
		f.Entries = f.Entries[:maxEntries]
		f.Repaired = append(f.Repaired, "only the first 2,000 entries were read")
	}
	site := cmp.Or(f.Link, base)
	if f.atom() && host(site) == host(base) {
		site = base
	}
	for i := range f.Entries {
		f.Entries[i].normalize(f, site, base)
	}
	distinguish(f)
	f.Entries = unique(f.Entries)
}

// atom says that the feed is one of Atom, where a relative address has one meaning
// only, which has nothing to do with the site or the entry (RFC 4287 §2, RFC 3986
// §5.1). But a feed that comes from another host than the site, from a counter or a
// mirror, is no base for addresses that its writer never meant to be there.
func (f *Feed) atom() bool { return strings.HasPrefix(f.Format, "atom") }

// normalize tidies an entry; base is what its address resolves against, document
// what its xml:base does.
func (e *Entry) normalize(f *Feed, base, document string) {
	e.GUID = guid(e.GUID)
	e.Permalink = withoutTracking(webURL(base, decodedAmps(e.Permalink)))
	if f.atom() || strings.HasPrefix(f.Format, "json") { // RSS has isPermaLink to say so
		e.named(f, document)
	}
	e.Title = line(e.Title)
	e.TitleHTML = titleHTML(e.TitleHTML, e.Title)
	var aliases []string
	for _, a := range e.Aliases[:min(len(e.Aliases), maxTags)] {
		if a = webURL(cmp.Or(e.Permalink, base), a); a != "" {
			aliases = append(aliases, a)
		}
	}
	e.Aliases = aliases
	links := cmp.Or(e.Permalink, base) // parsing.md 18
	e.Content, e.Summary = paragraphs(e.Content), paragraphs(e.Summary)
	e.Content = Sanitize(e.Content, cmp.Or(webURL(document, e.contentBase), links))
	e.Summary = Sanitize(e.Summary, cmp.Or(webURL(document, e.summaryBase), links))
	e.contentBase, e.summaryBase = "", ""
	if e.Content == "" || e.Content == e.Summary { // many feeds say the same twice
		e.Content, e.Summary, e.SummaryMade = e.Summary, "", false
	}
	if e.Summary == "" {
		e.Summary = Sanitize(paragraphs(summarize(e.Content, maxSummary)), "")
		e.SummaryMade = e.Summary != ""
	}
	files := links
	if f.atom() {
		files = base
	}
	e.Authors, e.Contributors = people(e.Authors, files), people(e.Contributors, files)
	e.Image = webURL(files, e.Image)
	e.Links = furtherLinks(e.Links, files, e.Permalink)
	e.Language = cmp.Or(Language(e.Language), f.Language)
	e.Published, e.Updated = believable(e.Published), believable(e.Updated)
	e.Tags = tags(e.Tags)
	e.Enclosures = enclosures(e.Enclosures, files)
	if o := e.Origin; o != nil {
		e.Origin = &Origin{
			ID: guid(o.ID), Title: line(o.Title), Subtitle: line(o.Subtitle), Link: webURL(base, o.Link), Self: webURL(base, o.Self),
			Icon: webURL(base, o.Icon), Rights: line(o.Rights), Updated: believable(o.Updated), Authors: people(o.Authors, base),
		}
	}
}

// blocks are the beginnings of the tags that divide a text.
var blocks = regexp.MustCompile(`(?i)<(?:p|br|div|ul|ol|li|dl|table|h[1-6r]|pre|blockquote|section|article|figure)[\s/>]`)

// paragraphs gives text that was meant as plain, since it has empty lines and no
// element that divides it, the paragraphs that a page would lose.
func paragraphs(s string) string {
	if !strings.Contains(s, "\n\n") && !strings.Contains(s, "\n\r\n") || blocks.MatchString(s) {
		return s
	}
	var b strings.Builder
	n := 0
	for p := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			b.WriteString("<p>" + p + "</p>")
			n++
		}
	}
	if n < 2 {
		return s
	}
	return b.String()
}

// decodedAmps undoes an escape too many: no address means &amp;, and one with &#038;
// would lose everything behind it.
func decodedAmps(address string) string {
	const times = 3
	for range times {
		if len(address) > 2*MaxURL || !strings.Contains(address, "&") {
			break
		}
		address = amps.Replace(address)
	}
	return address
}

var amps = strings.NewReplacer("&amp;", "&", "&#038;", "&", "&#38;", "&", "&#x26;", "&")

func enclosures(list []Enclosure, base string) []Enclosure {
	var out []Enclosure
	for _, x := range list[:min(len(list), 2*maxEnclosures)] {
		if x.URL = webURL(base, decodedAmps(x.URL)); x.URL != "" && len(out) < maxEnclosures {
			out = append(out, Enclosure{URL: x.URL, Type: mediaType(x.Type), Length: max(x.Length, 0)})
		}
	}
	return out
}

func line(s string) string { return short(s, MaxTitle) }

// short is s on one line of at most n bytes, in which no change of direction is left
// open that would turn round what follows it on a page (UAX #9).
func short(s string, n int) string {
	s = strings.TrimSpace(cut(oneLine(s), n))
	if !strings.ContainsAny(s, "\u202A\u202B\u202D\u202E\u2066\u2067\u2068") {
		return s
	}
	var open []rune // the sign that closes each
	for _, r := range s {
		switch r {
		case '\u202A', '\u202B', '\u202D', '\u202E':
			open = append(open, '\u202C')
		case '\u2066', '\u2067', '\u2068':
			open = append(open, '\u2069')
		case '\u202C', '\u2069':
			if k := len(open) - 1; k >= 0 && open[k] == r {
				open = open[:k]
			}
		}
	}
	for k := len(open) - 1; k >= 0; k-- {
		s += string(open[k])
	}
	return s
}

// guid bounds an identity without making two different ones equal.
func guid(s string) string {
	s = strings.TrimSpace(clean(s))
	if hostile(s) {
		sum := sha256.Sum256([]byte(s))
		return "hash:" + hex.EncodeToString(sum[:16])
	}
	if len(s) <= MaxGUID {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return cut(s, MaxGUID-2*len(sum)) + hex.EncodeToString(sum[:])
}

// firstYear is the first one that anybody wrote a feed in (parsing.md 24).
const firstYear = 1990

// believable is t in UTC to the microsecond, which is what the store keeps, or
// zero for a year before 1990 or beyond 9999 (parsing.md 24).
func believable(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Microsecond)
	if t.Year() < firstYear || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// Language is s as a canonical BCP 47 tag, "" if it is none.
func Language(s string) string {
	const longest = 35 // and some white space
	if len(s) > 2*longest {
		return ""
	}
	s = strings.ReplaceAll(strings.TrimSpace(s), "_", "-")
	if s == "" || len(s) > longest {
		return ""
	}
	t, err := language.Parse(s)
	if err != nil || t == language.Und {
		return ""
	}
	return t.String()
}

func people(list []Person, base string) []Person {
	var out []Person
	for _, p := range list[:min(len(list), 2*maxPeople)] {
		p = Person{Name: line(p.Name), Email: short(p.Email, maxTag), URL: webURL(base, p.URL)}
		if isMail(p.Name) {
			p.Name, p.Email = "", cmp.Or(p.Email, strings.TrimPrefix(p.Name, "mailto:"))
		}
		if p.Name == "" && p.URL == "" {
			// A mail address alone still names somebody: by what stands before the @.
			p.Name, _, _ = strings.Cut(p.Email, "@")
		}
		known := slices.ContainsFunc(out, func(o Person) bool { return o.Name == p.Name && (p.URL == "" || o.URL == p.URL) })
		if !known && (p.Name != "" || p.URL != "") {
			out = append(out, p)
		}
		if len(out) == maxPeople {
			break
		}
	}
	return out
}

// hostileScheme is dropped from every field when it is read (hostile.md).
var hostileScheme = regexp.MustCompile(`(?i)^(?:javascript|vbscript|data):`)

// hostile says that a browser would take s for an address that does something:
// what it passes over in a scheme is passed over here.
func hostile(s string) bool {
	return hostileScheme.MatchString(strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7F {
			return -1
		}
		return r
	}, s[:min(len(s), 64)]))
}

func tags(list []Tag) []Tag {
	var out []Tag
	seen := map[string]bool{}
	for _, t := range list {
		t = Tag{short(t.Term, maxTag), short(t.Scheme, MaxURL), short(t.Label, maxTag)}
		t.Term = cmp.Or(t.Term, t.Label)
		if hostile(t.Scheme) {
			t.Scheme = ""
		}
		if k := t.Scheme + " " + FoldTag(t.Term); t.Term != "" && !seen[k] && len(out) < maxTags {
			seen[k] = true
			out = append(out, t)
		}
	}
	return out
}

// furtherLinks are the links that lead somewhere, each once; an alternate that is
// the page itself says nothing more.
func furtherLinks(list []Link, base, page string) []Link {
	var out []Link
	for _, l := range list[:min(len(list), 2*maxLinks)] {
		l = Link{
			Rel: short(strings.ToLower(l.Rel), maxTag), URL: webURL(base, l.URL), Type: mediaType(l.Type),
			Language: Language(l.Language), Title: short(l.Title, maxTag),
		}
		if l.URL == "" || l.Rel == "" || l.Rel == "alternate" && l.URL == page || len(out) == maxLinks {
			continue
		}
		if !slices.ContainsFunc(out, func(o Link) bool { return o.Rel == l.Rel && o.URL == l.URL }) {
			out = append(out, l)
		}
	}
	return out
}

func mediaType(s string) string {
	s, _, _ = strings.Cut(strings.ToLower(oneLine(s)), ";")
	if s = strings.TrimSpace(s); len(s) > 100 || strings.Count(s, "/") != 1 || strings.ContainsAny(s, " <>\"") {
		return ""
	}
	return s
}
