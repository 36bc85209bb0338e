package storage

import (
	"fmt"
	"testing"
	"time"

	"orrery/feeds"
)

// A draft that was written long ago is published now: in the order of time it stands where
// its date is, and first pages and feeds, which ask for what is open, have it all the same.
func TestLatePostIsInItsPlaceAndAmongWhatIsOpen(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		db.SetFeedSize(8)
		configure(t, db, nil, remote("a"), remote("b"))
		var list []feeds.Entry
		for i := range 12 {
			list = append(list, in(post(fmt.Sprint(i), epoch.Add(-time.Duration(i)*time.Hour)), "C"))
		}
		visit(t, db, "a", epoch, list...)
		draft := in(post("draft", epoch.AddDate(0, -6, 0)), "C")
		visit(t, db, "a", epoch.Add(time.Hour), draft)
		for _, q := range []feeds.Query{{}, {Category: "c"}, {Source: "a"}} {
			q.Limit = 8
			same(t, "page", titles(entries(t, db, q)), titles(list[:8]))
			q.Open = true
			same(t, "feed", titles(entries(t, db, q)), append(titles(list[:7]), "Post draft"))
		}
		same(t, "another source's feed", titles(entries(t, db, feeds.Query{Source: "b", Limit: 8, Open: true})), []string{})
		same(t, "announced", column(t, db, `SELECT count(*) FROM outbox WHERE event = 'new'`), []string{"13"})
		sound(t, db)
	})
}

// A site that brings all of its past at once does not fill anybody's feed.
func TestImportOfOldPostsIsNotLate(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, post("now", epoch))
		var list []feeds.Entry
		for i := range 9 {
			list = append(list, post(fmt.Sprint(i), epoch.AddDate(-1, 0, -i)))
		}
		visit(t, db, "a", epoch.Add(time.Hour), list...)
		same(t, "feed", titles(entries(t, db, feeds.Query{Limit: 1, Open: true})), []string{"Post now"})
		same(t, "announced", column(t, db, `SELECT count(*) FROM outbox`), []string{"1"})
		same(t, "stored", column(t, db, `SELECT count(*) FROM entries WHERE withdrawn = 0`), []string{"10"})
	})
}

// Hidden is hidden, whatever the entry is found to be the same as.
func TestHiddenEntryStaysHiddenWhenAThirdJoinsItToAnother(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"), remote("c"))
		one, two := post("one", epoch), post("two", epoch)
		visit(t, db, "a", epoch, one)
		visit(t, db, "b", epoch.Add(time.Minute), two)
		if _, changed, err := db.Hide(t.Context(), epoch, two.Permalink, true); err != nil || !changed {
			t.Fatal(changed, err)
		}
		both := post("three", epoch)
		both.Permalink, both.Aliases = one.Permalink, []string{two.Permalink}
		visit(t, db, "c", epoch.Add(time.Hour), both)
		same(t, "shown", titles(entries(t, db, feeds.Query{})), []string{})
		sound(t, db)
	})
}
