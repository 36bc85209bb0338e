package feeds

import (
	"bytes"
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
	Orrery jsonFeedOrrery `json:"_orrery"`
	Items  []jsonItem     `json:"items"`
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

// jsonFeedOrrery says what JSON Feed has no word for and Atom has; docs/json-feed.md
// is for those who read it.
type jsonFeedOrrery struct {
	ID          string        `json:"id,omitempty"`
	Updated     string        `json:"date_modified,omitempty"`
	Rights      string        `json:"rights,omitempty"`
	Generator   string        `json:"generator"`
	Complete    bool          `json:"complete,omitempty"`
	Archive     bool          `json:"archive,omitempty"`
	Current     string        `json:"current,omitempty"`
	NextArchive string        `json:"next_archive,omitempty"`
	Deleted     []jsonDeleted `json:"deleted,omitempty"`
}

type jsonDeleted struct {
	ID   string `json:"id"`
	Date string `json:"date"`
}

// jsonOrrery says of an item: our categories apart from its own tags, where it comes
// from, who else has it, who helped, and where else it leads.
type jsonOrrery struct {
	TitleHTML    string                `json:"title_html,omitempty"`
	Source       *jsonSource           `json:"source,omitempty"`
	Also         []jsonSource          `json:"also,omitempty"`
	Contributors []*gorilla.JSONAuthor `json:"contributors,omitempty"`
	Categories   []jsonCategory        `json:"categories,omitempty"`
	Links        []Link                `json:"links,omitempty"`
}

type jsonSource struct {
	ID          string                `json:"id,omitempty"`
	Title       string                `json:"title,omitempty"`
	Description string                `json:"description,omitempty"`
	Page        string                `json:"home_page_url,omitempty"`
	Feed        string                `json:"feed_url,omitempty"`
	Icon        string                `json:"icon,omitempty"`
	Rights      string                `json:"rights,omitempty"`
	Updated     string                `json:"date_modified,omitempty"`
	Authors     []*gorilla.JSONAuthor `json:"authors,omitempty"`
}

// said says that there is a source to speak of.
func (s *jsonSource) said() bool { return s.ID+s.Title+s.Page+s.Feed != "" }

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
			Version: "https://jsonfeed.org/version/1.1", Title: printable(cmp.Or(f.Title, f.Link)),
			Language: languageTag(f.Language), HomePageUrl: address(f.Link), FeedUrl: address(f.Self), Description: printable(f.Subtitle),
			Icon: address(f.Icon), Authors: jsonPeople(f.Authors),
		},
		Orrery: newJSONFeedOrrery(f),
		Items:  make([]jsonItem, len(f.Entries)),
	}
	// next_url must never be the address of the document, or readers go round and round.
	if next := address(cmp.Or(f.Next, f.PrevArchive)); next != d.FeedUrl && !f.complete() {
		d.NextUrl = next
	}
	for _, h := range f.Hubs {
		d.Hubs = append(d.Hubs, &gorilla.JSONHub{Type: "WebSub", Url: address(h)})
	}
	const markup = 1 << 10 // bytes of an item beside its text, about
	size := 0
	for i := range f.Entries {
		d.Items[i] = newJSONItem(&f.Entries[i])
		size += len(f.Entries[i].Content) + len(f.Entries[i].Summary) + markup
	}
	var b bytes.Buffer
	b.Grow(size)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(d); err != nil {
		return err
	}
	return indentJSON(w, b.Bytes())
}

func newJSONFeedOrrery(f *Feed) jsonFeedOrrery {
	x := jsonFeedOrrery{
		ID: printable(f.ID), Rights: printable(f.Rights), Generator: generator, Complete: f.complete(), Archive: f.Archive,
	}
	if !unsayable(f.Updated) {
		x.Updated = atomTime(f.Updated)
	}
	if !x.Complete {
		x.Current, x.NextArchive = address(f.Current), address(f.NextArchive)
	}
	for _, t := range f.Deleted {
		x.Deleted = append(x.Deleted, jsonDeleted{printable(t.GUID), atomTime(t.At)})
	}
	return x
}

func newJSONItem(e *Entry) jsonItem {
	content, summary := printable(e.Content), printable(e.Summary)
	j := jsonItem{
		JSONItem: &gorilla.JSONItem{
			Id: printable(e.GUID), Url: address(e.Permalink), Title: printable(e.Title),
			ContentHTML: cmp.Or(content, summary), Authors: jsonPeople(e.Authors),
			PublishedDate: jsonTime(e.Published), Image: address(e.Image), ExternalUrl: address(e.related()),
		},
		Language: languageTag(e.Language),
		Orrery:   newJSONOrrery(e),
	}
	if !e.Updated.IsZero() {
		j.ModifiedDate = jsonTime(later(e.Updated, e.Published))
	}
	if content != "" && summary != "" {
		j.Summary = PlainText(summary)
	}
	if j.ContentHTML == "" {
		j.ContentText = cmp.Or(j.Title, j.Url, j.Id) // one of the two is required
	}
	for _, t := range e.Tags {
		if name := printable(cmp.Or(t.Label, t.Term)); name != "" && !containsFold(j.Tags, name) {
			j.Tags = append(j.Tags, name)
		}
	}
	for _, x := range e.Enclosures {
		j.Attachments = append(j.Attachments, jsonAttachment{address(x.URL), cmp.Or(fileType(x.Type), "application/octet-stream"), max(x.Length, 0)})
	}
	return j
}

func newJSONOrrery(e *Entry) *jsonOrrery {
	x := &jsonOrrery{TitleHTML: printable(e.TitleHTML), Contributors: jsonPeople(e.Contributors)}
	if o := e.Origin; o != nil {
		x.Source = &jsonSource{
			ID: printable(o.ID), Title: printable(o.Title), Description: printable(o.Subtitle), Page: address(o.Link), Feed: address(o.Self),
			Icon: address(o.Icon), Rights: printable(o.Rights), Authors: jsonPeople(o.Authors),
		}
		if !unsayable(o.Updated) {
			x.Source.Updated = atomTime(o.Updated)
		}
	}
	for i := range e.Also {
		s := &e.Also[i]
		also := jsonSource{Title: printable(s.Name()), Page: address(s.Home()), Feed: address(s.PublicURL())}
		if also.said() {
			x.Also = append(x.Also, also)
		}
	}
	for _, t := range e.Tags {
		if term := printable(t.Term); term != "" && t.Scheme != "" {
			x.Categories = append(x.Categories, jsonCategory{term, printable(t.Scheme), printable(t.Label)})
		}
	}
	external := e.related() // said already
	for _, l := range e.Links {
		if !republished[l.Rel] || l.Rel == "related" && l == (Link{Rel: "related", URL: external}) {
			continue
		}
		x.Links = append(x.Links, Link{l.Rel, address(l.URL), fileType(l.Type), languageTag(l.Language), printable(l.Title)})
	}
	if x.Source == nil && x.Also == nil && x.Categories == nil && x.Contributors == nil && x.Links == nil && x.TitleHTML == "" {
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
