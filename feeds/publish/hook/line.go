// Package hook hands news of entries to programs of other people: a POST to an address
// (Webhook) or lines on the stdin of a command (Command), each piece of news one JSON
// object, because people glue planets to chat rooms.
package hook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"time"

	"orrery/feeds"
)

// Item is what a listener is told (publish.Item).
type Item = feeds.Item

// Delivery is what a piece of news is known by: the same whenever it is sent again, and
// another for everything else, even after a database was begun anew.
func Delivery(i Item) string { return fmt.Sprintf("%s.%d", i.Key, i.ID) }

// Line is a piece of news as one line of JSON with its end: the shape of orrery export
// jsonl with what happened before it. Of a withdrawn entry there is no more than what it
// was known by. A list is never null, an unknown time always is.
func Line(i Item) []byte {
	head := newsJSON{Event: i.Event, Delivery: Delivery(i), At: sayable(i.At), ID: i.Key}
	var line any = withdrawnJSON{head, i.GUID}
	if i.Entry != nil {
		line = entryLine(head, i.Entry)
	}
	b, _ := json.Marshal(line) // of these types only a date can fail, and those are sayable
	return append(b, '\n')
}

type newsJSON struct {
	Event    string    `json:"event"`
	Delivery string    `json:"delivery"`
	At       time.Time `json:"at"`
	ID       string    `json:"id"`
}

type withdrawnJSON struct {
	newsJSON
	GUID string `json:"guid"`
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

type enclosureJSON struct {
	URL    string `json:"url"`
	Type   string `json:"type"`
	Length int64  `json:"length"`
}

type linkJSON struct {
	Rel      string `json:"rel"`
	URL      string `json:"url"`
	Type     string `json:"type"`
	Language string `json:"language"`
	Title    string `json:"title"`
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
	newsJSON
	GUID         string          `json:"guid"`
	Global       bool            `json:"guid_global"`
	Permalink    string          `json:"permalink"`
	Title        string          `json:"title"`
	TitleHTML    string          `json:"title_html"`
	Summary      string          `json:"summary"`
	SummaryMade  bool            `json:"summary_made"`
	Content      string          `json:"content"`
	Published    *time.Time      `json:"published"`
	Updated      *time.Time      `json:"updated"`
	Unzoned      bool            `json:"unzoned"`
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
	FirstSeen    time.Time       `json:"first_seen"`
	Sort         time.Time       `json:"sort"`
	Source       string          `json:"source"`
	Also         []string        `json:"also"`
	Revision     int             `json:"revision"`
}

func entryLine(head newsJSON, e *feeds.Entry) entryJSON {
	j := entryJSON{
		newsJSON: head,
		GUID:     e.GUID, Global: e.GUIDGlobal, Permalink: e.Permalink, Title: e.Title, TitleHTML: cmp.Or(e.TitleHTML, html.EscapeString(e.Title)),
		Summary: e.Summary, SummaryMade: e.SummaryMade, Content: e.Content, Published: timeOrNull(e.Published), Updated: timeOrNull(e.Updated),
		Unzoned: e.Unzoned, Language: e.Language, Image: e.Image, Authors: people(e.Authors), Contributors: people(e.Contributors),
		Tags:       list(e.Tags, func(t feeds.Tag) tagJSON { return tagJSON(t) }),
		Enclosures: list(e.Enclosures, func(x feeds.Enclosure) enclosureJSON { return enclosureJSON(x) }),
		Links:      list(e.Links, func(l feeds.Link) linkJSON { return linkJSON{l.Rel, l.URL, l.Type, l.Language, l.Title} }),
		Categories: list(e.Categories, func(c feeds.CategoryName) string { return c.Slug }),
		Also:       list(e.Also, func(s feeds.Source) string { return s.Slug }),
		FirstSeen:  sayable(e.FirstSeen), Sort: sayable(e.Sort), Revision: e.Revision,
	}
	address := ""
	if e.Source != nil {
		j.Source, address = e.Source.Slug, e.Source.URL
	}
	j.Key = e.Identity(address)
	if o := e.Origin; o != nil {
		j.Origin = &originJSON{o.ID, o.Title, o.Subtitle, o.Link, o.Self, o.Icon, o.Rights, timeOrNull(o.Updated), people(o.Authors)}
	}
	return j
}

func people(of []feeds.Person) []personJSON {
	return list(of, func(p feeds.Person) personJSON { return personJSON(p) })
}

// list is never nil, so that it is never null.
func list[A, B any](of []A, to func(A) B) []B {
	out := make([]B, 0, len(of))
	for _, a := range of {
		out = append(out, to(a))
	}
	return out
}

func timeOrNull(t time.Time) *time.Time {
	if t = sayable(t); t.IsZero() {
		return nil
	}
	return &t
}

// sayable is t in UTC, or nothing where RFC 3339 §5.6 has no digits for its year.
func sayable(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
