package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"orrery/feeds"
)

// sourceConfig is what the configuration says of a source, as it is stored.
type sourceConfig struct {
	Title, Site, Language, Permalink string
	Categories                       []feeds.CategoryName `json:",omitempty"`
	Keep, Drop                       feeds.Match
	Every                            time.Duration `json:",omitempty"`
}

// sourceFeed is what the source's feed says of itself.
type sourceFeed struct {
	ID, Title, Link, Icon, Rights, Language string
	Authors                                 []feeds.Person `json:",omitempty"`
}

// Sync makes the stored sources those of the configuration: new ones are added
// and due at once, missing ones retired while their entries stay, changed ones
// changed. A source is the same if its address is, else if its slug is. Where
// the rules have changed, every entry is put into its categories anew.
func (db *DB) Sync(ctx context.Context, now time.Time, sources []feeds.Source, rules *feeds.Rules) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		w := newWriter(ctx, tx, now)
		if err := w.syncSources(sources); err != nil {
			return fmt.Errorf("store the sources: %w", err)
		}
		if err := w.syncRules(rules); err != nil {
			return fmt.Errorf("store the categories: %w", err)
		}
		return w.flush()
	})
}

func (w *writer) syncSources(sources []feeds.Source) error {
	stored, err := w.storedSources()
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for i := range sources {
		wanted[sources[i].URL] = true
	}
	pairs := pairSources(sources, stored, wanted)
	used := map[int64]bool{}
	for i, old := range pairs {
		if old == nil {
			continue
		}
		used[old.ID] = true
		if old.Slug != sources[i].Slug { // out of the way first: two may have swapped
			if err := w.exec(`UPDATE sources SET slug = $1 WHERE id = $2`, fmt.Sprintf("~%d", old.ID), old.ID); err != nil {
				return err
			}
		}
	}
	for i := range stored {
		if !used[stored[i].ID] && !stored[i].Retired {
			if err := w.exec(`UPDATE sources SET retired = 1 WHERE id = $1`, stored[i].ID); err != nil {
				return err
			}
			w.bump("")
		}
	}
	for i := range sources {
		if err := w.syncSource(&sources[i], pairs[i]); err != nil {
			return fmt.Errorf("source %s: %w", sources[i].Slug, err)
		}
	}
	return nil
}

// pairSources finds the stored row of every configured source; nil for a new one.
func pairSources(sources, stored []feeds.Source, wanted map[string]bool) []*feeds.Source {
	pairs := make([]*feeds.Source, len(sources))
	for i := range sources {
		for j := range stored {
			old := &stored[j]
			if old.URL == sources[i].URL || old.Slug == sources[i].Slug && !wanted[old.URL] {
				pairs[i] = old
				if old.URL == sources[i].URL {
					break
				}
			}
		}
	}
	return pairs
}

func (w *writer) syncSource(s, old *feeds.Source) error {
	config, err := json.Marshal(sourceConfig{s.Title, s.Site, s.Language, s.Permalink, s.Categories, s.Keep, s.Drop, s.Every})
	if err != nil {
		return err
	}
	if old == nil {
		w.bump("")
		return w.exec(`INSERT INTO sources (slug, url, config) VALUES ($1, $2, $3)`, s.Slug, s.URL, string(config))
	}
	s.ID = old.ID
	if old.URL != s.URL {
		// Validators belong to the address that gave them (RFC 9111 §4.3.1).
		if err := w.exec(`UPDATE sources SET answered_url = '', etag = '', last_modified = '', body_hash = '', gone = 0,
			failures = 0, retry_after = 0, next_visit = 0, last_visit = 0 WHERE id = $1`, old.ID); err != nil {
			return err
		}
	}
	before, err := json.Marshal(sourceConfig{old.Title, old.Site, old.Language, old.Permalink, old.Categories, old.Keep, old.Drop, old.Every})
	if err != nil {
		return err
	}
	if old.URL == s.URL && old.Slug == s.Slug && !old.Retired && string(before) == string(config) {
		return nil
	}
	if err := w.exec(`UPDATE sources SET slug = $1, url = $2, config = $3, retired = 0 WHERE id = $4`,
		s.Slug, s.URL, string(config), old.ID); err != nil {
		return err
	}
	return w.bumpSource(old.ID)
}

func (w *writer) storedSources() ([]feeds.Source, error) {
	rows, err := w.tx.QueryContext(w.ctx, selectSource)
	if err != nil {
		return nil, err
	}
	return scanSources(rows)
}

const selectSource = `SELECT id, slug, url, config, retired, feed, last_visit, last_success, next_visit, retry_after,
	failures, gone, last_error, status, 0, 0 FROM sources ORDER BY slug`

// Sources returns every source that was ever configured, by slug, with the
// number of its entries and the newest change among them.
func (db *DB) Sources(ctx context.Context) ([]feeds.Source, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT s.id, slug, url, config, retired, feed, last_visit, last_success, next_visit,
		retry_after, failures, gone, last_error, status,
		(SELECT count(*) FROM entry_sources es WHERE es.source_id = s.id),
		(SELECT coalesce(max(e.changed), 0) FROM entry_sources es JOIN entries e ON e.id = es.entry_id WHERE es.source_id = s.id)
		FROM sources s ORDER BY slug`)
	if err != nil {
		return nil, fmt.Errorf("read the sources: %w", explain(err))
	}
	return scanSources(rows)
}

func scanSources(rows *sql.Rows) ([]feeds.Source, error) {
	defer rows.Close()
	var out []feeds.Source
	for rows.Next() {
		var s feeds.Source
		if err := scanSource(rows, &s); err != nil {
			return nil, fmt.Errorf("read a source: %w", explain(err))
		}
		out = append(out, s)
	}
	return out, explain(rows.Err())
}

func scanSource(rows *sql.Rows, s *feeds.Source, more ...any) error {
	var config, feed string
	var visit, success, next, retry, updated int64
	dest := []any{&s.ID, &s.Slug, &s.URL, &config, &s.Retired, &feed, &visit, &success, &next, &retry,
		&s.State.Failures, &s.State.Gone, &s.State.LastError, &s.State.Status, &s.Entries, &updated}
	if err := rows.Scan(append(dest, more...)...); err != nil {
		return err
	}
	s.State.LastVisit, s.State.LastSuccess = fromMicros(visit), fromMicros(success)
	s.State.NextVisit, s.State.RetryAfter, s.Updated = fromMicros(next), fromMicros(retry), fromMicros(updated)
	var c sourceConfig
	var f sourceFeed
	if err := errors.Join(json.Unmarshal([]byte(config), &c), json.Unmarshal([]byte(feed), &f)); err != nil {
		return fmt.Errorf("source %s: %w", s.Slug, err)
	}
	s.Title, s.Site, s.Language, s.Permalink = c.Title, c.Site, c.Language, c.Permalink
	s.Categories, s.Keep, s.Drop, s.Every = c.Categories, c.Keep, c.Drop, c.Every
	s.FeedID, s.FeedTitle, s.FeedLink, s.Icon, s.Rights, s.Authors = f.ID, f.Title, f.Link, f.Icon, f.Rights, f.Authors
	if s.Language == "" {
		s.Language = f.Language
	}
	return nil
}
