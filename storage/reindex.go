package storage

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
