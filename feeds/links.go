package feeds

import (
	"fmt"
	"net/url"
	"strings"
)

// Resolve makes ref absolute against base (RFC 3986 §5.2) and returns "" unless
// the result has one of the schemes. Everything else, javascript: and data:
// first of all, is dropped when it is read: our feeds are somebody else's input.
func Resolve(base, ref string, schemes ...string) string {
	ref = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7F { // browsers drop tabs and newlines inside an address
			return -1
		}
		return r
	}, strings.TrimSpace(clean(ref)))
	if ref == "" || len(ref) > MaxURL {
		return ""
	}
	u, err := url.Parse(ref)
	if err != nil {
		// Blogs write 50%off and spaces into addresses; escape what no URL has and try once more.
		if u, err = url.Parse(escapeURL(ref)); err != nil {
			return ""
		}
	}
	if !u.IsAbs() {
		b, err := url.Parse(base)
		if err != nil || b.Host == "" {
			return ""
		}
		u = b.ResolveReference(u)
	}
	return allowed(u, schemes)
}

func allowed(u *url.URL, schemes []string) string {
	for _, s := range schemes {
		if u.Scheme != s {
			continue
		}
		if (s == "http" || s == "https") && (u.Host == "" || strings.ContainsAny(u.Host, "\"'<>\\^`{|} ")) {
			return "" // net/url takes a host for one whatever is in it (RFC 3986 §3.2.2)
		}
		u.RawQuery = escapeQuery(u.RawQuery)
		out := u.String()
		if len(out) > MaxURL {
			return ""
		}
		return out
	}
	return ""
}

// escapeQuery escapes what no query may hold (RFC 3986 §3.4); net/url leaves it
// as it came.
func escapeQuery(q string) string {
	clean := func(c byte) bool { return c > 0x20 && c < 0x7F && !strings.ContainsRune("\"<>\\^`{|}", rune(c)) }
	var b strings.Builder
	for i := 0; i < len(q); i++ {
		if clean(q[i]) {
			b.WriteByte(q[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", q[i])
		}
	}
	return b.String()
}

func escapeURL(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])) {
			b.WriteString("%25")
			continue
		}
		b.WriteByte(s[i])
	}
	return strings.ReplaceAll(b.String(), " ", "%20")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// webURL is Resolve for addresses of pages and files.
func webURL(base, ref string) string { return Resolve(base, ref, "http", "https") }
