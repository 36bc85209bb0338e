package storage

import (
	"fmt"
	"testing"
	"time"

	"orrery/feeds"
)

// flood visits the source, which writes so many posts that all but the first are
// held back until the time.
func flood(t *testing.T, db *DB, slug string, at, until time.Time, names ...string) {
	t.Helper()
	v := visitOf(claimed(t, db, slug, at), at)
	for i, n := range names {
		e := placed(post(n, at), at)
		if i > 0 {
			e.HeldUntil = until
		}
		v.Feed.Entries = append(v.Feed.Entries, e)
	}
	v.Problems = []string{"they are many"}
	commit(t, db, v)
}

// heldBack is what is held back of each source, as text.
func heldBack(t *testing.T, db *DB) string {
	t.Helper()
	held, err := db.Held(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := ""
	for _, slug := range []string{"a", "b", "own"} {
		if h, ok := held[slug]; ok {
			s += fmt.Sprintf("%s %d %s;", slug, h.Posts, h.Until.Format("2 15:04"))
		}
	}
	return s
}

func TestWhatIsHeldBackIsCountedOfItsSourceUntilItIsLetGo(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"), folder("own"))
		if got := heldBack(t, db); got != "" {
			t.Errorf("of an empty store %s", got)
		}
		flood(t, db, "a", epoch, epoch.Add(24*time.Hour), "1", "2", "3")
		flood(t, db, "b", epoch, epoch.Add(24*time.Hour), "4", "5")
		flood(t, db, "a", epoch.Add(time.Hour), epoch.Add(25*time.Hour), "6", "7")
		if got := heldBack(t, db); got != "a 3 2 13:00;b 1 2 12:00;" {
			t.Errorf("held back: %s", got)
		}
		if err := db.LetGo(t.Context(), epoch.Add(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := heldBack(t, db); got != "a 1 2 13:00;" {
			t.Errorf("a day later: %s", got)
		}
		sound(t, db)
	})
}

// A post that another source has is shown, whatever the one that floods brings it with.
func TestPostOfAFloodThatAnotherSourceHasIsNotHeldBack(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		flood(t, db, "a", epoch, epoch.Add(24*time.Hour), "1", "2", "3")
		visit(t, db, "b", epoch.Add(time.Minute), post("3", epoch))
		if got := heldBack(t, db); got != "a 1 2 12:00;" {
			t.Errorf("held back: %s", got)
		}
		if n := len(entries(t, db, feeds.Query{})); n != 2 {
			t.Errorf("%d posts are shown", n)
		}
		sound(t, db)
	})
}

func TestTrustSaysWhatItLetGo(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"), remote("quiet"))
		flood(t, db, "a", epoch, epoch.Add(24*time.Hour), "1", "2", "3")
		flood(t, db, "b", epoch, epoch.Add(24*time.Hour), "4", "5")
		strange := failed(claimed(t, db, "b", epoch.Add(time.Hour)), epoch.Add(time.Hour))
		strange.Held = true
		commit(t, db, strange)
		for _, c := range []struct {
			slug        string
			found, held bool
			posts       int
		}{{"a", true, false, 2}, {"a", true, false, 0}, {"b", true, true, 1}, {"b", true, false, 0}, {"quiet", true, false, 0}, {"nobody", false, false, 0}} {
			found, held, posts, err := db.Trust(t.Context(), epoch.Add(2*time.Hour), c.slug)
			if found != c.found || held != c.held || posts != c.posts || err != nil {
				t.Errorf("%s: found %v, its feed held %v, %d posts, %v", c.slug, found, held, posts, err)
			}
		}
		if n := len(entries(t, db, feeds.Query{})); n != 5 {
			t.Errorf("%d of 5 posts are shown", n)
		}
		for _, slug := range []string{"a", "b"} {
			if s := stateOf(t, db, slug); s.State.LastError != "" || s.State.Held {
				t.Errorf("%s still says %q", slug, s.State.LastError)
			}
		}
		same(t, "told", events(t, db), []string{"new Post 1", "new Post 4"})
		sound(t, db)
	})
}

// What a flood is let go of does not hide that the source fails.
func TestTrustKeepsTheErrorOfASourceThatFails(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		flood(t, db, "a", epoch, epoch.Add(24*time.Hour), "1", "2")
		commit(t, db, failed(claimed(t, db, "a", epoch.Add(time.Hour)), epoch.Add(time.Hour)))
		if _, _, n, err := db.Trust(t.Context(), epoch.Add(2*time.Hour), "a"); n != 1 || err != nil {
			t.Fatalf("let go %d, %v", n, err)
		}
		if s := stateOf(t, db, "a"); s.State.LastError == "" || s.State.Failures != 1 {
			t.Errorf("state %+v", s.State)
		}
	})
}
