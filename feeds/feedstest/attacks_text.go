package feedstest

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// singleBytes are documents of one byte alone, and of one alone behind a root.
func singleBytes() []Attack {
	var out []Attack
	for _, c := range []string{" ", "\n", "a", "0", "<", ">", "&", "{", "[", "\"", "-", "\x00", "\x1B", "\x80", "\xFF", "\xEF\xBB\xBF"} {
		out = append(out, Attack{fmt.Sprintf("nothing but %q", c), ".xml", fill("", c, "")})
	}
	for _, c := range []string{"<", "&", "\x00", "\xFF", "]", ">", "/"} {
		out = append(out, Attack{fmt.Sprintf("a title of %q", c), ".xml", fill(item+"<title>", c, "</title>"+endItem)})
	}
	return append(out,
		Attack{"control bytes", ".xml", fill(item+"<title>", "\x01\xff", "")}, // repaired one by one
		Attack{"one bad byte", ".xml", fill(item+"<title>\xff", "a", "</title>"+endItem)},
		Attack{"noncharacters", ".xml", fill(item+"<title>", "\uFFFE\uFFFF", "</title>"+endItem)},
		Attack{"combining characters", ".xml", fill(item+"<title>a", "\u0301\u0316", "</title>"+endItem)}, // sorted when normalised
		Attack{"combining characters in a category", ".xml", fill(item+"<category>a", "\u0301\u0316", "</category>"+endItem)},
		Attack{"spaces of every kind", ".xml", fill(item+"<title>", "a\u2003\u00a0\u3000", "</title>"+endItem)},
		Attack{"other directions", ".xml", fill(item+"<title>", "\u202E\u2066", "</title>"+endItem)},
	)
}

func charsets() []Attack {
	declared := func(charset, unit string) func(n int) []byte {
		return fill(`<?xml version="1.0" encoding="`+charset+`"?>`+item+"<description>", unit, "</description>"+endItem)
	}
	return []Attack{
		{"utf-16, least first", ".xml", wide(2, binary.LittleEndian, "\uFEFF", "a\u4E2D")},
		{"utf-16, most first", ".xml", wide(2, binary.BigEndian, "\uFEFF", "a\u4E2D")},
		{"utf-16 without a mark", ".xml", wide(2, binary.LittleEndian, "", "a")},
		{"utf-16 of half pairs", ".xml", fill("\xFF\xFE<\x00r\x00s\x00s\x00>\x00", "\x00\xD8", "")},
		{"utf-16 of nothing", ".xml", fill("\xFE\xFF", "\x00", "")},
		{"utf-32", ".xml", wide(4, binary.LittleEndian, "\uFEFF", "a\U0001F600")},
		{"utf-32, most first", ".xml", wide(4, binary.BigEndian, "\uFEFF", "a\U0001F600")},
		{"utf-32 beyond Unicode", ".xml", fill("\xFF\xFE\x00\x00", "\xFF\xFF\xFF\xFF", "")},
		{"iso-2022-jp escapes", ".xml", declared("iso-2022-jp", "\x1B$B\x1B(B")}, // changes of state without text
		{"iso-2022-jp escapes of half", ".xml", declared("iso-2022-jp", "\x1B$")},
		{"iso-2022-kr", ".xml", declared("iso-2022-kr", "\x1B$)C\x0E!!\x0F")},
		{"gb18030 of four bytes", ".xml", declared("gb18030", "\x81\x30\x81\x30")},
		{"gb18030, broken", ".xml", declared("gb18030", "\x81\x30\x81")},
		{"big5", ".xml", declared("big5", "\x88\x62")}, // two characters of one
		{"euc-kr, broken", ".xml", declared("euc-kr", "\xFE\xFE")},
		{"shift_jis", ".xml", declared("shift_jis", "\x82\xA0")},
		{"hz", ".xml", declared("hz-gb-2312", "~{~}")},
		{"windows-1252", ".xml", declared("windows-1252", "\x80")}, // three bytes of one
		{"utf-7", ".xml", declared("utf-7", "+ADw-")},
		{"a charset that lies", ".xml", declared("utf-16", "a")},
		{"a charset of nobody", ".xml", declared(strings.Repeat("x", 900), "\xE4")},
		{"charsets declared", ".xml", fill("", `<?xml version="1.0" encoding="koi8-r"?>`, item+endItem)},
	}
}

// wide makes a feed in UTF-16 or UTF-32 with a title of the units.
func wide(size int, order binary.AppendByteOrder, mark, unit string) func(n int) []byte {
	encode := func(s string) []byte {
		var b []byte
		for _, r := range s {
			if size == 4 {
				b = order.AppendUint32(b, uint32(r))
				continue
			}
			for _, u := range utf16.AppendRune(nil, r) {
				b = order.AppendUint16(b, u)
			}
		}
		return b
	}
	return fill(string(encode(mark+item+"<title>")), string(encode(unit)), string(encode("</title>"+endItem)))
}

func references() []Attack {
	title := func(unit string) func(n int) []byte { return fill(item+"<title>", unit, "</title>"+endItem) }
	return []Attack{
		{"numeric references", ".xml", title("&#x41;")},
		{"numeric references of zero", ".xml", title("&#0;")},
		{"numeric references of half pairs", ".xml", title("&#xD83D;&#xDE00;")},
		{"numeric references beyond Unicode", ".xml", title("&#99999999999;")},
		{"one numeric reference", ".xml", fill(item+"<title>&#", "0", "65;</title>"+endItem)},
		{"references without semicolon", ".xml", title("&amp")},
		{"references of no name", ".xml", title("&a;")},
		{"references of long names", ".xml", title("&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;")}, // looked up in a table
		{"references of two characters", ".xml", title("&nLt;")},
		{"references escaped again", ".xml", title("&amp;amp;amp;amp;")},
		{"references to less", ".xml", title("&lt;")},
		{"references in a guid", ".xml", fill(rss+"<item><guid>", "&amp;", "</guid>"+endItem)},
		{"references in plain text", ".xml", fill(entry+"<content type='text'>", "&quot;", "</content>"+endEntry)},
	}
}
