package feeds

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// OPML is a list of sources (OPML 2.0).
type OPML struct {
	Title    string
	Owner    Person
	Updated  time.Time // zero: not written
	Outlines []Outline
	// Twice are those that ReadOPML has not taken, since another has their address.
	Twice []Outline
}

// Outline is one remote feed of a list.
type Outline struct {
	Title      string
	FeedURL    string
	SiteURL    string
	Language   string
	Categories []string // titles
}

// Bounds of a list (hostile.md).
const (
	maxOPML     = 1 << 20
	maxOutlines = 10_000
	maxNesting  = 64
)

type opmlDoc struct {
	XMLName xml.Name `xml:"opml"`
	Version string   `xml:"version,attr"`
	Head    struct {
		Title    string `xml:"title"`
		Modified string `xml:"dateModified,omitempty"`
		Owner    string `xml:"ownerName,omitempty"`
		OwnerID  string `xml:"ownerId,omitempty"`
		Docs     string `xml:"docs"`
	} `xml:"head"`
	Outlines []opmlOutline `xml:"body>outline"`
}

type opmlOutline struct {
	Text     string `xml:"text,attr"`
	Title    string `xml:"title,attr"`
	Type     string `xml:"type,attr"`
	XMLURL   string `xml:"xmlUrl,attr"`
	HTMLURL  string `xml:"htmlUrl,attr,omitempty"`
	Language string `xml:"language,attr,omitempty"`
	Category string `xml:"category,attr,omitempty"`
}

// WriteOPML writes o as OPML 2.0.
func WriteOPML(w io.Writer, o *OPML) error {
	d := opmlDoc{Version: "2.0"}
	d.Head.Title, d.Head.Docs = clean(o.Title), "http://opml.org/spec2.opml"
	d.Head.Owner, d.Head.OwnerID = clean(o.Owner.Name), clean(o.Owner.URL)
	if !o.Updated.IsZero() {
		d.Head.Modified = rssTime(o.Updated)
	}
	for _, l := range o.Outlines {
		category := ""
		if len(l.Categories) > 0 {
			// A comma ends a category and nothing escapes it (OPML 2.0).
			category = "/" + strings.Join(replaced(l.Categories, ",", " "), ",/")
		}
		d.Outlines = append(d.Outlines, opmlOutline{
			Text: clean(l.Title), Title: clean(l.Title), Type: "rss", XMLURL: clean(l.FeedURL), HTMLURL: clean(l.SiteURL),
			Language: clean(l.Language), Category: clean(category),
		})
	}
	return writeXML(w, &d)
}

func replaced(list []string, old, with string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ReplaceAll(s, old, with)
	}
	return out
}

// ReadOPML reads a list of at most 1 MiB. Folders become categories, attribute
// names are taken in any case, an address that comes twice is taken once, with TLS
// if it comes with and without.
func ReadOPML(data []byte) (*OPML, error) {
	if len(data) > maxOPML {
		return nil, fmt.Errorf("the list is larger than %d bytes", maxOPML)
	}
	text, _, _ := decode(data, "")
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // decoded already
	r := opmlReader{seen: map[string]int{}, o: &OPML{}}
	for {
		t, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("not a list of feeds: %w", err)
		}
		if err := r.token(t); err != nil {
			return nil, err
		}
	}
	if !r.root {
		return nil, fmt.Errorf("not a list of feeds: there is no <opml> element")
	}
	return r.o, nil
}

type opmlReader struct {
	o      *OPML
	root   bool
	seen   map[string]int // index of the outline by its canonical address
	open   []string       // names of the open elements
	inside []string       // the category that each makes of what it holds, "" if none
	text   strings.Builder
}

func (r *opmlReader) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		r.text.Reset()
		if len(r.open) >= maxNesting {
			return fmt.Errorf("the list is nested deeper than %d", maxNesting)
		}
		name, folder := strings.ToLower(t.Name.Local), ""
		r.root = r.root || name == "opml"
		if name == "outline" {
			var err error
			if folder, err = r.outline(t.Attr); err != nil {
				return err
			}
		}
		r.open, r.inside = append(r.open, name), append(r.inside, folder)
	case xml.EndElement:
		if n := len(r.open); n > 0 {
			if n > 1 && r.open[n-1] == "title" && r.open[n-2] == "head" {
				r.o.Title = oneLine(r.text.String())
			}
			r.open, r.inside = r.open[:n-1], r.inside[:n-1]
		}
	case xml.CharData:
		r.text.Write(t)
	}
	return nil
}

// httpFeed takes the feed: that browsers once put before a feed's address, or in
// place of its http:, away.
func httpFeed(address string) string {
	const feed = "feed:"
	for len(address) >= len(feed) && strings.EqualFold(address[:len(feed)], feed) {
		if address = strings.TrimSpace(address[len(feed):]); strings.HasPrefix(address, "//") {
			address = "http:" + address
		}
	}
	return address
}

// outline takes a feed, or says which category a folder is.
func (r *opmlReader) outline(attrs []xml.Attr) (folder string, err error) {
	a := map[string]string{}
	for _, x := range attrs {
		if n := strings.ToLower(x.Name.Local); a[n] == "" {
			a[n] = oneLine(x.Value)
		}
	}
	title := cmp.Or(a["title"], a["text"])
	if a["xmlurl"] = httpFeed(a["xmlurl"]); a["xmlurl"] == "" {
		return short(title, maxTag), nil
	}
	return "", r.take(r.feed(title, a))
}

// feed is the outline of a feed.
func (r *opmlReader) feed(title string, a map[string]string) Outline {
	l := Outline{Title: line(title), FeedURL: a["xmlurl"], SiteURL: a["htmlurl"], Language: a["language"]}
	for _, f := range r.inside {
		if f != "" {
			l.Categories = append(l.Categories, f)
		}
	}
	for c := range strings.SplitSeq(a["category"], ",") {
		if len(l.Categories) >= maxTags {
			break
		}
		if c = short(strings.Trim(strings.TrimSpace(c), "/"), maxTag); c != "" && !slices.Contains(l.Categories, c) {
			l.Categories = append(l.Categories, c)
		}
	}
	return l
}

// take keeps the outline, unless one with its address is there.
func (r *opmlReader) take(l Outline) error {
	key := cmp.Or(CanonicalURL(l.FeedURL), l.FeedURL)
	if i, ok := r.seen[key]; ok {
		if secure(l.FeedURL) && !secure(r.o.Outlines[i].FeedURL) { // fetching.md 38
			r.o.Outlines[i], l = l, r.o.Outlines[i]
		}
		r.o.Twice = append(r.o.Twice, l)
		return nil
	}
	if len(r.o.Outlines) == maxOutlines {
		return fmt.Errorf("the list has more than %d feeds", maxOutlines)
	}
	r.seen[key] = len(r.o.Outlines)
	r.o.Outlines = append(r.o.Outlines, l)
	return nil
}

func secure(address string) bool {
	const tls = "https:"
	return len(address) >= len(tls) && strings.EqualFold(address[:len(tls)], tls)
}
