package storage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

func rule(title string, m feeds.Match) feeds.Rule {
	return feeds.Rule{CategoryName: feeds.CategoryName{Slug: feeds.Slug(title), Title: title}, Match: m}
}

func rulesOf(list ...feeds.Rule) *feeds.Rules { return &feeds.Rules{Rules: list} }

// shownCategories are "slug: Title (entries)".
func shownCategories(t *testing.T, db *DB) []string {
	t.Helper()
	list, err := db.Categories(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, c := range list {
		out = append(out, fmt.Sprintf("%s: %s (%d)", c.Slug, c.Title, c.Entries))
	}
	return out
}

// categoriesOf are the slugs of every entry's categories, an entry a string.
func categoriesOf(t *testing.T, db *DB) []string {
	t.Helper()
	out := []string{}
	for _, e := range entries(t, db, feeds.Query{}) {
		slugs := []string{}
		for _, c := range e.Categories {
			slugs = append(slugs, c.Slug)
		}
		out = append(out, e.Title+": "+strings.Join(slugs, " "))
	}
	return out
}

func TestCategoryTitlesThatPeopleReadAlikeAreOne(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		for i, title := range []string{"XMPP Summit", "xmpp-summit", "XMPP_SUMMIT", "Xmppsummit", "XMPP Sümmit"} {
			visit(t, db, "a", epoch.Add(time.Duration(i)*time.Minute), in(post(fmt.Sprint(i), epoch), title, title))
		}
		same(t, "categories", shownCategories(t, db), []string{"xmpp-summit: XMPP Summit (5)"})
	})
}

func TestTitlesWithOneSlugAreToldApart(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, in(post("1", epoch), "C"), in(post("2", epoch.Add(-1000)), "C++"), in(post("3", epoch.Add(-2000)), "C#", "C", "C++"))
		same(t, "categories", shownCategories(t, db), []string{"c: C (2)", "c-2: C++ (2)", "c-3: C# (1)"})
		same(t, "entries", categoriesOf(t, db), []string{"Post 1: c", "Post 2: c-2", "Post 3: c c-2 c-3"})
		same(t, "of c-2", titles(entries(t, db, feeds.Query{Category: "c-2"})), []string{"Post 2", "Post 3"})
	})
}

func TestConfiguredTitleAndSlugReplaceThoseOfATag(t *testing.T) {
	for name, c := range map[string]struct {
		tags []string
		rule feeds.Rule
		want []string
	}{
		"same title otherwise spelled": {[]string{"xmpp summit"}, rule("XMPP Summit", feeds.Match{}), []string{"xmpp-summit: XMPP Summit (1)"}},
		"other slug": {[]string{"Summit"}, feeds.Rule{CategoryName: feeds.CategoryName{Slug: "meeting", Title: "Summit"}},
			[]string{"meeting: Summit (1)"}},
		"slug of another": {[]string{"C", "C++"}, feeds.Rule{CategoryName: feeds.CategoryName{Slug: "c", Title: "C++"}},
			[]string{"c: C++ (1)"}}, // the tag C means its slug
		"nobody's": {[]string{"Tag"}, rule("Empty", feeds.Match{}), []string{"empty: Empty (0)", "tag: Tag (1)"}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				tagged := &feeds.Rules{TagsAsCategories: true}
				configure(t, db, tagged, remote("a"))
				p := post("p", epoch)
				for _, tag := range c.tags {
					p.Tags = append(p.Tags, feeds.Tag{Term: tag})
				}
				visit(t, db, "a", epoch, in(p, c.tags...))
				configure(t, db, &feeds.Rules{TagsAsCategories: true, Rules: []feeds.Rule{c.rule}}, remote("a"))
				same(t, "categories", shownCategories(t, db), c.want)
			})
		})
	}
}

func TestChangedRulesPutStoredEntriesIntoTheirCategoriesAnew(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		source := remote("a")
		rules := rulesOf(rule("Servers", feeds.Match{Words: []string{"prosody"}}))
		configure(t, db, rules, source)
		one, two := post("1", epoch), post("2", epoch.Add(-1000))
		one.Content, two.Tags = "<p>Prosody is out</p>", []feeds.Tag{{Term: "Clients"}}
		one.Categories = rules.For(&one, &source)
		visit(t, db, "a", epoch, one, two)
		same(t, "before", categoriesOf(t, db), []string{"Post 1: servers", "Post 2: "})
		told := events(t, db)

		for _, c := range []struct {
			name       string
			rules      *feeds.Rules
			categories []feeds.CategoryName
			entries    []string
			shown      []string
		}{
			{"a rule more", rulesOf(rule("Servers", feeds.Match{Words: []string{"prosody"}}), rule("Clients", feeds.Match{Tags: []string{"clients"}})), nil,
				[]string{"Post 1: servers", "Post 2: clients"}, []string{"clients: Clients (1)", "servers: Servers (1)"}},
			{"another word", rulesOf(rule("Servers", feeds.Match{Words: []string{"text"}}), rule("Clients", feeds.Match{})), nil,
				[]string{"Post 1: ", "Post 2: servers"}, []string{"clients: Clients (0)", "servers: Servers (1)"}},
			{"a rule less", rulesOf(rule("Clients", feeds.Match{})), nil,
				[]string{"Post 1: ", "Post 2: "}, []string{"clients: Clients (0)"}},
			{"tags are categories", &feeds.Rules{TagsAsCategories: true}, nil,
				[]string{"Post 1: ", "Post 2: clients"}, []string{"clients: Clients (1)"}},
			{"the source's own", rulesOf(), []feeds.CategoryName{{Slug: "all", Title: "All"}},
				[]string{"Post 1: all", "Post 2: all"}, []string{"all: All (2)"}},
			{"none", rulesOf(), nil, []string{"Post 1: ", "Post 2: "}, []string{}},
		} {
			source.Categories = c.categories
			configure(t, db, c.rules, source)
			same(t, c.name, categoriesOf(t, db), c.entries)
			same(t, c.name+", list", shownCategories(t, db), c.shown)
		}
		same(t, "outbox", events(t, db), told) // nobody has written anything
		sound(t, db)
	})
}

// A visit decides by the rules it began with. They may change before it is
// committed, by a SIGHUP or by another process.
func TestVisitDecidedByOldRulesIsRefusedAndMadeAgain(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, rulesOf(rule("Old", feeds.Match{})), remote("a"))
		d := claimed(t, db, "a", epoch)
		configure(t, db, rulesOf(rule("New", feeds.Match{})), remote("a"))
		if _, err := db.Commit(t.Context(), visitOf(d, epoch, in(post("p", epoch), "Old"))); err == nil {
			t.Error("the visit was stored")
		}
		same(t, "claimed", slugsOf(claim(t, db, feeds.Want{Now: epoch, N: 1})), []string{"a"})
		same(t, "entries", titles(entries(t, db, feeds.Query{})), []string{})
	})
}

// A server that was not told of a new configuration goes on by its old rules.
// The next process to read the configuration puts that right.
func TestEntriesStoredByAnotherProcessWithOldRulesAreDecidedAgain(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, all []*DB) {
		old, current := all[0], all[1]
		rules := rulesOf(rule("New", feeds.Match{Words: []string{"text"}}))
		configure(t, old, rulesOf(rule("Old", feeds.Match{})), remote("a"))
		configure(t, current, rules, remote("a"))
		visit(t, old, "a", epoch, in(post("p", epoch), "Old"))
		same(t, "at first", categoriesOf(t, current), []string{"Post p: old"})
		configure(t, current, rules, remote("a"))
		same(t, "after the next Sync", categoriesOf(t, current), []string{"Post p: new"})
	})
}

func TestConfiguredCategoryIsShownThoughEmptyAndATagsIsNot(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, rulesOf(rule("Configured", feeds.Match{})), folder("own"))
		visit(t, db, "own", epoch, in(post("p", epoch), "Tag", "Configured"))
		same(t, "full", shownCategories(t, db), []string{"configured: Configured (1)", "tag: Tag (1)"})
		withdraw(t, db, "own", epoch.Add(time.Hour), "p")
		same(t, "empty", shownCategories(t, db), []string{"configured: Configured (0)"})
	})
}

// A post of long ago that is changed today is no newer than it was.
func TestListsSayWhenTheirNewestPostIsFrom(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("none"))
		older, newer := in(post("1", epoch.Add(-time.Hour)), "C"), in(post("2", epoch), "C")
		visit(t, db, "a", epoch, older, newer)
		older.Title, older.Changed = "Another", epoch.Add(time.Hour)
		visit(t, db, "a", epoch.Add(time.Hour), older)
		list, err := db.Categories(t.Context())
		if err != nil || len(list) != 1 || !list[0].Newest.Equal(epoch) || !list[0].Updated.Equal(epoch.Add(time.Hour)) {
			t.Errorf("categories: %+v, %v", list, err)
		}
		all, err := db.Sources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if a := all[0]; !a.Newest.Equal(epoch) || !a.Updated.Equal(epoch.Add(time.Hour)) || !all[1].Newest.IsZero() {
			t.Errorf("sources: newest %v and %v, changed %v", a.Newest, all[1].Newest, a.Updated)
		}
	})
}

// Somebody may make thousands of titles of one slug: to tell the last of them apart costs
// no more than the first.
func TestManyTitlesOfOneSlugAreNotTriedOneByOne(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		var titles []string
		for i := range 40 {
			titles = append(titles, "c"+strings.Repeat("!", i))
		}
		visit(t, db, "a", epoch, in(post("1", epoch), titles...))
		visit(t, db, "a", epoch.Add(time.Hour), in(post("2", epoch), titles...)) // each finds its own again
		numbered := column(t, db, `SELECT slug FROM categories WHERE length(slug) < 4 ORDER BY id`)
		same(t, "numbered", numbered, []string{"c", "c-2", "c-3", "c-4", "c-5", "c-6", "c-7", "c-8", "c-9"})
		list, err := db.Categories(t.Context())
		if err != nil || len(list) != len(titles) {
			t.Errorf("%d categories, %v", len(list), err)
		}
		for _, c := range list {
			if c.Entries != 2 || len(c.Slug) > 16 {
				t.Errorf("%s: %s has %d entries", c.Slug, c.Title, c.Entries)
			}
		}
	})
}
