// Package websub tells the web of changed feeds, as WebSub (W3C Recommendation of 23
// January 2018) has it: a Pinger tells somebody else's hub, which tells its subscribers;
// a Hub is a small one of our own, for our own feeds only.
package websub

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"orrery/feeds"
)

// Item is what a listener is told (publish.Item).
type Item = feeds.Item

// Subscription is what the hub knows of a callback and a topic.
type Subscription = feeds.HubSubscription

// Store keeps subscriptions, for any number of processes.
type Store interface {
	// Get returns the subscription of the key.
	Get(ctx context.Context, topic, callback string) (s Subscription, ok bool, err error)
	// Save stores s whole if what is stored has the same Rev, and Rev one higher; with
	// Rev 0 if there is none of the key. Else it stores nothing and says false.
	Save(ctx context.Context, s Subscription) (saved bool, err error)
	// Remove deletes s if what is stored has the same Rev, else it says false.
	Remove(ctx context.Context, s Subscription) (removed bool, err error)
	// Count counts the subscriptions with the Host, and all.
	Count(ctx context.Context, host string) (ofHost, all int, err error)
	// Changed raises Changed and Rev of every subscription to the topics and makes its
	// Next the earlier of what it is and the later of now and NotBefore, all or none.
	Changed(ctx context.Context, topics []string, now time.Time) error
	// Claim returns at most n subscriptions whose Next and Held are not after now, the
	// longest due first, with Held set to until and Rev raised, in the store as well: of
	// two that call at once only one gets each.
	Claim(ctx context.Context, now time.Time, n int, until time.Time) ([]Subscription, error)
}

// signature is the X-Hub-Signature of a body (WebSub §7.1.1), of the methods the one
// that every subscriber knows and nobody can forge.
func signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// maxAnswer is how much of an answer is read, in bytes: a challenge and no more, or so
// much that the connection can be used again.
const maxAnswer = 16 << 10

// ask makes one request. The error quotes no address: a callback is a secret.
func ask(do func(*http.Request) (*http.Response, error), req *http.Request) (code int, body []byte, err error) {
	answer, err := do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return answer.StatusCode, body, err
}
