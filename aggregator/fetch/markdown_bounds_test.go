package fetch

import (
	"fmt"
	"strings"
	"testing"

	"orrery/feeds"
)

// markdownHostile are posts that are quadratic or worse for the library alone.
var markdownHostile = map[string]func(n int) string{
	"quotations":           func(n int) string { return strings.Repeat(">", n) },
	"quotations spaced":    func(n int) string { return strings.Repeat("> ", n/2) },
	"list markers":         func(n int) string { return strings.Repeat("- ", n/2) },
	"numbered lists":       func(n int) string { return strings.Repeat("1. ", n/3) },
	"star list markers":    func(n int) string { return strings.Repeat("* ", n/2) },
	"nested notes":         func(n int) string { return strings.Repeat("[^a]: ", n/6) },
	"nested definitions":   func(n int) string { return "a\n" + strings.Repeat(": ", n/2) },
	"definitions":          func(n int) string { return strings.Repeat("a\n: b\n", n/6) },
	"definitions spaced":   func(n int) string { return strings.Repeat("a\n\n: b\n\n", n/8) },
	"notes":                func(n int) string { return many(n, "[^%[1]d]: a\n\nx[^%[1]d]\n\n") },
	"note references":      func(n int) string { return "[^a]: b\n\n" + strings.Repeat("[^a]", n/4) },
	"reference definition": func(n int) string { return many(n, "[a%[1]d]: b\n") },
	"broken definitions":   func(n int) string { return strings.Repeat("[a]: b \"\n", n/9) },
	"open definitions":     func(n int) string { return strings.Repeat("[a\n", n/3) },
	"open titles":          func(n int) string { return strings.Repeat("[a]: b '", n/8) },
	"long definition":      func(n int) string { return "[a]: /" + strings.Repeat("b", n/3) + "\n\n" + strings.Repeat("[a]", n/5) },
	"long titles": func(n int) string {
		return "[a]: b '" + strings.Repeat("c", n/3) + "'\n\n" + strings.Repeat("[a] ", n/6)
	},
	"open links":         func(n int) string { return strings.Repeat("[a](b", n/5) },
	"open pointy links":  func(n int) string { return strings.Repeat("[a](<b", n/6) },
	"open link titles":   func(n int) string { return strings.Repeat("[a](b (", n/7) },
	"open brackets":      func(n int) string { return strings.Repeat("[", n) },
	"open images":        func(n int) string { return strings.Repeat("![", n/2) },
	"bracket pairs":      func(n int) string { return strings.Repeat("[", n/2) + strings.Repeat("]", n/2) },
	"closers":            func(n int) string { return strings.Repeat("a]", n/2) },
	"openers":            func(n int) string { return strings.Repeat("[a", n/2) },
	"link closers":       func(n int) string { return strings.Repeat("[ a_", n/4) },
	"link in link":       func(n int) string { return strings.Repeat("[", n/6) + strings.Repeat("a](b)", n/7) },
	"paren mix":          func(n int) string { return strings.Repeat("[ (](", n/5) },
	"emphasis":           func(n int) string { return strings.Repeat("*a **a ", n/14) + "b" + strings.Repeat(" a** a*", n/14) },
	"emphasis openers":   func(n int) string { return strings.Repeat("_a ", n/3) },
	"emphasis closers":   func(n int) string { return strings.Repeat("a_ ", n/3) },
	"emphasis mixed":     func(n int) string { return strings.Repeat("*a_ ", n/4) },
	"emphasis threes":    func(n int) string { return "a**b" + strings.Repeat("c* ", n/3) },
	"emphasis run":       func(n int) string { return strings.Repeat("*", n/2) + "a" + strings.Repeat("*", n/2) },
	"strikes":            func(n int) string { return strings.Repeat("~~a ", n/4) },
	"code":               func(n int) string { return ticks(n) },
	"code openers":       func(n int) string { return strings.Repeat("`a``b", n/5) },
	"code lines":         func(n int) string { return strings.Repeat("`` a\n", n/5) },
	"comments":           func(n int) string { return "a " + strings.Repeat("<!--", n/4) },
	"instructions":       func(n int) string { return "a " + strings.Repeat("<?", n/2) },
	"declarations":       func(n int) string { return "a " + strings.Repeat("<!A ", n/4) },
	"sections":           func(n int) string { return "a " + strings.Repeat("<![CDATA[", n/9) },
	"tags":               func(n int) string { return "a " + strings.Repeat("<a ", n/3) },
	"tag attributes":     func(n int) string { return "a " + strings.Repeat("<a b=\"", n/6) },
	"tag newlines":       func(n int) string { return "a" + strings.Repeat(" <a\n", n/4) },
	"quotes":             func(n int) string { return strings.Repeat("\"a", n/2) },
	"single quotes":      func(n int) string { return strings.Repeat("'a ", n/3) },
	"single quote pairs": func(n int) string { return strings.Repeat("'a' ", n/4) },
	"colons":             func(n int) string { return strings.Repeat(":a", n/2) },
	"colon words":        func(n int) string { return strings.Repeat(" :aaaaaaaaaa", n/12) },
	"addresses":          func(n int) string { return strings.Repeat("http://a", n/8) },
	"addresses spaced":   func(n int) string { return strings.Repeat("www.a.b ", n/8) },
	"address parens":     func(n int) string { return "http://a.b/" + strings.Repeat(")", n) },
	"mail":               func(n int) string { return strings.Repeat("a@", n/2) },
	"mail dots":          func(n int) string { return strings.Repeat("a.", n/2) },
	"mail tries":         func(n int) string { return strings.Repeat("(a.a", n/4) },
	"backslashes":        func(n int) string { return strings.Repeat(`\`, n) },
	"entities":           func(n int) string { return strings.Repeat("&", n) },
	"entities open":      func(n int) string { return strings.Repeat("&#1", n/3) },
	"wide table":         func(n int) string { return row("a", 2000) + row("-", 2000) + strings.Repeat("|\n", n/3) },
	"narrow table":       func(n int) string { return row("a", 100) + row("-", 100) + strings.Repeat("|\n", n/3) },
	"table pipes":        func(n int) string { return row("a", 3) + row("-", 3) + strings.Repeat("|`\\|`|b\n", n/8) },
	"many tables":        func(n int) string { return strings.Repeat("|a|b|\n|-|-|\n\n", n/13) },
	"delimiter lines":    func(n int) string { return strings.Repeat("a|b\n-|-|-\n", n/10) },
	"deep lists":         func(n int) string { return stairs(n, " ") },
	"deep lists, then blank": func(n int) string {
		return stairs(n/3, " ") + strings.Repeat("\n", n/3) + "a"
	},
	"deep lists of tabs": func(n int) string { return stairs(n, "\t") },
	"blank quotations":   func(n int) string { return strings.Repeat(strings.Repeat(">", 90)+"\n", n/91) },
	"headings":           func(n int) string { return strings.Repeat("# a {#b}\n", n/9) },
	"heading attributes": func(n int) string { return "# a " + strings.Repeat("{", n) },
	"attribute lines":    func(n int) string { return strings.Repeat("# a {a=\"\n", n/9) },
	"setext":             func(n int) string { return strings.Repeat("a\n=\n", n/4) },
	"setext late":        func(n int) string { return strings.Repeat("a\n", n/2) + "===" },
	"fences":             func(n int) string { return strings.Repeat("```\n", n/4) },
	"html blocks":        func(n int) string { return strings.Repeat("<div>\n", n/6) },
	"thematic breaks":    func(n int) string { return strings.Repeat("* * *\n", n/6) },
	"dashes":             func(n int) string { return strings.Repeat("-", n) },
	"shortcodes":         func(n int) string { return strings.Repeat("{{<", n/3) },
	"shortcode quotes":   func(n int) string { return strings.Repeat("{{< a \"", n/7) },
	"shortcode words":    func(n int) string { return "{{< " + strings.Repeat("a ", n/2) },
	"shortcode comments": func(n int) string { return strings.Repeat("{{</*", n/5) },
	"highlights":         func(n int) string { return strings.Repeat("{{< highlight go >}}", n/20) },
	"highlights, closed": func(n int) string { return strings.Repeat("{{< highlight >}}{{< /highlight", n/31) },
	"captions":           func(n int) string { return strings.Repeat("[caption ]", n/10) },
	"captions, open":     func(n int) string { return strings.Repeat("[caption ", n/9) },
	"figures":            func(n int) string { return strings.Repeat(`{{< figure src="a" caption="[a](b" >}}`, n/38) },
	"more":               func(n int) string { return strings.Repeat("<!--more-->\n", n/12) },
	"more within":        func(n int) string { return "a " + strings.Repeat("<!--more-->", n/11) },
	"tasks":              func(n int) string { return strings.Repeat("- [ ] a\n", n/8) },
	"nul":                func(n int) string { return strings.Repeat("\x00", n) },
	"one long line":      func(n int) string { return strings.Repeat("word ", n/5) },
}

func many(n int, format string) string {
	var b strings.Builder
	for i := 0; b.Len() < n-len(format); i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func ticks(n int) string {
	var b strings.Builder
	for i := 1; b.Len() < n-i; i++ {
		b.WriteString("e" + strings.Repeat("`", i))
	}
	return b.String()
}

func row(cell string, columns int) string { return strings.Repeat("|"+cell, columns) + "|\n" }

func stairs(n int, step string) string {
	var b strings.Builder
	for i := 0; b.Len() < n-2*i-8; i++ {
		b.WriteString(strings.Repeat(step, 2*i) + "- a\n")
	}
	return b.String()
}

// TestHostilePostsAreReadOrRefused: what is refused says which bound it hit
// (hostile.md, Bounds). What each costs, BenchmarkHostilePosts says.
func TestHostilePostsAreReadOrRefused(t *testing.T) {
	for name, post := range markdownHostile {
		t.Run(name, func(t *testing.T) {
			sizes := []int{24_000, postMax}
			if testing.Short() { // the race detector makes the large ones twenty times as slow
				sizes = sizes[:1]
			}
			for _, size := range sizes {
				text := post(size)
				text = text[:min(len(text), postMax)]
				e, err := (&Folder{}).ReadPost("x.md", []byte(text), feeds.Source{Site: "https://example.org/"})
				if err != nil && (strings.Contains(err.Error(), "cannot be read") || len(err.Error()) > 200) {
					t.Errorf("no bound but an accident, or no sentence: %.300v", err)
				}
				if len(e.Content) > markdownLimit(len(text)) {
					t.Errorf("%d bytes of HTML from %d", len(e.Content), len(text))
				}
			}
		})
	}
}

// Every hostile post of 1 MB; the bound is 5 s of one core (hostile.md).
func BenchmarkHostilePosts(b *testing.B) {
	for name, post := range markdownHostile {
		b.Run(name, func(b *testing.B) {
			text := post(postMax)
			text = text[:min(len(text), postMax)]
			for b.Loop() {
				_, _ = (&Folder{}).ReadPost("x.md", []byte(text), feeds.Source{Site: "https://example.org/"}) // refused or not
			}
		})
	}
}

func TestPostsOverABoundSayWhichOne(t *testing.T) {
	for name, want := range map[string]string{
		"quotations":       "nested more than 100 deep",
		"deep lists":       "nested more than 100 deep",
		"open links":       "too long and has too many marks",
		"wide table":       "more than 128 columns",
		"narrow table":     "more than 100000 cells",
		"notes":            "more than 2000 footnotes",
		"definitions":      "more than 20000 lines begin a definition",
		"shortcodes":       "more than 5000 shortcodes",
		"entities":         "more than four times as long",
		"addresses spaced": "more than four times as long",
	} {
		_, err := (&Folder{}).ReadPost("x.md", []byte(markdownHostile[name](postMax)), feeds.Source{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	_, err := (&Folder{}).ReadPost("x.md", make([]byte, postMax+1), feeds.Source{})
	if err == nil || err.Error() != "x.md: the post is over 1024 KB; split it" {
		t.Error(err)
	}
	_, err = (&Folder{}).ReadPost("x.md", []byte("---\ntitle: "+strings.Repeat("x", frontMax)+"\n---\n"), feeds.Source{})
	if err == nil || !strings.HasPrefix(err.Error(), "x.md:1: the front matter is not closed within 16 KB") {
		t.Error(err)
	}
}

func TestLongReferencesAreRefusedBeforeTheyAreCopied(t *testing.T) {
	text := "[a]: /" + strings.Repeat("b", 100_000) + "\n\n" + strings.Repeat("[a]\n\n", 2000)
	_, err := (&Folder{}).ReadPost("x.md", []byte(text), feeds.Source{Site: "https://example.org/"})
	if err == nil || !strings.Contains(err.Error(), "its links are too long") {
		t.Error(err)
	}
}

func TestALongOrdinaryPostIsWithinEveryBound(t *testing.T) {
	section := "## Part\n\nSome *words* with [a link](/x \"t\"), `code` and \"quotes\".\n\n- [ ] one\n    - two\n        > three\n\n|a|b|\n|-|-|\n|1|2|\n\n"
	text := strings.Repeat(section, 700_000/len(section))
	e, err := (&Folder{}).ReadPost("x.md", []byte(text), feeds.Source{Site: "https://example.org/"})
	if err != nil || strings.Count(e.Content, "<table>") != strings.Count(text, "##") {
		t.Errorf("%v, %d tables", err, strings.Count(e.Content, "<table>"))
	}
}

func TestHostileFrontMatterIsReadOrRefusedInTime(t *testing.T) {
	for name, block := range map[string]string{
		"open lists":  strings.Repeat("[", 16000),
		"open maps":   strings.Repeat("{", 16000),
		"open keys":   strings.Repeat("a: ", 5000),
		"nested maps": strings.Repeat("{a: ", 4000),
		"stairs": func() string {
			s := ""
			for i := range 170 {
				s += strings.Repeat(" ", i) + "a:\n"
			}
			return s
		}(),
		"anchors":   strings.Repeat("&a ", 5000),
		"aliases":   "a: &a [" + strings.Repeat("*a,", 5000) + "]",
		"self":      "a: &a [*a]",
		"merge":     "a: &a\n  <<: *a",
		"quotes":    "a: " + strings.Repeat("'", 15999),
		"questions": strings.Repeat("? ", 8000),
		"tags":      "a: " + strings.Repeat("!!a ", 4000),
		"many keys": strings.Repeat("a: b\n", 3000),
		"dashes":    strings.Repeat("- ", 8000),
	} {
		t.Run(name, func(t *testing.T) {
			for _, marker := range []string{"---", "+++"} {
				e, err := (&Folder{}).ReadPost("x.md", []byte(marker+"\n"+block+"\n"+marker+"\nText.\n"), feeds.Source{})
				if (err == nil) != (e.Content == "<p>Text.</p>\n") || err != nil && !strings.HasPrefix(err.Error(), "x.md:") {
					t.Errorf("%s: %q, %.200v", marker, e.Content, err)
				}
			}
		})
	}
}
