package fetch

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"orrery/feeds"
)

// TestPostsReadAsTheirFixturesSay reads every fixture: the description, the
// source (site, permalink, language), the post under its name, and the fields
// that are wanted. "contains" lists parts of the content, apart by |.
func TestPostsReadAsTheirFixturesSay(t *testing.T) {
	files, err := filepath.Glob("testdata/markdown/*.txtar")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source := feeds.Source{URL: "file:///posts", Site: "https://example.org/"}
			var name, want string
			var post []byte
			for _, f := range archive.Files {
				switch f.Name {
				case "source":
					fixtureSource(t, &source, string(f.Data))
				case "want":
					want = string(f.Data)
				default:
					name, post = f.Name, f.Data
				}
			}
			folder := Folder{Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }}
			e, err := folder.ReadPost(name, post, source)
			fixtureCompare(t, e, err, want)
		})
	}
}

func fixtureSource(t *testing.T, s *feeds.Source, lines string) {
	for line := range strings.Lines(lines) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		field := map[string]*string{"site": &s.Site, "permalink": &s.Permalink, "language": &s.Language}[key]
		if field == nil {
			t.Fatalf("the fixture sets %q of the source", key)
		}
		*field = strings.TrimSpace(value)
	}
}

func fixtureCompare(t *testing.T, e feeds.Entry, err error, want string) {
	t.Helper()
	if want == "" {
		t.Fatal("the fixture wants nothing")
	}
	fields := fixtureFields(e)
	for line := range strings.Lines(want) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch got, known := fields[key]; {
		case key == "error":
			if err == nil || !strings.HasPrefix(err.Error(), value) {
				t.Errorf("error %v\nwant  %s", err, value)
			}
			return
		case key == "contains":
			for part := range strings.SplitSeq(value, "|") {
				if !strings.Contains(fields["content"], strings.TrimSpace(part)) {
					t.Errorf("the content has no %q:\n%s", part, fields["content"])
				}
			}
		case !known:
			t.Errorf("the fixture wants an unknown field %q", key)
		case got != value:
			t.Errorf("%s\n got %s\nwant %s", key, got, value)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// fixtureFields are the fields of an entry, each as one line.
func fixtureFields(e feeds.Entry) map[string]string {
	var authors, tags, enclosures []string
	for _, a := range e.Authors {
		s := a.Name
		if a.Email != "" {
			s += " <" + a.Email + ">"
		}
		authors = append(authors, strings.TrimSpace(s+" "+a.URL))
	}
	for _, t := range e.Tags {
		tags = append(tags, t.Term)
	}
	for _, x := range e.Enclosures {
		enclosures = append(enclosures, x.URL+" "+x.Type)
	}
	when := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	line := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	return map[string]string{
		"guid": e.GUID, "permalink": e.Permalink, "global": fmt.Sprint(e.GUIDGlobal), "title": e.Title,
		"language": e.Language, "group": e.Group, "summary": line(e.Summary), "content": line(e.Content),
		"published": when(e.Published), "updated": when(e.Updated), "authors": strings.Join(authors, " | "),
		"tags": strings.Join(tags, " | "), "aliases": strings.Join(e.Aliases, " | "), "enclosures": strings.Join(enclosures, " | "),
	}
}

func TestPostsAreDecodedFromTheEncodingsPeopleSave(t *testing.T) {
	const text = "---\r\ntitle: Zoë\r\ndate: 2024-08-05\r\n---\r\nGrüße\r\n"
	utf16 := func(big bool, mark string) string {
		out := mark
		for _, r := range text {
			hi, lo := string([]byte{byte(r >> 8)}), string([]byte{byte(r)})
			if big {
				out += hi + lo
			} else {
				out += lo + hi
			}
		}
		return out
	}
	latin := ""
	for _, r := range text {
		latin += string([]byte{byte(r)})
	}
	for name, data := range map[string]string{
		"utf-8":               text,
		"utf-8 with a mark":   "\xEF\xBB\xBF" + text,
		"old Mac line ends":   strings.ReplaceAll(text, "\r\n", "\r"),
		"windows-1252":        latin,
		"utf-16 little":       utf16(false, "\xFF\xFE"),
		"utf-16 big":          utf16(true, "\xFE\xFF"),
		"utf-16 little, bare": utf16(false, ""),
		"utf-16 big, bare":    utf16(true, ""),
	} {
		t.Run(name, func(t *testing.T) {
			e, err := (&Folder{}).ReadPost("x.md", []byte(data), feeds.Source{Site: "https://example.org"})
			if err != nil || e.Title != "Zoë" || e.Content != "<p>Grüße</p>\n" {
				t.Errorf("%q, %q, %v", e.Title, e.Content, err)
			}
		})
	}
}

func TestDatesAreReadAsPeopleWriteThem(t *testing.T) {
	berlin := time.FixedZone("Berlin", 3600)
	for in, want := range map[string]string{
		"2007-02-27":                      "2007-02-26T23:00:00Z",
		"2007-02-27 20:14":                "2007-02-27T19:14:00Z",
		"2007-02-27T20:14:00+01:00":       "2007-02-27T19:14:00Z",
		"2007-02-27T20:14:00Z":            "2007-02-27T20:14:00Z",
		"2007-02-27 20:14:00 -0500":       "2007-02-28T01:14:00Z",
		"2010-10-04 9:00":                 "2010-10-04T08:00:00Z",
		"2010-1-4":                        "2010-01-03T23:00:00Z",
		"Mon, 05 Aug 2024 10:00:00 GMT":   "2024-08-05T10:00:00Z",
		"Mon, 05 Aug 2024 10:00:00 +0200": "2024-08-05T08:00:00Z",
		"August 5, 2024":                  "2024-08-04T23:00:00Z",
	} {
		if got, ok := frontDate(in, berlin); !ok || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %v %v, want %s", in, got.UTC(), ok, want)
		}
	}
	for _, in := range []string{"", "soon", "2024-02-30", "2024-13-01", "2024-08-05 25:00", "05.08.2024", "2024"} {
		if got, ok := frontDate(in, berlin); ok {
			t.Errorf("%q was read as %v", in, got)
		}
	}
}

func TestPostsThatAreNotShownSayWhy(t *testing.T) {
	folder := Folder{Now: func() time.Time { return time.Date(2024, 8, 5, 12, 0, 0, 0, time.UTC) }}
	for front, want := range map[string]string{
		"draft: true":            "draft",
		"date: 2024-08-06":       "will appear on 2024-08-06T00:00:00Z",
		"expiryDate: 2024-08-05": "expired on 2024-08-05T00:00:00Z",
		"date: 2024-08-01\npublishDate: 2024-08-05 13:00": "will appear on 2024-08-05T13:00:00Z",
	} {
		e, err := folder.ReadPost("x.md", []byte("---\ntitle: t\n"+front+"\n---\n"), feeds.Source{})
		if !errors.Is(err, ErrNotPublished) || !strings.Contains(err.Error(), want) || e.Title != "t" {
			t.Errorf("%q: %v, %q", front, err, e.Title)
		}
	}
	e, err := folder.ReadPost("x.md", []byte("---\ndate: 2030-01-01\npublishDate: 2024-01-01\n---\n"), feeds.Source{})
	if err != nil || e.Published.Year() != 2030 {
		t.Errorf("publishDate decides when a post is shown: %v, %v", e.Published, err)
	}
}

func TestPermalinkPatternsWithUnknownTokensAreRefused(t *testing.T) {
	_, err := (&Folder{}).ReadPost("x.md", nil, feeds.Source{Permalink: "/:yaer/:title/"})
	if err == nil || !strings.Contains(err.Error(), ":yaer, which is not known") {
		t.Error(err)
	}
}

func TestSlugsAreHugos(t *testing.T) {
	for in, want := range map[string]string{
		"It's all about choices & control": "its-all-about-choices-control",
		"Jitsi 2.0 now released":           "jitsi-2.0-now-released",
		"And our GSoC students are...":     "and-our-gsoc-students-are...",
		"XMPP@Home: 9 June":                "xmpp@home-9-june",
		"Summit 8 / FOSDEM":                "summit-8-/-fosdem",
		"a  -  b -- c":                     "a-b--c",
		"First Kraków “meetup”":            "first-kraków-meetup",
		"日本語 100%":                         "日本語-100",
		" lead and trail ":                 "lead-and-trail",
		"C# and C++":                       "c#-and-c++",
	} {
		if got := permalinkSlug(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzReadPost(f *testing.F) {
	files, _ := filepath.Glob("testdata/markdown/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, x := range archive.Files {
			f.Add(x.Name, x.Data)
		}
	}
	source := feeds.Source{URL: "file:///posts", Site: "https://example.org/", Permalink: "/:year/:month/:title/"}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		e, err := (&Folder{}).ReadPost(name, data, source)
		if err != nil {
			if strings.Contains(err.Error(), "cannot be read:") {
				t.Errorf("a panic: %v", err)
			}
			return
		}
		if !strings.HasPrefix(e.GUID, "https://example.org/") || e.Permalink != e.GUID {
			t.Errorf("the address %q, the permalink %q", e.GUID, e.Permalink)
		}
		if strings.Contains(e.Content+e.Summary, shortcodeOpen) {
			t.Error("the place of a shortcode was not filled")
		}
	})
}
