package feeds

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
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
		if len(base) > maxBase {
			return ""
		}
		b, err := url.Parse(base)
		if err != nil || b.Host == "" {
			return ""
		}
		u = b.ResolveReference(u)
	}
	return allowed(u, schemes)
}

func allowed(u *url.URL, schemes []string) string {
	web := u.Scheme == "http" || u.Scheme == "https"
	if !slices.Contains(schemes, u.Scheme) || web && u.Host == "" || !tidyHost(u) {
		return ""
	}
	u.Opaque, u.RawQuery = escapeUnsafe(u.Opaque), escapeUnsafe(u.RawQuery)
	out := u.String()
	if len(out) > MaxURL {
		return ""
	}
	// What net/url writes it does not always read: //a:b:/ was an address, https://a:b:/ is none.
	if again, err := url.Parse(out); err != nil || again.String() != out {
		return ""
	}
	return out
}

// maxHost is how long a name may be (RFC 1035 §2.3.4), in characters before it is
// encoded.
const maxHost = 253

// tidyHost writes an international name as the DNS knows it (RFC 5891 §4) and says
// whether the host is one: net/url takes it for one whatever is in it (RFC 3986
// §3.2.2). A name that cannot be looked up may hold what turns the text around, or a
// slash of another script. A zone means something on its own machine only (RFC 4007 §6).
func tidyHost(u *url.URL) bool {
	name, port := u.Hostname(), u.Port()
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n > 0xFFFF) {
		return false
	}
	if strings.HasPrefix(u.Host, "[") {
		a, err := netip.ParseAddr(name)
		return err == nil && a.Zone() == ""
	}
	if isASCII(name) {
		return !strings.ContainsAny(u.Host, "\"'<>\\^`{|} %[]")
	}
	if len(name) > maxHost*utf8.UTFMax {
		return false
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		return false
	}
	if u.Host = ascii; port != "" {
		u.Host += ":" + port
	}
	return true
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// escapeUnsafe escapes what no part of an address may hold (RFC 3986 §2); net/url
// leaves it in a query, and behind a mailto:, as it came.
func escapeUnsafe(s string) string {
	return escapeBytes(s, func(c byte) bool { return c > 0x20 && c < 0x7F && strings.IndexByte("\"<>\\^`{|}", c) < 0 })
}

// escapeBytes escapes the bytes of s that do not fit.
func escapeBytes(s string, fits func(byte) bool) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if fits(s[i]) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
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
