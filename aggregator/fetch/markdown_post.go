package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"orrery/feeds"
)

// postMax bounds a post, in bytes (hostile.md, Bounds).
const postMax = 1 << 20

// ErrNotPublished marks a post that is complete but not to be shown now: a
// draft, expired, or dated in the future.
var ErrNotPublished = errors.New("not published")

// A postReader turns the files of one source into entries.
type postReader struct {
	source feeds.Source
	site   *url.URL // nil: the source has none
	zone   *time.Location
	engine *markdownEngine
	// address finds the address of another post of the folder for ref and
	// relref; nil or "": not found.
	address func(from, target string) string
}

func newPostReader(s feeds.Source, zone *time.Location) (*postReader, error) {
	if zone == nil {
		zone = time.UTC
	}
	r := &postReader{source: s, zone: zone, engine: newMarkdownEngine()}
	if s.Site != "" {
		u, err := url.Parse(s.Site)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, fmt.Errorf("the site %q is not an address; write it like https://example.org/", s.Site)
		}
		if u.Path == "" {
			u.Path = "/"
		}
		u.RawQuery, u.Fragment = "", ""
		r.site = u
	}
	_, err := permalinkExpand(s.Permalink, permalinkFacts{})
	return r, err
}

// fingerprint names everything that decides how a post is read; the number is
// raised when the reader itself changes what it makes of a post.
func (r *postReader) fingerprint() string {
	const version = 1
	s := r.source
	return fmt.Sprintf("%d.%d %q %q %q %q %q", version, feeds.ReaderVersion, s.URL, s.Permalink, s.Site, s.Language, r.zone.String())
}

// A post is an entry with what decides when it is shown.
type post struct {
	entry   feeds.Entry
	draft   bool
	shown   time.Time // not before; zero: always
	expires time.Time // not from then on; zero: never
}

// state says whether the post is shown at now, and when that changes by itself;
// wake is zero for never.
func (p *post) state(now time.Time) (wake time.Time, hidden error) {
	switch {
	case p.draft:
		return wake, fmt.Errorf("%w: it is a draft", ErrNotPublished)
	case !p.expires.IsZero() && !now.Before(p.expires):
		return wake, fmt.Errorf("%w: it expired on %s", ErrNotPublished, p.expires.Format(time.RFC3339))
	case now.Before(p.shown):
		return p.shown, fmt.Errorf("%w: it will appear on %s", ErrNotPublished, p.shown.Format(time.RFC3339))
	}
	return p.expires, nil
}

// A postName is what the path of a file says.
type postName struct {
	sections []string
	base     string // without language and extension; of a bundle, its folder
	spelled  string // language as in the file name, lower case; "" for none
	language string // the same, canonical BCP 47
}

// postLanguage are the language marks of file names: two or three letters, with
// a region or script perhaps. What is longer is part of the name.
var postLanguage = regexp.MustCompile(`^[A-Za-z]{2,3}([-_]([A-Za-z]{2}|[A-Za-z]{4}|[0-9]{3}))?$`)

// postNameOf takes a path within the folder apart: newsletter/x.de.md.
func postNameOf(name string) postName {
	dir, file := path.Split(path.Clean("/" + name))
	var n postName
	if dir = strings.Trim(dir, "/"); dir != "" {
		n.sections = strings.Split(dir, "/")
	}
	n.base = strings.TrimSuffix(file, path.Ext(file))
	if ext := path.Ext(n.base); len(ext) > 1 && len(ext) < len(n.base) && postLanguage.MatchString(ext[1:]) {
		if tag, err := language.Parse(ext[1:]); err == nil {
			n.base = strings.TrimSuffix(n.base, ext)
			n.spelled, n.language = strings.ToLower(ext[1:]), tag.String()
		}
	}
	if n.base == "index" && len(n.sections) > 0 { // a page bundle is named by its folder
		n.base = n.sections[len(n.sections)-1]
		n.sections = n.sections[:len(n.sections)-1]
	}
	return n
}

// read makes a post of the bytes of the file called name, a path with slashes
// within the folder. Its errors are *postError.
func (r *postReader) read(name string, data []byte) (p *post, err error) {
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, postErrorf(0, "the post cannot be read: %v; simplify it", v)
		}
	}()
	if len(data) > postMax {
		return nil, postErrorf(0, "the post is over %d KB; split it", postMax>>10)
	}
	text, err := frontText(data)
	if err != nil {
		return nil, postErrorf(0, "the post has no encoding that can be read; save it as UTF-8")
	}
	m, body, err := frontSplit(text)
	if err != nil {
		return nil, err
	}
	p, dates, err := r.about(name, &m)
	if err != nil {
		return nil, err
	}
	return p, r.fill(p, name, &m, body, dates)
}

// about reads the parts of the front matter that need no body. The time it
// returns is the post's date in the zone it was written in.
func (r *postReader) about(name string, m *frontMatter) (*post, time.Time, error) {
	date, err1 := m.date(r.zone, "date")
	publish, err2 := m.date(r.zone, "publishdate", "pubdate")
	changed, err3 := m.date(r.zone, "lastmod", "updated", "modified")
	expires, err4 := m.date(r.zone, "expirydate", "unpublishdate")
	draft, err5 := m.bool("draft")
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			return nil, date, err
		}
	}
	if date.IsZero() {
		date = publish
	}
	if date.IsZero() {
		date = frontFileDate(postNameOf(name).base, r.zone)
	}
	if publish.IsZero() {
		publish = date
	}
	status := strings.ToLower(m.text("status")) // Pelican's
	p := &post{shown: publish, expires: expires, draft: draft || m.pelican && (status == "draft" || status == "hidden")}
	if !date.IsZero() {
		p.entry.Published = date.UTC()
	}
	if !changed.IsZero() {
		p.entry.Updated = changed.UTC()
	}
	p.entry.Authors = postAuthors(m)
	p.entry.Tags = postTags(m)
	return p, date, nil
}

// fill adds what depends on the body and the address: title, identity, HTML.
func (r *postReader) fill(p *post, name string, m *frontMatter, body []byte, date time.Time) error {
	codes := shortcodeReader{ref: func(target string) string { return r.ref(name, target) }}
	source, err := codes.take(body)
	if err != nil {
		return err
	}
	budget := newMarkdownBudget(source)
	doc, err := r.engine.parse(source, budget)
	if err != nil {
		return err
	}
	n := postNameOf(name)
	e := &p.entry
	e.Title = m.text("title")
	if e.Title == "" {
		if e.Title = doc.heading(); e.Title == "" {
			e.Title = n.base
		}
	}
	links, err := r.identify(e, n, m, date)
	if err != nil {
		return err
	}
	if err := r.render(e, doc, &codes, links, budget); err != nil {
		return err
	}
	if s := m.text("summary", "description"); s != "" {
		e.Summary = "<p>" + html.EscapeString(s) + "</p>"
	}
	for _, image := range postImages(m) {
		address := links.resolve(image)
		e.Enclosures = append(e.Enclosures, feeds.Enclosure{URL: address, Type: postMediaType(address)})
	}
	return nil
}

// render writes Content, and Summary if the post marks its end.
func (r *postReader) render(e *feeds.Entry, doc *markdownDocument, codes *shortcodeReader, links markdownLinks, budget *markdownBudget) error {
	rendered, more, err := doc.render(links)
	if err != nil {
		return err
	}
	w := shortcodeWriter{taken: codes.taken, link: links.resolve, text: func(s string) (string, error) {
		inner := shortcodeReader{ref: codes.ref}
		plain, err := inner.take([]byte(s))
		if err != nil {
			return "", err
		}
		d, err := r.engine.parse([]byte(shortcodeStrip(string(plain))), budget)
		if err != nil {
			return "", err
		}
		out, _, err := d.render(links)
		return string(out), err
	}}
	out := bytes.Buffer{}
	if more >= 0 {
		if err := w.fill(rendered[:more], &out); err != nil {
			return err
		}
		e.Summary = strings.TrimSpace(out.String())
		rendered = rendered[more:]
	}
	if err := w.fill(rendered, &out); err != nil {
		return err
	}
	e.Content = out.String()
	return nil
}

// postMediaTypes are the types of the files that posts carry. The table of the
// machine is not asked: the same post gives the same entry everywhere.
var postMediaTypes = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
	".svg": "image/svg+xml", ".avif": "image/avif", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".opus": "audio/opus",
	".mp4": "video/mp4", ".webm": "video/webm", ".pdf": "application/pdf",
}

func postMediaType(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return postMediaTypes[strings.ToLower(path.Ext(u.Path))]
}

// postImages are the pictures named by the front matter, each once.
func postImages(m *frontMatter) []string {
	images := m.list("", "images", "cover", "image")
	if cover, ok := m.values["cover"].(map[string]any); ok { // cover: {image: …}
		if s, ok := cover["image"].(string); ok && s != "" && !slices.Contains(images, s) {
			images = append(images, s)
		}
	}
	return images
}
