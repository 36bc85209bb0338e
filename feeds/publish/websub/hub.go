package websub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"
)

// HubOptions are what a Hub works with and its bounds.
type HubOptions struct {
	URL   string // its own, as our feeds name it with rel=hub
	Store Store
	// Topic says that an address is the rel=self of a document of ours. Others are denied.
	Topic func(address string) bool
	// Topics are the topics that the items change.
	Topics func(ctx context.Context, items []Item) ([]string, error)
	// Content is a topic's document as it is now, and its media type.
	Content func(ctx context.Context, topic string) (body []byte, contentType string, err error)
	// Do makes one request and follows no redirect; it is aggregator/fetch's, with the
	// address guard in it: a callback is whatever a stranger says.
	Do        func(*http.Request) (*http.Response, error)
	UserAgent string
	Timeout   time.Duration // of one request to a callback. 0: 10 s
	// PerHost and Total bound the subscriptions to callbacks on one host and to all. Two
	// requests at once may go one over. 0: 500 and 10,000.
	PerHost, Total int
	// Workers is how many callbacks are asked at a time. 0: 4.
	Workers int
	// Every is how often the store is asked for work. 0: a second.
	Every time.Duration
	Now   func() time.Time // nil: time.Now
	Log   func(error)      // the store's or a document's trouble; nil: nobody hears
}

// Hub is an http.Handler that takes subscriptions to our documents, and a listener that
// tells the subscribers. What it owes is in the store.
type Hub struct {
	o     HubOptions
	wake  chan struct{}
	gates limiter
}

// NewHub returns a Hub. It verifies and sends while Run does.
func NewHub(o HubOptions) *Hub {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.PerHost <= 0 {
		o.PerHost = 500
	}
	if o.Total <= 0 {
		o.Total = 10_000
	}
	if o.Workers <= 0 {
		o.Workers = 4
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = func(error) {}
	}
	return &Hub{o: o, wake: make(chan struct{}, 1)}
}

// Name is that of a listener.
func (h *Hub) Name() string { return "hub" }

// Send notes in the store that the documents of the items have changed; their
// subscribers are told from there.
func (h *Hub) Send(ctx context.Context, items []Item) (taken int, err error) {
	topics, err := h.o.Topics(ctx, items)
	if err != nil {
		return 0, err
	}
	if len(topics) > 0 {
		if err := h.o.Store.Changed(ctx, topics, h.o.Now()); err != nil {
			return 0, fmt.Errorf("note which feeds have changed: %w", err)
		}
	}
	h.nudge()
	return len(items), nil
}

func (h *Hub) nudge() {
	select {
	case h.wake <- struct{}{}:
	default: // it is awake
	}
}

// ServeHTTP takes a request for a subscription or its end. 202 means that the callback
// will be asked whether it wants that (WebSub §5.1, §5.3).
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code, text := h.take(w, r)
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	switch code {
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		header.Set("Retry-After", "3600")
	}
	w.WriteHeader(code)
	if text != "" {
		_, _ = io.WriteString(w, text+"\n")
	}
}

func (h *Hub) take(w http.ResponseWriter, r *http.Request) (code int, text string) {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, "This is a WebSub hub. It takes subscriptions to the feeds of this site as a POST; see https://www.w3.org/TR/websub/."
	}
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || typ != formType {
		return http.StatusUnsupportedMediaType, "the request is no form (" + formType + ")"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return http.StatusRequestEntityTooLarge, "the form is too large"
		}
		return http.StatusBadRequest, "the form is not complete"
	}
	req, fault := readRequest(string(body))
	if fault != "" {
		return http.StatusBadRequest, fault
	}
	if !h.gates.pass(req.host, h.o.Now()) {
		return http.StatusTooManyRequests, "there are too many requests for callbacks on " + req.host
	}
	code, text, err = h.enlist(r.Context(), req)
	if err != nil {
		h.o.Log(fmt.Errorf("take a subscription for %s: %w", req.host, err))
		return http.StatusInternalServerError, "the subscription could not be stored; try again later"
	}
	h.nudge()
	return code, text
}

// enlist stores what is asked for, to be verified. A topic that is not ours is denied
// where the subscriber listens (WebSub §5.2).
func (h *Hub) enlist(ctx context.Context, r request) (code int, text string, err error) {
	reason := ""
	if r.mode == subscribe && !h.o.Topic(r.topic) {
		r.mode, r.secret, r.lease, reason = denied, "", 0, "this hub is for the feeds of this site only"
	}
	for range saves {
		s, ok, err := h.o.Store.Get(ctx, r.topic, r.callback)
		switch {
		case err != nil:
			return 0, "", err
		case !ok && r.mode == unsubscribe:
			return http.StatusNotFound, "there is no such subscription", nil
		case !ok:
			ofHost, all, err := h.o.Store.Count(ctx, r.host)
			if err != nil {
				return 0, "", err
			}
			if ofHost >= h.o.PerHost || all >= h.o.Total {
				return http.StatusServiceUnavailable, "there are too many subscriptions", nil
			}
		}
		now := h.o.Now()
		asked(&s, r, reason, now)
		schedule(&s, now)
		if saved, err := h.o.Store.Save(ctx, s); saved || err != nil {
			return http.StatusAccepted, "", err
		}
	}
	return 0, "", errConflict
}

// saves is how often a change is tried that others come between.
const saves = 8

var errConflict = errors.New("others keep changing the subscription")

// limiter bounds how many requests come for the callbacks of one host: each makes us
// call there, and who asks need not be who is called (output.md 45).
type limiter struct {
	mu   sync.Mutex
	full map[string]time.Time // when the host's allowance is whole again
}

const (
	allowance = 60          // requests at once
	refill    = time.Second // for one more
	mostHosts = 10_000
)

func (l *limiter) pass(host string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full == nil || len(l.full) >= mostHosts {
		whole := l.full
		l.full = map[string]time.Time{}
		for h, at := range whole {
			if at.After(now) {
				l.full[h] = at
			}
		}
		if len(l.full) >= mostHosts {
			return false
		}
	}
	at := latest(l.full[host], now)
	if at.Sub(now) > (allowance-1)*refill {
		return false
	}
	l.full[host] = at.Add(refill)
	return true
}
