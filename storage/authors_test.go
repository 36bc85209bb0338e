package storage

import (
	"maps"
	"testing"
	"time"

	"orrery/feeds"
)

// by is the entry with these authors.
func by(e feeds.Entry, names ...string) feeds.Entry {
	for _, n := range names {
		e.Authors = append(e.Authors, feeds.Person{Name: n, URL: "https://people.example/"})
	}
	return e
}

func authors(t *testing.T, db *DB) map[string]int {
	t.Helper()
	m, err := db.Authors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAuthorsAreCountedAsTheirSourcesSpellThem(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("a"), remote("b"))
		if got := authors(t, db); len(got) != 0 {
			t.Errorf("an empty store has the authors %v", got)
		}
		visit(t, db, "a", epoch, by(post("1", epoch), "Nyco", "Nyco"), by(post("2", epoch), "nyco", `Bob "B" O'Neil`),
			by(post("3", epoch), "Nyco"), by(post("4", epoch), "", "Nÿco"), post("5", epoch))
		want := map[string]int{"Nyco": 2, "nyco": 1, `Bob "B" O'Neil`: 1, "Nÿco": 1}
		if got := authors(t, db); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestAuthorsOfWhatIsNotShownAreNotCounted(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("a"), remote("b"))
		visit(t, db, "a", epoch, by(post("1", epoch), "Nyco"), by(post("2", epoch), "Ann"))
		visit(t, db, "b", epoch.Add(time.Hour), by(post("1", epoch), "Nyco of the feed"))
		withdraw(t, db, "a", epoch.Add(2*time.Hour), "2")
		if got, want := authors(t, db), map[string]int{"Nyco": 1}; !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestNewTableOfAuthorsDecidesCategoriesAnew(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		rules := rulesOf(rule("Person", feeds.Match{Authors: []string{"Nyco"}}))
		configure(t, db, rules, remote("a"))
		visit(t, db, "a", epoch, by(post("1", epoch), "nyco (XSF)"))
		same(t, "without the table", categoriesOf(t, db), []string{"Post 1: "})
		rules.Authors = feeds.Authors{}
		rules.Authors.Add("Nyco", "nyco (XSF)")
		configure(t, db, rules, remote("a"))
		same(t, "with the table", categoriesOf(t, db), []string{"Post 1: person"})
		if got := only(t, db).Authors[0].Name; got != "nyco (XSF)" {
			t.Errorf("the store says %q, not what the source said", got)
		}
		rules.Authors = nil
		configure(t, db, rules, remote("a"))
		same(t, "without it again", categoriesOf(t, db), []string{"Post 1: "})
	})
}
