package storage

import (
	"testing"
	"time"

	"orrery/feeds"
)

func TestHealthOfASourceIsThatOfItsVisits(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		at := epoch
		look := func(what func(d feeds.Due, at time.Time) feeds.Visit) {
			t.Helper()
			at = at.Add(8 * time.Hour)
			commit(t, db, what(claimed(t, db, "a", at), at))
		}
		partly := func(d feeds.Due, at time.Time) feeds.Visit {
			v := visitOf(d, at)
			v.Problems = []string{"one post could not be read"}
			return v
		}
		gone := func(d feeds.Due, at time.Time) feeds.Visit {
			v := failed(d, at)
			v.Outcome = feeds.Gone
			return v
		}
		for _, what := range []func(d feeds.Due, at time.Time) feeds.Visit{unchanged, partly, unchanged, failed, failed, failed, gone} {
			look(what)
		}
		if got, want := stateOf(t, db, "a").State.Health, feeds.Health("20515 gmf"); got != want {
			t.Errorf("it is %q, want %q", got, want)
		}
		if got := stateOf(t, db, "b").State.Health; got != "" {
			t.Errorf("that of a source that was never visited is %q", got)
		}
	})
}

// RFC 5005 §4: a document of the past is the same feed as it once was.
func TestDocumentOfThePastSaysNothingOfHealth(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		v := unchanged(claimed(t, db, "a", epoch), epoch)
		v.More = epoch.Add(time.Hour)
		commit(t, db, v)
		v.Older, v.Outcome, v.At = true, feeds.Failed, epoch.Add(time.Minute)
		commit(t, db, v)
		if got := stateOf(t, db, "a").State.Health; got != "20513 g" {
			t.Errorf("it is %q", got)
		}
		configure(t, db, nil, named("a", "https://new.example/"))
		if got := stateOf(t, db, "a").State.Health; got != "" {
			t.Errorf("at another address it is %q", got)
		}
	})
}

func TestPlanetKnowsWhenItLookedLast(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		last := func(want time.Time) {
			t.Helper()
			if got, err := db.LastVisit(t.Context()); err != nil || !got.Equal(want) {
				t.Errorf("%v, %v, want %v", got, err, want)
			}
		}
		last(time.Time{})
		configure(t, db, nil, remote("a"), remote("b"))
		last(time.Time{})
		visit(t, db, "a", epoch)
		commit(t, db, failed(claimed(t, db, "b", epoch.Add(time.Hour)), epoch.Add(time.Hour)))
		last(epoch.Add(time.Hour)) // that it failed is no reason to say nobody looked
		configure(t, db, nil, remote("a"))
		last(epoch)
	})
}
