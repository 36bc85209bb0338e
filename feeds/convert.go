package feeds

import (
	"encoding/base64"
	"net/mail"
	"strconv"
	"strings"
	"time"
)

func newest(e *Entry) time.Time {
	if e.Updated.After(e.Published) {
		return e.Updated
	}
	return e.Published
}

// person reads "Name", "mail", "mail (Name)", "Name (mail)" and "Name <mail>".
func person(s string) Person {
	s = plainTitle(s)
	if before, inside, ok := strings.Cut(s, "("); ok {
		before, inside = strings.TrimSpace(before), strings.TrimSpace(strings.TrimSuffix(inside, ")"))
		switch {
		case isMail(before):
			return Person{Name: inside, Email: before}
		case isMail(inside):
			return Person{Name: before, Email: inside}
		}
	}
	if a, err := mail.ParseAddress(s); err == nil {
		return Person{Name: a.Name, Email: a.Address}
	}
	return Person{Name: s}
}

// isMail says that s is a mail address and nothing else.
func isMail(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && !strings.ContainsAny(s, " <>()")
}

// fromBase64 is text that Atom 0.3 wrapped in base64 (mode="base64"), "" where it
// is none.
func fromBase64(s string) string {
	text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		return ""
	}
	return clean(string(text))
}

func length(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func hexValue(c rune) rune {
	if c <= '9' {
		return c - '0'
	}
	return c - 'a' + 10
}
