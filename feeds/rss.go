package feeds

import (
	"cmp"
	"encoding/xml"
	"io"
	"regexp"
	"slices"
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
	History string     `xml:"xmlns:fh,attr,omitempty"`
	License string     `xml:"xmlns:creativeCommons,attr,omitempty"`
	Channel rssChannel `xml:"channel"`
}

type rssChannel struct {
	Title       *rssText   `xml:"title"`
	Link        string     `xml:"link"`
	Description *rssText   `xml:"description"`
	Language    string     `xml:"language,omitempty"`
	Copyright   *rssText   `xml:"copyright"`
	LastBuild   string     `xml:"lastBuildDate,omitempty"`
	Docs        string     `xml:"docs"`
	Generator   string     `xml:"generator"`
	TTL         int64      `xml:"ttl,omitempty"`
	Image       *rssImage  `xml:"image"`
	Links       []atomLink `xml:"atom:link"`
	Creators    []rssText  `xml:"dc:creator"`
	Complete    *struct{}  `xml:"fh:complete"`
	Archive     *struct{}  `xml:"fh:archive"`
	Items       []rssItem  `xml:"item"`
}

type rssImage struct {
	URL   string   `xml:"url"`
	Title *rssText `xml:"title"`
	Link  string   `xml:"link"`
}

// rssItem's order is the document's: description stands before content:encoded,
// as old readers take the last of the two (output.md 12).
type rssItem struct {
	Title       *rssText       `xml:"title"`
	Link        string         `xml:"link,omitempty"`
	Description *rssText       `xml:"description"`
	Content     *rssText       `xml:"content:encoded"`
	Creators    []rssText      `xml:"dc:creator"`
	Helpers     []rssText      `xml:"dc:contributor"`
	Comments    string         `xml:"comments,omitempty"`
	Language    string         `xml:"dc:language,omitempty"`
	Categories  []rssCategory  `xml:"category"`
	GUID        rssGUID        `xml:"guid"`
	PubDate     string         `xml:"pubDate,omitempty"`
	Updated     string         `xml:"atom:updated,omitempty"` // RSS has no word for it
	Source      *rssSource     `xml:"source"`
	Enclosure   *rssEnclosure  `xml:"enclosure"`
	Media       []rssEnclosure `xml:"media:content"`
	Thumbnail   *mediaPicture  `xml:"media:thumbnail"`
	Licenses    []string       `xml:"creativeCommons:license"`
}

// rssText is an element with text that is escaped.
type rssText struct {
	Text string `xml:",innerxml"`
}

type rssCategory struct {
	Domain string `xml:"domain,attr,omitempty"`
	Text   string `xml:",innerxml"`
}

type rssGUID struct {
	IsPermaLink bool   `xml:"isPermaLink,attr"`
	Text        string `xml:",chardata"`
}

type rssSource struct {
	URL  string `xml:"url,attr"`
	Text string `xml:",innerxml"`
}

// rssEnclosure's length is required in an enclosure, 0 when nobody knows;
// media:content calls the same thing fileSize.
type rssEnclosure struct {
	URL      string `xml:"url,attr"`
	Length   *int64 `xml:"length,attr,omitempty"`
	FileSize int64  `xml:"fileSize,attr,omitempty"`
	Type     string `xml:"type,attr,omitempty"`
}

// WriteRSS writes f as RSS 2.0 by the rules of the RSS Advisory Board's profile, with
// its history (RFC 5005). The same feed gives the same bytes.
func WriteRSS(w io.Writer, f *Feed) error {
	const typ = "application/rss+xml"
	d := rssDoc{
		Version: "2.0",
		Atom:    "http://www.w3.org/2005/Atom",
		Content: "http://purl.org/rss/1.0/modules/content/",
		DC:      "http://purl.org/dc/elements/1.1/",
		Media:   mediaSpace,
		History: spaceIf(f.complete() || f.Archive, historySpace),
		Channel: rssChannel{
			Title: newRSSText(cmp.Or(f.Title, f.Link)), Link: address(f.Link),
			Description: newRSSText(cmp.Or(f.Subtitle, f.Title, f.Link)), // required, may not be empty
			Language:    languageTag(f.Language), Copyright: newRSSText(f.Rights), Docs: "https://www.rssboard.org/rss-specification",
			Generator: generator, TTL: int64(f.TTL / time.Minute),
			Links:    append(atomLinks(f.Self, typ, "", f.Hubs), append(f.history(typ), f.nodes()...)...),
			Creators: rssPeople(f.Authors), Complete: present(f.complete()), Archive: present(f.Archive),
			Items: make([]rssItem, len(f.Entries)),
		},
	}
	if !unsayable(f.Updated) {
		d.Channel.LastBuild = rssTime(f.Updated)
	}
	if rssPicture.MatchString(f.Icon) {
		d.Channel.Image = &rssImage{URL: address(f.Icon), Title: d.Channel.Title, Link: d.Channel.Link}
	}
	for i := range f.Entries {
		item := &d.Channel.Items[i]
		*item = newRSSItem(&f.Entries[i])
		if len(item.Licenses) > 0 {
			d.License = licenseSpace
		}
	}
	return writeXML(w, &d)
}

// rssPicture are the addresses of what may be the image of a channel (RSS 2.0 knows
// GIF, JPEG and PNG), as the W3C's validator tells them.
var rssPicture = regexp.MustCompile(`(?i)^https?://.*\.(?:gif|jpe?g|png)$`)

func newRSSItem(e *Entry) rssItem {
	r := rssItem{
		Title: newRSSText(e.Title), Link: address(e.Permalink), Language: languageTag(e.Language),
		Description: newRSSHTML(e.Summary), Content: newRSSHTML(e.Content), Comments: address(e.comments()), Thumbnail: newMediaPicture(e.Image),
		GUID:     rssGUID{IsPermaLink: e.GUID == e.Permalink && e.GUID == address(e.GUID) && CanonicalURL(e.GUID) != "", Text: printable(e.GUID)},
		Creators: rssPeople(e.Authors), Helpers: rssPeople(e.Contributors),
	}
	if !unsayable(e.Published) {
		r.PubDate = rssTime(e.Published)
	}
	if !unsayable(e.Updated) && e.Updated.Truncate(time.Second).After(e.Published) {
		r.Updated = atomTime(e.Updated)
	}
	if r.Description == nil { // short enough to be its own summary
		r.Description, r.Content = r.Content, nil
	}
	if r.Title == nil && r.Description == nil {
		r.Title = newRSSText(cmp.Or(r.Link, r.GUID.Text)) // one of the two is required
	}
	for _, t := range e.Tags {
		if text := newRSSText(cmp.Or(t.Label, t.Term)); text != nil {
			r.Categories = append(r.Categories, rssCategory{printable(t.Scheme), text.Text})
		}
	}
	if o := e.Origin; o != nil && address(o.Self) != "" {
		r.Source = &rssSource{URL: address(o.Self), Text: newRSSText(cmp.Or(printable(o.Title), address(o.Self))).Text}
	}
	for _, l := range e.Links {
		if l.Rel == "license" {
			r.Licenses = append(r.Licenses, address(l.URL))
		}
	}
	r.files(e.Enclosures)
	return r
}

// files are the attached files: the profile allows one enclosure; the rest go to
// media:content (output.md 13), and so does what other readers would not fetch.
func (r *rssItem) files(list []Enclosure) {
	first := slices.IndexFunc(list, func(x Enclosure) bool { return fetchable.MatchString(address(x.URL)) })
	for i, x := range list {
		file := rssEnclosure{URL: address(x.URL), Type: cmp.Or(fileType(x.Type), "application/octet-stream")}
		length := max(x.Length, 0)
		if i == first {
			file.Length = &length
			r.Enclosure = &file
			continue
		}
		file.FileSize = length
		r.Media = append(r.Media, file)
	}
}

// fetchable are the addresses that an enclosure may have, as the W3C's validator tells
// them: of a host with a name that others can look up.
var fetchable = regexp.MustCompile(`(?i)^https?://(?:[a-z0-9-]+\.)+[a-z0-9][a-z0-9-]*(?::\d+)?(?:/|$)`)

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

// rssEscapes write & and < as the profile has them in text (RSS Profile, "Character
// Data"): with these references fewer readers take what follows for markup.
var rssEscapes = &escapes{'&': "&#x26;", '<': "&#x3C;", '>': "&#x3E;", '\r': "&#xD;"}

// newRSSText is plain text for an element that has no type. Readers take what looks
// like markup for markup (parsing.md 14), so only that is escaped once more.
func newRSSText(s string) *rssText {
	if s = printable(s); s == "" {
		return nil
	}
	if resemblesHTML(s) {
		s = escapeHTML(s)
	}
	return &rssText{rssEscapes.in(s)}
}

func newRSSHTML(s string) *rssText {
	if s = inner(s); strings.TrimSpace(s) == "" {
		return nil
	}
	return &rssText{s}
}

func rssPeople(people []Person) []rssText {
	var out []rssText
	for _, p := range atomPeople(people) {
		out = append(out, *newRSSText(p.Name))
	}
	return out
}

// rssTime writes t as RFC 822 with a four-digit year.
func rssTime(t time.Time) string {
	return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escapeHTML makes text an HTML fragment.
func escapeHTML(text string) string { return escaper.Replace(text) }
