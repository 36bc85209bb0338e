package feeds

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
)

var testPlanet = Planet{Title: "Planet", URL: "https://planet.example/", Language: "en", Owner: Person{Name: "Keeper", Email: "k@planet.example"}}

func day(n int) time.Time { return time.Date(2026, 1, n, 12, 0, 0, 0, time.UTC) }

// stored is an entry as the store gives it.
func stored(guid string, n int, s *Source) Entry {
	return Entry{
		GUID: guid, Permalink: "https://a.example/" + PublicID(guid), Title: guid, Content: "<p>x</p>", Published: day(n),
		ID: PublicID(guid), FirstSeen: day(n), Sort: day(n), Changed: day(n), Source: s,
	}
}

func TestIDsOfEntriesAreTheSourcesOwnOrMinted(t *testing.T) {
	for guid, want := range map[string]string{
		"tag:a.example,2026:1":         "tag:a.example,2026:1",
		"https://a.example/1":          "https://a.example/1",
		"http://a.example/?p=1":        "http://a.example/?p=1",
		"HTTPS://a.example/1#X":        "HTTPS://a.example/1#X", // verbatim: RFC 4287 §4.2.6
		"urn:uuid:60a76c80-d399":       "urn:uuid:60a76c80-d399",
		"https://a.example/":           "tag:planet.example,2026:e/ID", // the front page is no post
		"42":                           "tag:planet.example,2026:e/ID",
		"javascript:alert(1)":          "tag:planet.example,2026:e/ID",
		"https://a.example/ with gaps": "tag:planet.example,2026:e/ID",
		"":                             "tag:planet.example,2026:e/ID",
	} {
		if got := testPlanet.EntryID(&Entry{GUID: guid, ID: "ID"}); got != want {
			t.Errorf("EntryID(%q) = %q, want %q", guid, got, want)
		}
	}
}

func TestEntryHasTheSameBytesInEveryFeed(t *testing.T) {
	source := &Source{Slug: "a", URL: "https://a.example/feed", FeedTitle: "A", Updated: day(3)}
	e := stored("tag:a.example,2026:1", 1, source)
	e.Language, e.Categories = "de", []CategoryName{{"go", "Go"}, {"news", "News"}}
	later := *source
	later.Updated = day(9) // the source got other entries meanwhile
	f := e
	f.Source = &later
	entry := regexp.MustCompile(`(?s)<entry.*?</entry>|<item>.*?</item>|"items": \[.*\]`)
	for format, write := range writers {
		var one, two bytes.Buffer
		for b, g := range map[*bytes.Buffer]*Feed{
			&one: testPlanet.Compose(View{Title: "P"}, "feed", []Entry{e}),
			&two: testPlanet.Compose(View{Path: "category/go/", Title: "Go", Language: "fr"}, "feed", []Entry{f}),
		} {
			if err := write(b, g); err != nil {
				t.Fatal(err)
			}
		}
		a, b := entry.Find(one.Bytes()), entry.Find(two.Bytes())
		if len(a) == 0 || !bytes.Equal(a, b) || bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Errorf("%s:\n%s\n%s", format, a, b)
		}
	}
}

func TestFeedIsUpdatedWithItsNewestEntry(t *testing.T) {
	a, b, c := stored("a", 5, nil), stored("b", 4, nil), stored("c", 3, nil)
	b.Changed = day(8)
	if got := testPlanet.Compose(View{}, "f", []Entry{a, b, c}).Updated; !got.Equal(day(8)) {
		t.Errorf("updated %v, want the change of the second entry", got)
	}
	c.Changed = day(1) // before it was published: repaired, and the feed is no older
	f := testPlanet.Compose(View{}, "f", []Entry{c})
	if !f.Updated.Equal(day(3)) || !f.Entries[0].Updated.Equal(day(3)) {
		t.Errorf("feed %v, entry %v", f.Updated, f.Entries[0].Updated)
	}
	if got := testPlanet.Compose(View{}, "f", nil); !got.Updated.IsZero() || len(got.Entries) != 0 {
		t.Errorf("an empty feed is %+v", got)
	}
	if !Newest([]Entry{a, b}).Equal(day(8)) || !Newest(nil).IsZero() {
		t.Error("Newest is not the newest change")
	}
}

func TestDatesInTheFutureAreNotShown(t *testing.T) {
	e := stored("a", 5, nil)
	e.Published = day(28)
	if got := testPlanet.compose(e); !got.Published.Equal(e.Sort) || !got.Updated.Equal(e.Changed) {
		t.Errorf("published %v, updated %v", got.Published, got.Updated)
	}
	e.Published = time.Time{}
	if got := testPlanet.compose(e); !got.Published.Equal(e.Sort) {
		t.Errorf("without a date published is %v", got.Published)
	}
	e.Published = day(2)
	if got := testPlanet.compose(e); !got.Published.Equal(day(2)) {
		t.Errorf("a date in the past became %v", got.Published)
	}
}

func TestOneIDAppearsOnceInADocument(t *testing.T) {
	first, second := stored("tag:a.example,2026:1", 5, nil), stored("tag:a.example,2026:1", 4, nil)
	first.Title = "newest"
	f := testPlanet.Compose(View{}, "f", []Entry{first, second, stored("2", 3, nil)})
	if len(f.Entries) != 2 || f.Entries[0].Title != "newest" {
		t.Errorf("%+v", f.Entries)
	}
}

func TestSourceIsNamedUnlessItIsOurs(t *testing.T) {
	tests := []struct {
		name   string
		origin *Origin
		source *Source
		want   *Origin
	}{
		{"a remote feed", nil, &Source{Slug: "a", URL: "https://a.example/feed", FeedID: "tag:a.example,2026:f", FeedTitle: "A", FeedLink: "https://a.example/", Updated: day(20)},
			&Origin{ID: "tag:a.example,2026:f", Title: "A", Link: "https://a.example/", Self: "https://a.example/feed", Updated: day(5)}},
		{"an id that is no URI", nil, &Source{Slug: "a", URL: "https://a.example/feed", FeedID: "7"},
			&Origin{ID: "https://a.example/feed", Title: "a", Self: "https://a.example/feed", Updated: day(5)}},
		{"a folder at our own host", nil, &Source{Slug: "l", URL: "file:/posts", Site: "https://planet.example/blog/"}, nil},
		{"a folder of another site", nil, &Source{Slug: "l", URL: "file:/posts", Title: "L", Site: "https://l.example/"},
			&Origin{ID: "https://l.example/", Title: "L", Link: "https://l.example/", Updated: day(5)}},
		{"a folder without a site", nil, &Source{Slug: "l", URL: "file:/posts"}, nil},
		{"the origin it came with", &Origin{ID: "tag:o.example,2026:f", Title: "O", Updated: day(1)}, &Source{Slug: "a", URL: "https://a.example/feed"},
			&Origin{ID: "tag:o.example,2026:f", Title: "O", Updated: day(1)}},
		{"an RSS source", &Origin{ID: "feed.xml", Self: "https://o.example/feed.xml"}, &Source{Slug: "a", URL: "https://a.example/feed"},
			&Origin{ID: "https://o.example/feed.xml", Self: "https://o.example/feed.xml", Title: "o.example", Updated: day(5)}},
		{"an origin that says nothing", &Origin{Title: "?"}, &Source{Slug: "a", URL: "https://a.example/feed"},
			&Origin{ID: "https://a.example/feed", Title: "a", Self: "https://a.example/feed", Updated: day(5)}},
		{"no source", nil, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := stored("1", 5, test.source)
			e.Origin = test.origin
			got := testPlanet.compose(e).Origin
			if (got == nil) != (test.want == nil) || got != nil && stampOrigin(got) != stampOrigin(test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func stampOrigin(o *Origin) string {
	return o.ID + "|" + o.Title + "|" + o.Link + "|" + o.Self + "|" + stamp(o.Updated) + "|" + persons(o.Authors)
}

func TestNobodyElsesPostIsAttributedToThePlanet(t *testing.T) {
	source := &Source{Slug: "a", URL: "https://a.example/feed", Title: "A blog", Site: "https://a.example/"}
	team := &Source{Slug: "a", URL: "https://a.example/feed", Authors: []Person{{Name: "Team"}}}
	tests := []struct {
		name string
		e    Entry
		want string
	}{
		{"its own author", Entry{Authors: []Person{{Name: "Ann"}}, Source: team}, "Ann"},
		{"its origin's", Entry{Origin: &Origin{ID: "tag:o,2026:f", Authors: []Person{{Name: "Olaf"}}}, Source: team}, "Olaf"},
		{"its feed's", Entry{Source: team}, "Team"},
		{"its source", Entry{Source: source}, "A blog |  | https://a.example/"},
	}
	for _, test := range tests {
		if got := persons(testPlanet.compose(test.e).Authors); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestCategoriesStandBesideTheTags(t *testing.T) {
	e := stored("1", 1, nil)
	e.Tags, e.Categories = []Tag{{Term: "own", Scheme: "x"}}, []CategoryName{{"go", "Go!"}}
	got := testPlanet.compose(e)
	want := []Tag{{Term: "go", Scheme: "https://planet.example/category/", Label: "Go!"}, {Term: "own", Scheme: "x"}}
	if len(got.Tags) != 2 || got.Tags[0] != want[0] || got.Tags[1] != want[1] || len(e.Tags) != 1 {
		t.Errorf("got %+v", got.Tags)
	}
}

func TestFeedOfAViewHasItsOwnNameAndAddresses(t *testing.T) {
	f := testPlanet.Compose(View{Path: "category/go/", Title: "Go", Description: "d", Language: "de"}, "feed.rss", nil)
	if f.ID != "tag:planet.example,2026:f/category/go" || f.Link != "https://planet.example/category/go/" ||
		f.Self != "https://planet.example/category/go/feed.rss" || f.Language != "de" || f.Title != "Go" || f.Subtitle != "d" {
		t.Errorf("%+v", f)
	}
	whole := testPlanet.Compose(View{Title: "P"}, "feed.atom", nil)
	if whole.ID != "tag:planet.example,2026:f" || whole.Language != "en" || persons(whole.Authors) != "Keeper | k@planet.example" {
		t.Errorf("%+v", whole)
	}
	nameless := Planet{Title: "P", URL: "https://p.example/"}
	if got := nameless.Compose(View{}, "f", nil).Authors; persons(got) != "P" {
		t.Errorf("a planet without an owner is written by %q", persons(got))
	}
}

// A source's address may hold a password, which is nobody else's.
func TestPasswordOfASourceIsPublishedNowhere(t *testing.T) {
	s := Source{Slug: "s", URL: "https://name:secret@b.example/feed?x=1"}
	if got := s.PublicURL(); got != "https://b.example/feed?x=1" {
		t.Errorf("PublicURL is %q", got)
	}
	p := Planet{Title: "P", URL: "https://p.example/"}
	f := p.Compose(View{Title: "P"}, "feed.atom", []Entry{{ID: "1", GUID: "1", Title: "T", Source: &s, Published: time.Unix(1e9, 0), Sort: time.Unix(1e9, 0), Changed: time.Unix(1e9, 0)}})
	var out bytes.Buffer
	for _, write := range []func(io.Writer, *Feed) error{WriteAtom, WriteRSS, WriteJSON} {
		if err := write(&out, f); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(out.String(), "secret") || !strings.Contains(out.String(), "https://b.example/feed?x=1") {
		t.Errorf("%s", &out)
	}
}
