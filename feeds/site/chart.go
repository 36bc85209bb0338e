package site

import (
	"fmt"
	"strings"
	"time"

	"orrery/feeds"
)

// chartMonths is how many months a chart shows.
const chartMonths = 24

// A chart is a small picture with what it says in words. Path is of an SVG that is Width
// wide and Height high.
type chart struct {
	Label         string
	Path          string
	Width, Height int
	More          string // a second Path, of what is worse
}

// Measures of a chart, in the units of its SVG.
const (
	barWide, barStep = 5, 7
	barHigh          = 28
)

// chart shows the posts of the last months up to the one called last; nil for no posts
// at all, in whatever month.
func (s *Site) chart(counts []feeds.MonthCount, last feeds.Month) *chart {
	if len(counts) == 0 || last == 0 {
		return nil
	}
	var posts [chartMonths]int
	first, sum, most := last-chartMonths+1, 0, 0
	for _, c := range counts {
		if c.Month < first || c.Month > last {
			continue
		}
		posts[c.Month-first] = c.Entries
		sum += c.Entries
		if at := posts[most]; c.Entries > at {
			most = int(c.Month - first)
		}
	}
	c := &chart{Width: chartMonths*barStep - (barStep - barWide), Height: barHigh + 1}
	c.Label = fmt.Sprintf("From %s to %s: ", monthName(first), monthName(last))
	if sum == 0 {
		c.Label += "no posts."
	} else {
		c.Label += fmt.Sprintf("%s; most in %s, %d.", plural(sum, "post", "posts"), monthName(first+feeds.Month(most)), posts[most])
	}
	var path strings.Builder
	c.ground(&path)
	for i, n := range posts {
		if n > 0 {
			writeBar(&path, i, 2+(barHigh-1)*n/posts[most])
		}
	}
	c.Path = path.String()
	return c
}

// ground is a line on which the bars stand, so that one sees where there was nothing.
func (c *chart) ground(path *strings.Builder) { fmt.Fprintf(path, "M0 %dv-1h%dv1z", c.Height, c.Width) }

func writeBar(path *strings.Builder, at, high int) {
	fmt.Fprintf(path, "M%d %dv%dh%dv%dz", at*barStep, barHigh+1, -high, barWide, high)
}

// health shows how the visits of the last days up to the one of last went, a band for
// days on end that were alike. A day with a failure differs by its height, too, not by
// its colour only.
func health(h feeds.Health, last time.Time) *chart {
	const days = feeds.HealthDays
	c := &chart{Width: days*barStep - (barStep - barWide), Height: barHigh + 1}
	var fine, ill strings.Builder
	c.ground(&fine)
	list := h.Days(last)
	for from, to := 0, 0; from < days; from = to {
		for to = from + 1; to < days && list[to] == list[from]; to++ {
		}
		path, high := &ill, 0
		switch list[from] {
		case feeds.DayGood:
			path, high = &fine, barHigh
		case feeds.DayMixed:
			high = barHigh * 2 / 3
		case feeds.DayFailed:
			high = barHigh / 3
		default:
			continue
		}
		wide := (to-from)*barStep - (barStep - barWide)
		fmt.Fprintf(path, "M%d %dv%dh%dv%dz", from*barStep, c.Height, -high, wide, high)
	}
	c.Path, c.More = fine.String(), ill.String()
	c.Label = tellHealth(list, last)
	return c
}

// tellHealth says the same in words.
func tellHealth(days [feeds.HealthDays]feeds.DayHealth, last time.Time) string {
	visited, good := 0, 0
	var bad []string
	for i, d := range days {
		at := last.UTC().AddDate(0, 0, i-len(days)+1).Format("2 January")
		switch d {
		case feeds.DayGood:
			good++
		case feeds.DayMixed:
			bad = append(bad, at+" (sometimes)")
		case feeds.DayFailed:
			bad = append(bad, at)
		default:
			continue
		}
		visited++
	}
	switch {
	case visited == 0:
		return "Not visited in the last 30 days."
	case len(bad) == 0:
		return fmt.Sprintf("In the last 30 days, all visits went well, on %s.", plural(visited, "day", "days"))
	case good == 0:
		return fmt.Sprintf("In the last 30 days, no day was without a failed visit, of %s.", plural(visited, "day", "days"))
	}
	if n := len(bad); n > maxBadDays {
		bad = append(bad[:maxBadDays-1], fmt.Sprintf("%d more days", n-maxBadDays+1))
	}
	return fmt.Sprintf("In the last 30 days, all visits went well on %d of %s; they failed on %s.", good, plural(visited, "day", "days"), strings.Join(bad, ", "))
}

// maxBadDays is how many days are named.
const maxBadDays = 5

// monthName is a month for people.
func monthName(m feeds.Month) string { return m.Start().Format("January 2006") }
