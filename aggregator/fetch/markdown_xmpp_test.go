package fetch

import (
	"context"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/feeds/feedstest"
)

// xmppBlog reads the 416 real posts.
func xmppBlog(t *testing.T) []feeds.Entry {
	t.Helper()
	folder := Folder{Now: func() time.Time { return time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC) }}
	r, err := folder.Fetch(context.Background(), feeds.Source{
		URL: "file://" + feedstest.Data(t, "xmpp.org/content/blog"), Site: "https://xmpp.org/",
		Permalink: "/:year/:month/:title/", Language: "en", Title: "XSF",
	}, feeds.Validators{})
	if err != nil || len(r.Problems) != 0 || len(r.Withdrawn) != 0 {
		t.Fatalf("%v, problems %q, withdrawn %q", err, r.Problems, r.Withdrawn)
	}
	return r.Feed.Entries
}

func TestAllRealPostsAreReadInTheirLanguages(t *testing.T) {
	entries := xmppBlog(t)
	if len(entries) != 416 {
		t.Fatalf("%d entries, want 416", len(entries))
	}
	languages, aliases, summaries := map[string]int{}, 0, 0
	byAddress, groups := map[string]feeds.Entry{}, map[string]int{}
	for _, e := range entries {
		languages[e.Language]++
		aliases += len(e.Aliases)
		if e.Summary != "" {
			summaries++
		}
		byAddress[e.Permalink] = e
		groups[e.Group]++
	}
	for language, n := range map[string]int{"en": 342, "de": 24, "it": 20, "fr": 17, "es": 9, "pt-BR": 3, "ro": 1} {
		if languages[language] != n {
			t.Errorf("%d posts in %s, want %d", languages[language], language, n)
		}
	}
	if summaries != 19 || aliases == 0 || len(groups) < 342 || len(groups) > 344 {
		t.Errorf("%d summaries, %d aliases, %d groups", summaries, aliases, len(groups))
	}
	for _, address := range []string{
		"2007/02/brussels-report/",
		"2015/01/its-all-about-choices-and-control/",
		"2011/04/quarterly-membership-application-period-q2/2011/",
		"2009/12/xmpp-summit-8-/-fosdem-2010/",
		"de/2025/03/der-xmpp-newsletter-f%C3%BCr-februar-2025/",
	} {
		if _, ok := byAddress["https://xmpp.org/"+address]; !ok {
			t.Errorf("no post at %s", address)
		}
	}
	var authors []string
	for _, e := range entries {
		if strings.HasSuffix(e.Group, "/summit/19th-xmpp-summit-and-fosdem-2016") {
			for _, a := range e.Authors {
				authors = append(authors, a.Name)
			}
		}
	}
	if strings.Join(authors, "|") != "Tobi|Nyco" {
		t.Errorf("`authors: Tobi; Nyco` became %q", authors)
	}
}

// TestRealPostsHaveTheAddressesHugoGaveThem compares every English post with the
// feed that Hugo made of the same files.
func TestRealPostsHaveTheAddressesHugoGaveThem(t *testing.T) {
	var rss struct {
		Items []struct {
			Title string `xml:"title"`
			GUID  string `xml:"guid"`
			Date  string `xml:"pubDate"`
			Text  string `xml:"description"`
		} `xml:"channel>item"`
	}
	data, err := os.ReadFile(feedstest.Data(t, "feeds/xmpp/xmpp.org-blog.rebuilt.rss"))
	if err != nil || xml.Unmarshal(data, &rss) != nil || len(rss.Items) != 342 {
		t.Fatalf("%d items, %v", len(rss.Items), err)
	}
	byAddress := map[string]feeds.Entry{}
	for _, e := range xmppBlog(t) {
		byAddress[e.GUID] = e
	}
	for _, item := range rss.Items {
		e, ok := byAddress[item.GUID]
		if !ok {
			t.Errorf("no post at %s", item.GUID)
			continue
		}
		date, err := time.Parse(time.RFC1123Z, item.Date)
		if err != nil || e.Title != strings.Join(strings.Fields(item.Title), " ") || !e.Published.Equal(date) {
			t.Errorf("%s: %q of %v, want %q of %s", item.GUID, e.Title, e.Published, item.Title, item.Date)
		}
	}
}

// rootLink is a link or an image that would lead to the planet instead of the site.
var rootLink = regexp.MustCompile(`(?:href|src)="/[^"]*"`)

func TestRealPostsKeepNoRawShortcodesAndNoRootLinks(t *testing.T) {
	for _, e := range xmppBlog(t) {
		for _, raw := range []string{"{{<", "{{%", "{{&lt;", "[caption", "[/caption", shortcodeOpen, shortcodeClose, "<p></p>"} {
			if strings.Contains(e.Content, raw) {
				t.Errorf("%s: %q is left", e.GUID, raw)
			}
		}
		if m := rootLink.FindString(e.Content); m != "" {
			t.Errorf("%s: %s is left", e.GUID, m)
		}
	}
}

// TestOldPagesAndRevisionsAreReadToo reads what Hugo would have trouble with:
// Pelican headers, front matter of 2015.
func TestOldPagesAndRevisionsAreReadToo(t *testing.T) {
	folder := Folder{Now: func() time.Time { return time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC) }}
	source := feeds.Source{Site: "https://xmpp.org/"}
	for dir, want := range map[string]int{"xmpp.org/content": 578, "xmpp.org/revisions": 87} {
		root, read, dated := feedstest.Data(t, dir), 0, 0
		err := filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !folderIsPost(d.Name()) {
				return err
			}
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			rel, _ := filepath.Rel(root, name)
			e, err := folder.ReadPost(filepath.ToSlash(rel), data, source)
			if err != nil || e.Title == "" {
				t.Errorf("%s: %v, %q", rel, err, e.Title)
			}
			read++
			if !e.Published.IsZero() {
				dated++
			}
			return nil
		})
		if err != nil || read != want || dated < 85 { // two revisions say data: for date:
			t.Errorf("%s: %d posts, %d with a date, %v", dir, read, dated, err)
		}
	}
}
