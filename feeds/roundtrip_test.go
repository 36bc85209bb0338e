package feeds

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// reduce is what of e the format can say, after it went through Read and
// Normalize. What is missing here is lost on the way, and meant to be.
func reduce(format string, e *Entry, f *Feed) Entry {
	r := Entry{
		GUID: e.GUID, Permalink: e.Permalink, Title: e.Title, Content: e.Content, Summary: e.Summary,
		Language:  cmp.Or(e.Language, f.Language), // inherited (parsing.md 10)
		Published: e.Published.UTC().Truncate(time.Second), Updated: e.Updated.UTC().Truncate(time.Second),
	}
	r.Image = e.Image
	r.Authors = reducePeople(format, e.Authors)
	var pictures late
	for i, x := range e.Enclosures {
		if format != "atom" {
			x.Type = cmp.Or(x.Type, "application/octet-stream") // required there
		}
		if format == "rss" && i > 0 && strings.HasPrefix(x.Type, "image/") {
			pictures.pictures = append(pictures.pictures, x) // in media:content the first picture is a preview
			continue
		}
		r.Enclosures = append(r.Enclosures, x)
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
	r.TitleHTML = e.TitleHTML
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
	if e.Origin != nil {
		o := *e.Origin
		o.Updated = o.Updated.Truncate(time.Second)
		o.Authors = nil
		for _, p := range e.Origin.Authors {
			o.Authors = append(o.Authors, Person{Name: p.Name, URL: p.URL})
		}
		r.Origin = &o
	}
}

func reduceRSS(r, e *Entry) {
	r.Updated = time.Time{}
	r.Title = cmp.Or(r.Title, title(e))
	r.Contributors = reducePeople("rss", e.Contributors)
	if u := e.comments(); u != "" {
		r.Links = []Link{{Rel: "replies", URL: u, Type: "text/html"}}
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
	if u := e.related(); u != "" && u != e.Permalink {
		r.Links = []Link{{Rel: "related", URL: u}}
	}
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
	if o := e.Origin; o != nil {
		r.Origin = &Origin{ID: o.ID, Title: o.Title, Link: o.Link, Self: o.Self, Updated: o.Updated.Truncate(time.Second)}
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

func terms(tags []Tag) []string {
	var out []string
	for _, t := range tags {
		out = append(out, t.Term)
	}
	return out
}
