package aggregator

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// Intervals are the bounds of the time between two visits to a remote source.
type Intervals struct {
	Min, Max time.Duration
}

const (
	// backoffFloor is the first wait after a failure where the configuration allows
	// visits at any time.
	backoffFloor = time.Minute
	// busyFloor is the first wait after a server said that it is asked too often
	// without saying how long to wait (fetching.md 22).
	busyFloor = feeds.MinRest
	// longFailing is the number of failures in a row after which a source is asked
	// longFailingWait times more rarely than Intervals.Max, but never forgotten
	// (fetching.md 26).
	longFailing     = 20
	longFailingWait = 7
	// tempoShare is how much of the time between its posts a source is left alone:
	// who writes once a week is asked every two hours (fetching.md 17).
	tempoShare = 100
)

// wait is a time to be left alone, and whose wish it is.
type wait struct {
	time.Duration
	why string
}

func (w *wait) atLeast(d time.Duration, why string) {
	if d > w.Duration {
		w.Duration, w.why = d, why
	}
}

// next is when to come back to a source, and why then: after its interval, later
// when the server or the feed asks for it, later and later while it fails
// (fetching.md 12, 18, 21, 26). A folder is due whenever somebody looks.
func next(now time.Time, s *feeds.Source, pace *feeds.Pace, r *fetch.Response, err error, in Intervals) (time.Time, string) {
	if s.Local() {
		return now.Add(s.Every), "a folder is read with every pass"
	}
	w := wait{in.Min, "fetch.min_interval is " + Span(in.Min)}
	w.atLeast(s.Every, "its every is "+Span(s.Every))
	ceiling, share := max(in.Max, w.Duration), time.Duration(10)
	w.hints(now, pace, ceiling)
	if err != nil { // who fails is not asked more often than when he is well
		w.fail(s.State.Failures, err, ceiling)
		share = 4
	}
	t := now.Add(w.Duration + jitter(w.Duration/share, s.URL, now))
	if r.RetryAfter.After(t) {
		t, w.why = r.RetryAfter, "the server asked to be left alone until then (Retry-After)"
	}
	if at := awake(t, pace); at.After(t) { // those of many feeds end together
		t, w.why = awake(at.Add(jitter(w.Duration/share, s.URL, now)), pace), "its feed asks not to be visited before (skipHours, skipDays)"
	}
	return t, w.why
}

// fail makes the wait longer with every failure in a row.
func (w *wait) fail(failures int, err error, ceiling time.Duration) {
	w.atLeast(backoffFloor, "nobody is asked again within "+Span(backoffFloor))
	if hasStatus(err, 429) {
		w.atLeast(busyFloor, "")
	}
	why := w.why
	ceiling = max(ceiling, w.Duration)
	if failures >= longFailing {
		ceiling *= longFailingWait
	}
	for range min(failures, longFailing+3) {
		w.Duration = min(2*w.Duration, ceiling)
	}
	switch w.why = fmt.Sprintf("it failed %d times in a row", failures+1); {
	case hasStatus(err, 429) && failures == 0:
		w.why = askedTooOften
	case hasStatus(err, 429):
		w.why = askedTooOften + ", and " + w.why
	case failures == 0:
		w.why = "it failed, and " + why
	}
}

const askedTooOften = "the server said that it is asked too often (429)"

// hints are what the server, the feed and its own tempo say. No hint may freeze a
// feed: a max-age of a year is a day (fetching.md 15).
func (w *wait) hints(now time.Time, p *feeds.Pace, ceiling time.Duration) {
	gap, why := p.Tempo, "it writes about every "+Span(p.Tempo)
	if idle := now.Sub(p.Newest); !p.Newest.IsZero() && idle > gap {
		gap, why = idle, "it has written nothing for "+Span(idle)
	}
	period, periodWhy := p.Period, "its feed says that it changes every "+Span(p.Period)+" (sy:updatePeriod)"
	// Months and years of the calendar are no such steps.
	if step := int64(p.Period / time.Second); step > 0 && p.Period <= 7*24*time.Hour && !p.Base.IsZero() {
		past := (now.Unix() - p.Base.Unix()) % step // the difference of times may be more than a Duration holds
		period = time.Duration(step-(past+step)%step) * time.Second
		periodWhy += ", the next time at " + now.Add(period).UTC().Format("15:04") + " GMT (sy:updateBase)"
	}
	for _, h := range []wait{
		{gap / tempoShare, why},
		{p.MaxAge, "its answers stay fresh for " + Span(p.MaxAge) + " (Cache-Control, Expires)"},
		{p.TTL, "its feed may be kept for " + Span(p.TTL) + " (ttl)"},
		{period, periodWhy},
	} {
		if h.Duration > ceiling {
			h = wait{ceiling, "fetch.max_interval is " + Span(ceiling)}
		}
		w.atLeast(h.Duration, h.why)
	}
}

// awake is t, or the end of the hours and days in which the feed asks not to be
// visited. A feed that names them all names none (fetching.md 18).
func awake(t time.Time, p *feeds.Pace) time.Time {
	if len(p.SkipHours) >= 24 || len(p.SkipDays) >= 7 || len(p.SkipHours)+len(p.SkipDays) == 0 {
		return t
	}
	at := t.UTC()
	for range 24 * 8 {
		switch {
		case slices.Contains(p.SkipDays, at.Weekday()):
			at = at.Truncate(24 * time.Hour).Add(24 * time.Hour)
		case slices.Contains(p.SkipHours, at.Hour()):
			at = at.Truncate(time.Hour).Add(time.Hour)
		default:
			return at
		}
	}
	return t
}

// jitter is up to most, so that sources that were visited together are not for
// ever (fetching.md 19). It is drawn from the source and the time, so that deciding
// stays a function.
func jitter(most time.Duration, source string, now time.Time) time.Duration {
	if most <= 0 {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(source + strconv.FormatInt(now.UnixNano(), 36)))
	return time.Duration(float64(most) * float64(h.Sum32()%1000) / 1000)
}

// Span is d for people: 90s, 40m, 2h, 3d.
func Span(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d >= 2*u.unit || d >= u.unit && d%u.unit == 0 {
			return strconv.Itoa(int((d+u.unit/2)/u.unit)) + u.name
		}
	}
	return strconv.Itoa(int(d/time.Second)) + "s"
}
