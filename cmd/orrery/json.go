package main

import (
	"cmp"
	"html"
	"slices"
	"time"

	"orrery/feeds"
)

// The shapes of inspect --json and export jsonl; a list is never null, an
// unknown time always is.

type inputJSON struct {
	Input    string      `json:"input"`
	Error    *string     `json:"error"`
	Format   string      `json:"format"`
	Encoding string      `json:"encoding"`
	Repaired []string    `json:"repaired"`
	Feed     feedJSON    `json:"feed"`
	Entries  []entryJSON `json:"entries"`
	Left     *string     `json:"left_out"` // why the post of a file is not taken for now; null where it is
	Answer   *answerJSON `json:"answer"`   // of an address; null for a file
}

// answerJSON is what an address answered, and what a visit would make of it.
type answerJSON struct {
	Status  int        `json:"status"`
	URL     string     `json:"url"`
	Hops    []string   `json:"hops"`
	Header  []string   `json:"header"`
	Bytes   int        `json:"bytes"`
	TookMS  int64      `json:"took_ms"`
	Next    *time.Time `json:"next_visit"`
	Why     string     `json:"next_why"`
	New     *int       `json:"new"` // entries that the store has not; null where there is none
	Revised *int       `json:"revised"`
}

func newAnswerJSON(x inspection) *answerJSON {
	v := x.visit
	if v == nil {
		return nil
	}
	a := v.Answer
	next, why := x.next()
	j := &answerJSON{
		Status: v.Status, URL: a.URL, Hops: append([]string{}, a.Hops...), Header: append([]string{}, a.Header...),
		Bytes: a.Bytes, TookMS: a.Took.Milliseconds(), Next: next, Why: why,
	}
	if c := x.change; c != nil {
		j.New, j.Revised = &c.New, &c.Revised
	}
	return j
}

type feedJSON struct {
	ID         string       `json:"id"`
	Title      string       `json:"title"`
	Subtitle   string       `json:"subtitle"`
	Link       string       `json:"link"`
	Self       string       `json:"self"`
	Language   string       `json:"language"`
	Updated    *time.Time   `json:"updated"`
	Hubs       []string     `json:"hubs"`
	TTLMinutes int          `json:"ttl_minutes"`
	Authors    []personJSON `json:"authors"`
	Icon       string       `json:"icon"`
	Rights     string       `json:"rights"`
	SkipHours  []int        `json:"skip_hours"` // GMT
	SkipDays   []string     `json:"skip_days"`
	Period     int          `json:"update_period_minutes"`
	Base       *time.Time   `json:"update_base"`
	Complete   bool         `json:"complete"`     // RFC 5005 §2
	Truncated  bool         `json:"truncated"`    // its end is missing
	Archive    string       `json:"prev_archive"` // RFC 5005 §4
	Next       string       `json:"next"`
	Links      []linkJSON   `json:"links"` // all others
}

type personJSON struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	URL   string `json:"url"`
}

type tagJSON struct {
	Term   string `json:"term"`
	Scheme string `json:"scheme"`
	Label  string `json:"label"`
}

type linkJSON struct {
	Rel      string `json:"rel"`
	URL      string `json:"url"`
	Type     string `json:"type"`
	Language string `json:"language"`
	Title    string `json:"title"`
}

func linksJSON(list []feeds.Link) []linkJSON {
	out := []linkJSON{}
	for _, l := range list {
		out = append(out, linkJSON{l.Rel, l.URL, l.Type, l.Language, l.Title})
	}
	return out
}

type enclosureJSON struct {
	URL    string `json:"url"`
	Type   string `json:"type"`
	Length int64  `json:"length"`
}

type originJSON struct {
	ID       string       `json:"id"`
	Title    string       `json:"title"`
	Subtitle string       `json:"subtitle"`
	Link     string       `json:"link"`
	Self     string       `json:"self"`
	Icon     string       `json:"icon"`
	Rights   string       `json:"rights"`
	Updated  *time.Time   `json:"updated"`
	Authors  []personJSON `json:"authors"`
}

type entryJSON struct {
	GUID         string          `json:"guid"`
	Global       bool            `json:"guid_global"` // it means the same post wherever it appears
	Permalink    string          `json:"permalink"`
	Title        string          `json:"title"`
	TitleHTML    string          `json:"title_html"`
	Summary      string          `json:"summary"`
	SummaryMade  bool            `json:"summary_made"` // of the content, by us
	Content      string          `json:"content"`
	Published    *time.Time      `json:"published"`
	Updated      *time.Time      `json:"updated"`
	Unzoned      bool            `json:"unzoned"` // a date came without a zone
	Language     string          `json:"language"`
	Authors      []personJSON    `json:"authors"`
	Contributors []personJSON    `json:"contributors"`
	Tags         []tagJSON       `json:"tags"`
	Enclosures   []enclosureJSON `json:"enclosures"`
	Links        []linkJSON      `json:"links"`
	Image        string          `json:"image"`
	Origin       *originJSON     `json:"origin"`
	Categories   []string        `json:"categories"`
	Key          string          `json:"key"`
}

func newEntryJSON(e *feeds.Entry, source string) entryJSON {
	j := entryJSON{
		GUID: e.GUID, Permalink: e.Permalink, Title: e.Title, TitleHTML: cmp.Or(e.TitleHTML, html.EscapeString(e.Title)),
		Global: e.GUIDGlobal, SummaryMade: e.SummaryMade, Unzoned: e.Unzoned, Image: e.Image,
		Contributors: peopleJSON(e.Contributors), Links: linksJSON(e.Links),
		Summary: e.Summary, Content: e.Content, Published: timeOrNull(e.Published), Updated: timeOrNull(e.Updated),
		Language: e.Language, Authors: peopleJSON(e.Authors), Tags: []tagJSON{}, Enclosures: []enclosureJSON{},
		Categories: []string{}, Key: e.Identity(source),
	}
	for _, t := range e.Tags {
		j.Tags = append(j.Tags, tagJSON(t))
	}
	for _, x := range e.Enclosures {
		j.Enclosures = append(j.Enclosures, enclosureJSON(x))
	}
	for _, c := range e.Categories {
		if !slices.Contains(j.Categories, c.Slug) { // as C, C++ and C# have before they are stored
			j.Categories = append(j.Categories, c.Slug)
		}
	}
	if o := e.Origin; o != nil {
		j.Origin = &originJSON{o.ID, o.Title, o.Subtitle, o.Link, o.Self, o.Icon, o.Rights, timeOrNull(o.Updated), peopleJSON(o.Authors)}
	}
	return j
}

func peopleJSON(list []feeds.Person) []personJSON {
	out := []personJSON{}
	for _, p := range list {
		out = append(out, personJSON(p))
	}
	return out
}

func newFeedJSON(f *feeds.Feed) feedJSON {
	days := []string{}
	for _, d := range f.SkipDays {
		days = append(days, d.String())
	}
	return feedJSON{
		Icon: f.Icon, Rights: f.Rights, SkipHours: append([]int{}, f.SkipHours...), SkipDays: days, Period: int(f.UpdatePeriod.Minutes()), Base: timeOrNull(f.UpdateBase),
		Complete: f.Complete, Truncated: f.Truncated, Archive: f.PrevArchive, Next: f.Next, Links: linksJSON(f.Links),
		ID: f.ID, Title: f.Title, Subtitle: f.Subtitle, Link: f.Link, Self: f.Self, Language: f.Language,
		Updated: timeOrNull(f.Updated), Hubs: append([]string{}, f.Hubs...), TTLMinutes: int(f.TTL.Minutes()), Authors: peopleJSON(f.Authors),
	}
}
