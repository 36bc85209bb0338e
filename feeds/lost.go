package feeds

import (
	"encoding/json"
	"encoding/xml"
	"strings"

	"github.com/mmcdole/gofeed/atom"
)

// lost is what gofeed reads of the entries of a document, in their order, and
// does not tell (libraries.md 11, 12).
type lost []lostEntry

type lostEntry struct {
	about    string // rdf:about of an RSS 1.0 item
	language string // xml:lang of an Atom entry
	text     bool   // its title is text, where "<b>" is three letters
}

// element is called for every start tag, the root at depth 1.
func (l *lost) element(depth int, t *xml.StartElement) {
	switch {
	case depth == 2 && (t.Name.Local == "entry" || t.Name.Local == "item"):
		*l = append(*l, lostEntry{about: attribute(t, "rdf", "about"), language: attribute(t, "xml", "lang")})
	case depth == 3 && t.Name.Local == "title" && len(*l) > 0:
		// Many say nothing and mean HTML, so only those are believed who say text.
		(*l)[len(*l)-1].text = attribute(t, "", "type") == "text"
	}
}

func attribute(t *xml.StartElement, space, local string) string {
	for _, a := range t.Attr {
		if a.Name.Space == space && a.Name.Local == local {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// restore puts what was lost into f, unless gofeed counted entries otherwise.
func (l lost) restore(a *atom.Feed, f *Feed) {
	if len(l) != len(f.Entries) || len(a.Entries) != len(f.Entries) {
		return
	}
	for i := range l {
		f.Entries[i].Language = l[i].language
		if l[i].text {
			f.Entries[i].Title = oneLine(a.Entries[i].Title)
		}
	}
}

// identify gives the items of an RSS 1.0 document their names (parsing.md 19).
func (l lost) identify(f *Feed) {
	if len(l) != len(f.Entries) {
		return
	}
	for i := range l {
		if e := &f.Entries[i]; e.GUID == "" && l[i].about != "" {
			e.GUID, e.GUIDGlobal = l[i].about, isURI(l[i].about)
			if e.Permalink == "" {
				e.Permalink = webURL("", e.GUID)
			}
		}
	}
}

// jsonHubs are the hubs of a JSON Feed, which gofeed does not know.
func jsonHubs(text string) []string {
	var doc struct {
		Hubs []struct {
			Type string `json:"type"`
			URL  string `json:"url"`
		} `json:"hubs"`
	}
	if json.Unmarshal([]byte(text), &doc) != nil {
		return nil // whatever it is, it names no hub
	}
	var hubs []string
	for _, h := range doc.Hubs {
		if h.Type == "WebSub" {
			hubs = append(hubs, h.URL)
		}
	}
	return hubs
}
