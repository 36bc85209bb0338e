package storage

import (
	"fmt"
	"testing"
	"time"

	"orrery/feeds"
)

// Where a host has many, a claim looks past them, and at nobody who is due later before
// it has seen all that are due now.
func TestClaimLooksPastAHostThatHasMany(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		var list []feeds.Source
		for i := range 10 {
			s := remote(fmt.Sprint("many", i))
			s.URL = fmt.Sprintf("https://many.example/%d", i)
			list = append(list, s)
		}
		configure(t, db, nil, append(list, remote("b"), remote("c"), remote("later"))...)
		v := visitOf(claimed(t, db, "later", epoch), epoch)
		v.Next = epoch.Add(time.Minute)
		commit(t, db, v)
		first := claimed(t, db, "many0", epoch)
		if err := db.Release(t.Context(), first, time.Time{}); err != nil {
			t.Fatal(err)
		}
		now := epoch.Add(time.Hour)
		for _, c := range []struct {
			want  feeds.Want
			taken []string
		}{
			{feeds.Want{N: 2, PerHost: 1}, []string{"many0", "b"}},
			{feeds.Want{N: 2, PerHost: 1, After: &first.Source}, []string{"many1", "b"}},
			{feeds.Want{N: 4, PerHost: 1, After: &first.Source}, []string{"many1", "b", "c", "later"}},
			{feeds.Want{N: 3, PerHost: 2}, []string{"many0", "many1", "b"}},
			{feeds.Want{N: 9, PerHost: 1}, []string{"many0", "b", "c", "later"}},
			{feeds.Want{N: 3}, []string{"many0", "many1", "many2"}},
			{feeds.Want{N: 0}, []string{}},
		} {
			c.want.Now = now
			due := claim(t, db, c.want)
			same(t, fmt.Sprintf("of %+v", c.want), slugsOf(due), c.taken)
			for _, d := range due {
				if err := db.Release(t.Context(), d, time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
