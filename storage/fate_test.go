package storage

import (
	"maps"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// fateOf is what Fate says in words.
func fateOf(t *testing.T, db *DB, id string) string {
	t.Helper()
	gone, to, err := db.Fate(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case gone && to != "":
		t.Errorf("%s is both gone and moved to %s", id, to)
	case gone:
		return "gone"
	case to != "":
		return "moved to " + to
	}
	return "nothing to say"
}

func wantFate(t *testing.T, db *DB, id, want string) {
	t.Helper()
	if got := fateOf(t, db, id); got != want {
		t.Errorf("%s: %s, want %s", id, got, want)
	}
}

func moved(t *testing.T, db *DB) map[string]string {
	t.Helper()
	m, err := db.Moved(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// idOf is the ID of the shown entry with the title.
func idOf(t *testing.T, db *DB, title string) string {
	t.Helper()
	for _, e := range entries(t, db, feeds.Query{}) {
		if e.Title == title {
			return e.ID
		}
	}
	t.Fatalf("nothing called %q is shown", title)
	return ""
}

func TestNobodyKnowsTheFateOfWhatIsShownOrNeverWas(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		held := post("held", epoch)
		held.HeldUntil = epoch.Add(time.Hour)
		visit(t, db, "a", epoch, post("p", epoch), held)
		wantFate(t, db, only(t, db).ID, "nothing to say")
		hidden := column(t, db, `SELECT public_id FROM entries WHERE held > 0`)[0]
		for _, id := range []string{"", "nobody", "' OR 1=1 --", strings.Repeat("x", 1000), hidden} {
			wantFate(t, db, id, "nothing to say")
		}
	})
}

func TestWhatWasTakenBackOrOffIsGoneUntilItReturns(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("own"))
		at := func(h int) time.Time { return epoch.Add(time.Duration(h) * time.Hour) }
		visit(t, db, "own", at(0), post("p", epoch), post("q", epoch))
		p, q := idOf(t, db, "Post p"), idOf(t, db, "Post q")
		withdraw(t, db, "own", at(1), "p")
		hide(t, db, at(1), q, true)
		wantFate(t, db, p, "gone")
		wantFate(t, db, q, "gone")
		visit(t, db, "own", at(2), post("p", epoch))
		hide(t, db, at(2), q, false)
		wantFate(t, db, p, "nothing to say")
		wantFate(t, db, q, "nothing to say")
	})
}

func hide(t *testing.T, db *DB, at time.Time, id string, yes bool) {
	t.Helper()
	if _, _, err := db.Hide(t.Context(), at, id, yes); err != nil {
		t.Fatal(err)
	}
}

// chained are the entries of three sources that a person said are one: p leads to q, q to r.
func chained(t *testing.T, db *DB) (p, q, r string) {
	t.Helper()
	configure(t, db, nil, remote("a"), remote("b"), folder("c"))
	for i, slug := range []string{"c", "b", "a"} { // who was seen first keeps the address
		at := epoch.Add(time.Duration(i) * time.Hour)
		visit(t, db, slug, at, post(string("rqp"[i]), at))
	}
	p, q, r = idOf(t, db, "Post p"), idOf(t, db, "Post q"), idOf(t, db, "Post r")
	join(t, db, p, q)
	wantFate(t, db, p, "moved to "+q)
	join(t, db, q, r)
	return p, q, r
}

func join(t *testing.T, db *DB, a, b string) {
	t.Helper()
	if _, err := db.Join(t.Context(), epoch.Add(5*time.Hour), a, b); err != nil {
		t.Fatal(err)
	}
}

func TestMergedEntryLeadsToTheLastOfThem(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		p, q, r := chained(t, db)
		for _, id := range []string{p, q} {
			wantFate(t, db, id, "moved to "+r)
		}
		wantFate(t, db, r, "nothing to say")
		e := only(t, db)
		if len(e.Also) != 2 || e.Also[0].Slug != "a" || e.Also[1].Slug != "b" { // whatever the reason
			t.Errorf("it is also on %+v", e.Also)
		}
		if got, want := moved(t, db), map[string]string{p: r, q: r}; !maps.Equal(got, want) {
			t.Errorf("moved are %v, want %v", got, want)
		}
	})
}

func TestMergedEntryIsGoneWithTheOneItLeadsTo(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		p, q, r := chained(t, db)
		hide(t, db, epoch.Add(6*time.Hour), r, true)
		for _, id := range []string{p, q, r} {
			wantFate(t, db, id, "gone")
		}
		if got := moved(t, db); len(got) != 0 {
			t.Errorf("moved are %v", got)
		}
	})
}

func TestPartedEntriesAreThereAgain(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		p, q, r := chained(t, db)
		if _, err := db.Split(t.Context(), epoch.Add(6*time.Hour), r, ""); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{p, q, r} {
			wantFate(t, db, id, "nothing to say")
		}
		if got := moved(t, db); len(got) != 0 {
			t.Errorf("moved are %v", got)
		}
	})
}

// It cannot come to that; were it to, nobody may wait for ever.
func TestEntriesMergedInACircleLeadNowhere(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		p, q, r := chained(t, db)
		if _, err := db.write.ExecContext(t.Context(), `UPDATE entries SET merged = (SELECT id FROM entries WHERE public_id = $1) WHERE public_id = $2`, p, r); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{p, q, r} {
			wantFate(t, db, id, "nothing to say")
		}
		if got := moved(t, db); len(got) != 0 {
			t.Errorf("moved are %v", got)
		}
	})
}

// The site makes the page of an entry anew when its version has risen.
func TestVersionOfAnEntryRisesWithItsTextItsFateAndItsReturn(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("own"), remote("b"))
		p := post("p", epoch)
		visit(t, db, "own", epoch, p)
		visit(t, db, "b", epoch.Add(time.Minute), post("q", epoch))
		id, q := idOf(t, db, "Post p"), idOf(t, db, "Post q")
		for i, act := range []func(at time.Time){
			func(at time.Time) { p.Content = "<p>Quite another text</p>"; visit(t, db, "own", at, p) },
			func(at time.Time) { hide(t, db, at, id, true) },
			func(at time.Time) { hide(t, db, at, id, false) },
			func(at time.Time) { withdraw(t, db, "own", at, "p") },
			func(at time.Time) { visit(t, db, "own", at, p) },
			func(at time.Time) { join(t, db, id, q) },
		} {
			before, _, err := db.Version(t.Context(), feeds.Query{ID: id})
			if err != nil {
				t.Fatal(err)
			}
			act(epoch.Add(time.Duration(i+2) * time.Hour))
			if now, _, err := db.Version(t.Context(), feeds.Query{ID: id}); err != nil || now <= before {
				t.Errorf("%d: the version went from %d to %d (%v)", i, before, now, err)
			}
		}
		if list, err := db.Versions(t.Context(), id); err != nil || len(list) != 1 || list[0].Entry.Content != "<p>Text of p</p>" {
			t.Errorf("it said before: %+v (%v)", list, err)
		}
	})
}
