package config

import (
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// written is a value as it stands in the file.
type written struct {
	text   string // with the environment put in
	node   ast.Node
	filled bool // ${NAME} was replaced, so the kind of node says nothing
}

// wrong says what a value should have been.
type wrong struct{ want, hint string }

// scalar reads n into p by as.
func scalar[T any](l *loader, n ast.Node, path string, p *T, as func(written) (T, *wrong)) bool {
	w, ok := l.written(n, path)
	if !ok {
		return false
	}
	v, bad := as(w)
	if bad == nil {
		*p = v
		return true
	}
	l.report(start(n), bad.hint, "%s wants %s, not %s", path, bad.want, w.shown())
	return false
}

// shown is w in a message. What the environment says may be a secret.
func (w written) shown() string {
	_, single := w.node.(ast.ScalarNode)
	switch {
	case w.filled:
		return "what the environment says"
	case w.isText():
		return strconv.Quote(shorten(w.text))
	case single:
		return shorten(w.text)
	}
	return describe(w.node)
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// written takes n's text and puts the environment in.
func (l *loader) written(n ast.Node, path string) (written, bool) {
	w := written{node: n}
	switch v := n.(type) {
	case nil, *ast.NullNode:
		l.report(start(n), `give it one, write "" for an empty text, or take the line out`, "%s has no value", path)
		return w, false
	case *ast.StringNode:
		w.text = v.Value
	case *ast.LiteralNode:
		w.text = v.Value.Value
	default:
		w.text = n.GetToken().Value
		return w, true
	}
	return w, l.environment(&w, start(n), path)
}

var dollar = regexp.MustCompile(`\$\$|\$\{[^}]*\}?`)

var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// environment replaces ${NAME} and $$. What the environment says is not read
// again: a dollar in a password is a dollar.
func (l *loader) environment(w *written, at spot, path string) bool {
	ok := true
	w.text = dollar.ReplaceAllStringFunc(w.text, func(s string) string {
		if s == "$$" {
			return "$"
		}
		w.filled = true
		m := variable.FindStringSubmatch(s)
		if m == nil {
			l.report(at, "write ${NAME}, or $$ for a plain dollar", "%s has %q, which names no environment variable", path, shorten(s))
			ok = false
			return s
		}
		v := ""
		if l.getenv != nil {
			v = l.getenv(m[1])
		}
		if v == "" {
			l.report(at, "set it where orrery is started", "%s needs the environment variable %s, which is not set", path, m[1])
			ok = false
		}
		return v
	})
	return ok
}

func (w written) isText() bool {
	switch w.node.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return true
	}
	return false
}

func (w written) isNumber() bool {
	_, integer := w.node.(*ast.IntegerNode)
	return integer || w.filled
}

// asText takes a number as it is written, too: a title may be 2001 and a slug 007.
func asText(w written) (string, *wrong) {
	switch w.node.(type) {
	case *ast.StringNode, *ast.LiteralNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
	case *ast.BoolNode:
		return "", &wrong{"a text", fmt.Sprintf("put it in quotes: %q", w.text)}
	default:
		return "", &wrong{"a text", "write one value"}
	}
	for _, r := range w.text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return "", &wrong{"a text without control characters", "remove them"}
		}
	}
	return strings.TrimSpace(w.text), nil
}

func asNumber(w written) (int, *wrong) {
	if w.isNumber() {
		if n, err := strconv.Atoi(strings.TrimSpace(w.text)); err == nil {
			return n, nil
		}
	}
	return 0, &wrong{"a whole number such as 10", "write digits only, without quotes"}
}

func asBool(w written) (bool, *wrong) {
	if _, b := w.node.(*ast.BoolNode); b || w.filled {
		if v, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(w.text))); err == nil {
			return v, nil
		}
	}
	return false, &wrong{"true or false", "write true or false, without quotes"}
}

// maxDuration keeps sums of durations and dates within what int64 holds.
const maxDuration = 3650 * 24 * time.Hour

var days = regexp.MustCompile(`^([0-9]{1,6})d(.*)$`)

func asDuration(w written) (time.Duration, *wrong) {
	bad := &wrong{"a duration such as 30s, 15m, 2h or 2d", ""}
	s := strings.TrimSpace(w.text)
	if !w.isText() {
		if s == "0" {
			return 0, nil
		}
		if _, integer := w.node.(*ast.IntegerNode); integer {
			bad.hint = fmt.Sprintf("add a unit: %ss, %sm, %sh or %sd", s, s, s, s)
		}
		return 0, bad
	}
	if strings.HasPrefix(s, "-") {
		return 0, &wrong{"a duration of zero or more", "take the minus away"}
	}
	var total time.Duration
	if m := days.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1])
		total, s = time.Duration(min(n, 3651))*24*time.Hour, m[2]
		if s == "" {
			s = "0"
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		bad.hint = "units are ms, s, m, h and d"
		return 0, bad
	}
	if d > maxDuration || total+d > maxDuration {
		return 0, &wrong{"a duration of at most 3650d", ""}
	}
	return total + d, nil
}

var size = regexp.MustCompile(`(?i)^([0-9]{1,19}) ?(B|KB|MB|GB|KiB|MiB|GiB)?$`)

func asSize(w written) (int64, *wrong) {
	bad := &wrong{"a size such as 5MiB, 500KB or a number of bytes", "units are B, KB, MB, GB, KiB, MiB and GiB"}
	m := size.FindStringSubmatch(strings.TrimSpace(w.text))
	if m == nil || !w.isText() && !w.isNumber() {
		return 0, bad
	}
	units := map[string]int64{"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
	unit := units[strings.ToLower(m[2])]
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, bad
	}
	return n * unit, nil
}

func asLocation(w written) (*time.Location, *wrong) {
	bad := &wrong{"the name of a time zone", "names are those of the IANA list, such as Europe/Berlin or UTC"}
	// "Local" would give the same posts other dates on another machine.
	if !w.isText() || w.text == "" || w.text == "Local" {
		return nil, bad
	}
	loc, err := time.LoadLocation(w.text)
	if err != nil {
		return nil, bad
	}
	return loc, nil
}

func asAddrPort(w written) (netip.AddrPort, *wrong) {
	a, err := netip.ParseAddrPort(w.text)
	if err != nil || !w.isText() || a.Port() == 0 {
		return a, &wrong{"an IP address and a port such as 127.0.0.1:9000", "names and ranges are not taken: say exactly what may be reached"}
	}
	return a, nil
}
