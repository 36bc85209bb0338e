package fetch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"orrery/feeds"
)

var (
	// ErrTooLarge means that the document is larger than Options.MaxBody.
	ErrTooLarge = errors.New("the document is too large")
	// ErrEmpty means that the server sent nothing but white space.
	ErrEmpty = errors.New("the server sent an empty document")
	// ErrEncoding means that the document's compression is broken or unknown.
	ErrEncoding = errors.New("the document's compression cannot be read")
)

// read turns the last answer of a walk into a Response. caller is the context
// Fetch was given, visit the one with the time limit.
func (h *HTTP) read(caller, visit context.Context, w *walk, answer *http.Response) (Response, error) {
	r := Response{Status: answer.StatusCode, URL: w.url.String(), RetryAfter: w.retryAfter, Link: answer.Header.Values("Link")}
	r.Answer.Header = notable(answer.Header)
	changes := answer.StatusCode == http.StatusIMUsed && w.changes && strings.Contains(strings.ToLower(answer.Header.Get("IM")), "feed")
	switch {
	case answer.StatusCode == http.StatusOK, changes:
		defer answer.Body.Close()
	case answer.StatusCode == http.StatusNotModified && w.conditional:
		_ = answer.Body.Close() // a 304 has no body (RFC 9110 §15.4.5)
		return h.notModified(w, answer, r), nil
	default:
		// Any other 2xx is no document either: 206 is a part of one, 226 a list
		// of changes nobody asked for (fetching.md 28). A 304 that was not asked
		// for must not pass for "unchanged" (fetching.md 8).
		blocked := answer.StatusCode >= 400 && challenges(answer)
		discard(answer)
		return r, &StatusError{Status: answer.StatusCode, URL: r.URL, Redirected: w.redirected(), Challenge: blocked, Named: w.credentials() != nil}
	}
	body, err := readBody(answer, h.limits.body)
	if err != nil {
		return r, h.explainBody(caller, visit, w, err)
	}
	if len(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))) == 0 {
		return r, w.sentence(w.place()+" sent an empty document", ErrEmpty)
	}
	r.Answer.Bytes = len(body)
	sum := sha256.Sum256(body)
	r.MovedTo = w.movedTo()
	r.MaxAge = freshness(answer.Header, h.now())
	// A 200 replaces the whole set: what it does not name is gone (fetching.md 6).
	r.Validators = feeds.Validators{
		URL:          w.key(),
		ETag:         validator(answer.Header, "ETag"),
		LastModified: validator(answer.Header, "Last-Modified"),
		BodyHash:     hex.EncodeToString(sum[:]),
	}
	if changes {
		r.Validators.BodyHash = "" // it is not the whole, and says nothing of it
	}
	if r.Validators.BodyHash != "" && r.Validators.URL == w.validators.URL && r.Validators.BodyHash == w.validators.BodyHash {
		r.NotModified = true // nothing to parse, though the headers count (fetching.md 10)
		return r, nil
	}
	r.Body = body
	r.ContentType = answer.Header.Get("Content-Type")
	return r, nil
}

// notModified keeps the validators but for those the 304 names anew (RFC 9111
// §3.2, §4.3.4).
func (h *HTTP) notModified(w *walk, answer *http.Response, r Response) Response {
	r.NotModified = true
	r.MovedTo = w.movedTo()
	r.MaxAge = freshness(answer.Header, h.now())
	r.AgeKept = len(answer.Header.Values("Cache-Control"))+len(answer.Header.Values("Expires")) == 0
	r.Validators = w.validators
	r.Validators.ETag = cmp.Or(validator(answer.Header, "ETag"), r.Validators.ETag)
	r.Validators.LastModified = cmp.Or(validator(answer.Header, "Last-Modified"), r.Validators.LastModified)
	return r
}

// notable are the lines of a header that tell why a source is visited as it is.
func notable(h http.Header) []string {
	var lines []string
	for _, name := range []string{"Date", "Age", "Cache-Control", "Expires", "Retry-After", "ETag", "Last-Modified",
		"Content-Type", "Content-Encoding", "Vary", "Server"} {
		for _, value := range h.Values(name) {
			lines = append(lines, printable(name+": "+value))
		}
	}
	return lines
}

// challenges says that the answer is a page that wants to see a browser.
func challenges(answer *http.Response) bool {
	if answer.Header.Get("Cf-Mitigated") == "challenge" || answer.Header.Get("X-Datadome") != "" {
		return true
	}
	if !strings.Contains(answer.Header.Get("Content-Type"), "html") {
		return false
	}
	page := strings.ToLower(string(beginning(answer, 16<<10)))
	for _, words := range []string{"just a moment", "captcha", "attention required", "checking your browser", "verify you are human", "enable javascript and cookies"} {
		if strings.Contains(page, words) {
			return true
		}
	}
	return false
}

func validator(h http.Header, name string) string {
	if v := h.Get(name); sendable(v) {
		return v
	}
	return ""
}

// StatusError is an answer that holds no document: any status but 200, a
// redirect that names no address, and a 304 to a request without validators.
type StatusError struct {
	Status     int    // HTTP status, 100 to 999
	URL        string // the address that answered, without credentials
	Redirected bool   // URL is not the source's own address
	Challenge  bool   // what came is a page that wants to see a browser
	Named      bool   // the name and the password in the source's address were sent
}

// Error is a sentence: the server answered 404 (not found).
func (e *StatusError) Error() string {
	s := fmt.Sprintf("the server answered %d", e.Status)
	if text := http.StatusText(e.Status); text != "" {
		s += " (" + strings.ToLower(text) + ")"
	}
	if e.Redirected {
		s += " at " + e.URL
	}
	return printable(s + e.note())
}

// note adds what the status alone does not tell.
func (e *StatusError) note() string {
	if e.Challenge {
		return " with a test for browsers; ask its owner to let feed readers pass"
	}
	switch e.Status {
	case http.StatusNoContent, http.StatusResetContent:
		return ", so there is no document"
	case http.StatusPartialContent:
		return ", a part of the document instead of the whole"
	case http.StatusNotModified:
		return " though the whole document was asked for"
	case http.StatusIMUsed:
		return ", changes instead of the whole document"
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return " without saying where to"
	case http.StatusUnauthorized:
		if e.Named {
			return "; it does not take the name and the password that stand in the address"
		}
		return "; if you have a name and a password, put them into the address as https://name:password@host/"
	}
	return ""
}
