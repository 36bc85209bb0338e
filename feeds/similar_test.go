package feeds

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"
)

// spelledWords are the words of a text without markup, read the slow way: character
// by character, part by part.
func spelledWords(text string) []string {
	var b strings.Builder
	for _, r := range text {
		for _, d := range norm.NFKD.String(string(r)) {
			switch {
			case unicode.In(d, unicode.Mn, unicode.Me, unicode.Cf):
			case d == 'ー' || unicode.In(d, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) &&
				(unicode.IsLetter(d) || unicode.IsNumber(d) || unicode.IsMark(d)):
				b.WriteString(" " + string(d) + " ")
			case unicode.IsLetter(d), unicode.IsNumber(d), unicode.IsMark(d):
				b.WriteRune(unicode.ToLower(d))
			default:
				b.WriteByte(' ')
			}
		}
	}
	return strings.Fields(b.String())
}

// hashesOf hashes words as they are, eight bytes after eight.
func hashesOf(words []string) []uint64 {
	var out []uint64
	for _, word := range words {
		h, left := uint64(0), []byte(word)
		for ; len(left) >= 8; left = left[8:] {
			h = mix(h^binary.LittleEndian.Uint64(left), salt0)
		}
		tail := binary.LittleEndian.Uint64(append(left, make([]byte, 8)...))
		out = append(out, mix(h^tail^salt3, salt1))
	}
	return out
}

func TestWordsAreThoseAReaderSees(t *testing.T) {
	for in, want := range map[string]string{
		"":                                        "",
		" ,.- <p> </p>":                           "",
		"One two,THREE-four 5":                    "one two three four 5",
		"<p>one</p><p>two</p>three":               "one two three",
		"one<br>two<hr>three":                     "one two three",
		"<ul><li>a</li><li>b</li></ul>":           "a b",
		"f<em>o</em>u<b>r</b> <code>f</code>ive":  "four five",
		"abcdefgh<i>ijklmnop</i>q":                "abcdefghijklmnopq",
		"un<wbr>breakable <SPAN>a</SPAN>b":        "unbreakable ab",
		"a<td>b<!-- c -->d<custom-tag>e":          "a bd e",
		`<a href="https://a.example/b">c</a>`:     "c",
		`a <img src="x" alt="A cat"> b`:           "a b a cat",
		`a<img alt="x">b <a TITLE='c'>d</a>`:      "a b d x c",
		`<img alt="x &amp; y"><img alt="">`:       "x y",
		`a<b title="x">c</b> d`:                   "ac d x",
		"don&#39;t, don't, don’t, don&rsquo;t":    "don t don t don t don t",
		"caf&eacute; caf&#233; café cafe\u0301":   "cafe cafe cafe cafe",
		"AT&T a&b R&amp;D &lt;x&gt; &amp;lt;":     "at t a b r d x lt",
		"a&nbsp;b&#160;c &notit; &unknown; &;&&#": "a b c it unknown",
		"&#65;&#x42;c &#x1D400; &#0; &#xD800;":    "abc a",
		"a < b <3":                                "a b 3",
		"never closed <a href='x":                 "never closed",
		"never closed &am":                        "never closed am",
		"soft\u00ADhy&shy;phen zero\u200Bwidth":   "softhyphen zerowidth",
		"ÄÖÜ Straße ŒUVRE İI ǅ Å":                 "aou straße œuvre ii dz a",
		"ﬁle x² ½ Ⅳ ①0 ｆｕｌｌ":                      "file x2 1 2 iv 10 full",
		"ПРИВЕТ, мир! Йод ёж":                     "привет мир иод еж",
		"Ωμέγα العَرَبِيَّة עִבְרִית":             "ωμεγα العربية עברית",
		"हिन्दी":                                  "हिनदी",
		"한국어 각":                                   "한국어 각",
		"日本語が、カタカナ。ｶﾞ":                            "日 本 語 か カ タ カ ナ カ",
		"コーヒーab日c":                                "コ ー ヒ ー ab 日 c",
		"ภาษาไทย":                                 "ภ า ษ า ไ ท ย",
		"𠀀𠀁x 👍 𝐀𝐁":                                "𠀀 𠀁 x ab",
		"a\xff\xfeb\x80 \xc3":                     "a b",
		"a\x00b\x1fc\x7fd":                        "a b c d",
		"1st 2nd abcdefg abcdefgh abcdefghi":      "1st 2nd abcdefg abcdefgh abcdefghi",
		"@[`{/:":                                  "",
		"abcdefghé abcdeféghi éabcdefgh":          "abcdefghe abcdefeghi eabcdefgh",
	} {
		var words []string // as they are written, but for Hangul, which is of letters
		for _, w := range strings.Fields(want) {
			words = append(words, norm.NFKD.String(w))
		}
		if got := wordHashes(in); !slices.Equal(got, hashesOf(words)) {
			t.Errorf("%q: %d words, want %q", in, len(got), want)
		}
	}
}

func TestEveryCharacterIsReadAsItsParts(t *testing.T) {
	for r := range rune(unicode.MaxRune + 1) {
		if r < 0x80 && strings.ContainsRune("<&", r) || r >= 0x20000 && r%61 != 0 { // one Han is read like another
			continue
		}
		text := "x" + string(r) + string(r) + "y"
		if want := spelledWords(text); !slices.Equal(wordHashes(text), hashesOf(want)) {
			t.Fatalf("%U %q: want the words %q", r, text, want)
		}
	}
}

// counted is a text of the words from to to.
func counted(from, to int) string {
	var words []string
	for i := from; i < to; i++ {
		words = append(words, fmt.Sprintf("word%d", i))
	}
	return strings.Join(words, " ")
}

func likenessOf(html string) Likeness { return LikenessOf(&Entry{Content: html}) }

func TestLikenessIsOfTheContentElseOfTheSummary(t *testing.T) {
	for _, test := range []struct {
		e    Entry
		want int
	}{
		{Entry{Content: "one two three four", Summary: "one two"}, 4},
		{Entry{Summary: "<p>one two</p>"}, 2},
		{Entry{Content: "one two three four", Summary: "one two", SummaryMade: true}, 4},
		{Entry{Title: "One two"}, 0},
	} {
		if got := LikenessOf(&test.e).Words; got != test.want {
			t.Errorf("%+v: %d words, want %d", test.e, got, test.want)
		}
	}
}

func TestLikenessIsASymmetricShare(t *testing.T) {
	texts := []string{"", "a", "a a", "b a", "a b", "a b c", "a b c d", "a b c a b c", "<p>c b a</p>", counted(0, 60), counted(30, 200), "日本語の文章"}
	for _, s := range texts {
		a := likenessOf(s)
		if got, same := a.Jaccard(a), a.Containment(a); a.Words > 0 && (got != 1 || same != 1) || a.Words == 0 && (got != 0 || same != 0) {
			t.Errorf("%q is %v like itself and %v in itself", s, got, same)
		}
		for _, u := range texts {
			b := likenessOf(u)
			j, c := a.Jaccard(b), a.Containment(b)
			if j != b.Jaccard(a) || c != b.Containment(a) || a.Near(b) != b.Near(a) || !(0 <= j && j <= c && c <= 1) {
				t.Errorf("%q and %q: %v, %v, the other way round %v, %v", s, u, j, c, b.Jaccard(a), b.Containment(a))
			}
			if s != u && j == 1 {
				t.Errorf("%q and %q are taken for the same", s, u)
			}
		}
	}
}

func TestJaccardAndContainmentCountShingles(t *testing.T) {
	for _, test := range []struct {
		a, b                 string
		jaccard, containment float64
	}{
		{counted(0, 102), counted(0, 52), .5, 1},                // 100 and 50 shingles
		{counted(0, 102), counted(50, 152), 50. / 150, .5},      // 50 in common
		{counted(0, 10), counted(20, 30), 0, 0},                 //
		{"a b c a b c a b c", "<i>A</i> b, c; a b", 1, 1},       // abc bca cab
		{"a b c d", "a b x d", 0, 0},                            // no three in a row
		{"one <img alt='x'> two three", "one two three", .5, 1}, // the picture does not come between
	} {
		a, b := likenessOf(test.a), likenessOf(test.b)
		if j, c := a.Jaccard(b), a.Containment(b); math.Abs(j-test.jaccard) > 1e-9 || math.Abs(c-test.containment) > 1e-9 {
			t.Errorf("%.20q and %.20q: %v and %v, want %v and %v", test.a, test.b, j, c, test.jaccard, test.containment)
		}
	}
}

func TestNearNeedsEnoughWordsAndEnoughInCommon(t *testing.T) {
	for _, test := range []struct {
		what, a, b string
		want       bool
	}{
		{"the same 48 words", counted(0, 48), counted(0, 48), true},
		{"the same 47 words", counted(0, 47), counted(0, 47), false},
		{"47 words of many", counted(0, 47), counted(0, 500), false},
		{"an excerpt", counted(100, 148), counted(0, 500), true},
		{"J = .80, C < .95", counted(0, 82) + " " + counted(1000, 1010), counted(0, 82) + " " + counted(2000, 2010), true},
		{"J < .80, C < .95", counted(0, 82) + " " + counted(1000, 1011), counted(0, 82) + " " + counted(2000, 2010), false},
		{"C = .95, J < .80", counted(0, 97) + " " + counted(1000, 1005), counted(0, 500), true},
		{"C < .95, J < .80", counted(0, 97) + " " + counted(1000, 1006), counted(0, 500), false},
		{"the same words in another order", counted(0, 60), counted(30, 60) + " x " + counted(0, 30), true},
		{"the same words the other way round", strings.Repeat("a b c d e f ", 10), strings.Repeat("f e d c b a ", 10), false},
		{"48 Japanese characters", strings.Repeat("日本語の文章です。", 6), "<p>" + strings.Repeat("日本語の文章です", 6), true},
	} {
		a, b := likenessOf(test.a), likenessOf(test.b)
		if got := a.Near(b); got != test.want {
			t.Errorf("%s: near is %v (J = %.3f, C = %.3f)", test.what, got, a.Jaccard(b), a.Containment(b))
		}
	}
}

func TestLikenessIsOfTheFirst64KB(t *testing.T) {
	long := strings.TrimSuffix(strings.Repeat("some seven words stand in this line. ", 3000)[:likenessHTML-1], " ") + " "
	a, b := likenessOf(long), likenessOf(long+counted(0, 1000))
	if a.Words < 10_000 || a.Words != b.Words || a.Jaccard(b) != 1 {
		t.Errorf("%d and %d words, Jaccard %v", a.Words, b.Words, a.Jaccard(b))
	}
	likenessOf(strings.Repeat("ä", likenessHTML)) // no bound is between two characters
}

func TestSketchIsOfTheSameTextTheSame(t *testing.T) {
	plain := counted(0, 700)
	marked := "<div><p>" + strings.ReplaceAll(strings.ToUpper(plain), " ", ",</p>\n<p><em>") + "</em>"
	for _, n := range []int{48, 49, 255, 256, 257, 511, 512, 513, 700} {
		a, b := SketchOf(&Entry{Content: counted(0, n)}), SketchOf(&Entry{Summary: "<p>" + counted(0, n) + "</p>"})
		if len(a) != sketchSize || !slices.Equal(a, b) || !slices.Equal(a, likenessOf(counted(0, n)).Sketch()) {
			t.Errorf("%d words: %x and %x", n, a, b)
		}
	}
	if a, b := SketchOf(&Entry{Content: plain}), SketchOf(&Entry{Content: marked}); !slices.Equal(a, b) {
		t.Errorf("markup changes the sketch")
	}
	for _, s := range []string{"", "a b c", counted(0, 47)} {
		if v, w := SketchOf(&Entry{Content: s}), likenessOf(s).Sketch(); v != nil || w != nil {
			t.Errorf("%q has a sketch: %x, %x", s, v, w)
		}
	}
}

func TestSketchOfAnExcerptHasTheBeginningOfItsWhole(t *testing.T) {
	whole := SketchOf(&Entry{Content: "<h1>" + counted(0, 50) + `</h1><img alt="a picture">` + counted(50, 2000)})
	excerpt := SketchOf(&Entry{Summary: counted(0, 48) + "…"})
	if !slices.Equal(whole[:2], excerpt[:2]) || slices.Equal(whole[2:], excerpt[2:]) {
		t.Errorf("%x and %x", whole, excerpt)
	}
}

func TestSketchOfNearTextsHasAValueInCommon(t *testing.T) {
	missed, pairs := 0, 0
	for i := range 300 {
		from := i * 1000
		a := SketchOf(&Entry{Content: counted(from, from+200)})
		for _, other := range []string{
			counted(from+10, from+200),                                               // the first words are gone
			counted(from-8, from) + " x " + counted(from, from+200),                  // a by-line
			counted(from, from+100) + " x " + counted(from+101, from+200),            // a word changed
			counted(from, from+90) + " " + counted(from+110, from+200),               // a sentence is gone
			counted(from, from+20) + " new words " + counted(from+20, from+190),      // two places
			counted(from+100, from+200) + " turned " + counted(from, from+100) + ".", // moved about
		} {
			pairs++
			b := SketchOf(&Entry{Content: other})
			if !slices.ContainsFunc(a, func(v uint64) bool { return slices.Contains(b, v) }) {
				missed++
			}
		}
		if b := SketchOf(&Entry{Content: counted(from+300, from+500)}); slices.ContainsFunc(a, func(v uint64) bool { return slices.Contains(b, v) }) {
			t.Errorf("other texts have a value in common")
		}
	}
	t.Logf("%d of %d missed", missed, pairs)
	if missed*100 > pairs {
		t.Errorf("%d of %d missed", missed, pairs)
	}
}

// Sketches are stored: another one of the same text would find none of them.
func TestSketchNeverChanges(t *testing.T) {
	e := Entry{Content: "<p>" + counted(0, 30) + ` <b>É</b>t&eacute; <i>Ünïcode</i> Привет 日本語 한국어 ¾ ﬁ</p><img alt="A picture">` + counted(30, 400)}
	want := []uint64{0x60b2cd07327ded30, 0xda308cb4528fa083, 0x7b9ed93ba6c133e4, 0x483ce1722c1c8b03}
	if got := SketchOf(&e); !slices.Equal(got, want) {
		t.Errorf("%#x, want %#x", got, want)
	}
}

func TestMaterialIsWhatAReaderNotices(t *testing.T) {
	old := Entry{
		Title: "A post", Permalink: "https://a.example/post/", Content: "<p>" + counted(0, 200) + "</p>",
		Enclosures: []Enclosure{{URL: "https://a.example/1.mp3", Length: 1}, {URL: "https://a.example/2.mp3"}},
	}
	short := old
	short.Content = "<p>It is <b>not</b> so late.</p>"
	for _, test := range []struct {
		what   string
		from   Entry
		change func(e *Entry)
		want   bool
	}{
		{"nothing", old, func(e *Entry) {}, false},
		{"another title", old, func(e *Entry) { e.Title = "A Post" }, true},
		{"white space in the title", old, func(e *Entry) { e.Title = " A \n post" }, false},
		{"another address", old, func(e *Entry) { e.Permalink = "https://a.example/other" }, true},
		{"another spelling of the address", old, func(e *Entry) { e.Permalink = "http://www.a.example/post?utm_source=x#y" }, false},
		{"no address any more", old, func(e *Entry) { e.Permalink = "" }, true},
		{"an enclosure more", old, func(e *Entry) { e.Enclosures = append(e.Enclosures, Enclosure{URL: "https://a.example/3.mp3"}) }, true},
		{"an enclosure less", old, func(e *Entry) { e.Enclosures = e.Enclosures[:1] }, true},
		{"another enclosure", old, func(e *Entry) { e.Enclosures[1].URL = "https://a.example/3.mp3" }, true},
		{"tracking in an enclosure", old, func(e *Entry) { e.Enclosures[0].URL += "?utm_source=rss" }, false},
		{"another length of it", old, func(e *Entry) { e.Enclosures[0].Length, e.Enclosures[0].Type = 2, "audio/mpeg" }, false},
		{"enclosures in another order", old, func(e *Entry) { slices.Reverse(e.Enclosures) }, false},
		{"markup", old, func(e *Entry) { e.Content = "<div><i>" + counted(0, 200) + "</i>.\n</div>" }, false},
		{"a link's tracking", old, func(e *Entry) { e.Content += `<a href="https://a.example/?utm_x=1"></a>` }, false},
		{"two words of 200", old, func(e *Entry) { e.Content = counted(2, 200) + " x y" }, false},
		{"three words of 200", old, func(e *Entry) { e.Content = counted(3, 200) + " x y z" }, true},
		{"words said again and again", old, func(e *Entry) { e.Content += strings.Repeat(" word0", 10) }, true},
		{"no text any more", old, func(e *Entry) { e.Content = "" }, true},
		{"all of what was an excerpt", old, func(e *Entry) { e.Content += counted(200, 500) }, true},
		{"the end of a long text", old, func(e *Entry) { e.Content = counted(0, 8000) + strings.Repeat(" end", 500) }, true},
		{"a word of a few", short, func(e *Entry) { e.Content = "<p>It is <b>so</b> so late.</p>" }, true},
		{"a word less of a few", short, func(e *Entry) { e.Content = "<p>It is so late.</p>" }, true},
		{"the order of a few", short, func(e *Entry) { e.Content = "<p>So late it is not.</p>" }, true},
		{"markup of a few", short, func(e *Entry) { e.Content = "<div>IT is <i>not</i> so late! </div>" }, false},
		{"tags, authors, dates, a summary", old, func(e *Entry) { e.Tags, e.Authors, e.Summary = []Tag{{Term: "x"}}, []Person{{Name: "Ann"}}, "y" }, false},
	} {
		from, to := test.from, test.from
		to.Enclosures = slices.Clone(from.Enclosures)
		test.change(&to)
		if got := Material(&from, &to); got != test.want {
			t.Errorf("%s: material is %v", test.what, got)
		}
		if got := Material(&to, &from); got != test.want {
			t.Errorf("%s, the other way round: material is %v", test.what, got)
		}
	}
	bare := Entry{Title: "A"}
	if Material(&bare, &Entry{Title: "A"}) {
		t.Error("an entry without text differs from itself")
	}
	a := counted(0, 8000)
	if !Material(&Entry{Content: a}, &Entry{Content: a + counted(9000, 9200)}) {
		t.Error("what is changed beyond 64 KB is not seen")
	}
}

// A min-hash of two sets is the same as often as their Jaccard says, and no oftener
// when another one is.
func TestMinHashesAreTheSameAsOftenAsTextsAreAlike(t *testing.T) {
	const rounds = 2000
	for _, other := range []int{4, 15, 40} { // words in front
		var same, both [sketchSize]float64
		for i := range rounds {
			from := 1000 * i // other words every time
			text := counted(from, from+98)
			a := SketchOf(&Entry{Content: counted(from+300, from+300+other) + " " + text})
			b := SketchOf(&Entry{Content: counted(from+600, from+600+other) + " " + text})
			for k := range same {
				if a[k] == b[k] {
					same[k]++
				}
				if a[k] == b[k] && a[k^1] == b[k^1] {
					both[k]++
				}
			}
		}
		lead, whole := float64(46-other)/float64(46+other), 96/float64(96+2*other)
		for k, j := range [sketchSize]float64{lead, lead, whole, whole} {
			for what, c := range map[string][2]float64{"is the same": {same[k], j}, "is so as another is": {both[k], j * j}} {
				if got, want := c[0]/rounds, c[1]; math.Abs(got-want) > 4*math.Sqrt(want*(1-want)/rounds) {
					t.Errorf("%d other words: value %d %s in %.3f, want %.3f", other, k, what, got, want)
				}
			}
		}
	}
}

// However a text is marked up, nothing panics and all ways to compare it agree.
func FuzzLikeness(f *testing.F) {
	f.Add("<p>one two", "one&nbsp;two <img alt='three'>")
	f.Add(counted(0, 60), "<b>"+counted(0, 60)+"</b")
	f.Add("abcdefgh<i>é&eacute;&#x301;ijklmnop</i>&notit;&&#;", "日本語ー ｶﾞ\u00AD한국어 ½ \xff<")
	f.Add(strings.Repeat("a&#39;b <a title=\"c\">d", 100), strings.Repeat("a 'b d", 100)+strings.Repeat(" c", 100))
	f.Fuzz(func(t *testing.T, x, y string) {
		e, g := &Entry{Content: x}, &Entry{Content: y}
		a, b := LikenessOf(e), LikenessOf(g)
		if !slices.Equal(SketchOf(e), a.Sketch()) || !slices.Equal(SketchOf(g), b.Sketch()) {
			t.Errorf("%q, %q: the sketches differ", x, y)
		}
		j, c := a.Jaccard(b), a.Containment(b)
		if j != b.Jaccard(a) || c != b.Containment(a) || a.Near(b) != b.Near(a) || Material(e, g) != Material(g, e) {
			t.Errorf("%q and %q are not as near the other way round", x, y)
		}
		if !(0 <= j && j <= c && c <= 1) || a.Words > 0 && a.Jaccard(a) != 1 || Material(e, e) {
			t.Errorf("%q and %q: %v, %v", x, y, j, c)
		}
		for _, s := range []string{x, y} {
			if plain := strings.ReplaceAll(s, "<", " "); !slices.Equal(wordHashes(plain), hashesOf(spelledWords(html.UnescapeString(plain)))) {
				t.Errorf("%q: want the words %q", plain, spelledWords(html.UnescapeString(plain)))
			}
		}
	})
}
