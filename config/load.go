package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a file may cost. The parser's time and memory grow with the square of
// the nesting and of the keys, so both are bounded before it runs.
const (
	maxFile   = 1 << 20 // bytes
	maxTokens = 100_000 // words and signs: some seven thousand sources
	maxDepth  = 50      // brackets in brackets
	maxColumn = 200     // of a key or a dash: each deeper level stands further right
	maxKey    = 1000    // bytes
)

// absentError names a configuration that is not there.
type absentError string

func (e absentError) Error() string {
	return fmt.Sprintf("there is no configuration file %s; run `orrery init` to write one, or name yours with -c", string(e))
}

func (e absentError) Unwrap() error { return fs.ErrNotExist }

// Load reads the file at path. getenv gives the value of an environment
// variable, "" for none. The error is an Errors when the file could be read but
// is wrong; errors.Is(err, fs.ErrNotExist) when there is no such file. more find
// what this package does not look for, in what could be read of the file, which may
// have mistakes: what they return is told with those.
func Load(path string, getenv func(string) string, more ...func(*Config) Errors) (*Config, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, absentError(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return read(path, data, getenv, more...)
}

// Parse is Load for the text of a file that is, or will be, at path. The error
// is an Errors, unless the working folder is unknown, which relative paths need.
func Parse(path string, data []byte, getenv func(string) string) (*Config, error) {
	return read(path, data, getenv)
}

func read(path string, data []byte, getenv func(string) string, more ...func(*Config) Errors) (*Config, error) {
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("find the folder of %s: %w", path, err)
	}
	l := &loader{file: path, folder: folder, getenv: getenv, at: map[any]mark{}}
	c := defaults(path)
	if body := l.parse(bytes.TrimPrefix(data, []byte("\uFEFF"))); body != nil && l.value(body, reflect.ValueOf(c).Elem(), "") {
		l.check(c)
		for _, find := range more {
			l.problems = append(l.problems, find(c)...)
		}
	}
	if len(l.problems) > 0 {
		l.problems.sort()
		return nil, l.problems
	}
	return c, nil
}

// loader reads one file.
type loader struct {
	file     string
	folder   string // absolute; relative paths start here
	getenv   func(string) string
	problems Errors
	// at says where the file gives a value, by the pointer to the field.
	at map[any]mark
}

// mark is where a value stands in the file.
type mark struct {
	key, value spot
	bad        bool // already reported, not to be judged again
}

// parse returns the document in data, nil when there is none to look into.
func (l *loader) parse(data []byte) ast.Node {
	if len(data) > maxFile {
		l.report(spot{}, "move sources into an OPML file", "the file is larger than 1 MiB")
		return nil
	}
	if !l.text(data) {
		return nil
	}
	// The lexer counts the end of a comment in a Windows file as two lines.
	tokens := lexer.Tokenize(strings.ReplaceAll(string(data), "\r\n", "\n"))
	if !l.tokens(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // they are reported with the rest
	if err != nil {
		l.syntax(err)
		return nil
	}
	for _, d := range file.Docs {
		if _, directive := d.Body.(*ast.DirectiveNode); d.Body != nil && !directive {
			return d.Body
		}
	}
	if len(l.problems) == 0 {
		l.report(spot{}, "run `orrery init` in an empty folder for a commented example", "the file is empty")
	}
	return nil
}

// text says whether data is text at all (YAML 1.2 §5.1).
func (l *loader) text(data []byte) bool {
	at := spot{1, 0}
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		i += n
		at.column++
		switch {
		case r == utf8.RuneError && n == 1:
			l.report(at, "save the file as UTF-8", "the file is not UTF-8 here")
			return false
		case r == '\n':
			at = spot{at.line + 1, 0}
		case r == '\r' && i < len(data) && data[i] == '\n':
		case r < ' ' && r != '\t', r == 0x7F:
			l.report(at, "remove it", "the file holds a control character (%U)", r)
			return false
		}
	}
	return true
}

// tokens looks for what the parser should not see, or would not tell about. It
// says whether parsing is safe.
func (l *loader) tokens(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		l.report(spot{}, "move sources into an OPML file", "the file has more than %d words and signs", maxTokens)
		return false
	}
	depth, directive, started, ended := 0, false, false, false
	var last *token.Token
	for _, t := range tokens {
		switch t.Type {
		case token.CommentType:
			continue
		case token.DirectiveType:
			directive = true // what follows, up to the header, belongs to it
		case token.DocumentHeaderType:
			ended, started, directive = ended || started, true, false
		case token.DocumentEndType:
			ended = true
		default:
			if ended {
				l.report(place(t), "a configuration is one document: take the line --- or ... before this out", "a second document begins here")
				return true
			}
			started = started || !directive
		}
		depth += nesting(t)
		if depth > maxDepth || tooDeep(t, last, depth) {
			l.report(place(t), "", "this is nested deeper than any key of a configuration")
			return false
		}
		l.refuse(t)
		last = t
	}
	return true
}

func nesting(t *token.Token) int {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		return 1
	case token.SequenceEndType, token.MappingEndType:
		return -1
	}
	return 0
}

// tooDeep bounds what block style can nest, and the length of keys, of which the
// parser keeps a copy for everything below them.
func tooDeep(t, before *token.Token, depth int) bool {
	switch t.Type {
	case token.SequenceEntryType, token.MappingKeyType:
		return t.Position.Column > maxColumn
	case token.MappingValueType:
		return before != nil && (len(before.Value) > maxKey || depth == 0 && before.Position.Column > maxColumn)
	}
	return false
}

// refuse reports YAML that a configuration has no use for. Aliases are how a
// small file becomes a large one.
func (l *loader) refuse(t *token.Token) {
	switch t.Type {
	case token.AnchorType, token.AliasType, token.MergeKeyType:
		l.report(place(t), "write the value out; put a text that begins with & or * in quotes", "anchors and aliases are not read in a configuration")
	case token.TagType:
		l.report(place(t), "take it out; put a text that begins with ! in quotes", "tags such as !!str are not read in a configuration")
	}
}

// syntax reports the parser's complaint.
func (l *loader) syntax(err error) {
	var s *yaml.SyntaxError
	if !errors.As(err, &s) || s.Token == nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		l.report(spot{}, "", "this is not YAML: %s", message)
		return
	}
	hint := ""
	for _, h := range []struct{ in, hint string }{
		{"reserved character", `put the value in quotes: "…"`},
		{"mapping value is not allowed", "put a value with a colon in quotes, and give keys of one mapping the same indentation"},
		{"value is not allowed in this context", "give keys of one mapping the same indentation"},
		{"tab character", "indent with spaces"},
		{"cannot start any token", "indent with spaces, not tabs"},
		{"must be specified", "put a value with braces, brackets or commas in quotes"},
		{"end character", "close the quotes"},
	} {
		if strings.Contains(s.Message, h.in) {
			hint = h.hint
			break
		}
	}
	message := strings.ReplaceAll(s.Message, "\t", "tab")
	l.report(place(s.Token), hint, "this is not YAML: %s", message)
}

func place(t *token.Token) spot {
	if t == nil || t.Position == nil {
		return spot{}
	}
	return spot{t.Position.Line, t.Position.Column}
}
