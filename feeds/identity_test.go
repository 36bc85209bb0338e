package feeds

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCanonicalURLComparesWhatIsTheSame(t *testing.T) {
	table(t, "CanonicalURL", CanonicalURL, map[string]string{
		"https://b.example/post":                 "b.example/post",
		"http://b.example/post/":                 "b.example/post",
		"HTTPS://WWW.B.Example/post//":           "b.example/post",
		"https://b.example.:443/post#frag":       "b.example/post",
		"http://b.example:80/post?":              "b.example/post",
		"https://b.example:8443/post":            "b.example:8443/post",
		"https://b.example/Post":                 "b.example/Post",
		"https://b.example/post/index.html":      "b.example/post",
		"https://b.example/index.php":            "b.example",
		"https://b.example/index.html/index.htm": "b.example",
		"https://b.example/myindex.html":         "b.example/myindex.html",
		"https://b.example/":                     "b.example",
		"https://b.example/#!/post":              "b.example#!/post",
		"https://b.example/%7eann/%C3%a4":        "b.example/~ann/%C3%A4",
		"https://b.example/~ann/ä":               "b.example/~ann/%C3%A4",
		"https://b.example/a%2fb":                "b.example/a%2Fb",
		"https://b.example/a/b":                  "b.example/a/b",
		"https://b.example/a%20b":                "b.example/a%20b",
		"https://bücher.example/x":               "xn--bcher-kva.example/x",
		"https://b.example/p?b=2&a=1":            "b.example/p?a=1&b=2",
		"https://b.example/p?a=%7e&&":            "b.example/p?a=~",
	})
}

func TestCanonicalURLDropsWhereAReaderCameFrom(t *testing.T) {
	table(t, "CanonicalURL", CanonicalURL, map[string]string{
		"https://b.example/p?utm_source=x&UTM_Medium=y":  "b.example/p",
		"https://b.example/p?mtm_x=1&fbclid=2&id=3":      "b.example/p?id=3",
		"https://b.example/p?igshid=1&igshidx=2&gclid=3": "b.example/p",
		"https://b.example/p?ref=b.example":              "b.example/p",
		"https://blog.b.example/p?ref=b.example":         "blog.b.example/p",
		"https://www.b.example/p?ref=b.example":          "b.example/p",
		"https://b.example/p?ref=e":                      "b.example/p?ref=e",
		"https://b.example/p?ref=example":                "b.example/p?ref=example",
		"https://b.example/p?ref=other.example":          "b.example/p?ref=other.example",
		"https://b.example/p?ref=":                       "b.example/p?ref=",
		"https://user:pass@b.example/p":                  "b.example/p",
		"https://[::1]/p":                                "[::1]/p",
		"https://[2001:DB8::1]:8080/p":                   "[2001:db8::1]:8080/p",
		"  https://b.example/p ":                         "b.example/p",
		"ftp://b.example/p":                              "",
		"mailto:a@b.example":                             "",
		"/p":                                             "",
		"b.example/p":                                    "",
		"https://":                                       "",
		"https://b.example/%zz":                          "",
		"":                                               "",
	})
}

func TestKeysAreWhatAPostHasInCommonWithItsCopies(t *testing.T) {
	tests := []struct {
		name string
		e    Entry
		want []Key
	}{
		{"the GUID first, then the permalink, then aliases", Entry{
			GUID: "tag:b.example,2026:1", GUIDGlobal: true, Permalink: "https://b.example/1", Aliases: []string{"https://b.example/old"},
		}, []Key{{KeyGlobal, "id:tag:b.example,2026:1"}, {KeyLink, "url:b.example/1"}, {KeyAlias, "url:b.example/old"}}},
		{"a GUID that is the permalink counts once", Entry{GUID: "http://www.b.example/1/", GUIDGlobal: true, Permalink: "https://b.example/1"},
			[]Key{{KeyGlobal, "url:b.example/1"}}},
		{"a number is nobody else's business", Entry{GUID: "42", Permalink: "https://b.example/1"}, []Key{{KeyLink, "url:b.example/1"}}},
		{"a front page is no post", Entry{GUID: "https://b.example/", GUIDGlobal: true, Permalink: "https://b.example"}, nil},
		{"a page that scripts show is one", Entry{Permalink: "https://b.example/#!p"}, []Key{{KeyLink, "url:b.example#!p"}}},
		{"a query names a post", Entry{Permalink: "https://b.example/?p=1"}, []Key{{KeyLink, "url:b.example?p=1"}}},
		{"nothing", Entry{}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.e.Keys(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func sample() Entry {
	return Entry{
		GUID: "1", Permalink: "https://b.example/1", Title: "T", Summary: "s", Content: "<p>c  d</p>", Language: "en",
		Authors: []Person{{Name: "Ann", Email: "a@b.example", URL: "https://a.example/"}}, Tags: []Tag{{Term: "t", Scheme: "s", Label: "l"}},
		Enclosures: []Enclosure{{URL: "https://b.example/1.mp3", Type: "audio/mpeg", Length: 1}},
	}
}

func TestHashChangesWithWhatAReaderWouldNotice(t *testing.T) {
	original := sample()
	for name, change := range map[string]func(*Entry){
		"title":     func(e *Entry) { e.Title = "U" },
		"permalink": func(e *Entry) { e.Permalink = "https://b.example/2" },
		"summary":   func(e *Entry) { e.Summary = "" },
		"content":   func(e *Entry) { e.Content = "<p>c e</p>" },
		"language":  func(e *Entry) { e.Language = "de" },
		"author":    func(e *Entry) { e.Authors[0].Name = "Bob" },
		"tag":       func(e *Entry) { e.Tags[0].Label = "m" },
		"enclosure": func(e *Entry) { e.Enclosures[0].URL = "https://b.example/2.mp3" },
		"alias":     func(e *Entry) { e.Aliases = []string{"https://b.example/0"} },
		"group":     func(e *Entry) { e.Group = "g" },
		"moved":     func(e *Entry) { e.Title, e.Summary = "Ts", "" },
	} {
		e := sample()
		change(&e)
		if e.Hash() == original.Hash() {
			t.Errorf("another %s is no revision", name)
		}
	}
	for name, change := range map[string]func(*Entry){
		"white space": func(e *Entry) { e.Content = "\n<p>c d</p> " },
		"dates":       func(e *Entry) { e.Updated, e.Published = time.Now(), time.Now() },
		"GUID":        func(e *Entry) { e.GUID = "2" },
		"mail":        func(e *Entry) { e.Authors[0].Email = "" },
		"length":      func(e *Entry) { e.Enclosures[0].Length = 2 },
	} {
		e := sample()
		change(&e)
		if e.Hash() != original.Hash() {
			t.Errorf("another %s is taken for a revision", name)
		}
	}
}

// These are in addresses and ids that others have: they may never change.
func TestPublicIDsNeverChange(t *testing.T) {
	if got := PublicID("url:b.example/1"); got != "pjktg3hufg" {
		t.Errorf("PublicID is %q now", got)
	}
	if got := LongID("url:b.example/1"); got != "pjktg3hufgz3qf6fm6pn" {
		t.Errorf("LongID is %q now", got)
	}
	e := sample()
	if got := e.Identity("https://b.example/feed"); got != "url:b.example/1" {
		t.Errorf("Identity is %q now", got)
	}
	e.Permalink = ""
	if got := e.Identity("https://b.example/feed"); got != "https://b.example/feed 1" {
		t.Errorf("without a key Identity is %q now", got)
	}
	if got, want := e.Hash(), "498f44174f4657ee0b14076e69f04fb5"; got != want {
		t.Errorf("Hash is %q now: every stored entry would be a revision", got)
	}
}

func TestGUIDsThatNameThePostForEverybody(t *testing.T) {
	for s, want := range map[string]bool{
		"https://b.example/1": true, "tag:b.example,2026:1": true, "urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6": true,
		"yt:video:abc": true, "xmpp:a@b/c": true, "http://bücher.example/ä": true,
		"1": false, "": false, "/p": false, "https:///p": false, "javascript:alert(1)": false, "data:x": false, "post:7": false,
		"https://b.example/a b": false, "tag:": false, "a b": false, `https://b.example/"`: false,
	} {
		if got := isURI(s); got != want {
			t.Errorf("isURI(%q) = %v", s, got)
		}
	}
}

func TestPermalinksLoseTheirTrackingAndNothingElse(t *testing.T) {
	table(t, "withoutTracking", withoutTracking, map[string]string{
		"https://a.example/b":                              "https://a.example/b",
		"https://a.example/b?z=1&a=2":                      "https://a.example/b?z=1&a=2",
		"https://a.example/b?utm_source=rss&z=1&UTM_x=y#c": "https://a.example/b?z=1#c",
		"https://a.example/b?fbclid=1":                     "https://a.example/b",
		"https://a.example/b?a=%20&&b":                     "https://a.example/b?a=%20&&b",
		"https://a.example/b#?utm_source=x":                "https://a.example/b#?utm_source=x",
	})
}

// The hash is that of the fields with their white space collapsed: one of another
// program would call every post revised.
func TestHashTakesTheWordsOfATextWhateverStandsBetweenThem(t *testing.T) {
	plain := func(s string) string {
		s = strings.Join(strings.Fields(s), " ")
		sum := sha256.Sum256([]byte(fmt.Sprintf("%d:%s;", len(s), s)))
		return hex.EncodeToString(sum[:])
	}
	for _, s := range []string{"", " ", "a", " a  b\n\tc ", "é\u00A0\u00A0ü \u2003x\u3000", "\xff \xfe", "<p>a</p>\r\n<p>b</p>\r\n", "a\u0085b", "日本　語"} {
		h := hasher{Hash: sha256.New()}
		h.words("before it something longer, since the buffer is used again")
		h.Reset()
		h.words(s)
		if got := hex.EncodeToString(h.Sum(nil)); got != plain(s) {
			t.Errorf("%q: not its words", s)
		}
	}
}
