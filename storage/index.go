package storage

import (
	"slices"

	"orrery/feeds"
)

// index has the copy found by its keys and sketch.
func (w *writer) index(id int64, keys []feeds.Key, sketch []int64, sort int64) {
	for _, k := range keys {
		w.add(keyed, []byte(k.Name), id)
	}
	for _, v := range sketch {
		w.add(sketched, v, sort, id)
	}
}

// reindex has a copy found by what it says now. Where that is something else, its
// place is decided anew, and that of those it was together with.
func (w *writer) reindex(p *prepared, c *copyRow) error {
	keys, sketch := packKeys(p.keys), packSketch(p.found())
	if string(keys) == string(c.keys) && string(sketch) == string(c.sketch) {
		return nil
	}
	if err := w.seedHolders(unpackKeys(c.keys), p.keys); err != nil {
		return err
	}
	if err := w.unindex(c.id); err != nil {
		return err
	}
	var sort int64
	if err := w.row(`UPDATE copies SET keys = $1, sketch = $2 WHERE id = $3 RETURNING sort`, keys, sketch, c.id).Scan(&sort); err != nil {
		return err
	}
	w.index(c.id, p.keys, p.found(), sort)
	mates, err := w.ids(`SELECT id FROM copies WHERE entry_id = $1`, c.entry)
	if err != nil {
		return err
	}
	w.seeds = append(w.seeds, mates...)
	c.keys, c.sketch = keys, sketch
	if err := w.findLike(p.probes(false)); err != nil {
		return err
	}
	_, err = w.tie(p, c.id)
	return err
}

// seedHolders has decided anew where those belong that have a key which a copy loses:
// without it, what they share may say more.
func (w *writer) seedHolders(had, has []feeds.Key) error {
	for _, k := range had {
		if slices.ContainsFunc(has, func(x feeds.Key) bool { return x.Name == k.Name }) {
			continue
		}
		ids, err := w.ids(`SELECT copy_id FROM copy_keys WHERE hash = $1 LIMIT $2`, []byte(k.Name), maxHolders+2)
		if err != nil {
			return err
		}
		if len(ids) <= maxHolders+1 { // one of them is the copy
			w.seeds = append(w.seeds, ids...)
		}
	}
	return nil
}

// unindex takes back what a copy is found by.
func (w *writer) unindex(id int64) error {
	if err := w.writeAdded(); err != nil { // among them may be its own
		return err
	}
	var keys, sketch []byte
	var sort int64
	if err := w.row(`SELECT keys, sketch, sort FROM copies WHERE id = $1`, id).Scan(&keys, &sketch, &sort); err != nil {
		return err
	}
	for _, k := range unpackKeys(keys) {
		if err := w.exec(`DELETE FROM copy_keys WHERE hash = $1 AND copy_id = $2`, []byte(k.Name), id); err != nil {
			return err
		}
	}
	for _, v := range unpackSketch(sketch) {
		if err := w.exec(`DELETE FROM sketches WHERE hash = $1 AND sort = $2 AND copy_id = $3`, v, sort, id); err != nil {
			return err
		}
	}
	return w.exec(`DELETE FROM ties WHERE kind = $1 AND (a = $2 OR b = $2)`, int(feeds.TieText), id)
}
