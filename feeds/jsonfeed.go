package feeds

import (
	"cmp"
	"encoding/json"
	"io"
	"time"

	gorilla "github.com/gorilla/feeds"
)

// jsonDoc is gorilla's feed with items of ours: its own leaves them out when
// there are none, and has no language, length or extension in them (libraries.md 6).
type jsonDoc struct {
	*gorilla.JSONFeed
	Items []jsonItem `json:"items"`
}

type jsonItem struct {
	*gorilla.JSONItem
	Language    string           `json:"language,omitempty"`
	Attachments []jsonAttachment `json:"attachments,omitempty"`
	Orrery      *jsonOrrery      `json:"_orrery,omitempty"`
}

type jsonAttachment struct {
	URL  string `json:"url"`
	Type string `json:"mime_type"`
	Size int64  `json:"size_in_bytes,omitempty"`
}

// jsonOrrery says what JSON Feed has no word for: our categories apart from the
// entry's own tags, where the entry comes from and who else has it.
type jsonOrrery struct {
	Source     *jsonSource    `json:"source,omitempty"`
	Also       []jsonSource   `json:"also,omitempty"`
	Categories []jsonCategory `json:"categories,omitempty"`
}

type jsonSource struct {
	ID      string `json:"id,omitempty"`
	Title   string `json:"title,omitempty"`
	Page    string `json:"home_page_url,omitempty"`
	Feed    string `json:"feed_url,omitempty"`
	Updated string `json:"date_modified,omitempty"`
}

type jsonCategory struct {
	Term   string `json:"term"`
	Scheme string `json:"scheme"`
	Label  string `json:"label,omitempty"`
}

// WriteJSON writes f as JSON Feed 1.1 (jsonfeed.org/version/1.1). The same feed
// gives the same bytes.
func WriteJSON(w io.Writer, f *Feed) error {
	d := jsonDoc{
		JSONFeed: &gorilla.JSONFeed{
			Version: "https://jsonfeed.org/version/1.1", Title: clean(cmp.Or(f.Title, f.Link)),
			Language: clean(f.Language), HomePageUrl: clean(f.Link), FeedUrl: clean(f.Self), Description: clean(f.Subtitle),
			Icon: clean(f.Icon), Authors: jsonPeople(f.Authors),
		},
		Items: make([]jsonItem, len(f.Entries)),
	}
	for _, h := range f.Hubs {
		d.Hubs = append(d.Hubs, &gorilla.JSONHub{Type: "WebSub", Url: clean(h)})
	}
	for i := range f.Entries {
		d.Items[i] = newJSONItem(&f.Entries[i])
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

func newJSONItem(e *Entry) jsonItem {
	j := jsonItem{
		JSONItem: &gorilla.JSONItem{
			Id: clean(e.GUID), Url: clean(e.Permalink), Title: clean(e.Title),
			ContentHTML: clean(cmp.Or(e.Content, e.Summary)), Authors: jsonPeople(e.Authors),
			PublishedDate: jsonTime(e.Published), Image: clean(e.Image), ExternalUrl: clean(e.related()),
		},
		Language: clean(e.Language),
		Orrery:   newJSONOrrery(e),
	}
	if !e.Updated.IsZero() {
		j.ModifiedDate = jsonTime(later(e.Updated, e.Published))
	}
	if e.Content != "" && e.Summary != "" {
		j.Summary = PlainText(e.Summary)
	}
	if j.ContentHTML == "" {
		j.ContentText = cmp.Or(j.Title, j.Url, j.Id) // one of the two is required
	}
	for _, t := range e.Tags {
		name := clean(cmp.Or(t.Label, t.Term))
		if !containsFold(j.Tags, name) {
			j.Tags = append(j.Tags, name)
		}
	}
	for _, x := range e.Enclosures {
		j.Attachments = append(j.Attachments, jsonAttachment{clean(x.URL), cmp.Or(clean(x.Type), "application/octet-stream"), x.Length})
	}
	return j
}

func newJSONOrrery(e *Entry) *jsonOrrery {
	x := &jsonOrrery{}
	if o := e.Origin; o != nil {
		x.Source = &jsonSource{ID: clean(o.ID), Title: clean(o.Title), Page: clean(o.Link), Feed: clean(o.Self)}
		if !unsayable(o.Updated) {
			x.Source.Updated = atomTime(o.Updated)
		}
	}
	for i := range e.Also {
		s := &e.Also[i]
		also := jsonSource{Title: clean(s.Name()), Page: clean(s.Home())}
		if !s.Local() {
			also.Feed = clean(s.URL)
		}
		if also != (jsonSource{}) {
			x.Also = append(x.Also, also)
		}
	}
	for _, t := range e.Tags {
		if t.Scheme != "" {
			x.Categories = append(x.Categories, jsonCategory{clean(t.Term), clean(t.Scheme), clean(t.Label)})
		}
	}
	if x.Source == nil && x.Also == nil && x.Categories == nil {
		return nil
	}
	return x
}

func jsonPeople(people []Person) []*gorilla.JSONAuthor {
	var a []*gorilla.JSONAuthor
	for _, p := range atomPeople(people) {
		a = append(a, &gorilla.JSONAuthor{Name: p.Name, Url: p.URI})
	}
	return a
}

func jsonTime(t time.Time) *time.Time {
	if unsayable(t) {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
