package storage

import (
	"context"
	"time"
)

const (
	// indexSoon is how long what was committed may wait for more, to be indexed together.
	indexSoon = 300 * time.Millisecond
	// indexAnyway is when it is looked for what other processes have committed.
	indexAnyway = time.Minute
	// indexLook is when it is looked whether there is anything.
	indexLook = 2 * time.Second
	// indexStandsBack is how many times as long as a step what indexes rests after it
	// while visits are stored.
	indexStandsBack = 4
	// What cannot be indexed is tried again after so long, the double each time, and told
	// of once in indexReports.
	indexAgain, indexAgainMost = time.Second, 5 * time.Minute
	indexReports               = time.Hour
)

// nudge tells whoever indexes that there is something to do.
func (db *DB) nudge() {
	select {
	case db.nudged <- struct{}{}:
	default: // one that is still to be taken says as much
	}
}

// busy says that visits are being stored.
func (q *commitQueue) busy() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.writing
}

// IndexBehind indexes what is committed, soon after it, until ctx ends; what other
// processes commit, within seconds. It stands back while visits are stored. Nothing
// stops it: an error is tried again, and told to report, now and then.
func (db *DB) IndexBehind(ctx context.Context, report func(error)) {
	var told time.Time
	var last string
	again := indexAgain
	for ctx.Err() == nil {
		began := time.Now()
		n, more, err := db.Index(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			if err.Error() != last || time.Since(told) > indexReports {
				last, told = err.Error(), time.Now()
				report(err)
			}
			rest(ctx, again, nil)
			again = min(2*again, indexAgainMost)
		case more && n == 0: // somebody else is at it
			rest(ctx, indexSoon, nil)
		case more && db.commits.busy():
			rest(ctx, indexStandsBack*time.Since(began), nil)
		case !more:
			again, last = indexAgain, ""
			// Not only what is to be indexed is to be done: an index may be of no use.
			for since := time.Now(); !rest(ctx, indexLook, db.nudged) && time.Since(since) < indexAnyway && !db.anyUnindexed(ctx); {
			}
			rest(ctx, indexSoon, nil)
		}
	}
}

// anyUnindexed says whether there is something to index; if that cannot be found out, the
// index has to see.
func (db *DB) anyUnindexed(ctx context.Context) (any bool) {
	err := db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM unindexed)`).Scan(&any)
	return any || err != nil
}

// rest waits so long, or until somebody wakes it, and says whether anybody did.
func rest(ctx context.Context, d time.Duration, wake <-chan struct{}) (woken bool) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return false
	case <-wake:
	case <-ctx.Done():
	}
	return true
}
