package storage

import (
	"encoding/json"
	"fmt"

	"orrery/feeds"
)

// purgedAtOnce is how many posts are forgotten with one visit, which others wait for; a
// later visit forgets the next.
const purgedAtOnce = 2000

// retain forgets the texts of the source's posts that are older than it is to keep,
// or more (the source's retain): they leave the planet, nobody is told, and they are
// known for ever, so that none comes back as news.
func (w *writer) retain() error {
	r := w.source.Retain
	if r.Entries == 0 && r.Days == 0 {
		return nil
	}
	limit := int64(r.Entries)
	if r.Entries == 0 {
		limit = 1 << 40
	}
	since := int64(0)
	if r.Days > 0 {
		since = micros(w.now.AddDate(0, 0, -r.Days))
	}
	ids, err := w.ids(`SELECT id FROM copies WHERE source_id = $1 AND purged = 0 AND (sort < $2 OR id NOT IN
		(SELECT id FROM copies WHERE source_id = $1 AND purged = 0 ORDER BY sort DESC, id LIMIT $3))
		ORDER BY sort, id LIMIT $4`, w.source.ID, since, limit, purgedAtOnce)
	if err != nil {
		return err
	}
	for _, id := range ids {
		entries, err := w.ids(`SELECT entry_id FROM copies WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if err := w.unindexText(id); err != nil {
			return err
		}
		e, err := w.body(id)
		if err != nil {
			return err
		}
		stub, err := json.Marshal(feeds.Entry{GUID: e.GUID, GUIDGlobal: e.GUIDGlobal, Permalink: e.Permalink, Title: e.Title})
		if err != nil {
			return err
		}
		if err := w.exec(`UPDATE copies SET purged = 1, body = $1 WHERE id = $2`, string(stub), id); err != nil {
			return err
		}
		w.touch(entries[0])
	}
	return nil
}

// unindexText takes back what the text of a copy is found by; its keys stay, so that
// another source's copy comes to the same entry.
func (w *writer) unindexText(id int64) error {
	if err := w.writeAdded(); err != nil {
		return err
	}
	var sketch []byte
	var sort int64
	if err := w.row(`SELECT sketch, sort FROM copies WHERE id = $1`, id).Scan(&sketch, &sort); err != nil {
		return fmt.Errorf("copy %d: %w", id, err)
	}
	for _, v := range unpackSketch(sketch) {
		if err := w.exec(`DELETE FROM sketches WHERE hash = $1 AND sort = $2 AND copy_id = $3`, v, sort, id); err != nil {
			return err
		}
	}
	if err := w.exec(`DELETE FROM revisions WHERE copy_id = $1`, id); err != nil {
		return err
	}
	return w.exec(`UPDATE copies SET sketch = '' WHERE id = $1`, id)
}
