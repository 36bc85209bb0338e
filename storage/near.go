package storage

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"orrery/feeds"
)

const (
	// maxLike is how many copies with a value of a sketch are looked at, the newest.
	maxLike = 32
	// nearTime is how far apart in time two posts with different titles and addresses
	// may be to be one (dedupe.md 11).
	nearTime = 7 * 24 * time.Hour
)

// findLike looks for the copies whose sketches have these values.
func (w *writer) findLike(values []any) error {
	if w.like == nil {
		w.like = map[int64][]int64{}
	}
	values = slices.DeleteFunc(values, func(v any) bool { _, ok := w.like[v.(int64)]; return ok })
	for batch := range slices.Chunk(values, 100) {
		n := 0
		err := w.each(`SELECT hash, copy_id FROM sketches WHERE hash IN `, nil, batch, func(rows *sql.Rows) error {
			var v, id int64
			err := rows.Scan(&v, &id)
			w.like[v] = append(w.like[v], id)
			if n++; n > 100*maxLike {
				return errEnough
			}
			return err
		})
		if err == errEnough {
			err = w.findFewLike(batch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// findFewLike is findLike where some value is a popular one.
func (w *writer) findFewLike(values []any) error {
	for _, v := range values {
		ids, err := w.ids(`SELECT copy_id FROM sketches WHERE hash = $1 ORDER BY copy_id DESC LIMIT $2`, v, maxLike)
		if err != nil {
			return err
		}
		w.like[v.(int64)] = ids
	}
	return nil
}

// likes are the copies that share a value of the sketch, the newest first.
func (w *writer) likes(sketch []int64, but int64) []int64 {
	var ids []int64
	for _, v := range sketch {
		for _, id := range w.like[v] {
			if id != but {
				ids = append(ids, id)
			}
		}
	}
	ids = unique(ids)
	slices.Reverse(ids)
	return ids[:min(len(ids), maxLike)]
}

// likeCopy is a copy that may be the same post.
type likeCopy struct {
	id, source, sort, title int64
	guid, keys              []byte
	withdrawn, purged       bool
	body                    []byte
}

// entry is what the copy says.
func (c *likeCopy) entry() (e feeds.Entry, err error) {
	if err := json.Unmarshal(c.body, &e); err != nil {
		return e, fmt.Errorf("copy %d: %w", c.id, err)
	}
	return e, nil
}

// loadLike loads the copies; those that keep is false for, without their bodies.
func (w *writer) loadLike(ids []int64, keep func(*likeCopy) bool) ([]likeCopy, error) {
	var list []likeCopy
	err := w.each(`SELECT id, source_id, sort, title, guid_hash, keys, withdrawn, purged FROM copies WHERE id IN `, nil, anys(ids), func(rows *sql.Rows) error {
		var c likeCopy
		err := rows.Scan(&c.id, &c.source, &c.sort, &c.title, &c.guid, &c.keys, &c.withdrawn, &c.purged)
		if err == nil && keep(&c) {
			list = append(list, c)
		}
		return err
	})
	for i := range list {
		if err == nil {
			err = w.row(`SELECT body FROM copies WHERE id = $1`, list[i].id).Scan(&list[i].body)
		}
	}
	return list, err
}

// tie notes which stored copies say nearly the same as the one that is stored as id
// (dedupe.md 10, 11). It says whether there are any.
func (w *writer) tie(p *prepared, id int64) (found bool, err error) {
	for _, v := range p.sketch {
		defer func() { w.like[v] = append(w.like[v], id) }() // for those that follow
	}
	ids := w.likes(p.sketch, id)
	if len(ids) == 0 {
		return false, nil
	}
	list, err := w.loadLike(ids, func(c *likeCopy) bool { return w.comparable(p, c) })
	if err != nil || len(list) == 0 {
		return false, err
	}
	own := feeds.LikenessOf(p.Entry)
	for i := range list {
		e, err := list[i].entry()
		if err != nil {
			return false, err
		}
		if !own.Near(feeds.LikenessOf(&e)) {
			continue
		}
		found = true
		w.add(tied, min(id, list[i].id), max(id, list[i].id), int(feeds.TieText), micros(w.now))
		w.seeds = append(w.seeds, list[i].id)
	}
	return found, nil
}

var tied = &insertion{`INSERT INTO ties (a, b, kind, at) VALUES `, 4, ` ON CONFLICT DO NOTHING`}

// comparable says that a copy may be the same post as p if it says the same: they
// share a title or an address, or are of two sources and about the same time. A
// folder's posts are as many as its owner says.
func (w *writer) comparable(p *prepared, c *likeCopy) bool {
	own := c.source == w.source.ID
	switch {
	case c.purged || own && w.source.Local():
		return false
	case p.title != 0 && p.title == c.title, sharesAddress(p.keys, unpackKeys(c.keys)):
		return true
	}
	apart := time.Duration(micros(p.Sort)-c.sort) * time.Microsecond
	return !own && apart.Abs() <= nearTime
}

// sharesAddress says that the copies have a key in common.
func sharesAddress(a, b []feeds.Key) bool {
	return slices.ContainsFunc(a, func(x feeds.Key) bool {
		return slices.ContainsFunc(b, func(y feeds.Key) bool { return x.Name == y.Name })
	})
}
