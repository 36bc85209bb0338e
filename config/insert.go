package config

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// inserted is a text with what was put into it.
type inserted struct {
	text  []byte
	lines string // what was put in
	line  int    // where that begins
}

// insert puts sources at the end of the list of a valid configuration. reason is
// the end of a sentence when there is no place for them. Nobody may rely on the
// result before it was read again.
func insert(old []byte, sources []Source) (in inserted, reason string) {
	body := bytes.TrimPrefix(old, []byte(bom))
	p := &page{body: body, sources: sources, eol: "\n", comments: map[int]bool{}}
	p.lines = slices.Collect(bytes.Lines(body))
	if len(p.lines) > 0 && bytes.HasSuffix(p.lines[0], []byte("\r\n")) {
		p.eol = "\r\n"
	}
	text := strings.ReplaceAll(string(body), "\r\n", "\n")
	p.tokens = lexer.Tokenize(text)
	for _, t := range p.tokens {
		if t.Type == token.CommentType {
			p.comments[t.Position.Line] = true
		}
	}
	l := &loader{}
	root, ok := l.parse([]byte(text)).(ast.MapNode)
	if !ok || !p.place(root) {
		return in, "its list of sources is written in a way that no line can be added to"
	}
	return p.apply(old[:len(old)-len(body)]), ""
}

const bom = "\uFEFF"

// page is a configuration to put sources into. Its lines and columns are those of
// the tokens: from 1, columns in characters.
type page struct {
	body     []byte
	lines    [][]byte // with their ends
	eol      string
	tokens   token.Tokens
	comments map[int]bool // by their lines
	sources  []Source
	edits    []edit
}

// edit puts gap and text in the place of body[from:to].
type edit struct {
	from, to  int
	gap, text string
}

// apply makes the edits, which are in the order of the text.
func (p *page) apply(mark []byte) inserted {
	in, done := inserted{text: slices.Clone(mark)}, 0
	for _, e := range p.edits {
		in.text = append(append(in.text, p.body[done:e.from]...), e.gap...)
		done = e.to
		if e.text != "" {
			in.line, in.lines = bytes.Count(in.text, []byte("\n"))+1, e.text
			in.text = append(in.text, e.text...)
		}
	}
	in.text = append(in.text, p.body[done:]...)
	return in
}

// offset is where a place is among the bytes; -1 if there is no such place.
func (p *page) offset(s spot) int {
	if s.line < 1 || s.line > len(p.lines) {
		return -1
	}
	n := p.start(s.line)
	for line := p.lines[s.line-1]; s.column > 1; s.column-- {
		_, size := utf8.DecodeRune(line)
		if size == 0 {
			return -1
		}
		n, line = n+size, line[size:]
	}
	return n
}

// start is the offset of a line, or of the end of the text.
func (p *page) start(line int) int {
	n := 0
	for _, l := range p.lines[:min(line-1, len(p.lines))] {
		n += len(l)
	}
	return n
}

// place finds out how the list is written and makes the edits.
func (p *page) place(root ast.MapNode) bool {
	var key, next spot // of sources, and of the key after it
	var value ast.Node
	indent := 0
	for pairs := root.MapRange(); pairs.Next(); {
		at := start(pairs.KeyValue())
		if indent == 0 {
			indent = at.column
		}
		if key != (spot{}) && next == (spot{}) {
			next = at
		}
		if keyOf(pairs.KeyValue()) == "sources" {
			key, value = at, pairs.Value()
		}
	}
	end := p.end(next)
	m, flow := root.(*ast.MappingNode)
	flow = flow && m.IsFlowStyle
	switch v := value.(type) {
	case nil:
		return !flow && p.newList(indent, end)
	case *ast.NullNode:
		return !flow && p.firstItem(key, v.Token, end)
	case *ast.SequenceNode:
		switch {
		case !v.IsFlowStyle:
			return p.lastItem(v, end)
		case !flow && p.replaceBrackets(key, v, end):
			return true
		}
		return p.inBrackets(v)
	}
	return false
}

// end is the line that ends what comes before next: that of the key, of a mark of
// the document's end, or the one after the last.
func (p *page) end(next spot) int {
	if next.line > 0 {
		return next.line
	}
	begun, directive := false, false
	for _, t := range p.tokens {
		switch t.Type {
		case token.DocumentEndType:
			return t.Position.Line
		case token.DocumentHeaderType:
			if begun {
				return t.Position.Line
			}
			directive = false
		case token.CommentType:
		case token.DirectiveType:
			directive = true // what follows, up to the header, belongs to it
		default:
			begun = begun || !directive
		}
	}
	return len(p.lines) + 1
}

// newList begins a list at the end of a file that has none.
func (p *page) newList(indent, end int) bool {
	if indent < 1 {
		return false
	}
	gap, space := "", strings.Repeat(" ", indent-1)
	if end > 1 && !blank(p.lines[end-2]) {
		gap = p.eol
	}
	p.insertLines(end, gap, space+"sources:"+p.eol+blockItems(p.sources, space+"  ", " ", p.eol))
	return true
}

// firstItem begins the list of a key that has no value, or says null.
func (p *page) firstItem(key spot, null *token.Token, end int) bool {
	if null.Type == token.NullType { // written out
		from := p.offset(place(null))
		if from < 0 || !bytes.HasPrefix(p.body[from:], []byte(null.Value)) {
			return false
		}
		p.remove(from-spaces(p.body[:from]), from+len(null.Value))
	}
	dash := key.column + 1
	p.insertLines(p.after(key.line, dash, end), "", blockItems(p.sources, strings.Repeat(" ", dash), " ", p.eol))
	return true
}

// lastItem adds to a list of dashes, indented as its others are.
func (p *page) lastItem(list *ast.SequenceNode, end int) bool {
	dash := place(list.Start)
	if len(list.Values) == 0 || dash.column < 1 {
		return false
	}
	gap := " "
	at := start(list.Values[len(list.Values)-1])
	if from, to := p.offset(spot{at.line, dash.column}), p.offset(at); from >= 0 && to > from+1 { // -   key
		if g := string(p.body[from+1 : to]); p.body[from] == '-' && strings.Trim(g, " ") == "" {
			gap = g
		}
	}
	last := end - 1
	for last > 1 && (blank(p.lines[last-1]) || p.comment(last)) {
		last--
	}
	p.insertLines(p.after(last, dash.column-1, end), "", blockItems(p.sources, strings.Repeat(" ", dash.column-1), gap, p.eol))
	return true
}

// replaceBrackets makes a list of dashes of an empty one in brackets that stands
// behind its key.
func (p *page) replaceBrackets(key spot, list *ast.SequenceNode, end int) bool {
	from, to := p.offset(place(list.Start)), p.offset(place(list.End))
	if len(list.Values) > 0 || list.End == nil || from < 0 || to < from || place(list.Start).line != key.line ||
		strings.Trim(string(p.body[from:to+1]), " []") != "" {
		return false
	}
	p.remove(from-spaces(p.body[:from]), to+1)
	p.insertLines(p.after(key.line, key.column+1, end), "", blockItems(p.sources, strings.Repeat(" ", key.column+1), " ", p.eol))
	return true
}

// inBrackets adds to a list in brackets: behind the last item, on a line of its own
// where that has one.
func (p *page) inBrackets(list *ast.SequenceNode) bool {
	if list.End == nil {
		return false
	}
	end := place(list.End)
	last := p.before(end)
	at, comma := p.offset(end), ", "
	switch last.Type {
	case token.SequenceStartType:
		at, comma = p.offset(place(last))+1, ""
	case token.CollectEntryType:
		at, comma = p.offset(place(last))+1, " "
	case token.MappingEndType, token.SequenceEndType:
		at = p.offset(place(last)) + 1
	}
	if at < 1 || at > len(p.body) {
		return false
	}
	if n := len(list.Values); n > 0 && end.line > place(last).line && p.offset(end) != at {
		item := p.offset(place(list.Values[n-1].GetToken()))
		begin := p.start(place(last).line)
		if indent := item - begin; item >= begin && blank(p.body[begin:item]) {
			p.edits = append(p.edits, edit{from: at, to: at, gap: strings.TrimSpace(comma)})
			items := flowItems(p.sources, ","+p.eol+strings.Repeat(" ", indent))
			p.insertLines(place(last).line+1, "", strings.Repeat(" ", indent)+items+p.eol)
			return true
		}
	}
	p.edits = append(p.edits, edit{at, at, comma, flowItems(p.sources, ", ")})
	return true
}

// before is the token before a place, comments not counted.
func (p *page) before(at spot) *token.Token {
	var last *token.Token
	for _, t := range p.tokens {
		if place(t) == at {
			break
		}
		if t.Type != token.CommentType {
			last = t
		}
	}
	return last
}

// remove takes text out.
func (p *page) remove(from, to int) { p.edits = append(p.edits, edit{from: from, to: to}) }

// after is the line before which new items go: behind the line last and the comments
// that belong to the list, before those that introduce what follows it.
func (p *page) after(last, dash, end int) int {
	at := last + 1
	for n := last + 1; n < end; n++ {
		if blank(p.lines[n-1]) {
			continue
		}
		if !p.comment(n) || !belongs(string(p.lines[n-1]), dash) {
			break
		}
		at = n + 1
	}
	return at
}

// belongs says that a comment is one of a list with its dashes after so many spaces:
// it stands as far right as they, or is a line of the list with a # put before it.
func belongs(comment string, dash int) bool {
	indent := spacesBefore(comment)
	if indent >= max(dash, 1) {
		return true
	}
	off := strings.TrimPrefix(comment[indent:], "#")
	return spacesBefore(off) >= max(dash, 2) || strings.HasPrefix(strings.TrimLeft(off, " "), "- ")
}

// insertLines puts whole lines before the line at, and gap before them.
func (p *page) insertLines(at int, gap, lines string) {
	from := p.start(at)
	if from > 0 && p.body[from-1] != '\n' {
		gap = p.eol + gap // the last line has no end
	}
	p.edits = append(p.edits, edit{from, from, gap, lines})
}

// comment says that the line holds a comment and nothing else.
func (p *page) comment(line int) bool {
	return p.comments[line] && bytes.HasPrefix(bytes.TrimLeft(p.lines[line-1], " \t"), []byte("#"))
}

func blank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

func spacesBefore(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }

// spaces is how many spaces the text ends in.
func spaces(b []byte) int { return len(b) - len(bytes.TrimRight(b, " ")) }
