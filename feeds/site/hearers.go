package site

import (
	"time"

	"orrery/feeds"
)

// hearers are those who are told of what is new, and how that goes. Nobody is named: a
// planet may tell rooms and programs that are not for everyone to know of.
type hearers struct {
	Says string // ends in At, if that is not zero
	At   moment
	Lost string // what was given up; "": nothing
	Ill  bool   // somebody does not take what there is
}

// hearersOf sums up what they are owed; nil if nobody is to be told.
func hearersOf(debts []feeds.Debt) *hearers {
	if len(debts) == 0 {
		return nil
	}
	var owed, ill, late, lost int
	var since time.Time
	for i := range debts {
		d := &debts[i]
		owed, lost = owed+d.Owed, lost+d.GivenUp
		if d.Owed == 0 || d.Tries == 0 {
			continue // what has not failed is on its way
		}
		ill, late = ill+1, late+d.Owed
		if since.IsZero() || d.Oldest.Before(since) {
			since = d.Oldest
		}
	}
	h := &hearers{Says: plural(len(debts), "listener is", "listeners are") + " told of what is new", Ill: ill > 0}
	switch {
	case ill > 0:
		h.Says += "; " + plural(ill, "has not taken all of it", "have not taken all of it") + ", and " + plural(late, "message waits", "messages wait") + " since"
		h.At = minuteUTC(since, "")
	case owed > 0:
		h.Says += "; " + plural(owed, "message is", "messages are") + " on the way"
	default:
		h.Says += ", and nothing is left to tell"
	}
	if lost > 0 {
		h.Lost = plural(lost, "message was", "messages were") + " given up."
	}
	return h
}
