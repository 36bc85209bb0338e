package site

import (
	"net/http"
	"time"
)

// send answers a GET or HEAD with d. HEAD gets the headers of GET, the length
// among them (RFC 9110 §9.3.2). Ranges are not offered, so Range is ignored.
func (s *Site) send(w http.ResponseWriter, r *http.Request, d *document, status int) {
	modified := d.modified
	if modified.After(s.now()) {
		modified = time.Time{} // RFC 9110 §8.8.2.1: never later than the answer
	}
	want := wanted(r.Header["Accept-Encoding"])
	held, h := -1, w.Header()
	if status == http.StatusOK {
		status, held = d.condition(r.Header, modified, &want)
	}
	switch status {
	case http.StatusNotModified:
		d.head(h, held, modified)
		w.WriteHeader(status)
		return
	case http.StatusPreconditionFailed:
		d.head(h, held, modified)
		h["Cache-Control"] = []string{"no-store"} // or it would be kept as what the address says
		h["Content-Length"] = []string{"0"}
		w.WriteHeader(status)
		return
	case http.StatusOK:
		if len(r.Header["A-Im"]) > 0 && wantsDelta(r.Header["A-Im"]) {
			if x, from := d.delta(r.Header["If-None-Match"]); x != nil {
				status, d = http.StatusIMUsed, x
				h["Delta-Base"] = []string{from} // RFC 3229 §10.5.1
			}
		}
	}
	if held < 0 || d.form(held) == nil {
		held = d.dearest(&want)
	}
	f := d.form(held)
	d.head(h, held, modified)
	for _, x := range d.whole {
		h[x.name] = x.values
	}
	h["Content-Length"] = f.length
	if f.coding != nil {
		h["Content-Encoding"] = f.coding
	}
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		// An error means that the reader has gone away: nobody is left to tell.
		_, _ = w.Write(f.body)
	}
}

// head sets the headers that do not describe a body. The form need not have been made.
func (d *document) head(h http.Header, form int, modified time.Time) {
	for _, x := range d.always {
		h[x.name] = x.values
	}
	if t := d.tag(form); t != nil {
		h["Etag"] = t
	}
	if !modified.IsZero() {
		h["Last-Modified"] = d.date
	}
}

// dearest is the form that a client would have of those that there are.
func (d *document) dearest(want *wish) int {
	for _, i := range want.forms[:want.n] {
		if d.form(int(i)) != nil {
			return int(i)
		}
	}
	return identity
}

// condition evaluates the conditions of a GET in the order of RFC 9110 §13.2.2:
// a tag wins over a date of the same kind. A date that cannot be read is no
// condition (§13.1.3). It also names the form that the tags select, -1 for none.
func (d *document) condition(h http.Header, modified time.Time, want *wish) (status, held int) {
	held = -1
	if m, ok := h["If-Match"]; ok {
		if held = d.held(m, false, want); held < 0 {
			return http.StatusPreconditionFailed, d.dearest(want)
		}
	} else if t, ok := date(h, "If-Unmodified-Since"); ok && modified.After(t) {
		return http.StatusPreconditionFailed, d.dearest(want)
	}
	if m, ok := h["If-None-Match"]; ok {
		if i := d.held(m, true, want); i >= 0 {
			return http.StatusNotModified, i
		}
	} else if t, ok := date(h, "If-Modified-Since"); ok && !modified.IsZero() && !modified.After(t) {
		return http.StatusNotModified, d.dearest(want)
	}
	return http.StatusOK, held
}

func date(h http.Header, name string) (time.Time, bool) {
	v := h.Get(name)
	if v == "" {
		return time.Time{}, false
	}
	t, err := http.ParseTime(v)
	return t, err == nil
}

// held is the dearest form that a list of entity tags names, -1 for none (RFC 9110
// §8.8.3.2: weakly, W/ does not count; strongly, a weak tag matches nothing).
//
// A condition is about the selected representation (§13.1.2), and to select one of
// those that the client takes is our business (§12.1): we select the one it has. A
// cache that holds the gzip form, and would now rather have brotli, is told to go on
// with what it holds, by its tag (RFC 9111 §4.3.4), and not a byte is sent. What it
// holds but does not take now is not selected.
func (d *document) held(lists []string, weak bool, want *wish) int {
	var named [len(codings) + 1]bool
	for l := (entityTags{lines: lists}); ; {
		t, ok := l.next()
		if !ok {
			break
		}
		switch {
		case t.star:
			return d.dearest(want)
		case t.weak && !weak || t.form < 0 || d.base == "" || t.base != d.base:
		default:
			named[t.form] = true
		}
	}
	for _, i := range want.forms[:want.n] {
		if named[i] {
			return int(i)
		}
	}
	return -1
}

const allowed = "GET, HEAD, OPTIONS"

// preflight lets any page ask for our feeds with validators (output.md 21).
func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Allow", allowed)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", allowed)
	h.Set("Access-Control-Allow-Headers", "A-IM, If-None-Match, If-Modified-Since")
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
