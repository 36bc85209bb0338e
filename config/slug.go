package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxSlug keeps a slug within what every file system takes as a name (255 bytes).
const maxSlug = 80

// slugOf makes s fit for an address: letters and digits of any script in lower
// case, Latin letters without their diacritics, everything else one hyphen. It
// is empty when s has no letter or digit.
func slugOf(s string) string {
	var b strings.Builder
	hyphen := false
	for _, r := range norm.NFC.String(bareLatin(s)) {
		if !slugRune(r) {
			hyphen = b.Len() > 0
			continue
		}
		r = unicode.ToLower(r)
		if b.Len()+len("-")+len(string(r)) > maxSlug {
			break
		}
		if hyphen {
			b.WriteByte('-')
			hyphen = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// slugRune: marks are part of the letters of many scripts.
func slugRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

// bareLatin removes diacritics from Latin letters only: in other scripts they
// make other letters.
func bareLatin(s string) string {
	var b strings.Builder
	latin := false
	for _, r := range norm.NFKD.String(s) {
		if latin && unicode.Is(unicode.Mn, r) {
			continue
		}
		latin = unicode.Is(unicode.Latin, r)
		b.WriteRune(r)
	}
	return b.String()
}

// isSlug says whether a person's own slug can stand in an address as it is.
func isSlug(s string) bool {
	if s == "" || len(s) > maxSlug || strings.HasPrefix(s, "-") || strings.HasSuffix(s, "-") {
		return false
	}
	for _, r := range s {
		if r != '-' && !slugRune(r) || unicode.ToLower(r) != r {
			return false
		}
	}
	return true
}

// fold is how titles are compared: without regard to case, spaces, hyphens,
// underscores and diacritics, as tags are.
func fold(s string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) || unicode.IsSpace(r) || strings.ContainsRune("-_‐‑–", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s)))
}

// nameSources gives every source without a slug one that no other has. Slugs
// that people chose come first: a new source must not take one from them. The
// sources of an OPML file are named by whoever reads it.
func nameSources(sources []Source) {
	taken, tried := map[string]bool{}, map[string]int{}
	for i := range sources {
		taken[sources[i].Slug] = true
	}
	for i := range sources {
		s := &sources[i]
		if s.Slug != "" || s.OPML != "" {
			continue
		}
		s.Slug = defaultSlug(s)
		for base := s.Slug; taken[s.Slug]; {
			tried[base]++
			s.Slug = fmt.Sprintf("%s-%d", base, tried[base]+1)
		}
		taken[s.Slug] = true
	}
}

func defaultSlug(s *Source) string {
	name := filepath.Base(s.Markdown)
	if u, err := url.Parse(s.Feed); err == nil && s.Feed != "" {
		name = strings.TrimPrefix(u.Hostname(), "www.") + u.Path
	}
	for _, n := range []string{s.Title, name} {
		if slug := slugOf(n); slug != "" {
			return slug
		}
	}
	return "source"
}
