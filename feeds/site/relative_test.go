package site

import (
	"html"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Wherever the tree is put: no page needs the planet's base, nor the name of its host.
func TestRelativeTreeWorksAtAnyAddress(t *testing.T) {
	for _, base := range []string{"/", "/below/here/"} {
		planet := "https://planet.example" + base
		s := newSite(t, newFake(), func(o *Options) { o.Planet.URL, o.About = planet, "<p>We.</p>" })
		plain, dir := filepath.Join(t.TempDir(), "plain"), filepath.Join(t.TempDir(), "out")
		build(t, s, plain)
		r, err := s.Build(t.Context(), dir, BuildOptions{Relative: true})
		if err != nil {
			t.Fatal(err)
		}
		was, n := files(t, plain), 0
		for name, page := range files(t, dir) {
			if !strings.HasSuffix(name, ".html") && name != manifestFile || name == errorPage {
				if page != was[name] {
					t.Errorf("%s is another file", name)
				}
				continue
			}
			for _, link := range regexp.MustCompile(`(?:href=|src=|action=|"start_url": |"scope": |"src": )"([^"]*)"|url=([^"]*)"`).FindAllStringSubmatch(page, -1) {
				n++
				if to := link[1] + link[2]; strings.HasPrefix(to, "/") {
					t.Errorf("%s: %s", name, to)
				}
			}
			// From where it was meant to be, each link leads where it led before.
			if got, want := leads(t, planet+name, page), leads(t, planet+name, was[name]); !slices.Equal(got, want) {
				t.Errorf("%s leads to\n%q, not to\n%q", name, got, want)
			}
		}
		if n < 1000 {
			t.Errorf("only %d links were looked at", n)
		}
		if broken, err := CheckLinks(dir, "https://other.example/some/where/"); err != nil || broken != nil {
			t.Errorf("at another address: %q, %v", broken, err)
		}
		again, err := s.Build(t.Context(), dir, BuildOptions{Relative: true})
		if err != nil || again.Unchanged != r.Files {
			t.Errorf("again: %+v, %v", again, err)
		}
	}
}

// leads are the addresses that a page at the address leads to.
func leads(t *testing.T, at, page string) (list []string) {
	t.Helper()
	from, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range hrefs.FindAllStringSubmatch(page, -1) {
		to, err := from.Parse(html.UnescapeString(link[1]))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, to.String())
	}
	return list
}

// What looks like an attribute in a text, or leads elsewhere, is left as it is.
func TestOnlyLinksOfThePlanetBecomeRelative(t *testing.T) {
	s := newSite(t, newFake())
	for in, want := range map[string]string{
		`<a HREF='/x/' class=b>y</a><A HREF=/x/ >z</A>`:          `<a href="../../x/" class="b">y</a><a href="../../x/">z</A>`,
		`<link rel="stylesheet" href="/s.css"/><p title="/x">`:   `<link rel="stylesheet" href="../../s.css"/><p title="/x">`,
		`<meta name="description" content="/x">`:                 `<meta name="description" content="/x">`,
		`<a href="/">x</a>`:                                      `<a href="../../">x</a>`,
		`<a class="b" href="/feed.atom?a=/b">x</a>`:              `<a class="b" href="../../feed.atom?a=/b">x</a>`,
		`<form action="/search"><img src="/a.svg"></form>`:       `<form action="../../search"><img src="../../a.svg"></form>`,
		`<meta http-equiv="refresh" content="0; url=/entry/x/">`: `<meta http-equiv="refresh" content="0; url=../../entry/x/">`,
		`<a href="//elsewhere.example/">x</a>`:                   `<a href="//elsewhere.example/">x</a>`,
		`<a href="https://a.example/">x</a><a href="#y">y</a>`:   `<a href="https://a.example/">x</a><a href="#y">y</a>`,
		`<code>a href="/x" src="/y"</code><a title=" href='/'">`: `<code>a href="/x" src="/y"</code><a title=" href='/'">`,
		`<!-- href="/" --><p>&lt;a href="/"&gt;`:                 `<!-- href="/" --><p>&lt;a href="/"&gt;`,
	} {
		if got, err := s.relative("category/x/index.html", []byte(in)); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
	odd := newSite(t, newFake(), func(o *Options) { o.Planet.URL = "https://planet.example/c++/it's(a)&b/" })
	if got, err := odd.relative("index.html", []byte(`<a href="/c&#43;&#43;/it%27s%28a%29&amp;b/x/?a&amp;b">`)); err != nil || string(got) != `<a href="./x/?a&amp;b">` {
		t.Errorf("%s, %v", got, err)
	}
	for file, want := range map[string]string{"index.html": `<a href="./x/">`, errorPage: `<a href="/x/">`, "a/feed.atom": `<a href="/x/">`} {
		if got, err := s.relative(file, []byte(`<a href="/x/">`)); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", file, got, err)
		}
	}
}
