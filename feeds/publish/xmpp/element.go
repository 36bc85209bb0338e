package xmpp

import (
	"encoding/xml"
	"errors"
	"strings"
)

// What an element may hold to be kept: an answer that lists some ten thousand items.
// What is deeper or more is read over. Strangers can send us what their server lets
// through, and must neither fill our memory nor end our connection.
const (
	maxDepth    = 256
	maxElements = 100_000
)

var errStrange = errors.New("what answers there is no XMPP server that takes components")

// Element is an element of an answer.
type Element struct {
	Name     xml.Name
	Attrs    []xml.Attr
	Text     string // directly in it
	Children []*Element
}

// Attr is the value of an attribute without a namespace, "" for none.
func (e *Element) Attr(name string) string {
	if e == nil {
		return ""
	}
	return attribute(xml.StartElement{Attr: e.Attrs}, name)
}

// Child is the first child of the name, nil for none.
func (e *Element) Child(space, local string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Name == (xml.Name{Space: space, Local: local}) {
			return c
		}
	}
	return nil
}

// text of an element that may not be there.
func (e *Element) text() string {
	if e == nil {
		return ""
	}
	return strings.TrimSpace(e.Text)
}

func attribute(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name == (xml.Name{Local: name}) {
			return a.Value
		}
	}
	return ""
}

// readElement reads the rest of the element that start begins.
func readElement(dec *xml.Decoder, start xml.StartElement) (*Element, error) {
	root := &Element{Name: start.Name, Attrs: start.Attr}
	open, over := []*Element{root}, 0 // over: elements open that are not kept
	for n := 1; len(open) > 0; {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		top := open[len(open)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if n++; over > 0 || n > maxElements || len(open) == maxDepth {
				over++
				continue
			}
			t = t.Copy()
			e := &Element{Name: t.Name, Attrs: t.Attr}
			top.Children = append(top.Children, e)
			open = append(open, e)
		case xml.EndElement:
			if over > 0 {
				over--
				continue
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if over == 0 {
				top.Text += string(t)
			}
		}
	}
	return root, nil
}
