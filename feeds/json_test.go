package feeds

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	jsonfeed "github.com/mmcdole/gofeed/json"
	"orrery/feeds/feedstest"
)

const jsonHead = `{"version":"https://jsonfeed.org/version/1.1",`

// told is what readJSON makes of a document, as lines; an error is one, too.
func told(text string) string {
	f, err := readJSON(text)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	return describe(f)
}

func check(t *testing.T, text, want string) {
	t.Helper()
	if got := strings.TrimSpace(told(text)); got != strings.TrimSpace(want) {
		t.Errorf("%.300s\ngot:\n%s\nwant:\n%s", text, got, want)
	}
}

func TestAMistypedFieldOfAnItemCostsThatField(t *testing.T) {
	tests := []struct{ name, fields, want string }{
		{"nothing but an id", `"x":0`, ""},
		{"title is a number", `"title":1984`, "  title: 1984"},
		{"title is a list", `"title":["no"],"url":"https://b.example/1"`, "  permalink: https://b.example/1"},
		{"title is true", `"title":true`, ""},
		{"title is null", `"title":null`, ""},
		{"title on two lines", "\"title\":\" a\nb\"", "  title: a b"},
		{"title is plain text", `"title":"a &amp; <b>"`, "  title: a &amp; <b>"},
		{"summary is plain text", `"summary":"a <b>"`, "  summary: <p>a &lt;b&gt;</p>"},
		{"content_text is plain text", `"content_text":"a <b>\n\nc"`, "  content: <p>a &lt;b&gt;</p><p>c</p>"},
		{"content_html before content_text", `"content_text":"t","content_html":"<p>h"`, "  content: <p>h"},
		{"content_html is empty", `"content_text":"t","content_html":""`, "  content: <p>t</p>"},
		{"content_html is an object", `"content_text":"t","content_html":{"a":"b"}`, "  content: <p>t</p>"},
		{"url is a number", `"url":1.2`, ""},
		{"external_url alone", `"external_url":"https://else.example/"`, "  permalink: https://else.example/"},
		{"url before external_url", `"external_url":"https://else.example/","url":"https://b.example/1"`, "  permalink: https://b.example/1\n  link: related | https://else.example/"},
		{"url is null", `"external_url":"https://else.example/","url":null`, "  permalink: https://else.example/"},
		{"tags is a string", `"tags":"x"`, "  tag: x"},
		{"tags is a list in a string", `"tags":"x, y z,,"`, "  tag: x\n  tag: y z"},
		{"tags of several types", `"tags":[null,"a",7,{"b":"c"},["d"],true,""]`, "  tag: a\n  tag: 7"},
		{"author is a string", `"author":"Bob"`, "  authors: Bob"},
		{"author is a string with a mail address", `"author":"Bob <bob@b.example>"`, "  authors: Bob | bob@b.example"},
		{"authors is an object", `"authors":{"name":"Ann","url":"https://ann.example/"}`, "  authors: Ann |  | https://ann.example/"},
		{"authors of several types", `"authors":[null,"x",{},{"name":[]},{"name":"y","avatar":"https://b.example/y.png"},4]`, "  authors: x; y; 4"},
		{"authors before author", `"author":{"name":"Old"},"authors":[{"name":"New"}]`, "  authors: New"},
		{"author when authors has nobody", `"author":{"name":"Old"},"authors":[{}]`, "  authors: Old"},
		{"an author with an address only", `"authors":[{"name":null,"url":"https://ann.example/"}]`, "  authors:  |  | https://ann.example/"},
		{"language is a number", `"language":5`, ""},
		{"language", `"language":"fr"`, "  language: fr"},
		{"dates", `"date_published":"2026-01-01t10:00:00z","date_modified":"2026-01-02T00:00:00Z"`,
			"  published: 2026-01-01T10:00:00Z\n  updated: 2026-01-02T00:00:00Z"},
		{"a date in seconds", `"date_published":1767261600`, "  published: 2026-01-01T10:00:00Z"},
		{"dates that are none", `"date_published":"soon","date_modified":{}`, ""},
		{"pictures are not content", `"image":"https://b.example/i.png","banner_image":"https://b.example/b.png"`, "  image: https://b.example/i.png"},
		{"a banner is better than no picture", `"banner_image":"https://b.example/b.png"`, "  image: https://b.example/b.png"},
		{"expired", `"expired":true`, ""},
		{"unknown extension", `"_x":{"title":"no","id":[1,{"a":[]}]},"title":"t"`, "  title: t"},
		{"a title twice", `"title":"a","title":"b"`, "  title: b"},
		{"a key with an escape", `"\u0074itle":"t"`, "  title: t"},
		{"commas too many", `,"title":"t",,`, "  title: t"},
		{"a comma too few", `"title":"t" "url":"https://b.example/1"`, "  permalink: https://b.example/1\n  title: t"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := jsonHead + `"items":[{"id":"1",` + tt.fields + `}]}`
			check(t, doc, strings.TrimRight("format: json 1.1\nentry: 1\n"+tt.want, "\n"))
		})
	}
}

func TestAttachmentsKeepWhatCanBeUnderstood(t *testing.T) {
	tests := []struct{ attachments, want string }{
		{`[{"url":"u","mime_type":"audio/mpeg","size_in_bytes":5}]`, "u audio/mpeg 5"},
		{`{"url":"u"}`, "u  0"},
		{`[{"url":"u","size_in_bytes":"12"}]`, "u  12"},
		{`[{"url":"u","size_in_bytes":" 12 "}]`, "u  12"},
		{`[{"url":"u","size_in_bytes":100.9}]`, "u  100"},
		{`[{"url":"u","size_in_bytes":1e3}]`, "u  1000"},
		{`[{"url":"u","size_in_bytes":-1}]`, "u  0"},
		{`[{"url":"u","size_in_bytes":1e400}]`, "u  0"},
		{`[{"url":"u","size_in_bytes":1e30}]`, "u  0"},
		{`[{"url":"u","size_in_bytes":{}}]`, "u  0"},
		{`[{"url":""},{"mime_type":"a/b"},"u",null,3]`, ""},
		{`"u"`, ""},
	}
	for _, tt := range tests {
		want := "format: json 1.1\nentry: 1"
		if tt.want != "" {
			want += "\n  enclosure: " + tt.want
		}
		check(t, jsonHead+`"items":[{"id":"1","attachments":`+tt.attachments+`}]}`, want)
	}
}

func TestAnItemHasAnIDOrIsDiscarded(t *testing.T) {
	tests := []struct{ items, want string }{
		{`[{"id":"a"}]`, "entry: a"},
		{`[{"id":" a "}]`, "entry: a"},
		{`[{"id":2}]`, "entry: 2"},
		{`[{"id":1e3},{"id":-0.50}]`, "entry: 1e3\nentry: -0.50"},
		{`[{"id":12345678901234567890123}]`, "entry: 12345678901234567890123"},
		{`[{"id":"https://b.example/1"}]`, "entry: https://b.example/1 (global)"},
		{`[{"id":"a","id":"b"}]`, "entry: b"},
		{`[{"id":"a","url":"https://b.example/1"},{"url":"https://b.example/2"}]`, "repaired: entries without an id\nentry: a\n  permalink: https://b.example/1"},
		{`[{"id":""},{"id":" "},{"id":true},{"id":null},{"id":["a"]},{}]`, "repaired: entries without an id"},
		{`[null, 3, "x", [], {"id":"a"}]`, "entry: a"},
		{`[null]`, ""},
		{`{"id":"a"}`, "entry: a"},
		{`null`, ""},
		{`"none"`, ""},
		{`[{"id":"a"}],"items":[{"id":"b"}]`, "entry: b"},
	}
	for _, tt := range tests {
		check(t, jsonHead+`"items":`+tt.items+`}`, "format: json 1.1\n"+tt.want)
	}
}

func TestTheFeedOfAJSONFeedIsRead(t *testing.T) {
	tests := []struct{ name, doc, want string }{
		{"all there is", jsonHead + `"title":"T <i>","home_page_url":"https://b.example/","feed_url":"https://b.example/json",
			"description":"d","icon":"https://b.example/i.png","favicon":"https://b.example/f.png","language":"pt-BR",
			"hubs":[{"type":"WebSub","url":"https://hub.example/"},{"type":"rssCloud","url":"x"},null,"y"],
			"authors":[{"name":"Ann"}],"author":{"name":"Old"},"items":[]}`,
			"format: json 1.1\ntitle: T <i>\nsubtitle: d\nlink: https://b.example/\nself: https://b.example/json\nicon: https://b.example/i.png\n" +
				"language: pt-BR\nhubs: https://hub.example/\nauthors: Ann"},
		{"mistyped", jsonHead + `"title":["x"],"home_page_url":{},"feed_url":7,"authors":"Ann","language":{"a":"b"},"hubs":{"type":"websub","url":"https://hub.example/"}}`,
			"format: json 1.1\nhubs: https://hub.example/\nauthors: Ann"},
		{"the favicon stands for an icon", jsonHead + `"favicon":"https://b.example/f.png"}`, "format: json 1.1\nicon: https://b.example/f.png"},
		{"the version comes last", `{"items":[{"id":"1"}],"title":"t","version":"https://jsonfeed.org/version/1"}`, "format: json 1\ntitle: t\nentry: 1"},
		{"version with http", `{"version":"http://jsonfeed.org/version/1"}`, "format: json 1"},
		{"a version to come", `{"version":" https:\/\/jsonfeed.org\/version\/1234 "}`, "format: json 1234"},
		{"text after the end", jsonHead + `"title":"t"} <!-- cached -->`, "format: json 1.1\nrepaired: text after the end\ntitle: t"},
		{"white space around", " \r\n" + jsonHead + `"title":"t"}` + "\n\t ", "format: json 1.1\ntitle: t"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { check(t, tt.doc, tt.want) })
	}
	f, err := readJSON(jsonHead + `"next_url":"https://b.example/2"}`)
	if err != nil || f.Next != "https://b.example/2" {
		t.Errorf("next_url: %+v, %v", f, err)
	}
}

func TestRSSInJSONIsRead(t *testing.T) {
	const channel = `"title":"A &amp; B","link":"https://b.example/","description":"d","language":"en-us","copyright":"&copy; me",
		"managingEditor":"ann@b.example (Ann)","lastBuildDate":"Mon, 26 Jun 2017 19:41:48 GMT","ttl":"60","image":{"url":"https://b.example/i.png"},
		"atom:link":[{"rel":"self","href":"https://b.example/rss.json"},{"rel":"hub","href":"https://hub.example/"}],"cloud":{"port":5337}`
	const about = "format: rss 2.0 in json\ntitle: A & B\nsubtitle: d\nlink: https://b.example/\nself: https://b.example/rss.json\nicon: https://b.example/i.png\n" +
		"language: en-us\nrights: © me\nhubs: https://hub.example/\nauthors: Ann | ann@b.example\nupdated: 2017-06-26T19:41:48Z\nttl: 1h0m0s\n"
	tests := []struct{ name, item, want string }{
		{"a list of items", `[{"guid":"a"},null,{"guid":"b","title":"t"}]`, "entry: a\nentry: b\n  title: t"},
		{"one item", `{"guid":"https://b.example/1","description":"<p>x","pubDate":"Mon, 26 Jun 2017 12:20:05 GMT"}`,
			"entry: https://b.example/1 (global)\n  permalink: https://b.example/1\n  content: <p>x\n  published: 2017-06-26T12:20:05Z"},
		{"values as objects", `{"guid":{"isPermaLink":"false","#value":"https://b.example/1"},"title":{"#value":"T"},"link":{"#value":"https://b.example/t"},
			"category":[{"domain":"https://s.example/","#value":"c"},"d",{"x":"y"}],"source":{"url":"https://o.example/rss","#value":"O"}}`,
			"entry: https://b.example/1 (global)\n  permalink: https://b.example/t\n  title: T\n  tag: c | https://s.example/\n  tag: d\n  origin: https://o.example/rss | O |  | https://o.example/rss |  | "},
		{"a guid that is no permalink", `{"guid":{"isPermaLink":false,"#value":"https://b.example/1"}}`, "entry: https://b.example/1 (global)"},
		{"an enclosure", `{"guid":5,"title":7,"enclosure":{"url":"https://b.example/1.mp3","type":"audio/mpeg","length":"277413"}}`,
			"entry: 5\n  title: 7\n  enclosure: https://b.example/1.mp3 audio/mpeg 277413"},
		{"the whole text beside a summary", `{"guid":"a","description":"s","content:encoded":"<p>c","dc:creator":["Ann",{"#value":"Bob"}],"author":"x@b.example"}`,
			"entry: a\n  summary: s\n  content: <p>c\n  authors: Ann; Bob"},
		{"an author", `{"guid":"a","author":"x@b.example (Xu)"}`, "entry: a\n  authors: Xu | x@b.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check(t, `{"rss":{"version":"2.0","channel":{"item":`+tt.item+`,`+channel+`}}}`, about+tt.want)
		})
	}
	check(t, `{"rss":{"channel":{"title":"t"}}}`, "format: rss 2.0 in json\ntitle: t")
	check(t, `{"rss":{"channel":"t"}}`, "error: the document is no feed: the JSON document has no version of JSON Feed")
}

func TestWhatIsNoFeedInJSONIsRefused(t *testing.T) {
	const no = "the document is no feed: the JSON document has no version of JSON Feed"
	tests := []struct {
		name, doc string
		want      error
		sentence  string
	}{
		{"nothing", "", ErrNotFeed, "the document is no feed: a feed in JSON begins with {"},
		{"a list", "[1]", ErrNotFeed, "the document is no feed: a feed in JSON begins with {"},
		{"an object", `{}`, ErrNotFeed, no},
		{"RSS that is none", `{"rss":[{"channel":{}},"x"]}`, ErrNotFeed, no},
		{"something else", `{"foo":1}`, ErrNotFeed, no},
		{"another version", `{"version":"2","items":[{"id":"1","content_html":"x"}]}`, ErrNotFeed, no},
		{"no version", `{"items":[{"id":"1","content_html":"x"}]}`, ErrNotFeed, no},
		{"a version elsewhere", `{"version":"ftp://jsonfeed.org/version/1","items":[]}`, ErrNotFeed, no},
		{"a version of a wrong type", `{"version":1,"items":[]}`, ErrNotFeed, no},
		{"bytes", "{\x00\x01 soup", ErrNotFeed, "the document is no feed: it begins like JSON, but line 1, column 2 is no JSON"},
		{"a style sheet", "{\n  color: red }", ErrNotFeed, "the document is no feed: it begins like JSON, but line 2, column 3 is no JSON"},
		{"a piece of something", `{"foo":[`, ErrNotFeed, "the document is no feed: it begins like JSON, but the end is missing"},
		{"a piece of something with items", `{"version":"2","items":[{"id":"1"},`, ErrNotFeed, "the document is no feed: it begins like JSON, but the end is missing"},
		{"a feed without a whole entry", jsonHead + `"items":[{"id":"1"`, ErrBroken, "the feed is broken: the end is missing, and no entry is whole before"},
		{"no version and no whole entry", `{"items":[{"id":"1"`, ErrBroken, "the feed is broken: the end is missing, and no entry is whole before"},
		{"a feed with soup in it", jsonHead + "\"items\":[{é\"é\":=}]}", ErrBroken, "the feed is broken: line 1, column 57 is no JSON, and no entry is whole before"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := readJSON(tt.doc)
			if f != nil || !errors.Is(err, tt.want) || err.Error() != tt.sentence {
				t.Errorf("got %v, %v\nwant %s", f, err, tt.sentence)
			}
		})
	}
}

func TestWholeEntriesBeforeAFaultAreKept(t *testing.T) {
	tests := []struct{ name, doc, want string }{
		{"cut in an item", jsonHead + `"items":[{"id":"1"},{"id":"2","title":"t`, "format: json 1.1\nrepaired: the end is missing; its last entry was left out\nentry: 1"},
		{"cut after an item", jsonHead + `"items":[{"id":"1"}`, "format: json 1.1\nrepaired: the end is missing\nentry: 1"},
		{"cut before its version", `{"title":"t","items":[{"id":"1"},{`, "format: json\nrepaired: the end is missing; its last entry was left out\ntitle: t\nentry: 1"},
		{"a fault in an item", jsonHead + "\"items\":[{\"id\":\"1\"},\n{\"id\":\"2\",\"title\":\"a \"quote\" b\"},{\"id\":\"3\"}]}",
			"format: json 1.1\nrepaired: line 2, column 23 is no JSON; what follows was left out\nentry: 1"},
		{"a bracket of the wrong kind", jsonHead + `"items":[{"id":"1"}}`, "format: json 1.1\nrepaired: line 1, column 66 is no JSON; what follows was left out\nentry: 1"},
		{"RSS cut in an item", `{"rss":{"channel":{"title":"t","item":[{"guid":"1"},{"guid":`, "format: rss 2.0 in json\nrepaired: the end is missing; its last entry was left out\ntitle: t\nentry: 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { check(t, tt.doc, tt.want) })
	}
}

func TestACutAnywhereLosesNoWholeEntry(t *testing.T) {
	doc := jsonHead + `"title":"é\"\\","items":[{"id":"1","tags":["a",{}],"title":"}]\""}, {"id":2,"x":[[1.5e3]]},{"id":"3"}],"language":"en"}`
	var ends []int // where each item ends
	for _, end := range []string{`]\""}`, `]]}`, `"3"}`} {
		ends = append(ends, strings.Index(doc, end)+len(end))
	}
	for n := range len(doc) {
		f, err := readJSON(doc[:n])
		whole := len(slices.DeleteFunc(slices.Clone(ends), func(end int) bool { return end > n }))
		if whole == 0 {
			if err == nil || !errors.Is(err, ErrBroken) && !errors.Is(err, ErrNotFeed) {
				t.Fatalf("%s: %v", doc[:n], err)
			}
			continue
		}
		if err != nil || len(f.Entries) != whole || len(f.Repaired) != 1 || !strings.HasPrefix(f.Repaired[0], "the end is missing") {
			t.Fatalf("%s: %+v, %v; want %d entries", doc[:n], f, err, whole)
		}
	}
}

func TestEscapesInJSONAreResolved(t *testing.T) {
	tests := []struct{ in, want string }{
		{`plain é`, "plain é"},
		{`\"\\\/\n\r\t`, "\"\\/\n\r\t"},
		{`a\b\f\u0000\u0001\uffffb`, "ab"},
		{`\u00e9\u00E9\u20ac`, "éé€"},
		{`\ud83c\udf0d!`, "🌍!"},
		{`\ud83c`, "\uFFFD"},
		{`\udf0d\ud83c`, "\uFFFD\uFFFD"},
		{`\ud83cx\u0041`, "\uFFFDxA"},
		{`\ud83c\u0041`, "\uFFFDA"},
		{`\ud83c\udf0`, "\uFFFDudf0"},
		{`\u12`, "u12"},
		{`\u+123\uzzzz`, "u+123uzzzz"},
		{`\x\'\é`, "x'é"},
		{`\\u0041\\\u0041`, `\u0041\A`},
		{"a\\\nb\nc\x01", "a\nb\nc\x01"},
	}
	for _, tt := range tests {
		if got := unescapeJSON(tt.in); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.in, got, tt.want)
		}
	}
	for _, s := range []string{`ends with \\`, `\\\\`, `quote \" \\\" inside`} {
		f, err := readJSON(jsonHead + `"items":[{"id":"1","content_html":"` + s + `"},{"id":"2"}]}`)
		var want string
		if e := json.Unmarshal([]byte(`"`+s+`"`), &want); e != nil || err != nil || len(f.Entries) != 2 || f.Entries[0].Content != want {
			t.Errorf("%s: %+v, %v, %v", s, f, err, e)
		}
	}
}

func TestStringsWithoutEscapesAreNotCopied(t *testing.T) {
	long := strings.Repeat("<p>text</p>", 1<<16)
	doc := jsonHead + `"items":[{"id":"1","content_html":"` + long + `"}]}`
	var err error
	if _, spent := cost(func() { _, err = readJSON(doc) }); err != nil || spent > uint64(len(long)/10) {
		t.Errorf("%d bytes allocated for %d, %v", spent, len(doc), err)
	}
}

// cost is the time and the bytes that f takes.
func cost(f func()) (time.Duration, uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	f()
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return took, after.TotalAlloc - before.TotalAlloc
}

func TestWhatOneOrreryWritesAnotherReads(t *testing.T) {
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	e := Entry{
		GUID: "tag:b.example,2026:1", GUIDGlobal: true, Permalink: "https://b.example/1", Title: "a < b", Content: "<p>x</p>",
		Summary: "<p>s</p>", Language: "de", Published: when, Updated: when.Add(time.Hour),
		Authors: []Person{{Name: "Ann", URL: "https://ann.example/"}},
		Tags:    []Tag{{Term: "go", Scheme: "https://s.example/", Label: "Go Lang"}, {Term: "xmpp", Scheme: "https://s.example/"}, {Term: "plain"}},
		Origin:  &Origin{ID: "tag:o.example:feed", Title: "O", Link: "https://o.example/", Self: "https://o.example/atom", Updated: when},
	}
	var out bytes.Buffer
	err := WriteJSON(&out, &Feed{Title: "T", Link: "https://p.example/", Self: "https://p.example/json", Hubs: []string{"https://hub.example/"}, Entries: []Entry{e}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := readJSON(out.String())
	if err != nil || len(f.Entries) != 1 {
		t.Fatal(f, err)
	}
	said, _ := json.Marshal(e)
	heard, _ := json.Marshal(f.Entries[0])
	if !bytes.Equal(said, heard) {
		t.Errorf("said %s\nheard %s", said, heard)
	}
	if f.Title != "T" || f.Link != "https://p.example/" || f.Self != "https://p.example/json" || !slices.Equal(f.Hubs, []string{"https://hub.example/"}) {
		t.Errorf("%+v", f)
	}
}

func TestATagIsNotReadTwice(t *testing.T) {
	tests := []struct{ item, want string }{
		{`"tags":["GO-lang","c"],"_orrery":{"categories":[{"term":"x","scheme":"s","label":"Go Lang"}]}`, "  tag: x | s | Go Lang\n  tag: c"},
		{`"tags":["X","c"],"_orrery":{"categories":[{"term":"x","scheme":"s","label":"Go Lang"}]}`, "  tag: x | s | Go Lang\n  tag: c"},
		{`"tags":["c"],"_orrery":{"categories":[null,"y",{},{"scheme":"s"}]}`, "  tag: c"},
		{`"tags":["c"],"_orrery":{"categories":{"label":"L","scheme":"s"}}`, "  tag:  | s | L\n  tag: c"},
		{`"tags":["c"],"_orrery":[]`, "  tag: c"},
		{`"_orrery":{"source":{"title":"O","feed_url":5}}`, "  origin:  | O |  |  |  | "},
		{`"_orrery":{"source":{"date_modified":"2026-01-01T00:00:00Z"}}`, ""},
		{`"_orrery":{"source":"O"}`, ""},
	}
	for _, tt := range tests {
		check(t, jsonHead+`"items":[{"id":"1",`+tt.item+`}]}`, "format: json 1.1\nentry: 1\n"+tt.want)
	}
}

func TestHostileJSONMeetsABound(t *testing.T) {
	many := func(s string) string { return strings.Repeat(s, 5<<20/len(s)) }
	item := jsonHead + `"items":[{"id":"1"`
	tests := []struct {
		name, doc string
		want      error // nil: it is read
		entries   int
		note      string
	}{
		{"an item that is null", jsonHead + `"items":[null]}`, nil, 0, ""},
		{"nested arrays", `{"items":` + strings.Repeat("[", 100_000), ErrTooDeep, 0, ""},
		{"nested arrays in an unknown field", jsonHead + `"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}", ErrTooDeep, 0, ""},
		{"nested objects in an item", item + `,"x":` + many(`{"a":`), ErrTooDeep, 0, ""},
		{"as deep as allowed", item + `,"x":` + strings.Repeat("[", maxDepth-3) + strings.Repeat("]", maxDepth-3) + "}]}", nil, 1, ""},
		{"a level more", item + `,"x":` + strings.Repeat("[", maxDepth-2) + strings.Repeat("]", maxDepth-2) + "}]}", ErrTooDeep, 0, ""},
		{"a million empty items", jsonHead + `"items":[` + strings.Repeat("{},", 1_000_000) + "]}", ErrTooMany, 0, ""},
		{"a million members of the feed", `{` + strings.Repeat(`"a":1,`, 1_000_000) + "}", ErrTooMany, 0, ""},
		{"half a million tags", item + `,"tags":[` + strings.Repeat(`"x",`, 600_000) + "]}]}", ErrTooMany, 0, ""},
		{"many tags beside many categories", item + `,"tags":[` + strings.Repeat(`"x",`, 200_000) + `],"_orrery":{"categories":[` + strings.Repeat(`{"term":"a"},`, 140_000) + "]}}]}", nil, 1, ""},
		{"many titles", item + strings.Repeat(`,"title":"x"`, 400_000) + "}]}", nil, 1, ""},
		{"many authors", item + `,"authors":[` + strings.Repeat(`{"name":"x"},`, 200_000) + "]}]}", nil, 1, ""},
		{"many authors that are strings", item + `,"authors":[` + strings.Repeat(`"x@y",`, 200_000) + "]}]}", nil, 1, ""},
		{"more entries than are read", jsonHead + `"items":[` + strings.Repeat(`{"id":"1"},`, 400_000) + `],"title":"t"}`, nil, maxEntries, "only the first 2,000 entries were read"},
		{"nested arrays after the entries that are read", jsonHead + `"items":[` + strings.Repeat(`{"id":"1"},`, maxEntries) + many("["), ErrTooDeep, 0, ""},
		{"many creators", `{"rss":{"channel":{"item":{"dc:creator":[` + strings.Repeat(`"x@y",`, 200_000) + "]}}}}", nil, 1, ""},
		{"a huge number", jsonHead + `"items":[{"id":` + many("9") + `,"attachments":{"url":"u","size_in_bytes":` + strings.Repeat("9", 1<<20) + "}}]}", nil, 1, ""},
		{"a huge exponent", jsonHead + `"items":[{"id":1e` + strings.Repeat("9", 1000) + "}]}", nil, 1, ""},
		{"quotes", item + many(`,"`), ErrBroken, 0, ""},
		{"backslashes", item + `,"title":"` + many(`\\`) + `"}]}`, nil, 1, ""},
		{"backslashes without an end", item + `,"title":"` + many(`\\"`), ErrBroken, 0, ""},
		{"escapes", item + `,"title":"` + many(`\ud83c`) + `"}]}`, nil, 1, ""},
		{"commas", jsonHead + `"items":[` + many(",") + `{"id":"1"}]}`, nil, 1, ""},
		{"white space", jsonHead + `"items":[` + many("\n") + `{"id":"1"}` + many(" ") + "]}", nil, 1, ""},
		{"lines of text", item + `,"content_text":"` + many("\n\nx") + `"}]}`, nil, 1, ""},
		{"a date that never ends", item + `,"date_published":"` + many("2020-01-01T") + `"}]}`, nil, 1, ""},
		{"tags in a string of commas", item + `,"tags":"` + many("a,") + `"}]}`, nil, 1, ""},
		{"an author that never ends", item + `,"author":"` + many("<(@") + `"}]}`, nil, 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f *Feed
			var err error
			took, spent := cost(func() { f, err = readJSON(tt.doc) })
			if !errors.Is(err, tt.want) || err == nil && len(f.Entries) != tt.entries {
				t.Fatalf("%.200v, %v", f, err)
			}
			if err == nil && tt.note != "" && (!slices.Equal(f.Repaired, []string{tt.note}) || f.Title != "t") {
				t.Errorf("%q, %v", f.Title, f.Repaired)
			}
			if took > 5*time.Second || spent > 512<<20 { // hostile.md: bounds
				t.Errorf("%v and %d MB for %d bytes", took, spent>>20, len(tt.doc))
			}
		})
	}
}

// refused are the real documents that gofeed does not read, and what we make of them.
var refused = map[string]string{
	"feeds/jsonfeed/allthis-partial.json": "2 entries; the end is missing; its last entry was left out",
	"feeds/jsonfeed/rose.json":            "84 entries; ", // tags is a string
	"feeds/missing/reader-invalid.json":   "8 entries; ",  // every field is mistyped
}

func TestRealJSONFeedsAreReadAsGofeedReadsThem(t *testing.T) {
	root := feedstest.Data(t, "feeds")
	compared := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text, _, _ := decode(body, "")
		name := filepath.ToSlash(filepath.Join("feeds", strings.TrimPrefix(path, root)))
		f, err := readJSON(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		theirs, err := (&jsonfeed.Parser{}).Parse(strings.NewReader(text))
		if want, ok := refused[name]; ok != (err != nil) {
			t.Errorf("%s: gofeed says %v", name, err)
		} else if got := fmt.Sprintf("%d entries; %s", len(f.Entries), strings.Join(f.Repaired, "; ")); ok && got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if err == nil && strings.HasPrefix(theirs.Version, "https://jsonfeed.org/") {
			compared++
			sameFeed(t, name, f, theirs)
		}
		return nil
	})
	if err != nil || compared < 10 {
		t.Errorf("%d feeds compared, %v", compared, err)
	}
}

func sameFeed(t *testing.T, name string, f *Feed, j *jsonfeed.Feed) {
	same := func(what, ours, theirs string) {
		t.Helper()
		if ours != strings.TrimSpace(theirs) {
			t.Errorf("%s: %s: %q, gofeed %q", name, what, ours, theirs)
		}
	}
	same("title", f.Title, oneLine(j.Title))
	same("link", f.Link, j.HomePageURL)
	same("self", f.Self, j.FeedURL)
	same("language", f.Language, j.Language)
	items := slices.DeleteFunc(slices.Clone(j.Items), func(i *jsonfeed.Item) bool { return strings.TrimSpace(i.ID) == "" })
	if len(items) != len(f.Entries) {
		t.Errorf("%s: %d entries, gofeed has %d", name, len(f.Entries), len(items))
		return
	}
	for n, i := range items {
		e := &f.Entries[n]
		same("id", e.GUID, i.ID)
		same("url", e.Permalink, i.URL)
		same("title", e.Title, oneLine(i.Title))
		if i.ContentHTML != "" {
			same("content", strings.TrimSpace(e.Content), i.ContentHTML)
		}
		for _, d := range []struct {
			ours   time.Time
			theirs string
		}{{e.Published, i.DatePublished}, {e.Updated, i.DateModified}} {
			want, err := time.Parse(time.RFC3339, d.theirs)
			if err == nil && !d.ours.Equal(want) || d.theirs == "" && !d.ours.IsZero() {
				t.Errorf("%s: date %v, gofeed %q", name, d.ours, d.theirs)
			}
		}
		same("tags", strings.Join(termsOf(e.Tags), "|"), strings.Join(i.Tags, "|"))
	}
}

func TestRSSInJSONOfScriptingNewsIsRead(t *testing.T) {
	body, err := os.ReadFile(feedstest.Data(t, "feeds/jsonfeed/ScriptingNews.json"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := readJSON(string(body))
	if err != nil {
		t.Fatal(err)
	}
	if f.Title != "Scripting News" || f.Link != "http://scripting.com/" || f.Format != "rss 2.0 in json" || len(f.Entries) != 50 || f.Updated.IsZero() {
		t.Errorf("%s: %q %q, %d entries, %v", f.Format, f.Title, f.Link, len(f.Entries), f.Updated)
	}
	files := 0
	for _, e := range f.Entries {
		if e.GUID == "" || e.Permalink == "" || e.Content == "" || e.Published.IsZero() {
			t.Errorf("%+v", e)
		}
		files += len(e.Enclosures)
	}
	if files == 0 {
		t.Error("no enclosures")
	}
}

func FuzzReadJSON(f *testing.F) {
	for _, s := range []string{
		jsonHead + `"title":"t","items":[{"id":"1","tags":["a"],"authors":[{"name":"x"}],"content_text":"a\u00e9\ud83c\udf0d"},{"id":2.5e3},null]}`,
		`{"rss":{"version":"2.0","channel":{"title":"t","item":{"guid":{"isPermaLink":"false","#value":"1"},"category":["a"]}}}}`,
		jsonHead + `"items":[{"id":"1"},{"id":"\ud800\"","_orrery":{"source":{"id":"x"},"categories":[{"term":"t"}]},"attachments":[{"url":"u","size_in_bytes":"1"}]}`,
		`{"a":[1,{"b":tru,,}]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = clean(s) // as decode does
		feed, err := readJSON(s)
		if err != nil {
			if feed != nil || !errors.Is(err, ErrNotFeed) && !errors.Is(err, ErrBroken) && !errors.Is(err, ErrTooDeep) && !errors.Is(err, ErrTooMany) {
				t.Fatalf("%v, %v", feed, err)
			}
			if json.Valid([]byte(s)) && errors.Is(err, ErrBroken) {
				t.Fatalf("valid JSON: %v", err)
			}
			return
		}
		if !json.Valid([]byte(s)) {
			return
		}
		if r := strings.Join(feed.Repaired, ";"); strings.Contains(r, "missing") || strings.Contains(r, "no JSON") {
			t.Fatalf("valid JSON: %s", r)
		}
		sameIDs(t, s, feed)
	})
}

// sameIDs compares with encoding/json what both understand.
func sameIDs(t *testing.T, s string, f *Feed) {
	var doc struct {
		RSS   json.RawMessage              `json:"rss"`
		Items []map[string]json.RawMessage `json:"items"`
	}
	if json.Unmarshal([]byte(s), &doc) != nil || doc.RSS != nil || strings.Count(strings.ToLower(s), "items") != 1 || !strings.Contains(s, `"items"`) {
		return // mistyped, or a key that encoding/json compares without regard to case
	}
	var want, got []string
	for _, i := range doc.Items {
		var id string
		if raw := i["id"]; json.Unmarshal(raw, &id) != nil {
			var n json.Number
			if json.Unmarshal(raw, &n) == nil {
				id = n.String()
			}
		}
		if id = strings.TrimSpace(clean(id)); id != "" {
			want = append(want, id)
		}
	}
	for _, e := range f.Entries {
		got = append(got, e.GUID)
	}
	if len(want) <= maxEntries && !slices.Equal(got, want) {
		t.Fatalf("ids %q, encoding/json has %q", got, want)
	}
}

// longFeed is a JSON Feed of about n bytes as a blog's program writes it.
func longFeed(n int, slash string) string {
	var b strings.Builder
	b.WriteString("{\n  " + jsonHead[1:] + "\n  \"title\": \"A blog\",\n  \"items\": [")
	paragraph := `<p>Words with <a href=\"https:` + slash + slash + `b.example` + slash + `page\">a link<\/a>, an <em>emphasis<\/em> and \u201cquotes\u201d.<\/p>\n`
	for i := 0; b.Len() < n; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `
    {
      "id": "https://b.example/%[1]d",
      "url": "https://b.example/%[1]d",
      "title": "Post number %[1]d",
      "date_published": "2026-01-02T03:04:05+01:00",
      "date_modified": "2026-01-02T03:04:05Z",
      "authors": [{"name": "Ann", "url": "https://b.example/ann", "avatar": "https://b.example/ann.png"}],
      "tags": ["one", "two", "three"],
      "content_html": "%[2]s"
    }`, i, strings.Repeat(paragraph, 40))
	}
	b.WriteString("\n  ]\n}\n")
	return b.String()
}

func BenchmarkReadJSON(b *testing.B) {
	docs := map[string]string{"plain": longFeed(1<<20, "/"), "escaped": longFeed(1<<20, `\/`)}
	for _, name := range []string{"rose", "DaringFireball", "ScriptingNews"} {
		body, err := os.ReadFile(feedstest.Data(b, "feeds/jsonfeed/"+name+".json"))
		if err != nil {
			b.Fatal(err)
		}
		docs[name] = string(body)
	}
	for name, doc := range docs {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if f, err := readJSON(doc); err != nil || len(f.Entries) == 0 {
					b.Fatal(err)
				}
			}
		})
	}
}
