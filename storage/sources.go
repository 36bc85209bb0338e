package storage

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"orrery/feeds"
)

// sourceConfig is what the configuration says of a source, as it is stored.
type sourceConfig struct {
	Title, Site, Language, Permalink string
	Categories                       []feeds.CategoryName `json:",omitempty"`
	Keep, Drop                       feeds.Match
	Every                            time.Duration `json:",omitempty"`
	Retain                           feeds.Retain  `json:",omitzero"`
}

// sourceFeed is what the source's feed says of itself.
type sourceFeed struct {
	ID, Title, Link, Icon, Rights, Language string
	Authors                                 []feeds.Person `json:",omitempty"`
}

// Sync makes the stored sources those of the configuration: new ones are added
// and due at once, missing ones retired while their entries stay, changed ones
// changed. A source is the same if its address is, else if its slug is. Where
// the rules have changed, every entry is put into its categories anew. A visit
// that is under way to a source whose address or rules have changed is refused
// when it is committed, and made again.
//
// Where all that is so already, nothing is written.
func (db *DB) Sync(ctx context.Context, now time.Time, sources []feeds.Source, rules *feeds.Rules) error {
	return db.SyncReporting(ctx, now, sources, rules, nil)
}

// SyncReporting is Sync for whoever wants to know how far it is: where many entries get
// new categories that happens behind the rest, in small steps, and report, unless it is
// nil, is told of each. What was begun and ended goes on with the next Sync.
func (db *DB) SyncReporting(ctx context.Context, now time.Time, sources []feeds.Source, rules *feeds.Rules, report Progress) error {
	fingerprint, err := fingerprintOf(rules)
	if err != nil {
		return err
	}
	configured, err := configuredOf(sources, fingerprint)
	if err != nil {
		return err
	}
	if err := db.MendClock(ctx, now); err != nil {
		return err
	}
	if done, err := db.synced(ctx, configured); err != nil {
		return err
	} else if done {
		db.rules.Store(&fingerprint)
		return nil
	}
	var later []reapplied
	err = db.tx(ctx, func(t *txn) error {
		w := newWriter(t, now)
		if err := w.syncSources(sources); err != nil {
			return fmt.Errorf("store the sources: %w", err)
		}
		if db.dialect.measure != "" {
			if _, err := t.tx.ExecContext(ctx, db.dialect.measure); err != nil {
				return err
			}
		}
		if later, err = w.syncRules(rules, fingerprint); err != nil {
			return fmt.Errorf("store the categories: %w", err)
		}
		if len(later) == 0 {
			if err := w.noteSynced(configured); err != nil {
				return err
			}
		}
		return w.flush()
	})
	if err != nil {
		return err
	}
	db.rules.Store(&fingerprint)
	if len(later) == 0 {
		return nil
	}
	undisturbed, err := db.reapplyAll(ctx, now, rules, later, report)
	if err != nil || !undisturbed {
		return err
	}
	return db.moderate(ctx, now, func(w *writer) error { return w.noteSynced(configured) })
}

// noteSynced notes what the store is equal to now.
func (w *writer) noteSynced(configured string) error {
	return w.exec(`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, metaConfigured, configured)
}

// metaConfigured names, in meta, what the store was last made equal to.
const metaConfigured = "configured"

// configuredOf is a hash of all that Sync makes the store equal to, and of the versions
// of what reads it and of what tells domains.
func configuredOf(sources []feeds.Source, rules string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, feeds.ReaderVersion, feeds.DomainsVersion(), rules)
	for i := range sources {
		config, err := configOf(&sources[i])
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %q %q\n", sources[i].Slug, sources[i].URL, config)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// synced says that the store is equal to the configuration already.
func (db *DB) synced(ctx context.Context, configured string) (bool, error) {
	var done bool
	err := db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM meta WHERE name = $1 AND value = $2)`, metaConfigured, configured).Scan(&done)
	return done, explain(err)
}

func (w *writer) syncSources(sources []feeds.Source) error {
	stored, err := w.storedSources()
	if err != nil {
		return err
	}
	pairs := pairSources(sources, stored)
	slugs := map[string]bool{}
	for i := range sources {
		slugs[sources[i].Slug] = true
	}
	used := map[int64]bool{}
	for i, old := range pairs {
		if old == nil {
			continue
		}
		used[old.ID] = true
		if old.Slug != sources[i].Slug { // out of the way first: two may have swapped
			w.bump("s " + old.Slug)
			if err := w.rename(old.ID, fmt.Sprintf("~%d", old.ID)); err != nil {
				return err
			}
		}
	}
	for i := range stored {
		if old := &stored[i]; !used[old.ID] {
			if err := w.retire(old, slugs[old.Slug]); err != nil {
				return fmt.Errorf("source %s: %w", old.Slug, err)
			}
		}
	}
	for i := range sources {
		if err := w.syncSource(&sources[i], pairs[i]); err != nil {
			return fmt.Errorf("source %s: %w", sources[i].Slug, err)
		}
	}
	return w.syncMoves()
}

// syncMoves sees to sources that are, or are no longer, at the address of another.
func (w *writer) syncMoves() error {
	type row struct {
		id  int64
		url string
	}
	var free []row
	rows, err := w.query(`SELECT id, url FROM sources WHERE same_as <> 0 AND NOT EXISTS (SELECT 1 FROM sources o
		WHERE o.id = sources.same_as AND o.retired = 0 AND o.paused = 0 AND (o.url = sources.address OR o.address = sources.address))`)
	if err != nil {
		return err
	}
	if err := eachRow(rows, func() error {
		var r row
		err := rows.Scan(&r.id, &r.url)
		free = append(free, r)
		return err
	}); err != nil {
		return err
	}
	for _, r := range free {
		w.bump("")
		if err := w.exec(`UPDATE sources SET same_as = 0, address = '', host = $1, next_visit = 0 WHERE id = $2`, feeds.DomainOf(r.url), r.id); err != nil {
			return err
		}
	}
	n, err := w.affect(`UPDATE sources SET same_as = (SELECT min(o.id) FROM sources o WHERE o.url = sources.address AND o.retired = 0 AND o.paused = 0)
		WHERE address <> '' AND same_as = 0 AND retired = 0 AND EXISTS (SELECT 1 FROM sources o
		WHERE o.url = sources.address AND o.id <> sources.id AND o.retired = 0 AND o.paused = 0)`)
	if n > 0 {
		w.bump("")
	}
	return err
}

func (w *writer) rename(source int64, slug string) error {
	return w.exec(`UPDATE sources SET slug = $1 WHERE id = $2`, slug, source)
}

// retire notes that a source is no longer configured. When another source has
// its slug now, it gets one that nobody wants.
func (w *writer) retire(old *storedSource, taken bool) error {
	if taken {
		w.bump("s " + old.Slug)
		if err := w.rename(old.ID, fmt.Sprintf("%s-old-%d", old.Slug, old.ID)); err != nil {
			return err
		}
		if err := w.bumpSource(old.ID); err != nil {
			return err
		}
	}
	n, err := w.affect(`UPDATE sources SET retired = 1 WHERE id = $1 AND retired = 0`, old.ID)
	if n > 0 {
		w.bump("")
	}
	if err != nil {
		return err
	}
	return w.exec(`DELETE FROM push_subscriptions WHERE source_id = $1`, old.ID)
}

// pairSources finds the stored row of every configured source; nil for a new one.
func pairSources(sources []feeds.Source, stored []storedSource) []*storedSource {
	byURL, bySlug, wanted := map[string]*storedSource{}, map[string]*storedSource{}, map[string]bool{}
	for i := range stored {
		byURL[stored[i].URL], bySlug[stored[i].Slug] = &stored[i], &stored[i]
	}
	for i := range sources {
		wanted[sources[i].URL] = true
	}
	pairs := make([]*storedSource, len(sources))
	for i := range sources {
		if old := byURL[sources[i].URL]; old != nil {
			pairs[i] = old
		} else if old := bySlug[sources[i].Slug]; old != nil && !wanted[old.URL] {
			pairs[i] = old
		}
	}
	return pairs
}

func configOf(s *feeds.Source) (string, error) {
	b, err := json.Marshal(sourceConfig{s.Title, s.Site, s.Language, s.Permalink, s.Categories, s.Keep, s.Drop, s.Every, s.Retain})
	return string(b), err
}

func (w *writer) syncSource(s *feeds.Source, old *storedSource) error {
	config, err := configOf(s)
	if err != nil {
		return err
	}
	if old == nil {
		w.bump("")
		return w.exec(`INSERT INTO sources (slug, url, config, host) VALUES ($1, $2, $3, $4)`, s.Slug, s.URL, config, s.Domain())
	}
	if old.URL == s.URL && old.Slug == s.Slug && !old.Retired && old.config == config {
		return w.renameDomain(old)
	}
	if old.URL != s.URL {
		// Validators belong to the address that gave them (RFC 9111 §4.3.1), and so
		// does all that was ever answered, in a visit under way as well.
		old.Address = ""
		if err := w.exec(`UPDATE sources SET answered_url = '', etag = '', last_modified = '', body_hash = '', gone = 0, held = 0,
			failures = 0, retry_after = 0, next_visit = 0, last_visit = 0, last_error = '', status = 0, health = '', address = '', moving = '{}',
			feed = '{}', same_as = 0, pace = '{}', answer = '{}', backfill = '{}', lease = 0, fence = fence + 1 WHERE id = $1`, old.ID); err != nil {
			return err
		}
	} else if old.readsOtherwise(s) {
		// What was left out must be read once more (fetching.md 9).
		if err := w.exec(`UPDATE sources SET answered_url = '', etag = '', last_modified = '', body_hash = '',
			lease = 0, fence = fence + 1 WHERE id = $1`, old.ID); err != nil {
			return err
		}
	}
	if old.URL == s.URL {
		if err := w.renameDomain(old); err != nil {
			return err
		}
	}
	old.Source.URL = s.URL
	if err := w.exec(`UPDATE sources SET slug = $1, url = $2, config = $3, host = $4, retired = 0 WHERE id = $5`,
		s.Slug, s.URL, config, old.Domain(), old.ID); err != nil {
		return err
	}
	return w.bumpSource(old.ID)
}

// storedSource is a source with what its row says word for word.
type storedSource struct {
	feeds.Source
	config, rules, host string
}

// readsOtherwise says that s keeps other entries of the feed, or for another time, or
// keeps them otherwise.
func (o *storedSource) readsOtherwise(s *feeds.Source) bool {
	var c sourceConfig
	if decode([]byte(o.config), &c) != nil {
		return true
	}
	return c.Language != s.Language || !reflect.DeepEqual(c.Keep, s.Keep) || !reflect.DeepEqual(c.Drop, s.Drop) || c.Retain != s.Retain
}

func (w *writer) storedSources() ([]storedSource, error) {
	rows, err := w.query(`SELECT ` + sourceColumns + `, 0, 0, 0, config, rules, host FROM sources ORDER BY slug`)
	if err != nil {
		return nil, err
	}
	var list []storedSource
	err = eachRow(rows, func() error {
		var s storedSource
		err := scanSource(rows, &s.Source, &s.config, &s.rules, &s.host)
		list = append(list, s)
		return err
	})
	return list, err
}

// Sources returns every source that was ever configured, by slug, with the
// number of its entries, when the newest of them is from, and the newest change.
func (db *DB) Sources(ctx context.Context) ([]feeds.Source, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+sourceColumns+`,
		(SELECT count(*) FROM source_entries es WHERE es.source_id = sources.id),
		(SELECT coalesce(max(es.sort), 0) FROM source_entries es WHERE es.source_id = sources.id),
		(SELECT coalesce(max(e.changed), 0) FROM source_entries es JOIN entries e ON e.id = es.entry_id WHERE es.source_id = sources.id)
		FROM sources ORDER BY slug`)
	if err != nil {
		return nil, fmt.Errorf("read the sources: %w", explain(err))
	}
	var list []feeds.Source
	err = eachRow(rows, func() error {
		var s feeds.Source
		err := scanSource(rows, &s)
		list = append(list, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the sources: %w", explain(err))
	}
	return list, nil
}

// sourceColumns are what scanSource reads of a source, but for the number of its
// entries, their newest time and their newest change, which follow.
const sourceColumns = `id, slug, url, config, retired, feed, last_visit, last_success, next_visit, retry_after,
	failures, gone, held, last_error, status, health, address, paused, moving, pace, answer, backfill,
	coalesce((SELECT o.slug FROM sources o WHERE o.id = sources.same_as), '')`

// sourceFace is sourceColumns without what no reader of an entry wants to know.
const sourceFace = `id, slug, url, config, retired, feed, 0, 0, 0, 0, 0, 0, 0, '', 0, '', '', 0, '{}', '{}', '{}', '{}', ''`

func scanSource(rows *sql.Rows, s *feeds.Source, more ...any) error {
	var config, feed, moving, pace, answer, backfill string
	var visit, success, next, retry, newest, updated int64
	st := &s.State
	dest := []any{&s.ID, &s.Slug, &s.URL, &config, &s.Retired, &feed, &visit, &success, &next, &retry,
		&st.Failures, &st.Gone, &st.Held, &st.LastError, &st.Status, &st.Health, &s.Address, &s.Paused, &moving, &pace, &answer, &backfill,
		&s.SameAs, &s.Entries, &newest, &updated}
	if err := rows.Scan(append(dest, more...)...); err != nil {
		return err
	}
	st.LastVisit, st.LastSuccess = fromMicros(visit), fromMicros(success)
	st.NextVisit, st.RetryAfter = fromMicros(next), fromMicros(retry)
	s.Newest, s.Updated = fromMicros(newest), fromMicros(updated)
	var c sourceConfig
	var f sourceFeed
	for _, x := range []struct {
		text string
		into any
	}{{config, &c}, {feed, &f}, {moving, &s.Moving}, {pace, &s.Pace}, {answer, &s.Answer}, {backfill, &s.Backfill}} {
		if x.text == "{}" {
			continue
		}
		if err := decode([]byte(x.text), x.into); err != nil {
			return fmt.Errorf("source %s: %w", s.Slug, err)
		}
	}
	s.Title, s.Site, s.Language, s.Permalink = c.Title, c.Site, c.Language, c.Permalink
	s.Categories, s.Keep, s.Drop, s.Every, s.Retain = c.Categories, c.Keep, c.Drop, c.Every, c.Retain
	s.FeedID, s.FeedTitle, s.FeedLink, s.Icon, s.Rights, s.Authors = f.ID, f.Title, f.Link, f.Icon, f.Rights, f.Authors
	if s.SameAs != "" {
		s.Address = "" // it is the other's, and nobody asks for this one
	}
	if s.FeedLanguage = f.Language; s.Language == "" {
		s.Language = f.Language
	}
	return nil
}
