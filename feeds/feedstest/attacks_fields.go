package feedstest

import "strings"

// longFields are single fields as long as the whole document.
func longFields() []Attack {
	return []Attack{
		{"a long title", ".xml", fill(item+"<title>", "a b ", "</title>"+endItem)},
		{"a long title of letters", ".xml", fill(item+"<title>", "a", "</title>"+endItem)},
		{"a long guid", ".xml", fill(rss+"<item><guid>", "a", "</guid>"+endItem)},
		{"a long guid that is an address", ".xml", fill(rss+"<item><guid>https://b.example/", "a/", "</guid>"+endItem)},
		{"a long link", ".xml", fill(item+"<link>https://b.example/", "a/", "</link>"+endItem)},
		{"a long link of percent signs", ".xml", fill(item+"<link>https://b.example/", "%", "</link>"+endItem)},
		{"a long link of escaped ampersands", ".xml", fill(item+"<link>https://b.example/?&amp;", "amp;", "</link>"+endItem)}, // undone one by one: quadratic
		{"a long enclosure of escaped ampersands", ".xml", fill(item+"<enclosure url='https://b.example/?&amp;", "amp;", "'/>"+endItem)},
		{"a long category", ".xml", fill(item+"<category>", "a-", "</category>"+endItem)},
		{"a long category of ligatures", ".xml", fill(item+"<category>", "\uFDFA", "</category>"+endItem)}, // 18 letters each when compared
		{"a long author", ".xml", fill(item+"<author>", "a b ", "</author>"+endItem)},
		{"long keywords", ".xml", fill(item+"<media:keywords>", "a,", "</media:keywords>"+endItem)},
		{"a long language", ".xml", fill(item+"<dc:language>", "en-", "</dc:language>"+endItem)},
		{"a long version", ".xml", fill("<rss version='", "2.0", "'><channel><item><guid>1</guid>"+endItem)},
		{"a long relation", ".xml", fill(entry+"<link href='https://b.example/' rel='", "a ", "'/>"+endEntry)},
		{"a long type", ".xml", fill(entry+"<content type='", "text/html;", "'>a</content>"+endEntry)},
		{"a long plain description", ".xml", fill(item+"<description>", "a\n\n", "</description>"+endItem)},
		{"a long plain description of signs", ".xml", fill(item+"<description><![CDATA[", "<\n\n", "]]></description>"+endItem)},
		{"a long plain text", ".xml", fill(entry+"<content type='text'>", "a\n\n", "</content>"+endEntry)}, // a paragraph each
		{"a long date", ".xml", fill(item+"<pubDate>", "1 ", "</pubDate>"+endItem)},
		{"a long date of brackets", ".xml", fill(item+"<pubDate>", "(", "</pubDate>"+endItem)}, // nested comments
		{"a long date of digits", ".xml", fill(item+"<pubDate>", "1", "</pubDate>"+endItem)},
		{"skipped hours", ".xml", fill(rss+"<skipHours>", "1 ", "</skipHours>"+endRSS)},
		{"a long base64 content", ".xml", fill("<feed version='0.3' xmlns='http://purl.org/atom/ns#'><entry><id>1</id><content mode='base64'>", "YWFh", "</content>"+endEntry)},
	}
}

// manyFields are one element as often as there is room.
func manyFields() []Attack {
	var out []Attack
	for _, a := range []struct{ name, head, unit, tail string }{
		{"categories", item, "<category>%d</category>", endItem},
		{"terms", entry, "<category term='%d' label='a'/>", endEntry},
		{"links", entry, "<link rel='enclosure' href='%d'/>", endEntry},
		{"further links", entry, "<link rel='related' href='https://b.example/%d'/>", endEntry}, // compared with each other
		{"links of the feed", atom, "<link rel='alternate' href='https://b.example/%d'/>", "</feed>"},
		{"enclosures", item, "<enclosure url='https://b.example/%d'/>", endItem},
		{"media", item, "<media:content url='https://b.example/%d' type='a/b'/>", endItem}, // compared with the enclosures
		{"enclosures and media", item, "<enclosure url='https://b.example/%d'/><media:content url='https://b.example/%d' type='a/b'/>", endItem},
		{"pictures of Media RSS", item, "<media:content url='https://b.example/%d.png' medium='image'/>", endItem},
		{"pictures", item, "<media:thumbnail url='https://b.example/%d'/>", endItem},
		{"authors", entry, "<author><name>%d</name></author>", endEntry},
		{"authors of the feed", atom, "<author><name>%d</name></author>", "</feed>"},
		{"contributors", entry, "<contributor><name>%d</name></contributor>", endEntry},
		{"creators", item, "<dc:creator>%d</dc:creator>", endItem},
		{"mail addresses", item, "<dc:creator>%d@b.example (a)</dc:creator>", endItem},
		{"hubs", atom, "<link rel='hub' href='https://b.example/%d'/>", "</feed>"},
		{"dates", item, "<pubDate>Mon, 02 Jan 2006 15:04:05 +0%d</pubDate>", endItem},
		{"comments of readers", item, "<comments>https://b.example/%d</comments>", endItem},
		{"sources", entry, "<source><id>%d</id><title>a</title></source>", endEntry},
		{"languages of elements", atom, "<a xml:lang='en-%d'/>", "</feed>"},
	} {
		out = append(out, Attack{"many " + a.name, ".xml", number(a.head, a.unit, a.tail)})
	}
	return out
}

// mailboxes are authors that a reader of mail addresses takes apart (RFC 5322 §3.4).
func mailboxes() []Attack {
	creator := func(unit string) func(n int) []byte {
		return fill(item+"<dc:creator>", unit, "</dc:creator>"+endItem)
	}
	return []Attack{
		{"an author of words", ".xml", creator("a ")},
		{"an author of quoted words", ".xml", creator("&quot;a&quot; ")},
		{"an author of encoded words", ".xml", creator("=?utf-8?q?a?= ")}, // joined one by one: quadratic
		{"an author of comments", ".xml", creator("a (b) ")},
		{"an author of nested comments", ".xml", creator("a (")},
		{"an author of brackets", ".xml", creator("&lt;a@[")}, // a domain literal, joined byte by byte
		{"an author of addresses", ".xml", creator("a@b,")},
		{"an author of dots", ".xml", creator("a.")},
		{"an author of groups", ".xml", creator("a:")},
		{"an author of signs", ".xml", creator("@")},
		{"an author of open brackets", ".xml", creator("(a@b ")},
		{"an author of addresses in brackets", ".xml", creator("&lt;a@b&gt; ")},
		{"an author of one address", ".xml", fill(item+"<author>a@", "b.", "</author>"+endItem)},
		{"an author of words before an address", ".xml", fill(item+"<author>", "a ", "(a@b)</author>"+endItem)},
		{"an author of words behind an address", ".xml", fill(item+"<author>a@b ", "(a ", "</author>"+endItem)},
		{"authors with addresses", ".xml", fill(item+"<author>", "a@b,", "</author>"+endItem)},
		{"many authors with addresses", ".xml", fill(item, "<author>"+strings.Repeat("a@b,", 1000)+"</author>", endItem)},
	}
}

// addresses cost more to take apart than to send.
func addresses() []Attack {
	// Each label of it is one insertion into the middle for every letter: quadratic.
	punycode := "https://xn--" + strings.Repeat("a", 2200) + "/"
	query := "https://b.example/?" + counted(900, "%d&amp;")
	var out []Attack
	for _, a := range []struct{ name, link string }{
		{"hosts in punycode", punycode},
		{"hosts of labels", "https://" + strings.Repeat("a.", 1100) + "/"},
		{"hosts of letters with dots", "https://" + strings.Repeat("\u00fc.", 700) + "/"},
		{"queries to be sorted", query},
		{"queries of trackers", "https://b.example/?" + strings.Repeat("utm_a=b&amp;", 250)},
		{"paths of dots", "https://b.example/" + strings.Repeat("a/../", 480)},
		{"paths of percent signs", "https://b.example/" + strings.Repeat("%41", 800)},
		{"paths of index files", "https://b.example/" + strings.Repeat("index.html/", 220)}, // dropped one by one
		{"addresses of www", "https://" + strings.Repeat("www.", 600) + "b/"},
	} {
		out = append(out, Attack{a.name, ".xml", number(rss, "<item><guid>%d</guid><link>"+a.link+"%d</link></item>", endRSS)})
	}
	return out
}

// bases are what relative addresses are resolved against (XML Base).
func bases() []Attack {
	const root = `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="`
	long := func(between, format, tail string) func(n int) []byte { // half of it is the base
		return joined(fill(root+"https://b.example/", "a/", between), number("", format, tail))
	}
	deep := func(head, element string) func(n int) []byte { // each is as long as all around it: quadratic
		return func(n int) []byte {
			const levels = 200
			tag := "<" + element + " xml:base='" + strings.Repeat("b/", (n-len(head))/levels/2-len("<channel xml:base=''>")/2) + "'>"
			return []byte(head + strings.Repeat(tag, levels))
		}
	}
	const posted = `<entry><id>%d</id><title>a</title><content type="html">&lt;a href=b&gt;c</content><summary type="html">d</summary></entry>`
	return []Attack{
		{"bases", ".xml", fill(entry+"<content type='xhtml'>", "<a xml:base='b/' href='c'>", "")},
		{"bases beside each other", ".xml", fill(xdiv, "<a xml:base='b/' href='c'/>", endXdiv)},
		{"bases, one in the other", ".xml", deep(xdiv, "a")},
		{"bases of places, one in the other", ".xml", deep("<rss xml:base='https://b.example/'>", "channel")},
		{"a base of dots", ".xml", fill(root+"https://b.example/", "../", `"><link href="../a"/><entry><id>1</id><link href="../b"/>`+endEntry)},
		{"a long base, many bases in it", ".xml", long(`">`, "<a xml:base='b%d'/>", "</feed>")}, // parsed again for each
		{"a long base, many links", ".xml", long(`"><entry><id>1</id>`, "<link rel='enclosure' href='%d'/>", endEntry)},
		{"a long base, many entries", ".xml", long(`">`, posted, "</feed>")},
		{"a long base in xhtml", ".xml", joined( // written out for each link
			fill(xdiv+"<p xml:base='https://b.example/", "a/", "'>"), number("", "<a href='%d'/>", "</p>"+endXdiv))},
		{"a base of 4 KB, many links", ".xml", number(root+longAddress(4000)+`"><entry><id>1</id>`, "<link rel='enclosure' href='%d'/>", endEntry)},
		{"a base of 4 KB, many entries", ".xml", number(root+longAddress(4000)+`">`, posted, "</feed>")},
		{"a base of 4 KB, links in xhtml", ".xml", number(xdiv+"<p xml:base='"+longAddress(4000)+"'>", "<a href='%d'/>", "</p>"+endXdiv)},
	}
}

// shared are texts that stand once and are used by every entry: half of the
// document, or an address as long as it may be.
func shared() []Attack {
	const small = "<item><guid>%d</guid></item>"
	half := func(head, unit, between, format, tail string) func(n int) []byte {
		return joined(fill(head, unit, between), number("", format, tail))
	}
	link := strings.Replace(rss, "https://b.example/", longAddress(4000), 1)
	each := func(inner string) func(n int) []byte {
		return number(link, "<item><guid>%d</guid>"+inner+"</item>", endRSS)
	}
	html := func(inner string) string { // 11 bytes become 4,000
		return "<description><![CDATA[" + strings.Repeat(inner, 220) + "]]></description>"
	}
	return []Attack{
		{"one language of all entries", ".xml", half("<rss><channel xml:lang='", "_", "'>", small, endRSS)},
		{"one language of spaces of all entries", ".xml", half("<rss><channel xml:lang='", " ", "en'>", small, endRSS)},
		{"one author of all entries", ".xml", half("<feed xmlns='http://www.w3.org/2005/Atom'><author><name>", "a ", "</name></author>", "<entry><id>%d</id></entry>", "</feed>")},
		{"one link of all entries", ".xml", half("<rss><channel><link>https://b.example/", "a/", "</link>", small, endRSS)},
		{"one picture of all entries", ".xml", half("<rss><channel><itunes:image href='https://b.example/", "a/", "'/>", small, endRSS)},
		{"relative links under a long address", ".xml", each(html("<a href=b>c"))},
		{"relative pictures under a long address", ".xml", each(html("<img src=b>"))},
		{"relative links that become too long", ".xml", number(strings.Replace(rss, "https://b.example/", longAddress(4090), 1), // dropped, but only when resolved
			"<item><guid>%d</guid>"+html("<a href=bbbbbbbb>")+"</item>", endRSS)},
		{"relative players under a long address", ".xml", each(html("<iframe src=b>"))}, // the address is their text, too
		{"relative sets of pictures under a long address", ".xml", each("<description><![CDATA[<img srcset='" + strings.Repeat("b 1x,", 500) + "'>]]></description>")},
		{"relative links of players under a long address", ".xml", each(html("<video><source src=b></video>"))},
		{"relative enclosures under a long address", ".xml", each(strings.Repeat("<enclosure url='b'/>", 50))},
		{"relative authors under a long address", ".xml", each(strings.Repeat("<dc:creator>b</dc:creator><a:author xmlns:a='http://www.w3.org/2005/Atom'><a:uri>b</a:uri></a:author>", 25))},
		{"relative further links under a long address", ".xml", each(strings.Repeat("<atom:link rel='via' href='b'/>", 50))},
		{"relative sources under a long address", ".xml", each("<atom:source>" + strings.Repeat("<atom:author><atom:uri>b</atom:uri></atom:author>", 50) + "</atom:source>")},
		{"too many enclosures under a long address", ".xml", fill(link+"<item><guid>1</guid>", "<enclosure url='b'/>", endItem)},
		{"too many links under a long address", ".xml", number(link+"<item><guid>1</guid>", "<atom:link rel='via' href='b%d'/>", endItem)},
		{"hubs under a long address", ".xml", fill("<feed xmlns='http://www.w3.org/2005/Atom'><link rel='self' href='"+longAddress(4000)+"'/>", "<link rel='hub' href='b'/>", "</feed>")},
	}
}
