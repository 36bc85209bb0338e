package storage

import (
	"testing"
	"time"

	"orrery/feeds"
)

// The past of a source that says nothing new grows older, too.
func TestPostsOfAQuietSourceGrowOld(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		a := remote("a")
		a.Retain = feeds.Retain{Days: 30}
		configure(t, db, nil, a)
		visit(t, db, "a", epoch, post("p", epoch.Add(-20*24*time.Hour)))
		at := epoch.Add(20 * 24 * time.Hour)
		commit(t, db, unchanged(claimed(t, db, "a", at), at)) // 304
		if n := len(entries(t, db, feeds.Query{})); n != 0 {
			t.Errorf("%d posts of 40 days are shown of a source that keeps 30", n)
		}
	})
}

// What is never shown is not told, nor counted.
func TestWhatIsNotKeptIsNotTold(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		a := remote("a")
		a.Retain = feeds.Retain{Entries: 1}
		configure(t, db, nil, a)
		tally := visit(t, db, "a", epoch, post("1", epoch.Add(-2*time.Hour)), post("2", epoch.Add(-time.Hour)))
		same(t, "told", column(t, db, `SELECT e.public_id || o.event FROM outbox o JOIN entries e ON e.id = o.entry_id WHERE e.withdrawn = 1`), []string{})
		if tally.New != 1 {
			t.Errorf("%+v", tally)
		}
	})
}

// Who parts two old posts has no news for the world.
func TestSplitOfAnOldPostIsNoNews(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		old := epoch.Add(-300 * 24 * time.Hour)
		visit(t, db, "a", epoch, post("p", old))
		visit(t, db, "b", epoch, post("p", old))
		if _, err := db.Split(t.Context(), epoch.Add(time.Hour), only(t, db).ID, "b"); err != nil {
			t.Fatal(err)
		}
		same(t, "told", events(t, db), []string{})
	})
}
