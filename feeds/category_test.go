package feeds

import (
	"reflect"
	"slices"
	"testing"
)

var rules = Rules{TagsAsCategories: true, Rules: []Rule{
	{CategoryName{"summit", "XMPP Summit"}, Match{Tags: []string{"XMPP Summit", "Summit"}, Words: []string{"xmpp summit", "Café"}}},
	{CategoryName{"clients", "Clients"}, Match{Authors: []string{"Ann Lee"}, Sources: []string{"gajim"}}},
	{CategoryName{"go", "Go"}, Match{Words: []string{"go", "c++"}}},
	{CategoryName{"never", "Never"}, Match{Words: []string{"", "…"}}},
}}

func TestRulesPutEntriesIntoCategories(t *testing.T) {
	tests := []struct {
		name string
		e    Entry
		s    Source
		want []string
	}{
		{"nothing matches", Entry{Title: "x"}, Source{Slug: "a"}, nil},
		{"a tag however it is spelt", Entry{Tags: []Tag{{Term: "xmpp-SUMMIT"}}}, Source{}, []string{"summit"}},
		{"a label of a tag", Entry{Tags: []Tag{{Term: "t17", Label: "Summit"}}}, Source{}, []string{"summit"}},
		{"a phrase in the title", Entry{Title: "The XMPP  Summit, again"}, Source{}, []string{"summit"}},
		{"a phrase in the text, across markup", Entry{Content: "<p>the <b>XMPP</b>\nSummit</p>"}, Source{}, []string{"summit"}},
		{"a phrase is not found across words", Entry{Title: "xmpp: no summit"}, Source{}, nil},
		{"half a word is no word", Entry{Title: "xmpp summits", Content: "<p>Gopher, ago, cargo</p>"}, Source{}, nil},
		{"a word beside punctuation", Entry{Summary: "(Go)"}, Source{}, []string{"go"}},
		{"a word in a URL is a word, in an attribute it is none", Entry{Content: `<a href="https://x.example/go">x</a>`}, Source{}, nil},
		{"letters that are not ASCII", Entry{Title: "Im CAFÉ."}, Source{}, []string{"summit"}},
		{"an author", Entry{Authors: []Person{{Name: "Bob"}, {Name: "ann-lee"}}}, Source{}, []string{"clients"}},
		{"a source", Entry{}, Source{Slug: "gajim"}, []string{"clients"}},
		{"several, ordered and once", Entry{Title: "go xmpp summit", Tags: []Tag{{Term: "summit"}}}, Source{Slug: "gajim"}, []string{"clients", "go", "summit"}},
		{"a tag that no rule takes", Entry{Tags: []Tag{{Term: "Big News"}, {Term: "big-news"}, {Term: "…"}}}, Source{}, []string{"big-news"}},
		{"tags with one slug", Entry{Tags: []Tag{{Term: "C#"}, {Term: "C"}, {Term: "C++"}, {Term: "c"}}}, Source{}, []string{"c", "c", "c"}},
		{"tags of one name with two slugs", Entry{Tags: []Tag{{Term: "Big News"}, {Term: "bignews"}}}, Source{}, []string{"big-news"}},
		{"a tag that is called like a category", Entry{Tags: []Tag{{Term: "clients"}}}, Source{}, []string{"clients"}},
		{"a category of the source", Entry{}, Source{Categories: []CategoryName{{"mine", "Mine"}}}, []string{"mine"}},
		{"a category of the source that people mean by another name", Entry{}, Source{Categories: []CategoryName{{"xmpp-summit", "xmpp summit"}}}, []string{"summit"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, c := range rules.For(&test.e, &test.s) {
				got = append(got, c.Slug)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTagsMakeNoCategoriesUnlessAsked(t *testing.T) {
	quiet := Rules{Rules: rules.Rules}
	if got := quiet.For(&Entry{Tags: []Tag{{Term: "news"}}}, &Source{}); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestCategoriesCarryTheirConfiguredTitle(t *testing.T) {
	got := rules.For(&Entry{Tags: []Tag{{Term: "CLIENTS"}, {Term: "Neu & alt"}}}, &Source{})
	want := []CategoryName{{"clients", "Clients"}, {"neu-alt", "Neu & alt"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSourceKeepsAndDropsAsConfigured(t *testing.T) {
	xmpp := Entry{Title: "About XMPP"}
	both := Entry{Title: "About XMPP", Tags: []Tag{{Term: "Advert"}}}
	other := Entry{Title: "About cats"}
	keep, drop := Match{Words: []string{"xmpp"}}, Match{Tags: []string{"advert"}}
	tests := []struct {
		name string
		s    Source
		e    Entry
		want bool
	}{
		{"no filter", Source{}, other, true},
		{"kept", Source{Keep: keep}, xmpp, true},
		{"not kept", Source{Keep: keep}, other, false},
		{"dropped", Source{Drop: drop}, both, false},
		{"not dropped", Source{Drop: drop}, other, true},
		{"drop wins over keep", Source{Keep: keep, Drop: drop}, both, false},
	}
	for _, test := range tests {
		if got := test.s.Kept(&test.e); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// Beside its categories an entry stands in the list of each of its authors, by the name
// they chose, and of its language; whom it does not name, its feed does.
func TestEntryIsInTheListsOfItsAuthorsAndLanguage(t *testing.T) {
	r := &Rules{Authors: Authors{}, TagsAsCategories: true}
	r.Authors.Add("Nÿco", "nyco")
	s := &Source{Slug: "s", Authors: []Person{{Name: "The Feed"}}}
	for _, c := range []struct {
		e    Entry
		want string
	}{
		{Entry{}, "author/the-feed"},
		{Entry{Authors: []Person{{Name: "nyco"}, {Name: "Ann Lee"}, {Name: "???"}}, Language: "de-AT"}, "author/nyco author/ann-lee language/de"},
		{Entry{Authors: []Person{{Name: "Ann"}}, Tags: []Tag{{Term: "author/x"}}, Language: "x-klingon"}, "author-x author/ann"},
	} {
		got := ""
		for _, n := range r.Lists(&c.e, s) {
			got += " " + n.Slug
		}
		if got != " "+c.want {
			t.Errorf("%+v: lists%s, want %s", c.e, got, c.want)
		}
	}
}
