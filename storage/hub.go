package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"orrery/feeds"
)

// HubSubscriptions is where our own hub keeps who listens to our feeds.
type HubSubscriptions struct{ db *DB }

// HubSubscriptions are the store's.
func (db *DB) HubSubscriptions() HubSubscriptions { return HubSubscriptions{db} }

// hubColumns are all, in the order of values.
const hubColumns = `topic, callback, host, rev, secret, expires, mode, serial, new_secret, lease, reason, asks, ask_next,
	changed, told, digest, tries, not_before, called, error, next, held`

func scanHub(row scanner) (s feeds.HubSubscription, err error) {
	err = row.Scan(&s.Topic, &s.Callback, &s.Host, &s.Rev, &s.Secret, instant{&s.Expires}, &s.Mode, &s.Serial, &s.NewSecret, &s.Lease, &s.Reason,
		&s.Asks, instant{&s.AskNext}, &s.Changed, &s.Told, &s.Digest, &s.Tries, instant{&s.NotBefore}, instant{&s.Called}, &s.Error,
		instant{&s.Next}, instant{&s.Held})
	return s, err
}

func hubValues(s *feeds.HubSubscription, rev int64) []any {
	return []any{s.Topic, s.Callback, s.Host, rev, s.Secret, micros(s.Expires), s.Mode, s.Serial, s.NewSecret, int64(s.Lease), s.Reason,
		s.Asks, micros(s.AskNext), s.Changed, s.Told, s.Digest, s.Tries, micros(s.NotBefore), micros(s.Called), s.Error,
		micros(s.Next), micros(s.Held)}
}

// hubKey is what a subscription is found by: its addresses may be too long for an index.
func hubKey(topic, callback string) []byte { return hashOf(topic + "\n" + callback) }

// Get returns the subscription of the topic and the callback.
func (h HubSubscriptions) Get(ctx context.Context, topic, callback string) (s feeds.HubSubscription, ok bool, err error) {
	s, err = scanHub(h.db.read.QueryRowContext(ctx, `SELECT `+hubColumns+` FROM hub_subscriptions WHERE hash = $1`, hubKey(topic, callback)))
	return lookedUp(s, err, "look for a subscription")
}

// lookedUp is what a question for one row has come to.
func lookedUp[T any](row T, err error, what string) (T, bool, error) {
	var none T
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return none, false, nil
	case err != nil:
		return none, false, fmt.Errorf("%s: %w", what, explain(err))
	}
	return row, true, nil
}

// Save stores s whole, its times to the microsecond, if what is stored has the same Rev,
// and Rev one higher; with Rev 0 if there is none of the topic and callback. Else it
// stores nothing and says false.
func (h HubSubscriptions) Save(ctx context.Context, s feeds.HubSubscription) (saved bool, err error) {
	values, n := append(hubValues(&s, s.Rev+1), hubKey(s.Topic, s.Callback)), columnsOf(hubColumns)
	text := `INSERT INTO hub_subscriptions (` + hubColumns + `, hash) VALUES (` + marks(1, n+1) + `) ON CONFLICT (hash) DO NOTHING`
	if s.Rev != 0 {
		text = fmt.Sprintf(`UPDATE hub_subscriptions SET (%s) = (%s) WHERE hash = $%d AND rev = $%d`, hubColumns, marks(1, n), n+1, n+2)
		values = append(values, s.Rev)
	}
	if saved, err = h.db.swap(ctx, text, values); err != nil {
		return false, fmt.Errorf("store a subscription for %s: %w", s.Host, err)
	}
	return saved, nil
}

// Remove deletes s if what is stored has the same Rev, else it says false.
func (h HubSubscriptions) Remove(ctx context.Context, s feeds.HubSubscription) (removed bool, err error) {
	if removed, err = h.db.swap(ctx, `DELETE FROM hub_subscriptions WHERE hash = $1 AND rev = $2`, []any{hubKey(s.Topic, s.Callback), s.Rev}); err != nil {
		return false, fmt.Errorf("delete a subscription for %s: %w", s.Host, err)
	}
	return removed, nil
}

// swap makes a change of one row, and says whether there was one to change.
func (db *DB) swap(ctx context.Context, text string, args []any) (bool, error) {
	var n int64
	err := db.txBeside(ctx, func(t *txn) (err error) {
		n, err = t.affect(text, args...)
		return err
	})
	return n > 0, err
}

// Count counts the subscriptions with the Host, and all.
func (h HubSubscriptions) Count(ctx context.Context, host string) (ofHost, all int, err error) {
	err = h.db.read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM hub_subscriptions WHERE host = $1), (SELECT count(*) FROM hub_subscriptions)`, host).
		Scan(&ofHost, &all)
	if err != nil {
		return 0, 0, fmt.Errorf("count the subscriptions: %w", explain(err))
	}
	return ofHost, all, nil
}

// Changed raises Changed and Rev of every subscription to the topics and makes its Next
// the earlier of what it is and the later of now and NotBefore, all or none.
func (h HubSubscriptions) Changed(ctx context.Context, topics []string, now time.Time) error {
	if len(topics) == 0 {
		return nil
	}
	err := h.db.txBeside(ctx, func(t *txn) error {
		for _, topic := range slices.Compact(slices.Sorted(slices.Values(topics))) {
			if h.db.dialect.locked != "" { // in one order, or two would wait for each other
				rows, err := t.query(`SELECT hash FROM hub_subscriptions WHERE topic = $1 ORDER BY hash`+h.db.dialect.locked, topic)
				if err == nil {
					err = eachRow(rows, func() error { return nil })
				}
				if err != nil {
					return err
				}
			}
			if err := t.exec(`UPDATE hub_subscriptions SET changed = changed + 1, rev = rev + 1, next = min(next, max($1, not_before)) WHERE topic = $2`,
				micros(now), topic); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note which feeds have changed: %w", err)
	}
	return nil
}

// Claim returns at most n subscriptions whose Next and Held are not after now, the longest
// due first, with Held set to until and Rev raised, in the store as well: of two that call
// at once only one gets each.
func (h HubSubscriptions) Claim(ctx context.Context, now time.Time, n int, until time.Time) ([]feeds.HubSubscription, error) {
	list, err := take(ctx, h.db, `SELECT `+hubColumns+` FROM hub_subscriptions WHERE next <= $1 AND held <= $1 ORDER BY next, hash LIMIT $2`,
		now, n, scanHub, func(t *txn, s *feeds.HubSubscription) error {
			s.Rev++
			s.Held = fromMicros(micros(until))
			return t.exec(`UPDATE hub_subscriptions SET held = $1, rev = $2 WHERE hash = $3`, micros(until), s.Rev, hubKey(s.Topic, s.Callback))
		})
	if err != nil {
		return nil, fmt.Errorf("ask which subscribers are owed something: %w", err)
	}
	return list, nil
}
