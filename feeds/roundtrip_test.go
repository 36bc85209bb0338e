package feeds

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// reduceFeed is what of the head of f the format can say.
func reduceFeed(format string, f *Feed) Feed {
	r := *f
	r.Entries, r.Deleted, r.Dropped = nil, nil, nil
	r.Authors = reducePeople(format, spelledPeople(f.Authors))
	if r.Updated = f.Updated.Truncate(time.Second); r.Updated.IsZero() && format == "atom" {
		r.Updated = beginning // a date is required
	}
	if r.Complete { // RFC 5005 §2: it has no past
		r.PrevArchive, r.NextArchive, r.Current, r.Next = "", "", "", ""
	}
	if format == "json" {
		r.Next, r.PrevArchive = cmp.Or(r.Next, r.PrevArchive), ""
	} else if r.PrevArchive != "" {
		r.Next = ""
	}
	if format == "rss" { // knows no id; a description it must have
		r.ID, r.Subtitle = "", cmp.Or(r.Subtitle, r.Title)
		if !strings.HasSuffix(r.Icon, ".png") {
			r.Icon = ""
		}
	}
	return r
}

// reduce is what of e the format can say, after it went through Read and
// Normalize. What is missing here is lost on the way, and meant to be.
func reduce(format string, e *Entry, f *Feed) Entry {
	e = spelled(e)
	r := Entry{
		GUID: e.GUID, Permalink: e.Permalink, Title: e.Title, Content: e.Content, Summary: e.Summary,
		Language:  cmp.Or(e.Language, f.Language), // inherited (parsing.md 10)
		Published: e.Published.UTC().Truncate(time.Second), Updated: e.Updated.UTC().Truncate(time.Second),
	}
	r.Image = e.Image
	r.Authors = reducePeople(format, e.Authors)
	var pictures late
	first := slices.IndexFunc(e.Enclosures, func(x Enclosure) bool { return enclosed.MatchString(x.URL) })
	for i, x := range e.Enclosures {
		if format != "atom" {
			x.Type = cmp.Or(x.Type, "application/octet-stream") // required there
		}
		if format == "rss" && i != first && strings.HasPrefix(x.Type, "image/") {
			pictures.pictures = append(pictures.pictures, x) // in media:content the first picture is a preview
			continue
		}
		r.Enclosures = append(r.Enclosures, x)
		if n := len(r.Enclosures) - 1; format == "rss" && i == first && n > 0 { // enclosures count before media:content
			r.Enclosures = append([]Enclosure{x}, r.Enclosures[:n]...)
		}
	}
	pictures.morePictures(&r)
	switch format {
	case "atom":
		reduceAtom(&r, e)
	case "rss":
		reduceRSS(&r, e)
	case "json":
		reduceJSON(&r, e)
	}
	return r
}

// inURIs is how addresses and texts are written: brackets are for hosts alone, and
// nobody means a control or the mark of a byte that was no character.
var inURIs = strings.NewReplacer("://[", "://[", "[", "%5B", "]", "%5D")

var quoting = strings.NewReplacer("\u0093", "“", "\u0094", "”", "\uFFFD", "")

// spelled is e as its words are written; the text of an entry with nothing but a summary
// is that.
func spelled(e *Entry) *Entry {
	s := *e
	if s.Content == "" {
		s.Content, s.Summary = s.Summary, ""
	}
	s.Title, s.Content, s.Summary = quoting.Replace(s.Title), quoting.Replace(s.Content), quoting.Replace(s.Summary)
	s.Permalink, s.Image = inURIs.Replace(e.Permalink), inURIs.Replace(e.Image)
	s.Enclosures, s.Links, s.Tags = nil, nil, nil
	for _, x := range e.Enclosures {
		s.Enclosures = append(s.Enclosures, Enclosure{inURIs.Replace(x.URL), fileType(x.Type), x.Length})
	}
	for _, l := range e.Links {
		l.URL = inURIs.Replace(l.URL)
		s.Links = append(s.Links, l)
	}
	for _, t := range e.Tags {
		if quoting.Replace(t.Term+t.Label) != "" {
			s.Tags = append(s.Tags, t)
		}
	}
	s.Authors, s.Contributors = spelledPeople(e.Authors), spelledPeople(e.Contributors)
	if e.Origin != nil {
		o := *e.Origin
		o.Link, o.Self, o.Icon, o.Authors = inURIs.Replace(o.Link), inURIs.Replace(o.Self), inURIs.Replace(o.Icon), spelledPeople(o.Authors)
		s.Origin = &o
	}
	return &s
}

func spelledPeople(list []Person) (out []Person) {
	for _, p := range list {
		p.URL = inURIs.Replace(p.URL)
		out = append(out, p)
	}
	return out
}

func reducePeople(format string, list []Person) []Person {
	var out []Person
	for _, p := range list {
		p.Email = "" // never republished (parsing.md 15)
		p.Name = cmp.Or(p.Name, p.URL)
		if format == "rss" {
			p.URL = "" // dc:creator is a name
		}
		out = append(out, p)
	}
	return out
}

func reduceAtom(r, e *Entry) {
	r.Title, r.TitleHTML = cmp.Or(r.Title, e.heading()), e.TitleHTML
	if r.Content == "" && r.Summary == "" {
		r.Content = Sanitize(textHTML(r.Title), "")
	}
	r.Contributors = reducePeople("atom", e.Contributors)
	for _, l := range e.Links {
		if republished[l.Rel] {
			r.Links = append(r.Links, l)
		}
	}
	for _, t := range e.Tags {
		t.Scheme = absoluteIRI(t.Scheme)
		r.Tags = append(r.Tags, t)
	}
	r.Origin = reduceOrigin(e.Origin)
}

func reduceOrigin(o *Origin) *Origin {
	if o == nil {
		return nil
	}
	r := *o
	r.Updated = o.Updated.Truncate(time.Second)
	r.Authors = reducePeople("atom", o.Authors)
	return &r
}

func reduceRSS(r, e *Entry) {
	if !r.Updated.After(r.Published) {
		r.Updated = time.Time{}
	}
	r.Title = cmp.Or(r.Title, title(e))
	r.Contributors = reducePeople("rss", e.Contributors)
	if u := e.comments(); u != "" {
		r.Links = []Link{{Rel: "replies", URL: u, Type: "text/html"}}
	}
	for _, l := range e.Links {
		if l.Rel == "license" {
			r.Links = append(r.Links, Link{Rel: l.Rel, URL: l.URL})
		}
	}
	for _, t := range e.Tags {
		r.Tags = append(r.Tags, Tag{Term: cmp.Or(t.Label, t.Term), Scheme: t.Scheme})
	}
	if o := e.Origin; o != nil && o.Self != "" {
		r.Origin = &Origin{ID: o.Self, Title: cmp.Or(o.Title, o.Self), Self: o.Self}
	}
}

func reduceJSON(r, e *Entry) {
	if r.Summary = Sanitize(textHTML(PlainText(e.Summary)), ""); r.Summary == e.Content {
		r.Summary = ""
	}
	r.TitleHTML, r.Contributors, r.Origin = e.TitleHTML, reducePeople("json", e.Contributors), reduceOrigin(e.Origin)
	var last []Link
	for _, l := range e.Links {
		if l == (Link{Rel: "related", URL: e.related()}) && l.URL != e.Permalink {
			last = append(last, l) // external_url
		} else if republished[l.Rel] {
			r.Links = append(r.Links, l)
		}
	}
	r.Links = append(r.Links, last...)
	if r.Content == "" {
		r.Content = Sanitize(textHTML(cmp.Or(e.Title, e.Permalink)), "")
	}
	var ours []string // our categories come first, and their tags do not say them again
	for _, t := range e.Tags {
		if t.Scheme != "" {
			r.Tags = append(r.Tags, t)
			ours = append(ours, t.Term, t.Label)
		}
	}
	var names []string
	for _, t := range e.Tags {
		name := cmp.Or(t.Label, t.Term)
		if !containsFold(names, name) && !containsFold(ours, name) {
			r.Tags = append(r.Tags, Tag{Term: name})
		}
		names = append(names, name)
	}
}

// title is what stands for a title where neither it nor a text exists.
func title(e *Entry) string {
	if e.Content != "" {
		return ""
	}
	return e.Permalink
}

// heard is a read entry without what no document says.
func heard(e *Entry) Entry {
	h := *e
	h.GUIDGlobal, h.SummaryMade = false, false
	return h
}

// difference says which fields of two entries differ, "" when none do.
func difference(said, heard Entry) string {
	a, b := reflect.ValueOf(said), reflect.ValueOf(heard)
	for i := range a.NumField() {
		if !a.Type().Field(i).IsExported() {
			continue
		}
		x, _ := json.Marshal(a.Field(i).Interface())
		y, _ := json.Marshal(b.Field(i).Interface())
		if string(x) != string(y) {
			return fmt.Sprintf("%s: said %.300s, heard %.300s", a.Type().Field(i).Name, x, y)
		}
	}
	return ""
}

func termsOf(tags []Tag) []string {
	var out []string
	for _, t := range tags {
		out = append(out, t.Term)
	}
	return out
}
