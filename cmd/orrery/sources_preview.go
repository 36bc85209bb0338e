package main

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"orrery/feeds"
)

// previewed is how many entries a preview shows.
const previewed = 5

// preview shows what a new source will bring.
func preview(w io.Writer, address string, f *feeds.Feed, now time.Time) {
	fmt.Fprintln(w, cmp.Or(plain(f.Title), "(without a title)"))
	pace := ""
	if tempo := f.Pace(now).Tempo; tempo > 0 {
		pace = ", one " + every(tempo)
	}
	for _, l := range [][2]string{
		{"address", redacted(address)}, {"format", f.Format}, {"page", f.Link}, {"language", f.Language},
		{"entries", count(len(f.Entries), "entry", "entries") + pace},
	} {
		if l[1] != "" {
			fmt.Fprintf(w, "  %-10s%s\n", l[0], plain(l[1]))
		}
	}
	list := slices.Clone(f.Entries)
	slices.SortStableFunc(list, func(a, b feeds.Entry) int { return dateOf(&b).Compare(dateOf(&a)) })
	for i := range list[:min(len(list), previewed)] {
		fmt.Fprintf(w, "  %s  %s\n", day(dateOf(&list[i])), plain(titleOf(&list[i])))
	}
}

func dateOf(e *feeds.Entry) time.Time {
	if e.Published.IsZero() {
		return e.Updated
	}
	return e.Published
}

// every is a time between two posts for people.
func every(d time.Duration) string {
	const day = 24 * time.Hour
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{365 * day, "year"}, {30 * day, "month"}, {7 * day, "week"}, {day, "day"}, {time.Hour, "hour"}} {
		switch n := int((d + u.unit/2) / u.unit); {
		case n > 1 && d >= u.unit:
			return fmt.Sprintf("about every %d %ss", n, u.name)
		case n == 1:
			return "about every " + u.name
		}
	}
	return "every few minutes"
}

// oddities are what whoever adds a feed should know of it, a sentence each.
func oddities(f found, maxBody int64, now time.Time) []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	feed := f.Feed
	n := len(feed.Entries)
	if strings.HasPrefix(f.address, "http://") {
		add("it is read without TLS: anybody on the way can change it")
	}
	if feed.Truncated {
		add("the document is cut off; only its whole entries are read")
	}
	if len(feed.Repaired) > 0 {
		add("the document had to be repaired: %s", plain(strings.Join(feed.Repaired, ", ")))
	}
	if size := int64(f.Answer.Bytes); size > maxBody/2 {
		add("it is %d KiB large, and fetch.max_body is %d KiB", size>>10, maxBody>>10)
	}
	if n == 0 {
		add("it has no entries")
		return list
	}
	if k := some(feed, func(e *feeds.Entry) bool { return dateOf(e).IsZero() }); k > 0 {
		add("%d of %d entries have no date: they count as written when they are first seen", k, n)
	}
	if k := some(feed, nameless); k > 0 {
		add("%d of %d entries have no identity of their own: one whose address or title changes comes again", k, n)
	}
	if k := some(feed, textless); k == n {
		add("its entries have no text")
	} else if k := some(feed, excerpt); 2*k >= n {
		add("only the beginnings of its posts are in it")
	}
	if newest := feed.Pace(now).Newest; !newest.IsZero() && now.Sub(newest) > 365*24*time.Hour {
		add("its newest entry is of %s", newest.Format("2 January 2006"))
	}
	return list
}

func some(f *feeds.Feed, is func(*feeds.Entry) bool) int {
	n := 0
	for i := range f.Entries {
		if is(&f.Entries[i]) {
			n++
		}
	}
	return n
}

// nameless says that the GUID of an entry is one we made: of its address, which as a
// GUID of the feed's would be global, or of its text.
func nameless(e *feeds.Entry) bool {
	return !e.GUIDGlobal && (strings.HasPrefix(e.GUID, "hash:") || strings.HasPrefix(e.GUID, "http://") || strings.HasPrefix(e.GUID, "https://"))
}

func textless(e *feeds.Entry) bool { return e.Content == "" && e.Summary == "" }

// cutOff ends what is only the beginning of a post; some sign below it.
var cutOff = regexp.MustCompile(`(?i)(\[(…|\.\.\.)\].{0,300}|(…|\.\.\.|read more|continue reading|read the rest|weiterlesen|lire la suite|seguir leyendo)[\s\])»>→.]*)$`)

// excerpt says that an entry looks like the beginning of its post and no more: that
// it says so, or ends within a sentence.
func excerpt(e *feeds.Entry) bool {
	text := feeds.PlainText(cmp.Or(e.Content, e.Summary))
	last, _ := utf8.DecodeLastRuneInString(text)
	const short, long = 100, 1000 // bytes; a note may be shorter, and an excerpt is not longer
	return cutOff.MatchString(text) || len(text) > short && len(text) < long && unicode.IsLetter(last)
}

// plain is a text of strangers on one line of a terminal: without what would move
// its cursor, or turn the line round.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		turns := r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x200E || r == 0x200F
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), turns:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
