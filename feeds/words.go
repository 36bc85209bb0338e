package feeds

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"
)

// Everything here is frozen, with inline and what htmlScanner takes for
// markup: sketches are stored, and those of a later version are looked for among
// them. With another hash, or another idea of what a word is, none would be found
// again. A test knows the sketch of a text. (Unicode keeps the decomposition of a
// character once it is assigned.)

// Secrets of wyhash (public domain): odd numbers with as many ones as zeros.
const (
	salt0 = 0xa0761d6478bd642f
	salt1 = 0xe7037ed1a0b428db
	salt2 = 0x8ebc6af09c88c6e3
	salt3 = 0x589965cc75374cc3
	salt4 = 0x1d8e4e27c47d124f
	salt5 = 0xeb44accab455d165
)

// mix is the folded product of two numbers, which depends on every bit of them.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

// shingle is the hash of three words.
func shingle(a, b, c uint64) uint64 { return mix(mix(a^salt0, b^salt1)^c, salt2) }

const shingleWords = 3

// shinglesOf are those of a text, sorted, each once. A word or two are one by
// themselves.
func shinglesOf(words []uint64) []uint64 {
	n := len(words) - shingleWords + 1
	switch {
	case len(words) == 0:
		return nil
	case n < 1:
		return []uint64{shingle(words[0], words[len(words)-1], uint64(n))}
	}
	out := make([]uint64, n)
	for i := range out {
		out[i] = shingle(words[i], words[i+1], words[i+2])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

const sketchSize = 4

// sketcher makes min-hashes of the shingles of words as they come. Of two sets with a
// Jaccard of J one min-hash is the same with a chance of J (Broder 1997), at least one
// of two with 1-(1-J)². Two are of the first 48 words, which an excerpt has as well,
// however long the whole is; two are of all, for a copy that begins otherwise.
type sketcher struct {
	words       int
	last        [2]uint64
	lead, whole [2]uint64
}

func newSketcher() sketcher {
	return sketcher{lead: [2]uint64{math.MaxUint64, math.MaxUint64}, whole: [2]uint64{math.MaxUint64, math.MaxUint64}}
}

func (s *sketcher) add(words []uint64) {
	for len(words) > 0 && s.words < nearWords {
		x := shingle(s.last[0], s.last[1], words[0])
		if s.words >= shingleWords-1 {
			s.lead = [2]uint64{min(s.lead[0], x*salt3), min(s.lead[1], x*salt4)}
			s.whole = [2]uint64{min(s.whole[0], x), min(s.whole[1], x*salt5)}
		}
		s.last = [2]uint64{s.last[1], words[0]}
		s.words++
		words = words[1:]
	}
	a, b := s.last[0], s.last[1]
	v, w := s.whole[0], s.whole[1]
	for _, c := range words {
		x := shingle(a, b, c)
		v, w = min(v, x), min(w, x*salt5)
		a, b = b, c
	}
	s.last, s.whole = [2]uint64{a, b}, [2]uint64{v, w}
	s.words += len(words)
}

// values are of four kinds, so that no beginning is taken for a whole.
func (s *sketcher) values() [sketchSize]uint64 {
	return [...]uint64{
		mix(s.lead[0]^salt0, salt5), mix(s.lead[1]^salt1, salt5),
		mix(s.whole[0]^salt2, salt5), mix(s.whole[1]^salt3, salt5),
	}
}

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
