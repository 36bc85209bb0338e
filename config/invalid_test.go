package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every invalid-*.yaml begins with the problems it is there for, one a line:
// "# want: LINE:COLUMN: message (hint)". The lines count, too.
func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid-*.yaml")
	if err != nil || len(files) < 21 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(text)) {
				if w, ok := strings.CutPrefix(line, "# want: "); ok {
					want = append(want, file+":"+strings.TrimSuffix(w, "\n"))
				}
			}
			c, err := Load(file, environment)
			problems, ok := errors.AsType[Errors](err)
			if !ok || c != nil {
				t.Fatalf("got %v, %v; want problems", c, err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// What the caller finds stands among the rest, at its place.
func TestMistakesThatTheCallerFindsAreToldWithTheOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orrery.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	find := func(c *Config) (problems Errors) {
		for _, s := range c.Sources {
			problems = append(problems, Problem{File: c.Path, Line: s.Line, Column: s.Column, Message: filepath.Base(s.Markdown) + " is missing"})
		}
		return problems
	}
	for _, c := range []struct{ text, want string }{
		{"planet: {title: G, url: \"https://g.example/\"}\nsources:\n  - markdown: a\n", ":3:5: a is missing"},
		{"planet: {url: \"https://g.example/\"}\nsources:\n  - markdown: a\nentires: 3\n",
			":1:1: planet.title is missing (add title: and the planet's name)\n:3:5: a is missing\n:4:1: unknown key \"entires\" (did you mean \"entries\"?)"},
		{"just words\n", ":1:1: the configuration wants keys of its own, not a text (write key: value below it, indented)"},
	} {
		write(c.text)
		got, err := Load(path, environment, find)
		if got != nil || err == nil || strings.ReplaceAll(err.Error(), path, "") != c.want {
			t.Errorf("got %v\n%v\nwant\n%s", got, err, c.want)
		}
	}
	write("planet: {title: G, url: \"https://g.example/\"}\n")
	if got, err := Load(path, environment, find); err != nil || got == nil {
		t.Errorf("nothing is wrong: %v", err)
	}
}

// Mistakes whose bytes make a poor file.
func TestWhatIsNoConfigurationIsRefusedInOneSentence(t *testing.T) {
	deep := func(s string, n int) string { return "planet: " + strings.Repeat(s, n) }
	for name, test := range map[string]struct{ text, place, message string }{
		"too large":            {strings.Repeat("# much\n", 200_000), "1:1", "larger than 1 MiB"},
		"too many keys":        {strings.Repeat("a: b\n", 100_000), "1:1", "more than 100000 words"},
		"brackets":             {deep("[", 50_000), "1:59", "nested deeper"},
		"braces":               {deep("{a: ", 10_000), "1:209", "nested deeper"},
		"dashes":               {strings.Repeat("- ", 10_000), "1:201", "nested deeper"},
		"questions":            {strings.Repeat("? ", 10_000), "1:201", "nested deeper"},
		"endless key":          {strings.Repeat("a", 100_000) + ":\n  - b\n", "", "nested deeper"},
		"not UTF-8":            {"planet:\n  title: caf\xe9\n", "2:13", "not UTF-8"},
		"control character":    {"planet:\n  title: a\x00b\n", "2:11", "control character (U+0000)"},
		"old Macintosh lines":  {"planet:\r  title: a\r", "1:8", "control character (U+000D)"},
		"document after dots":  {minimal + "...\nentries: 5\n", "3:1", "second document"},
		"header after content": {minimal + "---\nentries: 5\n", "3:1", "second document"},
		"two headers":          {"---\n---\nplanet: {}\n", "3:1", "second document"},
		"no bytes":             {"", "1:1", "the file is empty"},
		"only a header":        {"---\n", "1:1", "the file is empty"},
		"a word":               {"planet\n", "1:1", "wants keys of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(test.text)
			problems, ok := errors.AsType[Errors](err)
			if !ok || !strings.Contains(problems[0].Message, test.message) {
				t.Fatalf("got %.300v, want a problem with %q", err, test.message)
			}
			if place := strings.TrimPrefix(problems[0].String(), problems[0].File+":"); !strings.HasPrefix(place, test.place) {
				t.Errorf("the problem is at %.20s, want %s", place, test.place)
			}
		})
	}
}

func TestProblemHasItsPlaceWhateverStandsBefore(t *testing.T) {
	for _, before := range []string{
		"", "\n\n", "# comment\n\n  # indented\n", "\uFEFF", "---\n",
		minimal + "storage: |\n  sqlite:a\n\n", minimal + "storage: >-\n  sqlite:a\n  b\n\n\n", minimal + "storage: >+\n\n  sqlite:a\n\n\n",
		minimal + "storage: sqlite:a\n  b\n\n  c # comment\n", minimal + "storage: \"sqlite:a\n\n  \\\n  b\"\n", minimal + "storage: 'sqlite:''a\n\n  b'\n",
		minimal + "fetch: {timeout: 3s, # comment\n\n  per_host: 1,\n}\n", minimal + "fetch:\n  allow: [\n    \"127.0.0.1:1\",\n\n    # comment\n  ]\n",
		minimal + "fetch:   \n    timeout:   \n      3s   \n\n", minimal + "? storage\n: sqlite:a\n", minimal + "\"storage\": sqlite:é\u2028\n",
		minimal + "sources:\n-\n  feed: https://a.example/\n-\n\n  # comment\n  feed: https://b.example/\n",
	} {
		_, err := parse(before + "schedule: \"@daily\"   \nzzz: 1\nentries: # comment\n\n  é\n")
		problems, ok := errors.AsType[Errors](err)
		if !ok {
			t.Fatalf("got %v after %q", err, before)
		}
		line := strings.Count(before, "\n") + 2
		var got []spot
		for _, p := range problems {
			if strings.Contains(p.Message, "zzz") || strings.Contains(p.Message, "entries") {
				got = append(got, spot{p.Line, p.Column})
			}
		}
		if want := []spot{{line, 1}, {line + 3, 3}}; !slices.Equal(got, want) {
			t.Errorf("after %q: got %v, want %v:\n%v", before, got, want, err)
		}
	}
}

func TestWindowsLinesMoveNoProblem(t *testing.T) {
	text, err := os.ReadFile("testdata/invalid-everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, unix := parse(string(text))
	_, windows := parse(strings.ReplaceAll(string(text), "\n", "\r\n"))
	if unix == nil || windows == nil || unix.Error() != windows.Error() {
		t.Errorf("got\n%v\nwant\n%v", windows, unix)
	}
}

func TestAliasesNeverGrow(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x]\n")
	for i := 1; i < 30; i++ {
		n := string(rune('0'+i/10)) + string(rune('0'+i%10))
		b.WriteString("a" + n + ": &a" + n + " [*a0, *a0, *a0, *a0, *a0]\n")
	}
	_, err := parse(minimal + b.String())
	problems, ok := errors.AsType[Errors](err)
	if !ok || len(problems) != 30+30+29*5 { // keys, anchors, aliases
		t.Errorf("got %d problems", len(problems))
	}
}

// Thousands of slugs made from one title take seconds if each looks through all before.
func TestManySourcesOfOneTitleAreNamedInTurn(t *testing.T) {
	var b strings.Builder
	b.WriteString(minimal + "sources:\n")
	for i := range 7000 {
		fmt.Fprintf(&b, "  - feed: https://blog.example/%d\n    title: Same\n", i)
	}
	c := mustParse(t, b.String())
	if len(c.Sources) != 7000 || c.Sources[0].Slug != "same" || c.Sources[6999].Slug != "same-7000" {
		t.Errorf("got %d sources, the last is %s", len(c.Sources), c.Sources[len(c.Sources)-1].Slug)
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(Example))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("orrery.yaml", text, environment)
		if err == nil {
			if c == nil || c.Planet.Title == "" || !strings.HasSuffix(c.Planet.URL, "/") {
				t.Fatalf("a configuration without problems lacks its planet: %+v", c)
			}
			return
		}
		problems, ok := errors.AsType[Errors](err)
		if !ok || len(problems) == 0 || c != nil {
			t.Fatalf("got %v and %T %v", c, err, err)
		}
		lines := strings.Count(string(text), "\n") + 2
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Line > lines || p.Message == "" {
				t.Errorf("a problem has no place in %d lines: %s", lines, p)
			}
		}
	})
}
