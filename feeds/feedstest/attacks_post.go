package feedstest

import (
	"bytes"
	"strings"
)

func postBlocks() []Attack {
	stairs := func(step, item string) func(n int) []byte { // a list in a list in a list
		return func(n int) []byte {
			var b bytes.Buffer
			for i := 0; b.Len()+2*i*len(step)+8 < n; i++ {
				b.WriteString(strings.Repeat(step, 2*i) + item)
			}
			return b.Bytes()
		}
	}
	return []Attack{
		{"post of quotations", ".md", fill("", ">", "")}, // hangs: every line visits every block around it
		{"post of quotations with spaces", ".md", fill("", "> ", "")},
		{"post of quotations, then blank lines", ".md", halves("", strings.Repeat(">", 90)+"\n", "\n", "")},
		{"post of lazy lines", ".md", fill(strings.Repeat("> ", 90), "a\n", "")},
		{"post of list markers", ".md", fill("", "- ", "")}, // 16 s for 200 KB
		{"post of numbered list markers", ".md", fill("", "1. ", "")},
		{"post of list stairs", ".md", stairs(" ", "- a\n")},
		{"post of list stairs in tabs", ".md", stairs("\t", "- a\n")},
		{"post of list items", ".md", fill("", "- a\n", "")},
		{"post of loose list items", ".md", fill("", "-\n\n", "")},
		{"post of tasks", ".md", fill("", "- [ ] a\n", "")},
		{"post of definitions", ".md", fill("", "a\n: b\n", "")},
		{"post of terms", ".md", halves("", "a\n", ": b\n", "")},
		{"post of nested definitions", ".md", fill("a\n", ": ", "")},
		{"post of footnotes", ".md", number("", "[^%d]: a\n\nx[^%d]\n\n", "")},
		{"post of nested footnotes", ".md", fill("", "[^a]: ", "")},
		{"post of references to a footnote", ".md", fill("[^a]: b\n\n", "[^a]", "")},
		{"post of link definitions", ".md", number("", "[a%d]: b\n", "")},
		{"post of broken link definitions", ".md", fill("", "[a]: b \"\n", "")},
		{"post of open definitions", ".md", fill("", "[a\n", "")},
		{"post of headings", ".md", fill("", "# a {#b}\n", "")}, // each needs a name of its own
		{"post of attributes of a heading", ".md", fill("# a ", "{", "")},
		{"post of underlined headings", ".md", fill("", "a\n=\n", "")},
		{"post underlined at last", ".md", fill("", "a\n", "===")},
		{"post of fences", ".md", fill("", "```\n", "")},
		{"post of a long fence", ".md", fill("", "`", "\na\n")},
		{"post of rules", ".md", fill("", "* * *\n", "")},
		{"post of indents", ".md", fill("", "    a\n", "")},
		{"post of tabs", ".md", fill("", "\t", "a")},
		{"post of blank lines", ".md", fill("", "\n", "a")},
		{"post of hard breaks", ".md", fill("", "a\\\n", "")},
	}
}

func postInlines() []Attack {
	return []Attack{
		{"post of open links", ".md", fill("", "[a](b", "")}, // 9 s for 250 KB
		{"post of open links in brackets", ".md", fill("", "[a](<b", "")},
		{"post of open link titles", ".md", fill("", "[a](b (", "")},
		{"post of open brackets", ".md", fill("", "[", "")},
		{"post of open pictures", ".md", fill("", "![", "")},
		{"post of brackets", ".md", halves("", "[", "]", "")},
		{"post of closing brackets", ".md", fill("", "a]", "")},
		{"post of links in links", ".md", halves("", "[", "a](b)", "")},
		{"post of links", ".md", fill("", "[a](b) ", "")},
		{"post of one long link definition", ".md", halves("[a]: /", "b", "[a]", "")}, // copied for each reference: out of memory
		{"post of one long link definition, far away", ".md", func(n int) []byte {
			return append(fill("", "[a]", "\n\n")(n/2), fill("[a]: /", "b", "\n")(n/2)...)
		}},
		{"post of long labels", ".md", fill("", "["+strings.Repeat("a ", 450)+"]", "")}, // folded for every look-up
		{"post of emphasis", ".md", halves("", "*a **a ", " a** a*", "")},
		{"post of open emphasis", ".md", fill("", "_a ", "")},
		{"post of closing emphasis", ".md", fill("", "a_ ", "")},
		{"post of emphasis of both kinds", ".md", fill("", "*a_ ", "")},
		{"post of emphasis by threes", ".md", fill("a**b", "c* ", "")},
		{"post of one run of stars", ".md", halves("", "*", "*", "a")},
		{"post of strikes", ".md", fill("", "~~a ", "")},
		{"post of code", ".md", fill("", "`a``b", "")},
		{"post of code of every length", ".md", func(n int) []byte { // each looks for its own
			var b bytes.Buffer
			for i := 1; b.Len()+i < n; i++ {
				b.WriteString("e" + strings.Repeat("`", i))
			}
			return b.Bytes()
		}},
		{"post of quotes", ".md", fill("", "\"a", "")},
		{"post of single quotes", ".md", fill("", "'a ", "")},
		{"post of faces", ".md", fill("", ":a", "")},
		{"post of addresses", ".md", fill("", "http://a", "")},
		{"post of addresses with brackets", ".md", fill("http://a.b/", ")", "")},
		{"post of hosts", ".md", fill("", "www.a.b ", "")},
		{"post of mail addresses", ".md", fill("", "a@", "")},
		{"post of almost mail addresses", ".md", fill("", "(a.a", "")},
		{"post of backslashes", ".md", fill("", `\`, "")},
		{"post of references", ".md", fill("", "&#1", "")},
		{"post of ampersands", ".md", fill("", "&", "")}, // five times as long as HTML
		{"post of dashes and dots", ".md", fill("", "--- ... << >>", "")},
	}
}

func postTables() []Attack {
	row := func(cell string, columns int) string { return strings.Repeat("|"+cell, columns) + "|\n" }
	return []Attack{
		{"post of a wide table", ".md", fill(row("a", 2000)+row("-", 2000), "|\n", "")}, // 2,000 cells for 2 bytes
		{"post of a narrow table", ".md", fill(row("a", 100)+row("-", 100), "|\n", "")},
		{"post of tables", ".md", fill("", "|a|b|\n|-|-|\n\n", "")},
		{"post of table heads", ".md", fill("", "a|b\n-|-|-\n", "")},
		{"post of escaped pipes", ".md", fill(row("a", 3)+row("-", 3), "|`\\|`|b\n", "")}, // compared with each other
		{"post of pipes", ".md", fill("", "|", "\n-")},
	}
}

func postHTML() []Attack {
	return []Attack{
		{"post of open formatting", ".md", fill(counted(200, "<b a%d>"), "</p><p>x", "")},
		{"post of divisions", ".md", fill("", "<div>\n", "")},
		{"post of comments", ".md", fill("a ", "<!--", "")}, // each looks for its end: quadratic
		{"post of comments with a bang", ".md", fill("<p>", "<!--a--!>", "-->")},
		{"post of instructions", ".md", fill("a ", "<?", "")},
		{"post of declarations", ".md", fill("a ", "<!A ", "")},
		{"post of sections", ".md", fill("a ", "<![CDATA[", "")},
		{"post of tags", ".md", fill("a ", "<a ", "")},
		{"post of tags with quotes", ".md", fill("a ", `<a b="`, "")},
		{"post of tags on many lines", ".md", fill("a", " <a\n", "")},
		{"post of scripts", ".md", fill("", "<script>", "")},
		{"post of summaries", ".md", fill("", "<!--more-->\n", "")},
		{"post of summaries in a paragraph", ".md", fill("a ", "<!--more-->", "")},
	}
}

func postShortcodes() []Attack {
	return []Attack{
		{"post of open shortcodes", ".md", fill("", "{{<", "")},
		{"post of shortcodes", ".md", fill("", "{{< a >}}", "")},
		{"post of quotes in shortcodes", ".md", fill("", `{{< a "`, "")},
		{"post of words in a shortcode", ".md", fill("{{< ", "a ", ">}}")},
		{"post of comments in shortcodes", ".md", fill("", "{{</*", "")},
		{"post of highlights", ".md", fill("", "{{< highlight go >}}", "")}, // each looks for its end
		{"post of highlights, almost closed", ".md", fill("", "{{< highlight >}}{{< /highlight", "")},
		{"post of captions", ".md", fill("", "[caption ]", "")},
		{"post of figures", ".md", fill("", `{{< figure src="a" caption="[a](b" >}}`, "")}, // Markdown in Markdown
		{"post of references to posts", ".md", fill("", `{{< ref "a" >}}`, "")},
	}
}

func postBytes() []Attack {
	return []Attack{
		{"post of words", ".md", fill("", "word ", "")},
		{"post of letters", ".md", fill("", "a", "")},
		{"post of NUL", ".md", fill("", "\x00", "")},
		{"post of bad bytes", ".md", fill("", "\xFF\x80", "")},
		{"post of line ends", ".md", fill("", "\r", "")},
		{"post in utf-16", ".md", fill("\xFF\xFE", ">\x00", "")},
		{"post of half pairs", ".md", fill("\xFF\xFE", "\x00\xD8", "")},
		{"post of combining characters", ".md", fill("# a", "\u0301\u0316", "")},
		{"post of noncharacters", ".md", fill("", "\uFDD0", "")}, // with which shortcodes are kept
		{"post with a long heading", ".md", fill("# ", "a*b*", "")},
	}
}
