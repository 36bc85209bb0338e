package storage

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"orrery/feeds"
)

// rulesBatch is how many copies are held in memory while their categories are
// decided anew.
const rulesBatch = 200

// syncRules stores the configured categories, and where the rules for a source
// differ from those that its entries were stored by, decides the categories of
// all of them again. fingerprint is that of the rules.
func (w *writer) syncRules(rules *feeds.Rules, fingerprint string) error {
	if err := w.syncCategories(rules); err != nil {
		return err
	}
	sources, err := w.storedSources()
	if err != nil {
		return err
	}
	for i := range sources {
		s := &sources[i].Source
		applied := appliedRules(fingerprint, s)
		if sources[i].rules == applied {
			continue
		}
		// A visit under way has decided by other rules: its lease ends here, and
		// the source is visited again.
		if err := w.exec(`UPDATE sources SET rules = $1, fence = fence + 1, lease = 0 WHERE id = $2`, applied, s.ID); err != nil {
			return err
		}
		if err := w.reapply(rules, s); err != nil {
			return fmt.Errorf("source %s: %w", s.Slug, err)
		}
	}
	return nil
}

func fingerprintOf(rules *feeds.Rules) (string, error) {
	b, err := json.Marshal(rules)
	return fmt.Sprintf("%x", hashOf(string(b))), err
}

// appliedRules names the rules and all of the source that they look at.
func appliedRules(fingerprint string, s *feeds.Source) string {
	return fmt.Sprintf("%x", hashOf(fmt.Sprintf("%s %q %q", fingerprint, s.Slug, s.Categories)))
}

// syncCategories makes the configured categories those of the rules.
func (w *writer) syncCategories(rules *feeds.Rules) error {
	const configured = `SELECT coalesce(group_concat(slug, ' '), '') FROM (SELECT slug FROM categories WHERE configured = 1 ORDER BY slug)`
	var before, after string
	if err := w.row(configured).Scan(&before); err != nil {
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
	if err := w.row(configured).Scan(&after); err != nil {
		return err
	}
	if before != after { // an empty one is shown or not shown any more
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
	// Every entry in it shows its name.
	return w.bumpQuery(`SELECT DISTINCT 'c ' || c.slug FROM entry_categories ec JOIN entry_categories other ON other.entry_id = ec.entry_id
		JOIN categories c ON c.id = other.category_id WHERE ec.category_id = $1
		UNION SELECT DISTINCT 's ' || s.slug FROM entry_categories ec JOIN entry_sources es ON es.entry_id = ec.entry_id
		JOIN sources s ON s.id = es.source_id WHERE ec.category_id = $1`, id)
}

// reapply puts the entries of the source into their categories anew.
func (w *writer) reapply(rules *feeds.Rules, s *feeds.Source) error {
	for last := []byte{}; ; {
		batch, err := w.batch(s.ID, last)
		if err != nil || len(batch) == 0 {
			return err
		}
		for i := range batch {
			c := &batch[i]
			last = c.guid
			c.body.Categories = rules.For(&c.body, s)
			categories, err := encodeCategories(&c.body)
			if err == nil {
				err = w.recategorize(categories, &copyRow{id: c.id, entry: c.entry})
			}
			if err != nil {
				return err
			}
		}
	}
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
		if err := json.Unmarshal(body, &c.body); err != nil {
			return fmt.Errorf("copy %d: %w", c.id, err)
		}
		list = append(list, c)
		return nil
	})
	return list, err
}
