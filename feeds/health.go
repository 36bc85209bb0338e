package feeds

import (
	"strconv"
	"strings"
	"time"
)

// HealthDays is how many days Health remembers.
const HealthDays = 30

// DayHealth is how the visits of a day went, as Health writes it.
type DayHealth byte

// What a day may have been.
const (
	DayUnvisited DayHealth = '-' // nobody came
	DayGood      DayHealth = 'g' // all visits went well, if only partly
	DayMixed     DayHealth = 'm' // some failed
	DayFailed    DayHealth = 'f' // all failed
)

// Health is how the visits to a source went on the last days: the number of the last day
// with a visit, counted from 1970 in UTC, and a character for each day up to that one, as
// in "20787 gggmf-g". The days before them, and all of a text that says something else,
// are unvisited.
type Health string

// Visit is the health after a visit at the time. Later days, which only a clock that was
// wrong can have seen, are forgotten.
func (h Health) Visit(day time.Time, ok bool) Health {
	days := h.Days(day)
	how, today := DayFailed, &days[HealthDays-1]
	if ok {
		how = DayGood
	}
	if *today != DayUnvisited && *today != how {
		how = DayMixed
	}
	*today = how
	text := make([]byte, HealthDays)
	for i, d := range days {
		text[i] = byte(d)
	}
	return Health(strconv.FormatInt(dayNumber(day), 10) + " " + strings.TrimLeft(string(text), string(rune(DayUnvisited))))
}

// Days are the last days up to the one of the time, which comes last.
func (h Health) Days(today time.Time) (days [HealthDays]DayHealth) {
	number, text, _ := strings.Cut(string(h), " ")
	last, err := strconv.ParseInt(number, 10, 32) // no greater, so that nothing overflows below
	if err != nil {
		text = ""
	}
	first := dayNumber(today) - HealthDays + 1
	for i := range days {
		days[i] = DayUnvisited
		at := int64(len(text)) - 1 - (last - first - int64(i))
		if at < 0 || at >= int64(len(text)) {
			continue
		}
		switch d := DayHealth(text[at]); d {
		case DayGood, DayMixed, DayFailed:
			days[i] = d
		}
	}
	return days
}

// dayNumber counts the days since 1970 in UTC.
func dayNumber(t time.Time) int64 {
	const day = 24 * 60 * 60
	s := t.Unix()
	return (s - (s%day+day)%day) / day
}
