package storage

import (
	"encoding/json"
	"fmt"

	"orrery/feeds"
)

// reindexSince is the schema since which copies are found by keys and sketches of
// their own; what an older program stored gets them when it is migrated. Which
// copies are one post stays as it was: they are looked at again when they change.
const reindexSince = 3

func (w *writer) reindexAll() error {
	sources, err := w.storedSources()
	if err != nil {
		return err
	}
	for i := range sources {
		w.source = &sources[i].Source
		for last := []byte{}; ; {
			batch, err := w.batch(w.source.ID, last)
			if err != nil {
				return err
			}
			if len(batch) == 0 {
				break
			}
			for k := range batch {
				last = batch[k].guid
				if err := w.reindexOne(&batch[k]); err != nil {
					return err
				}
			}
			if err := w.writeAdded(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) reindexOne(c *storedCopy) error {
	var p prepared
	if err := p.prepare(w.source, &c.body); err != nil {
		return err
	}
	w.index(c.id, p.keys, p.found(), c.sort)
	return w.exec(`UPDATE copies SET keys = $1, sketch = $2, title = $3, rank = $4, secure = $5, length = $6 WHERE id = $7`,
		packKeys(p.keys), packSketch(p.found()), p.title, p.rank, p.secure(), p.length(), c.id)
}

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
		(SELECT id FROM copies WHERE source_id = $1 AND purged = 0 ORDER BY sort DESC, id LIMIT $3))`, w.source.ID, since, limit)
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
