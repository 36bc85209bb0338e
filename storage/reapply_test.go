package storage

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"orrery/feeds"
)

// manyStore has more entries than get new categories at once.
func manyStore(t *testing.T, db *DB) (rules *feeds.Rules, sources []feeds.Source) {
	t.Helper()
	sources = []feeds.Source{remote("a"), remote("b")}
	configure(t, db, nil, sources...)
	for _, s := range sources {
		var list []feeds.Entry
		for i := range rulesAtOnce/2 + 100 {
			e := post(fmt.Sprint(s.Slug, i), epoch.Add(-time.Duration(i)*time.Hour))
			e.Tags = []feeds.Tag{{Term: "Chess"}}
			list = append(list, e)
		}
		visit(t, db, s.Slug, epoch, list...)
	}
	return &feeds.Rules{Rules: []feeds.Rule{rule("Chess", feeds.Match{Tags: []string{"chess"}})}}, sources
}

func inChess(t *testing.T, db *DB) int {
	t.Helper()
	return len(entries(t, db, feeds.Query{Category: "chess"}))
}

func TestManyEntriesGetTheirCategoriesInStepsThatAreTold(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		rules, sources := manyStore(t, db)
		steps, total := 0, 0
		if err := db.SyncReporting(t.Context(), epoch, sources, rules, func(done, of int) { steps, total = steps+1, of }); err != nil {
			t.Fatal(err)
		}
		if want := rulesAtOnce + 200; steps < 4 || total != want || inChess(t, db) != want {
			t.Errorf("%d steps of %d, %d in the category", steps, total, inChess(t, db))
		}
		before := versions(t, db)
		configure(t, db, rules, sources...)
		same(t, "raised by the same again", raised(t, db, before), nil)
		sound(t, db)
	})
}

// Whoever is ended in the middle goes on with the next start, also where visits came between.
func TestWorkOnCategoriesThatIsEndedGoesOn(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		rules, sources := manyStore(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		err := db.SyncReporting(ctx, epoch, sources, rules, func(done, total int) { cancel() })
		if n := inChess(t, db); !errors.Is(err, context.Canceled) || n == 0 || n > rulesAtOnce {
			t.Fatalf("%v, %d in the category", err, n)
		}
		later := post("later", epoch)
		later.Tags = []feeds.Tag{{Term: "Chess"}}
		visit(t, db, "a", epoch.Add(time.Hour), later) // by rules that know of no category
		configure(t, db, rules, sources...)
		if n := inChess(t, db); n != rulesAtOnce+201 {
			t.Errorf("%d in the category", n)
		}
		sound(t, db)
	})
}

// Of two processes that are configured otherwise the one that came last decides, also
// while the other is still putting posts into its categories.
func TestWorkOnCategoriesEndsWhereSomebodyElseHasOtherRules(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, all []*DB) {
		here, there := all[0], all[1]
		chess, sources := manyStore(t, here)
		later := &feeds.Rules{Rules: []feeds.Rule{rule("Go", feeds.Match{Tags: []string{"chess"}})}}
		taken := false
		if err := here.SyncReporting(t.Context(), epoch, sources, chess, func(int, int) {
			if !taken {
				taken = true
				if err := there.Sync(t.Context(), epoch, sources, later); err != nil {
					t.Error(err)
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		if n, want := len(entries(t, here, feeds.Query{Category: "go"})), rulesAtOnce+200; !taken || n != want || inChess(t, here) != 0 {
			t.Errorf("%d of %d in the one category, %d in the other", n, want, inChess(t, here))
		}
		sound(t, here)
	})
}
