package feeds

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

func (r *jsonReader) rssHead(v jsonValue) {
	f := r.feed
	f.Format = "rss " + oneLine(cut(cmp.Or(v.get("version").text(), "2.0"), 16)) + " in json"
	f.Title, f.Subtitle = plainTitle(v.inner("title")), plainTitle(v.inner("description"))
	f.Link, f.Language = strings.TrimSpace(v.inner("link")), strings.TrimSpace(cmp.Or(v.inner("language"), v.inner("dc:language")))
	f.Rights, f.Icon = plainTitle(cmp.Or(v.inner("copyright"), v.inner("dc:rights"))), v.get("image").get("url").str()
	if f.Updated = parseDate(v.inner("lastBuildDate")); f.Updated.IsZero() {
		f.Updated = parseDate(cmp.Or(v.inner("pubDate"), v.inner("dc:date")))
	}
	f.Authors = v.creators("managingEditor")
	if m, err := strconv.Atoi(strings.TrimSpace(v.inner("ttl"))); err == nil && m > 0 && m < 1e6 {
		f.TTL = time.Duration(m) * time.Minute
	}
	f.Icon = cmp.Or(f.Icon, v.get("itunes:image").get("href").str())
	f.skip(v.get("skipHours").get("hour"))
	f.skip(v.get("skipDays").get("day"))
	f.updatesOften(v.inner("sy:updateFrequency"))
	f.updatesEvery(v.inner("sy:updatePeriod"))
	f.UpdateBase = parseDate(v.inner("sy:updateBase"))
	for l := range v.get("atom:link").list() {
		switch href := l.get("href").str(); l.get("rel").str() {
		case "self":
			f.Self = href
		case "hub":
			f.Hubs = append(f.Hubs, href)
		}
	}
}

// skip reads the hours or days of skipHours and skipDays.
func (f *Feed) skip(list jsonValue) {
	for x := range list.list() {
		f.skipAt(x.words())
	}
}

// rssEntry is an item of RSS in JSON. What are attributes and text of an element
// in XML are members of an object here, the text is called "#value".
func rssEntry(v jsonValue) Entry {
	e := Entry{
		GUID:      strings.TrimSpace(v.inner("guid")),
		Permalink: strings.TrimSpace(cmp.Or(v.inner("feedburner:origLink"), v.inner("link"))),
		Content:   v.inner("content:encoded"), Authors: v.creators("author"), Language: v.inner("dc:language"),
		Image: cmp.Or(v.get("media:thumbnail").get("url").str(), v.get("itunes:image").get("href").str()),
	}
	e.Title, e.TitleHTML = markedTitle(cmp.Or(v.inner("title"), v.inner("media:title")))
	e.Published = e.date(cmp.Or(v.inner("pubDate"), v.inner("dc:date")))
	e.GUIDGlobal = isURI(e.GUID)
	if e.Permalink == "" && !v.get("guid").get("isPermaLink").is("false") {
		e.Permalink = webURL("", e.GUID) // parsing.md 11
	}
	if e.Content == "" {
		e.Content = v.inner("description")
	} else {
		e.Summary = v.inner("description")
	}
	for c := range v.get("category").list() {
		if t := c.words(); t != "" && len(e.Tags) < maxTags {
			e.Tags = append(e.Tags, Tag{Term: t, Scheme: c.get("domain").str()})
		}
	}
	for x := range v.get("enclosure").list() {
		if u := x.get("url").str(); u != "" && len(e.Enclosures) < maxEnclosures {
			e.Enclosures = append(e.Enclosures, Enclosure{URL: u, Type: x.get("type").str(), Length: x.get("length").bytes()})
		}
	}
	for _, l := range [][2]string{{"comments", "text/html"}, {"wfw:commentRss", "application/rss+xml"}} {
		if u := strings.TrimSpace(v.inner(l[0])); u != "" {
			e.Links = append(e.Links, Link{Rel: "replies", URL: u, Type: l[1]})
		}
	}
	if u := v.get("source").get("url").str(); u != "" {
		e.Origin = &Origin{ID: u, Self: u, Title: plainTitle(v.inner("source"))}
	}
	return e
}

// creators are the people of RSS: dc:creator before the other (parsing.md 15).
func (v jsonValue) creators(other string) []Person {
	var out []Person
	for _, key := range []string{"dc:creator", other} {
		for c := range v.get(key).list() {
			if len(out) == maxPeople {
				break
			}
			if p := person(cut(c.words(), MaxTitle)); p != (Person{}) {
				out = append(out, p)
			}
		}
		if len(out) > 0 {
			break
		}
	}
	return out
}
