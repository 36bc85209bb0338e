package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// commentsOf are the comments of a configuration in their order.
func commentsOf(text []byte) []string {
	var list []string
	for _, t := range lexer.Tokenize(strings.ReplaceAll(string(text), "\r\n", "\n")) {
		if t.Type == token.CommentType {
			list = append(list, strings.TrimSpace(t.Value))
		}
	}
	return list
}

// within says that the lines of old are all in text, in their order.
func within(old, text []byte) bool {
	rest := slices.Collect(bytes.Lines(text))
	for line := range bytes.Lines(old) {
		i := slices.IndexFunc(rest, func(l []byte) bool { return bytes.Equal(bytes.TrimRight(l, "\r\n"), bytes.TrimRight(line, "\r\n")) })
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}

// Whatever configuration goes in: what comes out is one, with the old sources, the
// old comments, and the new source.
func FuzzAppend(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, "Rose: a #garden")
	}
	f.Add([]byte(Example), "C++")
	for _, list := range []string{
		"sources: []", "sources: ~ # c\n", "sources:\n- markdown: a\n# c\nentries: 3\n", "sources: [{markdown: a}, # c\n {opml: b}\n]", "sources: [\n {markdown: a},\n {markdown: b} # c\n ]\n",
		"sources:\r\n  - markdown: a\r\n\r\n# c\r\n", "sources:\n  -  markdown: |\n      a\n      # b\n  #c", "entries: 3\n...\n# c", "? sources\n: - markdown: a\n", "sources:\n # c\n  \n  # d",
	} {
		f.Add([]byte(minimal+list), "Rose")
	}
	f.Fuzz(func(t *testing.T, text []byte, title string) {
		title = strings.Join(strings.FieldsFunc(title, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }), "")
		if title = strings.TrimSpace(title); title == "" {
			title = "Rose"
		}
		before, err := Parse("orrery.yaml", text, environment)
		if err != nil {
			return
		}
		e, err := appendText(before, text, []Source{{Feed: "https://rose.example/feed.xml?a,b:c", Title: title, Categories: []string{"Red", title}}}, environment)
		if err != nil {
			if !errors.As(err, new(*AppendError)) {
				t.Fatalf("%v of\n%s", err, text)
			}
			return
		}
		after, err := Parse("orrery.yaml", e.new, environment)
		if err != nil || len(after.Sources) != len(before.Sources)+1 {
			t.Fatalf("%v in\n%s", err, e.new)
		}
		if s := after.Sources[len(before.Sources)]; s.Feed != "https://rose.example/feed.xml?a,b:c" || s.Title != title || s.Categories[1] != title {
			t.Errorf("the new source is %+v", s)
		}
		after.Sources = after.Sources[:len(before.Sources):len(before.Sources)]
		for i := range before.Sources { // a bracket that ends on another line moves nothing before it
			after.Sources[i].Line, after.Sources[i].Column = before.Sources[i].Line, before.Sources[i].Column
		}
		if len(before.Sources) > 0 && !reflect.DeepEqual(before, after) {
			t.Errorf("before %+v\nafter %+v", before, after)
		}
		if a, b := commentsOf(text), commentsOf(e.new); !slices.Equal(a, b) {
			t.Errorf("comments %q\nare now %q\n%s", a, b, e.new)
		}
		if !strings.Contains(string(e.new), e.Lines) || bytes.Count(e.new[:bytes.Index(e.new, []byte(e.Lines))], []byte("\n"))+1 > e.Line {
			t.Errorf("line %d is not where it says\n%s\nis in\n%s", e.Line, e.Lines, e.new)
		}
		if !bytes.ContainsAny(text, "[~") && !bytes.Contains(bytes.ToLower(text), []byte("null")) && !within(text, e.new) {
			t.Errorf("not every line is left of\n%s\nin\n%s", text, e.new)
		}
	})
}
