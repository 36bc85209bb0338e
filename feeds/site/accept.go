package site

import (
	"net/textproto"
	"strings"
)

// maxMembers is how many members of a list in a header are looked at; lines, empty
// members and nonsense count as well. Nobody who means it sends more.
const maxMembers = 100

// members walks through the members of a list in a header (RFC 9110 §5.6.1).
type members struct {
	lines []string
	rest  string
	seen  int
}

func (m *members) next() (name, params string, ok bool) {
	for ; m.seen < maxMembers; m.seen++ {
		if m.rest == "" {
			if len(m.lines) == 0 {
				return "", "", false
			}
			m.rest, m.lines = m.lines[0], m.lines[1:]
			continue
		}
		var part string
		part, m.rest, _ = strings.Cut(m.rest, ",")
		name, params, _ = strings.Cut(part, ";")
		if name = textproto.TrimString(name); name != "" {
			m.seen++
			return name, params, true
		}
	}
	return "", "", false
}

// weight reads "q=0.5" among parameters in thousandths (RFC 9110 §12.4.2): 1000
// when it is not there, 0 when it cannot be read.
func weight(params string) int {
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		name, value, ok := strings.Cut(p, "=")
		if ok && strings.EqualFold(textproto.TrimString(name), "q") {
			return thousandths(textproto.TrimString(value))
		}
	}
	return 1000
}

func thousandths(q string) int {
	whole, fraction, _ := strings.Cut(q, ".")
	n := 0
	switch whole {
	case "0":
	case "1":
		n = 1000
	default:
		return 0
	}
	for i, scale := 0, 100; i < len(fraction); i, scale = i+1, scale/10 {
		if fraction[i] < '0' || fraction[i] > '9' {
			return 0
		}
		n += int(fraction[i]-'0') * scale
	}
	if n > 1000 {
		return 0
	}
	return n
}

// wish is in which forms a client would have a document, the dearest first. The
// bytes as they are are always among them, the last if it would rather not: where no
// coding makes a document smaller they are all there is (RFC 9110 §12.5.3 leaves
// that to us, and an answer is of more use than 406).
type wish struct {
	forms [len(codings) + 1]int8
	n     int
}

// wanted reads Accept-Encoding (RFC 9110 §12.5.3). Between equal weights our own
// order decides. Without the header nothing is compressed: who cannot undo a coding
// may not know that it has to say so.
func wanted(header []string) wish {
	var weights [len(codings) + 1]int
	for i := range weights {
		weights[i] = -1
	}
	star := -1
	list := members{lines: header}
	for {
		name, params, ok := list.next()
		if !ok {
			break
		}
		q := weight(params)
		if i := codingNamed(name); i >= 0 {
			weights[i] = max(weights[i], q)
		} else if name == "*" {
			star = max(star, q)
		}
	}
	for i := range codings {
		if weights[i] < 0 {
			weights[i] = star
		}
	}
	// What is not named is still accepted, after what is.
	weights[identity] = max(weights[identity], 0)
	return ranked(weights)
}

// codingNamed is the index of a coding, -1 for one that is not ours.
func codingNamed(name string) int {
	for i := range codings {
		if strings.EqualFold(name, codings[i].name) {
			return i
		}
	}
	switch {
	case strings.EqualFold(name, "identity"):
		return identity
	case strings.EqualFold(name, "x-gzip"): // RFC 9110 §8.4.1.3
		return codingNamed("gzip")
	}
	return -1
}

// ranked sorts those with a weight, and identity always.
func ranked(weights [len(codings) + 1]int) (w wish) {
	for i, q := range weights {
		if q <= 0 && i != identity {
			continue
		}
		at := w.n
		for ; at > 0 && weights[w.forms[at-1]] < q; at-- {
			w.forms[at] = w.forms[at-1]
		}
		w.forms[at] = int8(i)
		w.n++
	}
	return w
}

// wantsDelta reads A-IM (RFC 3229 §10.5.3): a client that does not name "feed" would
// take what has changed for all there is.
func wantsDelta(header []string) bool {
	feed, whole := 0, 0
	list := members{lines: header}
	for {
		name, params, ok := list.next()
		switch {
		case !ok:
			return feed > 0 && feed >= whole
		case strings.EqualFold(name, "feed"):
			feed = max(feed, weight(params))
		case strings.EqualFold(name, "identity"):
			whole = max(whole, weight(params))
		}
	}
}

// An entityTag is one of a list, taken apart the way ours are put together.
type entityTag struct {
	text string // as it was sent
	weak bool
	star bool   // "*", which stands for any
	base string // of the document
	form int    // index of a coding, or identity; -1: none of ours
}

// entityTags walks through a list of entity tags. A line is left where it is malformed.
type entityTags struct {
	lines []string
	rest  string
	seen  int
}

func (l *entityTags) next() (entityTag, bool) {
	for ; l.seen < maxMembers; l.seen++ {
		if l.rest = strings.TrimLeft(l.rest, ", \t"); l.rest == "" {
			if len(l.lines) == 0 {
				break
			}
			l.rest, l.lines = l.lines[0], l.lines[1:]
			continue
		}
		if l.rest[0] == '*' {
			l.rest = l.rest[1:]
			l.seen++
			return entityTag{text: "*", star: true}, true
		}
		opaque, weak := strings.CutPrefix(l.rest, "W/")
		end := -1
		if strings.HasPrefix(opaque, `"`) {
			end = strings.IndexByte(opaque[1:], '"')
		}
		if end < 0 {
			l.rest = ""
			continue
		}
		t := entityTag{weak: weak, text: l.rest[:len(l.rest)-len(opaque)+end+2]}
		t.base, t.form = apart(opaque[1 : end+1])
		l.rest = opaque[end+2:]
		l.seen++
		return t, true
	}
	return entityTag{}, false
}

// apart takes away what proxies that compress put behind a tag, or no revisit through
// them would ever be answered with 304 (output.md 16), and then the coding's mark.
func apart(opaque string) (base string, form int) {
	for _, suffix := range [...]string{"-gzip", "-br", "-zstd"} {
		if t, ok := strings.CutSuffix(opaque, suffix); ok {
			opaque = t
			break
		}
	}
	dot := strings.IndexByte(opaque, '.')
	if dot < 0 {
		return opaque, identity
	}
	for i := range codings {
		if opaque[dot:] == codings[i].mark {
			return opaque[:dot], i
		}
	}
	return opaque[:dot], -1
}
