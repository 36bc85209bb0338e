package site

import (
	"context"
	"fmt"
	"time"
)

// look is when the planet last looked at its sources, as every page says it: to the day,
// so that no page changes with every pass.
type look struct {
	Day   moment // zero: not yet
	Stale string // a sentence when that is too long ago, else ""
}

// lookAge is how long what we know of the last look is current.
const lookAge = time.Minute

// defaultStaleAfter is Options.StaleAfter if nothing is said.
const defaultStaleAfter = 48 * time.Hour

// readLook asks when the planet last looked, and says whether pages change by that.
func (s *Site) readLook(ctx context.Context) (changed bool, err error) {
	now := s.now()
	if !s.lookRead.IsZero() && now.Sub(s.lookRead) < lookAge && !now.Before(s.lookRead) {
		return false, nil
	}
	last, err := s.reader.LastVisit(ctx)
	if err != nil {
		return false, fmt.Errorf("ask the store when the planet last looked: %w", err)
	}
	if !last.IsZero() { // the first look is told as soon as it was made
		s.lookRead = now
	}
	l := look{Day: dayOf(momentOf(last))}
	if !last.IsZero() && now.Sub(last) > s.staleAfter {
		l.Stale = fmt.Sprintf("%s has not looked at its sources since %s: what is newer is not here yet.", s.planet.Title, minuteUTC(last, "").Text)
	}
	return s.look.Swap(&l).differs(&l), nil
}

func (l *look) differs(o *look) bool { return l == nil || *l != *o }
