package storage

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"orrery/feeds"
)

// writer is one visit's, or one Sync's, part of a transaction: what it touched
// is recomputed once, in flush.
type writer struct {
	*txn
	now    time.Time
	source *feeds.Source   // whose visit it is
	reread bool            // what is stored was read by an older program
	quiet  bool            // the first visit of the source, or one to its past
	listed map[string]bool // hashes of all GUIDs that the source lists now; nil: unknown
	// gone says that the post with the hash is no longer there; nil: nobody knows.
	gone  func(guid []byte) bool
	tally feeds.Tally

	known   map[string]*copyRow // the source's copies among the entries of the visit, by hash of GUID
	holders map[string][]holder // who has the keys of the visit's new entries
	like    map[probe][]int64   // copies that may say nearly the same
	twin    map[int64][]int64   // copies of this visit, by title and text
	seeds   []int64             // copies whose entries are to be decided anew
	fresh   map[int64]*prepared // of them those that this visit brought

	touched map[int64]bool // entries to be merged anew
	order   []int64        // of touched
	revised map[int64]bool // copies that say something else than before
	// rewritten are copies that say the same in other words, or that a newer program
	// read otherwise.
	rewritten map[int64]bool
	added     map[*insertion][]any // rows that are written together
	news      []news               // entries that nobody was told of
	entered   []entered            // what came into the lists
	told      map[int64]bool       // those of news that the world hears of
	left      []string             // the lists that the entry which is merged was in
	resorted  bool                 // it stands in other categories than before
	concerned map[int64][]int64    // who is to hear that an entry is relisted
	undated   map[int64]bool       // those of a first visit of which nobody says when they were written
	mute      bool                 // nobody is to be told
	person    bool                 // it is a person's act, and no news but to who was told otherwise
}

// news is an entry that has come to be shown, and its place in time.
type news struct{ entry, sort int64 }

// holder is a copy that has a key.
type holder struct{ id, source int64 }

func newWriter(t *txn, now time.Time) *writer {
	return &writer{txn: t, now: now, touched: map[int64]bool{}, revised: map[int64]bool{}, rewritten: map[int64]bool{}, known: map[string]*copyRow{},
		fresh: map[int64]*prepared{}, undated: map[int64]bool{}, added: map[*insertion][]any{},
		concerned: map[int64][]int64{}}
}

// touch notes that the entry is to be merged anew.
func (w *writer) touch(entry int64) {
	if entry != 0 && !w.touched[entry] {
		w.touched[entry] = true
		w.order = append(w.order, entry)
	}
}

// bump has the version of the scope raised with the transaction.
func (w *writer) bump(scope string) {
	if before, ok := w.scopes[scope]; !ok || before < micros(w.now) {
		w.scopes[scope] = micros(w.now)
	}
}

func hashOf(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:16]
}

// copyRow is what the store has of a source's post.
type copyRow struct {
	id, entry         int64
	hash              string
	revision          int
	revised, changed  int64
	updated           int64
	withdrawn, purged bool
	keys, sketch      []byte
	rekeyed           bool // it had another GUID until now
	silent            bool // many changed in the same way: nobody is to hear of it
}

const copyColumns = `id, coalesce(entry_id, 0), hash, revision, revised, changed, updated, withdrawn, purged, keys, sketch`

func (c *copyRow) dest() []any {
	return []any{&c.id, &c.entry, &c.hash, &c.revision, &c.revised, &c.changed, &c.updated, &c.withdrawn, &c.purged, &c.keys, &c.sketch}
}

// commitEntries stores the entries of a visit.
func (w *writer) commitEntries(list []prepared) error {
	if err := w.lookUp(list); err != nil {
		return err
	}
	if err := w.rekey(list); err != nil {
		return err
	}
	if err := w.recut(list); err != nil {
		return err
	}
	w.hold(list)
	for i := range list {
		if err := w.commitEntry(&list[i]); err != nil {
			return fmt.Errorf("entry %q: %w", list[i].GUID, err)
		}
	}
	return w.regroup()
}

func (w *writer) commitEntry(p *prepared) error {
	if c := w.known[string(p.guid)]; c != nil {
		return w.revise(p, c)
	}
	return w.insert(p)
}

// lookUp finds what the store has of the source's entries, and who else has the
// keys and sketches of the new ones.
func (w *writer) lookUp(list []prepared) error {
	guids := make([]any, len(list))
	for i := range list {
		guids[i] = list[i].guid
	}
	if err := w.each(`SELECT guid_hash, `+copyColumns+` FROM copies WHERE source_id = $1 AND guid_hash IN `,
		[]any{w.source.ID}, guids, func(rows *sql.Rows) error {
			var guid []byte
			var c copyRow
			err := rows.Scan(append([]any{&guid}, c.dest()...)...)
			w.known[string(guid)] = &c
			return err
		}); err != nil {
		return err
	}
	var keys []any
	var probes []probe
	for i := range list {
		if w.known[string(list[i].guid)] != nil {
			continue
		}
		for _, k := range list[i].keys {
			keys = append(keys, []byte(k.Name))
		}
		probes = append(probes, list[i].probes(false)...)
		if w.gone != nil {
			probes = append(probes, list[i].probes(true)...)
		}
	}
	if err := w.findHolders(keys); err != nil {
		return err
	}
	return w.findLike(probes)
}

// findHolders looks for the copies that have these keys.
func (w *writer) findHolders(keys []any) error {
	w.holders = map[string][]holder{}
	return w.each(`SELECT k.hash, k.copy_id, c.source_id FROM copy_keys k JOIN copies c ON c.id = k.copy_id WHERE k.hash IN `,
		nil, keys, func(rows *sql.Rows) error {
			var key []byte
			var h holder
			err := rows.Scan(&key, &h.id, &h.source)
			w.holders[string(key)] = append(w.holders[string(key)], h)
			return err
		})
}

// insert stores a post that the source did not have before: as an entry of its own,
// or where others may be the same, as one that regroup finds a place for.
func (w *writer) insert(p *prepared) error {
	id, err := w.next("copies")
	if err != nil {
		return err
	}
	near, err := w.tie(p, id)
	if err != nil {
		return err
	}
	var entry int64
	var sources, categories links
	if !near && !w.shared(p) {
		if p.HeldUntil.IsZero() {
			if sources, categories, err = w.lists([]mergeCopy{{source: w.source.ID, slug: w.source.Slug, categories: p.Categories}}); err != nil {
				return err
			}
		}
		if entry, err = w.create(p, id, w.source.URL, standingIn(sources, categories)); err != nil {
			return err
		}
		w.tally.New++
		w.noteUndated(p, entry)
	}
	c := copyRow{id: id, entry: entry, hash: p.hash, changed: micros(p.Changed), updated: micros(p.Updated), keys: packKeys(p.keys), sketch: packSketch(p.found())}
	if err := w.exec(`INSERT INTO copies (id, source_id, guid_hash, entry_id, born, hash, local, rank, secure, length, first_seen, sort, changed,
		updated, title, keys, sketch, categories, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		id, w.source.ID, p.guid, null(entry), entry, c.hash, w.source.Local(), p.rank, p.secure(), p.length(), micros(p.FirstSeen), micros(p.Sort),
		c.changed, c.updated, p.title, c.keys, c.sketch, p.categories, p.body); err != nil {
		return err
	}
	w.known[string(p.guid)] = &c // should the feed name it twice
	w.index(id, p.keys, p.found(), micros(p.Sort))
	for _, k := range p.keys { // for those that follow in the same feed
		w.holders[k.Name] = append(w.holders[k.Name], holder{id, w.source.ID})
	}
	if entry != 0 {
		w.enlistNew(p, entry, sources, categories)
		return nil
	}
	w.fresh[id] = p
	w.seeds = append(w.seeds, id)
	return nil
}

// noteUndated notes an entry that may be of any time: feeds list their imprint.
func (w *writer) noteUndated(p *prepared, entry int64) {
	if w.quiet && p.Published.IsZero() && p.Updated.IsZero() {
		w.undated[entry] = true
	}
}

// null is NULL for 0.
func null(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// shared says that a copy of another source has one of the keys.
func (w *writer) shared(p *prepared) bool {
	for _, k := range p.keys {
		for _, h := range w.holders[k.Name] {
			if h.source != w.source.ID {
				return true
			}
		}
	}
	return false
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

// create makes the entry, shown by the copy. Its public ID comes from its strongest
// identity; where that is taken, from one that is less likely to be. Its GUID is for
// ever the one it first came with, whichever copy is shown later (RFC 4287 §4.2.6).
//
// With no copy to show, 0, the entry is withdrawn until it is merged.
func (w *writer) create(p *prepared, shown int64, source string, lists standing) (int64, error) {
	entry, err := w.next("entries")
	if err != nil {
		return 0, err
	}
	until := micros(p.HeldUntil)
	own := source + " " + p.GUID
	for try := 0; ; try++ {
		id := feeds.LongID(fmt.Sprint(own, " ", try))
		switch try {
		case 0:
			id = feeds.PublicID(p.identity)
		case 1:
			id = feeds.PublicID(own)
		case 2:
			id = feeds.LongID(own)
		}
		n, err := w.affect(`INSERT INTO entries (id, public_id, guid, copy_id, first_seen, sort, changed, withdrawn, held, lists)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (public_id) DO NOTHING`,
			entry, id, p.GUID, shown, micros(p.FirstSeen), micros(p.Sort), max(micros(p.Changed), micros(p.Sort)), until != 0 || shown == 0, until, lists.text())
		if err != nil {
			return 0, err
		}
		if n > 0 {
			p.ID = id
			return entry, nil
		}
	}
}

// enlistNew puts a new entry, which is what its one copy is, into these lists.
func (w *writer) enlistNew(p *prepared, entry int64, sources, categories links) {
	if !p.HeldUntil.IsZero() {
		return
	}
	w.bump("")
	for _, scope := range joined(sources, categories) {
		w.bump(scope)
	}
	w.reword(entry)
	w.count(sources, categories, micros(p.Sort), 1)
	w.addLinks(inSource, sources, nil, micros(p.Sort), p.ID, entry)
	w.addLinks(inCategory, categories, nil, micros(p.Sort), p.ID, entry)
	w.news = append(w.news, news{entry, micros(p.Sort)})
	w.enter(planetList, entry, micros(p.Sort))
	w.enterLists(sources, nil, entry, micros(p.Sort))
	w.enterLists(categories, nil, entry, micros(p.Sort))
}

// unnews takes back that an entry is news: it was not to be kept.
func (w *writer) unnews(entry int64) {
	n := len(w.news)
	w.news = slices.DeleteFunc(w.news, func(x news) bool { return x.entry == entry })
	w.tally.New -= n - len(w.news)
}

// tell owes the world the news of an entry.
func (w *writer) tell(entry int64, event string) { w.add(owed, entry, event, micros(w.now)) }

func (w *writer) withdraw(guids []string) error {
	for _, g := range guids {
		list, err := w.ids(`UPDATE copies SET withdrawn = 1 WHERE source_id = $1 AND guid_hash = $2 AND withdrawn = 0
			RETURNING id`, w.source.ID, hashOf(g))
		if err != nil {
			return err
		}
		w.tally.Withdrawn += len(list)
		w.seeds = append(w.seeds, list...)
		for _, id := range list {
			entries, err := w.ids(`SELECT entry_id FROM copies WHERE id = $1`, id)
			if err != nil {
				return err
			}
			w.touch(entries[0])
		}
	}
	return w.regroup()
}

// flush recomputes what was touched.
func (w *writer) flush() error {
	if err := w.writeAdded(); err != nil {
		return err
	}
	for _, id := range w.order {
		event, sort, err := w.merge(id)
		switch {
		case err != nil:
			return err
		case event == gone:
			w.unnews(id)
		case event == relisted:
			err = w.concern(id, sort)
		case event == "new":
			w.news = append(w.news, news{id, sort})
		case event != "":
			w.tell(id, event)
		}
		if err != nil {
			return err
		}
	}
	if err := w.announce(); err != nil {
		return err
	}
	w.arrive()
	return w.writeAdded()
}
