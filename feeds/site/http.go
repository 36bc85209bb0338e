package site

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// send answers a GET or HEAD with d. HEAD gets the headers of GET, the length
// among them (RFC 9110 §9.3.2). Ranges are not offered, so Range is ignored.
func (s *Site) send(w http.ResponseWriter, r *http.Request, d *document, status int) {
	f := &d.plain
	if d.zipped != nil && acceptsGzip(r.Header["Accept-Encoding"]) {
		f = d.zipped
	}
	modified := d.modified
	if modified.After(s.now()) {
		modified = time.Time{} // RFC 9110 §8.8.2.1: never later than the answer
	}
	if status == http.StatusOK {
		status = f.condition(r.Header, modified)
	}
	headers := f.full
	if status == http.StatusNotModified {
		headers = f.bare
	}
	h := w.Header()
	for k, v := range headers {
		h[k] = v
	}
	if modified.IsZero() {
		delete(h, "Last-Modified")
	}
	if status == http.StatusPreconditionFailed {
		h["Content-Length"] = []string{"0"}
		delete(h, "Content-Encoding")
	}
	w.WriteHeader(status)
	if r.Method == http.MethodGet && status != http.StatusNotModified && status != http.StatusPreconditionFailed {
		// An error means that the reader has gone away: nobody is left to tell.
		_, _ = w.Write(f.body)
	}
}

// condition evaluates the conditions of a GET in the order of RFC 9110 §13.2.2:
// a tag wins over a date of the same kind. A date that cannot be read is no
// condition (§13.1.3).
func (f *form) condition(h http.Header, modified time.Time) int {
	if m, ok := h["If-Match"]; ok {
		if !f.matches(m, false) {
			return http.StatusPreconditionFailed
		}
	} else if t, ok := date(h, "If-Unmodified-Since"); ok && modified.After(t) {
		return http.StatusPreconditionFailed
	}
	if m, ok := h["If-None-Match"]; ok {
		if f.matches(m, true) {
			return http.StatusNotModified
		}
	} else if t, ok := date(h, "If-Modified-Since"); ok && !modified.IsZero() && !modified.After(t) {
		return http.StatusNotModified
	}
	return http.StatusOK
}

func date(h http.Header, name string) (time.Time, bool) {
	v := h.Get(name)
	if v == "" {
		return time.Time{}, false
	}
	t, err := http.ParseTime(v)
	return t, err == nil
}

// matches says whether a list of entity tags holds the form's (RFC 9110
// §8.8.3.2: weakly, W/ does not count; strongly, a weak tag matches nothing).
// Reading stops where the list is malformed.
func (f *form) matches(lists []string, weak bool) bool {
	for _, list := range lists {
		for list = textproto.TrimString(list); list != ""; {
			if list == "*" {
				return true
			}
			tag, rest, isWeak, ok := nextTag(list)
			if !ok {
				break
			}
			if (weak || !isWeak) && plainTag(tag) == f.etag {
				return true
			}
			list = rest
		}
	}
	return false
}

// nextTag takes the first entity tag from a list, with its quotes.
func nextTag(list string) (tag, rest string, weak, ok bool) {
	list, weak = strings.CutPrefix(list, "W/")
	if !strings.HasPrefix(list, `"`) {
		return "", "", false, false
	}
	end := strings.IndexByte(list[1:], '"')
	if end < 0 {
		return "", "", false, false
	}
	tag, rest = list[:end+2], list[end+2:]
	return tag, strings.TrimLeft(rest, ", \t"), weak, true
}

// plainTag takes away what proxies that compress put behind a tag, or no
// revisit through them would ever be answered with 304 (output.md 16).
func plainTag(tag string) string {
	for _, suffix := range [...]string{`-gzip"`, `-br"`, `-zstd"`} {
		if t, ok := strings.CutSuffix(tag, suffix); ok {
			return t + `"`
		}
	}
	return tag
}

// acceptsGzip says that a client would rather have gzip than the bytes as they
// are (RFC 9110 §12.5.3): gzip is named, or meant by *, with a weight above 0
// and not below that of identity. Without the header nothing is compressed.
func acceptsGzip(values []string) bool {
	zip, star, identity := -1.0, -1.0, -1.0
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			coding, params, _ := strings.Cut(part, ";")
			q := weight(params)
			switch strings.ToLower(textproto.TrimString(coding)) {
			case "gzip", "x-gzip":
				zip = max(zip, q)
			case "*":
				star = max(star, q)
			case "identity":
				identity = max(identity, q)
			}
		}
	}
	if zip < 0 {
		zip = star
	}
	return zip > 0 && zip >= identity
}

// weight reads "q=0.5" among parameters (RFC 9110 §12.4.2): 1 when it is not
// there, 0 when it cannot be read.
func weight(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, ok := strings.Cut(p, "=")
		if !ok || !strings.EqualFold(textproto.TrimString(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(textproto.TrimString(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

const allowed = "GET, HEAD, OPTIONS"

// preflight lets any page ask for our feeds with validators (output.md 21).
func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Allow", allowed)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", allowed)
	h.Set("Access-Control-Allow-Headers", "If-None-Match, If-Modified-Since")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

func refuseMethod(w http.ResponseWriter) {
	w.Header().Set("Allow", allowed)
	sentence(w, http.StatusMethodNotAllowed, "this address can only be read: use GET or HEAD")
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "30")
	sentence(w, http.StatusServiceUnavailable, "the planet cannot read its store just now; please try again in a minute")
}

// How long others may keep what no document answers. Without a bound a 301 and a 410
// may be kept for ever (RFC 9111 §4.2.2), and what was merged may be parted, what was
// taken off be shown again.
const (
	absentControl = "public, max-age=60"
	movedControl  = "public, max-age=300"
	folderControl = "public, max-age=86400"
)

func redirect(w http.ResponseWriter, to, control string) {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", control)
	h.Set("Content-Length", "0") // to a HEAD as well
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusMovedPermanently)
}

// sentence answers with plain text that nobody keeps.
func sentence(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", feedPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	// As in send: nobody is left to tell.
	_, _ = w.Write([]byte(text + "\n"))
}
