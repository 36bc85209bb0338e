package feeds

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonScanner reads JSON in one linear pass and copies nothing. It takes control
// characters in strings and commas too many or too few as they were meant. After
// anything else that is no JSON it is at the end of the text, and err says why.
type jsonScanner struct {
	s      string
	pos    int
	depth  int // of open arrays and objects
	tokens int // how many values may follow
	err    error
}

var errCut = errors.New("the end is missing")

func (x *jsonScanner) fail(err error) {
	if x.err == nil {
		x.err = err
	}
	x.pos = len(x.s)
}

func (x *jsonScanner) fault() {
	if x.pos >= len(x.s) {
		x.fail(errCut)
		return
	}
	before := x.s[:x.pos]
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	x.fail(fmt.Errorf("line %d, column %d is no JSON", strings.Count(before, "\n")+1, column))
}

// peek passes over white space and is the next byte, 0 at the end.
func (x *jsonScanner) peek() byte {
	for ; x.pos < len(x.s); x.pos++ {
		if !isSpace(x.s[x.pos]) {
			return x.s[x.pos]
		}
	}
	return 0
}

func (x *jsonScanner) open() {
	x.pos++
	if x.depth++; x.depth > maxDepth {
		x.fail(ErrTooDeep)
	}
}

// more says that there is another value before the closing bracket, which it takes.
func (x *jsonScanner) more(closing byte) bool {
	c := x.peek()
	for ; c == ','; c = x.peek() {
		x.pos++
	}
	switch {
	case c == closing:
		x.pos++
		x.depth--
		return false
	case c == 0 || c == ']' || c == '}':
		x.fault()
	}
	return x.err == nil
}

// members reads an object, a value by each call; what is none is passed over.
func (x *jsonScanner) members(read func(key string)) {
	if x.peek() != '{' {
		x.skip()
		return
	}
	for x.open(); x.more('}'); {
		if key := x.key(); x.err == nil {
			read(key)
		}
	}
}

// elements reads an array, a value by each call, or a single value.
func (x *jsonScanner) elements(read func()) {
	if x.peek() != '[' {
		read()
		return
	}
	for x.open(); x.more(']'); {
		read()
	}
}

// value appends the next value and what is in it to nodes.
func (x *jsonScanner) value(nodes []jsonNode, key string) []jsonNode {
	if x.tokens--; x.tokens < 0 {
		x.fail(ErrTooMany)
		return nodes
	}
	at, n := len(nodes), jsonNode{key: key}
	switch c := x.peek(); {
	case c == '"':
		n.kind, n.text = jsonString, x.quoted()
	case c == '{':
		n.kind = jsonObject
	case c == '[':
		n.kind = jsonArray
	case c == '-' || '0' <= c && c <= '9':
		n.kind, n.text = jsonNumber, x.bare()
	default:
		n.kind, n.text = jsonWord, x.bare()
	}
	nodes = append(nodes, n)
	switch n.kind {
	case jsonObject:
		for x.open(); x.more('}'); {
			nodes = x.value(nodes, x.key())
		}
	case jsonArray:
		for x.open(); x.more(']'); {
			nodes = x.value(nodes, "")
		}
	}
	nodes[at].size = len(nodes) - at
	return nodes
}

// skip passes over a value without regard to what is in it.
func (x *jsonScanner) skip() {
	for around := x.depth; ; {
		switch c := x.peek(); {
		case c == '"':
			x.quoted()
		case c == '{' || c == '[':
			x.open()
		case x.depth > around && (c == '}' || c == ']'):
			x.pos++
			x.depth--
		case x.depth > around && (c == ',' || c == ':'):
			x.pos++
		default:
			x.bare()
		}
		if x.err != nil || x.depth == around {
			return
		}
	}
}

func (x *jsonScanner) key() string {
	if x.peek() != '"' {
		x.fault()
		return ""
	}
	key := x.quoted()
	if x.peek() != ':' {
		x.fault()
		return ""
	}
	x.pos++
	return unescapeJSON(key)
}

// quoted takes a string and returns what stands between its quotes.
func (x *jsonScanner) quoted() string {
	x.pos++
	for start := x.pos; ; {
		i := strings.IndexByte(x.s[x.pos:], '"')
		if i < 0 {
			x.fail(errCut)
			return ""
		}
		end := x.pos + i
		x.pos = end + 1
		slashes := 0
		for end-slashes > start && x.s[end-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return x.s[start:end]
		}
	}
}

// bare takes a number or a word, which has one character at least.
func (x *jsonScanner) bare() string {
	start := x.pos
	for x.pos < len(x.s) && (isAlnum(x.s[x.pos]) || strings.IndexByte("+-.", x.s[x.pos]) >= 0) {
		x.pos++
	}
	if x.pos == start {
		x.fault()
		return ""
	}
	return x.s[start:x.pos]
}

// unescapeJSON resolves the escapes of RFC 8259 §7. What no document may hold is
// dropped, half of a surrogate pair becomes U+FFFD, and what is no escape stays
// without its backslash.
func unescapeJSON(s string) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for ; i >= 0 && i+1 < len(s); i = strings.IndexByte(s, '\\') {
		b.WriteString(s[:i])
		s = s[i+1:]
		r, n := rune(s[0]), 1
		switch r {
		case 'n':
			r = '\n'
		case 't':
			r = '\t'
		case 'r':
			r = '\r'
		case 'b', 'f':
			r = 0 // no XML document may hold them
		case 'u':
			r, n = unicodeEscape(s)
		default:
			r, n = utf8.DecodeRuneInString(s)
		}
		if validXML(r) {
			b.WriteRune(r)
		}
		s = s[n:]
	}
	b.WriteString(s)
	return b.String()
}

// unicodeEscape reads the u and what follows, and is the rune and its length there.
func unicodeEscape(s string) (rune, int) {
	r, ok := hex4(s[1:])
	switch {
	case !ok:
		return 'u', 1
	case !utf16.IsSurrogate(r):
		return r, 5
	}
	if len(s) > 6 && s[5] == '\\' && s[6] == 'u' {
		low, _ := hex4(s[7:])
		if d := utf16.DecodeRune(r, low); d != utf8.RuneError {
			return d, 11
		}
	}
	return utf8.RuneError, 5
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	return rune(n), err == nil
}

// jsonValue is a value with all that is in it, in the order of the text; nil is
// one that is not there. Asked for what it is not, it gives the zero value.
type jsonValue []jsonNode

type jsonNode struct {
	key, text string // text of a scalar, as it is written between the quotes
	size      int    // how many nodes the value has, itself among them
	kind      jsonKind
}

type jsonKind byte

const (
	jsonMissing jsonKind = iota
	jsonString
	jsonNumber
	jsonWord // true, false, null
	jsonArray
	jsonObject
)

func (v jsonValue) kind() jsonKind {
	if len(v) == 0 {
		return jsonMissing
	}
	return v[0].kind
}

func (v jsonValue) children() iter.Seq[jsonValue] {
	return func(yield func(jsonValue) bool) {
		for rest := v[min(1, len(v)):]; len(rest) > 0; rest = rest[rest[0].size:] {
			if !yield(rest[:rest[0].size]) {
				return
			}
		}
	}
}

// get is the member of an object; of several with the key the last.
func (v jsonValue) get(key string) jsonValue {
	var last jsonValue
	for c := range v.children() {
		if c[0].key == key {
			last = c
		}
	}
	return last
}

// list are the values of an array; what is none stands for a list of one.
func (v jsonValue) list() iter.Seq[jsonValue] {
	if k := v.kind(); k == jsonArray || k == jsonMissing {
		return v.children()
	}
	return func(yield func(jsonValue) bool) { yield(v) }
}

// text is a string, or a number exactly as it is written.
func (v jsonValue) text() string {
	if k := v.kind(); k == jsonString || k == jsonNumber {
		return unescapeJSON(v[0].text)
	}
	return ""
}

// str is an address or another string that no number can stand for.
func (v jsonValue) str() string {
	if v.kind() == jsonString {
		return strings.TrimSpace(v.text())
	}
	return ""
}

// is says that a string or a bare word is the one, in any case.
func (v jsonValue) is(word string) bool { return len(v) > 0 && strings.EqualFold(v[0].text, word) }

// words is the text of what is an element in XML.
func (v jsonValue) words() string { return cmp.Or(v.text(), v.get("#value").text()) }

func (v jsonValue) inner(key string) string { return v.get(key).words() }

// bytes is a length, 0 for one that nobody can believe.
func (v jsonValue) bytes() int64 {
	n, err := strconv.ParseFloat(cut(strings.TrimSpace(v.text()), 40), 64)
	if err != nil || !(n > 0 && n < math.MaxInt64) {
		return 0
	}
	return int64(n)
}
