package storage

import (
	"errors"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

func pause(t *testing.T, db *DB, slug string, paused, want bool) {
	t.Helper()
	changed, err := db.Pause(t.Context(), epoch, slug, paused)
	if err != nil || changed != want {
		t.Errorf("pausing %s (%v) changed something: %v, %v", slug, paused, changed, err)
	}
}

func TestPausedSourceIsLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		visit(t, db, "a", epoch, post("p", epoch))
		later := epoch.Add(24 * time.Hour)
		pause(t, db, "a", true, true)
		for _, want := range []feeds.Want{{Now: later, N: 9}, {Now: later, N: 9, All: true}, {Now: later, N: 9, Slugs: []string{"a", "b"}}} {
			due := claim(t, db, want)
			same(t, "due", slugsOf(due), []string{"b"})
			for _, d := range due {
				if err := db.Release(t.Context(), d, time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		same(t, "entries", titles(entries(t, db, feeds.Query{})), []string{only(t, db).Title})
		configure(t, db, nil, remote("a"), remote("b")) // as every start does
		list, err := db.Sources(t.Context())
		if err != nil || !list[0].Paused || list[1].Paused {
			t.Errorf("%v: %+v", err, list)
		}
	})
}

func TestResumedSourceIsDueAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch)
		now := epoch.Add(time.Minute)
		same(t, "due before", slugsOf(claim(t, db, feeds.Want{Now: now, N: 9})), nil)
		pause(t, db, "a", true, true)
		pause(t, db, "a", false, true)
		same(t, "due after", slugsOf(claim(t, db, feeds.Want{Now: now, N: 9})), []string{"a"})
	})
}

func TestResumedSourceThatAskedForTimeGetsIt(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		v := visitOf(claimed(t, db, "a", epoch), epoch)
		v.RetryAfter = epoch.Add(time.Hour)
		commit(t, db, v)
		pause(t, db, "a", true, true)
		pause(t, db, "a", false, true)
		same(t, "due early", slugsOf(claim(t, db, feeds.Want{Now: epoch.Add(time.Minute), N: 9})), nil)
		same(t, "due then", slugsOf(claim(t, db, feeds.Want{Now: v.RetryAfter, N: 9})), []string{"a"})
	})
}

func TestPausingRaisesTheVersionOnceAndWhatIsSoStaysSo(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		before := versions(t, db)
		pause(t, db, "a", false, false)
		same(t, "versions raised by nothing", raised(t, db, before), nil)
		pause(t, db, "a", true, true)
		same(t, "versions raised", raised(t, db, before), []string{""})
		before = versions(t, db)
		pause(t, db, "a", true, false)
		same(t, "versions raised again", raised(t, db, before), nil)
	})
}

func TestVisitUnderWayIsFinishedThoughItsSourceIsPaused(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		d := claimed(t, db, "a", epoch)
		pause(t, db, "a", true, true)
		commit(t, db, visitOf(d, epoch, post("p", epoch)))
		only(t, db)
		same(t, "due", slugsOf(claim(t, db, feeds.Want{Now: epoch.Add(48 * time.Hour), N: 9})), nil)
	})
}

func TestSourceThatIsNotConfiguredCannotBePaused(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		configure(t, db, nil)
		for _, slug := range []string{"a", "nobody", ""} {
			if _, err := db.Pause(t.Context(), epoch, slug, true); !errors.Is(err, ErrNoSource) || !strings.Contains(err.Error(), slug) {
				t.Errorf("%q: %v", slug, err)
			}
		}
	})
}

// The source at its address is not visited any more, so it is itself again.
func TestSourceThatMovedToAPausedOneIsVisited(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		v := visitOf(claimed(t, db, "a", epoch), epoch)
		v.Address = "https://b.example/feed.atom"
		commit(t, db, v)
		later := epoch.Add(24 * time.Hour)
		same(t, "due", slugsOf(claim(t, db, feeds.Want{Now: later, N: 9, Lease: time.Minute})), []string{"b"})
		pause(t, db, "b", true, true)
		later = later.Add(time.Hour)
		same(t, "due while that is paused", slugsOf(claim(t, db, feeds.Want{Now: later, N: 9, Lease: time.Minute})), []string{"a"})
	})
}

// Nothing is written where the configuration is what it was.
func TestSyncOfTheSameConfigurationWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		rules := &feeds.Rules{TagsAsCategories: true}
		configure(t, db, rules, remote("a"), folder("b"))
		before := column(t, db, `SELECT total FROM (SELECT count(*) AS total FROM versions) AS t`)
		forbid := `CREATE TRIGGER nobody BEFORE UPDATE ON sources BEGIN SELECT RAISE(ABORT, 'written'); END`
		if db.dialect == postgres {
			forbid = `CREATE FUNCTION forbid() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''written''; END';
				CREATE TRIGGER nobody BEFORE UPDATE ON sources FOR EACH ROW EXECUTE FUNCTION forbid()`
		}
		if _, err := db.write.ExecContext(t.Context(), forbid); err != nil {
			t.Fatal(err)
		}
		configure(t, db, rules, remote("a"), folder("b"))
		same(t, "versions", column(t, db, `SELECT total FROM (SELECT count(*) AS total FROM versions) AS t`), before)
		if err := db.Sync(t.Context(), epoch, []feeds.Source{remote("a")}, rules); err == nil {
			t.Error("a source was taken out, and nothing was written")
		}
	})
}
