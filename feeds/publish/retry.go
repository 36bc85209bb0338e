package publish

import (
	"errors"
	"math/rand/v2"
	"time"
)

const (
	firstRetry = 30 * time.Second
	lastRetry  = 6 * time.Hour
	giveUp     = 7 * 24 * time.Hour
	// leastTries are made before anything is given up: a process that was down for a
	// week has not tried for a week.
	leastTries = 10
)

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

// retryAt is when to try again; the listener may ask for more time, within reason.
func retryAt(now time.Time, tries int, failure error) time.Time {
	retry := now.Add(backoff(tries, rand.Float64()))
	var asked interface{ RetryAt() time.Time }
	if errors.As(failure, &asked) {
		if at := asked.RetryAt(); at.After(retry) {
			retry = at
		}
	}
	if last := now.Add(lastRetry); retry.After(last) {
		return last
	}
	return retry
}
