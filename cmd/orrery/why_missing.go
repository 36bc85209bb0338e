package main

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"orrery/feeds"
)

// mostSources of a host are told of; whoever keeps a planet knows the others.
const mostSources = 3

// missing tells why an address that no entry has may not be here.
func (t *teller) missing(name string) (told, error) {
	c := feeds.CanonicalURL(name)
	switch {
	case c == "":
		return told{}, noAddress(name)
	case t.ours(c):
		return told{lines: []string{ourPage(name)}}, nil
	}
	m := told{lines: []string{fmt.Sprintf("No post here has the address %s", plain(redacted(name)))}}
	if feeds.AddressKey(name) == "" {
		m.lines = []string{plain(redacted(name)) + " is the front page of a site, where many posts may point: no post is known by it. Name the address of the post itself."}
	}
	near := t.near(name)
	if len(near) == 0 {
		host := feeds.HostOf(name)
		m.lines = append(m.lines, fmt.Sprintf("No source is at %s; orrery sources add https://%s/ looks for a feed there and adds it.", host, host))
	}
	for i, s := range near {
		m.sources = append(m.sources, s.Slug)
		if i < mostSources {
			m.lines = append(m.lines, t.source(s)...)
		}
	}
	if more := len(near) - mostSources; more > 0 {
		m.lines = append(m.lines, fmt.Sprintf("So are %d more; orrery sources lists them.", more))
	}
	return m, nil
}

// noAddress says what to write instead.
func noAddress(name string) error {
	hint := "write the address whole, such as https://blog.example/a-post/"
	if host, _, _ := strings.Cut(name, "/"); strings.Contains(host, ".") && !strings.ContainsAny(host, ":@") && feeds.CanonicalURL("https://"+name) != "" {
		hint = "did you mean https://" + name + " ?"
	}
	return wrongUsage("%q is neither the address of a post nor the ID of an entry; %s", name, hint)
}

// ours says that a canonical address is the planet's own front page, or that of the
// page of an entry.
func (t *teller) ours(canonical string) bool {
	base := feeds.CanonicalURL(t.base)
	return canonical == base || strings.HasPrefix(canonical, base+"/entry/")
}

func ourPage(name string) string {
	if _, id, ok := strings.Cut(name, "/entry/"); ok {
		id, _, _ = strings.Cut(id, "/")
		return fmt.Sprintf("No entry has, or had, the ID %s. An entry keeps its ID; look whether the address is complete.", plain(id))
	}
	return "This is the planet itself. Name the address of a post, or of its page here."
}

// near are the sources that a post with the address may be of, the likeliest first:
// those at its host, of them those whose addresses begin as it does; where there is
// none, those of the same site under other names.
func (t *teller) near(address string) []*feeds.Source {
	type candidate struct {
		source *feeds.Source
		score  int
	}
	var list []candidate
	best := 0
	for i := range t.sources {
		if score := nearness(&t.sources[i], address); score > 0 {
			list, best = append(list, candidate{&t.sources[i], score}), max(best, score)
		}
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(rank(a.source), rank(b.source)) })
	var near []*feeds.Source
	for _, c := range list {
		if c.score == best {
			near = append(near, c.source)
		}
	}
	return near
}

// rank puts what is visited before what is not.
func rank(s *feeds.Source) int {
	if s.Retired {
		return 1
	}
	return 0
}

// nearness is 0 for a source of another site, 1 for one of the same under another
// name, 2 for one at the host, and more the longer its address or its page's begins
// as that of the post.
func nearness(s *feeds.Source, address string) int {
	best := 0
	want := strings.FieldsFunc(feeds.CanonicalURL(address), isSlash)
	for _, a := range []string{s.URL, s.Asked(), s.Site, s.FeedLink} {
		have := strings.FieldsFunc(feeds.CanonicalURL(a), isSlash)
		n := 0
		for n < len(want) && n < len(have) && want[n] == have[n] {
			n++
		}
		if n > 0 {
			best = max(best, n+1)
		}
	}
	if asked := *s; best == 0 {
		asked.URL = s.Asked()
		e := &feeds.Entry{Permalink: address}
		if s.Owns(e) || asked.Owns(e) {
			return 1
		}
	}
	return best
}

func isSlash(r rune) bool { return r == '/' }

// source tells how it stands with a source, and what of it is not let in.
func (t *teller) source(s *feeds.Source) []string {
	lines := []string{fmt.Sprintf("The source %s is of that site: %s", s.Slug, plain(redacted(s.Asked())))}
	for _, more := range [][]string{standingOf(s), visitsOf(s), t.filters(s), outlook(s)} {
		for _, l := range more {
			lines = append(lines, "  "+l)
		}
	}
	return lines
}

// standingOf says why a source is not visited, or not taken as it is.
func standingOf(s *feeds.Source) []string {
	if why := never(s); why != "" {
		return []string{"Nobody visits it: " + why + "."}
	}
	if s.State.Held {
		return []string{fmt.Sprintf("What it says now looks like somebody else's and is held back; orrery release %s lets it in.", s.Slug)}
	}
	return nil
}

// visitsOf says what came of the last visit, and when the next one is.
func visitsOf(s *feeds.Source) []string {
	st := &s.State
	if st.LastVisit.IsZero() {
		if never(s) != "" {
			return nil
		}
		return []string{fmt.Sprintf("It was never visited; orrery fetch %s does it now.", s.Slug)}
	}
	line := "It was last visited on " + shortTime(st.LastVisit, "")
	trouble := plain(st.LastError)
	switch {
	case st.Failures > 0 && st.LastSuccess.IsZero():
		line += "; that failed, as all before: " + trouble
	case st.Failures > 0:
		line += fmt.Sprintf("; that failed, %s in a row since %s: %s", count(st.Failures, "visit", "visits"), shortTime(st.LastSuccess, ""), trouble)
	case trouble != "":
		line += "; not all of it went well: " + trouble
	default:
		line += ", and that went well."
	}
	lines := []string{line}
	if never(s) == "" {
		line = "The next visit: " + nextVisit(s)
		if s.Answer.Next != "" {
			line += ", because " + s.Answer.Next
		}
		lines = append(lines, line)
	}
	return lines
}

// filters say what of the source is let in: an address tells neither the tags nor the
// words of its post.
func (t *teller) filters(s *feeds.Source) []string {
	var lines []string
	if !s.Keep.Empty() && !slices.Contains(s.Keep.Sources, s.Slug) {
		lines = append(lines, "Its filter keep lets in only what "+t.meets(s.Keep)+".")
	}
	switch {
	case slices.Contains(s.Drop.Sources, s.Slug):
		lines = append(lines, "Its filter drop leaves out everything of it.")
	case !s.Drop.Empty():
		lines = append(lines, "Its filter drop leaves out what "+t.meets(s.Drop)+".")
	}
	return lines
}

// meets is a set of conditions in words.
func (t *teller) meets(m feeds.Match) string {
	var list []string
	add := func(before string, names []string) {
		quoted := make([]string, len(names))
		for i, n := range names {
			quoted[i] = fmt.Sprintf("%q", n)
		}
		if len(names) > 0 {
			list = append(list, before+listed(quoted, "or"))
		}
	}
	add("has the tag ", m.Tags)
	add("says ", m.Words)
	add("is by ", t.people(m.Authors))
	add("is of the source ", m.Sources)
	return strings.Join(list, ", or ")
}

// people are authors by the names that were chosen for them, each once: a filter
// holds all their names.
func (t *teller) people(names []string) []string {
	var out []string
	for _, n := range names {
		if n = t.authors.Name(n); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// outlook says where to look on.
func outlook(s *feeds.Source) []string {
	if never(s) != "" {
		return nil
	}
	var lines []string
	if past := plain(backfill(s.Backfill)); past != "" {
		lines = append(lines, "Of its past: "+past)
	}
	if s.Local() {
		dir, err := url.Parse(s.URL)
		if err != nil {
			return lines
		}
		return append(lines, fmt.Sprintf("A draft is left out, and what is dated in the future or has expired. orrery inspect FILE says what is read in a post of %s.", dir.Path))
	}
	return append(lines, fmt.Sprintf("A post is read while its feed lists it. orrery inspect %s shows what it lists now, and what of that is let in.", plain(redacted(s.Asked()))))
}
