package feeds

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Passage is a part of a text: what was looked for, or what stands between.
type Passage struct {
	Text  string
	Found bool
}

// mostFound is how many places in one text are looked at.
const mostFound = 1000

// place is where a phrase was found.
type place struct {
	span
	phrase int
}

// Marked is the text in passages.
func (s Search) Marked(text string) []Passage {
	return marked(text, span{0, len(text)}, s.places(text))
}

// Snippet is at most about n bytes of a plain text, where most of what is looked for
// stands together, with … where something is left out; nil where none of it is.
func (s Search) Snippet(text string, n int) []Passage {
	places := s.places(text)
	if len(places) == 0 {
		return nil
	}
	best, most := 0, 0
	for i := range places {
		seen, count := make([]bool, len(s.All)), 0
		for _, p := range places[i:] {
			if p.to > places[i].from+n*2/3 {
				break
			}
			if !seen[p.phrase] {
				seen[p.phrase] = true
				count++
			}
		}
		if count > most {
			best, most = i, count
		}
	}
	at := window(text, places[best].span, n)
	out := marked(text, at, places)
	if at.from > 0 {
		out = slices.Insert(out, 0, Passage{Text: "…"})
	}
	if at.to < len(text) {
		out = append(out, Passage{Text: "…"})
	}
	return out
}

// window is n bytes of the text around the span, from word to word where there are any.
func window(text string, at span, n int) span {
	w := span{max(at.from-n/3, 0), at.to}
	for w.from > 0 && !utf8.RuneStart(text[w.from]) {
		w.from--
	}
	if blank := strings.IndexFunc(text[w.from:at.from], unicode.IsSpace); w.from > 0 && blank >= 0 {
		w.from += blank
		w.from += len(text[w.from:]) - len(strings.TrimLeftFunc(text[w.from:], unicode.IsSpace))
	}
	if w.to = max(w.from+n, at.to); w.to >= len(text) {
		w.to = len(text)
		return w
	}
	for !utf8.RuneStart(text[w.to]) {
		w.to--
	}
	if blank := strings.LastIndexFunc(text[at.to:max(w.to, at.to)], unicode.IsSpace); blank >= 0 {
		w.to = at.to + blank
	}
	return w
}

// marked are the passages of a part of the text.
func marked(text string, at span, places []place) (out []Passage) {
	add := func(to int, found bool) {
		if to = min(to, at.to); to > at.from {
			out = append(out, Passage{text[at.from:to], found})
			at.from = to
		}
	}
	for _, p := range places {
		if p.from >= at.from { // what begins within another is marked with that
			add(p.from, false)
			add(p.to, true)
		}
	}
	add(at.to, false)
	return out
}

// places are where the phrases of the search stand, in their order.
func (s Search) places(text string) (out []place) {
	words, spans := locate(text)
	for i := range words {
		for k, p := range s.All {
			if n := len(p.Words); p.at(words[i:]) {
				out = append(out, place{span{spans[i].from, spans[i+n-1].to}, k})
			}
		}
		if len(out) >= mostFound {
			break
		}
	}
	return out
}

// at says that the words begin with the phrase.
func (p Phrase) at(words []string) bool {
	n := len(p.Words)
	if len(words) < n || !slices.Equal(words[:n-1], p.Words[:n-1]) {
		return false
	}
	return words[n-1] == p.Words[n-1] || p.GoesOn && strings.HasPrefix(words[n-1], p.Words[n-1])
}

// locate are the terms of a text and where they stand in it.
func locate(text string) ([]string, []span) {
	spans := []span{}
	t := termReader{left: maxTextTerms, room: maxTextBytes, spans: &spans}
	for t.at.from < len(text) && t.more() {
		n := 1
		if text[t.at.from] >= utf8.RuneSelf {
			n = max(norm.NFKC.NextBoundaryInString(text[t.at.from:], true), 1)
		}
		t.at.to = t.at.from + n
		for _, r := range norm.NFKC.String(text[t.at.from:t.at.to]) {
			switch {
			case r >= utf8.RuneSelf:
				t.rune(r)
			case isAlnum(byte(r)):
				t.ascii(string(r))
			default:
				t.mark(byte(r))
			}
		}
		t.at.from = t.at.to
	}
	t.end()
	return strings.Fields(string(t.out)), spans
}
