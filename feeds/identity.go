package feeds

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"hash"
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// MaxGUID, MaxURL and MaxTitle bound what a source may make us keep, in bytes.
const (
	MaxGUID  = 2048
	MaxURL   = 4096
	MaxTitle = 1000
)

// Keys are the identities of a post across sources, the strongest first: its GUID
// if that is global, its canonical permalink, its aliases (dedupe.md 1, 2, 14). Which
// copies that share one are the same post, Cluster says. Compare only; show nobody.
func (e *Entry) Keys() []Key {
	var keys []Key
	add := func(kind KeyKind, name string) {
		if name != "" && !slices.ContainsFunc(keys, func(k Key) bool { return k.Name == name }) {
			keys = append(keys, Key{kind, name})
		}
	}
	add(KeyGlobal, e.globalKey())
	if e.GUID != e.Permalink || len(keys) == 0 { // the same again, mostly
		add(KeyLink, AddressKey(e.Permalink))
	}
	for _, a := range e.Aliases {
		add(KeyAlias, AddressKey(a))
	}
	return keys
}

// globalKey is the key that the GUID makes, "" if it means nothing elsewhere.
func (e *Entry) globalKey() string {
	if !e.GUIDGlobal {
		return ""
	}
	c := CanonicalURL(e.GUID)
	switch {
	case c == "":
		return "id:" + e.GUID
	case isFrontPage(c):
		return ""
	}
	return "url:" + c
}

// AddressKey is the key that an address makes: none if it is the front page of a
// site, where many posts may point.
func AddressKey(address string) string {
	c := CanonicalURL(address)
	if c == "" || isFrontPage(c) {
		return ""
	}
	return "url:" + c
}

// isFrontPage says that a canonical address is the front page of a site.
func isFrontPage(canonical string) bool { return !strings.ContainsAny(canonical, "/?#") }

// frontPage says that address is the front page of a site.
func frontPage(address string) bool {
	c := CanonicalURL(address)
	return c != "" && isFrontPage(c)
}

// Hash tells revisions apart: two copies of an entry with the same Hash say the
// same (dedupe.md 8). White space does not count, nor does what only accompanies
// the post (Image, Links, Contributors): counters and tokens stand in those
// addresses, and a summary that we made says nothing new.
func (e *Entry) Hash() string {
	h := hasher{Hash: sha256.New()}
	summary := e.Summary
	if e.SummaryMade {
		summary = ""
	}
	for _, s := range []string{e.Title, e.Permalink, summary, e.Content, e.Language, e.Group} {
		h.words(s)
	}
	if e.TitleHTML != "" {
		h.words(e.TitleHTML)
	}
	for _, a := range e.Authors {
		h.field(a.Name)
		h.field(a.URL)
	}
	for _, t := range e.Tags {
		h.field(t.Term)
		h.field(t.Scheme)
		h.field(t.Label)
	}
	for _, x := range e.Enclosures {
		h.field(x.URL)
		h.field(x.Type)
	}
	for _, a := range e.Aliases {
		h.field(a)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// hasher takes fields one by one, each with its length before it.
type hasher struct {
	hash.Hash
	buf []byte
}

func (h *hasher) field(s string) {
	h.buf = append(strconv.AppendInt(h.buf[:0], int64(len(s)), 10), ':')
	h.buf = append(append(h.buf, s...), ';')
	h.Write(h.buf)
}

// words takes a text with every run of white space as one blank, as
// strings.Fields has it.
func (h *hasher) words(s string) {
	const room = len("18446744073709551615:")
	h.buf = slices.Grow(h.buf[:0], room+len(s)+1)[:room]
	start := blanks(s, 0)
	for i := start; i < len(s); {
		if end := spaceAfter(s, i); end < len(s) {
			i = blanks(s, end)
			if h.buf = append(h.buf, s[start:end]...); i < len(s) {
				h.buf = append(h.buf, ' ')
			}
			start = i
			continue
		}
		h.buf = append(h.buf, s[start:]...)
		break
	}
	head := append(strconv.AppendInt(make([]byte, 0, room), int64(len(h.buf)-room), 10), ':')
	h.buf = append(h.buf, ';')
	at := room - len(head)
	copy(h.buf[at:], head)
	h.Write(h.buf[at:])
}

// spaceAfter is the offset of the next white space from i on that is not one blank
// before a letter; i is none.
func spaceAfter(s string, i int) int {
	for i < len(s) {
		for i+8 <= len(s) && singleBlanks(s[i:i+8]) {
			i += 8
		}
		if i == len(s) {
			break
		}
		c := s[i]
		switch {
		case c > ' ' && c < utf8.RuneSelf:
			i++
		case c == ' ' && i+1 < len(s) && s[i+1] > ' ' && s[i+1] < utf8.RuneSelf:
			i += 2
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			if unicode.IsSpace(r) {
				return i
			}
			i += n
		}
	}
	return i
}

// singleBlanks says that eight bytes are ASCII without controls, that no blank of theirs
// is next to another, and that the last is none. What it is not sure of it denies.
func singleBlanks(s string) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	if !isPlain(s) {
		return false
	}
	x := eightBytes(s) ^ 0x2020202020202020 // a blank is a zero
	zeros := (x - ones) &^ x & high
	return zeros&(zeros<<8) == 0 && zeros>>63 == 0
}

// blanks is the offset behind the white space at i.
func blanks(s string, i int) int {
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !unicode.IsSpace(r) {
			break
		}
		i += n
	}
	return i
}

// PublicID is the short name of a post in our addresses, derived from its
// identity alone so that it survives a wiped database: 50 bits, enough for a
// million posts with odds of a clash of one in two thousand, which the store
// resolves by taking more of them.
func PublicID(identity string) string { return publicID(identity)[:10] }

// LongID is PublicID with 100 bits, for when the short one is taken.
func LongID(identity string) string { return publicID(identity)[:20] }

func publicID(identity string) string {
	sum := sha256.Sum256([]byte(identity))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
}

// Identity is what PublicID is made of: the key of the permalink, which copies share
// most often, else the strongest key, or for an entry without any its source and GUID.
func (e *Entry) Identity(source string) string {
	if k := AddressKey(e.Permalink); k != "" {
		return k
	}
	if keys := e.Keys(); len(keys) > 0 {
		return keys[0].Name
	}
	return source + " " + e.GUID
}

// isURI says that s is an absolute URI with a scheme that names things for
// everybody, without spaces or other characters no URI has.
func isURI(s string) bool {
	if s == "" || len(s) > MaxGUID || strings.ContainsAny(s, " \t\r\n<>\"{}|\\^`") {
		return false
	}
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "http", "https":
		return u.Host != ""
	case "tag", "urn", "xmpp", "info", "doi", "uuid", "yt": // YouTube's feeds say yt:video:…
		return u.Opaque != ""
	}
	return false
}

// CanonicalURL is the address to compare an address by, "" if it is none of
// http or https: scheme and www. dropped, host in lower case and ASCII, default
// port, fragment, trailing slash, index file and tracking parameters dropped,
// percent-encoding normalised (RFC 3986 §6.2.2), the query sorted (dedupe.md 2, 3).
func CanonicalURL(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	p := strings.TrimRight(percent(u.EscapedPath()), "/")
	for slices.Contains([]string{"index.html", "index.htm", "index.php"}, path.Base(p)) {
		p = strings.TrimRight(strings.TrimSuffix(p, path.Base(p)), "/")
	}
	c := canonicalHost(u)
	if c == "" {
		return ""
	}
	c += p
	if q := canonicalQuery(u); q != "" {
		c += "?" + q
	}
	if f := percent(u.EscapedFragment()); strings.HasPrefix(f, "!") {
		c += "#" + f
	}
	return c
}

// percent normalises percent-encoding: what needs none loses it, what needs it
// has it, in upper case (RFC 3986 §6.2.2).
func percent(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		encoded := c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])
		if encoded {
			c = byte(hexValue(rune(s[i+1]|0x20)))<<4 | byte(hexValue(rune(s[i+2]|0x20)))
			i += 2
		}
		switch unreserved := isAlnum(c) || strings.IndexByte("-._~", c) >= 0; {
		case unreserved, !encoded && c > 0x20 && c < 0x7F && c != '%':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// canonicalHost is "" where the host is none, of which no second look may make one.
func canonicalHost(u *url.URL) string {
	if !tidyHost(u) {
		return ""
	}
	h := strings.TrimRight(strings.ToLower(u.Hostname()), ".")
	if len(h) > maxHost {
		return ""
	}
	if a, err := idna.Lookup.ToASCII(h); err == nil {
		h = a
	}
	for strings.HasPrefix(h, "www.") && strings.Count(h, ".") > 1 {
		h = strings.TrimPrefix(h, "www.")
	}
	if p := u.Port(); p != "" && p != "80" && p != "443" {
		return net.JoinHostPort(h, p)
	}
	if strings.Contains(h, ":") { // an IPv6 address
		return "[" + h + "]"
	}
	return h
}

func canonicalQuery(u *url.URL) string {
	if u.RawQuery == "" {
		return ""
	}
	// Both are judged in the form that is kept, or a second look would differ.
	var kept []string
	host := canonicalHost(u)
	for _, pair := range strings.Split(u.RawQuery, "&") {
		if pair = percent(pair); pair != "" && !tracking(pair, host) {
			kept = append(kept, pair)
		}
	}
	slices.Sort(kept)
	return strings.Join(kept, "&")
}

// withoutTracking is the address without parameters that only say where a reader
// came from; the address itself, byte for byte, where there are none.
func withoutTracking(address string) string {
	address, fragment, marked := strings.Cut(address, "#")
	whole := address
	if marked {
		whole += "#" + fragment
	}
	before, query, ok := strings.Cut(address, "?")
	if !ok {
		return whole
	}
	pairs := strings.Split(query, "&")
	name := host(address)
	kept := slices.DeleteFunc(slices.Clone(pairs), func(p string) bool { return tracking(p, name) })
	if len(kept) == len(pairs) {
		return whole
	}
	if len(kept) > 0 {
		before += "?" + strings.Join(kept, "&")
	}
	return before + whole[len(address):]
}

func tracking(pair, host string) bool {
	name, value, _ := strings.Cut(pair, "=")
	name = strings.ToLower(name)
	if name == "ref" { // only when it names the site itself (Ghost)
		site, host := strings.TrimPrefix(strings.ToLower(value), "www."), strings.TrimPrefix(strings.ToLower(host), "www.")
		return host == site || strings.Contains(site, ".") && strings.HasSuffix(host, "."+site)
	}
	if name == "source" { // Medium: source=rss-af51c0ce7d2b------2
		return strings.HasPrefix(value, "rss-")
	}
	return strings.HasPrefix(name, "utm_") || strings.HasPrefix(name, "mtm_") || strings.HasPrefix(name, "igshid") ||
		trackers[name]
}

// trackers are query parameters that say where a reader came from: those of
// dedupe.md 3, and wt_mc and ns_* of two more counters in real feeds.
var trackers = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(`fbclid gclid dclid gbraid wbraid gclsrc srsltid msclkid yclid ysclid
		twclid mc_cid mc_eid mc_tc mkt_tok _openstat fb_action_ids fb_action_types fb_ref fb_source fb_comment_id
		hmb_campaign hmb_medium hmb_source itm_campaign itm_medium itm_source campaign_id campaign_medium
		campaign_name campaign_source campaign_term campaign_content wickedid hsa_cam _hsenc _hsmi __hssc __hstc
		__hsfp hsctatracking rb_clickid oly_anon_id oly_enc_id vero_id vero_conv sc_cid _bhlid _branch_match_id
		_branch_referrer wt_mc ns_campaign ns_mchannel ns_source ns_linkname ns_fee`) {
		m[n] = true
	}
	return m
}()
