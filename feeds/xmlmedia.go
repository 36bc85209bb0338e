package feeds

import (
	"cmp"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// mediaContent reads the attributes of media:content: a file, or a picture that
// illustrates the post; picture says which. type and medium are optional, and then
// the address tells (Media RSS 1.5.1).
func (r *xmlReader) mediaContent() (picture bool) {
	if r.entry == nil {
		return false
	}
	u, typ := r.address(r.attr("url")), strings.ToLower(r.attr("type"))
	kind, _, _ := strings.Cut(cmp.Or(typ, strings.ToLower(r.attr("medium"))), "/")
	if kind == "" {
		kind = mediaKind(u)
	}
	file := Enclosure{URL: u, Type: typ, Length: length(r.attr("fileSize"))}
	switch {
	case kind == "image":
		if !r.face(u) && len(r.late.pictures) < maxEnclosures {
			r.late.pictures = append(r.late.pictures, file)
		}
		return true
	case u == "", kind == "", kind == "document", kind == "executable", typ == "application/x-shockwave-flash": // a player that is dead
	case len(r.late.media) < maxEnclosures:
		r.late.media = append(r.late.media, file)
	}
	return false
}

// face says that a picture is that of the author, or of a counter, and not of the post.
func (r *xmlReader) face(u string) bool {
	if strings.Contains(u, "gravatar.com/") || strings.Contains(u, "//avatars.githubusercontent.com/") {
		return true
	}
	const small = 64
	w, errW := strconv.Atoi(r.attr("width"))
	h, errH := strconv.Atoi(r.attr("height"))
	return errW == nil && errH == nil && w < small && h < small
}

// mediaKinds are what files are by their endings.
var mediaKinds = map[string]string{
	".jpg": "image", ".jpeg": "image", ".png": "image", ".gif": "image", ".webp": "image", ".avif": "image",
	".mp3": "audio", ".m4a": "audio", ".ogg": "audio", ".oga": "audio", ".opus": "audio", ".flac": "audio", ".wav": "audio",
	".mp4": "video", ".m4v": "video", ".mov": "video", ".webm": "video", ".ogv": "video", ".mkv": "video",
}

func mediaKind(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return mediaKinds[strings.ToLower(path.Ext(u.Path))]
}

// morePictures gives the post its picture, the first of them, and where its text
// shows none, the others as files: some send their photographs so and no other way.
func (l *late) morePictures(e *Entry) {
	if len(l.pictures) == 0 {
		return
	}
	e.Image = cmp.Or(e.Image, l.pictures[0].URL)
	for _, text := range []string{e.Content, e.Summary, l.description} {
		if strings.Contains(text, "<img") || strings.Contains(text, "<IMG") {
			return
		}
	}
	seen := map[string]bool{fileName(l.pictures[0].URL): true} // the one that stands for the post
	for _, p := range l.pictures[1:] {
		if k := fileName(p.URL); !seen[k] { // the same in several sizes
			seen[k] = true
			e.Enclosures = append(e.Enclosures, p)
		}
	}
}

func fileName(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return path.Base(address)
}

// hasTags says that text was meant as HTML: it ends an element, breaks a line or
// begins a paragraph.
func hasTags(s string) bool {
	return strings.Contains(s, "</") || strings.Contains(s, "<br") || strings.Contains(s, "<p>")
}
