package feeds

import (
	"encoding/xml"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"orrery/feeds/feedstest"
)

// dateCase is a text and the UTC time it means: with a Z where the text names a
// zone, without where it does not, empty where the text is no date.
type dateCase struct{ in, want string }

func checkDates(t *testing.T, cases []dateCase) {
	t.Helper()
	for _, c := range cases {
		if got := describeDate(c.in); got != c.want {
			t.Errorf("%q is read as %q, want %q", c.in, got, c.want)
		}
	}
}

func describeDate(s string) string {
	when, zoned := readDate(s)
	switch {
	case when.IsZero():
		return ""
	case zoned:
		return when.Format(time.RFC3339Nano)
	}
	return strings.TrimSuffix(when.Format(time.RFC3339Nano), "Z")
}

func TestMailDatesAreRead(t *testing.T) {
	checkDates(t, []dateCase{
		{"Mon, 02 Jan 2006 15:04:05 -0700", "2006-01-02T22:04:05Z"},
		{"Mon, 02 Jan 2006 15:04:05 GMT", "2006-01-02T15:04:05Z"},
		{"Mon, 2 Jan 2006 15:04:05 +0000", "2006-01-02T15:04:05Z"},
		{"Fri,  7 Apr 2006 09:00:00 -0700", "2006-04-07T16:00:00Z"},
		{"2 Jan 2006 15:04:05 GMT", "2006-01-02T15:04:05Z"},
		{"02 Jan 06 15:04 MST", "2006-01-02T22:04:00Z"},
		{"02 Jan 06 15:04 -0700", "2006-01-02T22:04:00Z"},
		{"Mon, 02 Jan 2006 15:04 GMT", "2006-01-02T15:04:00Z"},
		{"Thurs, 05 Jan 2006 15:04:05 GMT", "2006-01-05T15:04:05Z"},
		{"Sunday, 05 Jan 2006 15:04:05 GMT", "2006-01-05T15:04:05Z"}, // it was a Thursday
		{"Tue 11 Jan 2011 01:30:00 GMT", "2011-01-11T01:30:00Z"},
		{"Mon , 02 Jan 2006 15:04:05 GMT", "2006-01-02T15:04:05Z"},
		{"mon,2 jan 2006 15:04:05 gmt", "2006-01-02T15:04:05Z"},
		{"MON, 2 JAN 2006 15:04:05 GMT", "2006-01-02T15:04:05Z"},
		{"Mon, 02 Sept 2013 15:04:05 GMT", "2013-09-02T15:04:05Z"},
		{"Mon, 02 January 2006 15:04:05 GMT", "2006-01-02T15:04:05Z"},
		{"Sun, 10 Dec 17 13:01:36 -0800", "2017-12-10T21:01:36Z"},
		{"Sat, 31 Dec 49 00:00:00 GMT", "2049-12-31T00:00:00Z"},
		{"Sat, 01 Jan 50 00:00:00 GMT", "1950-01-01T00:00:00Z"},
		{"Fri, 31 Dec 99 23:59:59 GMT", "1999-12-31T23:59:59Z"},
		{"Sat, 01 Jan 00 00:00:00 GMT", "2000-01-01T00:00:00Z"},
		{"Sat, 01 Jan 100 00:00:00 GMT", "2000-01-01T00:00:00Z"}, // a program of before 2000
		{"Tue, 01 Jan 2019 24:00:00 GMT", "2019-01-02T00:00:00Z"},
		{"Tue, 31 Dec 2019 24:00 +0100", "2019-12-31T23:00:00Z"},
		{"Sat, 31 Dec 2016 23:59:60 GMT", "2016-12-31T23:59:59Z"},
		{"03 Apr 02 1500 GMT", "2002-04-03T15:00:00Z"},
		{"Mon, 02 Jan 2006 15 -0700", "2006-01-02T22:00:00Z"},
		{"Mon, 02 Jan 2006 15:4:5 Z", "2006-01-02T15:04:05Z"},
		{"Mon, 02 Jan 2006 15:04:05", "2006-01-02T15:04:05"},
		{"Mon, 02 Jan 2006", "2006-01-02T00:00:00"},
		{"Mon, 02 Jan 2006 15:04:05.250 GMT", "2006-01-02T15:04:05.25Z"},
		{"Monday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"},
		{"Sunday, 06-Nov-1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
		{"Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37"},
		{"Mon Jan 2 15:04:05 MST 2006", "2006-01-02T22:04:05Z"},
		{"Mon Jan 02 15:04:05 -0700 2006", "2006-01-02T22:04:05Z"},
		{"Mon Jan 2 15:04:05 2006 PST", "2006-01-02T23:04:05Z"},
		{"Mon, 02 Jan 2006 15:04:05 +0000 (UTC)", "2006-01-02T15:04:05Z"},
		{"Mon (the (2nd)), 02 Jan 2006 15:04:05 -0500 (EST", "2006-01-02T20:04:05Z"},
		{"02 Monday, Jan 2006 15:04", "2006-01-02T15:04:00"},
	})
}

func TestZonesAreRead(t *testing.T) {
	noon := func(zone, want string) dateCase { return dateCase{"Tue, 02 Jan 2024 12:00:00 " + zone, want} }
	checkDates(t, []dateCase{
		noon("UT", "2024-01-02T12:00:00Z"), noon("UTC", "2024-01-02T12:00:00Z"), noon("z", "2024-01-02T12:00:00Z"),
		noon("EST", "2024-01-02T17:00:00Z"), noon("EDT", "2024-01-02T16:00:00Z"),
		noon("CST", "2024-01-02T18:00:00Z"), noon("CDT", "2024-01-02T17:00:00Z"),
		noon("MST", "2024-01-02T19:00:00Z"), noon("MDT", "2024-01-02T18:00:00Z"),
		noon("PST", "2024-01-02T20:00:00Z"), noon("PDT", "2024-01-02T19:00:00Z"),
		noon("AKST", "2024-01-02T21:00:00Z"), noon("AKDT", "2024-01-02T20:00:00Z"), noon("HST", "2024-01-02T22:00:00Z"),
		noon("WET", "2024-01-02T12:00:00Z"), noon("WEST", "2024-01-02T11:00:00Z"), noon("BST", "2024-01-02T11:00:00Z"),
		noon("CET", "2024-01-02T11:00:00Z"), noon("CEST", "2024-01-02T10:00:00Z"),
		noon("EET", "2024-01-02T10:00:00Z"), noon("EEST", "2024-01-02T09:00:00Z"), noon("MSK", "2024-01-02T09:00:00Z"),
		noon("IST", "2024-01-02T06:30:00Z"), noon("PKT", "2024-01-02T07:00:00Z"), noon("JST", "2024-01-02T03:00:00Z"),
		noon("KST", "2024-01-02T03:00:00Z"), noon("SGT", "2024-01-02T04:00:00Z"), noon("HKT", "2024-01-02T04:00:00Z"),
		noon("PHT", "2024-01-02T04:00:00Z"), noon("AWST", "2024-01-02T04:00:00Z"), noon("ACST", "2024-01-02T02:30:00Z"),
		noon("AEST", "2024-01-02T02:00:00Z"), noon("AEDT", "2024-01-02T01:00:00Z"),
		noon("NZST", "2024-01-02T00:00:00Z"), noon("NZDT", "2024-01-01T23:00:00Z"),
		noon("BRT", "2024-01-02T15:00:00Z"), noon("ART", "2024-01-02T15:00:00Z"), noon("PT", "2024-01-02T20:00:00Z"),
		noon("+00:00", "2024-01-02T12:00:00Z"), noon("+00", "2024-01-02T12:00:00Z"), noon("-0500", "2024-01-02T17:00:00Z"),
		noon("+0530", "2024-01-02T06:30:00Z"), noon("+05:45", "2024-01-02T06:15:00Z"), noon("-930", "2024-01-02T21:30:00Z"),
		noon("GMT+0200", "2024-01-02T10:00:00Z"), noon("GMT+2", "2024-01-02T10:00:00Z"), noon("UTC-05:00", "2024-01-02T17:00:00Z"),
		noon("GMT +0200", "2024-01-02T10:00:00Z"), noon("GMT-0700 (MST)", "2024-01-02T19:00:00Z"), noon("MST-07:00", "2024-01-02T19:00:00Z"),
		noon("-0700 MST", "2024-01-02T19:00:00Z"), noon("+0200 GMT", "2024-01-02T10:00:00Z"), noon("+0200 +0200", "2024-01-02T10:00:00Z"),
		noon("--0700", "2024-01-02T19:00:00Z"), noon("\u22120700", "2024-01-02T19:00:00Z"), noon("-07:00:00", "2024-01-02T19:00:00Z"),
		noon("+2400", ""), noon("+0060", ""), noon("+02000", ""),
		// Unknown or military: as good as none.
		noon("A", "2024-01-02T12:00:00"), noon("M", "2024-01-02T12:00:00"), noon("y", "2024-01-02T12:00:00"),
		noon("XYZ", "2024-01-02T12:00:00"), noon("XYZ QRS", ""), noon("Europe", ""),
	})
}

func TestISODatesAreRead(t *testing.T) {
	checkDates(t, []dateCase{
		{"2006-01-02T15:04:05Z", "2006-01-02T15:04:05Z"},
		{"2006-01-02t15:04:05z", "2006-01-02T15:04:05Z"},
		{"2006-01-02T15:04:05-07:00", "2006-01-02T22:04:05Z"},
		{"2006-01-02T15:04:05+0100", "2006-01-02T14:04:05Z"},
		{"2006-01-02T15:04:05+01", "2006-01-02T14:04:05Z"},
		{"2006-01-02T15:04:05 +01:00", "2006-01-02T14:04:05Z"},
		{"2006-01-02T15:04:05:+0100", "2006-01-02T14:04:05Z"},
		{"2006-01-02T15:04:05", "2006-01-02T15:04:05"},
		{"2006-01-02T15:04Z", "2006-01-02T15:04:00Z"},
		{"2006-01-02T15:04+02:00", "2006-01-02T13:04:00Z"},
		{"2006-01-02T15Z", "2006-01-02T15:00:00Z"},
		{"2006-01-17T12:35:9+01:00", "2006-01-17T11:35:09Z"},
		{"2006-01-02 15:04:05", "2006-01-02T15:04:05"},
		{"2006-01-02 15:04:05Z", "2006-01-02T15:04:05Z"},
		{"2006-01-02 15:04:05 UTC", "2006-01-02T15:04:05Z"},
		{"2006-01-02 at 15:04:05", "2006-01-02T15:04:05"},
		{"2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02T22:04:05.999999999Z"},
		{"2006-01-02T15:04:05.1Z", "2006-01-02T15:04:05.1Z"},
		{"2006-01-02T15:04:05,25Z", "2006-01-02T15:04:05.25Z"},
		{"2006-01-02T15:04:05.1234567891234Z", "2006-01-02T15:04:05.123456789Z"},
		{"2004-07-08 23:56:58.0", "2004-07-08T23:56:58"},
		{"2006-1-2", "2006-01-02T00:00:00"},
		{"2006-01-02", "2006-01-02T00:00:00"},
		{"2020-01-31+01:00", "2020-01-30T23:00:00Z"},
		{"2020-01", "2020-01-01T00:00:00"},
		{"2020", "2020-01-01T00:00:00"},
		{"2020-031", "2020-01-31T00:00:00"},
		{"2020-366", "2020-12-31T00:00:00"},
		{"2019-366", ""},
		{"2020-000", ""},
		{"2020-W05-5", "2020-01-31T00:00:00"},
		{"2020-w05-5T10:00Z", "2020-01-31T10:00:00Z"},
		{"2020W055", "2020-01-31T00:00:00"},
		{"2020-W05", "2020-01-27T00:00:00"},
		{"2020-W01-1", "2019-12-30T00:00:00"},
		{"2020-W53-7", "2021-01-03T00:00:00"},
		{"2019-W53-1", ""},
		{"2020-W05-8", ""},
		{"2020-W5-5", ""},
		{"20200131", "2020-01-31T00:00:00"},
		{"2020031", "2020-01-31T00:00:00"},
		{"20200131T101112Z", "2020-01-31T10:11:12Z"},
		{"20200131T101112.5+0100", "2020-01-31T09:11:12.5Z"},
		{"20200131T1011", "2020-01-31T10:11:00"},
		{"20200131101112", "2020-01-31T10:11:12"},
		{"202001311011", "2020-01-31T10:11:00"},
		{"2020-01-31T24:00:00Z", "2020-02-01T00:00:00Z"},
		{"2020-12-31T24:00Z", "2021-01-01T00:00:00Z"},
		{"2020-01-31T10:00:00+01:00[Europe/Berlin]", "2020-01-31T09:00:00Z"},
		{"2020/01/31", "2020-01-31T00:00:00"},
		{"2020/1/10 14:33:00", "2020-01-10T14:33:00"},
		{"2020.01.31", "2020-01-31T00:00:00"},
		{"2024-02-29", "2024-02-29T00:00:00"},
		{"2000-02-29", "2000-02-29T00:00:00"},
	})
}

func TestNumbersWithoutNamesAreRead(t *testing.T) {
	checkDates(t, []dateCase{
		{"31.01.2020", "2020-01-31T00:00:00"},
		{"02.03.2020", "2020-03-02T00:00:00"},
		{"2.3.2020 14:30", "2020-03-02T14:30:00"},
		{"2.3.20 14.30", "2020-03-02T14:30:00"},
		{"2.3.2020 14.30.15", "2020-03-02T14:30:15"},
		{"15:04 02.01.2006 -0700", "2006-01-02T22:04:00Z"},
		{"02/03/2020", "2020-02-03T00:00:00"},
		{"2/3/20 9:15", "2020-02-03T09:15:00"},
		{"13/02/2020", "2020-02-13T00:00:00"},
		{"02/13/2020", "2020-02-13T00:00:00"},
		{"01/02/2006 3:04:05 PM", "2006-01-02T15:04:05"},
		{"01/02/2006 - 15:04", "2006-01-02T15:04:00"},
		{"02-03-2020", "2020-03-02T00:00:00"},
		{"02-13-2020", "2020-02-13T00:00:00"},
		{"02-03-2020 15:04:05 CET", "2020-03-02T14:04:05Z"},
		{"03-12-31", "2003-12-31T00:00:00"},
		{"31-12-03", "2031-12-03T00:00:00"},
		{"31-12-99", "1999-12-31T00:00:00"},
		{"10:00:00 2023-07-04", "2023-07-04T10:00:00"},
		{"10:00:00 04-Jul-2023", "2023-07-04T10:00:00"},
		{"1518478934", "2018-02-12T23:42:14Z"},
		{" 1518478934.5 ", "2018-02-12T23:42:14.5Z"},
		{"999999999", "2001-09-09T01:46:39Z"},
		{"1518478934123", "2018-02-12T23:42:14.123Z"},
		{"32503680000", "3000-01-01T00:00:00Z"},
		{"1518478934 GMT", ""},
		{"Mon, 1518478934", ""},
		{"-1518478934", ""},
		{"151847893", "1974-10-24T11:58:13Z"},
		{"15184789341234", ""},
		{"99999999999999999999999999", ""},
	})
}

func TestDatesAsPeopleTypeThemAreRead(t *testing.T) {
	checkDates(t, []dateCase{
		{"July 4, 2023", "2023-07-04T00:00:00"},
		{"4 July 2023", "2023-07-04T00:00:00"},
		{"4th of July 2023", "2023-07-04T00:00:00"},
		{"July 4th, 2023 at 10:11", "2023-07-04T10:11:00"},
		{"Jul 4 2023 10:11am", "2023-07-04T10:11:00"},
		{"Jul 4 2023 3:04:05PM EST", "2023-07-04T20:04:05Z"},
		{"Jul 4, 2023, 3:04 p.m.", "2023-07-04T15:04:00"},
		{"Jul 4, 2023 3:04 A.M. PDT", "2023-07-04T10:04:00Z"},
		{"4 July 2023 12:30 AM", "2023-07-04T00:30:00"},
		{"4 July 2023 12:30 PM", "2023-07-04T12:30:00"},
		{"4 July 2023 15:04 PM", "2023-07-04T15:04:00"},
		{"4 July 2023 3 pm", "2023-07-04T15:00:00"},
		{"04-Jul-2023", "2023-07-04T00:00:00"},
		{"04-Jul-23 10:00", "2023-07-04T10:00:00"},
		{"Jul-04-2023", "2023-07-04T00:00:00"},
		{"4.July.2023", "2023-07-04T00:00:00"},
		{"4/Jul/2023:10:00", ""},
		{"2023 July 4", "2023-07-04T00:00:00"},
		{"Tuesday, July 4, 2023 03:04 PM", "2023-07-04T15:04:00"},
		{"January 2024", "2024-01-01T00:00:00"},
		{"\u00a0 4\u00a0July\u202f2023 \u200b", "2023-07-04T00:00:00"},
		{"4 July 2023.", "2023-07-04T00:00:00"},
		{"\n\t2023-07-04\r\n", "2023-07-04T00:00:00"},
		{"２０２３－０７－０４　１０：１１", "2023-07-04T10:11:00"},
		{"Quux, 4 July 2023", "2023-07-04T00:00:00"},
	})
}

func TestMonthsOfOtherLanguagesAreRead(t *testing.T) {
	checkDates(t, []dateCase{
		{"vendredi 5 janvier 2024", "2024-01-05T00:00:00"},
		{"ven., 5 févr. 2024 à 14h30", "2024-02-05T14:30:00"},
		{"1er août 2024", "2024-08-01T00:00:00"},
		{"mar. 5 mars 2024 14h", "2024-03-05T14:00:00"},
		{"mar, 09 janv 2024 10:00:00 +0100", "2024-01-09T09:00:00Z"},
		{"mar. 05/03/2024", "2024-05-03T00:00:00"},
		{"D\u00e9c 31, 2023", "2023-12-31T00:00:00"},
		{"De\u0301c 31, 2023", "2023-12-31T00:00:00"},
		{"Do, 14 Mär 2024 08:15:00 +0100", "2024-03-14T07:15:00Z"},
		{"Mittwoch, 1. Mai 2024, 12:30 Uhr", "2024-05-01T12:30:00"},
		{"Am 3. Oktober 2024 um 12.30 Uhr", "2024-10-03T12:30:00"},
		{"24. DEZEMBER 2024 MEZ", "2024-12-23T23:00:00Z"},
		{"lunes, 5 de agosto de 2024", "2024-08-05T00:00:00"},
		{"5 sept. 2024 9:05 a. m.", "2024-09-05T09:05:00"},
		{"mié, 17 ene 2024 10:00", "2024-01-17T10:00:00"},
		{"martedì 6 febbraio 2024", "2024-02-06T00:00:00"},
		{"12 giu 2024", "2024-06-12T00:00:00"}, {"12 lug 2024", "2024-07-12T00:00:00"}, {"12 set 2024", "2024-09-12T00:00:00"},
		{"segunda-feira, 4 de março de 2024", "2024-03-04T00:00:00"},
		{"4 out 2024", "2024-10-04T00:00:00"},
		{"donderdag 28 maart 2024", "2024-03-28T00:00:00"}, {"28 mrt. 2024", "2024-03-28T00:00:00"},
		{"wtorek, 6 lutego 2024", "2024-02-06T00:00:00"},
		{"14 października 2024", "2024-10-14T00:00:00"}, {"1 września 2024", "2024-09-01T00:00:00"},
		{"tisdag 6 augusti 2024", "2024-08-06T00:00:00"}, {"lørdag den 3. maj 2025 kl. 14:30", "2025-05-03T14:30:00"},
		{"3. desember 2024", "2024-12-03T00:00:00"}, {"15. marts 2024", "2024-03-15T00:00:00"},
		{"пятница, 5 января 2024 г., 10:00", "2024-01-05T10:00:00"},
		{"Май 2024", "2024-05-01T00:00:00"}, {"9 МАЯ 2024", "2024-05-09T00:00:00"}, {"Ср, 12 июн 2024 10:00:00 MSK", "2024-06-12T07:00:00Z"},
		{"Κυρ, 11 Ιούλ 2004 12:00:00 EST", "2004-07-11T17:00:00Z"},
		{"Παρ, 5 ΙΑΝΟΥΑΡΊΟΥ 2024", "2024-01-05T00:00:00"}, {"28 Μαΐου 2024", "2024-05-28T00:00:00"},
		{"2004-július-13T9:15-05:00", "2004-07-13T14:15:00Z"},
		{"2004. július 13., 9:15", "2004-07-13T09:15:00"}, {"2004-szeptember-13", "2004-09-13T00:00:00"},
		{"5 Ağustos 2024 Pazartesi", "2024-08-05T00:00:00"}, {"5 ARALIK 2024", "2024-12-05T00:00:00"}, {"5 Şub 2024", "2024-02-05T00:00:00"},
		{"2004年05月28日 23:31:59", "2004-05-28T23:31:59"},
		{"2004年5月28日", "2004-05-28T00:00:00"},
		{"2024年5月28日(火) 午後11時31分59秒", "2024-05-28T23:31:59"},
		{"2024年5月28日火曜日午前0時5分", "2024-05-28T00:05:00"},
		{"2004-05-28 午後11:23:17", "2004-05-28T23:23:17"},
		{"2024年5月28日 星期二 下午3:04", "2024-05-28T15:04:00"},
		{"2004년 05월 28일  01:31:15", "2004-05-28T01:31:15"},
		{"2004-05-28 오후 11:23:17", "2004-05-28T23:23:17"},
		{"2004-05-28 오전 12:23:17", "2004-05-28T00:23:17"},
		{"2024년 5월 28일 화요일 오후 3시 4분", "2024-05-28T15:04:00"},
		{"2024年13月1日", ""}, {"2024年5月28日28日", ""}, {"5月28日", ""}, {"午後11時", ""},
	})
}

func TestWhatIsNoDateIsNone(t *testing.T) {
	for _, s := range []string{
		"", " ", ".", "-", "+", "today", "Yesterday", "not a date", "3 days ago", "GMT", "Mon", "Z", "T", "pm",
		"2020-02-30", "2019-02-29", "1900-02-29", "31 Feb 2020", "31 April 2020", "2020-13-01", "2020-00-10", "2020-01-00", "2020-01-32",
		"0000-00-00T00:00:00Z", "0000-01-01", "-0001-11-30T00:00:00+00:00", "+2020-01-31", "0001-01-01T00:00:00+01:00",
		"0001-01-01T00:00:00Z", "9999-12-31T24:00:00Z", "9999-12-31T23:59:59-01:00",
		"Jul 04 15:04:05", "Mon, 04 Jul 15:04:05 GMT", "31.01.", "04 Jul", "12:00", "2020-01T10:00", "2020T10:00",
		"2020-01-31T25:00:00Z", "2020-01-31T10:60:00Z", "2020-01-31T10:00:61Z", "2020-01-31T24:00:01Z", "2020-01-31 10:", "2020-01-31T10:000",
		"2020-01-31 2020-02-01", "5 Jan 6 Feb 2020", "Jan Feb 2020", "31/31/2020", "00/01/2020", "01/00/2020",
		"2020-01-31 10:00 11:00", "1 2 3 4", "5 Smarch 2020", "2020-01-31 <b>", "v1.2.3", "1.2.3.4", "12345", "123456",
		"2020-01-31T10:00:00Z\x00", "2020-01-31 \xff\xfe", "日", "年月日", "½ Jan 2020", strings.Repeat("(", 99), strings.Repeat("1 Jan 2020 ", 99),
	} {
		if got := describeDate(s); got != "" {
			t.Errorf("%q is read as %s, want no date", s, got)
		}
	}
}

// Two lists that claim one word for different things would make the order of a
// map decide.
func TestNoNameMeansTwoThings(t *testing.T) {
	seen := map[string]string{}
	claim := func(names, what string) {
		for _, n := range strings.Fields(foldDate(names)) {
			if seen[n] != "" && seen[n] != what {
				t.Errorf("%q is %s and %s", n, seen[n], what)
			}
			seen[n] = what
		}
	}
	for m, names := range monthNames {
		claim(names, time.Month(m+1).String())
	}
	for minutes, names := range zoneNames {
		claim(names, (time.Duration(minutes) * time.Minute).String())
	}
	for _, names := range otherWords {
		claim(names, names)
	}
	for name, what := range seen {
		if w := dateWords()[name]; w.role == 0 {
			t.Errorf("%q, %s, is not known", name, what)
		}
	}
}

// english answers before the table does and must say the same.
func TestEnglishWordsAreThoseOfTheTable(t *testing.T) {
	known := 0
	for name, want := range dateWords() {
		if len(name) != 3 {
			continue
		}
		if got := english([3]byte([]byte(name))); got.role != 0 {
			known++
			if got != want {
				t.Errorf("%s: %+v, the table has %+v", name, got, want)
			}
		}
	}
	if known != 7+11+1 {
		t.Errorf("%d of the words are in the table, want 19", known)
	}
}

func TestEveryTimeIsReadBackInEveryLayout(t *testing.T) {
	layouts := []string{
		time.RFC1123Z, time.RFC3339Nano, time.RFC850, time.RubyDate, time.ANSIC, time.UnixDate,
		"2 January 2006 15:04:05 -0700", "January 2, 2006 3:04:05.999 PM -07:00", "20060102T150405Z0700", "2006-01-02 15:04:05.999999999 -0700 MST",
	}
	zones := []*time.Location{time.UTC, time.FixedZone("IST", 19800), time.FixedZone("NDT", -9000), time.FixedZone("HST", -36000)}
	for i := range 20000 {
		// A step of a prime number of seconds meets every day, hour and minute.
		at := time.Unix(-631152000+int64(i)*157231, 0).UTC() // from 1950
		if at.Year() > 2049 {
			break
		}
		in := at.In(zones[i%len(zones)])
		for _, l := range layouts {
			text, want := in.Format(l), at
			if l == time.ANSIC { // has no zone
				want = time.Date(in.Year(), in.Month(), in.Day(), in.Hour(), in.Minute(), in.Second(), 0, time.UTC)
			}
			if got := parseDate(text); !got.Equal(want) {
				t.Fatalf("%q is read as %s, want %s", text, got, want)
			}
		}
	}
}

func TestUsualDatesNeedNoMemory(t *testing.T) {
	for _, s := range usualDates {
		parseDate(s) // the table of names is made once
		if n := testing.AllocsPerRun(100, func() { parseDate(s) }); n != 0 {
			t.Errorf("%q: %v allocations", s, n)
		}
	}
}

var usualDates = []string{
	"Mon, 02 Jan 2006 15:04:05 -0700", "Mon, 02 Jan 2006 15:04:05 GMT", "Tue, 07 Jul 2009 00:00:00 EDT",
	"2006-01-02T15:04:05Z", "2006-01-02T15:04:05.123456-07:00", "not a date",
}

// The dates of real feeds are what this is for.

var realDate = regexp.MustCompile(`(?i)<(?:\w+:)?(?:pubDate|published|updated|date|issued|modified|created|lastBuildDate)(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?([^<\]]*)|"date_(?:published|modified)"\s*:\s*"([^"]*)"`)

// unreadDates of the real feeds, and why.
var unreadDates = map[string]string{
	"not a date":                      "says so itself",
	"Mon, 01 Jan 0001 00:00:00 +0000": "is Go's zero time, which a program wrote that had no date",
}

// realDates are the dates in the feeds, each with a file it is in.
func realDates(t *testing.T) map[string]string {
	t.Helper()
	root := feedstest.Data(t, "feeds")
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || d.IsDir() || ext == ".md" || ext == ".tsv" {
			return err
		}
		body, err := os.ReadFile(path)
		for _, m := range realDate.FindAllSubmatch(body, -1) {
			if s := strings.TrimSpace(string(m[1]) + string(m[2])); s != "" {
				found[s] = path[len(root)+1:]
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 500 {
		t.Fatalf("only %d dates found", len(found))
	}
	return found
}

// Where gofeed reads a real date, it reads the same one: there is no difference
// to list. What it misreads is in the tables above, JST and 02/03/2020 among it.
func TestRealDatesAreReadAndAsGofeedReadsThem(t *testing.T) {
	dates, compared := realDates(t), 0
	gofeedSays := gofeedDates(t, slices.Sorted(maps.Keys(dates)))
	for s, where := range dates {
		if got, why := describeDate(s), unreadDates[s]; (got == "") != (why != "") {
			t.Errorf("%s: %q is read as %q; listed as unread because: %q", where, s, got, why)
		}
		theirs := gofeedSays[s]
		if theirs == nil {
			continue
		}
		compared++
		if ours := parseDate(s); !ours.Equal(*theirs) {
			t.Errorf("%s: %q is %s, gofeed has %s", where, s, ours, theirs)
		}
	}
	for s := range unreadDates {
		if dates[s] == "" {
			t.Errorf("%q is in no feed any more", s)
		}
	}
	if compared < 500 {
		t.Errorf("gofeed reads only %d of the dates", compared)
	}
}

// gofeedDates is what gofeed makes of dates; of those it cannot read there is none.
func gofeedDates(t *testing.T, dates []string) map[string]*time.Time {
	t.Helper()
	var b strings.Builder
	b.WriteString("<rss version='2.0'><channel>")
	for _, s := range dates {
		b.WriteString("<item><pubDate>")
		if err := xml.EscapeText(&b, []byte(s)); err != nil {
			t.Fatal(err)
		}
		b.WriteString("</pubDate></item>")
	}
	f, err := gofeed.NewParser().ParseString(b.String() + "</channel></rss>")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Items) != len(dates) {
		t.Fatalf("%d items of %d", len(f.Items), len(dates))
	}
	read := map[string]*time.Time{}
	for i, s := range dates {
		read[s] = f.Items[i].PublishedParsed
	}
	return read
}

func FuzzDate(f *testing.F) {
	for _, s := range append(usualDates, "Κυρ, 11 Ιούλ 2004 12:00:00 EST", "2024年5月28日(火) 午後11時31分59秒", "2020-W05-5", "1/2/2006 3:04 p. m.", "20200131T101112,5Z") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, zoned := readDate(s)
		if got.IsZero() {
			if zoned {
				t.Errorf("%q is no date but has a zone", s)
			}
			return
		}
		if y := got.Year(); y < 1 || y > 9999 || got.Location() != time.UTC {
			t.Errorf("%q is read as %s", s, got)
		}
		if again := parseDate(got.Format(time.RFC3339Nano)); !again.Equal(got) {
			t.Errorf("%q is read as %s and then as %s", s, got, again)
		}
	})
}

func BenchmarkDate(b *testing.B) {
	for _, s := range append(usualDates, "2004-július-13T9:15-05:00") {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				parseDate(s)
			}
		})
	}
}
