package feedstest

import (
	"bytes"
	"fmt"
	"strings"
)

// postSize is a little less than a reader takes of one post (hostile.md, Bounds).
const postSize = 250 << 10

// posts makes an RSS feed of descriptions of postSize bytes: head, units, tail.
// Of a longer one a reader would only see the beginning.
func posts(head, unit, tail string) func(n int) []byte {
	return written(func(b *bytes.Buffer, size int) { b.Write(fill(head, unit, tail)(size)) })
}

// halfPosts makes posts of one unit for their first half and another for the rest.
func halfPosts(first, second, tail string) func(n int) []byte {
	return written(func(b *bytes.Buffer, size int) { b.Write(halves("", first, second, tail)(size)) })
}

func written(post func(b *bytes.Buffer, size int)) func(n int) []byte {
	return func(n int) []byte {
		var b bytes.Buffer
		b.WriteString(rss)
		for i := 0; i == 0 || b.Len()+postSize/2 < n; i++ {
			fmt.Fprintf(&b, "<item><guid>%d</guid><description><![CDATA[", i)
			post(&b, min(postSize, n-b.Len()-100))
			b.WriteString("]]></description></item>")
		}
		b.WriteString(endRSS)
		return b.Bytes()
	}
}

// openHTML are elements that nobody closes: an HTML parser opens them again in
// every paragraph that follows.
func openHTML() []Attack {
	distinct := func(element string) string { return counted(200, "<"+element+" a%d=''>") }
	return []Attack{
		{"open formatting, then paragraphs", ".xml", posts(distinct("b"), "</p><p>x", "")}, // 200 elements for 8 bytes
		{"open fonts, then paragraphs", ".xml", posts(distinct("font"), "</p><p>x", "")},
		{"open formatting, then tables", ".xml", posts(distinct("i"), "<table>x", "")},
		{"open formatting, closed out of order", ".xml", posts("", "<b><i></b></i>", "")}, // the adoption agency
		{"open formatting, closed by paragraphs", ".xml", posts("<p>", "<b><p></b>", "")},
		{"open links", ".xml", posts("", "<a href=https://b.example/>", "")},
		{"open links with headings", ".xml", posts("", "<a><h1>", "")},
		{"open emphasis", ".xml", posts("", "<em>a", "")},
		{"open paragraphs", ".xml", posts("", "<p>", "")},
		{"bodies", ".xml", number(item+"<description><![CDATA[", "<body a%d=''>", "]]></description>"+endItem)}, // attributes are added to the first
		{"bodies in posts", ".xml", posts("", "<body a=b c=d>", "")},
		{"forms and selects", ".xml", posts("", "<form><select><option>", "")},
		{"frames", ".xml", posts("", "<frameset><frame>", "")},
		{"escaped markup", ".xml", fill(item+"<description>", "&lt;b&gt;", "</description>"+endItem)},
	}
}

func nestedHTML() []Attack {
	return []Attack{
		{"nested divisions", ".xml", posts("", "<div>", "")},
		{"nested divisions, closed", ".xml", halfPosts("<div>", "</div>", "")},
		{"nested tables", ".xml", posts("", "<table><tr><td>", "")},
		{"nested tables without cells", ".xml", posts("", "<table>", "")},
		{"rows and cells", ".xml", posts("<table>", "<tr><td>", "")},
		{"cells without a table", ".xml", posts("", "<td>a<tr>", "")},
		{"captions", ".xml", posts("<table>", "<caption><table>", "")},
		{"nested lists", ".xml", posts("", "<ul><li>", "")},
		{"items without a list", ".xml", posts("", "<li>", "")}, // each looks for its list
		{"items, deep inside", ".xml", posts(strings.Repeat("<b>", 95), "<li></li>", "")},
		{"terms without a list", ".xml", posts("", "<dt><dd>", "")},
		{"nested quotations", ".xml", posts("", "<blockquote>", "")},
		{"nested details", ".xml", posts("", "<details><summary>", "")},
		{"nested ruby", ".xml", posts("", "<ruby><rt>", "")},
		{"nested objects", ".xml", posts("", "<object>", "</object>")}, // each looks for its end
		{"nested objects, closed", ".xml", halfPosts("<object>", "</object>", "")},
		{"nested templates", ".xml", posts("", "<template>", "</template>")},
		{"nested pictures of vectors", ".xml", posts("", "<svg><g>", "</svg>")},
		{"nested formulas", ".xml", posts("", "<math><mi>", "</math>")},
		{"vectors and formulas", ".xml", posts("", "<svg><foreignObject><math><annotation-xml>", "")},
		{"closing tags of HTML", ".xml", posts(strings.Repeat("<b>", 95), "</i>", "")}, // each looks at all that is open
		{"closing tags of a paragraph", ".xml", posts("", "</p>", "")},
		{"breaks closed", ".xml", posts("", "</br>", "")},
	}
}

func longHTML() []Attack {
	return []Attack{
		{"many attributes in HTML", ".xml", posts("<b", " a=b", ">")},
		{"attributes of many names in HTML", ".xml", number(item+"<description><![CDATA[<b", " a%d", ">]]></description>"+endItem)},
		{"one attribute again and again in HTML", ".xml", posts("", "<b"+strings.Repeat(" lang=en", 250)+">", "")}, // compared with those before
		{"a long attribute in HTML", ".xml", posts("<a href='https://b.example/", "a", "'>b</a>")},
		{"a long attribute of references in HTML", ".xml", posts("<img alt='", "&amp", "' src='https://b.example/'>")},
		{"a long attribute of brackets in HTML", ".xml", posts("<img alt='", "<", "' src='https://b.example/'>")},
		{"a long attribute of quotes in HTML", ".xml", posts("<img src='https://b.example/' alt='", `"`, "'>")}, // five times as long
		{"a long element name in HTML", ".xml", posts("<", "a", ">")},
		{"long element names in HTML", ".xml", posts("", "<"+strings.Repeat("a", 1000)+">", "")},
		{"Kelvin signs in HTML", ".xml", posts("<script>", "<K\u212A>", "</script>")}, // shorter in lower case
		{"a long word", ".xml", posts("", "a", "")},
		{"quotes in HTML", ".xml", posts("", `"`, "")},
		{"empty lines in HTML", ".xml", posts("", "a\n\n", "")},
		{"lines in HTML", ".xml", posts("", "\r", "")},
	}
}

func brokenHTML() []Attack {
	return []Attack{
		{"comments in HTML", ".xml", posts("", "<!--a-->", "")},
		{"comments in HTML without end", ".xml", posts("", "<!--", "")},
		{"comments in HTML that end with a bang", ".xml", posts("", "<!--a--!>", "-->")}, // each looks for the other end: quadratic
		{"comments in HTML that end at once", ".xml", posts("", "<!-->", "-->")},
		{"dashes in a comment in HTML", ".xml", posts("<!--", "-", "")},
		{"declarations in HTML", ".xml", posts("", "<!a>", "")},
		{"declarations in HTML without end", ".xml", posts("", "<!a", "")},
		{"instructions in HTML", ".xml", posts("", "<?a", "")},
		{"sections in HTML", ".xml", posts("", "<![CDATA[", "")},
		{"sections in vectors", ".xml", posts("", "<svg><![CDATA[a", "")},
		{"signs in HTML", ".xml", posts("", "<", "")},
		{"slashed signs in HTML", ".xml", posts("", "</", "")},
		{"ampersands in HTML", ".xml", posts("", "&", "")},
		{"references in HTML", ".xml", posts("", "&amp;", "")},
		{"references in HTML without semicolon", ".xml", posts("", "&lt", "")},
		{"references in HTML of many letters", ".xml", posts("&", "a", ";")},
		{"references in HTML of many names", ".xml", posts("", "&CounterClockwiseContourIntegral;", "")},
		{"numbers in HTML", ".xml", posts("&#", "9", ";")},
		{"tags in HTML without end", ".xml", posts("", "<a ", "")},
		{"closing tags in HTML without end", ".xml", posts("", "</x", "")},
		{"quotes in tags", ".xml", posts("", "<a b='", "")},
		{"equals signs in a tag", ".xml", posts("<a", "=", ">")},
		{"slashes in a tag of HTML", ".xml", posts("<a", "/", ">")},
		{"control characters in HTML", ".xml", posts("", "a\x01", "")},
	}
}

// rawHTML are elements whose text ends at their own end tag and nowhere else.
func rawHTML() []Attack {
	return []Attack{
		{"scripts without end", ".xml", posts("", "<script>", "")}, // each looks for its end
		{"scripts, closed at last", ".xml", posts("", "<script>", "</script>")},
		{"scripts, each closed", ".xml", posts("", "<script></script>", "")},
		{"scripts, almost closed", ".xml", posts("<script>", "</scripts>", "")},
		{"ends of scripts", ".xml", posts("", "</script", "")},
		{"scripts in comments", ".xml", posts("<script>", "<!--<script>", "")},
		{"styles and scripts", ".xml", posts("", "<style><script></style>", "")},
		{"raw elements of every kind", ".xml", posts("", "<xmp><noembed><noframes><noscript><iframe><textarea><title>", "")},
		{"plain text", ".xml", posts("", "<plaintext>", "")},
		{"text areas", ".xml", posts("", "<textarea></textare", "")},
		{"players", ".xml", posts("", "<iframe src='https://b.example/'></iframe>", "")},
		{"players without end", ".xml", posts("", "<iframe src='https://b.example/'>", "")},
		{"players full of links", ".xml", posts("<video>", "<a href=b>", "</video>")},
		{"players within players", ".xml", posts("", "<video><audio><source src='//b.example/'>", "</video>")},
		{"players in XML's manner", ".xml", posts("", "<iframe src='https://b.example/'/>", "")},
	}
}

func linkHTML() []Attack {
	return []Attack{
		{"links", ".xml", posts("", "<a href=https://b.example/>b</a>", "")},
		{"relative links", ".xml", posts("", "<a href=b>c</a>", "")},
		{"links of dots", ".xml", posts("", "<a href='"+strings.Repeat("../", 1000)+"'>b</a>", "")},
		{"links of spaces", ".xml", posts("", "<a href='"+strings.Repeat("a ", 1000)+"'>b</a>", "")},
		{"links of percent signs", ".xml", posts("", "<a href='"+strings.Repeat("%", 1000)+"'>b</a>", "")},
		{"links of scripts", ".xml", posts("", "<a href='java&#9;script:a'>b</a>", "")},
		{"links of data", ".xml", posts("<img src='data:image/png;base64,", "AAAA", "'>")},
		{"pictures", ".xml", posts("", "<img src=https://b.example/>", "")},
		{"pictures that load late", ".xml", posts("", "<img data-src=a data-lazy-src=b data-original=c>", "")},
		{"links of international names", ".xml", posts("", "<a href=//\u00fc>b</a>", "")},
		{"links of long international names", ".xml", posts("", "<a href='//"+strings.Repeat("\u00fc.", 300)+"'>b</a>", "")},
		{"sets of pictures alone", ".xml", posts("<img srcset='", "a 1x,", "'>")}, // each may be the widest
		{"sets of pictures alone, never ended", ".xml", posts("", "<img srcset='a,b ", "'>")},
		{"sets of pictures", ".xml", posts("<img src='https://b.example/' srcset='", "a 1x,", "'>")},
		{"styles of elements", ".xml", posts("<p style='", "a:b;", "'>c</p>")},
	}
}

// xhtml is markup that is no text in Atom.
func xhtml() []Attack {
	return []Attack{
		{"xhtml attributes", ".xml", fill(xdiv+counted(450, "<b a%d='1'/>"), "<p/>x", "")}, // 1.5 GB from 106 KB
		{"xhtml elements", ".xml", fill(xdiv, "<p>a</p>", endXdiv)},
		{"xhtml elements that are empty", ".xml", fill(xdiv, "<b/>", endXdiv)},
		{"xhtml sections", ".xml", fill(xdiv, "<![CDATA[<]]>", endXdiv)},
		{"xhtml quotes in sections", ".xml", fill(xdiv+"<![CDATA[", `"`, "]]>"+endXdiv)},
		{"xhtml entries", ".xml", fill(xdiv, "<entry>", "")}, // no end of the entry, but text of it
		{"xhtml contents", ".xml", fill(entry, "<content type='xhtml'><div>", "")},
		{"description in markup", ".xml", fill(item+"<description>"+counted(450, "<b a%d='1'/>"), "<p/>x", "")},
		{"xml in content", ".xml", number(entry+"<content type='application/xml'>", "<a%d>b</a%d>", "</content>"+endEntry)},
	}
}

// titles are titles that look like HTML.
func titles() []Attack {
	title := func(head, unit, tail string) func(n int) []byte {
		return fill(item+"<title><![CDATA[<b>"+head, unit, tail+"]]></title>"+endItem)
	}
	return []Attack{
		{"a title of elements", ".xml", title("", "<b>", "")},
		{"a title of attributes", ".xml", number(item+"<title><![CDATA[<b>a</b><a", " b%d", ">]]></title>"+endItem)}, // a list of names
		{"a title of short attributes", ".xml", title("<a", " b", ">")},
		{"a title of comments", ".xml", title("", "<!--a--!>", "-->")},
		{"a title of open comments", ".xml", title("", "<!--", "")},
		{"a title of scripts", ".xml", title("", "<script>", "")},
		{"a title of scripts in comments", ".xml", title("<script>", "<!--<script>", "")},
		{"a title of open tags", ".xml", title("", "<a ", "")},
		{"a title of closing tags", ".xml", title("", "</x", "")},
		{"a title of signs", ".xml", title("", "<", "")},
		{"a title of text areas", ".xml", title("", "<textarea></textarea", "")},
		{"a title of references", ".xml", title("", "&amp;", "")},
		{"a title of ampersands", ".xml", title("", "&a", "")},
		{"a title of templates", ".xml", title("", "<template>", "")},
		{"titles of elements", ".xml", fill(item, "<title>&lt;b&gt;a</title>", endItem)},
	}
}
