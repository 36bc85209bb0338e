package feeds

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// charsetDoc is a feed with the title, declared as declared ("" for no declaration).
func charsetDoc(declared, title string) string {
	head := ""
	if declared != "" {
		head = `<?xml version="1.0" encoding="` + declared + `"?>` + "\n"
	}
	return head + `<rss version="2.0"><channel><title>` + title + `</title><link>https://b.example/</link></channel></rss>`
}

func in(t *testing.T, e encoding.Encoding, s string) string {
	t.Helper()
	out, err := e.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func utf16Bytes(s string, little, mark bool) string {
	var b bytes.Buffer
	if mark {
		s = "\uFEFF" + s
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if little {
			b.Write([]byte{byte(u), byte(u >> 8)})
		} else {
			b.Write([]byte{byte(u >> 8), byte(u)})
		}
	}
	return b.String()
}

// wider makes UTF-32 of UTF-16 without surrogates.
func wider(s string, little bool) string {
	var b strings.Builder
	for i := 0; i+1 < len(s); i += 2 {
		if little {
			b.WriteString(s[i:i+2] + "\x00\x00")
		} else {
			b.WriteString("\x00\x00" + s[i:i+2])
		}
	}
	return b.String()
}

// The order is the byte order mark, UTF-8 that is valid, the header, the
// declaration, windows-1252 (fetching.md 39–41).
func TestCharsetIsFoundWhoeverLies(t *testing.T) {
	const plain = "naïve – ünï"
	tests := []struct {
		name, body, header string
		label, title       string
		repaired           bool
	}{
		{"UTF-8", charsetDoc("utf-8", plain), "", "utf-8", plain, false},
		{"UTF-8 with a mark", "\xEF\xBB\xBF" + charsetDoc("utf-8", plain), "", "utf-8", plain, false},
		{"UTF-8, nobody says so", charsetDoc("", plain), "", "utf-8", plain, false},
		{"UTF-8 declared latin1", charsetDoc("iso-8859-1", plain), "text/xml; charset=iso-8859-1", "utf-8", plain, false},
		{"UTF-8 sent as us-ascii", charsetDoc("utf-8", plain), "text/xml; charset=us-ascii", "utf-8", plain, false},
		{"a mark that contradicts header and declaration", "\xEF\xBB\xBF" + charsetDoc("koi8-r", plain), "a/b; charset=koi8-r", "utf-8", plain, false},
		{"UTF-16 little endian with a mark", utf16Bytes(charsetDoc("utf-16", plain), true, true), "", "utf-16le", plain, false},
		{"UTF-16 big endian with a mark", utf16Bytes(charsetDoc("utf-16", plain), false, true), "", "utf-16be", plain, false},
		{"UTF-16 little endian without", utf16Bytes(charsetDoc("utf-16", plain), true, false), "", "utf-16le", plain, false},
		{"UTF-16 big endian declared UTF-8", utf16Bytes(charsetDoc("utf-8", plain), false, false), "", "utf-16be", plain, false},
		{"UTF-32 little endian with a mark", wider(utf16Bytes(charsetDoc("utf-32", plain), true, true), true), "", "utf-32le", plain, false},
		{"UTF-32 big endian with a mark", wider(utf16Bytes(charsetDoc("utf-32", plain), false, true), false), "", "utf-32be", plain, false},
		{"UTF-32 little endian without", wider(utf16Bytes(charsetDoc("utf-32", plain), true, false), true), "", "utf-32le", plain, false},
		{"UTF-32 big endian without", wider(utf16Bytes(charsetDoc("", plain), false, false), false), "", "utf-32be", plain, false},
		{"latin1 declared", charsetDoc("ISO-8859-1", in(t, charmap.Windows1252, plain)), "", "windows-1252", plain, false},
		{"windows-1252, nobody says so", charsetDoc("", in(t, charmap.Windows1252, plain)), "", "windows-1252", plain, false},
		{"latin1 declared UTF-8", charsetDoc("utf-8", in(t, charmap.Windows1252, plain)), "", "windows-1252", plain, false},
		{"koi8-r by header", charsetDoc("", in(t, charmap.KOI8R, "привет")), `text/xml; charset="KOI8-R"; x=y`, "koi8-r", "привет", false},
		{"the header wins over the declaration", charsetDoc("windows-1251", in(t, charmap.KOI8R, "привет")), "text/xml;charset=koi8-r", "koi8-r", "привет", false},
		{"an unknown header leaves the declaration", charsetDoc("windows-1251", in(t, charmap.Windows1251, "привет")), "text/xml; charset=x-nonsense", "windows-1251", "привет", false},
		{"single quotes", strings.ReplaceAll(charsetDoc("gb2312", in(t, simplifiedchinese.GBK, "中文")), `"`, `'`), "", "gbk", "中文", false},
		{"ISO-2022-JP hides in ASCII", charsetDoc("iso-2022-jp", in(t, japanese.ISO2022JP, "日本")), "", "iso-2022-jp", "日本", false},
		{"Shift JIS", charsetDoc("shift_jis", in(t, japanese.ShiftJIS, "日本")), "", "shift_jis", "日本", false},
		{"a control character", charsetDoc("utf-8", "a\x0bb\x00c\uFFFEd"), "", "utf-8", "abcd", true},
		{"a broken byte among UTF-8", charsetDoc("utf-8", "日\xff本語"), "", "utf-8", "日�本語", true},
		{"UTF-8 cut in a character, declared latin1", charsetDoc("iso-8859-1", "日本語で書く\xe6\x97"), "", "utf-8", "日本語で書く�", true},
		{"UTF-8 with an escape in it", charsetDoc("utf-8", "日本\x1b$"), "", "utf-8", "日本$", true},
		{"a broken byte behind a mark", "\xEF\xBB\xBF" + charsetDoc("", "日\xff本"), "", "utf-8", "日�本", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := Read([]byte(test.body), test.header, "https://b.example/f")
			if err != nil {
				t.Fatal(err)
			}
			if f.Title != test.title || f.Encoding != test.label || (len(f.Repaired) > 0) != test.repaired {
				t.Errorf("got %q in %s, repaired %q; want %q in %s, %v", f.Title, f.Encoding, f.Repaired, test.title, test.label, test.repaired)
			}
		})
	}
}

func TestReferencesAreResolvedAndForbiddenOnesLeftOut(t *testing.T) {
	for in, want := range map[string]string{
		"a&#0;b":                 "ab",
		"a&#x0;b&#X1f;c":         "abc",
		"&#65;&#x41;&#10;&#9;":   "AA\n\t",
		"&#xD800;&#xDFFF;":       "",
		"&#xFFFE;&#xFFFF;":       "",
		"&#xFFFD;":               "\uFFFD",
		"a&#0&#0;;b":             "a&#0;b",
		"&#1114112;":             "",
		"&#9999999999;":          "",
		"&#x1F600;":              "\U0001F600",
		"&# 1;&#;&#x;":           "&# 1;&#;&#x;",
		"&#0000000000065;":       "A",
		"&#150;":                 "\u2013", // as browsers read it
		"&lt;b&gt; &amp;amp; &q": "<b> &amp; &q",
		"&eacute;&nbsp;&nosuch;": "é\u00a0&nosuch;",
		"AT&T & co;":             "AT&T & co;",
		"&notit;":                "&notit;",
		"&&#1;&a&lt;":            "&&a<",
	} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}
