package websub

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// perPass is how many subscriptions a worker claims at a time.
	perPass = 8
	// silentCalls is how many callbacks of a host are waited for in vain before the others
	// of a pass are not asked: each would cost the whole timeout.
	silentCalls = 2
)

// Run verifies and sends until ctx ends.
func (h *Hub) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := h.Pass(ctx)
		if err != nil && ctx.Err() == nil {
			h.o.Log(err)
		}
		if n > 0 && err == nil {
			continue
		}
		timer := time.NewTimer(h.o.Every)
		select {
		case <-timer.C:
		case <-h.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// Pass does what is due now, a part of it if that is much, and returns how many
// subscriptions it had to do with.
func (h *Hub) Pass(ctx context.Context) (int, error) {
	now := h.o.Now()
	n := h.o.Workers * perPass
	// Each of them has a callback's whole time, and everybody before it, too.
	list, err := h.o.Store.Claim(ctx, now, n, now.Add((perPass+2)*h.o.Timeout+time.Minute))
	if err != nil {
		return 0, fmt.Errorf("ask which subscribers are owed something: %w", err)
	}
	p := &pass{h: h, silent: map[string]int{}, documents: map[string]func() document{}}
	var g errgroup.Group
	g.SetLimit(h.o.Workers)
	for _, s := range list {
		g.Go(func() error { return p.work(ctx, s) })
	}
	return len(list), g.Wait()
}

// pass is what the work of one Pass has in common.
type pass struct {
	h         *Hub
	mu        sync.Mutex
	silent    map[string]int // calls of a host without an answer
	documents map[string]func() document
}

type document struct {
	body              []byte
	mediaType, digest string
	err               error
}

// work does what is due of one subscription. What is asked for comes first: nobody is
// sent anything who has not said that they want it (output.md 45).
func (p *pass) work(ctx context.Context, s Subscription) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("tell a subscriber at %s: a fault in Orrery, please report it: %v", s.Host, r)
		}
	}()
	now := p.h.o.Now()
	change := func(*Subscription) {}
	switch {
	case s.Mode != "" && !s.AskNext.After(now):
		change, err = p.verify(ctx, s)
	case active(&s, now) && !p.h.o.Topic(s.Topic):
		change = p.disown(s)
	case owes(&s, now) && !s.NotBefore.After(now):
		change, err = p.distribute(ctx, s)
	}
	if ctx.Err() != nil { // its time with us ends by itself
		return nil
	}
	return errors.Join(err, p.h.save(ctx, s, change))
}

// save applies a change to the subscription, which may have changed since it was claimed.
func (h *Hub) save(ctx context.Context, s Subscription, change func(*Subscription)) error {
	for range saves {
		change(&s)
		store := h.o.Store.Remove
		if now := h.o.Now(); settle(&s, now) {
			store = h.o.Store.Save
		}
		done, err := store(ctx, s)
		if done || err != nil {
			return err
		}
		fresh, ok, err := h.o.Store.Get(ctx, s.Topic, s.Callback)
		if err != nil || !ok {
			return err
		}
		s = fresh
	}
	return fmt.Errorf("note what became of a subscriber at %s: %w", s.Host, errConflict)
}

// disown tells the subscriber of a document that there is no more.
func (p *pass) disown(s Subscription) func(*Subscription) {
	return func(now *Subscription) {
		ended(now)
		if now.Serial == s.Serial {
			asked(now, request{mode: denied, topic: s.Topic, callback: s.Callback, host: s.Host}, "this site has that feed no longer", p.h.o.Now())
		}
	}
}

// verify asks the callback whether it wants what was asked for (WebSub §5.3), or tells it
// that it is denied (§5.2).
func (p *pass) verify(ctx context.Context, s Subscription) (func(*Subscription), error) {
	challenge := rand.Text() // 130 bits, and never used again
	v := url.Values{"hub.mode": {s.Mode}, "hub.topic": {s.Topic}}
	switch s.Mode {
	case denied:
		v.Set("hub.reason", s.Reason)
	case subscribe:
		v.Set("hub.lease_seconds", strconv.FormatInt(int64(s.Lease/time.Second), 10))
		fallthrough
	default:
		v.Set("hub.challenge", challenge)
	}
	req, err := http.NewRequest(http.MethodGet, withQuery(s.Callback, v), nil)
	if err != nil {
		return func(now *Subscription) { unverified(now, s.Serial, false, p.h.o.Now()) }, nil
	}
	code, body, err := p.call(ctx, s.Host, req)
	now := p.h.o.Now()
	if s.Mode == denied {
		return func(x *Subscription) { unverified(x, s.Serial, false, now) }, nil
	}
	if err == nil && code/100 == 2 && string(body) == challenge {
		return func(x *Subscription) { verified(x, s.Serial, now) }, nil
	}
	again := err != nil || code/100 == 5 || code == http.StatusTooManyRequests
	return func(x *Subscription) { unverified(x, s.Serial, again, now) }, nil
}

// distribute sends the document as it is now (WebSub §7).
func (p *pass) distribute(ctx context.Context, s Subscription) (func(*Subscription), error) {
	d := p.document(ctx, s.Topic)
	if d.err != nil {
		return func(x *Subscription) { failed(x, s.Changed, "the feed could not be made", p.h.o.Now()) },
			fmt.Errorf("make %s for its subscribers: %w", s.Topic, d.err)
	}
	if d.digest == s.Digest { // what has changed does not show
		return func(x *Subscription) { sent(x, s.Changed, d.digest, p.h.o.Now()) }, nil
	}
	req, err := http.NewRequest(http.MethodPost, s.Callback, bytes.NewReader(d.body))
	if err != nil {
		return ended, nil
	}
	req.Header.Set("Content-Type", d.mediaType)
	req.Header.Set("Link", "<"+p.h.o.URL+`>; rel="hub", <`+s.Topic+`>; rel="self"`)
	if s.Secret != "" {
		req.Header.Set("X-Hub-Signature", signature(s.Secret, d.body))
	}
	code, _, err := p.call(ctx, s.Host, req)
	now := p.h.o.Now()
	switch {
	case code/100 == 2: // whatever became of the body, which is to be ignored
		return func(x *Subscription) { sent(x, s.Changed, d.digest, now) }, nil
	case code == http.StatusGone:
		return ended, nil
	case err != nil:
		return func(x *Subscription) { failed(x, s.Changed, "no answer: "+err.Error(), now) }, nil
	}
	why := fmt.Sprintf("answered with %d %s", code, http.StatusText(code))
	return func(x *Subscription) { failed(x, s.Changed, why, now) }, nil
}

// call asks a callback, unless its host has let us wait for enough others.
func (p *pass) call(ctx context.Context, host string, req *http.Request) (code int, body []byte, err error) {
	p.mu.Lock()
	silent := p.silent[host] >= silentCalls
	p.mu.Unlock()
	if silent {
		return 0, nil, errors.New("others of its host gave none a moment ago")
	}
	ctx, cancel := context.WithTimeout(ctx, p.h.o.Timeout)
	defer cancel()
	req.Header.Set("User-Agent", cmp.Or(p.h.o.UserAgent, "Orrery"))
	code, body, err = ask(p.h.o.Do, req.WithContext(ctx))
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		p.mu.Lock()
		p.silent[host]++
		p.mu.Unlock()
	}
	return code, body, err
}

// document is made once a pass.
func (p *pass) document(ctx context.Context, topic string) document {
	p.mu.Lock()
	get := p.documents[topic]
	if get == nil {
		get = sync.OnceValue(func() (d document) {
			d.body, d.mediaType, d.err = p.h.o.Content(ctx, topic)
			sum := sha256.Sum256(d.body)
			d.digest = hex.EncodeToString(sum[:])
			return d
		})
		p.documents[topic] = get
	}
	p.mu.Unlock()
	return get()
}
