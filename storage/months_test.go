package storage

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// countedWell fails the test unless the months have as many entries as one finds who
// looks at all of them. It says how many months of how many lists that were.
func countedWell(t testing.TB, db *DB) (n int) {
	t.Helper()
	got, want, err := counts(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	lines(t, "entries of the months as counted, beside those that are there", got, want)
	return len(got)
}

// counts are the months as they were counted, and counted anew, in one state of the store.
func counts(ctx context.Context, db *DB) (got, want []string, err error) {
	there := map[string]int{}
	err = db.snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT list, counts FROM months ORDER BY list`)
		if err != nil {
			return err
		}
		if err := eachRow(rows, func() error {
			list, months, err := scanMonths(rows)
			for _, m := range months {
				got = append(got, fmt.Sprintf("%q %d-%02d: %d", list, int(m.Month)/12, int(m.Month)%12+1, m.Entries))
			}
			if len(months) == 0 || !slices.IsSortedFunc(months, func(a, b feeds.MonthCount) int { return cmp.Compare(a.Month, b.Month) }) {
				got = append(got, fmt.Sprintf("%q has %v", list, months))
			}
			return err
		}); err != nil {
			return err
		}
		rows, err = tx.QueryContext(ctx, `SELECT '', sort FROM entries WHERE withdrawn = 0
			UNION ALL SELECT 's ' || source_id, sort FROM source_entries UNION ALL SELECT 'c ' || category_id, sort FROM category_entries`)
		if err != nil {
			return err
		}
		return eachRow(rows, func() error {
			var list string
			var sort int64
			err := rows.Scan(&list, &sort)
			at := time.UnixMicro(sort).UTC()
			there[fmt.Sprintf("%q %d-%02d", list, at.Year(), at.Month())]++
			return err
		})
	})
	for at, n := range there {
		want = append(want, fmt.Sprintf("%s: %d", at, n))
	}
	slices.Sort(got)
	slices.Sort(want)
	return got, want, err
}

// scattered are the posts of the world in many months, not all copies of one in the same.
func scattered(r *rand.Rand, w *world) {
	for _, s := range w.sources {
		list := w.posts[s.Slug]
		for i := range list {
			list[i].Published = list[i].Published.AddDate(0, -r.IntN(8), -r.IntN(40))
		}
	}
}

// fiddle does something to the planet that moves entries between lists, or off them.
func fiddle(t *testing.T, r *rand.Rand, db *DB, w *world, now time.Time) (did string) {
	t.Helper()
	ids := column(t, db, `SELECT public_id FROM entries ORDER BY id`)
	some := func() string { return ids[r.IntN(len(ids))] }
	s := &w.sources[r.IntN(len(w.sources))]
	list := w.posts[s.Slug]
	if len(ids) == 0 {
		lookAt(t, db, s.Slug, now, list...)
		return "the first visit of " + s.Slug
	}
	switch n := r.IntN(9); n {
	case 0, 1:
		lookAt(t, db, s.Slug, now, list[:r.IntN(len(list)+1)]...)
		return "visit of " + s.Slug
	case 2: // another text, address or GUID of a post
		if len(list) == 0 {
			return ""
		}
		vary(r, &list[r.IntN(len(list))], s.Slug, r.IntN(10))
		lookAt(t, db, s.Slug, now, list...)
		return "changes of " + s.Slug
	case 3:
		if !s.Local() || len(list) == 0 {
			return ""
		}
		withdraw(t, db, s.Slug, now, list[r.IntN(len(list))].GUID)
		return "withdrawn of " + s.Slug
	case 4:
		id, hidden := some(), r.IntN(3) > 0
		hide(t, db, now, id, hidden)
		return fmt.Sprint("hide ", id, hidden)
	case 5:
		id := some()
		_, err := db.Split(t.Context(), now, id, "") // there may be nothing to split
		return fmt.Sprint("split ", id, err)
	case 6:
		a, b := some(), some()
		_, err := db.Join(t.Context(), now, a, b)
		return fmt.Sprint("join ", a, b, err)
	case 7: // other rules, other names, and who is retired
		var rules []feeds.Rule
		for _, title := range []string{"First", "Second", "Third"} {
			if r.IntN(2) == 0 {
				rules = append(rules, rule(title, feeds.Match{Words: []string{fmt.Sprintf("p%dw0", r.IntN(10)), "Weekly"}}))
			}
		}
		s.Retain = feeds.Retain{Entries: []int{0, 3}[r.IntN(2)]}
		configure(t, db, rulesOf(rules...), w.sources[r.IntN(2):]...)
		configure(t, db, rulesOf(rules...), w.sources...)
		return "other rules"
	default:
		names := []string{}
		for i := range 1 + r.IntN(4) {
			names = append(names, fmt.Sprintf("f%d-%d", now.Unix(), i))
		}
		flood(t, db, s.Slug, now, now.Add(time.Minute), names...)
		if err := db.LetGo(t.Context(), now.Add(time.Duration(r.IntN(3))*time.Minute)); err != nil {
			t.Fatal(err)
		}
		return "flood of " + s.Slug
	}
}

func TestMonthsAreCountedWhateverIsDoneToThePlanet(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		r := rand.New(rand.NewPCG(7, 7))
		steps, most := 60, 0
		for seed := range worlds() / 3 {
			w := randomWorld(r)
			scattered(r, w)
			configure(t, db, nil, w.sources...)
			for n := range steps {
				did := fiddle(t, r, db, w, after(int(seed)*1000+n*5))
				most = max(most, countedWell(t, db))
				if t.Failed() {
					t.Fatalf("world %d, step %d: %s", seed, n, did)
				}
			}
		}
		if most < 20 {
			t.Errorf("only %d months have entries: nothing is tested", most)
		}
		sound(t, db)
	})
}

// monthsOf are the months of the query as text.
func monthsOf(t testing.TB, db *DB, q feeds.Query) string {
	t.Helper()
	list, err := db.Months(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return countsText(list)
}

func countsText(list []feeds.MonthCount) string {
	var out []string
	for _, m := range list {
		out = append(out, fmt.Sprint(m.Month, ": ", m.Entries))
	}
	return strings.Join(out, ", ")
}

// spread is a planet with entries in several months: at the ends of two, and some of a
// second source and of several lists.
func spread(t *testing.T, db *DB) {
	t.Helper()
	rules := &feeds.Rules{TagsAsCategories: true}
	configure(t, db, rules, remote("a"), remote("b"), remote("silent"))
	at := func(name, published, tag, author, language string) feeds.Entry {
		when, err := time.Parse(time.RFC3339Nano, published)
		if err != nil {
			t.Fatal(err)
		}
		e := post(name, when)
		e.Tags, e.Authors, e.Language = []feeds.Tag{{Term: tag}}, []feeds.Person{{Name: author}}, language
		e.Categories = rules.Lists(&e, &feeds.Source{})
		return e
	}
	visit(t, db, "a", epoch,
		at("last", "2025-12-31T23:59:59.999999Z", "Chess", "Ann", "en"), at("first", "2026-01-01T00:00:00Z", "Chess", "Ann", "de"),
		at("middle", "2026-01-15T12:00:00Z", "Chess", "Bob", "en"), at("end", "2026-02-01T00:30:00+01:00", "Go", "Ann", "en"),
		at("next", "2026-02-01T00:00:00Z", "Chess", "Ann", "en"))
	visit(t, db, "b", epoch, at("old", "1999-06-05T00:00:00Z", "Chess", "Ann", "en"), at("also", "2026-01-02T00:00:00Z", "Go", "Ann", "en"))
}

func TestMonthsOfThePlanetASourceAndAListAreCounted(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		if got := monthsOf(t, db, feeds.Query{}); got != "" {
			t.Errorf("of an empty planet: %s", got)
		}
		spread(t, db)
		for _, c := range []struct {
			q    feeds.Query
			want string
		}{
			{feeds.Query{}, "2026-02: 1, 2026-01: 4, 2025-12: 1, 1999-06: 1"},
			{feeds.Query{Source: "a"}, "2026-02: 1, 2026-01: 3, 2025-12: 1"},
			{feeds.Query{Category: "chess"}, "2026-02: 1, 2026-01: 2, 2025-12: 1, 1999-06: 1"},
			{feeds.Query{Author: "bob"}, "2026-01: 1"},
			{feeds.Query{Language: "de"}, "2026-01: 1"},
			{feeds.Query{Source: "silent"}, ""}, {feeds.Query{Source: "absent"}, ""}, {feeds.Query{Category: "absent"}, ""},
			{feeds.Query{Source: "a", Category: "chess"}, ""}, {feeds.Query{Text: "Post"}, ""},
		} {
			if got := monthsOf(t, db, c.q); got != c.want {
				t.Errorf("%+v: %s, want %s", c.q, got, c.want)
			}
		}
		sound(t, db)
	})
}

func TestActivityIsThatOfAllSourcesAndListsByTheirSlugs(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		spread(t, db)
		text := func(by map[string][]feeds.MonthCount) (out []string) {
			for slug, list := range by {
				out = append(out, slug+" "+countsText(list))
			}
			slices.Sort(out)
			return out
		}
		since := feeds.MonthOf(time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC))
		sources, lists, err := db.Activity(t.Context(), since)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "sources", text(sources), []string{"a 2026-01: 3, 2026-02: 1", "b 2026-01: 1"})
		same(t, "lists", text(lists), []string{"author/ann 2026-01: 3, 2026-02: 1", "author/bob 2026-01: 1", "chess 2026-01: 2, 2026-02: 1",
			"go 2026-01: 2", "language/de 2026-01: 1", "language/en 2026-01: 3, 2026-02: 1"})
		if sources, _, err = db.Activity(t.Context(), 0); err != nil || countsText(sources["b"]) != "1999-06: 1, 2026-01: 1" {
			t.Errorf("%v, of all times %v", err, sources)
		}
		query := activityOf("c ", "categories")
		if db.dialect == postgres {
			return
		}
		if got := plan(t, db, query, nil); !strings.Contains(got, "SEARCH m USING PRIMARY KEY (list=?)") {
			t.Errorf("it is found by\n%s", got)
		}
	})
}

// Every field of a query has its say beside the month, page for page.
func TestMonthSelectsWhatStandsInIt(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		spread(t, db)
		indexAll(t, db)
		all := entries(t, db, feeds.Query{})
		months := []feeds.Month{feeds.MonthOf(epoch)}
		for i := range all {
			months = append(months, feeds.MonthOf(all[i].Sort))
		}
		for _, q := range []feeds.Query{{}, {Source: "a"}, {Category: "chess"}, {Author: "ann", Language: "en"}, {Source: "b", Category: "go"}, {ID: all[2].ID}, {Text: "post", Newest: true}} {
			whole := entries(t, db, q)
			for _, m := range slices.Compact(slices.Sorted(slices.Values(months))) {
				want := slices.DeleteFunc(slices.Clone(whole), func(e feeds.Entry) bool { return feeds.MonthOf(e.Sort) != m })
				what := fmt.Sprintf("%+v in %v", q, m)
				in := q
				in.Month = m
				same(t, what, titles(entries(t, db, in)), titles(want))
				if q.Text != "" {
					continue
				}
				same(t, what+", in pages", titles(paged(t, db, in, 2)), titles(want))
				for i := range all { // a page may begin anywhere
					in.After = &all[i]
					behind := slices.DeleteFunc(slices.Clone(want), func(e feeds.Entry) bool { return newer(&e, &all[i]) <= 0 })
					same(t, what+" behind "+all[i].Title, titles(entries(t, db, in)), titles(behind))
				}
			}
		}
	})
}

// paged are all entries of the query, read a page at a time.
func paged(t *testing.T, db *DB, q feeds.Query, size int) (all []feeds.Entry) {
	t.Helper()
	q.Limit = size
	for {
		page := entries(t, db, q)
		if all = append(all, page...); len(page) < size || len(all) > 10_000 {
			return all
		}
		q.After = &page[len(page)-1]
	}
}

func TestMonthHasNoArchives(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		spread(t, db)
		for _, q := range []feeds.Query{{Archive: 1}, {Open: true}, {ByArrival: true}} {
			q.Month = feeds.MonthOf(epoch)
			if list, err := db.Entries(t.Context(), q); err == nil {
				t.Errorf("%+v: %q", q, titles(list))
			}
		}
	})
}

// A month of long ago is searched as well, though thousands that came since have the word.
func TestWordIsFoundInAMonthThoughManyHaveItSince(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		long := time.Date(2020, 5, 31, 23, 59, 59, 0, time.UTC)
		var list []feeds.Entry
		for i := range maxHits + 50 {
			e := saying(fmt.Sprint("Post ", i), "common")
			e.Published = epoch.Add(-time.Duration(i) * time.Minute)
			list = append(list, e)
		}
		for i, at := range []time.Time{long, long.Add(time.Second), long.AddDate(0, -1, 0), long.AddDate(0, -2, 0)} {
			e := saying(fmt.Sprint("Old ", i), "common")
			if i == 0 {
				e.Title = "Common thing"
			}
			e.Published = at
			list = append(list, e)
		}
		visit(t, db, "a", epoch, list...)
		indexAll(t, db)
		in := func(m feeds.Month) feeds.Query { return feeds.Query{Month: m} }
		m := feeds.MonthOf(long)
		same(t, "in the month", lookFor(t, db, "common", in(m)), []string{"Common thing", "Old 2"})
		same(t, "in the next", lookFor(t, db, "common", in(m+1)), []string{"Old 1"})
		same(t, "without a word", lookFor(t, db, "common -thing", in(m)), []string{"Old 2"})
		same(t, "in another", lookFor(t, db, "common", in(m+2)), []string{})
		if db.dialect == postgres {
			hits, err := (&tableIndex{db, findTime}).findIn(t.Context(), true, &question{Search: feeds.ParseSearch("common"), month: m}, findTime)
			if err != nil || len(hits) != 2 {
				t.Errorf("of the recent: %v, %v", hits, err)
			}
		}
	})
}

// beforeMonths makes of a schema what it was before its version 7.
var beforeMonths = []string{`DROP TABLE deliveries`, `DROP TABLE told`, `DROP TABLE listeners`, `DROP TABLE hub_subscriptions`, `DROP TABLE push_subscriptions`,
	`DROP INDEX sources_visited`, `DROP TABLE months`, `ALTER TABLE sources DROP COLUMN health`,
	`ALTER TABLE entries DROP COLUMN lists`, `ALTER TABLE source_entries RENAME TO entry_sources`, `ALTER TABLE category_entries RENAME TO entry_categories`,
	`CREATE INDEX entry_sources_entry ON entry_sources (entry_id)`, `CREATE INDEX entry_categories_entry ON entry_categories (entry_id)`}

// A planet that is there already is counted when it is migrated.
func TestPlanetOfAnOlderSchemaIsCounted(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dsn := newDSN(t, engine)
			db := openDSN(t, dsn)
			spread(t, db)
			visit(t, db, "silent", epoch, post("zero", time.Unix(0, 0)), post("before", time.Unix(0, -1000)), post("year one", time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)))
			hide(t, db, epoch, entries(t, db, feeds.Query{Source: "b"})[0].ID, true)
			want := monthsOf(t, db, feeds.Query{})
			countedWell(t, db)
			mustExec(t, db.write, beforeMonths...)
			tx, err := db.write.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := cmp.Or(db.dialect.setVersion(t.Context(), tx, 6), tx.Commit()); err != nil {
				t.Fatal(err)
			}
			db = openDSN(t, dsn)
			if got := monthsOf(t, db, feeds.Query{}); got != want || len(strings.Split(got, ", ")) < 6 {
				t.Errorf("%s, want %s", got, want)
			}
			sound(t, db)
		})
	}
}
