package feeds

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/unicode"
)

// decode makes body UTF-8 without a byte order mark, without the XML
// declaration, and without anything XML 1.0 forbids. The charset is the byte
// order mark's, else UTF-8 if the bytes are that whatever anybody says, else the
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
	if c := cleanReferences(text); len(c) != len(text) {
		text = c
		repaired = append(repaired, "references to characters that no document may hold")
	}
	return text, label, repaired
}

var declaration = regexp.MustCompile(`^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

func transcode(body []byte, contentType string) (text, label string) {
	declared := ""
	if m := declaration.FindSubmatch(body[:min(len(body), 1024)]); m != nil {
		declared = strings.ToLower(string(m[1]))
	}
	switch {
	case bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")):
		return string(body), "utf-8"
	case bytes.HasPrefix(body, []byte("\xFE\xFF")), bytes.HasPrefix(body, []byte("\x00<")):
		return fromUTF16(body, unicode.BigEndian), "utf-16be"
	case bytes.HasPrefix(body, []byte("\xFF\xFE")), bytes.HasPrefix(body, []byte("<\x00")):
		return fromUTF16(body, unicode.LittleEndian), "utf-16le"
	case utf8.Valid(body) && !bytes.Contains(body, []byte("\x1B$")): // ISO-2022-JP hides in ASCII
		return string(body), "utf-8"
	}
	header := ""
	if _, params, ok := strings.Cut(strings.ToLower(contentType), "charset="); ok {
		header, _, _ = strings.Cut(strings.Trim(params, `"' `), ";")
		header = strings.Trim(header, `"' `)
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

func fromUTF16(body []byte, order unicode.Endianness) string {
	out, err := unicode.UTF16(order, unicode.UseBOM).NewDecoder().Bytes(body)
	if err != nil {
		return ""
	}
	return string(out)
}

// charsetReader serves encoding/xml.
func charsetReader(label string, r io.Reader) (io.Reader, error) {
	return charset.NewReaderLabel(label, r)
}

var reference = regexp.MustCompile(`&#(?:[xX][0-9A-Fa-f]{1,8}|[0-9]{1,10});`)

// cleanReferences removes numeric references to what clean removes: to an XML
// parser they are as fatal as the characters.
func cleanReferences(s string) string {
	if !strings.Contains(s, "&#") {
		return s
	}
	return reference.ReplaceAllStringFunc(s, func(m string) string {
		var r rune
		for _, c := range strings.ToLower(m[2 : len(m)-1]) {
			switch {
			case c == 'x':
			case m[2] == 'x' || m[2] == 'X':
				r = r<<4 | hexValue(c)
			default:
				r = r*10 + (c - '0')
			}
			if r > utf8.MaxRune {
				return ""
			}
		}
		if !validXML(r) {
			return ""
		}
		return m
	})
}

func hexValue(c rune) rune {
	if c <= '9' {
		return c - '0'
	}
	return c - 'a' + 10
}
