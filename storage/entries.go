package storage

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"orrery/feeds"
)

// writer is one transaction's work: what it touched is recomputed once, in flush.
type writer struct {
	ctx     context.Context
	tx      *sql.Tx
	now     time.Time
	source  *feeds.Source // whose visit it is
	tally   feeds.Tally
	touched map[int64]bool  // entry → whether what it says has changed
	order   []int64         // of touched
	scopes  map[string]bool // versions to raise
}

func newWriter(ctx context.Context, tx *sql.Tx, now time.Time) *writer {
	return &writer{ctx: ctx, tx: tx, now: now, touched: map[int64]bool{}, scopes: map[string]bool{}}
}

func (w *writer) exec(query string, args ...any) error {
	_, err := w.tx.ExecContext(w.ctx, query, args...)
	return err
}

// touch notes that the entry is to be merged anew, and whether what a copy of it
// says has changed.
func (w *writer) touch(entry int64, revised bool) {
	old, ok := w.touched[entry]
	if !ok {
		w.order = append(w.order, entry)
	}
	w.touched[entry] = old || revised
}

func (w *writer) bump(scope string) { w.scopes[scope] = true }

func hashOf(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:16]
}

// copyRow is what the store has of a source's post.
type copyRow struct {
	id, entry int64
	hash      string
	revision  int
	withdrawn bool
	changed   int64
}

// commitEntry stores one entry of the source.
func (w *writer) commitEntry(e *feeds.Entry) error {
	var c copyRow
	err := w.tx.QueryRowContext(w.ctx, `SELECT id, entry_id, hash, revision, withdrawn, changed FROM copies
		WHERE source_id = $1 AND guid_hash = $2`, w.source.ID, hashOf(e.GUID)).
		Scan(&c.id, &c.entry, &c.hash, &c.revision, &c.withdrawn, &c.changed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return w.insert(e)
	case err != nil:
		return err
	}
	return w.revise(e, &c)
}

func (w *writer) insert(e *feeds.Entry) error {
	entry, err := w.find(e)
	if err != nil {
		return err
	}
	if entry == 0 {
		if entry, err = w.create(e); err != nil {
			return err
		}
		w.tally.New++
	} else {
		w.tally.Duplicate++
	}
	body, categories, err := encode(e)
	if err != nil {
		return err
	}
	if err := w.exec(`INSERT INTO copies (source_id, guid_hash, entry_id, hash, local, first_seen, changed, updated, body, categories)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, w.source.ID, hashOf(e.GUID), entry, e.Hash(), w.source.Local(),
		micros(e.FirstSeen), micros(e.Changed), micros(e.Updated), body, categories); err != nil {
		return err
	}
	w.touch(entry, false)
	return w.keep(e, entry)
}

func (w *writer) revise(e *feeds.Entry, c *copyRow) error {
	hash := e.Hash()
	if hash == c.hash && !c.withdrawn {
		return w.recategorize(e, c)
	}
	if c.withdrawn {
		w.tally.New++
	} else {
		w.tally.Revised++
	}
	changed := micros(e.Updated)
	if hash == c.hash {
		changed = c.changed // it only came back
	} else if changed <= c.changed || changed > micros(w.now) {
		changed = micros(w.now) // the text says more than the date
	}
	body, categories, err := encode(e)
	if err != nil {
		return err
	}
	if err := w.exec(`UPDATE copies SET hash = $1, revision = revision + $2, withdrawn = 0, changed = $3, updated = $4, body = $5,
		categories = $6 WHERE id = $7`, hash, hash != c.hash, changed, micros(e.Updated), body, categories, c.id); err != nil {
		return err
	}
	w.touch(c.entry, hash != c.hash)
	return w.keep(e, c.entry)
}

// recategorize stores what the rules now say of an unchanged entry.
func (w *writer) recategorize(e *feeds.Entry, c *copyRow) error {
	_, categories, err := encode(e)
	if err != nil {
		return err
	}
	result, err := w.tx.ExecContext(w.ctx, `UPDATE copies SET categories = $1 WHERE id = $2 AND categories <> $1`, categories, c.id)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	w.touch(c.entry, false)
	return nil
}

func encode(e *feeds.Entry) (body, categories string, err error) {
	b, err := json.Marshal(e)
	if err != nil {
		return "", "", err
	}
	names := e.Categories
	if names == nil {
		names = []feeds.CategoryName{}
	}
	c, err := json.Marshal(names)
	return string(b), string(c), err
}

// find looks for the post among all sources' by its keys, strongest first. Two
// entries of one source are two posts whatever address they share: whole feeds
// link every entry to one page.
func (w *writer) find(e *feeds.Entry) (entry int64, err error) {
	for _, k := range e.Keys() {
		err := w.tx.QueryRowContext(w.ctx, `SELECT k.entry_id FROM keys k WHERE k.hash = $1
			AND NOT EXISTS (SELECT 1 FROM copies c WHERE c.entry_id = k.entry_id AND c.source_id = $2 AND c.withdrawn = 0)`,
			hashOf(k), w.source.ID).Scan(&entry)
		if !errors.Is(err, sql.ErrNoRows) {
			return entry, err
		}
	}
	return 0, nil
}

// create makes the entry. Its public ID comes from its strongest identity; where
// that is taken, from one that is less likely to be.
func (w *writer) create(e *feeds.Entry) (int64, error) {
	identity, own := e.Identity(w.source.URL), w.source.URL+" "+e.GUID
	for _, id := range []string{feeds.PublicID(identity), feeds.PublicID(own), feeds.LongID(own)} {
		var entry int64
		err := w.tx.QueryRowContext(w.ctx, `INSERT INTO entries (public_id, first_seen, sort, changed) VALUES ($1, $2, $3, $4)
			ON CONFLICT (public_id) DO NOTHING RETURNING id`, id, micros(e.FirstSeen), micros(e.Sort), micros(e.Changed)).Scan(&entry)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		return entry, err
	}
	return 0, fmt.Errorf("no free address for the post")
}

// keep notes the keys of the entry; the first entry to have a key keeps it.
func (w *writer) keep(e *feeds.Entry, entry int64) error {
	for _, k := range e.Keys() {
		if err := w.exec(`INSERT INTO keys (hash, entry_id) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`, hashOf(k), entry); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) withdraw(guids []string) error {
	for _, g := range guids {
		var entry int64
		err := w.tx.QueryRowContext(w.ctx, `UPDATE copies SET withdrawn = 1 WHERE source_id = $1 AND guid_hash = $2 AND withdrawn = 0
			RETURNING entry_id`, w.source.ID, hashOf(g)).Scan(&entry)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		w.tally.Withdrawn++
		w.touch(entry, true)
	}
	return nil
}

// flush recomputes what was touched and raises the versions.
func (w *writer) flush() error {
	for _, id := range w.order {
		event, err := w.merge(id)
		if err != nil {
			return err
		}
		if event == "" {
			continue
		}
		if err := w.exec(`INSERT INTO outbox (entry_id, event, at) VALUES ($1, $2, $3)`, id, event, micros(w.now)); err != nil {
			return err
		}
	}
	for _, scope := range sorted(w.scopes) {
		// Never backwards, whatever the clock does: Last-Modified comes from it.
		if err := w.exec(`INSERT INTO versions (scope, seq, changed) VALUES ($1, 1, $2)
			ON CONFLICT (scope) DO UPDATE SET seq = versions.seq + 1, changed = max(versions.changed, excluded.changed)`,
			scope, micros(w.now)); err != nil {
			return err
		}
	}
	return nil
}

func sorted(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for s := range set {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}
