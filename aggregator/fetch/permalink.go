package fetch

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
)

// permalinkDefault is the address of a post whose source names no pattern:
// Hugo's own default.
const permalinkDefault = "/:sections/:slugorfilename/"

// permalinkFacts is what a permalink pattern can ask of a post.
type permalinkFacts struct {
	Date     time.Time // in the zone it was written in: Hugo takes the year from there
	Title    string
	Slug     string // of the front matter, may be empty
	File     string // base name without language and extension; the folder's name of a page bundle
	Sections []string
	Language string // as an address spells it: "pt-br"
}

// permalinkTokens are Hugo's, and :lang.
var permalinkTokens = map[string]func(permalinkFacts) string{
	"year":        func(p permalinkFacts) string { return p.Date.Format("2006") },
	"month":       func(p permalinkFacts) string { return p.Date.Format("01") },
	"monthname":   func(p permalinkFacts) string { return permalinkSlug(p.Date.Month().String()) },
	"day":         func(p permalinkFacts) string { return p.Date.Format("02") },
	"weekday":     func(p permalinkFacts) string { return fmt.Sprint(int(p.Date.Weekday())) },
	"weekdayname": func(p permalinkFacts) string { return permalinkSlug(p.Date.Weekday().String()) },
	"yearday":     func(p permalinkFacts) string { return fmt.Sprint(p.Date.YearDay()) },
	"title":       func(p permalinkFacts) string { return permalinkFirst(p.Title, p.File) },
	"slug":        func(p permalinkFacts) string { return permalinkFirst(p.Slug, p.Title, p.File) },
	"filename":    func(p permalinkFacts) string { return permalinkSlug(p.File) },
	"lang":        func(p permalinkFacts) string { return p.Language },
	"sections":    func(p permalinkFacts) string { return permalinkSlug(strings.Join(p.Sections, "/")) },

	"contentbasename":       func(p permalinkFacts) string { return permalinkSlug(p.File) },
	"slugorfilename":        func(p permalinkFacts) string { return permalinkFirst(p.Slug, p.File) },
	"slugorcontentbasename": func(p permalinkFacts) string { return permalinkFirst(p.Slug, p.File) },
	"section": func(p permalinkFacts) string {
		if len(p.Sections) == 0 {
			return ""
		}
		return permalinkSlug(p.Sections[0])
	},
}

// permalinkFirst is the first of names that leaves something as a slug: a title
// of nothing but question marks must not give every such post one address.
func permalinkFirst(names ...string) string {
	for _, n := range names {
		if s := permalinkSlug(n); s != "" {
			return s
		}
	}
	return ""
}

// permalinkExpand fills a pattern such as /:year/:month/:title/. The path it
// returns begins with a slash and is not percent-encoded.
func permalinkExpand(pattern string, p permalinkFacts) (string, error) {
	if pattern == "" {
		pattern = permalinkDefault
	}
	var b strings.Builder
	for rest := pattern; rest != ""; {
		literal, token, found := strings.Cut(rest, ":")
		b.WriteString(literal)
		if !found {
			break
		}
		n := strings.IndexFunc(token, func(r rune) bool { return r < 'a' || r > 'z' })
		if n < 0 {
			n = len(token)
		}
		fill := permalinkTokens[token[:n]]
		if fill == nil {
			return "", fmt.Errorf("the permalink pattern %q has :%s, which is not known; use :year :month :day :title :slug :filename :section :sections :lang",
				pattern, token[:n])
		}
		b.WriteString(fill(p))
		rest = token[n:]
	}
	return permalinkClean(b.String()), nil
}

// permalinkUsesLanguage says that the pattern itself places the language, so
// that no prefix is put before it.
func permalinkUsesLanguage(pattern string) bool { return strings.Contains(pattern, ":lang") }

// permalinkUsesDate says that a post without a date has no address: Hugo puts it
// into the year 1.
func permalinkUsesDate(pattern string) bool {
	return slices.ContainsFunc([]string{":year", ":month", ":day", ":week"}, func(t string) bool { return strings.Contains(pattern, t) })
}

// permalinkClean makes p a rooted path without empty or dot segments, so that a
// title such as "../../about" stays where posts are; a slash at the end stays.
func permalinkClean(p string) string {
	segments := slices.DeleteFunc(strings.Split(p, "/"), func(s string) bool { return s == "" || s == "." || s == ".." })
	clean := "/" + strings.Join(segments, "/")
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// permalinkSlug makes a title part of an address as Hugo does (markdown.md 4):
// lower case, white space one hyphen, letters, marks and digits of every script
// and . / \ _ # + ~ - @ stay, everything else vanishes.
func permalinkSlug(s string) string {
	var b strings.Builder
	hyphen, after := false, false
	for i, r := range s {
		switch {
		case permalinkKeeps(s, i, r):
			if hyphen && r != '-' {
				b.WriteByte('-')
			}
			hyphen, after = false, r == '-'
			b.WriteRune(unicode.ToLower(r))
		case unicode.IsSpace(r) && b.Len() > 0 && !after:
			hyphen = true
		}
	}
	return b.String()
}

func permalinkKeeps(s string, i int, r rune) bool {
	switch {
	case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
		return true
	case r == '%': // an escape that the author wrote
		return i+2 < len(s) && permalinkHex(s[i+1]) && permalinkHex(s[i+2])
	}
	return strings.ContainsRune(`./\_#+~-@`, r)
}

func permalinkHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// permalinkAddress is the absolute address of path below site, percent-encoded
// (RFC 3986 §2.1); just the path when there is no site. An escape that is
// already in path is kept.
func permalinkAddress(site *url.URL, p string) string {
	u := url.URL{Path: p}
	if decoded, err := url.PathUnescape(p); err == nil {
		u.Path = decoded
	}
	if site == nil {
		return u.EscapedPath()
	}
	u.Path = strings.TrimSuffix(site.Path, "/") + u.Path
	u.Scheme, u.Host = site.Scheme, site.Host
	return u.String()
}
