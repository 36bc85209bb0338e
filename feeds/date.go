package feeds

import (
	"strings"
	"time"
)

// dateLayouts are the W3C-DTF forms that gofeed leaves to us (dc:date) or fails on.
var dateLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006-01",
	time.RFC1123Z, time.RFC1123,
}

// parseDate reads a date without a zone as UTC; zero when it is none of the forms.
func parseDate(s string) time.Time {
	for _, s := range []string{strings.TrimSpace(s), strings.ToUpper(strings.TrimSpace(s))} { // 2024-01-01t08:00:00z
		for _, l := range dateLayouts {
			if t, err := time.Parse(l, s); err == nil {
				return t
			}
		}
	}
	return time.Time{}
}

// date is what the parser made of text, or what we can.
func date(parsed *time.Time, text string) time.Time {
	if parsed != nil {
		return *parsed
	}
	return parseDate(text)
}
