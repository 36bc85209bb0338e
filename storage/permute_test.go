package storage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// world is some sources and what they have.
type world struct {
	sources []feeds.Source
	posts   map[string][]feeds.Entry // by slug
}

// visited is a visit to a source that lists the first n of its posts.
type visited struct {
	slug string
	n    int
}

// prose is n words of a text that no other name has, three in a row.
func prose(name string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s%d ", name, i*i)
	}
	return strings.TrimSpace(b.String())
}

// randomWorld has a folder and two to four feeds, which share posts: by their GUIDs,
// addresses, aliases, or texts that are nearly the same. Some of them link several posts
// to one page, some have posts of one title.
func randomWorld(r *rand.Rand) *world {
	w := &world{posts: map[string][]feeds.Entry{}}
	names := []string{"a", "b", "c", "d", "own"}[r.IntN(3):]
	for _, name := range names {
		s := remote(name)
		if name == "own" {
			s = folder(name)
		}
		w.sources = append(w.sources, s)
	}
	for n := range 4 + r.IntN(6) {
		post := feeds.Entry{
			GUID: fmt.Sprint("https://home.example/", n), GUIDGlobal: true, Permalink: fmt.Sprint("https://home.example/", n),
			Title: fmt.Sprint("Post ", n), Content: "<p>" + prose(fmt.Sprint("p", n, "w"), 60+r.IntN(200)) + "</p>",
			Published: epoch.Add(-time.Duration(10+n) * 24 * time.Hour),
		}
		if r.IntN(4) == 0 {
			post.Title = "Weekly notes"
		}
		for k, s := range w.sources {
			if r.IntN(5) < 3 {
				e := post
				e.Published = e.Published.Add(time.Duration(k) * time.Minute) // no two are of one time
				vary(r, &e, s.Slug, n)
				w.posts[s.Slug] = append(w.posts[s.Slug], in(e, "In "+s.Slug))
			}
		}
	}
	for _, s := range w.sources {
		slices.SortFunc(w.posts[s.Slug], func(a, b feeds.Entry) int { return strings.Compare(a.GUID, b.GUID) })
		w.posts[s.Slug] = slices.CompactFunc(w.posts[s.Slug], func(a, b feeds.Entry) bool { return a.GUID == b.GUID })
	}
	return w
}

// vary makes the post what the source has of it.
func vary(r *rand.Rand, e *feeds.Entry, slug string, n int) {
	own := fmt.Sprintf("https://%s.example/%d", slug, n)
	if slug == "own" { // a folder's posts have their GUIDs from their addresses
		if r.IntN(3) == 0 {
			e.Aliases, e.GUID, e.Permalink = []string{e.Permalink}, own, own
		}
		return
	}
	switch r.IntN(10) {
	case 0: // the very same
	case 1:
		e.GUID, e.GUIDGlobal, e.Permalink = fmt.Sprint(n), false, "http://www.home.example/"+fmt.Sprint(n)+"/?utm_source=x"
	case 2:
		e.Permalink = own
	case 3: // one text below another
		e.GUID, e.Permalink, e.Content = own, own, e.Content+"<p>Read on at "+slug+"</p>"
	case 4: // an excerpt
		all := strings.Fields(e.Content)
		e.GUID, e.Permalink, e.Content = own, own, strings.Join(all[:55], " ")+"</p>"
	case 5: // another title, and nearly the same text
		e.GUID, e.Permalink, e.Title, e.Content = own, own, "Repost: "+e.Title, e.Content+"<p>Via</p>"
	case 6: // a page for all
		e.GUID, e.GUIDGlobal, e.Permalink = "at "+own, false, "https://"+slug+".example/news"
	case 7: // with the page of others
		e.Permalink = "https://a.example/news"
	case 8: // at the address of another
		e.GUID, e.GUIDGlobal, e.Permalink = "near "+own, false, fmt.Sprint("https://home.example/", n+1)
	case 9: // with the GUID of one and the address of another
		e.Permalink = fmt.Sprint("https://home.example/", n+2)
	}
}

// itinerary visits every source one to three times, in any order, so that each has listed all
// that it has in the end.
func itinerary(r *rand.Rand, w *world) (list []visited) {
	for _, s := range w.sources {
		for left := len(w.posts[s.Slug]); ; left = r.IntN(left) {
			list = append(list, visited{s.Slug, left})
			if left == 0 || r.IntN(2) == 0 {
				break
			}
		}
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	most := map[string]int{} // a source lists more and more
	for i := range list {
		most[list[i].slug] = max(most[list[i].slug], list[i].n)
		list[i].n = most[list[i].slug]
	}
	return list
}

// shuffled is the world with the posts of each source in another order.
func shuffled(r *rand.Rand, w *world) *world {
	out := &world{sources: slices.Clone(w.sources), posts: map[string][]feeds.Entry{}}
	r.Shuffle(len(out.sources), func(i, j int) { out.sources[i], out.sources[j] = out.sources[j], out.sources[i] })
	for _, s := range w.sources {
		list := slices.Clone(w.posts[s.Slug])
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		out.posts[s.Slug] = list
	}
	return out
}

// lookAt visits the source, which lists these posts.
func lookAt(t *testing.T, db *DB, slug string, at time.Time, list ...feeds.Entry) feeds.Tally {
	t.Helper()
	d := claimed(t, db, slug, at)
	v := visitOf(d, at, list...)
	if !d.Source.Local() && len(list) > 0 {
		for i := range list {
			v.Listed = append(v.Listed, list[i].GUID)
		}
	}
	return commit(t, db, v)
}

// after is the time of the n-th visit.
func after(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }

// eachWorld runs the test with some worlds on every engine, of which fresh makes stores.
func eachWorld(t *testing.T, n uint64, test func(t *testing.T, seed uint64, fresh func() *DB)) {
	t.Helper()
	for seed := range n {
		t.Run(fmt.Sprint("sqlite/world ", seed), func(t *testing.T) { test(t, seed, func() *DB { return open(t, newFile(t)) }) })
		t.Run(fmt.Sprint("postgres/world ", seed), func(t *testing.T) {
			leaveOutPostgres(t)
			test(t, seed, func() *DB { return openPG(t) })
		})
	}
}

// played is the store after these visits.
func played(t *testing.T, db *DB, w *world, looks []visited) *DB {
	t.Helper()
	configure(t, db, nil, w.sources...)
	for i, l := range looks {
		lookAt(t, db, l.slug, after(i), w.posts[l.slug][:l.n]...)
	}
	return db
}

// groups are the copies that are one entry, a line each: their sources and GUIDs.
func groups(t *testing.T, db *DB) []string {
	t.Helper()
	return column(t, db, `SELECT group_concat(name, ' = ') AS line FROM (SELECT c.entry_id, s.slug || ' ' || json_extract(c.body, '$.guid') AS name
		FROM copies c JOIN sources s ON s.id = c.source_id ORDER BY c.entry_id, 2) AS t GROUP BY entry_id ORDER BY line`)
}

// shownOf is what the planet shows, a line an entry: all but its ID and the GUID it first
// came with.
func shownOf(t *testing.T, db *DB) []string {
	t.Helper()
	out := []string{}
	for _, e := range entries(t, db, feeds.Query{}) {
		var also, categories []string
		for _, s := range e.Also {
			also = append(also, s.Slug)
		}
		for _, c := range e.Categories {
			categories = append(categories, c.Slug)
		}
		out = append(out, fmt.Sprintf("%v %q %s of %s also %v in %v, %d bytes, revision %d", e.Sort, e.Title, e.Permalink, e.Source.Slug, also, categories, len(e.Content), e.Revision))
	}
	return out
}

// lines fails the test unless the lists are equal, and says what only one of them has.
func lines(t testing.TB, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	var b strings.Builder
	for _, x := range want {
		if !slices.Contains(got, x) {
			b.WriteString("- " + x + "\n")
		}
	}
	for _, x := range got {
		if !slices.Contains(want, x) {
			b.WriteString("+ " + x + "\n")
		}
	}
	t.Errorf("%s:\n%s", what, &b)
}

// remembered is the dump without what sources remember of their visits.
func remembered(t *testing.T, db *DB) []string {
	t.Helper()
	return slices.DeleteFunc(strings.Split(dump(t, db), "\n"), func(s string) bool { return strings.HasPrefix(s, "sources ") })
}

// worlds is how many are tried; the race detector makes each ten times as slow.
func worlds() uint64 {
	if testing.Short() {
		return 4
	}
	return 12
}

// dedupe.md 1: which copies are one post depends on the copies.
func TestPlanetIsTheSameInWhateverOrderItsSourcesAreRead(t *testing.T) {
	merged := 0
	eachWorld(t, worlds(), func(t *testing.T, seed uint64, fresh func() *DB) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := randomWorld(r)
		var first []visited
		for _, s := range w.sources {
			first = append(first, visited{s.Slug, len(w.posts[s.Slug])})
		}
		db := played(t, fresh(), w, first)
		wantGroups, wantShown := groups(t, db), shownOf(t, db)
		for _, line := range wantGroups {
			merged += strings.Count(line, " = ")
		}
		sound(t, db)
		for range 3 {
			x := shuffled(r, w)
			looks := itinerary(r, x)
			db := played(t, fresh(), x, looks)
			lines(t, fmt.Sprintf("groups after %v", looks), groups(t, db), wantGroups)
			lines(t, fmt.Sprintf("shown after %v", looks), shownOf(t, db), wantShown)
			sound(t, db)
		}
	})
	if merged < 5*int(worlds()) {
		t.Errorf("only %d copies were found to be of a post that is known: the worlds say nothing", merged)
	}
}

// What all say as before changes nothing, however often it is said.
func TestPlanetThatIsReadAgainAndAgainIsTheSame(t *testing.T) {
	eachWorld(t, worlds(), func(t *testing.T, seed uint64, fresh func() *DB) {
		r := rand.New(rand.NewPCG(seed, 2))
		w := randomWorld(r)
		looks := itinerary(r, w)
		db := played(t, fresh(), w, looks)
		before := remembered(t, db)
		for n := range 5 {
			x := shuffled(r, w)
			for i, s := range x.sources {
				if tally := lookAt(t, db, s.Slug, after(len(looks)+n*len(x.sources)+i), x.posts[s.Slug]...); !tally.Zero() {
					t.Errorf("pass %d: %s: %+v", n, s.Slug, tally)
				}
			}
			lines(t, fmt.Sprint("pass ", n), remembered(t, db), before)
		}
	})
}

// A source that lists less takes nothing away, and no copy is ever lost.
func TestNoPostIsLostThoughItsSourceListsItNoMore(t *testing.T) {
	eachWorld(t, worlds(), func(t *testing.T, seed uint64, fresh func() *DB) {
		r := rand.New(rand.NewPCG(seed, 3))
		w := randomWorld(r)
		looks := itinerary(r, w)
		db := played(t, fresh(), w, looks)
		want := shownOf(t, db)
		for i, s := range w.sources {
			if list := w.posts[s.Slug]; len(list) > 0 {
				lookAt(t, db, s.Slug, after(len(looks)+i), list[:r.IntN(len(list))]...)
			}
		}
		lines(t, "shown", shownOf(t, db), want)
		names := []string{}
		for _, s := range w.sources {
			for _, e := range w.posts[s.Slug] {
				names = append(names, s.Slug+" "+e.GUID)
			}
		}
		slices.Sort(names)
		lines(t, "copies in what is shown", column(t, db, `SELECT s.slug || ' ' || json_extract(c.body, '$.guid') FROM copies c JOIN sources s ON s.id = c.source_id
				JOIN entries e ON e.id = c.entry_id WHERE e.withdrawn = 0 ORDER BY 1`), names)
	})
}

// What a source says by mistake, and then corrects, leaves no trace in what is one post.
func TestPlanetIsTheSameThoughSomeWereWrongFirst(t *testing.T) {
	eachWorld(t, worlds(), func(t *testing.T, seed uint64, fresh func() *DB) {
		r := rand.New(rand.NewPCG(seed, 4))
		w := randomWorld(r)
		wrong := &world{sources: w.sources, posts: map[string][]feeds.Entry{}}
		for _, s := range w.sources {
			list := slices.Clone(w.posts[s.Slug])
			wrong.posts[s.Slug] = list
			for i := range list {
				e := &list[i]
				switch r.IntN(5) {
				case 0:
					e.Permalink = fmt.Sprint("https://home.example/", r.IntN(9)) // somebody else's, perhaps
				case 1:
					e.Title = "Weekly notes"
				case 2:
					e.Content = "<p>" + prose(fmt.Sprint("p", r.IntN(9), "w"), 60) + "</p>"
				case 3:
					e.Permalink = "https://a.example/news"
				}
			}
		}
		db, straight := played(t, fresh(), wrong, itinerary(r, wrong)), played(t, fresh(), w, itinerary(r, w))
		for i, s := range shuffled(r, w).sources {
			lookAt(t, db, s.Slug, after(100*(i+1)), w.posts[s.Slug]...)
		}
		lines(t, "groups", groups(t, db), groups(t, straight))
		sound(t, db)
	})
}
