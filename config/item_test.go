package config

import (
	"reflect"
	"strings"
	"testing"
)

// hard are texts that YAML, or our own dollar, would take for something else.
var hard = []string{
	"Nyco", "nyco (XSF)", "Nÿco", "yes", "2001", "a: b", "#1", "a #b", "[x]", "{x}", "a, b", `"quoted"`, "it's", "- dash", "$${NAME}", "cost $5",
	"C++", "*", "&x", "!x", "@x", "~", "null", "Ж", "你好", "trailing:", "a\u200db", `back\slash`, "%", "?", "|", ">",
}

func TestItemsAreReadAsTheyWereMeant(t *testing.T) {
	for _, text := range hard {
		a := Author{Name: text, Aliases: []string{"an alias", text}}
		c := Category{Title: text, Slug: "own", Match: Match{Tags: []string{"a tag", text}, Words: []string{text}, Authors: []string{text, text}}}
		got := mustParse(t, minimal+"authors:\n"+a.Item()+"categories:\n"+c.Item())
		if !reflect.DeepEqual(got.Authors, []Author{a}) {
			t.Errorf("got %q, want %q", got.Authors, a)
		}
		if !reflect.DeepEqual(got.Categories, []Category{c}) {
			t.Errorf("got %q, want %q", got.Categories, c)
		}
	}
}

func TestItemsSayNoMoreThanTheyHaveTo(t *testing.T) {
	if got := (&Author{Name: "Nyco"}).Item(); got != "  - name: Nyco\n" {
		t.Errorf("got %q", got)
	}
	c := Category{Title: "Big News", Slug: "big-news", Match: Match{Tags: []string{"News", "Big News"}}}
	if got := c.Item(); got != "  - title: Big News\n    match: {tags: [News, Big News]}\n" {
		t.Errorf("got %q", got)
	}
	if got := (&Category{Title: "Empty"}).Item(); strings.Contains(got, "match") {
		t.Errorf("got %q", got)
	}
}
