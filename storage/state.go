package storage

import (
	"cmp"
	"encoding/json"
	"strings"

	"orrery/feeds"
)

// commitState stores what a visit told of the source itself.
func (w *writer) commitState(v *feeds.Visit) error {
	if v.Older {
		return w.commitOlder(v)
	}
	s := &v.Due.Source
	failed := v.Outcome == feeds.Failed || v.Outcome == feeds.Gone
	reason, failures, success := "", 0, micros(v.At)
	if failed {
		reason, failures, success = feeds.Explain(v.Err), s.State.Failures+1, micros(s.State.LastSuccess)
	} else if len(v.Problems) > 0 {
		reason = strings.Join(v.Problems, "\n")
	}
	reason = storableText(reason) // to be compared with what was stored
	answer, err := text(v.Answer)
	if err != nil {
		return err
	}
	n, err := w.affect(`UPDATE sources SET lease = $1, last_visit = $2, last_success = $3, next_visit = $4,
		retry_after = $5, failures = $6, gone = $7, last_error = $8, status = $9, held = $10, answer = $11, health = $12
		WHERE id = $13 AND fence = $14`,
		w.leaseAfter(v), micros(v.At), success, micros(v.Next), micros(v.RetryAfter), failures, v.Outcome == feeds.Gone, reason, v.Status,
		v.Held, answer, string(s.State.Health.Visit(v.At, !failed)), s.ID, v.Due.Fence)
	if err != nil {
		return err
	}
	if n == 0 {
		return feeds.ErrLeaseLost
	}
	// The list of sources shows these, and that a source was never visited.
	if reason != s.State.LastError || (v.Outcome == feeds.Gone) != s.State.Gone || v.Held != s.State.Held || s.State.LastVisit.IsZero() {
		w.bump("")
	}
	if err := w.commitMemory(v); err != nil || failed {
		return err // its validators stay those of the last good answer
	}
	return w.commitValidators(s.ID, &v.Validators, &v.Due.Validators)
}

// leaseAfter is what is left of the lease behind a visit.
func (w *writer) leaseAfter(v *feeds.Visit) int64 {
	return max(w.db.leaseTime(v.More), w.db.leaseTime(v.Rest))
}

// commitMemory stores what changes rarely: pace, moves, the way into the past, and
// hosts that have enough.
func (w *writer) commitMemory(v *feeds.Visit) error {
	s := &v.Due.Source
	for _, x := range []struct {
		column   string
		now, was any
	}{{"pace", v.Pace, s.Pace}, {"moving", v.Moving, s.Moving}, {"backfill", v.Backfill, s.Backfill}} {
		now, err := text(x.now)
		if err != nil {
			return err
		}
		was, err := text(x.was)
		if err != nil {
			return err
		}
		if now == was {
			continue
		}
		if err := w.exec(`UPDATE sources SET `+x.column+` = $1 WHERE id = $2`, now, s.ID); err != nil {
			return err
		}
	}
	if v.Address != s.Address {
		if err := w.move(s, v.Address); err != nil {
			return err
		}
	}
	return w.leaveAlone(v)
}

// leaveAlone notes the host that is not to be asked for a while.
func (w *writer) leaveAlone(v *feeds.Visit) error {
	if v.Busy == "" {
		return nil
	}
	if err := w.exec(`DELETE FROM hosts WHERE until <= $1`, micros(v.At)); err != nil {
		return err
	}
	return w.exec(`INSERT INTO hosts (host, until) VALUES ($1, $2)
		ON CONFLICT (host) DO UPDATE SET until = max(hosts.until, excluded.until)`, v.Busy, micros(v.BusyUntil))
}

// text is x as JSON, {} for nothing.
func text(x any) (string, error) {
	b, err := json.Marshal(x)
	return string(b), err
}

// move makes address the one that is asked. Where another source is configured
// there already, the two are one, and this one is not visited any more.
func (w *writer) move(s *feeds.Source, address string) error {
	w.bump("")
	var other int64
	if err := w.row(`SELECT coalesce(min(id), 0) FROM sources WHERE id <> $1 AND retired = 0 AND paused = 0 AND same_as = 0
		AND (url = $2 OR address = $2)`, s.ID, address).Scan(&other); err != nil {
		return err
	}
	if other != 0 && address != "" {
		return w.exec(`UPDATE sources SET same_as = $1, address = $2, moving = '{}' WHERE id = $3`, other, address, s.ID)
	}
	return w.exec(`UPDATE sources SET address = $1, host = $2 WHERE id = $3`, address, feeds.DomainOf(cmp.Or(address, s.URL)), s.ID)
}

// renameDomain gives a source that is known otherwise now, as by newer rules of which domains
// are one, the name by which its turns are taken; what its host wished for goes with it.
func (w *writer) renameDomain(s *storedSource) error {
	domain := s.Domain()
	if s.host == domain {
		return nil
	}
	if err := w.exec(`INSERT INTO hosts (host, until) SELECT $1, until FROM hosts WHERE host = $2 AND host <> ''
		ON CONFLICT (host) DO UPDATE SET until = max(hosts.until, excluded.until)`, domain, s.host); err != nil {
		return err
	}
	return w.exec(`UPDATE sources SET host = $1 WHERE id = $2`, domain, s.ID)
}

// commitOlder notes how far the source's past was read, and what was in the way.
func (w *writer) commitOlder(v *feeds.Visit) error {
	backfill, err := text(v.Backfill)
	if err != nil {
		return err
	}
	n, err := w.affect(`UPDATE sources SET lease = $1, backfill = $2 WHERE id = $3 AND fence = $4`,
		w.leaseAfter(v), backfill, v.Due.Source.ID, v.Due.Fence)
	if err == nil && n == 0 {
		err = feeds.ErrLeaseLost
	}
	if err != nil {
		return err
	}
	if len(v.Problems) > 0 {
		w.bump("") // the list of sources shows them
		if err := w.exec(`UPDATE sources SET last_error = $1 WHERE id = $2`, strings.Join(v.Problems, "\n"), v.Due.Source.ID); err != nil {
			return err
		}
	}
	return w.leaveAlone(v)
}

func (w *writer) commitValidators(source int64, v, old *feeds.Validators) error {
	if v.URL != old.URL || v.ETag != old.ETag || v.LastModified != old.LastModified || v.BodyHash != old.BodyHash {
		if err := w.exec(`UPDATE sources SET answered_url = $1, etag = $2, last_modified = $3, body_hash = $4 WHERE id = $5`,
			v.URL, []byte(v.ETag), []byte(v.LastModified), v.BodyHash, source); err != nil {
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
	if v.Older {
		return nil // it is the same feed as it once was
	}
	if !v.Unread {
		if err := w.exec(`UPDATE sources SET reader = $1 WHERE id = $2 AND reader < $1`, feeds.ReaderVersion, v.Due.Source.ID); err != nil {
			return err
		}
	}
	f := v.Feed
	now, err := json.Marshal(sourceFeed{f.ID, f.Title, f.Link, f.Icon, f.Rights, f.Language, f.Authors})
	if err != nil {
		return err
	}
	n, err := w.affect(`UPDATE sources SET feed = $1 WHERE id = $2 AND feed <> $1`, string(now), v.Due.Source.ID)
	if err != nil || n == 0 {
		return err
	}
	return w.bumpSource(v.Due.Source.ID)
}
