package site

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/unicode/bidi"

	"orrery/feeds"
)

// fit makes the sanitized HTML of a post fit into a page: its highest heading
// becomes h<top>, so that a post's outline lies below the page's (pages.md 2),
// and pictures load late and tell nobody where (pages.md 4).
//
// The attributes are written without quotes on purpose: should a "<img " ever
// stand inside an attribute's value, they cannot end it.
func fit(content string, top byte) string {
	shift := 0
	if h := highest(content); h != 0 {
		shift = int(top) - int(h)
	}
	var b strings.Builder
	b.Grow(len(content) + len(content)/16)
	for {
		i := strings.IndexByte(content, '<')
		if i < 0 {
			b.WriteString(content)
			return b.String()
		}
		b.WriteString(content[:i])
		content = content[i:]
		level, at := heading(content)
		switch {
		case level != 0:
			b.WriteString(content[:at])
			b.WriteByte('0' + byte(min(int(level)+shift, 6)))
			content = content[at+1:]
		case strings.HasPrefix(content, "<img "):
			b.WriteString("<img loading=lazy decoding=async referrerpolicy=no-referrer ")
			content = content[len("<img "):]
		case opens(content, "<pre"), opens(content, "<table"): // they scroll, and a keyboard has to get there
			i := strings.IndexAny(content, " >")
			b.WriteString(content[:i] + " tabindex=0")
			content = content[i:]
		default:
			b.WriteByte('<')
			content = content[1:]
		}
	}
}

// opens says that s begins with the start tag, which may have attributes.
func opens(s, tag string) bool {
	return strings.HasPrefix(s, tag) && len(s) > len(tag) && (s[len(tag)] == '>' || s[len(tag)] == ' ')
}

// highest is the level of the highest heading in content, 0 for none.
func highest(content string) byte {
	h := byte(0)
	for {
		i := strings.IndexByte(content, '<')
		if i < 0 {
			return h
		}
		content = content[i:]
		if level, _ := heading(content); level != 0 && (h == 0 || level < h) {
			h = level
		}
		content = content[1:]
	}
}

// heading says whether s begins with a tag of h1 to h6, and where its digit is.
func heading(s string) (level byte, at int) {
	at = 2
	if strings.HasPrefix(s, "</") {
		at = 3
	}
	if len(s) < at+2 || s[at-1] != 'h' || s[at] < '1' || s[at] > '6' || s[at+1] != '>' && s[at+1] != ' ' {
		return 0, 0
	}
	return s[at] - '0', at
}

// Bounds of a post's text on a page of many.
const (
	foldAbove   = 1500     // characters of text; longer posts are folded
	inlineEach  = 64 << 10 // bytes of HTML a folded post may have
	inlineAll   = 1 << 20  // bytes of HTML all posts of a page may have
	excerptSize = 420      // bytes
)

// long says that a post's text is to be folded.
func long(content string) bool {
	return len(content) > foldAbove && utf8.RuneCountInString(feeds.TextUpTo(content, foldAbove)) > foldAbove
}

// webLink is address if a browser may follow it from a page of ours, else "".
func webLink(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return address
}

// script is the language of a text as it stands in lang, "" if nobody knows it,
// and its direction. The direction is what the language is written in, unless
// the text has not one letter of it: many feeds claim the language of the
// program that made them. more is the rest of the text, which is read if its beginning
// does not settle that; nil: there is none.
func script(tag, text string, more func() string) (lang, dir string) {
	if t, err := language.Parse(tag); err == nil && t != language.Und {
		lang, dir = t.String(), "ltr"
		s, _ := t.Script()
		switch s.String() {
		case "Adlm", "Arab", "Aran", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa":
			dir = "rtl"
		}
	}
	ltr, rtl := letters(text)
	if settled := dir == "ltr" && ltr > 0 || dir == "rtl" && rtl > 0; !settled && more != nil {
		l, r := letters(more())
		ltr, rtl = ltr+l, rtl+r
	}
	switch {
	case dir == "rtl" && rtl == 0 && ltr > 0:
		dir = "ltr"
	case dir == "ltr" && ltr == 0 && rtl > 0:
		dir = "rtl"
	case dir == "" && rtl > ltr:
		dir = "rtl"
	case dir == "":
		dir = "ltr"
	}
	return lang, dir
}

// letters counts the letters written in each direction (UAX #9, classes L, R and AL).
func letters(text string) (ltr, rtl int) {
	for _, r := range text {
		if r < utf8.RuneSelf && (r|0x20 < 'a' || r|0x20 > 'z') {
			continue
		}
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.L:
			ltr++
		case bidi.R, bidi.AL:
			rtl++
		}
	}
	return ltr, rtl
}
