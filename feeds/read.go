package feeds

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"

	"github.com/mmcdole/gofeed/atom"
	jsonfeed "github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"
)

// Bounds of a document (hostile.md): beyond them gofeed's recursion overflows
// the stack, which no recover catches, or its memory has no end.
const (
	maxDepth      = 256
	maxAttrs      = 256
	maxNamespaces = 512
	maxTokens     = 500_000
	maxComments   = 10_000
)

// Read reads a feed of any format from the bytes of an answer. contentType is
// the HTTP header, which decides the charset and nothing else; base is the
// address that answered. What comes back is as the source wrote it: call
// Normalize before using it.
//
// Errors are ErrNotFeed, ErrHTML, ErrBroken, ErrTooDeep, ErrTooMany and
// ErrReader, wrapped.
func Read(body []byte, contentType, base string) (f *Feed, err error) {
	defer func() {
		if r := recover(); r != nil { // gofeed on {"items":[null]}
			f, err = nil, fmt.Errorf("%w: %v", ErrReader, r)
		}
	}()
	text, label, repaired := decode(body, contentType)
	f, err = read(text)
	if err != nil {
		return nil, err
	}
	f.Encoding, f.Repaired = label, repaired
	f.Self = cmp.Or(f.Self, base)
	identify(f.Entries)
	return f, nil
}

func read(text string) (*Feed, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		j, err := (&jsonfeed.Parser{}).Parse(strings.NewReader(text))
		if err != nil {
			return nil, broken(err)
		}
		if !strings.HasPrefix(j.Version, "https://jsonfeed.org/version/") {
			return nil, fmt.Errorf("%w: the JSON document has no version of JSON Feed", ErrNotFeed)
		}
		f := fromJSON(j)
		f.Hubs = jsonHubs(text)
		return f, nil
	}
	root := rootElement.FindStringSubmatchIndex(text)
	if root == nil {
		if pageStart.MatchString(text[:min(len(text), 4096)]) {
			return nil, ErrHTML
		}
		return nil, ErrNotFeed
	}
	name := strings.ToLower(text[root[2]:root[3]])
	// Whatever stands before the root, a declaration or a warning of PHP, is of no use now.
	text = text[root[0]:]
	lost, err := bounded(text)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, "feed") {
		a, err := (&atom.Parser{}).Parse(strings.NewReader(text))
		if err != nil {
			return nil, broken(err)
		}
		f := fromAtom(a)
		lost.restore(a, f)
		return f, nil
	}
	r, err := (&rss.Parser{}).Parse(strings.NewReader(text))
	if err != nil {
		return nil, broken(err)
	}
	f := fromRSS(r)
	lost.identify(f)
	return f, nil
}

var (
	rootElement = regexp.MustCompile(`<((?i:(?:[a-z0-9_-]+:)?(?:rss|feed|rdf)))[\s>]`)
	pageStart   = regexp.MustCompile(`(?i)<(?:!doctype\s+html|html|head|body)[\s>]`)
)

func broken(err error) error { return fmt.Errorf("%w: %s", ErrBroken, oneLine(err.Error())) }

// bounded counts through a document before anything recursive sees it. A
// document that is not well-formed is bounded up to its fault; the parser stops
// there, too.
func bounded(text string) (lost, error) {
	var lost lost
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	depth, comments := 0, 0
	namespaces := map[xml.Attr]bool{} // distinct ones: a real feed declares the same few on every item
	for tokens := 0; ; tokens++ {
		t, err := d.RawToken()
		if err != nil {
			return lost, nil // the end, or a fault that the parser describes better
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			lost.element(depth, &t)
			for _, a := range t.Attr {
				if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
					namespaces[a] = true
				}
			}
			if len(t.Attr) > maxAttrs || len(namespaces) > maxNamespaces {
				return lost, ErrTooMany
			}
		case xml.EndElement:
			depth--
		case xml.Comment:
			comments++
		}
		if depth > maxDepth {
			return lost, ErrTooDeep
		}
		if tokens > maxTokens || comments > maxComments {
			return lost, ErrTooMany
		}
	}
}

// identify gives every entry without a GUID one: its permalink, or where several
// share that, a hash of what it says (parsing.md 13).
func identify(entries []Entry) {
	links := map[string]int{}
	for i := range entries {
		if entries[i].GUID == "" {
			links[entries[i].Permalink]++
		}
	}
	for i := range entries {
		e := &entries[i]
		if e.GUID != "" {
			continue
		}
		if e.GUID = e.Permalink; e.GUID == "" || links[e.Permalink] > 1 {
			h := sha256.New()
			fmt.Fprintf(h, "%q %q %s", e.Permalink, e.Title, e.Published.UTC())
			if e.Title == "" && e.Published.IsZero() {
				fmt.Fprintf(h, "%q", e.Content+e.Summary)
			}
			for _, x := range e.Enclosures {
				fmt.Fprintf(h, " %q", x.URL)
			}
			e.GUID = "hash:" + hex.EncodeToString(h.Sum(nil)[:16])
		}
	}
}

// unique keeps of several entries with one GUID the newest, in the place of the
// first (RFC 4287 §4.1.1).
func unique(entries []Entry) []Entry {
	at := make(map[string]int, len(entries))
	out := entries[:0]
	for _, e := range entries {
		i, ok := at[e.GUID]
		if !ok {
			at[e.GUID] = len(out)
			out = append(out, e)
		} else if newest(&e).After(newest(&out[i])) {
			out[i] = e
		}
	}
	return out
}

// plainTitle is a title whose type nobody told us: HTML if it looks like it.
func plainTitle(s string) string {
	if looksLikeHTML.MatchString(s) {
		return PlainText(s)
	}
	return oneLine(s)
}

var looksLikeHTML = regexp.MustCompile(`(?i)</?(?:a|abbr|b|br|cite|code|del|em|font|i|img|ins|kbd|mark|p|q|s|small|span|strong|sub|sup|tt|u|wbr|script|style|div)(?:\s[^<>]*)?/?>|&(?:[a-z]{2,8}|#[0-9]{1,7}|#x[0-9a-f]{1,6});`)

// textHTML is plain text as an HTML fragment with its paragraphs kept.
func textHTML(s string) string {
	var b bytes.Buffer
	for p := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			b.WriteString("<p>" + strings.ReplaceAll(escapeHTML(p), "\n", "<br>") + "</p>")
		}
	}
	return b.String()
}
