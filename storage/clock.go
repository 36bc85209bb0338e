package storage

import (
	"context"
	"fmt"
	"time"

	"orrery/feeds"
)

// clockSlack is how far ahead of now a last visit may lie before the clock must have been
// wrong when it was written.
const clockSlack = time.Hour

// MendClock moves what a clock that was ahead has left behind, now that it has been put
// back, to where it would be if the visits of that time were made just now: nobody is left
// alone for a year, and nobody is asked sooner than he wished, nor all at once (hostile.md,
// Faults). What time it is the clock of the database says, where it has one: a machine
// whose own is late must not move what the others do. Where nothing is dated so, nothing
// is written.
//
// A pass begins with it: in a store that a newer program has changed with ErrNewer, before
// anybody is asked for what could not be stored.
func (db *DB) MendClock(ctx context.Context, now time.Time) error {
	if err := db.sameSchema(ctx, db.read); err != nil {
		return explain(err)
	}
	later := func(d time.Duration) int64 { return db.leaseTime(now.Add(d)) }
	var any bool
	err := db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sources WHERE retired = 0 AND -last_visit < $1)
		OR EXISTS (SELECT 1 FROM hosts WHERE until > $2)`, -later(clockSlack), later(feeds.MaxRest+clockSlack)).Scan(&any)
	if err == nil && any {
		err = db.tx(ctx, func(t *txn) error {
			if _, err := t.db.askClock(t); err != nil {
				return err
			}
			if err := t.exec(`UPDATE sources SET last_visit = $1, last_success = min(last_success, $1), lease = 0, fence = fence + 1,
				next_visit = CASE WHEN next_visit > last_visit THEN min($1 + next_visit - last_visit, $3) ELSE next_visit END,
				retry_after = CASE WHEN retry_after > last_visit THEN min($1 + retry_after - last_visit, $3) ELSE 0 END
				WHERE last_visit > $2`, later(0), later(clockSlack), later(feeds.MaxRest)); err != nil {
				return err
			}
			return t.exec(`UPDATE hosts SET until = $1 WHERE until > $2`, later(feeds.MinRest), later(feeds.MaxRest+clockSlack))
		})
	}
	if err != nil {
		return fmt.Errorf("mend the times of a clock that was wrong: %w", explain(err))
	}
	return nil
}
