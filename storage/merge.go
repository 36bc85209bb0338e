package storage

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

// links are the lists an entry stands in: the id of a category or source, and
// the scope of its version.
type links map[int64]string

// merge makes the entry what its copies say: which is shown, in which
// categories and under which sources it stands. It returns what happened for
// the outbox: new, revised, withdrawn, or "" for nothing a reader would see. What
// nobody would see raises no version either.
func (w *writer) merge(entry int64) (event string, err error) {
	var sort, shown int64
	var id string
	var hidden bool
	if err := w.row(`SELECT sort, public_id, copy_id, withdrawn FROM entries WHERE id = $1`, entry).
		Scan(&sort, &id, &shown, &hidden); err != nil {
		return "", err
	}
	copies, err := w.copies(entry)
	if err != nil {
		return "", err
	}
	sources, categories, err := w.lists(copies)
	if err != nil {
		return "", err
	}
	moved, err := w.relist(entry, sort, id, sources, categories)
	if err != nil {
		return "", err
	}
	switch {
	case len(copies) == 0 && hidden:
		return "", nil
	case len(copies) == 0:
		return "withdrawn", w.exec(`UPDATE entries SET withdrawn = 1, changed = max(changed, $1) WHERE id = $2`, micros(w.now), entry)
	case hidden:
		event = "new"
	case shown != copies[0].id, w.revised[copies[0].id]:
		event = "revised"
	case !moved && !w.rewritten[copies[0].id]:
		return "", nil
	}
	w.bump("")
	for _, scope := range joined(sources, categories) {
		w.bump(scope)
	}
	return event, w.exec(`UPDATE entries SET copy_id = $1, changed = max($2, sort), withdrawn = 0 WHERE id = $3`,
		copies[0].id, copies[0].changed, entry)
}

// copies returns the copies that make the entry, the one to show first: a local
// post before any remote copy (dedupe.md 14), then the first seen. When the owner
// of a folder has deleted the post, none is left: a feed that still lists it must
// not bring it back (markdown.md 8).
func (w *writer) copies(entry int64) ([]mergeCopy, error) {
	rows, err := w.query(`SELECT c.id, c.source_id, s.slug, c.local, c.first_seen, c.changed, length(c.body), c.categories, c.withdrawn
		FROM copies c JOIN sources s ON s.id = c.source_id WHERE c.entry_id = $1`, entry)
	if err != nil {
		return nil, err
	}
	var list []mergeCopy
	deleted := false
	err = eachRow(rows, func() error {
		var c mergeCopy
		var categories string
		var withdrawn bool
		if err := rows.Scan(&c.id, &c.source, &c.slug, &c.local, &c.firstSeen, &c.changed, &c.bytes, &categories, &withdrawn); err != nil {
			return err
		}
		if withdrawn {
			deleted = deleted || c.local
			return nil
		}
		list = append(list, c)
		if err := json.Unmarshal([]byte(categories), &list[len(list)-1].categories); err != nil {
			return fmt.Errorf("copy %d: %w", c.id, err)
		}
		return nil
	})
	slices.SortFunc(list, func(a, b mergeCopy) int {
		if a.local != b.local {
			if a.local {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.firstSeen, b.firstSeen), cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.slug, b.slug), cmp.Compare(a.id, b.id))
	})
	if deleted && len(list) > 0 && !list[0].local {
		list = nil
	}
	return list, err
}

// lists are the sources and categories that the copies put their entry under.
func (w *writer) lists(copies []mergeCopy) (sources, categories links, err error) {
	sources, categories = links{}, links{}
	for _, c := range copies {
		sources[c.source] = "s " + c.slug
		for _, name := range c.categories {
			id, slug, err := w.category(name)
			if err != nil {
				return nil, nil, fmt.Errorf("category %s: %w", name.Title, err)
			}
			categories[id] = "c " + slug
		}
	}
	return sources, categories, nil
}

// relist puts the entry into these lists and no others. It says whether that
// changed anything, and then raises the versions of all it stood in before: what
// an entry shows of itself names its categories and sources.
func (w *writer) relist(entry, sort int64, id string, sources, categories links) (moved bool, err error) {
	oldSources, err := w.links(`SELECT es.source_id, 's ' || s.slug FROM entry_sources es JOIN sources s ON s.id = es.source_id
		WHERE es.entry_id = $1`, entry)
	if err != nil {
		return false, err
	}
	oldCategories, err := w.links(`SELECT ec.category_id, 'c ' || c.slug FROM entry_categories ec JOIN categories c ON c.id = ec.category_id
		WHERE ec.entry_id = $1`, entry)
	if err != nil {
		return false, err
	}
	if maps.Equal(oldSources, sources) && maps.Equal(oldCategories, categories) {
		return false, nil
	}
	w.bump("")
	for _, scope := range joined(oldSources, oldCategories) {
		w.bump(scope)
	}
	w.addLinks(inSource, sources, oldSources, sort, id, entry)
	w.addLinks(inCategory, categories, oldCategories, sort, id, entry)
	return true, errors.Join(
		w.unlink(`DELETE FROM entry_sources WHERE source_id = $1 AND sort = $2 AND public_id = $3`, oldSources, sources, sort, id),
		w.unlink(`DELETE FROM entry_categories WHERE category_id = $1 AND sort = $2 AND public_id = $3`, oldCategories, categories, sort, id))
}

func (w *writer) links(query string, entry int64) (links, error) {
	rows, err := w.query(query, entry)
	if err != nil {
		return nil, err
	}
	l := links{}
	err = eachRow(rows, func() error {
		var id int64
		var scope string
		err := rows.Scan(&id, &scope)
		l[id] = scope
		return err
	})
	return l, err
}

// unlink takes the entry out of those of the old lists that are none any more.
func (w *writer) unlink(remove string, old, now links, sort int64, id string) error {
	for _, k := range slices.Sorted(maps.Keys(old)) {
		if _, ok := now[k]; !ok {
			if err := w.exec(remove, k, sort, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// addLinks puts the entry into those of the lists that it was not in.
func (w *writer) addLinks(to *insertion, now, old links, sort int64, id string, entry int64) {
	for _, k := range slices.Sorted(maps.Keys(now)) {
		if _, ok := old[k]; !ok {
			w.add(to, k, sort, id, entry)
		}
	}
}

// joined are the scopes of both.
func joined(a, b links) []string {
	return slices.AppendSeq(slices.Collect(maps.Values(a)), maps.Values(b))
}

// category finds or makes the category; titles that only differ in case, spaces,
// hyphens or diacritics are one, and keep the slug they were first given.
func (w *writer) category(name feeds.CategoryName) (id int64, slug string, err error) {
	if c, ok := w.categories[name.Title]; ok {
		return c.id, c.slug, nil
	}
	if id, slug, err = w.findCategory(name, feeds.FoldTag(name.Title)); err == nil {
		w.categories[name.Title] = categoryRow{id, slug}
	}
	return id, slug, err
}

type categoryRow struct {
	id   int64
	slug string
}

func (w *writer) findCategory(name feeds.CategoryName, fold string) (id int64, slug string, err error) {
	err = w.row(`SELECT id, slug FROM categories WHERE fold = $1`, fold).Scan(&id, &slug)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, slug, err
	}
	for n := 1; ; n++ { // C, C++ and C# have one slug
		slug = name.Slug
		if n > 1 {
			slug = fmt.Sprintf("%s-%d", name.Slug, n)
		}
		err = w.row(`INSERT INTO categories (slug, fold, title) VALUES ($1, $2, $3)
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
	rows, err := w.query(query, args...)
	if err != nil {
		return err
	}
	return eachRow(rows, func() error {
		var scope string
		err := rows.Scan(&scope)
		w.bump(scope)
		return err
	})
}
