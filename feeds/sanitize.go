package feeds

import (
	"regexp"
	"slices"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

// Bounds of an entry's HTML in bytes (hostile.md), and of its open elements.
const (
	maxHTML    = 256 << 10
	maxHTMLOut = 1 << 20
	maxOpen    = 100
)

// Sanitize returns fragment as HTML that can be put into any page or feed: only
// harmless elements and attributes, balanced, so that no post can close an
// element of the page around it, and with absolute addresses resolved against
// base. More than 256 KB are cut.
//
// A first pass balances, resolves and turns embedded players into links; it is
// linear, where an HTML parser is not (hostile.md). bluemonday then sanitizes
// last, so that nothing changes the markup after it was judged safe. A second
// time changes nothing, unless the result is longer than 256 KB.
func Sanitize(fragment, base string) string {
	fragment = clean(cut(fragment, maxHTML))
	if !strings.ContainsAny(fragment, "<>&\"'\r") { // nothing that any pass would write otherwise
		return strings.TrimSpace(fragment)
	}
	t := &tidier{src: fragment, base: base, ends: map[string]int{}}
	t.run()
	out := strings.TrimSpace(policy.Sanitize(clean(t.out.String())))
	if len(out) > maxHTMLOut {
		return "<p>" + escapeHTML(Excerpt(fragment, excerptSize)) + "</p>"
	}
	return out
}

// policy is the allow-list of hostile.md.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements(strings.Fields(allowedElements)...)
	p.AllowNoAttrs().OnElements("a", "span", "bdo", "img", "abbr")
	p.AllowURLSchemes("http", "https", "mailto", "xmpp")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src").OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("width", "height").Matching(regexp.MustCompile(`^[0-9]{1,5}$`)).OnElements("img")
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[0-9]{1,3}$`)).OnElements("td", "th")
	p.AllowAttrs("datetime").Matching(regexp.MustCompile(`^[0-9TtZzPpWwDdHhMmSs:+. -]{1,40}$`)).OnElements("time")
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[A-Za-z0-9-]{1,35}$`)).Globally()
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(?i:ltr|rtl|auto)$`)).Globally()
	return p
}()

const allowedElements = `a abbr address article aside b bdi bdo blockquote br caption cite code col colgroup dd del
	details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s
	samp section small span strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr`

var (
	kept     = set(allowedElements)
	void     = set("br col hr img wbr")
	embedded = set("audio embed iframe object video")
	dropped  = set(`applet audio button canvas datalist embed form frame frameset head iframe math noembed noframes
		noscript object plaintext script select style svg template textarea title video xmp`)
	// rawText elements make the tokenizer take markup for text up to their end.
	rawText = set("iframe noembed noframes noscript plaintext script style textarea title xmp")
	// phrasing elements may stand inside a paragraph; all others end it.
	phrasing = set(`a abbr b bdi bdo br cite code del dfn em i img ins kbd mark q rp rt ruby s samp small span strong
		sub sup time u var wbr`)
	renamed = map[string]string{
		"center": "div", "header": "div", "footer": "div", "main": "div", "nav": "div", "hgroup": "div",
		"strike": "s", "tt": "code", "big": "b", "acronym": "abbr", "listing": "pre", "image": "img", "dir": "ul", "menu": "ul",
	}
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// tidier makes one pass over a fragment.
type tidier struct {
	src   string
	lower string // src in lower case, once it is needed
	base  string
	at    int // offset in src behind the current token
	z     *html.Tokenizer
	out   strings.Builder
	open  []string
	ends  map[string]int // the offset of the last end tag of an element, -1 for none
}

func (t *tidier) run() {
	t.z = html.NewTokenizer(strings.NewReader(t.src))
	for t.next() != html.ErrorToken && t.out.Len() <= maxHTMLOut {
		tok := t.z.Token()
		switch tok.Type {
		case html.TextToken:
			t.out.WriteString(escapeHTML(tok.Data))
		case html.StartTagToken, html.SelfClosingTagToken:
			t.start(&tok)
		case html.EndTagToken:
			t.end(name(&tok))
		}
	}
	t.closeTo(0)
}

func (t *tidier) next() html.TokenType {
	tt := t.z.Next()
	t.at += len(t.z.Raw())
	return tt
}

func name(tok *html.Token) string {
	if n, ok := renamed[tok.Data]; ok {
		return n
	}
	return tok.Data
}

func (t *tidier) start(tok *html.Token) {
	n := name(tok)
	switch {
	case dropped[n]:
		t.drop(n, tok)
		return
	case !kept[n]:
		return
	case !void[n] && len(t.open) >= maxOpen:
		return
	}
	t.implied(n)
	tag := "<" + n + t.attributes(n, tok.Attr)
	if n == "img" && !strings.Contains(tag, ` src="`) {
		return
	}
	t.out.WriteString(tag + ">")
	if !void[n] {
		t.open = append(t.open, n)
	}
}

// implied ends the elements that the start of n ends in HTML: an open paragraph,
// the list item, row or cell before, a link.
func (t *tidier) implied(n string) {
	switch n {
	case "a":
		t.closeWithin("a", "td", "th")
	case "li":
		t.closeWithin("li", "ul", "ol", "td", "th", "caption")
	case "dt", "dd":
		t.closeWithin("dt", "dl", "td", "th", "caption")
		t.closeWithin("dd", "dl", "td", "th", "caption")
	case "table":
		t.closeWithin("table", "td", "th", "caption")
	case "td", "th":
		t.closeWithin("td", "tr", "table")
		t.closeWithin("th", "tr", "table")
	case "tr":
		t.closeWithin("tr", "table")
	case "tbody", "thead", "tfoot":
		for _, s := range []string{"tbody", "thead", "tfoot"} {
			t.closeWithin(s, "table")
		}
	}
	if phrasing[n] {
		return
	}
	for i := len(t.open) - 1; i >= 0 && (t.open[i] == "p" || phrasing[t.open[i]]); i-- {
		if t.open[i] == "p" {
			t.closeTo(i)
		}
	}
	t.list(n)
}

// list opens the list that an item without one needs: in a page it would end the
// item of the page that the post stands in.
func (t *tidier) list(n string) {
	list := map[string]string{"li": "ul", "dt": "dl", "dd": "dl"}[n]
	for i := len(t.open) - 1; i >= 0 && list != "" && !slices.Contains([]string{"td", "th", "caption"}, t.open[i]); i-- {
		if t.open[i] == list || list == "ul" && t.open[i] == "ol" {
			return
		}
	}
	if list == "" {
		return
	}
	t.out.WriteString("<" + list + ">")
	t.open = append(t.open, list)
}

// closeWithin ends the innermost open n unless one of the scopes is nearer.
func (t *tidier) closeWithin(n string, scopes ...string) {
	for i := len(t.open) - 1; i >= 0; i-- {
		if t.open[i] == n {
			t.closeTo(i)
			return
		}
		if slices.Contains(scopes, t.open[i]) {
			return
		}
	}
}

func (t *tidier) closeTo(depth int) {
	for i := len(t.open) - 1; i >= depth; i-- {
		t.out.WriteString("</" + t.open[i] + ">")
	}
	t.open = t.open[:min(depth, len(t.open))]
}

func (t *tidier) end(n string) {
	switch n {
	case "br":
		t.out.WriteString("<br>")
	case "table":
		t.closeWithin(n)
	case "td", "th", "tr", "tbody", "thead", "tfoot", "caption":
		t.closeWithin(n, "table")
	default:
		t.closeWithin(n, "td", "th", "table", "caption") // a cell's content ends inside it
	}
}

// drop leaves out an element with all its content, if it has an end; an embedded
// player becomes a link to what it plays. Only XML closes an element with a
// slash, but people who write <iframe/> mean it; nobody writes <script/>.
func (t *tidier) drop(n string, tok *html.Token) {
	src, label := attr(tok, "src", "data"), attr(tok, "title")
	closed := tok.Type == html.SelfClosingTagToken && !(rawText[n] && n != "iframe")
	if !closed && n != "embed" && n != "frame" && t.hasEnd(n) {
		for depth := 1; depth > 0 && t.next() != html.ErrorToken; {
			in := t.z.Token()
			switch {
			case in.Data == n && in.Type == html.StartTagToken:
				depth++
			case in.Data == n && in.Type == html.EndTagToken:
				depth--
			case in.Data == "source" && src == "" && in.Type != html.TextToken:
				src = attr(&in, "src")
			}
		}
	} else if rawText[n] {
		// What follows is markup like any other; the tokenizer took it for text.
		t.z = html.NewTokenizer(strings.NewReader(t.src[t.at:]))
	}
	if href := webURL(t.base, src); embedded[n] && href != "" {
		if label = oneLine(label); label == "" {
			label = href
		}
		t.closeWithin("a", "td", "th")
		t.out.WriteString(`<a href="` + html.EscapeString(href) + `">` + escapeHTML(label) + `</a>`)
	}
}

// hasEnd says that an end tag of n is still to come; without one, dropping n
// would drop the rest of the post.
func (t *tidier) hasEnd(n string) bool {
	last, ok := t.ends[n]
	if !ok {
		if t.lower == "" {
			t.lower = lowerASCII(t.src)
		}
		last = lastEnd(t.lower, n)
		t.ends[n] = last
	}
	return last >= t.at
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

func attr(tok *html.Token, names ...string) string {
	for _, n := range names {
		for _, a := range tok.Attr {
			if a.Key == n && a.Val != "" {
				return a.Val
			}
		}
	}
	return ""
}

func (t *tidier) attributes(n string, attrs []html.Attribute) string {
	var b strings.Builder
	put := func(key, val string) {
		if val != "" || key == "alt" {
			b.WriteString(" " + key + `="` + html.EscapeString(val) + `"`)
		}
	}
	if n == "img" {
		put("src", t.image(attrs))
	}
	seen := map[string]bool{}
	for _, a := range attrs {
		if seen[a.Key] {
			continue
		}
		seen[a.Key] = true
		switch a.Key {
		case "href":
			if n == "a" {
				put("href", Resolve(t.base, a.Val, "http", "https", "mailto", "xmpp"))
			}
		case "alt", "width", "height", "colspan", "rowspan", "datetime", "lang", "dir":
			put(a.Key, strings.TrimSpace(a.Val)) // the policy decides which of them fit here
		}
	}
	return b.String()
}

// image is the address of a picture; pages that load pictures late keep it in
// an attribute of their own and a placeholder in src.
func (t *tidier) image(attrs []html.Attribute) string {
	tok := html.Token{Attr: attrs}
	for _, key := range []string{"src", "data-src", "data-lazy-src", "data-original"} {
		if src := webURL(t.base, attr(&tok, key)); src != "" {
			return src
		}
	}
	return ""
}
