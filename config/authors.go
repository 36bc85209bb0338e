package config

// authors reports names that would mean two people. A person's own names may be
// alike: whoever lists every spelling has done no harm.
func (l *loader) authors(authors []Author) {
	first := map[string]owner{}
	for i := range authors {
		a := &authors[i]
		m := l.at[a]
		if m.bad {
			continue
		}
		l.required(&a.Name, m.value, "authors.name", "add name: and the name that is to be shown")
		l.owned(&a.Name, "authors.name", i, first)
		for j := range a.Aliases {
			l.owned(&a.Aliases[j], "authors.aliases", i, first)
		}
	}
}

// owner is whose a name is, and where that stands first.
type owner struct{ author, line int }

// owned reports a name that is somebody else's, or nobody's.
func (l *loader) owned(p *string, path string, author int, first map[string]owner) {
	if !l.given(p) || *p == "" {
		return
	}
	f := fold(*p)
	if f == "" {
		l.wrong(p, "spaces and hyphens make no difference; write the name with its letters", "%s has no letter: %q", path, shorten(*p))
		return
	}
	o, taken := first[f]
	if !taken {
		first[f] = owner{author, l.at[p].value.line}
		return
	}
	if o.author != author {
		l.wrong(p, "case, spaces, hyphens and diacritics make no difference; make one author of them, or leave the name to one",
			"%s: %q is already another author's in line %d", path, shorten(*p), o.line)
	}
}
