package feeds

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What a search compares are terms: runs of letters and digits in lower case, without
// the marks that people leave out when they type, and where a script puts no spaces
// between words every character by itself. Texts and questions are made of them by the
// same rules, and no engine has rules of its own.

const (
	// maxTerm is how many bytes of a term count.
	maxTerm = 64
	// maxTitleTerms and maxTextTerms, and maxTitleBytes and maxTextBytes with the blanks
	// between, are how much of an entry is found. PostgreSQL counts no more than 16,383
	// places in a text, and refuses one of 1 MB.
	maxTitleTerms, maxTitleBytes = 400, 16 << 10
	maxTextTerms, maxTextBytes   = 15_000, 320 << 10
)

// TermsVersion changes when the same texts become other terms, so that what was stored
// of them is made anew.
const TermsVersion = 2

// SearchText is what an entry is found by, as terms with a blank between: what stands
// over it, which says most, and what it says.
func SearchText(e *Entry) (title, text string) {
	over := termReader{left: maxTitleTerms, room: maxTitleBytes}
	said := map[string]bool{}
	say := func(s string) {
		if s != "" && !said[s] {
			said[s] = true
			over.text(s)
		}
	}
	say(e.Title)
	for _, p := range e.Authors {
		say(p.Name)
	}
	for _, t := range e.Tags {
		if t.Label != "" {
			say(t.Label)
		} else {
			say(t.Term)
		}
	}
	for _, c := range e.Categories {
		if kind, _ := c.List(); kind != LanguageList { // whose title is a tag like en
			say(c.Title)
		}
	}
	body := termReader{left: maxTextTerms, room: maxTextBytes}
	body.text(PlainText(e.Content))
	if !e.SummaryMade {
		body.text(PlainText(e.Summary))
	}
	return string(over.out), string(body.out)
}

// terms are those of a text, at most so many.
func terms(s string, most int) []string {
	r := termReader{left: most, room: maxTextBytes}
	r.text(s)
	return strings.Fields(string(r.out))
}

// Signs that make another word of the one before them, C++ and C#, are terms of their
// own, so that who looks for the word finds both. They are written as no other term is.
const (
	plusPlus = "＋＋"
	sharp    = "＃"
)

// termReader makes terms of texts.
type termReader struct {
	out  []byte // the terms, a blank between
	word int    // bytes of the term that is being read
	left int    // how many more terms there may be
	room int    // and bytes
	sign byte   // what stood directly behind the last term and may be a sign with what follows: + or #

	// spans, unless they are nil, are where in the original the terms stand; what is
	// being read is here, and what may be a sign is there.
	spans    *[]span
	at       span
	signSpan span
}

// span is a part of a text by its bytes.
type span struct{ from, to int }

// text reads a text, which ends what was read before.
func (t *termReader) text(s string) {
	// Behind bytes of no character NFKC leaves what follows as it is.
	s = norm.NFKC.String(strings.ToValidUTF8(s, "\uFFFD"))
	for i := 0; i < len(s) && t.more(); {
		switch c := s[i]; {
		case isAlnum(c):
			from := i
			for i < len(s) && isAlnum(s[i]) {
				i++
			}
			t.ascii(s[from:i])
		case c < utf8.RuneSelf:
			t.mark(c)
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			t.rune(r)
			i += n
		}
	}
	t.end()
}

// more says that there may be more: another term, or of the last that counts its end.
func (t *termReader) more() bool { return t.left > 0 || t.word > 0 }

// ascii reads letters and digits.
func (t *termReader) ascii(s string) {
	if t.word > 0 || len(s) > maxTerm {
		s = s[:min(len(s), maxTerm-t.word)]
	}
	t.sign = 0
	from := len(t.out) // not its length before: a term that is cut within a letter is shorter than it counts
	t.put(s)
	for i := from; i < len(t.out); i++ {
		if c := t.out[i]; 'A' <= c && c <= 'Z' {
			t.out[i] |= 0x20
		}
	}
}

// mark reads a character of ASCII that is neither.
func (t *termReader) mark(c byte) {
	before, length := t.sign, t.word
	t.end()
	switch {
	case c == '+' && length > 0, c == '#' && length == 1:
		t.sign, t.signSpan = c, t.at
	case c == '+' && before == '+':
		t.alone(plusPlus)
	}
}

// end ends the term that is being read, and what may be a sign behind it.
func (t *termReader) end() {
	t.word = 0
	if t.sign == '#' {
		next := t.at
		t.at = t.signSpan
		t.alone(sharp)
		t.at = next
	}
	t.sign = 0
}

// alone writes a term that is whole.
func (t *termReader) alone(s string) {
	t.word, t.sign = 0, 0
	t.put(s)
	t.word = 0
}

// put adds to the term that is being read, or begins it.
func (t *termReader) put(s string) {
	if t.word == 0 {
		if t.left == 0 || len(t.out)+1+maxTerm > t.room {
			t.left = 0
			return
		}
		t.left--
		if len(t.out) > 0 {
			t.out = append(t.out, ' ')
		}
		if t.spans != nil {
			*t.spans = append(*t.spans, t.at)
		}
	}
	if t.spans != nil {
		(*t.spans)[len(*t.spans)-1].to = t.at.to
	}
	if t.word+len(s) <= maxTerm {
		t.out = append(t.out, s...)
		t.word += len(s)
		return
	}
	t.word = maxTerm // what follows would belong somewhere else
}

func (t *termReader) rune(r rune) {
	switch l := letterOf(r); l.kind {
	case between:
		t.end()
	case belongs:
		t.sign = 0
		if l.text != "" {
			t.put(l.text)
		}
	case standsAlone:
		t.end()
		t.alone(l.text)
	}
}

// letter is what a character is to terms.
type letter struct {
	kind letterKind
	text string // that stands for it
}

type letterKind byte

const (
	between     letterKind = iota // two terms
	belongs                       // to a term; without text it is nothing that counts
	standsAlone                   // is a term
)

// letterOf is what a character of normalized text (UAX #15, NFKC) is to terms. All but
// some scripts of which every character is a term are looked up.
func letterOf(r rune) letter {
	switch {
	case r < knownRunes:
		return letters()[r]
	case 0x4E00 <= r && r < 0xA000, firstHangul <= r && r < firstHangul+manyHangul:
		return letter{standsAlone, string(r)}
	}
	return newLetter(r)
}

var letters = sync.OnceValue(func() *[knownRunes]letter {
	var t [knownRunes]letter
	for r := range rune(knownRunes) {
		t[r] = newLetter(r)
	}
	return &t
})

// leftOut are marks that people leave out when they type; of other scripts they are
// vowels.
var leftOut = []*unicode.RangeTable{unicode.Inherited, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew, unicode.Arabic, unicode.Syriac}

// unspacedTerms are the scripts whose every character is a term: those that put no
// spaces between words, and Hangul, which writes what belongs to a word without one.
var unspacedTerms = append([]*unicode.RangeTable{unicode.Hangul, unicode.Bopomofo}, unspaced...)

// spelledOut are letters that are typed as others and have no parts that would say so,
// and those of two keyboards for the same letter.
var spelledOut = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h", 'ı': "i",
	'ς': "σ", 'ی': "ي", 'ى': "ي", 'ک': "ك",
}

func newLetter(r rune) letter {
	switch {
	case unicode.Is(unicode.Cf, r), r == 'ـ': // soft hyphens, joiners; what stretches an Arabic word
		return letter{belongs, ""}
	case r == 'ʼ', r == 'ʻ': // an apostrophe, whatever Unicode says
		return letter{}
	case !unicode.In(r, unicode.L, unicode.N, unicode.M):
		return letter{}
	case unicode.In(r, unspacedTerms...):
		return letter{standsAlone, string(r)}
	}
	var b strings.Builder
	for _, part := range norm.NFD.String(string(unicode.ToLower(r))) {
		part = unicode.ToLower(part)
		switch s, ok := spelledOut[part]; {
		case ok:
			b.WriteString(s)
		case !unicode.Is(unicode.M, part) || !unicode.In(part, leftOut...):
			b.WriteRune(part)
		}
	}
	return letter{belongs, b.String()}
}
