package storage

import (
	"errors"
	"testing"
	"time"

	"orrery/feeds"
)

func debtOf(t testing.TB, db *DB, to string) feeds.Debt {
	t.Helper()
	list, err := db.Debts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.To == to {
			return d
		}
	}
	t.Fatalf("nothing is known of %s", to)
	return feeds.Debt{}
}

func TestDebtsTellWhatIsOwedAndWhatFailed(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		ids := changes(t, db)
		if d := debtOf(t, db, "l"); d.Owed != 4 || !d.Oldest.Equal(epoch) || d.Tries != 0 || !d.Next.IsZero() || d.Error != "" || d.GivenUp != 0 || len(d.Failed) != 0 {
			t.Errorf("%+v", d)
		}
		settle(t, db, "l", feeds.Settlement{Has: true}, ids[0])
		retry := epoch.Add(time.Hour)
		settle(t, db, "l", feeds.Settlement{Failure: errors.New("first"), Retry: retry}, ids[1:]...)
		settle(t, db, "l", feeds.Settlement{Failure: errors.New("second"), Retry: retry.Add(time.Hour)}, ids[1])
		settle(t, db, "l", feeds.Settlement{Failure: errors.New("third")}, ids[2])
		d := debtOf(t, db, "l")
		if d.Owed != 2 || !d.Oldest.Equal(epoch.Add(2*time.Hour)) || d.Tries != 2 || !d.Next.Equal(retry) || d.Error != "second" || d.GivenUp != 1 || len(d.Failed) != 3 {
			t.Errorf("%+v", d)
		}
		if f := d.Failed[0]; f.ID != ids[2] || f.GUID != "q" || f.Error != "third" || !f.GivenUp || f.Tries != 2 || time.Since(f.Failed) > time.Minute {
			t.Errorf("%+v", f)
		}
		if f := d.Failed[1]; f.ID != ids[1] || !f.Told || f.GivenUp || !f.Retry.Equal(retry.Add(time.Hour)) {
			t.Errorf("%+v", f)
		}
		listen(t, db)
		if list, err := db.Debts(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%v, %+v", err, list)
		}
	})
}

func TestDebtsAreRetriedAndDroppedAsAPersonSays(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		ids := changes(t, db)
		settle(t, db, "l", wait(epoch.Add(time.Hour)), ids[:2]...)
		settle(t, db, "l", feeds.Settlement{Failure: errBusy}, ids[2])
		isOwed(t, db, "l", epoch)
		done := func(want int, f func() (int, error)) {
			t.Helper()
			if n, err := f(); n != want || err != nil {
				t.Errorf("%d, %v; want %d", n, err, want)
			}
		}
		done(1, func() (int, error) { return db.RetryDebts(t.Context(), "l", []int64{ids[2], ids[2], ids[3], 99_999}) })
		isOwed(t, db, "l", epoch, "new q")
		done(2, func() (int, error) { return db.RetryDebts(t.Context(), "l", nil) })
		isOwed(t, db, "l", epoch, "new p", "revised p", "new q", "revised p")
		done(1, func() (int, error) { return db.DropDebts(t.Context(), "l", []int64{ids[1], 99_999}) })
		isOwed(t, db, "l", epoch, "new p", "new q", "revised p")
		settle(t, db, "l", feeds.Settlement{Failure: errBusy}, ids[2])
		done(3, func() (int, error) { return db.DropDebts(t.Context(), "l", nil) })
		isOwed(t, db, "l", epoch)
		isOwed(t, db, "m", epoch, "new p", "revised p", "new q", "revised p")
		if _, err := db.RetryDebts(t.Context(), "nobody", nil); !errors.Is(err, ErrNoListener) {
			t.Error(err)
		}
		if _, err := db.DropDebts(t.Context(), "nobody", ids); !errors.Is(err, ErrNoListener) {
			t.Error(err)
		}
	})
}

func TestWhatWasGivenUpLongAgoGoes(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		ids := changes(t, db)
		giveUp := feeds.Settlement{Failure: errBusy}
		age := func(id int64) {
			t.Helper()
			if _, err := db.write.ExecContext(t.Context(), `UPDATE deliveries SET failed = $1 WHERE id = $2`, micros(time.Now().Add(-keepGivenUp-time.Minute)), id); err != nil {
				t.Fatal(err)
			}
		}
		kept := func() []string {
			return column(t, db, `SELECT d.id - $1 FROM deliveries d JOIN listeners l ON l.id = d.listener_id WHERE l.name = 'l' AND d.given_up = 1 ORDER BY d.id`, ids[0])
		}
		settle(t, db, "l", giveUp, ids[:3]...)
		age(ids[0])
		if d := debtOf(t, db, "l"); d.GivenUp != 2 || len(d.Failed) != 2 {
			t.Errorf("what is too old is shown: %+v", d)
		}
		settle(t, db, "l", giveUp, ids[3])
		same(t, "kept", kept(), []string{"1", "2", "3"})
		age(ids[2])
		listen(t, db, "l", "m")
		same(t, "kept after a start", kept(), []string{"1", "3"})
	})
}

// That nobody wanted an entry is no concern of anybody's when it is no news any more.
func TestWhoPassedAnEntryOverIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		ids, now := changes(t, db), time.Now() // that was long ago
		settle(t, db, "l", feeds.Settlement{Has: true}, ids[0])
		settle(t, db, "l", feeds.Settlement{}, ids[2])
		visit(t, db, "own", now, post("young", now))
		list := deliveries(t, db, "l", now)
		young := list[len(list)-1]
		settle(t, db, "l", feeds.Settlement{}, young.ID)
		same(t, "told", column(t, db, `SELECT count(*) FROM told`), []string{"3"})
		listen(t, db, "l")
		same(t, "told then", column(t, db, `SELECT e.guid || ' ' || t.has FROM told t JOIN entries e ON e.id = t.entry_id ORDER BY 1`), []string{"p 1", "young 0"})
	})
}

// copiedDebts gives a store to be copied what is owed and who listens.
func copiedDebts(t testing.TB, db *DB, at time.Time) {
	t.Helper()
	listen(t, db, "chat", "gruß 🪐", "other")
	visit(t, db, "own", at, in(post("shared", epoch), "Small"), post("mine", at), post("owed", at), post("more", at))
	list := deliveries(t, db, "chat", at)
	settle(t, db, "chat", feeds.Settlement{Has: true}, list[0].ID)
	settle(t, db, "gruß 🪐", wait(at.Add(time.Hour)), list[0].ID)
	settle(t, db, "gruß 🪐", feeds.Settlement{Failure: errors.New("no, \x00\xff 'never'")}, list[1].ID)
	if ok, err := db.Turn(t.Context(), "chat", time.Now().Add(time.Hour)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, callback := range []string{"https://x.example/1", "https://x.example/ü?\\'", "https://y.example/"} {
		s := fullHub("https://planet.example/feed.atom", callback)
		if ok, err := db.HubSubscriptions().Save(t.Context(), s); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if list, err := db.HubSubscriptions().Claim(t.Context(), at, 1, at.Add(time.Hour)); err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	for _, slug := range []string{"a", "own"} {
		s := fullPush(claimSource(t, db, slug), slug)
		if ok, err := db.PushSubscriptions().Save(t.Context(), s); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
}
