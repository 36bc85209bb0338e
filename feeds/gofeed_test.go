package feeds

import (
	"cmp"
	"fmt"
	"github.com/mmcdole/gofeed"
	"io/fs"
	"orrery/feeds/feedstest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed/atom"
	ext "github.com/mmcdole/gofeed/extensions"
	jsonfeed "github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"
)

// What gofeed reads, as a Feed of ours: the second opinion on every real feed.

func fromAtom(a *atom.Feed) *Feed {
	f := &Feed{
		Format: "atom " + cmp.Or(a.Version, "1.0"), ID: a.ID, Title: plainTitle(a.Title), Subtitle: plainTitle(a.Subtitle),
		Link: atomHref(a.Links, "alternate"), Self: atomHref(a.Links, "self"), Icon: cmp.Or(a.Icon, a.Logo),
		Language: a.Language, Rights: plainTitle(a.Rights), Authors: fromAtomPeople(a.Authors),
		Updated: date(a.UpdatedParsed, a.Updated),
	}
	for _, l := range a.Links {
		if l.Rel == "hub" {
			f.Hubs = append(f.Hubs, l.Href)
		}
	}
	for _, e := range a.Entries {
		if e != nil {
			f.Entries = append(f.Entries, fromAtomEntry(e))
		}
	}
	return f
}

func fromAtomEntry(a *atom.Entry) Entry {
	e := Entry{
		GUID: a.ID, Title: plainTitle(a.Title), Summary: a.Summary, Authors: fromAtomPeople(a.Authors),
		Permalink: cmp.Or(feedburner(a.Extensions), atomHref(a.Links, "alternate")),
		Published: date(a.PublishedParsed, a.Published), Updated: date(a.UpdatedParsed, a.Updated),
		GUIDGlobal: isURI(a.ID),
	}
	if c := a.Content; c != nil {
		e.Content = atomContent(c)
	}
	for _, c := range a.Categories {
		e.Tags = append(e.Tags, Tag{Term: c.Term, Scheme: c.Scheme, Label: c.Label})
	}
	for _, l := range a.Links {
		if l.Rel == "enclosure" {
			e.Enclosures = append(e.Enclosures, Enclosure{URL: l.Href, Type: l.Type, Length: length(l.Length)})
		}
	}
	if s := a.Source; s != nil {
		e.Origin = &Origin{
			ID: s.ID, Title: plainTitle(s.Title), Link: atomHref(s.Links, "alternate"), Self: atomHref(s.Links, "self"),
			Icon: s.Icon, Rights: plainTitle(s.Rights), Updated: date(s.UpdatedParsed, s.Updated), Authors: fromAtomPeople(s.Authors),
		}
		if len(e.Authors) == 0 {
			e.Authors = e.Origin.Authors // RFC 4287 §4.2.1: entry, its source, feed
		}
	}
	return e
}

// atomContent is the content as HTML; what is neither HTML nor text is no post
// but a file (RFC 4287 §4.1.3).
func atomContent(c *atom.Content) string {
	t := strings.ToLower(strings.TrimSpace(c.Type))
	switch {
	case t == "", t == "html", t == "xhtml", t == "text/html", strings.HasSuffix(t, "/xml"), strings.HasSuffix(t, "+xml"):
		return c.Value
	case t == "text", strings.HasPrefix(t, "text/"):
		return textHTML(c.Value)
	}
	return ""
}

// atomHref is the first link of the relation; of several alternates the web page.
func atomHref(links []*atom.Link, rel string) string {
	first := ""
	for _, l := range links {
		if l == nil || cmp.Or(l.Rel, "alternate") != rel {
			continue
		}
		if rel != "alternate" || l.Type == "text/html" {
			return l.Href
		}
		first = cmp.Or(first, l.Href)
	}
	return first
}

func fromAtomPeople(list []*atom.Person) []Person {
	var out []Person
	for _, p := range list {
		if p != nil {
			out = append(out, Person{Name: p.Name, Email: p.Email, URL: p.URI})
		}
	}
	return out
}

func fromRSS(r *rss.Feed) *Feed {
	f := &Feed{
		Format: "rss " + cmp.Or(r.Version, "2.0"), Title: plainTitle(r.Title), Subtitle: plainTitle(r.Description),
		Link: r.Link, Language: cmp.Or(r.Language, dcFirst(r.DublinCoreExt, "language")),
		Rights:  plainTitle(cmp.Or(r.Copyright, dcFirst(r.DublinCoreExt, "rights"))),
		Updated: date(r.LastBuildDateParsed, r.LastBuildDate),
	}
	if r.Image != nil {
		f.Icon = r.Image.URL
	}
	if m, err := strconv.Atoi(strings.TrimSpace(r.TTL)); err == nil && m > 0 && m < 1e6 {
		f.TTL = time.Duration(m) * time.Minute
	}
	if f.Updated.IsZero() {
		f.Updated = date(r.PubDateParsed, cmp.Or(r.PubDate, dcFirst(r.DublinCoreExt, "date")))
	}
	for _, l := range r.Extensions["atom"]["link"] {
		switch l.Attrs["rel"] {
		case "self":
			f.Self = l.Attrs["href"]
		case "hub":
			f.Hubs = append(f.Hubs, l.Attrs["href"])
		}
	}
	f.Authors = rssAuthors(r.DublinCoreExt, r.ManagingEditor)
	for _, i := range r.Items {
		if i != nil {
			f.Entries = append(f.Entries, fromRSSItem(i))
		}
	}
	return f
}

func fromRSSItem(r *rss.Item) Entry {
	e := Entry{
		Title: plainTitle(r.Title), Permalink: cmp.Or(feedburner(r.Extensions), r.Link),
		Content: r.Content, Authors: rssAuthors(r.DublinCoreExt, r.Author), Language: dcFirst(r.DublinCoreExt, "language"),
		Published: date(r.PubDateParsed, cmp.Or(r.PubDate, dcFirst(r.DublinCoreExt, "date"))),
	}
	if e.Content == "" {
		e.Content = r.Description
	} else {
		e.Summary = r.Description
	}
	if g := r.GUID; g != nil {
		e.GUID = strings.TrimSpace(g.Value)
		e.GUIDGlobal = isURI(e.GUID) // RSS 2.0 knows local names, too (parsing.md 12)
		if e.Permalink == "" && !strings.EqualFold(g.IsPermalink, "false") {
			e.Permalink = webURL("", e.GUID)
		}
	}
	for _, c := range r.Categories {
		e.Tags = append(e.Tags, Tag{Term: c.Value, Scheme: c.Domain})
	}
	if d := r.DublinCoreExt; d != nil {
		for _, s := range d.Subject {
			e.Tags = append(e.Tags, Tag{Term: s})
		}
	}
	for _, x := range r.Enclosures {
		e.Enclosures = append(e.Enclosures, Enclosure{URL: x.URL, Type: x.Type, Length: length(x.Length)})
	}
	e.Enclosures = append(e.Enclosures, mediaFiles(r.Extensions, e.Enclosures)...)
	if u := r.Extensions["atom"]["updated"]; len(u) > 0 {
		e.Updated = parseDate(u[0].Value)
	}
	if s := r.Source; s != nil && s.URL != "" {
		e.Origin = &Origin{ID: s.URL, Title: plainTitle(s.Title), Self: s.URL}
	}
	return e
}

// mediaFiles are the sound and film of Media RSS, in a group or not, that are no
// enclosures already (parsing.md 20). Pictures there are mostly previews.
func mediaFiles(x ext.Extensions, known []Enclosure) []Enclosure {
	list := slices.Clone(x["media"]["content"])
	for _, g := range x["media"]["group"] {
		list = append(list, g.Children["content"]...)
	}
	var out []Enclosure
	seen := map[string]bool{"": true}
	for _, k := range known {
		seen[k.URL] = true
	}
	for _, c := range list {
		address, kind := strings.TrimSpace(c.Attrs["url"]), cmp.Or(c.Attrs["type"], c.Attrs["medium"])
		if seen[address] || kind == "" || strings.HasPrefix(kind, "image") {
			continue
		}
		seen[address] = true
		out = append(out, Enclosure{URL: address, Type: c.Attrs["type"], Length: length(c.Attrs["fileSize"])})
	}
	return out
}

// rssAuthors prefers dc:creator, which is a name, to author, which is "mail (Name)"
// (parsing.md 15).
func rssAuthors(dc *ext.DublinCoreExtension, author string) []Person {
	var out []Person
	if dc != nil {
		for _, c := range slices.Concat(dc.Creator, dc.Author) {
			if strings.TrimSpace(c) != "" {
				out = append(out, person(c))
			}
		}
	}
	if len(out) == 0 && strings.TrimSpace(author) != "" {
		out = append(out, person(author))
	}
	return out
}

func dcFirst(dc *ext.DublinCoreExtension, what string) string {
	if dc == nil {
		return ""
	}
	list := map[string][]string{"date": dc.Date, "language": dc.Language, "rights": dc.Rights}[what]
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// feedburner is the post's own address where a link goes through a counter (dedupe.md 4).
func feedburner(x ext.Extensions) string {
	if l := x["feedburner"]["origLink"]; len(l) > 0 {
		return strings.TrimSpace(l[0].Value)
	}
	return ""
}

func fromJSON(j *jsonfeed.Feed) *Feed {
	f := &Feed{
		Format: "json " + strings.TrimPrefix(j.Version, "https://jsonfeed.org/version/"), Title: oneLine(j.Title),
		Subtitle: oneLine(j.Description), Link: j.HomePageURL, Self: j.FeedURL, Icon: cmp.Or(j.Icon, j.Favicon),
		Language: j.Language, Authors: fromJSONPeople(j.Authors, j.Author),
	}
	for _, i := range j.Items {
		if i != nil && strings.TrimSpace(i.ID) != "" { // an item without an id must be discarded
			f.Entries = append(f.Entries, fromJSONItem(i))
		}
	}
	return f
}

func fromJSONItem(i *jsonfeed.Item) Entry {
	e := Entry{
		GUID: strings.TrimSpace(i.ID), GUIDGlobal: isURI(strings.TrimSpace(i.ID)), Permalink: cmp.Or(i.URL, i.ExternalURL),
		Title: oneLine(i.Title), Content: i.ContentHTML, Summary: textHTML(i.Summary), Language: i.Language,
		Authors: fromJSONPeople(i.Authors, i.Author), Published: parseDate(i.DatePublished), Updated: parseDate(i.DateModified),
	}
	if e.Content == "" {
		e.Content = textHTML(i.ContentText)
	}
	for _, t := range i.Tags {
		e.Tags = append(e.Tags, Tag{Term: t})
	}
	if i.Attachments != nil {
		for _, x := range *i.Attachments {
			e.Enclosures = append(e.Enclosures, Enclosure{URL: x.URL, Type: x.MimeType, Length: x.SizeInBytes})
		}
	}
	return e
}

func fromJSONPeople(list []*jsonfeed.Author, one *jsonfeed.Author) []Person {
	var out []Person
	for _, p := range append(list, one) {
		if p != nil && (len(out) == 0 || p != one) {
			out = append(out, Person{Name: p.Name, URL: p.URL})
		}
	}
	return out
}

// gofeedErrs are the real feeds where gofeed and we differ, and why we are right.
var gofeedErrs = map[string]string{
	"encodings/latin1-undeclared-2.rss":    "it counts an item with a date and nothing else",
	"missing/incomplete-fields.atom":       "it counts an entry of an empty author",
	"missing/no-content.xml":               "it counts an item of empty elements",
	"atom10/atom-customfields.atom":        "it does not read media:description",
	"broken/leading-newline-youtube.atom":  "it does not read media:description",
	"base/rss-with-relative-html-urls.rss": "posts/post-1 in the base posts/post-1 is posts/posts/post-1 (RFC 3986 §5.2.3)",
	"missing/reader-full.rss":              "it does not read a content element in RSS",
	"missing/reader-relative.rss":          "it does not read a content element in RSS",
	"rss20/wapowellness.rss":               "it does not read pheedo:origLink",
	"rss20/itunes-sample.rss":              "it does not read itunes:summary where there is no description",
}

// gofeed is a second opinion: where it reads a real feed, we read the same
// entries with the same titles, addresses and dates, but for what it gets wrong.
func TestGofeedReadsTheSame(t *testing.T) {
	root := feedstest.Data(t, "feeds")
	read := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || d.IsDir() || ext == ".md" || ext == ".tsv" {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		theirs := readGofeed(body)
		if theirs == nil {
			return nil
		}
		ours, err := Read(body, "", "https://blog.example/feed")
		if err != nil {
			t.Errorf("%s: gofeed reads it, we do not: %v", path, err)
			return nil
		}
		read++
		name := filepath.ToSlash(path[len(root)+1:])
		Normalize(ours, "https://blog.example/feed")
		Normalize(theirs, "https://blog.example/feed")
		why := gofeedDiffers(ours, theirs)
		if _, known := gofeedErrs[name]; (why != "") != known {
			t.Errorf("%s: %s (known: %v)", name, why, known)
		}
		return nil
	})
	if err != nil || read < 200 {
		t.Errorf("gofeed read %d feeds (%v)", read, err)
	}
}

// readGofeed is nil where gofeed gives up.
func readGofeed(body []byte) (f *Feed) {
	defer func() {
		if recover() != nil {
			f = nil
		}
	}()
	text, _, _ := decode(body, "")
	if root := rootElement.FindStringIndex(text); root != nil {
		text = text[root[0]:] // with its declaration gofeed would decode it once more
	}
	switch gofeed.DetectFeedType(strings.NewReader(text)) {
	case gofeed.FeedTypeAtom:
		if a, err := (&atom.Parser{}).Parse(strings.NewReader(text)); err == nil {
			f = fromAtom(a)
		}
	case gofeed.FeedTypeRSS:
		if r, err := (&rss.Parser{}).Parse(strings.NewReader(text)); err == nil {
			f = fromRSS(r)
		}
	case gofeed.FeedTypeJSON:
		if j, err := (&jsonfeed.Parser{}).Parse(strings.NewReader(text)); err == nil && j.Version != "" {
			f = fromJSON(j)
		}
	}
	if f != nil {
		f.Self = cmp.Or(f.Self, "https://blog.example/feed")
		identify(f.Entries)
	}
	return f
}

func gofeedDiffers(ours, theirs *Feed) string {
	if len(ours.Entries) != len(theirs.Entries) {
		return fmt.Sprintf("%d entries, gofeed %d", len(ours.Entries), len(theirs.Entries))
	}
	for i := range ours.Entries {
		a, b := &ours.Entries[i], &theirs.Entries[i]
		for _, p := range [][3]string{
			{"title", a.Title, b.Title}, {"address", a.Permalink, b.Permalink},
			{"published", stamp(a.Published), stamp(b.Published)}, {"text", PlainText(a.Content), PlainText(b.Content)},
		} {
			if p[1] != p[2] {
				return fmt.Sprintf("entry %d: %s %.80q, gofeed %.80q", i+1, p[0], p[1], p[2])
			}
		}
	}
	return ""
}
