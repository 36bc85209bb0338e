package storage

import (
	"fmt"
	"testing"
	"time"

	"orrery/feeds"
)

func remotes(n int) (list []feeds.Source) {
	for i := range n {
		list = append(list, remote(fmt.Sprint("s", i)))
	}
	return list
}

// fullPush is a subscription of which everything is known.
func fullPush(source int64, name string) feeds.PushSubscription {
	at := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }
	return feeds.PushSubscription{
		Source: source, Hub: "https://hub.example/", Topic: "https://" + name + ".example/feed", ID: fmt.Sprint("ID", source), Secret: "secret",
		OfTopic: "https://old.example/", Expires: at(1), NewID: fmt.Sprint("NEW", source), NewSecret: "new", NewTopic: "https://new.example/", Asked: at(2),
		Tries: 3, Error: "the hub says: no", Renew: at(4), Look: at(5), Looked: at(6), Next: at(7),
	}
}

func savePush(t testing.TB, db *DB, s feeds.PushSubscription, want bool) {
	t.Helper()
	if ok, err := db.PushSubscriptions().Save(t.Context(), s); ok != want || err != nil {
		t.Errorf("saved: %v, %v", ok, err)
	}
}

// pushOf is the subscription of a source; nil for none.
func pushOf(t testing.TB, db *DB, source int64) *feeds.PushSubscription {
	t.Helper()
	s, ok, err := db.PushSubscriptions().Of(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return nil
	}
	return &s
}

func TestPushSubscriptionIsStoredWholeByItsRev(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		source := claimed(t, db, "a", epoch).Source.ID
		s := fullPush(source, "a")
		full(t, s, "Rev")
		if pushOf(t, db, source) != nil {
			t.Error("there is one")
		}
		savePush(t, db, s, true)
		savePush(t, db, s, false)
		s.Rev = 1
		if got := pushOf(t, db, source); got == nil || *got != s {
			t.Errorf("got %+v,\nwant %+v", got, s)
		}
		s.ID, s.Expires, s.Look = "", time.Time{}, time.Time{}
		savePush(t, db, s, true)
		savePush(t, db, s, false)
		s.Rev = 2
		if got := pushOf(t, db, source); got == nil || *got != s {
			t.Errorf("got %+v,\nwant %+v", got, s)
		}
		s.Hub, s.Rev = "", 1 // it ends
		savePush(t, db, s, false)
		s.Rev = 0
		savePush(t, db, s, false)
		s.Rev = 2
		savePush(t, db, s, true)
		savePush(t, db, s, false)
		s.Rev = 0
		savePush(t, db, s, true) // there is none, as is wished
		if pushOf(t, db, source) != nil {
			t.Error("there is one")
		}
	})
}

func TestPushIsFoundByEitherID(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remotes(3)...)
		for _, d := range claim(t, db, feeds.Want{Now: epoch, N: 3}) {
			s := fullPush(d.Source.ID, d.Source.Slug)
			if d.Source.Slug == "s2" {
				s.ID, s.NewID = "", ""
			}
			savePush(t, db, s, true)
		}
		one := claimSource(t, db, "s1")
		for id, want := range map[string]bool{fmt.Sprint("ID", one): true, fmt.Sprint("NEW", one): true, "ID": false, "": false, "\xff\x00": false} {
			s, ok, err := db.PushSubscriptions().ByID(t.Context(), id)
			if ok != want || err != nil || ok && s.Source != one {
				t.Errorf("%q: %v, %v, %+v", id, ok, err, s)
			}
		}
	})
}

// claimSource is the number of the source.
func claimSource(t testing.TB, db *DB, slug string) int64 {
	t.Helper()
	list, err := db.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if list[i].Slug == slug {
			return list[i].ID
		}
	}
	t.Fatalf("there is no source %s", slug)
	return 0
}

func TestPushIsTakenOnceWhenItIsDue(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remotes(4)...)
		now := epoch.Add(time.Hour)
		for slug, next := range map[string]time.Duration{"s0": -time.Minute, "s1": -time.Hour, "s2": 0, "s3": time.Microsecond} {
			s := fullPush(claimSource(t, db, slug), slug)
			s.Next = now.Add(next)
			savePush(t, db, s, true)
		}
		until := now.Add(time.Hour)
		due := func(at time.Time, n int, want ...string) {
			t.Helper()
			list, err := db.PushSubscriptions().Due(t.Context(), at, n, until)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, s := range list {
				got = append(got, s.Topic)
				if p := pushOf(t, db, s.Source); !s.Next.Equal(until) || s.Rev != 2 || *p != s {
					t.Errorf("%+v is stored as %+v", s, p)
				}
			}
			for i := range want {
				want[i] = "https://" + want[i] + ".example/feed"
			}
			same(t, "due", got, want)
		}
		due(now, 2, "s1", "s0")
		due(now, 9, "s2")
		due(now, 9)
		due(until.Add(-time.Second), 9, "s3")
	})
}

// Nobody is to be told of what a source has that nobody reads.
func TestPushGoesWithItsSource(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remotes(2)...)
		one, other := claimSource(t, db, "s0"), claimSource(t, db, "s1")
		savePush(t, db, fullPush(one, "s0"), true)
		savePush(t, db, fullPush(other, "s1"), true)
		configure(t, db, nil, remote("s0"))
		if pushOf(t, db, one) == nil || pushOf(t, db, other) != nil {
			t.Error("the wrong one has gone")
		}
		// A visit that was under way finds the hub again, or is just storing it.
		savePush(t, db, fullPush(other, "s1"), true)
		savePush(t, db, fullPush(12_345, "s1"), true)
		same(t, "rows", column(t, db, `SELECT source_id FROM push_subscriptions`), []string{fmt.Sprint(one)})
		if _, err := db.write.ExecContext(t.Context(), `INSERT INTO push_subscriptions SELECT $1, rev, hub, topic, id || 'x', secret, of_topic, expires, new_id || 'x',
			new_secret, new_topic, asked, tries, error, renew, look, looked, next FROM push_subscriptions`, other); err != nil {
			t.Fatal(err)
		}
		list, err := db.PushSubscriptions().Due(t.Context(), epoch.Add(time.Hour), 9, epoch.Add(2*time.Hour))
		if err != nil || len(list) != 1 || list[0].Source != one || pushOf(t, db, other) != nil {
			t.Errorf("%v, %+v", err, list)
		}
		if _, ok, err := db.PushSubscriptions().ByID(t.Context(), fmt.Sprintf("ID%dx", one)); ok || err != nil {
			t.Error(ok, err)
		}
		savePush(t, db, fullPush(other, "s1"), true)
		same(t, "rows then", column(t, db, `SELECT source_id FROM push_subscriptions`), []string{fmt.Sprint(one)})
	})
}
