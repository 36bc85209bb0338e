package feeds

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"orrery/feeds/feedstest"
)

func TestTermsAreWhatPeopleType(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"Hello, World!":                  "hello world",
		"don't l’homme":                  "don t l homme",
		strings.Repeat("a", 63) + "жb c": strings.Repeat("a", 63) + " c",
		"v1.2.3 3,14 x_y":                "v1 2 3 3 14 x y",
		"Crème Brûlée Ångström ŁÓDŹ":     "creme brulee angstrom lodz",
		"e\u0301te\u0301 \u00e9t\u00e9":  "ete ete",
		"Straße STRASSE STRAẞE":          "strasse strasse strasse",
		"smørrebrød Þórr œuvre İstanbul ısı": "smorrebrod thorr oeuvre istanbul isi",
		"Ёлка Йод ΟΔΥΣΣΕΥΣ Οδυσσεύς":         "елка иод οδυσσευσ οδυσσευσ",
		"שָׁלוֹם": "שלום",
		"مُحَمَّد أحمد إسلام آب مـــحمد": "محمد احمد اسلام اب محمد",
		"فارسی کتاب":                                     "فارسي كتاب",
		"किताब हिंदी":                                    "किताब हिंदी", // here marks are vowels
		"日本語のテスト":                                        "日 本 語 の テ ス ト",
		"ｶﾞﾗｽ か\u3099":                                   "ガ ラ ス が",
		"コーヒー":                                           "コ ー ヒ ー",
		"한국어를 \u1112\u1161\u11ab":                        "한 국 어 를 한",
		"ภาษาไทย ที่":                                    "ภ า ษ า ไ ท ย ท ี ่",
		"Go言語1.2":                                        "go 言 語 1 2",
		"soft\u00adhyphen zero\u200bwidth na\u200dme":    "softhyphen zerowidth name",
		"ﬁne Ｗｉｄｅ ½ x² ㎏":                                "fine wide 1 2 x2 kg",
		"C++ c++11 C# f#, i++ a+b g++":                   "c ＋＋ c ＋＋ 11 c ＃ f ＃ i ＋＋ a b g ＋＋",
		"c#5 issue #5 heading# + ++ # c+ + C＋＋":          "c 5 issue 5 heading c c ＋＋",
		"об’єкт обʼєкт":                                  "об єкт об єкт",
		"a" + strings.Repeat("b", 100) + " c":            "a" + strings.Repeat("b", 63) + " c",
		strings.Repeat("ж", 100) + "a c":                 strings.Repeat("ж", 32) + " c",
		"§c5 😀 <b> \x00\xff ok":                          "c5 b ok",
		"\u0301 e \u0301":                                "e",
		"one\u00a0two\u3000three\u2028four\tfive\r\nsix": "one two three four five six",
	} {
		if got := strings.Join(terms(text, 1000), " "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestEntryIsFoundByAllThatStandsOverIt(t *testing.T) {
	e := &Entry{
		Title: "The Title", Content: "<p>What <b>it</b> says</p><p>on</p><script>not</script>", Summary: "<p>In short</p>",
		Authors: []Person{{Name: "Ann Áuthor"}}, Tags: []Tag{{Term: "urn:x:1", Label: "Labelled"}, {Term: "termed"}},
		Categories: []CategoryName{{Slug: "c", Title: "Category"}, {Slug: "author/ann", Title: "Ann Áuthor"}, {Slug: "author/bob", Title: "Bob"}, {Slug: "language/en", Title: "en"}},
	}
	title, text := SearchText(e)
	if want := "the title ann author labelled termed category bob"; title != want {
		t.Errorf("over it: %q, want %q", title, want)
	}
	if want := "what it says on in short"; text != want {
		t.Errorf("it says: %q, want %q", text, want)
	}
	e.SummaryMade = true
	if _, text = SearchText(e); text != "what it says on" {
		t.Errorf("a summary of ours is found: %q", text)
	}
}

func TestWhatIsFoundOfAnEntryIsBounded(t *testing.T) {
	for name, body := range map[string]string{
		"many words": strings.Repeat("word ", 200_000), "long words": strings.Repeat(strings.Repeat("w", 70)+" ", 20_000),
		"signs": strings.Repeat("日", 300_000), "one word": strings.Repeat("w", 1<<20), "ligatures": strings.Repeat("\uFDFA ", 100_000),
	} {
		title, text := SearchText(&Entry{Title: body, Content: body})
		if n := len(strings.Fields(title)); n > maxTitleTerms || n == 0 || len(title) > maxTitleBytes {
			t.Errorf("%s: %d terms over it, %d bytes", name, n, len(title))
		}
		if n := len(strings.Fields(text)); n > maxTextTerms || n == 0 || len(text) > maxTextBytes {
			t.Errorf("%s: %d terms in it, %d bytes", name, n, len(text))
		}
	}
}

// lookedFor is a search with a bar between its parts, and a blank between words.
func lookedFor(s Search) string {
	var out []string
	for sign, list := range map[string][]Phrase{"": s.All, "-": s.None} {
		for _, p := range list {
			w := sign + strings.Join(p.Words, " ")
			if p.GoesOn {
				w += "*"
			}
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "|")
}

func TestSearchIsReadAsItIsMeant(t *testing.T) {
	for q, want := range map[string]string{
		"":                                      "",
		"  \t ":                                 "",
		"!!! ... ***":                           "",
		"Linux":                                 "linux",
		"linux  kernel linux":                   "kernel|linux",
		`"Open Source" linux`:                   "linux|open source",
		`“open source” «x y»`:                   "open source|x y",
		`"still typing`:                         "still typing",
		`a"b c"d`:                               "a|b c|d",
		`"" x`:                                  "x",
		"kern*":                                 "kern*",
		"ke*":                                   "ke", // half of all words begin so
		`"linux kern*" "the kern"*`:             "linux kern*|the kern*",
		"abc* def* ghi*":                        "abc*|def*|ghi",
		"*abc":                                  "abc",
		"linux -windows -\"mac os\"":            "-mac os|-windows|linux",
		"-windows":                              "-windows",
		"- windows":                             "windows",
		"--verbose":                             "verbose",
		"e-mail":                                "e mail",
		"don't":                                 "don t",
		"C++ C# .net":                           "c ＃|c ＋＋|net",
		"日本語":                                   "日 本 語",
		"日本*":                                   "日 本",
		"東京　大阪":                                 "大 阪|東 京",
		"crème":                                 "creme",
		"AND OR NOT NEAR(a b)":                  "and|b|near a|not|or",
		"title:x {a} ^b a:* col : y":            "a|b|col|title x|y",
		"a\x00b \xff\xfe c":                     "a b|c",
		strings.Repeat("a ", 200):               "a",
		"a b c d e f g h i j k l m n o p q r s": "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p",
	} {
		if got := lookedFor(ParseSearch(q)); got != want {
			t.Errorf("%q: got %q, want %q", q, got, want)
		}
	}
}

func TestSearchWithoutAWordThatMustBeThereIsEmpty(t *testing.T) {
	for q, want := range map[string]bool{"": true, "!": true, "-a": true, "a": false, "a -a": false} {
		if got := ParseSearch(q).Empty(); got != want {
			t.Errorf("%q: empty is %v", q, got)
		}
	}
}

// Whatever people type is a search within bounds, and is read again as what it was
// written from.
func FuzzParseSearch(f *testing.F) {
	for _, q := range []string{"", "a b", `"a b" -c d*`, "日本語", "c++ c#", `-"-`, "ß ﷺ ﬁ", "e\u0301", "\u3099か", "ที่", "\"a*\"*", "a\u200db", "İ", "क़ो", "ᄒ\u1161", strings.Repeat("a", 63) + "жb"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		s := ParseSearch(q)
		words := 0
		for _, p := range append(slices.Clone(s.All), s.None...) {
			if len(p.Words) == 0 {
				t.Errorf("%q has an empty phrase", q)
			}
			for _, w := range p.Words {
				words++
				if w == "" || len(w) > maxTerm || strings.ContainsAny(w, " '\"\\%_*:§\x00") || !utf8.ValidString(w) {
					t.Errorf("%q has the word %q", q, w)
				}
				for i := range len(w) {
					if c := w[i]; c < utf8.RuneSelf && (!isAlnum(c) || 'A' <= c && c <= 'Z') {
						t.Errorf("%q has the word %q", q, w)
					}
				}
			}
		}
		if words > maxSearchWords || len(s.All)+len(s.None) > maxSearchTerms || len(s.String()) > maxSearch {
			t.Errorf("%q: %d words in %d phrases, %d bytes", q, words, len(s.All)+len(s.None), len(s.String()))
		}
		if again := ParseSearch(s.String()); again.String() != s.String() {
			t.Errorf("%q is %q, and that %q", q, s.String(), again.String())
		}
		if title, _ := SearchText(&Entry{Title: q}); len(q) <= maxSearch && len(s.All) == 1 && len(s.None) == 0 && !strings.Contains(" "+title+" ", " "+strings.Join(s.All[0].Words, " ")) {
			t.Errorf("%q is not found in itself: %q", q, title)
		}
	})
}

// realEntries are those of the real feeds.
func realEntries(t testing.TB) (list []Entry) {
	t.Helper()
	err := filepath.WalkDir(feedstest.Data(t, "feeds"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if f, err := Read(body, "", "https://b.example/"); err == nil {
			Normalize(f, "https://b.example/")
			list = append(list, f.Entries...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func BenchmarkSearchText(b *testing.B) {
	list := realEntries(b)
	bytes := 0
	for i := range list {
		bytes += len(list[i].Content)
	}
	b.SetBytes(int64(bytes / len(list)))
	for n := 0; b.Loop(); n++ {
		SearchText(&list[n%len(list)])
	}
}
