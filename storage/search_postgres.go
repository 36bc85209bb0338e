package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"orrery/feeds"
)

// PostgreSQL's index is a table. The terms are ours: no configuration of the server has
// a say in what a word is.

const (
	// indexersLock is the advisory lock of whoever indexes ("Orri").
	indexersLock = 0x4F727269
	// rowsAtOnce is how many texts one question carries.
	rowsAtOnce = 20
	// indexIdle is how long a server waits for whoever makes words of texts, many of them
	// long. Nobody waits for him but others who index.
	indexIdle = time.Minute
)

// tableIndexMark is of what is in the table; it changes with the terms, too.
var tableIndexMark = fmt.Sprintf("%d.2", feeds.TermsVersion)

type tableIndex struct {
	db       *DB
	patience time.Duration // how long it may look for something
}

func (x *tableIndex) close() error { return nil }

func (x *tableIndex) step(ctx context.Context) (n int, more bool, err error) {
	err = anew(func() error {
		n, more, err = x.stepOnce(ctx)
		return err
	})
	return n, more, err
}

func (x *tableIndex) stepOnce(ctx context.Context) (n int, more bool, err error) {
	err = x.db.txBeside(ctx, func(t *txn) error {
		var free bool
		if err := t.row(`SELECT pg_try_advisory_xact_lock($1)`, int64(indexersLock)).Scan(&free); err != nil || !free {
			more = err == nil // another process is at it, and may be ended in the middle
			return err
		}
		if err := t.mayIdle(indexIdle); err != nil {
			return err
		}
		w, err := readWork(ctx, t.tx)
		if err != nil {
			return err
		}
		if w.mark != tableIndexMark {
			more = true
			return t.remakeTable()
		}
		if len(w.ids) == 0 {
			return nil
		}
		if err := t.writeTable(&w); err != nil {
			return err
		}
		// Only now, for a moment, nobody else may commit.
		if err := x.db.dialect.alone(ctx, t.tx, postgresIdle); err != nil {
			return err
		}
		n, more = len(w.ids), w.more
		return t.indexed(&w, tableIndexMark)
	})
	return n, more, err
}

// mayIdle is how long the server waits for the next statement of the transaction.
func (t *txn) mayIdle(d time.Duration) error {
	return t.row(`SELECT set_config('idle_in_transaction_session_timeout', $1, true)`, fmt.Sprint(d.Milliseconds())).Scan(new(string))
}

func (t *txn) remakeTable() error {
	if err := t.exec(`DELETE FROM search_index`); err != nil {
		return err
	}
	if err := t.db.dialect.alone(t.ctx, t.tx, postgresIdle); err != nil {
		return err
	}
	return t.rewordAll(tableIndexMark)
}

func (t *txn) writeTable(w *work) error {
	var gone, rows []any
	for i := range w.docs {
		if d := &w.docs[i]; d.shown {
			rows = append(rows, d.id, d.sort, wordsOf(d))
		} else {
			gone = append(gone, d.id)
		}
	}
	for len(gone) > 0 {
		n := atOnce(len(gone))
		if err := t.exec(`DELETE FROM search_index WHERE entry_id IN (`+unnamed(n)+`)`, gone[:n]...); err != nil {
			return err
		}
		gone = gone[n:]
	}
	for len(rows) > 0 {
		n := min(atOnce(len(rows)/3), rowsAtOnce)
		if err := t.exec(`INSERT INTO search_index (entry_id, sort, words) VALUES `+strings.Repeat(",(?,?,CAST(? AS TSVECTOR))", n)[1:]+`
			ON CONFLICT (entry_id) DO UPDATE SET sort = excluded.sort, words = excluded.words`, rows[:3*n]...); err != nil {
			return err
		}
		rows = rows[3*n:]
	}
	return nil
}

// wordsOf is the text as the engine writes it: words with their places, of which those
// over it weigh more. Those stand there once more by themselves, with a sign that no
// term has: the engine would have to read every text to see where in it a word stands.
// Of a word that is in a text more than 256 times it remembers so many places.
func wordsOf(d *entryText) string {
	var b strings.Builder
	b.Grow(2 * (len(d.title) + len(d.text)))
	at := 0
	write := func(word, weight string) {
		at++
		b.WriteByte('\'')
		b.WriteString(word)
		b.WriteString("':")
		b.WriteString(strconv.Itoa(at))
		b.WriteString(weight)
		b.WriteByte(' ')
	}
	for word := range strings.FieldsSeq(d.title) {
		write(word, "A")
		b.WriteString("'¶" + word + "' ")
	}
	at++ // no phrase goes from one into the other
	for word := range strings.FieldsSeq(d.text) {
		write(word, "")
	}
	for word := range strings.FieldsSeq(d.lists) {
		b.WriteString("'" + word + "' ")
	}
	return b.String()
}

// tableExpression is for words with a sign before them, with this between those of a
// phrase.
func tableExpression(sign, next string) *expression {
	return &expression{and: " & ", or: " | ", not: " & !",
		phrase: func(p feeds.Phrase) string {
			text := "('" + sign + strings.Join(p.Words, "'"+next+"'"+sign) + "'"
			if p.GoesOn {
				text += ":*"
			}
			return text + ")"
		},
		list: func(word string) string { return "'" + word + "'" },
	}
}

var anywhere, inTitle = tableExpression("", " <-> "), tableExpression("¶", " & ")

// recentEntries is how many of the newest entries are looked at where all of them take
// longer than there is time.
const recentEntries = 20_000

func (x *tableIndex) find(ctx context.Context, ask question) (foundTexts, error) {
	hits, err := x.findIn(ctx, false, &ask, x.patience)
	var slow *pgconn.PgError
	if errors.As(err, &slow) && slow.Code == "57014" && ctx.Err() == nil { // it was ended for its time
		hits, err = x.findIn(ctx, true, &ask, postgresStatement)
	}
	return foundTexts{hits: hits, close: func() {}}, err
}

// findIn looks among the recent entries alone, or in the whole index.
func (x *tableIndex) findIn(ctx context.Context, recent bool, ask *question, patience time.Duration) (hits []hit, err error) {
	weights := fmt.Sprintf("{%[1]g,%[1]g,%[1]g,1}", 1.0/titleWeight)
	all := question{Search: feeds.Search{All: ask.All}}
	at, within, bounds := map[int64]bool{}, "", []any(nil)
	if ask.month != 0 {
		from, until := spanOf(ask.month)
		within, bounds = ` AND sort >= $5 AND sort < $6`, []any{from, until}
	}
	table := `search_index`
	if recent {
		table = `(SELECT entry_id, sort, words FROM search_index WHERE true` + within + ` ORDER BY sort DESC LIMIT ` + strconv.Itoa(recentEntries) + `) AS recent`
	}
	look := func(tx *sql.Tx) error {
		// A plan for any question is one for rare words or for common ones, and slow for the others.
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = %d`, patience.Milliseconds())); err != nil {
			return err
		}
		take := func(expression string, most int) error {
			rows, err := tx.QueryContext(ctx, `SELECT entry_id, sort, ts_rank(CAST($1 AS REAL[]), words, CAST($2 AS TSQUERY)) FROM
				(SELECT entry_id, sort, words FROM `+table+` WHERE words @@ CAST($3 AS TSQUERY)`+within+` ORDER BY sort DESC, entry_id DESC LIMIT $4) AS newest`,
				append([]any{weights, anywhere.write(&all, false), expression, most}, bounds...)...)
			if err != nil {
				return err
			}
			return eachRow(rows, func() error {
				var h hit
				err := rows.Scan(&h.id, &h.sort, &h.relevance)
				if !at[h.id] {
					at[h.id] = true
					hits = append(hits, h)
				}
				return err
			})
		}
		if err := take(anywhere.write(ask, true), maxHits); err != nil || len(hits) < maxHits {
			return err
		}
		return take("("+inTitle.write(&all, false)+") & "+anywhere.write(ask, true), maxTitleHits)
	}
	var raw error // before it got its sentence
	err = x.db.snapshot(ctx, func(tx *sql.Tx) error {
		raw = look(tx)
		return raw
	})
	return hits, cmp.Or(raw, err)
}
