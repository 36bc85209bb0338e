package feeds

import (
	"fmt"
	"strings"
	"testing"
)

// hostileFeeds are documents of about n bytes that have broken readers of feeds
// (hostile.md), or would break one that looks at anything twice.
var hostileFeeds = map[string]func(n int) string{
	"nested":               func(n int) string { return rssHead + "<item><a xmlns='u'>" + strings.Repeat("<a>", n/3) },
	"nested namespaces":    func(n int) string { return rssHead + numberedTo(n, "<a xmlns:b%d='u'>") },
	"namespaces, unclosed": func(n int) string { return rssHead + numberedTo(n, "<x:a xmlns:x='u%d'/>") },
	"empty items":          func(n int) string { return rssHead + strings.Repeat("<item/>", n/7) },
	"small items":          func(n int) string { return rssHead + strings.Repeat("<item><a/></item>", n/17) },
	"open items":           func(n int) string { return rssHead + strings.Repeat("<item><title>", n/13) },
	"comments in text":     func(n int) string { return rssHead + "<item><x:a>" + strings.Repeat("b<!---->", n/8) },
	"sections":             func(n int) string { return rssHead + "<item><title>" + strings.Repeat("<![CDATA[a]]>", n/13) },
	"open sections":        func(n int) string { return rssHead + strings.Repeat("<![CDATA[", n/9) },
	"attributes":           func(n int) string { return rssHead + "<item" + numberedTo(n, " a%d='b'") },
	"quotes":               func(n int) string { return rssHead + strings.Repeat("<a b='>", n/7) },
	"declarations":         func(n int) string { return rssHead + strings.Repeat("<!a[>", n/5) },
	"entities declared":    func(n int) string { return "<!DOCTYPE rss [" + numberedTo(n, "<!ENTITY a%d 'b'>") + "]>" + rssHead },
	"instructions":         func(n int) string { return rssHead + strings.Repeat("<?a", n/3) },
	"signs":                func(n int) string { return rssHead + "<item><title>" + strings.Repeat("<", n) },
	"ampersands":           func(n int) string { return rssHead + "<item><title>" + strings.Repeat("&", n) },
	"references":           func(n int) string { return rssHead + "<item><title>" + strings.Repeat("&#x41;", n/6) },
	"markup in text":       func(n int) string { return rssHead + "<item><description>" + strings.Repeat("<b>", n/3) },
	"escaped markup": func(n int) string {
		return rssHead + "<item><description>" + strings.Repeat("&lt;b&gt;", n/9) + "</description></item>"
	},
	"xhtml attributes": func(n int) string {
		return "<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='xhtml'><div>" + numberedTo(n/2, "<b a%d='1'/>") + strings.Repeat("<p/>x", n/10)
	},
	"bases": func(n int) string {
		return "<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='xhtml'>" + strings.Repeat("<a xml:base='b/' href='c'>", n/26)
	},
	"categories": func(n int) string { return rssHead + "<item>" + numberedTo(n, "<category>%d</category>") },
	"links": func(n int) string {
		return "<feed xmlns='http://www.w3.org/2005/Atom'><entry>" + numberedTo(n, "<link rel='enclosure' href='%d'/>")
	},
	"one guid": func(n int) string { return rssHead + strings.Repeat("<item><guid>1</guid></item>", n/27) },
	"json items": func(n int) string {
		return `{"version":"https://jsonfeed.org/version/1","items":[` + strings.Repeat("{},", n/3)
	},
	"json nested": func(n int) string {
		return `{"version":"https://jsonfeed.org/version/1","items":` + strings.Repeat("[", n)
	},
	"json escapes": func(n int) string {
		return `{"version":"https://jsonfeed.org/version/1","title":"` + strings.Repeat(`\ud800`, n/6)
	},
	"spaces":        func(n int) string { return strings.Repeat(" ", n) },
	"almost a root": func(n int) string { return strings.Repeat("<rs ", n/4) },
	"dates": func(n int) string {
		return rssHead + "<item><pubDate>" + strings.Repeat("1 ", n/2) + "</pubDate></item>"
	},
	"control bytes": func(n int) string { return rssHead + "<item><title>" + strings.Repeat("\x01\xff", n/2) },
}

func numberedTo(n int, format string) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestHostileFeedsAreReadOrRefused(t *testing.T) {
	size := 2 << 20
	if testing.Short() { // the race detector makes everything twenty times as slow
		size = 64 << 10
	}
	for name, doc := range hostileFeeds {
		t.Run(name, func(t *testing.T) {
			f, err := Read([]byte(doc(size)), "", readAt)
			if err != nil {
				if s := Explain(err); s == "" || strings.Contains(s, "fault in Orrery") {
					t.Errorf("refused with %q", s)
				}
				return
			}
			Normalize(f, readAt)
			if len(f.Entries) > maxEntries {
				t.Errorf("%d entries", len(f.Entries))
			}
		})
	}
}

// Every hostile document of 5 MB; the bound is 5 s of one core and 512 MB
// (hostile.md).
func BenchmarkHostileFeeds(b *testing.B) {
	for name, doc := range hostileFeeds {
		b.Run(name, func(b *testing.B) {
			body := []byte(doc(5 << 20))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if f, err := Read(body, "", readAt); err == nil {
					Normalize(f, readAt)
				}
			}
		})
	}
}
