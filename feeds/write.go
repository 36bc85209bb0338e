package feeds

import (
	"html"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode"

	gorilla "github.com/gorilla/feeds"
	"golang.org/x/text/encoding/charmap"
)

// The media types of what we write (output.md 15).
const (
	AtomType = "application/atom+xml; charset=utf-8"
	RSSType  = "application/rss+xml; charset=utf-8"
	JSONType = "application/feed+json"
	OPMLType = "text/x-opml; charset=utf-8"
)

// generator is what our feeds name as their maker. It carries no version: a
// new program must not make every reader fetch an unchanged feed again.
const generator = "Orrery"

// The namespaces that are declared only in documents that use them.
const (
	mediaSpace     = "http://search.yahoo.com/mrss/"
	historySpace   = "http://purl.org/syndication/history/1.0"
	tombstoneSpace = "http://purl.org/atompub/tombstones/1.0"
	licenseSpace   = "http://backend.userland.com/creativeCommonsRssModule"
)

// xmlDoc lets gorilla/feeds encode structs of ours: its own write an atom:category
// without a term and know no atom:source (libraries.md 4a).
type xmlDoc struct{ root any }

func (d xmlDoc) FeedXml() any { return d.root }

func writeXML(w io.Writer, root any) error {
	if err := gorilla.WriteXML(xmlDoc{root}, w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// printable is s without what no document of ours may hold: what XML 1.0 §2.2 does not
// allow, and what the W3C's validator calls bad characters, the mark of bytes that were
// none (U+FFFD) and the C1 controls, which are what somebody took for quotes and dashes
// of Windows (output.md 6). Those are written as what was meant (HTML §13.2.5.80).
func printable(s string) string {
	if s = clean(s); isPrintable(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= 0x80 && r < 0xA0 {
			r = charmap.Windows1252.DecodeByte(byte(r))
		}
		if r == unicode.ReplacementChar || r >= 0x80 && r < 0xA0 {
			return -1
		}
		return r
	}, s)
}

// isPrintable is for valid UTF-8, where the C1 controls are C2 80 to C2 9F.
func isPrintable(s string) bool {
	for i := 0; ; i += 2 {
		next := strings.IndexByte(s[i:], 0xC2)
		if next < 0 {
			return !strings.Contains(s, "\uFFFD")
		}
		if i += next; s[i+1] < 0xA0 {
			return false
		}
	}
}

// escapes are what stands for a byte, nothing for most.
type escapes [256]string

var xmlEscapes = &escapes{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\r': "&#xD;"}

// in is s with what stands for its bytes. A strings.Replacer takes twice the memory.
func (by *escapes) in(s string) string {
	first := 0
	for first < len(s) && by[s[first]] == "" {
		first++
	}
	if first == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/8 + 16)
	last := 0
	for i := first; i < len(s); i++ {
		if e := by[s[i]]; e != "" {
			b.WriteString(s[last:i])
			b.WriteString(e)
			last = i + 1
		}
	}
	b.WriteString(s[last:])
	return b.String()
}

// inner is s as the content of an element. encoding/xml would escape quotes and line
// ends, too, which makes a page of HTML a tenth longer and takes it thrice the time.
func inner(s string) string { return xmlEscapes.in(printable(s)) }

var (
	endTag    = regexp.MustCompile(`</\w+>`)
	reference = regexp.MustCompile(`&(#?[\pL\pN_]+)`)
)

// resemblesHTML says that somebody, another reader or the W3C's validator
// (ContainsUndeclaredHTML), could take a plain text for HTML.
func resemblesHTML(s string) bool {
	if !strings.ContainsAny(s, "<&") {
		return false
	}
	if looksLikeHTML.MatchString(s) || endTag.MatchString(s) {
		return true
	}
	for _, m := range reference.FindAllStringSubmatch(s, -1) {
		whole := "&" + m[1] + ";"
		if html.UnescapeString(whole) != whole || strings.ContainsFunc(m[1], func(r rune) bool { return !unicode.IsLetter(r) }) {
			return true
		}
	}
	return false
}

// address is s in the characters of a URI (RFC 3986 §2): the brackets, which browsers
// leave in the paths of addresses, are for hosts alone.
func address(s string) string {
	if s = clean(s); plainWeb(s) {
		return s
	}
	host := 0
	if i := strings.Index(s, "://"); i >= 0 && strings.HasPrefix(s[i:], "://[") {
		host = i + 1 + strings.IndexByte(s[i:], ']')
	}
	fits := func(c byte) bool { return c > ' ' && c < 0x7F && strings.IndexByte("\"<>\\^`{|}[]", c) < 0 }
	return s[:host] + escapeBytes(s[host:], fits)
}

// web is s if it is the address of something on the web, else "".
func web(s string) string {
	if s == "" || plainWeb(s) {
		return s
	}
	return webURL("", s)
}

// fileType is s if it is a media type (RFC 2045 §5.1), else "".
func fileType(s string) string {
	s = clean(s)
	kind, of, ok := strings.Cut(s, "/")
	if !ok || kind == "" || of == "" || strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune("()<>@,;:\\\"[]?=", r)
	}) || strings.Contains(of, "/") {
		return ""
	}
	return s
}

// languageTag is s if it has the form of one (BCP 47), else "".
func languageTag(s string) string {
	if s == "" || len(s) > 35 || !isAlnum(s[0]) || strings.ContainsFunc(s, func(r rune) bool {
		return r > '~' || !isAlnum(byte(r)) && r != '-'
	}) {
		return ""
	}
	return s
}

// beginning is when a document changed of which nobody knows: a date is required (RFC
// 4287 §4.1.1), the clock's would change the bytes, and nobody believes 1970. It is the
// year in our ids.
var beginning = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// atomTime writes t as RFC 3339 in UTC.
func atomTime(t time.Time) string {
	if unsayable(t) {
		t = beginning
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

// unsayable says that t is unknown, or of a year that RFC 3339 and RFC 822 have
// no four digits for.
func unsayable(t time.Time) bool {
	return t.IsZero() || t.UTC().Year() < 1 || t.UTC().Year() > 9999
}

// later repairs an updated before its published, which readers show as nonsense.
func later(updated, published time.Time) time.Time {
	if updated.Before(published) {
		return published
	}
	return updated
}

// complete says that the document may be called complete: nothing of it is elsewhere, or
// nowhere. Who reads it deletes what is not in it (RFC 5005 §2).
func (f *Feed) complete() bool { return f.Complete && !f.Archive && len(f.Dropped) == 0 }

// history are the links to the documents around this one (RFC 5005 §3 and §4); a
// complete one has none (§2).
func (f *Feed) history(typ string) []atomLink {
	if f.complete() {
		return nil
	}
	var links []atomLink
	add := func(rel, to string) {
		if to != "" {
			links = append(links, atomLink{Rel: rel, Type: typ, Href: address(to)})
		}
	}
	add("prev-archive", f.PrevArchive)
	add("next-archive", f.NextArchive)
	add("current", f.Current)
	if f.PrevArchive == "" { // a feed is archived or paged, so that nobody walks it twice
		add("next", f.Next)
	}
	return links
}

// present is an element that says all by being there.
func present(there bool) *struct{} {
	if there {
		return &struct{}{}
	}
	return nil
}

// spaceIf is the name of a namespace that is used, else "".
func spaceIf(used bool, name string) string {
	if used {
		return name
	}
	return ""
}
