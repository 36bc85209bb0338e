package feeds

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// benchFeed is a page of a planet: 60 entries of about 6 KB.
func benchFeed() *Feed {
	paragraph := `<p>Words of a post that <a href="https://a.example/x?a=1&amp;b=2">link</a> and <em>stress</em>, ` + strings.Repeat("and go on ", 50) + "</p>\n"
	source := &Source{Slug: "a", URL: "https://a.example/feed", FeedID: "tag:a.example,2026:f", FeedTitle: "A", FeedLink: "https://a.example/"}
	var entries []Entry
	for i := range 60 {
		e := stored(fmt.Sprintf("tag:a.example,2026:%d", i), 1, source)
		e.Content, e.Authors = strings.Repeat(paragraph, 10), []Person{{Name: "Ann"}}
		e.Tags, e.Categories = []Tag{{Term: "go"}, {Term: "xmpp"}}, []CategoryName{{"go", "Go"}}
		entries = append(entries, e)
	}
	return testPlanet.Compose(View{Title: "P"}, "feed", entries)
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

func BenchmarkRead(b *testing.B) {
	for _, format := range []string{"atom", "rss", "json"} {
		doc := writeValid(b, format, benchFeed())
		b.Run(format, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Read(doc, "", "https://a.example/feed"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSanitize(b *testing.B) {
	content := benchFeed().Entries[0].Content
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if Sanitize(content, at) == "" {
			b.Fatal("nothing is left")
		}
	}
}
