package site

import "bytes"

// xmlElements finds the elements of a name that stand at a depth, each with the space
// before it; nil when the document is not well-formed as far as it looks.
func xmlElements(b []byte, name string, depth int) []extent {
	var spans []extent
	open := false
	for i, level := 0, 0; ; {
		at := bytes.IndexByte(b[i:], '<')
		if at < 0 {
			if level != 0 {
				return nil
			}
			return spans
		}
		i += at
		t := readTag(b[i:])
		if t.size == 0 {
			return nil
		}
		switch {
		case t.kind == opening && level == depth && string(t.name) == name:
			spans = append(spans, extent{start: len(bytes.TrimRight(b[:i], " \t\r\n")), end: i + t.size})
			open = true
		case t.kind == closing && level == depth+1 && open:
			spans[len(spans)-1].end = i + t.size
			open = false
		}
		switch {
		case t.kind == opening && !t.empty:
			level++
		case t.kind == closing:
			if level--; level < 0 {
				return nil
			}
		}
		i += t.size
	}
}

// tag is one piece of markup.
type tag struct {
	kind  byte
	name  []byte
	empty bool // <name/>
	size  int  // in bytes; 0 when it does not end
}

const (
	opening = iota
	closing
	other // a comment, CDATA, a declaration, an instruction
)

func readTag(b []byte) tag {
	for _, x := range [...]struct{ from, to string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!", ">"}} {
		if bytes.HasPrefix(b, []byte(x.from)) {
			end := bytes.Index(b[len(x.from):], []byte(x.to))
			if end < 0 {
				return tag{}
			}
			return tag{kind: other, size: len(x.from) + end + len(x.to)}
		}
	}
	t, from := tag{kind: opening}, 1
	if bytes.HasPrefix(b, []byte("</")) {
		t.kind, from = closing, 2
	}
	for i := from; i < len(b); i++ {
		switch c := b[i]; c {
		case '"', '\'': // a > in a value ends nothing
			end := bytes.IndexByte(b[i+1:], c)
			if end < 0 {
				return tag{}
			}
			i += end + 1
		case '>':
			t.size, t.empty = i+1, b[i-1] == '/'
			t.name = b[from:i]
			if end := bytes.IndexAny(t.name, " \t\r\n/"); end >= 0 {
				t.name = t.name[:end]
			}
			return t
		}
	}
	return tag{}
}

// jsonElements finds the elements of an array that is a member of the document's
// object; nil when there is none.
func jsonElements(b []byte, member string) []extent {
	var spans []extent
	depth, key, in := 0, false, false // key: the array comes next
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end := stringEnd(b, i)
			if end < 0 {
				return nil
			}
			if depth == 1 {
				key = string(b[i+1:end]) == member // a value that is called so has a key behind it
			}
			i = end
		case '[', '{':
			if depth++; depth == 2 && key && b[i] == '[' {
				in = true
			}
			if in && depth == 3 {
				spans = append(spans, extent{start: i})
			}
		case ']', '}':
			if depth--; in && depth == 2 {
				spans[len(spans)-1].end = i + 1
			}
			if in && depth == 1 {
				return spans
			}
		}
	}
	return nil
}

// stringEnd is where the string that begins at i ends, -1 when it does not.
func stringEnd(b []byte, i int) int {
	for i++; ; i++ {
		at := bytes.IndexAny(b[i:], `"\`)
		if at < 0 {
			return -1
		}
		if i += at; b[i] == '"' {
			return i
		}
		i++ // what is escaped
		if i >= len(b) {
			return -1
		}
	}
}
