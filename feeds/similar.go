package feeds

import (
	"cmp"
	"slices"
	"strings"
)

// What two texts must have in common to be nearly the same, measured on 97,461 pairs
// of real posts (dedupe.md 10, 11): with lower bounds the votes and newsletters of
// one mould are taken for each other.
const (
	nearWords     = 48  // fewer tell nothing
	nearAlike     = .80 // Jaccard of their shingles
	nearContained = .95 // of the shorter one's shingles: an excerpt and its whole

	likenessHTML = 64 << 10 // bytes of an entry that are compared
)

// Likeness is what of an entry's text is compared with others': its shingles, which
// are any three words that follow each other. Words are made of letters and digits,
// without regard to case and diacritics; in a script that puts no spaces between
// words every character is one. Markup counts for nothing. Texts that stand for
// pictures, and titles of links, come behind all others: an excerpt is without them.
type Likeness struct {
	Words    int      // how many there are
	shingles []uint64 // their hashes, sorted, each once
	sketch   [sketchSize]uint64
}

// LikenessOf is that of the first 64 KB of Content, of Summary where there is none.
func LikenessOf(e *Entry) Likeness {
	words := wordHashes(cut(readable(e), likenessHTML))
	s := newSketcher()
	s.add(words)
	return Likeness{Words: len(words), shingles: shinglesOf(words), sketch: s.values()}
}

// readable is what there is to read of an entry, as HTML.
func readable(e *Entry) string { return cmp.Or(e.Content, e.Summary) }

// Jaccard is how much of what either says both say, from 0 to 1: 1 for the same text,
// 0 where one has no words.
func (a Likeness) Jaccard(b Likeness) float64 {
	n := a.common(b)
	return ratio(n, len(a.shingles)+len(b.shingles)-n)
}

// Containment is how much of the shorter one the longer one says too, from 0 to 1.
func (a Likeness) Containment(b Likeness) float64 {
	return ratio(a.common(b), min(len(a.shingles), len(b.shingles)))
}

// Near says that the texts are nearly the same, or one is a part of the other. Two
// posts of a series may be so too; whoever asks must want something more of them
// that is the same, a title, an address or the week (dedupe.md 11).
func (a Likeness) Near(b Likeness) bool {
	if min(a.Words, b.Words) < nearWords {
		return false
	}
	n, x, y := a.common(b), len(a.shingles), len(b.shingles)
	return ratio(n, x+y-n) >= nearAlike || ratio(n, min(x, y)) >= nearContained
}

func ratio(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// common is how many shingles both have.
func (a Likeness) common(b Likeness) int { return common(a.shingles, b.shingles) }

// common is how many members two sorted lists have in common. Which list is behind
// cannot be foreseen, so that no branch depends on it.
func common(a, b []uint64) (n int) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		x, y := a[i], b[j]
		if x == y {
			n++
		}
		if x <= y {
			i++
		}
		if y <= x {
			j++
		}
	}
	return n
}

// Sketch is four values by which entries that are near are looked up: two such
// entries have at least one of them in common, nearly always. It is nil where there
// are fewer than 48 words.
func (a Likeness) Sketch() []uint64 {
	if a.Words < nearWords {
		return nil
	}
	return slices.Clone(a.sketch[:])
}

// SketchOf is LikenessOf(e).Sketch() for a fraction of the time.
func SketchOf(e *Entry) []uint64 {
	const batch = 256
	s := newSketcher()
	w := wordReader{words: make([]uint64, 0, batch), sketch: &s}
	w.read(cut(readable(e), likenessHTML))
	s.add(w.words)
	if s.words < nearWords {
		return nil
	}
	v := s.values()
	return v[:]
}

const (
	sameWords = .98 // of two texts, below which a reader sees that they differ
	fewWords  = 50  // in which every one counts
)

// Material says that a revision says something else than before, in a way a reader
// would notice: another title, address, file, or more than a few other words
// (dedupe.md 8). Markup, white space, punctuation and tracking parameters are not
// noticed.
func Material(old, revised *Entry) bool {
	return !slices.Equal(strings.Fields(old.Title), strings.Fields(revised.Title)) ||
		addressed(old.Permalink) != addressed(revised.Permalink) ||
		!slices.Equal(files(old), files(revised)) ||
		reworded(readable(old), readable(revised))
}

func addressed(address string) string { return cmp.Or(CanonicalURL(address), address) }

// files are the addresses of the enclosures, in an order of their own.
func files(e *Entry) (list []string) {
	for _, x := range e.Enclosures {
		list = append(list, addressed(x.URL))
	}
	slices.Sort(list)
	return list
}

// reworded compares all words, however long the texts are.
func reworded(old, revised string) bool {
	if old == revised {
		return false
	}
	a, b := wordHashes(old), wordHashes(revised)
	if min(len(a), len(b)) < fewWords {
		return !slices.Equal(a, b)
	}
	slices.Sort(a)
	slices.Sort(b)
	n := common(a, b)
	return ratio(n, len(a)+len(b)-n) < sameWords
}

const (
	cutWords = 8 // that an excerpt has at least
	cutTail  = 6 // words behind an excerpt that are not its whole's: "Read more of this post"
)

// CutOtherwise says that one of them is an excerpt of the other, and that title,
// address and files are the same.
func CutOtherwise(old, revised *Entry) bool {
	if !slices.Equal(strings.Fields(old.Title), strings.Fields(revised.Title)) ||
		addressed(old.Permalink) != addressed(revised.Permalink) || !slices.Equal(files(old), files(revised)) {
		return false
	}
	a, b := wordHashes(readable(old)), wordHashes(readable(revised))
	if len(a) > len(b) {
		a, b = b, a
	}
	same := 0
	for same < len(a) && a[same] == b[same] {
		same++
	}
	if same >= cutWords && same >= len(a)-cutTail {
		return true
	}
	return len(a) >= nearWords && LikenessOf(old).Containment(LikenessOf(revised)) >= nearContained
}
