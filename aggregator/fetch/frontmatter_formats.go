package fetch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	yamlparser "github.com/goccy/go-yaml/parser"
	"github.com/pelletier/go-toml/v2"
)

// frontYAML reads the lines between two ---. It walks the syntax tree itself:
// a scalar stays as the author wrote it (1.10 is not 1.1), keys keep their
// lines, and aliases are counted as they unfold, so that no bomb goes off.
func frontYAML(block []byte, m *frontMatter) error {
	if bracketsDeep(block) > frontBrackets {
		return postErrorf(m.line, "the front matter has more than %d brackets in brackets", frontBrackets)
	}
	file, err := yamlparser.ParseBytes(block, 0, yamlparser.AllowDuplicateMapKey())
	if err != nil {
		if again, ok := yamlparser.ParseBytes(frontQuoted(block), 0, yamlparser.AllowDuplicateMapKey()); ok == nil {
			file, err = again, nil
		}
	}
	if err != nil {
		var y yaml.Error
		if errors.As(err, &y) && y.GetToken() != nil {
			return postErrorf(m.line+y.GetToken().Position.Line, "the front matter is not valid YAML: %s; a value with a colon or a hash needs quotes", y.GetMessage())
		}
		return postErrorf(m.line, "the front matter is not valid YAML: %s", frontFirstLine(err.Error()))
	}
	w := frontWalker{anchors: map[string]ast.Node{}}
	for _, doc := range file.Docs {
		body := doc.Body
		switch body.(type) {
		case nil, *ast.NullNode, *ast.CommentGroupNode:
			continue
		}
		pairs, ok := w.pairs(body)
		if !ok {
			return postErrorf(m.line+1, "the front matter must be a list of `key: value` lines")
		}
		for _, p := range pairs {
			m.set(frontKey(p.Key), w.value(p.Value), m.line+p.Key.GetToken().Position.Line)
		}
	}
	if w.nodes > frontNodes {
		return postErrorf(m.line, "the front matter has more than %d values; shorten it", frontNodes)
	}
	return nil
}

// frontBrackets bounds lists in lists: what the parser takes for them grows with the
// square of their depth, to 400 MB for 16 KB.
const frontBrackets = 64

// bracketsDeep is how deep brackets are nested in a text at most.
func bracketsDeep(text []byte) int {
	depth, most := 0, 0
	for _, c := range text {
		switch c {
		case '[', '{':
			depth++
			most = max(most, depth)
		case ']', '}':
			depth = max(depth-1, 0)
		}
	}
	return most
}

// frontProse is a line of text that people write without the quotes YAML wants
// around a colon: `title: Easy XMPP: the challenge`. Hugo refuses it; old posts
// are full of it (markdown.md).
var frontProse = regexp.MustCompile(`(?mi)^((?:title|subtitle|summary|description):[ \t]+)([^"'\[{|>&*!\s].*?)[ \t]*$`)

// frontQuoted puts such text in quotes. Lines stay lines.
func frontQuoted(block []byte) []byte {
	return frontProse.ReplaceAllFunc(block, func(line []byte) []byte {
		parts := frontProse.FindSubmatch(line)
		return slices.Concat(parts[1], []byte("'"), bytes.ReplaceAll(parts[2], []byte("'"), []byte("''")), []byte("'"))
	})
}

// frontNodes bounds the values of one front matter, aliases unfolded.
const frontNodes = 5000

type frontWalker struct {
	anchors map[string]ast.Node
	nodes   int
	depth   int
}

func (w *frontWalker) pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func frontKey(k ast.MapKeyNode) string {
	if s, ok := k.(*ast.StringNode); ok {
		return s.Value
	}
	return k.GetToken().Value
}

// value is n as text, list or map; nil for null and for what is beyond a bound.
func (w *frontWalker) value(n ast.Node) any {
	const deep = 32
	if w.nodes++; w.nodes > frontNodes || w.depth > deep {
		return nil
	}
	w.depth++
	defer func() { w.depth-- }()
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return nil
	case *ast.AnchorNode:
		w.anchors[n.Name.GetToken().Value] = n.Value
		return w.value(n.Value)
	case *ast.AliasNode:
		return w.value(w.anchors[n.Value.GetToken().Value])
	case *ast.TagNode:
		return w.value(n.Value)
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.SequenceNode:
		list := make([]any, 0, len(n.Values))
		for _, x := range n.Values {
			list = append(list, w.value(x))
		}
		return list
	}
	if pairs, ok := w.pairs(n); ok {
		fields := map[string]any{}
		for _, p := range pairs {
			fields[strings.ToLower(frontKey(p.Key))] = w.value(p.Value)
		}
		return fields
	}
	return n.GetToken().Value
}

// frontTOML reads the lines between two +++.
func frontTOML(block []byte, m *frontMatter) error {
	var values map[string]any
	if err := toml.Unmarshal(block, &values); err != nil {
		var t *toml.DecodeError
		if errors.As(err, &t) {
			row, _ := t.Position()
			return postErrorf(m.line+row, "the front matter is not valid TOML: %s", strings.TrimPrefix(t.Error(), "toml: "))
		}
		return postErrorf(m.line, "the front matter is not valid TOML: %s", frontFirstLine(err.Error()))
	}
	for key, v := range values {
		m.set(key, frontPlain(v), m.line+frontLine(block, key))
	}
	return nil
}

// frontLooksJSON tells a JSON object from a post that begins with a shortcode.
func frontLooksJSON(rest []byte) bool {
	if len(rest) == 0 || rest[0] != '{' {
		return false
	}
	inner := bytes.TrimLeft(rest[1:], " \t\n")
	return len(inner) > 0 && (inner[0] == '"' || inner[0] == '}')
}

// frontJSON reads an object at the head of the file.
func frontJSON(rest []byte, first int) (frontMatter, []byte, error) {
	m := frontMatter{values: map[string]any{}, lines: map[string]int{}, line: first, found: true}
	block := rest[:min(len(rest), frontMax)]
	d := json.NewDecoder(bytes.NewReader(block))
	d.UseNumber()
	var values map[string]any
	if err := d.Decode(&values); err != nil {
		line := first + bytes.Count(block[:min(int(d.InputOffset()), len(block))], []byte("\n"))
		var s *json.SyntaxError
		if errors.As(err, &s) {
			line = first + bytes.Count(block[:min(int(s.Offset), len(block))], []byte("\n"))
		}
		if len(rest) > frontMax {
			return m, nil, postErrorf(first, "the front matter is broken or over %d KB; shorten it", frontMax>>10)
		}
		return m, nil, postErrorf(line, "the front matter is not valid JSON: %s", frontFirstLine(err.Error()))
	}
	end := int(d.InputOffset())
	for key, v := range values {
		m.set(key, frontPlain(v), first-1+frontLine(block[:end], key))
	}
	return m, rest[end:], nil
}

// frontPlain is a decoded value with text for leaves, as frontMatter holds it.
func frontPlain(v any) any {
	switch v := v.(type) {
	case nil, string:
		return v
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = frontPlain(v[i])
		}
		return list
	case map[string]any:
		fields := make(map[string]any, len(v))
		for k, x := range v {
			fields[strings.ToLower(k)] = frontPlain(x)
		}
		return fields
	case interface{ MarshalText() ([]byte, error) }: // TOML's dates
		if text, err := v.MarshalText(); err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(v)
}

// frontLine is the line of block, from 1, on which key is set; 1 when it is nowhere.
func frontLine(block []byte, key string) int {
	for i, line := range strings.Split(string(block), "\n") {
		line = strings.TrimLeft(line, " \t{,")
		for _, quote := range []string{"", `"`, "'"} {
			after, ok := strings.CutPrefix(line, quote+key+quote)
			if after = strings.TrimLeft(after, " \t"); ok && (strings.HasPrefix(after, ":") || strings.HasPrefix(after, "=")) {
				return i + 1
			}
		}
	}
	return 1
}

func frontFirstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// frontPelicanKeys begin a Pelican header; any other word with a colon is text.
var frontPelicanKeys = map[string]bool{
	"title": true, "date": true, "modified": true, "author": true, "authors": true, "slug": true, "category": true,
	"tags": true, "summary": true, "status": true, "lang": true, "url": true, "aliases": true,
}

func frontPelicanPair(line []byte) (key, value string, ok bool) {
	key, value, ok = strings.Cut(string(line), ":")
	if !ok || key == "" || strings.TrimLeft(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		return "", "", false
	}
	return strings.ToLower(key), strings.TrimSpace(value), true
}

func frontLooksPelican(line []byte) bool {
	key, _, ok := frontPelicanPair(line)
	return ok && frontPelicanKeys[key]
}

// frontPelican reads `Key: value` lines up to the first that is none; an
// indented line continues the value before it (Python-Markdown's meta data).
func frontPelican(rest []byte, first int) (frontMatter, []byte, error) {
	m := frontMatter{values: map[string]any{}, lines: map[string]int{}, line: first, found: true, pelican: true}
	last, size := "", 0
	for n := 0; len(rest) > 0; n++ {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		if size += len(line); size > frontMax {
			return m, nil, postErrorf(first, "the header is over %d KB; end it with a blank line", frontMax>>10)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return m, after, nil
		}
		key, value, ok := frontPelicanPair(line)
		if before, text := m.values[last].(string); !ok && text && (line[0] == ' ' || line[0] == '\t') {
			m.values[last] = before + " " + string(bytes.TrimSpace(line))
		} else if !ok {
			return m, rest, nil
		} else if value != "" {
			m.set(key, value, first+n)
			last = key
		}
		rest = after
	}
	return m, rest, nil
}
