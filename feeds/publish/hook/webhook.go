package hook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxAnswer is how much of an answer is read, in bytes, to use the connection again; what
// it says is nobody's concern.
const maxAnswer = 64 << 10

// WebhookOptions say where to.
type WebhookOptions struct {
	Name   string // of the listener
	URL    string // http or https; it may hold a secret, and no error quotes it
	Secret string // of the signature; "": none
	// Do makes one request and follows no redirect; it is aggregator/fetch's, with the
	// address guard in it.
	Do        func(*http.Request) (*http.Response, error)
	UserAgent string
	Timeout   time.Duration    // of one request. 0: 10 s
	Now       func() time.Time // for Retry-After. nil: time.Now
}

// Webhook POSTs every item to an address: an application/json body, Line without its end.
//
//	X-Orrery-Event      new, revised or withdrawn
//	X-Orrery-Delivery   the same whenever the same is sent again
//	X-Orrery-Signature  sha256= and the HMAC of the body in hexadecimal digits
type Webhook struct {
	o    WebhookOptions
	host string
}

// NewWebhook returns a Webhook, or a sentence on what is wrong with the options.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("the address of the webhook %s is not one of http or https", o.Name)
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Webhook{o: o, host: u.Host}, nil
}

// Name is that of the options.
func (w *Webhook) Name() string { return w.o.Name }

// Send posts the items, one after the other, up to the first that is not taken with 2xx.
func (w *Webhook) Send(ctx context.Context, items []Item) (taken int, err error) {
	for i, item := range items {
		if err := w.post(ctx, item); err != nil {
			return i, err
		}
	}
	return len(items), nil
}

func (w *Webhook) post(ctx context.Context, item Item) error {
	body := bytes.TrimSuffix(Line(item), []byte("\n"))
	ctx, cancel := context.WithTimeout(ctx, w.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.o.URL, bytes.NewReader(body))
	if err != nil {
		return w.trouble("cannot be asked", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", cmp.Or(w.o.UserAgent, "Orrery"))
	req.Header.Set("X-Orrery-Event", item.Event)
	req.Header.Set("X-Orrery-Delivery", Delivery(item))
	if w.o.Secret != "" {
		req.Header.Set("X-Orrery-Signature", Sign(w.o.Secret, body))
	}
	answer, err := w.o.Do(req)
	if err != nil {
		return w.trouble("gave no answer", err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer)
	return w.judge(answer)
}

// Sign is the X-Orrery-Signature of a body.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// judge says whether the item was taken.
func (w *Webhook) judge(answer *http.Response) error {
	code := answer.StatusCode
	if code/100 == 2 {
		return nil
	}
	f := &failure{sentence: fmt.Sprintf("the webhook at %s answered with %d %s", w.host, code, http.StatusText(code))}
	switch code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		f.refused = true // of what this one says; the next may be to its taste
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		f.at = retryAfter(answer.Header.Get("Retry-After"), w.o.Now())
	case http.StatusUnauthorized, http.StatusForbidden:
		f.sentence += "; is the secret in its configuration the same as in ours?"
	}
	if code/100 == 3 {
		f.sentence += "; redirects are not followed, so put the address it leads to into the configuration"
	}
	return f
}

// trouble is an error without the address, which may be a secret.
func (w *Webhook) trouble(what string, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		what += " within " + w.o.Timeout.String()
	}
	return &failure{sentence: fmt.Sprintf("the webhook at %s %s (%s)", w.host, what, err), cause: err}
}

// failure is why something was not taken.
type failure struct {
	sentence string
	cause    error
	refused  bool
	at       time.Time
}

func (f *failure) Error() string { return f.sentence }
func (f *failure) Unwrap() error { return f.cause }

// Refused says that the listener is well, and does not want this item.
func (f *failure) Refused() bool { return f.refused }

// RetryAt is when the listener wants to be asked again; zero: it did not say.
func (f *failure) RetryAt() time.Time { return f.at }

// retryAfter reads a Retry-After (RFC 9110 §10.2.3): seconds or a date.
func retryAfter(s string, now time.Time) time.Time {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return now.Add(time.Duration(n) * time.Second)
	}
	at, err := http.ParseTime(s)
	if err != nil {
		return time.Time{}
	}
	return at
}
