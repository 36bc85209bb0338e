package feeds

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// Bounds of a document (hostile.md); no feed of anybody comes near them.
const (
	maxDepth      = 256
	maxAttrs      = 256
	maxNamespaces = 512
	maxTokens     = 500_000
)

// ReaderVersion changes with every change of Read, Normalize or the Markdown reader
// that makes something else of the same bytes: what an older one read is asked for
// once more (fetching.md 9).
const ReaderVersion = 2

// Read reads a feed of any format from the bytes of an answer. contentType is
// the HTTP header, which decides the charset and nothing else; base is the
// address that answered. What comes back is as the source wrote it: call
// Normalize before using it.
//
// Errors are ErrNotFeed, ErrHTML, ErrBroken, ErrTooDeep, ErrTooMany,
// ErrManyAttributes, ErrManyNamespaces and ErrReader, wrapped.
func Read(body []byte, contentType, base string) (f *Feed, err error) {
	defer func() {
		if r := recover(); r != nil { // a fault of ours costs one source one visit
			f, err = nil, fmt.Errorf("%w: %v", ErrReader, r)
		}
	}()
	text, label, repaired := decode(body, contentType)
	f, err = read(text)
	if err != nil {
		return nil, err
	}
	f.Encoding, f.Repaired = label, append(repaired, f.Repaired...)
	f.Self = cmp.Or(f.Self, base)
	identify(f.Entries)
	return f, nil
}

func read(text string) (*Feed, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return readJSON(text)
	}
	root := findRoot(text)
	if root == nil {
		if pageStart.MatchString(text[:min(len(text), 4096)]) {
			return nil, &pageError{plainTitle(cut(pageTitle(text), MaxTitle))}
		}
		return nil, ErrNotFeed
	}
	space := spaceRSS
	if strings.HasSuffix(strings.ToLower(text[root[2]:root[3]]), "feed") {
		space = spaceAtom
	}
	// Whatever stands before the root, a declaration or a warning of PHP, is of no use now.
	return readXML(text[root[0]:], space)
}

// findRoot is where the root element of a feed begins, as rootElement has it; what a
// comment says about feeds is none (fetching.md 42).
func findRoot(text string) []int {
	for from := 0; ; {
		root := rootElement.FindStringSubmatchIndex(text[from:])
		if root == nil {
			return nil
		}
		for i := range root {
			root[i] += from
		}
		comment := strings.LastIndex(text[from:root[0]], "<!--")
		if comment < 0 {
			return root
		}
		end := strings.Index(text[from+comment:], "-->")
		if end < 0 || from+comment+end < root[0] {
			return root
		}
		from += comment + end
	}
}

var (
	rootElement = regexp.MustCompile(`<((?i:(?:[a-z0-9_-]+:)?(?:rss|feed|rdf)))[\s>]`)
	pageStart   = regexp.MustCompile(`(?i)<(?:!doctype\s+html|html|head|body)[\s>]`)
)

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

// plainTitle is a title whose type nobody told us, as plain text.
func plainTitle(s string) string {
	plain, _ := markedTitle(s)
	return plain
}

// markedTitle is a title whose type nobody told us: HTML if it looks like it
// (parsing.md 14).
func markedTitle(s string) (plain, markup string) {
	const enough = 64 << 10 // bytes; of a longer title the rest is cut off anyway
	if head := cut(s, enough); strings.ContainsAny(head, "<&") && looksLikeHTML.MatchString(head) {
		return PlainText(s), s
	}
	return oneLine(s), ""
}

var looksLikeHTML = regexp.MustCompile(`(?i)</?(?:a|abbr|b|br|cite|code|del|em|font|i|img|ins|kbd|mark|p|q|s|small|span|strong|sub|sup|tt|u|wbr|script|style|div|h[1-6]|center|strike|big)(?:\s[^<>]*)?/?>|<!--|&(?:[a-z][a-z0-9]{1,31}|#[0-9]{1,7}|#x[0-9a-f]{1,6});`)

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
