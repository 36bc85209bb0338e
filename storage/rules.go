package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"orrery/feeds"
)

const (
	// rulesBatch is how many copies are held in memory while their categories are
	// decided anew.
	rulesBatch = 200
	// rulesAtOnce is how many copies get new categories together with the
	// configuration; for more, one batch after the other, so that nobody waits long and
	// nothing is lost when it is ended.
	rulesAtOnce = 1000
	// pendingRules marks, before the name of the rules, a source whose entries are on
	// their way into their categories.
	pendingRules = "pending "
)

// reapplied is a source whose entries get their categories anew.
type reapplied struct {
	source  feeds.Source
	applied string // names the rules
	copies  int
}

// syncRules stores the configured categories, and where the rules for a source
// differ from those that its entries were stored by, decides the categories of
// all of them again. fingerprint is that of the rules. What is too much for one
// transaction it returns.
func (w *writer) syncRules(rules *feeds.Rules, fingerprint string) (later []reapplied, err error) {
	if err := w.syncCategories(rules); err != nil {
		return nil, err
	}
	list, total, err := w.ruledOtherwise(fingerprint)
	if err != nil {
		return nil, err
	}
	for i := range list {
		r := &list[i]
		mark := r.applied
		if total > rulesAtOnce {
			mark = pendingRules + r.applied
		}
		// A visit under way has decided by other rules: its lease ends here, and
		// the source is visited again.
		if err := w.exec(`UPDATE sources SET rules = $1, fence = fence + 1, lease = 0 WHERE id = $2`, mark, r.source.ID); err != nil {
			return nil, err
		}
		if total > rulesAtOnce {
			continue
		}
		for last := []byte{}; last != nil; {
			if last, _, err = w.reapply(rules, &r.source, last); err != nil {
				return nil, fmt.Errorf("source %s: %w", r.source.Slug, err)
			}
		}
	}
	if total > rulesAtOnce {
		return list, nil
	}
	return nil, nil
}

// ruledOtherwise are the sources whose entries were stored by other rules, and how many
// copies those are.
func (w *writer) ruledOtherwise(fingerprint string) (list []reapplied, total int, err error) {
	sources, err := w.storedSources()
	if err != nil {
		return nil, 0, err
	}
	for i := range sources {
		r := reapplied{source: sources[i].Source, applied: appliedRules(fingerprint, &sources[i].Source)}
		if sources[i].rules == r.applied {
			continue
		}
		if err := w.row(`SELECT count(*) FROM copies WHERE source_id = $1`, r.source.ID).Scan(&r.copies); err != nil {
			return nil, 0, err
		}
		total += r.copies
		list = append(list, r)
	}
	return list, total, nil
}

// Progress is told how much of a work is done.
type Progress func(done, total int)

// reapplyAll puts the entries of the sources into their categories, a batch a
// transaction. It says whether nobody has decided otherwise meanwhile.
func (db *DB) reapplyAll(ctx context.Context, now time.Time, rules *feeds.Rules, list []reapplied, report Progress) (bool, error) {
	done, total, undisturbed := 0, 0, true
	for i := range list {
		total += list[i].copies
	}
	for i := range list {
		r := &list[i]
		for last := []byte{}; last != nil; {
			err := db.moderate(ctx, now, func(w *writer) (err error) {
				// Whoever has other rules has taken over, and ours must not be written behind his.
				var stored string
				if err := w.row(`SELECT rules FROM sources WHERE id = $1`, r.source.ID).Scan(&stored); err != nil {
					return err
				}
				if stored != pendingRules+r.applied {
					undisturbed, last = false, nil
					return nil
				}
				n := 0
				last, n, err = w.reapply(rules, &r.source, last)
				if done += n; err != nil || last != nil {
					return err
				}
				rows, err := w.affect(`UPDATE sources SET rules = $1 WHERE id = $2 AND rules = $3`, r.applied, r.source.ID, pendingRules+r.applied)
				undisturbed = undisturbed && rows > 0
				return err
			})
			if err != nil {
				return false, fmt.Errorf("source %s: %w", r.source.Slug, err)
			}
			if report != nil {
				report(min(done, total), total)
			}
		}
	}
	return undisturbed, nil
}

// listsVersion changes when feeds.Rules puts the same entries into other lists.
const listsVersion = "3 "

func fingerprintOf(rules *feeds.Rules) (string, error) {
	b, err := json.Marshal(rules)
	return fmt.Sprintf("%x", hashOf(listsVersion+string(b))), err
}

// appliedRules names the rules and all of the source that they look at.
func appliedRules(fingerprint string, s *feeds.Source) string {
	return fmt.Sprintf("%x", hashOf(fmt.Sprintf("%s %q %q", fingerprint, s.Slug, s.Categories)))
}

// syncCategories makes the configured categories those of the rules.
func (w *writer) syncCategories(rules *feeds.Rules) error {
	const configured = `SELECT id FROM categories WHERE configured = 1 ORDER BY id`
	before, err := w.ids(configured)
	if err != nil {
		return err
	}
	if err := w.exec(`UPDATE categories SET configured = 0 WHERE configured = 1`); err != nil {
		return err
	}
	for i := range rules.Rules {
		if err := w.configured(rules.Rules[i].CategoryName); err != nil {
			return err
		}
	}
	after, err := w.ids(configured)
	if err != nil {
		return err
	}
	if !slices.Equal(before, after) { // an empty one is shown or not shown any more
		w.bump("")
	}
	return nil
}

// configured gives a category of the configuration its slug and title, also
// when a tag made the category before.
func (w *writer) configured(name feeds.CategoryName) error {
	fold := feeds.FoldTag(name.Title)
	var id int64
	var slug, title string
	err := w.row(`SELECT id, slug, title FROM categories WHERE fold = $1 OR slug = $2 ORDER BY fold = $1 DESC`,
		fold, name.Slug).Scan(&id, &slug, &title)
	if errors.Is(err, sql.ErrNoRows) {
		w.bump("")
		return w.exec(`INSERT INTO categories (slug, fold, title, configured) VALUES ($1, $2, $3, 1)`, name.Slug, fold, name.Title)
	}
	if err == nil {
		err = w.exec(`UPDATE categories SET configured = 1 WHERE id = $1`, id)
	}
	if err != nil || slug == name.Slug && title == name.Title {
		return err
	}
	w.bump("")
	w.bump("c " + slug)
	w.bump("c " + name.Slug)
	if err := w.exec(`UPDATE categories SET slug = slug || '-old-' || id WHERE slug = $1 AND id <> $2`, name.Slug, id); err != nil {
		return err
	}
	if err := w.exec(`UPDATE categories SET slug = $1, title = $2, fold = $3 WHERE id = $4`, name.Slug, name.Title, fold, id); err != nil {
		return err
	}
	// Every entry in it shows its name, and is found by it.
	return w.bumpLists(map[int64]bool{}, map[int64]bool{}, w.reword,
		`SELECT e.id, e.lists FROM category_entries ec JOIN entries e ON e.id = ec.entry_id WHERE ec.category_id = $1`, id)
}

// reapply puts some entries of the source, those behind last, into their categories
// anew. It returns the last of them, nil behind all, and how many they were.
func (w *writer) reapply(rules *feeds.Rules, s *feeds.Source, last []byte) ([]byte, int, error) {
	batch, err := w.batch(s.ID, last)
	if err != nil || len(batch) == 0 {
		return nil, 0, err
	}
	for i := range batch {
		c := &batch[i]
		last = c.guid
		c.body.Categories = rules.Lists(&c.body, s)
		categories, err := encodeCategories(&c.body)
		if err == nil {
			err = w.recategorize(categories, &copyRow{id: c.id, entry: c.entry})
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return last, len(batch), nil
}

type storedCopy struct {
	id, entry, sort int64
	guid            []byte // its hash
	body            feeds.Entry
}

func (w *writer) batch(source int64, after []byte) ([]storedCopy, error) {
	rows, err := w.query(`SELECT id, entry_id, sort, guid_hash, body FROM copies WHERE source_id = $1 AND guid_hash > $2
		ORDER BY guid_hash LIMIT $3`, source, after, rulesBatch)
	if err != nil {
		return nil, err
	}
	var list []storedCopy
	err = eachRow(rows, func() error {
		var c storedCopy
		var body []byte
		if err := rows.Scan(&c.id, &c.entry, &c.sort, &c.guid, &body); err != nil {
			return err
		}
		if err := decode(body, &c.body); err != nil {
			return fmt.Errorf("copy %d: %w", c.id, err)
		}
		list = append(list, c)
		return nil
	})
	return list, err
}
