package feeds

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// bracketed is a text with brackets around what was found.
func bracketed(list []Passage) string {
	var b strings.Builder
	for _, p := range list {
		if p.Found {
			b.WriteString("[" + p.Text + "]")
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func TestWhatIsFoundIsMarked(t *testing.T) {
	for _, c := range []struct{ search, text, want string }{
		{"linux", "GNU/Linux, linux and linuxes", "GNU/[Linux], [linux] and linuxes"},
		{"linux*", "linuxes", "[linuxes]"},
		{`"open source"`, "Open, source; the source is open", "[Open, source]; the source is open"},
		{"creme", "Crème cre\u0301me", "[Crème] [cre\u0301me]"},
		{"strasse", "Straße", "[Straße]"},
		{"東京", "日本の東京で", "日本の[東京]で"},
		{"ガラス", "ｶﾞﾗｽ", "[ｶﾞﾗｽ]"},
		{"c++ c#", "C++, C# and C", "[C++], [C#] and C"},
		{"C＃", "c＃!", "[c＃]!"},
		{"fine", "a ﬁne day", "a [ﬁne] day"},
		{`"a b" "b c"`, "a b c", "[a b] c"},
		{"a -b", "a b", "[a] b"},
		{"absent", "nothing", "nothing"},
		{"x", "", ""},
	} {
		if got := bracketed(ParseSearch(c.search).Marked(c.text)); got != c.want {
			t.Errorf("%q in %q: got %q, want %q", c.search, c.text, got, c.want)
		}
	}
}

func TestSnippetIsWhereMostStandsTogether(t *testing.T) {
	text := "alpha " + strings.Repeat("filler ", 40) + "here are alpha and beta together " + strings.Repeat("words ", 40)
	got := bracketed(ParseSearch("alpha beta").Snippet(text, 80))
	if want := "…filler filler here are [alpha] and [beta] together words words words words words…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := bracketed(ParseSearch("short").Snippet("A short one", 80)); got != "A [short] one" {
		t.Errorf("got %q", got)
	}
	if got := ParseSearch("absent").Snippet(text, 80); got != nil {
		t.Errorf("got %q", bracketed(got))
	}
}

// Whatever the text, its passages are the text, and a snippet is a part of it.
func FuzzMarked(f *testing.F) {
	for _, text := range []string{"a b c", "Straße ｶﾞﾗｽ", "日本語", "c# c++", "e\u0301\u0301\u0301 x", "\xff\xfe a", "ที่ ᄒ\u1161"} {
		f.Add("a", text)
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, q, text string) {
		if !utf8.ValidString(text) || len(text) > 10_000 {
			return
		}
		s := ParseSearch(q)
		var b strings.Builder
		for _, p := range s.Marked(text) {
			b.WriteString(p.Text)
		}
		if b.String() != text {
			t.Errorf("%q became %q", text, b.String())
		}
		words, spans := locate(text)
		if len(words) != len(spans) {
			t.Fatalf("%q has %d words in %d places", text, len(words), len(spans))
		}
		if got, want := strings.Join(words, " "), strings.Join(terms(text, maxTextTerms), " "); got != want {
			t.Errorf("%q is %q by its places, and else %q", text, got, want)
		}
		found := false
		for _, p := range s.Snippet(text, 50) {
			found = found || p.Found
			if !utf8.ValidString(p.Text) || p.Text == "" || p.Text != "…" && !strings.Contains(text, p.Text) {
				t.Errorf("%q has the passage %q", text, p.Text)
			}
		}
		if _, body := SearchText(&Entry{Summary: escapeHTML(text)}); found && body == "" {
			t.Errorf("%q is in %q, and has no words", q, text)
		}
	})
}
