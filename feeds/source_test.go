package feeds

import (
	"testing"
	"time"
)

func TestConditionNamesWhatKeepsASourceFromBeingVisitedFirst(t *testing.T) {
	at := time.Unix(1e9, 0)
	failing := State{LastVisit: at, Failures: 2, LastError: "no"}
	held, gone := failing, failing
	held.Held, gone.Gone = true, true
	for _, c := range []struct {
		want   string
		source Source
	}{
		{"ok", Source{State: State{LastVisit: at}}},
		{"moved", Source{State: State{LastVisit: at}, Address: "https://b.example/"}},
		{"partly", Source{State: State{LastVisit: at, LastError: "one post"}, Address: "https://b.example/"}},
		{"failing", Source{State: failing}},
		{"new", Source{}},
		{"held", Source{State: held}},
		{"gone", Source{State: gone}},
		{"same as b", Source{State: gone, SameAs: "b"}},
		{"paused", Source{State: gone, SameAs: "b", Paused: true}},
		{"retired", Source{State: gone, SameAs: "b", Paused: true, Retired: true}},
	} {
		if got := c.source.Condition(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestPublicErrorTellsNeitherPasswordsNorFolders(t *testing.T) {
	const remote, local = "https://name:secret@b.example/feed", "file:///srv/my%20secret/posts"
	for _, c := range []struct{ url, in, want string }{
		{remote, "the server answered 404 (not found)", "the server answered 404 (not found)"},
		{remote, "its feed is no longer at " + remote + ", its site names HTTP://u@b.example/new instead", "its feed is no longer at https://b.example/feed, its site names HTTP://b.example/new instead"},
		{remote, `the address "https://a:s@ecret@b.example/%zz" cannot be read`, `the address "https://b.example/%zz" cannot be read`},
		{remote, "one: https://b.example/?mail=a@b.example\ntwo", "one: https://b.example/?mail=a@b.example\ntwo"},
		{remote, "put them into the address as https://name:password@host/", "put them into the address as https://name:password@host/"},
		{remote, "look into /srv/my secret/posts", "look into /srv/my secret/posts"},
		{local, "the folder /srv/my secret/posts does not exist; create it", "the folder does not exist; create it"},
		{local, "/srv/my secret/posts: more than 1000000 files", "the folder: more than 1000000 files"},
		{local, "the folder " + local + ": no", "the folder: no"},
		{local + "/", "the folder /srv/my secret/posts/ does not exist", "the folder does not exist"},
		{local, "a.md: /:year/ needs a date", "a.md: /:year/ needs a date"},
		{"file:///", "the folder / cannot be read", "the folder / cannot be read"},
	} {
		s := Source{URL: c.url, State: State{LastError: c.in}}
		if got := s.PublicError(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.in, got, c.want)
		}
	}
}

// fetching.md 35.
func TestDomainIsWhoseServersAreAskedInTurn(t *testing.T) {
	for address, want := range map[string]string{
		"https://blog.example.org/feed":      "example.org",
		"https://WWW.Example.ORG:8443/feed":  "example.org",
		"http://example.org./feed":           "example.org",
		"https://a.b.example.co.uk/":         "example.co.uk",
		"https://alice.github.io/feed":       "alice.github.io", // a suffix where everybody may have one
		"https://github.io/":                 "github.io",
		"http://192.0.2.7:8080/feed":         "192.0.2.7:8080",
		"http://[2001:DB8::1]:8080/feed":     "[2001:db8::1]:8080",
		"http://localhost:8080/feed":         "localhost:8080",
		"https://user:secret@a.example.org/": "example.org",
		"https://blog.müller.de/":            "xn--mller-kva.de",
		"https://xn--mller-kva.de/":          "xn--mller-kva.de",
		"https://a.b.公司.cn/":                 "b.xn--55qx5d.cn",
		"file:///srv/posts":                  "",
		"https://":                           "",
		"http://.":                           ".",
		"::":                                 "",
	} {
		if got := DomainOf(address); got != want {
			t.Errorf("DomainOf(%q) = %q, want %q", address, got, want)
		}
	}
}
