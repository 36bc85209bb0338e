package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"orrery/feeds"
)

const (
	// maxRedirects is how many redirects one visit follows (fetching.md 24).
	maxRedirects = 5
	// maxHeaders bounds the header of an answer, in bytes (fetching.md 34).
	maxHeaders = 64 << 10

	dialTimeout      = 5 * time.Second
	tlsTimeout       = 10 * time.Second
	firstByteTimeout = 10 * time.Second
	// idleTimeout outlives the pause between two requests to one host and not
	// much more: a planet of a thousand hosts would otherwise hold a thousand
	// connections open for nothing.
	idleTimeout = 15 * time.Second
)

// Options are the limits of an HTTP fetcher. The zero Options are usable.
type Options struct {
	// UserAgent is sent whole, the same to everybody (fetching.md 29), for
	// instance Orrery/0.1 (+https://planet.example.org/about; 12 sources).
	// Empty: Orrery.
	UserAgent string
	// Timeout bounds a visit from the first lookup to the last byte, redirects
	// included. 0: 30 s. It also bounds the shorter limits for connecting (5 s),
	// TLS (10 s) and the first byte of an answer (10 s).
	Timeout time.Duration
	// MaxBody bounds a document in bytes after decompression. 0: 5 MiB.
	MaxBody int64
	// PerHost is how many requests at a time one domain gets (feeds.DomainOf), which is
	// how many idle connections to a host are kept. 0: 1.
	PerHost int
	// Pause is the time between two requests to one domain; of a longer one 200 ms: whoever
	// makes visits sees to the whole pause between them, and only redirects are within one.
	Pause time.Duration
	// Allow lists the exact addresses with ports that may be private; every
	// other address outside the public internet is refused.
	Allow []netip.AddrPort
	// Now is the clock for Retry-After and freshness. nil: time.Now.
	Now func() time.Time
}

// HTTP fetches remote feeds. It is safe for concurrent use and keeps nothing
// between visits but idle connections, and when domains were asked or have said 429: no
// cookies, no cache, no credentials.
type HTTP struct {
	transport *http.Transport
	agent     string
	limits    limits
	now       func() time.Time
	turns     *turns
}

// limits are the bounds of one visit: times and, for the body, bytes.
type limits struct {
	total, dial, firstByte time.Duration
	body                   int64
}

// NewHTTP returns a fetcher that keeps to o. Close it when it is done with.
func NewHTTP(o Options) *HTTP {
	total := o.Timeout
	if total <= 0 {
		total = 30 * time.Second
	}
	body := o.MaxBody
	if body <= 0 {
		body = 5 << 20
	}
	h := &HTTP{
		agent: cmp.Or(o.UserAgent, "Orrery"),
		now:   o.Now,
		limits: limits{
			total: total, dial: min(dialTimeout, total), firstByte: min(firstByteTimeout, total),
			body: min(body, 1<<40), // so that one byte more does not overflow
		},
	}
	if h.now == nil {
		h.now = time.Now
	}
	h.turns = newTurns(max(o.PerHost, 1), min(o.Pause, hopPause), h.now)
	dialer := &net.Dialer{Timeout: h.limits.dial, ControlContext: newGuard(o.Allow).control}
	h.transport = &http.Transport{
		// The environment's proxy would go round the guard: it resolves names itself.
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    min(tlsTimeout, total),
		ResponseHeaderTimeout:  h.limits.firstByte,
		MaxResponseHeaderBytes: maxHeaders,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    max(o.PerHost, 1),
		// A dialer of our own turns HTTP/2 off unless it is asked for.
		ForceAttemptHTTP2: true,
	}
	return h
}

// Close closes the idle connections. Visits under way are not disturbed.
func (h *HTTP) Close() { h.transport.CloseIdleConnections() }

// Fetch is a Func for http and https addresses: one GET, conditional when v came
// from the address that is asked, and at most five redirects.
//
// The transport is used without http.Client, which would send the validators of
// one address to another and add a Referer (fetching.md 4, 31).
//
// Errors are sentences. They wrap ErrAddress, ErrRefused, ErrRedirects,
// ErrRest, ErrTurn, ErrTooLarge, ErrEmpty, a *StatusError or the cause from the network. An error
// never comes with a body or validators: what was stored stays.
func (h *HTTP) Fetch(ctx context.Context, s feeds.Source, v feeds.Validators) (Response, error) {
	visit, cancel := context.WithTimeout(ctx, h.limits.total)
	defer cancel()
	begun := time.Now()
	w, err := newWalk(s.Asked(), v)
	if err != nil {
		return Response{}, err
	}
	r, err := h.walk(ctx, visit, w)
	r.Answer.URL, r.Answer.Hops, r.Answer.Took = r.URL, w.hops, time.Since(begun).Round(time.Millisecond)
	return r, err
}

// errAgain ends a request that the transport would make over and over.
var errAgain = errors.New("the server takes requests and goes away")

// once makes a request on two connections at most. The transport tries again by
// itself, without a pause and without end, while a server takes a request and says
// that it is going away (go.dev/issue/52459).
func (h *HTTP) once(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	var connections atomic.Int32
	var kept atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		kept.Store(c.Reused)
		if connections.Add(1) > 2 { // a kept connection may have died of age
			cancel(errAgain)
		}
	}}
	traced := req.WithContext(httptrace.WithClientTrace(ctx, trace))
	answer, err := h.transport.RoundTrip(traced)
	if err != nil && req.Body == nil && kept.Load() && strings.Contains(err.Error(), "malformed HTTP") {
		// What came is the rest of an answer to another: a 304 with a body, for one.
		answer, err = h.transport.RoundTrip(traced)
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && req.Context().Err() == nil {
			err = cause
		}
		cancel(nil)
		return nil, err
	}
	answer.Body = &cancelling{answer.Body, func() { cancel(nil) }}
	return answer, nil
}

// cancelling ends the request's context with its body.
type cancelling struct {
	io.ReadCloser
	cancel func()
}

func (c *cancelling) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}

// ErrRest means that an address leads to a host that is to be left alone.
var ErrRest = errors.New("the host is left alone")

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// walk asks hop by hop until there is an answer, each hop in its turn.
func (h *HTTP) walk(ctx, visit context.Context, w *walk) (Response, error) {
	for {
		r, on, err := h.turn(ctx, visit, w)
		if !on {
			return r, err
		}
	}
}

// turn makes the next request when it is its turn.
func (h *HTTP) turn(ctx, visit context.Context, w *walk) (r Response, on bool, err error) {
	if err = visit.Err(); err == nil { // else it was a redirect that never ended
		var leave func()
		if leave, err = h.turns.enter(visit, w.domain()); err == nil {
			defer leave() // also when the answer makes a decoder panic
			return h.hop(ctx, visit, w)
		}
		err = ErrTurn
	}
	return Response{URL: w.url.String(), RetryAfter: w.retryAfter}, false, h.explain(ctx, visit, w, err)
}

// hop makes the next request; on says that it led to a further one.
func (h *HTTP) hop(ctx, visit context.Context, w *walk) (r Response, on bool, err error) {
	// Whose host has enough, whoever claims sources knows, but not where they lead.
	if until := h.turns.rests(w.domain()); w.redirected() && !until.IsZero() {
		w.retryAfter = until
		return Response{URL: w.url.String(), RetryAfter: until}, false,
			w.sentence(w.place()+" said just before that it is asked too often (429), and is left alone", ErrRest)
	}
	req, err := w.request(visit, h.agent)
	if err != nil {
		return Response{URL: w.url.String()}, false, w.sentence("the address of "+w.place()+" cannot be asked", err)
	}
	answer, err := h.once(req)
	if err != nil {
		return Response{URL: w.url.String(), RetryAfter: w.retryAfter}, false, h.explain(ctx, visit, w, err)
	}
	w.heed(answer, h.now())
	if answer.StatusCode == http.StatusTooManyRequests {
		h.turns.leaveAlone(w.domain(), later(w.retryAfter, h.now().Add(feeds.MinRest)))
	}
	if !redirects(answer) {
		r, err = h.read(ctx, visit, w, answer)
		return r, false, err
	}
	discard(answer)
	if err := w.follow(answer); err != nil {
		return Response{Status: answer.StatusCode, URL: w.url.String(), RetryAfter: w.retryAfter}, false, err
	}
	return Response{}, true, nil
}
