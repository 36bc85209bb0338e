package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"orrery/feeds"
)

var (
	// ErrAddress means that an address is no http or https address.
	ErrAddress = errors.New("the address is not one of http or https")
	// ErrRedirects means that redirects went in a circle, were more than five,
	// or led to an address that cannot be asked.
	ErrRedirects = errors.New("the redirects lead nowhere")
)

// acceptTypes never changes, so that caches that vary on it keep one copy
// (fetching.md 32).
const acceptTypes = "application/atom+xml, application/rss+xml, application/feed+json, " +
	"application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"

// maxValidator bounds what a server can make us keep and send back, in bytes.
const maxValidator = 4 << 10

// walk is the way from a source's address to the answer, one request a hop.
type walk struct {
	url        *url.URL // the next to ask; without fragment and credentials
	home       *url.URL // the source's own address, with its credentials
	validators feeds.Validators
	seen       map[string]bool
	// conditional says that the last request carried validators.
	conditional bool
	// temporary says that a hop was not permanent, or gave up https.
	temporary bool
	hops      []string // the redirects so far, for people
	changes   bool     // the last request said that changes alone would do
	// retryAfter is the latest time a hop asked to be left alone until.
	retryAfter time.Time
}

func newWalk(address string, v feeds.Validators) (*walk, error) {
	home, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		// The parser quotes what it could not read, which may be a password.
		return nil, &httpError{sentence: "the address of the source cannot be read; check it in the configuration", causes: []error{ErrAddress, err}}
	}
	if fault := addressFault(home); fault != "" {
		return nil, &httpError{sentence: "the address of the source " + fault + "; check it in the configuration", causes: []error{ErrAddress}}
	}
	home.Fragment, home.RawFragment = "", ""
	w := &walk{url: anonymous(home), home: home, validators: v, seen: map[string]bool{}}
	w.seen[w.url.String()] = true
	return w, nil
}

// addressFault says why u cannot be asked, as the end of a sentence; "": it can.
func addressFault(u *url.URL) string {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Sprintf("has the scheme %q, and only http and https are fetched", u.Scheme)
	case u.Hostname() == "":
		return "names no host"
	}
	return ""
}

// anonymous is u without name and password.
func anonymous(u *url.URL) *url.URL {
	a := *u
	a.User = nil
	return &a
}

// key is what the answer of the next hop is kept under. A new password is a new
// key, since what it opens may be another document (fetching.md 9).
func (w *walk) key() string {
	u := *w.url
	u.User = w.credentials()
	return u.String()
}

// credentials are those in the source's address, and only for its own host:
// never for another one, another port, or the same one without TLS.
func (w *walk) credentials() *url.Userinfo {
	if w.home.User == nil || !strings.EqualFold(w.url.Hostname(), w.home.Hostname()) {
		return nil
	}
	same := w.url.Scheme == w.home.Scheme && portOf(w.url) == portOf(w.home)
	upgraded := w.url.Scheme == "https" && portOf(w.url) == "443" && portOf(w.home) == "80"
	if !same && !upgraded {
		return nil
	}
	return w.home.User
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// request builds the next request from nothing, so that no hop inherits a header
// from the one before.
func (w *walk) request(ctx context.Context, agent string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header["User-Agent"] = []string{agent}
	req.Header["Accept"] = []string{acceptTypes}
	req.Header["Accept-Encoding"] = []string{acceptCodings}
	if u := w.credentials(); u != nil {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	w.conditional, w.changes = false, false
	if w.validators.URL != w.key() {
		return req, nil // validators belong to the address that gave them (RFC 9111 §4.3.1)
	}
	// Both when both were given, unchanged to the byte (fetching.md 1, 2).
	if sendable(w.validators.ETag) {
		req.Header["If-None-Match"] = []string{w.validators.ETag}
		req.Header["A-Im"] = []string{"feed"} // what is new since then will do (RFC 3229; fetching.md 37)
		w.conditional, w.changes = true, true
	}
	if sendable(w.validators.LastModified) {
		req.Header["If-Modified-Since"] = []string{w.validators.LastModified}
		w.conditional = true
	}
	return req, nil
}

// sendable says that a validator can be stored and sent back byte for byte. One
// that cannot is as good as none: mended, it would be another.
func sendable(v string) bool {
	return v != "" && len(v) <= maxValidator && utf8.ValidString(v) && httpguts.ValidHeaderFieldValue(v)
}

// redirects says that the answer sends us on. 300 leaves the choice to people,
// 304 is no redirect and 305 and 306 are dead (RFC 9110 §15.4).
func redirects(answer *http.Response) bool {
	switch answer.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return answer.Header.Get("Location") != ""
	}
	return false
}

// heed notes a wish to be left alone (RFC 9110 §10.2.3: 3xx and 503; RFC 6585
// §4: 429). A redirect is followed at once even so, or a source that adds the
// header to each of its redirects would never be read; the wish holds for the
// next visit.
func (w *walk) heed(answer *http.Response, now time.Time) {
	switch code := answer.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable, code/100 == 3:
		if at := retryAfter(answer.Header, now); at.After(w.retryAfter) {
			w.retryAfter = at
		}
	}
}

// follow makes the Location of answer the next address.
func (w *walk) follow(answer *http.Response) error {
	to, err := w.url.Parse(answer.Header.Get("Location"))
	if err != nil {
		return w.sentence(w.place()+" redirects to an address that cannot be read", ErrRedirects, err)
	}
	to.Fragment, to.RawFragment, to.User = "", "", nil
	address := to.String()
	if fault := addressFault(to); fault != "" {
		return w.sentence(w.place()+" redirects to an address that "+fault, ErrRedirects, ErrAddress)
	}
	switch {
	case len(address) > feeds.MaxURL:
		return w.sentence(fmt.Sprintf("%s redirects to an address longer than %d bytes", w.place(), feeds.MaxURL), ErrRedirects)
	case w.seen[address]:
		return w.sentence(w.place()+" redirects in a circle, back to "+address, ErrRedirects)
	case len(w.seen) > maxRedirects:
		return w.sentence(fmt.Sprintf("%s redirects more than %d times", w.home.Host, maxRedirects), ErrRedirects)
	}
	code := answer.StatusCode
	permanent := code == http.StatusMovedPermanently || code == http.StatusPermanentRedirect
	if !permanent || w.url.Scheme == "https" && to.Scheme == "http" {
		w.temporary = true
	}
	w.seen[address] = true
	w.hops = append(w.hops, fmt.Sprintf("%d %s", code, printable(address)))
	w.url = to
	return nil
}

// redirected says that the address is no longer the source's own.
func (w *walk) redirected() bool { return len(w.seen) > 1 }

// movedTo is where the source lives now, if every hop said that this is for
// good and none gave up TLS (fetching.md 23). A source with a password does not
// move by itself: the new address would lose it.
func (w *walk) movedTo() string {
	if !w.redirected() || w.temporary || w.home.User != nil {
		return ""
	}
	return w.url.String()
}

// place is the host that is being asked.
func (w *walk) place() string { return w.url.Host }

// domain is whose turn it takes to ask.
func (w *walk) domain() string { return feeds.DomainOfURL(w.url) }

// discard reads what little may be left, so that the connection can be used
// again, and closes the body.
func discard(answer *http.Response) {
	if answer.StatusCode < 200 { // 101: what follows is no answer, and may never end (go.dev/issue/30876)
		_ = answer.Body.Close()
		return
	}
	body := answer.Body
	const little = 2 << 10
	_, _ = io.CopyN(io.Discard, body, little) // the answer is not wanted, nor is its fault
	_ = body.Close()
}
