package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// pair is a key of a source and its value as YAML.
type pair struct{ key, value string }

// pairs are the keys that say s, in the order of the manual. quote is block or flow.
func pairs(s *Source, quote func(string) string) []pair {
	var list []pair
	for _, k := range []pair{
		{"markdown", s.Markdown}, {"feed", s.Feed}, {"opml", s.OPML}, {"title", s.Title}, {"site", s.Site},
		{"permalink", s.Permalink}, {"slug", s.Slug}, {"language", s.Language}, {"avatar", s.Avatar},
	} {
		if k.value != "" {
			list = append(list, pair{k.key, quote(k.value)})
		}
	}
	if len(s.Categories) > 0 {
		list = append(list, pair{"categories", brackets(s.Categories)})
	}
	if s.Every > 0 {
		list = append(list, pair{"every", inDays(s.Every)})
	}
	return list
}

// blockItems are the sources as items of a list of dashes, gap behind the dash.
func blockItems(sources []Source, indent, gap, eol string) string {
	var b strings.Builder
	for i := range sources {
		before := indent + "-" + gap
		for _, p := range pairs(&sources[i], block) {
			b.WriteString(before + p.key + ": " + p.value + eol)
			before = indent + " " + strings.Repeat(" ", len(gap))
		}
	}
	return b.String()
}

// flowItems are the sources as items of a list in brackets, with between between them.
func flowItems(sources []Source, between string) string {
	items := make([]string, len(sources))
	for i := range sources {
		var keys []string
		for _, p := range pairs(&sources[i], flow) {
			keys = append(keys, p.key+": "+p.value)
		}
		items[i] = "{" + strings.Join(keys, ", ") + "}"
	}
	return strings.Join(items, between)
}

var (
	// plainBlock needs no quotes as the value of a key, plainFlow nor within brackets
	// (YAML 1.2 §7.3.3), if it is no word that means something else.
	plainBlock = regexp.MustCompile(`^(\.{0,2}/)?[\pL][\pL\pM\pN _.~/+@()&;=%?!$'*:#-]*$`)
	plainFlow  = regexp.MustCompile(`^\pL[\pL\pM\pN _./-]*$`)
	meaning    = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
)

// block is a text as the value of a key.
func block(s string) string {
	s = dollars(s)
	if !plainBlock.MatchString(s) || strings.Contains(s, ": ") || strings.Contains(s, " #") || strings.HasSuffix(s, ":") {
		return strconv.Quote(s)
	}
	return unlessMeaning(s)
}

// flow is a text as a value within brackets.
func flow(s string) string {
	s = dollars(s)
	if !plainFlow.MatchString(s) {
		return strconv.Quote(s) // every escape of Go's is one of YAML's (YAML 1.2 §5.7)
	}
	return unlessMeaning(s)
}

func unlessMeaning(s string) string {
	if slices.Contains(meaning, strings.ToLower(s)) || strings.HasSuffix(s, " ") {
		return strconv.Quote(s)
	}
	return s
}

// dollars writes a text so that no part of it is taken for a variable.
func dollars(s string) string {
	if strings.Contains(s, "$$") || strings.Contains(s, "${") {
		return strings.ReplaceAll(s, "$", "$$")
	}
	return s
}

// inDays writes a duration the way a person would.
func inDays(d time.Duration) string {
	if day := 24 * time.Hour; d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return brief(d)
}

// Duration reads what a key such as every takes: 30s, 15m, 2h or 2d.
func Duration(s string) (time.Duration, error) {
	d, bad := asDuration(written{text: s, node: &ast.StringNode{}})
	if bad != nil {
		return 0, fmt.Errorf("%q is not %s", s, bad.want)
	}
	return d, nil
}
