package storage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// Whoever asks why one copy is shown is told what decides.
func TestStorySaysWhatDecidesBetweenTheCopies(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		a := remote("a")
		a.Site = "https://posts.example/"
		configure(t, db, nil, a, remote("b"), folder("own"))
		p := post("p", epoch.Add(-time.Hour))
		visit(t, db, "b", epoch, p)
		p.Permalink, p.Content = "http://posts.example/p", ""
		visit(t, db, "a", epoch.Add(time.Hour), p)
		p.Permalink, p.Content = "https://posts.example/p?utm_source=x", "<p>longer</p>"
		visit(t, db, "own", epoch.Add(2*time.Hour), p)
		stories, err := db.Why(t.Context(), "https://www.posts.example/p/")
		if err != nil || len(stories) != 1 {
			t.Fatalf("%d stories, %v", len(stories), err)
		}
		var got []string
		for _, c := range stories[0].Copies {
			got = append(got, fmt.Sprintf("%s rank %d, %d bytes, https %v, at %s, %s %s", c.Source, c.Rank, c.Length, c.Secure, c.Sort.Format("15:04"), c.Reason, c.With))
		}
		same(t, "copies", got, []string{
			"own rank 0, 13 bytes, https true, at 11:00,  ",
			"a rank 1, 0 bytes, https false, at 11:00, link own",
			"b rank 2, 16 bytes, https true, at 11:00, link own",
		})
	})
}

func TestStoryOfAnAddressThatNobodyHasIsNone(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, post("p", epoch))
		for _, name := range []string{"", "p", "nowhere", "https://posts.example/", "https://posts.example/q", "https://p.example/entry/zzzzzzzzzz/", strings.Repeat("x", 5000)} {
			if list, err := db.Why(t.Context(), name); len(list) != 0 || err != nil {
				t.Errorf("%.30q: %d stories, %v", name, len(list), err)
			}
		}
		id := only(t, db).ID
		for _, name := range []string{id, "https://p.example/entry/" + id + "/", "/entry/" + id, "http://posts.example/p#x"} {
			if list, err := db.Why(t.Context(), name); len(list) != 1 || err != nil {
				t.Errorf("%s: %d stories, %v", name, len(list), err)
			}
		}
	})
}

func TestStoryTellsWhatPeopleDecided(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		visit(t, db, "a", epoch, post("p", epoch))
		visit(t, db, "b", epoch, post("q", epoch))
		id, err := db.Join(t.Context(), epoch, "https://posts.example/p", "https://posts.example/q")
		if err != nil {
			t.Fatal(err)
		}
		other := ""
		for _, c := range entries(t, db, feeds.Query{}) {
			if c.ID != id {
				t.Errorf("%s is shown beside %s", c.ID, id)
			}
		}
		for _, p := range column(t, db, `SELECT public_id FROM entries WHERE public_id <> $1`, id) {
			other = p
		}
		list, err := db.Why(t.Context(), other)
		if err != nil || len(list) != 1 || list[0].Merged != id || list[0].Shown || len(list[0].Copies) != 0 {
			t.Errorf("the merged entry: %+v, %v", list, err)
		}
		list, err = db.Why(t.Context(), id)
		if err != nil || len(list) != 1 || len(list[0].Copies) != 2 || list[0].Copies[0].Reason+list[0].Copies[1].Reason != "person" {
			t.Errorf("the entry: %+v, %v", list, err)
		}
		if _, changed, err := db.Hide(t.Context(), epoch.Add(time.Hour), other, true); !changed || err != nil {
			t.Errorf("hidden by the name that was merged: %v, %v", changed, err)
		}
		if list, err = db.Why(t.Context(), id); err != nil || !list[0].Hidden || list[0].Shown {
			t.Errorf("hidden: %+v, %v", list, err)
		}
		sound(t, db)
	})
}
