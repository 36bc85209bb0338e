package feeds

import "cmp"

// distinguish tells posts apart that an RSS or JSON feed calls by one GUID though they
// are several: some generators write the address of the site, or a number that starts
// anew, into each. They are known by their addresses beside it, or if they link to one
// page, by their titles, where the days differ, too. In Atom two entries with one id are
// one (RFC 4287 §4.1.1), and so are two that have nothing but the GUID.
//
// When all but one of them have left the feed, that one has its GUID for itself again;
// whoever stores it knows it by its address.
func distinguish(f *Feed) {
	if f.atom() {
		return
	}
	groups := make(map[string][]*Entry, len(f.Entries))
	for i := range f.Entries {
		e := &f.Entries[i]
		groups[e.GUID] = append(groups[e.GUID], e)
	}
	for _, group := range groups {
		if len(group) < 2 {
			continue
		}
		by := byAddress
		if !differ(group, by) {
			if by = byTitle; byAddress(group[0]) == "" || !differ(group, by) || !differ(group, byDate) {
				continue
			}
		}
		for _, e := range group {
			e.GUID, e.GUIDGlobal = guid(e.GUID+" "+by(e)), false
		}
	}
}

func byAddress(e *Entry) string { return CanonicalURL(e.Permalink) }
func byTitle(e *Entry) string   { return FoldTag(e.Title) }
func byDate(e *Entry) string    { return newest(e).String() }

// differ says that at least two of the entries have something that differs.
func differ(group []*Entry, by func(*Entry) string) bool {
	first := ""
	for _, e := range group {
		s := by(e)
		if first = cmp.Or(first, s); s != "" && s != first {
			return true
		}
	}
	return false
}
