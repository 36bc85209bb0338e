package feeds

import (
	"strconv"
	"strings"
	"time"
)

// maxDate is the longest text, in bytes, that is looked at as a date. It is
// what keeps the reader cheap on a stranger's megabyte.
const maxDate = 160

// parseDate is the date that s says, in UTC; zero when s is no date. A date
// without a zone is taken as UTC (parsing.md 23).
func parseDate(s string) time.Time {
	t, _ := readDate(s)
	return t
}

// readDate reads a date as people write it into feeds: RFC 822 and its children,
// asctime, W3C-DTF and ISO 8601, numbers of seconds, and what humans type, in the
// languages of date_names.go. t is in UTC and of a year from 1 to 9999; it is
// zero when s is no date, names a day that does not exist, or has no year.
//
// zoned says that s named a zone that can be trusted; without one it is UTC.
//
// A month alone is its first day, a year alone its first of January. The day of
// the week is not compared: where they differ it is the one that is wrong.
func readDate(s string) (t time.Time, zoned bool) {
	if s = strings.TrimSpace(s); s == "" || len(s) > maxDate {
		return time.Time{}, false
	}
	r := dateReader{s: s}
	for i := range len(s) {
		if s[i] >= 0x80 {
			r.s, r.folded = foldDate(s), true
			break
		}
	}
	if !r.read() {
		return time.Time{}, false
	}
	if t = r.time(); t.IsZero() {
		return time.Time{}, false
	}
	return t, r.zoned
}

// date is what the parser made of text, or what we can.
func date(parsed *time.Time, text string) time.Time {
	if parsed != nil {
		return *parsed
	}
	return parseDate(text)
}

// dateReader goes once through a text and puts every number and word where it
// belongs by what stands around it and by what is still missing.
type dateReader struct {
	s      string
	pos    int
	folded bool // s is in lower case, without diacritics: see foldDate

	year, month, day int  // 0: not seen yet
	unsure           bool // the month may be a day of the week: mar
	dateEnd          int  // where the last part of the date ended

	clock                bool
	hour, minute, second int
	nano                 int
	half                 dateRole // am or pm; 0: a clock of 24 hours

	offset   int // seconds east of UTC
	zoned    bool
	numeric  bool // the offset was given in digits, which beats any name
	unknown  bool // a word was taken for a zone that nobody knows
	instant  bool // unix and nano are the time, nothing else may follow
	unixTime int64
}

func (r *dateReader) read() bool {
	for r.pos < len(r.s) {
		ok := true
		switch c := r.s[r.pos]; {
		case r.instant:
			return false
		case isDigit(c):
			ok = r.number()
		case isLetter(c), c >= 0x80:
			ok = r.word()
		case c == '+', c == '-':
			ok = r.sign()
		case c == '(', c == '[': // RFC 5322 §3.2.2 comments; RFC 9557 §3 suffixes
			r.comment()
		case c == ' ', c == ',', c == '.', c == '/', c == ';', c == '\t', c == '\n', c == '\r', c == '\'', c == '|', c == '@':
			r.pos++
		case c == ':' && r.clock && r.signed(1): // 10:00:00:+0100
			r.pos++
		default:
			return false
		}
		if !ok {
			return false
		}
	}
	return true
}

// comment passes over what is in brackets, which may be nested; a bracket that
// is never closed reaches to the end.
func (r *dateReader) comment() {
	for depth := 0; r.pos < len(r.s); {
		c := r.s[r.pos]
		r.pos++
		switch c {
		case '(', '[':
			depth++
		case ')', ']':
			if depth--; depth == 0 {
				return
			}
		}
	}
}

// at is the byte n after the present one, 0 behind the end.
func (r *dateReader) at(n int) byte {
	if r.pos+n < len(r.s) {
		return r.s[r.pos+n]
	}
	return 0
}

// digits reads a run of them and says how many there were. A value of a hundred
// millions or more, which no part of a date has, is that.
func (r *dateReader) digits() (value, n int) {
	rest := r.s[r.pos:]
	for n < len(rest) && isDigit(rest[n]) {
		value = min(value*10+int(rest[n]-'0'), 1e8)
		n++
	}
	r.pos += n
	return value, n
}

// complete says that there is a whole date, so that what comes is a time.
func (r *dateReader) complete() bool { return r.year > 0 && r.month > 0 && r.day > 0 }

// number reads a run of digits and what belongs to it.
func (r *dateReader) number() bool {
	start := r.pos
	v, n := r.digits()
	switch c := r.at(0); {
	case c >= 0x80 || c == ' ' && r.folded && r.at(1) >= 0x80:
		if done, ok := r.counted(v, n); done {
			return ok
		}
	case r.startsClock(c, n):
		return r.readClock(v, c)
	case r.month != 0 && !r.unsure, r.year != 0, r.day != 0:
		// The date has begun in words: 04-Jul-2023.
	case n == 4 && r.startsWeek(c):
		return r.week(v)
	case n == 4 && r.isoDate(v):
		return true
	case n <= 2 && (c == '/' || c == '.' || c == '-') && r.threeNumbers(v, n, c):
		return true
	case n > 4:
		return r.compact(start)
	}
	return r.place(v, n)
}

// place puts a number that stands alone where one is missing.
func (r *dateReader) place(v, n int) bool {
	into := &r.day
	switch {
	case n <= 2 && r.day == 0:
	case n == 4 && r.year == 0:
		into = &r.year
	case (n == 2 || n == 3) && r.year == 0 && r.day != 0 && r.month != 0:
		into, v = &r.year, fullYear(v, n)
	case r.complete() && !r.clock:
		return r.compactClock(v, n)
	default:
		return false
	}
	*into, r.dateEnd = v, r.pos
	return v > 0
}

// fullYear is the year that two or three digits mean (RFC 5322 §4.3).
func fullYear(v, n int) int {
	switch {
	case n == 2 && v < 50:
		return v + 2000
	case n <= 3:
		return v + 1900
	}
	return v
}

func (r *dateReader) set(year, month, day int) bool {
	if year < 1 || month < 1 || month > 12 || day < 0 || day > daysIn(year, month) {
		return false
	}
	r.year, r.month, r.day, r.unsure, r.dateEnd = year, month, day, false, r.pos
	return true
}

// isoDate reads what follows a year: -01-31, /1/31, .01.31, -01, or -031 (a day
// of the year). It takes nothing when that is not there.
func (r *dateReader) isoDate(year int) bool {
	start, sep := r.pos, r.at(0)
	if sep != '-' && sep != '/' && sep != '.' || !isDigit(r.at(1)) {
		return false
	}
	r.pos++
	month, n := r.digits()
	if n == 3 && sep == '-' && r.dayOfYear(year, month) {
		return true
	}
	day := 0 // W3C-DTF: a month
	if r.at(0) == sep && isDigit(r.at(1)) {
		r.pos++
		var digits int
		if day, digits = r.digits(); digits > 2 || day == 0 {
			n = 9
		}
	}
	if n <= 2 && r.set(year, month, day) {
		return true
	}
	r.pos = start
	return false
}

func (r *dateReader) dayOfYear(year, day int) bool {
	t := time.Date(year, 1, day, 0, 0, 0, 0, time.UTC)
	return day > 0 && t.Year() == year && r.set(year, int(t.Month()), t.Day())
}

func (r *dateReader) startsWeek(c byte) bool {
	return c|0x20 == 'w' && isDigit(r.at(1)) || c == '-' && r.at(1)|0x20 == 'w' && isDigit(r.at(2))
}

// week reads a week date, -W05-5 or W055 (ISO 8601 §5.2.3); without a day it is
// the Monday.
func (r *dateReader) week(year int) bool {
	for r.at(0) == '-' || r.at(0)|0x20 == 'w' {
		r.pos++
	}
	week, n := r.digits()
	day := 1
	if r.at(0) == '-' && isDigit(r.at(1)) {
		r.pos++
		day, _ = r.digits()
	} else if n == 3 {
		week, day, n = week/10, week%10, 2
	}
	if n != 2 || day < 1 || day > 7 {
		return false
	}
	first := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC) // always in the first week
	t := first.AddDate(0, 0, (week-1)*7+day-1-(int(first.Weekday())+6)%7)
	if y, w := t.ISOWeek(); y != year || w != week {
		return false
	}
	return r.set(t.Year(), int(t.Month()), t.Day())
}

// threeNumbers reads a date whose year is not first, or has two digits.
//
// With dots and hyphens the day comes first, as it does where people write them;
// with slashes the month, since the feeds that write slashes are American; and
// always the other way round where there is no such month. 03-12-31 is a year of
// two digits, as ISO 8601:1988 had it.
func (r *dateReader) threeNumbers(a, digits int, sep byte) bool {
	start := r.pos
	r.pos++
	b, nb := r.digits()
	if r.at(0) != sep || nb < 1 || nb > 2 {
		r.pos = start
		return false
	}
	r.pos++
	c, nc := r.digits()
	if nc == 2 && sep == '-' && digits == 2 && r.set(fullYear(a, 2), b, c) {
		return true
	}
	if year, day, month := fullYear(c, nc), a, b; nc == 2 || nc == 4 {
		if sep == '/' && a <= 12 || b > 12 {
			day, month = b, a
		}
		if day > 0 && r.set(year, month, day) {
			return true
		}
	}
	r.pos = start
	return false
}

// compact reads a number without any separators: ISO 8601's basic forms, or a
// time of Unix in seconds or milliseconds.
func (r *dateReader) compact(start int) bool {
	v, err := strconv.ParseInt(r.s[start:r.pos], 10, 64)
	if err != nil {
		return false
	}
	date := func(v int64) bool { return r.set(int(v/1e4), int(v/100%100), int(v%100)) }
	switch r.pos - start {
	case 7:
		return r.dayOfYear(int(v/1e3), int(v%1e3))
	case 8:
		return date(v)
	case 12:
		return date(v/1e4) && r.compactClock(int(v%1e4), 4)
	case 14:
		return date(v/1e6) && r.compactClock(int(v%1e6), 6)
	case 9, 10, 11:
		r.unixTime = v
		r.fraction()
	case 13:
		r.unixTime, r.nano = v/1e3, int(v%1e3*1e6)
	default:
		return false
	}
	r.instant, r.zoned = true, true
	return start == 0
}

// time is what was read as a time in UTC, zero when it does not exist.
func (r *dateReader) time() time.Time {
	if r.instant {
		return inRange(time.Unix(r.unixTime, int64(r.nano)).UTC())
	}
	if r.day == 0 && !r.clock && !r.zoned {
		r.day = 1
		r.month = max(r.month, 1)
	}
	if !r.complete() || r.day > daysIn(r.year, r.month) || !r.settleClock() {
		return time.Time{}
	}
	return inRange(time.Date(r.year, time.Month(r.month), r.day, r.hour, r.minute, r.second-r.offset, r.nano, time.UTC))
}

// inRange is t if its year has four digits, which RFC 3339 needs, else zero.
func inRange(t time.Time) time.Time {
	if y := t.Year(); y < 1 || y > 9999 {
		return time.Time{}
	}
	return t
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func isDigit(c byte) bool  { return c-'0' < 10 }
func isLetter(c byte) bool { return c|0x20-'a' < 26 }
