package storage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"orrery/feeds"
)

// archive are the GUIDs of a closed archive.
func archive(t *testing.T, db *DB, q feeds.Query, n int) []string {
	t.Helper()
	q.Archive = n
	return guids(entries(t, db, q))
}

func guids(list []feeds.Entry) []string {
	out := []string{}
	for i := range list {
		out = append(out, list[i].GUID)
	}
	return out
}

func archives(t *testing.T, db *DB, q feeds.Query) int {
	t.Helper()
	n, err := db.Archives(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// walk is what a reader has that starts with the feed and follows prev-archive to the
// first one (RFC 5005 §4), each entry as often as it stands there.
func walk(t *testing.T, db *DB, q feeds.Query) []string {
	t.Helper()
	first := q
	first.Open, first.Limit = true, int(db.feedSize.Load())
	got := guids(entries(t, db, first))
	for n := archives(t, db, q); n > 0; n-- {
		for _, g := range archive(t, db, q, n) {
			if !slices.Contains(got, g) {
				got = append(got, g)
			}
		}
	}
	slices.Sort(got)
	return got
}

// Whatever comes, in whatever order and with whatever dates: who walks the archives
// gets every entry, no two archives have the same one, and what is closed stays as it
// was.
func TestArchivesHaveEveryEntryOnceAndStayAsTheyWere(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		db.SetFeedSize(10)
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 1))
		t.Logf("seed %d", seed)
		slugs := []string{"a", "b", "c"}
		configure(t, db, nil, remote("a"), remote("b"), remote("c"))
		views := []feeds.Query{{}, {Source: "a"}, {Source: "b"}, {Category: "c0"}, {Category: "c1"}, {Author: "ann"}}
		closed := map[string][]string{}
		n := 0
		for round := range 25 {
			now := epoch.Add(time.Duration(round) * 6 * time.Hour)
			var list []feeds.Entry
			for range 1 + r.IntN(6) {
				e := post(fmt.Sprint("p", n), now.Add(-time.Duration(r.IntN(1+r.IntN(5000)))*time.Hour))
				e.Categories = append(e.Categories, feeds.CategoryName{Slug: "author/ann", Title: "Ann"})
				list = append(list, in(e, fmt.Sprint("C", r.IntN(2))))
				n++
			}
			visit(t, db, slugs[r.IntN(len(slugs))], now, list...)
			for _, q := range views {
				all := guids(entries(t, db, q))
				slices.Sort(all)
				same(t, "walk", walk(t, db, q), all)
				in := map[string]int{}
				for k := 1; k <= archives(t, db, q); k++ {
					name, got := fmt.Sprint(q, k), archive(t, db, q, k)
					if before, ok := closed[name]; ok {
						same(t, "archive "+name, got, before)
					}
					closed[name] = got
					for _, g := range got {
						if in[g]++; in[g] > 1 {
							t.Errorf("%s is in two archives of %v", g, q)
						}
					}
				}
			}
		}
		if archives(t, db, feeds.Query{}) < 4 {
			t.Errorf("only %d archives were closed", archives(t, db, feeds.Query{}))
		}
		sound(t, db)
	})
}

// An import of the past is closed at once: it is in no feed but as the newest.
func TestImportGoesIntoTheArchives(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		var list []feeds.Entry
		for i := range 250 {
			list = append(list, post(fmt.Sprint(i), epoch.AddDate(0, 0, -i-30)))
		}
		visit(t, db, "a", epoch, list...)
		same(t, "archives", []int{archives(t, db, feeds.Query{Source: "a"})}, []int{5})
		same(t, "sizes", []int{len(archive(t, db, feeds.Query{}, 1)), len(archive(t, db, feeds.Query{}, 5))}, []int{60, 10})
		same(t, "the oldest", archive(t, db, feeds.Query{}, 1)[59:], []string{"249"})
		same(t, "feed", []int{len(entries(t, db, feeds.Query{Open: true, Limit: 60}))}, []int{60})
	})
}

// What is taken off is in no archive; shown again it is where it was, and in no other.
func TestEntryThatIsShownAgainIsInItsOldArchive(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		db.SetFeedSize(4)
		configure(t, db, nil, remote("a"))
		var list []feeds.Entry
		for i := range 8 {
			list = append(list, in(post(fmt.Sprint(i), epoch.Add(-time.Duration(i)*time.Hour)), "C"))
		}
		visit(t, db, "a", epoch, list...)
		before := archive(t, db, feeds.Query{}, 1)
		same(t, "the oldest", before, []string{"2", "3", "4", "5", "6", "7"})
		for _, hidden := range []bool{true, false} {
			if _, _, err := db.Hide(t.Context(), epoch, list[7].Permalink, hidden); err != nil {
				t.Fatal(err)
			}
			for _, q := range []feeds.Query{{}, {Category: "c"}, {Source: "a"}} {
				want := before
				if hidden {
					want = before[:5]
				}
				same(t, "archive", archive(t, db, q, 1), want)
				gone, err := db.Tombstones(t.Context(), q)
				if err != nil || (len(gone) == 1) != hidden || hidden && (gone[0].GUID != "7" || !gone[0].At.Equal(epoch)) {
					t.Errorf("%+v: tombstones %+v, %v", q, gone, err)
				}
			}
		}
		same(t, "walk", walk(t, db, feeds.Query{}), []string{"0", "1", "2", "3", "4", "5", "6", "7"})
		sound(t, db)
	})
}

// An entry that comes into a category later stands in what is open or in a new archive
// of it: what was closed stays (output.md 30).
func TestEntryThatGetsAnotherCategoryLeavesItsArchivesAlone(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		db.SetFeedSize(4)
		rules := &feeds.Rules{Rules: []feeds.Rule{rule("Chess", feeds.Match{Words: []string{"Post"}})}}
		configure(t, db, &feeds.Rules{}, remote("a"))
		var list []feeds.Entry
		for i := range 6 {
			list = append(list, post(fmt.Sprint(i), epoch.Add(-time.Duration(i)*time.Hour)))
		}
		visit(t, db, "a", epoch, list...)
		before := archive(t, db, feeds.Query{}, 1)
		same(t, "in the category", []int{archives(t, db, feeds.Query{Category: "chess"})}, []int{0})
		configure(t, db, rules, remote("a"))
		same(t, "archive of the planet", archive(t, db, feeds.Query{}, 1), before)
		same(t, "of the category", archive(t, db, feeds.Query{Category: "chess"}, 1), guids(list))
		configure(t, db, &feeds.Rules{}, remote("a"))
		configure(t, db, rules, remote("a"))
		same(t, "archives after there and back", []int{archives(t, db, feeds.Query{Category: "chess"})}, []int{1})
		sound(t, db)
	})
}

func TestLastToComeAreInTheOrderInWhichTheyCame(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		db.SetFeedSize(4)
		configure(t, db, nil, remote("a"))
		var want []string
		for i := range 9 {
			visit(t, db, "a", epoch.Add(time.Duration(i)*time.Hour), in(post(fmt.Sprint(i), epoch.Add(-time.Duration(i*i%7)*24*time.Hour)), "C"))
			want = append([]string{fmt.Sprint(i)}, want...)
		}
		for _, q := range []feeds.Query{{}, {Source: "a"}, {Category: "c"}} {
			q.ByArrival, q.Limit = true, 5
			same(t, "last", guids(entries(t, db, q)), want[:5])
		}
	})
}

// Who follows a search wants what is new of it, however well it is found.
func TestNewestOfWhatIsFoundComesFirstForFeeds(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		best, newest := post("best", epoch), post("newest", epoch.Add(time.Hour))
		best.Title, newest.Title = "Orrery", "Something else"
		newest.Content = "<p>of an orrery, among many other words that are here</p>"
		visit(t, db, "a", epoch.Add(2*time.Hour), best, newest)
		indexAll(t, db)
		same(t, "best", titles(entries(t, db, feeds.Query{Text: "orrery"})), []string{"Orrery", "Something else"})
		same(t, "newest", titles(entries(t, db, feeds.Query{Text: "orrery", Newest: true})), []string{"Something else", "Orrery"})
	})
}

// A category or source that gets another slug keeps its past.
func TestListThatIsRenamedKeepsItsArchives(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		db.SetFeedSize(4)
		named := func(slug, source string) []feeds.Source {
			s := remote("a")
			s.Slug = source
			configure(t, db, &feeds.Rules{Rules: []feeds.Rule{{CategoryName: feeds.CategoryName{Slug: slug, Title: "Chess"}, Match: feeds.Match{Words: []string{"Post"}}}}}, s)
			return []feeds.Source{s}
		}
		named("chess", "a")
		var list []feeds.Entry
		for i := range 9 {
			list = append(list, in(post(fmt.Sprint(i), epoch.Add(-time.Duration(i)*time.Hour)), "Chess"))
		}
		visit(t, db, "a", epoch, list...)
		var before [][]string
		for _, q := range []feeds.Query{{Category: "chess"}, {Source: "a"}} {
			before = append(before, archive(t, db, q, 1), walk(t, db, q))
		}
		named("schach", "b")
		var after [][]string
		for _, q := range []feeds.Query{{Category: "schach"}, {Source: "b"}} {
			after = append(after, archive(t, db, q, 1), walk(t, db, q))
		}
		if len(before[0]) == 0 || len(before[1]) != 9 {
			t.Errorf("nothing is tested: %v", before)
		}
		same(t, "archives", []string{fmt.Sprint(after)}, []string{fmt.Sprint(before)})
	})
}

// Of two posts that are found to be one the other one is not gone: who follows the feed
// is not told to forget it, for both may have one id.
func TestEntryThatIsJoinedToAnotherIsNotTakenBack(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"), remote("b"), remote("c"))
		one, two := post("one", epoch), post("two", epoch)
		visit(t, db, "a", epoch, one)
		visit(t, db, "b", epoch.Add(time.Minute), two)
		both := post("three", epoch)
		both.Permalink, both.Aliases = one.Permalink, []string{two.Permalink}
		visit(t, db, "c", epoch.Add(time.Hour), both)
		same(t, "shown", titles(entries(t, db, feeds.Query{})), []string{"Post one"})
		gone, err := db.Tombstones(t.Context(), feeds.Query{})
		if err != nil || len(gone) != 0 {
			t.Errorf("taken back: %+v, %v", gone, err)
		}
	})
}
