package fetch

import (
	"strings"
	"time"
)

// frontLayouts are the ways people write dates (markdown.md 3). Go reads one
// digit as well where the layout has 2, 1 or 15.
var frontLayouts = []string{
	"2006-1-2",
	"2006-1-2T15:04:05.999999999Z07:00",
	"2006-1-2T15:04Z07:00",
	"2006-1-2T15:04:05.999999999Z0700",
	"2006-1-2T15:04:05.999999999",
	"2006-1-2T15:04",
	"2006-1-2 15:04:05.999999999 Z07:00",
	"2006-1-2 15:04:05.999999999 -0700 MST",
	"2006-1-2 15:04:05.999999999 -0700",
	"2006-1-2 15:04:05.999999999 MST",
	"2006-1-2 15:04:05.999999999Z07:00",
	"2006-1-2 15:04:05.999999999",
	"2006-1-2 15:04 Z07:00",
	"2006-1-2 15:04 -0700",
	"2006-1-2 15:04Z07:00",
	"2006-1-2 15:04",
	"2006/1/2 15:04:05",
	"2006/1/2 15:04",
	"2006/1/2",
	"20060102",
	time.RFC1123Z, time.RFC1123, time.RFC850, time.ANSIC, time.UnixDate,
	"Mon, 2 Jan 2006 15:04:05 -0700",
	"2 January 2006", "2 Jan 2006", "January 2, 2006", "Jan 2, 2006",
}

// frontDate reads a date; without a zone of its own it is zone's.
func frontDate(s string, zone *time.Location) (time.Time, bool) {
	s = strings.Join(strings.Fields(s), " ")
	for _, layout := range frontLayouts {
		t, err := time.ParseInLocation(layout, s, zone)
		if err == nil && !frontInventedZone(layout, t) {
			return t, true
		}
	}
	return time.Time{}, false
}

// frontInventedZone says that t has a zone such as CEST that Go does not know
// and takes for UTC: a date that is wrong by hours is worse than none.
func frontInventedZone(layout string, t time.Time) bool {
	name, offset := t.Zone()
	return strings.HasSuffix(layout, "MST") && offset == 0 && name != "UTC" && name != "GMT" && name != "WET"
}

// date is the first of keys that is set; zero for none. A date that does not
// exist is an error with its line: to guess would show the post at a wrong place.
func (m *frontMatter) date(zone *time.Location, keys ...string) (time.Time, error) {
	for _, k := range keys {
		s := m.text(k)
		if s == "" {
			continue
		}
		t, ok := frontDate(s, zone)
		if !ok {
			return t, postErrorf(m.lines[k], "%s: %q is not a date; write it like 2024-08-05 or 2024-08-05T09:30:00+02:00", k, s)
		}
		return t, nil
	}
	return time.Time{}, nil
}

// frontFileDate is the date a file name begins with, as in 2024-08-05-news.md.
func frontFileDate(base string, zone *time.Location) time.Time {
	const layout = "2006-01-02"
	if len(base) < len(layout) || len(base) > len(layout) && '0' <= base[len(layout)] && base[len(layout)] <= '9' {
		return time.Time{}
	}
	t, err := time.ParseInLocation(layout, base[:len(layout)], zone)
	if err != nil {
		return time.Time{}
	}
	return t
}
