package aggregator

import (
	"fmt"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// within is true for a wait and up to a tenth more, or after a failure a quarter.
func within(got, wait time.Duration, err error) bool {
	more := wait / 10
	if err != nil {
		more = wait / 4
	}
	return got >= wait && got <= wait+more
}

// nextOf is next with the pace that the answer tells.
func nextOf(s *feeds.Source, r fetch.Response, err error, in Intervals) (time.Time, string) {
	pace := paceOf(epoch, s, &r, err)
	return next(epoch, s, &pace, &r, err, in)
}

// fetching.md 12, 15, 21, 22, 26.
func TestNextVisitIsWhenItShouldBe(t *testing.T) {
	in := Intervals{Min: 30 * time.Minute, Max: 24 * time.Hour}
	tooMany := &fetch.StatusError{Status: 429}
	for _, c := range []struct {
		name     string
		in       Intervals
		source   feeds.Source
		response fetch.Response
		err      error
		want     time.Duration // and up to a tenth more
	}{
		{"the interval", in, feeds.Source{}, fetch.Response{}, nil, 30 * time.Minute},
		{"the source's own interval", in, feeds.Source{Every: 2 * time.Hour}, fetch.Response{}, nil, 2 * time.Hour},
		{"an interval below the least", in, feeds.Source{Every: time.Minute}, fetch.Response{}, nil, 30 * time.Minute},
		{"no interval", Intervals{}, feeds.Source{}, fetch.Response{}, nil, 0},
		{"max-age", in, feeds.Source{}, fetch.Response{MaxAge: 3 * time.Hour}, nil, 3 * time.Hour},
		{"max-age below the interval", in, feeds.Source{}, fetch.Response{MaxAge: time.Minute}, nil, 30 * time.Minute},
		{"max-age of a year", in, feeds.Source{}, fetch.Response{MaxAge: 365 * 24 * time.Hour}, nil, 24 * time.Hour},
		{"ttl", in, feeds.Source{}, fetch.Response{Feed: &feeds.Feed{TTL: 2 * time.Hour}}, nil, 2 * time.Hour},
		{"ttl and max-age", in, feeds.Source{}, fetch.Response{MaxAge: time.Hour, Feed: &feeds.Feed{TTL: 2 * time.Hour}}, nil, 2 * time.Hour},
		{"rarer than the most", in, feeds.Source{Every: 72 * time.Hour}, fetch.Response{MaxAge: 96 * time.Hour}, nil, 72 * time.Hour},
		{"first failure", in, feeds.Source{}, fetch.Response{}, errTrouble, 30 * time.Minute},
		{"second failure", in, feeds.Source{State: feeds.State{Failures: 1}}, fetch.Response{}, errTrouble, time.Hour},
		{"fourth failure", in, feeds.Source{State: feeds.State{Failures: 3}}, fetch.Response{}, errTrouble, 4 * time.Hour},
		{"twentieth failure", in, feeds.Source{State: feeds.State{Failures: 19}}, fetch.Response{}, errTrouble, 24 * time.Hour},
		{"hundredth failure", in, feeds.Source{State: feeds.State{Failures: 99}}, fetch.Response{}, errTrouble, 7 * 24 * time.Hour},
		{"freshness after a 304 that says nothing", in, feeds.Source{Pace: feeds.Pace{MaxAge: 6 * time.Hour}}, fetch.Response{NotModified: true, AgeKept: true}, nil, 6 * time.Hour},
		{"freshness after a 304 that takes it back", in, feeds.Source{Pace: feeds.Pace{MaxAge: 6 * time.Hour}}, fetch.Response{NotModified: true}, nil, 30 * time.Minute},
		{"ttl after a 304", in, feeds.Source{Pace: feeds.Pace{TTL: 2 * time.Hour}}, fetch.Response{NotModified: true}, nil, 2 * time.Hour},
		{"updatePeriod", in, feeds.Source{}, fetch.Response{Feed: &feeds.Feed{UpdatePeriod: 6 * time.Hour}}, nil, 6 * time.Hour},
		{"updatePeriod from a base", in, feeds.Source{}, fetch.Response{Feed: &feeds.Feed{UpdatePeriod: 6 * time.Hour, UpdateBase: epoch.Add(-28 * time.Hour)}}, nil, 2 * time.Hour},
		{"updatePeriod from a base ahead", in, feeds.Source{}, fetch.Response{Feed: &feeds.Feed{UpdatePeriod: 6 * time.Hour, UpdateBase: epoch.Add(27 * time.Hour)}}, nil, 3 * time.Hour},
		{"updatePeriod from now on", in, feeds.Source{}, fetch.Response{Feed: &feeds.Feed{UpdatePeriod: 6 * time.Hour, UpdateBase: epoch}}, nil, 6 * time.Hour},
		{"updatePeriod from before all time", in, feeds.Source{}, fetch.Response{Feed: &feeds.Feed{UpdatePeriod: 24 * time.Hour, UpdateBase: epoch.AddDate(-1500, 0, 0).Add(5 * time.Hour)}}, nil, 5 * time.Hour},
		{"a month from a base", in, feeds.Source{}, fetch.Response{Feed: &feeds.Feed{UpdatePeriod: 30 * 24 * time.Hour, UpdateBase: epoch.Add(time.Hour)}}, nil, 24 * time.Hour},
		{"a base of nothing", in, feeds.Source{}, fetch.Response{Feed: &feeds.Feed{UpdateBase: epoch}}, nil, 30 * time.Minute},
		{"who writes every hundred hours", in, feeds.Source{}, fetch.Response{Feed: every(100*time.Hour, 5)}, nil, time.Hour},
		{"who writes every day", in, feeds.Source{}, fetch.Response{Feed: every(24*time.Hour, 20)}, nil, 30 * time.Minute},
		{"who has not written for a year", in, feeds.Source{Pace: feeds.Pace{Tempo: time.Hour, Newest: epoch.AddDate(-1, 0, 0)}}, fetch.Response{NotModified: true}, nil, 24 * time.Hour},
		{"who writes of tomorrow", in, feeds.Source{}, fetch.Response{Feed: every(-24*time.Hour, 3)}, nil, 30 * time.Minute},
		{"failure of one who wishes for nine hours", in, feeds.Source{Pace: feeds.Pace{TTL: 9 * time.Hour}}, fetch.Response{}, errTrouble, 9 * time.Hour},
		{"second failure of one who wishes for nine hours", in, feeds.Source{Pace: feeds.Pace{TTL: 9 * time.Hour}, State: feeds.State{Failures: 1}}, fetch.Response{}, errTrouble, 18 * time.Hour},
		{"failure of one who has not written for a year", in, feeds.Source{Pace: feeds.Pace{Newest: epoch.AddDate(-1, 0, 0)}}, fetch.Response{}, errTrouble, 24 * time.Hour},
		{"failure of one whose answers stay fresh", in, feeds.Source{Pace: feeds.Pace{MaxAge: 3 * time.Hour}}, fetch.Response{}, errTrouble, 3 * time.Hour},
		{"failure without intervals", Intervals{}, feeds.Source{}, fetch.Response{}, errTrouble, time.Minute},
		{"too many requests", in, feeds.Source{}, fetch.Response{}, tooMany, time.Hour},
		{"too many requests again", in, feeds.Source{State: feeds.State{Failures: 2}}, fetch.Response{}, tooMany, 4 * time.Hour},
		{"too many requests, no intervals", Intervals{}, feeds.Source{}, fetch.Response{}, tooMany, time.Hour},
		{"a success after failures", in, feeds.Source{State: feeds.State{Failures: 9}}, fetch.Response{}, nil, 30 * time.Minute},
	} {
		c.source.URL = "https://x.example/"
		at, why := nextOf(&c.source, c.response, c.err, c.in)
		if got := at.Sub(epoch); !within(got, c.want, c.err) || why == "" {
			t.Errorf("%s: in %v (%s), want %v", c.name, got, why, c.want)
		}
	}
}

// What people read is the wish that was heeded, not one that was not.
func TestReasonOfTheNextVisitIsTheOneThatDecided(t *testing.T) {
	in := Intervals{Min: 30 * time.Minute, Max: 24 * time.Hour}
	tooMany, year := &fetch.StatusError{Status: 429}, 365*24*time.Hour
	for _, c := range []struct {
		name     string
		source   feeds.Source
		response fetch.Response
		err      error
		want     string
	}{
		{"the interval", feeds.Source{}, fetch.Response{}, nil, "fetch.min_interval is 30m"},
		{"the next of a series", feeds.Source{}, fetch.Response{Feed: &feeds.Feed{UpdatePeriod: 6 * time.Hour, UpdateBase: epoch.Add(-4 * time.Hour)}}, nil,
			"its feed says that it changes every 6h (sy:updatePeriod), the next time at " + epoch.Add(2*time.Hour).Format("15:04") + " GMT (sy:updateBase)"},
		{"max-age", feeds.Source{}, fetch.Response{MaxAge: 3 * time.Hour}, nil, "its answers stay fresh for 3h (Cache-Control, Expires)"},
		{"max-age of a year", feeds.Source{}, fetch.Response{MaxAge: year}, nil, "fetch.max_interval is 1d"},
		{"the longest max-age", feeds.Source{}, fetch.Response{MaxAge: 1 << 31 * time.Second}, nil, "fetch.max_interval is 1d"},
		{"max-age of just the most", feeds.Source{}, fetch.Response{MaxAge: 24 * time.Hour}, nil, "its answers stay fresh for 1d (Cache-Control, Expires)"},
		{"ttl of a year, max-age of an hour", feeds.Source{}, fetch.Response{MaxAge: time.Hour, Feed: &feeds.Feed{TTL: year}}, nil, "fetch.max_interval is 1d"},
		{"who has not written for ten years", feeds.Source{Pace: feeds.Pace{Newest: epoch.AddDate(-10, 0, 0)}}, fetch.Response{NotModified: true}, nil, "fetch.max_interval is 1d"},
		{"rarer than the most", feeds.Source{Every: 72 * time.Hour}, fetch.Response{MaxAge: year}, nil, "its every is 3d"},
		{"too many requests", feeds.Source{}, fetch.Response{}, tooMany, "the server said that it is asked too often (429)"},
		{"too many requests again", feeds.Source{State: feeds.State{Failures: 2}}, fetch.Response{}, tooMany, "the server said that it is asked too often (429), and it failed 3 times in a row"},
		{"too many requests, until then", feeds.Source{}, fetch.Response{RetryAfter: epoch.Add(9 * time.Hour)}, tooMany, "the server asked to be left alone until then (Retry-After)"},
		{"too many requests, for a moment", feeds.Source{}, fetch.Response{RetryAfter: epoch.Add(time.Second)}, tooMany, "the server said that it is asked too often (429)"},
		{"a failure", feeds.Source{}, fetch.Response{}, errTrouble, "it failed, and fetch.min_interval is 30m"},
		{"a failure of one who wishes for three hours", feeds.Source{Pace: feeds.Pace{TTL: 3 * time.Hour}}, fetch.Response{}, errTrouble, "it failed, and its feed may be kept for 3h (ttl)"},
		{"a third failure", feeds.Source{State: feeds.State{Failures: 2}}, fetch.Response{}, errTrouble, "it failed 3 times in a row"},
	} {
		c.source.URL = "https://x.example/"
		if _, why := nextOf(&c.source, c.response, c.err, in); why != c.want {
			t.Errorf("%s: %q, want %q", c.name, why, c.want)
		}
	}
}

// every is a feed of n posts, the newest a minute ago, so far apart.
func every(gap time.Duration, n int) *feeds.Feed {
	f := &feeds.Feed{}
	for i := range n {
		f.Entries = append(f.Entries, feeds.Entry{Published: epoch.Add(-time.Minute - time.Duration(i)*gap)})
	}
	return f
}

// fetching.md 18.
func TestSkipHoursAndDaysMoveAVisitToTheirEnd(t *testing.T) {
	monday := time.Date(2026, 2, 2, 10, 30, 0, 0, time.UTC)
	all := make([]int, 24)
	for i := range all {
		all[i] = i
	}
	for _, c := range []struct {
		name string
		pace feeds.Pace
		want time.Time
	}{
		{"no wishes", feeds.Pace{}, monday},
		{"another hour", feeds.Pace{SkipHours: []int{9, 11}}, monday},
		{"this hour and the next", feeds.Pace{SkipHours: []int{10, 11}}, monday.Add(90 * time.Minute)},
		{"over midnight", feeds.Pace{SkipHours: []int{10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 0}}, time.Date(2026, 2, 3, 1, 0, 0, 0, time.UTC)},
		{"this day", feeds.Pace{SkipDays: []time.Weekday{time.Monday}}, time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)},
		{"this day and the hour after", feeds.Pace{SkipDays: []time.Weekday{time.Monday}, SkipHours: []int{0}}, time.Date(2026, 2, 3, 1, 0, 0, 0, time.UTC)},
		{"all hours are no wish", feeds.Pace{SkipHours: all}, monday},
		{"all days are no wish", feeds.Pace{SkipDays: []time.Weekday{0, 1, 2, 3, 4, 5, 6}}, monday},
		{"all there is, together", feeds.Pace{SkipHours: all[1:], SkipDays: []time.Weekday{1, 2, 3, 4, 5, 6}}, time.Date(2026, 2, 8, 0, 0, 0, 0, time.UTC)},
	} {
		if got := awake(monday, &c.pace); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Neither a failure nor the server's wish leads into the hours that the feed asks for.
func TestSkipHoursHoldWhateverElseIsWished(t *testing.T) {
	s := feeds.Source{URL: "https://x.example/", Pace: feeds.Pace{SkipHours: []int{epoch.Hour(), epoch.Hour() + 1, epoch.Hour() + 2}}}
	end := epoch.Truncate(time.Hour).Add(3 * time.Hour)
	for _, err := range []error{nil, errTrouble} {
		for _, r := range []fetch.Response{{NotModified: true}, {NotModified: true, RetryAfter: epoch.Add(90 * time.Minute)}} {
			if got, why := nextOf(&s, r, err, Intervals{Min: time.Minute, Max: time.Hour}); got.Before(end) || !got.Before(end.Add(16*time.Second)) {
				t.Errorf("%v, %v: %v (%s), want %v and a little", err, r.RetryAfter, got, why, end)
			}
		}
	}
}

// Feeds that sleep until the same hour are not all asked when it strikes.
func TestFeedsThatSleepTogetherAreAskedOneAfterTheOther(t *testing.T) {
	seen := map[time.Time]bool{}
	for i := range 20 {
		s := feeds.Source{URL: fmt.Sprintf("https://s%d.example/", i), Pace: feeds.Pace{SkipHours: []int{epoch.Hour(), epoch.Hour() + 1}}}
		at, _ := nextOf(&s, fetch.Response{NotModified: true}, nil, Intervals{Min: time.Hour, Max: time.Hour})
		seen[at] = true
	}
	if len(seen) < 15 {
		t.Errorf("20 feeds have %d moments", len(seen))
	}
}

func TestRetryAfterIsHeededToTheSecond(t *testing.T) {
	s := feeds.Source{URL: "https://x.example/"}
	late := epoch.Add(50 * time.Hour)
	for _, err := range []error{nil, errTrouble} {
		if got, _ := nextOf(&s, fetch.Response{RetryAfter: late}, err, Intervals{Min: time.Hour}); !got.Equal(late) {
			t.Errorf("%v: got %v", err, got)
		}
		if got, _ := nextOf(&s, fetch.Response{RetryAfter: epoch.Add(time.Minute)}, err, Intervals{Min: time.Hour}); !within(got.Sub(epoch), time.Hour, err) {
			t.Errorf("%v: an earlier one shortened the interval: %v", err, got)
		}
	}
}

func TestFolderIsDueWheneverSomebodyLooks(t *testing.T) {
	for _, err := range []error{nil, errTrouble} {
		s := feeds.Source{URL: "file:///posts", State: feeds.State{Failures: 5}}
		if got, _ := nextOf(&s, fetch.Response{}, err, Intervals{Min: time.Hour, Max: time.Hour}); !got.Equal(epoch) {
			t.Errorf("%v: %v", err, got)
		}
		s.Every = time.Minute
		if got, _ := nextOf(&s, fetch.Response{}, err, Intervals{Min: time.Hour, Max: time.Hour}); !got.Equal(epoch.Add(time.Minute)) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// fetching.md 19.
func TestJitterIsBoundedAndSpreadsSources(t *testing.T) {
	seen := map[time.Duration]bool{}
	for i := range 500 {
		source := fmt.Sprintf("https://s%d.example/", i)
		j := jitter(6*time.Minute, source, epoch)
		if j < 0 || j > 6*time.Minute {
			t.Errorf("%s: %v", source, j)
		}
		if j != jitter(6*time.Minute, source, epoch) {
			t.Errorf("%s: it is not a function", source)
		}
		seen[j] = true
	}
	if len(seen) < 200 {
		t.Errorf("500 sources have only %d moments", len(seen))
	}
	if j := jitter(0, "x", epoch); j != 0 {
		t.Errorf("of no wait: %v", j)
	}
}

func TestSummaryIsASentence(t *testing.T) {
	for want, s := range map[string]Summary{
		"412 sources: 9 new, 2 revised, 1 duplicate, 3 failed, 397 unchanged in 8.1s": {
			Tally: feeds.Tally{New: 9, Revised: 2, Duplicate: 1}, Sources: 412, Failed: 3, Unchanged: 397, Took: 8149 * time.Millisecond},
		"1 source: 0 new, 0 revised, 0 duplicate, 1 failed, 0 unchanged in 0.0s":  {Sources: 1, Failed: 1},
		"0 sources: 0 new, 0 revised, 0 duplicate, 0 failed, 0 unchanged in 0.0s": {},
	} {
		if got := s.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
