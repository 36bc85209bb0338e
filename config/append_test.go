package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// head is a valid beginning of a file without sources.
const head = "planet:\n  title: Garden\n  url: https://garden.example/\n"

var rose = Source{Feed: "https://rose.example/feed.xml"}

// added is text with the sources added.
func added(t *testing.T, text string, sources ...Source) string {
	t.Helper()
	e, err := tryAppend(text, sources...)
	if err != nil {
		t.Fatalf("nothing is added:\n%v\n%s", err, text)
	}
	return string(e.new)
}

func tryAppend(text string, sources ...Source) (*Edit, error) {
	before, err := parse(text)
	if err != nil {
		return nil, err
	}
	return appendText(before, []byte(text), sources, environment)
}

// In these tables > begins a line that comes in and < one that goes out; every other
// line is there before and after.
func TestNewSourceComesLastInTheList(t *testing.T) {
	for _, test := range []struct{ name, diff string }{
		{"dashes", "sources:\n  - feed: https://a.example/\n    title: A # its own\n>  - feed: https://rose.example/feed.xml\n"},
		{"before what follows", "sources:\n  - feed: https://a.example/\n>  - feed: https://rose.example/feed.xml\nentries: 3\n"},
		{"before what introduces what follows", "sources:\n  - feed: https://a.example/\n>  - feed: https://rose.example/feed.xml\n\n# How many.\n# Not too many.\nentries: 3\n"},
		{"behind comments of the list", "sources:\n  - feed: https://a.example/\n    # a comment of it\n#    title: A\n\n  # Another.\n#  - feed: https://b.example/\n# - feed: https://b.example/\n>  - feed: https://rose.example/feed.xml\n\n# How many.\nentries: 3\n"},
		{"no indentation", "sources:\n- feed: https://a.example/\n>- feed: https://rose.example/feed.xml\n# How many.\nentries: 3\n"},
		{"deep indentation", "sources:\n        -   feed: https://a.example/\n            title: A\n>        -   feed: https://rose.example/feed.xml\n"},
		{"dash alone", "sources:\n  -\n    feed: https://a.example/\n  - # a comment\n    feed: https://b.example/\n>  - feed: https://rose.example/feed.xml\n"},
		{"items in braces", "sources:\n  - {feed: https://a.example/}\n  - {feed: https://b.example/,\n     title: B} # b\n>  - feed: https://rose.example/feed.xml\n"},
		{"a text in lines", "sources:\n  - feed: https://a.example/\n    title: |\n      A\n      # no comment\n>  - feed: https://rose.example/feed.xml\n\n\n# How many.\nentries: 3\n"},
		{"no value", "sources:\n>  - feed: https://rose.example/feed.xml\nentries: 3\n"},
		{"no value, comments", "sources: # none yet\n  # soon\n#  - feed: https://a.example/\n>  - feed: https://rose.example/feed.xml\n\n# Categories\n#categories:\n#  - title: News\nentries: 3\n"},
		{"null", "<sources: ~ # none\n>sources: # none\n>  - feed: https://rose.example/feed.xml\nentries: 3\n"},
		{"empty brackets", "<sources: [] # none\n>sources: # none\n#  - feed: https://a.example/\n>  - feed: https://rose.example/feed.xml\nentries: 3\n"},
		{"empty brackets, at the end", "<sources: [ ]\n>sources:\n>  - feed: https://rose.example/feed.xml\n"},
		{"brackets with a comment", "<sources: [ # none\n>sources: [{feed: \"https://rose.example/feed.xml\"} # none\n  ]\n"},
		{"brackets", "<sources: [{feed: https://a.example/}, {markdown: b}] # two\n>sources: [{feed: https://a.example/}, {markdown: b}, {feed: \"https://rose.example/feed.xml\"}] # two\n"},
		{"a last comma", "<sources: [{feed: https://a.example/},]\n>sources: [{feed: https://a.example/}, {feed: \"https://rose.example/feed.xml\"}]\n"},
		{"brackets without braces", "<sources: [markdown: b]\n>sources: [markdown: b, {feed: \"https://rose.example/feed.xml\"}]\n"},
		{"brackets in lines", "sources: [\n  {feed: https://a.example/}, # a\n<  {feed: \"https://b.example/#ü\"} # b\n>  {feed: \"https://b.example/#ü\"}, # b\n>  {feed: \"https://rose.example/feed.xml\"}\n  # the end\n]\nentries: 3\n"},
		{"brackets in lines with a last comma", "sources: [\n  {markdown: b},\n>  {feed: \"https://rose.example/feed.xml\"}\n]\n"},
		{"no key", "entries: 3\n>\n>sources:\n>  - feed: https://rose.example/feed.xml\n"},
		{"no key, a comment", "entries: 3\n\n# the end\n\n>sources:\n>  - feed: https://rose.example/feed.xml\n"},
		{"no key, an end", "entries: 3\n>\n>sources:\n>  - feed: https://rose.example/feed.xml\n...\n# the end\n"},
		{"no key, a line of dashes", "entries: 3\n>\n>sources:\n>  - feed: https://rose.example/feed.xml\n---\n"},
		{"quoted key", "\"sources\":\n  - feed: https://a.example/\n>  - feed: https://rose.example/feed.xml\n"},
		{"tabs in comments", "sources:\t# here\n  - feed: https://a.example/\t#\tone\n  #\tlonely\n>  - feed: https://rose.example/feed.xml\n\nentries: 3\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after strings.Builder
			for line := range strings.Lines(head + test.diff) {
				switch line[0] {
				case '>':
					after.WriteString(line[1:])
				case '<':
					before.WriteString(line[1:])
				default:
					before.WriteString(line)
					after.WriteString(line)
				}
			}
			for name, ends := range map[string]func(string) string{
				"unix":             func(s string) string { return s },
				"windows":          func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
				"with a mark":      func(s string) string { return bom + s },
				"with a directive": func(s string) string { return "%YAML 1.2\n---\n" + s },
				"with a start":     func(s string) string { return "# us\n---\n" + s },
			} {
				if got, want := added(t, ends(before.String()), rose), ends(after.String()); got != want {
					t.Errorf("%s: got\n%q\nwant\n%q", name, got, want)
				}
			}
		})
	}
}

func TestFileWithoutALastLineEndGetsOne(t *testing.T) {
	for before, after := range map[string]string{
		"sources:\n  - markdown: a":         "sources:\n  - markdown: a\n  - feed: https://rose.example/feed.xml\n",
		"sources:\n  - markdown: a\n  ":     "sources:\n  - markdown: a\n  - feed: https://rose.example/feed.xml\n  ",
		"sources:\n  - markdown: a\n  # b":  "sources:\n  - markdown: a\n  # b\n  - feed: https://rose.example/feed.xml\n",
		"sources:":                          "sources:\n  - feed: https://rose.example/feed.xml\n",
		"sources: []":                       "sources:\n  - feed: https://rose.example/feed.xml\n",
		"sources: [{markdown: a}]":          "sources: [{markdown: a}, {feed: \"https://rose.example/feed.xml\"}]",
		"entries: 3":                        "entries: 3\n\nsources:\n  - feed: https://rose.example/feed.xml\n",
		"sources:\r\n  - markdown: a":       "sources:\r\n  - markdown: a\n  - feed: https://rose.example/feed.xml\n",
		"storage: |\n  sqlite:a.db\n\n\n  ": "storage: |\n  sqlite:a.db\n\n\n  \nsources:\n  - feed: https://rose.example/feed.xml\n",
	} {
		if got := added(t, head+before, rose); got != head+after {
			t.Errorf("got\n%q\nwant\n%q", got, head+after)
		}
	}
}

func TestIndentedFileStaysSo(t *testing.T) {
	in := "  planet: {title: Garden, url: \"https://garden.example/\"}\n"
	if got, want := added(t, in, rose), in+"\n  sources:\n    - feed: https://rose.example/feed.xml\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJSONStaysInBrackets(t *testing.T) {
	in := `{"planet": {"title": "Garden", "url": "https://garden.example/"}, "sources": [{"markdown": "a"}], "entries": 3}`
	want := strings.Replace(in, "}], ", `}, {feed: "https://rose.example/feed.xml"}], `, 1)
	if got := added(t, in, rose); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEverythingASourceSaysIsWritten(t *testing.T) {
	got := added(t, head+"sources:\n", Source{
		Feed: "https://rose.example/?a=1&b=${C}", Title: "Roses, red: \"all\"", Site: "https://rose.example/", Slug: "rose",
		Language: "no", Categories: []string{"Red Flowers", "C++", "yes", "a, b"}, Every: 49 * time.Hour,
	}, Source{Markdown: "../posts/x y", Title: "No", Permalink: "/:year/:title/", Every: 48 * time.Hour}, Source{OPML: "list.opml"})
	want := head + `sources:
  - feed: "https://rose.example/?a=1&b=$${C}"
    title: "Roses, red: \"all\""
    site: https://rose.example/
    slug: rose
    language: "no"
    categories: [Red Flowers, "C++", "yes", "a, b"]
    every: 49h
  - markdown: ../posts/x y
    title: "No"
    permalink: "/:year/:title/"
    every: 2d
  - opml: list.opml
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEveryTitleIsReadBackAsItWas(t *testing.T) {
	for _, title := range []string{
		"plain", "true", "Null", "~", "2001", "1e3", "0x10", ".5", ".inf", "- a", "-", "a: b", "a:", ":a", "a #b", "#a", "'a'", `"a"`, "it's", `\n`,
		"&a", "*a", "!a", "|", ">", "%a", "@a", "`a`", "[a]", "{a}", "a, b", "?", "? a", "$", "$$", "${HOME}", "$HOME", "a$${b}c$", "=", "<<", "---", "...",
		"ünïcödé", "Цветы", "日本語、花", "🌹", "a\u200bb", "\u202eabc", "a\u00a0b", "a\ufeffb", "a\tb", "\U0010FFFF", "x -- y", "a\\", "/", "//", "./a", "a b ", "0o7", "12:30", "2026-01-01", "a\u2028b", "y", "Off",
	} {
		e, err := tryAppend(head+"sources: []\n", Source{Feed: "https://a.example/", Title: strings.TrimSpace(title), Categories: []string{strings.TrimSpace(title)}})
		if err != nil {
			t.Errorf("%q: %v", title, err)
			continue
		}
		if s := e.Added[0]; s.Title != strings.TrimSpace(title) || s.Categories[0] != s.Title {
			t.Errorf("%q is read back as %q and %q", title, s.Title, s.Categories[0])
		}
	}
}

func TestEditSaysWhatItAdds(t *testing.T) {
	e, err := tryAppend(head+"sources:\n  - markdown: a\n\nentries: 3\n", rose, Source{Feed: "https://b.example/", Title: "Beds"})
	if err != nil {
		t.Fatal(err)
	}
	if e.Line != 6 || e.Lines != "  - feed: https://rose.example/feed.xml\n  - feed: https://b.example/\n    title: Beds\n" {
		t.Errorf("line %d:\n%s", e.Line, e.Lines)
	}
	if len(e.Added) != 2 || e.Added[0].Slug != "rose-example-feed-xml" || e.Added[1].Slug != "beds" || len(e.Config.Sources) != 3 {
		t.Errorf("added %+v", e.Added)
	}
	for in, line := range map[string]int{head + "entries: 3": 6, head + "entries: 3\n": 6, head + "sources: [{markdown: a}]\n": 4} {
		if e, err := tryAppend(in, rose); err != nil || e.Line != line {
			t.Errorf("%v: line %d of\n%s", err, e.Line, e.new)
		}
	}
}

func TestFileThatCannotBeAddedToIsRefusedWithTheLines(t *testing.T) {
	var many []Source
	for i := range 300 {
		many = append(many, Source{Feed: fmt.Sprintf("https://a.example/%d?%s", i, strings.Repeat("x", 4000))})
	}
	for _, test := range []struct {
		name, text string
		sources    []Source
		want       string
	}{
		{"all in braces", `{planet: {title: Garden, url: "https://garden.example/"}}`, []Source{rose}, "no line can be added to"},
		{"there already", head + "sources:\n  - feed: http://rose.example:80/feed.xml\n", []Source{rose}, "the same feed is already in line 5 (take one of them out)"},
		{"no address", head, []Source{{Feed: "rose"}}, "sources.feed is no web address"},
		{"takes a slug", head + "sources:\n  - feed: https://rose.example/\n", []Source{{Feed: "https://b.example/", Slug: "rose-example"}}, `the source "rose-example" in line 5 would lose its slug`},
		{"would be another", head, []Source{{Feed: "https://b.example/", Title: "a\nb "}}, "not be read as it was meant"},
		{"says more than can be written", head, []Source{{Feed: "https://b.example/", Keep: Match{Tags: []string{"a"}}}}, "not be read as it was meant"},
		{"too many", head, many, "move sources into an OPML file"},
	} {
		e, err := tryAppend(test.text, test.sources...)
		var refused *AppendError
		if !errors.As(err, &refused) || e != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if s := err.Error(); !strings.Contains(s, test.want) || strings.Contains(s, "\n  - feed: ") == (len(test.sources) > 99) {
			t.Errorf("%s: %s", test.name, s)
		}
	}
}

func TestFileThatIsWrongAlreadyStaysSo(t *testing.T) {
	for _, text := range []string{"", "planet: {title: Garden}\n", head + "sources: &a\n  - markdown: b\n", head + "sources: {}\n"} {
		if _, err := tryAppend(text, rose); !errors.As(err, new(Errors)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func write(t *testing.T, path, text string, mode fs.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSavedFileIsTheSameFileWithMore(t *testing.T) {
	dir := t.TempDir()
	real := write(t, filepath.Join(dir, "real.yaml"), head+"sources: []\n", 0o640)
	link := filepath.Join(dir, "orrery.yaml")
	if err := os.Symlink("real.yaml", link); err != nil {
		t.Fatal(err)
	}
	e, err := Append(link, []Source{{Markdown: "posts"}}, environment)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(real); string(got) != head+"sources: []\n" {
		t.Errorf("before Save it says\n%s", got)
	}
	if err := e.Save(); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(real); string(got) != head+"sources:\n  - markdown: posts\n" {
		t.Errorf("it says\n%s", got)
	}
	if i, err := os.Lstat(link); err != nil || i.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", i.Mode(), err)
	}
	if i, err := os.Stat(real); err != nil || i.Mode().Perm() != 0o640 {
		t.Errorf("the file is %v, %v", i.Mode(), err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("there are %v", left)
	}
	c, err := Load(link, environment)
	if err != nil || c.Sources[0].Markdown != filepath.Join(dir, "posts") {
		t.Errorf("%v, %v", c, err)
	}
}

func TestFileThatChangedMeanwhileIsLeftAlone(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "orrery.yaml"), head, 0o600)
	e, err := Append(path, []Source{rose}, environment)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, head+"# mine\n", 0o600)
	if err := e.Save(); err == nil || !strings.Contains(err.Error(), "somebody else") {
		t.Errorf("%v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != head+"# mine\n" {
		t.Errorf("it says\n%s", got)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("there are %v", left)
	}
}

func TestWhatIsNoFileIsNotAppendedTo(t *testing.T) {
	dir := t.TempDir()
	if _, err := Append(dir, []Source{rose}, environment); err == nil || !strings.Contains(err.Error(), "is no file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Append(filepath.Join(dir, "none.yaml"), []Source{rose}, environment); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "orrery init") {
		t.Errorf("nothing: %v", err)
	}
}

func TestExampleTakesASourceWhereAPersonWouldPutIt(t *testing.T) {
	got := added(t, Example, rose)
	want := strings.Replace(Example, "#  - opml: sources.opml\n", "#  - opml: sources.opml\n  - feed: https://rose.example/feed.xml\n", 1)
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestDurationsAreReadAsInTheFile(t *testing.T) {
	for s, want := range map[string]time.Duration{"2h": 2 * time.Hour, "1d12h": 36 * time.Hour, " 30m ": 30 * time.Minute} {
		if d, err := Duration(s); err != nil || d != want {
			t.Errorf("%q is %v, %v", s, d, err)
		}
	}
	for _, s := range []string{"", "5", "-1h", "soon", "9999d"} {
		if _, err := Duration(s); err == nil || !strings.Contains(err.Error(), "duration") {
			t.Errorf("%q: %v", s, err)
		}
	}
}
