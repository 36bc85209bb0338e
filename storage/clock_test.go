package storage

import (
	"errors"
	"testing"
	"time"

	"orrery/feeds"
)

// hostile.md, Faults: a clock that was wrong and has been put back.
func TestVisitsOfAClockThatWasAheadAreTakenForVisitsOfNow(t *testing.T) {
	const hour = time.Hour
	for name, mend := range map[string]func(t *testing.T, db *DB){
		"with a pass": func(t *testing.T, db *DB) {
			if err := db.MendClock(t.Context(), epoch); err != nil {
				t.Fatal(err)
			}
		},
		"with a start": func(t *testing.T, db *DB) { configure(t, db, nil, remote("a"), remote("b"), remote("new")) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range []struct {
				ahead time.Duration
				wrong bool
			}{{0, false}, {clockSlack, false}, {clockSlack + time.Minute, true}, {10 * 365 * 24 * hour, true}} {
				each(t, func(t *testing.T, db *DB) {
					configure(t, db, nil, remote("a"), remote("b"), remote("new"))
					then := epoch.Add(c.ahead)
					v := visitOf(claimed(t, db, "a", then), then)
					v.Next, v.RetryAfter, v.Busy, v.BusyUntil = then.Add(hour), then.Add(3*hour), "other.example", then.Add(3*hour)
					commit(t, db, v)
					claimed(t, db, "a", then.Add(4*hour)) // by a process that was killed
					v = visitOf(claimed(t, db, "b", then), then)
					v.Next, v.Outcome, v.Feed, v.Err = then.Add(2*hour), feeds.Failed, nil, errors.New("trouble")
					commit(t, db, v)
					v = visitOf(claimed(t, db, "new", then), then)
					v.Next, v.RetryAfter = then.AddDate(1, 0, 0), then.AddDate(1000, 0, 0) // nobody is left alone for so long
					commit(t, db, v)
					mend(t, db)
					a, b := stateOf(t, db, "a").State, stateOf(t, db, "b").State
					if !c.wrong {
						if !a.LastVisit.Equal(then) || !a.NextVisit.Equal(then.Add(hour)) || !a.RetryAfter.Equal(then.Add(3*hour)) || !b.NextVisit.Equal(then.Add(2*hour)) {
							t.Errorf("%v: a is %+v, b %+v", c.ahead, a, b)
						}
						return
					}
					if !a.LastVisit.Equal(epoch) || !a.LastSuccess.Equal(epoch) || !a.NextVisit.Equal(epoch.Add(hour)) || !a.RetryAfter.Equal(epoch.Add(3*hour)) {
						t.Errorf("%v: a is %+v", c.ahead, a)
					}
					if !b.LastVisit.Equal(epoch) || !b.LastSuccess.IsZero() || !b.NextVisit.Equal(epoch.Add(2*hour)) || !b.RetryAfter.IsZero() || b.Failures != 1 {
						t.Errorf("%v: b is %+v", c.ahead, b)
					}
					if due := claim(t, db, feeds.Want{Now: epoch.Add(3 * hour), Start: epoch.Add(3 * hour), N: 9}); len(due) != 2 {
						t.Errorf("%v: claimed %d three hours later", c.ahead, len(due))
					}
					if due := claim(t, db, feeds.Want{Now: epoch.Add(feeds.MaxRest), Start: epoch.Add(feeds.MaxRest), N: 9, Slugs: []string{"new"}}); len(due) != 1 {
						t.Errorf("%v: claimed %d a week later", c.ahead, len(due))
					}
					hosts, err := db.BusyHosts(t.Context(), epoch)
					if until := hosts["other.example"]; err != nil || until.After(epoch.Add(feeds.MaxRest+clockSlack)) {
						t.Errorf("%v: the host is left alone until %v, %v", c.ahead, until, err)
					}
				})
			}
		})
	}
}

// A machine whose clock is two hours late moves nothing of what the others did by theirs.
func TestLateMachineMendsNothingWhereTheDatabaseHasAClock(t *testing.T) {
	db := openPG(t)
	configure(t, db, nil, remote("a"))
	theirs := epoch.Add(2 * time.Hour)
	v := visitOf(claimed(t, db, "a", theirs), theirs)
	v.Next = theirs.Add(time.Hour)
	commit(t, db, v)
	late := *postgres
	late.clock = postgres.clock[:len(postgres.clock)-len(" AS BIGINT)")] + ` + 7200000000 AS BIGINT)`
	db.dialect = &late // it sees the database two hours ahead
	if err := db.MendClock(t.Context(), epoch); err != nil {
		t.Fatal(err)
	}
	if st := stateOf(t, db, "a").State; !st.LastVisit.Equal(theirs) || !st.NextVisit.Equal(theirs.Add(time.Hour)) {
		t.Errorf("it is now %+v", st)
	}
}
