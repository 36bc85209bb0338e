package site

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestWordsAreWhatStandsBetweenBlanksOrIsWrittenWithout(t *testing.T) {
	for s, want := range map[string][]string{
		"":                        nil,
		"   ":                     nil,
		" one  two, three.\u00a0": {"one", "two,", "three."},
		"naïve ‘quotes’":          {"naïve", "‘quotes’"},
		"你好 XMPP世界":               {"你", "好", "XMPP", "世", "界"},
		"ありがとうx":                  {"あ", "り", "が", "と", "う", "x"},
		"น้ำ":                     {"น้", "ำ"},
		"e\u0301te\u0301":         {"e\u0301te\u0301"},
		"سلام عالم":               {"سلام", "عالم"},
		"a\xffb":                  {"a\xffb"},
	} {
		x, got := newText(s), []string(nil)
		for i := range x.words {
			got = append(got, x.word(i))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

// marked writes a comparison as one line.
func marked(list []piece) string {
	var b strings.Builder
	for _, p := range list {
		b.WriteString(map[string]string{"ins": "{+", "del": "[-"}[p.Kind] + p.Text + map[string]string{"ins": "+}", "del": "-]"}[p.Kind])
		if p.Space {
			b.WriteByte(' ')
		}
	}
	return strings.TrimSpace(b.String())
}

func TestComparisonMarksWordsAndLeavesOutWhatStayed(t *testing.T) {
	ten := "1 2 3 4 5 6 7 8 9 10"
	for _, c := range []struct{ a, b, want string }{
		{"", "", ""},
		{"same", "same", ""},
		{"same  words", "same\u00a0words", ""},
		{"", "all of it", "{+all of it+}"},
		{"all of it", "", "[-all of it-]"},
		{"the cat sat", "the dog sat", "the [-cat-] {+dog+} sat"},
		{"a b c", "a c", "a [-b-] c"},
		{"a c", "a b c", "a {+b+} c"},
		{"a b", "a", "a [-b-]"},
		{"one two three four five six", "ONE two three four five SIX", "[-one-] {+ONE+} two three four five [-six-] {+SIX+}"},
		{"a long way to the sea", "no short path to some lake", "[-a long way to the sea-] {+no short path to some lake+}"},
		{ten + " old " + ten, ten + " new " + ten, "1 2 3 4 5 6 7 8 9 10 [-old-] {+new+} 1 2 3 4 5 6 7 8 9 10"},
		{ten + " a b c old d e f " + ten, ten + " a b c new d e f " + ten, "… 6 7 8 9 10 a b c [-old-] {+new+} d e f 1 2 3 4 5 …"},
		{"old " + ten + " " + ten + " x old", "new " + ten + " " + ten + " x new",
			"[-old-] {+new+} 1 2 3 4 5 6 7 8 … 4 5 6 7 8 9 10 x [-old-] {+new+}"},
		{"他在北京", "他在东京。", "他在[-北京-] {+东京。+}"},
		{"<b>&amp;", "<i>&amp;", "[-<b>&amp;-] {+<i>&amp;+}"},
	} {
		list, _, ok := differ(c.a, c.b)
		if got := marked(list); got != c.want || !ok {
			t.Errorf("%q and %q:\ngot  %s\nwant %s", c.a, c.b, got, c.want)
		}
	}
}

func TestComparisonCountsWords(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"a b", "a b c", "1 word added"},
		{"a b c d", "a", "3 words removed"},
		{"a b c d e f g", "a x c d e y z g", "2 words removed, 3 added"},
	} {
		if _, n, _ := differ(c.a, c.b); n.String() != c.want {
			t.Errorf("%s → %s: %s, want %s", c.a, c.b, n, c.want)
		}
	}
}

// babble is n random words out of a vocabulary of so many.
func babble(r *rand.Rand, n, vocabulary int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "w" + strconv.Itoa(r.IntN(vocabulary))
	}
	return strings.Join(list, " ")
}

// patched is a with the edits made, and how many words they touch; "" if they
// contradict each other.
func patched(a, b *text, edits []edit) (string, int) {
	var out []string
	i, j, n := 0, 0, 0
	for _, e := range edits {
		if e.a0 < i || e.b0 < j || e.a0-i != e.b0-j || e.size() <= 0 {
			return "", 0
		}
		for ; i < e.a0; i++ {
			out = append(out, a.word(i))
		}
		for j = e.b0; j < e.b1; j++ {
			out = append(out, b.word(j))
		}
		n += e.a1 - e.a0 + e.b1 - e.b0
		i = e.a1
	}
	for ; i < len(a.words); i++ {
		out = append(out, a.word(i))
	}
	return strings.Join(out, " "), n
}

// fewest is how many words have to be taken out and put in, by the book.
func fewest(a, b *text) int {
	row := make([]int, len(b.words)+1)
	for i := range a.words {
		diagonal := 0
		for j := range b.words {
			above := row[j+1]
			if row[j+1] = max(row[j+1], row[j]); a.word(i) == b.word(j) {
				row[j+1] = diagonal + 1
			}
			diagonal = above
		}
	}
	return len(a.words) + len(b.words) - 2*row[len(b.words)]
}

func TestEditsAreTheFewestAndMakeTheOneTextTheOther(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		vocabulary := 1 + r.IntN(8)
		a, b := newText(babble(r, r.IntN(30), vocabulary)), newText(babble(r, r.IntN(30), vocabulary))
		edits, ok := compare(a, b)
		got, n := patched(a, b, edits)
		if !ok || got != b.s || n != fewest(a, b) {
			t.Fatalf("%q to %q: %v make %q with %d words, want %d", a.s, b.s, edits, got, n, fewest(a, b))
		}
		if got, _ := patched(a, b, joinEdits(edits)); got != b.s {
			t.Fatalf("%q to %q: joined edits make %q", a.s, b.s, got)
		}
	}
}

// hostileTexts are pairs that cost the most, as strangers would write them.
func hostileTexts() map[string][2]string {
	r := rand.New(rand.NewPCG(3, 4))
	return map[string][2]string{
		"two words at random":    {babble(r, maxWords, 2), babble(r, maxWords, 2)},
		"many words at random":   {babble(r, maxWords, 1000), babble(r, maxWords, 1000)},
		"nothing in common":      {strings.Repeat("a ", maxWords), strings.Repeat("b ", maxWords)},
		"shifted":                {strings.Repeat("a b ", maxWords/2), "x " + strings.Repeat("b a ", maxWords/2-1) + "y"},
		"too many words":         {strings.Repeat("a ", 100_000), strings.Repeat("b ", 100_000)},
		"added to without end":   {"a", strings.Repeat("b ", 100_000)},
		"a single word":          {strings.Repeat("a", 200_000), strings.Repeat("a", 200_001)},
		"more than is looked at": {strings.Repeat("a ", maxCompared), strings.Repeat("a ", maxCompared) + "b"},
		"broken letters":         {strings.Repeat("\xff", 9000), strings.Repeat("\xfe ", 9000)},
	}
}

func TestHostileTextsCostLittleAndShowLittle(t *testing.T) {
	for name, c := range hostileTexts() {
		start := time.Now()
		list, _, ok := differ(c[0], c[1])
		if took := time.Since(start); took > 2*time.Second { // it is some milliseconds
			t.Errorf("%s: it took %v", name, took)
		}
		shown := 0
		for _, p := range list {
			shown += len(p.Text)
		}
		if shown > maxTold || ok && len(list) == 0 || !ok && len(list) > 0 {
			t.Errorf("%s: %d pieces, %d bytes, compared %v", name, len(list), shown, ok)
		}
	}
}

func TestALongTextIsComparedWhereItDiffers(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	head, tail := babble(r, 9000, 500), babble(r, 9000, 500)
	list, n, ok := differ(head+" wrong "+tail, head+" right "+tail)
	if got := marked(list); !ok || n != (size{1, 1}) || !strings.Contains(got, " [-wrong-] {+right+} ") || strings.Count(got, " ") > 2*around+5 {
		t.Errorf("%v, %+v: %.300s", ok, n, got)
	}
}

func FuzzDiffer(f *testing.F) {
	f.Add("the cat sat on the mat", "a cat sits on 猫\u3000 mat")
	f.Add("\xff\u0301 \u0301", "น้ำ x")
	f.Fuzz(func(t *testing.T, a, b string) {
		was, is := newText(a), newText(b)
		want, _ := patched(is, is, nil)
		edits, ok := compare(was, is)
		for _, list := range [][]edit{edits, joinEdits(edits)} {
			if got, _ := patched(was, is, list); ok && got != want {
				t.Errorf("%v make %q, want %q", list, got, want)
			}
		}
		if list, _, ok := differ(a, b); !ok && list != nil {
			t.Errorf("%d pieces of what is not compared", len(list))
		}
	})
}

func BenchmarkDifferHostile(b *testing.B) {
	for name, c := range hostileTexts() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				differ(c[0], c[1])
			}
		})
	}
}
