package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"orrery/feeds"
)

// Where an entry stands.
const (
	stateShown     = "shown"
	stateHidden    = "hidden"
	stateHeld      = "held"
	stateMerged    = "merged"
	stateWithdrawn = "withdrawn"
	stateOld       = "old"     // too old to keep
	stateUnknown   = "unknown" // there is none
)

func stateOfStory(s *feeds.Story) string {
	switch {
	case s.Shown:
		return stateShown
	case s.Merged != "":
		return stateMerged
	case s.Hidden:
		return stateHidden
	case !s.Held.IsZero():
		return stateHeld
	case slices.ContainsFunc(s.Copies, func(c feeds.CopyStory) bool { return c.Withdrawn && c.Rank == 0 }):
		return stateWithdrawn // whoever else has it
	case slices.ContainsFunc(s.Copies, func(c feeds.CopyStory) bool { return c.Purged }):
		return stateOld
	}
	return stateWithdrawn
}

// tell is the story of an entry, a sentence or two a line.
func (t *teller) tell(s *feeds.Story, categories []feeds.CategoryName) []string {
	lines := []string{t.standing(s)}
	if s.Merged != "" {
		return lines
	}
	lines = append(lines, since(s, categories))
	lines = append(lines, t.copies(s)...)
	lines = append(lines, announced(s.Events))
	if !s.Shown {
		return lines
	}
	if len(s.Copies) > 1 {
		lines = append(lines, fmt.Sprintf("If these are not one post, orrery split %s parts them.", s.ID))
	}
	return append(lines, fmt.Sprintf("To take it off the planet: orrery hide %s", s.ID))
}

// nameOf names an entry for people.
func nameOf(s *feeds.Story) string {
	if s.Title != "" {
		return fmt.Sprintf("%q (%s)", s.Title, s.ID)
	}
	return "The post " + s.ID
}

// standing says where the entry stands, and what to do where a person may.
func (t *teller) standing(s *feeds.Story) string {
	switch stateOfStory(s) {
	case stateShown:
		return fmt.Sprintf("%s is shown: %s", nameOf(s), t.page(s.ID))
	case stateMerged:
		return fmt.Sprintf("The entry %s was found to be the same post as %s, which its address leads to.", s.ID, s.Merged)
	case stateHidden:
		return fmt.Sprintf("%s is hidden: a person took it off. orrery hide --undo %s shows it again.", nameOf(s), s.ID)
	case stateHeld:
		source := "SOURCE"
		if len(s.Copies) > 0 {
			source = s.Copies[0].Source
		}
		return fmt.Sprintf("%s is held back until %s, as one of a flood: %s brought far more posts at once than it usually writes. orrery release %s shows them now.",
			nameOf(s), shortTime(s.Held, ""), source, source)
	case stateOld:
		return nameOf(s) + " has left the planet: it is older than its sources are to keep, or one too many (retain in the configuration)."
	}
	return nameOf(s) + " is withdrawn: " + withdrawnBy(s)
}

// withdrawnBy says who took a post back, and that nobody else brings it back.
func withdrawnBy(s *feeds.Story) string {
	var by, left []string
	for i := range s.Copies {
		switch c := &s.Copies[i]; {
		case c.Withdrawn:
			by = append(by, c.Source)
		case c.Live():
			left = append(left, c.Source)
		}
	}
	switch {
	case by == nil:
		return "no source has it any more."
	case left == nil:
		return "its owner took it out of " + listed(by, "and") + "."
	case len(left) == 1:
		return fmt.Sprintf("its owner took it out of %s. That %s still has it does not bring it back.", listed(by, "and"), left[0])
	}
	return fmt.Sprintf("its owner took it out of %s. That %s still have it does not bring it back.", listed(by, "and"), listed(left, "and"))
}

// since says when the entry came, where in time it stands and under what.
func since(s *feeds.Story, categories []feeds.CategoryName) string {
	line := fmt.Sprintf("It came on %s", shortTime(s.FirstSeen, ""))
	if !s.Sort.Equal(s.FirstSeen) {
		line += fmt.Sprintf(" and stands at %s", shortTime(s.Sort, ""))
	}
	if !s.Shown {
		return line + "."
	}
	var titles []string
	for _, c := range categories {
		titles = append(titles, fmt.Sprintf("%q", c.Title))
	}
	switch len(titles) {
	case 0:
		return line + ", in no category."
	case 1:
		return line + ", in the category " + titles[0] + "."
	}
	return line + ", in the categories " + listed(titles, "and") + "."
}

// copies tells of each copy.
func (t *teller) copies(s *feeds.Story) []string {
	if len(s.Copies) == 0 {
		return []string{"No source has it any more."}
	}
	lines := []string{"One source has it:"}
	if n := len(s.Copies); n > 1 {
		lines[0] = fmt.Sprintf("It has %d copies:", n)
	}
	best := s.Best()
	if state := stateOfStory(s); state == stateWithdrawn || len(s.Copies) == 1 {
		best = -1
	}
	for i := range s.Copies {
		c := &s.Copies[i]
		lines = append(lines, fmt.Sprintf("  %s: %s", c.Source, cmp.Or(plain(redacted(c.Permalink)), "without an address of its own")), "    "+history(c))
		if c.Reason != "" {
			lines = append(lines, "    It is the same post: "+c.Sameness()+".")
		}
		switch {
		case c.Withdrawn:
			lines = append(lines, "    Its owner took it back.")
		case c.Purged:
			lines = append(lines, "    Its text is no longer kept (retain of "+c.Source+").")
		case i == best:
			lines = append(lines, "    "+s.TellShown())
		}
	}
	return lines
}

// history says when a copy was seen, how it is dated and how often it was revised.
func history(c *feeds.CopyStory) string {
	line := "First seen " + shortTime(c.FirstSeen, "")
	switch {
	case c.Purged: // what it said is forgotten
	case c.Published.IsZero() && c.Updated.IsZero():
		line += "; it has no date"
	case c.Published.IsZero():
		line += "; it says that it was changed " + shortTime(c.Updated, "")
	default:
		line += "; it is dated " + shortTime(c.Published, "")
		if c.Updated.After(c.Published) {
			line += ", changed " + shortTime(c.Updated, "")
		}
	}
	if c.Revision > 0 {
		return line + fmt.Sprintf("; revised %s so far.", count(c.Revision, "time", "times"))
	}
	return line + "; not revised so far."
}

// announced says what the world was told.
func announced(events []feeds.Event) string {
	if len(events) == 0 {
		return "The world was not told of it: it was more than a week old when it came, one of very many, or held back."
	}
	var list []string
	for _, e := range events {
		list = append(list, e.What+" on "+shortTime(e.At, ""))
	}
	return "The world was told: " + strings.Join(list, ", ") + "."
}

// listed is a list in words: a, b and c.
func listed(list []string, and string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " " + and + " " + list[len(list)-1]
}
