package feeds

import "strings"

// Bounds of an entry's HTML in bytes (hostile.md), of its open elements, and of
// those among them that are phrasing: a browser that loses one of its open
// elements opens all the phrasing ones again (HTML §13.2.4.3).
const (
	maxHTML     = 256 << 10
	maxHTMLOut  = 1 << 20
	growth      = 8 // times a fragment may become as long, and 16 KB
	maxOpen     = 100
	maxPhrasing = 20
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
	// A long base before many short addresses makes much of little.
	t := &tidier{htmlScanner: htmlScanner{src: fragment}, base: base, most: min(maxHTMLOut, growth*len(fragment)+1<<14)}
	t.out.Grow(len(fragment) + len(fragment)/16)
	t.run()
	out := strings.TrimSpace(t.out.String())
	if len(out) > t.most {
		return "<p>" + escapeHTML(Excerpt(fragment, excerptSize)) + "</p>"
	}
	return out
}

const allowedElements = `a abbr address article aside b bdi bdo blockquote br caption cite code col colgroup dd del
	details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s
	samp section small span strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr`

// trait is what an element is to the sanitizer.
type trait uint32

const (
	isKept     trait = 1 << iota
	isVoid           // has no end tag
	isDropped        // goes with all its content
	isRaw            // has text up to its end tag, whatever stands there
	isEmbedded       // plays something: becomes a link to it
	isPhrasing       // may stand inside a paragraph; all others end it
	isTitle          // may stand in a title
	isSummed         // may stand in a summary that we make

	// What HTML's tree construction tells apart (§13.2.6.4).
	isLink
	isHeading
	isItem
	isItems // has items
	isTerm
	isTerms
	isRuby
	isReading
	isTable
	isPart // of a table
	isColumns
	isGroup // of rows
	isRow
	isCell  // what stands in it is apart from what stands around its table
	isGrid  // nothing but parts of a table may stand directly in it
	isLoose // groups what is in it and says nothing by itself
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
		isLink: "a", isHeading: "h1 h2 h3 h4 h5 h6", isItem: "li", isItems: "ol ul", isTerm: "dd dt", isTerms: "dl",
		isRuby: "ruby", isReading: "rp rt", isTable: "table", isPart: "caption col colgroup tbody td tfoot th thead tr",
		isColumns: "colgroup", isGroup: "tbody tfoot thead", isRow: "tr", isCell: "caption td th", isGrid: "colgroup table tbody tfoot thead tr",
		isLoose: "article div p section",
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

// openTag is of an element that is open.
type openTag struct {
	name string
	what trait
}

// tidier makes one pass over a fragment. What it writes is not only balanced: a
// parser of HTML closes and opens nothing but what is written, rows and row groups
// that a table is without excepted. Otherwise one of our end tags could close an
// element of the page.
type tidier struct {
	htmlScanner
	base     string
	most     int    // bytes that may be written
	lower    string // src in lower case, once it is needed
	out      strings.Builder
	open     []openTag
	phrasing int            // how many of open are phrasing
	ends     map[string]int // the offset of the last end tag of an element, -1 for none
}

func (t *tidier) run() {
	for t.out.Len() <= t.most {
		switch t.next() {
		case htmlEnd:
			t.closeTo(0)
			return
		case htmlText:
			if t.inside(isGrid) && strings.Trim(t.raw, " \t\n\r\f") != "" {
				t.openCell()
			}
			t.text(t.raw)
		case htmlOpen:
			t.start()
		case htmlClose:
			t.endOf(elementOf(t.name))
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
	}
	src := ""
	if n == "img" {
		if src = t.image(); src == "" {
			t.alternative()
			return
		}
	}
	if !t.prepare(n, what) {
		return
	}
	t.out.WriteByte('<')
	t.out.WriteString(n)
	if src != "" {
		t.put("src", src)
	}
	t.attributes(n)
	t.out.WriteByte('>')
	if what&isVoid == 0 {
		t.push(n, what)
	}
}

// prepare makes the place for the start of n, or says that there is none.
func (t *tidier) prepare(n string, what trait) bool {
	switch {
	case what&isPart != 0:
		return t.endParts(n)
	case t.inside(isGrid) && what&isTable == 0:
		if what&(isLoose|isPhrasing) != 0 && n != "img" && (n != "a" || t.attr("href") == "") {
			return false // it says nothing by itself, and what it holds may be rows
		}
		t.openCell()
	case what&isReading != 0 && !t.has(isRuby, 0):
		return false
	}
	t.implied(what)
	if what&isVoid != 0 {
		return true
	}
	list := t.missingList(what)
	need := 1
	switch {
	case list != "":
		need = 2
	case what&isTable != 0:
		need = 4 // for its parts, which ask no more
	}
	if !t.room(need, what) {
		return false
	}
	if list != "" {
		t.insert(list)
	}
	return true
}

// implied ends the elements that an element's start ends in HTML: an open paragraph,
// the list item before, a link, a heading. What is no phrasing ends ruby too, where
// a parser would close items and paragraphs at the next reading.
func (t *tidier) implied(what trait) {
	switch {
	case what&isLink != 0:
		t.closeWithin(isLink, isCell)
	case what&isItem != 0:
		t.closeWithin(isItem, isItems|isCell)
	case what&isTerm != 0:
		t.closeWithin(isTerm, isTerms|isCell)
	case what&isHeading != 0:
		t.closeWithin(isHeading, isCell)
	case what&isReading != 0:
		t.closeWithin(isReading, isRuby)
	case what&isTable != 0:
		t.closeWithin(isTable, isCell)
	}
	if what&isPhrasing != 0 {
		return
	}
	for i := len(t.open) - 1; i >= 0 && (t.open[i].name == "p" || t.open[i].what&isPhrasing != 0); i-- {
		if t.open[i].name == "p" || t.open[i].what&isRuby != 0 {
			t.closeTo(i)
		}
	}
}

// missingList is the list that an item without one needs: in a page it would end
// the item of the page that the post stands in.
func (t *tidier) missingList(what trait) string {
	switch {
	case what&isItem != 0 && !t.has(isItems, isCell):
		return "ul"
	case what&isTerm != 0 && !t.has(isTerms, isCell):
		return "dl"
	}
	return ""
}

// room says that n more elements may be opened, what the innermost.
func (t *tidier) room(n int, what trait) bool {
	return len(t.open)+n <= maxOpen && (what&isPhrasing == 0 || t.phrasing < maxPhrasing)
}

// inside says that the innermost open element is one of what.
func (t *tidier) inside(what trait) bool {
	return len(t.open) > 0 && t.open[len(t.open)-1].what&what != 0
}

// has says that one of what is open and no scope is nearer.
func (t *tidier) has(what, scope trait) bool {
	i := t.last(what | scope)
	return i >= 0 && t.open[i].what&what != 0
}

// last is the index of the innermost open element that is one of what, or -1.
func (t *tidier) last(what trait) int {
	i := len(t.open) - 1
	for i >= 0 && t.open[i].what&what == 0 {
		i--
	}
	return i
}

// closeWithin ends the innermost open one of what unless a scope is nearer.
func (t *tidier) closeWithin(what, scope trait) {
	if i := t.last(what | scope); i >= 0 && t.open[i].what&what != 0 {
		t.closeTo(i)
	}
}

func (t *tidier) push(n string, what trait) {
	t.open = append(t.open, openTag{n, what})
	if what&isPhrasing != 0 {
		t.phrasing++
	}
}

// insert opens an element that the source left out.
func (t *tidier) insert(n string) {
	t.out.WriteString("<" + n + ">")
	t.push(n, traits[n])
}

func (t *tidier) closeTo(depth int) {
	for i := len(t.open) - 1; i >= depth; i-- {
		t.out.WriteString("</")
		t.out.WriteString(t.open[i].name)
		t.out.WriteByte('>')
		if t.open[i].what&isPhrasing != 0 {
			t.phrasing--
		}
	}
	t.open = t.open[:min(depth, len(t.open))]
}

func (t *tidier) end(n string) { t.endOf(n, traits[n]) }

// endOf ends the innermost open n. A cell's content ends inside it, and the end of
// any heading ends any other (HTML §13.2.6.4.7).
func (t *tidier) endOf(n string, what trait) {
	scope := isCell | isTable
	switch {
	case n == "br":
		if !t.inside(isGrid) {
			t.out.WriteString("<br>")
		}
		return
	case what&isHeading != 0:
		t.closeWithin(isHeading, scope)
		return
	case what&isTable != 0:
		scope = 0
	case what&isPart != 0:
		scope = isTable
	}
	for i := len(t.open) - 1; i >= 0; i-- {
		if t.open[i].name == n {
			t.closeTo(i)
			return
		}
		if t.open[i].what&scope != 0 {
			return
		}
	}
}
