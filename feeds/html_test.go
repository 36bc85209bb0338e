package feeds

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// tagForm is a tag as the sanitizer writes it; nothing else may begin with "<".
var tagForm = regexp.MustCompile(`^<(/?)([a-z0-9]+)((?: [a-z]+="[^"<>]*")*)>`)

// unbalanced says how s is not balanced; "" when it is. It is a stack and no
// HTML parser, so that it shares no idea with the code under test.
func unbalanced(s string) string {
	var open []string
	for i := strings.IndexByte(s, '<'); i >= 0; i = strings.IndexByte(s, '<') {
		s = s[i:]
		m := tagForm.FindStringSubmatch(s)
		switch {
		case m == nil:
			return fmt.Sprintf("this is no tag: %.40q", s)
		case m[1] == "/" && (len(open) == 0 || open[len(open)-1] != m[2]):
			return fmt.Sprintf("</%s> closes %v", m[2], open)
		case m[1] == "/":
			open = open[:len(open)-1]
		case m[2] != "br" && m[2] != "img" && m[2] != "hr" && m[2] != "wbr" && m[2] != "col":
			open = append(open, m[2])
		}
		s = s[len(m[0]):]
	}
	if len(open) > 0 {
		return fmt.Sprintf("%v stay open", open)
	}
	return ""
}

var (
	harmlessNames = regexp.MustCompile(`^(?:a|abbr|address|article|aside|b|bdi|bdo|blockquote|br|caption|cite|code|col|colgroup|dd|del|` +
		`details|dfn|div|dl|dt|em|figcaption|figure|h[1-6]|hr|i|img|ins|kbd|li|mark|ol|p|pre|q|rp|rt|ruby|s|samp|section|small|span|` +
		`strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|time|tr|u|ul|var|wbr)$`)
	harmlessAttrs = regexp.MustCompile(`^(?:href|src|alt|width|height|colspan|rowspan|datetime|lang|dir)$`)
)

// harmful says what in s may not be there (hostile.md); "" when all is well.
func harmful(s string) string {
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.CommentToken, html.DoctypeToken:
			return "a comment or a declaration"
		case html.StartTagToken, html.SelfClosingTagToken:
			tok := z.Token()
			if !harmlessNames.MatchString(tok.Data) {
				return "element " + tok.Data
			}
			for _, a := range tok.Attr {
				if !harmlessAttrs.MatchString(a.Key) {
					return "attribute " + a.Key
				}
				if u, err := url.Parse(a.Val); (a.Key == "href" || a.Key == "src") && (err != nil ||
					u.Scheme != "http" && u.Scheme != "https" && (a.Key == "src" || u.Scheme != "mailto" && u.Scheme != "xmpp")) {
					return "address " + a.Val
				}
			}
		}
	}
}

// hosts are pages that a post may stand in, at the |; what is around it is to stay
// as it is.
var hosts = []string{
	`<main><ul><li><h2>t</h2><div id="post">|</div></li></ul></main><footer>f</footer>`,
	`<section><article><header><h3>t</h3></header><div id="post">|</div><footer><p>f<ul><li>g</ul></footer></article><article>n</article></section>`,
	`<article><details><summary>s</summary><div id="post">|</div></details><p>f</article>`,
	`<body><article id="post">|</article><p>f`,
	`<blockquote id="post">|</blockquote><p>f`,
	`<dl><dt>k<dd id="post">|</dd><dt>n</dl><p>f`,
	`<ol><li id="post">|</li><li>n</ol><p>f`,
	`<table><tr><td id="post">|</td><td>n</td></tr></table><p>f`,
	`<table><caption id="post">|</caption><tr><td>n</table><p>f`,
	`<h2><span id="post">|</span></h2><p>f`,
	`<center><font><div id="post">|</div></font></center><p>f`,
}

// disturbs says how a parser of HTML reads s, put into a page, otherwise than it is
// written: it changes the page, or is itself another tree.
func disturbs(s string) string {
	among := hosts
	if len(s) > 1<<12 { // what is this long is there to be long
		among = hosts[:1]
	}
	want := written(s)
	for _, h := range among {
		doctype := "<!DOCTYPE html>"
		if strings.Contains(h, "<center>") {
			doctype = "" // quirks
		}
		before, after, _ := strings.Cut(doctype+h, "|")
		page, _ := readTree(before + after)
		around, post := readTree(before + s + after)
		if around != page {
			return "in " + h + " the page becomes " + around
		}
		if post != want {
			return "in " + h + " it is read as " + post
		}
	}
	return rereads(s)
}

// rereads says how s becomes another tree when a parser's tree of it is written and
// read again.
func rereads(s string) string {
	once := renderTree(s)
	if again := renderTree(once); again != once {
		return "read and written again it is " + again
	}
	return ""
}

func renderTree(s string) string {
	body := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragment(strings.NewReader(s), body)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, n := range nodes {
		if err := html.Render(&b, n); err != nil {
			return err.Error()
		}
	}
	return b.String()
}

// implicit are the elements that a parser adds to a table.
var implicit = map[string]bool{"tbody": true, "tr": true, "colgroup": true}

// written is the tree of s as its tags say.
func written(s string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch tok := z.Next(); tok {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			b.WriteString(strings.ReplaceAll(z.Token().Data, "\n", "")) // the first of a pre is none
		case html.StartTagToken, html.EndTagToken:
			if name, _ := z.TagName(); !implicit[string(name)] {
				fmt.Fprintf(&b, "<%s%s>", strings.Repeat("/", int(tok-html.StartTagToken)), name)
			}
		}
	}
}

// readTree parses a page and returns the tree of the element with the id "post", and
// that of all the rest.
func readTree(page string) (around, post string) {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return err.Error(), ""
	}
	var out, in strings.Builder
	var walk func(n *html.Node, b *strings.Builder, bare bool)
	walk = func(n *html.Node, b *strings.Builder, bare bool) {
		for c := range n.ChildNodes() {
			switch {
			case c.Type == html.TextNode:
				b.WriteString(strings.ReplaceAll(c.Data, "\n", ""))
			case bare && implicit[c.Data]:
				walk(c, b, bare)
			case c.Type == html.ElementNode && len(c.Attr) > 0 && c.Attr[0] == html.Attribute{Key: "id", Val: "post"}:
				b.WriteString("<" + c.Data + "|>")
				walk(c, &in, true)
			case c.Type == html.ElementNode:
				b.WriteString("<" + c.Data + ">")
				walk(c, b, bare)
				if traits[c.Data]&isVoid == 0 {
					b.WriteString("</" + c.Data + ">")
				}
			}
		}
	}
	walk(doc, &out, false)
	return out.String(), in.String()
}
