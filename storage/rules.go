package storage

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"orrery/feeds"
)

// rulesBatch is how many copies are held in memory while their categories are
// decided anew.
const rulesBatch = 200

// syncRules stores the configured categories, and where the rules differ from
// those that stored the entries, decides every entry's categories again.
func (w *writer) syncRules(rules *feeds.Rules) error {
	if err := w.exec(`UPDATE categories SET configured = 0`); err != nil {
		return err
	}
	for i := range rules.Rules {
		if err := w.configured(rules.Rules[i].CategoryName); err != nil {
			return err
		}
	}
	sources, err := w.storedSources()
	if err != nil {
		return err
	}
	fingerprint, err := fingerprintOf(rules, sources)
	if err != nil {
		return err
	}
	var before string
	err = w.tx.QueryRowContext(w.ctx, `SELECT value FROM meta WHERE name = 'rules'`).Scan(&before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if before == fingerprint {
		return nil
	}
	if err := w.exec(`INSERT INTO meta (name, value) VALUES ('rules', $1)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, fingerprint); err != nil {
		return err
	}
	w.bump("")
	return w.reapply(rules, sources)
}

func fingerprintOf(rules *feeds.Rules, sources []feeds.Source) (string, error) {
	type part struct {
		Slug       string
		Categories []feeds.CategoryName
	}
	parts := make([]part, len(sources))
	for i := range sources {
		parts[i] = part{sources[i].Slug, sources[i].Categories}
	}
	b, err := json.Marshal(struct {
		Rules   *feeds.Rules
		Sources []part
	}{rules, parts})
	return fmt.Sprintf("%x", hashOf(string(b))), err
}

// configured gives a category of the configuration its slug and title, also
// when a tag made the category before.
func (w *writer) configured(name feeds.CategoryName) error {
	fold := feeds.FoldTag(name.Title)
	var id int64
	var slug, title string
	err := w.tx.QueryRowContext(w.ctx, `SELECT id, slug, title FROM categories WHERE fold = $1 OR slug = $2 ORDER BY fold = $1 DESC`,
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

func (w *writer) reapply(rules *feeds.Rules, sources []feeds.Source) error {
	byID := make(map[int64]*feeds.Source, len(sources))
	for i := range sources {
		byID[sources[i].ID] = &sources[i]
	}
	for last := int64(0); ; {
		batch, err := w.batch(last)
		if err != nil || len(batch) == 0 {
			return err
		}
		for i := range batch {
			c := &batch[i]
			last = c.id
			c.body.Categories = rules.For(&c.body, cmp.Or(byID[c.source], &feeds.Source{}))
			if err := w.recategorize(&c.body, &copyRow{id: c.id, entry: c.entry}); err != nil {
				return err
			}
		}
	}
}

type storedCopy struct {
	id, entry, source int64
	body              feeds.Entry
}

func (w *writer) batch(after int64) ([]storedCopy, error) {
	rows, err := w.tx.QueryContext(w.ctx, `SELECT id, entry_id, source_id, body FROM copies WHERE id > $1 ORDER BY id LIMIT $2`, after, rulesBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []storedCopy
	for rows.Next() {
		var c storedCopy
		var body string
		if err := rows.Scan(&c.id, &c.entry, &c.source, &body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(body), &c.body); err != nil {
			return nil, fmt.Errorf("copy %d: %w", c.id, err)
		}
		list = append(list, c)
	}
	return list, rows.Err()
}
