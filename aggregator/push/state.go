package push

import (
	"crypto/rand"
	mrand "math/rand/v2"
	"strconv"
	"time"
)

const (
	leaseAsked = 10 * 24 * time.Hour // what WebSub §5.1 recommends
	leaseMost  = 90 * 24 * time.Hour
	// renewLeast is the time between two renewals, whatever lease a hub gives.
	renewLeast = 5 * time.Minute
	// patience is how long a hub has to verify what it was asked for (WebSub §5.3).
	patience   = 10 * time.Minute
	firstRetry = 5 * time.Minute
	lastRetry  = 24 * time.Hour
	// lookApart is the time between two visits that hubs ask for.
	lookApart = time.Minute
)

// What becomes of a subscription is decided here, without a clock or a network.

// Active says that a hub calls when the source has something new.
func Active(s Subscription, now time.Time) bool { return s.ID != "" && s.Expires.After(now) }

// found notes what the source names now. The subscription it has lasts until the new one
// is verified; without a hub, it is to be deleted.
func found(s *Subscription, hub, topic string, now time.Time) {
	s.Hub, s.Topic = hub, topic
	s.NewID, s.NewSecret, s.NewTopic = "", "", ""
	s.Tries, s.Error = 0, ""
	// A feed that names another hub each time makes us call none more often.
	if s.Renew = now; !s.Asked.IsZero() && s.Asked.Add(renewLeast).After(now) {
		s.Renew = s.Asked.Add(renewLeast)
	}
	schedule(s)
}

// ask begins to ask for a subscription, if it is time, with a callback and a secret that
// were never used (WebSub §6.1), and says so. One that was not verified in time has
// failed.
func ask(s *Subscription, id, secret string, now time.Time) bool {
	switch {
	case s.Renew.After(now):
		return false
	case s.NewID != "":
		refused(s, "the hub took the request and never asked whether it came from us", now)
		return false
	}
	s.NewID, s.NewSecret, s.NewTopic = id, "", s.Topic
	if u, ok := address(s.Hub); ok && u.Scheme == "https" {
		s.NewSecret = secret // WebSub §5.1: only when the request is made over https
	}
	s.Asked, s.Renew = now, now.Add(patience)
	return true
}

// refused notes that what was asked for will not come. What was verified before lasts.
func refused(s *Subscription, why string, now time.Time) {
	s.NewID, s.NewSecret, s.NewTopic = "", "", ""
	s.Error, s.Renew = why, now.Add(backoff(s.Tries, mrand.Float64()))
	s.Tries++
}

// verified notes that the hub has asked, and that we said yes.
func verified(s *Subscription, lease time.Duration, now time.Time) {
	s.ID, s.Secret, s.OfTopic = s.NewID, s.NewSecret, s.NewTopic
	s.NewID, s.NewSecret, s.NewTopic = "", "", ""
	s.Tries, s.Error = 0, ""
	s.Expires = now.Add(lease)
	s.Renew = now.Add(max(lease/5*4, renewLeast))
}

// denied notes that the hub will not call, which it may say at any time (WebSub §5.2).
func denied(s *Subscription, id, reason string, now time.Time) {
	if id == s.ID {
		s.ID, s.Secret, s.OfTopic, s.Expires = "", "", "", time.Time{}
	}
	why := "the hub denies the subscription"
	if reason != "" {
		why += ": " + reason
	}
	refused(s, why, now)
	s.Renew = now.Add(lastRetry)
}

// called notes that the hub has called, and says whether that is news.
func called(s *Subscription, now time.Time) bool {
	if !s.Look.IsZero() {
		return false
	}
	if s.Look = now; s.Looked.Add(lookApart).After(now) {
		s.Look = s.Looked.Add(lookApart)
	}
	return true
}

// looked notes that the source is being visited.
func looked(s *Subscription, now time.Time) {
	if !s.Look.IsZero() {
		s.Look, s.Looked = time.Time{}, now
	}
}

// schedule computes Next.
func schedule(s *Subscription) {
	if s.Next = s.Renew; !s.Look.IsZero() && s.Look.Before(s.Next) {
		s.Next = s.Look
	}
}

// backoff is how long to wait after so many failures before this one: 5 minutes, doubled
// each time up to a day, and up to a quarter more. roll is in [0,1).
func backoff(tries int, roll float64) time.Duration {
	d := lastRetry
	if tries < 9 { // 5 min · 2⁹ is more than a day
		d = min(firstRetry<<max(tries, 0), lastRetry)
	}
	return min(d+time.Duration(roll*float64(d)/4), lastRetry)
}

// readLease is for how long the hub will call: its word counts, not what it was asked for
// (WebSub §5.3). One that says nothing gives what it was asked for.
func readLease(s string, asked time.Duration) time.Duration {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return asked
	}
	return time.Duration(min(n, int64(leaseMost/time.Second))) * time.Second
}

// newID is 130 bits that nobody can guess, fit for a path.
func newID() string { return rand.Text() }

// isID says that s may be one of ours.
func isID(s string) bool {
	for _, c := range s {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') { // RFC 4648 §6
			return false
		}
	}
	return len(s) >= 26 && len(s) <= 64
}
