package feedstest

import "strings"

func jsonShapes() []Attack {
	return []Attack{
		{"json nested lists", ".json", fill(strings.TrimSuffix(feed, "["), "[", "")}, // recursion
		{"json nested lists, closed", ".json", halves(strings.TrimSuffix(feed, "["), "[", "]", "}")},
		{"json nested objects", ".json", fill(feed+`{"id":"1","a":`, `{"a":`, "")},
		{"json nested within the bound", ".json", fill(feed, `{"id":"1","a":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+"},", endFeed)},
		{"json nested where nobody looks", ".json", fill(feed+strings.Repeat(`{},`, 3000), strings.Repeat("[", 200)+strings.Repeat("]", 200)+",", endFeed)},
		{"json wide", ".json", number(`{"version":"https://jsonfeed.org/version/1.1","items":[]`, `,"a%d":1`, "}")},
		{"json wide item", ".json", number(feed+`{"id":"1"`, `,"a%d":1`, "}"+endFeed)}, // searched for every name we want
		{"json wide list", ".json", fill(feed+`{"id":"1","a":[`, "1,", "]}"+endFeed)},
		{"json one name again and again", ".json", fill(feed+`{"id":"1"`, `,"id":"1"`, "}"+endFeed)}, // the last counts
		{"json items again and again", ".json", fill(`{"version":"https://jsonfeed.org/version/1.1"`, `,"items":[{"id":"1"}]`, "}")},
		{"json a list of feeds", ".json", fill("[", feed+endFeed+",", "]")},
		{"json feeds behind each other", ".json", fill("", feed+endFeed, "")},
		{"json without values", ".json", fill(feed, ",", endFeed)},
		{"json without names", ".json", fill("{", ":", "}")},
		{"json open objects", ".json", fill("", "{", "")},
		{"json closing brackets", ".json", fill(feed, "]", "")},
		{"json spaces", ".json", fill("{", " ", feed[1:]+endFeed)},
		{"json comments", ".json", fill("{", "/*a*/", feed[1:]+endFeed)},
		{"json in utf-16", ".json", fill("\xFF\xFE{\x00", "\"\x00", "")},
		{"json behind a byte order mark", ".json", fill("\xEF\xBB\xBF"+feed, "{},", endFeed)},
	}
}

func jsonScalars() []Attack {
	title := func(unit string) func(n int) []byte { return fill(feed+`{"id":"1","title":"`, unit, `"}`+endFeed) }
	return []Attack{
		{"json nulls", ".json", fill(feed, "null,", endFeed)}, // a nil pointer each
		{"json nulls in items", ".json", fill(feed, `{"id":"1","title":null,"authors":null,"tags":[null],"attachments":[null],"content_html":null},`, endFeed)},
		{"json a null for items", ".json", fill(`{"version":"https://jsonfeed.org/version/1.1","items":null,"authors":[`, "null,", "]}")},
		{"json a long number", ".json", fill(feed+`{"id":`, "1", "}"+endFeed)}, // quadratic as a big integer
		{"json a long exponent", ".json", fill(feed+`{"id":1e`, "9", "}"+endFeed)},
		{"json a long size", ".json", fill(feed+`{"id":"1","attachments":[{"url":"https://b.example/","size_in_bytes":`, "9", "}]}"+endFeed)},
		{"json long numbers", ".json", fill(feed, `{"id":`+strings.Repeat("1", 1000)+"},", endFeed)},
		{"json words", ".json", fill(feed, "true,", endFeed)},
		{"json words of nobody", ".json", fill(feed, "undefined,", endFeed)},
		{"json a string without end", ".json", fill(feed+`{"id":"`, "a", "")},
		{"json escaped quotes", ".json", title(`\"`)}, // each looks back at the backslashes before it
		{"json backslashes", ".json", title(`\\`)},
		{"json escapes", ".json", title(`\u0041`)},
		{"json escapes of controls", ".json", title(`\u0000\b`)},
		{"json escapes of pairs", ".json", title(`\ud83d\ude00`)},
		{"json escapes of half pairs", ".json", title(`\ud800`)},
		{"json escapes of nothing", ".json", title(`\u\x`)},
		{"json lines in a string", ".json", title("\n")},
		{"json a long name", ".json", fill(feed+`{"`, `\u0041`, `":1}`+endFeed)},
		{"json empty strings", ".json", fill(feed, `"",`, endFeed)},
	}
}

func jsonItems() []Attack {
	return []Attack{
		{"json items", ".json", fill(feed, "{},", endFeed)},
		{"json items with an id", ".json", number(feed, `{"id":%d},`, endFeed)},
		{"json items of one id", ".json", fill(feed, `{"id":"1","title":"a"},`, endFeed)},
		{"json items of text", ".json", number(feed, `{"id":"%d","content_text":"a\n\nb"},`, endFeed)},
		{"json items with everything", ".json", number(feed, `{"id":"%d","url":"/a","title":"a","content_html":"<p>a","summary":"b","date_published":"2026-01-02T03:04:05Z","tags":["a"],"authors":[{"name":"b"}]},`, endFeed)},
		{"json relative links under a long address", ".json", number( // 11 bytes become 4,000
			strings.Replace(feed, "https://b.example/", longAddress(4000), 1), `{"id":"%d","content_html":"`+strings.Repeat("<a href=b>c", 220)+`"},`, endFeed)},
		{"json attachments under a long address", ".json", number(
			strings.Replace(feed, "https://b.example/", longAddress(4000), 1), `{"id":"%d","attachments":[`+strings.Repeat(`{"url":"b"},`, 50)+`]},`, endFeed)},
		{"json relative authors under a long address", ".json", number(
			strings.Replace(feed, "https://b.example/", longAddress(4000), 1), `{"id":"%d","authors":[`+strings.Repeat(`{"url":"b"},`, 50)+`]},`, endFeed)},
		{"json cut off", ".json", number(feed, `{"id":"%d","title":"a"},`, `{"id":"`)},
	}
}

func jsonFields() []Attack {
	post := func(head, unit, tail string) func(n int) []byte {
		return fill(feed+`{"id":"1",`+head, unit, tail+"}"+endFeed)
	}
	return []Attack{
		{"json a long id", ".json", fill(feed+`{"id":"https://b.example/`, "a/", `"}`+endFeed)},
		{"json a long url of escaped ampersands", ".json", post(`"url":"https://b.example/?&`, "amp;", `"`)},
		{"json a long content", ".json", post(`"content_html":"`, "<b>", `"`)},
		{"json a long text", ".json", post(`"content_text":"`, `\n\n'`, `"`)},
		{"json a long summary", ".json", post(`"summary":"`, "<", `"`)},
		{"json a long date", ".json", post(`"date_published":"`, "1 ", `"`)},
		{"json a long author", ".json", post(`"authors":[{"name":"`, "a ", `"}]`)},
		{"json authors of encoded words", ".json", post(`"authors":["`, "=?utf-8?q?a?= ", `"]`)},
		{"json many authors", ".json", post(`"authors":[`, `{"name":"a"},`, "]")},
		{"json many tags", ".json", number(feed+`{"id":"1","tags":[`, `"%d",`, "]}"+endFeed)},
		{"json tags in one string", ".json", post(`"tags":"`, "a,", `"`)},
		{"json a long tag", ".json", post(`"tags":["`, "a-", `"]`)},
		{"json many attachments", ".json", number(feed+`{"id":"1","attachments":[`, `{"url":"https://b.example/%d"},`, "]}"+endFeed)},
		{"json tags of ours, long", ".json", post(`"tags":["a"],"_orrery":{"categories":[{"term":"a","label":"`, "\uFDFA", `"}]}`)}, // 18 letters each when compared
		{"json tags of ours, many", ".json", number(feed+`{"id":"1","tags":["a"],"_orrery":{"categories":[`, `{"term":"%d"},`, "]}}"+endFeed)},
		{"json sources of ours", ".json", post(`"_orrery":{"source":{"id":"`, "a ", `"}}`)},
		{"json many hubs", ".json", number(strings.TrimSuffix(feed, `"items":[`)+`"hubs":[`, `{"type":"WebSub","url":"https://b.example/%d"},`, `],"items":[]}`)},
		{"json a long version", ".json", fill(`{"items":[{"id":"1"}],"version":"https://jsonfeed.org/version/`, "1.", `"}`)},
		{"json a long title", ".json", fill(`{"version":"https://jsonfeed.org/version/1.1","title":"`, "a ", `","items":[]}`)},
		{"json html of attributes", ".json", number(feed+`{"id":"1","content_html":"<a`, ` b%d`, `>"}`+endFeed)},
	}
}

// jsonRSS is RSS written as JSON.
func jsonRSS() []Attack {
	const head = `{"rss":{"version":"2.0","channel":{"title":"t","item":[`
	const tail = `]}}}`
	return []Attack{
		{"json rss items", ".json", number(head, `{"guid":{"#value":"%d"},"title":"a"},`, tail)},
		{"json rss nulls", ".json", fill(head, "null,", tail)},
		{"json rss nulls in items", ".json", fill(head, `{"guid":null,"category":[null],"enclosure":[null],"dc:creator":[null]},`, tail)},
		{"json rss nested", ".json", fill(`{"rss":`, `{"rss":`, "")},
		{"json rss channels", ".json", fill(`{"rss":{`, `"channel":{"item":[]},`, "}}")},
		{"json rss creators", ".json", number(head+`{"dc:creator":[`, `"%d (a@b)",`, "]}"+tail)},
		{"json rss titles of markup", ".json", fill(head+`{"guid":"1","title":"<b>a</b>`, "<a b", `"}`+tail)},
		{"json rss links", ".json", fill(`{"rss":{"channel":{"atom:link":[`, `{"rel":"hub","href":"https://b.example/"},`, "]}}}")},
		{"json rss categories", ".json", number(head+`{"guid":"1","category":[`, `{"#value":"%d","domain":"a"},`, "]}"+tail)},
	}
}
