package site

import (
	"bytes"
	"path"
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

// leading is a tag whose links begin with up where they began with the planet's base. All
// attributes stand in double quotes, and within them there are none: those of our templates
// by html/template, those of posts by feeds.Sanitize.
func (s *Site) leading(tag []byte, up string) []byte {
	for _, before := range []string{` href="`, ` src="`, ` action="`, ` content="0; url=`} {
		i := bytes.Index(tag, []byte(before+s.base))
		if i < 0 {
			continue
		}
		i += len(before)
		rest := tag[i+len(s.base):]
		if len(rest) > 0 && rest[0] == '/' { // another host's: //elsewhere.example/
			continue
		}
		tag = append([]byte(string(tag[:i])+up), rest...)
	}
	return tag
}
