package feedstest

import "strings"

// frontSize is a little less than the 16 KB that front matter may have.
const frontSize = 16_000

// front makes posts whose front matter is as large as it may be; the rest is words.
func front(marker, head, unit, tail string) func(n int) []byte {
	return func(n int) []byte {
		b := append([]byte(marker+"\n"), fill(head, unit, tail)(frontSize)...)
		return append(b, fill("\n"+marker+"\n", "word ", "")(n-len(b))...)
	}
}

func frontYAML() []Attack {
	yaml := func(head, unit, tail string) func(n int) []byte { return front("---", head, unit, tail) }
	laughs := "l0: &l0 lol\n"
	for _, l := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		before := string(l[0] - 1)
		laughs += "l" + l + ": &l" + l + " [" + strings.Repeat("*l"+before+",", 9) + "*l" + before + "]\n"
	}
	stairs := ""
	for i := range 170 {
		stairs += strings.Repeat(" ", i) + "a:\n"
	}
	return []Attack{
		{"yaml laughs", ".md", yaml(laughs, "# a\n", "")}, // a billion values when unfolded
		{"yaml laughs of maps", ".md", yaml("a0: &a0 {b: c}\n", "d: {e: *a0, f: *a0}\n", "")},
		{"yaml merges", ".md", yaml("a: &a {b: c}\n", "d: {<<: *a}\n", "")},
		{"yaml merge of itself", ".md", yaml("a: &a\n  <<: *a\n", "# b\n", "")},
		{"yaml alias of itself", ".md", yaml("a: &a [", "*a,", "*a]")},
		{"yaml anchors", ".md", yaml("", "&a ", "")},
		{"yaml aliases", ".md", yaml("a: &a b\nc: [", "*a,", "]")},
		{"yaml open lists", ".md", yaml("a: ", "[", "")}, // recursion
		{"yaml nested lists", ".md", yaml("", "- ", "")},
		{"yaml open maps", ".md", yaml("a: ", "{", "")},
		{"yaml nested maps", ".md", yaml("", "{a: ", "")},
		{"yaml keys in keys", ".md", yaml("", "a: ", "")},
		{"yaml stairs", ".md", yaml(stairs, "# a\n", "")},
		{"yaml keys", ".md", number("---\n", "a%d: b\n", "---\n")}, // far over the bound
		{"yaml keys within the bound", ".md", yaml("", "a: b\n", "")},
		{"yaml questions", ".md", yaml("", "? ", "")},
		{"yaml kinds", ".md", yaml("a: ", "!!a ", "")},
		{"yaml quotes", ".md", yaml("a: ", "'", "")},
		{"yaml documents", ".md", yaml("", "...\na: b\n", "")},
		{"yaml texts", ".md", yaml("", "a: |\n b\n", "")},
		{"yaml a long title", ".md", yaml("title: ", "a b ", "")},
		{"yaml colons in a title", ".md", yaml("title: ", "a: ", "")},
		{"yaml tags", ".md", yaml("tags: [", "a,", "]")}, // compared with each other
		{"yaml a long date", ".md", yaml("date: ", "1 ", "")},
		{"yaml a long slug", ".md", yaml("slug: ", "a/", "")},
		{"yaml without end", ".md", fill("---\n", "a: b\n", "")},
		{"yaml on one line", ".md", fill("---\na: ", "b", "\n---\n")},
	}
}

func frontTOML() []Attack {
	toml := func(head, unit, tail string) func(n int) []byte { return front("+++", head, unit, tail) }
	return []Attack{
		{"toml open lists", ".md", toml("a = ", "[", "")}, // recursion
		{"toml nested lists", ".md", toml("a = "+strings.Repeat("[", 4000)+strings.Repeat("]", 4000)+"\n", "# a\n", "")},
		{"toml open tables", ".md", toml("a = ", "{a=", "")},
		{"toml dotted keys", ".md", toml("", "a.", "a = 1")},
		{"toml dotted tables", ".md", toml("[", "a.", "a]\nb = 1")},
		{"toml lists of tables", ".md", toml("", "[[a]]\n", "")},
		{"toml tables in lists of tables", ".md", toml("", "[[a]]\n[[a.b]]\n[a.b.c]\n", "")},
		{"toml keys", ".md", number("+++\n", "a%d = 1\n", "+++\n")},                          // far over the bound
		{"toml keys within the bound", ".md", toml(counted(1200, "a%d = 1\n"), "# a\n", "")}, // each looks for its line
		{"toml quotes", ".md", toml("a = ", `"`, "")},
		{"toml escapes", ".md", toml(`a = "`, `\u0041`, `"`)},
		{"toml numbers", ".md", toml("a = ", "1", "")},
		{"toml dates", ".md", toml(counted(450, "a%d = 1979-05-27T07:32:00Z\n"), "# a\n", "")},
		{"toml tags", ".md", toml("tags = [", `"a",`, "]")},
		{"toml without end", ".md", fill("+++\n", "a = 1\n", "")},
	}
}

func frontOthers() []Attack {
	return []Attack{
		{"json front matter, nested", ".md", fill(`{"a":`, "[", "")},
		{"json front matter of objects", ".md", fill("", `{"a":`, "")},
		{"json front matter of keys", ".md", fill("{"+counted(1400, "\"a%d\":1,\n")+`"b":1}`, "word ", "")},
		{"json front matter without end", ".md", fill(`{"a":"`, "b", "")},
		{"a header of lines", ".md", fill("Title: a\n", "b: c\n", "")},
		{"a header continued", ".md", fill("Title: a\n", " b\n", "")}, // joined line by line: quadratic
		{"a header of one line", ".md", fill("Title: ", "a", "\n\n")},
		{"blank lines before front matter", ".md", fill("", "\n", "---\ntitle: a\n---\n")},
	}
}
