package storage

import (
	"fmt"
	"strings"
	"time"

	"orrery/feeds"
)

// oddTexts are what has broken a database, or the program before it.
var oddTexts = []string{
	"", " ", "a\x00b", "\x00", "\x00\x00tail", "ends in\x00",
	"\xff\xfe\xfd", "cut \xe2\x82", "\xc3\x28", "\xc0\x80", // not UTF-8; the last is how some write NUL
	"\xed\xa0\x80", "\xed\xa0\xbd\xed\xb8\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", // surrogates, beyond Unicode
	"\uFFFE\uFFFF\uFDD0\U0001FFFF", "\uFFFD", "\x01\x0b\x1f\x7f\u0080\u0085\u009f", "\uFEFFmark", "line\u2028line\u2029\r\n\tline",
	`\`, `\\'"`, `\u0000 \x00 \000`, `E'\\000'`, `\xDEADBEEF`, `{"a":"\ud800"}`, `$1 $2 $$body$$ ?`, "?", "%s%n%d", "NULL", "$tag$",
	`'); DROP TABLE entries; --`, `" OR 1=1; --`, `%_\%`, "CROSS JOIN",
	"👩‍👩‍👧‍👦 𝒳 \U0010FFFD", "\u202Etxet\u202C \u200F\u2067", "e\u0301 é \uFB01 \u212B Å", "İıßſK\u0130", "a" + strings.Repeat("\u0301", 500),
	strings.Repeat("long title ", 3000), "ａｂｃ", "ABC", "abc", "a-b c", "ab_c", "Ångström", "angstrom",
}

// oddDates are written as RFC 3339 does, as far as it can.
var oddDates = []string{
	"0000-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "-0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000001Z",
	"1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1900-02-29T00:00:00Z", "1989-12-31T23:59:59Z", "1990-01-01T00:00:00Z",
	"1990-01-01T00:00:00.0000009Z", "2026-02-28T23:59:60Z", "2026-02-28T12:00:00.123456789+14:00", "2026-03-01T12:00:00.000001Z",
	"2999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-12:00", "10000-01-01T00:00:00Z", "292278-01-01T00:00:00Z", "",
}

// oddTimes are what a wrong clock, or a server that says Retry-After, may make of a visit.
var oddTimes = []time.Time{
	{}, time.Unix(0, 0), time.Unix(0, 1000), time.Unix(0, -1000), time.Unix(-1, 0), time.Unix(0, 1), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
	time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(1903, 1, 1, 0, 0, 0, 0, time.UTC),
	time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
	time.Date(200_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 14*3600)),
}

// document is what a source answers. Where it says @N@ it differs from visit to visit.
type document struct{ name, kind, body string }

// at is what the n-th visit gets.
func (d *document) at(n int) []byte {
	return []byte(strings.ReplaceAll(d.body, "@N@", strings.Repeat("again ", n)))
}

// oddDocuments have the odd texts in every place that a feed has for a text.
func oddDocuments() []document {
	guid := strings.Repeat("g", 12<<10)
	path := strings.Repeat("p", 12<<10)
	big := strings.Repeat("<p>Two megabytes of 'text' \\ $1 é.</p>", 2<<20/38)
	var list []document
	add := func(name, kind, body string) { list = append(list, document{name, kind, body}) }
	var rss, atom, refs, escapes, raw strings.Builder
	for i, s := range oddTexts {
		date := oddDates[i%len(oddDates)]
		rss.WriteString(rssItem(s, fmt.Sprint(i), date))
		atom.WriteString(atomEntry(s, fmt.Sprint(i), date))
		fmt.Fprintf(&refs, `<item><guid>r%d&#0;&#x0;&#xD800;&#xFFFF;&#1114112;</guid><title>&#%d;&#x%x; %d @N@</title></item>`, i, i, 0xD800+i, i)
		escapes.WriteString(jsonItem(escaped(s), i, date))
		raw.WriteString(jsonItem(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s), i, date))
	}
	for i, date := range oddDates {
		rss.WriteString(rssItem("dated", fmt.Sprint("dated ", i), date))
		atom.WriteString(atomEntry("dated", fmt.Sprint("dated ", i), date))
	}
	add("rss", "application/rss+xml; charset=utf-8", rssOf(rss.String()))
	add("rss-latin", "application/rss+xml; charset=iso-8859-1", rssOf(rss.String()))
	add("atom", "application/atom+xml", `<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><id>`+xmlText(oddTexts[2])+
		`</id><title>`+xmlText(strings.Join(oddTexts, " "))+`</title>`+atom.String()+`</feed>`)
	add("references", "", rssOf(refs.String()))
	add("json-escapes", "application/feed+json", jsonOf(escapes.String()))
	add("json-raw", "application/feed+json", jsonOf(raw.String()))
	add("long", "", rssOf(rssItem("long", guid+"1", "")+rssItem("long", guid+"2", "")+rssItem("long", guid+"\x00", "")+rssItem("long", guid+"\xff", "")+
		`<item><guid>short</guid><link>https://odd.example/`+path+`</link><title>A long address @N@</title></item>`+
		`<item><link>https://odd.example/`+path+`</link><title>`+xmlText(strings.Repeat("title ", 20_000))+`</title></item>`))
	add("big", "", rssOf(`<item><guid>big</guid><title>Big @N@</title><description>`+xmlText(big)+`</description></item>`))
	add("nothing", "", "")
	add("nul", "application/rss+xml", strings.Repeat("\x00", 1000))
	add("page", "text/html", "<html><title>\x00 \xff ')</title></html>")
	return list
}

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// xmlText is s with nothing changed but what would end the text.
func xmlText(s string) string { return xmlEscapes.Replace(s) }

func rssOf(items string) string {
	return `<rss version="2.0"><channel><title>Odd</title><link>https://odd.example/</link>` + items + `</channel></rss>`
}

func rssItem(s, guid, date string) string {
	x := xmlText(s)
	return `<item><guid isPermaLink="false">` + x + xmlText(guid) + `</guid><title>` + x + ` @N@</title><link>https://odd.example/` + x + `</link>` +
		`<author>` + x + `</author><category domain="` + x + `">` + x + `</category><pubDate>` + date + `</pubDate><description>` + x +
		` text of some length, @N@` + xmlText(xmlText(s)) + `</description><enclosure url="https://odd.example/` + x + `" type="` + x + `" length="-1"/></item>`
}

func atomEntry(s, id, date string) string {
	x := xmlText(s)
	return `<entry><id>` + x + xmlText(id) + `</id><title type="html">` + x + ` @N@</title><link href="https://atom.example/` + x + `"/>` +
		`<author><name>` + x + `</name><uri>` + x + `</uri><email>` + x + `</email></author><category term="` + x + `" label="` + x + `" scheme="` + x + `"/>` +
		`<published>` + date + `</published><updated>` + date + `</updated><summary>` + x + `</summary><content type="html">` + x + `@N@</content>` +
		`<source><id>` + x + `</id><title>` + x + `</title></source></entry>`
}

func jsonOf(items string) string {
	return `{"version":"https://jsonfeed.org/version/1.1","title":"\ud800 odd \u0000","items":[` + strings.TrimSuffix(items, ",") + `]}`
}

// jsonItem has s as it stands, which is what is between quotes.
func jsonItem(s string, i int, date string) string {
	return fmt.Sprintf(`{"id":"%[1]s%[2]d","url":"https://json.example/%[1]s","title":"%[1]s @N@","content_html":"%[1]s, @N@ \ud800 \udc00\ud800 \u0000 \uffff",`+
		`"authors":[{"name":"%[1]s","url":"%[1]s"}],"tags":["%[1]s","\ud83d","\ud83d\ude00"],"date_published":"%[3]s"},`, s, i, date)
}

// escaped is s with every byte written as an escape.
func escaped(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\u%04x`, s[i])
	}
	return b.String()
}

// oddRules have categories whose titles are the same but for their letters.
func oddRules() *feeds.Rules {
	r := &feeds.Rules{TagsAsCategories: true}
	for i, title := range []string{"ＡＢＣ", "Ångström", `'); DROP TABLE`, "👩‍👩‍👧‍👦", "İ", "with \x00 and \xff", `\`} {
		r.Rules = append(r.Rules, feeds.Rule{
			CategoryName: feeds.CategoryName{Slug: fmt.Sprintf("c%d", i), Title: title},
			Match:        feeds.Match{Tags: []string{title}, Words: []string{"NUL \x00", "angstrom"}},
		})
	}
	return r
}
