package fetch

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// goldmark has corners where work grows with the square of the text (hostile.md,
// "What breaks the libraries"). A goroutine cannot be stopped, so the bounds
// stand inside of the parser, where they count what it really does: a guess from
// outside would disagree with it about what is code and what is text.
const (
	// markdownDepth bounds blocks within blocks; a list is two. Every line visits
	// every block around it, so a post of many lines may nest less: the product
	// is bounded by markdownVisits.
	markdownDepth    = 100
	markdownDepthMin = 6
	markdownVisits   = 2_000_000
	// markdownWork bounds the sum, over the characters that may begin something,
	// of the bytes of the paragraph they stand in. A long post needs a few
	// million; this many take about a second.
	markdownWork = 500_000_000
	// markdownColumns and markdownCells bound tables: short rows are filled up.
	markdownColumns = 128
	markdownCells   = 100_000
	// markdownPipes bounds escaped pipes in tables, which are compared with each other.
	markdownPipes = 1000
	// markdownNotes bounds footnotes and the references to them.
	markdownNotes = 2000
	// markdownDefinitions bounds lines that begin a definition.
	markdownDefinitions = 20_000
)

// markdownBudget is what is left for one post, and the first bound it hit.
type markdownBudget struct {
	depth, work, cells, pipes, notes, definitions int

	over string
}

func newMarkdownBudget(source []byte) *markdownBudget {
	lines := bytes.Count(source, []byte("\n")) + 1
	return &markdownBudget{depth: min(markdownDepth, max(markdownDepthMin, markdownVisits/lines)),
		work: markdownWork, cells: markdownCells, pipes: markdownPipes,
		notes: markdownNotes, definitions: markdownDefinitions}
}

func (b *markdownBudget) hit(format string, args ...any) {
	if b.over == "" {
		b.over = fmt.Sprintf(format, args...)
	}
}

// markdownBudgetKey finds the budget in the parser's context.
var markdownBudgetKey = parser.NewContextKey()

func markdownBudgetOf(pc parser.Context) *markdownBudget {
	return pc.Get(markdownBudgetKey).(*markdownBudget)
}

// markdownBounds is a goldmark extension that keeps the budget, and GFM tables
// within it.
type markdownBounds struct{}

func (markdownBounds) Extend(m goldmark.Markdown) {
	const first = -1
	m.Parser().AddOptions(
		parser.WithBlockParsers(util.Prioritized(markdownBlockBounds{}, first)),
		parser.WithInlineParsers(util.Prioritized(markdownInlineBounds{}, first)),
		parser.WithParagraphTransformers(util.Prioritized(markdownTables{extension.NewTableParagraphTransformer()}, 200)),
		parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
	)
	m.Renderer().AddOptions(renderer.WithNodeRenderers(util.Prioritized(extension.NewTableHTMLRenderer(), 500)))
}

// markdownBlockBounds is asked before every block that may hold others. Over a
// bound it takes the line itself, as code, so that nothing else looks at it.
type markdownBlockBounds struct{}

func (markdownBlockBounds) Trigger() []byte { return []byte(">-+*:[0123456789") }

func (markdownBlockBounds) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	b := markdownBudgetOf(pc)
	depth := 0
	for n := parent; n != nil && depth <= b.depth; n = n.Parent() {
		depth++
	}
	if depth > b.depth {
		b.hit("quotations and lists are nested more than %d deep", b.depth)
	}
	line, _ := reader.PeekLine()
	b.define(bytes.TrimLeft(line, " \t"))
	switch parent.Kind() {
	case ast.KindList, extast.KindDefinitionList: // they hold items and nothing else
		return nil, parser.NoChildren
	}
	if b.over == "" {
		return nil, parser.NoChildren
	}
	return ast.NewCodeBlock(), parser.NoChildren
}

// define pays for a line that may begin a definition of a link, a footnote or a
// word; the box of a task is none.
func (b *markdownBudget) define(line []byte) {
	if bytes.HasPrefix(line, []byte("[^")) {
		b.note()
	}
	if len(line) == 0 || line[0] != '[' && line[0] != ':' || len(line) > 2 && line[2] == ']' && bytes.IndexByte([]byte(" xX"), line[1]) >= 0 {
		return
	}
	if b.definitions--; b.definitions < 0 {
		b.hit("more than %d lines begin a definition", markdownDefinitions)
	}
}

func (b *markdownBudget) note() {
	if b.notes--; b.notes < 0 {
		b.hit("there are more than %d footnotes", markdownNotes)
	}
}

func (markdownBlockBounds) Continue(ast.Node, text.Reader, parser.Context) parser.State {
	return parser.Continue | parser.NoChildren
}

func (markdownBlockBounds) Close(ast.Node, text.Reader, parser.Context) {}
func (markdownBlockBounds) CanInterruptParagraph() bool                 { return true }
func (markdownBlockBounds) CanAcceptIndentedLine() bool                 { return true }

// markdownInlineBounds pays for every character that may begin something. What
// it costs at worst is a look at the whole paragraph.
type markdownInlineBounds struct{}

func (markdownInlineBounds) Trigger() []byte { return []byte("![]`<*_~:'\"(") }

func (markdownInlineBounds) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	b := markdownBudgetOf(pc)
	if lines := parent.Lines(); lines != nil && lines.Len() > 0 {
		b.work -= lines.At(lines.Len()-1).Stop - lines.At(0).Start
	}
	if b.work < 0 {
		b.hit("a paragraph of it is too long and has too many marks such as [ and *")
	}
	if line, _ := block.PeekLine(); bytes.HasPrefix(line, []byte("[^")) {
		b.note()
	}
	if b.over == "" {
		return nil
	}
	for line, _ := block.PeekLine(); line != nil; line, _ = block.PeekLine() {
		block.AdvanceLine()
	}
	return ast.NewString(nil)
}

// markdownTables makes tables of paragraphs, if they are not too large.
type markdownTables struct{ parser.ParagraphTransformer }

// Transform implements parser.ParagraphTransformer.
func (t markdownTables) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	b := markdownBudgetOf(pc)
	columns, pipes, lines := 0, 0, node.Lines().Len()
	for i := range lines {
		segment := node.Lines().At(i)
		line := segment.Value(reader.Source())
		pipes += bytes.Count(line, []byte(`\|`))
		if len(bytes.Trim(line, "|-: \t\r\n")) == 0 { // the line below the header
			columns = max(columns, bytes.Count(line, []byte("|"))+1)
		}
	}
	if columns == 0 {
		return
	}
	if columns > markdownColumns {
		b.hit("a table has more than %d columns", markdownColumns)
	}
	if b.cells -= columns * lines; b.cells < 0 {
		b.hit("its tables have more than %d cells", markdownCells)
	}
	if b.pipes -= pipes; b.pipes < 0 {
		b.hit("its tables have more than %d escaped pipes", markdownPipes)
	}
	if b.over == "" {
		t.ParagraphTransformer.Transform(node, reader, pc)
	}
}

// errMarkdownOutput: the HTML of a post is out of proportion to its text.
var errMarkdownOutput = errors.New("its HTML is more than four times as long as its text")

// markdownOutput holds rendered HTML up to a limit in bytes.
type markdownOutput struct {
	bytes.Buffer
	limit int
}

// Write fails once the limit is passed.
func (o *markdownOutput) Write(p []byte) (int, error) {
	if o.Len()+len(p) > o.limit {
		return 0, errMarkdownOutput
	}
	return o.Buffer.Write(p)
}
