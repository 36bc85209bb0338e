package feeds

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// likenessPost is a post of about 8 KB as a blog has them: sentences of words of
// every length in paragraphs, links, stress, lists and a picture.
func likenessPost(seed uint64, letters string) *Entry {
	r := rand.New(rand.NewPCG(seed, 1))
	alphabet := []rune(letters)
	word := func() string {
		b := make([]rune, 1+r.IntN(5)+r.IntN(6))
		for i := range b {
			b[i] = alphabet[min(r.IntN(len(alphabet)), r.IntN(len(alphabet)))]
		}
		return string(b)
	}
	sentence := func() string {
		s := word()
		for range 5 + r.IntN(15) {
			switch r.IntN(20) {
			case 0:
				s += ","
			case 1:
				s += fmt.Sprintf(` <a href="https://blog.example/%d/%s/">%s</a>`, 2000+r.IntN(26), word(), word())
			case 2:
				s += "&#39;" + word()
			case 3:
				s += " <em>" + word() + "</em>"
			case 4:
				s += " — " + word()
			}
			s += " " + word()
		}
		return s + "."
	}
	var b strings.Builder
	for b.Len() < 8_000 {
		switch r.IntN(6) {
		case 0:
			fmt.Fprintf(&b, "<h2>%s %s</h2>\n<ul>\n<li>%s</li>\n<li>%s</li>\n</ul>\n", word(), word(), sentence(), sentence())
		case 1:
			fmt.Fprintf(&b, `<p><img src="https://blog.example/%d.png" alt="%s %s" width="640" height="480"></p>`+"\n", r.IntN(1000), word(), word())
		default:
			fmt.Fprintf(&b, "<p>%s %s %s</p>\n", sentence(), sentence(), sentence())
		}
	}
	return &Entry{Content: b.String()}
}

// The letters of a language, the frequent ones first.
const (
	englishLetters  = "etaoinshrdlcumwfgypbvk"
	germanLetters   = "etaoinsäührdlcöumwfßgb"
	russianLetters  = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщ"
	japaneseLetters = "のにをはがとでたしてれさ日本語人大年会国"
)

func BenchmarkSketch(b *testing.B) {
	for _, language := range [][2]string{{"english", englishLetters}, {"german", germanLetters}, {"russian", russianLetters}, {"japanese", japaneseLetters}} {
		b.Run(language[0], func(b *testing.B) {
			e := likenessPost(1, language[1])
			b.SetBytes(int64(len(e.Content)))
			b.ReportAllocs()
			for b.Loop() {
				if SketchOf(e) == nil {
					b.Fatal("no sketch")
				}
			}
		})
	}
}

func BenchmarkLikeness(b *testing.B) {
	e := likenessPost(1, englishLetters)
	b.SetBytes(int64(len(e.Content)))
	b.ReportAllocs()
	for b.Loop() {
		if LikenessOf(e).Words == 0 {
			b.Fatal("no words")
		}
	}
}

func BenchmarkNear(b *testing.B) {
	x, y := LikenessOf(likenessPost(1, englishLetters)), LikenessOf(likenessPost(2, englishLetters))
	b.ReportAllocs()
	for b.Loop() {
		if x.Near(y) || !x.Near(x) {
			b.Fatal("not so")
		}
	}
}
