package feeds

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// The document checkers say what is wrong with any Atom, RSS or JSON document,
// by the rules of output.md 3a–3c and what the W3C's validator adds to them, warnings
// too. They share no code with the writers. What it warns of and nobody can help is not
// in them: ids that are not canonical, since an id never changes, and two entries of one
// second.
var checkers = map[string]func([]byte) []string{"atom": checkAtom, "rss": checkRSS, "json": checkJSON}

// writeValid writes f in the format and fails the test for every fault in it.
func writeValid(t testing.TB, format string, f *Feed) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writers[format](&b, f); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	for _, p := range checkers[format](b.Bytes()) {
		t.Errorf("%s: %s", format, p)
	}
	return b.Bytes()
}

// node is an element; names carry their namespace's usual prefix.
type node struct {
	name  string
	attrs map[string]string
	kids  []*node
	text  string
	raw   string // as it is written between the tags
	start int64
}

var prefixes = map[string]string{
	"": "", "http://www.w3.org/2005/Atom": "atom:", "http://purl.org/rss/1.0/modules/content/": "content:",
	"http://purl.org/dc/elements/1.1/": "dc:", "http://search.yahoo.com/mrss/": "media:",
	"http://www.w3.org/XML/1998/namespace": "xml:", "http://purl.org/syndication/history/1.0": "fh:",
	"http://purl.org/atompub/tombstones/1.0": "at:", "http://backend.userland.com/creativeCommonsRssModule": "creativeCommons:",
}

// everywhere are the prefixes that RSS declares always; any other is where it is used.
var everywhere = map[string]bool{"atom": true, "content": true, "dc": true, "media": true}

// parseXML is strict: well-formed, one root, known namespaces, valid characters.
func parseXML(b []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	root := &node{}
	open := []*node{root}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		top := open[len(open)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			p, ok := prefixes[tok.Name.Space]
			if !ok {
				return nil, fmt.Errorf("element %s has the unknown namespace %q", tok.Name.Local, tok.Name.Space)
			}
			n := &node{name: p + tok.Name.Local, attrs: map[string]string{}, start: d.InputOffset()}
			for _, a := range tok.Attr {
				if a.Name.Space != "xmlns" {
					n.attrs[prefixes[a.Name.Space]+a.Name.Local] = a.Value
				} else if rss := n.name == "rss" && everywhere[a.Name.Local]; !rss && !bytes.Contains(b, []byte("<"+a.Name.Local+":")) {
					return nil, fmt.Errorf("the namespace %s is declared and not used", a.Name.Local)
				}
			}
			top.kids = append(top.kids, n)
			open = append(open, n)
		case xml.EndElement:
			top.raw = string(b[top.start:bytes.LastIndex(b[:d.InputOffset()], []byte("</"))])
			open = open[:len(open)-1]
		case xml.CharData:
			top.text += string(tok)
		}
	}
	if len(root.kids) != 1 || !utf8.Valid(b) {
		return nil, fmt.Errorf("%d root elements, or invalid UTF-8", len(root.kids))
	}
	if i := bytes.IndexFunc(b, badCharacter); i >= 0 {
		return nil, fmt.Errorf("a bad character in %q", b[max(0, i-20):min(len(b), i+20)])
	}
	return root.kids[0], nil
}

func (n *node) all(name string) []*node {
	var out []*node
	for _, k := range n.kids {
		if k.name == name {
			out = append(out, k)
		}
	}
	return out
}

// value is the text of the only child of the name, "" if there is none.
func (n *node) value(name string) string {
	if l := n.all(name); len(l) == 1 {
		return strings.TrimSpace(l[0].text)
	}
	return ""
}

// faults collects sentences.
type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// once wants exactly one child of the names, not empty.
func (f *faults) once(where string, n *node, names ...string) {
	for _, name := range names {
		if l := n.all(name); len(l) != 1 || strings.TrimSpace(l[0].text) == "" {
			f.add("%s: %d elements %s, or it is empty", where, len(l), name)
		}
	}
}

// badCharacter is what the W3C's validator calls one: no document has a reason to hold a
// C1 control, or what stands for bytes that were no character.
func badCharacter(r rune) bool { return r >= 0x80 && r < 0xA0 || r == utf8.RuneError }

// date wants the children of the name to be dates that somebody believes.
func (f *faults) date(where string, n *node, name string, parse func(string) (time.Time, error)) time.Time {
	var last time.Time
	for _, k := range n.all(name) {
		t, err := parse(k.text)
		if err != nil || t.Year() < 1990 {
			f.add("%s: %s is no date: %q", where, name, k.text)
		}
		last = t
	}
	return last
}

func parse3339(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) }

// parse822 wants a four-digit year, a zone and the right day of the week.
func parse822(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC1123, s)
	if err == nil && t.Format(time.RFC1123) != s {
		return t, fmt.Errorf("the weekday of %q is wrong", s)
	}
	return t, err
}

// webAddress says that s is an absolute http or https address in the characters of a
// URI, with brackets around an IPv6 address and nowhere else (RFC 3986).
func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && webForm.MatchString(s)
}

var webForm = regexp.MustCompile(`^https?://(?:\[[0-9A-Fa-f:.]+\])?[0-9a-zA-Z;/?:@&=+$._!~*'()%,#-]+$`)

func absoluteURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && u.Scheme != "javascript" && !strings.ContainsAny(s, " \t\n<>\"")
}

// mediaForm is a media type (RFC 2045 §5.1).
var mediaForm = regexp.MustCompile(`^[^\s()<>,;:\\"/\[\]?=@]+/[^\s()<>,;:\\"/\[\]?=@]+$`)

func (f *faults) media(where, what, s string) {
	if !mediaForm.MatchString(s) {
		f.add("%s: %s is no media type: %q", where, what, s)
	}
}

// language wants the form of BCP 47 and a language that is one.
func (f *faults) language(where, s string) {
	if _, err := language.Parse(s); err != nil {
		f.add("%s: %q is no language", where, s)
	}
}

func (f *faults) web(where, what, s string) {
	if !webAddress(s) {
		f.add("%s: %s is no absolute web address: %q", where, what, s)
	}
}

// html wants clean, balanced HTML.
func (f *faults) html(where, s string) {
	if p := unbalanced(s); p != "" {
		f.add("%s: %s", where, p)
	}
	if p := harmful(s); p != "" {
		f.add("%s: %s", where, p)
	}
}
