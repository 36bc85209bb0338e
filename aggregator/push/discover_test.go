package push

import (
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

func TestHeadersComeBeforeTheDocument(t *testing.T) {
	const at = "https://blog.example/dir/feed?x"
	document := &feeds.Feed{Hubs: []string{"https://hub.example/doc"}, Self: "https://blog.example/self"}
	for _, c := range []struct {
		name  string
		links []string
		feed  *feeds.Feed
		hubs  string
		topic string
	}{
		{"nothing", nil, nil, "", at},
		{"document", nil, document, "https://hub.example/doc", "https://blog.example/self"},
		{"document without self", nil, &feeds.Feed{Hubs: document.Hubs}, "https://hub.example/doc", at},
		{"headers", []string{`<https://hub.example/a>; rel="hub", <https://blog.example/h>; rel=self`}, document, "https://hub.example/a", "https://blog.example/h"},
		{"hub in a header, self in the document", []string{`<https://hub.example/a>; rel="hub"`}, document, "https://hub.example/a", "https://blog.example/self"},
		{"several headers and hubs", []string{`<../a>;rel="hub"`, `<b>; title="x, <y>; rel=hub"; rel="HUB next"; rel=self`, `<b>; rel=hub`}, nil, "https://blog.example/a https://blog.example/dir/b", at},
		{"other links", []string{`<https://x.example/>; rel=alternate; hub`, `<javascript:x>; rel=hub`, `<`, `<x`, `;rel=hub`}, nil, "", at},
		{"quoted", []string{`<https://hub.example/a>; rel="h\ub"`}, nil, "https://hub.example/a", at},
	} {
		hubs, topic := Discover(at, c.links, c.feed)
		if got := strings.Join(hubs, " "); got != c.hubs || topic != c.topic {
			t.Errorf("%s: %q, %s", c.name, got, topic)
		}
	}
}

func TestHubsOverHTTPSAreChosen(t *testing.T) {
	for want, hubs := range map[string][]string{
		"":                  {"ftp://a/", "", "https://", "https://a.example/#x"},
		"http://a.example/": {"x", "http://a.example/", "http://b.example/"},
		"https://b.example": {"http://a.example/", "https://b.example", "https://c.example"},
	} {
		if got := choose(hubs); got != want {
			t.Errorf("%q: %s", hubs, got)
		}
	}
}

func TestLeaseIsWhatTheHubSays(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"": leaseAsked, "x": leaseAsked, "0": leaseAsked, "-1": leaseAsked, "1": time.Second, "86400": 24 * time.Hour, "9223372036854775807": leaseMost,
	} {
		if got := readLease(in, leaseAsked); got != want {
			t.Errorf("%q is %s", in, got)
		}
	}
}

func TestWaitsDouble(t *testing.T) {
	for tries, want := range map[int]time.Duration{-1: firstRetry, 0: firstRetry, 1: 2 * firstRetry, 3: 8 * firstRetry, 9: lastRetry, 1000: lastRetry} {
		if got := backoff(tries, 0); got != want {
			t.Errorf("%d: %s", tries, got)
		}
		if got := backoff(tries, 0.99); got > lastRetry || got < want {
			t.Errorf("%d: %s", tries, got)
		}
	}
}

func FuzzSignatureIsTakenOrNot(f *testing.F) {
	f.Add("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "what do ya want for nothing?")
	f.Add("sha1=", "")
	f.Add("=", "x")
	f.Fuzz(func(t *testing.T, header, body string) {
		ok, err := checkSignature(header, "Jefe", strings.NewReader(body), true)
		if err != nil {
			t.Error(err)
		}
		if ok && len(header) < len("sha1=")+40 {
			t.Errorf("%q is taken", header)
		}
		if real, _ := checkSignature(header, "another", strings.NewReader(body), true); ok && real {
			t.Errorf("%q is everybody's", header)
		}
	})
}

func FuzzLinkHeaderNamesAddressesOrNothing(f *testing.F) {
	f.Add(`<https://hub.example/a>; rel="hub self"; title="\"", <b>;rel=hub`)
	f.Add(`<a>;rel="hub`)
	f.Add(`<>;;;=,`)
	f.Fuzz(func(t *testing.T, header string) {
		hubs, topic := Discover("https://blog.example/", []string{header}, nil)
		for _, a := range slices.Concat(hubs, []string{topic}) {
			if !strings.HasPrefix(a, "http") {
				t.Errorf("%q names %q", header, a)
			}
		}
		choose(hubs)
	})
}
