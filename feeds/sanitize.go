package feeds

import (
	"slices"
	"strings"
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
// base. More than 256 KB are cut. A second time changes nothing, unless the
// result is longer than that.
//
// It is one linear pass that writes every byte itself: text and values escaped,
// tags from the allow-list with attributes from theirs. However a fragment is
// meant to be misread, nothing of its markup is copied. bluemonday, with the same
// allow-list, finds nothing to change in what it writes; a test asks it.
func Sanitize(fragment, base string) string {
	fragment = clean(cut(fragment, maxHTML))
	if !strings.ContainsAny(fragment, "<>&\"'\r") { // nothing that would be written otherwise
		return strings.TrimSpace(fragment)
	}
	t := &tidier{htmlScanner: htmlScanner{src: fragment}, base: base}
	t.out.Grow(len(fragment) + len(fragment)/16)
	t.run()
	out := strings.TrimSpace(t.out.String())
	if len(out) > maxHTMLOut {
		return "<p>" + escapeHTML(Excerpt(fragment, excerptSize)) + "</p>"
	}
	return out
}

const allowedElements = `a abbr address article aside b bdi bdo blockquote br caption cite code col colgroup dd del
	details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s
	samp section small span strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr`

// trait is what an element is to the sanitizer.
type trait uint8

const (
	isKept     trait = 1 << iota
	isVoid           // has no end tag
	isDropped        // goes with all its content
	isRaw            // has text up to its end tag, whatever stands there
	isEmbedded       // plays something: becomes a link to it
	isPhrasing       // may stand inside a paragraph; all others end it
	isTitle          // may stand in a title
	isSummed         // may stand in a summary that we make
)

var traits = func() map[string]trait {
	m := map[string]trait{}
	for t, words := range map[trait]string{
		isKept: allowedElements,
		isVoid: "br col hr img wbr",
		isDropped: `applet audio button canvas datalist embed form frame frameset head iframe math noembed noframes
			noscript object plaintext script select style svg template textarea title video xmp`,
		isRaw:      "iframe noembed noframes noscript plaintext script style textarea title xmp",
		isEmbedded: "audio embed iframe object video",
		isPhrasing: `a abbr b bdi bdo br cite code del dfn em i img ins kbd mark q rp rt ruby s samp small span strong
			sub sup time u var wbr`,
		isTitle: "abbr b bdi bdo cite code del dfn em i ins kbd mark q rp rt ruby s samp small strong sub sup time u var",
		isSummed: `a abbr address article b bdi bdo blockquote br cite code dd del dfn div dl dt em i ins kbd li mark ol p q
			rp rt ruby s samp section small span strong sub sup time u ul var wbr`,
	} {
		for _, w := range strings.Fields(words) {
			m[w] |= t
		}
	}
	return m
}()

// renamed are elements that are written under another name.
var renamed = map[string]string{
	"center": "div", "header": "div", "footer": "div", "main": "div", "nav": "div", "hgroup": "div",
	"strike": "s", "tt": "code", "big": "b", "acronym": "abbr", "listing": "pre", "image": "img", "dir": "ul", "menu": "ul",
}

// elementOf returns the name an element is written under, and what it is.
func elementOf(name string) (string, trait) {
	if t, ok := traits[name]; ok {
		return name, t
	}
	if n, ok := renamed[name]; ok {
		return n, traits[n]
	}
	return name, 0
}

// tidier makes one pass over a fragment.
type tidier struct {
	htmlScanner
	base  string
	lower string // src in lower case, once it is needed
	out   strings.Builder
	open  []string
	ends  map[string]int // the offset of the last end tag of an element, -1 for none
}

func (t *tidier) run() {
	for t.out.Len() <= maxHTMLOut {
		switch t.next() {
		case htmlEnd:
			t.closeTo(0)
			return
		case htmlText:
			t.text(t.raw)
		case htmlOpen:
			t.start()
		case htmlClose:
			n, _ := elementOf(t.name)
			t.end(n)
		}
	}
	t.closeTo(0)
}

func (t *tidier) start() {
	n, what := elementOf(t.name)
	switch {
	case what&isDropped != 0:
		t.drop(n, what)
		return
	case what&isKept == 0:
		return
	case what&isVoid == 0 && len(t.open) >= maxOpen:
		return
	}
	src := ""
	if n == "img" {
		if src = t.image(); src == "" {
			return
		}
	}
	t.implied(n, what)
	t.out.WriteByte('<')
	t.out.WriteString(n)
	if src != "" {
		t.put("src", src)
	}
	t.attributes(n)
	t.out.WriteByte('>')
	if what&isVoid == 0 {
		t.open = append(t.open, n)
	}
}

// implied ends the elements that the start of n ends in HTML: an open paragraph,
// the list item, row or cell before, a link.
func (t *tidier) implied(n string, what trait) {
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
	if what&isPhrasing != 0 {
		return
	}
	for i := len(t.open) - 1; i >= 0 && (t.open[i] == "p" || traits[t.open[i]]&isPhrasing != 0); i-- {
		if t.open[i] == "p" {
			t.closeTo(i)
		}
	}
	t.list(n)
}

// list opens the list that an item without one needs: in a page it would end the
// item of the page that the post stands in.
func (t *tidier) list(n string) {
	list := ""
	switch n {
	case "li":
		list = "ul"
	case "dt", "dd":
		list = "dl"
	}
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
