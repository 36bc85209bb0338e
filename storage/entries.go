package storage

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	meant      map[string]int64       // the entries that the keys of the visit's entries mean, by hash
	own        map[int64]bool         // entries that have got a copy in this visit
	categories map[string]categoryRow // those that were looked up, by title
	scopes     map[string]bool        // versions to raise
	added      map[*insertion][]any   // rows that are written together
}

func newWriter(t *txn, now time.Time) *writer {
	return &writer{txn: t, now: now, touched: map[int64]bool{}, revised: map[int64]bool{}, rewritten: map[int64]bool{}, known: map[string]*copyRow{},
		meant: map[string]int64{}, own: map[int64]bool{}, categories: map[string]categoryRow{}, scopes: map[string]bool{}, added: map[*insertion][]any{}}
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
func (w *writer) commitEntry(p *prepared) error {
	if c := w.known[string(p.guid)]; c != nil {
		return w.revise(p, c)
	}
	return w.insert(p)
}

// lookUp finds what the store has of the source's entries, and what their keys mean.
func (w *writer) lookUp(list []prepared) error {
	guids := make([]any, len(list))
	for i := range list {
		guids[i] = list[i].guid
	}
	if err := w.each(`SELECT guid_hash, id, entry_id, hash, revision, withdrawn, changed FROM copies WHERE source_id = $1 AND guid_hash IN `,
		[]any{w.source.ID}, guids, func(rows *sql.Rows) error {
			var guid []byte
			var c copyRow
			err := rows.Scan(&guid, &c.id, &c.entry, &c.hash, &c.revision, &c.withdrawn, &c.changed)
			w.known[string(guid)] = &c
			return err
		}); err != nil {
		return err
	}
	var keys []any
	for i := range list {
		if w.known[string(list[i].guid)] == nil {
			for _, k := range list[i].keys {
				keys = append(keys, k)
			}
		}
	}
	return w.each(`SELECT hash, entry_id FROM keys WHERE hash IN `, nil, keys, func(rows *sql.Rows) error {
		var key []byte
		var entry int64
		err := rows.Scan(&key, &entry)
		w.meant[string(key)] = entry
		return err
	})
}

// insert stores a post that the source did not have before: as one more copy of an
// entry, or as a new one.
func (w *writer) insert(p *prepared) error {
	entry, err := w.find(p)
	if err != nil {
		return err
	}
	c := copyRow{entry: entry, hash: p.hash, changed: micros(p.Changed)}
	if c.id, err = w.next("copies"); err != nil {
		return err
	}
	created := entry == 0
	if created {
		if c.entry, err = w.create(p, c.id); err != nil {
			return err
		}
		w.tally.New++
	} else {
		w.tally.Duplicate++
	}
	if err := w.exec(`INSERT INTO copies (id, source_id, guid_hash, entry_id, hash, local, first_seen, changed, updated, body, categories)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, c.id, w.source.ID, p.guid, c.entry, c.hash, w.source.Local(),
		micros(p.FirstSeen), c.changed, micros(p.Updated), p.body, p.categories); err != nil {
		return err
	}
	w.known[string(p.guid)] = &c // should the feed name it twice
	w.own[c.entry] = true
	w.keep(p, c.entry)
	if created {
		return w.enlistNew(p, c.entry)
	}
	w.touch(c.entry)
	return nil
}

// rewrite stores what a newer program reads in the same post: no revision of its
// author's, whatever it looks like.
func (w *writer) rewrite(p *prepared, c *copyRow) error {
	if err := w.exec(`UPDATE copies SET hash = $1 WHERE id = $2 AND hash <> $1`, p.hash, c.id); err != nil {
		return err
	}
	n, err := w.affect(`UPDATE copies SET body = $1, categories = $2, updated = $3
		WHERE id = $4 AND (body <> $1 OR categories <> $2)`, p.body, p.categories, micros(p.Updated), c.id)
	if err != nil || n == 0 {
		return err
	}
	w.touch(c.entry)
	w.rewritten[c.id] = true
	w.keep(p, c.entry)
	return nil
}

func (w *writer) revise(p *prepared, c *copyRow) error {
	if w.reread && !c.withdrawn {
		return w.rewrite(p, c)
	}
	if p.hash == c.hash && !c.withdrawn {
		return w.recategorize(p.categories, c)
	}
	if c.withdrawn {
		w.tally.New++
	} else {
		w.tally.Revised++
	}
	changed := micros(p.Updated)
	if p.hash == c.hash {
		changed = c.changed // it only came back
	} else if changed <= c.changed || changed > micros(w.now) {
		changed = micros(w.now) // the text says more than the date
	}
	if err := w.exec(`UPDATE copies SET hash = $1, revision = revision + $2, withdrawn = 0, changed = $3, updated = $4, body = $5,
		categories = $6 WHERE id = $7`, p.hash, p.hash != c.hash, changed, micros(p.Updated), p.body, p.categories, c.id); err != nil {
		return err
	}
	w.touch(c.entry)
	w.revised[c.id] = p.hash != c.hash
	w.keep(p, c.entry)
	return nil
}

// recategorize stores what the rules now say of an unchanged entry.
func (w *writer) recategorize(categories string, c *copyRow) error {
	n, err := w.affect(`UPDATE copies SET categories = $1 WHERE id = $2 AND categories <> $1`, categories, c.id)
	if err != nil || n == 0 {
		return err
	}
	w.touch(c.entry)
	return nil
}

// find looks for the post among all sources' by its keys: first by what its
// source says is its identity everywhere, then by its addresses. Two entries of
// one source are two posts whatever address they share: whole feeds link every
// entry to one page, and then the address says less than the GUID.
func (w *writer) find(p *prepared) (entry int64, err error) {
	for _, k := range p.keys {
		entry, ok := w.meant[string(k)]
		if !ok || w.own[entry] {
			continue
		}
		var taken bool
		if err := w.row(`SELECT EXISTS (SELECT 1 FROM copies WHERE entry_id = $1 AND source_id = $2 AND withdrawn = 0)`,
			entry, w.source.ID).Scan(&taken); err != nil || !taken {
			return entry, err
		}
	}
	return 0, nil
}

// create makes the entry, shown by the copy. Its public ID comes from its strongest
// identity; where that is taken, from one that is less likely to be. Its GUID is for
// ever the one it first came with, whichever copy is shown later (RFC 4287 §4.2.6).
func (w *writer) create(p *prepared, shown int64) (int64, error) {
	entry, err := w.next("entries")
	if err != nil {
		return 0, err
	}
	own := w.source.URL + " " + p.GUID
	for _, id := range []string{feeds.PublicID(p.identity), feeds.PublicID(own), feeds.LongID(own)} {
		n, err := w.affect(`INSERT INTO entries (id, public_id, guid, copy_id, first_seen, sort, changed, withdrawn)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT (public_id) DO NOTHING`,
			entry, id, p.GUID, shown, micros(p.FirstSeen), micros(p.Sort), max(micros(p.Changed), micros(p.Sort)))
		if err != nil {
			return 0, err
		}
		if n > 0 {
			p.ID = id
			return entry, nil
		}
	}
	return 0, fmt.Errorf("no free address for the post")
}

// enlistNew puts a new entry, which is what its one copy is, into its lists.
func (w *writer) enlistNew(p *prepared, entry int64) error {
	sources, categories, err := w.lists([]mergeCopy{{source: w.source.ID, slug: w.source.Slug, categories: p.Categories}})
	if err != nil {
		return err
	}
	w.bump("")
	for _, scope := range joined(sources, categories) {
		w.bump(scope)
	}
	w.addLinks(inSource, sources, nil, micros(p.Sort), p.ID, entry)
	w.addLinks(inCategory, categories, nil, micros(p.Sort), p.ID, entry)
	w.tell(entry, "new")
	return nil
}

// tell owes the world the news of an entry.
func (w *writer) tell(entry int64, event string) { w.add(owed, entry, event, micros(w.now)) }

// keep notes the keys of the entry; the first entry to have a key keeps it.
func (w *writer) keep(p *prepared, entry int64) {
	for _, k := range p.keys {
		w.add(keyed, k, entry)
		if _, ok := w.meant[string(k)]; !ok {
			w.meant[string(k)] = entry
		}
	}
}

// insertion is a text that writes rows, which is kept until there are many.
type insertion struct {
	into    string
	columns int
	behind  string
}

var (
	keyed      = &insertion{`INSERT INTO keys (hash, entry_id) VALUES `, 2, ` ON CONFLICT (hash) DO NOTHING`}
	inSource   = &insertion{`INSERT INTO entry_sources (source_id, sort, public_id, entry_id) VALUES `, 4, ""}
	inCategory = &insertion{`INSERT INTO entry_categories (category_id, sort, public_id, entry_id) VALUES `, 4, ""}
	owed       = &insertion{`INSERT INTO outbox (entry_id, event, at) VALUES `, 3, ""}
)

// add has the row written with the next writeAdded.
func (w *writer) add(to *insertion, row ...any) { w.added[to] = append(w.added[to], row...) }

// writeAdded writes the rows that were added, many with one text: small as they
// are, running a text takes longer than writing one.
func (w *writer) writeAdded() error {
	for _, to := range []*insertion{keyed, inSource, inCategory, owed} {
		values := w.added[to]
		for len(values) > 0 {
			n := atOnce(len(values) / to.columns)
			row := make([]string, n)
			for i := range row {
				row[i] = "(" + marks(1+i*to.columns, to.columns) + ")"
			}
			if err := w.exec(to.into+strings.Join(row, ",")+to.behind, values[:n*to.columns]...); err != nil {
				return err
			}
			values = values[n*to.columns:]
		}
		w.added[to] = w.added[to][:0]
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
	if err := w.writeAdded(); err != nil {
		return err
	}
	for _, id := range w.order {
		event, err := w.merge(id)
		if err != nil {
			return err
		}
		if event != "" {
			w.tell(id, event)
		}
	}
	if err := w.writeAdded(); err != nil {
		return err
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
