package feeds

import (
	"fmt"
	"strings"
	"testing"
)

// rssItems is an RSS feed of items, each a GUID, link, title and day.
func rssItems(items ...[4]string) string {
	var b strings.Builder
	for _, i := range items {
		fmt.Fprintf(&b, "<item><guid isPermaLink='false'>%s</guid><link>%s</link><title>%s</title><pubDate>%s Mar 2026 12:00:00 GMT</pubDate><description>x</description></item>", i[0], i[1], i[2], i[3])
	}
	return "<rss version='2.0'><channel><title>T</title>" + b.String() + "</channel></rss>"
}

func TestPostsOfOneGUIDAreToldApart(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		want      []string // titles
	}{
		{"by their addresses", rssItems([4]string{"1", "https://b.example/a", "A", "1"}, [4]string{"1", "https://b.example/b", "B", "2"}), []string{"A", "B"}},
		{"but not by tracking", rssItems([4]string{"1", "https://b.example/a?utm_source=x", "A", "2"}, [4]string{"1", "https://b.example/a", "A", "1"}), []string{"A"}},
		{"by titles and days", rssItems([4]string{"1", "https://b.example/", "A", "1"}, [4]string{"1", "https://b.example/", "B", "2"}), []string{"A", "B"}},
		{"but not by the title alone: it was corrected", rssItems([4]string{"1", "https://b.example/", "A", "1"}, [4]string{"1", "https://b.example/", "B", "1"}), []string{"A"}},
		{"nor in Atom, where the newest counts", `<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>
			<entry><id>urn:x:1</id><title>A</title><link href="https://b.example/a"/><updated>2026-03-01T12:00:00Z</updated></entry>
			<entry><id>urn:x:1</id><title>B</title><link href="https://b.example/b"/><updated>2026-03-02T12:00:00Z</updated></entry></feed>`, []string{"B"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Read([]byte(c.doc), "", "https://b.example/feed")
			if err != nil {
				t.Fatal(err)
			}
			Normalize(f, "https://b.example/feed")
			var got []string
			guids := map[string]bool{}
			for i := range f.Entries {
				got = append(got, f.Entries[i].Title)
				guids[f.Entries[i].GUID] = true
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) || len(guids) != len(got) {
				t.Errorf("got %q with %d GUIDs, want %q", got, len(guids), c.want)
			}
			n := len(f.Entries)
			Normalize(f, "https://b.example/feed")
			if len(f.Entries) != n {
				t.Errorf("normalized again it has %d entries", len(f.Entries))
			}
		})
	}
}
