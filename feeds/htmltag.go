package feeds

import (
	"cmp"
	"strconv"
	"strings"
)

// text writes text. Its references are resolved and what must be escaped is
// escaped anew, so that the same text is always the same bytes.
func (t *tidier) text(raw string) {
	if !strings.ContainsAny(raw, "&<>\"'\r") {
		t.out.WriteString(raw)
		return
	}
	if strings.IndexByte(raw, '\r') >= 0 { // a line ends one way (HTML §13.2.3.5)
		raw = strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\n"), "\r", "\n")
	}
	t.escape(plainValue(raw))
}

// escape writes s as html.EscapeString would have it.
func (t *tidier) escape(s string) {
	last := 0
	for i := 0; i < len(s); i++ {
		by := ""
		switch s[i] {
		case '&':
			by = "&amp;"
		case '<':
			by = "&lt;"
		case '>':
			by = "&gt;"
		case '"':
			by = "&#34;"
		case '\'':
			by = "&#39;"
		case '\r':
			by = "&#13;"
		default:
			continue
		}
		t.out.WriteString(s[last:i])
		t.out.WriteString(by)
		last = i + 1
	}
	t.out.WriteString(s[last:])
}

func (t *tidier) put(key, value string) {
	t.out.WriteByte(' ')
	t.out.WriteString(key)
	t.out.WriteString(`="`)
	t.escape(value)
	t.out.WriteByte('"')
}

// attributes writes the attributes that the element may have, each once.
func (t *tidier) attributes(n string) {
	for i, a := range t.attrs {
		key := strings.ToLower(a.name)
		var fits func(string) bool
		switch key {
		case "href":
			if n == "a" && !t.before(i, key) {
				if href := t.link(attrValue(a.value)); href != "" {
					t.put(key, href)
				}
			}
			continue
		case "alt":
			if n == "img" && !t.before(i, key) {
				t.put(key, strings.TrimSpace(attrValue(a.value)))
			}
			continue
		case "width", "height":
			fits = digits(n == "img", 5)
		case "colspan", "rowspan":
			fits = digits(n == "td" || n == "th", 3)
		case "datetime":
			fits = func(v string) bool { return n == "time" && only(v, 40, "0123456789TtZzPpWwDdHhMmSs:+. -") }
		case "lang":
			fits = func(v string) bool {
				return only(v, 35, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
			}
		case "dir":
			fits = func(v string) bool {
				return strings.EqualFold(v, "ltr") || strings.EqualFold(v, "rtl") || strings.EqualFold(v, "auto")
			}
		default:
			continue
		}
		if v := strings.TrimSpace(attrValue(a.value)); fits(v) && !t.before(i, key) {
			t.put(key, v)
		}
	}
}

// before says that an attribute of the name stands before the i-th: the first counts.
func (t *tidier) before(i int, key string) bool {
	for _, a := range t.attrs[:i] {
		if strings.EqualFold(a.name, key) {
			return true
		}
	}
	return false
}

func digits(here bool, n int) func(string) bool {
	return func(v string) bool { return here && only(v, n, "0123456789") }
}

// only says that v has 1 to n bytes, all of them among the allowed.
func only(v string, n int, allowed string) bool {
	return v != "" && len(v) <= n && strings.Trim(v, allowed) == ""
}

func (t *tidier) link(ref string) string {
	if plainWeb(ref) {
		return ref
	}
	return Resolve(t.base, ref, "http", "https", "mailto", "xmpp")
}

// plainWeb knows the addresses that Resolve returns as they are, which are nearly
// all: absolute, with a host of letters and nothing to escape.
func plainWeb(ref string) bool {
	rest, ok := strings.CutPrefix(ref, "https://")
	if !ok {
		if rest, ok = strings.CutPrefix(ref, "http://"); !ok {
			return false
		}
	}
	i := 0
	for i < len(rest) && (isAlnum(rest[i]) || rest[i] == '.' || rest[i] == '-') {
		i++
	}
	if i == 0 || i < len(rest) && rest[i] != '/' || len(ref) > MaxURL {
		return false
	}
	for ; i < len(rest); i++ {
		if c := rest[i]; !isAlnum(c) && strings.IndexByte("-._~/?=&;,+:@!$()*", c) < 0 {
			return false
		}
	}
	return true
}

// lazy are the attributes that pages keep an address in when they load what it
// leads to late; src then has a placeholder or nothing.
var lazy = []string{"src", "data-src", "data-lazy-src", "data-original"}

// image is the address of a picture.
func (t *tidier) image() string {
	if src := t.address(lazy...); src != "" {
		return src
	}
	for _, key := range []string{"srcset", "data-srcset"} {
		if src := t.largest(t.attr(key)); src != "" {
			return src
		}
	}
	return ""
}

// address is the first address of the web in the attributes of the names.
func (t *tidier) address(names ...string) string {
	for _, n := range names {
		ref := t.attr(n)
		if plainWeb(ref) {
			return ref
		}
		if a := webURL(t.base, ref); a != "" {
			return a
		}
	}
	return ""
}

// largest is the address of the widest picture of a srcset, of the last one of that
// width (HTML §4.8.4.2.1). An address may hold commas, but not end with one.
func (t *tidier) largest(set string) (src string) {
	most := 0.0
	for {
		set = strings.TrimLeft(set, ", \t\n\f\r")
		n := strings.IndexAny(set, " \t\n\f\r")
		if n < 0 {
			n = len(set)
		}
		if n == 0 {
			return src
		}
		ref := strings.TrimRight(set[:n], ",")
		by := ""
		if set = set[n:]; len(ref) == n {
			by, set, _ = strings.Cut(set, ",")
		}
		size, _ := strconv.ParseFloat(strings.TrimRight(strings.TrimSpace(by), "wx"), 64)
		if size >= most {
			if a := webURL(t.base, ref); a != "" {
				src, most = a, size
			}
		}
	}
}

// alternative writes what a picture shows that is in the page itself, a formula
// mostly, and goes because of that.
func (t *tidier) alternative() {
	src, alt := strings.TrimSpace(t.attr("src")), strings.TrimSpace(t.attr("alt"))
	if alt == "" || len(src) < len("data:") || !strings.EqualFold(src[:len("data:")], "data:") {
		return
	}
	if t.inside(isGrid) {
		t.openCell()
	}
	t.escape(alt)
}

// drop leaves out an element with all its content, if it has an end; an embedded
// player becomes a link to what it plays. Only XML closes an element with a
// slash, but people who write <iframe/> mean it; nobody writes <script/>.
func (t *tidier) drop(n string, what trait) {
	href, label := "", ""
	if what&isEmbedded != 0 {
		href, label = t.address("src", "data-src", "data-lazy-src", "data"), oneLine(t.attr("title"))
	}
	closed := t.self && (what&isRaw == 0 || n == "iframe")
	if !closed && n != "embed" && n != "frame" && t.hasEnd(n) {
		if what&isRaw != 0 {
			t.skipRaw(n)
		} else if s := t.skipElement(n); href == "" {
			href = s
		}
	}
	if what&isEmbedded != 0 && href != "" {
		t.player(href, cmp.Or(label, href))
	}
}

func (t *tidier) player(href, label string) {
	if t.inside(isGrid) {
		t.openCell()
	}
	t.closeWithin(isLink, isCell)
	if !t.room(1, isPhrasing) {
		t.escape(label)
		return
	}
	t.out.WriteString("<a")
	t.put("href", href)
	t.out.WriteByte('>')
	t.escape(label)
	t.out.WriteString("</a>")
}

// skipElement passes over the content of n and returns the address of what it
// plays: of the first source in it, else of the first link. When another n in it is
// left open, the last end tag of n ends it.
func (t *tidier) skipElement(n string) string {
	source, link, last := "", "", t.pos
	depth, foreign := 1, nests(n)
	for depth > 0 {
		switch t.next() {
		case htmlEnd:
			if t.ends == nil {
				t.ends = map[string]int{}
			}
			t.pos, t.ends[n] = last, -1 // what else looks like one is in a comment or a value
			depth = 0
		case htmlOpen:
			if traits[n]&isEmbedded != 0 {
				source, link = cmp.Or(source, t.source()), cmp.Or(link, t.linked())
			}
			if t.self {
				continue
			}
			if t.name == n {
				depth++
			}
			if foreign += nests(t.name); foreign == 0 && t.isRawIn(n) && t.hasEnd(t.name) {
				t.skipRaw(t.name)
			}
		case htmlClose:
			if t.name == n {
				depth--
				last = t.pos
			}
			foreign = max(foreign-nests(t.name), 0)
		}
	}
	return cmp.Or(source, link)
}

// nests is 1 for the elements in which nothing is raw text (HTML §13.2.6.5), a title
// or a style least of all.
func nests(n string) int {
	if n == "svg" || n == "math" {
		return 1
	}
	return 0
}

// isRawIn says whether the element that begins has raw text inside n: a select
// ignores most tags.
func (t *tidier) isRawIn(n string) bool {
	return traits[t.name]&isRaw != 0 && t.name != n && (n != "select" || t.name == "script" || t.name == "style")
}

// source is the address of what the element that begins plays, as part of another.
func (t *tidier) source() string {
	switch t.name {
	case "source", "embed", "iframe":
		return t.address("src", "data-src", "data-lazy-src")
	case "param":
		switch strings.ToLower(t.attr("name")) {
		case "movie", "src", "url", "filename":
			return t.address("value")
		}
	}
	return ""
}

// linked is the address that the link that begins leads to.
func (t *tidier) linked() string {
	if t.name != "a" {
		return ""
	}
	return t.address("href")
}

// skipRaw passes over the text of a raw text element and its end tag, which is
// there.
func (t *tidier) skipRaw(n string) {
	for {
		i := strings.Index(t.lower[t.pos:], "</"+n)
		if i < 0 {
			return
		}
		t.pos += i + len("</"+n)
		if t.pos < len(t.src) && strings.IndexByte(" \t\n\f\r/>", t.src[t.pos]) >= 0 {
			t.pos = t.behind('>')
			return
		}
	}
}

// hasEnd says that an end tag of n is still to come; without one, dropping n
// would drop the rest of the post.
func (t *tidier) hasEnd(n string) bool {
	if t.ends == nil {
		t.ends = map[string]int{}
	}
	last, ok := t.ends[n]
	if !ok {
		if t.lower == "" {
			t.lower = lowerASCII(t.src)
		}
		last = lastEnd(t.lower, n)
		t.ends[n] = last
	}
	return last >= t.pos
}

// lastEnd is the offset of the last end tag of n in src, -1 if there is none.
func lastEnd(src, n string) int {
	for {
		i := strings.LastIndex(src, "</"+n)
		if i < 0 {
			return -1
		}
		if rest := src[i+len("</"+n):]; rest != "" && strings.ContainsRune(" \t\n\f\r/>", rune(rest[0])) {
			return i
		}
		src = src[:i]
	}
}

// lowerASCII keeps every offset, which strings.ToLower does not: a Kelvin sign
// is three bytes and its small letter one.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
