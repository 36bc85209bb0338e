package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"orrery/feeds"
)

// ErrNoEntry means that no entry has the name or address.
var ErrNoEntry = errors.New("there is no such entry")

// Split says that the copies of an entry are several posts: that of each source, or
// with a slug that of this source and those of the others. They stay apart, whatever
// they have in common. It returns the IDs of the entries.
func (db *DB) Split(ctx context.Context, now time.Time, name, slug string) (ids []string, err error) {
	err = db.moderate(ctx, now, func(w *writer) error {
		entry, _, err := w.named(name)
		if err != nil {
			return err
		}
		copies, err := w.ids(`SELECT id FROM copies WHERE entry_id = $1 ORDER BY id`, entry)
		if err != nil {
			return err
		}
		apart, err := w.ids(`SELECT c.id FROM copies c JOIN sources s ON s.id = c.source_id WHERE c.entry_id = $1 AND ($2 = '' OR s.slug = $2)`, entry, slug)
		if err != nil {
			return err
		}
		if len(copies) < 2 || len(apart) == 0 || slug != "" && len(apart) == len(copies) {
			return fmt.Errorf("there is nothing to split: it has %d copies, %d of them of the source", len(copies), len(apart))
		}
		for _, a := range apart {
			for _, b := range copies {
				if a != b && (slug == "" || !contains(apart, b)) {
					if err := w.decide(a, b, feeds.TieSplit); err != nil {
						return err
					}
				}
			}
		}
		w.seeds = copies
		if err := w.regroup(); err != nil {
			return err
		}
		// Joined again, they are the entry they were: it was seen first.
		if err := w.exec(`UPDATE entries SET first_seen = first.at + 1 FROM (SELECT first_seen AS at FROM entries WHERE id = $1) AS first
			WHERE id <> $1 AND first_seen <= first.at AND id IN (SELECT entry_id FROM copies WHERE id IN (`+marks(2, len(copies))+`))`,
			append([]any{entry}, anys(copies)...)...); err != nil {
			return err
		}
		ids, err = w.publicIDs(copies)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("split %s: %w", name, err)
	}
	return ids, nil
}

// Join says that two entries are one post; the one that was seen first keeps its
// address, and the other's leads there.
func (db *DB) Join(ctx context.Context, now time.Time, a, b string) (id string, err error) {
	err = db.moderate(ctx, now, func(w *writer) error {
		var lists [2][]int64
		for i, name := range []string{a, b} {
			entry, _, err := w.named(name)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if lists[i], err = w.ids(`SELECT id FROM copies WHERE entry_id = $1 ORDER BY id`, entry); err != nil {
				return err
			}
		}
		if lists[0][0] == lists[1][0] {
			return errors.New("they are one entry already")
		}
		for _, x := range lists[0] {
			for _, y := range lists[1] { // all of them: one tie would not outlive its copies
				if err := w.decide(x, y, feeds.TieMerge); err != nil {
					return err
				}
			}
		}
		w.seeds = append(lists[0], lists[1]...)
		if err := w.regroup(); err != nil {
			return err
		}
		ids, err := w.publicIDs(lists[0][:1])
		if err == nil {
			id = ids[0]
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("merge %s and %s: %w", a, b, err)
	}
	return id, nil
}

func contains(list []int64, id int64) bool {
	for _, x := range list {
		if x == id {
			return true
		}
	}
	return false
}

// decide notes what a person said of two copies, in place of what was said before.
func (w *writer) decide(a, b int64, kind feeds.TieKind) error {
	a, b = min(a, b), max(a, b)
	if err := w.exec(`DELETE FROM ties WHERE a = $1 AND b = $2 AND kind <> $3`, a, b, int(feeds.TieText)); err != nil {
		return err
	}
	return w.exec(`INSERT INTO ties (a, b, kind, at) VALUES ($1, $2, $3, $4)`, a, b, int(kind), micros(w.now))
}

// moderate runs f in a transaction, and then settles what it touched.
func (db *DB) moderate(ctx context.Context, now time.Time, f func(*writer) error) error {
	return db.tx(ctx, func(t *txn) error {
		w := newWriter(t, now)
		w.person = true
		if err := f(w); err != nil {
			return err
		}
		return w.flush()
	})
}

// publicIDs are the names of the copies' entries, each once.
func (w *writer) publicIDs(copies []int64) ([]string, error) {
	var ids []string
	seen := map[string]bool{}
	for _, c := range copies {
		var id string
		if err := w.row(`SELECT e.public_id FROM copies c JOIN entries e ON e.id = c.entry_id WHERE c.id = $1`, c).Scan(&id); err != nil {
			return nil, err
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// named is the entry with the ID, the address of its page with us, or an address of
// the post.
func (w *writer) named(name string) (entry int64, public string, err error) {
	list, err := w.ids(`SELECT id FROM entries WHERE public_id = $1`, pageID(name))
	if err == nil && len(list) == 0 {
		list, err = w.ids(`SELECT DISTINCT c.entry_id FROM copy_keys k JOIN copies c ON c.id = k.copy_id WHERE k.hash = $1 ORDER BY c.entry_id`,
			hashOf(feeds.AddressKey(name)))
	}
	switch {
	case err != nil:
		return 0, "", err
	case len(list) == 0:
		return 0, "", ErrNoEntry
	case len(list) > 1:
		return 0, "", fmt.Errorf("%d entries have this address; name one by its ID (orrery why tells them)", len(list))
	}
	entry = list[0]
	for range maxHolders { // it may have been merged, and what it was merged into, too
		var merged int64
		if err := w.row(`SELECT public_id, merged FROM entries WHERE id = $1`, entry).Scan(&public, &merged); err != nil || merged == 0 {
			return entry, public, err
		}
		entry = merged
	}
	return entry, public, nil
}

// pageID is the ID in the address of an entry's page, or the name itself.
func pageID(name string) string {
	_, id, ok := strings.Cut(name, "/entry/")
	if !ok {
		return name
	}
	id, _, _ = strings.Cut(id, "/")
	return id
}

// letGo shows what was held back as a flood: of a source, or what was held until now.
func (w *writer) letGo(query string, args ...any) (n int, err error) {
	ids, err := w.ids(query, args...)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if err := w.exec(`UPDATE entries SET held = 0 WHERE id = $1`, id); err != nil {
			return 0, err
		}
		w.touch(id)
	}
	w.mute = true // they are shown, and announced they were not to be
	return len(ids), nil
}

// LetGo shows the entries that were held back until now. A pass begins with it.
func (db *DB) LetGo(ctx context.Context, now time.Time) error {
	var any bool
	const waiting = `FROM entries WHERE held > 0 AND held <= $1`
	if err := db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 `+waiting+`)`, micros(now)).Scan(&any); err != nil || !any {
		return explain(err)
	}
	return db.moderate(ctx, now, func(w *writer) error {
		_, err := w.letGo(`SELECT id `+waiting+` ORDER BY id`, micros(now))
		return err
	})
}
