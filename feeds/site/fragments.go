package site

import (
	"encoding/binary"
	"html/template"
	"strings"
	"sync"
)

// fragments are posts as they were rendered last, within a bound of bytes: of a page that
// changes, most posts are the same, and a post stands on several pages. What was rendered
// is found by everything that it shows, so that the same page has the same bytes with or
// without them.
type fragments struct {
	mu         sync.Mutex
	max, bytes int // of young
	// What is asked for is young again; when the young are too many, the old go, which
	// nobody has asked for since the last time.
	young, old map[string]template.HTML
}

// newFragments keeps at most twice max bytes.
func newFragments(max int) *fragments {
	return &fragments{max: max, young: map[string]template.HTML{}}
}

func (f *fragments) get(key []byte) (html template.HTML, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if html, ok = f.young[string(key)]; !ok {
		if html, ok = f.old[string(key)]; ok {
			f.add(string(key), html)
		}
	}
	return html, ok
}

func (f *fragments) put(key []byte, html template.HTML) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.young[string(key)]; !ok {
		f.add(string(key), html)
	}
}

func (f *fragments) add(key string, html template.HTML) {
	size := len(key) + len(html)
	if size > f.max {
		return
	}
	if f.bytes+size > f.max {
		f.young, f.old, f.bytes = map[string]template.HTML{}, f.young, 0
	}
	f.young[key] = html
	f.bytes += size
}

// fragment renders a post among others, unless it was rendered before. key is room to work
// in, which the next call may have.
func (s *Site) fragment(x *post, key *[]byte) (template.HTML, error) {
	k, again := x.key((*key)[:0])
	*key = k
	if again {
		if html, ok := s.posts.get(k); ok {
			return html, nil
		}
	}
	var b strings.Builder
	if err := s.pages.ExecuteTemplate(&b, "post.html", x); err != nil {
		return "", err
	}
	html := template.HTML(b.String())
	if again {
		s.posts.put(k, html)
	}
	return html, nil
}

// key appends all that post.html shows of x; false: it is on a page of its own, or on one
// that nobody will ask for again.
func (x *post) key(b []byte) ([]byte, bool) {
	if x.Alone || x.History != nil || x.Reasons != nil || x.Marked != nil || x.Snippet != nil {
		return b, false
	}
	number := func(n int) { b = binary.AppendVarint(b, int64(n)) }
	text := func(s string) {
		number(len(s))
		b = append(b, s...)
	}
	is := func(yes bool) {
		if yes {
			number(1)
		} else {
			number(0)
		}
	}
	links := func(list ...link) {
		number(len(list))
		for _, l := range list {
			text(l.Name)
			text(l.URL)
		}
	}
	for _, s := range [...]string{x.Lang, x.Dir, x.Title, string(x.Styled), x.Link, x.Host, x.Here, x.Time.Text, x.Time.ISO, x.Edited.Text, x.Edited.ISO, x.Excerpt, string(x.Body)} {
		text(s)
	}
	for _, list := range [...][]link{x.Authors, {x.Source, x.Origin}, x.Topics, x.Also, x.Files} {
		links(list...)
	}
	is(x.Untitled)
	is(x.Folded)
	number(x.MoreTopic)
	if is(x.Face != nil); x.Face != nil {
		text(x.Face.Image)
		text(x.Face.Initials)
		number(x.Face.Hue)
	}
	return b, true
}
