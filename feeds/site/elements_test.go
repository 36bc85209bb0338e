package site

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"orrery/feeds"
	"orrery/feeds/feedstest"
)

// writers write a feed in the format of a media type.
var writers = map[string]func(io.Writer, *feeds.Feed) error{
	feeds.AtomType: feeds.WriteAtom, feeds.RSSType: feeds.WriteRSS, feeds.JSONType: feeds.WriteJSON,
}

// Whatever entries say, the ones of a feed are found as they are, each whole.
func FuzzEntriesAreFound(f *testing.F) {
	for _, s := range []string{
		"", "<entry></entry>", "]]></content></entry><entry>", `"items": [{`, "\"}\n    ],\n", "<!-- <item>", "<![CDATA[</item>", `\`, `a='>' b="`, "\u2028{\x00",
	} {
		f.Add(s, uint8(3), []byte("<feed>"+s+"</feed>"))
	}
	f.Fuzz(func(t *testing.T, text string, n uint8, raw []byte) {
		feed := &feeds.Feed{
			ID: "tag:x", Title: text, Subtitle: text, Link: "https://x.example/", Self: "https://x.example/feed", Language: text,
			Authors: []feeds.Person{{Name: text}}, Hubs: []string{"https://x.example/hub?" + text},
		}
		for i := range int(n % 5) {
			feed.Entries = append(feed.Entries, feeds.Entry{
				GUID: fmt.Sprint("tag:", i), Title: text, TitleHTML: text, Content: text, Summary: text + " ", Image: text, Language: text,
				Tags:       []feeds.Tag{{Term: text, Scheme: "https://x.example/", Label: text}},
				Enclosures: []feeds.Enclosure{{URL: text, Type: text}}, Authors: []feeds.Person{{Name: text, URL: text}},
				Origin: &feeds.Origin{ID: "tag:o", Title: text, Self: "https://o.example/" + text},
			})
		}
		for typ, write := range writers {
			var b bytes.Buffer
			if err := write(&b, feed); err != nil {
				t.Fatal(err)
			}
			found(t, typ, b.Bytes(), len(feed.Entries))
			within(t, shapeOf(typ).entries(raw), raw)
		}
	})
}

func found(t *testing.T, typ string, doc []byte, want int) {
	s := shapeOf(typ)
	list := s.entries(doc)
	within(t, list, doc)
	if len(list) != want {
		t.Fatalf("%s: %d entries are found of %d in\n%s", typ, len(list), want, doc)
	}
	for i, e := range list {
		one := doc[e.start:e.end]
		if id := fmt.Sprintf("tag:%d", i); !whole(s, one) || !bytes.Contains(one, []byte(id)) {
			t.Errorf("%s: entry %d is %s", typ, i, one)
		}
	}
	marks := s.marks(doc)
	if got := s.without(doc, nil); !bytes.Equal(got, doc) {
		t.Errorf("%s: nothing was known, and it is\n%s", typ, got)
	}
	if got := s.without(doc, marks); len(s.entries(got)) != 0 || !whole(s, got) {
		t.Errorf("%s: all was known, and it is\n%s", typ, got)
	}
}

// whole says that b is one well-formed element or value.
func whole(s shape, b []byte) bool {
	if s.array != "" {
		return json.Valid(b)
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	for depth := 0; ; {
		t, err := d.Token()
		switch t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if err != nil {
			return err == io.EOF && depth == 0
		}
	}
}

func within(t *testing.T, list []extent, b []byte) {
	last := 0
	for _, e := range list {
		if e.start < last || e.end <= e.start || e.end > len(b) {
			t.Fatalf("%v of %d bytes %q", list, len(b), b)
		}
		last = e.end
	}
}

// realFeed is a feed of n entries that strangers wrote.
func realFeed(t testing.TB, typ string, n int) []byte {
	t.Helper()
	f := &feeds.Feed{ID: "tag:x", Title: "All", Link: "https://x.example/"}
	for _, folder := range []string{"atom10", "rss20", "xmpp"} {
		paths, err := filepath.Glob(filepath.Join(feedstest.Data(t, "feeds/"+folder), "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if errors.Is(err, syscall.EISDIR) {
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			one, err := feeds.Read(data, "", "https://feed.example/feed")
			if err != nil {
				continue
			}
			feeds.Normalize(one, "https://feed.example/feed")
			for _, e := range one.Entries[:min(len(one.Entries), 6)] {
				if len(f.Entries) == n {
					break
				}
				if len(e.Content) < 40<<10 {
					e.GUID = fmt.Sprintf("tag:%d", len(f.Entries))
					f.Entries = append(f.Entries, e)
				}
			}
		}
	}
	var b bytes.Buffer
	if err := writers[typ](&b, f); err != nil || len(f.Entries) != n {
		t.Fatalf("a feed of %d entries: %v", len(f.Entries), err)
	}
	return b.Bytes()
}

func TestRealEntriesAreFound(t *testing.T) {
	const n = 300
	for typ := range writers {
		found(t, typ, realFeed(t, typ, n), n)
	}
}

func TestWhatCannotBeFollowedHasNoEntries(t *testing.T) {
	for _, doc := range []string{
		"", "<feed>", "<feed><entry>", "<feed><entry></feed>", "<feed><entry><!-- </entry></feed>", "<feed><entry><![CDATA[</entry></feed>",
		`<feed><entry a="></entry></feed>`, "</feed><entry></entry>", "<feed></entry></feed></feed>",
	} {
		if list := xmlElements([]byte(doc), "entry", 1); len(list) > 0 {
			t.Errorf("%s: %v", doc, list)
		}
	}
	for _, doc := range []string{
		"", "{", `{"items"`, `{"items":`, `{"items":[`, `{"items":[{`, `{"items":[{}`, `{"items":[{"]}`, `{"items":[{"\`, `[{"items":[{}]}]`,
		`{"items":{"x":[{}]}}`, `{"x":{"items":[{}]}}`, `{"x":"items"}`,
	} {
		if list := jsonElements([]byte(doc), "items"); len(list) > 0 {
			t.Errorf("%s: %v", doc, list)
		}
	}
}

// BenchmarkMarks is what it costs to know a version of a feed.
func BenchmarkMarks(b *testing.B) {
	s := newSite(b, newFake())
	for _, path := range []string{"feed.atom", "feed.rss", "feed.json"} {
		get(s, "/"+path)
		d := s.cache.get(route{feed: strings.TrimPrefix(path, "feed.")}).doc
		b.Run(path, func(b *testing.B) {
			b.SetBytes(int64(len(d.plain.body)))
			b.ReportAllocs()
			for b.Loop() {
				d.shape.marks(d.plain.body)
			}
		})
	}
}
