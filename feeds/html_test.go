package feeds

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
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

// escapes says whether the post s, put into a page, changes the page around it.
func escapes(s string) bool {
	const before, after = `<main><ul><li><h2>t</h2><div id="post">`, `</div></li></ul></main><footer>f</footer>`
	doc, err := html.Parse(strings.NewReader(before + s + "end of post" + after))
	if err != nil {
		return true
	}
	var shape func(n *html.Node) string
	shape = func(n *html.Node) string {
		if n.Type == html.TextNode {
			return n.Data
		}
		out := "(" + n.Data
		for _, a := range n.Attr {
			if a.Val == "post" {
				return out + ")"
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			out += shape(c)
		}
		return out + ")"
	}
	return shape(doc) != "((html(head)(body(main(ul(li(h2t)(div))))(footerf))))"
}
