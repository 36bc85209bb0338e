package feeds

import (
	"strings"

	"golang.org/x/net/html"
)

// htmlToken is what htmlScanner found.
type htmlToken byte

const (
	htmlEnd   htmlToken = iota // of the fragment
	htmlText                   // raw holds it, still escaped
	htmlOpen                   // name, attrs, self
	htmlClose                  // name
)

// htmlScanner cuts a fragment of HTML into tokens, as the HTML standard's tokenizer
// does where people's markup is concerned. What it makes of the rest matters little:
// nobody copies what it finds.
type htmlScanner struct {
	src string
	pos int

	raw   string
	name  string // in lower case
	attrs []xmlAttr
	self  bool // <name/>
}

func (z *htmlScanner) next() htmlToken {
	for z.pos < len(z.src) {
		rest := z.src[z.pos:]
		if rest[0] != '<' {
			i := strings.IndexByte(rest, '<')
			if i < 0 {
				i = len(rest)
			}
			z.raw, z.pos = rest[:i], z.pos+i
			return htmlText
		}
		switch {
		case len(rest) > 1 && isLetter(rest[1]):
			z.pos++
			if z.tag() {
				return htmlOpen
			}
		case len(rest) > 2 && rest[1] == '/' && isLetter(rest[2]):
			z.pos += 2
			if z.tag() {
				return htmlClose
			}
		case strings.HasPrefix(rest, "<!--"):
			z.comment()
		case len(rest) > 1 && (rest[1] == '!' || rest[1] == '?' || rest[1] == '/'):
			z.pos = z.behind('>')
		default: // a < b
			z.raw, z.pos = rest[:1], z.pos+1
			return htmlText
		}
	}
	return htmlEnd
}

// behind is the offset behind the next c, or the end.
func (z *htmlScanner) behind(c byte) int {
	if i := strings.IndexByte(z.src[z.pos:], c); i >= 0 {
		return z.pos + i + 1
	}
	return len(z.src)
}

// comment passes over a comment, which ends at --> or --!>; <!--> and <!---> are
// whole ones (HTML §13.2.5.43).
func (z *htmlScanner) comment() {
	z.pos += len("<!--")
	body := z.src[z.pos:]
	if strings.HasPrefix(body, ">") || strings.HasPrefix(body, "->") {
		z.pos = z.behind('>')
		return
	}
	for {
		i := strings.Index(z.src[z.pos:], "--")
		if i < 0 {
			z.pos = len(z.src)
			return
		}
		z.pos += i
		rest := z.src[z.pos+len("--"):]
		if strings.HasPrefix(rest, ">") || strings.HasPrefix(rest, "!>") {
			z.pos = z.behind('>')
			return
		}
		z.pos++
	}
}

// tag takes a name and attributes up to the >; without one there is no tag.
func (z *htmlScanner) tag() bool {
	z.name = strings.ToLower(z.word(false))
	z.attrs, z.self = z.attrs[:0], false
	for {
		for z.pos < len(z.src) && (isHTMLSpace(z.src[z.pos]) || z.src[z.pos] == '/') {
			z.pos++
		}
		if z.pos >= len(z.src) {
			return false
		}
		if z.src[z.pos] == '>' {
			z.self = z.src[z.pos-1] == '/'
			z.pos++
			return true
		}
		a := xmlAttr{name: z.word(true)}
		z.spaces()
		if z.pos < len(z.src) && z.src[z.pos] == '=' {
			z.pos++
			z.spaces()
			a.value = z.value()
		}
		if len(z.attrs) < maxAttrs {
			z.attrs = append(z.attrs, a)
		}
	}
}

func isHTMLSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' }

func (z *htmlScanner) spaces() {
	for z.pos < len(z.src) && isHTMLSpace(z.src[z.pos]) {
		z.pos++
	}
}

// word takes a name; that of an attribute ends at =, unless it begins with it.
func (z *htmlScanner) word(attribute bool) string {
	start := z.pos
	for z.pos < len(z.src) {
		c := z.src[z.pos]
		if isHTMLSpace(c) || c == '/' || c == '>' || attribute && c == '=' && z.pos > start {
			break
		}
		z.pos++
	}
	return z.src[start:z.pos]
}

func (z *htmlScanner) value() string {
	if z.pos >= len(z.src) {
		return ""
	}
	if q := z.src[z.pos]; q == '"' || q == '\'' {
		start := z.pos + 1
		i := strings.IndexByte(z.src[start:], q)
		if i < 0 {
			z.pos = len(z.src)
			return ""
		}
		z.pos = start + i + 1
		return z.src[start : start+i]
	}
	start := z.pos
	for z.pos < len(z.src) && !isHTMLSpace(z.src[z.pos]) && z.src[z.pos] != '>' {
		z.pos++
	}
	return z.src[start:z.pos]
}

// attr is the value of the first attribute of one of the names that has one.
func (z *htmlScanner) attr(names ...string) string {
	for _, n := range names {
		for _, a := range z.attrs {
			if a.value != "" && strings.EqualFold(a.name, n) {
				return attrValue(a.value)
			}
		}
	}
	return ""
}

// attrValue is a value with its references resolved. In an attribute one without
// its semicolon is none when more follows: ?a=1&region=2 (HTML §13.2.5.73).
func attrValue(s string) string {
	i := strings.IndexByte(s, '&')
	if i < 0 {
		return s
	}
	var b strings.Builder
	for ; i >= 0; i = strings.IndexByte(s, '&') {
		b.WriteString(s[:i])
		s = s[i:]
		n := 1
		for n < len(s) && (isAlnum(s[n]) || s[n] == '#') {
			n++
		}
		whole := html.UnescapeString(s[:n] + ";")
		switch {
		case n < len(s) && s[n] == ';':
			b.WriteString(html.UnescapeString(s[:n+1]))
			n++
		case n > 1 && (n == len(s) || s[n] != '=') && html.UnescapeString(s[:n]) == whole:
			b.WriteString(whole)
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	b.WriteString(s)
	return clean(b.String())
}

// plainValue is text with its references resolved.
func plainValue(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	return clean(html.UnescapeString(s))
}
