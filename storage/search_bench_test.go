package storage

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/feeds/feedstest"
	"orrery/storage/pgtest"
)

// searchEntries is how many entries are searched; each is as long as a real one. There may
// be others: ORRERY_ENTRIES=200000 go test ./storage -run '^$' -bench Search/sqlite
var searchEntries = func() int {
	if n, err := strconv.Atoi(os.Getenv("ORRERY_ENTRIES")); err == nil {
		return n
	}
	return 30_000
}()

// realPosts are those of the real feeds.
func realPosts(t testing.TB) (list []feeds.Entry) {
	t.Helper()
	err := filepath.WalkDir(feedstest.Data(t, "feeds"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := feeds.Read(body, "", "https://b.example/")
		if err != nil {
			return nil // some are no feeds
		}
		feeds.Normalize(f, "https://b.example/")
		list = append(list, f.Entries...)
		return nil
	})
	if err != nil || len(list) < 1000 {
		t.Fatal(len(list), err)
	}
	return list
}

func paragraphsOf(posts []feeds.Entry) (list []string) {
	for _, e := range posts {
		for p := range strings.SplitSeq(e.Content, "</p>") {
			if len(p) > 40 {
				list = append(list, p+"</p>")
			}
		}
	}
	return list
}

// questions are words of the texts: one, two, some that stand together, and beginnings.
func questions(b testing.TB) (list []string) {
	b.Helper()
	paragraphs := paragraphsOf(realPosts(b))
	r := rand.New(rand.NewPCG(3, 4))
	for len(list) < 400 {
		w := strings.Fields(feeds.PlainText(paragraphs[r.IntN(len(paragraphs))]))
		if len(w) < 6 {
			continue
		}
		for i := range w {
			w[i] = strings.Trim(w[i], `.,:;"()-`)
		}
		at := r.IntN(len(w) - 3)
		switch len(list) % 4 {
		case 0:
			list = append(list, w[at])
		case 1:
			list = append(list, w[at]+" "+w[r.IntN(len(w))])
		case 2:
			list = append(list, `"`+strings.Join(w[at:at+2+r.IntN(2)], " ")+`"`)
		case 3:
			begin := []rune(w[at])
			list = append(list, string(begin[:min(len(begin), 3+r.IntN(3))])+"*")
		}
	}
	return list
}

// askAll asks every question once in a round, and before, to have the index in memory.
func askAll(b *testing.B, db *DB) {
	list := questions(b)
	var took []time.Duration
	ask := func() {
		for _, text := range list {
			began := time.Now()
			entries(b, db, feeds.Query{Text: text, Limit: 20})
			took = append(took, time.Since(began))
		}
	}
	ask()
	took = nil
	for b.Loop() {
		ask()
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "p50-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "p99-ms")
	b.ReportMetric(0, "ns/op")
}

// searchStore is a store of entries that say what real ones do, none of them what
// another does, over ten years.
func searchStore(b *testing.B, db *DB) {
	b.Helper()
	real := realPosts(b)
	paragraphs := paragraphsOf(real)
	const perSource = 300
	var list []feeds.Source
	for i := range searchEntries / perSource {
		list = append(list, remote(fmt.Sprint("s", i)))
	}
	configure(b, db, nil, list...)
	r := rand.New(rand.NewPCG(1, 2))
	due := claim(b, db, feeds.Want{Now: epoch, N: len(list), Lease: time.Hour})
	for k, d := range due {
		posts := make([]feeds.Entry, perSource)
		for i := range posts {
			e := post(fmt.Sprintf("%d-%d", k, i), epoch.Add(-time.Duration(r.IntN(10*365*24))*time.Hour))
			e.Title, e.Content = real[r.IntN(len(real))].Title, ""
			for n := len(real[r.IntN(len(real))].Content); len(e.Content) < n || e.Content == ""; {
				e.Content += paragraphs[r.IntN(len(paragraphs))]
			}
			posts[i] = in(e, fmt.Sprint("Category ", r.IntN(20)))
		}
		commit(b, db, visitOf(d, epoch, posts...))
	}
}

// searchedStore is one that is indexed, and says how many entries that was in a second.
func searchedStore(b *testing.B, db *DB) float64 {
	b.Helper()
	searchStore(b, db)
	began := time.Now()
	n := indexAll(b, db)
	rate := float64(n) / time.Since(began).Seconds()
	if n < searchEntries*9/10 {
		b.Fatalf("only %d entries were indexed", n)
	}
	if db.dialect == postgres { // as the server does within a minute
		if _, err := db.write.ExecContext(b.Context(), `VACUUM ANALYZE search_index`); err != nil {
			b.Fatal(err)
		}
	}
	return rate
}

// indexSize is how many bytes the index takes.
func indexSize(b *testing.B, db *DB) (n int64) {
	b.Helper()
	var err error
	if x, ok := db.index.(*fileIndex); ok {
		var i os.FileInfo
		if i, err = os.Stat(x.name()); err == nil {
			n = i.Size()
		}
	} else {
		err = db.read.QueryRowContext(b.Context(), `SELECT pg_total_relation_size('search_index')`).Scan(&n)
	}
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func BenchmarkSearch(b *testing.B) {
	if testing.Short() {
		b.Skip("30,000 entries take a minute")
	}
	for engine, open := range map[string]func() *DB{
		"sqlite": func() *DB { return open(b, newPath(b)) },
		"postgres": func() *DB {
			db, err := Open(b.Context(), pgtest.URL(b))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { shut(b, db) })
			return db
		},
	} {
		db := open()
		rate := searchedStore(b, db)
		size := indexSize(b, db)
		b.Run(engine+"/index", func(b *testing.B) {
			for b.Loop() { // what is measured was, once
			}
			b.ReportMetric(float64(size)/float64(searchEntries), "B/entry")
			b.ReportMetric(rate, "entries/s")
		})
		b.Run(engine+"/what texts say", func(b *testing.B) { askAll(b, db) })
		for _, text := range []string{"linux", "the", "the of and", "python code", `"open source"`, `"of the"`, `"the way a"`, "con*", "cont*", "inter*", "the* category=3", "linux -windows", "linux -con*", "absentword", "the category=3"} {
			q := feeds.Query{Limit: 20}
			q.Text, q.Category, _ = strings.Cut(text, " category=")
			if q.Category != "" {
				q.Category = "category-" + q.Category
			}
			b.Run(engine+"/"+text, func(b *testing.B) {
				found := 0
				for b.Loop() {
					found = len(entries(b, db, q))
				}
				b.ReportMetric(float64(found), "found")
			})
		}
	}
}
