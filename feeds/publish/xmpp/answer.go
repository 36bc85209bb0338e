package xmpp

import (
	"encoding/xml"
	"strings"
)

const (
	discoInfo  = "http://jabber.org/protocol/disco#info"
	discoItems = "http://jabber.org/protocol/disco#items"
	pingSpace  = "urn:xmpp:ping"
)

// handle answers a question of somebody: what we are, that we have nothing, that we are
// there, and to all others that we do not know (RFC 6120 §8.2.3: each is answered).
func (c *Component) handle(s *session, q *Element) {
	typ := q.Attr("type")
	if typ != "get" && typ != "set" || q.Attr("id") == "" || q.Attr("from") == "" {
		return
	}
	what := xml.Name{}
	var payload *Element
	if len(q.Children) == 1 {
		payload = q.Children[0]
		what = payload.Name
	}
	out := stanza{Name: "iq", Type: "result", ID: q.Attr("id"), From: c.o.Name, To: q.Attr("from")}
	if to := q.Attr("to"); strings.HasSuffix(bare(to), "@"+c.o.Name) || bare(to) == c.o.Name {
		out.From = to // who asked knows the answer by it
	}
	var answer any
	own := q.Attr("to") == c.o.Name && typ == "get" && payload.Attr("node") == ""
	switch {
	case own && what == xml.Name{Space: discoInfo, Local: "query"}:
		answer = c.info()
	case own && what == xml.Name{Space: discoItems, Local: "query"}:
		answer = struct {
			XMLName xml.Name `xml:"http://jabber.org/protocol/disco#items query"`
		}{}
	case own && what == xml.Name{Space: pingSpace, Local: "ping"}: // XEP-0199 §4.2
	default:
		out.Type, answer = "error", unavailable
	}
	if answer != nil {
		b, err := xml.Marshal(answer)
		if err != nil {
			return
		}
		out.Inner = b
	}
	// A stranger whose question cannot be answered gets no answer. If the connection is
	// broken, read finds out.
	_ = s.send(out)
}

// bare is a JID without its resource (RFC 7622 §3.1).
func bare(jid string) string {
	jid, _, _ = strings.Cut(jid, "/")
	return jid
}

type discoInfoQuery struct {
	XMLName  xml.Name `xml:"http://jabber.org/protocol/disco#info query"`
	Identity struct {
		Category string `xml:"category,attr"`
		Type     string `xml:"type,attr"`
		Name     string `xml:"name,attr"`
	} `xml:"identity"`
	Features []discoFeature `xml:"feature"`
}

type discoFeature struct {
	Var string `xml:"var,attr"`
}

// info is what we are (XEP-0030 §3.1).
func (c *Component) info() discoInfoQuery {
	q := discoInfoQuery{Features: []discoFeature{{discoInfo}, {discoItems}, {pingSpace}}}
	q.Identity.Category, q.Identity.Type, q.Identity.Name = "component", "generic", legal(c.o.Title)
	return q
}

type stanzaError struct {
	XMLName   xml.Name `xml:"error"`
	Type      string   `xml:"type,attr"`
	Condition struct {
		XMLName xml.Name
	}
}

var unavailable = func() stanzaError {
	e := stanzaError{Type: "cancel"}
	e.Condition.XMLName = xml.Name{Space: stanzaErrors, Local: "service-unavailable"}
	return e
}()

// ping asks the service whether it is there; that it does not know the question is an
// answer, too.
func (c *Component) ping() stanza {
	return stanza{
		Name: "iq", Type: "get", ID: "ping", From: c.o.Name, To: c.o.PubSub,
		Inner: []byte("<ping xmlns='" + pingSpace + "'/>"),
	}
}
