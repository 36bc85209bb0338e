package feeds

import (
	"encoding/base64"
	"regexp"
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

// personsOf are the people that a text names: several with commas or semicolons
// between them where each has a mail address, else one.
func personsOf(s string) []Person {
	var out []Person
	for _, part := range splitPersons(plainTitle(s)) {
		if p := plainPerson(part); p != (Person{}) {
			out = append(out, p)
		}
	}
	return out
}

func splitPersons(s string) []string {
	if strings.Count(s, "@") < 2 || !strings.ContainsAny(s, ",;") {
		return []string{s}
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' })
	for _, p := range parts {
		if !strings.Contains(p, "@") {
			return []string{s}
		}
	}
	return parts
}

var (
	// mailFirst is "mail (Name)", "mail [Name]", "mail - Name", "mail Name".
	mailFirst = regexp.MustCompile(`^(?i:mailto:)?([^\s@<>()\[\]]+@[^\s@<>()\[\],;]+)[\s,:;(\[–-]*(.*?)[)\]]*$`)
	// mailLast is "Name (mail)", "Name <mail>", "Last, First <mail>".
	mailLast = regexp.MustCompile(`^"?(.*?)"?\s*[<(\[](?i:mailto:)?([^\s@<>()\[\]]+@[^\s@<>()\[\]]+)[>)\]]$`)
)

// person reads a name with or without a mail address, in all the ways people write
// the two. No name has an address in it (parsing.md 15).
func person(s string) Person { return plainPerson(plainTitle(cut(s, 4*MaxTitle))) }

func plainPerson(s string) Person {
	s = oneLine(s)
	if !strings.Contains(s, "@") {
		return Person{Name: s}
	}
	if m := mailFirst.FindStringSubmatch(s); m != nil {
		return Person{Name: strings.TrimSpace(m[2]), Email: m[1]}
	}
	if m := mailLast.FindStringSubmatch(s); m != nil {
		return Person{Name: strings.TrimSpace(m[1]), Email: m[2]}
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
