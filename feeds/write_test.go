package feeds

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

var writers = map[string]func(io.Writer, *Feed) error{"atom": WriteAtom, "rss": WriteRSS, "json": WriteJSON}

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// golden is the input of a fixture: a planet, a view, what the store knows and where in
// its past the document stands.
type golden struct {
	Planet   Planet
	View     View
	Around   Feed
	Buried   []Tombstone
	Excerpts bool
	Entries  []struct {
		Entry
		ID         string
		FirstSeen  time.Time
		Sort       time.Time
		Changed    time.Time
		Categories []CategoryName
		Source     *Source
		Also       []Source
	}
}

func (g *golden) compose(format string) *Feed {
	f := g.Planet.Compose(g.View, "feed."+format, g.entries())
	a := &g.Around
	f.Complete, f.Archive, f.PrevArchive, f.NextArchive = a.Complete, a.Archive, a.PrevArchive, a.NextArchive
	f.Current, f.Next, f.Rights, f.Hubs = a.Current, a.Next, a.Rights, a.Hubs
	if g.Excerpts {
		f.Excerpts()
	}
	g.Planet.Bury(f, g.Buried)
	return f
}

func (g *golden) entries() []Entry {
	var out []Entry
	for _, x := range g.Entries {
		e := x.Entry
		e.ID, e.FirstSeen, e.Sort, e.Changed = x.ID, x.FirstSeen, x.Sort, x.Changed
		e.Categories, e.Source, e.Also = x.Categories, x.Source, x.Also
		out = append(out, e)
	}
	return out
}

// archives are the fixtures of a folder of testdata.
func archives(t testing.TB, folder string) map[string]*txtar.Archive {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no fixtures in %s: %v", folder, err)
	}
	all := map[string]*txtar.Archive{}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(bytes.TrimSpace(a.Comment)) == 0 {
			t.Errorf("%s does not say what it is for", name)
		}
		all[name] = a
	}
	return all
}

// expect compares got with the file of the fixture, or writes it there.
func expect(t *testing.T, path string, a *txtar.Archive, name, got string) {
	t.Helper()
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == name })
	if *update {
		if i < 0 {
			a.Files, i = append(a.Files, txtar.File{Name: name}), len(a.Files)
		}
		a.Files[i].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if i < 0 {
		t.Errorf("%s has no %s; run with -update", path, name)
	} else if want := string(a.Files[i].Data); got != want {
		t.Errorf("%s is not as expected\ngot\n%s\nwant\n%s", name, got, want)
	}
}

func TestPlanetFeedsAreWrittenAsTheFixturesSay(t *testing.T) {
	for path, a := range archives(t, "write") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			var g golden
			if err := json.Unmarshal(a.Files[0].Data, &g); err != nil {
				t.Fatal(err)
			}
			for _, format := range []string{"atom", "rss", "json"} {
				f := g.compose(format)
				got := writeValid(t, format, f)
				expect(t, path, a, "feed."+format, string(got))
				again := writeValid(t, format, g.compose(format))
				if !bytes.Equal(got, again) {
					t.Errorf("%s: the same feed gives other bytes", format)
				}
				readBack(t, format, f, got)
			}
		})
	}
}

// readBack wants everything of f back that the format can say.
func readBack(t *testing.T, format string, f *Feed, doc []byte) {
	t.Helper()
	back, err := Read(doc, "", f.Self)
	if err != nil {
		t.Errorf("%s is not read back: %v", format, err)
		return
	}
	Normalize(back, f.Self)
	said, got := reduceFeed(format, f), *back
	got.Entries, got.Format, got.Encoding = nil, "", ""
	if !reflect.DeepEqual(said, got) {
		t.Errorf("%s: said\n%+v\nread\n%+v", format, said, got)
	}
	for _, d := range f.Deleted { // nobody takes a grave for an entry
		if bytes.Contains(doc, []byte(d.GUID)) != (format != "rss") || slices.ContainsFunc(back.Entries, func(e Entry) bool { return e.GUID == d.GUID }) {
			t.Errorf("%s: the entry %s was taken back", format, d.GUID)
		}
	}
	if len(back.Entries) != len(f.Entries) {
		t.Fatalf("%s: %d entries of %d come back", format, len(back.Entries), len(f.Entries))
	}
	for i := range f.Entries {
		if d := difference(reduce(format, &f.Entries[i], f), heard(&back.Entries[i])); d != "" {
			t.Errorf("%s: entry %q: %s", format, f.Entries[i].GUID, d)
		}
	}
}

func TestEverythingInAFeedComesBackFromAtom(t *testing.T) {
	when := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	f := &Feed{
		ID: "tag:a.example,2026:f", Title: "Less < more & <b>bold</b>", Subtitle: "AT&T's a < b", Link: "https://a.example/",
		Self: "https://a.example/feed.atom", Icon: "https://a.example/i.png", Language: "de", Rights: "CC BY & more",
		Hubs: []string{"https://hub.example/", "https://hub2.example/"}, Updated: when,
		Authors: []Person{{Name: "Ann", URL: "https://ann.example/"}},
		Entries: []Entry{{
			GUID: "tag:a.example,2026:e1", GUIDGlobal: true, Permalink: "https://a.example/1", Title: "The <img> tag",
			Content: "<p>x</p>", Language: "fr", Published: when, Updated: when,
			Origin: &Origin{
				ID: "tag:o.example,2026:f", Title: "Origin &amp; Co", Link: "https://o.example/", Self: "https://o.example/feed",
				Icon: "https://o.example/i.png", Rights: "All & any", Updated: when, Authors: []Person{{Name: "Olaf"}},
			},
		}},
	}
	doc := writeValid(t, "atom", f)
	back, err := Read(doc, "", f.Self)
	if err != nil {
		t.Fatal(err)
	}
	Normalize(back, f.Self)
	back.Format, back.Encoding = "", ""
	back.Entries[0].Authors = nil // inherited from its source, which is right (RFC 4287 §4.2.1)
	if !reflect.DeepEqual(back, f) {
		t.Errorf("written\n%+v\n%+v\nread\n%+v\n%+v", f, f.Entries[0].Origin, back, back.Entries[0].Origin)
	}
}

// hostileFeed has in every field what no document may hold.
func hostileFeed() *Feed {
	const bad = "a\x00b\x0bc\xff\uFFFE]]><script>alert(1)</script>&\"'"
	far := time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	people := []Person{{}, {Name: bad, Email: "m@x.example", URL: "https://x.example/"}, {URL: "https://y.example/"}}
	e := Entry{
		GUID: bad, Permalink: "https://x.example/1", Title: bad, Summary: "<p>" + bad, Content: "<p>" + bad, Authors: people,
		Tags:       []Tag{{Term: bad, Scheme: "javascript:alert(1)", Label: bad}, {Term: "x", Scheme: "tag:x.example,2026:c"}},
		Enclosures: []Enclosure{{URL: "https://x.example/a.mp3", Type: bad, Length: -1}, {URL: "https://x.example/b"}},
		Published:  far, Updated: far.AddDate(-20000, 0, 0), Language: bad,
		Origin: &Origin{ID: bad, Title: bad, Rights: bad, Updated: far, Authors: people, Link: "javascript:alert(1)"},
	}
	empty := Entry{GUID: "2"}
	return &Feed{
		ID: bad, Title: bad, Subtitle: bad, Language: bad, Rights: bad, Updated: far, Authors: people,
		Link: "https://x.example/", Self: "https://x.example/feed", Icon: "javascript:alert(1)", Entries: []Entry{e, empty},
	}
}

func TestHostileValuesGiveValidDocuments(t *testing.T) {
	p := Planet{Title: "P", URL: "https://planet.example/"}
	f := hostileFeed()
	Normalize(f, "https://x.example/feed")
	for i := range f.Entries {
		f.Entries[i].ID = PublicID(f.Entries[i].GUID)
		f.Entries[i].Source = &Source{Slug: "x", URL: f.Self, FeedID: f.ID, FeedTitle: f.Title, Rights: f.Rights, Authors: f.Authors}
		f.Entries[i].Also = []Source{{Slug: "l", URL: "file:/srv/posts", Title: "\x00"}}
	}
	for format := range writers {
		doc := writeValid(t, format, p.Compose(View{Title: "P"}, "feed", f.Entries))
		if bytes.ContainsAny(doc, "\x00\x0b\uFFFE") || bytes.Contains(doc, []byte("javascript:")) || bytes.Contains(doc, []byte("/srv")) {
			t.Errorf("%s: something got through:\n%s", format, doc)
		}
	}
}

// Even what never went through Normalize or Compose is well-formed.
func TestRawHostileValuesNeverBreakADocument(t *testing.T) {
	for format, write := range writers {
		var b bytes.Buffer
		if err := write(&b, hostileFeed()); err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		doc := b.Bytes()
		if _, err := parseXML(doc); format != "json" && err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if format == "json" && !json.Valid(doc) {
			t.Errorf("the JSON is not valid:\n%s", doc)
		}
		if bytes.ContainsAny(doc, "\x00\x0b\uFFFE") {
			t.Errorf("%s: a forbidden character got through", format)
		}
	}
}
