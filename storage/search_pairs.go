package storage

import (
	"hash/fnv"
	"strings"

	"orrery/feeds"
)

// The words of "the way" are in half of all texts and the phrase in few: to find it, the
// engine would see of each of those texts where in it the words stand. So each text has
// a column of pairs: at the place of every word what stands for it and the next one. A
// phrase of two words is one pair then, and a longer one a phrase of pairs.

// Signs of pairs are of no term: the private characters of a plane of Unicode. Three
// together are 48 bits, and too few letters for an index of beginnings.
const firstSign, manySigns = 0xF0000, 0xFFFE

// writePair writes what stands for the pair.
func writePair(b *strings.Builder, first, second string) {
	h := fnv.New64a()
	h.Write([]byte(first + " " + second)) //nolint:errcheck // it has no errors
	for n, i := h.Sum64(), 0; i < 3; i, n = i+1, n/manySigns {
		b.WriteRune(firstSign + rune(n%manySigns))
	}
}

// pairsOf are the pairs of the text.
func pairsOf(text string) string {
	var b strings.Builder
	last := ""
	for word := range strings.FieldsSeq(text) {
		if last != "" {
			writePair(&b, last, word)
			b.WriteByte(' ')
		}
		last = word
	}
	return b.String()
}

// asPairs is the phrase as one of pairs, where it is more than a word. What goes on is no
// pair.
func asPairs(p feeds.Phrase) feeds.Phrase {
	if p.GoesOn || len(p.Words) < 2 {
		return p
	}
	var pairs feeds.Phrase
	for i, word := range p.Words[1:] {
		var b strings.Builder
		writePair(&b, p.Words[i], word)
		pairs.Words = append(pairs.Words, b.String())
	}
	return pairs
}
