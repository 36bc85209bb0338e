package storage

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"orrery/feeds"
)

// hostile.md, Faults: kill -9 at any moment: the store opens, no half visit,
// nothing acknowledged is lost.
func TestKilledProcessLosesNothingAcknowledgedAndLeavesNoHalfVisit(t *testing.T) {
	for _, job := range []struct {
		name    string
		sources int
		runs    int
	}{{"commit", 1, 14}, {"crowd", 4, 7}} {
		if testing.Short() {
			job.runs = 3
		}
		for run := range job.runs {
			t.Run(fmt.Sprintf("%s %d", job.name, run), func(t *testing.T) {
				eachAddress(t, func(t *testing.T, dsn string) {
					db := openDSN(t, dsn)
					var list []feeds.Source
					for s := range job.sources {
						list = append(list, remote(fmt.Sprintf("s%d", s)))
					}
					configure(t, db, nil, list...)
					lines := startChild(t, job.name, dsn).kill(t, 1+run*run/2)
					// With no handle open, as after a power switch.
					shut(t, db)
					db = openDSN(t, dsn)
					sound(t, db)
					for s := range job.sources {
						wholeVisits(t, db, fmt.Sprintf("s%d", s), lines, 0)
					}
				})
			})
		}
	}
}

// wholeVisits checks that the store has every visit of the source that the
// child said was stored, at most one more, and each of them whole. So many of its
// posts were too old to be announced.
func wholeVisits(t *testing.T, db *DB, slug string, lines []string, old int) {
	t.Helper()
	said := 0
	for _, l := range lines {
		var who string
		var n int
		if _, err := fmt.Sscanf(l, "%s %d", &who, &n); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		if who == slug {
			said = n + 1
		}
	}
	list := entries(t, db, feeds.Query{Source: slug})
	stored := len(list) / childPosts
	if len(list)%childPosts != 0 || stored < said || stored > said+1 {
		t.Errorf("%s: %d visits were acknowledged, %d entries are stored", slug, said, len(list))
	}
	for i, e := range list { // newest visit first
		if n := stored - 1 - i/childPosts; !e.Sort.Equal(epoch.Add(time.Duration(n) * time.Hour)) {
			t.Errorf("%s: entry %s is of %v, not of visit %d", slug, e.GUID, e.Sort, n)
		}
		if len(e.Categories) != 1 {
			t.Errorf("%s: entry %s is in the categories %v", slug, e.GUID, e.Categories)
		}
	}
	// Validators and entries are of one visit: a 304 can hide nothing.
	etag := ""
	if stored > 0 {
		etag = `"` + strconv.Itoa(stored-1) + `"`
	}
	d := claimed(t, db, slug, epoch.Add(10_000*time.Hour))
	if d.Validators.ETag != etag {
		t.Errorf("%s: %d visits are stored, the validator is %s", slug, stored, d.Validators.ETag)
	}
	news := column(t, db, `SELECT count(*) FROM outbox o JOIN source_entries es ON es.entry_id = o.entry_id JOIN sources s ON s.id = es.source_id
		WHERE s.slug = $1 AND o.event = 'new'`, slug)
	same(t, "announced entries of "+slug, news, []string{strconv.Itoa(len(list) - old)})
}
