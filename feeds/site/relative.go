package site

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// relative is a file of the tree in which what leads to other files of the planet does so
// from where it lies, so that the tree works wherever it is put. What must be whole, as
// the addresses of feeds and the ids in them, stays below planet.url; so does the page for
// unknown addresses, which is served at all of them.
func (s *Site) relative(file string, body []byte) ([]byte, error) {
	switch {
	case file == errorPage:
		return body, nil
	case file == manifestFile:
		return s.manifest("./")
	case path.Ext(file) != ".html":
		return body, nil
	}
	up := strings.Repeat("../", strings.Count(file, "/"))
	if up == "" {
		up = "./"
	}
	var out bytes.Buffer
	out.Grow(len(body))
	z := html.NewTokenizer(bytes.NewReader(body))
	for t := z.Next(); t != html.ErrorToken; t = z.Next() {
		raw := z.Raw() // as long as nobody asks for the token, which unescapes in place
		if t == html.StartTagToken || t == html.SelfClosingTagToken {
			raw = s.leading(raw, up)
		}
		out.Write(raw)
	}
	return out.Bytes(), nil
}

// linkAttrs may lead to another file of the planet.
var linkAttrs = []string{"href", "src", "action", "poster"}

// leading is a tag whose links begin with up where they began with the planet's base. One
// without such links is left as it is.
func (s *Site) leading(tag []byte, up string) []byte {
	z := html.NewTokenizer(bytes.NewReader(tag))
	z.Next()
	t, changed := z.Token(), false
	for i := range t.Attr {
		a, before := &t.Attr[i], ""
		if t.Data == "meta" && a.Key == "content" { // of a page that leads on by itself
			before = "0; url="
		} else if !slices.Contains(linkAttrs, a.Key) {
			continue
		}
		link, ok := strings.CutPrefix(a.Val, before)
		if !ok {
			continue
		}
		if rest, ours := s.below(link); ours {
			a.Val, changed = before+up+rest, true
		}
	}
	if !changed {
		return tag
	}
	return []byte(t.String())
}

// asInLinks writes what html/template escapes in an address and net/url does not.
var asInLinks = strings.NewReplacer("'", "%27", "(", "%28", ")", "%29")

// below is what follows the planet's base in a link that begins with it.
func (s *Site) below(link string) (rest string, ours bool) {
	for _, base := range []string{s.base, asInLinks.Replace(s.base)} {
		if rest, ours := strings.CutPrefix(link, base); ours && !strings.HasPrefix(rest, "/") { // else another host's: //elsewhere.example/
			return rest, true
		}
	}
	return "", false
}
