package feeds

import (
	"cmp"
	"encoding/xml"
	"io"
	"strings"
	"time"
)

type rssDoc struct {
	XMLName xml.Name   `xml:"rss"`
	Version string     `xml:"version,attr"`
	Atom    string     `xml:"xmlns:atom,attr"`
	Content string     `xml:"xmlns:content,attr"`
	DC      string     `xml:"xmlns:dc,attr"`
	Media   string     `xml:"xmlns:media,attr"`
	Channel rssChannel `xml:"channel"`
}

type rssChannel struct {
	Title       string     `xml:"title"`
	Link        string     `xml:"link"`
	Description string     `xml:"description"`
	Language    string     `xml:"language,omitempty"`
	Copyright   string     `xml:"copyright,omitempty"`
	LastBuild   string     `xml:"lastBuildDate,omitempty"`
	Docs        string     `xml:"docs"`
	Generator   string     `xml:"generator"`
	TTL         int64      `xml:"ttl,omitempty"`
	Image       *rssImage  `xml:"image"`
	Links       []atomLink `xml:"atom:link"`
	Items       []rssItem  `xml:"item"`
}

type rssImage struct {
	URL   string `xml:"url"`
	Title string `xml:"title"`
	Link  string `xml:"link"`
}

// rssItem's order is the document's: description stands before content:encoded,
// as old readers take the last of the two (output.md 12).
type rssItem struct {
	Title       string         `xml:"title,omitempty"`
	Link        string         `xml:"link,omitempty"`
	Description string         `xml:"description,omitempty"`
	Content     string         `xml:"content:encoded,omitempty"`
	Creators    []string       `xml:"dc:creator"`
	Helpers     []string       `xml:"dc:contributor"`
	Comments    string         `xml:"comments,omitempty"`
	Language    string         `xml:"dc:language,omitempty"`
	Categories  []rssCategory  `xml:"category"`
	GUID        rssGUID        `xml:"guid"`
	PubDate     string         `xml:"pubDate,omitempty"`
	Source      *rssSource     `xml:"source"`
	Enclosure   *rssEnclosure  `xml:"enclosure"`
	Media       []rssEnclosure `xml:"media:content"`
	Thumbnail   *mediaPicture  `xml:"media:thumbnail"`
}

type rssCategory struct {
	Domain string `xml:"domain,attr,omitempty"`
	Text   string `xml:",chardata"`
}

type rssGUID struct {
	IsPermaLink bool   `xml:"isPermaLink,attr"`
	Text        string `xml:",chardata"`
}

type rssSource struct {
	URL  string `xml:"url,attr"`
	Text string `xml:",chardata"`
}

// rssEnclosure's length is required in an enclosure, 0 when nobody knows;
// media:content calls the same thing fileSize.
type rssEnclosure struct {
	URL      string `xml:"url,attr"`
	Length   *int64 `xml:"length,attr,omitempty"`
	FileSize int64  `xml:"fileSize,attr,omitempty"`
	Type     string `xml:"type,attr,omitempty"`
}

// WriteRSS writes f as RSS 2.0 by the rules of the RSS Advisory Board's profile.
// The same feed gives the same bytes.
func WriteRSS(w io.Writer, f *Feed) error {
	d := rssDoc{
		Version: "2.0",
		Atom:    "http://www.w3.org/2005/Atom",
		Content: "http://purl.org/rss/1.0/modules/content/",
		DC:      "http://purl.org/dc/elements/1.1/",
		Media:   mediaSpace,
		Channel: rssChannel{
			Title: rssText(cmp.Or(f.Title, f.Link)), Link: clean(f.Link),
			Description: rssText(cmp.Or(f.Subtitle, f.Title, f.Link)), // required, may not be empty
			Language:    clean(f.Language), Copyright: rssText(f.Rights), Docs: "https://www.rssboard.org/rss-specification",
			Generator: generator, TTL: int64(f.TTL / time.Minute),
			Links: atomLinks(f.Self, "application/rss+xml", "", f.Hubs),
			Items: make([]rssItem, len(f.Entries)),
		},
	}
	if !unsayable(f.Updated) {
		d.Channel.LastBuild = rssTime(f.Updated)
	}
	if f.Icon != "" {
		d.Channel.Image = &rssImage{URL: clean(f.Icon), Title: d.Channel.Title, Link: d.Channel.Link}
	}
	for i := range f.Entries {
		d.Channel.Items[i] = newRSSItem(&f.Entries[i])
	}
	return writeXML(w, &d)
}

func newRSSItem(e *Entry) rssItem {
	r := rssItem{
		Title: rssText(e.Title), Link: clean(e.Permalink), Language: clean(e.Language),
		Description: clean(e.Summary), Content: clean(e.Content), Comments: clean(e.comments()), Thumbnail: newMediaPicture(e.Image),
		GUID: rssGUID{IsPermaLink: e.GUID == e.Permalink && CanonicalURL(e.GUID) != "", Text: clean(e.GUID)},
	}
	if !unsayable(e.Published) {
		r.PubDate = rssTime(e.Published)
	}
	if r.Description == "" { // short enough to be its own summary
		r.Description, r.Content = r.Content, ""
	}
	if r.Title == "" && r.Description == "" {
		r.Title = cmp.Or(r.Link, r.GUID.Text) // one of the two is required
	}
	for _, p := range atomPeople(e.Authors) {
		r.Creators = append(r.Creators, rssText(p.Name))
	}
	for _, p := range atomPeople(e.Contributors) {
		r.Helpers = append(r.Helpers, rssText(p.Name))
	}
	for _, t := range e.Tags {
		r.Categories = append(r.Categories, rssCategory{Domain: clean(t.Scheme), Text: rssText(cmp.Or(t.Label, t.Term))})
	}
	if o := e.Origin; o != nil && o.Self != "" {
		r.Source = &rssSource{URL: clean(o.Self), Text: rssText(cmp.Or(o.Title, o.Self))}
	}
	for i, x := range e.Enclosures {
		if i == 0 { // the profile allows one; the rest go to media:content (output.md 13)
			r.Enclosure = &rssEnclosure{URL: clean(x.URL), Length: &x.Length, Type: cmp.Or(clean(x.Type), "application/octet-stream")}
			continue
		}
		r.Media = append(r.Media, rssEnclosure{URL: clean(x.URL), FileSize: x.Length, Type: cmp.Or(clean(x.Type), "application/octet-stream")})
	}
	return r
}

// comments is the page of what others say about the post, "" if it is not known.
func (e *Entry) comments() string {
	for _, l := range e.Links {
		if l.Rel == "replies" && (l.Type == "text/html" || l.Type == "") {
			return l.URL
		}
	}
	return ""
}

// related is the page elsewhere that the post is about.
func (e *Entry) related() string {
	for _, l := range e.Links {
		if l.Rel == "related" {
			return l.URL
		}
	}
	return ""
}

// rssText is plain text for an element that has no type. Readers take what looks
// like markup for markup (parsing.md 14), so only that is escaped once more.
func rssText(s string) string {
	if s = clean(s); looksLikeHTML.MatchString(s) {
		return escapeHTML(s)
	}
	return s
}

// excerptSize is how much of a post stands for a missing summary, in bytes.
const excerptSize = 500

// rssTime writes t as RFC 822 with a four-digit year.
func rssTime(t time.Time) string {
	return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escapeHTML makes text an HTML fragment.
func escapeHTML(text string) string { return escaper.Replace(text) }
