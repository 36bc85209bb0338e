package storage

import (
	"cmp"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"

	"orrery/feeds"
)

const (
	// maxHolders is how many copies may have a key that says anything.
	maxHolders = 50
	// maxGroup bounds what is looked at together: a whole folder and all its copies.
	maxGroup = 20_000
)

// group is some copies and all that have to do with them, however far away.
type group struct {
	rows    []groupCopy
	at      map[int64]int // of rows, by id
	ties    []feeds.Tie
	tied    [][3]int64      // the same by id
	dead    map[string]bool // keys that too many have
	entries map[int64]*groupEntry
	others  map[int64]bool // entries that have copies beside these
}

// groupCopy is what deciding needs of a copy.
type groupCopy struct {
	feeds.Copy
	id, entry, born int64
}

// groupEntry is what deciding needs of an entry.
type groupEntry struct {
	id, shown, first, merged int64
	public                   string
}

// regroup decides anew which of the copies that were touched, and of all that have
// to do with them, are one post (feeds.Cluster), and gives each its entry.
func (w *writer) regroup() error {
	if len(w.seeds) == 0 {
		return nil
	}
	if err := w.writeAdded(); err != nil {
		return err
	}
	g, err := w.component(w.seeds)
	if err != nil {
		return err
	}
	w.seeds = nil
	copies := make([]feeds.Copy, len(g.rows))
	for i := range g.rows {
		copies[i] = g.rows[i].Copy
	}
	clusters, reasons := feeds.Cluster(copies, g.ties)
	owners, merged := g.assign(clusters)
	for k, c := range clusters {
		made := owners[k] == 0
		if made {
			if owners[k], err = w.found(&g.rows[c[0]]); err != nil {
				return err
			}
			if err := w.hideLike(owners[k], g.rows[c[0]].entry); err != nil {
				return err
			}
		}
		if err := w.place(g, c, reasons, owners[k], made); err != nil {
			return err
		}
	}
	return w.redirect(merged, owners)
}

// place makes the copies of a cluster those of the entry.
func (w *writer) place(g *group, cluster []int, reasons []feeds.Reason, entry int64, made bool) error {
	if e := g.entries[entry]; e != nil && e.merged != 0 {
		if err := w.part(entry, e.merged); err != nil {
			return err
		}
	}
	for _, i := range cluster {
		c, joined := &g.rows[i], ""
		if r := reasons[i]; r.With >= 0 {
			joined = fmt.Sprintf("%s %d", reasonNames[r.Kind], g.rows[r.With].id)
		}
		if p := w.fresh[c.id]; p != nil {
			delete(w.fresh, c.id)
			if made {
				w.tally.New++
				w.noteUndated(p, entry)
				made = false
			} else {
				w.tally.Duplicate++
			}
		}
		n, err := w.affect(`UPDATE copies SET entry_id = $1, joined = $2 WHERE id = $3 AND (entry_id IS NULL OR entry_id <> $1 OR joined <> $2)`,
			entry, joined, c.id)
		if err != nil {
			return err
		}
		if n > 0 {
			w.touch(c.entry)
			w.touch(entry)
		}
	}
	return nil
}

// reasonNames are how reasons are stored.
var reasonNames = map[feeds.ReasonKind]string{
	feeds.ByPerson: "person", feeds.ByGlobal: "guid", feeds.ByLink: "link", feeds.ByAlias: "alias", feeds.ByText: "text",
}

// redirect has entries that were found to be others' lead there.
func (w *writer) redirect(merged map[int64]int, owners []int64) error {
	for _, id := range sortedKeys(merged) {
		owner := owners[merged[id]]
		if err := w.exec(`UPDATE entries SET merged = $1 WHERE id = $2`, owner, id); err != nil {
			return err
		}
		// What a person took off does not come back as another entry.
		n, err := w.affect(`UPDATE entries SET hidden = $1 WHERE id = $2 AND hidden = 0 AND EXISTS (SELECT 1 FROM entries WHERE id = $3 AND hidden <> 0)`,
			hiddenWith, owner, id)
		if err != nil {
			return err
		}
		if n > 0 {
			w.touch(owner)
		}
		w.touch(id)
	}
	return nil
}

func sortedKeys[V any](m map[int64]V) []int64 {
	list := make([]int64, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// assign gives every cluster the entry of its copies, 0 for a new one. An entry
// whose copies were parted stays with the one that it shows; of several that were
// joined the one that was seen first stays, and merged says to which clusters the
// others lead.
func (g *group) assign(clusters [][]int) (owners []int64, merged map[int64]int) {
	owners, merged = make([]int64, len(clusters)), map[int64]int{}
	of := make([]int, len(g.rows))
	for k, c := range clusters {
		for _, i := range c {
			of[i] = k
		}
	}
	won := make([][]*groupEntry, len(clusters))
	for _, id := range sortedKeys(g.entries) {
		if k := g.claim(id, of); k >= 0 {
			won[k] = append(won[k], g.entries[id])
		}
	}
	for k, list := range won {
		slices.SortFunc(list, func(a, b *groupEntry) int {
			return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.id, b.id))
		})
		for n, e := range list {
			if n == 0 {
				owners[k] = e.id
			} else {
				merged[e.id] = k
			}
		}
	}
	for k, c := range clusters {
		for _, i := range c {
			if born := g.rows[i].born; owners[k] == 0 && born != 0 && !g.others[born] && g.claim(born, of) < 0 && !slices.Contains(owners, born) {
				owners[k] = born // its own again
			}
		}
	}
	return owners, merged
}

// claim is the cluster that an entry goes to: where the copy is that it shows, unless
// that has one of its own to go back to, else that it was made for, else the first; -1
// if no copy is of it.
func (g *group) claim(entry int64, of []int) int {
	best, rank := -1, 0
	for i := range g.rows {
		c := &g.rows[i]
		if c.entry != entry {
			continue
		}
		r := 1
		switch {
		case g.entries[entry] != nil && g.entries[entry].shown == c.id && (c.born == 0 || c.born == entry):
			r = 3
		case c.born == entry:
			r = 2
		}
		if r > rank || r == rank && of[i] < best {
			best, rank = of[i], r
		}
	}
	return best
}

// found makes an entry for a copy, which flush will find something to show.
func (w *writer) found(c *groupCopy) (int64, error) {
	p := w.fresh[c.id]
	if p == nil {
		var err error
		if p, err = w.restore(c.id); err != nil {
			return 0, err
		}
	}
	var url string
	if err := w.row(`SELECT s.url FROM copies c JOIN sources s ON s.id = c.source_id WHERE c.id = $1`, c.id).Scan(&url); err != nil {
		return 0, err
	}
	entry, err := w.create(p, 0, url, standing{})
	if err != nil {
		return 0, err
	}
	return entry, w.exec(`UPDATE copies SET born = $1 WHERE id = $2`, entry, c.id)
}

// restore is what create needs to know of a copy that was stored before.
func (w *writer) restore(id int64) (*prepared, error) {
	e, err := w.body(id)
	if err != nil {
		return nil, err
	}
	var first, sort, changed int64
	var url string
	if err := w.row(`SELECT c.first_seen, c.sort, c.changed, s.url FROM copies c JOIN sources s ON s.id = c.source_id WHERE c.id = $1`, id).
		Scan(&first, &sort, &changed, &url); err != nil {
		return nil, err
	}
	e.FirstSeen, e.Sort, e.Changed = fromMicros(first), fromMicros(sort), fromMicros(changed)
	return &prepared{Entry: &e, identity: e.Identity(url)}, nil
}

// component loads the copies, and whatever shares keys or ties with them.
func (w *writer) component(seeds []int64) (*group, error) {
	g := &group{at: map[int64]int{}, dead: map[string]bool{}, entries: map[int64]*groupEntry{}}
	asked := map[string]bool{}
	for wave := unique(seeds); len(wave) > 0 && len(g.rows) < maxGroup; {
		first := len(g.rows)
		if err := w.loadCopies(g, wave); err != nil {
			return nil, err
		}
		next := map[int64]bool{}
		if err := w.alike(g, g.rows[first:], asked, next); err != nil {
			return nil, err
		}
		if err := w.tiesOf(g, wave, next); err != nil {
			return nil, err
		}
		wave = nil
		for _, id := range sortedKeys(next) {
			if _, ok := g.at[id]; !ok {
				wave = append(wave, id)
			}
		}
	}
	for i := range g.rows {
		g.rows[i].Keys = slices.DeleteFunc(g.rows[i].Keys, func(k feeds.Key) bool { return g.dead[k.Name] })
	}
	for _, t := range g.tied {
		a, okA := g.at[t[0]]
		b, okB := g.at[t[1]]
		if okA && okB {
			g.ties = append(g.ties, feeds.Tie{A: a, B: b, Kind: feeds.TieKind(t[2])})
		}
	}
	return g, w.loadEntries(g)
}

func unique(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (w *writer) loadCopies(g *group, ids []int64) error {
	return w.each(`SELECT c.id, c.source_id, s.url, c.guid_hash, coalesce(c.entry_id, 0), c.born, c.local, c.withdrawn, c.title, c.keys
		FROM copies c JOIN sources s ON s.id = c.source_id WHERE c.id IN `, nil, anys(ids), func(rows *sql.Rows) error {
		var c groupCopy
		var url string
		var guid, keys []byte
		var withdrawn bool
		var title int64
		if err := rows.Scan(&c.id, &c.Source, &url, &guid, &c.entry, &c.born, &c.Local, &withdrawn, &title, &keys); err != nil {
			return err
		}
		c.Name, c.Live, c.Title, c.Keys = url+" "+hex.EncodeToString(guid), !withdrawn, uint64(title), unpackKeys(keys)
		g.at[c.id] = len(g.rows)
		g.rows = append(g.rows, c)
		return nil
	})
}

// alike adds to next who else has the keys of the copies.
func (w *writer) alike(g *group, rows []groupCopy, asked map[string]bool, next map[int64]bool) error {
	var keys []any
	for i := range rows {
		for _, k := range rows[i].Keys {
			if !asked[k.Name] {
				asked[k.Name] = true
				keys = append(keys, []byte(k.Name))
			}
		}
	}
	holders := map[string][]int64{}
	if err := w.each(`SELECT hash, copy_id FROM copy_keys WHERE hash IN `, nil, keys, func(rows *sql.Rows) error {
		var key []byte
		var id int64
		err := rows.Scan(&key, &id)
		holders[string(key)] = append(holders[string(key)], id)
		return err
	}); err != nil {
		return err
	}
	for key, list := range holders {
		if len(list) > maxHolders {
			g.dead[key] = true
			continue
		}
		for _, id := range list {
			next[id] = true
		}
	}
	return nil
}

// tiesOf adds the ties of the copies, and whom they tie them to.
func (w *writer) tiesOf(g *group, ids []int64, next map[int64]bool) error {
	for _, side := range []string{"a", "b"} {
		if err := w.each(`SELECT a, b, kind FROM ties WHERE `+side+` IN `, nil, anys(ids), func(rows *sql.Rows) error {
			var t [3]int64
			err := rows.Scan(&t[0], &t[1], &t[2])
			g.tied = append(g.tied, t)
			next[t[0]], next[t[1]] = true, true
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// loadEntries loads the entries of the copies, and those that were made for them.
func (w *writer) loadEntries(g *group) error {
	var ids []int64
	for i := range g.rows {
		for _, id := range []int64{g.rows[i].entry, g.rows[i].born} {
			if id != 0 {
				ids = append(ids, id)
			}
		}
	}
	g.others = map[int64]bool{}
	if err := w.each(`SELECT id, entry_id FROM copies WHERE entry_id IN `, nil, anys(unique(ids)), func(rows *sql.Rows) error {
		var id, entry int64
		err := rows.Scan(&id, &entry)
		if _, ok := g.at[id]; !ok {
			g.others[entry] = true
		}
		return err
	}); err != nil {
		return err
	}
	return w.each(`SELECT id, copy_id, first_seen, merged, public_id FROM entries WHERE id IN `, nil, anys(unique(ids)), func(rows *sql.Rows) error {
		var e groupEntry
		err := rows.Scan(&e.id, &e.shown, &e.first, &e.merged, &e.public)
		g.entries[e.id] = &e
		return err
	})
}
