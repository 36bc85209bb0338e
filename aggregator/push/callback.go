package push

import (
	"crypto/hmac"
	"crypto/sha1" // old hubs sign with nothing else; see Options.AllowSHA1
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxChallenge bounds what is sent back to a hub, in bytes.
const maxChallenge = 4 << 10

// ServeHTTP takes the calls of hubs: GET asks whether we want a subscription, or denies
// it, POST says that a source has something new. What is not called for gets 404 and 410.
func (p *Subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	code, challenge := http.StatusMethodNotAllowed, ""
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	var err error
	switch r.Method {
	case http.MethodGet:
		code, challenge, err = p.verify(r, id)
	case http.MethodPost:
		code, err = p.take(w, r, id)
	default:
		w.Header().Set("Allow", "GET, POST")
	}
	if err != nil {
		code, challenge = http.StatusInternalServerError, ""
		if r.Context().Err() == nil {
			p.o.Log(fmt.Errorf("take the call of a hub: %w", err))
		}
	}
	if challenge != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8") // it is anybody's text
	}
	w.WriteHeader(code)
	_, _ = io.WriteString(w, challenge)
}

// verify answers a verification of intent (WebSub §5.3) and takes a denial (§5.2).
func (p *Subscriber) verify(r *http.Request, id string) (code int, challenge string, err error) {
	if !isID(id) {
		return http.StatusNotFound, "", nil
	}
	s, ok, err := p.o.Store.ByID(r.Context(), id)
	if err != nil {
		return 0, "", err
	}
	q := r.URL.Query()
	for range saves {
		answer := verdict(&s, id, q, p.o.Lease, p.o.Now())
		if !ok || answer == no {
			return http.StatusNotFound, "", nil
		}
		if answer != again {
			schedule(&s)
			saved, err := p.o.Store.Save(r.Context(), s)
			if err != nil {
				return 0, "", err
			}
			if !saved {
				if s, ok, err = p.o.Store.ByID(r.Context(), id); err != nil {
					return 0, "", err
				}
				continue
			}
		}
		if answer == bye {
			return http.StatusOK, "", nil
		}
		return http.StatusOK, q.Get("hub.challenge"), nil
	}
	return 0, "", errConflict
}

// The verdicts on what a hub says to a callback.
const (
	no    = iota // that was not asked for
	yes          // it was
	again        // it was, and we have said so before: our answer may have been lost
	bye          // it will not call
)

// verdict decides, and notes it in s: of what hubs ask, only what we have asked them for
// is answered, since anybody may have asked them in our name (WebSub §5.3, §8.1).
func verdict(s *Subscription, id string, q url.Values, asked time.Duration, now time.Time) int {
	challenge := q.Get("hub.challenge")
	mode, topic := q.Get("hub.mode"), q.Get("hub.topic")
	pending := id == s.NewID && topic == s.NewTopic
	known := id == s.ID && topic == s.OfTopic
	switch {
	case mode == "denied" && (pending || known):
		denied(s, id, sentence(q.Get("hub.reason")), now)
		return bye
	case mode != "subscribe" || challenge == "" || len(challenge) > maxChallenge:
		return no
	case pending:
		verified(s, readLease(q.Get("hub.lease_seconds"), asked), now)
		return yes
	case known && Active(*s, now):
		return again
	}
	return no
}

// take takes a call (WebSub §7). What has no right signature is ignored, and nobody is
// told: who forges learns nothing (§7.1.2).
func (p *Subscriber) take(w http.ResponseWriter, r *http.Request, id string) (code int, err error) {
	if !isID(id) {
		return http.StatusGone, nil
	}
	s, ok, err := p.o.Store.ByID(r.Context(), id)
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return http.StatusGone, nil // §7: the hub may forget us there
	case id != s.ID:
		return http.StatusAccepted, nil // it did not wait to be told that we want it
	}
	if s.Secret != "" {
		body := http.MaxBytesReader(w, r.Body, p.o.MaxBody)
		genuine, err := checkSignature(r.Header.Get("X-Hub-Signature"), s.Secret, body, p.o.AllowSHA1)
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			return http.StatusRequestEntityTooLarge, nil
		case err != nil:
			return http.StatusBadRequest, nil
		case !genuine:
			return http.StatusAccepted, nil
		}
	}
	now, news := p.o.Now(), false
	probe := s
	if !called(&probe, now) {
		return http.StatusAccepted, nil // it is to be visited anyway: a flood writes nothing
	}
	stored, err := p.change(r.Context(), s, func(x *Subscription) { news = id == x.ID && called(x, now) })
	if err != nil {
		return 0, err
	}
	if news && !stored.Look.After(now) {
		p.nudge()
	}
	return http.StatusAccepted, nil
}

// checkSignature compares an X-Hub-Signature, method=hexadecimal, with the HMAC of the
// body's bytes (WebSub §7.1.1), in a time that tells nothing. An error is the body's.
func checkSignature(header, secret string, body io.Reader, sha1too bool) (bool, error) {
	method, digits, ok := strings.Cut(header, "=")
	var newHash func() hash.Hash
	switch strings.ToLower(strings.TrimSpace(method)) {
	case "sha256":
		newHash = sha256.New
	case "sha384":
		newHash = sha512.New384
	case "sha512":
		newHash = sha512.New
	case "sha1":
		if sha1too {
			newHash = sha1.New
		}
	}
	if !ok || newHash == nil {
		return false, nil
	}
	want, err := hex.DecodeString(strings.TrimSpace(digits))
	if err != nil {
		return false, nil
	}
	mac := hmac.New(newHash, []byte(secret))
	if _, err := io.Copy(mac, body); err != nil {
		return false, err
	}
	return hmac.Equal(mac.Sum(nil), want), nil
}
