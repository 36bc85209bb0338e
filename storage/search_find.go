package storage

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"orrery/feeds"
)

const (
	// mostWeighed is how many entries may have one of the words that are looked for, all
	// together, for the engine to weigh what it finds: it looks at each of them, whatever
	// else is asked. What is said in so many says little.
	mostWeighed = 20_000
	// findTime is how long an engine may look: what it has found until then, which is the
	// newest, is the answer. So much takes a phrase of the commonest words that there are.
	findTime = 2 * time.Second
)

var fileExpression = &expression{and: " AND ", or: " OR ", not: " NOT ",
	phrase: func(p feeds.Phrase) string {
		text := `"` + strings.Join(p.Words, " ") + `"`
		if p.GoesOn {
			text += " *"
		}
		return text
	},
	list: func(word string) string { return `"` + word + `"` },
}

func (f *fileIndex) find(ctx context.Context, ask question) (foundTexts, error) {
	nothing := foundTexts{close: func() {}}
	o, err := f.get()
	if err != nil || o == nil {
		return nothing, err
	}
	tx, err := o.read.BeginTx(ctx, nil)
	if err == nil {
		var hits []hit
		if err = checkVersion(ctx, tx); err == nil {
			hits, err = (&lookup{ctx: ctx, tx: tx, ask: &ask, patience: f.patience}).find()
		}
		end := func() { _ = tx.Rollback() } // it was only read
		if err == nil {
			named := func(ctx context.Context, some []hit) error { return f.bear(ctx, o, nameHits(ctx, tx, some)) }
			return foundTexts{hits, named, end}, nil
		}
		end()
	}
	return nothing, f.bear(ctx, o, err)
}

// bear returns the error unless it is that of an index which is of no use: in that nothing
// is found, and whoever indexes, here or elsewhere, makes it anew when he sees that it is
// nobody's.
func (f *fileIndex) bear(ctx context.Context, o *openIndex, err error) error {
	if errors.Is(err, errNoIndex) {
		return nil
	}
	if isUseless(err) {
		f.discredit(o)
		_, err = f.db.write.ExecContext(ctx, `DELETE FROM meta WHERE name = $1`, metaSearch)
		f.db.nudge()
	}
	return err
}

// nameHits gives the hits the ids of the entries at their places. There are many hits, and
// few are wanted.
func nameHits(ctx context.Context, tx *sql.Tx, hits []hit) error {
	places := make([]int64, len(hits))
	for i := range hits {
		places[i] = hits[i].place
	}
	at, some := positions(places), anys(padded(places))
	if len(some) == 0 {
		return nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT place, entry_id FROM places WHERE place IN (`+marks(1, len(some))+`)`, some...)
	if err != nil {
		return err
	}
	return eachRow(rows, func() error {
		var place, id int64
		err := rows.Scan(&place, &id)
		hits[at[place]].id = id
		return err
	})
}

// lookup is a question that is being answered.
type lookup struct {
	ctx context.Context
	tx  *sql.Tx
	ask *question

	patience time.Duration // with the first look; those towards an order have half of it
	words    *expression   // what writes the question for titles
	pairs    *expression   // and for texts, which have pairs
}

// find finds the newest of what is looked for, and weighs them if they are few; of many
// it is enough to know which have it over the text.
func (l *lookup) find() ([]hit, error) {
	if err := l.spell(); err != nil {
		return nil, err
	}
	expression := l.pairs.write(l.ask, true)
	hits, all, err := l.run("1", "texts", expression, maxHits, l.patience)
	if err != nil {
		return nil, err
	}
	if all = all && len(hits) < maxHits; all {
		worth, err := l.worthWeighing()
		if err != nil {
			return nil, err
		}
		if worth {
			weighed, all, err := l.run("-bm25(texts, 8, 1, 0, 8, 1)", "texts", expression, maxHits, l.patience/2) // FTS5 says of the best the least
			if err != nil || all {
				return weighed, err
			}
		}
	}
	most := maxTitleHits
	if len(l.ask.None) > 0 { // each has to be looked at
		most /= 5
	}
	titles, _, err := l.run(strconv.Itoa(titleWeight), "titles",
		l.words.write(&question{Search: feeds.Search{All: l.ask.All}, lists: l.ask.lists}, true), most, l.patience/2)
	if err != nil {
		return nil, err
	}
	at := make(map[int64]int, len(hits))
	for i := range hits {
		at[hits[i].place] = i
	}
	for _, h := range titles {
		if i, ok := at[h.place]; ok {
			hits[i].relevance = h.relevance
			continue
		}
		if all { // it has what must not be there
			continue
		}
		wanted, err := l.wanted(h)
		if err != nil {
			return nil, err
		}
		if wanted {
			hits = append(hits, h)
		}
	}
	return hits, nil
}

// wanted says that nothing is there that must not be.
func (l *lookup) wanted(h hit) (bool, error) {
	if len(l.ask.None) == 0 {
		return true, nil
	}
	var there bool
	err := l.tx.QueryRowContext(l.ctx, `SELECT EXISTS (SELECT 1 FROM texts WHERE texts MATCH $1 AND rowid = $2)`,
		l.pairs.any(l.ask.None), h.place).Scan(&there)
	return !there, err
}

// run asks a table for hits of that relevance, the newest first. It says whether those are
// all: there was time to find them.
func (l *lookup) run(relevance, table, expression string, most int, time time.Duration) (hits []hit, all bool, err error) {
	ctx, cancel := context.WithTimeout(l.ctx, time)
	defer cancel()
	args, within := []any{expression, most}, ""
	if l.ask.month != 0 {
		from, until := spanOf(l.ask.month)
		args, within = append(args, firstPlace(from), firstPlace(until)), ` AND rowid >= $3 AND rowid < $4`
	}
	rows, err := l.tx.QueryContext(ctx, `SELECT rowid, `+relevance+` FROM `+table+` WHERE `+table+` MATCH $1`+within+` ORDER BY rowid DESC LIMIT $2`, args...)
	if err == nil {
		err = eachRow(rows, func() error {
			var h hit
			err := rows.Scan(&h.place, &h.relevance)
			h.sort = timeOf(h.place)
			hits = append(hits, h)
			return err
		})
	}
	if err != nil && ctx.Err() != nil && l.ctx.Err() == nil {
		return hits, false, nil
	}
	return hits, true, err
}

// worthWeighing says whether the engine may weigh what it finds: whether few entries have
// each of the words and of the pairs, for it goes through all that do. Which words begin so
// it would have to look for once more, which takes longest of all.
func (l *lookup) worthWeighing() (bool, error) {
	ctx, cancel := context.WithTimeout(l.ctx, l.patience/2)
	defer cancel()
	left := mostWeighed
	for _, p := range l.ask.All {
		if p.GoesOn {
			return false, nil
		}
		for _, w := range asPairs(p).Words {
			var n int
			err := l.tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM texts WHERE texts MATCH $1 LIMIT $2)`,
				fileExpression.phrase(feeds.Phrase{Words: []string{w}}), left+1).Scan(&n)
			if err != nil && ctx.Err() != nil && l.ctx.Err() == nil {
				return false, nil
			}
			if err != nil {
				return false, err
			}
			if left -= n; left < 0 {
				return false, nil
			}
		}
	}
	return true, nil
}
