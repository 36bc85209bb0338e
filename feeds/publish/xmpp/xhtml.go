package xmpp

import (
	"mime"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"orrery/feeds"
)

// void elements have no content in HTML, and no end tag.
var void = []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

// reserved is what no name of ours begins with (XML 1.0 §2.3): xmlns is one.
const reserved = "xml"

// xhtml writes sanitized HTML as the same elements in XML. It is one linear pass: what
// the sanitizer has written is balanced already, and what is not is made so here.
func xhtml(fragment string) string {
	var b strings.Builder
	b.Grow(len(fragment) + len(fragment)/16)
	var open []string
	z := html.NewTokenizer(strings.NewReader(fragment))
	for {
		switch z.Next() {
		case html.ErrorToken: // the end
			for i := len(open) - 1; i >= 0; i-- {
				b.WriteString("</" + open[i] + ">")
			}
			return b.String()
		case html.TextToken:
			_, _ = textEscapes.WriteString(&b, legal(string(z.Text())))
		case html.StartTagToken, html.SelfClosingTagToken:
			if name := writeStart(&b, z); name != "" {
				open = append(open, name)
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			for i := lastIndex(open, string(name)); i >= 0 && i < len(open); {
				b.WriteString("</" + open[len(open)-1] + ">")
				open = open[:len(open)-1]
			}
		}
	}
}

// writeStart writes a start tag and returns its name, or "" for what needs no end.
func writeStart(b *strings.Builder, z *html.Tokenizer) string {
	raw, more := z.TagName()
	name := string(raw)
	if !isPlainName(name) || strings.HasPrefix(name, reserved) {
		return ""
	}
	b.WriteString("<" + name)
	var seen []string
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		k := string(key)
		if !isPlainName(k) || strings.HasPrefix(k, reserved) || slices.Contains(seen, k) { // XML 1.0 §3.1: each once
			continue
		}
		seen = append(seen, k)
		b.WriteString(" " + k + `="`)
		_, _ = valueEscapes.WriteString(b, legal(string(value)))
		b.WriteByte('"')
	}
	if slices.Contains(void, name) {
		b.WriteString("/>")
		return ""
	}
	b.WriteByte('>')
	return name
}

func lastIndex(list []string, s string) int {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i] == s {
			return i
		}
	}
	return -1
}

var (
	textEscapes  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;")
	valueEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;")
)

// line is s as plain text on one line.
func line(s string) string { return strings.Join(strings.FieldsFunc(legal(s), unicode.IsSpace), " ") }

// cut is the longest prefix of s of at most n bytes that splits no rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// uri is an address in the characters that one may have (RFC 3986 §2), where brackets
// are for hosts alone; "" for one that is longer than any we keep.
func uri(s string) string {
	if len(s) > feeds.MaxURL {
		return ""
	}
	host := 0
	if i := strings.Index(s, "://["); i >= 0 {
		host = i + 1 + strings.IndexByte(s[i:], ']')
	}
	return s[:host] + escape(s[host:], ":/?#@!$&'()*+,;=%")
}

// mediaType is s without its parameters if it is a media type (RFC 2045 §5.1), else "".
func mediaType(s string) string {
	t, _, err := mime.ParseMediaType(legal(s))
	if err != nil || !strings.Contains(t, "/") {
		return ""
	}
	return t
}

var languageTag = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,4}$`)

// language is s if it may be the value of xml:lang (BCP 47), else "".
func language(s string) string {
	if languageTag.MatchString(s) {
		return s
	}
	return ""
}
