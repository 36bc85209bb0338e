package websub

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// PingerOptions say which hub and what it is told of.
type PingerOptions struct {
	Hub string // its address
	// Topics are the addresses of our documents that the items change, each once: those
	// whose rel=self they are (WebSub §4).
	Topics func(ctx context.Context, items []Item) ([]string, error)
	// Do makes one request and follows no redirect; it is aggregator/fetch's, with the
	// address guard in it.
	Do        func(*http.Request) (*http.Response, error)
	UserAgent string
	Timeout   time.Duration // of one ping. 0: 10 s
}

// Pinger is a listener that tells a hub which of our documents have changed. A batch of
// items is one ping for each document; that batches are few is the business of
// publish.Listener.Gather.
type Pinger struct {
	o    PingerOptions
	host string

	mu sync.Mutex
	// told are the documents that the hub was told of by the batch that failed, whose last
	// item was upTo: it need not hear of them again when the rest is tried again.
	told map[string]bool
	upTo int64
}

// NewPinger returns a Pinger, or a sentence on what is wrong with the options.
func NewPinger(o PingerOptions) (*Pinger, error) {
	u, err := url.Parse(o.Hub)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("the address of the hub, %s, is not one of http or https", o.Hub)
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	return &Pinger{o: o, host: u.Host, told: map[string]bool{}}, nil
}

// Name is that of a listener: another hub has not heard what this one has.
func (p *Pinger) Name() string { return "websub " + p.o.Hub }

// Send tells the hub of all documents that the items change: all are taken, or none.
func (p *Pinger) Send(ctx context.Context, items []Item) (taken int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	topics, err := p.o.Topics(ctx, items)
	if err != nil {
		return 0, err
	}
	if err := p.forget(ctx, items); err != nil {
		return 0, err
	}
	for _, topic := range topics {
		if p.told[topic] {
			continue
		}
		if err := p.ping(ctx, topic); err != nil {
			return 0, err
		}
		p.told[topic] = true
	}
	clear(p.told)
	return len(items), nil
}

// forget has the hub told again of what has come to the batch since it failed.
func (p *Pinger) forget(ctx context.Context, items []Item) error {
	var since []Item
	for _, i := range items {
		if i.ID > p.upTo {
			since = append(since, i)
		}
	}
	if len(since) == 0 {
		return nil
	}
	if len(p.told) > 0 {
		topics, err := p.o.Topics(ctx, since)
		if err != nil {
			return err
		}
		for _, topic := range topics {
			delete(p.told, topic)
		}
	}
	p.upTo = since[len(since)-1].ID
	return nil
}

// ping says that a document has changed. How is left to hub and publisher (WebSub §6);
// all that take pings take this one (PubSubHubbub 0.3 §7.1).
func (p *Pinger) ping(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	form := url.Values{"hub.mode": {"publish"}, "hub.url": {topic}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.o.Hub, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("the hub at %s cannot be asked: %w", p.host, err)
	}
	req.Header.Set("Content-Type", formType)
	req.Header.Set("User-Agent", cmp.Or(p.o.UserAgent, "Orrery"))
	code, body, err := ask(p.o.Do, req)
	switch {
	case code/100 == 2: // whatever became of the body
		return nil
	case err != nil:
		return fmt.Errorf("the hub at %s gave no answer: %w", p.host, err)
	}
	return fmt.Errorf("the hub at %s answered with %d %s%s", p.host, code, http.StatusText(code), firstWords(body))
}

const formType = "application/x-www-form-urlencoded"

// firstWords are the beginning of what an answer says, as the end of a sentence.
func firstWords(body []byte) string {
	const most = 200
	s := strings.ToValidUTF8(string(body[:min(len(body), most)]), "")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7F }), " ")
	if s == "" || strings.HasPrefix(s, "<") {
		return ""
	}
	return ": " + s
}
