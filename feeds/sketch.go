package feeds

import (
	"math"
	"math/bits"
	"slices"
)

// Everything here and in words.go is frozen, with inline and what htmlScanner takes for
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
