package feeds

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxSearch is how many bytes of a search count, maxSearchTerms how many of the words
	// and phrases in them, and maxSearchWords how many words all of those have.
	maxSearch, maxSearchTerms, maxSearchWords = 200, 16, 32
	// maxPrefixes is how many words of a search may go on, each of which is many, and
	// shortestPrefix how many letters one must have.
	maxPrefixes, shortestPrefix = 2, 3
)

// Search is what people look for: entries in which all of All and none of None are.
type Search struct{ All, None []Phrase }

// Phrase is some words that follow each other. If it goes on, its last one is the
// beginning of a word.
type Phrase struct {
	Words  []string
	GoesOn bool
}

// ParseSearch reads what people type: words, "phrases", the beginnings of words* and
// -what -"must not be there". Nothing is wrong; what no entry could contain, or is too
// much, is left out.
func ParseSearch(q string) Search {
	p := searchParser{rest: cut(strings.ToValidUTF8(q, " "), maxSearch), words: maxSearchWords, prefixes: maxPrefixes}
	for p.next() {
	}
	return p.Search
}

// Empty says that nothing is looked for: to say only what must not be there is not
// enough.
func (s Search) Empty() bool { return len(s.All) == 0 }

// String is what one may type to find the same.
func (s Search) String() string {
	var out []string
	for _, p := range s.All {
		out = append(out, p.String())
	}
	for _, p := range s.None {
		out = append(out, "-"+p.String())
	}
	return strings.Join(out, " ")
}

// String is the phrase as one may type it.
func (p Phrase) String() string {
	var b strings.Builder
	for i, w := range p.Words {
		switch w {
		case plusPlus:
			w = "++"
		case sharp:
			w = "#"
		default:
			if i > 0 {
				b.WriteByte(' ')
			}
		}
		b.WriteString(w)
	}
	if p.GoesOn {
		b.WriteByte('*')
	}
	if len(p.Words) == 1 {
		return b.String()
	}
	return `"` + b.String() + `"`
}

type searchParser struct {
	Search
	rest     string
	words    int // how many more there may be
	prefixes int // and of them that go on
	size     int // of what was found, as String writes it
}

// next reads a word or a phrase.
func (p *searchParser) next() bool {
	p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace)
	if p.rest == "" {
		return false
	}
	to := &p.All
	if len(p.rest) > 1 && p.rest[0] == '-' && p.rest[1] != '-' { // two are those of a command's option
		if r, _ := utf8.DecodeRuneInString(p.rest[1:]); !unicode.IsSpace(r) {
			to, p.rest = &p.None, p.rest[1:]
		}
	}
	p.add(to, p.part())
	return true
}

// part takes what belongs together from the rest.
func (p *searchParser) part() string {
	s := p.rest
	first, n := utf8.DecodeRuneInString(s)
	if !isQuote(first) {
		end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || isQuote(r) })
		if end < 0 {
			end = len(s)
		}
		p.rest = s[end:]
		return s[:end]
	}
	s = s[n:]
	end := strings.IndexFunc(s, isQuote)
	if end < 0 { // still to be typed
		p.rest = ""
		return s
	}
	phrase := s[:end]
	_, n = utf8.DecodeRuneInString(s[end:])
	p.rest = s[end+n:]
	if strings.HasPrefix(p.rest, "*") {
		phrase, p.rest = phrase+"*", p.rest[1:]
	}
	return phrase
}

func isQuote(r rune) bool { return strings.ContainsRune(`"“”„«»＂`, r) }

// add adds a phrase, if it is one.
func (p *searchParser) add(to *[]Phrase, text string) {
	words := terms(text, p.words)
	if len(words) == 0 || len(p.All)+len(p.None) >= maxSearchTerms {
		return
	}
	phrase := Phrase{Words: words}
	if strings.HasSuffix(strings.TrimSpace(text), "*") && p.prefixes > 0 && utf8.RuneCountInString(words[len(words)-1]) >= shortestPrefix {
		phrase.GoesOn = true
	}
	size := len(" -") + len(phrase.String())
	if p.size+size > maxSearch || slices.ContainsFunc(*to, phrase.equal) {
		return
	}
	if phrase.GoesOn {
		p.prefixes--
	}
	p.words -= len(words)
	p.size += size
	*to = append(*to, phrase)
}

func (p Phrase) equal(q Phrase) bool { return p.GoesOn == q.GoesOn && slices.Equal(p.Words, q.Words) }
