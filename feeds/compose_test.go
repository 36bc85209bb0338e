package feeds

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// One bad entry never breaks a feed: what cannot be said of it is left out, and one that
// cannot be called or dated is, with a sentence.
func TestImpossibleEntryIsDroppedWithAReport(t *testing.T) {
	source := &Source{Slug: "a", URL: "https://a.example/feed", FeedTitle: "A"}
	nameless, undated, fine := stored("7", 1, source), stored("tag:a.example,2026:2", 1, source), stored("tag:a.example,2026:1", 1, source)
	nameless.ID = ""
	far := time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	undated.Published, undated.Sort, undated.FirstSeen, undated.Changed = far, time.Time{}, far, far.AddDate(-20000, 0, 0)
	twin := fine
	twin.Title = "twin"
	for format := range writers {
		f := testPlanet.Compose(View{Title: "P"}, "feed."+format, []Entry{nameless, undated, fine, twin})
		want := []string{
			`the entry "` + nameless.Permalink + `" of a is left out: it has no id`,
			`the entry "` + undated.Permalink + `" of a is left out: it has no date that can be written`,
			`the entry "` + twin.Permalink + `" of a is left out: another one has its id, tag:a.example,2026:1`,
		}
		if !slices.Equal(f.Dropped, want) {
			t.Errorf("%s: dropped\n%s\nwant\n%s", format, strings.Join(f.Dropped, "\n"), strings.Join(want, "\n"))
		}
		if len(f.Entries) != 1 || f.Entries[0].Title != fine.Title {
			t.Errorf("%s: left are %+v", format, f.Entries)
		}
		f.Complete = true // but it is not: readers would delete what was dropped
		if doc := writeValid(t, format, f); bytes.Contains(doc, []byte("complete")) {
			t.Errorf("%s: it is called complete:\n%s", format, doc)
		}
	}
	if f := testPlanet.Compose(View{Title: "P"}, "feed", []Entry{fine}); f.Dropped != nil {
		t.Errorf("nothing is wrong with %q", f.Dropped)
	}
}

// What never went through Normalize, from an older program or a broken disk, is written
// without what cannot be said, and the entry of the caller stays as it was.
func TestWhatCannotBeSaidOfAnEntryIsLeftOut(t *testing.T) {
	e := stored("tag:a.example,2026:1", 1, nil)
	e.GUID += "\u0092" // no id is written otherwise than it is
	e.Permalink, e.Image, e.Language = "javascript:alert(1)", "a.png", "<de>"
	e.Published = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	e.Title, e.Content, e.Summary = "a\x00\xff\u0085b", "\x0b\uFFFD", ""
	e.Authors = []Person{{Name: "Ann", URL: "mailto:a@a.example"}, {URL: "data:x"}}
	e.Contributors = []Person{{URL: "ftp://a.example/"}}
	e.Enclosures = []Enclosure{{URL: "file:///etc/passwd"}, {URL: "https://a.example/ä b.mp3", Type: "audio", Length: -1}}
	e.Links = []Link{{Rel: "via", URL: "x"}, {Rel: "license", URL: "https://l.example/", Type: "a/b/c"}}
	e.Tags = []Tag{{Term: "\uFFFD", Scheme: "x"}, {Term: "go", Label: "\x00"}}
	e.Origin = &Origin{ID: "x", Self: "javascript:x", Link: "https://o.example/", Icon: "data:x", Authors: []Person{{Name: "O", URL: "x"}}}
	before, _ := json.Marshal(e)
	for format := range writers {
		f := testPlanet.Compose(View{Title: "P"}, "feed."+format, []Entry{e})
		doc := string(writeValid(t, format, f))
		for _, bad := range []string{"javascript:", "file:", "data:", "mailto:", "12026"} {
			if strings.Contains(doc, bad) {
				t.Errorf("%s: %s is in\n%s", format, bad, doc)
			}
		}
		if !strings.Contains(doc, "https://a.example/%C3%A4%20b.mp3") || !strings.Contains(doc, ">Ann<") && !strings.Contains(doc, `"Ann"`) {
			t.Errorf("%s: more is missing than must be:\n%s", format, doc)
		}
		if got := f.Entries[0]; got.Permalink != "https://planet.example/entry/"+e.ID+"/" || got.GUID != "tag:planet.example,2026:e/"+e.ID || got.Origin.ID != "https://o.example/" {
			t.Errorf("%s: permalink %s, id %s, origin %s", format, got.Permalink, got.GUID, got.Origin.ID)
		}
	}
	if after, _ := json.Marshal(e); !bytes.Equal(before, after) {
		t.Errorf("the entry was\n%s\nand is\n%s", before, after)
	}
}

func TestBuriedAreThoseThatAreNotThere(t *testing.T) {
	there, gone := stored("tag:a.example,2026:1", 5, nil), stored("7", 1, nil)
	list := []Tombstone{
		{ID: there.ID, GUID: there.GUID, At: day(9)},
		{ID: gone.ID, GUID: gone.GUID, At: day(6)},
		{ID: "b", GUID: "tag:b.example,2026:1", At: day(7)},
		{ID: "b", GUID: "tag:b.example,2026:1", At: day(4)}, // it was taken back twice
		{ID: "a", GUID: "tag:a.example,2026:2", At: day(7)},
		{GUID: "no id", At: day(7)},
		{ID: "c", GUID: "tag:c.example,2026:1"},
	}
	var first []byte
	for range 2 {
		f := testPlanet.Compose(View{Title: "P"}, "feed", []Entry{there})
		testPlanet.Bury(f, list)
		got := ""
		for _, d := range f.Deleted {
			got += d.GUID + " " + stamp(d.At) + "\n"
		}
		want := "tag:a.example,2026:2 " + stamp(day(7)) + "\ntag:b.example,2026:1 " + stamp(day(7)) + "\ntag:planet.example,2026:e/" + gone.ID + " " + stamp(day(6)) + "\n"
		if got != want || len(f.Dropped) != 2 || !f.Updated.Equal(day(7)) {
			t.Errorf("deleted\n%swant\n%sdropped %q, updated %v", got, want, f.Dropped, f.Updated)
		}
		if doc := writeValid(t, "atom", f); first == nil {
			first = doc
		} else if !bytes.Equal(first, doc) {
			t.Errorf("in another order it is\n%s\nnot\n%s", doc, first)
		}
		slices.Reverse(list)
	}
	f := testPlanet.Compose(View{Title: "P"}, "feed", []Entry{there})
	if testPlanet.Bury(f, nil); f.Deleted != nil || !f.Updated.Equal(day(5)) {
		t.Errorf("nothing was taken back, and yet %v, updated %v", f.Deleted, f.Updated)
	}
}

// A reader that follows next_url would go round and round.
func TestNextNeverLeadsBack(t *testing.T) {
	f := goodFeed()
	f.PrevArchive, f.Next = "", f.Self
	if doc := writeValid(t, "json", f); bytes.Contains(doc, []byte("next_url")) {
		t.Errorf("%s", doc)
	}
	f.PrevArchive, f.Next, f.Archive, f.Current = "", "https://planet.example/page/2", false, ""
	for format := range writers { // paged, not archived (RFC 5005 §3)
		back, err := Read(writeValid(t, format, f), "", f.Self)
		if err != nil || back.Next != f.Next {
			t.Errorf("%s: next is %q (%v)", format, back.Next, err)
		}
	}
}

func TestExcerptsAreShortWhateverTheTextIs(t *testing.T) {
	long := strings.Repeat("many words ", 1000)
	tests := []struct{ name, summary, content, wantSummary, wantContent string }{
		{"its own summary", "<p>short</p>", "<p>" + long + "</p>", "<p>short</p>", ""},
		{"a short text", "", "<p>short <img src=\"https://a.example/1.png\"></p>", "", "<p>short <img src=\"https://a.example/1.png\"></p>"},
		{"a long text", "", "<p>" + long + "</p>", "<p>many words", ""},
		{"a long summary", "<p>" + long + "</p>", "<p>" + long + "</p>", "<p>many words", ""},
		{"code and nothing else", "", "<pre>" + long + "</pre>", "<p>many words", ""},
		{"pictures and nothing else", "", strings.Repeat(`<img src="https://a.example/1.png" alt="">`, 1000), "", ""},
		{"nothing", "", "", "", ""},
	}
	for _, test := range tests {
		e := stored("tag:a.example,2026:1", 1, nil)
		e.Summary, e.Content, e.Enclosures = test.summary, test.content, []Enclosure{{URL: "https://a.example/1.mp3"}}
		f := testPlanet.Compose(View{Title: "P"}, "feed", []Entry{e})
		f.Excerpts()
		got := f.Entries[0]
		if !strings.HasPrefix(got.Summary, test.wantSummary) || (got.Summary == "") != (test.wantSummary == "") || got.Content != test.wantContent ||
			len(got.Summary+got.Content) > longExcerpt || len(got.Enclosures) != 1 {
			t.Errorf("%s: summary %.100q (%d bytes), content %.100q", test.name, got.Summary, len(got.Summary), got.Content)
		}
		again := *f
		again.Entries = slices.Clone(f.Entries)
		if again.Excerpts(); again.Entries[0].Summary != got.Summary || again.Entries[0].Content != got.Content {
			t.Errorf("%s: an excerpt of the excerpt is another", test.name)
		}
		for format := range writers {
			if doc := writeValid(t, format, f); len(doc) > 4*longExcerpt {
				t.Errorf("%s: the %s has %d bytes", test.name, format, len(doc))
			}
		}
	}
}

func TestPlainTextThatLooksLikeHTMLIsKnown(t *testing.T) {
	for s, want := range map[string]bool{
		"AT&T": false, "R&D": false, "a < b": false, "<3": false, "x </> y": false, "&": false, "Über & unter": false, "Käse&Brot": false, "&;": false,
		"the <b> element": true, "</form>": true, "&amp;": true, "&copy that": true, "a&#8217;b": true, "Q&A2": true, "a&b_c": true, "<!-- x": true,
	} {
		if got := resemblesHTML(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestAddressesAreWrittenInURIs(t *testing.T) {
	for s, want := range map[string]string{
		"https://a.example/x?a=1&b=%7e#f":  "https://a.example/x?a=1&b=%7e#f",
		"https://a.example/[1]?x[]=1#[a]":  "https://a.example/%5B1%5D?x%5B%5D=1#%5Ba%5D",
		"https://[2001:db8::1]:80/[1]":     "https://[2001:db8::1]:80/%5B1%5D",
		"https://[a":                       "https://%5Ba",
		"https://a.example/\u00e4 |\x00<>": "https://a.example/%C3%A4%20%7C%3C%3E",
		"":                                 "",
	} {
		if got := address(s); got != want {
			t.Errorf("%q is written %q, want %q", s, got, want)
		}
	}
}

func TestFeedsAreIndentedAsTheStandardLibraryWould(t *testing.T) {
	docs := []string{`{}`, `[]`, `{"a":{},"b":[],"c":[1,-2.5e3,true,null],"d":"x\"}]\\","e":"\\\"","f":[{"g":""}]}` + "\n", `"\\"`}
	for _, f := range []*Feed{goodFeed(), benchFeed(), hostileFeed()} {
		var b bytes.Buffer
		if err := WriteJSON(&b, f); err != nil {
			t.Fatal(err)
		}
		docs = append(docs, b.String())
	}
	for _, doc := range docs {
		var compact, want, got bytes.Buffer
		if err := json.Compact(&compact, []byte(doc)); err != nil {
			t.Fatal(err)
		}
		if err := json.Indent(&want, compact.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		if err := indentJSON(&got, compact.Bytes()); err != nil || got.String() != want.String() {
			t.Errorf("%v\n%s\nwant\n%s", err, &got, &want)
		}
	}
}

// Who else has a post may be asked with a password, too.
func TestPasswordOfAnotherSourceIsPublishedNowhere(t *testing.T) {
	e := stored("tag:a.example,2026:1", 1, nil)
	e.Also = []Source{{Slug: "b", URL: "https://name:secret@b.example/feed", Title: "B"}}
	f := testPlanet.Compose(View{Title: "P"}, "feed", []Entry{e})
	var out bytes.Buffer
	for _, write := range []func(io.Writer, *Feed) error{WriteAtom, WriteRSS, WriteJSON} {
		if err := write(&out, f); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(out.String(), "secret") || !strings.Contains(out.String(), `"https://b.example/feed"`) {
		t.Errorf("%s", &out)
	}
}

// docs/json-feed.md has every field that we write beside JSON Feed, and its example is a
// feed that we read.
func TestWhatWeSayBesideJSONFeedIsDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "json-feed.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	example, tables, _ := strings.Cut(rest, "```\n")
	for _, of := range []any{jsonFeedOrrery{}, jsonDeleted{}, jsonOrrery{}, jsonSource{}, jsonCategory{}, Link{}} {
		typ := reflect.TypeOf(of)
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if !strings.Contains(tables, "`"+name+"`") {
				t.Errorf("%v: %q is not documented", typ, name)
			}
		}
	}
	for _, p := range checkJSON([]byte(example)) {
		t.Errorf("the example: %s", p)
	}
	f, err := Read([]byte(example), "", "https://planet.example/")
	if err != nil {
		t.Fatal(err)
	}
	if Normalize(f, "https://planet.example/"); !f.Archive || f.Current == "" || f.NextArchive == "" || f.Next == "" || f.ID == "" || len(f.Entries) != 1 {
		t.Errorf("of the example we read %+v", f)
	}
	if e := f.Entries[0]; e.TitleHTML == "" || e.Origin == nil || len(e.Contributors) != 1 || len(e.Links) != 1 || len(e.Tags) != 2 {
		t.Errorf("of the entry in the example we read %+v", e)
	}
}
