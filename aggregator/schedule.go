package aggregator

import (
	"hash/fnv"
	"strconv"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// backoffFloor is the first wait after a failure where the configuration allows
// visits at any time.
const backoffFloor = time.Minute

// busyFloor is the first wait after a server said that it is asked too often
// without saying how long to wait (fetching.md 22).
const busyFloor = time.Hour

// next is when to come back to a source: after its interval, later when the
// server or the feed asks for it, later and later while it fails (fetching.md
// 12, 21, 26). A folder is due whenever somebody looks.
func next(now time.Time, s *feeds.Source, r *fetch.Response, err error, in Intervals) time.Time {
	if s.Local() {
		return now.Add(s.Every)
	}
	wait := max(in.Min, s.Every)
	ceiling := max(in.Max, wait)
	if err == nil {
		hint := r.MaxAge
		if r.Feed != nil {
			hint = max(hint, r.Feed.TTL)
		}
		wait = max(wait, min(hint, ceiling)) // fetching.md 15: max-age of a year must not freeze a feed
	} else {
		wait = max(wait, backoffFloor)
		if hasStatus(err, 429) {
			wait = max(wait, busyFloor)
		}
		ceiling = max(ceiling, wait)
		for range min(s.State.Failures, 20) {
			wait = min(2*wait, ceiling)
		}
	}
	t := now.Add(wait + jitter(wait, s.URL, now))
	if r.RetryAfter.After(t) {
		return r.RetryAfter
	}
	return t
}

// jitter spreads visits over a tenth of the wait (fetching.md 19). It is drawn
// from the source and the time, so that deciding stays a function.
func jitter(wait time.Duration, source string, now time.Time) time.Duration {
	if wait <= 0 {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(source + strconv.FormatInt(now.UnixNano(), 36)))
	return time.Duration(float64(wait) / 10 * float64(h.Sum32()%1000) / 1000)
}
