package feeds

import (
	"testing"
	"time"
)

func TestMonthIsThatOfUTC(t *testing.T) {
	for _, c := range []struct{ at, want string }{
		{"2026-11-30T23:59:59.999999Z", "2026-11"},
		{"2026-12-01T00:00:00Z", "2026-12"},
		{"2026-12-01T00:30:00+01:00", "2026-11"},
		{"2025-12-31T23:30:00-01:00", "2026-01"},
		{"1969-12-31T23:59:59.999999Z", "1969-12"},
		{"0001-01-01T00:00:00Z", "0001-01"},
		{"9999-12-31T23:59:59Z", "9999-12"},
	} {
		at, err := time.Parse(time.RFC3339Nano, c.at)
		if err != nil {
			t.Fatal(err)
		}
		m := MonthOf(at)
		if m.String() != c.want || int(m) != m.Year()*12+int(m.Month())-1 {
			t.Errorf("%s: %v, which is %d", c.at, m, m)
		}
		if m.Start().After(at) || !(m + 1).Start().After(at) || m.Start().Location() != time.UTC {
			t.Errorf("%s is not between %v and %v", c.at, m.Start(), (m + 1).Start())
		}
	}
}

func TestMonthInAnAddressHasFourDigitsAndTwo(t *testing.T) {
	for _, c := range []struct{ year, month, want string }{
		{"2026", "11", "2026-11"}, {"2026", "01", "2026-01"}, {"0001", "12", "0001-12"}, {"9999", "12", "9999-12"},
		{"2026", "1", ""}, {"2026", "00", ""}, {"2026", "13", ""}, {"2026", "011", ""}, {"226", "11", ""}, {"02026", "11", ""},
		{"0000", "11", ""}, {"+226", "11", ""}, {"-226", "11", ""}, {"2026", "+1", ""}, {"2026", " 1", ""}, {"٢٠", "11", ""}, {"", "", ""},
	} {
		m, ok := ParseMonth(c.year, c.month)
		if ok != (c.want != "") || ok && m.String() != c.want || !ok && m != 0 {
			t.Errorf("%q, %q: %v, %v", c.year, c.month, m, ok)
		}
	}
}
