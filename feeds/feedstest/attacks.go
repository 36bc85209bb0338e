package feedstest

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// Attack is an input that somebody hostile could send, or write into a folder of
// posts (hostile.md): it has broken readers of feeds, or would break one that
// looks at anything twice. It is made when it is needed, so that no such file has
// to lie about.
type Attack struct {
	// Name is unique among all attacks.
	Name string
	// Ext says what it claims to be: .xml and .json are feeds, .md is a post and
	// .opml a list of feeds.
	Ext string
	// Make returns about n bytes of it, always the same ones for the same n.
	Make func(n int) []byte
}

// Attacks are all of them.
func Attacks() []Attack {
	return slices.Concat(
		nestings(), namespaces(), elements(), attributes(), markup(), documentTypes(),
		longFields(), manyFields(), mailboxes(), addresses(), bases(), shared(),
		openHTML(), nestedHTML(), longHTML(), brokenHTML(), rawHTML(), linkHTML(), xhtml(), titles(),
		singleBytes(), charsets(), references(),
		jsonShapes(), jsonScalars(), jsonItems(), jsonFields(), jsonRSS(),
		postBlocks(), postInlines(), postTables(), postHTML(), postShortcodes(), postBytes(),
		frontYAML(), frontTOML(), frontOthers(),
		lists(), outlines(),
	)
}

// fill makes head, tail, and between them as many units as there is room for.
func fill(head, unit, tail string) func(n int) []byte {
	return repeat(head, tail, func(b *bytes.Buffer, _ int) { b.WriteString(unit) })
}

// number is fill with units that differ: every %d in them is their number.
func number(head, format, tail string) func(n int) []byte {
	parts := strings.Split(format, "%d")
	return repeat(head, tail, func(b *bytes.Buffer, i int) {
		for k, part := range parts {
			if k > 0 {
				b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(i), 10))
			}
			b.WriteString(part)
		}
	})
}

// repeat calls unit at least once, and as long as one like the last has room.
func repeat(head, tail string, unit func(b *bytes.Buffer, i int)) func(n int) []byte {
	return func(n int) []byte {
		var b bytes.Buffer
		b.Grow(n + n/16)
		b.WriteString(head)
		for i, last := 0, 0; i == 0 || b.Len()+last+len(tail) <= n; i++ {
			before := b.Len()
			unit(&b, i)
			last = b.Len() - before
		}
		b.WriteString(tail)
		return b.Bytes()
	}
}

// halves is one unit for the first half and another for the second: what opens,
// and what then has to look at all that is open.
func halves(head, first, second, tail string) func(n int) []byte {
	return joined(fill(head, first, ""), fill("", second, tail))
}

// joined is one attack for the first half and another for the second.
func joined(first, second func(n int) []byte) func(n int) []byte {
	return func(n int) []byte {
		b := first(n / 2)
		return append(b, second(n-len(b))...)
	}
}

// counted is a text of k units, each with its number in place of %d.
func counted(k int, format string) string {
	var b strings.Builder
	for i := range k {
		b.WriteString(strings.ReplaceAll(format, "%d", strconv.Itoa(i)))
	}
	return b.String()
}

// Beginnings of documents.
const (
	rss   = `<rss version="2.0"><channel><title>t</title><link>https://b.example/</link><description>d</description>`
	atom  = `<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>`
	item  = rss + `<item><guid>1</guid>`
	entry = atom + `<entry><id>1</id>`
	xdiv  = entry + `<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">`
	feed  = `{"version":"https://jsonfeed.org/version/1.1","title":"t","home_page_url":"https://b.example/","items":[`
	opml  = `<opml version="2.0"><head><title>t</title></head><body>`
)

// Ends of documents; most attacks have none, as what is cut off has to be read, too.
const (
	endRSS   = `</channel></rss>`
	endItem  = `</item>` + endRSS
	endEntry = `</entry></feed>`
	endXdiv  = `</div></content>` + endEntry
	endFeed  = `]}`
	endOPML  = `</body></opml>`
)

// longAddress is an address of n bytes, of which a reader may take 4,096.
func longAddress(n int) string {
	const host = "https://b.example/"
	return host + strings.Repeat("a/", (n-len(host))/2)
}
