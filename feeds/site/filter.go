package site

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// filter is what a search asks for; all of it has to hold.
type filter struct {
	text                               string // as it was typed
	category, source, author, language string // slugs
}

// maxQuery bounds the query of an address, in bytes: 200 characters, as the form takes
// them, may be 1,800.
const maxQuery = 4 << 10

// asked is the route with what the query of its address asks for. What nobody knows is
// ignored (output.md 20); a name that none can have is asked for, and selects nothing.
func (rt route) asked(query string) route {
	if query == "" || len(query) > maxQuery || rt.kind != atSearch && !slices.Contains(formats[:], rt.feed) {
		return rt
	}
	q := fields(query)
	if rt.feed != "" && rt.archive == 0 {
		rt.excerpts = q.Get("content") == "summary"
		rt.arrival = q.Get("order") == "arrival" && rt.kind != atSearch
	}
	if rt.kind == atSearch {
		rt.filter = filter{strings.Join(strings.Fields(strings.ToValidUTF8(q.Get("q"), " ")), " "), q.Get("category"), q.Get("source"), q.Get("author"), strings.ToLower(q.Get("lang"))}
	}
	return rt
}

// tooLong says that so much is looked for that nobody can have meant it: to leave it out
// would answer with everything.
func (rt route) tooLong(query string) bool { return rt.kind == atSearch && len(query) > maxQuery }

// fields are those of a query as browsers write and read them (URL Standard §5.1): no
// character of it is an error, where url.ParseQuery leaves out what holds one.
func fields(query string) url.Values {
	q := url.Values{}
	for field := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(field, "=")
		q.Add(unescape(name), unescape(value))
	}
	return q
}

func unescape(s string) string {
	s = strings.ReplaceAll(s, "+", " ")
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		if c, err := strconv.ParseUint(s[i+1:min(i+3, len(s))], 16, 8); err == nil && len(s) > i+2 {
			b.WriteByte(byte(c))
			s = s[i+3:]
		} else {
			b.WriteByte('%')
			s = s[i+1:]
		}
	}
}

// options is the part of the address behind the path, "" or with its question mark: the
// same for all that ask for the same.
func (rt route) options() string {
	q := url.Values{}
	for name, value := range map[string]string{
		"q": rt.filter.text, "category": rt.filter.category, "source": rt.filter.source, "author": rt.filter.author, "lang": rt.filter.language,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if rt.excerpts {
		q.Set("content", "summary")
	}
	if rt.arrival {
		q.Set("order", "arrival")
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode() // in the order of the names
}
