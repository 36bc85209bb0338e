package fetch

import (
	"bytes"
	"html"
	"net/url"
	"regexp"
	"strings"

	"orrery/feeds"
)

// A shortcodeWriter puts the HTML of shortcodes in their places.
type shortcodeWriter struct {
	taken []shortcode
	link  func(string) string          // resolves a link of the post
	text  func(string) (string, error) // renders Markdown without shortcodes
}

// shortcodeHTML are the shortcodes that become HTML (markdown.md 6); every
// other one leaves its inner text only.
var shortcodeHTML = map[string]func(*shortcodeWriter, *shortcode) (string, error){
	"figure":    (*shortcodeWriter).figure,
	"caption":   (*shortcodeWriter).caption,
	"highlight": (*shortcodeWriter).highlight,
	"youtube": func(_ *shortcodeWriter, s *shortcode) (string, error) {
		return shortcodeLink("https://www.youtube.com/watch?v=", s.args.first("0", "id")), nil
	},
	"vimeo": func(_ *shortcodeWriter, s *shortcode) (string, error) {
		return shortcodeLink("https://vimeo.com/", s.args.first("0", "id")), nil
	},
	"gist": func(_ *shortcodeWriter, s *shortcode) (string, error) {
		if s.args["1"] == "" {
			return shortcodeLink("https://gist.github.com/", s.args["0"]), nil
		}
		return shortcodeLink("https://gist.github.com/"+url.PathEscape(s.args["0"])+"/", s.args["1"]), nil
	},
}

// fill replaces the places in rendered HTML.
func (w *shortcodeWriter) fill(rendered []byte, out *bytes.Buffer) error {
	inTag := false // a place in an attribute cannot hold markup
	for {
		i := bytes.Index(rendered, []byte(shortcodeOpen))
		if i < 0 {
			out.Write(rendered)
			return nil
		}
		n, size := shortcodePlace(rendered[i:])
		before, after := rendered[:i], rendered[i+max(size, len(shortcodeOpen)):]
		if last := bytes.LastIndexAny(before, "<>"); last >= 0 {
			inTag = before[last] == '<'
		}
		filled := ""
		if s := (&shortcode{}); size > 0 && n < len(w.taken) {
			if s = &w.taken[n]; !inTag || s.name == "" {
				var err error
				if filled, err = w.html(s); err != nil {
					return err
				}
			}
			before, after = shortcodeUnwrap(before, after, filled == "" || s.block())
		}
		out.Write(before)
		out.WriteString(filled)
		rendered = after
	}
}

// shortcodeUnwrap drops the <p> around a place that stands alone and may not be
// in a paragraph, as Hugo does.
func shortcodeUnwrap(before, after []byte, block bool) (b, a []byte) {
	p, end := []byte("<p>"), []byte("</p>\n")
	if block && bytes.HasSuffix(before, p) && bytes.HasPrefix(after, end) {
		return before[:len(before)-len(p)], after[len(end)-1:]
	}
	return before, after
}

func (w *shortcodeWriter) html(s *shortcode) (string, error) {
	if f := shortcodeHTML[s.name]; f != nil {
		return f(w, s)
	}
	return html.EscapeString(s.inner), nil
}

// figure is Hugo's own: an image, perhaps in a link, with a caption that may
// hold Markdown.
func (w *shortcodeWriter) figure(s *shortcode) (string, error) {
	caption, err := w.inline(s.args["caption"])
	if err != nil {
		return "", err
	}
	alt := s.args["alt"]
	if alt == "" {
		alt = feeds.PlainText(caption)
	}
	image := ""
	if src := s.args.first("src", "0"); src != "" {
		image = `<img src="` + html.EscapeString(w.link(src)) + `" alt="` + html.EscapeString(alt) + `"` +
			shortcodeSize("width", s.args) + shortcodeSize("height", s.args) + `>`
	}
	if link := s.args["link"]; link != "" && image != "" {
		image = `<a href="` + html.EscapeString(w.link(link)) + `">` + image + `</a>`
	}
	credit, err := w.inline(s.args["attr"])
	if err != nil {
		return "", err
	}
	if link := s.args["attrlink"]; link != "" && credit != "" {
		credit = `<a href="` + html.EscapeString(w.link(link)) + `">` + html.EscapeString(feeds.PlainText(credit)) + `</a>`
	}
	words := strings.TrimSpace(caption + " " + credit)
	if title := s.args["title"]; title != "" {
		words = strings.TrimSpace("<strong>" + html.EscapeString(title) + "</strong> " + words)
	}
	if words != "" {
		words = "<figcaption>" + words + "</figcaption>"
	}
	return "<figure>" + image + words + "</figure>", nil
}

func shortcodeSize(name string, a shortcodeArgs) string {
	v := strings.TrimSuffix(a[name], "px")
	if v == "" || len(v) > 5 || strings.Trim(v, "0123456789") != "" {
		return ""
	}
	return " " + name + `="` + v + `"`
}

// inline renders Markdown that may be one paragraph, without its <p>.
func (w *shortcodeWriter) inline(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	out, err := w.text(text)
	if err != nil {
		return "", err
	}
	out = strings.TrimSpace(out)
	if inner, ok := strings.CutPrefix(out, "<p>"); ok && strings.Count(out, "<p") == 1 {
		out = strings.TrimSpace(strings.Replace(inner, "</p>", "", 1))
	}
	return out, nil
}

// shortcodeTitles are the titles of images in old captions, which hold quotes
// in quotes, so that Markdown would not see an image; the caption says the same.
var shortcodeTitles = regexp.MustCompile(`(\]\([^\s()]+)\s+"[^)]*"\)`)

// caption is WordPress's: an image with its text below.
func (w *shortcodeWriter) caption(s *shortcode) (string, error) {
	inner, err := w.inline(shortcodeTitles.ReplaceAllString(s.inner, "$1)"))
	if err != nil {
		return "", err
	}
	if text := strings.TrimSpace(s.args["caption"]); text != "" {
		inner += "<figcaption>" + html.EscapeString(text) + "</figcaption>"
	}
	return "<figure>" + inner + "</figure>", nil
}

// shortcodeUnescape shows the shortcodes that were written to be shown.
var shortcodeUnescape = strings.NewReplacer("{{</*", "{{<", "*/>}}", ">}}", "{{%/*", "{{%", "*/%}}", "%}}")

func (w *shortcodeWriter) highlight(s *shortcode) (string, error) {
	code := html.EscapeString(shortcodeUnescape.Replace(strings.TrimPrefix(s.inner, "\n")))
	language := s.args.first("0", "lang")
	if language != "" {
		language = ` class="language-` + html.EscapeString(language) + `"`
	}
	return "<pre><code" + language + ">" + code + "</code></pre>", nil
}

// shortcodeLink shows a film or a file of another site as a link to it.
func shortcodeLink(base, id string) string {
	if id == "" {
		return ""
	}
	address := html.EscapeString(base + url.PathEscape(id))
	return `<a href="` + address + `">` + address + `</a>`
}
