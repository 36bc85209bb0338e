package feeds

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// repair leaves out of a stored entry what no document can say. What was read is in
// order after Normalize; but a store lasts longer than the program that filled it. The
// lists of the entry are shared with whoever gave it, and stay as they are.
func (e *Entry) repair() {
	// A post that was dated in the future when we saw it stands where we saw it
	// (parsing.md 24).
	if unsayable(e.Published) || !e.FirstSeen.IsZero() && e.Published.After(e.FirstSeen) {
		e.Published = sayable(e.Sort, e.FirstSeen)
	}
	e.Updated = later(sayable(e.Changed), e.Published)
	e.Permalink, e.Image = web(e.Permalink), web(e.Image)
	e.Enclosures = reachable(e.Enclosures, func(x *Enclosure) *string { return &x.URL })
	e.Links = reachable(e.Links, func(l *Link) *string { return &l.URL })
	e.Authors, e.Contributors = reachablePeople(e.Authors), reachablePeople(e.Contributors)
}

// sayable is the first of the times that a document can say, zero for none.
func sayable(times ...time.Time) time.Time {
	for _, t := range times {
		if !unsayable(t) {
			return t
		}
	}
	return time.Time{}
}

// reachable is the list without what has no address on the web.
func reachable[T any](list []T, address func(*T) *string) []T {
	return slices.DeleteFunc(mended(list, address), func(x T) bool { return *address(&x) == "" })
}

// reachablePeople are people without addresses that are none; a name is enough.
func reachablePeople(list []Person) []Person {
	list = mended(list, func(p *Person) *string { return &p.URL })
	return slices.DeleteFunc(list, func(p Person) bool { return printable(p.Name) == "" && p.URL == "" })
}

// mended is a copy of the list in which every address is one on the web, or empty.
func mended[T any](list []T, address func(*T) *string) []T {
	list = slices.Clone(list)
	for i := range list {
		a := address(&list[i])
		*a = web(*a)
	}
	return list
}

// called is the entry as a sentence calls it.
func (e *Entry) called() string {
	const enough = 200
	name := fmt.Sprintf("the entry %q", cut(cmp.Or(e.Permalink, e.GUID, e.ID, e.Title), enough))
	if e.Source != nil {
		name += " of " + e.Source.Slug
	}
	return name
}
