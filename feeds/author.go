package feeds

import (
	"cmp"
	"slices"
)

// Authors knows people by all their names: under the FoldTag of each stands the
// name that people chose for them. It is for what leaves the store; the store keeps
// what the source said, so that a line taken out of the table undoes what it did.
//
// The nil table knows nobody.
type Authors map[string]string

// Add says that whoever is called name or one of the aliases is shown as name. A
// name that is taken already stays whose it is.
func (a Authors) Add(name string, aliases ...string) {
	for _, n := range append([]string{name}, aliases...) {
		f := FoldTag(n)
		if _, taken := a[f]; f != "" && !taken {
			a[f] = name
		}
	}
}

// Name is the chosen name of whoever is called name; everybody else keeps theirs.
func (a Authors) Name(name string) string {
	if len(a) == 0 || name == "" {
		return name
	}
	return cmp.Or(a[FoldTag(name)], name)
}

// People is the list under the chosen names. Who stands in it twice then is one:
// the first, with the address and the page of the others where it has none. The
// list that is given stays as it is.
func (a Authors) People(list []Person) []Person {
	if !a.know(list) {
		return list
	}
	out, at := make([]Person, 0, len(list)), map[string]int{}
	for _, p := range list {
		name, known := a[FoldTag(p.Name)]
		if !known {
			out = append(out, p)
			continue
		}
		if i, twice := at[name]; twice {
			out[i].Email, out[i].URL = cmp.Or(out[i].Email, p.Email), cmp.Or(out[i].URL, p.URL)
			continue
		}
		p.Name, at[name] = name, len(out)
		out = append(out, p)
	}
	return out
}

// know says that one of the people is in the table.
func (a Authors) know(list []Person) bool {
	return len(a) > 0 && slices.ContainsFunc(list, func(p Person) bool { return a[FoldTag(p.Name)] != "" })
}

// Entry puts the people of a stored entry under their chosen names. Whom the entry
// only inherits, from the feed it came with or its source, it names itself then;
// of the feed itself is kept what that said (RFC 4287 §4.2.11).
func (a Authors) Entry(e *Entry) {
	if len(a) == 0 {
		return
	}
	if len(e.Authors) == 0 {
		if list := inherited(e); a.know(list) {
			e.Authors = list
		}
	}
	e.Authors, e.Contributors = a.People(e.Authors), a.People(e.Contributors)
}

// Match is m with all names of those whom it asks for by their chosen one.
func (a Authors) Match(m Match) Match {
	asked := m.Authors
	if len(asked) == 0 {
		return m
	}
	m.Authors = slices.Clone(asked)
	for f, name := range a {
		if containsFold(asked, name) && !containsFold(asked, f) {
			m.Authors = append(m.Authors, f)
		}
	}
	slices.Sort(m.Authors[len(asked):]) // a table has no order
	return m
}

// both is e by its authors' own names and by the chosen ones, which is how rules
// see it: one may ask for the person, or for whatever is signed with one of the
// names.
func (a Authors) both(e *Entry) *Entry {
	if !a.know(e.Authors) {
		return e
	}
	seen := *e
	seen.Authors = slices.Concat(e.Authors, a.People(e.Authors))
	return &seen
}
