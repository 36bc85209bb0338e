package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"

	"orrery/feeds"
)

const (
	// maxHits is how many entries a search looks at: the newest of those in which all is
	// that is looked for; and of maxTitleHits others that have it over them.
	maxHits, maxTitleHits = 2000, 500
	// titleWeight is how much more a word over an entry says than one in it.
	titleWeight = 8
	// worthHalf is the age in microseconds at which an entry is worth half of what it
	// would be if it were the newest.
	worthHalf = 2 * 365 * 24 * 3600 * 1e6
)

// question is what an index is asked for.
type question struct {
	feeds.Search
	lists []string // words of the lists in which an entry must stand
	month feeds.Month
}

// hit is an entry that was found.
type hit struct {
	id, sort  int64   // an index that has places names it later
	place     int64   // in the index, if that has places
	relevance float64 // greater than 0; compared with those of the same question only
}

// foundTexts are what an index has found, which it keeps as it is until they are closed.
type foundTexts struct {
	hits []hit
	// named gives hits their ids; nil: they have them. One without an id is none any more.
	named func(ctx context.Context, some []hit) error
	close func()
}

// first are the ids of the next hits, at most n, which it takes out.
func (f *foundTexts) first(ctx context.Context, n int) ([]int64, error) {
	some := f.hits[:min(n, len(f.hits))]
	f.hits = f.hits[len(some):]
	if f.named != nil {
		if err := f.named(ctx, some); err != nil {
			return nil, err
		}
	}
	ids := make([]int64, len(some))
	for i := range some {
		ids[i] = some[i].id
	}
	return ids, nil
}

// worth orders hits. What is newer is worth more, by its age at the time of the newest
// entry of the planet rather than by a clock: the same planet answers the same.
func (h hit) worth(newest int64) float64 {
	return h.relevance / (1 + float64(max(0, newest-h.sort))/worthHalf)
}

// search finds the entries that the query looks for, the best or the newest first.
func (db *DB) search(ctx context.Context, q feeds.Query) (foundTexts, error) {
	ask := question{Search: feeds.ParseSearch(q.Text), month: q.Month}
	nothing := foundTexts{close: func() {}}
	if ask.Empty() {
		return nothing, nil
	}
	there, err := db.askLists(ctx, q, &ask)
	if err != nil || !there {
		return nothing, err
	}
	found, err := db.index.find(ctx, ask)
	if err != nil {
		return nothing, err
	}
	var newest int64
	err = db.read.QueryRowContext(ctx, `SELECT sort FROM entries WHERE withdrawn = 0 ORDER BY sort DESC, public_id LIMIT 1`).Scan(&newest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		found.close()
		return nothing, err
	}
	slices.SortFunc(found.hits, func(a, b hit) int {
		better := cmp.Compare(b.worth(newest), a.worth(newest))
		if q.Newest {
			better = 0
		}
		return cmp.Or(better, cmp.Compare(b.sort, a.sort), cmp.Compare(a.place, b.place), cmp.Compare(a.id, b.id))
	})
	return found, nil
}

// askLists adds the lists of the query to the question. If one is not there, nothing is
// in it.
func (db *DB) askLists(ctx context.Context, q feeds.Query, ask *question) (there bool, err error) {
	word := func(query, slug string, word func(id int64) string) error {
		var id int64
		err := db.read.QueryRowContext(ctx, query, slug).Scan(&id)
		ask.lists = append(ask.lists, word(id))
		return err
	}
	for _, slug := range q.Lists() {
		err = cmp.Or(err, word(`SELECT id FROM categories WHERE slug = $1`, slug, categoryWord))
	}
	if q.Source != "" {
		err = cmp.Or(err, word(`SELECT id FROM sources WHERE slug = $1`, q.Source, sourceWord))
	}
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// selectFound is what else the query wants of the entries, in their order.
func selectFound(ctx context.Context, tx *sql.Tx, q feeds.Query, best foundTexts) (selection, error) {
	if q.Archive > 0 || q.Open || q.ByArrival || q.After != nil {
		return selection{}, errors.New("what is looked for is ordered by how well it was found")
	}
	limit := q.Limit
	if limit <= 0 {
		limit = math.MaxInt
	}
	var found selection
	for len(best.hits) > 0 && len(found.list) < limit {
		ids, err := best.first(ctx, min(knownBatch, max(limit-len(found.list), 20))) // a text is long, and few are wanted
		if err != nil {
			return selection{}, err
		}
		at := positions(ids)
		some, err := selectAmong(ctx, tx, q, ids)
		if err != nil {
			return selection{}, err
		}
		some.sort(func(i, j int) int { return cmp.Compare(at[some.ids[i]], at[some.ids[j]]) })
		found = found.with(some)
	}
	n := min(limit, len(found.list))
	return selection{found.list[:n], found.ids[:n], found.primary[:n], found.lists[:n]}, nil
}

// expression writes a question in the language of an engine.
type expression struct {
	phrase       func(p feeds.Phrase) string
	and, or, not string
	list         func(word string) string
}

// write says that all of the phrases and lists must be there, and none of the others.
func (x *expression) write(ask *question, lists bool) string {
	all := x.phrases(ask.All)
	if lists {
		for _, l := range ask.lists {
			all = append(all, x.list(l))
		}
	}
	text := "(" + strings.Join(all, x.and) + ")"
	if len(ask.None) > 0 {
		text += x.not + x.any(ask.None)
	}
	return text
}

// any says that one of the phrases must be there.
func (x *expression) any(list []feeds.Phrase) string {
	return "(" + strings.Join(x.phrases(list), x.or) + ")"
}

func (x *expression) phrases(list []feeds.Phrase) (out []string) {
	for _, p := range list {
		out = append(out, x.phrase(p))
	}
	return out
}
