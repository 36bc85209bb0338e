package config

import (
	"fmt"
	"strings"
)

// Item is the author as an item of the list authors, for a person to paste.
func (a *Author) Item() string {
	s := "  - name: " + block(a.Name) + "\n"
	if len(a.Aliases) > 0 {
		s += "    aliases: " + brackets(a.Aliases) + "\n"
	}
	return s
}

// Item is the category as an item of the list categories, for a person to paste.
// The slug is left out where the title makes it.
func (c *Category) Item() string {
	s := "  - title: " + block(c.Title) + "\n"
	if c.Slug != "" && c.Slug != slugOf(c.Title) {
		s += "    slug: " + block(c.Slug) + "\n"
	}
	var conditions []string
	for _, k := range []struct {
		key   string
		texts []string
	}{{"tags", c.Match.Tags}, {"words", c.Match.Words}, {"sources", c.Match.Sources}, {"authors", c.Match.Authors}} {
		if len(k.texts) > 0 {
			conditions = append(conditions, fmt.Sprintf("%s: %s", k.key, brackets(k.texts)))
		}
	}
	if len(conditions) > 0 {
		s += "    match: {" + strings.Join(conditions, ", ") + "}\n"
	}
	return s
}

// brackets are texts as a list in brackets.
func brackets(texts []string) string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = flow(t)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
