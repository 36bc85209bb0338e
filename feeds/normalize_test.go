package feeds

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLongValuesAreCut(t *testing.T) {
	long := strings.Repeat("ab ", 3000)
	f := &Feed{Title: long, Entries: []Entry{{
		GUID: strings.Repeat("x", 5000), Title: long, Permalink: "https://a.example/" + strings.Repeat("x", 5000),
		Authors: []Person{{Name: long, Email: long}}, Tags: []Tag{{Term: long, Label: long}}, Content: strings.Repeat("<p>x ", 20_000),
	}, {GUID: strings.Repeat("x", 4999) + "y"}}}
	for i := range 200 {
		e := &f.Entries[0]
		e.Authors = append(e.Authors, Person{Name: fmt.Sprint(i)})
		e.Tags = append(e.Tags, Tag{Term: fmt.Sprint(i)})
		e.Enclosures = append(e.Enclosures, Enclosure{URL: fmt.Sprint("https://a.example/", i)})
		e.Aliases = append(e.Aliases, fmt.Sprint("https://a.example/", i))
		f.Hubs = append(f.Hubs, fmt.Sprint("https://hub.example/", i))
	}
	Normalize(f, readAt)
	e := &f.Entries[0]
	if len(f.Title) > MaxTitle || len(e.Title) > MaxTitle || len(e.GUID) > MaxGUID || e.Permalink != "" || len(f.Hubs) != 10 {
		t.Errorf("title %d, entry title %d, guid %d, permalink %d, %d hubs", len(f.Title), len(e.Title), len(e.GUID), len(e.Permalink), len(f.Hubs))
	}
	if len(f.Entries) != 2 || f.Entries[1].GUID == e.GUID {
		t.Error("cutting made two GUIDs one")
	}
	if len(e.Authors) != maxPeople || len(e.Tags) != maxTags || len(e.Enclosures) != maxEnclosures || len(e.Aliases) != maxTags || len(e.Tags[0].Term) > maxTag {
		t.Errorf("%d authors, %d tags, %d enclosures, %d aliases", len(e.Authors), len(e.Tags), len(e.Enclosures), len(e.Aliases))
	}
	if len(e.Content) > maxHTMLOut {
		t.Errorf("%d bytes of content", len(e.Content))
	}
	tidy(t, f)
}

func TestLaterCopyOfAnEntryWinsOnlyWhenNewer(t *testing.T) {
	f := &Feed{Entries: []Entry{
		{GUID: "1", Title: "a", Updated: day(2)}, {GUID: "2", Title: "b"}, {GUID: "1", Title: "newer", Published: day(3)},
		{GUID: "1", Title: "older", Updated: day(1)}, {GUID: "2", Title: "as undated as the first"},
	}}
	Normalize(f, readAt)
	var got []string
	for _, e := range f.Entries {
		got = append(got, e.Title)
	}
	if want := []string{"newer", "b"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUnbelievableDatesAreNone(t *testing.T) {
	zone := time.FixedZone("x", 3600)
	for _, test := range []struct{ in, want time.Time }{
		{time.Date(2026, 1, 1, 1, 0, 0, 123456789, zone), time.Date(2026, 1, 1, 0, 0, 0, 123456000, time.UTC)},
		{time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)},
		{time.Date(1990, 1, 1, 0, 30, 0, 0, zone), time.Time{}}, // 1989 in UTC
		{time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}},
		{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}},
		{time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}},
		{time.Time{}, time.Time{}},
	} {
		if got := believable(test.in); got != test.want {
			t.Errorf("%v becomes %v, want %v", test.in, got, test.want)
		}
	}
}

func TestDatesThatGofeedLeavesAreRead(t *testing.T) {
	for in, want := range map[string]string{
		"2026-01-02T03:04:05Z": "2026-01-02T03:04:05Z", "2026-01-02t03:04:05z": "2026-01-02T03:04:05Z", "2026-01-02T03:04+01:00": "2026-01-02T02:04:00Z",
		"2026-01-02 03:04:05": "2026-01-02T03:04:05Z", "2026-01-02": "2026-01-02T00:00:00Z", "2026-01": "2026-01-01T00:00:00Z",
		" 2026-01-02T03:04 ": "2026-01-02T03:04:00Z", "": "", "soon": "", "2026-13-01": "", "1700000000": "2023-11-14T22:13:20Z",
	} {
		if got := stamp(parseDate(in).UTC()); got != want {
			t.Errorf("parseDate(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMediaTypesAreCleanOrNone(t *testing.T) {
	table(t, "mediaType", mediaType, map[string]string{
		"audio/MPEG; x=y": "audio/mpeg", " video/mp4 ": "video/mp4", "": "", "audio": "", "a/b/c": "", `a/"><script>`: "",
		"a/" + strings.Repeat("x", 200): "",
	})
}

func TestErrorsAreExplainedInOneSentence(t *testing.T) {
	for err, want := range map[error]string{
		nil:                                     "",
		fmt.Errorf("x: %w", ErrHTML):            "look on that page for the address of its feed",
		fmt.Errorf("%w: boom\n  at", ErrReader): "please report it with the address",
		errors.New("a\n b"):                     "a b",
	} {
		got := Explain(err)
		if !strings.HasSuffix(got, want) || strings.ContainsAny(got, "\n\r") || (got == "") != (err == nil) {
			t.Errorf("Explain(%v) = %q", err, got)
		}
	}
}

func TestSourcesAreCalledByTheirBestName(t *testing.T) {
	for want, s := range map[string]Source{
		"T": {Title: "T", FeedTitle: "F", Slug: "s"}, "F": {FeedTitle: "F", Slug: "s"}, "s": {Slug: "s", URL: "u"}, "u": {URL: "u"},
	} {
		if got := s.Name(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	configured, named := Source{Site: "a", FeedLink: "b"}, Source{FeedLink: "b"}
	if configured.Home() != "a" || named.Home() != "b" {
		t.Error("the configured site goes before the feed's link")
	}
	if local, remote := (Source{URL: "file:/x"}), (Source{URL: "https://x/"}); !local.Local() || remote.Local() {
		t.Error("only a folder is local")
	}
}

func TestTallyCounts(t *testing.T) {
	var sum Tally
	if !sum.Zero() {
		t.Error("nothing is something")
	}
	sum.Add(Tally{New: 1, Revised: 2, Duplicate: 3, Withdrawn: 4})
	sum.Add(Tally{New: 1, Revised: 1, Duplicate: 1, Withdrawn: 1, Held: 1})
	if sum != (Tally{New: 2, Revised: 3, Duplicate: 4, Withdrawn: 5, Held: 1}) || sum.Zero() {
		t.Errorf("got %+v", sum)
	}
}

// What a name or title leaves open would turn round the rest of its line on a page.
func TestChangesOfDirectionAreClosed(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                       "plain",
		"a \u202Eb":                   "a \u202Eb\u202C",
		"\u2067a\u202Bb":              "\u2067a\u202Bb\u202C\u2069",
		"\u2068שלום\u2069 b":          "\u2068שלום\u2069 b",
		"\u202Ca":                     "\u202Ca",
		"\u202Aa\u2066b\u202Cc\u2069": "\u202Aa\u2066b\u202Cc\u2069\u202C",
	} {
		if got := line(in); got != want || line(got) != want {
			t.Errorf("line(%+q) = %+q, want %+q", in, got, want)
		}
	}
}
