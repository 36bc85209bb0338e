package feeds

// startsClock says that the number before c is an hour: 9:15, 14h30, and behind
// a date also 14.30.
func (r *dateReader) startsClock(c byte, n int) bool {
	if n > 2 || r.clock {
		return false
	}
	switch c {
	case ':':
		return isDigit(r.at(1))
	case '.':
		return r.complete() && isDigit(r.at(1))
	case 'h', 'H':
		return isDigit(r.at(1)) || r.complete() && !isLetter(r.at(1))
	}
	return false
}

// readClock reads the minutes and seconds behind an hour.
func (r *dateReader) readClock(hour int, sep byte) bool {
	r.hour, r.clock = hour, true
	r.pos++
	var n int
	if r.minute, n = r.digits(); n > 2 {
		return false
	}
	if r.at(0) == sep && isDigit(r.at(1)) || sep|0x20 == 'h' && r.at(0) == ':' {
		r.pos++
		if r.second, n = r.digits(); n > 2 {
			return false
		}
		r.fraction()
	}
	return hour <= 24 && r.minute < 60 && r.second <= 60
}

// compactClock reads 101112, 1011, and 10 when there is a date already.
func (r *dateReader) compactClock(v, n int) bool {
	r.clock = true
	switch n {
	case 1, 2:
		r.hour = v
	case 4:
		r.hour, r.minute = v/100, v%100
	case 6:
		r.hour, r.minute, r.second = v/1e4, v/100%100, v%100
		r.fraction()
	default:
		return false
	}
	return r.hour <= 24 && r.minute < 60 && r.second <= 60
}

// fraction reads the part of a second after a point, comma or colon; nanoseconds
// are what is kept of it.
func (r *dateReader) fraction() {
	if c := r.at(0); c != '.' && c != ',' && c != ':' || !isDigit(r.at(1)) {
		return
	}
	r.pos++
	for scale := int(1e8); isDigit(r.at(0)); r.pos++ {
		r.nano += int(r.at(0)-'0') * scale
		scale /= 10
	}
}

// sign reads + or -: an offset from UTC behind a time, otherwise a hyphen.
func (r *dateReader) sign() bool {
	plus := r.s[r.pos] == '+'
	if !r.signed(0) {
		r.pos++
		return !plus
	}
	zone := r.clock && (r.complete() || r.pos != r.dateEnd) // not 10:00 04-Jul-2023
	switch {
	case zone, plus && r.complete(): // 2020-01-31+01:00
		return r.zone()
	case plus, r.pos == 0: // years of ISO 8601's expanded form, or before the first
		return false
	}
	r.pos++
	return true
}

func (r *dateReader) signed(n int) bool {
	return (r.at(n) == '+' || r.at(n) == '-') && isDigit(r.at(n+1))
}

// zone reads an offset: +0200, +02:00, +02, +2.
func (r *dateReader) zone() bool {
	west := r.s[r.pos] == '-'
	r.pos++
	hours, n := r.digits()
	minutes := 0
	switch {
	case n == 3, n == 4:
		hours, minutes = hours/100, hours%100
	case n <= 2 && r.at(0) == ':' && isDigit(r.at(1)):
		r.pos++
		minutes, n = r.digits()
		if r.at(0) == ':' && isDigit(r.at(1)) { // -07:00:00
			r.pos++
			r.digits()
		}
	}
	if hours > 23 || minutes > 59 || n > 4 || r.at(0) == '-' { // 2020-02-01 is no offset
		return false
	}
	if r.numeric { // 2006-01-02 15:04:05 +0200 +0200
		return true
	}
	r.offset = (hours*60 + minutes) * 60
	if west {
		r.offset = -r.offset
	}
	r.zoned, r.numeric = true, true
	return true
}

// settleClock makes the clock one of 24 hours and says whether there is such a time.
func (r *dateReader) settleClock() bool {
	if r.clock && r.half != 0 && r.hour <= 12 { // 15:04 PM is a mistake that does no harm
		r.hour %= 12
		if r.half == roleAfternoon {
			r.hour += 12
		}
	}
	if r.second == 60 {
		r.second = 59 // a leap second; Unix time has none
	}
	if r.hour == 24 { // ISO 8601: the end of the day
		return r.minute == 0 && r.second == 0 && r.nano == 0
	}
	return r.hour < 24 && r.minute < 60 && r.second < 60
}
