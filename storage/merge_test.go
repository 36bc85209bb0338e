package storage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

func TestKnownEntryIsStoredOnceAndARevisionOnce(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		p := post("p", epoch.Add(-time.Hour))
		for i, c := range []struct {
			title    string
			tally    feeds.Tally
			revision int
			changed  time.Time
		}{
			{"One", feeds.Tally{New: 1}, 0, p.Published},
			{"One", feeds.Tally{}, 0, p.Published},
			{"Two", feeds.Tally{Revised: 1}, 1, epoch.Add(2 * time.Hour)},
			{"Two", feeds.Tally{}, 1, epoch.Add(2 * time.Hour)},
			{"One", feeds.Tally{Revised: 1}, 2, epoch.Add(4 * time.Hour)},
		} {
			at := epoch.Add(time.Duration(i) * time.Hour)
			p.Title = c.title
			if tally := visit(t, db, "a", at, p); tally != c.tally {
				t.Errorf("%d: tally %+v, want %+v", i, tally, c.tally)
			}
			e := only(t, db)
			if e.Title != c.title || e.Revision != c.revision || !e.Changed.Equal(c.changed) {
				t.Errorf("%d: %q, revision %d, changed %v", i, e.Title, e.Revision, e.Changed)
			}
			if !e.Sort.Equal(p.Published) || !e.FirstSeen.Equal(epoch) {
				t.Errorf("%d: it moved to %v, first seen %v", i, e.Sort, e.FirstSeen)
			}
		}
		same(t, "outbox", events(t, db), []string{"new One", "revised One", "revised One"}) // by the title it has now
	})
}

// dedupe.md 8: the source's own date, if it is one to believe.
func TestRevisionIsDatedByItsSourceUnlessThatCannotBe(t *testing.T) {
	at := epoch.Add(24 * time.Hour)
	for _, c := range []struct {
		name          string
		updated, want time.Time
	}{
		{"as the source says", epoch.Add(5 * time.Hour), epoch.Add(5 * time.Hour)},
		{"not said", time.Time{}, at},
		{"not moved", epoch, at},
		{"in the future", at.Add(time.Hour), at},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				configure(t, db, nil, remote("a"))
				p := post("p", epoch)
				visit(t, db, "a", epoch, p)
				p.Title, p.Updated = "New", c.updated
				visit(t, db, "a", at, p)
				if e := only(t, db); !e.Changed.Equal(c.want) {
					t.Errorf("changed %v, want %v", e.Changed, c.want)
				}
			})
		})
	}
}

// dedupe.md 6: all dates jump together, and nothing moves.
func TestEntryNeverMovesWhateverItsSourceDatesAnew(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		var list []feeds.Entry
		for i := range 5 {
			list = append(list, post(fmt.Sprint(i), epoch.Add(-time.Duration(i)*time.Hour)))
		}
		visit(t, db, "a", epoch, list...)
		before := titles(entries(t, db, feeds.Query{}))
		for i := range list {
			list[i].Published = epoch.Add(time.Duration(i) * time.Hour)
			list[i].Content += "!"
		}
		visit(t, db, "a", epoch.Add(9*time.Hour), list...)
		same(t, "order", titles(entries(t, db, feeds.Query{})), before)
		for _, e := range entries(t, db, feeds.Query{}) {
			if e.Sort.After(epoch) {
				t.Errorf("%s moved to %v", e.Title, e.Sort)
			}
		}
	})
}

// parsing.md 24: the original is kept, what is shown is clamped.
func TestNothingDatedInTheFutureIsShown(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, post("p", epoch.Add(48*time.Hour)))
		if e := only(t, db); e.Published.After(epoch) || e.Sort.After(epoch) || e.Changed.After(epoch) {
			t.Errorf("published %v, sort %v, changed %v", e.Published, e.Sort, e.Changed)
		}
		same(t, "kept", column(t, db, `SELECT json_extract(body, '$.published') FROM copies`), []string{"2026-03-03T12:00:00Z"})
	})
}

func TestWithdrawnPostIsGoneAndItsReturnIsNew(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("own"))
		at := func(h int) time.Time { return epoch.Add(time.Duration(h) * time.Hour) }
		visit(t, db, "own", at(0), in(post("p", epoch), "C"), post("stays", epoch))
		id := entries(t, db, feeds.Query{Category: "c"})[0].ID
		if tally := withdraw(t, db, "own", at(1), "p", "stranger"); tally != (feeds.Tally{Withdrawn: 1}) {
			t.Errorf("withdrawal: %+v", tally)
		}
		if tally := withdraw(t, db, "own", at(2), "p"); !tally.Zero() {
			t.Errorf("second withdrawal: %+v", tally)
		}
		same(t, "shown", titles(entries(t, db, feeds.Query{})), []string{"Post stays"})
		for _, q := range []feeds.Query{{ID: id}, {Category: "c"}} {
			same(t, fmt.Sprint(q), titles(entries(t, db, q)), []string{})
		}
		if tally := visit(t, db, "own", at(3), in(post("p", epoch), "C")); tally != (feeds.Tally{New: 1}) {
			t.Errorf("return: %+v", tally)
		}
		if e := entries(t, db, feeds.Query{Category: "c"}); len(e) != 1 || e[0].ID != id || e[0].Revision != 0 {
			t.Errorf("came back as %+v, was %s", e, id)
		}
		same(t, "outbox", events(t, db), []string{"new Post p", "new Post stays", "withdrawn Post p", "new Post p"})
		sound(t, db)
	})
}

// markdown.md 8: who deletes his post wants it gone, whoever copied it.
func TestDeletedLocalPostHidesTheEntryThoughACopyRemains(t *testing.T) {
	own, far := post("p", epoch), post("p", epoch)
	far.GUID = "elsewhere"
	for name, order := range map[string][]string{"local first": {"own", "far"}, "remote first": {"far", "own"}} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				configure(t, db, nil, folder("own"), remote("far"))
				both := map[string]feeds.Entry{"own": own, "far": far}
				for _, slug := range order {
					visit(t, db, slug, epoch, both[slug])
				}
				withdraw(t, db, "own", epoch.Add(time.Hour), own.GUID)
				same(t, "shown", titles(entries(t, db, feeds.Query{})), []string{})
				far := far
				far.Title = "Still here"
				visit(t, db, "far", epoch.Add(2*time.Hour), far)
				same(t, "shown after the copy was revised", titles(entries(t, db, feeds.Query{})), []string{})
				visit(t, db, "own", epoch.Add(3*time.Hour), own)
				if e := only(t, db); e.Source.Slug != "own" || e.Title != own.Title {
					t.Errorf("came back as %q of %s", e.Title, e.Source.Slug)
				}
				sound(t, db)
			})
		})
	}
}

// dedupe.md 14.
func TestLocalPostWinsInAnyOrderOfArrival(t *testing.T) {
	copies := map[string]feeds.Entry{}
	for _, slug := range []string{"own", "near", "far"} {
		e := in(post("p", epoch), "In "+slug)
		e.GUID, e.Title = "guid of "+slug, "Title of "+slug
		copies[slug] = e
	}
	for _, order := range [][]string{{"own", "near", "far"}, {"near", "own", "far"}, {"far", "near", "own"}, {"near", "far", "own"}, {"own", "far", "near"}, {"far", "own", "near"}} {
		t.Run(strings.Join(order, " "), func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				configure(t, db, nil, folder("own"), remote("near"), remote("far"))
				for i, slug := range order {
					tally := visit(t, db, slug, epoch.Add(time.Duration(i)*time.Minute), copies[slug])
					if want := (feeds.Tally{New: 1}); i == 0 && tally != want {
						t.Errorf("%s: %+v", slug, tally)
					}
					if want := (feeds.Tally{Duplicate: 1}); i > 0 && tally != want {
						t.Errorf("%s: %+v", slug, tally)
					}
				}
				e := only(t, db)
				if e.Title != "Title of own" || e.Source == nil || e.Source.Slug != "own" {
					t.Errorf("shown is %q of %v", e.Title, e.Source)
				}
				var also, categories []string
				for _, s := range e.Also {
					also = append(also, s.Slug)
				}
				for _, c := range e.Categories {
					categories = append(categories, c.Slug)
				}
				same(t, "also at", also, []string{"far", "near"})
				same(t, "categories", categories, []string{"in-far", "in-near", "in-own"})
				for _, slug := range order {
					same(t, "under "+slug, titles(entries(t, db, feeds.Query{Source: slug})), []string{"Title of own"})
				}
				// RFC 4287 §4.2.6: an id never changes, whoever is shown now.
				if e.GUID != "guid of "+order[0] {
					t.Errorf("the GUID went from that of %s to %q", order[0], e.GUID)
				}
				news := slices.DeleteFunc(events(t, db), func(s string) bool { return !strings.HasPrefix(s, "new") })
				same(t, "announced", news, []string{"new Title of own"})
				sound(t, db)
			})
		})
	}
}

func TestSamePostOfTwoSourcesIsOneEntry(t *testing.T) {
	first := feeds.Entry{GUID: "tag:x.example,2026:1", GUIDGlobal: true, Permalink: "https://x.example/post/", Title: "First", Published: epoch}
	for name, second := range map[string]feeds.Entry{
		"same global GUID":                       {GUID: first.GUID, GUIDGlobal: true, Permalink: "https://elsewhere.example/post"},
		"same address":                           {GUID: "2", Permalink: first.Permalink},
		"same address with tracking parameters":  {GUID: "2", Permalink: "https://x.example/post/?utm_source=feed&fbclid=1"},
		"same address, http, www, index, anchor": {GUID: "2", Permalink: "http://www.x.example:80/post/index.html#top"},
		"its address is an alias":                {GUID: "2", Permalink: "https://y.example/post", Aliases: []string{"https://x.example/post"}},
		"its GUID is the address":                {GUID: first.Permalink, GUIDGlobal: true, Permalink: "https://y.example/post"},
	} {
		t.Run(name, func(t *testing.T) {
			second.Title, second.Published = "Second", epoch
			for _, pair := range [][2]feeds.Entry{{first, second}, {second, first}} {
				var shown []string
				for _, order := range [][]int{{0, 1}, {1, 0}} {
					each(t, func(t *testing.T, db *DB) {
						configure(t, db, nil, remote("a"), remote("b"))
						for n, i := range order {
							slug := []string{"a", "b"}[i]
							tally := visit(t, db, slug, epoch.Add(time.Duration(n)*time.Minute), pair[i])
							if want := (feeds.Tally{New: 1 - n, Duplicate: n}); tally != want {
								t.Errorf("%s: tally %+v", slug, tally)
							}
						}
						e := only(t, db)
						if len(e.Also) != 1 || e.Also[0].Slug == e.Source.Slug {
							t.Errorf("shown is %q of %s, also at %d", e.Title, e.Source.Slug, len(e.Also))
						}
						shown = append(shown, e.Title)
						sound(t, db)
					})
				}
				if shown[0] != shown[1] {
					t.Errorf("in one order %q is shown, in the other %q", shown[0], shown[1])
				}
			}
		})
	}
}

func TestDifferentPostsStayTwo(t *testing.T) {
	for name, pair := range map[string][2]feeds.Entry{
		"the same local GUID":       {{GUID: "1", Permalink: "https://x.example/1"}, {GUID: "1", Permalink: "https://y.example/1"}},
		"the front page of a site":  {{GUID: "1", Permalink: "https://x.example/"}, {GUID: "2", Permalink: "https://x.example"}},
		"no identity but their own": {{GUID: "1"}, {GUID: "1"}},
		"addresses that differ":     {{GUID: "1", Permalink: "https://x.example/?p=1"}, {GUID: "2", Permalink: "https://x.example/?p=2"}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				configure(t, db, nil, remote("a"), remote("b"))
				visit(t, db, "a", epoch, pair[0])
				visit(t, db, "b", epoch, pair[1])
				list := entries(t, db, feeds.Query{})
				if len(list) != 2 || list[0].ID == list[1].ID {
					t.Errorf("got %d entries", len(list))
				}
			})
		})
	}
}

// Whole feeds link every entry to one page.
func TestTwoEntriesOfOneSourceWithOneLinkStayTwo(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("planet"))
		one := feeds.Entry{GUID: "tag:x.example,2026:1", GUIDGlobal: true, Permalink: "https://x.example/news", Title: "One"}
		two := feeds.Entry{GUID: "tag:x.example,2026:2", GUIDGlobal: true, Permalink: "https://x.example/news", Title: "Two"}
		if tally := visit(t, db, "a", epoch, one, two); tally != (feeds.Tally{New: 2}) {
			t.Fatalf("tally %+v", tally)
		}
		// Another planet has them the other way round: their GUIDs tell them apart.
		if tally := visit(t, db, "planet", epoch, two, one); tally != (feeds.Tally{Duplicate: 2}) {
			t.Errorf("tally %+v", tally)
		}
		got := column(t, db, `SELECT count(DISTINCT json_extract(body, '$.title')) FROM copies GROUP BY entry_id`)
		same(t, "titles an entry", got, []string{"1", "1"})
	})
}

func TestTwoSourcesThatRaceForAPostMakeOneEntry(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, stores []*DB) {
		configure(t, stores[0], nil, remote("a"), remote("b"))
		var visits []feeds.Visit
		for i, slug := range []string{"a", "b"} {
			var list []feeds.Entry
			for n := range 50 {
				list = append(list, post(fmt.Sprint(n), epoch))
			}
			visits = append(visits, visitOf(claimed(t, stores[i], slug, epoch), epoch, list...))
		}
		tallies := make(chan feeds.Tally, 2)
		for i, v := range visits {
			go func() {
				tally, err := stores[i].Commit(t.Context(), v)
				if err != nil {
					t.Error(err)
				}
				tallies <- tally
			}()
		}
		var sum feeds.Tally
		for range visits {
			sum.Add(<-tallies)
		}
		if sum != (feeds.Tally{New: 50, Duplicate: 50}) {
			t.Errorf("together %+v", sum)
		}
		sound(t, stores[0])
	})
}

func TestPublicIDsAreTheSameAfterTheDatabaseWasWiped(t *testing.T) {
	var ids [2][]string
	for i := range ids {
		each(t, func(t *testing.T, db *DB) {
			ids[i] = nil // of every engine
			configure(t, db, nil, remote(fmt.Sprintf("other%d", i)), remote("a"), folder("own"))
			visit(t, db, "a", epoch.Add(time.Duration(i)*time.Hour), post("p", epoch), post("q", epoch.Add(-1000)), feeds.Entry{GUID: "bare", Published: epoch.Add(-2000)})
			visit(t, db, "own", epoch, post("r", epoch.Add(-3000)))
			for _, e := range entries(t, db, feeds.Query{}) {
				ids[i] = append(ids[i], e.ID)
			}
		})
	}
	if len(ids[0]) != 4 {
		t.Errorf("got %v", ids[0])
	}
	same(t, "IDs", ids[1], ids[0])
}

// A revision of what nobody sees is no news.
func TestRevisedCopyThatIsNotShownTellsNobody(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		visit(t, db, "a", epoch, post("p", epoch))
		visit(t, db, "b", epoch.Add(time.Minute), post("p", epoch))
		before, told := versions(t, db), events(t, db)
		p := post("p", epoch)
		p.Title = "Revised by b"
		if tally := visit(t, db, "b", epoch.Add(time.Hour), p); tally != (feeds.Tally{Revised: 1}) {
			t.Errorf("tally %+v", tally)
		}
		same(t, "versions", raised(t, db, before), []string{})
		same(t, "outbox", events(t, db), told)
		if e := only(t, db); e.Title != "Post p" {
			t.Errorf("shown is %q", e.Title)
		}
	})
}
