package storage

import (
	"fmt"
	"testing"
	"time"

	"orrery/feeds"
)

// sourcesOfStore are "slug url" and " retired" for those that are.
func sourcesOfStore(t *testing.T, db *DB) []string {
	t.Helper()
	list, err := db.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, s := range list {
		text := s.Slug + " " + s.URL
		if s.Retired {
			text += " retired"
		}
		out = append(out, text)
	}
	return out
}

func named(slug, url string) feeds.Source { return feeds.Source{Slug: slug, URL: url} }

func TestSyncMakesTheStoredSourcesThoseOfTheConfiguration(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after []feeds.Source
		want          []string
		ids           []int64 // of the rows, in the order of want: who is who
	}{
		{"new", nil, []feeds.Source{named("a", "u:1"), named("b", "u:2")}, []string{"a u:1", "b u:2"}, []int64{1, 2}},
		{"missing", []feeds.Source{named("a", "u:1"), named("b", "u:2")}, []feeds.Source{named("b", "u:2")}, []string{"a u:1 retired", "b u:2"}, []int64{1, 2}},
		{"renamed", []feeds.Source{named("a", "u:1")}, []feeds.Source{named("b", "u:1")}, []string{"b u:1"}, []int64{1}},
		{"moved", []feeds.Source{named("a", "u:1")}, []feeds.Source{named("a", "u:2")}, []string{"a u:2"}, []int64{1}},
		{"swapped slugs", []feeds.Source{named("a", "u:1"), named("b", "u:2")}, []feeds.Source{named("b", "u:1"), named("a", "u:2")},
			[]string{"a u:2", "b u:1"}, []int64{2, 1}},
		{"slugs in a ring", []feeds.Source{named("a", "u:1"), named("b", "u:2"), named("c", "u:3")},
			[]feeds.Source{named("b", "u:1"), named("c", "u:2"), named("a", "u:3")}, []string{"a u:3", "b u:1", "c u:2"}, []int64{3, 1, 2}},
		{"slug of one that is missing", []feeds.Source{named("a", "u:1"), named("b", "u:2")}, []feeds.Source{named("a", "u:2")},
			[]string{"a u:2", "a-old-1 u:1 retired"}, []int64{2, 1}},
		{"address of another, which moved", []feeds.Source{named("a", "u:1"), named("b", "u:2")}, []feeds.Source{named("a", "u:3"), named("b", "u:1")},
			[]string{"a u:3", "b u:1", "b-old-2 u:2 retired"}, []int64{3, 1, 2}},
		{"new one with the slug of one renamed", []feeds.Source{named("a", "u:1")}, []feeds.Source{named("b", "u:1"), named("a", "u:2")},
			[]string{"a u:2", "b u:1"}, []int64{2, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				configure(t, db, nil, c.before...)
				for range 2 { // and it comes to rest
					configure(t, db, nil, c.after...)
					same(t, "sources", sourcesOfStore(t, db), c.want)
				}
				list, err := db.Sources(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var ids []int64
				for _, s := range list {
					ids = append(ids, s.ID)
				}
				same(t, "IDs", ids, c.ids)
			})
		})
	}
}

func TestRetiredSourceKeepsItsEntriesAndComesBack(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		v := visitOf(claimed(t, db, "a", epoch), epoch, post("p", epoch))
		v.Validators.ETag = `"1"`
		commit(t, db, v)
		configure(t, db, nil)
		if e := only(t, db); !e.Source.Retired {
			t.Errorf("its source: %+v", e.Source)
		}
		now := epoch.Add(24 * time.Hour)
		same(t, "due while retired", slugsOf(claim(t, db, feeds.Want{Now: now, N: 9, All: true})), []string{})
		configure(t, db, nil, remote("a"))
		d := claim(t, db, feeds.Want{Now: now, N: 9})
		if len(d) != 1 || d[0].Validators.ETag != `"1"` || d[0].Source.Retired {
			t.Errorf("came back as %+v", d)
		}
	})
}

// RFC 9111 §4.3.1; fetching.md 9.
func TestChangedSourceIsReadWhole(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *feeds.Source)
		kept   bool // its validators
		due    bool // at once
	}{
		{"title", func(s *feeds.Source) { s.Title = "New" }, true, false},
		{"slug", func(s *feeds.Source) { s.Slug = "new" }, true, false},
		{"categories", func(s *feeds.Source) { s.Categories = []feeds.CategoryName{{Slug: "x", Title: "X"}} }, true, false},
		{"address", func(s *feeds.Source) { s.URL += "?2" }, false, true},
		{"what is kept", func(s *feeds.Source) { s.Keep.Tags = []string{"x"} }, false, false},
		{"what is dropped", func(s *feeds.Source) { s.Drop.Words = []string{"x"} }, false, false},
		{"language", func(s *feeds.Source) { s.Language = "de" }, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				s := remote("a")
				configure(t, db, nil, s)
				v := visitOf(claimed(t, db, "a", epoch), epoch)
				v.Outcome, v.RetryAfter = feeds.Unchanged, epoch.Add(time.Hour)
				v.Validators = feeds.Validators{URL: s.URL, ETag: "e", LastModified: "l", BodyHash: "h"}
				commit(t, db, v)
				c.change(&s)
				configure(t, db, nil, s)
				if due := claim(t, db, feeds.Want{Now: epoch.Add(time.Minute), N: 1}); (len(due) == 1) != c.due {
					t.Errorf("due at once: %d", len(due))
				}
				d := claim(t, db, feeds.Want{Now: epoch.Add(2 * time.Hour), N: 1})[0]
				got := fmt.Sprintf("%+v", d.Validators)
				want := fmt.Sprintf("%+v", feeds.Validators{})
				if c.kept {
					want = fmt.Sprintf("%+v", v.Validators)
				}
				if got != want {
					t.Errorf("validators %s, want %s", got, want)
				}
			})
		})
	}
}

// What the old address answers says nothing of the new one.
func TestVisitUnderWayToAnAddressThatHasChangedIsRefused(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		s := remote("a")
		configure(t, db, nil, s)
		d := claimed(t, db, "a", epoch)
		s.URL += "?2"
		configure(t, db, nil, s)
		if _, err := db.Commit(t.Context(), visitOf(d, epoch, post("p", epoch))); err == nil {
			t.Error("it was stored")
		}
		if d := claim(t, db, feeds.Want{Now: epoch, N: 1}); len(d) != 1 || d[0].Source.URL != s.URL {
			t.Errorf("due: %+v", d)
		}
	})
}

func TestEverythingConfiguredOfASourceComesBack(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		s := feeds.Source{
			Slug: "a", URL: "https://a.example/", Title: "T", Site: "https://a.example/site", Language: "de", Permalink: "/:title/",
			Categories: []feeds.CategoryName{{Slug: "x", Title: "X"}}, Keep: feeds.Match{Tags: []string{"k"}}, Drop: feeds.Match{Words: []string{"d"}}, Every: time.Hour,
		}
		configure(t, db, nil, s)
		d := claimed(t, db, "a", epoch)
		s.ID = d.Source.ID
		if got, want := fmt.Sprintf("%+v", d.Source), fmt.Sprintf("%+v", s); got != want {
			t.Errorf("configured %s\ngot        %s", want, got)
		}
		v := visitOf(d, epoch, post("p", epoch.Add(-time.Minute)))
		v.Feed = &feeds.Feed{ID: "i", Title: "ft", Link: "fl", Icon: "fi", Rights: "fr", Language: "en", Authors: []feeds.Person{{Name: "N"}}, Entries: v.Feed.Entries}
		commit(t, db, v)
		list, err := db.Sources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.FeedID, s.FeedTitle, s.FeedLink, s.Icon, s.Rights, s.Authors = "i", "ft", "fl", "fi", "fr", []feeds.Person{{Name: "N"}}
		s.FeedLanguage = "en"
		s.Newest, s.Updated, s.Entries = epoch.Add(-time.Minute), epoch.Add(-time.Minute), 1
		s.State = feeds.State{LastVisit: epoch, LastSuccess: epoch, NextVisit: epoch.Add(time.Hour), Status: 200, Health: "20513 g"}
		if got, want := fmt.Sprintf("%+v", list[0]), fmt.Sprintf("%+v", s); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// What is known of public suffixes comes with the program: a newer one asks the same hosts
// in other turns, and no reader is told that anything has changed.
func TestSourceWhoseDomainIsKnownOtherwiseGetsItsNewOne(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		list := []feeds.Source{named("a", "https://blog.a.example/"), named("b", "https://b.example/")}
		configure(t, db, nil, list...)
		v := unchanged(claimed(t, db, "b", epoch), epoch)
		v.Address = "https://blog.moved.example/"
		commit(t, db, v)
		busy := failed(claimed(t, db, "a", epoch), epoch)
		busy.Busy, busy.BusyUntil = "blog.moved.example", epoch.Add(time.Hour) // as it was called before
		commit(t, db, busy)
		mustExec(t, db.write, `UPDATE sources SET host = 'blog.a.example' WHERE slug = 'a'`, `UPDATE sources SET host = 'blog.moved.example' WHERE slug = 'b'`)
		mustExec(t, db.write, `DELETE FROM meta WHERE name = 'configured'`) // which has the domains in it
		before := column(t, db, `SELECT scope || ' ' || seq FROM versions ORDER BY scope`)
		configure(t, db, nil, list...)
		same(t, "domains", column(t, db, `SELECT host FROM sources ORDER BY slug`), []string{"a.example", "moved.example"})
		same(t, "who rests", column(t, db, `SELECT host FROM hosts ORDER BY host`), []string{"blog.moved.example", "moved.example"})
		same(t, "versions", column(t, db, `SELECT scope || ' ' || seq FROM versions ORDER BY scope`), before)
	})
}
