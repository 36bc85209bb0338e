package storage

import (
	"fmt"
	"time"

	"orrery/feeds"
)

// rewrite stores what a newer program reads in the same post: no revision of its
// author's, whatever it looks like.
func (w *writer) rewrite(p *prepared, c *copyRow) error {
	if err := w.exec(`UPDATE copies SET hash = $1 WHERE id = $2 AND hash <> $1`, p.hash, c.id); err != nil {
		return err
	}
	n, err := w.affect(`UPDATE copies SET body = $1, categories = $2, updated = $3, title = $4, rank = $5, secure = $6, length = $7
		WHERE id = $8 AND (body <> $1 OR categories <> $2)`, p.body, p.categories, micros(p.Updated), p.title, p.rank, p.secure(), p.length(), c.id)
	if err != nil || n == 0 {
		return err
	}
	w.touch(c.entry)
	w.rewritten[c.id] = true
	return w.reindex(p, c)
}

const (
	// maxRevisions is how many revisions of a post are kept and told, and betweenRevisions
	// the time from one to the next: a page that prints the clock is no news.
	maxRevisions     = 24
	betweenRevisions = time.Hour
)

func (w *writer) revise(p *prepared, c *copyRow) error {
	switch {
	case c.purged: // it is known, and too old to keep
		return nil
	case w.reread && !c.withdrawn:
		return w.rewrite(p, c)
	case p.hash == c.hash && c.rekeyed:
		return w.rewrite(p, c)
	case p.hash == c.hash && !c.withdrawn:
		if err := w.redate(p, c); err != nil {
			return err
		}
		return w.recategorize(p.categories, c)
	}
	told, err := w.worthTelling(p, c)
	if err != nil {
		return err
	}
	revision, revised, changed := c.revision, c.revised, c.changed
	switch {
	case c.withdrawn:
		w.tally.New++
	case told:
		w.tally.Revised++
	}
	if told {
		if changed = micros(p.Updated); changed <= c.changed || changed > micros(w.now) {
			changed = micros(w.now) // the text says more than the date
		}
		if err := w.remember(c); err != nil {
			return err
		}
		revision, revised = revision+1, micros(w.now)
	}
	if err := w.exec(`UPDATE copies SET hash = $1, revision = $2, revised = $3, withdrawn = 0, changed = $4, updated = $5, title = $6,
		rank = $7, secure = $8, length = $9, categories = $10, body = $11 WHERE id = $12`, p.hash, revision, revised, changed, micros(p.Updated),
		p.title, p.rank, p.secure(), p.length(), p.categories, p.body, c.id); err != nil {
		return err
	}
	w.touch(c.entry)
	w.revised[c.id], w.rewritten[c.id] = told, true
	if c.withdrawn {
		w.seeds = append(w.seeds, c.id)
	}
	return w.reindex(p, c)
}

// worthTelling says that the post says something else than before, or that its
// source says that it does, and that it has not done so too often or just now
// (dedupe.md 8). Whatever it is, it is stored.
func (w *writer) worthTelling(p *prepared, c *copyRow) (bool, error) {
	if p.hash == c.hash || c.revision >= maxRevisions || micros(w.now)-c.revised < betweenRevisions.Microseconds() && c.revised != 0 {
		return false, nil
	}
	if u := micros(p.Updated); u > c.updated && u <= micros(w.now) && !c.rekeyed {
		return true, nil
	}
	if c.silent {
		return false, nil
	}
	old, err := w.body(c.id)
	if err != nil {
		return false, err
	}
	if c.rekeyed {
		old.Permalink = p.Permalink // it has moved, and says the same there
	}
	return feeds.Material(&old, p.Entry), nil
}

// recut notes which posts a source that now gives excerpts where it gave whole texts,
// or the other way round, only cuts otherwise: that is no news, not of one of them.
func (w *writer) recut(list []prepared) error {
	var changed []*prepared
	for i := range list {
		if c := w.known[string(list[i].guid)]; c != nil && c.hash != list[i].hash && !c.withdrawn && !c.purged {
			changed = append(changed, &list[i])
		}
	}
	if w.source.Local() || !w.massive(len(changed)) {
		return nil
	}
	var cut []*copyRow
	for _, p := range changed {
		c := w.known[string(p.guid)]
		old, err := w.body(c.id)
		if err != nil {
			return err
		}
		if feeds.CutOtherwise(&old, p.Entry) {
			cut = append(cut, c)
		}
	}
	if w.massive(len(cut)) {
		for _, c := range cut {
			c.silent = true
		}
	}
	return nil
}

// body is the copy's entry.
func (w *writer) body(id int64) (e feeds.Entry, err error) {
	var text []byte
	if err := w.row(`SELECT body FROM copies WHERE id = $1`, id).Scan(&text); err != nil {
		return e, err
	}
	if err := decode(text, &e); err != nil {
		return e, fmt.Errorf("copy %d: %w", id, err)
	}
	return e, nil
}

// remember keeps what the copy says until now.
func (w *writer) remember(c *copyRow) error {
	return w.exec(`INSERT INTO revisions (copy_id, n, at, body) SELECT id, revision, CAST($1 AS BIGINT), body FROM copies WHERE id = $2
		ON CONFLICT (copy_id, n) DO NOTHING`, micros(w.now), c.id)
}

// redate takes the date at which the source says the post was changed, though it
// says the same: the source knows better. One that dates everything anew does not;
// whose visit brings the entry has seen to that.
func (w *writer) redate(p *prepared, c *copyRow) error {
	updated := micros(p.Updated)
	if updated <= c.updated || updated > micros(w.now) {
		return nil
	}
	w.touch(c.entry)
	w.rewritten[c.id] = true
	return w.exec(`UPDATE copies SET updated = $1, changed = max(changed, $1) WHERE id = $2`, updated, c.id)
}
