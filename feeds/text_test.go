package feeds

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// table runs f over inputs and their wanted outputs.
func table(t *testing.T, name string, f func(string) string, tests map[string]string) {
	t.Helper()
	for in, want := range tests {
		if got := f(in); got != want {
			t.Errorf("%s(%q) = %q, want %q", name, in, got, want)
		}
	}
}

func TestPlainTextIsWhatAReaderSees(t *testing.T) {
	table(t, "PlainText", PlainText, map[string]string{
		"":                                   "",
		" a \n b\t":                          "a b",
		"<p>a</p><p>b</p>":                   "a b",
		"a<br>b":                             "a b",
		"<b>a</b>b <i>c</i>":                 "ab c",
		"a &lt;b&gt; &amp; c":                "a <b> & c",
		"AT&T":                               "AT&T",
		"a < b":                              "a < b",
		"a<script>alert(1)</script>b":        "ab",
		"a<style>x{}</style>b":               "ab",
		"a<script>if (a</b>) x</script>b":    "ab",
		"a<!-- c -->b":                       "ab",
		"a<img alt=x>b":                      "a b",
		"<ul><li>a<li>b</ul>":                "a b",
		"a\x00b\x0bc":                        "abc",
		"caf&eacute;&nbsp;x":                 "café\u00A0x",
		"<p>never closed <a href='":          "never closed",
		"<table><tr><td>a</td><td>b</table>": "a b",
	})
}

func TestExcerptEndsAtAWord(t *testing.T) {
	tests := []struct {
		in   string
		n    int
		want string
	}{
		{"<p>short</p>", 20, "short"},
		{"one two three", 13, "one two three"},
		{"one two three", 12, "one two…"},
		{"one two, three", 12, "one two…"},
		{"onetwothreefour", 10, "onetwot…"},
		{"äöüäöü", 8, "äö…"},
		{"anything", 1, "…"},
		{"anything", -5, "…"},
		{"", 10, ""},
	}
	for _, test := range tests {
		if got := Excerpt(test.in, test.n); got != test.want {
			t.Errorf("Excerpt(%q, %d) = %q, want %q", test.in, test.n, got, test.want)
		}
	}
	long := Excerpt("<p>"+strings.Repeat("日本 ", 100_000), 500)
	if len(long) > 500 || !utf8.ValidString(long) || !strings.HasSuffix(long, "…") {
		t.Errorf("%d bytes: %q", len(long), long)
	}
}

func TestSlugIsFitForAnAddress(t *testing.T) {
	table(t, "Slug", Slug, map[string]string{
		"XMPP Summit":             "xmpp-summit",
		"  --A_b.c/d--  ":         "a-b-c-d",
		"Café Müller":             "cafe-muller",
		"İstanbul":                "istanbul",
		"Straße":                  "straße",
		"Привет мир":              "привет-мир",
		"日本語":                     "日本語",
		"й":                       "й",
		"हिन्दी":                  "हिन्दी",
		"C++":                     "c",
		"../../etc/passwd":        "etc-passwd",
		"…!?":                     "",
		"":                        "",
		strings.Repeat("ab ", 40): strings.Repeat("ab-", 26) + "a",
	})
	for _, s := range []string{"XMPP Summit", "Café", strings.Repeat("日", 99), "हिन्दी", "a\u0301\u0302b"} {
		got := Slug(s)
		if again := Slug(got); again != got || len(got) > 80 || !utf8.ValidString(got) {
			t.Errorf("Slug(%q) = %q, again %q", s, got, again)
		}
	}
}

func TestFoldTagForgetsHowATagIsSpelt(t *testing.T) {
	for _, same := range [][]string{
		{"XMPP Summit", "xmpp-summit", "xmpp_summit", "XmppSummit", " xmpp‑summit\n"},
		{"Café", "cafe", "CAFE\u0301"},
		{"Ünïcode", "unicode"},
		{"ﬁle", "file"},
	} {
		for _, s := range same[1:] {
			if FoldTag(s) != FoldTag(same[0]) {
				t.Errorf("%q and %q fold to %q and %q", s, same[0], FoldTag(s), FoldTag(same[0]))
			}
		}
	}
	for _, other := range [][2]string{{"C", "C++"}, {"a.b", "ab"}, {"Go", "Gó!"}} {
		if FoldTag(other[0]) == FoldTag(other[1]) {
			t.Errorf("%q and %q are taken for the same", other[0], other[1])
		}
	}
}

func TestResolveKeepsOnlyAllowedAddresses(t *testing.T) {
	const base = "https://b.example/dir/post?x=1"
	table(t, "Resolve", func(s string) string { return Resolve(base, s, "http", "https", "mailto") }, map[string]string{
		"two":                          "https://b.example/dir/two",
		"../x":                         "https://b.example/x",
		"/x":                           "https://b.example/x",
		"?y":                           "https://b.example/dir/post?y",
		"#f":                           "https://b.example/dir/post?x=1#f",
		"//c.example/x":                "https://c.example/x",
		"HTTP://C.example/x":           "http://C.example/x",
		"  https://c.example/ \n":      "https://c.example/",
		"https://c.example/a\nb\tc":    "https://c.example/abc",
		"https://c.example/a b%zz":     "https://c.example/a%20b%25zz",
		"https://c.example/ä":          "https://c.example/%C3%A4",
		"mailto:a@b.example":           "mailto:a@b.example",
		"javascript:alert(1)":          "",
		"java\tscript:alert(1)":        "",
		"data:text/html,x":             "",
		"ftp://c.example/":             "",
		"https:///path":                "",
		"https://":                     "",
		"http://[::1/":                 "",
		"":                             "",
		strings.Repeat("x", 5000):      "",
		strings.Repeat("\u00e4", 2000): "", // too long once it is encoded
	})
	for _, base := range []string{"", "mailto:x@y", "not a base", "://"} {
		if got := Resolve(base, "x", "http", "https"); got != "" {
			t.Errorf("against %q: %q", base, got)
		}
	}
}

func TestLanguageIsCanonical(t *testing.T) {
	table(t, "Language", Language, map[string]string{
		"en": "en", "EN_us": "en-US", " de-DE ": "de-DE", "pt_BR": "pt-BR", "zh-hans-cn": "zh-Hans-CN",
		"": "", "und": "", "english": "", "x": "", "e": "", "en; q=1": "", strings.Repeat("a-", 30): "", "<b>": "",
	})
}

// Eight bytes are looked at together, so every character stands at every place.
func TestCleanIsWhatXMLAllows(t *testing.T) {
	for _, r := range []rune{0, 1, 8, '\t', '\n', 0xB, '\r', 0x1F, ' ', '~', 0x7F, 0x80, 0xA0, 0xE000, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFE} {
		for before := range 10 {
			for after := range 10 {
				s := strings.Repeat("a", before) + string(r) + strings.Repeat("ü", after)
				if got := isClean(s); got != validXML(r) {
					t.Errorf("isClean(%q) = %v", s, got)
				}
			}
		}
	}
}

func TestTextIsReadOnlyAsFarAsItIsWanted(t *testing.T) {
	const fragment = "<p>One  two</p> <p>three &amp;\u00a0 four</p><script>x</script><b>five</b>"
	whole := PlainText(fragment)
	for n := range len(fragment) {
		got := TextUpTo(fragment, n)
		if !strings.HasPrefix(whole, got) {
			t.Errorf("%d: %q does not begin %q", n, got, whole)
		}
		if seen := len(strings.Join(strings.Fields(got), "")); got != whole && seen <= n {
			t.Errorf("%d: %q is less than was wanted", n, got)
		}
	}
}
