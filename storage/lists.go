package storage

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"orrery/feeds"
)

// standing are the lists an entry stands in: the ids of its sources and of its categories
// and other lists, in order. It is read with the entry, from entries.lists;
// source_entries and category_entries are asked by list alone.
type standing struct{ sources, categories []int64 }

// text is how a standing is stored: s4 c3 c17.
func (s standing) text() string {
	var b []byte
	for _, l := range []struct {
		sign byte
		ids  []int64
	}{{'s', s.sources}, {'c', s.categories}} {
		for _, id := range l.ids {
			if len(b) > 0 {
				b = append(b, ' ')
			}
			b = strconv.AppendInt(append(b, l.sign), id, 10)
		}
	}
	return string(b)
}

func parseStanding(text string) (s standing, err error) {
	for word := range strings.FieldsSeq(text) {
		id, err := strconv.ParseInt(word[1:], 10, 64)
		switch {
		case err == nil && word[0] == 's':
			s.sources = append(s.sources, id)
		case err == nil && word[0] == 'c':
			s.categories = append(s.categories, id)
		default:
			return standing{}, fmt.Errorf("%q is no list of an entry", word)
		}
	}
	return s, nil
}

// standingIn is that of an entry in these lists.
func standingIn(sources, categories links) standing {
	return standing{slices.Sorted(maps.Keys(sources)), slices.Sorted(maps.Keys(categories))}
}

// eachCategory calls f for each category of each of the entries, whose standings these are,
// in the order of the slugs.
func eachCategory(ctx context.Context, tx *sql.Tx, all []standing, f func(i int, id int64, c feeds.CategoryName)) error {
	in := map[int64][]int{} // which entries stand there
	for i := range all {
		for _, id := range all[i].categories {
			in[id] = append(in[id], i)
		}
	}
	type named struct {
		id int64
		feeds.CategoryName
	}
	var list []named
	err := eachIn(ctx, tx, `SELECT id, slug, title FROM categories WHERE id IN (?)`, slices.Sorted(maps.Keys(in)), func(rows *sql.Rows) error {
		var c named
		err := rows.Scan(&c.id, &c.Slug, &c.Title)
		list = append(list, c)
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b named) int { return cmp.Compare(a.Slug, b.Slug) })
	for _, c := range list {
		for _, i := range in[c.id] {
			f(i, c.id, c.CategoryName)
		}
	}
	return nil
}

// links are the lists an entry stands in: the id of a category or source, and
// the scope of its version.
type links map[int64]string

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

const (
	sourceScopes   = `SELECT id, 's ' || slug FROM sources WHERE id IN `
	categoryScopes = `SELECT id, 'c ' || slug FROM categories WHERE id IN `
)

// links are the lists with the ids, of which some are known; of the others scopes asks.
func (w *writer) links(scopes string, ids []int64, known links) (links, error) {
	l := make(links, len(ids))
	var rest []any
	for _, id := range ids {
		if scope, ok := known[id]; ok {
			l[id] = scope
		} else {
			rest = append(rest, id)
		}
	}
	return l, w.each(scopes, nil, rest, func(rows *sql.Rows) error {
		var id int64
		var scope string
		err := rows.Scan(&id, &scope)
		l[id] = scope
		return err
	})
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

// bumpSource raises the version of every list that shows the source's name.
func (w *writer) bumpSource(source int64) error {
	w.bump("")
	return w.bumpLists(map[int64]bool{source: true}, map[int64]bool{}, nil,
		`SELECT e.id, e.lists FROM source_entries es JOIN entries e ON e.id = es.entry_id WHERE es.source_id = $1`, source)
}

// bumpLists raises the versions of these lists, and of all in which the entries stand that
// the query asks for; each, unless it is nil, is called for each of them.
func (w *writer) bumpLists(sources, categories map[int64]bool, each func(entry int64), query string, args ...any) error {
	rows, err := w.query(query, args...)
	if err != nil {
		return err
	}
	if err := eachRow(rows, func() error {
		var entry int64
		var lists string
		if err := rows.Scan(&entry, &lists); err != nil {
			return err
		}
		s, err := parseStanding(lists)
		for _, id := range s.sources {
			sources[id] = true
		}
		for _, id := range s.categories {
			categories[id] = true
		}
		if each != nil {
			each(entry)
		}
		return err
	}); err != nil {
		return err
	}
	for scopes, ids := range map[string]map[int64]bool{sourceScopes: sources, categoryScopes: categories} {
		l, err := w.links(scopes, slices.Sorted(maps.Keys(ids)), nil)
		if err != nil {
			return err
		}
		for _, scope := range l {
			w.bump(scope)
		}
	}
	return nil
}
