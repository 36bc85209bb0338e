package storage

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/feeds/feedstest"
	"orrery/storage/pgtest"
)

// searchEntries is how many entries are searched; each is as long as a real one.
const searchEntries = 30_000

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

// searchStore is a store of entries that say what real ones do, none of them what
// another does, over ten years.
func searchStore(b *testing.B, db *DB) {
	b.Helper()
	real := realPosts(b)
	var paragraphs []string
	for _, e := range real {
		for p := range strings.SplitSeq(e.Content, "</p>") {
			if len(p) > 40 {
				paragraphs = append(paragraphs, p+"</p>")
			}
		}
	}
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
		b.Run(engine+"/index", func(b *testing.B) {
			for b.Loop() { // what is measured was, once
			}
			b.ReportMetric(rate, "entries/s")
		})
		for _, text := range []string{"linux", "the", "the of and", "python code", `"open source"`, `"of the"`, "con*", "cont*", "inter*", "the* category=3", "linux -windows", "linux -con*", "absentword", "the category=3"} {
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
