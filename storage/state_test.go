package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"orrery/feeds"
)

// stateOf is the stored source with the slug.
func stateOf(t *testing.T, db *DB, slug string) feeds.Source {
	t.Helper()
	list, err := db.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(s feeds.Source) bool { return s.Slug == slug })
	if i < 0 {
		t.Fatalf("there is no source %s", slug)
	}
	return list[i]
}

// unchanged is a visit that found nothing new, and what the store remembers of the
// source already.
func unchanged(d feeds.Due, at time.Time) feeds.Visit {
	s := &d.Source
	return feeds.Visit{
		Due: d, At: at, Next: at.Add(time.Hour), Status: 304, Validators: d.Validators,
		Pace: s.Pace, Moving: s.Moving, Address: s.Address, Backfill: s.Backfill, Answer: s.Answer,
	}
}

// failed is a visit that failed, and what is remembered.
func failed(d feeds.Due, at time.Time) feeds.Visit {
	v := unchanged(d, at)
	v.Outcome, v.Err, v.Status = feeds.Failed, errFault, 500
	return v
}

// memory is what a source is remembered by, as text.
func memory(s *feeds.Source) string {
	return fmt.Sprintf("pace %+v, moving %+v, address %s, backfill %+v, answer %+v, held %v", s.Pace, s.Moving, s.Address, s.Backfill, s.Answer, s.State.Held)
}

// Each of them changes at times of its own, whatever becomes of the visit.
func TestWhatAVisitTellsOfItsSourceComesBack(t *testing.T) {
	for name, change := range map[string]func(v *feeds.Visit){
		"nothing":      func(*feeds.Visit) {},
		"its pace":     func(v *feeds.Visit) { v.Pace = paceOfAll() },
		"its move":     func(v *feeds.Visit) { v.Moving = feeds.Move{To: "https://b.example/", Since: epoch, Seen: 2} },
		"its address":  func(v *feeds.Visit) { v.Address = "https://b.example/feed" },
		"its past":     func(v *feeds.Visit) { v.Backfill = feeds.Backfill{URL: "https://a.example/1", Left: 7} },
		"its answer":   func(v *feeds.Visit) { v.Answer = answerOfAll() },
		"that it lied": func(v *feeds.Visit) { v.Held = true },
		"all of it": func(v *feeds.Visit) {
			v.Pace, v.Moving, v.Address, v.Answer, v.Held = paceOfAll(), feeds.Move{To: "u", Seen: 1}, "https://b.example/feed", answerOfAll(), true
			v.Backfill = feeds.Backfill{URL: "https://a.example/1", Left: 7}
		},
	} {
		for kind, visit := range map[string]func(feeds.Due, time.Time) feeds.Visit{"a visit": unchanged, "a failure": failed} {
			t.Run(name+" of "+kind, func(t *testing.T) {
				each(t, func(t *testing.T, db *DB) {
					configure(t, db, nil, remote("a"))
					v := visit(claimed(t, db, "a", epoch), epoch)
					change(&v)
					commit(t, db, v)
					told := feeds.Source{Pace: v.Pace, Moving: v.Moving, Address: v.Address, Backfill: v.Backfill, Answer: v.Answer, State: feeds.State{Held: v.Held}}
					d := claimed(t, db, "a", epoch.Add(time.Hour))
					if got, want := memory(&d.Source), memory(&told); got != want {
						t.Errorf("claimed %s\nwant    %s", got, want)
					}
					s := stateOf(t, db, "a")
					if got, want := memory(&s), memory(&told); got != want {
						t.Errorf("listed %s\nwant   %s", got, want)
					}
					// And it is forgotten when it is no longer so.
					commit(t, db, feeds.Visit{Due: d, At: epoch.Add(time.Hour), Next: epoch.Add(2 * time.Hour)})
					s = stateOf(t, db, "a")
					if got, want := memory(&s), memory(&feeds.Source{}); got != want {
						t.Errorf("afterwards %s", got)
					}
				})
			})
		}
	}
}

func paceOfAll() feeds.Pace {
	return feeds.Pace{TTL: time.Hour, Period: 2 * time.Hour, SkipHours: []int{0, 23}, SkipDays: []time.Weekday{time.Sunday}, MaxAge: time.Minute, Tempo: 3 * time.Hour, Newest: epoch}
}

func answerOfAll() feeds.Answer {
	return feeds.Answer{URL: "https://a.example/x", Hops: []string{"301 https://a.example/x"}, Header: []string{"Server: \"<b>'"}, Bytes: 9, Took: time.Second, Next: "it failed"}
}

// fetching.md 21.
func TestBusyHostIsClaimedByNobody(t *testing.T) {
	sources := []feeds.Source{
		named("a", "https://big.example/a"), named("b", "https://BIG.example/b"), named("port", "https://big.example:8443/"),
		named("plain", "http://big.example/c"), named("below", "https://www.big.example/"), named("other", "https://other.example/"), folder("own"),
	}
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, sources...)
		v := failed(claimed(t, db, "a", epoch), epoch)
		v.Next, v.Busy, v.BusyUntil = epoch.Add(time.Minute), "big.example", epoch.Add(2*time.Hour)
		commit(t, db, v)
		for _, want := range []feeds.Want{{}, {All: true}, {Slugs: []string{"a", "b", "plain", "port", "below", "other", "own"}}} {
			for at, slugs := range map[time.Duration][]string{
				2*time.Hour - time.Microsecond: {"other", "own"},
				2 * time.Hour:                  {"a", "b", "below", "other", "own", "plain", "port"},
			} {
				want.Now, want.Start, want.N, want.Lease = epoch.Add(at), epoch.Add(at), 9, time.Microsecond
				waiting, err := db.Waiting(t.Context(), want)
				due := claim(t, db, want)
				got := slugsOf(due)
				slices.Sort(got)
				same(t, fmt.Sprintf("after %v, %v", at, want.Slugs), got, slugs)
				if waiting != len(slugs) || err != nil {
					t.Errorf("waiting: %d, %v", waiting, err)
				}
				for _, d := range due {
					if err := db.Release(t.Context(), d, time.Time{}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
}

func TestBusyHostIsBusyUntilTheLatestTimeItNamed(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		busy := func(at time.Time, host string, until time.Time) {
			v := failed(claimed(t, db, "a", at), at)
			v.Busy, v.BusyUntil = host, until
			commit(t, db, v)
		}
		at := func(h int) time.Time { return epoch.Add(time.Duration(h) * time.Hour) }
		busy(at(0), "x.example", at(5))
		busy(at(1), "x.example", at(3)) // what was asked for first holds
		busy(at(2), "y.example", at(4))
		same(t, "hosts", column(t, db, `SELECT host || ' ' || ((until - $1) / 3600000000) FROM hosts ORDER BY host`, micros(epoch)), []string{"x.example 5", "y.example 4"})
		busy(at(4), "z.example", at(6)) // who is not busy any more is forgotten
		busy(at(5), "x.example", at(7))
		same(t, "hosts then", column(t, db, `SELECT host || ' ' || ((until - $1) / 3600000000) FROM hosts ORDER BY host`, micros(epoch)), []string{"x.example 7", "z.example 6"})
	})
}

// The host that counts is the one that is asked.
func TestMovedSourceBelongsToItsNewHost(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, named("a", "https://old.example/"), named("b", "https://b.example/"))
		v := unchanged(claimed(t, db, "a", epoch), epoch)
		v.Address = "https://NEW.example:8443/feed"
		commit(t, db, v)
		configure(t, db, nil, named("a", "https://old.example/"), named("b", "https://b.example/")) // a restart
		busy := func(at time.Time, host string) {
			v := failed(claimed(t, db, "b", at), at)
			v.Busy, v.BusyUntil, v.Next = host, epoch.Add(9*time.Hour), at
			commit(t, db, v)
		}
		slugs := func() []string {
			list := []string{}
			for _, d := range claim(t, db, feeds.Want{Now: epoch.Add(3 * time.Hour), N: 9}) {
				list = append(list, d.Source.Slug+" "+d.Source.Asked())
				if err := db.Release(t.Context(), d, time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
			slices.Sort(list)
			return list
		}
		busy(epoch.Add(time.Hour), "old.example")
		same(t, "its old host is busy", slugs(), []string{"a https://NEW.example:8443/feed", "b https://b.example/"})
		busy(epoch.Add(2*time.Hour), "new.example")
		same(t, "its new host is busy", slugs(), []string{"b https://b.example/"})
	})
}

// fetching.md 23.
func TestSourceThatMovesToAnotherIsOneWithIt(t *testing.T) {
	const there = "https://there.example/feed"
	for name, c := range map[string]struct {
		ready func(t *testing.T, db *DB)
		want  string
	}{
		"configured there": {func(t *testing.T, db *DB) {
			configure(t, db, nil, remote("a"), named("b", there))
		}, "b"},
		"moved there": {func(t *testing.T, db *DB) {
			configure(t, db, nil, remote("a"), remote("b"))
			moveTo(t, db, "b", there)
		}, "b"},
		"not configured any more": {func(t *testing.T, db *DB) {
			configure(t, db, nil, named("b", there))
			configure(t, db, nil, remote("a"))
		}, ""},
		"paused": {func(t *testing.T, db *DB) {
			configure(t, db, nil, remote("a"), named("b", there))
			if _, err := db.write.ExecContext(t.Context(), `UPDATE sources SET paused = 1 WHERE slug = 'b'`); err != nil {
				t.Fatal(err)
			}
		}, ""},
		"itself one with a third": {func(t *testing.T, db *DB) {
			configure(t, db, nil, remote("a"), named("b", there), remote("c"))
			moveTo(t, db, "b", remote("c").URL)
		}, ""},
		"nobody": {func(t *testing.T, db *DB) { configure(t, db, nil, remote("a")) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				c.ready(t, db)
				before := versions(t, db)
				moveTo(t, db, "a", there)
				a := stateOf(t, db, "a")
				address := map[bool]string{true: there, false: ""}[c.want == ""]
				if a.SameAs != c.want || a.Address != address || a.URL != remote("a").URL {
					t.Errorf("same as %q, address %q", a.SameAs, a.Address)
				}
				if !slices.Contains(raised(t, db, before), "") {
					t.Error("the list of sources does not show it")
				}
				due := slugsOf(claim(t, db, feeds.Want{Now: epoch.Add(9 * time.Hour), N: 9, Slugs: []string{"a"}}))
				if len(due) != map[bool]int{true: 1, false: 0}[c.want == ""] {
					t.Errorf("claimed: %v", due)
				}
			})
		})
	}
}

// moveTo commits that the source has moved.
func moveTo(t *testing.T, db *DB, slug, address string) {
	t.Helper()
	v := unchanged(claimed(t, db, slug, epoch), epoch)
	v.Address = address
	commit(t, db, v)
}

func TestSourceThatWasOneWithAnotherIsItselfAgainWithoutIt(t *testing.T) {
	b := remote("b")
	elsewhere := b
	elsewhere.URL += "?2"
	for name, c := range map[string]struct {
		then   []feeds.Source
		sameAs string
	}{
		"nothing has changed":      {[]feeds.Source{remote("a"), b}, "b"},
		"the other is retired":     {[]feeds.Source{remote("a")}, ""},
		"the other goes elsewhere": {[]feeds.Source{remote("a"), elsewhere}, ""},
		"the other is renamed":     {[]feeds.Source{remote("a"), named("c", b.URL)}, "c"},
		"it goes elsewhere itself": {[]feeds.Source{named("a", "https://a.example/new"), b}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, db *DB) {
				configure(t, db, nil, remote("a"), b)
				moveTo(t, db, "a", b.URL)
				before := versions(t, db)
				configure(t, db, nil, c.then...)
				a := stateOf(t, db, "a")
				due := claim(t, db, feeds.Want{Now: epoch.Add(time.Minute), N: 9, Slugs: []string{"a"}})
				if a.SameAs != c.sameAs || (len(due) == 1) != (c.sameAs == "") {
					t.Errorf("same as %q, claimed %d", a.SameAs, len(due))
				}
				if c.sameAs == "" && !slices.Contains(raised(t, db, before), "") {
					t.Error("the list of sources does not show it")
				}
			})
		})
	}
}

// What the old address told says nothing of the new one.
func TestSourceAtAnotherAddressIsRememberedByNothing(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		v := failed(claimed(t, db, "a", epoch), epoch)
		v.Pace, v.Moving, v.Answer, v.Held = paceOfAll(), feeds.Move{To: "u", Seen: 1}, answerOfAll(), true
		v.Address, v.Backfill = "https://old.example/", feeds.Backfill{URL: "https://a.example/1", Left: 7}
		commit(t, db, v)
		configure(t, db, nil, named("a", "https://new.example/"))
		d := claimed(t, db, "a", epoch)
		if got, want := memory(&d.Source), memory(&feeds.Source{}); got != want || d.Source.Host() != "new.example" {
			t.Errorf("%s", got)
		}
		if host := column(t, db, `SELECT host FROM sources`); host[0] != "new.example" {
			t.Errorf("its host is %q", host)
		}
	})
}

// RFC 5005 §4: a document of the past is the same feed as it once was.
func TestDocumentOfThePastChangesNothingOfItsSource(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		v := visitOf(claimed(t, db, "a", epoch), epoch, post("new", epoch))
		v.Validators = feeds.Validators{URL: "u", ETag: "e", LastModified: "l", BodyHash: "h"}
		v.Pace, v.Answer, v.Problems = paceOfAll(), answerOfAll(), []string{"a problem"}
		v.Backfill, v.More = feeds.Backfill{URL: "https://a.example/1", Left: 9}, epoch.Add(time.Hour)
		commit(t, db, v)
		before := stateOf(t, db, "a")
		same(t, "claimed during it", slugsOf(claim(t, db, feeds.Want{Now: epoch.Add(time.Hour - 1000), N: 1, Slugs: []string{"a"}})), []string{})

		o := feeds.Visit{
			Due: v.Due, At: epoch.Add(time.Minute), Older: true, Backfill: feeds.Backfill{URL: "https://a.example/2", Left: 8}, More: epoch.Add(2 * time.Hour),
			Feed: &feeds.Feed{Title: "As it was called once", Entries: []feeds.Entry{placed(post("old", epoch.Add(-time.Hour)), epoch)}},
		}
		if tally := commit(t, db, o); tally.New != 1 {
			t.Errorf("tally %+v", tally)
		}
		same(t, "claimed after it", slugsOf(claim(t, db, feeds.Want{Now: epoch.Add(2*time.Hour - 1000), N: 1, Slugs: []string{"a"}})), []string{})
		after := stateOf(t, db, "a")
		before.Backfill, before.Entries = o.Backfill, 2
		if got, want := fmt.Sprintf("%+v", after), fmt.Sprintf("%+v", before); got != want {
			t.Errorf("was %s\nis  %s", want, got)
		}
		o.Backfill, o.More, o.Feed = feeds.Backfill{}, time.Time{}, nil
		commit(t, db, o)
		d := claimed(t, db, "a", epoch.Add(time.Hour))
		if d.Source.Backfill != (feeds.Backfill{}) || d.Validators.ETag != "e" || d.Validators.BodyHash != "h" {
			t.Errorf("claimed %+v", d)
		}
		if _, err := db.Commit(t.Context(), o); !errors.Is(err, feeds.ErrLeaseLost) {
			t.Errorf("the old claim's commit: %v", err)
		}
		same(t, "titles", titles(entries(t, db, feeds.Query{})), []string{"Post new", "Post old"})
		sound(t, db)
	})
}

func TestWhatAVisitTellsOfItsSourceIsStoredWholeOrNotAtAll(t *testing.T) {
	everyFault(t, func(t *testing.T, db *DB) feeds.Visit {
		configure(t, db, nil, remote("a"), remote("b"))
		v := failed(claimed(t, db, "a", epoch), epoch)
		v.Pace, v.Moving, v.Answer = paceOfAll(), feeds.Move{To: "u", Seen: 1}, answerOfAll()
		v.Address, v.Backfill = remote("b").URL, feeds.Backfill{URL: "https://a.example/1", Left: 7}
		v.Busy, v.BusyUntil = "b.example", epoch.Add(time.Hour)
		return v
	}, func(db *DB, v feeds.Visit) error {
		_, err := db.Commit(context.Background(), v)
		return err
	})
}
