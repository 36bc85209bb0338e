package push

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"orrery/feeds"
)

const (
	maxAddress = 2048 // bytes
	maxHubs    = 8
)

// Discover finds the hubs of a source and its topic, the address it has there, in the
// answer's Link headers or else in the document (WebSub §4): at is the address that
// answered, f what it said, nil if that was not read. Without a self the source's address
// is taken, which most hubs know it by.
func Discover(at string, links []string, f *feeds.Feed) (hubs []string, topic string) {
	for _, h := range links {
		readLinks(h, func(href string, rel []string) {
			to := feeds.Resolve(at, href, "http", "https")
			if to == "" {
				return
			}
			if slices.Contains(rel, "hub") && len(hubs) < maxHubs && !slices.Contains(hubs, to) {
				hubs = append(hubs, to)
			}
			if slices.Contains(rel, "self") && topic == "" {
				topic = to
			}
		})
	}
	if f != nil {
		if len(hubs) == 0 {
			hubs = f.Hubs[:min(len(f.Hubs), maxHubs)]
		}
		if topic == "" {
			topic = f.Self
		}
	}
	if topic == "" {
		topic = at
	}
	return hubs, topic
}

// choose is the hub that is asked: the first, but one over https is better, since only
// that may be told a secret.
func choose(hubs []string) string {
	best := ""
	for _, h := range hubs {
		u, ok := address(h)
		switch {
		case !ok || u.Fragment != "":
		case u.Scheme == "https":
			return h
		case best == "":
			best = h
		}
	}
	return best
}

// address parses what a stranger calls an absolute address, and can be stored.
func address(s string) (*url.URL, bool) {
	if len(s) > maxAddress || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return nil, false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, false
	}
	return u, true
}

// readLinks reads a Link header, <address>; rel="hub self"; …, <…>, as leniently as RFC
// 8288 §3 and its appendix B.3 ask for: of several rel of one link the first counts.
func readLinks(h string, link func(href string, rel []string)) {
	for {
		start := strings.IndexByte(h, '<')
		if start < 0 {
			return
		}
		h = h[start+1:]
		end := strings.IndexByte(h, '>')
		if end < 0 {
			return
		}
		href, rel, seen := h[:end], "", false
		for h = h[end+1:]; ; {
			h = strings.TrimLeft(h, " \t;")
			if h == "" || h[0] == ',' {
				break
			}
			var name, value string
			name, value, h = readParameter(h)
			if name == "rel" && !seen {
				rel, seen = value, true
			}
		}
		link(strings.TrimSpace(href), strings.Fields(strings.ToLower(rel)))
	}
}

// readParameter reads one of a link's parameters: a name, and a word or a quoted text if
// there is one.
func readParameter(s string) (name, value, rest string) {
	n := strings.IndexAny(s, "=;,")
	if n < 0 {
		n = len(s)
	}
	name = strings.ToLower(strings.TrimSpace(s[:n]))
	if s = s[n:]; s == "" || s[0] != '=' {
		return name, "", s
	}
	s = strings.TrimLeft(s[1:], " \t")
	if s == "" || s[0] != '"' {
		if n = strings.IndexAny(s, ";,"); n < 0 {
			n = len(s)
		}
		return name, strings.TrimSpace(s[:n]), s[n:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return name, b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return name, b.String(), ""
}
