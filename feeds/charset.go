package feeds

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// decode makes body UTF-8 without a byte order mark, without the XML
// declaration, and without anything XML 1.0 forbids. The charset is the byte
// order mark's, else UTF-8 if nearly all bytes are that whatever anybody says, else the
// HTTP header's, else the declaration's, else windows-1252 (fetching.md 39–41).
func decode(body []byte, contentType string) (text, label string, repaired []string) {
	text, label = transcode(body, contentType)
	text = strings.TrimPrefix(text, "\uFEFF")
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
		repaired = append(repaired, "invalid "+label)
	}
	if c := clean(text); len(c) != len(text) {
		text = c
		repaired = append(repaired, "characters that no document may hold")
	}
	return strings.TrimLeft(text, "\uFEFF"), label, repaired // more marks may have come out behind what was removed
}

var declaration = regexp.MustCompile(`^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

func transcode(body []byte, contentType string) (text, label string) {
	declared := ""
	if m := declaration.FindSubmatch(body[:min(len(body), 1024)]); m != nil {
		declared = strings.ToLower(string(m[1]))
	}
	header := ""
	if _, params, ok := strings.Cut(strings.ToLower(contentType), "charset="); ok {
		header, _, _ = strings.Cut(strings.Trim(params, `"' `), ";")
		header = strings.Trim(header, `"' `)
	}
	for _, w := range wide {
		if bytes.HasPrefix(body, []byte(w.start)) {
			out, err := w.NewDecoder().Bytes(body)
			if err != nil {
				out = nil
			}
			return string(out), w.name
		}
	}
	switch {
	case bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")):
		return string(body), "utf-8"
	case strings.HasPrefix(header+declared, "iso-2022") && bytes.Contains(body, []byte("\x1B$")): // it hides in ASCII
	case mostlyUTF8(body):
		return string(body), "utf-8"
	}
	for _, l := range []string{header, declared, "windows-1252"} {
		e, name := charset.Lookup(l)
		if e == nil || name == "utf-8" || strings.HasPrefix(name, "utf-16") {
			continue // it is neither, or we would not be here
		}
		if out, err := e.NewDecoder().Bytes(body); err == nil && (l == "windows-1252" || !bytes.Contains(out, []byte("\uFFFD"))) {
			return string(out), name
		}
	}
	return string(body), "utf-8"
}

// mostlyUTF8 says that body is UTF-8, but perhaps for a byte here and there: text
// in another charset has hardly ever two of its sequences for a byte that is in none.
func mostlyUTF8(body []byte) bool {
	if utf8.Valid(body) {
		return true
	}
	valid, invalid := 0, 0
	for len(body) > 0 {
		r, n := utf8.DecodeRune(body)
		switch {
		case r == utf8.RuneError && n == 1:
			invalid++
		case n > 1:
			valid++
		}
		body = body[n:]
	}
	return valid > 2*invalid
}

// wide are the charsets of two and four bytes a character, known by their byte
// order mark or by the zeros in the first sign of a document (XML 1.0 appendix F).
// The order matters: UTF-32's mark begins with that of UTF-16.
var wide = []struct {
	start, name string
	encoding.Encoding
}{
	{"\x00\x00\xFE\xFF", "utf-32be", utf32.UTF32(utf32.BigEndian, utf32.UseBOM)},
	{"\xFF\xFE\x00\x00", "utf-32le", utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)},
	{"\x00\x00\x00<", "utf-32be", utf32.UTF32(utf32.BigEndian, utf32.UseBOM)},
	{"<\x00\x00\x00", "utf-32le", utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)},
	{"\xFE\xFF", "utf-16be", unicode.UTF16(unicode.BigEndian, unicode.UseBOM)},
	{"\xFF\xFE", "utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)},
	{"\x00<", "utf-16be", unicode.UTF16(unicode.BigEndian, unicode.UseBOM)},
	{"<\x00", "utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)},
	{"\x00{", "utf-16be", unicode.UTF16(unicode.BigEndian, unicode.UseBOM)},
	{"{\x00", "utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)},
}
