package websub

import (
	"math/rand/v2"
	"time"
)

const (
	// apart is the time between two requests to one callback.
	apart = 10 * time.Second
	// mostAsks is how often the intent of a subscriber who does not answer is verified.
	mostAsks = 3
	// mostTries is how often one state of a topic is delivered; then the next change is
	// waited for (WebSub §7: the subscription is kept).
	mostTries  = 12
	firstRetry = 30 * time.Second
	lastRetry  = 6 * time.Hour
)

// What becomes of a subscription is decided here, without a clock or a network. Each
// function is told what was true when the work began, since more may have been asked for,
// or have changed, while it was done.

// asked notes what somebody wants; the active subscription stays as it is until that is
// verified (WebSub §5.1).
func asked(s *Subscription, r request, reason string, now time.Time) {
	s.Topic, s.Callback, s.Host = r.topic, r.callback, r.host
	s.Mode, s.NewSecret, s.Lease, s.Reason = r.mode, r.secret, r.lease, reason
	s.Serial++
	s.Asks, s.AskNext = 0, latest(now, s.Called.Add(apart))
	if s.NotBefore.IsZero() {
		s.NotBefore = now
	}
}

// verified notes that the subscriber wants what was asked for. What is owed to one whose
// subscription goes on is still owed.
func verified(s *Subscription, serial int64, now time.Time) {
	if s.Called = now; s.Serial != serial {
		s.AskNext = latest(s.AskNext, now.Add(apart)) // they have asked for something else meanwhile
		return
	}
	if s.Mode == subscribe {
		if !active(s, now) {
			s.Told, s.Digest, s.Tries, s.Error = s.Changed, "", 0, ""
			s.NotBefore = now
		}
		s.Secret, s.Expires = s.NewSecret, now.Add(s.Lease)
	} else {
		s.Expires = time.Time{}
	}
	forget(s)
}

// unverified notes that a verification failed; again, that it may succeed another time.
func unverified(s *Subscription, serial int64, again bool, now time.Time) {
	if s.Called = now; s.Serial != serial {
		s.AskNext = latest(s.AskNext, now.Add(apart))
		return
	}
	if s.Asks++; !again || s.Asks >= mostAsks {
		forget(s)
		return
	}
	s.AskNext = now.Add(backoff(s.Asks-1, rand.Float64()))
}

// forget drops what was asked for.
func forget(s *Subscription) { s.Mode, s.NewSecret, s.Lease, s.Reason, s.Asks = "", "", 0, "", 0 }

// sent notes that the subscriber has the topic as it was after so many changes.
func sent(s *Subscription, changed int64, digest string, now time.Time) {
	s.Called, s.NotBefore = now, now.Add(apart)
	s.Told, s.Digest, s.Tries, s.Error = max(s.Told, changed), digest, 0, ""
}

// failed notes that they do not have it. They stay subscribed (WebSub §7).
func failed(s *Subscription, changed int64, why string, now time.Time) {
	s.Called, s.Error = now, why
	s.NotBefore = now.Add(backoff(s.Tries, rand.Float64()))
	if s.Tries++; s.Tries >= mostTries {
		s.Tries, s.Told = 0, max(s.Told, changed)
	}
}

// ended takes the subscription away without a word, as its subscriber wishes (WebSub §7:
// 410).
func ended(s *Subscription) { s.Expires = time.Time{} }

// active says that the subscriber is to be told.
func active(s *Subscription, now time.Time) bool { return s.Expires.After(now) }

// owes says that there is something to tell.
func owes(s *Subscription, now time.Time) bool { return active(s, now) && s.Changed > s.Told }

// settle computes Next and lets go of s; false: there is nothing left of it to keep.
func settle(s *Subscription, now time.Time) bool {
	s.Held = time.Time{}
	return schedule(s, now)
}

// schedule computes Next; false: there is nothing left of s to keep.
func schedule(s *Subscription, now time.Time) bool {
	switch {
	case active(s, now):
		s.Next = s.Expires
		if owes(s, now) && s.NotBefore.Before(s.Next) {
			s.Next = s.NotBefore
		}
		if s.Mode != "" && s.AskNext.Before(s.Next) {
			s.Next = s.AskNext
		}
		return true
	case s.Mode != "":
		s.Next = s.AskNext
		return true
	}
	return false
}

// backoff is how long to wait after so many failures before this one: 30 s, doubled each
// time up to 6 h, and up to a quarter more so that those who failed together do not come
// back together. roll is in [0,1).
func backoff(tries int, roll float64) time.Duration {
	d := lastRetry
	if tries < 10 { // 30 s · 2¹⁰ is more than 6 h
		d = min(firstRetry<<max(tries, 0), lastRetry)
	}
	return min(d+time.Duration(roll*float64(d)/4), lastRetry)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
