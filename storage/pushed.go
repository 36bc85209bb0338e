package storage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"orrery/feeds"
)

// PushSubscriptions is where it is kept which hubs call us for which sources. A source
// that is configured no longer has none.
type PushSubscriptions struct{ db *DB }

// PushSubscriptions are the store's.
func (db *DB) PushSubscriptions() PushSubscriptions { return PushSubscriptions{db} }

// pushColumns are all, in the order of values.
const pushColumns = `source_id, rev, hub, topic, id, secret, of_topic, expires, new_id, new_secret, new_topic, asked, tries, error, renew, look, looked, next`

func scanPush(row scanner) (s feeds.PushSubscription, err error) {
	err = row.Scan(&s.Source, &s.Rev, &s.Hub, &s.Topic, &s.ID, &s.Secret, &s.OfTopic, instant{&s.Expires}, &s.NewID, &s.NewSecret, &s.NewTopic,
		instant{&s.Asked}, &s.Tries, &s.Error, instant{&s.Renew}, instant{&s.Look}, instant{&s.Looked}, instant{&s.Next})
	return s, err
}

func pushValues(s *feeds.PushSubscription, rev int64) []any {
	return []any{s.Source, rev, s.Hub, s.Topic, s.ID, s.Secret, s.OfTopic, micros(s.Expires), s.NewID, s.NewSecret, s.NewTopic,
		micros(s.Asked), s.Tries, s.Error, micros(s.Renew), micros(s.Look), micros(s.Looked), micros(s.Next)}
}

// configuredSource is the condition of the rows that count: one may be written while its
// source is being retired.
const configuredSource = `EXISTS (SELECT 1 FROM sources s WHERE s.id = push_subscriptions.source_id AND s.retired = 0)`

// Of returns the subscription of a source.
func (p PushSubscriptions) Of(ctx context.Context, source int64) (feeds.PushSubscription, bool, error) {
	return p.one(ctx, `source_id = $1`, source)
}

// ByID returns the subscription whose ID or NewID is id, which is never empty.
func (p PushSubscriptions) ByID(ctx context.Context, id string) (feeds.PushSubscription, bool, error) {
	if id == "" {
		return feeds.PushSubscription{}, false, nil
	}
	return p.one(ctx, `(id = $1 OR new_id = $1)`, id)
}

func (p PushSubscriptions) one(ctx context.Context, where string, arg any) (feeds.PushSubscription, bool, error) {
	s, err := scanPush(p.db.read.QueryRowContext(ctx, `SELECT `+pushColumns+` FROM push_subscriptions WHERE `+where+` AND `+configuredSource, arg))
	return lookedUp(s, err, "look for the push of a source")
}

// Save stores s whole, its times to the microsecond, if what is stored of the source has
// the same Rev, and Rev one higher; with Rev 0 if there is none. Else it stores nothing and
// says false. With an empty Hub it deletes instead. Of a source that is not configured, or
// no longer, a first one is taken and not kept.
func (p PushSubscriptions) Save(ctx context.Context, s feeds.PushSubscription) (saved bool, err error) {
	err = p.db.txBeside(ctx, func(t *txn) (err error) {
		if s.Rev == 0 {
			saved, err = t.firstPush(&s)
			return err
		}
		text, args := `DELETE FROM push_subscriptions WHERE source_id = $1 AND rev = $2`, []any{s.Source, s.Rev}
		if s.Hub != "" {
			k := columnsOf(pushColumns)
			text = fmt.Sprintf(`UPDATE push_subscriptions SET (%s) = (%s) WHERE source_id = $1 AND rev = $%d`, pushColumns, marks(1, k), k+1)
			args = append(pushValues(&s, s.Rev+1), s.Rev)
		}
		n, err := t.affect(text, args...)
		saved = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store the push of source %d: %w", s.Source, err)
	}
	return saved, nil
}

// firstPush stores the first subscription of a source.
func (t *txn) firstPush(s *feeds.PushSubscription) (saved bool, err error) {
	// One that was written while its source was being retired is none.
	if err := t.exec(`DELETE FROM push_subscriptions WHERE source_id = $1 AND NOT `+configuredSource, s.Source); err != nil {
		return false, err
	}
	var configured, there bool
	if err := t.row(`SELECT EXISTS (SELECT 1 FROM sources WHERE id = $1 AND retired = 0), EXISTS (SELECT 1 FROM push_subscriptions WHERE source_id = $1)`,
		s.Source).Scan(&configured, &there); err != nil || there || !configured || s.Hub == "" {
		return err == nil && !there, err
	}
	n, err := t.affect(`INSERT INTO push_subscriptions (`+pushColumns+`) VALUES (`+marks(1, columnsOf(pushColumns))+`) ON CONFLICT (source_id) DO NOTHING`,
		pushValues(s, 1)...)
	return n > 0, err
}

// Due returns at most n subscriptions whose Next is not after now, the longest due first,
// with Next set to until and Rev raised, in the store as well: of two that call at once
// only one gets each.
func (p PushSubscriptions) Due(ctx context.Context, now time.Time, n int, until time.Time) ([]feeds.PushSubscription, error) {
	list, err := take(ctx, p.db, `SELECT `+pushColumns+` FROM push_subscriptions WHERE next <= $1 AND `+configuredSource+` ORDER BY next, source_id LIMIT $2`,
		now, n, scanPush, func(t *txn, s *feeds.PushSubscription) error {
			s.Rev++
			s.Next = fromMicros(micros(until))
			return t.exec(`UPDATE push_subscriptions SET next = $1, rev = $2 WHERE source_id = $3`, micros(until), s.Rev, s.Source)
		})
	if err != nil {
		return nil, fmt.Errorf("ask which pushes are due: %w", err)
	}
	return list, nil
}

// take asks for rows that are due, at most n, which nobody else is taking, and has each
// taken, all or none. It writes only if there is one.
func take[T any](ctx context.Context, db *DB, question string, now time.Time, n int, scan func(scanner) (T, error), each func(*txn, *T) error) ([]T, error) {
	var any bool
	if err := db.read.QueryRowContext(ctx, `SELECT EXISTS (`+question+`)`, micros(now), n).Scan(&any); err != nil || !any {
		return nil, explain(err)
	}
	var list []T
	err := db.txBeside(ctx, func(t *txn) error {
		rows, err := t.query(question+db.dialect.skipped, micros(now), n)
		if err != nil {
			return err
		}
		if err := eachRow(rows, func() error {
			x, err := scan(rows)
			list = append(list, x)
			return err
		}); err != nil {
			return err
		}
		for i := range list {
			if err := each(t, &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func columnsOf(list string) int { return strings.Count(list, ",") + 1 }
