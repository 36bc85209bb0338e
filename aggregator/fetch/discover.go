package fetch

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"

	"orrery/feeds"
)

// Candidate is a feed that a page names.
type Candidate struct {
	URL   string // absolute, http or https
	Title string
	Type  string // media type
}

// maxCandidates bounds how many feeds of one page are of interest.
const maxCandidates = 20

// feedTypes are the media types of feeds, the plain one of JSON last: it is
// everything's (fetching.md 43).
var feedTypes = []string{"application/atom+xml", "application/rss+xml", "application/feed+json", "application/rdf+xml", "application/xml", "text/xml", "application/json"}

// Candidates are the feeds that the answer names, in its Link header or in the links
// of its page's head, best first: as the page has them, comments last (WHATWG HTML,
// "alternate"; RFC 8288).
func Candidates(r Response) []Candidate {
	p := page{base: r.URL, at: r.URL}
	for _, h := range r.Link {
		p.linkHeader(h)
	}
	p.read(r.Body, r.ContentType)
	slices.SortStableFunc(p.found, func(a, b Candidate) int { return rank(&a) - rank(&b) })
	return p.found
}

func rank(c *Candidate) int {
	if words := strings.ToLower(c.Title + " " + c.URL); strings.Contains(words, "comment") || strings.Contains(words, "kommentar") {
		return 2
	}
	if i := slices.Index(feedTypes, c.Type); i >= 3 {
		return 1
	}
	return 0
}

// page is an HTML page that is searched for feeds.
type page struct {
	at, base string
	based    bool // a base element was seen; only the first counts
	found    []Candidate
}

func (p *page) read(body []byte, contentType string) {
	text, err := charset.NewReader(bytes.NewReader(body), contentType)
	if err != nil {
		text = bytes.NewReader(body)
	}
	z := html.NewTokenizer(text)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			switch t.Data {
			case "base":
				if href := feeds.Resolve(p.at, attribute(&t, "href"), "http", "https"); href != "" && !p.based {
					p.base, p.based = href, true
				}
			case "link", "a": // some sites name their feed in their text only
				p.add(attribute(&t, "rel"), attribute(&t, "type"), attribute(&t, "href"), attribute(&t, "title"))
			}
		}
	}
}

func attribute(t *html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

// add takes a link that is an alternate of a feed's type.
func (p *page) add(rel, typ, href, title string) {
	typ, _, _ = strings.Cut(strings.ToLower(typ), ";")
	words := strings.Fields(strings.ToLower(rel))
	named := slices.Contains(words, "feed") && (typ == "" || slices.Contains(feedTypes, strings.TrimSpace(typ)))
	if !named && (!slices.Contains(words, "alternate") || !slices.Contains(feedTypes, strings.TrimSpace(typ))) {
		return
	}
	address := feeds.Resolve(p.base, href, "http", "https")
	if address == "" || len(p.found) == maxCandidates || slices.ContainsFunc(p.found, func(c Candidate) bool { return c.URL == address }) {
		return
	}
	p.found = append(p.found, Candidate{URL: address, Title: strings.Join(strings.Fields(title), " "), Type: strings.TrimSpace(typ)})
}

// linkHeader reads a Link header, <address>; rel="alternate"; type="…", <…>, as
// leniently as RFC 8288 §3 and its appendix B.3 ask for.
func (p *page) linkHeader(h string) {
	for {
		start := strings.IndexByte(h, '<')
		if start < 0 {
			return
		}
		end := strings.IndexByte(h[start:], '>')
		if end < 0 {
			return
		}
		href := h[start+1 : start+end]
		var params map[string]string
		params, h = linkParams(h[start+end+1:])
		p.add(params["rel"], params["type"], href, params["title"])
	}
}

// linkParams reads the parameters of a link up to the comma that ends it. Of several
// with one name the first counts.
func linkParams(s string) (params map[string]string, rest string) {
	params = map[string]string{}
	for {
		s = strings.TrimLeft(s, " \t;")
		if s == "" || s[0] == ',' {
			return params, s
		}
		n := strings.IndexAny(s, "=;,")
		if n < 0 {
			n = len(s)
		}
		name, value := strings.ToLower(strings.TrimSpace(s[:n])), ""
		if s = s[n:]; s != "" && s[0] == '=' {
			value, s = linkValue(strings.TrimLeft(s[1:], " \t"))
		}
		if _, ok := params[name]; !ok {
			params[name] = value
		}
	}
}

// linkValue reads a quoted text or a word.
func linkValue(s string) (value, rest string) {
	if s == "" || s[0] != '"' {
		n := strings.IndexAny(s, ";,")
		if n < 0 {
			n = len(s)
		}
		return strings.TrimSpace(s[:n]), s[n:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// WellKnown are addresses below a page where feeds often lie, for a page that names
// none; nobody is asked for more than three (fetching.md 43).
func WellKnown(page string) []string {
	u, err := url.Parse(page)
	if err != nil {
		return nil
	}
	var list []string
	for _, name := range []string{"feed/", "atom.xml", "index.xml"} {
		if a := feeds.Resolve(u.String(), strings.TrimSuffix(u.Path, "/")+"/"+name, "http", "https"); a != "" {
			list = append(list, a)
		}
	}
	return list
}
