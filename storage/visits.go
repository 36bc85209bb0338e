package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"orrery/feeds"
)

// Claim takes up to want.N sources to visit, the longest due first. A claim is a
// lease: until it ends nobody else gets the source, in no process; after it
// somebody else may, and the old claim's Commit is refused.
func (db *DB) Claim(ctx context.Context, want feeds.Want) ([]feeds.Due, error) {
	query, args := claimQuery(want)
	var due []feeds.Due
	err := db.tx(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		if due, err = scanDue(rows); err != nil {
			return err
		}
		for i := range due {
			err := tx.QueryRowContext(ctx, `SELECT listing FROM listings WHERE source_id = $1`, due[i].Source.ID).
				Scan(&due[i].Validators.Listing)
			if err != nil && err != sql.ErrNoRows {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim sources: %w", err)
	}
	// RETURNING promises no order.
	slices.SortFunc(due, func(a, b feeds.Due) int {
		if c := a.Source.State.NextVisit.Compare(b.Source.State.NextVisit); c != 0 {
			return c
		}
		return int(a.Source.ID - b.Source.ID)
	})
	return due, nil
}

func claimQuery(want feeds.Want) (string, []any) {
	where, args := claimWhere(want)
	args = append(args, micros(want.Now.Add(want.Lease)), want.N)
	lease, limit := fmt.Sprintf("$%d", len(args)-1), fmt.Sprintf("$%d", len(args))
	return `UPDATE sources SET lease = ` + lease + `, fence = fence + 1
		WHERE id IN (SELECT id FROM sources WHERE ` + where + ` ORDER BY next_visit, id LIMIT ` + limit + `)
		RETURNING id, slug, url, config, retired, feed, last_visit, last_success, next_visit, retry_after, failures, gone,
		last_error, status, 0, 0, fence, answered_url, etag, last_modified, body_hash`, args
}

// claimWhere says who may be visited.
func claimWhere(want feeds.Want) (string, []any) {
	args := []any{micros(want.Now), micros(want.Start)}
	when, gone := "next_visit <= $1", "gone = 0"
	if want.All || len(want.Slugs) > 0 {
		// A folder is our own and may be read at any time; anybody else is not
		// asked faster than the interval, nor before the time he asked for.
		args = append(args, micros(want.Now.Add(-want.MinInterval)))
		when = "(next_visit <= $1 OR last_visit <= $3 OR url LIKE 'file:%')"
	}
	named := ""
	if len(want.Slugs) > 0 {
		gone = "1 = 1" // whoever names a source that was gone wants to know
		named = " AND slug IN (" + marks(len(args)+1, len(want.Slugs)) + ")"
		for _, s := range want.Slugs {
			args = append(args, s)
		}
	}
	return "retired = 0 AND lease <= $1 AND (last_visit = 0 OR last_visit < $2) AND retry_after <= $1 AND " +
		gone + " AND " + when + named, args
}

func scanDue(rows *sql.Rows) ([]feeds.Due, error) {
	defer rows.Close()
	var due []feeds.Due
	for rows.Next() {
		var d feeds.Due
		v := &d.Validators
		if err := scanSource(rows, &d.Source, &d.Fence, &v.URL, &v.ETag, &v.LastModified, &v.BodyHash); err != nil {
			return nil, err
		}
		due = append(due, d)
	}
	return due, rows.Err()
}

// Release gives a claim back unused.
func (db *DB) Release(ctx context.Context, due feeds.Due) error {
	_, err := db.write.ExecContext(ctx, `UPDATE sources SET lease = 0 WHERE id = $1 AND fence = $2`, due.Source.ID, due.Fence)
	if err != nil {
		return fmt.Errorf("release %s: %w", due.Source.Slug, explain(err))
	}
	return nil
}

// knownBatch is how many GUIDs one question names.
const knownBatch = 500

// Known returns what the store has of the source's GUIDs.
func (db *DB) Known(ctx context.Context, source int64, guids []string) (map[string]feeds.Known, error) {
	known := map[string]feeds.Known{}
	for batch := range slices.Chunk(guids, knownBatch) {
		byHash := make(map[string]string, len(batch))
		args := []any{source}
		for _, g := range batch {
			h := hashOf(g)
			byHash[string(h)] = g
			args = append(args, h)
		}
		rows, err := db.read.QueryContext(ctx, `SELECT guid_hash, hash, withdrawn, updated FROM copies
			WHERE source_id = $1 AND guid_hash IN (`+marks(2, len(batch))+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("look up entries: %w", explain(err))
		}
		if err := scanKnown(rows, byHash, known); err != nil {
			return nil, fmt.Errorf("look up entries: %w", explain(err))
		}
	}
	return known, nil
}

func scanKnown(rows *sql.Rows, byHash map[string]string, known map[string]feeds.Known) error {
	defer rows.Close()
	for rows.Next() {
		var h []byte
		var k feeds.Known
		var updated int64
		if err := rows.Scan(&h, &k.Hash, &k.Withdrawn, &updated); err != nil {
			return err
		}
		k.Updated = fromMicros(updated)
		known[byHash[string(h)]] = k
	}
	return rows.Err()
}

// Commit stores a visit whole: entries, revisions, categories, outbox, versions,
// validators, the next visit, the end of the lease. When the lease was lost
// meanwhile, nothing is stored and the error is feeds.ErrLeaseLost.
func (db *DB) Commit(ctx context.Context, v feeds.Visit) (feeds.Tally, error) {
	var tally feeds.Tally
	err := db.tx(ctx, func(tx *sql.Tx) error {
		w := newWriter(ctx, tx, v.At)
		w.source = &v.Due.Source
		if err := w.commitState(&v); err != nil {
			return err
		}
		if v.Feed != nil {
			if err := w.commitFeed(&v); err != nil {
				return err
			}
			for i := range v.Feed.Entries {
				if err := w.commitEntry(&v.Feed.Entries[i]); err != nil {
					return fmt.Errorf("entry %q: %w", v.Feed.Entries[i].GUID, err)
				}
			}
		}
		if err := w.withdraw(v.Withdrawn); err != nil {
			return err
		}
		if err := w.flush(); err != nil {
			return err
		}
		tally = w.tally
		return nil
	})
	if err != nil {
		return feeds.Tally{}, fmt.Errorf("store the visit of %s: %w", v.Due.Source.Slug, err)
	}
	return tally, nil
}

func (w *writer) commitState(v *feeds.Visit) error {
	s := &v.Due.Source
	failed := v.Outcome == feeds.Failed || v.Outcome == feeds.Gone
	reason, failures, success := "", 0, micros(v.At)
	if failed {
		reason, failures, success = feeds.Explain(v.Err), s.State.Failures+1, micros(s.State.LastSuccess)
	} else if len(v.Problems) > 0 {
		reason = strings.Join(v.Problems, "\n")
	}
	result, err := w.tx.ExecContext(w.ctx, `UPDATE sources SET lease = 0, last_visit = $1, last_success = $2, next_visit = $3,
		retry_after = $4, failures = $5, gone = $6, last_error = $7, status = $8 WHERE id = $9 AND fence = $10`,
		micros(v.At), success, micros(v.Next), micros(v.RetryAfter), failures, v.Outcome == feeds.Gone, reason, v.Status,
		s.ID, v.Due.Fence)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		if err == nil {
			err = feeds.ErrLeaseLost
		}
		return err
	}
	if reason != s.State.LastError {
		w.bump("")
	}
	if failed {
		return nil // its validators stay those of the last good answer
	}
	return w.commitValidators(s.ID, &v.Validators, &v.Due.Validators)
}

func (w *writer) commitValidators(source int64, v, old *feeds.Validators) error {
	if v.URL != old.URL || v.ETag != old.ETag || v.LastModified != old.LastModified || v.BodyHash != old.BodyHash {
		if err := w.exec(`UPDATE sources SET answered_url = $1, etag = $2, last_modified = $3, body_hash = $4 WHERE id = $5`,
			v.URL, v.ETag, v.LastModified, v.BodyHash, source); err != nil {
			return err
		}
	}
	if string(v.Listing) == string(old.Listing) {
		return nil
	}
	return w.exec(`INSERT INTO listings (source_id, listing) VALUES ($1, $2)
		ON CONFLICT (source_id) DO UPDATE SET listing = excluded.listing`, source, v.Listing)
}

// commitFeed keeps what the feed says of itself.
func (w *writer) commitFeed(v *feeds.Visit) error {
	f := v.Feed
	now, err := json.Marshal(sourceFeed{f.ID, f.Title, f.Link, f.Icon, f.Rights, f.Language, f.Authors})
	if err != nil {
		return err
	}
	var before string
	if err := w.tx.QueryRowContext(w.ctx, `SELECT feed FROM sources WHERE id = $1`, v.Due.Source.ID).Scan(&before); err != nil {
		return err
	}
	if before == string(now) {
		return nil
	}
	if err := w.exec(`UPDATE sources SET feed = $1 WHERE id = $2`, string(now), v.Due.Source.ID); err != nil {
		return err
	}
	return w.bumpSource(v.Due.Source.ID)
}

// Waiting counts the sources that Claim would take, were there no limit.
func (db *DB) Waiting(ctx context.Context, want feeds.Want) (int, error) {
	where, args := claimWhere(want)
	var n int
	if err := db.read.QueryRowContext(ctx, `SELECT count(*) FROM sources WHERE `+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the sources that are due: %w", explain(err))
	}
	return n, nil
}
