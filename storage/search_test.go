package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// indexAll indexes whatever waits, and says how many entries that were.
func indexAll(t testing.TB, db *DB) (all int) {
	t.Helper()
	for more := true; more; {
		var n int
		var err error
		if n, more, err = db.Index(t.Context()); err != nil {
			t.Fatal(err)
		}
		all += n
	}
	return all
}

// lookFor is what is found, by the titles.
func lookFor(t testing.TB, db *DB, text string, q feeds.Query) []string {
	t.Helper()
	q.Text = text
	return titles(entries(t, db, q))
}

// finds fails the test unless these and no others are found, in whatever order.
func finds(t testing.TB, db *DB, text string, want ...string) {
	t.Helper()
	got := lookFor(t, db, text, feeds.Query{})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q finds %q, not %q", text, got, want)
	}
}

// saying is a post with the title and text.
func saying(title, text string) feeds.Entry {
	e := post(feeds.Slug(title), epoch.Add(-time.Hour))
	e.Title, e.Content = title, "<p>"+text+"</p>"
	return e
}

// manyTongues are posts in which is what people look for.
func manyTongues() []feeds.Entry {
	return []feeds.Entry{
		saying("Kernel news", "The <b>Linux</b> kernel 6.12 is out; open source, as ever."),
		saying("Windows", "It is not Linux, nor is the source open. Don't ask."),
		saying("Crème brûlée", "Rezept aus Ło\u0301dz\u0301 mit Straßenkäse"),
		saying("Languages", "C++ and C# and Go, but C too"),
		saying("日本語の記事", "東京で大きな会議がありました。コーヒー"),
		saying("京都", "東の京、京東"),
		saying("한국어 소식", "새로운 소식을 전합니다"),
		saying("ข่าวไทย", "ประเทศไทยในวันนี้"),
		saying("שָׁלוֹם עולם", "חדשות מהעולם"),
		saying("مرحبا بالعالم", "أخبارٌ من العالم"),
		saying("Привет", "Ёлки и палки"),
		saying("हिंदी", "यह किताब अच्छी है"),
	}
}

func TestEntriesAreFoundByTheirWords(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, manyTongues()...)
		if got := lookFor(t, db, "linux", feeds.Query{}); len(got) > 0 {
			t.Errorf("%q is found before anything was indexed", got)
		}
		if n := indexAll(t, db); n != len(manyTongues()) {
			t.Errorf("%d entries were indexed", n)
		}
		if n := indexAll(t, db); n != 0 {
			t.Errorf("%d entries were indexed twice", n)
		}
		for text, want := range map[string][]string{
			"linux":                   {"Kernel news", "Windows"},
			"LINUX kernel":            {"Kernel news"},
			"linux absent":            nil,
			"news":                    {"Kernel news"},
			`"open source"`:           {"Kernel news"},
			"open source":             {"Kernel news", "Windows"},
			`"source open"`:           {"Windows"},
			`"news the"`:              nil, // one is over the text, one in it
			"lin*":                    {"Kernel news", "Windows"},
			`"the lin*"`:              {"Kernel news"},
			"lin":                     nil,
			"linux -windows":          {"Kernel news"},
			`linux -"open source"`:    {"Windows"},
			"linux -the -is":          nil,
			"-linux":                  nil,
			"don't":                   {"Windows"},
			"6.12":                    {"Kernel news"},
			"creme":                   {"Crème brûlée"},
			"CRÈME BRÛLÉE":            {"Crème brûlée"},
			"lodz strassenkase":       {"Crème brûlée"},
			"c++":                     {"Languages"},
			"c#":                      {"Languages"},
			"c":                       {"Languages"},
			`"c too"`:                 {"Languages"},
			"東京":                      {"日本語の記事"},
			"京":                       {"京都", "日本語の記事"},
			"東 京":                     {"京都", "日本語の記事"},
			"会議 コーヒー":                 {"日本語の記事"},
			"ｺｰﾋｰ":                    {"日本語の記事"},
			"소식":                      {"한국어 소식"},
			"ไทย":                     {"ข่าวไทย"},
			"שלום":                    {"שָׁלוֹם עולם"},
			"اخبار":                   {"مرحبا بالعالم"},
			"أخبار العالم":            {"مرحبا بالعالم"},
			"елки":                    {"Привет"},
			"किताब":                   {"हिंदी"},
			"कताब":                    nil,
			"post":                    nil,
			strings.Repeat("x", 5000): nil,
		} {
			finds(t, db, text, want...)
		}
	})
}

// Nothing that anybody types is an error of the engine's language.
func TestWhateverIsTypedIsAnswered(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, manyTongues()...)
		indexAll(t, db)
		hostile := []string{
			"", " ", "*", "-", "--", "-*", `"`, `""`, `"""`, `"*"`, `-"`, `-"" x`, "(", ")", "a AND", "AND", "OR OR", "NOT linux", "NEAR(linux kernel, 2)",
			"title:linux", "{title}:linux", "- title : x", "^linux", "linux^2", "linux:*", "linux:A", "a & b | !c", "a <-> b", "<2>", "'linux'", "''", `\`, `\'`,
			"; DROP TABLE entries; --", "%", "_", "§c1", "§s1 linux", "texts", "rank", "bm25(texts)", "\x00", "linux\x00kernel", "\xff\xfe", "\u202e\u200f", "😀 linux",
			strings.Repeat("(", 200), strings.Repeat("-a ", 70), strings.Repeat(`"a b" `, 40), strings.Repeat("a* ", 60), strings.Repeat("日", 70), strings.Repeat("\u0301", 100),
			"lin* ker* sou* -ope* -win*", "+linux", "linux +", "++", "#", "c++*", `"c++ c#"*`, "\uFDFA", "１２３", "½", "\u1112\u1161",
		}
		for _, text := range hostile {
			if _, err := db.Entries(t.Context(), feeds.Query{Text: text}); err != nil {
				t.Errorf("%.100q: %v", text, err)
			}
			if _, err := db.Entries(t.Context(), feeds.Query{Text: "linux " + text, Source: "a", Limit: 5}); err != nil {
				t.Errorf("linux %.100q: %v", text, err)
			}
		}
	})
}

// inIndex is how many entries the index has.
func inIndex(t *testing.T, db *DB) (n int) {
	t.Helper()
	from, query := db.read, `SELECT count(*) FROM search_index`
	if f, ok := db.index.(*fileIndex); ok {
		o, err := f.get()
		if err != nil || o == nil {
			t.Fatal("there is no index", err)
		}
		from, query = o.read, `SELECT count(*) FROM places`
	}
	if err := from.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatChangesIsFoundByWhatItSaysNow(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, folder("own"), remote("a"))
		first, second := saying("First", "alpha beta"), saying("Second", "alpha gamma")
		visit(t, db, "own", epoch, first, second)
		indexAll(t, db)
		finds(t, db, "alpha", "First", "Second")

		at := epoch.Add(2 * time.Hour)
		first.Content = "<p>delta</p>"
		first.Updated = at
		visit(t, db, "own", at, first)
		if n := indexAll(t, db); n != 1 {
			t.Errorf("%d entries were indexed", n)
		}
		finds(t, db, "delta", "First")
		finds(t, db, "alpha", "Second")
		finds(t, db, "beta")

		id := entries(t, db, feeds.Query{Text: "gamma"})[0].ID
		for _, hidden := range []bool{true, false} {
			if _, _, err := db.Hide(t.Context(), at, id, hidden); err != nil {
				t.Fatal(err)
			}
			want := []string{"Second"}
			if hidden { // at once
				finds(t, db, "gamma")
				want = nil
			}
			indexAll(t, db)
			finds(t, db, "gamma", want...)
			if n := inIndex(t, db); n != 1+len(want) {
				t.Errorf("hidden %v: %d entries are in the index", hidden, n)
			}
		}
		withdraw(t, db, "own", at.Add(time.Hour), "second")
		finds(t, db, "gamma")
		indexAll(t, db)
		finds(t, db, "gamma")
		if n := len(column(t, db, `SELECT entry_id FROM unindexed`)); n > 0 {
			t.Errorf("%d entries are left", n)
		}
	})
}

func TestWhatIsFoundStandsInTheListsThatAreAskedFor(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		rules := &feeds.Rules{TagsAsCategories: true}
		configure(t, db, rules, remote("a"), remote("b"))
		list := func(source, title, category, author, language string) feeds.Entry {
			e := saying(title, "common word")
			e.Tags, e.Authors, e.Language = []feeds.Tag{{Term: category}}, []feeds.Person{{Name: author}}, language
			e.Categories = rules.Lists(&e, &feeds.Source{Slug: source})
			return e
		}
		visit(t, db, "a", epoch, list("a", "One", "Linux", "Ann", "en"), list("a", "Two", "Linux", "Bob", "de-AT"))
		visit(t, db, "b", epoch, list("b", "Three", "Linux", "Ann", "de"), list("b", "Four", "Cooking", "Ann", "de"))
		indexAll(t, db)
		for _, c := range []struct {
			q    feeds.Query
			want []string
		}{
			{feeds.Query{}, []string{"Four", "One", "Three", "Two"}},
			{feeds.Query{Source: "a"}, []string{"One", "Two"}},
			{feeds.Query{Category: "linux"}, []string{"One", "Three", "Two"}},
			{feeds.Query{Category: "linux", Source: "b"}, []string{"Three"}},
			{feeds.Query{Author: "ann"}, []string{"Four", "One", "Three"}},
			{feeds.Query{Author: "ann", Language: "de", Category: "linux"}, []string{"Three"}},
			{feeds.Query{Language: "en", Source: "b"}, []string{}},
			{feeds.Query{Category: "absent"}, []string{}},
			{feeds.Query{Source: "absent"}, []string{}},
		} {
			got := lookFor(t, db, "common", c.q)
			slices.Sort(got)
			same(t, fmt.Sprintf("%+v", c.q), got, c.want)
		}
		// By the names of their lists and authors, too, but for those of languages.
		finds(t, db, "cooking", "Four")
		finds(t, db, "bob", "Two")
		finds(t, db, "de")
	})
}

func TestEntryIsFoundByANewNameOfItsCategory(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		rules := func(title string) *feeds.Rules {
			return &feeds.Rules{Rules: []feeds.Rule{{CategoryName: feeds.CategoryName{Slug: "c", Title: title}, Match: feeds.Match{Words: []string{"word"}}}}}
		}
		configure(t, db, rules("Oldname"), remote("a"))
		e := saying("One", "a word")
		e.Categories = rules("Oldname").Lists(&e, &feeds.Source{})
		visit(t, db, "a", epoch, e)
		indexAll(t, db)
		finds(t, db, "oldname", "One")
		configure(t, db, rules("Newname"), remote("a"))
		indexAll(t, db)
		finds(t, db, "newname", "One")
		finds(t, db, "oldname")
	})
}

// What is over a text says more than what is in it, and what is newer is worth more.
func TestBestIsFoundFirst(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		aged := func(title, text string, years int) feeds.Entry {
			e := saying(title, text)
			e.Published = epoch.AddDate(-years, 0, -1)
			return e
		}
		filler := strings.Repeat("other words that say nothing at all ", 10)
		visit(t, db, "a", epoch,
			aged("Old", filler+"comet", 6), aged("New", filler+"comet", 0), aged("The comet, long ago", filler, 6),
			aged("The comet", filler, 0), aged("Much of it", "comet comet comet comet "+filler, 0), aged("Nothing", filler, 0), aged("Nothing else", filler, 1))
		indexAll(t, db)
		got := lookFor(t, db, "comet", feeds.Query{})
		if len(got) != 5 || got[0] != "The comet" {
			t.Fatalf("found %q", got)
		}
		for _, pair := range [][2]string{{"The comet", "The comet, long ago"}, {"New", "Old"}, {"Much of it", "New"}, {"The comet, long ago", "Old"}} {
			if slices.Index(got, pair[0]) > slices.Index(got, pair[1]) {
				t.Errorf("%q is found before %q: %q", pair[1], pair[0], got)
			}
		}
		same(t, "the best", lookFor(t, db, "comet", feeds.Query{Limit: 2}), got[:2])
	})
}

func TestMoreThanTheNewestAreFoundByTheirTitles(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		var list []feeds.Entry
		for i := range maxHits + 50 {
			e := saying(fmt.Sprint("Post ", i), "common")
			e.Published = epoch.Add(-time.Duration(i) * time.Minute)
			list = append(list, e)
		}
		list[maxHits+20].Title = "Common title"
		visit(t, db, "a", epoch, list...)
		indexAll(t, db)
		got := lookFor(t, db, "common", feeds.Query{})
		if len(got) != maxHits+1 || !slices.Contains(got[:1], "Common title") {
			t.Errorf("%d were found, the first is %q", len(got), got[:1])
		}
		same(t, "beside them", lookFor(t, db, "common", feeds.Query{Limit: 3})[1:], []string{"Post 0", "Post 1"})
		if got := lookFor(t, db, "common title", feeds.Query{}); len(got) != 1 {
			t.Errorf("%q", got)
		}
	})
}

// The version tells who keeps what was found when to look anew: at a change, and when
// that is indexed. Whoever keeps anything else need not.
func TestVersionOfWhatIsFoundRisesWhenItIsIndexed(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		version := func(q feeds.Query) (int64, time.Time) {
			seq, changed, err := db.Version(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			return seq, changed
		}
		text := feeds.Query{Text: "word"}
		version(text)
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, saying("One", "word"))
		seq, _ := version(text)
		planet, changed := version(feeds.Query{})
		if n := indexAll(t, db); n != 1 {
			t.Fatal(n)
		}
		if now, _ := version(text); now <= seq {
			t.Errorf("what is found is of version %d, as before", now)
		}
		now, at := version(feeds.Query{})
		if now != planet || !at.Equal(changed) {
			t.Errorf("the planet is of version %d of %v, after %d of %v", now, at, planet, changed)
		}
		if _, at := version(text); time.Since(at) > time.Hour {
			t.Errorf("what is found changed at %v", at)
		}
		seq, _ = version(text)
		if indexAll(t, db); seq != first(version(text)) {
			t.Error("nothing was indexed, and the version rose")
		}
	})
}

func first[A, B any](a A, _ B) A { return a }

func TestWhatIsFoundHasNoArchives(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		for _, q := range []feeds.Query{{Text: "a", Open: true}, {Text: "a", Archive: 1}, {Text: "a", ByArrival: true}} {
			if _, err := db.Entries(t.Context(), q); err == nil {
				t.Errorf("%+v is answered", q)
			}
		}
	})
}

func TestWhatIsCommittedIsIndexedSoon(t *testing.T) {
	eachWith(t, 2, func(t *testing.T, all []*DB) {
		configure(t, all[0], nil, remote("a"))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			all[0].IndexBehind(ctx, func(err error) { t.Error(err) })
		}()
		visit(t, all[0], "a", epoch, saying("One", "word"))
		for began := time.Now(); len(lookFor(t, all[1], "word", feeds.Query{})) == 0; time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > 20*time.Second {
				t.Fatal("it is not found")
			}
		}
		stop()
		<-done
	})
}
