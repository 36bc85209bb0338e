package fetch

import (
	"net/http"
	"testing"
	"time"
)

// headers makes a header of names and values in turn.
func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestRetryAfterIsReadAndBounded(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name   string
		header http.Header
		want   time.Duration // 0: nothing was asked
	}{
		{"absent", headers(), 0},
		{"seconds", headers("Retry-After", "120"), 2 * time.Minute},
		{"seconds with spaces", headers("Retry-After", "  120 "), 2 * time.Minute},
		{"none", headers("Retry-After", "0"), 0},
		{"negative", headers("Retry-After", "-5"), 0},
		{"signed", headers("Retry-After", "+5"), 0},
		{"fraction", headers("Retry-After", "1.5"), 0},
		{"exponent", headers("Retry-After", "1e9"), 0},
		{"words", headers("Retry-After", "soon"), 0},
		{"a unit", headers("Retry-After", "120s"), 0},
		{"eight days", headers("Retry-After", "691200"), MaxRetryAfter},
		{"more than 64 bits", headers("Retry-After", "99999999999999999999999"), MaxRetryAfter},
		{"date", headers("Retry-After", "Sun, 01 Mar 2026 13:00:00 GMT"), time.Hour},
		{"RFC 850 date", headers("Retry-After", "Sunday, 01-Mar-26 13:00:00 GMT"), time.Hour},
		{"asctime date", headers("Retry-After", "Sun Mar  1 13:00:00 2026"), time.Hour},
		{"date by the server's clock", headers("Retry-After", "Sat, 01 Mar 2025 13:00:00 GMT", "Date", "Sat, 01 Mar 2025 12:30:00 GMT"), 30 * time.Minute},
		{"past date", headers("Retry-After", "Sun, 01 Mar 2026 11:00:00 GMT"), 0},
		{"far date", headers("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"), MaxRetryAfter},
		{"half a date", headers("Retry-After", "Sun, 01 Mar"), 0},
	}
	for _, tt := range tests {
		got := retryAfter(tt.header, now)
		if tt.want == 0 && !got.IsZero() || tt.want != 0 && !got.Equal(now.Add(tt.want)) {
			t.Errorf("%s: got %v, want now + %v", tt.name, got, tt.want)
		}
	}
}

func TestFreshnessIsTheShortestPromise(t *testing.T) {
	const date = "Sun, 01 Mar 2026 12:00:00 GMT"
	now := time.Date(2026, 3, 1, 12, 10, 0, 0, time.UTC)
	tests := []struct {
		name   string
		header http.Header
		want   time.Duration
	}{
		{"nothing said", headers("Date", date), 0},
		{"max-age", headers("Cache-Control", "max-age=3600"), time.Hour},
		{"in capitals and quotes", headers("Cache-Control", `public, MAX-AGE = "60"`), time.Minute},
		{"less Age", headers("Cache-Control", "max-age=3600", "Age", "600"), 50 * time.Minute},
		{"older than its age", headers("Cache-Control", "max-age=60", "Age", "600"), 0},
		{"unreadable Age", headers("Cache-Control", "max-age=60", "Age", "-7"), time.Minute},
		{"two max-ages", headers("Cache-Control", "max-age=3600, max-age=60"), time.Minute},
		{"two headers", headers("Cache-Control", "max-age=60", "Cache-Control", "max-age=3600"), time.Minute},
		{"one cannot be read", headers("Cache-Control", "max-age=60, max-age=abc"), 0},
		{"cannot be read", headers("Cache-Control", "max-age=abc"), 0},
		{"negative", headers("Cache-Control", "max-age=-1"), 0},
		{"empty", headers("Cache-Control", "max-age"), 0},
		{"a year stays a year", headers("Cache-Control", "max-age=31536000"), 365 * 24 * time.Hour},
		{"more than 64 bits", headers("Cache-Control", "max-age=99999999999999999999"), 1 << 31 * time.Second},
		{"no-cache", headers("Cache-Control", "no-cache, max-age=3600"), 0},
		{"no-store", headers("Cache-Control", "max-age=3600, no-store"), 0},
		{"no-cache before Expires", headers("Cache-Control", "no-cache", "Expires", "Sun, 01 Mar 2026 13:00:00 GMT", "Date", date), 0},
		{"no-cache for one field", headers("Cache-Control", `no-cache="Set-Cookie", max-age=60`), 0},
		{"in quotes of another", headers("Cache-Control", `ext="a, max-age=1, b", max-age=60`), time.Minute},
		{"shared caches only", headers("Cache-Control", "s-maxage=3600"), 0},
		{"shared caches longer", headers("Cache-Control", "s-maxage=3600, max-age=60"), time.Minute},
		{"Expires less Date", headers("Expires", "Sun, 01 Mar 2026 13:00:00 GMT", "Date", date), time.Hour},
		{"Expires less Age", headers("Expires", "Sun, 01 Mar 2026 13:00:00 GMT", "Date", date, "Age", "60"), 59 * time.Minute},
		{"Expires without Date", headers("Expires", "Sun, 01 Mar 2026 13:00:00 GMT"), 50 * time.Minute},
		{"max-age before Expires", headers("Cache-Control", "max-age=60", "Expires", "Sun, 01 Mar 2026 13:00:00 GMT", "Date", date), time.Minute},
		{"unreadable max-age before Expires", headers("Cache-Control", "max-age=x", "Expires", "Sun, 01 Mar 2026 13:00:00 GMT", "Date", date), 0},
		{"Expires 0", headers("Expires", "0", "Date", date), 0},
		{"Expires -1", headers("Expires", "-1", "Date", date), 0},
		{"Expires in the past", headers("Expires", "Thu, 01 Jan 1970 00:00:00 GMT", "Date", date), 0},
		{"two Expires", headers("Expires", "Sun, 01 Mar 2026 13:00:00 GMT", "Expires", "Sun, 01 Mar 2026 12:30:00 GMT", "Date", date), 30 * time.Minute},
		{"Expires in asctime", headers("Expires", "Sun Mar  1 13:00:00 2026", "Date", date), time.Hour},
	}
	for _, tt := range tests {
		if got := freshness(tt.header, now); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
