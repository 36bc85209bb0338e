package feeds

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds are the inputs of our own fixtures.
func seeds(f *testing.F) [][]byte {
	f.Helper()
	var out [][]byte
	for path, a := range archives(f, "read") {
		if filepath.Base(path) != "empty.txtar" {
			out = append(out, a.Files[0].Data)
		}
	}
	return out
}

// Whatever comes in, Read gives a feed or a sentence, and what we write of the
// feed is valid in every format.
func FuzzRead(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s, "")
	}
	f.Add([]byte(charsetDoc("koi8-r", "\xd0\xd2")), "text/xml; charset=koi8-r")
	f.Add([]byte(`{"version":"https://jsonfeed.org/version/1.1","items":[null]}`), "application/feed+json")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		if len(body) > 64<<10 {
			return
		}
		feed, err := Read(body, contentType, readAt)
		if err != nil {
			if s := Explain(err); s == "" || strings.ContainsAny(s, "\n\r") {
				t.Errorf("explained as %q", s)
			}
			return
		}
		Normalize(feed, readAt)
		tidy(t, feed)
		p := Planet{Title: "P", URL: "https://planet.example/"}
		for i := range feed.Entries {
			e := &feed.Entries[i]
			e.ID, e.Sort = PublicID(readAt+" "+e.GUID), day(1)
			e.Source = &Source{Slug: "s", URL: readAt, FeedID: feed.ID, FeedTitle: feed.Title, FeedLink: feed.Link, Rights: feed.Rights, Authors: feed.Authors}
			e.Categories = (&Rules{TagsAsCategories: true}).For(e, e.Source)
		}
		for format := range writers {
			g := p.Compose(View{Title: "P"}, "feed", feed.Entries)
			if len(g.Entries) == 0 && len(feed.Entries) > 0 {
				t.Errorf("all entries are left out: %q", g.Dropped)
			}
			writeValid(t, format, g)
		}
	})
}

// However a document is built, the scanner goes forward with every token, keeps
// within its bounds and takes nothing that is not there.
func FuzzScan(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(string(s))
	}
	f.Add("<a b='c' d=e/><![CDATA[x]]><!--<!-- --></a ><!DOCTYPE x [<!ENTITY a \"]>\">]><?p ?>&#1;<<a/ =></")
	f.Fuzz(func(t *testing.T, text string) {
		x := scanner{s: text}
		for last := 0; ; last = x.pos {
			tok := x.next()
			if tok == tokenEnd {
				break
			}
			if x.pos <= last || x.pos > len(text) || x.depth < 0 || x.depth > maxDepth || len(x.attrs) > maxAttrs {
				t.Fatalf("%q: at %d after %d, depth %d, %d attributes", text, x.pos, last, x.depth, len(x.attrs))
			}
			taken := text[last:x.pos]
			switch tok {
			case tokenText, tokenCDATA:
				if !strings.Contains(taken, x.text) {
					t.Errorf("%q: text %q is not in %q", text, x.text, taken)
				}
			case tokenOpen, tokenClose:
				if x.name == "" || !strings.Contains(taken, x.name) {
					t.Errorf("%q: name %q is not in %q", text, x.name, taken)
				}
			}
		}
		if x.pos != len(text) {
			t.Errorf("%q: it ended at %d", text, x.pos)
		}
	})
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{
		`<p onclick=x>a<p>b</div><a href="java&#9;script:x">c</a>`, `<svg><style><img src=x onerror=y></style></svg>`, `<li><table><td><li>`,
		`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`, "a<b>\x00&#0;\r\n\u212A",
		`<noscript><p title="</noscript><img src=x onerror=y>">`, `<iframe src=//x/><video><source src=y></video>`, `<a><h1><a></h1></p></br>`,
		`<img data-src="a" src='"' alt="">`, `<plaintext><xmp></plaintext>`, `"'>&amp;&lt;`, `<table><caption><table><tr></caption>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got := sanitized(t, in)
		low := strings.ToLower(got)
		if strings.Contains(low, "<script") || strings.Contains(low, `="javascript:`) || !utf8.ValidString(got) || clean(got) != got {
			t.Errorf("Sanitize(%q) = %q", in, got)
		}
		if s := PlainText(got); strings.ContainsAny(s, "\n\t") || clean(s) != s {
			t.Errorf("PlainText(%q) = %q", got, s)
		}
		if s := Excerpt(in, 100); len(s) > 100 || !utf8.ValidString(s) {
			t.Errorf("Excerpt(%q) = %q", in, s)
		}
	})
}

func FuzzCanonicalURL(f *testing.F) {
	for _, s := range []string{
		"https://www.b.example:443/a/index.html?utm_source=x&b=%7e#!f", "http://[::1]/%2f//", "HTTP://bücher.example./?ref=b&&a", "https://www.www.x/",
		"http://a:b@c/%zz", "https://xn--/", "http://[fe80::1%25en0]/", "http://a/index.html/index.php/", "http://a/?%26=%3D",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		c := CanonicalURL(in)
		if c == "" {
			return
		}
		if again := CanonicalURL("https://" + c); again != c {
			t.Errorf("CanonicalURL(%q) = %q, again %q", in, c, again)
		}
		if strings.ContainsAny(c, " \n\t") || !utf8.ValidString(c) {
			t.Errorf("CanonicalURL(%q) = %q", in, c)
		}
	})
}

func FuzzReadOPML(f *testing.F) {
	f.Add([]byte(`<opml version="2.0"><head><title>T</title></head><body><outline text="A & B" xmlUrl="feed://a/?b&c" category="/x,/y"><outline/></outline></body></opml>`))
	f.Add([]byte("<?xml version='1.0' encoding='koi8-r'?><OPML><outline text='\xd0' xmlurl='x'>"))
	f.Add([]byte(`<!DOCTYPE x [<!ENTITY a "b">]><opml><outline title="&a;" xmlUrl="http://a/"/></opml>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := ReadOPML(data)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := WriteOPML(&b, o); err != nil {
			t.Fatal(err)
		}
		back, err := ReadOPML(b.Bytes())
		if b.Len() > maxOPML {
			return
		}
		if err != nil || len(back.Outlines) != len(o.Outlines) {
			t.Fatalf("%v: %d feeds of %d come back of\n%s", err, len(back.Outlines), len(o.Outlines), b.Bytes())
		}
		for i := range o.Outlines {
			if back.Outlines[i].FeedURL != o.Outlines[i].FeedURL {
				t.Errorf("%q comes back as %q", o.Outlines[i].FeedURL, back.Outlines[i].FeedURL)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(charsetDoc("utf-8", "ä\xff")), "text/xml; charset=latin1")
	f.Add([]byte(utf16Bytes(charsetDoc("", "\U0001F600"), false, true)), "")
	f.Add([]byte("\x1b$B\x1b(B&#0;&#xD800;&#x110000;"), "a/b; charset=iso-2022-jp")
	f.Add([]byte("\xFF\xFE\x00\xD8"), `;charset="`)
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		text, label, _ := decode(body, contentType)
		if !utf8.ValidString(text) || clean(text) != text || strings.HasPrefix(text, "\uFEFF\uFEFF") {
			t.Errorf("decode(%q, %q) = %q", body, contentType, text)
		}
		if label == "" || label != strings.ToLower(label) {
			t.Errorf("label %q", label)
		}
		if plain := unescape(text); !isClean(plain) {
			t.Errorf("unescape(%q) = %q", text, plain)
		}
	})
}
