package feeds

import (
	"bufio"
	"bytes"
	"io"
)

// indentJSON writes what encoding/json made as json.Indent would, two blanks a level. It
// takes strings whole, which nearly all of a feed is: json.Indent looks at every byte of
// them, and that was half of the time of writing a feed.
func indentJSON(w io.Writer, src []byte) error {
	out := bufio.NewWriterSize(w, 64<<10)
	depth := 0
	line := func() {
		out.WriteByte('\n')
		for range depth {
			out.WriteString("  ")
		}
	}
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '"':
			end := i + endOfString(src[i:])
			out.Write(src[i:end])
			i = end - 1
		case '{', '[':
			out.WriteByte(c)
			if i+1 < len(src) && src[i+1] == c+2 { // the signs that close are two behind
				i++
				out.WriteByte(c + 2)
				continue
			}
			depth++
			line()
		case '}', ']':
			depth--
			line()
			out.WriteByte(c)
		case ',':
			out.WriteByte(c)
			line()
		case ':':
			out.WriteString(": ")
		default:
			out.WriteByte(c)
		}
	}
	return out.Flush()
}

// endOfString is how long the string at the beginning of s is, with its quotes.
func endOfString(s []byte) int {
	for i := 1; i < len(s); i++ {
		next := bytes.IndexAny(s[i:], `"\`)
		if next < 0 {
			break
		}
		if i += next; s[i] == '"' {
			return i + 1
		}
		i++ // what follows a backslash
	}
	return len(s)
}
