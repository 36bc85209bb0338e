package aggregator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// surveyed makes a survey and returns what was told, sorted: a slug and how it went.
func surveyed(ctx context.Context, a *Aggregator, list []feeds.Source) (lines []string) {
	a.Survey(ctx, list, func(s *feeds.Source, r fetch.Response, err error) {
		var alone *LeftAlone
		how := "seen"
		switch {
		case errors.As(err, &alone):
			how = "left alone until " + alone.Until.Format(time.TimeOnly)
		case err != nil:
			how = feeds.Explain(err)
		case r.Feed != nil && len(r.Feed.Entries) > 0:
			how = r.Feed.Entries[0].Title
		}
		lines = append(lines, s.Slug+": "+how)
	})
	slices.Sort(lines)
	return lines
}

// fetching.md 35.
func TestSurveyAsksAHostOneAtATimeWithAPauseAndOthersMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(2 * time.Second)
		a, _ := newAggregator(nil, m.fetch, func(o *Options) { o.Now, o.Pause, o.Concurrency = time.Now, time.Second, 4 })
		list := append(append(several("busy", 20), at("BUSY", 99)), several("calm", 1)...)
		if told := surveyed(t.Context(), a, list); len(told) != 22 {
			t.Errorf("told: %q", told)
		}
		if asked := m.asked("busy"); len(asked) != 21 || m.mostOfHost != 1 || !slices.Equal(asked[:4], []string{"00", "03", "06", "09"}) || asked[20] != "60" {
			t.Errorf("the busy host was asked at %q, at most %d at once", asked, m.mostOfHost)
		}
		same(t, "the calm host", m.asked("calm"), []string{"00"})
	})
}

func TestSurveyAsksNoMoreAtOnceThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(time.Second)
		a, _ := newAggregator(nil, m.fetch, func(o *Options) { o.Now, o.Concurrency, o.PerHost = time.Now, 3, 2 })
		surveyed(t.Context(), a, append(append(several("a", 5), several("b", 5)...), several("c", 5)...))
		if m.most != 3 || m.mostOfHost != 2 {
			t.Errorf("at most %d at once, %d of one host", m.most, m.mostOfHost)
		}
	})
}

// fetching.md 21.
func TestSurveyLeavesAHostAloneThatHasEnough(t *testing.T) {
	busy, calm, list := town(t)
	for _, path := range []string{"/a", "/b", "/c"} {
		busy.at(path, tooMany(429, "7200"))
	}
	w := visits(t, []*site{busy, calm})
	a, _ := newAggregator(nil, nil, w.options)
	told := strings.Join(surveyed(t.Context(), a, list), "\n")
	if asked := busy.was(); len(asked) != 1 || strings.Contains(asked[0], `"`) {
		t.Errorf("asked: %q", asked)
	}
	if n := strings.Count(told, "left alone until 14:00:00"); n != 2 || !strings.Contains(told, "the server answered 429") || !strings.Contains(told, "d: d") {
		t.Errorf("told:\n%s", told)
	}
}

// A source's trouble is its own: nobody else is kept from being looked at.
func TestSurveyTellsOfEverySource(t *testing.T) {
	fine, other := newSite(t), newSite(t)
	fine.at("/a", plain(atom("one")))
	fine.at("/page", plain("<html><title>Hello</title>"))
	w := visits(t, []*site{fine, other})
	a, _ := newAggregator(nil, nil, w.options)
	list := []feeds.Source{
		{Slug: "a", URL: fine.URL + "/a"}, {Slug: "b", URL: fine.URL + "/page"}, {Slug: "c", URL: other.URL + "/"},
		{Slug: "d", URL: "gopher://x/"}, {Slug: "e", URL: "http://10.0.0.1/"},
	}
	told := surveyed(t.Context(), a, list)
	for i, want := range []string{"a: one", "b: the address answers with a web page", "c: the server answered 404", "d: nobody knows how to fetch from an address", "e: 10.0.0.1:80 is a private address"} {
		if i >= len(told) || !strings.HasPrefix(told[i], want) {
			t.Errorf("%q is missing in %q", want, told)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fine.was()
	if told := surveyed(ctx, a, list[:3]); len(told) != 3 || len(fine.was()) != 0 {
		t.Errorf("after its end: %q", told)
	}
}
