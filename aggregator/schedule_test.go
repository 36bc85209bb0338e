package aggregator

import (
	"fmt"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// within is true for a wait and up to a tenth more.
func within(got, wait time.Duration) bool { return got >= wait && got <= wait+wait/10 }

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
		{"hundredth failure", in, feeds.Source{State: feeds.State{Failures: 99}}, fetch.Response{}, errTrouble, 24 * time.Hour},
		{"failure without intervals", Intervals{}, feeds.Source{}, fetch.Response{}, errTrouble, time.Minute},
		{"too many requests", in, feeds.Source{}, fetch.Response{}, tooMany, time.Hour},
		{"too many requests again", in, feeds.Source{State: feeds.State{Failures: 2}}, fetch.Response{}, tooMany, 4 * time.Hour},
		{"too many requests, no intervals", Intervals{}, feeds.Source{}, fetch.Response{}, tooMany, time.Hour},
		{"a success after failures", in, feeds.Source{State: feeds.State{Failures: 9}}, fetch.Response{}, nil, 30 * time.Minute},
	} {
		c.source.URL = "https://x.example/"
		got := next(epoch, &c.source, &c.response, c.err, c.in).Sub(epoch)
		if !within(got, c.want) {
			t.Errorf("%s: in %v, want %v", c.name, got, c.want)
		}
	}
}

func TestRetryAfterIsHeededToTheSecond(t *testing.T) {
	s := feeds.Source{URL: "https://x.example/"}
	late := epoch.Add(50 * time.Hour)
	for _, err := range []error{nil, errTrouble} {
		if got := next(epoch, &s, &fetch.Response{RetryAfter: late}, err, Intervals{Min: time.Hour}); !got.Equal(late) {
			t.Errorf("%v: got %v", err, got)
		}
		if got := next(epoch, &s, &fetch.Response{RetryAfter: epoch.Add(time.Minute)}, err, Intervals{Min: time.Hour}); !within(got.Sub(epoch), time.Hour) {
			t.Errorf("%v: an earlier one shortened the interval: %v", err, got)
		}
	}
}

func TestFolderIsDueWheneverSomebodyLooks(t *testing.T) {
	for _, err := range []error{nil, errTrouble} {
		s := feeds.Source{URL: "file:///posts", State: feeds.State{Failures: 5}}
		if got := next(epoch, &s, &fetch.Response{}, err, Intervals{Min: time.Hour, Max: time.Hour}); !got.Equal(epoch) {
			t.Errorf("%v: %v", err, got)
		}
		s.Every = time.Minute
		if got := next(epoch, &s, &fetch.Response{}, err, Intervals{Min: time.Hour, Max: time.Hour}); !got.Equal(epoch.Add(time.Minute)) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// fetching.md 19.
func TestJitterIsATenthAtMostAndSpreadsSources(t *testing.T) {
	seen := map[time.Duration]bool{}
	for i := range 500 {
		source := fmt.Sprintf("https://s%d.example/", i)
		j := jitter(time.Hour, source, epoch)
		if j < 0 || j > 6*time.Minute {
			t.Errorf("%s: %v", source, j)
		}
		if j != jitter(time.Hour, source, epoch) {
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
