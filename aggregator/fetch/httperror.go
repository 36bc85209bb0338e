package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// httpError is a sentence for people, and its causes for errors.Is and As.
type httpError struct {
	sentence string
	causes   []error
}

func (e *httpError) Error() string   { return e.sentence }
func (e *httpError) Unwrap() []error { return e.causes }

// sentence makes an error of s that also says how the walk came here.
func (w *walk) sentence(s string, causes ...error) error {
	if w.redirected() && w.url.Host != w.home.Host {
		s += " (redirected from " + w.home.Host + ")"
	}
	return &httpError{sentence: printable(s), causes: causes}
}

// explain says why there was no answer. caller is the context Fetch was given,
// visit the one with the time limit.
func (h *HTTP) explain(caller, visit context.Context, w *walk, err error) error {
	if err := stopped(caller, w); err != nil {
		return err
	}
	if errors.Is(err, ErrTurn) {
		return w.sentence(w.place()+" was asked for other sources until there was no time left for this one; it will have its turn with another visit", err)
	}
	if visit.Err() != nil {
		return w.sentence(fmt.Sprintf("no answer from %s within %s", w.place(), h.limits.total), context.DeadlineExceeded, err)
	}
	var name *net.DNSError
	var refused *refusal
	var dial *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &refused):
		return w.sentence(refusedSentence(w, refused), err)
	case errors.As(err, &name):
		return w.sentence(nameSentence(w.url.Hostname(), name), err)
	case errors.As(err, &timeout) && timeout.Timeout():
		if errors.As(err, &dial) && dial.Op == "dial" {
			return w.sentence(fmt.Sprintf("no connection to %s within %s", w.place(), h.limits.dial), err)
		}
		return w.sentence(fmt.Sprintf("no answer from %s within %s", w.place(), h.limits.firstByte), err)
	}
	if s := tlsSentence(w.place(), err); s != "" {
		return w.sentence(s, err)
	}
	return w.sentence(brokenSentence(w.place(), err), err)
}

// explainBody says why an answer that began did not end well.
func (h *HTTP) explainBody(caller, visit context.Context, w *walk, err error) error {
	if err := stopped(caller, w); err != nil {
		return err
	}
	var broken *brokenCoding
	var unasked *unaskedCoding
	reset := errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	switch {
	case errors.Is(err, errBomb):
		return w.sentence(fmt.Sprintf("the document from %s is more than %d times as long when it is decompressed, and was not read", w.place(), maxRatio), err)
	case errors.Is(err, ErrTooLarge):
		return w.sentence(fmt.Sprintf("the document at %s is larger than %s; raise fetch.max_body if it has to be", w.place(), sizeText(h.limits.body)), err)
	case visit.Err() != nil:
		return w.sentence(fmt.Sprintf("the document from %s did not arrive within %s", w.place(), h.limits.total), context.DeadlineExceeded, err)
	case errors.As(err, &unasked):
		return w.sentence("the document from "+w.place()+" is "+unasked.Error(), err)
	case errors.As(err, &broken) && errors.Is(err, io.ErrUnexpectedEOF): // the connection brought all there was
		return w.sentence("the document from "+w.place()+" is compressed with "+broken.name+", and its end is missing", err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), reset:
		return w.sentence("the connection to "+w.place()+" broke in the middle of the document", err)
	case errors.As(err, &broken):
		return w.sentence("the document from "+w.place()+" says it is compressed with "+broken.name+", but it is broken or is not", err)
	}
	return w.sentence("the document from "+w.place()+" could not be read ("+detail(err)+")", err)
}

// stopped is not nil when it was not the source's fault: the caller gave up.
func stopped(caller context.Context, w *walk) error {
	if err := caller.Err(); err != nil {
		return w.sentence("the visit to "+w.place()+" was stopped", err)
	}
	return nil
}

func refusedSentence(w *walk, r *refusal) string {
	const hint = "; add it to fetch.allow if it is yours"
	if _, err := netip.ParseAddr(w.url.Hostname()); err == nil {
		return r.Error() + hint
	}
	return fmt.Sprintf("%s resolves to a private address (%s)%s", w.url.Hostname(), r.address, hint)
}

func nameSentence(host string, err *net.DNSError) string {
	switch {
	case err.IsNotFound:
		return "there is no host called " + host + "; check the address"
	case err.IsTimeout:
		return "the name " + host + " could not be looked up in time"
	}
	return "the name " + host + " could not be looked up (" + err.Err + ")"
}

// tlsSentence is "" for what is no trouble of TLS.
func tlsSentence(host string, err error) string {
	var (
		wrongName x509.HostnameError
		unknown   x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		check     *tls.CertificateVerificationError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &wrongName):
		return "the TLS certificate of " + host + " is for another name"
	case errors.As(err, &unknown):
		return "the TLS certificate of " + host + " is signed by nobody we know"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the TLS certificate of " + host + " has expired or is not valid yet"
	case errors.As(err, &check):
		return "the TLS certificate of " + host + " is not valid (" + detail(check.Err) + ")"
	case errors.As(err, &record):
		return host + " does not speak TLS; does its address begin with http:// instead of https://?"
	case strings.Contains(err.Error(), "tls: "): // most of its errors have no type
		return "no TLS connection to " + host + " could be made (" + detail(err) + ")"
	}
	return ""
}

func brokenSentence(host string, err error) string {
	switch {
	case errors.Is(err, errAgain):
		return host + " took the request and went away, twice"
	case errors.Is(err, syscall.ECONNREFUSED):
		return host + " refused the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return host + " cannot be reached from here"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return host + " closed the connection without an answer"
	}
	return host + " answered with something that is not HTTP, or broken (" + detail(err) + ")"
}

// detail is the library's word for a trouble nobody has put into a sentence yet.
func detail(err error) string {
	s := strings.TrimPrefix(err.Error(), "net/http: ")
	return strings.TrimPrefix(s, "HTTP/1.x transport connection broken: ")
}

// printable makes s fit for a terminal, a log and a page, whatever a server put
// into it: one line, no control characters, not too long.
func printable(s string) string {
	const longest = 400
	var b strings.Builder
	for _, r := range s {
		if b.Len() >= longest {
			return b.String() + "…"
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// sizeText writes a number of bytes the way the configuration does.
func sizeText(n int64) string {
	switch {
	case n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
