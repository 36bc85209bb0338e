package feeds

import (
	"cmp"
	"math/bits"
	"strings"
)

// ShownBecause is what set the copy that is shown, or would be, before the next best one:
// folder, own, earliest, longest, https or name; "" where there is no other (dedupe.md 13,
// 14).
func (s *Story) ShownBecause() string {
	best := s.Best()
	if best < 0 {
		return ""
	}
	next := -1
	for i := range s.Copies {
		if i != best && s.Copies[i].Live() && (next < 0 || s.Copies[i].before(&s.Copies[next]) < 0) {
			next = i
		}
	}
	if next < 0 {
		return ""
	}
	a, b := &s.Copies[best], &s.Copies[next]
	switch {
	case a.Rank < b.Rank && a.Rank == 0:
		return "folder"
	case a.Rank < b.Rank:
		return "own"
	case a.Sort.Before(b.Sort):
		return "earliest"
	case a.doublings() > b.doublings():
		return "longest"
	case a.Secure && !b.Secure:
		return "https"
	}
	return "name"
}

// shownReasons are the words of ShownBecause as a person is told.
var shownReasons = map[string]string{
	"folder":   "a folder of the planet's own comes before all other sources",
	"own":      "its author's own site comes before other sources",
	"earliest": "it is the earliest",
	"longest":  "its text is the longest",
	"https":    "its address is https",
	"name":     "the copies are equal, and the name of its source comes first",
}

// TellShown says why the best copy is the one that is shown.
func (s *Story) TellShown() string {
	verb := "It is the one that is shown"
	if !s.Shown {
		verb = "It would be the one that is shown"
	}
	if because := s.ShownBecause(); because != "" {
		return verb + ": " + shownReasons[because] + "."
	}
	return verb + ": no other is left."
}

// Best is the place of the copy that is shown, or would be; -1 for none.
func (s *Story) Best() int {
	best := -1
	for i := range s.Copies {
		if s.Copies[i].Live() && (best < 0 || !s.Shown && s.Copies[i].before(&s.Copies[best]) < 0) {
			best = i // the store names the shown one first
		}
	}
	return best
}

// before orders copies as the store does (dedupe.md 13, 14).
func (c *CopyStory) before(o *CopyStory) int {
	secure := func(c *CopyStory) int {
		if c.Secure {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(c.Rank, o.Rank), c.Sort.Compare(o.Sort), cmp.Compare(o.doublings(), c.doublings()),
		cmp.Compare(secure(o), secure(c)), cmp.Compare(c.Source, o.Source))
}

// doublings grows with every doubling of the text: what is a little longer is not
// shown for that.
func (c *CopyStory) doublings() int { return bits.Len64(uint64(c.Length)) }

// Sameness says what makes a copy the same post as the one it was joined to.
func (c *CopyStory) Sameness() string {
	with := "the copy of " + c.With
	switch c.With {
	case "":
		with = "another copy"
	case c.Source:
		with = "another copy of " + c.With
	}
	switch c.Reason {
	case "person":
		return "a person said that it is one with " + with + " (orrery merge)"
	case "guid":
		return "it has the same GUID as " + with
	case "link":
		return "it has the same address as " + with
	case "alias":
		return "its address is an alias of " + with + ", or that one's is an alias of it"
	case "text":
		return "it says nearly the same as " + with
	}
	return "by " + c.Reason + ", as " + with
}

// TellReasons says why an entry of several copies is one post, and which of them is
// shown: a sentence each.
func TellReasons(stories []Story) (lines []string) {
	for i := range stories {
		s := &stories[i]
		best := s.Best()
		if !s.Shown || len(s.Copies) < 2 {
			continue
		}
		for k := range s.Copies {
			c := &s.Copies[k]
			var says []string
			if c.Reason != "" {
				says = append(says, "It is the same post: "+c.Sameness()+".")
			}
			if k == best {
				says = append(says, s.TellShown())
			}
			if c.Withdrawn {
				says = append(says, "It was taken back there.")
			}
			if says != nil {
				lines = append(lines, "From "+c.Source+": "+strings.Join(says, " "))
			}
		}
	}
	return lines
}
