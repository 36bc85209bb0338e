package feeds

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	xhtml "golang.org/x/net/html"
)

// PlainText is the text of an HTML fragment on one line, without the text of
// scripts and styles.
func PlainText(fragment string) string { return textUpTo(fragment, -1) }

// TextUpTo is PlainText, but where that has more than n characters besides white space
// perhaps only so much of it that it has more than n: who wants to know how a long text
// begins, or whether it is long, need not read it all.
func TextUpTo(fragment string, n int) string { return textUpTo(fragment, max(n, 0)) }

// textUpTo is both; a negative n means all of it.
func textUpTo(fragment string, n int) string {
	all := n < 0
	if !strings.ContainsAny(fragment, "<&") {
		return oneLine(fragment)
	}
	var b strings.Builder
	z := xhtml.NewTokenizer(strings.NewReader(fragment))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return oneLine(b.String())
		case xhtml.TextToken:
			text := html.UnescapeString(string(z.Raw()))
			b.WriteString(text)
			if all {
				continue
			}
			for _, r := range clean(text) {
				if !unicode.IsSpace(r) {
					n--
				}
			}
			if n < 0 {
				return oneLine(b.String())
			}
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			name, _ := z.TagName()
			if hidden[string(name)] {
				skipElement(z, string(name))
			} else if !inline[string(name)] {
				b.WriteByte(' ')
			}
		case xhtml.EndTagToken:
			if name, _ := z.TagName(); !inline[string(name)] {
				b.WriteByte(' ')
			}
		}
	}
}

// hidden elements have no text a reader should see. Their content is raw text
// to the tokenizer, so it ends at their end tag and nowhere else.
var hidden = map[string]bool{"script": true, "style": true, "noscript": true, "template": true, "title": true, "textarea": true, "xmp": true, "noembed": true, "noframes": true}

// inline elements do not separate words.
var inline = map[string]bool{
	"a": true, "abbr": true, "b": true, "bdi": true, "bdo": true, "cite": true, "code": true, "del": true, "dfn": true,
	"em": true, "font": true, "i": true, "ins": true, "kbd": true, "mark": true, "q": true, "s": true, "samp": true,
	"small": true, "span": true, "strong": true, "sub": true, "sup": true, "time": true, "tt": true, "u": true, "var": true, "wbr": true,
}

func skipElement(z *xhtml.Tokenizer, name string) {
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return
		case xhtml.EndTagToken:
			if n, _ := z.TagName(); string(n) == name {
				return
			}
		}
	}
}

// oneLine collapses every run of white space to one space and drops what no
// document may hold. A single space that does not break, or is as wide as a
// character, stays: French and Japanese titles are set with them.
func oneLine(s string) string {
	s = strings.TrimSpace(clean(s))
	if isLine(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	var space rune // of the run of white space before r, ' ' for several
	for _, r := range s {
		switch {
		case !unicode.IsSpace(r):
			if space != 0 {
				b.WriteRune(space)
				space = 0
			}
			b.WriteRune(r)
		case space == 0 && strings.ContainsRune("\u00A0\u202F\u3000", r):
			space = r
		default:
			space = ' '
		}
	}
	return b.String()
}

// isLine says that all white space in s is single blanks between other ASCII
// characters.
func isLine(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x80 || c < ' ' || c == ' ' && s[i-1] == ' ' {
			return false
		}
	}
	return true
}

// clean removes what XML 1.0 §2.2 does not allow and repairs invalid UTF-8, so
// that whatever is stored can be written in every format.
func clean(s string) string {
	if isClean(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if !validXML(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// isClean is on the way of every byte that is read, so it looks at eight at a time:
// the characters that are not allowed are the controls, and U+FFFE and U+FFFF, which
// UTF-8 writes EF BF BE and EF BF BF.
func isClean(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if !isPlain(s[i:i+8]) && !cleanBytes(s, i, i+8) {
			return false
		}
	}
	return cleanBytes(s, i, len(s))
}

// isPlain says that eight bytes are ASCII without controls.
func isPlain(s string) bool {
	const high, space = 0x8080808080808080, 0x2020202020202020
	x := eightBytes(s)
	return (x|(x-space))&high == 0 // a byte below 0x20 borrows
}

// cleanBytes is isClean for a part of what is valid UTF-8.
func cleanBytes(s string, from, to int) bool {
	for i := from; i < to; i++ {
		switch c := s[i]; {
		case c >= 0x20 && c != 0xEF:
		case c == 0xEF:
			if s[i+1] == 0xBF && s[i+2] >= 0xBE {
				return false
			}
		case c != '\t' && c != '\n' && c != '\r':
			return false
		}
	}
	return true
}

func validXML(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// Excerpt is the beginning of the fragment's text, at most n bytes, cut at a word.
func Excerpt(fragment string, n int) string {
	n = max(n, len("…"))
	const enough = 16 // markup for a byte of text; more is not worth reading
	if len(fragment) > n*enough {
		fragment = cut(fragment, n*enough)
	}
	text := TextUpTo(fragment, n)
	if len(text) <= n {
		return text
	}
	short := cut(text, n-len("…"))
	if i := strings.LastIndexFunc(short, unicode.IsSpace); i > 0 {
		short = short[:i]
	}
	return strings.TrimRightFunc(short, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) }) + "…"
}

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
