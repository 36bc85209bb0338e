package feeds

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"
)

// What a word is, is frozen: see sketch.go.

// wordReader hashes the words of sanitized HTML while it reads them.
type wordReader struct {
	words  []uint64
	sketch *sketcher // takes the words when there is no room for more; nil: room is made
	hash   uint64    // of the word being read, but for
	tail   uint64    // the last bytes of it, the first one lowest,
	bits   int       // and how many bits they are
	asides []string  // alternative texts and titles, still escaped
}

func wordHashes(fragment string) []uint64 {
	const word = 6 // bytes, with the space behind it
	w := wordReader{words: make([]uint64, 0, len(fragment)/word+1)}
	w.read(fragment)
	return w.words
}

func (w *wordReader) read(fragment string) {
	z := htmlScanner{src: fragment, attrs: make([]xmlAttr, 0, 8)}
	for {
		switch z.next() {
		case htmlEnd:
			w.end()
			for _, s := range w.asides {
				w.text(s)
				w.end()
			}
			return
		case htmlText:
			w.text(z.raw)
		case htmlOpen:
			w.aside(z.attrs)
			w.tag(z.name)
		case htmlClose:
			w.tag(z.name)
		}
	}
}

func (w *wordReader) aside(attrs []xmlAttr) {
	for _, a := range attrs {
		if a.value == "" || !strings.EqualFold(a.name, "alt") && !strings.EqualFold(a.name, "title") {
			continue
		}
		if w.asides == nil {
			w.asides = make([]string, 0, 16)
		}
		w.asides = append(w.asides, a.value)
	}
}

func (w *wordReader) tag(name string) {
	if w.within() && !inline[name] {
		w.end()
	}
}

// text reads a text that is still escaped.
func (w *wordReader) text(s string) {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case isAlnum(c):
			i = w.ascii(s, i)
		case c == '&':
			i += w.reference(s[i:])
		case c < utf8.RuneSelf:
			w.end()
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			w.rune(r)
			i += n
		}
	}
}

// ascii reads letters and digits from i on, eight at a time, and returns the offset
// behind them.
func (w *wordReader) ascii(s string, i int) int {
	const lower = 0x2020202020202020 // a digit is so already
	for i+8 <= len(s) {
		x := eightBytes(s[i : i+8])
		n := bits.TrailingZeros64(notAlnum(x)) &^ 7
		w.put((x|lower)&(1<<n-1), n)
		if i += n / 8; n < 64 {
			return i
		}
	}
	for ; i < len(s) && isAlnum(s[i]); i++ {
		w.put(uint64(s[i]|0x20), 8)
	}
	return i
}

func eightBytes(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// notAlnum has the high bit of every byte that is no letter or digit of ASCII. None
// of the sums carries over into the next byte.
func notAlnum(x uint64) uint64 {
	const one, high = 0x0101010101010101, 0x8080808080808080
	digit := x &^ high
	letter := digit | 0x20*one
	is := (letter+(0x80-'a')*one)&^(letter+(0x7F-'z')*one) | (digit+(0x80-'0')*one)&^(digit+(0x7F-'9')*one)
	return (^is | x) & high
}

// put adds n bits to the word: at most eight bytes.
func (w *wordReader) put(x uint64, n int) {
	w.tail |= x << w.bits
	if w.bits += n; w.bits >= 64 {
		w.bits -= 64
		w.hash, w.tail = mix(w.hash^w.tail, salt0), x>>(n-w.bits)
	}
}

// within says that a word has begun.
func (w *wordReader) within() bool { return w.hash|w.tail != 0 }

func (w *wordReader) end() {
	if !w.within() {
		return
	}
	if len(w.words) == cap(w.words) && w.sketch != nil {
		w.sketch.add(w.words)
		w.words = w.words[:0]
	}
	w.words = append(w.words, mix(w.hash^w.tail^salt3, salt1))
	w.hash, w.tail, w.bits = 0, 0, 0
}

// reference reads the reference at the beginning of s, or the mere & that is there,
// and returns how long it is.
func (w *wordReader) reference(s string) int {
	for _, mark := range [...]string{"&#39;", "&#34;", "&amp;", "&lt;", "&gt;"} { // what Sanitize writes
		if strings.HasPrefix(s, mark) {
			w.end()
			return len(mark)
		}
	}
	n := 1
	for n < len(s) && (isAlnum(s[n]) || s[n] == '#') {
		n++
	}
	if n < len(s) && s[n] == ';' {
		n++
	}
	plain := html.UnescapeString(s[:n])
	if plain == s[:n] {
		w.end()
		return 1
	}
	for _, r := range plain {
		w.rune(r)
	}
	return n
}

// rune reads a character as what it is made of (UAX #15, NFKD), in lower case and
// without marks.
func (w *wordReader) rune(r rune) {
	if sp := knownSpelling(r); sp != mixed {
		w.spell(sp)
		return
	}
	if hangul := r - firstHangul; 0 <= hangul && hangul < manyHangul {
		w.hangul(hangul)
		return
	}
	var b [utf8.UTFMax]byte
	parts := norm.NFKD.Properties(b[:utf8.EncodeRune(b[:], r)]).Decomposition()
	if len(parts) == 0 {
		w.part(r)
	}
	for len(parts) > 0 {
		part, n := utf8.DecodeRune(parts)
		w.part(part)
		parts = parts[n:]
	}
}

// The syllables of Hangul stand in the order of their letters, and have no entry of
// their own in any table (Unicode §3.12).
const (
	firstHangul, manyHangul = 0xAC00, 11172
	vowels, codas           = 21, 28
)

func (w *wordReader) hangul(n rune) {
	w.part(0x1100 + n/(vowels*codas))
	w.part(0x1161 + n/codas%vowels)
	if coda := n % codas; coda > 0 {
		w.part(0x11A7 + coda)
	}
}

// part reads a character without parts.
func (w *wordReader) part(r rune) {
	sp := knownSpelling(r)
	if sp == mixed {
		sp = spellingOf(r)
	}
	w.spell(sp)
}

func (w *wordReader) spell(sp spelling) {
	switch sp &^ spelt {
	case ends:
		w.end()
	case joins:
		w.put(uint64(sp&spelt), 8*sp.len())
	case alone:
		w.end()
		w.put(uint64(sp&spelt), 8*sp.len())
		w.end()
	}
}

// spelling is what a character does to words, in the high byte, and the UTF-8 that
// stands for it there, the first byte lowest.
type spelling uint64

const (
	ends  spelling = iota << 56 // the word before it
	joins                       // the word; without UTF-8 it is nothing that counts
	alone                       // is a word
	mixed                       // has parts that do different things, or are too long

	spelt spelling = 1<<56 - 1
)

// len is how many bytes of UTF-8 there are.
func (sp spelling) len() int { return (bits.Len64(uint64(sp&spelt)) + 7) / 8 }

// spellingOf is that of a character without parts.
func spellingOf(r rune) spelling {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf): // accents, points, soft hyphens
		return joins
	case !unicode.In(r, unicode.L, unicode.N, unicode.Mc):
		return ends
	case unicode.In(r, unspaced...):
		return alone | utf8Of(r)
	}
	return joins | utf8Of(unicode.ToLower(r))
}

func utf8Of(r rune) spelling {
	var b [8]byte
	utf8.EncodeRune(b[:], r)
	return spelling(binary.LittleEndian.Uint64(b[:]))
}

// unspaced are the scripts that put no spaces between words, and the sign for a long
// vowel, which Hiragana and Katakana share.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
	{R16: []unicode.Range16{{Lo: 'ー', Hi: 'ー', Stride: 1}}},
}

// knownSpelling is that of a character that is looked up or needs no looking up, which
// nearly all are; of all others it is mixed.
func knownSpelling(r rune) spelling {
	switch {
	case r < knownRunes:
		return spellings()[r]
	case 0x4E00 <= r && r < 0xA000: // Han, of one part
		return alone | utf8Of(r)
	case '！' <= r && r <= '～': // ASCII, as wide as Han
		return spellings()[r-'！'+'!']
	}
	return mixed
}

// knownRunes is where the characters end whose spelling is looked up: those of all
// scripts but Han, Hangul and rare ones.
const knownRunes = 0x3100

var spellings = sync.OnceValue(func() *[knownRunes]spelling {
	var t [knownRunes]spelling
	for r := range rune(knownRunes) {
		t[r] = wholeSpelling(r)
	}
	return &t
})

// wholeSpelling puts the parts of a character together, where they do the same.
func wholeSpelling(r rune) spelling {
	all := joins
	for i, d := range norm.NFKD.String(string(r)) {
		part := spellingOf(d)
		switch {
		case part == joins || part == ends && all == ends:
		case i == 0:
			all = part
		case part&^spelt == joins && all&^spelt == joins && all.len()+part.len() < 8:
			all |= part & spelt << (8 * all.len())
		default:
			return mixed
		}
	}
	return all
}
