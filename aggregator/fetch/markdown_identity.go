package fetch

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"orrery/feeds"
)

// identify gives e its address, its language and the names that follow from
// them, and returns how its links resolve.
func (r *postReader) identify(e *feeds.Entry, n postName, m *frontMatter, date time.Time) (markdownLinks, error) {
	own := r.source.Language
	if own == "" {
		own = "en"
	}
	switch e.Language = m.text("lang", "language"); {
	case n.language != "":
		e.Language = n.language
	case e.Language == "":
		e.Language = r.source.Language
	}
	prefix := ""
	if n.language != "" && !strings.EqualFold(n.language, own) {
		prefix = "/" + n.spelled
	}
	spelled := n.spelled
	if spelled == "" {
		spelled = strings.ToLower(own)
	}
	p, err := permalinkExpand(r.source.Permalink, permalinkFacts{
		Date: date, Title: e.Title, Slug: m.text("slug"), File: n.base, Sections: n.sections, Language: spelled,
	})
	if err != nil {
		return markdownLinks{}, err
	}
	if !permalinkUsesLanguage(r.source.Permalink) {
		p = prefix + p
	}
	if own := m.text("url"); own != "" {
		p = r.ownPath(own, prefix)
	} else if date.IsZero() && permalinkUsesDate(r.source.Permalink) {
		return markdownLinks{}, postErrorf(m.lines["title"], "there is no date, and the address %s needs one; add date:", r.source.Permalink)
	}
	e.GUID = permalinkAddress(r.site, p)
	if len(e.GUID) > feeds.MaxGUID {
		return markdownLinks{}, postErrorf(m.lines["title"], "the address of the post is over %d bytes; give it a shorter slug", feeds.MaxGUID)
	}
	e.Group = permalinkAddress(r.site, "/"+path.Join(append(slices.Clone(n.sections), n.base)...))
	if r.site == nil { // the post lives on the planet only, and its GUID means something only here
		return markdownLinks{}, nil
	}
	e.Permalink, e.GUIDGlobal = e.GUID, true
	e.Aliases = r.aliases(e, m, prefix)
	page, err := url.Parse(e.Permalink)
	if err != nil {
		return markdownLinks{}, postErrorf(m.lines["url"], "the address of the post, %s, is not valid; correct its url", e.Permalink)
	}
	return markdownLinks{site: r.site, page: page}, nil
}

// ownPath is the path that `url:` asks for; one that names the whole address
// may name its path only, since a folder speaks for its own site.
func (r *postReader) ownPath(own, prefix string) string {
	if u, err := url.Parse(own); err == nil && u.Host != "" {
		return permalinkClean(u.Path)
	}
	if !strings.HasPrefix(own, "/") { // Hugo: below the language's own root
		own = prefix + "/" + own
	}
	return permalinkClean(own)
}

// aliases are the further addresses of e, each once and none its own.
func (r *postReader) aliases(e *feeds.Entry, m *frontMatter, prefix string) []string {
	var all []string
	for _, a := range m.list("", "aliases", "alias") {
		address := ""
		if u, err := url.Parse(a); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
			address = u.String()
		} else {
			address = permalinkAddress(r.site, permalinkClean(a))
		}
		if feeds.CanonicalURL(address) != feeds.CanonicalURL(e.Permalink) && len(address) <= feeds.MaxURL && !slices.Contains(all, address) {
			all = append(all, address)
		}
	}
	return all
}

// ref is what ref and relref mean: the address of the post called target, else
// the path itself, as a page of the site.
func (r *postReader) ref(from, target string) string {
	target, fragment, found := strings.Cut(target, "#")
	if found {
		fragment = "#" + fragment
	}
	if target == "" {
		return fragment
	}
	if r.address != nil {
		if address := r.address(from, target); address != "" {
			return address + fragment
		}
	}
	n := postNameOf(target)
	return permalinkAddress(nil, "/"+path.Join(append(slices.Clone(n.sections), n.base)...)+"/") + fragment
}

// postMail is an author written as Name <address>.
var postMail = regexp.MustCompile(`^(.*?)\s*<([^<>@\s]+@[^<>@\s]+)>$`)

// postAuthors are the people under authors and author: a string of names, a
// list of names or maps, one map.
func postAuthors(m *frontMatter) []feeds.Person {
	var people []feeds.Person
	add := func(p feeds.Person) {
		if s := postMail.FindStringSubmatch(p.Name); s != nil {
			p.Name, p.Email = s[1], s[2]
			if p.Name == "" {
				p.Name = p.Email
			}
		}
		if p.Name == "" && p.URL == "" || slices.ContainsFunc(people, func(o feeds.Person) bool { return o.Name == p.Name && o.URL == p.URL }) {
			return
		}
		people = append(people, p)
	}
	for _, key := range []string{"authors", "author"} {
		switch v := m.values[key].(type) {
		case string:
			for _, name := range postSplitNames(v) {
				add(feeds.Person{Name: name})
			}
		case []any:
			for _, x := range v {
				add(postPerson(x))
			}
		default:
			add(postPerson(v))
		}
	}
	return people
}

// postSplitNames splits `A; B`, and where there is no semicolon `A, B`: with
// semicolons a comma is part of a name, as in `Doe, Jane; Roe, Richard`.
func postSplitNames(s string) []string {
	sep := ","
	if strings.Contains(s, ";") {
		sep = ";"
	}
	var names []string
	for name := range strings.SplitSeq(s, sep) {
		if name = strings.Join(strings.Fields(name), " "); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func postPerson(v any) feeds.Person {
	field := func(fields map[string]any, names ...string) string {
		for _, n := range names {
			if s, ok := fields[n].(string); ok && s != "" {
				return strings.Join(strings.Fields(s), " ")
			}
		}
		return ""
	}
	switch v := v.(type) {
	case string:
		return feeds.Person{Name: strings.Join(strings.Fields(v), " ")}
	case map[string]any:
		p := feeds.Person{Name: field(v, "name"), Email: field(v, "email"), URL: field(v, "url", "link")}
		if p.Name == "" {
			p.Name = p.Email
		}
		return p
	}
	return feeds.Person{}
}

// postTags are the categories and tags, each once as people compare them.
func postTags(m *frontMatter) []feeds.Tag {
	var tags []feeds.Tag
	seen := map[string]bool{}
	terms := append(m.list("", "categories", "category"), m.list(",;", "tags", "tag")...)
	for _, t := range terms {
		if f := feeds.FoldTag(t); f != "" && !seen[f] {
			seen[f] = true
			tags = append(tags, feeds.Tag{Term: t})
		}
	}
	return tags
}
