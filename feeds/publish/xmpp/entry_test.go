package xmpp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"orrery/feeds"
)

func TestEntryIsAnAtomEntry(t *testing.T) {
	e := testEntry(1)
	e.Content = `<p>Text<br>with a&nbsp;<a href="https://e.example/?a=1&amp;b=2">link</a> &amp; &lt;more&gt;.</p><img src="https://e.example/i.png" alt="&quot;i&quot;">`
	e.Summary, e.Language = "<p>A <b>summary</b></p>", "en"
	e.Enclosures = []feeds.Enclosure{{URL: "https://e.example/a.mp3", Type: "audio/mpeg", Length: 7}}
	e.Categories = []feeds.CategoryName{{Slug: "go", Title: "Go"}}
	e.Authors = []feeds.Person{{Name: "Ann", URL: "https://ann.example/", Email: "ann@ann.example"}}
	e.Links = []feeds.Link{{Rel: "edit", URL: "https://e.example/edit"}, {Rel: "related", URL: "https://e.example/r"}}
	id, payload, err := Item(testPlanet, &e, pubsubName, "planet/go")
	if err != nil {
		t.Fatal(err)
	}
	const want = `<entry xmlns="http://www.w3.org/2005/Atom" xml:lang="en">` +
		`<title type="text">Post 1 &amp; &lt;more&gt;</title>` +
		`<id>https://blog.example.org/posts/1</id>` +
		`<published>2026-03-01T00:01:00Z</published><updated>2026-03-01T00:01:00Z</updated>` +
		`<author><name>Ann</name><uri>https://ann.example/</uri></author>` +
		`<link rel="alternate" type="text/html" href="https://blog.example.org/posts/1"></link>` +
		`<link rel="alternate" href="xmpp:pubsub.example.org?;node=planet%2Fgo;item=9e45de0afcd0dd2e17e53b56f7fc29c4"></link>` +
		`<link rel="enclosure" type="audio/mpeg" href="https://e.example/a.mp3" length="7"></link>` +
		`<link rel="related" href="https://e.example/r"></link>` +
		`<link rel="via" type="text/html" href="https://blog.example.org/posts/1"></link>` +
		`<category term="go" scheme="https://planet.example.org/category/" label="Go"></category><category term="go"></category>` +
		`<source><id>https://blog.example.org/feed</id><title type="text">A Blog</title><updated>2026-03-01T00:01:00Z</updated>` +
		`<link rel="self" href="https://blog.example.org/feed"></link><link rel="alternate" type="text/html" href="https://blog.example.org/"></link></source>` +
		`<summary type="text">A summary</summary>` +
		`<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Text<br/>with a <a href="https://e.example/?a=1&amp;b=2">link</a> &amp; &lt;more&gt;.</p><img src="https://e.example/i.png" alt="&quot;i&quot;"/></div></content></entry>`
	if string(payload) != want {
		t.Errorf("the entry is\n%s\nwant\n%s", payload, want)
	}
	if id != "9e45de0afcd0dd2e17e53b56f7fc29c4" {
		t.Errorf("the id is %s", id)
	}
}

func TestEntryHasTheIDOfItsFeeds(t *testing.T) {
	e := testEntry(1)
	e.GUID = "17" // no URI: the planet mints one
	id, payload, err := Item(testPlanet, &e, pubsubName, "n")
	if err != nil {
		t.Fatal(err)
	}
	var feed bytes.Buffer
	if err := feeds.WriteAtom(&feed, testPlanet.Compose(feeds.View{Title: "x"}, "feed.atom", []feeds.Entry{e})); err != nil {
		t.Fatal(err)
	}
	const want = "<id>tag:planet.example.org,2026:e/id1</id>"
	if !strings.Contains(feed.String(), want) || !strings.Contains(string(payload), want) {
		t.Errorf("the id %s is not in both\n%s\n%s", want, payload, feed.String())
	}
	if id != ItemID(testPlanet.EntryID(&e)) {
		t.Errorf("the item has the id %s", id)
	}
}

func TestEntryWithoutAnAuthorOrTitleHasThem(t *testing.T) {
	e := testEntry(1)
	e.Source, e.Authors, e.Title = nil, nil, ""
	_, payload, err := Item(testPlanet, &e, pubsubName, "n")
	if err != nil || !strings.Contains(string(payload), "<author><name>Planet Test</name></author>") || !strings.Contains(string(payload), `<title type="text">Text 1 with`) {
		t.Errorf("%s, %v", payload, err)
	}
}

func TestLongEntryKeepsItsSummary(t *testing.T) {
	e := testEntry(1)
	for _, c := range []struct {
		length int
		whole  bool
	}{{maxPayload - 4000, true}, {maxPayload, false}, {1 << 20, false}} {
		e.Content = "<p>" + strings.Repeat("a b ", c.length/4) + "</p>"
		_, payload, err := Item(testPlanet, &e, pubsubName, "n")
		whole := bytes.Contains(payload, []byte("<content"))
		if err != nil || len(payload) > maxPayload || whole != c.whole || !bytes.Contains(payload, []byte(`<summary type="text">a b `)) {
			t.Errorf("%d bytes became %d, whole: %v, %v", c.length, len(payload), whole, err)
		}
	}
}

func TestEntryOfLongAddressesLosesThemFirst(t *testing.T) {
	e := testEntry(1)
	for range 50 {
		e.Enclosures = append(e.Enclosures, feeds.Enclosure{URL: "https://e.example/" + strings.Repeat("x", 4000)})
	}
	_, payload, err := Item(testPlanet, &e, pubsubName, "n")
	if err != nil || len(payload) > maxPayload || !bytes.Contains(payload, []byte("<summary")) {
		t.Errorf("it became %d bytes, %v", len(payload), err)
	}
}

func TestEntryThatNoDocumentCanSayIsAnError(t *testing.T) {
	_, _, err := Item(testPlanet, &feeds.Entry{Title: "x"}, pubsubName, "n")
	if err == nil || !strings.Contains(err.Error(), "it has no id") {
		t.Error(err)
	}
}

func TestAddressesAreEscaped(t *testing.T) {
	for _, c := range []struct{ service, node, item, want string }{
		{"pubsub.example.org", "planet-go", "0a", "xmpp:pubsub.example.org?;node=planet-go;item=0a"},
		{"pubsub.example.org", "urn:x/a b;c=ä&\"'", "", "xmpp:pubsub.example.org?;node=urn%3Ax%2Fa%20b%3Bc%3D%C3%A4%26%22%27"},
	} {
		if got := URI(c.service, c.node, c.item); got != c.want {
			t.Errorf("the address is %s, want %s", got, c.want)
		}
	}
}

func TestErrorsAreTemporaryUnlessAllAreAboutItems(t *testing.T) {
	item := error(&ItemError{Node: "n", Err: errors.New("x")})
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {io.EOF, true}, {item, false}, {errors.Join(item, item), false}, {errors.Join(item, io.EOF), true}, {errors.Join(ErrOffline, io.EOF), true},
	} {
		if Temporary(c.err) != c.want {
			t.Errorf("%v is temporary: %v", c.err, !c.want)
		}
	}
}

// hostileTexts are what has ended the stream of some server, or might.
var hostileTexts = []string{
	"plain", "", "<!-- a comment --><p>x</p>", "<?php echo 1 ?>x", "<![CDATA[ x ]]> y", "]]>", "a ]]&gt; b", "&nbsp;&copy;&bogus;&#1;&#xD800;&#x1F600;",
	"\x00\x01\x0b\x1f\x7f\u0080\u0085\u009f", "\xff\xfe\xc3\x28\xed\xa0\x80", "\ufffe\uffff\ufffd\U0001fffe\U0010ffff", "😀𝔘\u202e\u2028",
	"<p>not <b>closed <i>at</b> all", "</p></div></content></entry></item></publish></pubsub></iq></stream:stream>", `<a href="x" href="y" HREF='z'>a</a>`,
	`<a href="javascript:alert(1)" onclick="x">y</a>`, "<svg><circle r=1></svg><math><mi>x", "<x:y xmlns:x='z'>q</x:y>", "<p xml:lang=de xmlns=x>p", `<img src="https://e.example/ä b?c&d=\"<>" alt="a&quot;<b>">`,
	"<table><td>1<td>2<tr><td>3", "<pre>\n a\tb\r\n c\r</pre>", "<br/><br></br><hr/><wbr>", "<script>alert('</p>')</script><style>]]></style>", "<!DOCTYPE x [<!ENTITY a 'b'>]>&a;",
	"<td a=1 a=2 colspan=2>", "<p\x00>x", "<a\u00e4 b>x</a\u00e4>", strings.Repeat("<b>", 3000), strings.Repeat("<p a=1>", 3000), strings.Repeat("&amp;", 30000), strings.Repeat("\"'<>&\r\n\t", 20000), strings.Repeat("😀", 40000),
}

// hostileEntry has the text everywhere.
func hostileEntry(text string) *feeds.Entry {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	person := []feeds.Person{{Name: text, URL: text, Email: text}, {Name: "x", URL: "xmpp:a@b"}}
	return &feeds.Entry{
		ID: "x", GUID: text, Permalink: "https://e.example/" + text, Title: text, Summary: text, Content: text + "<p>" + text + "</p>",
		Authors: person, Contributors: person, Language: text, Published: at, Changed: at, Sort: at, FirstSeen: at,
		Tags: []feeds.Tag{{Term: text, Scheme: text, Label: text}}, Enclosures: []feeds.Enclosure{{URL: "https://e.example/" + text, Type: text, Length: -1}},
		Links:      []feeds.Link{{Rel: "via", URL: "https://e.example/" + text, Type: text, Language: text, Title: text}, {Rel: text, URL: text}},
		Origin:     &feeds.Origin{ID: text, Title: text, Self: "https://e.example/" + text, Link: text, Rights: text, Authors: person},
		Categories: []feeds.CategoryName{{Slug: text, Title: text}}, Image: text,
	}
}

// strictText is the text of an XML document, or why a parser would not take it. It is
// not the code that is tested: it looks at tokens with their namespaces.
func strictText(b []byte) (string, error) {
	dec := xml.NewDecoder(bytes.NewReader(b))
	var text strings.Builder
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return text.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.Comment, xml.ProcInst, xml.Directive:
			return "", errors.New("it holds what no stanza may")
		case xml.StartElement:
			if t.Name.Space != "http://www.w3.org/2005/Atom" && t.Name.Space != "http://www.w3.org/1999/xhtml" {
				return "", errors.New("it holds an element of " + t.Name.Space)
			}
		}
	}
}

func FuzzAnyEntryIsASafePayload(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e := hostileEntry(text)
		id, payload, err := Item(testPlanet, e, pubsubName, cut(text, 200))
		if err != nil {
			t.Fatal(err)
		}
		if len(payload) > maxPayload || !utf8.Valid(payload) || !isItemID(id) {
			t.Errorf("item %s has %d bytes", id, len(payload))
		}
		if _, err := strictText(payload); err != nil {
			t.Errorf("%v in %q", err, payload)
		}
	})
}

func FuzzXHTMLSaysWhatTheHTMLSaid(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean := feeds.Sanitize(text, "https://e.example/")
		got, err := strictText([]byte("<div xmlns='http://www.w3.org/1999/xhtml'>" + xhtml(clean) + "</div>"))
		if err != nil {
			t.Fatalf("%v in %q", err, clean)
		}
		want := strings.ReplaceAll(line(feeds.PlainText(clean)), " ", "") // which puts blanks between blocks
		if got = strings.ReplaceAll(line(got), " ", ""); got != want {
			t.Errorf("%q says %q, want %q", clean, got, want)
		}
		// Whatever it is given, it must be well-formed.
		if _, err := strictText([]byte("<div xmlns='http://www.w3.org/1999/xhtml'>" + xhtml(text) + "</div>")); err != nil {
			t.Errorf("%v in %q", err, text)
		}
	})
}

func FuzzWhatIsSentCanBeRead(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if wellFormed([]byte(text)) == nil {
			if _, err := strictText([]byte("<entry xmlns='http://www.w3.org/2005/Atom'>" + text + "</entry>")); err != nil && !strings.Contains(err.Error(), "an element of") {
				t.Errorf("%v in %q, which was let through", err, text)
			}
		}
		b, err := (stanza{Name: "iq", Type: text, ID: text, From: text, To: text}).bytes()
		if err == nil && len(b) > maxStanza {
			t.Errorf("a stanza of %d bytes is sent", len(b))
		}
	})
}
