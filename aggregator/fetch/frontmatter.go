package fetch

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// frontMax bounds front matter, in bytes (hostile.md, Bounds).
const frontMax = 16 << 10

// A frontMatter is what a post says of itself, whatever format it said it in:
// keys in lower case, values string, []any or map[string]any, all leaves text.
type frontMatter struct {
	values map[string]any
	lines  map[string]int // the line of the file a key stands on, from 1
	line   int            // the line the block begins on
	pelican,
	found bool
}

// A postError is the trouble with one post: the line of the file, 0 for the
// whole file, and a sentence.
type postError struct {
	line int
	text string
}

func (e *postError) Error() string { return e.text }

func postErrorf(line int, format string, args ...any) *postError {
	return &postError{line: line, text: fmt.Sprintf(format, args...)}
}

// sentence is the trouble as a Problem: path:line: message.
func (e *postError) sentence(name string) string {
	if e.line > 0 {
		return fmt.Sprintf("%s:%d: %s", name, e.line, e.text)
	}
	return name + ": " + e.text
}

// frontText decodes a post: UTF-8, UTF-16 with or without a mark, else
// windows-1252, in which every byte means something (markdown.md 1). Line ends
// become \n, so that a line has the same number for everybody.
func frontText(data []byte) ([]byte, error) {
	var decode encoding.Encoding
	switch {
	case bytes.HasPrefix(data, []byte("\xEF\xBB\xBF")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xFF\xFE")), bytes.HasPrefix(data, []byte("\xFE\xFF")):
		decode = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case len(data) > 1 && data[0] != 0 && data[1] == 0:
		decode = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case len(data) > 1 && data[0] == 0 && data[1] != 0:
		decode = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	if decode == nil && !utf8.Valid(data) {
		decode = charmap.Windows1252
	}
	if decode != nil {
		var err error
		if data, err = decode.NewDecoder().Bytes(data); err != nil {
			return nil, err
		}
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n")), nil
}

// frontSplit parses the front matter of text and returns the body behind it. A
// post without front matter is all body.
func frontSplit(text []byte) (frontMatter, []byte, error) {
	start := 0 // blank lines before the block are forgiven
	for start < len(text) && strings.IndexByte(" \t\n", text[start]) >= 0 {
		start++
	}
	if start > 0 && text[start-1] != '\n' {
		return frontMatter{}, text, nil // indented: code, not front matter
	}
	rest := text[start:]
	first := 1 + bytes.Count(text[:start], []byte("\n"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	switch marker := string(bytes.TrimRight(line, " \t")); {
	case marker == "---":
		return frontFenced(rest, first, "---", frontYAML)
	case marker == "+++":
		return frontFenced(rest, first, "+++", frontTOML)
	case frontLooksJSON(rest):
		return frontJSON(rest, first)
	case frontLooksPelican(line):
		return frontPelican(rest, first)
	}
	return frontMatter{}, text, nil
}

// frontFenced cuts the block between two marker lines and has it parsed.
func frontFenced(rest []byte, first int, marker string, parse func([]byte, *frontMatter) error) (frontMatter, []byte, error) {
	_, rest, _ = bytes.Cut(rest, []byte("\n"))
	for pos := 0; pos < len(rest) && pos <= frontMax; {
		line, _, _ := bytes.Cut(rest[pos:], []byte("\n"))
		next := min(pos+len(line)+1, len(rest))
		if string(bytes.TrimRight(line, " \t")) != marker {
			pos = next
			continue
		}
		m := frontMatter{values: map[string]any{}, lines: map[string]int{}, line: first, found: true}
		if err := frontGuarded(rest[:pos], &m, parse); err != nil {
			return frontMatter{}, nil, err
		}
		return m, rest[next:], nil
	}
	if len(rest) > frontMax {
		return frontMatter{}, nil, postErrorf(first, "the front matter is not closed within %d KB; end it with a line %s, or shorten it", frontMax>>10, marker)
	}
	return frontMatter{}, nil, postErrorf(first, "the front matter is never closed; end it with a line %s", marker)
}

// frontGuarded keeps a parser's panic from taking the visit with it.
func frontGuarded(block []byte, m *frontMatter, parse func([]byte, *frontMatter) error) (err error) {
	if len(block) > frontMax {
		return postErrorf(m.line, "the front matter is over %d KB; shorten it", frontMax>>10)
	}
	defer func() {
		if r := recover(); r != nil {
			err = postErrorf(m.line, "the front matter cannot be read (%v); simplify it", r)
		}
	}()
	return parse(block, m)
}

// set stores the value of a key; the first of two spellings of a key counts.
func (m *frontMatter) set(key string, value any, line int) {
	key = strings.ToLower(strings.TrimSpace(key))
	if _, twice := m.values[key]; twice || value == nil {
		return
	}
	m.values[key], m.lines[key] = value, line
}

// text is the first of keys that holds text, on one line; "" for none.
func (m *frontMatter) text(keys ...string) string {
	for _, k := range keys {
		if s, ok := m.values[k].(string); ok && strings.TrimSpace(s) != "" {
			return strings.Join(strings.Fields(s), " ")
		}
	}
	return ""
}

// list is every text under keys, each once; with a separator among seps a
// single string is split there.
func (m *frontMatter) list(seps string, keys ...string) []string {
	var all []string
	add := func(s string) {
		if s = strings.Join(strings.Fields(s), " "); s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	for _, k := range keys {
		switch v := m.values[k].(type) {
		case string:
			for _, s := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(seps, r) }) {
				add(s)
			}
		case []any:
			for _, x := range v {
				if s, ok := x.(string); ok {
					add(s)
				}
			}
		}
	}
	return all
}

// bool is the truth of a key; absent is false.
func (m *frontMatter) bool(key string) (bool, error) {
	switch strings.ToLower(m.text(key)) {
	case "", "false", "no", "off", "0", "n":
		return false, nil
	case "true", "yes", "on", "1", "y":
		return true, nil
	}
	return false, postErrorf(m.lines[key], "%s: %q is neither true nor false", key, m.text(key))
}
