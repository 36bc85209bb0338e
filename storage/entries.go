package storage

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"orrery/feeds"
)

// writer is one visit's, or one Sync's, part of a transaction: what it touched
// is recomputed once, in flush.
type writer struct {
	*txn
	now     time.Time
	source  *feeds.Source // whose visit it is
	reread  bool          // what is stored was read by an older program
	tally   feeds.Tally
	touched map[int64]bool // entries to be merged anew
	order   []int64        // of touched
	revised map[int64]bool // copies that say something else than before
	// rewritten are copies that a newer program read otherwise.
	rewritten  map[int64]bool
	known      map[string]*copyRow    // the source's copies among the entries of the visit, by hash of GUID
	categories map[string]categoryRow // those that were looked up, by folded title
	fresh      map[int64]*freshEntry
	scopes     map[string]bool // versions to raise
}

func newWriter(t *txn, now time.Time) *writer {
	return &writer{txn: t, now: now, touched: map[int64]bool{}, revised: map[int64]bool{}, rewritten: map[int64]bool{}, known: map[string]*copyRow{},
		categories: map[string]categoryRow{}, fresh: map[int64]*freshEntry{}, scopes: map[string]bool{}}
}

// touch notes that the entry is to be merged anew.
func (w *writer) touch(entry int64) {
	if !w.touched[entry] {
		w.touched[entry] = true
		w.order = append(w.order, entry)
	}
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
	if c := w.known[string(hashOf(e.GUID))]; c != nil {
		return w.revise(e, c)
	}
	return w.insert(e)
}

// lookUp finds what the store has of the source's entries, some hundreds at a time.
func (w *writer) lookUp(list []feeds.Entry) error {
	w.known = map[string]*copyRow{}
	for batch := range slices.Chunk(list, knownBatch) {
		args := []any{w.source.ID}
		for i := range batch {
			args = append(args, hashOf(batch[i].GUID))
		}
		rows, err := w.tx.QueryContext(w.ctx, `SELECT guid_hash, id, entry_id, hash, revision, withdrawn, changed FROM copies
			WHERE source_id = $1 AND guid_hash IN (`+marks(2, len(batch))+`)`, args...)
		if err != nil {
			return err
		}
		if err := eachRow(rows, func() error {
			var guid []byte
			var c copyRow
			err := rows.Scan(&guid, &c.id, &c.entry, &c.hash, &c.revision, &c.withdrawn, &c.changed)
			w.known[string(guid)] = &c
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insert(e *feeds.Entry) error {
	entry, err := w.find(e)
	if err != nil {
		return err
	}
	created := entry == 0
	if created {
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
	c := copyRow{entry: entry, hash: e.Hash(), changed: micros(e.Changed)}
	if err := w.row(`INSERT INTO copies (source_id, guid_hash, entry_id, hash, local, first_seen, changed, updated, body, categories)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`, w.source.ID, hashOf(e.GUID), entry, c.hash, w.source.Local(),
		micros(e.FirstSeen), c.changed, micros(e.Updated), body, categories).Scan(&c.id); err != nil {
		return err
	}
	w.known[string(hashOf(e.GUID))] = &c // should the feed name it twice
	if created {
		w.fresh[entry] = &freshEntry{entry: e, copy: c.id}
	} else {
		delete(w.fresh, entry) // of two sources at once
	}
	w.touch(entry)
	return w.keep(e, entry)
}

// freshEntry is one that was made in this transaction, of one copy: what it is
// merged to needs no asking.
type freshEntry struct {
	entry *feeds.Entry
	copy  int64
}

// rewrite stores what a newer program reads in the same post: no revision of its
// author's, whatever it looks like.
func (w *writer) rewrite(e *feeds.Entry, c *copyRow, hash string) error {
	body, categories, err := encode(e)
	if err != nil {
		return err
	}
	if err := w.exec(`UPDATE copies SET hash = $1 WHERE id = $2 AND hash <> $1`, hash, c.id); err != nil {
		return err
	}
	n, err := w.affect(`UPDATE copies SET body = $1, categories = $2, updated = $3
		WHERE id = $4 AND (body <> $1 OR categories <> $2)`, body, categories, micros(e.Updated), c.id)
	if err != nil || n == 0 {
		return err
	}
	w.touch(c.entry)
	w.rewritten[c.id] = true
	return w.keep(e, c.entry)
}

func (w *writer) revise(e *feeds.Entry, c *copyRow) error {
	hash := e.Hash()
	if w.reread && !c.withdrawn {
		return w.rewrite(e, c, hash)
	}
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
	w.touch(c.entry)
	w.revised[c.id] = hash != c.hash
	return w.keep(e, c.entry)
}

// recategorize stores what the rules now say of an unchanged entry.
func (w *writer) recategorize(e *feeds.Entry, c *copyRow) error {
	_, categories, err := encode(e)
	if err != nil {
		return err
	}
	n, err := w.affect(`UPDATE copies SET categories = $1 WHERE id = $2 AND categories <> $1`, categories, c.id)
	if err != nil || n == 0 {
		return err
	}
	w.touch(c.entry)
	return nil
}

func encode(e *feeds.Entry) (body, categories string, err error) {
	var b bytes.Buffer
	j := json.NewEncoder(&b)
	j.SetEscapeHTML(false) // six bytes for every < of a text that is HTML
	if err := j.Encode(e); err != nil {
		return "", "", err
	}
	names := e.Categories
	if names == nil {
		names = []feeds.CategoryName{}
	}
	c, err := json.Marshal(names)
	return b.String(), string(c), err
}

// find looks for the post among all sources' by its keys: first by what its
// source says is its identity everywhere, then by its addresses. Two entries of
// one source are two posts whatever address they share: whole feeds link every
// entry to one page, and then the address says less than the GUID.
func (w *writer) find(e *feeds.Entry) (entry int64, err error) {
	named := feeds.Entry{GUID: e.GUID, GUIDGlobal: e.GUIDGlobal}
	keys := named.Keys()
	for _, k := range e.Keys() {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		err := w.row(`SELECT k.entry_id FROM keys k WHERE k.hash = $1
			AND NOT EXISTS (SELECT 1 FROM copies c WHERE c.entry_id = k.entry_id AND c.source_id = $2 AND c.withdrawn = 0)`,
			hashOf(k), w.source.ID).Scan(&entry)
		if !errors.Is(err, sql.ErrNoRows) {
			return entry, err
		}
	}
	return 0, nil
}

// create makes the entry. Its public ID comes from its strongest identity; where
// that is taken, from one that is less likely to be. Its GUID is for ever the
// one it first came with, whichever copy is shown later (RFC 4287 §4.2.6).
func (w *writer) create(e *feeds.Entry) (int64, error) {
	identity, own := e.Identity(w.source.URL), w.source.URL+" "+e.GUID
	for _, id := range []string{feeds.PublicID(identity), feeds.PublicID(own), feeds.LongID(own)} {
		var entry int64
		err := w.row(`INSERT INTO entries (public_id, guid, first_seen, sort, changed) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (public_id) DO NOTHING RETURNING id`, id, e.GUID, micros(e.FirstSeen), micros(e.Sort), micros(e.Changed)).Scan(&entry)
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
		err := w.row(`UPDATE copies SET withdrawn = 1 WHERE source_id = $1 AND guid_hash = $2 AND withdrawn = 0
			RETURNING entry_id`, w.source.ID, hashOf(g)).Scan(&entry)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		w.tally.Withdrawn++
		w.touch(entry)
	}
	return nil
}

// flush recomputes what was touched and raises the versions.
func (w *writer) flush() error {
	for _, id := range w.order {
		event, err := w.settle(id)
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
