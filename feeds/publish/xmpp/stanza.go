package xmpp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// stanza is what we send. Inner is one element, or nothing.
type stanza struct {
	Name     string // iq
	Type, ID string
	From, To string // required of a component (XEP-0114 §3); servers hang up without
	Inner    []byte
}

// bytes writes the stanza, or says why it must not be sent.
func (st stanza) bytes() ([]byte, error) {
	b, err := xml.Marshal(struct {
		XMLName xml.Name
		Type    string `xml:"type,attr"`
		ID      string `xml:"id,attr"`
		From    string `xml:"from,attr"`
		To      string `xml:"to,attr"`
		Inner   []byte `xml:",innerxml"`
	}{xml.Name{Local: st.Name}, st.Type, st.ID, st.From, st.To, st.Inner})
	if err != nil {
		return nil, err
	}
	if len(b) > maxStanza {
		return nil, fmt.Errorf("%w: it has %d bytes, and %d are allowed", errUnsafe, len(b), maxStanza)
	}
	return b, wellFormed(b)
}

// errUnsafe is of a stanza that would end the stream, or might.
var errUnsafe = errors.New("the stanza is not sent")

// wellFormed says what a server would close the stream for: whatever is not well-formed
// (XML 1.0, Namespaces §3), and comments, processing instructions and references to
// entities, which RFC 6120 §11.1 forbids. It reads again what was written: what is in it
// comes from strangers, and one wrong byte would end the stream for everybody.
//
// It asks for more than they do: what we write has no prefixes and plain names.
func wellFormed(b []byte) error {
	if !utf8.Valid(b) {
		return fmt.Errorf("%w: it is not UTF-8", errUnsafe)
	}
	if i := bytes.Index(b, []byte("<!")); i >= 0 {
		return fmt.Errorf("%w: a comment, a declaration or CDATA begins at byte %d", errUnsafe, i)
	}
	if err := checkReferences(b); err != nil {
		return err
	}
	dec := xml.NewDecoder(bytes.NewReader(b))
	var open []string
	for roots := 0; ; {
		t, err := dec.RawToken()
		switch {
		case errors.Is(err, io.EOF) && len(open) == 0 && roots == 1:
			return nil
		case err != nil:
			return fmt.Errorf("%w: %d elements begin it, %d are open at the end: %w", errUnsafe, roots, len(open), err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(open) == 0 {
				roots++
			}
			open = append(open, t.Name.Local)
			err = checkStart(t)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != t.Name.Local || t.Name.Space != "" {
				return fmt.Errorf("%w: </%s> ends nothing", errUnsafe, t.Name.Local)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 0 {
				err = fmt.Errorf("%w: text stands outside of it", errUnsafe)
			}
		default:
			err = fmt.Errorf("%w: it holds a %T", errUnsafe, t)
		}
		if err != nil {
			return err
		}
	}
}

// checkStart looks at the names of a start tag; encoding/xml takes an attribute that
// stands there twice, and a prefix that nobody declared.
func checkStart(t xml.StartElement) error {
	if t.Name.Space != "" || !isPlainName(t.Name.Local) {
		return fmt.Errorf("%w: it holds an element %q", errUnsafe, t.Name.Space+":"+t.Name.Local)
	}
	for i, a := range t.Attr {
		language := a.Name == xml.Name{Space: "xml", Local: "lang"}
		if !language && (a.Name.Space != "" || !isPlainName(a.Name.Local)) {
			return fmt.Errorf("%w: it holds an attribute %q", errUnsafe, a.Name.Space+":"+a.Name.Local)
		}
		if slices.ContainsFunc(t.Attr[:i], func(b xml.Attr) bool { return a.Name == b.Name }) {
			return fmt.Errorf("%w: <%s> has %s twice", errUnsafe, t.Name.Local, a.Name.Local)
		}
	}
	return nil
}

func isPlainName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || s[i] != '-' && (s[i] < '0' || s[i] > '9')) {
			return false
		}
	}
	return s != ""
}

// references are all we write, and the only ones that no parser can refuse: a number
// may stand for a character that is none.
var references = []string{"amp", "lt", "gt", "quot", "apos", "#34", "#39", "#x9", "#xA", "#xD"}

func checkReferences(b []byte) error {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '&')
		if i < 0 {
			return nil
		}
		at += i + 1
		name, _, ok := bytes.Cut(b[at:min(at+len("quot;"), len(b))], []byte{';'})
		if !ok || !slices.Contains(references, string(name)) {
			return fmt.Errorf("%w: a reference that is none of ours stands at byte %d", errUnsafe, at-1)
		}
	}
}

// legal is s without what XML 1.0 §2.2 does not allow, and what is no text: C1 controls
// and the mark of bytes that were none.
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= 0x20 && r < 0x7F, r >= 0xA0 && r <= 0xD7FF, r >= 0xE000 && r < utf8.RuneError:
			return r
		case r >= 0x10000 && r&0xFFFE != 0xFFFE: // the last two of each plane are no characters
			return r
		}
		return -1
	}, s)
}
