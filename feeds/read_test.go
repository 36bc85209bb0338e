package feeds

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// describe says what is in f as short lines; what is empty is left out.
func describe(f *Feed) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	line("format", f.Format)
	line("repaired", strings.Join(f.Repaired, "; "))
	line("id", f.ID)
	line("title", f.Title)
	line("subtitle", f.Subtitle)
	line("link", f.Link)
	line("self", f.Self)
	line("icon", f.Icon)
	line("language", f.Language)
	line("rights", f.Rights)
	line("hubs", strings.Join(f.Hubs, " "))
	describeLinks(line, "link", f.Links)
	line("prev-archive", f.PrevArchive)
	line("next", f.Next)
	line("authors", persons(f.Authors))
	line("updated", stamp(f.Updated))
	if f.TTL != 0 {
		line("ttl", f.TTL.String())
	}
	for i := range f.Entries {
		describeEntry(line, &f.Entries[i])
	}
	return b.String()
}

func describeEntry(line func(key, value string), e *Entry) {
	global := ""
	if e.GUIDGlobal {
		global = " (global)"
	}
	line("entry", e.GUID+global)
	line("  permalink", e.Permalink)
	line("  title", e.Title)
	line("  title as HTML", e.TitleHTML)
	if e.SummaryMade {
		line("  the summary is", "made of the content")
	}
	line("  summary", strings.ReplaceAll(e.Summary, "\n", "⏎"))
	line("  content", strings.ReplaceAll(e.Content, "\n", "⏎"))
	line("  authors", persons(e.Authors))
	for _, t := range e.Tags {
		line("  tag", strings.TrimRight(t.Term+" | "+t.Scheme+" | "+t.Label, " |"))
	}
	for _, x := range e.Enclosures {
		line("  enclosure", fmt.Sprintf("%s %s %d", x.URL, x.Type, x.Length))
	}
	line("  contributors", persons(e.Contributors))
	describeLinks(line, "  link", e.Links)
	line("  image", e.Image)
	line("  language", e.Language)
	if e.Unzoned {
		line("  dates", "without a zone")
	}
	line("  published", stamp(e.Published))
	line("  updated", stamp(e.Updated))
	if o := e.Origin; o != nil {
		line("  origin", fmt.Sprintf("%s | %s | %s | %s | %s | %s", o.ID, o.Title, o.Link, o.Self, stamp(o.Updated), persons(o.Authors)))
	}
}

func describeLinks(line func(key, value string), key string, list []Link) {
	for _, l := range list {
		line(key, strings.TrimRight(strings.Join([]string{l.Rel, l.URL, l.Type, l.Language, l.Title}, " | "), " |"))
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func persons(list []Person) string {
	var out []string
	for _, p := range list {
		out = append(out, strings.TrimRight(p.Name+" | "+p.Email+" | "+p.URL, " |"))
	}
	return strings.Join(out, "; ")
}

// readAt is where the fixtures were found.
const readAt = "https://blog.example/sub/feed.xml?x=1"

func TestFeedsAreReadAsTheFixturesSay(t *testing.T) {
	for path, a := range archives(t, "read") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			f, err := Read(a.Files[0].Data, "", readAt)
			if err != nil {
				expect(t, path, a, "want", "error: "+Explain(err)+"\n")
				return
			}
			Normalize(f, readAt)
			expect(t, path, a, "want", describe(f))
			tidy(t, f)
			comesBack(t, f)
		})
	}
}

const (
	rssHead = `<rss version="2.0"><channel><title>t</title><link>https://b.example/</link><description>d</description>`
	rssTail = `</channel></rss>`
)

func TestReadRefusesWhatItCannotBound(t *testing.T) {
	tests := []struct {
		name string
		doc  string
		want error
	}{
		{"nothing", "", ErrNotFeed},
		{"white space", " \r\n\t", ErrNotFeed},
		{"another XML document", `<?xml version="1.0"?><note/>`, ErrNotFeed},
		{"a sitemap", `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url/></urlset>`, ErrNotFeed},
		{"a web page", "<!DOCTYPE html><html><head><title>Just a moment</title></head></html>", ErrHTML},
		{"a web page after a comment", "<!-- cached --><HTML lang=en>", ErrHTML},
		{"JSON of something else", `{"version":"2","items":[]}`, ErrNotFeed},
		{"broken JSON", `{"version":"https://jsonfeed.org/version/1","items":[`, ErrBroken},
		{"a list of JSON", `[1]`, ErrNotFeed},
		{"elements nested deeply", rssHead + strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300) + rssTail, ErrTooDeep},
		{"the nesting that overflows a stack", rssHead + `<item><a xmlns="u">` + strings.Repeat("<a>", 100_000), ErrTooDeep},
		{"attributes without end", rssHead + "<item" + numbered(` a%d=""`, 300) + "/>" + rssTail, ErrManyAttributes},
		{"namespaces without end", rssHead + numbered(`<i xmlns:a%d="u"/>`, 600) + rssTail, ErrManyNamespaces},
		{"elements without end", rssHead + strings.Repeat("<i/>", 510_000) + rssTail, ErrTooMany},
		{"comments without end", rssHead + strings.Repeat("<!---->", 500_100) + rssTail, ErrTooMany},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := Read([]byte(test.doc), "", readAt)
			if !errors.Is(err, test.want) || f != nil {
				t.Errorf("got %v, %v; want %v", f, err, test.want)
			}
			if s := Explain(err); s == "" || strings.ContainsAny(s, "\r\n") {
				t.Errorf("explained as %q", s)
			}
		})
	}
}

// hostile.md, Bounds.
func TestEveryBoundHasASentenceOfItsOwn(t *testing.T) {
	for err, want := range map[error]string{
		ErrTooDeep:        "the feed's elements are nested deeper than 256",
		ErrTooMany:        "the feed has more than 500000 elements",
		ErrManyAttributes: "an element of the feed has more than 256 attributes",
		ErrManyNamespaces: "the feed declares more than 512 namespaces",
	} {
		if got := Explain(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// fetching.md 18; RSS names the days in full, people do not.
func TestHoursAndDaysInWhichAFeedWantsNoVisitAreRead(t *testing.T) {
	for in, want := range map[string]string{
		"<skipDays><day>Saturday</day><day>SUNDAY</day></skipDays>":                           "[] [Saturday Sunday]",
		"<skipDays><day>Mon</day><day>tue</day><day>Tues.</day><day> Thurs </day></skipDays>": "[] [Monday Tuesday Thursday]",
		"<skipDays><day>M</day><day>Mo</day><day>Monk</day><day/></skipDays>":                 "[] []",
		"<skipDays><day>Fri</day><day>Friday</day></skipDays>":                                "[] [Friday]",
		"<skipHours><hour>0</hour><hour>23</hour><hour>24</hour><hour>25</hour></skipHours>":  "[0 23] []",
		"<skipHours><hour>07</hour></skipHours><skipDays><day>Wed, Sat</day></skipDays>":      "[7] [Wednesday Saturday]",
		"<skipDays><day>Montag</day><day>lundi</day></skipDays>":                              "[] []",
	} {
		f, err := Read([]byte(rssHead+in+rssTail), "", readAt)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(f.SkipHours, f.SkipDays); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	f, err := Read([]byte(`{"rss":{"channel":{"title":"t","skipDays":{"day":["Mon","Sunday"]},"item":[]}}}`), "", readAt)
	if err != nil || fmt.Sprint(f.SkipDays) != "[Monday Sunday]" {
		t.Errorf("in JSON: %v, %v", f, err)
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestNullsInAJSONFeedDoNotPanic(t *testing.T) {
	const head = `{"version":"https://jsonfeed.org/version/1.1","title":"t",`
	for _, doc := range []string{
		head + `"items":[null]}`, head + `"authors":[null],"items":[]}`, head + `"items":null}`, head + `"hubs":[null],"items":[]}`,
		head + `"items":[{"id":"1","authors":[null],"attachments":null,"tags":null}]}`, head + `"hubs":3,"items":[]}`,
	} {
		if _, err := Read([]byte(doc), "", readAt); err != nil && !errors.Is(err, ErrReader) && !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func TestOnlyTheFirstTwoThousandEntriesAreKept(t *testing.T) {
	f, err := Read([]byte(rssHead+numbered("<item><guid>%d</guid></item>", 2100)+rssTail), "", readAt)
	if err != nil {
		t.Fatal(err)
	}
	Normalize(f, readAt)
	if len(f.Entries) != 2000 || len(f.Repaired) != 1 || f.Entries[1999].GUID != "1999" {
		t.Errorf("%d entries, repaired %q", len(f.Entries), f.Repaired)
	}
}

func TestPersonsAreReadInEveryForm(t *testing.T) {
	for in, want := range map[string]string{
		"Ann":                             "Ann",
		"ann@x.example":                   " | ann@x.example",
		"ann@x.example (Ann Lee)":         "Ann Lee | ann@x.example",
		"ann@x.example (Ann (AL) Lee)":    "Ann (AL) Lee | ann@x.example",
		"Ann Lee (ann@x.example)":         "Ann Lee | ann@x.example",
		"Ann Lee <ann@x.example>":         "Ann Lee | ann@x.example",
		`"Lee, Ann" <ann@x.example>`:      "Lee, Ann | ann@x.example",
		"Ann (the first)":                 "Ann (the first)",
		"Ann &amp; Bob":                   "Ann & Bob",
		"<b>Ann</b>":                      "Ann",
		"Ann @ home":                      "Ann @ home",
		"":                                "",
		"()":                              "()",
		"noreply@blogger.example (Ann\n)": "Ann | noreply@blogger.example",
	} {
		if got := persons([]Person{person(in)}); got != want {
			t.Errorf("person(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNoAuthorIsNamedByAMailAddress(t *testing.T) {
	got := people([]Person{{Name: "ann@x.example"}, {Email: "bob@x.example"}, {}, {URL: "https://c.example/"}, {Name: "D", URL: "javascript:x"}}, "")
	want := "ann | ann@x.example; bob | bob@x.example;  |  | https://c.example/; D"
	if persons(got) != want {
		t.Errorf("got %q, want %q", persons(got), want)
	}
}

func TestPlainTitleTakesOnlyMarkupForMarkup(t *testing.T) {
	for in, want := range map[string]string{
		"a < b":                       "a < b",
		"a < b > c":                   "a < b > c",
		"x<y and y>z":                 "x<y and y>z",
		"AT&T":                        "AT&T",
		"AT&amp;T":                    "AT&T",
		"Q&A; B":                      "Q&A; B",
		"<3 feeds":                    "<3 feeds",
		"std::vector<int>":            "std::vector<int>",
		"A <b>bold</b> one":           "A bold one",
		"caf&eacute; &#39;x&#x27;":    "café 'x'",
		"  two\n lines ":              "two lines",
		"a<br/>b":                     "a b",
		"<script>alert(1)</script>ok": "ok",
	} {
		if got := plainTitle(in); got != want {
			t.Errorf("plainTitle(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestUpdateBaseIsATimeAtWhichTheFeedChanges(t *testing.T) {
	for in, want := range map[string]time.Time{
		"<sy:updateBase>2000-01-01T12:00+01:00</sy:updateBase>": time.Date(2000, 1, 1, 11, 0, 0, 0, time.UTC),
		"<sy:updateBase>noon</sy:updateBase>":                   {},
		"":                                                      {},
	} {
		f, err := Read([]byte(`<rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel><title>T</title>`+in+`</channel></rss>`), "", "https://a.example/")
		if err != nil || !f.UpdateBase.Equal(want) || !f.Pace(time.Now()).Base.Equal(want) {
			t.Errorf("%s: %v, %v", in, f.UpdateBase, err)
		}
	}
}

// fetching.md 18: the period is a day where only the frequency is said.
func TestUpdatePeriodIsDividedByItsFrequency(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"": 0,
		"<sy:updatePeriod>weekly</sy:updatePeriod>":                                                7 * 24 * time.Hour,
		"<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>":      30 * time.Minute,
		"<sy:updateFrequency>2</sy:updateFrequency><sy:updatePeriod>hourly</sy:updatePeriod>":      30 * time.Minute,
		"<sy:updateFrequency>4</sy:updateFrequency>":                                               6 * time.Hour,
		"<sy:updateFrequency>0</sy:updateFrequency>":                                               0,
		"<sy:updateFrequency>often</sy:updateFrequency><sy:updatePeriod>never</sy:updatePeriod>":   0,
		"<sy:updatePeriod>sometimes</sy:updatePeriod><sy:updateFrequency>x</sy:updateFrequency>\n": 0,
	} {
		f, err := Read([]byte(`<rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel><title>T</title>`+in+`</channel></rss>`), "", "https://a.example/")
		if err != nil || f.UpdatePeriod != want {
			t.Errorf("%s: %v, %v", in, f.UpdatePeriod, err)
		}
	}
}
