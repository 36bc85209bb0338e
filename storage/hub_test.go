package storage

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
)

const hubTopic = "https://planet.example/feed.atom"

// fullHub is a subscription of which everything is known.
func fullHub(topic, callback string) feeds.HubSubscription {
	at := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }
	return feeds.HubSubscription{
		Topic: topic, Callback: callback, Host: feeds.HostOf(callback), Secret: "s'e\\cret ü", Expires: at(1), Mode: "subscribe", Serial: 3,
		NewSecret: "new", Lease: 90 * time.Second, Reason: "why", Asks: 2, AskNext: at(2), Changed: 7, Told: 6, Digest: "d", Tries: 4,
		NotBefore: at(3), Called: at(4), Error: "no answer", Next: epoch, Held: time.Time{},
	}
}

// full fails the test if x has a field that is zero but for those named.
func full(t *testing.T, x any, but ...string) {
	t.Helper()
	v := reflect.ValueOf(x)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() != slices.Contains(but, name) {
			t.Errorf("%s is %v", name, v.Field(i))
		}
	}
}

func getHub(t testing.TB, db *DB, topic, callback string) feeds.HubSubscription {
	t.Helper()
	s, ok, err := db.HubSubscriptions().Get(t.Context(), topic, callback)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	return s
}

func saveHub(t testing.TB, db *DB, s feeds.HubSubscription, want bool) {
	t.Helper()
	if ok, err := db.HubSubscriptions().Save(t.Context(), s); ok != want || err != nil {
		t.Errorf("saved: %v, %v", ok, err)
	}
}

func TestHubSubscriptionIsStoredWholeByItsRev(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		h := db.HubSubscriptions()
		s := fullHub(hubTopic, "https://x.example/"+strings.Repeat("long", 500)) // of any length
		full(t, s, "Rev", "Held")
		if got, ok, err := h.Get(t.Context(), s.Topic, s.Callback); ok || err != nil || got != (feeds.HubSubscription{}) {
			t.Error(ok, err)
		}
		saveHub(t, db, s, true)
		saveHub(t, db, s, false)
		got := getHub(t, db, s.Topic, s.Callback)
		if s.Rev = 1; got != s {
			t.Errorf("got %+v,\nwant %+v", got, s)
		}
		s.Held, s.Expires, s.Error = epoch.Add(time.Hour), time.Time{}, ""
		s.Rev = 9
		saveHub(t, db, s, false)
		s.Rev = 1
		saveHub(t, db, s, true)
		saveHub(t, db, s, false)
		if s.Rev = 2; getHub(t, db, s.Topic, s.Callback) != s {
			t.Error("it was not changed whole")
		}
		other := fullHub(hubTopic, "https://x.example/other")
		saveHub(t, db, other, true)
		for _, c := range []struct {
			rev  int64
			want bool
		}{{1, false}, {0, false}, {2, true}, {2, false}} {
			s.Rev = c.rev
			if ok, err := h.Remove(t.Context(), s); ok != c.want || err != nil {
				t.Errorf("removed rev %d: %v, %v", c.rev, ok, err)
			}
		}
		s.Rev = 2
		saveHub(t, db, s, false) // it is gone
		getHub(t, db, other.Topic, other.Callback)
	})
}

func TestHubSubscriptionsAreCountedByHost(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		for i := range 5 {
			s := fullHub(hubTopic, fmt.Sprint("https://x.example/", i))
			if s.Host = "x.example"; i > 2 {
				s.Host = "y.example"
			}
			saveHub(t, db, s, true)
		}
		for host, want := range map[string]int{"x.example": 3, "y.example": 2, "z.example": 0} {
			if n, all, err := db.HubSubscriptions().Count(t.Context(), host); n != want || all != 5 || err != nil {
				t.Errorf("%s: %d of %d, %v", host, n, all, err)
			}
		}
	})
}

func TestChangedTopicIsDueNoEarlierThanItsSubscriberMayBeAsked(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		now := epoch.Add(time.Hour)
		for name, c := range map[string]struct{ next, notBefore, want time.Time }{
			"earlier": {epoch, epoch, epoch},
			"now":     {now.Add(time.Hour), epoch, now},
			"later":   {now.Add(time.Hour), now.Add(time.Minute), now.Add(time.Minute)},
			"other":   {now.Add(time.Hour), epoch, now.Add(time.Hour)},
		} {
			s := fullHub(hubTopic, "https://x.example/"+name)
			s.Next, s.NotBefore = c.next, c.notBefore
			if name == "other" {
				s.Topic += "2"
			}
			saveHub(t, db, s, true)
			if err := db.HubSubscriptions().Changed(t.Context(), []string{hubTopic, "https://planet.example/none", hubTopic}, now); err != nil {
				t.Fatal(err)
			}
			got := getHub(t, db, s.Topic, s.Callback)
			want := s
			want.Rev, want.Next = 1, c.want
			if name != "other" {
				want.Rev, want.Changed = 2, 8
			}
			if got != want {
				t.Errorf("%s: got %+v, want %+v", name, got, want)
			}
			if _, err := db.HubSubscriptions().Remove(t.Context(), got); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.HubSubscriptions().Changed(t.Context(), nil, now); err != nil {
			t.Error(err)
		}
	})
}

func TestHubClaimsWhatIsDueAndHeldByNobody(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		now := epoch.Add(time.Hour)
		for name, c := range map[string]struct{ next, held time.Duration }{
			"2": {-time.Minute, 0}, "1": {-time.Hour, -time.Second}, "3": {0, 0}, "later": {time.Microsecond, 0}, "held": {-time.Hour, time.Second},
		} {
			s := fullHub(hubTopic, name)
			s.Next = now.Add(c.next)
			if c.held != 0 {
				s.Held = now.Add(c.held)
			}
			saveHub(t, db, s, true)
		}
		until := now.Add(time.Minute)
		claim := func(at time.Time, n int, want ...string) {
			t.Helper()
			list, err := db.HubSubscriptions().Claim(t.Context(), at, n, until)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, s := range list {
				got = append(got, s.Callback)
				if !s.Held.Equal(until) || s != getHub(t, db, s.Topic, s.Callback) {
					t.Errorf("%s is stored otherwise: %+v", s.Callback, s)
				}
			}
			same(t, "claimed", got, want)
		}
		claim(now, 2, "1", "2")
		claim(now, 9, "3")
		claim(now, 9, []string{}...)
		claim(now.Add(time.Second), 9, "held", "later")
	})
}

// race has so many handles do the same at once.
func race(t *testing.T, all []*DB, do func(n int, db *DB) error) {
	t.Helper()
	var wg sync.WaitGroup
	for i, db := range all {
		wg.Go(func() {
			if err := do(i, db); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestOfManyThatClaimAtOnceOneGetsEachSubscription(t *testing.T) {
	eachWith(t, 3, func(t *testing.T, all []*DB) {
		configure(t, all[0], nil, remotes(40)...)
		for i, d := range claim(t, all[0], feeds.Want{Now: epoch, N: 100}) {
			saveHub(t, all[0], fullHub(hubTopic, fmt.Sprint("https://x.example/", i)), true)
			savePush(t, all[0], fullPush(d.Source.ID, "s"), true)
		}
		var mu sync.Mutex
		hubs, pushes := map[string]int{}, map[int64]int{}
		race(t, all, func(_ int, db *DB) error {
			for range 20 {
				until := epoch.Add(2 * time.Hour)
				list, err := db.HubSubscriptions().Claim(context.Background(), epoch.Add(time.Hour), 7, until)
				if err != nil {
					return err
				}
				due, err := db.PushSubscriptions().Due(context.Background(), epoch.Add(time.Hour), 7, until)
				if err != nil {
					return err
				}
				if err := db.HubSubscriptions().Changed(context.Background(), []string{hubTopic}, epoch); err != nil {
					return err
				}
				mu.Lock()
				for _, s := range list {
					hubs[s.Callback]++
				}
				for _, s := range due {
					pushes[s.Source]++
				}
				mu.Unlock()
			}
			return nil
		})
		if len(hubs) != 40 || len(pushes) != 40 {
			t.Errorf("%d and %d were claimed, not 40", len(hubs), len(pushes))
		}
		for what, n := range hubs {
			if n != 1 {
				t.Errorf("%s was claimed %d times", what, n)
			}
		}
		for source, n := range pushes {
			if n != 1 {
				t.Errorf("source %d was claimed %d times", source, n)
			}
		}
		if s := getHub(t, all[0], hubTopic, "https://x.example/0"); s.Changed != 67 {
			t.Errorf("of 60 changes %d are counted", s.Changed-7)
		}
	})
}

// Of several that change what they have read, one at a time succeeds.
func TestNoChangeOfASubscriptionIsLost(t *testing.T) {
	eachWith(t, 3, func(t *testing.T, all []*DB) {
		configure(t, all[0], nil, remote("a"))
		source := claimed(t, all[0], "a", epoch).Source.ID
		const times = 15
		race(t, all, func(_ int, db *DB) error {
			for done := 0; done < 2*times; {
				s, ok, err := db.HubSubscriptions().Get(context.Background(), hubTopic, "c")
				if !ok {
					s = fullHub(hubTopic, "c")
					s.Serial = 0
				}
				p, ok, err2 := db.PushSubscriptions().Of(context.Background(), source)
				if !ok {
					p = fullPush(source, "a")
					p.Tries = 0
				}
				if err != nil || err2 != nil {
					return fmt.Errorf("%w, %w", err, err2)
				}
				s.Serial++
				p.Tries++
				if done < times {
					ok, err = db.HubSubscriptions().Save(context.Background(), s)
				} else {
					ok, err = db.PushSubscriptions().Save(context.Background(), p)
				}
				if err != nil {
					return err
				}
				if ok {
					done++
				}
			}
			return nil
		})
		p, _, err := all[0].PushSubscriptions().Of(t.Context(), source)
		if s := getHub(t, all[0], hubTopic, "c"); s.Serial != 3*times || s.Rev != 3*times || p.Tries != 3*times || p.Rev != 3*times || err != nil {
			t.Errorf("%d changes and rev %d of the hub's, %d and %d of the push, %v", s.Serial, s.Rev, p.Tries, p.Rev, err)
		}
	})
}
