package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"orrery/feeds"
)

// What begins so, com*, is many words, and the engine reads where all of them stand
// before it knows where the newest does: that takes a second in a million texts. It finds
// beginnings of so many letters as it finds a word, for they have an index of their own.
// Each is about half as large as the one of the words; so only every other length has
// one, and com* is looked for as com, comm*, comp* and whatever else goes on so. Of what
// is longer there is less.
const prefixLengths = "4 6"

// mostBeginnings is how many may go on so, since each is looked up; letters and digits
// are 36.
const mostBeginnings = 100

// spell has what goes on in the question written as the beginnings that are there.
func (l *lookup) spell() error {
	begin := map[string]string{}
	for _, p := range slices.Concat(l.ask.All, l.ask.None) {
		if !p.GoesOn {
			continue
		}
		list, err := beginnings(l.ctx, l.tx, p)
		if err != nil {
			return err
		}
		begin[p.String()] = fileExpression.any(list)
	}
	words, pairs := *fileExpression, *fileExpression
	words.phrase = func(p feeds.Phrase) string { return cmp.Or(begin[p.String()], fileExpression.phrase(p)) }
	pairs.phrase = func(p feeds.Phrase) string { return cmp.Or(begin[p.String()], fileExpression.phrase(asPairs(p))) }
	l.words, l.pairs = &words, &pairs
	return nil
}

// beginnings are the phrases of which one is where p is, which goes on.
func beginnings(ctx context.Context, tx *sql.Tx, p feeds.Phrase) ([]feeds.Phrase, error) {
	last := len(p.Words) - 1
	begin := p.Words[last]
	switch utf8.RuneCountInString(begin) {
	case 4 - 1, 6 - 1:
	default:
		return []feeds.Phrase{p}, nil
	}
	list := []feeds.Phrase{{Words: p.Words}}
	for at := begin + "\x01"; ; { // behind the word itself
		var word string
		err := tx.QueryRowContext(ctx, `SELECT term FROM words WHERE term >= $1 LIMIT 1`, at).Scan(&word)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		rest, more := strings.CutPrefix(word, begin)
		if !more {
			return list, nil
		}
		if len(list) > mostBeginnings {
			return []feeds.Phrase{p}, nil
		}
		_, n := utf8.DecodeRuneInString(rest)
		next := begin + rest[:n]
		list = append(list, feeds.Phrase{Words: append(p.Words[:last:last], next), GoesOn: true})
		at = next + "\xff" // behind all that begin so
	}
}
