package site

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// withAuthors is a planet with a list of an author and one of a language.
func withAuthors(t *testing.T) (*fake, *Site) {
	t.Helper()
	f := newFake()
	f.change("plain00", func(e *feeds.Entry) {
		e.Authors = []feeds.Person{{Name: "Ann Lee", URL: "https://ann.example/"}}
		e.Language = "de"
	})
	f.cats = append(f.cats,
		feeds.Category{CategoryName: feeds.CategoryName{Slug: "author/ann-lee", Title: "Ann Lee"}, Entries: 1},
		feeds.Category{CategoryName: feeds.CategoryName{Slug: "language/de", Title: "de"}, Entries: 1})
	s := newSite(t, f)
	refresh(t, s)
	return f, s
}

func TestAuthorsAndLanguagesHavePagesAndFeeds(t *testing.T) {
	_, s := withAuthors(t)
	for path, heading := range map[string]string{"/author/ann-lee/": "Ann Lee", "/language/de/": "German"} {
		page := body(t, get(s, path))
		if !strings.Contains(page, "<h1>"+heading+"</h1>") || !strings.Contains(page, `href="https://planet.example`+path+`feed.json"`) {
			t.Errorf("%s has not its heading or its feeds:\n%s", path, page)
		}
		for _, format := range formats {
			text := body(t, get(s, path+"feed."+format))
			if !strings.Contains(text, "Move 0") || strings.Contains(text, "Move 1") {
				t.Errorf("%sfeed.%s has not the one post it should have:\n%s", path, format, text)
			}
		}
	}
	if home := body(t, get(s, "/")); !strings.Contains(home, `href="/author/ann-lee/">Ann Lee<`) {
		t.Error("the name of an author does not lead to the page of the author")
	}
	if list := body(t, get(s, "/categories/")); strings.Contains(list, "Ann Lee") {
		t.Error("an author is among the categories")
	}
	for _, path := range []string{"/author/nobody/", "/author/nobody/feed.atom", "/language/xx/", "/author/ann-lee/feed.yaml"} {
		if r := get(s, path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

func TestSearchCombinesWhatHasAPageOfItsOwn(t *testing.T) {
	f, s := withAuthors(t)
	const many, room = 500, 1 << 18
	s.searches = newCache(room)
	for query, want := range map[string]int{
		"?author=ann-lee":                         200,
		"?author=ann-lee&lang=DE&junk=1":          200,
		"?lang=de&source=rook":                    200,
		"":                                        200,
		"?author=nobody":                          404,
		"?category=chess&source=nobody":           404,
		"?category=chess&lang=%zz":                404, // nobody writes in %zz
		"?q=a;b&category=chess":                   200,
		"?q=100%":                                 200,
		"?" + strings.Repeat("x", 2000):           200,
		"?q=" + strings.Repeat("%E6%BC%A2", 400):  200,
		"?q=" + strings.Repeat("%E6%BC%A2", 1000): 414,
		"?category=" + strings.Repeat("/", 9):     404,
	} {
		for _, path := range []string{"/search", "/search/feed.atom", "/search/feed.rss", "/search/feed.json"} {
			if r := get(s, path+query); r.StatusCode != want {
				t.Errorf("%s%s: %d, want %d", path, query, r.StatusCode, want)
			}
		}
	}
	if text := body(t, get(s, "/search/feed.json?q=+two++words+&lang=de")); !strings.Contains(text, "Posts with “two words” in German") {
		t.Errorf("the feed does not say what was looked for:\n%s", text)
	}
	if f.lastQuery.Text != "two words" || f.lastQuery.Language != "de" {
		t.Errorf("the store was asked %+v", f.lastQuery)
	}
	text := body(t, get(s, "/search/feed.atom?lang=de&author=ann-lee"))
	if self := `rel="self" type="application/atom+xml" href="https://planet.example/search/feed.atom?author=ann-lee&amp;lang=de"`; !strings.Contains(text, self) {
		t.Errorf("the feed does not name its own address:\n%s", text)
	}
	if !strings.Contains(text, "by Ann Lee in German") {
		t.Errorf("the feed does not say what it is of:\n%s", text)
	}
	before := s.cache.bytes
	for i := range many {
		get(s, fmt.Sprintf("/search/feed.atom?category=chess&q=%d", i))
	}
	if s.cache.bytes != before || s.searches.bytes > s.searches.max || len(s.searches.by) == many {
		t.Errorf("%d searches are kept, in %d bytes", len(s.searches.by), s.searches.bytes)
	}
}

var (
	prevLink = regexp.MustCompile(`rel="prev-archive"[^>]* href="([^"]*)"`)
	jsonIDs  = func(text string) (ids []string, next string) {
		var doc struct {
			Next  string `json:"next_url"`
			Items []struct {
				ID string `json:"id"`
			}
		}
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			panic(err)
		}
		for _, i := range doc.Items {
			ids = append(ids, i.ID)
		}
		return ids, doc.Next
	}
)

// archived is a planet of 9 posts whose feeds have 4, with two archives.
func archived(t *testing.T) (*fake, *Site) {
	t.Helper()
	f := newFake()
	f.entries, f.archived = nil, map[int][]string{}
	for i := range 9 {
		id := fmt.Sprintf("p%d", i)
		f.change(id, func(e *feeds.Entry) {
			e.GUID, e.Title, e.Permalink = "https://a.example/"+id, id, "https://a.example/"+id
			e.Sort = epoch.Add(time.Duration(i) * time.Hour)
			e.Categories = []feeds.CategoryName{{Slug: "chess", Title: "Chess"}}
		})
		if i < 6 {
			f.archived[i/3+1] = append(f.archived[i/3+1], id)
		}
	}
	s := newSite(t, f, func(o *Options) { o.Planet.Entries = 4 })
	refresh(t, s)
	return f, s
}

func TestWalkThroughTheArchivesGivesEveryPost(t *testing.T) {
	_, s := archived(t)
	for _, view := range []string{"/", "/category/chess/"} {
		var got []string
		at := view + "feed.json"
		for range 5 {
			ids, next := jsonIDs(body(t, get(s, at)))
			got = append(got, ids...)
			if next == "" {
				break
			}
			at = strings.TrimPrefix(next, "https://planet.example")
		}
		slices.Sort(got)
		if got = slices.Compact(got); len(got) != 9 || at != view+"archive/1.json" {
			t.Errorf("%s: %d posts, the last of %s", view, len(got), at)
		}
		for _, format := range []string{"atom", "rss"} {
			at, steps := view+"feed."+format, 0
			for ; steps < 5; steps++ {
				text := body(t, get(s, at))
				if strings.Contains(text, "fh:archive") != (steps > 0) || strings.Contains(text, `rel="current"`) != (steps > 0) ||
					strings.Contains(text, `rel="next-archive"`) != (steps == 2) {
					t.Errorf("%s says otherwise what it is:\n%s", at, text)
				}
				m := prevLink.FindStringSubmatch(text)
				if m == nil {
					break
				}
				at = strings.TrimPrefix(m[1], "https://planet.example")
			}
			if steps != 2 {
				t.Errorf("%sfeed.%s: %d steps back", view, format, steps)
			}
		}
	}
	for _, path := range []string{"/archive/3.atom", "/archive/0.atom", "/archive/01.atom", "/archive/x.atom", "/archive/9999999999999.atom"} {
		if r := get(s, path); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

// RFC 5005 §2: what is not there was removed; only who has all may say so.
func TestFeedThatHasEverythingSaysSo(t *testing.T) {
	f, s := archived(t)
	if strings.Contains(body(t, get(s, "/feed.atom")), "fh:complete") {
		t.Error("a feed of four of nine posts says that it is complete")
	}
	f.entries, f.archived = f.entries[:3], nil
	f.change("p8", func(*feeds.Entry) {})
	refresh(t, s)
	if text := body(t, get(s, "/feed.atom")); !strings.Contains(text, "fh:complete") || strings.Contains(text, "prev-archive") {
		t.Errorf("a feed of all three posts does not say that it is complete:\n%s", text)
	}
}

func TestPostThatWasTakenBackIsNamedInTheFeed(t *testing.T) {
	f, s := archived(t)
	f.deleted = []feeds.Tombstone{{ID: "gone0", GUID: "https://a.example/gone", At: epoch}}
	f.change("p8", func(*feeds.Entry) {})
	refresh(t, s)
	if text := body(t, get(s, "/feed.atom")); !strings.Contains(text, `ref="https://a.example/gone"`) {
		t.Errorf("the feed does not say that the post is gone:\n%s", text)
	}
	if text := body(t, get(s, "/archive/2.atom")); strings.Contains(text, "a.example/gone") {
		t.Error("an archive changes when a post is taken back that it never had")
	}
}

func TestFeedAsAskedForByItsQuery(t *testing.T) {
	f, s := archived(t)
	f.change("p8", func(e *feeds.Entry) { e.Content, e.Summary = "<p>the whole text</p>", "<p>in short</p>" })
	refresh(t, s)
	text := body(t, get(s, "/feed.atom?content=summary"))
	if strings.Contains(text, "the whole text") || !strings.Contains(text, "in short") || !strings.Contains(text, "feed.atom?content=summary") {
		t.Errorf("the feed of excerpts:\n%s", text)
	}
	if text := body(t, get(s, "/feed.atom?content=everything&utm_source=x")); !strings.Contains(text, "the whole text") || strings.Contains(text, "utm_source") {
		t.Errorf("what nobody knows changes the feed:\n%s", text)
	}
	body(t, get(s, "/category/chess/feed.json?order=arrival"))
	if !f.lastQuery.ByArrival || f.lastQuery.Category != "chess" || f.lastQuery.Limit != 4 {
		t.Errorf("the store was asked %+v", f.lastQuery)
	}
}

func TestCategoryHasAListOfItsSources(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	refresh(t, s)
	list, err := feeds.ReadOPML([]byte(body(t, get(s, "/category/chess/opml.xml"))))
	if err != nil {
		t.Fatal(err)
	}
	all, err := feeds.ReadOPML([]byte(body(t, get(s, "/opml.xml"))))
	if err != nil || len(list.Outlines) == 0 || len(list.Outlines) >= len(all.Outlines) {
		t.Errorf("%d sources in the category of %d, %v", len(list.Outlines), len(all.Outlines), err)
	}
	if r := get(s, "/.well-known/recommendations.opml"); r.StatusCode != 301 || r.Header.Get("Location") != "/opml.xml" {
		t.Errorf("%d to %s", r.StatusCode, r.Header.Get("Location"))
	}
	if !strings.Contains(body(t, get(s, "/category/chess/")), `href="/category/chess/opml.xml"`) {
		t.Error("the category does not lead to it")
	}
}

// The same bytes, live and built, of every feed and archive.
func TestTreeHasEveryViewAndArchive(t *testing.T) {
	f, s := archived(t)
	f.cats = append(f.cats, feeds.Category{CategoryName: feeds.CategoryName{Slug: "author/ann", Title: "Ann"}, Entries: 1})
	f.change("p8", func(e *feeds.Entry) { e.Authors = []feeds.Person{{Name: "Ann"}} })
	refresh(t, s)
	dir := t.TempDir() + "/public"
	build(t, s, dir)
	tree := files(t, dir)
	for _, path := range []string{"archive/1.atom", "archive/2.json", "category/chess/archive/2.rss", "category/chess/opml.xml", "author/ann/index.html", "author/ann/feed.rss"} {
		if _, ok := tree[path]; !ok {
			t.Errorf("%s is not in the tree", path)
		}
	}
	for path, text := range tree {
		if strings.Contains(path, "archive/") || strings.Contains(path, "feed.") || strings.HasSuffix(path, ".opml") {
			if live := body(t, get(s, "/"+strings.TrimSuffix(path, "index.html"))); live != text {
				t.Errorf("%s has other bytes than are served:\n%s\n%s", path, text, live)
			}
		}
	}
}

// What is not shown is said to be there.
func TestPageThatEndsSaysSo(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	const more = `<p class="empty">These are the `
	for path, want := range map[string]string{
		"/search":             more + "newest 60. More words find fewer.</p>",
		"/search?source=rook": "",
		"/archive/2026/03/":   "",
	} {
		text := body(t, get(s, path))
		if got := strings.Contains(text, more); got != (want != "") || !strings.Contains(text, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	if text := body(t, get(s, "/search")); !strings.Contains(text, "<h1>Search</h1>") || strings.Count(text, "<article") != 60 {
		t.Errorf("%d posts are shown", strings.Count(text, "<article"))
	}
	if text := body(t, get(s, "/search/feed.atom")); strings.Count(text, "<entry") != 60 {
		t.Errorf("%d posts are in the feed", strings.Count(text, "<entry"))
	}
	long := newFake()
	e := long.entries[len(long.entries)-1]
	for i := range maxMonth + 5 {
		e.ID, e.Sort = fmt.Sprint("m", i), epoch.AddDate(-1, 0, 0).Add(time.Duration(i)*time.Minute)
		long.entries = append(long.entries, e)
	}
	text := body(t, get(newSite(t, long), "/archive/2025/03/"))
	if n := strings.Count(text, `<li class="h-entry">`); n != maxMonth || !strings.Contains(text, more+"newest 2000 of the month.</p>") {
		t.Errorf("%d titles, and nothing is said of the others", n)
	}
}

// The form of the search names a hundred lists at most: each list leads to its own search.
func TestEveryListLeadsToItsSearch(t *testing.T) {
	_, s := withAuthors(t)
	for path, to := range map[string]string{
		"/category/chess/": "/search?category=chess", "/source/rook/": "/search?source=rook", "/author/ann-lee/": "/search?author=ann-lee", "/language/de/": "/search?lang=de",
		"/category/g%C3%A4rten/": "/search?category=g%C3%A4rten",
	} {
		if text := body(t, get(s, path)); !strings.Contains(text, `<a href="`+to+`">Search these posts</a>`) {
			t.Errorf("%s does not lead to %s", path, to)
		}
		if r := get(s, to); r.StatusCode != 200 {
			t.Errorf("%s: %d", to, r.StatusCode)
		}
	}
	if strings.Contains(body(t, get(s, "/")), "Search these posts") {
		t.Error("the planet's own search is the form on every page")
	}
}
