package fetch

import (
	"bufio"
	"bytes"
	"net/url"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	emoji "github.com/yuin/goldmark-emoji"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"

	"orrery/feeds"
)

// markdownEngine turns Markdown into HTML as Hugo does (markdown.md 6). Raw HTML
// passes: feeds.Normalize cleans everything at the end, and only there is clean
// still clean (hostile.md, Sanitizing).
type markdownEngine struct{ md goldmark.Markdown }

func newMarkdownEngine() *markdownEngine {
	return &markdownEngine{goldmark.New(
		goldmark.WithExtensions(extension.Linkify, extension.Strikethrough, extension.TaskList, extension.Footnote,
			extension.DefinitionList, extension.Typographer, emoji.New(emoji.WithRenderingMethod(emoji.Unicode)), markdownBounds{}),
		goldmark.WithParserOptions(parser.WithAttribute()),
		goldmark.WithRendererOptions(html.WithUnsafe()),
	)}
}

// markdownLinks resolves the links of one post (markdown.md 7). Without a site
// both are nil and links stay as they are.
type markdownLinks struct{ site, page *url.URL }

// markdownScheme begins an absolute address (RFC 3986 §3.1).
var markdownScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

func (l markdownLinks) resolve(dest string) string {
	dest = strings.TrimSpace(shortcodeStrip(dest))
	// `]((https://…` is a slip of the hand that is found in real posts.
	if bare := strings.TrimLeft(dest, "("); strings.HasPrefix(bare, "https://") || strings.HasPrefix(bare, "http://") {
		return bare
	}
	switch {
	case dest == "", markdownScheme.MatchString(dest):
		return dest
	case strings.HasPrefix(dest, "//"):
		return "https:" + dest
	case l.page == nil:
		return dest
	}
	u, err := url.Parse(dest)
	if err != nil {
		u = &url.URL{Path: dest}
	}
	if strings.HasPrefix(dest, "/") {
		return l.site.ResolveReference(u).String()
	}
	return l.page.ResolveReference(u).String()
}

// A markdownDocument is a parsed post.
type markdownDocument struct {
	engine *markdownEngine
	source []byte
	root   ast.Node
}

// parse reads Markdown within the budget.
func (e *markdownEngine) parse(source []byte, budget *markdownBudget) (*markdownDocument, error) {
	pc := parser.NewContext()
	pc.Set(markdownBudgetKey, budget)
	d := &markdownDocument{engine: e, source: source}
	d.root = e.md.Parser().Parse(text.NewReader(source), parser.WithContext(pc))
	if budget.over != "" {
		return nil, postErrorf(0, "the post cannot be shown: %s; simplify or split it", budget.over)
	}
	// Reference links share one definition, so a long one grows with every use:
	// it is added up before anything copies it.
	size := 0
	_ = ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			size += markdownLinkSize(n)
		}
		return ast.WalkContinue, nil
	})
	if size > markdownLimit(len(source)) {
		return nil, postErrorf(0, "the post cannot be shown: its links are too long; shorten the definitions they share")
	}
	return d, nil
}

// markdownLimit is how much HTML a text may become (hostile.md, Bounds), in bytes.
func markdownLimit(input int) int { return 4*input + 64<<10 }

// markdownLinkSize is the bytes of a link's address and title.
func markdownLinkSize(n ast.Node) int {
	switch n := n.(type) {
	case *ast.Link:
		return len(n.Destination) + len(n.Title)
	case *ast.Image:
		return len(n.Destination) + len(n.Title)
	}
	return 0
}

// heading is the text of the first heading; "" for none.
func (d *markdownDocument) heading() string {
	title := ""
	_ = ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		h, ok := n.(*ast.Heading)
		if !ok || !entering || title != "" {
			return ast.WalkContinue, nil
		}
		out := markdownOutput{limit: feeds.MaxTitle * 4}
		if d.engine.md.Renderer().Render(&out, d.source, h) == nil {
			title = feeds.PlainText(shortcodeStrip(out.String()))
		}
		return ast.WalkStop, nil
	})
	return title
}

// render writes the HTML, and the length of it that stands before <!--more-->;
// -1 when there is no such mark.
func (d *markdownDocument) render(links markdownLinks) (out []byte, more int, err error) {
	d.resolve(links)
	end := d.divide()
	o := &markdownOutput{limit: markdownLimit(len(d.source))}
	w := bufio.NewWriter(o) // else every block would make its own
	more = -1
	for n := d.root.FirstChild(); n != nil; n = n.NextSibling() {
		if n == end {
			more = o.Len()
		}
		if err := d.engine.md.Renderer().Render(w, d.source, n); err != nil {
			return nil, -1, postErrorf(0, "the post cannot be shown: %v; simplify it", err)
		}
	}
	return o.Bytes(), more, nil
}

func (d *markdownDocument) resolve(links markdownLinks) {
	_ = ast.Walk(d.root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			n.Destination = []byte(links.resolve(string(n.Destination)))
		case *ast.Image:
			n.Destination = []byte(links.resolve(string(n.Destination)))
		}
		return ast.WalkContinue, nil
	})
}

// markdownMore ends the summary, with or without spaces, as in Hugo.
var markdownMore = regexp.MustCompile(`<!--[ \t]*more[ \t]*-->`)

// divide finds the first <!--more--> and returns the block that stands for it.
// Within a paragraph it splits the paragraph there.
func (d *markdownDocument) divide() ast.Node {
	if !markdownMore.Match(d.source) {
		return nil
	}
	for n := d.root.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.HTMLBlock:
			if markdownMore.Match(bytes.TrimSpace(d.text(n))) {
				return n
			}
		case *ast.Paragraph:
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				if raw, ok := c.(*ast.RawHTML); ok && markdownMore.Match(raw.Segments.Value(d.source)) {
					return d.split(n, raw)
				}
			}
		}
	}
	return nil
}

func (d *markdownDocument) text(n ast.Node) []byte { return n.Lines().Value(d.source) }

// split moves what stands before mark to a paragraph of its own and returns a
// block that stands between the two.
func (d *markdownDocument) split(p *ast.Paragraph, mark ast.Node) ast.Node {
	before, between := ast.NewParagraph(), ast.NewTextBlock()
	for c := p.FirstChild(); c != mark; c = p.FirstChild() {
		before.AppendChild(before, c)
	}
	p.RemoveChild(p, mark)
	d.root.InsertBefore(d.root, p, before)
	d.root.InsertBefore(d.root, p, between)
	return between
}
