package storage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// addressed is what the planet shows, with the IDs.
func addressed(t *testing.T, db *DB) []string {
	t.Helper()
	out := shownOf(t, db)
	for i, e := range entries(t, db, feeds.Query{}) {
		out[i] = e.ID + " " + e.GUID + " " + out[i]
	}
	return out
}

// several are the IDs of the entries that have several copies.
func several(t *testing.T, db *DB) []string {
	t.Helper()
	return column(t, db, `SELECT public_id FROM entries e WHERE withdrawn = 0 AND (SELECT count(*) FROM copies c WHERE c.entry_id = e.id) > 1 ORDER BY public_id`)
}

// others says that other groups than the one that was parted into n are not what they
// were together: of what is parted, some may belong elsewhere.
func others(t *testing.T, db *DB, together []string, n int) bool {
	t.Helper()
	now, same := groups(t, db), 0
	for _, line := range together {
		if slices.Contains(now, line) {
			same++
		}
	}
	return same != len(together)-1 || len(now) != len(together)+n-1
}

// putTogether puts the others to the entry with the ID.
func putTogether(t *testing.T, db *DB, now time.Time, id string, ids []string) {
	t.Helper()
	for _, other := range ids {
		if other != id {
			if _, err := db.Join(t.Context(), now, id, other); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What a person parts and puts together again is as it was, at the address it had.
func TestWhatIsSplitAndJoinedIsAsItWas(t *testing.T) {
	parted := 0
	eachWorld(t, worlds()/2, func(t *testing.T, seed uint64, fresh func() *DB) {
		r := rand.New(rand.NewPCG(seed, 5))
		w := randomWorld(r)
		db := played(t, fresh(), w, itinerary(r, w))
		before, together := addressed(t, db), groups(t, db)
		now := after(1000)
		for _, id := range several(t, db) {
			if now = now.Add(time.Minute); !slices.Contains(several(t, db), id) {
				continue
			}
			ids, err := db.Split(t.Context(), now, id, "")
			if err != nil || len(ids) < 2 {
				t.Fatalf("split %s: %q, %v", id, ids, err)
			}
			sound(t, db)
			for _, s := range w.sources { // whatever they say
				lookAt(t, db, s.Slug, now, w.posts[s.Slug]...)
			}
			if others(t, db, together, len(ids)) { // one of them is another entry's now
				before, together = addressed(t, db), groups(t, db)
				continue
			}
			putTogether(t, db, now.Add(time.Second), id, ids)
			parted++
			lines(t, fmt.Sprintf("shown after %s was split and joined", id), addressed(t, db), before)
			lines(t, "groups", groups(t, db), together)
			sound(t, db)
		}
	})
	if parted < int(worlds())/2 {
		t.Errorf("only %d entries were parted", parted)
	}
}

// The same with one source, which is what orrery split ID SOURCE does.
func TestWhatIsSplitFromOneSourceAndJoinedIsAsItWas(t *testing.T) {
	eachWorld(t, worlds()/2, func(t *testing.T, seed uint64, fresh func() *DB) {
		r := rand.New(rand.NewPCG(seed, 6))
		w := randomWorld(r)
		db := played(t, fresh(), w, itinerary(r, w))
		before, together := addressed(t, db), groups(t, db)
		for i, id := range several(t, db) {
			if !slices.Contains(several(t, db), id) {
				continue
			}
			e := entries(t, db, feeds.Query{ID: id})[0]
			slugs := []string{e.Source.Slug}
			for _, s := range e.Also {
				slugs = append(slugs, s.Slug)
			}
			now := after(1000 + i)
			ids, err := db.Split(t.Context(), now, id, slugs[r.IntN(len(slugs))])
			if err != nil || len(ids) < 2 {
				t.Fatalf("split %s: %q, %v", id, ids, err)
			}
			if others(t, db, together, len(ids)) {
				before, together = addressed(t, db), groups(t, db)
				continue
			}
			putTogether(t, db, now.Add(time.Second), id, ids)
			lines(t, fmt.Sprintf("shown after %s was split and joined", id), addressed(t, db), before)
			sound(t, db)
		}
	})
}

// What a person puts together and parts again is as it was.
func TestWhatIsJoinedAndSplitIsAsItWas(t *testing.T) {
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} { // b's is the older post, and is shown of both
		t.Run(strings.Join(order, " before "), func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				configure(t, db, nil, remote("a"), remote("b"))
				posts := map[string]feeds.Entry{"a": post("x", epoch.Add(-time.Hour)), "b": post("y", epoch.Add(-2*time.Hour))}
				for i, slug := range order {
					visit(t, db, slug, after(i), posts[slug])
				}
				before, list := addressed(t, db), entries(t, db, feeds.Query{})
				for i := range 5 {
					id, err := db.Join(t.Context(), after(10*i+10), list[0].ID, list[1].ID)
					if err != nil || len(entries(t, db, feeds.Query{})) != 1 {
						t.Fatalf("join: %s, %v", id, err)
					}
					if _, err := db.Split(t.Context(), after(10*i+15), id, ""); err != nil {
						t.Fatal(err)
					}
					lines(t, "shown", addressed(t, db), before)
					sound(t, db)
				}
			})
		})
	}
}

// Of two entries that are joined and parted again the one that a person took off is
// hidden, and the other is not; unless they were taken off as one.
func TestOnlyWhatWasHiddenIsHiddenWhenEntriesArePartedAgain(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		visit(t, db, "a", epoch, post("p", epoch))
		visit(t, db, "b", epoch.Add(time.Minute), post("q", epoch))
		hide := func(name string, hidden bool) {
			t.Helper()
			if _, _, err := db.Hide(t.Context(), epoch, "https://posts.example/"+name, hidden); err != nil {
				t.Fatal(err)
			}
		}
		join := func() {
			t.Helper()
			if _, err := db.Join(t.Context(), epoch, "https://posts.example/p", "https://posts.example/q"); err != nil {
				t.Fatal(err)
			}
		}
		split := func(want ...string) {
			t.Helper()
			if _, err := db.Split(t.Context(), epoch, "https://posts.example/p", ""); err != nil {
				t.Fatal(err)
			}
			same(t, "shown", titles(entries(t, db, feeds.Query{})), want)
			sound(t, db)
		}
		for _, name := range []string{"p", "q"} {
			other := map[string]string{"p": "q", "q": "p"}[name]
			hide(name, true)
			join()
			same(t, "shown as one", titles(entries(t, db, feeds.Query{})), []string{})
			split("Post " + other)
			hide(name, false)
		}
		join()
		hide("q", true)
		split()
		join()
		hide("q", false)
		split("Post q", "Post p")
	})
}

// What only came to the entry that was hidden for another's sake is no part of that.
func TestPostThatLeavesAnEntryHiddenForAnothersSakeIsShown(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"), remote("c"))
		visit(t, db, "b", epoch, post("q", epoch)) // first: its entry is the one that stays
		visit(t, db, "a", epoch.Add(time.Minute), post("p", epoch))
		twin := post("r", epoch)
		twin.Permalink = "https://posts.example/q"
		visit(t, db, "c", epoch.Add(2*time.Minute), twin)
		if _, _, err := db.Hide(t.Context(), epoch, "https://posts.example/p", true); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Join(t.Context(), epoch, "https://posts.example/q", "https://posts.example/p"); err != nil {
			t.Fatal(err)
		}
		same(t, "shown as one", titles(entries(t, db, feeds.Query{})), []string{})
		if _, err := db.Split(t.Context(), epoch, "https://posts.example/p", "c"); err != nil {
			t.Fatal(err)
		}
		list := titles(entries(t, db, feeds.Query{}))
		same(t, "shown when it has left", list, []string{"Post r"})
		sound(t, db)
	})
}

func TestWhatIsHiddenAndShownIsAsItWas(t *testing.T) {
	eachWorld(t, worlds()/4, func(t *testing.T, seed uint64, fresh func() *DB) {
		r := rand.New(rand.NewPCG(seed, 7))
		w := randomWorld(r)
		db := played(t, fresh(), w, itinerary(r, w))
		before := addressed(t, db)
		for i, e := range entries(t, db, feeds.Query{}) {
			for k, hidden := range []bool{true, false} {
				if _, changed, err := db.Hide(t.Context(), after(1000+10*i+k), e.ID, hidden); !changed || err != nil {
					t.Fatalf("hide %s: %v, %v", e.ID, changed, err)
				}
				if got := len(entries(t, db, feeds.Query{})); got != len(before)-1+k {
					t.Errorf("%d entries of %d", got, len(before))
				}
			}
			lines(t, "shown", addressed(t, db), before)
		}
		sound(t, db)
	})
}

// A source that changes its mind about an address leaves no trace.
func TestEntriesThatMeetAndPartHaveTheirIDsBack(t *testing.T) {
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		t.Run(strings.Join(order, " before "), func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				configure(t, db, nil, remote("a"), remote("b"))
				posts := map[string]feeds.Entry{"a": post("x", epoch.Add(-time.Hour)), "b": post("y", epoch.Add(-2*time.Hour))}
				for i, slug := range order {
					visit(t, db, slug, after(i), posts[slug])
				}
				before := addressed(t, db)
				var one string
				for i := range 8 {
					x := posts["a"]
					x.Permalink = posts["b"].Permalink
					visit(t, db, "a", after(100*i+100), x)
					if id := only(t, db).ID; one != "" && id != one {
						t.Errorf("they were %s, and are %s", one, id)
					} else {
						one = id
					}
					visit(t, db, "a", after(100*i+150), posts["a"])
					var got []string
					for _, line := range addressed(t, db) {
						got = append(got, strings.Split(line, ", ")[0]) // but for the number of the revision
					}
					for k := range before {
						if want := strings.Split(before[k], ", ")[0]; k >= len(got) || got[k] != want {
							t.Errorf("time %d: got %q, want %q", i, got, want)
						}
					}
				}
				sound(t, db)
			})
		})
	}
}

// The address of an entry does not depend on where a copy of it has been.
func TestEntryKeepsItsIDThoughACopyLeavesAndComesBack(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), folder("own"))
		var list, moved []feeds.Entry
		for n := range 8 {
			list = append(list, post(fmt.Sprint(n), epoch.Add(-time.Duration(n+1)*time.Hour)))
			e := list[n]
			e.Permalink = fmt.Sprint("https://posts.example/moved/", n)
			moved = append(moved, e)
		}
		visit(t, db, "a", after(0), list...)
		visit(t, db, "own", after(1), list...)
		before := addressed(t, db)
		for i := range 3 {
			visit(t, db, "a", after(100*i+100), moved...)
			if got := len(entries(t, db, feeds.Query{})); got != 2*len(list) {
				t.Fatalf("%d entries, want %d", got, 2*len(list))
			}
			visit(t, db, "a", after(100*i+150), list...)
			lines(t, "shown", addressed(t, db), before)
		}
		sound(t, db)
	})
}

// A post that goes from one to another takes nobody's place.
func TestPostThatLeavesAnEntryToAnotherDoesNotComeBackToIt(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("d"), folder("own"))
		p, q := post("p", epoch.Add(-time.Hour)), post("q", epoch.Add(-2*time.Hour))
		d := post("d", epoch.Add(-3*time.Hour))
		for i, address := range []string{p.Permalink, q.Permalink, "https://posts.example/d"} {
			d.Permalink = address
			visit(t, db, "d", after(10*i), d)
			if i == 0 {
				visit(t, db, "own", after(1), p, q)
			}
		}
		same(t, "groups", groups(t, db), []string{"d d", "own p", "own q"})
		same(t, "shown", titles(entries(t, db, feeds.Query{})), []string{"Post p", "Post q", "Post d"})
		sound(t, db)
	})
}

// However often a post leaves the entries that were made for it, there is a name for one
// more: a visit that cannot be stored would be lost, and all that come after it.
func TestPostThatLeavesItsEntriesAgainAndAgainIsStored(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("d"), folder("own"))
		const page = "https://posts.example/news"
		one, two := post("one", epoch.Add(-time.Hour)), post("two", epoch.Add(-2*time.Hour))
		one.Permalink, two.Permalink = page, page // so that it tells nothing
		visit(t, db, "a", after(0), one, two)
		d := post("d", epoch.Add(-3*time.Hour))
		var own []feeds.Entry
		for n := range 6 {
			own = append(own, post(fmt.Sprint("p", n), epoch.Add(-time.Duration(10+n)*time.Hour)))
			d.Permalink = own[n].Permalink
			visit(t, db, "d", after(100*n+10), d)
			visit(t, db, "own", after(100*n+20), own...)
			d.Permalink = page
			visit(t, db, "d", after(100*n+30), d)
			if got, want := len(entries(t, db, feeds.Query{})), 2+1+len(own); got != want {
				t.Errorf("%d entries, want %d: %q", got, want, groups(t, db))
			}
		}
		sound(t, db)
	})
}

// What the world was told is gone is told when it is there again, whoever brings that
// about: here a new source, of whose posts nobody is told.
func TestEntryThatWasToldWithdrawnIsToldWhenItIsShownAgain(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"), remote("c"))
		long := epoch.Add(-30 * 24 * time.Hour)
		x, y := post("x", long), post("y", long.Add(time.Hour))
		visit(t, db, "a", after(0))
		visit(t, db, "b", after(0))
		visit(t, db, "a", after(10), x)
		visit(t, db, "b", after(20), y)
		y.Permalink = x.Permalink
		visit(t, db, "b", after(30), y)
		same(t, "as one", groups(t, db), []string{"a x = b y"})
		p, q := post("p", long), post("q", long)
		p.Permalink, q.Permalink = x.Permalink, x.Permalink // a page for all: it says nothing
		visit(t, db, "c", after(40), p, q)
		same(t, "parted", groups(t, db), []string{"a x", "b y", "c p", "c q"})
		sound(t, db)
		for _, e := range entries(t, db, feeds.Query{Source: "b"}) {
			got := column(t, db, `SELECT o.event FROM outbox o JOIN entries e ON e.id = o.entry_id WHERE e.public_id = $1 ORDER BY o.id`, e.ID)
			if len(got) == 0 || got[len(got)-1] == "withdrawn" {
				t.Errorf("%s is shown, and the world was told %q", e.Title, got)
			}
		}
	})
}

// A page that a source has for two of its posts says nothing, until it has it for one.
func TestAddressThatIsOnePostsAgainTellsAgain(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		x, y, z := post("x", epoch.Add(-time.Hour)), post("y", epoch.Add(-2*time.Hour)), post("z", epoch.Add(-3*time.Hour))
		y.Permalink, z.Permalink = "https://posts.example/p", "https://posts.example/p"
		other := x.Permalink
		for i := range 3 {
			x.Permalink = y.Permalink
			visit(t, db, "a", after(10*i), x, y)
			if i == 0 {
				visit(t, db, "b", after(1), z)
			}
			same(t, "of two", groups(t, db), []string{"a x", "a y", "b z"})
			x.Permalink = other
			visit(t, db, "a", after(10*i+5), x, y)
			same(t, "of one", groups(t, db), []string{"a x", "a y = b z"})
			sound(t, db)
		}
	})
}
