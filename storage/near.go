package storage

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"orrery/feeds"
)

const (
	// maxLike is how many copies may share a value that says anything, and how many are
	// looked at.
	maxLike = 32
	// nearTime is how far apart in time two posts with different titles and addresses
	// may be to be one (dedupe.md 11).
	nearTime = 7 * 24 * time.Hour
)

// probe asks which copies of a time have a value.
type probe struct{ value, from, to int64 }

// findLike looks for the copies that have what the probes ask for.
func (w *writer) findLike(probes []probe) error {
	if w.like == nil {
		w.like = map[probe][]int64{}
	}
	probes = slices.DeleteFunc(probes, func(p probe) bool { _, ok := w.like[p]; return ok })
	for len(probes) > 0 {
		n := atOnce(len(probes))
		if err := w.findLikeAll(probes[:n]); err != nil {
			return err
		}
		probes = probes[n:]
	}
	return nil
}

// findLikeAll asks all of the probes at once, and if that brings too much, one by one.
func (w *writer) findLikeAll(probes []probe) error {
	row, args := make([]string, len(probes)), make([]any, 0, 4*len(probes))
	for i, p := range probes {
		row[i] = "(?,?,?,?)"
		args = append(args, i, p.value, p.from, p.to)
		w.like[p] = nil
	}
	row[0] = "(CAST(? AS BIGINT),CAST(? AS BIGINT),CAST(? AS BIGINT),CAST(? AS BIGINT))" // nobody else says what they are
	rows, err := w.query(`WITH v (n, hash, low, high) AS (VALUES `+strings.Join(row, ",")+`)
		SELECT v.n, s.copy_id FROM v CROSS JOIN sketches s ON s.hash = v.hash AND s.sort BETWEEN v.low AND v.high`, args...)
	if err != nil {
		return err
	}
	found := 0
	err = eachRow(rows, func() error {
		var n int
		var id int64
		if err := rows.Scan(&n, &id); err != nil {
			return err
		}
		if found++; found > (maxLike+1)*len(probes) && len(probes) > 1 {
			return errEnough
		}
		if list := w.like[probes[n]]; len(list) <= maxLike {
			w.like[probes[n]] = append(list, id)
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		return err
	}
	for _, p := range probes {
		if w.like[p], err = w.ids(`SELECT copy_id FROM sketches WHERE hash = $1 AND sort BETWEEN $2 AND $3 LIMIT $4`, p.value, p.from, p.to, maxLike+1); err != nil {
			return err
		}
	}
	return nil
}

// likes are the copies that the probes find, the newest first. A value that many have
// says nothing.
func (w *writer) likes(probes []probe, but int64) []int64 {
	var ids []int64
	for _, p := range probes {
		if list := w.like[p]; len(list) <= maxLike {
			ids = append(ids, list...)
		}
	}
	ids = slices.DeleteFunc(unique(ids), func(id int64) bool { return id == but })
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
	if err := decode(c.body, &e); err != nil {
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
	ids := w.likes(p.probes(false), id)
	if !w.source.Local() { // those before it in the same feed
		ids = append(ids, w.twins(p, id)...)
	}
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

// twins are the copies of this visit that came with the same title and text.
func (w *writer) twins(p *prepared, id int64) (ids []int64) {
	if w.twin == nil {
		w.twin = map[int64][]int64{}
	}
	for _, v := range p.titled {
		ids = append(ids, w.twin[v]...)
		w.twin[v] = append(w.twin[v], id)
	}
	ids = slices.DeleteFunc(unique(ids), func(x int64) bool { return x == id })
	return ids[:min(len(ids), maxLike)]
}

var tied = &insertion{`INSERT INTO ties (a, b, kind, at) VALUES `, 4, ` ON CONFLICT DO NOTHING`}

// comparable says that a copy may be the same post as p if it says the same: they
// share a title, or are of two sources and share an address or are about the same
// time. Whole feeds link every entry to one page, and have the same words below each.
// A folder's posts are as many as its owner says.
func (w *writer) comparable(p *prepared, c *likeCopy) bool {
	own := c.source == w.source.ID
	switch {
	case c.purged || own && w.source.Local():
		return false
	case p.title != 0 && p.title == c.title:
		return true
	case own:
		return false
	}
	apart := time.Duration(micros(p.Sort)-c.sort) * time.Microsecond
	return apart.Abs() <= nearTime || sharesAddress(p.keys, unpackKeys(c.keys))
}

// sharesAddress says that the copies have a key in common.
func sharesAddress(a, b []feeds.Key) bool {
	return slices.ContainsFunc(a, func(x feeds.Key) bool {
		return slices.ContainsFunc(b, func(y feeds.Key) bool { return x.Name == y.Name })
	})
}
