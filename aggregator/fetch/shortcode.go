package fetch

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Shortcodes are taken out of the text before Markdown sees it, and their HTML
// is put in afterwards, as Hugo does: otherwise Markdown would curl the quotes
// of their attributes. A place is kept by two noncharacters around a number;
// the text itself cannot hold them, since they are removed from it first.
const (
	shortcodeOpen  = "\uFDD0"
	shortcodeClose = "\uFDD1"
)

// Bounds of a post: shortcodes, and the bytes of one tag.
const (
	shortcodeMax    = 5000
	shortcodeTagMax = 8 << 10
)

// A shortcode is one that was taken out and will be HTML.
type shortcode struct {
	name  string // "" for literal text
	args  shortcodeArgs
	inner string
}

// block says that the HTML may not stand in a paragraph.
func (s *shortcode) block() bool {
	switch s.name {
	case "figure", "highlight", "caption":
		return true
	}
	return false
}

// shortcodeArgs are name="value" pairs; a value without a name has its
// position, from "0".
type shortcodeArgs map[string]string

// first is the first of names that is set.
func (a shortcodeArgs) first(names ...string) string {
	for _, n := range names {
		if a[n] != "" {
			return a[n]
		}
	}
	return ""
}

// A shortcodeTag is {{< name args >}} as it stands in the text.
type shortcodeTag struct {
	name    string
	args    shortcodeArgs
	closing bool   // {{< /name >}}
	literal string // of {{</* name */>}}: what is to be shown
	size    int    // bytes of text, 0 when the tag never ends
}

// A shortcodeReader takes the shortcodes out of one post.
type shortcodeReader struct {
	ref   func(target string) string // the address a ref or relref means
	taken []shortcode
	count int
	out   bytes.Buffer
	// unclosed remembers that no {{< /highlight >}} follows, so that a thousand
	// open ones do not search the text a thousand times.
	unclosed bool
}

// take returns the text with places for shortcodes. The words inside of an
// unknown shortcode stay; nothing that looks like its tags does (markdown.md 6).
func (r *shortcodeReader) take(text []byte) ([]byte, error) {
	text = bytes.ReplaceAll(text, []byte(shortcodeOpen), nil)
	text = bytes.ReplaceAll(text, []byte(shortcodeClose), nil)
	for {
		i := shortcodeNext(text)
		if i < 0 {
			r.out.Write(text)
			return r.out.Bytes(), nil
		}
		if r.count++; r.count > shortcodeMax {
			return nil, postErrorf(0, "the post has more than %d shortcodes; split it", shortcodeMax)
		}
		r.out.Write(text[:i])
		text = text[i:]
		if text[0] == '[' {
			text = r.caption(text)
			continue
		}
		tag := shortcodeParse(text)
		if tag.size == 0 {
			text = text[3:] // an opening that never ends: only its words stay
			continue
		}
		text = r.tag(tag, text[tag.size:])
	}
}

// shortcodeNext is where the next tag begins, -1 for none.
func shortcodeNext(text []byte) int {
	for from := 0; ; {
		i := bytes.IndexAny(text[from:], "{[")
		if i < 0 {
			return -1
		}
		i += from
		for _, mark := range []string{"{{<", "{{%", "[caption", "[/caption]"} {
			if bytes.HasPrefix(text[i:], []byte(mark)) {
				return i
			}
		}
		from = i + 1
	}
}

// keep stores s and leaves its place in the text.
func (r *shortcodeReader) keep(s shortcode) {
	r.out.WriteString(shortcodeOpen + strconv.Itoa(len(r.taken)) + shortcodeClose)
	r.taken = append(r.taken, s)
}

// tag deals with one tag and returns the text behind it.
func (r *shortcodeReader) tag(t shortcodeTag, rest []byte) []byte {
	switch {
	case t.literal != "":
		r.keep(shortcode{inner: t.literal})
	case t.closing:
	case t.name == "ref" || t.name == "relref":
		r.out.WriteString(r.ref(t.args.first("0", "path")))
	case t.name == "highlight":
		inner, after, ok := r.inner(t.name, rest)
		if ok {
			rest = after
			r.keep(shortcode{name: t.name, args: t.args, inner: inner})
		}
	case shortcodeHTML[t.name] != nil:
		r.keep(shortcode{name: t.name, args: t.args})
	default:
		r.keep(shortcode{}) // holds the place, so that a line stays a line
	}
	return rest
}

// inner is the text up to the closing tag of name.
func (r *shortcodeReader) inner(name string, rest []byte) (inner string, after []byte, ok bool) {
	for from := 0; !r.unclosed; {
		i := bytes.Index(rest[from:], []byte("{{"))
		if i < 0 {
			break
		}
		i += from
		if t := shortcodeParse(rest[i:min(i+64, len(rest))]); t.size > 0 && t.closing && t.name == name {
			return string(rest[:i]), rest[i+t.size:], true
		}
		from = i + 2
	}
	r.unclosed = true
	return "", rest, false
}

// shortcodeParse reads the tag that text begins with.
func shortcodeParse(text []byte) shortcodeTag {
	if len(text) < 3 || text[2] != '<' && text[2] != '%' {
		return shortcodeTag{}
	}
	end := ">}}"
	if text[2] == '%' {
		end = "%}}"
	}
	body := text[3:min(len(text), shortcodeTagMax)]
	if quoted, ok := bytes.CutPrefix(body, []byte("/*")); ok {
		inner, _, ok := bytes.Cut(quoted, []byte("*/"+end))
		if !ok {
			return shortcodeTag{}
		}
		return shortcodeTag{literal: string(text[:3]) + string(inner) + end, size: 3 + len("/*") + len(inner) + len("*/") + len(end)}
	}
	words, size := shortcodeWords(string(body), end)
	if size == 0 {
		return shortcodeTag{}
	}
	return shortcodeTagOf(words, 3+size)
}

func shortcodeTagOf(words []shortcodeWord, size int) shortcodeTag {
	t := shortcodeTag{args: shortcodeArgs{}, size: size}
	if len(words) > 0 && words[0].value == "/" {
		t.closing, words = true, words[1:]
	}
	if len(words) == 0 {
		return t
	}
	t.name = words[0].value
	if name, ok := strings.CutPrefix(t.name, "/"); ok {
		t.closing, t.name = true, name
	}
	t.name = strings.TrimSuffix(t.name, "/") // {{< name />}} has no inner text
	for i, w := range words[1:] {
		if w.name == "" {
			w.name = strconv.Itoa(i)
		}
		t.args[w.name] = w.value
	}
	return t
}

type shortcodeWord struct{ name, value string }

// shortcodeWords splits a tag at spaces, minding quotes and backticks, up to
// end; size is the bytes with end, 0 when end does not come.
func shortcodeWords(s, end string) (words []shortcodeWord, size int) {
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], end):
			return words, i + len(end)
		case strings.HasPrefix(s[i:], "{{<"), strings.HasPrefix(s[i:], "{{%"):
			return nil, 0 // the next one begins: this one was never ended
		case strings.IndexByte(" \t\n", s[i]) >= 0:
			i++
		default:
			w, n := shortcodeOneWord(s[i:], end)
			if n == 0 {
				return nil, 0
			}
			words = append(words, w)
			i += n
		}
	}
	return nil, 0
}

// shortcodeOneWord reads a value or name=value; n is 0 when a quote is never closed.
func shortcodeOneWord(s, end string) (w shortcodeWord, n int) {
	start := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case (c == '"' || c == '`') && i == start:
			value, size := shortcodeQuoted(s[i:])
			if size == 0 {
				return w, 0
			}
			w.value = value
			return w, i + size
		case c == '=' && start == 0 && i > 0:
			w.name, start = strings.ToLower(s[:i]), i+1
		case strings.IndexByte(" \t\n", c) >= 0, strings.HasPrefix(s[i:], end):
			w.value = s[start:i]
			return w, i
		}
	}
	return w, 0
}

// shortcodeQuoted reads "…" with \" for a quote, or `…` as it is.
func shortcodeQuoted(s string) (value string, size int) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return b.String(), i + 1
		case s[i] == '\\' && s[0] == '"' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", 0
}

// caption takes WordPress's [caption …]image[/caption] or a stray end of one.
func (r *shortcodeReader) caption(text []byte) []byte {
	const open, end, most = "[caption", "[/caption]", shortcodeTagMax
	if rest, ok := bytes.CutPrefix(text, []byte(end)); ok {
		return rest
	}
	window := text[:min(len(text), most)]
	i, j := bytes.IndexByte(window, ']'), bytes.Index(window, []byte(end))
	switch {
	case i < 0, j >= 0 && j < i, window[len(open)] != ' ' && window[len(open)] != ']':
		r.out.WriteByte('[') // a word in brackets that begins like one
		return text[1:]
	case j < 0: // never ended: only what it encloses stays
		return text[i+1:]
	}
	r.keep(shortcode{
		name:  "caption",
		args:  shortcodeArgs{"caption": shortcodeCaptionText(string(window[len(open):i]))},
		inner: string(window[i+1 : j]),
	})
	return text[j+len(end):]
}

// shortcodeCaptionText is the value of caption="…", the last attribute; it may
// hold quotes itself, as the real posts show.
func shortcodeCaptionText(attributes string) string {
	_, text, _ := strings.Cut(attributes, `caption="`)
	return strings.TrimSuffix(strings.TrimSpace(text), `"`)
}

// shortcodePlace reads the place that text begins with: its number, and its
// bytes, 0 when it is none.
func shortcodePlace(text []byte) (number, size int) {
	body, ok := bytes.CutPrefix(text, []byte(shortcodeOpen))
	if !ok {
		return 0, 0
	}
	i := bytes.Index(body[:min(len(body), 16)], []byte(shortcodeClose))
	if i < 0 {
		return 0, 0
	}
	n, err := strconv.Atoi(string(body[:i]))
	if err != nil {
		return 0, 0
	}
	return n, len(shortcodeOpen) + i + len(shortcodeClose)
}

// shortcodeStrip removes places from text that cannot hold HTML.
func shortcodeStrip(text string) string {
	if !strings.Contains(text, shortcodeOpen) {
		return text
	}
	var b strings.Builder
	for text != "" {
		if _, n := shortcodePlace([]byte(text[:min(len(text), 32)])); n > 0 {
			text = text[n:]
			continue
		}
		_, n := utf8.DecodeRuneInString(text)
		b.WriteString(text[:n])
		text = text[n:]
	}
	return b.String()
}
