package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"orrery/feeds"
)

// MaxRetryAfter is the longest a server's wish to be left alone is kept
// (fetching.md 21): a mistyped number must not lose a source for ever.
const MaxRetryAfter = feeds.MaxRest

// retryAfter is the time the server asked to be left alone until, at most
// MaxRetryAfter from now; zero if it said nothing that can be read or lies ahead.
func retryAfter(h http.Header, now time.Time) time.Time {
	value := strings.TrimSpace(h.Get("Retry-After"))
	wait, ok := deltaSeconds(value)
	if !ok {
		at, err := http.ParseTime(value)
		if err != nil {
			return time.Time{}
		}
		// By the server's own clock, which may be wrong (fetching.md 16).
		wait = at.Sub(serverTime(h, now))
	}
	if wait <= 0 {
		return time.Time{}
	}
	return now.Add(min(wait, MaxRetryAfter))
}

// serverTime is the time the server says it is, else now.
func serverTime(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}

// deltaSeconds reads RFC 9110 §10.2.3 delay-seconds and RFC 9111 §1.2.2
// delta-seconds: digits and nothing else, however many.
func deltaSeconds(s string) (time.Duration, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > 1<<31 {
		n = 1 << 31 // what RFC 9111 §1.2.2 says an overflow means
	}
	return time.Duration(n) * time.Second, true
}

// freshness is how long the answer stays fresh (RFC 9111 §4.2): max-age, else
// Expires − Date, less the time it spent in caches; 0 when it must be asked for
// anew, or what it says cannot be read (fetching.md 12–14). s-maxage is not for
// us: we are no shared cache. no-store is read as no-cache: entries are kept, that is what
// a feed is for, and so are the validators, as every reader does.
func freshness(h http.Header, now time.Time) time.Duration {
	lifetime, said, forbidden := maxAge(h)
	if forbidden {
		return 0
	}
	if !said {
		lifetime = expires(h, now)
	}
	if age, ok := deltaSeconds(strings.TrimSpace(h.Get("Age"))); ok {
		lifetime -= age
	}
	return max(lifetime, 0)
}

// maxAge reads Cache-Control. Of several values the shortest counts, and one
// that cannot be read is stale (RFC 9111 §4.2.1).
func maxAge(h http.Header) (lifetime time.Duration, said, forbidden bool) {
	for _, directive := range cacheDirectives(h) {
		name, value, _ := strings.Cut(directive, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "no-cache", "no-store": // with a list of fields, too: asking costs one 304
			return 0, false, true
		case "max-age":
			d, _ := deltaSeconds(strings.Trim(strings.TrimSpace(value), `"`))
			if !said || d < lifetime {
				lifetime = d
			}
			said = true
		}
	}
	return lifetime, said, false
}

// cacheDirectives splits Cache-Control at the commas outside quotes.
func cacheDirectives(h http.Header) []string {
	var list []string
	for _, line := range h.Values("Cache-Control") {
		start, quoted := 0, false
		for i := range len(line) {
			switch {
			case line[i] == '"':
				quoted = !quoted
			case line[i] == ',' && !quoted:
				list = append(list, line[start:i])
				start = i + 1
			}
		}
		list = append(list, line[start:])
	}
	return list
}

// expires is Expires − Date, the shortest of several; 0 without, and for what is
// no date, such as the common "0" and "-1" (RFC 9111 §5.3).
func expires(h http.Header, now time.Time) time.Duration {
	var lifetime time.Duration
	for i, value := range h.Values("Expires") {
		at, err := http.ParseTime(value)
		if err != nil {
			return 0
		}
		if d := at.Sub(serverTime(h, now)); i == 0 || d < lifetime {
			lifetime = d
		}
	}
	return lifetime
}
