package storage

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"orrery/feeds"
)

// mergeCopy is what deciding between the copies of a post needs.
type mergeCopy struct {
	id, source                int64
	slug                      string
	local                     bool
	firstSeen, changed, bytes int64
	categories                []feeds.CategoryName
}

// merge makes the entry what its copies say: which is shown, in which
// categories and under which sources it stands. It returns what happened for
// the outbox: new, revised, withdrawn, or "" for nothing a reader would see.
func (w *writer) merge(entry int64) (event string, err error) {
	var sort, shown int64
	var id string
	var hidden bool
	if err := w.tx.QueryRowContext(w.ctx, `SELECT sort, public_id, copy_id, withdrawn FROM entries WHERE id = $1`, entry).
		Scan(&sort, &id, &shown, &hidden); err != nil {
		return "", err
	}
	copies, err := w.copies(entry)
	if err != nil {
		return "", err
	}
	if err := w.unlist(entry); err != nil {
		return "", err
	}
	w.bump("")
	if len(copies) == 0 {
		if hidden {
			return "", nil
		}
		return "withdrawn", w.exec(`UPDATE entries SET withdrawn = 1, changed = max(changed, $1) WHERE id = $2`, micros(w.now), entry)
	}
	switch {
	case hidden:
		event = "new"
	case w.touched[entry], shown != copies[0].id:
		event = "revised"
	}
	if err := w.exec(`UPDATE entries SET copy_id = $1, changed = max($2, sort), withdrawn = 0 WHERE id = $3`,
		copies[0].id, copies[0].changed, entry); err != nil {
		return "", err
	}
	return event, w.list(entry, sort, id, copies)
}

// copies returns the copies that make the entry, the one to show first: a local
// post before any remote copy (dedupe.md 14), then the first seen. When the owner
// of a folder has deleted the post, none is left: a feed that still lists it must
// not bring it back (markdown.md 8).
func (w *writer) copies(entry int64) ([]mergeCopy, error) {
	rows, err := w.tx.QueryContext(w.ctx, `SELECT c.id, c.source_id, s.slug, c.local, c.first_seen, c.changed, length(c.body), c.categories, c.withdrawn
		FROM copies c JOIN sources s ON s.id = c.source_id WHERE c.entry_id = $1`, entry)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []mergeCopy
	deleted := false
	for rows.Next() {
		var c mergeCopy
		var categories string
		var withdrawn bool
		if err := rows.Scan(&c.id, &c.source, &c.slug, &c.local, &c.firstSeen, &c.changed, &c.bytes, &categories, &withdrawn); err != nil {
			return nil, err
		}
		if withdrawn {
			deleted = deleted || c.local
			continue
		}
		if err := json.Unmarshal([]byte(categories), &c.categories); err != nil {
			return nil, fmt.Errorf("copy %d: %w", c.id, err)
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b mergeCopy) int {
		if a.local != b.local {
			if a.local {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.firstSeen, b.firstSeen), cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.slug, b.slug))
	})
	if deleted && len(list) > 0 && !list[0].local {
		list = nil
	}
	return list, rows.Err()
}

// unlist takes the entry out of all lists and raises their versions.
func (w *writer) unlist(entry int64) error {
	if err := w.bumpQuery(`SELECT 'c ' || c.slug FROM entry_categories ec JOIN categories c ON c.id = ec.category_id WHERE ec.entry_id = $1
		UNION SELECT 's ' || s.slug FROM entry_sources es JOIN sources s ON s.id = es.source_id WHERE es.entry_id = $1`, entry); err != nil {
		return err
	}
	return errors.Join(w.exec(`DELETE FROM entry_categories WHERE entry_id = $1`, entry),
		w.exec(`DELETE FROM entry_sources WHERE entry_id = $1`, entry))
}

func (w *writer) list(entry, sort int64, id string, copies []mergeCopy) error {
	for _, c := range copies {
		if err := w.exec(`INSERT INTO entry_sources (source_id, sort, public_id, entry_id) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING`, c.source, sort, id, entry); err != nil {
			return err
		}
		w.bump("s " + c.slug)
		for _, name := range c.categories {
			category, slug, err := w.category(name)
			if err != nil {
				return fmt.Errorf("category %s: %w", name.Title, err)
			}
			if err := w.exec(`INSERT INTO entry_categories (category_id, sort, public_id, entry_id) VALUES ($1, $2, $3, $4)
				ON CONFLICT DO NOTHING`, category, sort, id, entry); err != nil {
				return err
			}
			w.bump("c " + slug)
		}
	}
	return nil
}

// category finds or makes the category; titles that only differ in case, spaces,
// hyphens or diacritics are one, and keep the slug they were first given.
func (w *writer) category(name feeds.CategoryName) (id int64, slug string, err error) {
	fold := feeds.FoldTag(name.Title)
	err = w.tx.QueryRowContext(w.ctx, `SELECT id, slug FROM categories WHERE fold = $1`, fold).Scan(&id, &slug)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, slug, err
	}
	for n := 1; ; n++ { // C, C++ and C# have one slug
		slug = name.Slug
		if n > 1 {
			slug = fmt.Sprintf("%s-%d", name.Slug, n)
		}
		err = w.tx.QueryRowContext(w.ctx, `INSERT INTO categories (slug, fold, title) VALUES ($1, $2, $3)
			ON CONFLICT (slug) DO NOTHING RETURNING id`, slug, fold, name.Title).Scan(&id)
		if !errors.Is(err, sql.ErrNoRows) {
			return id, slug, err
		}
	}
}

// bumpSource raises the version of every list that shows the source's name.
func (w *writer) bumpSource(source int64) error {
	w.bump("")
	return w.bumpQuery(`SELECT 's ' || slug FROM sources WHERE id = $1
		UNION SELECT DISTINCT 'c ' || c.slug FROM entry_sources es JOIN entry_categories ec ON ec.entry_id = es.entry_id
			JOIN categories c ON c.id = ec.category_id WHERE es.source_id = $1
		UNION SELECT DISTINCT 's ' || s.slug FROM entry_sources es JOIN entry_sources other ON other.entry_id = es.entry_id
			JOIN sources s ON s.id = other.source_id WHERE es.source_id = $1`, source)
}

func (w *writer) bumpQuery(query string, args ...any) error {
	rows, err := w.tx.QueryContext(w.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var scope string
		if err := rows.Scan(&scope); err != nil {
			return err
		}
		w.bump(scope)
	}
	return rows.Err()
}
