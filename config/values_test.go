package config

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDurationsAreGosWithDays(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1d12h": 36 * time.Hour,
		"0": 0, "0s": 0, "0d": 0, `"45m"`: 45 * time.Minute, "1.5h": 90 * time.Minute, "3650d": 3650 * 24 * time.Hour,
	} {
		c := mustParse(t, minimal+"sources: [{feed: \"https://a.example/\", every: "+text+"}]")
		if got := c.Sources[0].Every; got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"5", "-1s", "1d-2h", "d", "1w", "1h2d", "3651d", "3650d1s", "9999999999h", "true", "[1s]", "1.5", "∞"} {
		if c, err := parse(minimal + "sources: [{feed: \"https://a.example/\", every: " + text + "}]"); err == nil {
			t.Errorf("%s is taken as %v", text, c.Sources[0].Every)
		}
	}
}

func TestSizesHaveUnits(t *testing.T) {
	for text, want := range map[string]int64{
		"5MiB": 5 << 20, "500KB": 500_000, "2048": 2048, "2 kib": 2048, "1GB": 1_000_000_000, "1500b": 1500, "${NUMBER}KB": 12_000,
	} {
		if got := mustParse(t, minimal+"fetch:\n  max_body: "+text).Fetch.MaxBody; got != want {
			t.Errorf("%s is %d, want %d", text, got, want)
		}
	}
	for _, text := range []string{"5M", "-5KB", "1.5MiB", "1e6", "9223372036854775807GiB", "99999999999999999999", "KB", `""`, "true", "1_000_000"} {
		if c, err := parse(minimal + "fetch:\n  max_body: " + text); err == nil {
			t.Errorf("%s is taken as %d", text, c.Fetch.MaxBody)
		}
	}
}

func TestEnvironmentFillsEveryKindOfValue(t *testing.T) {
	c := mustParse(t, minimal+`
entries: ${NUMBER}
tags_as_categories: "${YES}"
listen: 127.0.0.1:80${NUMBER}
categories:
  - title: a$b $$${WORD}${NUMBER} $${WORD}
    match: {words: ["${WORD}"]}
`)
	if c.Entries != 12 || !c.TagsAsCategories || c.Listen != "127.0.0.1:8012" {
		t.Errorf("got %d, %v, %s", c.Entries, c.TagsAsCategories, c.Listen)
	}
	if got, want := c.Categories[0].Title, "a$b $sixty12 ${WORD}"; got != want {
		t.Errorf("title is %q, want %q", got, want)
	}
	if got := c.Categories[0].Match.Words; !slices.Equal(got, []string{"sixty"}) {
		t.Errorf("words are %q", got)
	}
}

func TestWrongValueFromTheEnvironmentIsNotShown(t *testing.T) {
	_, err := parse(minimal + "fetch:\n  timeout: ${PASSWORD}")
	if err == nil || strings.Contains(err.Error(), environment("PASSWORD")) {
		t.Errorf("got %v", err)
	}
}

func TestNumbersAreTakenAsTextsAsWritten(t *testing.T) {
	c := mustParse(t, minimal+"categories: [{title: 2001, slug: 007, match: {tags: [1.10, 1_000]}}]")
	got := append([]string{c.Categories[0].Title, c.Categories[0].Slug}, c.Categories[0].Match.Tags...)
	if want := []string{"2001", "007", "1.10", "1_000"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSectionWithEverythingCommentedOutIsEmpty(t *testing.T) {
	c := mustParse(t, minimal+"fetch:\n#  timeout: 5s\nsources:\n#  - feed: x\ncategories: []\n")
	if c.Fetch.Timeout != 30*time.Second || len(c.Sources) != 0 || len(c.Categories) != 0 {
		t.Errorf("got %+v", c)
	}
}

func TestByteOrderMarkDirectiveAndWindowsLinesAreRead(t *testing.T) {
	c := mustParse(t, "\uFEFF%YAML 1.2\r\n---\r\nplanet:\r\n  title: Garden\r\n  url: https://garden.example\r\nentries: 7\r\n...\r\n")
	if c.Planet.Title != "Garden" || c.Planet.URL != "https://garden.example/" || c.Entries != 7 {
		t.Errorf("got %+v", c)
	}
}

func TestPlanetURLIsWrittenInASCIIWithASlash(t *testing.T) {
	for url, want := range map[string]string{
		"https://garden.example":              "https://garden.example/",
		"https://garden.example:8443/a/b":     "https://garden.example:8443/a/b/",
		"http://müller.example/bäume":         "http://xn--mller-kva.example/b%C3%A4ume/",
		"https://user:secret@garden.example/": "https://garden.example/",
		"http://[::1]:8080":                   "http://[::1]:8080/",
	} {
		c := mustParse(t, "planet: {title: Garden, url: \""+url+"\"}")
		if c.Planet.URL != want || c.Fetch.Contact != want {
			t.Errorf("%s becomes %s and the contact %s, want %s", url, c.Planet.URL, c.Fetch.Contact, want)
		}
	}
}

func TestDefaultSlugsAreUniqueAndLeaveChosenOnesAlone(t *testing.T) {
	c := mustParse(t, minimal+`
sources:
  - {feed: "https://a.example/1", title: Roses}
  - {feed: "https://a.example/2", title: Rosés!}
  - {feed: "https://a.example/3", slug: roses}
  - {feed: "https://a.example/4", title: roses 2}
  - {feed: "https://www.a.example/"}
  - {feed: "https://a.example"}
  - {markdown: /srv/Posts/}
  - {markdown: /, title: "?!"}
  - {opml: list.opml}
`)
	var got []string
	for _, s := range c.Sources {
		got = append(got, s.Slug)
	}
	want := []string{"roses-2", "roses-3", "roses", "roses-2-2", "a-example", "a-example-2", "posts", "source", ""}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestSlugsFitAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"Café au lait": "cafe-au-lait", "  --XMPP & more-- ": "xmpp-more", "Цветы Сада": "цветы-сада", "हिन्दी": "हिन्दी",
		"が": "が", "!?": "", "": "", "ﬁne": "fine",
		strings.Repeat("a", 79) + "éb": strings.Repeat("a", 79),
	} {
		got := slugOf(text)
		if got != want {
			t.Errorf("slugOf(%q) = %q, want %q", text, got, want)
		}
		if got != "" && !isSlug(got) {
			t.Errorf("slugOf(%q) = %q, which isSlug refuses", text, got)
		}
	}
	for _, bad := range []string{"", "-a", "a-", "A", "a b", "a/b", "a_b", "Ц", "..", strings.Repeat("a", 81)} {
		if isSlug(bad) {
			t.Errorf("%q is taken as a slug", bad)
		}
	}
}

func TestUnknownSlugIsNotAMistakeBesideAnOPMLFile(t *testing.T) {
	c := mustParse(t, minimal+"sources: [{opml: list.opml}]\ncategories: [{title: A, match: {sources: [from-the-list]}}]")
	if got := c.Categories[0].Match.Sources; !slices.Equal(got, []string{"from-the-list"}) {
		t.Errorf("got %q", got)
	}
}

func TestAdminAndListenMayNotOverlap(t *testing.T) {
	for _, test := range []struct {
		listen, admin string
		overlap       bool
	}{
		{"127.0.0.1:80", "127.0.0.1:80", true},
		{":80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "[::]:80", true},
		{"localhost:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "127.0.0.1:080", true},
		{"127.0.0.1:80", "[::1]:80", false},
		{"127.0.0.1:80", "127.0.0.1:81", false},
		{"127.0.0.1:80", "127.0.0.2:80", false},
		{"127.0.0.1:0", "127.0.0.1:0", false},
	} {
		_, err := parse(minimal + "listen: \"" + test.listen + "\"\nadmin: \"" + test.admin + "\"")
		if (err != nil) != test.overlap {
			t.Errorf("%s and %s: %v", test.listen, test.admin, err)
		}
	}
}

func TestStorageIsOneFileOrDatabase(t *testing.T) {
	for text, want := range map[string]string{
		"sqlite:a.db": "sqlite:/srv/planet/a.db", "sqlite:../a b.db": "sqlite:/srv/a b.db", "sqlite:///var/a.db": "sqlite:/var/a.db",
		"postgres://u:p@h:5432/a?sslmode=verify-full": "postgres://u:p@h:5432/a?sslmode=verify-full", "postgresql:///a": "postgresql:///a",
	} {
		if got := mustParse(t, minimal+"storage: "+text).Storage; got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"sqlite:", "sqlite:data/", "sqlite::memory:", "sqlite:a.db?mode=ro", "sqlite://a.db", "file:a.db", "a.db", "postgres:a", "postgres://h/", "postgres://u:secret@h:x/a", `""`} {
		if c, err := parse(minimal + "storage: " + text); err == nil {
			t.Errorf("%s is taken as %s", text, c.Storage)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is told: %v", err)
		}
	}
}

func TestPermalinksMayUseEverySupportedToken(t *testing.T) {
	c := mustParse(t, minimal+"sources: [{markdown: a, permalink: \""+"/"+strings.Join(permalinkTokens, "/")+".html\"}]")
	if c.Sources[0].Permalink == "" {
		t.Error("the permalink is lost")
	}
}

func TestCloseWordsAreSuggested(t *testing.T) {
	known := []string{"title", "url", "per_host", "words", "sources"}
	for word, want := range map[string]string{
		"titel": "title", "Title": "title", "URL": "url", "perHost": "per_host", "per-host": "per_host", "source": "sources",
		"word": "words", "colour": "", "x": "", strings.Repeat("title", 1000): "",
	} {
		if got := closest(word, known); got != want {
			t.Errorf("closest(%.20q) = %q, want %q", word, got, want)
		}
	}
}

func TestContactIsAnAddressInASCII(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://garden.example/about?a=b": true, "mailto:me@garden.example": true, "me@garden.example": true,
		"me": false, "me@garden.example (me)": false, "a)b@c": false, "https://müller.example/": false, `"a@b\r\nX: y"`: false, `""`: false,
	} {
		if _, err := parse(minimal + "fetch:\n  contact: " + text); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestProblemsAreSortedAndOneALine(t *testing.T) {
	_, err := parse("entries: 0\nplanet: {url: \"x\", titel: y}\nlisten: z\n")
	problems, ok := errors.AsType[Errors](err)
	if !ok || len(problems) < 4 {
		t.Fatalf("got %v", err)
	}
	line, column := 0, math.MaxInt
	for i, text := range strings.Split(err.Error(), "\n") {
		p := problems[i]
		if p.Line < line || p.Line == line && p.Column < column {
			t.Errorf("%s comes after line %d, column %d", p, line, column)
		}
		line, column = p.Line, p.Column
		if text != p.String() || !strings.HasPrefix(text, "/srv/planet/orrery.yaml:") {
			t.Errorf("line %d of the error is %q, want %q", i, text, p)
		}
	}
}
