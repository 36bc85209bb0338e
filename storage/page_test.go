package storage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

func TestPagesShowEveryEntryOnceThoughManyAreOfOneMoment(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"))
		var list []feeds.Entry
		for i := range 23 {
			list = append(list, in(post(fmt.Sprint(i), epoch.Add(-time.Duration(i/9)*time.Hour)), "C"))
		}
		visit(t, db, "a", epoch, list...)
		visit(t, db, "b", epoch, in(post("b", epoch), "B"))
		for _, c := range []struct {
			q feeds.Query
			n int
		}{{feeds.Query{}, 24}, {feeds.Query{Category: "c"}, 23}, {feeds.Query{Source: "a"}, 23}, {feeds.Query{Category: "c", Source: "a"}, 23}, {feeds.Query{Category: "c", Source: "b"}, 0}} {
			whole := entries(t, db, c.q)
			if len(whole) != c.n {
				t.Errorf("%+v: %d entries", c.q, len(whole))
			}
			if !slices.IsSortedFunc(whole, func(a, b feeds.Entry) int {
				if n := b.Sort.Compare(a.Sort); n != 0 {
					return n
				}
				return strings.Compare(a.ID, b.ID)
			}) {
				t.Errorf("%+v: not in order", c.q)
			}
			for size := 1; size <= 9; size++ {
				var got []string
				q := c.q
				q.Limit = size
				for {
					page := entries(t, db, q)
					got = append(got, titles(page)...)
					if len(page) < size || len(got) > len(whole) {
						break
					}
					q.After = &page[len(page)-1]
				}
				same(t, fmt.Sprintf("%+v in pages of %d", c.q, size), got, titles(whole))
			}
		}
	})
}

func TestEntryComesBackAsItWasStored(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		e := in(feeds.Entry{
			GUID: "tag:a.example,2026:1", GUIDGlobal: true, Permalink: "https://a.example/1?a=1&b=<2>", Aliases: []string{"https://a.example/old"},
			Title: "5 > 4 & \u2028 “ünï” \U0001F600", Summary: "<p>s</p>", Content: "<p>a &amp; b</p>\n<img src=\"x\">", Language: "de", Group: "g",
			Authors: []feeds.Person{{Name: "N", Email: "m@example.org", URL: "u"}}, Tags: []feeds.Tag{{Term: "t", Scheme: "s", Label: "l"}},
			Enclosures: []feeds.Enclosure{{URL: "u", Type: "audio/ogg", Length: 1 << 40}},
			Origin:     &feeds.Origin{ID: "i", Title: "t", Updated: epoch},
			Published:  epoch.Add(-time.Hour).Add(123456 * time.Microsecond), Updated: epoch.Add(-time.Minute),
		}, "Zebra", "Ant")
		visit(t, db, "a", epoch, e)
		got := only(t, db)
		if got.Source == nil || got.Source.Slug != "a" || len(got.Also) != 0 || len(got.ID) != 10 {
			t.Errorf("got %+v", got)
		}
		want := placed(e, epoch)
		want.ID, want.Source = got.ID, got.Source
		slices.Reverse(want.Categories)
		want.Origin, got.Origin = nil, nil // a pointer; what it says is in the dump
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("stored %+v\ngot    %+v", want, got)
		}
		same(t, "origin", column(t, db, `SELECT json_extract(body, '$.origin.id') FROM copies`), []string{"i"})
		same(t, "by its ID", titles(entries(t, db, feeds.Query{ID: got.ID})), []string{e.Title})
		same(t, "by another", titles(entries(t, db, feeds.Query{ID: "nobody"})), []string{})
	})
}

// Every answer is one state of the store: an entry whose source had been taken
// away between two questions would have none.
func TestEntriesAreReadFromOneStateWhileOthersWrite(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, stores []*DB) {
		db, other := stores[0], stores[1]
		configure(t, db, nil, folder("own"), remote("far"))
		visit(t, db, "far", epoch, in(post("p", epoch), "C"))
		done, read := make(chan struct{}), make(chan string)
		go func() {
			defer close(read)
			for {
				list, err := db.Entries(t.Context(), feeds.Query{})
				if err != nil {
					read <- err.Error()
				}
				for _, e := range list {
					if n := map[bool]int{true: 2, false: 1}[e.Source != nil && e.Source.Slug == "own"]; e.Source == nil || len(e.Categories) != n || len(e.Also) != n-1 {
						read <- fmt.Sprintf("source %v, also %v, categories %v", e.Source, e.Also, e.Categories)
					}
				}
				select {
				case <-done:
					return
				default:
				}
			}
		}()
		go func() {
			defer close(done)
			for i := range 60 {
				at := epoch.Add(time.Duration(i+1) * time.Hour)
				due, err := other.Claim(t.Context(), feeds.Want{Now: at, Start: at, N: 1, Lease: time.Minute, Slugs: []string{"own"}})
				if err != nil || len(due) != 1 {
					t.Errorf("claim: %d, %v", len(due), err)
					return
				}
				v := visitOf(due[0], at, in(post("p", epoch), "D"))
				if i%2 == 1 {
					v = visitOf(due[0], at)
					v.Withdrawn = []string{"p"}
				}
				if _, err := other.Commit(t.Context(), v); err != nil {
					t.Error(err)
				}
			}
		}()
		for torn := range read {
			t.Error(torn)
		}
	})
}

// plan is how the engine would answer, a line a step.
func plan(t *testing.T, db *DB, query string, args []any) string {
	t.Helper()
	rows, err := db.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err = eachRow(rows, func() error {
		var id, parent, unused int
		var text string
		err := rows.Scan(&id, &parent, &unused, &text)
		b.WriteString(text + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// planPG is what PostgreSQL would do, which for few rows is otherwise.
func planPG(t *testing.T, db *DB, query string, args []any) string {
	t.Helper()
	tx, err := db.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	if _, err := tx.ExecContext(t.Context(), `SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off`); err != nil {
		t.Fatal(err)
	}
	rows, err := tx.QueryContext(t.Context(), "EXPLAIN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err = eachRow(rows, func() error {
		var text string
		err := rows.Scan(&text)
		b.WriteString(text + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A query that reads a table from end to end, or sorts what it found, grows with
// the store.
func TestHotQueriesUseTheirIndexes(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		after, month := &feeds.Entry{Sort: epoch, ID: "x"}, feeds.MonthOf(epoch)
		entriesOf := func(q feeds.Query) func() (string, []any) {
			return func() (string, []any) { q.Limit = 60; return entriesQuery(q, nil) }
		}
		for _, c := range []struct {
			name  string
			query func() (string, []any)
			uses  string
		}{
			{"planet", entriesOf(feeds.Query{}), "SCAN e USING INDEX entries_order\n"},
			{"planet, second page", entriesOf(feeds.Query{After: after}), "SEARCH e USING INDEX entries_order (sort<?)\n"},
			{"category", entriesOf(feeds.Query{Category: "c"}), "SEARCH o USING PRIMARY KEY (category_id=?)\n"},
			{"category, second page", entriesOf(feeds.Query{Category: "c", After: after}), "SEARCH o USING PRIMARY KEY (category_id=? AND sort<?)\n"},
			{"source", entriesOf(feeds.Query{Source: "s"}), "SEARCH o USING PRIMARY KEY (source_id=?)\n"},
			{"source, second page", entriesOf(feeds.Query{Source: "s", After: after}), "SEARCH o USING PRIMARY KEY (source_id=? AND sort<?)\n"},
			{"category of a source", entriesOf(feeds.Query{Category: "c", Source: "s"}), "SEARCH o USING PRIMARY KEY (category_id=?)\n"},
			{"month", entriesOf(feeds.Query{Month: month}), "SEARCH e USING INDEX entries_order (sort>? AND sort<?)\n"},
			{"month, second page", entriesOf(feeds.Query{Month: month, After: after}), "SEARCH e USING INDEX entries_order (sort>? AND sort<?)\n"},
			{"month of a list", entriesOf(feeds.Query{Month: month, Category: "c", Source: "s", Language: "l"}), "SEARCH o USING PRIMARY KEY (category_id=? AND sort>? AND sort<?)\n"},
			{"month of a source, second page", entriesOf(feeds.Query{Month: month, Source: "s", After: after}), "SEARCH o USING PRIMARY KEY (source_id=? AND sort>? AND sort<?)\n"},
			{"months", func() (string, []any) { return monthsQuery, []any{"c 1"} }, "SEARCH months USING PRIMARY KEY (list=?)\n"},
			{"last visit", func() (string, []any) { return lastVisitQuery, nil }, "SCAN sources USING INDEX sources_visited\n"},
			{"one entry", entriesOf(feeds.Query{ID: "x"}), "(public_id=?)\n"},
			{"claim", claimOf(db, feeds.Want{}, 0), "SEARCH sources USING INDEX sources_due (next_visit<?)\n"},
			{"claim of all", claimOf(db, feeds.Want{All: true}, 0), "SCAN sources USING INDEX sources_due\n"},
			{"next claim, same time", claimOf(db, feeds.Want{All: true, After: &feeds.Source{}}, 0), "SEARCH sources USING INDEX sources_due (next_visit=? AND rowid>?)\n"},
			{"next claim, later", claimOf(db, feeds.Want{All: true, After: &feeds.Source{}}, 1), "SEARCH sources USING INDEX sources_due (next_visit>?)\n"},
			{"version", func() (string, []any) { return versionQuery, []any{"c x"} }, "SEARCH versions USING INDEX"},
			{"known", func() (string, []any) { return knownQuery(2), []any{1, "a", "b"} }, "SEARCH copies USING INDEX sqlite_autoindex_copies_1 (source_id=? AND guid_hash=?)\n"},
		} {
			query, args := c.query()
			if db.dialect == postgres {
				if got := planPG(t, db, query, args); strings.Contains(got, "Seq Scan") || strings.Contains(got, "Sort") {
					t.Errorf("%s: got\n%s", c.name, got)
				}
				continue
			}
			got := plan(t, db, query, args)
			if !strings.Contains(got, c.uses) || strings.Contains(got, "TEMP B-TREE") || strings.Contains(strings.ReplaceAll(got, c.uses, ""), "SCAN") {
				t.Errorf("%s: want %sgot\n%s", c.name, c.uses, got)
			}
		}
	})
}

// claimOf is one of the questions of a claim.
func claimOf(db *DB, want feeds.Want, part int) func() (string, []any) {
	want.Now, want.N = epoch, 9
	return func() (string, []any) { return db.dueQuery(want, dueAfter(want.After)[part], want.N) }
}
