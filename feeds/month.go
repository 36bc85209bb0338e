package feeds

import (
	"fmt"
	"strconv"
	"time"
)

// Month is a month of the calendar in UTC: its year times twelve, and the months of that
// year before it. 0, which is of a year that never was, stands for none.
type Month int

// MonthOf is the month in which the moment lies.
func MonthOf(t time.Time) Month {
	year, month, _ := t.UTC().Date()
	return Month(year*12 + int(month) - 1)
}

// ParseMonth reads what stands in an address: a year of four digits and a month of two.
func ParseMonth(year, month string) (Month, bool) {
	const digits = "0123456789" // Atoi takes signs as well
	if len(year) != 4 || len(month) != 2 || !only(year, 4, digits) || !only(month, 2, digits) {
		return 0, false
	}
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	if y < 1 || m < 1 || m > 12 {
		return 0, false
	}
	return Month(y*12 + m - 1), true
}

// Start is the moment at which the month begins; it ends where the next one does.
func (m Month) Start() time.Time {
	return time.Date(0, time.January+time.Month(m), 1, 0, 0, 0, 0, time.UTC)
}

// Year is the year of the month.
func (m Month) Year() int { return m.Start().Year() }

// Month is the month without its year.
func (m Month) Month() time.Month { return m.Start().Month() }

// String writes the month as ISO 8601 does: 2026-11.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m.Year(), m.Month()) }

// MonthCount is how many entries there are of a month.
type MonthCount struct {
	Month   Month
	Entries int
}
