package config

import (
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// value reads n into v, which is addressable, and says whether that went well;
// what did not is reported. path is the name of the value in messages.
func (l *loader) value(n ast.Node, v reflect.Value, path string) bool {
	n = bare(n)
	if _, alias := n.(*ast.AliasNode); alias {
		return false // reported as a token
	}
	switch p := v.Addr().Interface().(type) {
	case *string:
		return scalar(l, n, path, p, asText)
	case *int:
		return scalar(l, n, path, p, asNumber)
	case *int64:
		return scalar(l, n, path, p, asSize)
	case *bool:
		return scalar(l, n, path, p, asBool)
	case *time.Duration:
		return scalar(l, n, path, p, asDuration)
	case **time.Location:
		return scalar(l, n, path, p, asLocation)
	case *netip.AddrPort:
		return scalar(l, n, path, p, asAddrPort)
	}
	switch v.Kind() {
	case reflect.Struct:
		return l.mapping(n, v, path)
	case reflect.Slice:
		return l.list(n, v, path)
	default:
		// Only a new field of Config gets here, never what a file says.
		panic("config: no way to read a " + v.Type().String())
	}
}

// bare takes off anchors and tags, which were reported as tokens.
func bare(n ast.Node) ast.Node {
	for {
		switch w := n.(type) {
		case *ast.AnchorNode:
			n = w.Value
		case *ast.TagNode:
			n = w.Value
		case *ast.MappingKeyNode:
			n = w.Value
		default:
			return n
		}
	}
}

// mapping reads the keys of n into the fields of the struct v. An empty mapping
// is one whose keys are all commented out: nothing wrong with it.
func (l *loader) mapping(n ast.Node, v reflect.Value, path string) bool {
	if empty(n) {
		return true
	}
	m, ok := n.(ast.MapNode)
	if !ok {
		l.report(start(n), "write key: value below it, indented", "%s wants keys of its own, not %s", orFile(path), describe(n))
		return false
	}
	known := keys(v.Type())
	seen := map[string]spot{}
	for pairs := m.MapRange(); pairs.Next(); {
		pair := pairs.KeyValue()
		key, at := keyOf(pair), start(pair)
		if _, merge := pair.Key.(*ast.MergeKeyNode); merge {
			continue // reported as a token
		}
		if first, twice := seen[key]; twice {
			l.report(at, "keep one of them", "%s is already given in line %d", join(path, key), first.line)
			continue
		}
		i := slices.Index(known, key)
		if i < 0 {
			l.report(at, nearest(key, visible(known)), "unknown key %q%s", key, in(path))
			continue
		}
		seen[key] = at
		ok := l.value(pair.Value, v.Field(i), join(path, key))
		l.at[v.Field(i).Addr().Interface()] = mark{key: at, value: start(pair.Value), bad: !ok}
	}
	return true
}

// list reads the items of n into the slice v.
func (l *loader) list(n ast.Node, v reflect.Value, path string) bool {
	if empty(n) {
		return true
	}
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		hint := "write it in brackets: [one, another]"
		switch v.Interface().(type) {
		case []Source, []Category, []Author:
			hint = "begin every item with a dash"
		}
		l.report(start(n), hint, "%s wants a list, not %s", path, describe(n))
		return false
	}
	v.Set(reflect.MakeSlice(v.Type(), len(s.Values), len(s.Values)))
	for i, item := range s.Values {
		at, e := start(item), v.Index(i)
		good := false
		if empty(item) {
			l.report(at, "fill it in or take it out", "%s has an empty item", path)
		} else {
			good = l.value(item, e, path)
		}
		if good && e.Kind() == reflect.String && e.Len() == 0 {
			l.report(at, "fill it in or take it out", "%s has an empty item", path)
			good = false
		}
		l.at[e.Addr().Interface()] = mark{key: at, value: at, bad: !good}
	}
	return true
}

// keys are the YAML keys of a struct's fields, "-" for those that are none.
func keys(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("yaml")
	}
	return names
}

func visible(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "-" })
}

func keyOf(pair *ast.MappingValueNode) string {
	switch k := bare(pair.Key).(type) {
	case *ast.StringNode:
		return k.Value
	case nil:
		return ""
	default:
		return k.GetToken().Value
	}
}

// start is where a person sees n begin: the parser calls the colon of its first
// pair the place of a mapping.
func start(n ast.Node) spot {
	switch m := n.(type) {
	case nil:
		return spot{}
	case *ast.MappingNode:
		if len(m.Values) > 0 && !m.IsFlowStyle {
			return start(m.Values[0])
		}
	case *ast.MappingValueNode:
		return start(m.Key)
	}
	return place(n.GetToken())
}

func empty(n ast.Node) bool {
	if n == nil {
		return true
	}
	_, null := n.(*ast.NullNode)
	return null
}

func describe(n ast.Node) string {
	switch n.(type) {
	case ast.MapNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	}
	return "a text"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

func orFile(path string) string {
	if path == "" {
		return "the configuration"
	}
	return path
}
