package feeds

import (
	"math"
	"strings"
	"testing"
	"time"
)

// november is the noon of a day of November 2026 or later, from 0 on.
func november(n int) time.Time { return time.Date(2026, 11, 1+n, 12, 0, 0, 0, time.UTC) }

// daysText are the days as one text.
func daysText(h Health, today time.Time) string {
	var b strings.Builder
	for _, d := range h.Days(today) {
		b.WriteByte(byte(d))
	}
	return b.String()
}

// wantDays fails the test unless the last of the days are these, and those before unvisited.
func wantDays(t *testing.T, h Health, today time.Time, want string) {
	t.Helper()
	want = strings.Repeat("-", HealthDays-len(want)) + want
	if got := daysText(h, today); got != want {
		t.Errorf("%q on %s: %s, want %s", h, today.Format(time.DateOnly), got, want)
	}
}

func TestHealthTellsOfEachDayWhetherItsVisitsWentWell(t *testing.T) {
	var h Health
	for _, v := range []struct {
		day int
		ok  bool
	}{{0, true}, {0, true}, {1, true}, {1, false}, {2, false}, {2, true}, {2, true}, {3, false}, {3, false}, {5, true}} {
		h = h.Visit(november(v.day), v.ok)
	}
	if h != "20763 gmmf-g" {
		t.Errorf("it is %q", h)
	}
	wantDays(t, h, november(5), "gmmf-g")
	wantDays(t, h, november(7), "gmmf-g--")
	wantDays(t, h, november(4), "gmmf-") // by a clock that is behind
	wantDays(t, h, november(5+HealthDays-1), "g"+strings.Repeat("-", HealthDays-1))
	wantDays(t, h, november(5+HealthDays), "")
	wantDays(t, "", november(5), "")
}

func TestHealthIsOfThirtyDaysWhateverComes(t *testing.T) {
	var h Health
	for n := range 100 {
		h = h.Visit(november(n), n%2 == 0)
	}
	wantDays(t, h, november(99), strings.Repeat("gf", HealthDays/2))
	h = h.Visit(november(99+HealthDays-1), true)
	wantDays(t, h, november(99+HealthDays-1), "f"+strings.Repeat("-", HealthDays-2)+"g")
	h = h.Visit(november(1000), false)
	wantDays(t, h, november(1000), "f")
	if len(h) > 8 {
		t.Errorf("it remembers more than it tells: %q", h)
	}
}

func TestHealthForgetsDaysOfAClockThatWasWrong(t *testing.T) {
	h := Health("").Visit(november(0), false).Visit(november(1), true).Visit(november(900), true)
	wantDays(t, h.Visit(november(2), true), november(2), "g")
	h = Health("").Visit(november(0), false).Visit(november(1), true).Visit(november(2), true)
	wantDays(t, h.Visit(november(1), false), november(2), "fm-")
}

func TestDayOfAVisitIsThatOfUTC(t *testing.T) {
	for _, at := range []string{"1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2026-11-30T23:59:59-01:00", "0001-01-01T00:00:00Z"} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		h := Health("").Visit(moment, true)
		utc := moment.UTC().Truncate(24 * time.Hour)
		wantDays(t, h, utc, "g")
		wantDays(t, h, utc.Add(24*time.Hour-1), "g")
		wantDays(t, h, utc.Add(-1), "")
		wantDays(t, h, utc.Add(24*time.Hour), "g-")
	}
}

func TestHealthThatNobodyWroteTellsNothing(t *testing.T) {
	for _, h := range []Health{"", " ", "-", "x gg", "20763", "20763 ", "20763 xäz\x00\xff", "99999999999 gg", "9223372036854775807 gg", "-9223372036854775808 gg", "2147483647 gg", "ggg 20763"} {
		wantDays(t, h, november(5), "")
		wantDays(t, h.Visit(november(5), true), november(5), "g")
	}
	wantDays(t, "20763 "+Health(strings.Repeat("g", 1000)), november(5), strings.Repeat("g", HealthDays))
	wantDays(t, "20763 fXgm", november(5), "f-gm")
}

// A text from the store may be anything; nothing may be read out of it, nor panic.
func FuzzHealth(f *testing.F) {
	for _, h := range []string{"", "20763 gmmf-g", "x", "2147483647 g", "-1 ggg"} {
		f.Add(h, int64(1793836800), true)
	}
	f.Add("5 g", int64(math.MaxInt64), true)
	f.Add("5 g", int64(math.MinInt64), false)
	f.Fuzz(func(t *testing.T, text string, at int64, ok bool) {
		h, moment := Health(text), time.Unix(at%(1<<46), 0)
		before := daysText(h, moment)
		h = h.Visit(moment, ok)
		after := daysText(h, moment)
		if strings.Trim(before+after, "-gmf") != "" || before[:HealthDays-1] != after[:HealthDays-1] || after[HealthDays-1] == '-' {
			t.Errorf("%q at %d: %s became %s", text, at, before, after)
		}
		if len(h) > HealthDays+15 {
			t.Errorf("%q grows: %q", text, h)
		}
	})
}
