package storage

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"orrery/feeds"
)

// mergeCopy is what deciding between the copies of a post needs.
type mergeCopy struct {
	id, source            int64
	slug                  string
	local                 bool
	rank, secure          int
	sort, changed, length int64
	hash                  string
	categories            []feeds.CategoryName
}

// mergeEntry is what deciding needs of the entry.
type mergeEntry struct {
	id                        string
	sort, shown, held, merged int64
	withdrawn, hidden         bool
	lists                     string
}

// gone is what happened to an entry that is not kept any longer, of which nobody hears.
const gone = "gone"

// merge makes the entry what its copies say: which is shown, where in time, in which
// categories and under which sources it stands. It returns what happened for
// the outbox: new, revised, withdrawn, relisted, or "" for nothing a reader would see.
// What nobody would see raises no version either.
func (w *writer) merge(entry int64) (event string, sort int64, err error) {
	var e mergeEntry
	if err := w.row(`SELECT sort, public_id, copy_id, withdrawn, hidden <> 0, held, merged, lists FROM entries WHERE id = $1`, entry).
		Scan(&e.sort, &e.id, &e.shown, &e.withdrawn, &e.hidden, &e.held, &e.merged, &e.lists); err != nil {
		return "", 0, err
	}
	w.left, w.resorted = nil, false
	copies, purged, err := w.copies(entry)
	if err != nil {
		return "", 0, err
	}
	// A folder belongs to its owner, and what a source that floods has of others does not
	// hide theirs.
	held := e.held != 0 && !slices.ContainsFunc(copies, func(c mergeCopy) bool { return c.local || c.source != copies[0].source })
	if e.hidden || held || e.merged != 0 {
		copies = nil
	}
	sort = e.sort
	if len(copies) > 0 {
		sort = copies[0].sort
	}
	sources, categories, err := w.lists(copies)
	if err != nil {
		return "", 0, err
	}
	moved, err := w.relist(entry, &e, sort, sources, categories)
	if err != nil {
		return "", 0, err
	}
	if moved {
		w.reword(entry)
	}
	switch {
	case len(copies) == 0 && e.withdrawn:
		return "", 0, nil
	case len(copies) == 0:
		if event = "withdrawn"; purged {
			event = gone // it has grown old, and nobody took it back
		} else if e.merged == 0 { // else it is elsewhere, perhaps under the same atom:id
			if err := w.bury(entry); err != nil {
				return "", 0, err
			}
		}
		return event, 0, w.exec(`UPDATE entries SET withdrawn = 1, lists = '', changed = max(changed, $1) WHERE id = $2`, micros(w.now), entry)
	case e.withdrawn:
		event = "new"
		if err := w.exhume(entry); err != nil {
			return "", 0, err
		}
		w.enter(planetList, entry, sort)
	case w.revised[copies[0].id]:
		event = "revised"
	case e.shown != copies[0].id:
		if event, err = w.shownAnew(e.shown, &copies[0]); err != nil {
			return "", 0, err
		}
	case !moved && !w.rewritten[copies[0].id]:
		return "", 0, nil
	}
	if event == "" && w.resorted {
		event = relisted
	}
	w.reword(entry)
	w.bump("")
	for _, scope := range joined(sources, categories) {
		w.bump(scope)
	}
	return event, sort, w.exec(`UPDATE entries SET copy_id = $1, sort = $2, changed = max($3, $2), withdrawn = 0, held = 0, lists = $4 WHERE id = $5`,
		copies[0].id, sort, copies[0].changed, standingIn(sources, categories).text(), entry)
}

// shownAnew says whether the world is to hear that another copy is shown: if it says
// something else, of a post that is news.
func (w *writer) shownAnew(before int64, now *mergeCopy) (event string, err error) {
	if w.quiet || now.sort < micros(w.now.Add(-recent)) {
		return "", nil
	}
	var hash string
	if err := w.row(`SELECT coalesce(max(hash), '') FROM copies WHERE id = $1`, before).Scan(&hash); err != nil || hash == now.hash {
		return "", err
	}
	return "revised", nil
}

// copies returns the copies that make the entry, the one to show first: a local
// post before any remote copy (dedupe.md 14), then what its author's own site has,
// the earliest, the longest, what comes over TLS (dedupe.md 13). Longer is twice as
// long, or two that are edited in turn would be shown in turn. When the owner
// of a folder has deleted the post, none is left: a feed that still lists it must
// not bring it back (markdown.md 8). purged says that some are too old to keep.
func (w *writer) copies(entry int64) (list []mergeCopy, purged bool, err error) {
	rows, err := w.query(`SELECT c.id, c.source_id, s.slug, c.local, c.rank, c.secure, c.sort, c.changed, c.length, c.hash, c.categories, c.withdrawn, c.purged
		FROM copies c JOIN sources s ON s.id = c.source_id WHERE c.entry_id = $1`, entry)
	if err != nil {
		return nil, false, err
	}
	deleted := false
	err = eachRow(rows, func() error {
		var c mergeCopy
		var categories string
		var withdrawn, old bool
		if err := rows.Scan(&c.id, &c.source, &c.slug, &c.local, &c.rank, &c.secure, &c.sort, &c.changed, &c.length, &c.hash, &categories, &withdrawn, &old); err != nil {
			return err
		}
		purged = purged || old
		if withdrawn || old {
			deleted = deleted || c.local && withdrawn
			return nil
		}
		list = append(list, c)
		if err := decode([]byte(categories), &list[len(list)-1].categories); err != nil {
			return fmt.Errorf("copy %d: %w", c.id, err)
		}
		return nil
	})
	slices.SortFunc(list, func(a, b mergeCopy) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.sort, b.sort), cmp.Compare(bits.Len64(uint64(b.length)), bits.Len64(uint64(a.length))),
			cmp.Compare(b.secure, a.secure), cmp.Compare(a.slug, b.slug), cmp.Compare(a.id, b.id))
	})
	if deleted && len(list) > 0 && !list[0].local {
		list = nil
	}
	return list, purged, err
}

// relist puts the entry into these lists and no others; its row the caller writes. It says whether that
// changed anything, and then raises the versions of all it stood in before: what
// an entry shows of itself names its categories and sources.
func (w *writer) relist(entry int64, e *mergeEntry, sort int64, sources, categories links) (moved bool, err error) {
	old, err := parseStanding(e.lists)
	if err != nil {
		return false, err
	}
	oldSources, err := w.links(sourceScopes, old.sources, sources)
	if err != nil {
		return false, err
	}
	oldCategories, err := w.links(categoryScopes, old.categories, categories)
	if err != nil {
		return false, err
	}
	if maps.Equal(oldSources, sources) && maps.Equal(oldCategories, categories) && (sort == e.sort || len(sources) == 0) {
		return false, nil
	}
	w.resorted = !maps.Equal(oldCategories, categories)
	w.bump("")
	for _, scope := range joined(oldSources, oldCategories) {
		w.bump(scope)
	}
	w.count(oldSources, oldCategories, e.sort, -1)
	w.count(sources, categories, sort, 1)
	w.enterLists(sources, oldSources, entry, sort)
	w.enterLists(categories, oldCategories, entry, sort)
	if len(sources) == 0 {
		w.left = slices.Concat([]string{planetList}, oldSources.names(), oldCategories.names())
	}
	keptSources, keptCategories := sources, categories
	if sort != e.sort { // it stands somewhere else in all of them
		keptSources, keptCategories = nil, nil
	}
	err = errors.Join(
		w.unlink(`DELETE FROM source_entries WHERE source_id = $1 AND sort = $2 AND public_id = $3`, oldSources, keptSources, e.sort, e.id),
		w.unlink(`DELETE FROM category_entries WHERE category_id = $1 AND sort = $2 AND public_id = $3`, oldCategories, keptCategories, e.sort, e.id))
	if sort != e.sort {
		oldSources, oldCategories = nil, nil
	}
	w.addLinks(inSource, sources, oldSources, sort, e.id, entry)
	w.addLinks(inCategory, categories, oldCategories, sort, e.id, entry)
	return true, err
}

// category finds or makes the category; titles that only differ in case, spaces,
// hyphens or diacritics are one, and keep the slug they were first given.
func (w *writer) category(name feeds.CategoryName) (id int64, slug string, err error) {
	if c, ok := w.categories[name]; ok {
		return c.id, c.slug, nil
	}
	if id, slug, err = w.findCategory(name, name.Fold()); err == nil {
		w.categories[name] = categoryRow{id, slug}
	}
	return id, slug, err
}

type categoryRow struct {
	id   int64
	slug string
}

// slugsInOrder is how many categories of one slug are told apart by numbers.
const slugsInOrder = 9

func (w *writer) findCategory(name feeds.CategoryName, fold string) (id int64, slug string, err error) {
	err = w.row(`SELECT id, slug FROM categories WHERE fold = $1`, fold).Scan(&id, &slug)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, slug, err
	}
	for n := 1; ; n++ { // C, C++ and C# have one slug
		switch slug = name.Slug; {
		case n > slugsInOrder: // thousands of titles, which somebody may make, are not tried one by one
			slug = fmt.Sprintf("%s-%x", name.Slug, hashOf(fmt.Sprint(fold, n))[:5])
		case n > 1:
			slug = fmt.Sprintf("%s-%d", name.Slug, n)
		}
		err = w.row(`INSERT INTO categories (slug, fold, title) VALUES ($1, $2, $3)
			ON CONFLICT (slug) DO NOTHING RETURNING id`, slug, fold, name.Title).Scan(&id)
		if !errors.Is(err, sql.ErrNoRows) {
			return id, slug, err
		}
	}
}
