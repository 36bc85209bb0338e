package feeds

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed"

	"orrery/feeds/feedstest"
)

// benchFeed is a page of a planet: 60 entries of about 6 KB.
func benchFeed() *Feed {
	return testPlanet.Compose(View{Title: "P"}, "feed", benchEntries())
}

func benchEntries() []Entry {
	paragraph := `<p>Words of a post that <a href="https://a.example/x?a=1&amp;b=2">link</a> and <em>stress</em>, ` + strings.Repeat("and go on ", 50) + "</p>\n"
	source := &Source{Slug: "a", URL: "https://a.example/feed", FeedID: "tag:a.example,2026:f", FeedTitle: "A", FeedLink: "https://a.example/"}
	var entries []Entry
	for i := range 60 {
		e := stored(fmt.Sprintf("tag:a.example,2026:%d", i), 1, source)
		e.Content, e.Authors = strings.Repeat(paragraph, 10), []Person{{Name: "Ann"}}
		e.Tags, e.Categories = []Tag{{Term: "go"}, {Term: "xmpp"}}, []CategoryName{{"go", "Go"}}
		entries = append(entries, e)
	}
	return entries
}

// BenchmarkRender makes the page of entries as they come from the store, in each format.
func BenchmarkRender(b *testing.B) {
	entries := benchEntries()
	for format, write := range writers {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := write(io.Discard, testPlanet.Compose(View{Title: "P"}, "feed", entries)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchmarkWrite(b *testing.B, write func(io.Writer, *Feed) error) {
	f := benchFeed()
	var buf bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		buf.Reset()
		if err := write(&buf, f); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(buf.Len()))
}

func BenchmarkWriteAtom(b *testing.B) { benchmarkWrite(b, WriteAtom) }
func BenchmarkWriteRSS(b *testing.B)  { benchmarkWrite(b, WriteRSS) }
func BenchmarkWriteJSON(b *testing.B) { benchmarkWrite(b, WriteJSON) }

// BenchmarkRead reads the page in every format, as we do and as gofeed does. B/byte
// is what was allocated for a byte read.
func BenchmarkRead(b *testing.B) {
	readers := map[string]func([]byte) bool{
		"orrery": func(doc []byte) bool { _, err := Read(doc, "", "https://a.example/feed"); return err == nil },
		"gofeed": func(doc []byte) bool { _, err := gofeed.NewParser().Parse(bytes.NewReader(doc)); return err == nil },
	}
	for _, format := range []string{"atom", "rss", "json"} {
		doc := writeValid(b, format, benchFeed())
		for _, who := range []string{"orrery", "gofeed"} {
			b.Run(format+"/"+who, func(b *testing.B) {
				benchmarkBytes(b, len(doc), func() bool { return readers[who](doc) })
			})
		}
	}
}

func benchmarkBytes(b *testing.B, n int, f func() bool) {
	var before, after runtime.MemStats
	b.SetBytes(int64(n))
	b.ReportAllocs()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		if !f() {
			b.Fatal("nothing is left")
		}
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/float64(n), "B/byte")
}

// BenchmarkSanitize cleans the text of a post, as we do and as bluemonday does with
// the same allow-list, which neither balances nor resolves.
func BenchmarkSanitize(b *testing.B) {
	content := benchFeed().Entries[0].Content
	b.Run("orrery", func(b *testing.B) {
		benchmarkBytes(b, len(content), func() bool { return Sanitize(content, at) != "" })
	})
	b.Run("bluemonday", func(b *testing.B) {
		benchmarkBytes(b, len(content), func() bool { return policy.Sanitize(content) != "" })
	})
}

// BenchmarkNormalize makes the page that was read tidy: what a changed feed costs
// after Read.
func BenchmarkNormalize(b *testing.B) {
	for _, format := range []string{"atom", "rss", "json"} {
		doc := writeValid(b, format, benchFeed())
		f, err := Read(doc, "", at)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(format, func(b *testing.B) {
			benchmarkBytes(b, len(doc), func() bool {
				g := *f
				g.Entries = slices.Clone(f.Entries)
				Normalize(&g, at)
				return len(g.Entries) > 0
			})
		})
	}
}

// BenchmarkRealFeeds reads and tidies all the real feeds, file by file.
func BenchmarkRealFeeds(b *testing.B) {
	var docs [][]byte
	size := 0
	err := filepath.WalkDir(feedstest.Data(b, "feeds"), func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || d.IsDir() || ext == ".md" || ext == ".tsv" {
			return err
		}
		doc, err := os.ReadFile(path)
		docs, size = append(docs, doc), size+len(doc)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		benchmarkBytes(b, size, func() bool {
			for _, doc := range docs {
				Read(doc, "", at)
			}
			return true
		})
	})
	b.Run("read and normalize", func(b *testing.B) {
		benchmarkBytes(b, size, func() bool {
			for _, doc := range docs {
				if f, err := Read(doc, "", at); err == nil {
					Normalize(f, at)
				}
			}
			return true
		})
	})
}
