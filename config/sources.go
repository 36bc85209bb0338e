package config

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// sources judges every source for itself, then their slugs together.
func (l *loader) sources(c *Config) {
	first := map[string]spot{} // where a feed, folder or file is named first
	for i := range c.Sources {
		s := &c.Sources[i]
		m := l.at[s]
		s.Line, s.Column = m.value.line, m.value.column
		if m.bad {
			continue
		}
		l.kind(s, m.value)
		l.reader(s)
		l.place(s)
		l.twice(s, first)
		l.language(&s.Language, "sources.language")
		l.between(&s.Retain.Days, "sources.retain.days", 0, 36500)
		l.between(&s.Retain.Entries, "sources.retain.entries", 0, 1_000_000)
	}
	l.slugs(c.Sources)
}

// kind reports a source that is none, or several at once.
func (l *loader) kind(s *Source, at spot) {
	var named []mark
	var names []string
	for _, k := range []struct {
		name string
		p    *string
	}{{"markdown", &s.Markdown}, {"feed", &s.Feed}, {"opml", &s.OPML}} {
		m, ok := l.at[k.p]
		if !ok {
			continue
		}
		named, names = append(named, m), append(names, k.name)
		if !m.bad && *k.p == "" {
			l.wrong(k.p, "", "sources.%s is empty", k.name)
		}
	}
	if len(named) == 0 {
		l.report(at, "add feed: and an address, markdown: and a folder, or opml: and a file", "a source wants one of feed, markdown and opml")
	} else if len(named) > 1 {
		last := slices.MaxFunc(named, func(a, b mark) int {
			return cmp.Or(cmp.Compare(a.key.line, b.key.line), cmp.Compare(a.key.column, b.key.column))
		})
		l.report(last.key, "make two sources of it", "a source has only one of %s", strings.Join(names, " and "))
	}
}

// reader reports keys that mean nothing for this kind of source.
func (l *loader) reader(s *Source) {
	_, markdown := l.at[&s.Markdown]
	_, opml := l.at[&s.OPML]
	_, feed := l.at[&s.Feed]
	if m, ok := l.at[&s.Permalink]; ok && feed && !markdown {
		l.report(m.key, "a feed says itself where its entries are; take the line out", "sources.permalink is for a markdown folder only")
	}
	if !opml || markdown || feed {
		return
	}
	for _, k := range []struct {
		name string
		p    any
	}{{"title", &s.Title}, {"site", &s.Site}, {"permalink", &s.Permalink}, {"slug", &s.Slug}, {"avatar", &s.Avatar}} {
		if m, ok := l.at[k.p]; ok {
			l.report(m.key, "the list says it for each of its feeds; take the line out", "sources.%s means nothing with opml", k.name)
		}
	}
}

// place checks and completes the addresses and paths.
func (l *loader) place(s *Source) {
	if l.given(&s.Feed) && s.Feed != "" {
		l.web(&s.Feed, "sources.feed")
	}
	if l.given(&s.Site) {
		l.web(&s.Site, "sources.site")
	}
	for _, k := range []struct {
		name, hint string
		p          *string
	}{
		{"markdown", "a folder of this machine; for an address use feed:", &s.Markdown},
		{"opml", "download the list and name its file here", &s.OPML},
		{"avatar", "download the picture and name its file here", &s.Avatar},
	} {
		l.local(k.p, "sources."+k.name, k.hint)
	}
	l.permalink(s)
}

// local completes the path of something on this machine, if one is given.
func (l *loader) local(p *string, name, hint string) {
	switch {
	case *p == "" || !l.given(p):
	case strings.Contains(*p, "://"):
		l.wrong(p, hint, "%s wants a path, not an address", name)
	default:
		*p = l.path(*p)
	}
}

var permalinkToken = regexp.MustCompile(`:[a-z]+(\[[^\]]*\])?`)

var permalinkTokens = []string{":year", ":month", ":day", ":title", ":slug", ":filename", ":section", ":sections", ":lang"}

// hugoTokens are the others that Hugo knows.
var hugoTokens = []string{":monthname", ":weekday", ":weekdayname", ":yearday", ":slugorfilename", ":contentbasename", ":slugorcontentbasename"}

func (l *loader) permalink(s *Source) {
	p := &s.Permalink
	if !l.given(p) {
		return
	}
	if !strings.HasPrefix(*p, "/") {
		l.wrong(p, "write /"+shorten(*p), "sources.permalink does not begin with a slash: %q", shorten(*p))
		return
	}
	if strings.ContainsAny(*p, "?# \n\t") {
		l.wrong(p, "write a path such as /:year/:month/:title/", "sources.permalink holds a space, ? or #: %q", shorten(*p))
		return
	}
	one := false // something that differs from post to post
	for _, t := range permalinkToken.FindAllString(*p, -1) {
		switch {
		case slices.Contains(permalinkTokens, t):
			one = one || slices.Contains([]string{":day", ":title", ":slug", ":filename"}, t)
		case slices.Contains(hugoTokens, t) || strings.Contains(t, "["):
			l.wrong(p, "use "+strings.Join(permalinkTokens, " "), "sources.permalink: Hugo's %s is not supported", t)
			return
		default:
			l.wrong(p, nearest(t, permalinkTokens), "sources.permalink has an unknown token %q", t)
			return
		}
	}
	if !one {
		l.wrong(p, "add :title, :slug or :filename", "sources.permalink gives many posts the same address: %q", *p)
	}
}

// twice reports a source that stands in the file already.
func (l *loader) twice(s *Source, first map[string]spot) {
	for _, k := range []struct {
		name string
		p    *string
		id   string
	}{{"feed", &s.Feed, feedID(s.Feed)}, {"folder", &s.Markdown, s.Markdown}, {"list", &s.OPML, s.OPML}} {
		if !l.given(k.p) || k.id == "" {
			continue
		}
		id := k.name + " " + k.id
		if f, ok := first[id]; ok {
			l.wrong(k.p, "take one of them out", "the same %s is already in line %d", k.name, f.line)
			continue
		}
		first[id] = l.at[k.p].value
	}
}

// feedID is equal for addresses that certainly give the same feed (RFC 3986
// §6.2.2 and §6.2.3), with and without TLS.
func feedID(address string) string {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":80"), ":443")
	return host + "/" + strings.TrimPrefix(u.EscapedPath(), "/") + "?" + u.RawQuery
}

// slugs reports slugs that people chose and that cannot be, and chooses the rest.
func (l *loader) slugs(sources []Source) {
	first := map[string]int{}
	for i := range sources {
		s := &sources[i]
		if !l.given(&s.Slug) || !l.slug(&s.Slug, "sources.slug") {
			continue
		}
		if line, ok := first[s.Slug]; ok {
			l.wrong(&s.Slug, "every source needs its own", "the slug %q is already a source's in line %d", s.Slug, line)
			continue
		}
		first[s.Slug] = l.at[&s.Slug].value.line
	}
	nameSources(sources)
}

func (l *loader) slug(p *string, path string) bool {
	if isSlug(*p) {
		return true
	}
	hint := "such as my-blog"
	if s := slugOf(*p); s != "" {
		hint = "did you mean " + s + "?"
	}
	l.wrong(p, hint, "%s wants lower-case letters, digits and hyphens, at most %d bytes, not %q", path, maxSlug, shorten(*p))
	return false
}

// categories reports categories that people or addresses could not tell apart.
func (l *loader) categories(categories []Category) {
	titles, slugs := map[string]int{}, map[string]int{}
	for i := range categories {
		c := &categories[i]
		m := l.at[c]
		if m.bad {
			continue
		}
		l.required(&c.Title, m.value, "categories.title", "add title: and a name")
		at := any(&c.Slug)
		if !l.given(&c.Title) || c.Title == "" {
			continue
		}
		if line, ok := titles[fold(c.Title)]; ok {
			l.wrong(&c.Title, "case, spaces, hyphens and diacritics make no difference; put both into one", "the category %q is already in line %d", shorten(c.Title), line)
			continue
		}
		titles[fold(c.Title)] = l.at[&c.Title].value.line
		if _, own := l.at[at]; !own {
			c.Slug, at = slugOf(c.Title), &c.Title
			if c.Slug == "" {
				l.wrong(at, "add slug: and a short name", "no slug can be made from the title %q", shorten(c.Title))
				continue
			}
		} else if !l.given(at) || !l.slug(&c.Slug, "categories.slug") {
			continue
		}
		if line, ok := slugs[c.Slug]; ok {
			l.wrong(at, "give one of them a slug: of its own", "the slug %q is already a category's in line %d", c.Slug, line)
			continue
		}
		slugs[c.Slug] = l.at[at].value.line
	}
}

// matches reports conditions on sources that do not exist. The sources of an
// OPML file are not known here, so with one every slug may be meant; likewise
// with a source that could not be read.
func (l *loader) matches(c *Config) {
	var known []string
	for i := range c.Sources {
		s := &c.Sources[i]
		if _, opml := l.at[&s.OPML]; opml || l.at[s].bad || l.at[&s.Slug].bad {
			return
		}
		known = append(known, s.Slug)
	}
	check := func(m *Match, path string) {
		for i := range m.Sources {
			if p := &m.Sources[i]; l.given(p) && !slices.Contains(known, *p) {
				l.wrong(p, nearest(*p, known), "%s.sources: no source has the slug %q", path, shorten(*p))
			}
		}
	}
	for i := range c.Sources {
		check(&c.Sources[i].Keep, "sources.keep")
		check(&c.Sources[i].Drop, "sources.drop")
	}
	for i := range c.Categories {
		check(&c.Categories[i].Match, "categories.match")
	}
}
