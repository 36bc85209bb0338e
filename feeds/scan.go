package feeds

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// token is what the scanner found: markup of a document that its writer meant as
// XML.
type token byte

const (
	tokenEnd   token = iota // of the document
	tokenText               // text holds it, still escaped
	tokenCDATA              // text holds it
	tokenOpen               // name, attrs, empty
	tokenClose              // name
)

// xmlAttr is a name as it was written and its value, still escaped.
type xmlAttr struct{ name, value string }

// scanner reads markup from a string in one linear pass. It never fails: what is
// no markup is text, as a person would read it (a bare & or <), and the end of
// the document ends everything. It does not recurse and copies nothing.
//
// It counts what hostile.md bounds; over a bound the document ends and err says
// which.
type scanner struct {
	s   string
	pos int

	text  string
	name  string
	attrs []xmlAttr // of the open tag; reused by the next
	empty bool      // <name/>

	depth, tokens int
	namespaces    map[string]bool
	noSubset      bool // no ]> is left
	err           error
}

// next moves to the next token; comments and instructions are passed over.
func (x *scanner) next() token {
	for x.pos < len(x.s) {
		if x.tokens++; x.tokens > maxTokens {
			return x.stop(ErrTooMany)
		}
		if x.s[x.pos] != '<' {
			return x.chars()
		}
		rest := x.s[x.pos:]
		if len(rest) < 2 {
			break
		}
		switch c := rest[1]; {
		case isNameStart(c):
			return x.openTag()
		case c == '/' && len(rest) > 2 && isNameStart(rest[2]):
			return x.closeTag()
		case c == '!':
			if t := x.declaration(rest); t != tokenText {
				return t
			}
		case c == '?':
			x.skipTo("?>")
		default: // a < b
			return x.chars()
		}
		if x.err != nil {
			return tokenEnd
		}
	}
	x.pos = len(x.s)
	return tokenEnd
}

func (x *scanner) stop(err error) token {
	x.err, x.pos = err, len(x.s)
	return tokenEnd
}

// chars takes text up to the next markup. It always takes one byte at least.
func (x *scanner) chars() token {
	start := x.pos
	for {
		i := strings.IndexByte(x.s[x.pos+1:], '<')
		if i < 0 {
			x.pos = len(x.s)
			break
		}
		x.pos += 1 + i
		if x.pos+1 < len(x.s) && isMarkup(x.s[x.pos+1]) {
			break
		}
	}
	x.text = x.s[start:x.pos]
	return tokenText
}

func isNameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == ':' || c >= utf8.RuneSelf
}

func isMarkup(c byte) bool { return isNameStart(c) || c == '/' || c == '!' || c == '?' }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// declaration passes over a comment or a document type, or takes a CDATA section.
// tokenText means that there is nothing to return.
func (x *scanner) declaration(rest string) token {
	switch {
	case strings.HasPrefix(rest, "<![CDATA["):
		body := rest[len("<![CDATA["):]
		end := strings.Index(body, "]]>")
		if end < 0 { // truncated: what is there still counts
			x.text, x.pos = body, len(x.s)
			return tokenCDATA
		}
		x.text = body[:end]
		x.pos += len("<![CDATA[") + end + len("]]>")
		return tokenCDATA
	case strings.HasPrefix(rest, "<!--"):
		x.pos += len("<!--")
		x.skipTo("-->")
	default:
		x.doctype(rest)
	}
	return tokenText
}

// skipTo passes over everything up to and with the mark, to the end without one.
func (x *scanner) skipTo(mark string) {
	if i := strings.Index(x.s[x.pos:], mark); i >= 0 {
		x.pos += i + len(mark)
		return
	}
	x.pos = len(x.s)
}

// doctype passes over <!DOCTYPE …> with the subset in brackets. Its entities are
// not read: nothing is ever expanded.
func (x *scanner) doctype(rest string) {
	end := strings.IndexByte(rest, '>')
	if end < 0 {
		x.pos = len(x.s)
		return
	}
	if strings.IndexByte(rest[:end], '[') >= 0 && !x.noSubset {
		i := strings.Index(rest, "]>")
		if x.noSubset = i < 0; !x.noSubset { // not there once is not there again
			end = i + 1
		}
	}
	x.pos += end + 1
}

func (x *scanner) openTag() token {
	if x.depth++; x.depth > maxDepth {
		return x.stop(ErrTooDeep)
	}
	x.pos++
	x.name = x.takeName()
	x.attrs, x.empty = x.attrs[:0], false
	for {
		x.skipSpace()
		if x.pos >= len(x.s) {
			return tokenOpen
		}
		switch c := x.s[x.pos]; {
		case c == '>':
			x.pos++
			return tokenOpen
		case c == '/' && x.pos+1 < len(x.s) && x.s[x.pos+1] == '>':
			x.pos += 2
			x.empty = true
			x.depth--
			return tokenOpen
		case c == '<': // the > was forgotten
			return tokenOpen
		case isNameStart(c):
			x.attribute()
		default:
			x.pos++
		}
		switch {
		case len(x.attrs) > maxAttrs:
			return x.stop(ErrManyAttributes)
		case len(x.namespaces) > maxNamespaces:
			return x.stop(ErrManyNamespaces)
		}
	}
}

func (x *scanner) attribute() {
	a := xmlAttr{name: x.takeName()}
	x.skipSpace()
	if x.pos < len(x.s) && x.s[x.pos] == '=' {
		x.pos++
		x.skipSpace()
		a.value = x.takeValue()
	}
	if strings.HasPrefix(a.name, "xmlns") {
		if x.namespaces == nil {
			x.namespaces = map[string]bool{}
		}
		x.namespaces[a.name+" "+a.value] = true
	}
	x.attrs = append(x.attrs, a)
}

func (x *scanner) takeValue() string {
	if x.pos >= len(x.s) {
		return ""
	}
	if q := x.s[x.pos]; q == '"' || q == '\'' {
		start := x.pos + 1
		end := strings.IndexByte(x.s[start:], q)
		if end < 0 {
			end = strings.IndexByte(x.s[start:], '>') // the quote was forgotten
		}
		if end < 0 {
			x.pos = len(x.s)
			return x.s[start:]
		}
		x.pos = start + end
		if x.s[x.pos] == q {
			x.pos++
		}
		return x.s[start : start+end]
	}
	start := x.pos
	for x.pos < len(x.s) && !isSpace(x.s[x.pos]) && x.s[x.pos] != '>' && x.s[x.pos] != '<' {
		x.pos++
	}
	return x.s[start:x.pos]
}

func (x *scanner) closeTag() token {
	x.pos += 2
	x.name = x.takeName()
	if i := strings.IndexAny(x.s[x.pos:], "<>"); i >= 0 {
		x.pos += i
		if x.s[x.pos] == '>' {
			x.pos++
		}
	} else {
		x.pos = len(x.s)
	}
	x.depth = max(x.depth-1, 0)
	return tokenClose
}

func (x *scanner) skipSpace() {
	for x.pos < len(x.s) && isSpace(x.s[x.pos]) {
		x.pos++
	}
}

func (x *scanner) takeName() string {
	start := x.pos
	for x.pos < len(x.s) {
		switch c := x.s[x.pos]; {
		case isSpace(c), c == '>', c == '/', c == '=', c == '<', c == '"', c == '\'':
			return x.s[start:x.pos]
		}
		x.pos++
	}
	return x.s[start:x.pos]
}

// attr is the unescaped value of the attribute with the local name, whatever its
// prefix; "" for none.
func (x *scanner) attr(local string) string {
	for i := range x.attrs {
		n := x.attrs[i].name
		if len(n) > len(local) && n[len(n)-len(local)-1] == ':' {
			n = n[len(n)-len(local):]
		}
		if len(n) == len(local) && strings.EqualFold(n, local) {
			return unescape(x.attrs[i].value)
		}
	}
	return ""
}

// unescape resolves references: XML's five, HTML's names, which feeds use
// undeclared, and numbers. What is none stays as it stands; a number of a
// character that no document may hold is left out.
func unescape(s string) string {
	s, _ = resolveReferences(s)
	return s
}

// resolveReferences is unescape that says whether something was left out.
func resolveReferences(s string) (text string, repaired bool) {
	i := strings.IndexByte(s, '&')
	if i < 0 {
		return s, false
	}
	var b strings.Builder
	b.Grow(len(s))
	for i >= 0 {
		b.WriteString(s[:i])
		s = s[i:]
		n, text := entity(s)
		b.WriteString(text)
		repaired = repaired || text == ""
		s = s[n:]
		i = strings.IndexByte(s, '&')
	}
	b.WriteString(s)
	return b.String(), repaired
}

// longestName is the longest name of a character in HTML, with its & and ;.
const longestName = len("&CounterClockwiseContourIntegral;")

// entity returns the length of the reference that s begins with, at least 1, and
// what it stands for.
func entity(s string) (n int, text string) {
	for _, e := range [...]struct{ name, text string }{{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", `"`}, {"&apos;", "'"}} {
		if strings.HasPrefix(s, e.name) {
			return len(e.name), e.text
		}
	}
	end := strings.IndexByte(s[:min(len(s), longestName)], ';')
	if end < 2 {
		return 1, "&"
	}
	name := s[:end+1]
	if name[1] == '#' {
		return number(name)
	}
	for i := 1; i < end; i++ {
		if !isAlnum(name[i]) {
			return 1, "&"
		}
	}
	// A name without its own semicolon, as in &notit;, is none in XML.
	if text = html.UnescapeString(name); text == name || strings.HasSuffix(text, ";") {
		return 1, "&"
	}
	return len(name), text
}

// number resolves a numeric reference, &#65; or &#x41;.
func number(name string) (n int, text string) {
	digits, base := name[2:len(name)-1], 10
	if digits != "" && digits[0]|0x20 == 'x' {
		digits, base = digits[1:], 16
	}
	v, err := strconv.ParseUint(digits, base, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return len(name), ""
	case err != nil:
		return 1, "&"
	case v >= 0x80 && v < 0xA0: // windows-1252, as browsers read it
		return len(name), html.UnescapeString(name)
	case v > utf8.MaxRune || !validXML(rune(v)):
		return len(name), ""
	}
	return len(name), string(rune(v))
}
