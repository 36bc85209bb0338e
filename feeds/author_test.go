package feeds

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func nyco() Authors {
	a := Authors{}
	a.Add("Nyco", "nyco", "Nÿco", "nyco (XSF)")
	a.Add("Anna Lee", "ann")
	return a
}

func TestPeopleAreShownUnderTheNameThatWasChosen(t *testing.T) {
	for name, want := range map[string]string{
		"Nyco": "Nyco", "nyco": "Nyco", "NY-CO": "Nyco", "Nÿco": "Nyco", "NYCO (xsf)": "Nyco", "nyco (JSF)": "nyco (JSF)",
		"anna-lee": "Anna Lee", "Ann": "Anna Lee", "Bob": "Bob", "": "", "-": "-",
	} {
		if got := nyco().Name(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
	if got := Authors(nil).Name("nyco"); got != "nyco" {
		t.Errorf("nobody is in an empty table, got %q", got)
	}
}

func TestNameStaysWhoseItIs(t *testing.T) {
	a := nyco()
	a.Add("Other", "nyco", "-", "")
	if got := a.Name("nyco"); got != "Nyco" {
		t.Errorf("got %q", got)
	}
	if _, ok := a[""]; ok {
		t.Error("a name without letters is in the table")
	}
}

func TestPersonWhoStandsTwiceInAnEntryIsOne(t *testing.T) {
	tests := []struct {
		why        string
		list, want []Person
	}{
		{"nobody", nil, nil},
		{"nobody in the table", []Person{{Name: "Bob"}, {Name: "Bob"}}, []Person{{Name: "Bob"}, {Name: "Bob"}}},
		{"one", []Person{{Name: "nyco", URL: "https://n.example/"}}, []Person{{Name: "Nyco", URL: "https://n.example/"}}},
		{"two, in their order", []Person{{Name: "ann"}, {Name: "Bob"}, {Name: "nyco"}}, []Person{{Name: "Anna Lee"}, {Name: "Bob"}, {Name: "Nyco"}}},
		{"the same twice", []Person{{Name: "nyco"}, {Name: "Bob"}, {Name: "Nyco", Email: "n@n.example", URL: "https://n.example/"}},
			[]Person{{Name: "Nyco", Email: "n@n.example", URL: "https://n.example/"}, {Name: "Bob"}}},
		{"the first address stays", []Person{{Name: "nyco", URL: "https://1.example/"}, {Name: "Nyco", URL: "https://2.example/"}},
			[]Person{{Name: "Nyco", URL: "https://1.example/"}}},
		{"without a name", []Person{{URL: "https://x.example/"}, {Name: "nyco"}}, []Person{{URL: "https://x.example/"}, {Name: "Nyco"}}},
	}
	for _, test := range tests {
		before := slices.Clone(test.list)
		if got := nyco().People(test.list); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.why, got, test.want)
		}
		if !reflect.DeepEqual(test.list, before) {
			t.Errorf("%s: the list itself has changed", test.why)
		}
	}
}

func TestEntryNamesWhomItInherits(t *testing.T) {
	source := &Source{Title: "A blog", Authors: []Person{{Name: "nyco"}}}
	tests := []struct {
		why  string
		e    Entry
		want []Person
	}{
		{"its own author", Entry{Authors: []Person{{Name: "ann"}}, Source: source}, []Person{{Name: "Anna Lee"}}},
		{"its source's author", Entry{Source: source}, []Person{{Name: "Nyco"}}},
		{"its origin's author", Entry{Source: source, Origin: &Origin{Authors: []Person{{Name: "ann"}}}}, []Person{{Name: "Anna Lee"}}},
		{"a source that is called like a person", Entry{Source: &Source{Title: "NYCO", Site: "https://n.example/"}}, []Person{{Name: "Nyco", URL: "https://n.example/"}}},
		{"a source of somebody else", Entry{Source: &Source{Title: "Bob"}}, nil},
		{"nothing", Entry{}, nil},
	}
	for _, test := range tests {
		nyco().Entry(&test.e)
		if !reflect.DeepEqual(test.e.Authors, test.want) {
			t.Errorf("%s: got %v, want %v", test.why, test.e.Authors, test.want)
		}
	}
	if source.Authors[0].Name != "nyco" {
		t.Error("what the source said of itself has changed")
	}
	e := Entry{Contributors: []Person{{Name: "ann"}}}
	nyco().Entry(&e)
	if e.Contributors[0].Name != "Anna Lee" {
		t.Errorf("got the contributor %v", e.Contributors)
	}
}

func TestRulesKnowPeopleByAllTheirNames(t *testing.T) {
	r := Rules{Authors: nyco(), Rules: []Rule{
		{CategoryName{"person", "Person"}, Match{Authors: []string{"nyco"}}},
		{CategoryName{"xsf", "XSF"}, Match{Authors: []string{"Nyco (XSF)"}}},
		{CategoryName{"bob", "Bob"}, Match{Authors: []string{"Bob"}}},
	}}
	for name, want := range map[string]string{"Nyco": "person", "Nÿco": "person", "nyco (XSF)": "person xsf", "Bob": "bob", "ann": ""} {
		e := Entry{Authors: []Person{{Name: name}}}
		var got []string
		for _, c := range r.For(&e, &Source{}) {
			got = append(got, c.Slug)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is in %q, want %q", name, got, want)
		}
		if len(e.Authors) != 1 || e.Authors[0].Name != name {
			t.Errorf("the rules have changed the entry: %v", e.Authors)
		}
	}
}

func TestMatchAsksForPeopleByAllTheirNames(t *testing.T) {
	m := Match{Tags: []string{"x"}, Authors: []string{"NYCO", "Bob"}}
	got := nyco().Match(m)
	want := Match{Tags: []string{"x"}, Authors: []string{"NYCO", "Bob", "nyco(xsf)"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !got.Entry(&Entry{Authors: []Person{{Name: "Nyco (XSF)"}}}, "") || got.Entry(&Entry{Authors: []Person{{Name: "ann"}}}, "") {
		t.Error("the match does not find whom it asks for")
	}
	alias := Match{Authors: []string{"nyco (XSF)"}}
	if got := nyco().Match(alias); !reflect.DeepEqual(got, alias) {
		t.Errorf("who asks for an alias means what is signed with it, got %q", got)
	}
}

// The fingerprint of the rules is made of their JSON: a table must change it, and
// none must not, or every planet would decide everything anew.
func TestJSONOfRulesHasTheAuthors(t *testing.T) {
	text := func(r Rules) string {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	none, some := text(Rules{Authors: Authors{}}), text(Rules{Authors: nyco()})
	if strings.Contains(none, "Authors") || !strings.Contains(some, `"nyco(xsf)":"Nyco"`) || some != text(Rules{Authors: nyco()}) {
		t.Errorf("got %s and %s", none, some)
	}
}
