package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	maxRedirects = 5
	maxAnswer    = 4 << 10 // bytes of what a hub says to a request
)

// subscribe asks the hub for what s has as new (WebSub §5.1). nil means that it will ask
// back; else the error is a sentence for people.
func (p *Subscriber) subscribe(ctx context.Context, s Subscription) error {
	form := url.Values{
		"hub.mode": {"subscribe"}, "hub.topic": {s.NewTopic}, "hub.callback": {p.o.Callback + s.NewID},
		"hub.lease_seconds": {strconv.FormatInt(int64(p.o.Lease/time.Second), 10)},
	}
	if s.NewSecret != "" {
		form.Set("hub.secret", s.NewSecret)
	}
	to, ok := address(s.Hub)
	if !ok {
		return errors.New("the address of the hub cannot be read")
	}
	for range maxRedirects + 1 {
		code, location, words, err := p.post(ctx, to, form.Encode())
		switch {
		case err != nil:
			return fmt.Errorf("the hub at %s gave no answer: %w", to.Host, err)
		case code/100 == 2: // 202, says WebSub §5.1; some hubs say 204
			return nil
		case code != http.StatusTemporaryRedirect && code != http.StatusPermanentRedirect:
			return fmt.Errorf("the hub at %s answered with %d %s%s", to.Host, code, http.StatusText(code), words)
		}
		// WebSub §5.1: a 307 or 308, and no other, means: ask there instead.
		next, err := to.Parse(location)
		if err != nil {
			return fmt.Errorf("the hub at %s redirects to an address that cannot be read", to.Host)
		}
		if next, ok = address(next.String()); !ok {
			return fmt.Errorf("the hub at %s redirects to an address that cannot be asked", to.Host)
		}
		if s.NewSecret != "" && next.Scheme != "https" {
			return fmt.Errorf("the hub at %s redirects to one without https, where a secret would be read by others", to.Host)
		}
		to = next
	}
	return fmt.Errorf("the hub at %s redirects more than %d times", to.Host, maxRedirects)
}

func (p *Subscriber) post(ctx context.Context, to *url.URL, form string) (code int, location, words string, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(form))
	if err != nil {
		return 0, "", "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", cmp.Or(p.o.UserAgent, "Orrery"))
	answer, err := p.o.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return 0, "", "", err
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return answer.StatusCode, answer.Header.Get("Location"), firstWords(string(body)), nil
}

// firstWords are the beginning of what a stranger says, as the end of a sentence; "" of
// a web page.
func firstWords(s string) string {
	if s = sentence(s); s == "" || strings.HasPrefix(s, "<") {
		return ""
	}
	return ": " + s
}

// sentence makes s fit for a page and a log: one line, not too long.
func sentence(s string) string {
	const most = 200
	s = strings.ToValidUTF8(s[:min(len(s), most)], "")
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
}
