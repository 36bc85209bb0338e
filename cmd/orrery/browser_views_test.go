//go:build !race

// The race detector finds nothing in a browser, and what it is shown is served under it elsewhere.

package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// view is a page of the planet.
type view struct {
	name    string
	address string // from the root
	status  int64
	html    string // as the planet sent it
}

// get asks the planet for a page that has to be there.
func (p *shownPlanet) get(t testing.TB, address string) string {
	t.Helper()
	status, _, body := p.ask(t, address)
	if status != http.StatusOK {
		t.Fatalf("%s answers %d", address, status)
	}
	return body
}

func (p *shownPlanet) ask(t testing.TB, address string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.address+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

// links are the addresses in a page that a pattern matches whole, each once.
func links(html, pattern string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`href="(`+pattern+`)"`).FindAllStringSubmatch(html, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}

// link is the first of links, which has to be there.
func link(t testing.TB, html, pattern string) string {
	t.Helper()
	list := links(html, pattern)
	if len(list) == 0 {
		t.Fatalf("there is no link to %s in\n%.2000s", pattern, html)
	}
	return list[0]
}

var anArticle = regexp.MustCompile(`(?s)<article.*?</article>`)

// views are one page of every kind, and of sources that are odd.
func (p *shownPlanet) views(t *testing.T) []view {
	t.Helper()
	p.found(t, "/search?q=toad")
	lists := p.get(t, "/categories/")
	also := ""
	for _, a := range anArticle.FindAllString(p.get(t, "/source/xsf/"), -1) {
		if strings.Contains(a, `class="also"`) {
			also = link(t, a, `/entry/[^"]+/`)
		}
	}
	if also == "" {
		t.Error("no post of the folder is also elsewhere")
	}
	list := []view{
		{name: "home", address: "/"},
		{name: "a numbered page", address: "/page/1/"},
		{name: "titles", address: "/titles/"},
		{name: "a category", address: "/category/xmpp-summit/"},
		{name: "a source", address: "/source/xsf/"},
		{name: "how a source is doing", address: "/source/xsf/why/"},
		{name: "how a source that is gone is doing", address: "/source/gone/why/"},
		{name: "an author", address: link(t, p.get(t, "/source/xsf/"), `/author/[^"]+/`)},
		{name: "a language", address: link(t, lists, `/language/[^"]+/`)},
		{name: "months", address: "/archive/"},
		{name: "a month", address: link(t, p.get(t, "/archive/"), `/archive/2022/\d+/`)},
		{name: "a post that is also elsewhere", address: also},
		{name: "a post with versions", address: link(t, p.get(t, "/source/edited/"), `/entry/[^"]+/`)},
		{name: "a source from right to left", address: "/source/arabic/"},
		{name: "a post from right to left", address: link(t, p.get(t, "/source/arabic/"), `/entry/[^"]+/`)},
		{name: "a post that was taken off", address: "/entry/" + p.hidden + "/", status: http.StatusGone},
		{name: "categories", address: "/categories/"},
		{name: "sources", address: "/sources/"},
		{name: "search", address: "/search"},
		{name: "a search", address: "/search?q=xmpp+summit"},
		{name: "a search for nothing", address: "/search?q=nosuchword"},
		{name: "status", address: "/status/"},
		{name: "about", address: "/about/"},
		{name: "a page that is not there", address: "/nowhere/", status: http.StatusNotFound},
	}
	for i := range list {
		v := &list[i]
		if v.status == 0 {
			v.status = http.StatusOK
		}
		var status int
		if status, _, v.html = p.ask(t, v.address); int64(status) != v.status {
			t.Errorf("%s answers %d, want %d", v.address, status, v.status)
		}
	}
	return list
}

// found waits until what is posted is found: the index follows behind.
func (p *shownPlanet) found(t *testing.T, address string) {
	t.Helper()
	deadline := patienceEnds()
	for why := "x"; why != ""; {
		if why = answerDiffers("http://"+p.address+address, "200", []string{"<mark>"}); why != "" && deadline() {
			t.Fatalf("%s: %s", address, why)
		}
	}
}

// odd are the pages of every source.
func (p *shownPlanet) odd() []view {
	var list []view
	for _, slug := range p.slugs {
		list = append(list, view{name: "source " + slug, address: "/source/" + slug + "/", status: http.StatusOK})
	}
	return list
}

// inSight waits for the pictures that a person sees at once.
const inSight = `Promise.all(Array.from(document.images).filter(i => i.checkVisibility() && i.getBoundingClientRect().top < innerHeight)
	.map(i => i.decode().catch(() => {}))).then(() => true)`

// visit opens a view, and reports what the browser has to complain of, and whom it
// asks for anything but pictures of posts, if that is not the planet. It returns how
// many pictures there were, and how many bytes came from the planet.
func (v *tab) visit(w view) (pictures int, received float64) {
	v.t.Helper()
	v.missing = ""
	if w.status >= 400 {
		v.missing = shownURL + strings.TrimPrefix(w.address, "/")
	}
	if status := v.open(w.address); status != w.status {
		v.t.Errorf("%s, %s: status %d, want %d", w.name, w.address, status, w.status)
	}
	_ = eval[bool](v, inSight) // what is said while it loads has been said by then
	said, strange, pictures, received := v.forget()
	for _, s := range said {
		v.t.Errorf("%s, %s: %s", w.name, w.address, s)
	}
	for _, s := range strange {
		v.t.Errorf("%s, %s asks for %s", w.name, w.address, s)
	}
	return pictures, received
}

// Weights that pages may have (pages.md), in bytes.
const (
	heaviestPage  = 100 << 10 // of HTML without the posts' own text
	heaviestRow   = 700       // of what lists all sources or categories, however many there are
	heaviestStyle = 20 << 10
)

// ownWeight is how much HTML a page is without what others wrote.
const ownWeight = `(() => {
const page = document.documentElement.cloneNode(true);
for (const e of page.querySelectorAll(".text, .excerpt, .differs, .u-url, .u-uid > .hidden")) e.replaceChildren();
return new Blob([page.outerHTML]).size;
})()`

// viewsAreLight opens every view as a person does who comes for the first time, and
// weighs it.
func viewsAreLight(t *testing.T, b *browser) {
	all := 0
	for _, w := range b.views {
		v := b.tab(t)
		v.look(1440, "light")
		v.do(command(network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true}))
		pictures, received := v.visit(w)
		own, rows := eval[int](v, ownWeight), eval[int](v, `document.querySelectorAll("main :is(.sources, .columns, tbody) > *").length`)
		t.Logf("%-35s %4d KB of HTML, %3d KB without posts, %3.0f KB received, %d rows, %d posts, %d pictures", w.name, len(w.html)>>10, own>>10, received/1024, rows, strings.Count(w.html, "<article"), pictures)
		if most := max(heaviestPage, rows*heaviestRow); own > most {
			t.Errorf("%s, %s: %d bytes of HTML without the posts' own text, want at most %d", w.name, w.address, own, most)
		}
		if own < 1000 || received < 500 {
			t.Errorf("%s, %s: %d bytes of its own, %v received; the test looks in the wrong place", w.name, w.address, own, received)
		}
		if strings.Contains(w.html, `class="stale"`) {
			t.Errorf("%s, %s says that the planet has not looked", w.name, w.address)
		}
		all += pictures
	}
	if all == 0 {
		t.Error("no picture was asked for; the test looks in the wrong place")
	}
	if style := b.planet.get(t, link(t, b.views[0].html, `/[^"]+\.css`)); len(style) > heaviestStyle || len(style) < 1000 {
		t.Errorf("the style sheet has %d bytes, want at most %d", len(style), heaviestStyle)
	}
}

// viewsNameFeeds asks for every feed that a view names.
func viewsNameFeeds(t *testing.T, b *browser) {
	v := b.tab(t)
	kept := map[string]string{}
	for _, w := range b.views {
		v.open(w.address)
		named := eval[[][2]string](v, `Array.from(document.querySelectorAll("link[rel=alternate]"), l => [l.type, l.href])`)
		var types []string
		for _, n := range named {
			types = append(types, n[0])
			path, ours := strings.CutPrefix(n[1], shownURL)
			if !ours {
				t.Errorf("%s, %s: the feed is %s", w.name, w.address, n[1])
				continue
			}
			if kept[path] == "" {
				status, header, body := b.planet.ask(t, "/"+path)
				mediaType, _, _ := strings.Cut(header.Get("Content-Type"), ";")
				kept[path] = fmt.Sprintf("%d %s %v", status, mediaType, len(body) > 100)
			}
			if want := "200 " + n[0] + " true"; kept[path] != want {
				t.Errorf("%s, %s: %s answers %s, want %s", w.name, w.address, n[1], kept[path], want)
			}
		}
		for _, want := range []string{"application/atom+xml", "application/rss+xml", "application/feed+json"} {
			if !slices.Contains(types, want) {
				t.Errorf("%s, %s: names no feed that is %s", w.name, w.address, want)
			}
		}
	}
	t.Logf("%d feeds", len(kept))
}
