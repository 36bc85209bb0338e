package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"orrery/feeds"
)

// Claim takes up to want.N sources to visit, the longest due first; none if there is
// none that nobody has, and feeds.ErrBeside if others were claiming all that are due. A
// claim is a lease: until it ends nobody else gets the source, nor another of its domain,
// in no process (fetching.md 35); after it somebody else may, and the old claim's Commit
// is refused. How long that is, the clock of the database says, where it has one.
func (db *DB) Claim(ctx context.Context, want feeds.Want) ([]feeds.Due, error) {
	var due []feeds.Due
	claim := func() (err error) {
		due, err = db.claimOnce(ctx, want)
		return err
	}
	err := anew(claim)
	for wait := range besideWaits {
		if !errors.Is(err, feeds.ErrBeside) {
			break
		}
		select {
		case <-time.After(wait):
			err = anew(claim)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("claim sources: %w", err)
	}
	return due, nil
}

// errClock says that the clock of the database is not what it was taken for.
var errClock = fmt.Errorf("%w, or has another clock", feeds.ErrBeside)

// besideWaits are how long a claim waits before it is made again beside another: the
// double each time, but no longer than it may matter to those whose lease has ended, and
// some more than a second in all. Whoever takes longer is at something else, as a Sync.
func besideWaits(again func(time.Duration) bool) {
	const first, most, all = 5 * time.Millisecond, 80 * time.Millisecond, 1200 * time.Millisecond
	for wait, sum := first, time.Duration(0); sum < all && again(wait); wait = min(2*wait, most) {
		sum += wait
	}
}

func (db *DB) claimOnce(ctx context.Context, want feeds.Want) ([]feeds.Due, error) {
	if want.N <= 0 {
		return nil, nil
	}
	var due []feeds.Due
	err := db.txBeside(ctx, func(t *txn) error {
		ids, err := db.choose(t, want)
		if err != nil || len(ids) == 0 {
			return err
		}
		ids = padded(ids)
		rows, err := t.query(claimQuery(len(ids)), append([]any{db.leaseTime(want.Now.Add(want.Lease)), db.worker, db.leaseTime(want.Now)}, ids...)...)
		if err != nil {
			return err
		}
		if due, err = scanDue(rows); err != nil {
			return err
		}
		if len(due) == 0 {
			return feeds.ErrBeside
		}
		return addListings(t, due)
	})
	if err != nil {
		return nil, err
	}
	// RETURNING promises no order.
	slices.SortFunc(due, func(a, b feeds.Due) int {
		if c := a.Source.State.NextVisit.Compare(b.Source.State.NextVisit); c != 0 {
			return c
		}
		return cmp.Compare(a.Source.ID, b.Source.ID)
	})
	return due, nil
}

// addListings gives the folders among the sources their memory.
func addListings(t *txn, due []feeds.Due) error {
	for i := range due {
		if !due[i].Source.Local() {
			continue
		}
		err := t.row(`SELECT listing FROM listings WHERE source_id = $1`, due[i].Source.ID).Scan(&due[i].Validators.Listing)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}

// claimQuery claims those whose host nobody else has got meanwhile: what he claimed is
// seen only since the lock of the host is ours.
func claimQuery(n int) string {
	return `UPDATE sources SET lease = $1, worker = $2, fence = fence + 1 WHERE id IN (` + marks(4, n) + `)
		AND ` + othersClaim(3, 2) + `
		RETURNING ` + sourceColumns + `, 0, 0, 0, fence, answered_url, etag, last_modified, body_hash, reader`
}

// othersClaim says that no other worker, of the two values the second, has now, which is
// the first, claimed a source of the host. Workers before and behind are asked for, since
// no index leads to whatever is not equal, and who claims may have hundreds of the host
// himself. The limit says no more, but has PostgreSQL look each host up: it takes what is
// claimed for a handful, and would go through all of it. Compared with the time itself, the
// lease would have SQLite compile the text for each time anew, since from it follows which
// index will do.
func othersClaim(now, worker int) string {
	const none = `NOT EXISTS (SELECT 1 FROM sources o WHERE o.host = sources.host AND o.lease > 0 AND o.lease - $%d > 0
		AND o.worker %s $%d AND o.host <> '' LIMIT 1 OFFSET 0)`
	return fmt.Sprintf(none+` AND `+none, now, "<", worker, now, ">", worker)
}

// claimWhere says who may be visited and is nobody's now, nor is his host.
func (db *DB) claimWhere(want feeds.Want) (string, []any) {
	where, args := visitable(want)
	n := len(args)
	return fmt.Sprintf(`lease <= $%d AND `, n+1) + othersClaim(n+1, n+2) + ` AND ` + where, append(args, db.leaseTime(want.Now), db.worker)
}

// visitable says who may be visited.
func visitable(want feeds.Want) (string, []any) {
	args := []any{micros(want.Now), micros(want.Start)}
	when, gone := "next_visit <= $1", "gone = 0"
	if want.All || len(want.Slugs) > 0 {
		// A folder is our own and may be read at any time; anybody else is not
		// asked faster than the interval, nor before the time he asked for. Whoever
		// is gone has no next visit that could have come.
		args = append(args, micros(want.Now.Add(-want.MinInterval)))
		when = "(gone = 0 AND next_visit <= $1 OR last_visit <= $3 OR url LIKE 'file:%')"
	}
	named := ""
	if slugs := padded(want.Slugs); len(slugs) > 0 {
		if !want.Called {
			gone = "1 = 1" // whoever names a source that was gone wants to know
		}
		named = " AND slug IN (" + marks(len(args)+1, len(slugs)) + ")"
		for _, s := range slugs {
			args = append(args, s)
		}
	}
	if want.Remote {
		named += " AND url NOT LIKE 'file:%'"
	}
	return "retired = 0 AND paused = 0 AND same_as = 0 AND" +
		" NOT EXISTS (SELECT 1 FROM hosts h WHERE h.host = sources.host AND h.until > $1) AND (last_visit = 0 OR last_visit < $2) AND retry_after <= $1 AND " +
		gone + " AND " + when + named, args
}

func scanDue(rows *sql.Rows) ([]feeds.Due, error) {
	var due []feeds.Due
	err := eachRow(rows, func() error {
		var d feeds.Due
		v := &d.Validators
		var reader int
		err := scanSource(rows, &d.Source, &d.Fence, &v.URL, &v.ETag, &v.LastModified, &v.BodyHash, &reader)
		if d.Reread = reader < feeds.ReaderVersion && !d.Source.State.LastSuccess.IsZero(); d.Reread {
			*v = feeds.Validators{}
		}
		due = append(due, d)
		return err
	})
	return due, err
}

// Release gives a claim back of which nothing was stored: at once, or if at is later then.
func (db *DB) Release(ctx context.Context, due feeds.Due, at time.Time) error {
	_, err := db.write.ExecContext(ctx, `UPDATE sources SET lease = $1 WHERE id = $2 AND fence = $3`, db.leaseTime(at), due.Source.ID, due.Fence)
	if err != nil {
		return fmt.Errorf("release %s: %w", due.Source.Slug, explain(err))
	}
	return nil
}

// Waiting counts the sources that Claim would take, were there no limit.
func (db *DB) Waiting(ctx context.Context, want feeds.Want) (int, error) {
	where, args := db.claimWhere(want)
	var n int
	if err := db.read.QueryRowContext(ctx, `SELECT count(*) FROM sources WHERE `+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the sources that are due: %w", explain(err))
	}
	return n, nil
}

// OthersEnd is when the first of the leases ends that other workers have of sources that
// want is about; zero: they have none. It looks only at what is claimed,
// which the limit has the engine do first.
func (db *DB) OthersEnd(ctx context.Context, want feeds.Want) (time.Time, error) {
	where, args := visitable(want)
	var first int64
	err := db.read.QueryRowContext(ctx, fmt.Sprintf(`SELECT coalesce(min(lease), 0) FROM
		(SELECT * FROM sources WHERE lease > 0 AND lease - $%d > 0 AND worker <> $%d LIMIT 1000000) AS sources WHERE `, len(args)+1, len(args)+2)+where,
		append(args, db.leaseTime(want.Now), db.worker)...).Scan(&first)
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the claims of others: %w", explain(err))
	}
	return db.fromLease(first), nil
}

// Claimed counts the sources that want is about and that are claimed, they or others
// of their hosts, and says until when the last of them is: they are being visited, or
// whoever did was killed.
func (db *DB) Claimed(ctx context.Context, want feeds.Want) (n int, until time.Time, err error) {
	where, args := visitable(want)
	var last int64
	err = db.read.QueryRowContext(ctx, fmt.Sprintf(`SELECT count(*), coalesce(max(until), 0) FROM (%s WHERE %s) AS claims WHERE until > $%d`,
		claims(len(args)+1), where, len(args)+2), append(args, db.worker, db.leaseTime(want.Now))...).Scan(&n, &last)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count the claims: %w", explain(err))
	}
	return n, db.fromLease(last), nil
}

// claims asks for sources and until when they, or others of their hosts, are claimed;
// the number is that of the place for who asks.
func claims(worker int) string {
	return fmt.Sprintf(`SELECT slug, max(lease, coalesce((SELECT max(o.lease) FROM sources o WHERE o.host = sources.host AND o.lease > 0
		AND o.worker <> $%d AND o.host <> ''), 0)) AS until FROM sources`, worker)
}

// Leases returns until when sources, or others of their hosts, are claimed, by their
// slugs.
func (db *DB) Leases(ctx context.Context, now time.Time) (map[string]time.Time, error) {
	ahead := time.Duration(db.ahead.Load()) * time.Microsecond
	list, err := db.untils(ctx, `SELECT slug, until FROM (`+claims(2)+`) AS claims WHERE until > $1`, now.Add(ahead), db.worker)
	for slug, until := range list {
		list[slug] = until.Add(-ahead)
	}
	return list, err
}

// BusyHosts returns until when hosts are not to be asked (fetching.md 21).
func (db *DB) BusyHosts(ctx context.Context, now time.Time) (map[string]time.Time, error) {
	return db.untils(ctx, `SELECT host, until FROM hosts WHERE until > $1`, now)
}

// untils asks for names and times after now.
func (db *DB) untils(ctx context.Context, query string, now time.Time, args ...any) (map[string]time.Time, error) {
	rows, err := db.read.QueryContext(ctx, query, append([]any{micros(now)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read who is left alone: %w", explain(err))
	}
	list := map[string]time.Time{}
	err = eachRow(rows, func() error {
		var name string
		var until int64
		err := rows.Scan(&name, &until)
		list[name] = fromMicros(until)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read who is left alone: %w", explain(err))
	}
	return list, nil
}
