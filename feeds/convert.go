package feeds

import (
	"cmp"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed/atom"
	ext "github.com/mmcdole/gofeed/extensions"
	jsonfeed "github.com/mmcdole/gofeed/json"
	"github.com/mmcdole/gofeed/rss"
)

func newest(e *Entry) time.Time {
	if e.Updated.After(e.Published) {
		return e.Updated
	}
	return e.Published
}

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

// person reads "Name", "mail", "mail (Name)", "Name (mail)" and "Name <mail>".
func person(s string) Person {
	s = plainTitle(s)
	if before, inside, ok := strings.Cut(s, "("); ok {
		before, inside = strings.TrimSpace(before), strings.TrimSpace(strings.TrimSuffix(inside, ")"))
		switch {
		case isMail(before):
			return Person{Name: inside, Email: before}
		case isMail(inside):
			return Person{Name: before, Email: inside}
		}
	}
	if a, err := mail.ParseAddress(s); err == nil {
		return Person{Name: a.Name, Email: a.Address}
	}
	return Person{Name: s}
}

// isMail says that s is a mail address and nothing else.
func isMail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && !strings.ContainsAny(s, " <>()")
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

func length(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
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
