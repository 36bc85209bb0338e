package site

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

func TestConditionalRequestsFollowTheOrderOfTheRFC(t *testing.T) {
	s := newSite(t, newFake())
	first := get(s, "/feed.atom")
	wantStatus(t, first, 200)
	etag, modified := first.Header.Get("ETag"), first.Header.Get("Last-Modified")
	older := "Sun, 01 Mar 2020 12:00:00 GMT"
	newer := "Tue, 01 Dec 2026 12:00:00 GMT"
	proxied := strings.TrimSuffix(etag, `"`) + `-gzip"`
	for _, c := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"no condition", nil, 200},
		{"same tag", []string{"If-None-Match", etag}, 304},
		{"weak tag compares equal", []string{"If-None-Match", "W/" + etag}, 304},
		{"a list with the tag", []string{"If-None-Match", `"a,b", W/"c" ,` + etag + `, "d"`}, 304},
		{"a list over two lines", []string{"If-None-Match", `"a"`, "If-None-Match", etag}, 304},
		{"star", []string{"If-None-Match", "*"}, 304},
		{"a tag a proxy has marked", []string{"If-None-Match", proxied}, 304},
		{"another tag", []string{"If-None-Match", `"other"`}, 200},
		{"the tag without quotes is none", []string{"If-None-Match", strings.Trim(etag, `"`)}, 200},
		{"an unfinished tag is none", []string{"If-None-Match", strings.TrimSuffix(etag, `"`)}, 200},
		{"the same date", []string{"If-Modified-Since", modified}, 304},
		{"a later date", []string{"If-Modified-Since", newer}, 304},
		{"an earlier date", []string{"If-Modified-Since", older}, 200},
		{"no date at all", []string{"If-Modified-Since", "yesterday"}, 200},
		{"another tag wins over the date", []string{"If-None-Match", `"other"`, "If-Modified-Since", newer}, 200},
		{"the same tag wins over the date", []string{"If-None-Match", etag, "If-Modified-Since", older}, 304},
		{"an empty list is a list", []string{"If-None-Match", "", "If-Modified-Since", newer}, 200},
		{"if-match holds", []string{"If-Match", etag}, 200},
		{"if-match fails", []string{"If-Match", `"other"`}, 412},
		{"if-match is strong", []string{"If-Match", "W/" + etag}, 412},
		{"unmodified since", []string{"If-Unmodified-Since", newer}, 200},
		{"modified since", []string{"If-Unmodified-Since", older}, 412},
		{"if-match with a list", []string{"If-Match", `"other", ` + etag}, 200},
		{"if-match with a star", []string{"If-Match", "*"}, 200},
		{"if-match that cannot be read", []string{"If-Match", "nonsense"}, 412},
		{"if-match wins over the date", []string{"If-Match", etag, "If-Unmodified-Since", older}, 200},
		{"if-match holds and so does if-none-match", []string{"If-Match", etag, "If-None-Match", etag}, 304},
		{"if-match fails before anything else", []string{"If-Match", `"other"`, "If-None-Match", etag}, 412},
		{"a range is ignored", []string{"Range", "bytes=0-3"}, 200},
		{"ranges are ignored", []string{"Range", "bytes=0-3,7-9", "If-Range", etag}, 200},
		{"a range that cannot be is ignored", []string{"Range", "bytes=999999999-"}, 200},
		{"a range of something that is not modified", []string{"Range", "bytes=0-3", "If-None-Match", etag}, 304},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := get(s, "/feed.atom", c.headers...)
			wantStatus(t, r, c.want)
			if got := len(body(t, r)) > 0; got != (c.want == 200) {
				t.Errorf("has a body: %v with status %d", got, c.want)
			}
		})
	}
}

func TestWhatAConditionRefusesIsNotKept(t *testing.T) {
	s := newSite(t, newFake())
	r := get(s, "/feed.atom", "If-Match", `"other"`, "Accept-Encoding", "br")
	wantStatus(t, r, 412)
	wantHeader(t, r, "Cache-Control", "no-store")
	wantHeader(t, r, "Content-Length", "0")
	wantHeader(t, r, "Content-Encoding", "none")
	wantHeader(t, r, "Content-Type", "none")
}

func TestNotModifiedRepeatsWhatCachesNeed(t *testing.T) {
	s := newSite(t, newFake())
	for _, path := range []string{"/", "/feed.json", "/opml.xml"} {
		full := get(s, path, "Accept-Encoding", "gzip")
		bare := get(s, path, "Accept-Encoding", "gzip", "If-None-Match", full.Header.Get("ETag"))
		wantStatus(t, bare, 304)
		dated := get(s, path, "Accept-Encoding", "gzip", "If-Modified-Since", full.Header.Get("Last-Modified"))
		wantStatus(t, dated, 304)
		wantHeader(t, dated, "ETag", full.Header.Get("ETag"))
		for _, name := range []string{"ETag", "Last-Modified", "Cache-Control", "Vary", "Link", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"} {
			if bare.Header.Get(name) != full.Header.Get(name) {
				t.Errorf("%s: %s is %q in the 304 and %q in the 200", path, name, bare.Header.Get(name), full.Header.Get(name))
			}
		}
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Length"} {
			if bare.Header.Get(name) != "" {
				t.Errorf("%s: the 304 has %s", path, name)
			}
		}
	}
}

func TestHeadHasTheHeadersOfGet(t *testing.T) {
	s := newSite(t, newFake())
	for _, path := range []string{"/", "/feed.rss", "/sources/", "/entry/long/", "/nowhere", "/" + s.names.Style[1:]} {
		for _, coding := range []string{"identity", "gzip", "br", "zstd"} {
			g, h := get(s, path, "Accept-Encoding", coding), ask(s, http.MethodHead, path, "Accept-Encoding", coding)
			if g.StatusCode != h.StatusCode || !maps.EqualFunc(g.Header, h.Header, func(a, b []string) bool { return strings.Join(a, "|") == strings.Join(b, "|") }) {
				t.Errorf("%s: GET %d %v, HEAD %d %v", path, g.StatusCode, g.Header, h.StatusCode, h.Header)
			}
			if h.Header.Get("Content-Length") == "" || body(t, h) != "" {
				t.Errorf("%s: HEAD has length %q and a body of its own", path, h.Header.Get("Content-Length"))
			}
		}
	}
}

func TestEveryKindOfDocumentHasItsHeaders(t *testing.T) {
	s := newSite(t, newFake())
	for _, c := range []struct {
		path, typ, policy, self string
		open                    bool
	}{
		{"/", "text/html; charset=utf-8", pagePolicy, "https://planet.example/", false},
		{"/sources/", "text/html; charset=utf-8", pagePolicy, "https://planet.example/sources/", false},
		{"/feed.atom", "application/atom+xml; charset=utf-8", feedPolicy, "https://planet.example/feed.atom", true},
		{"/source/rook/feed.rss", "application/rss+xml; charset=utf-8", feedPolicy, "https://planet.example/source/rook/feed.rss", true},
		{"/category/g%C3%A4rten/feed.json", "application/feed+json", feedPolicy, "https://planet.example/category/g%C3%A4rten/feed.json", true},
		{"/opml.xml", "text/x-opml; charset=utf-8", feedPolicy, "https://planet.example/opml.xml", true},
	} {
		r := get(s, c.path)
		wantStatus(t, r, 200)
		wantHeader(t, r, "Content-Type", c.typ)
		wantHeader(t, r, "Content-Security-Policy", c.policy)
		wantHeader(t, r, "Link", "<"+c.self+`>; rel="self"`)
		wantHeader(t, r, "Cache-Control", "public, max-age=900, stale-while-revalidate=86400")
		wantHeader(t, r, "X-Content-Type-Options", "nosniff")
		wantHeader(t, r, "Referrer-Policy", "no-referrer")
		wantHeader(t, r, "Accept-Ranges", "none")
		vary := "Accept-Encoding"
		if strings.Contains(c.path, "/feed.") {
			vary += ", A-IM"
		}
		wantHeader(t, r, "Vary", vary)
		origin, expose := "none", "none"
		if c.open {
			origin, expose = "*", "ETag, Last-Modified, Link, Retry-After, IM, Delta-Base"
		}
		wantHeader(t, r, "Access-Control-Allow-Origin", origin)
		wantHeader(t, r, "Access-Control-Expose-Headers", expose)
	}
}

func TestLastModifiedIsInWholeSecondsAndNeverInTheFuture(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	wantHeader(t, get(s, "/"), "Last-Modified", "Sun, 01 Mar 2026 12:00:00 GMT")
	s.now = func() time.Time { return epoch.Add(-time.Hour) }
	r := get(s, "/", "If-Modified-Since", "Tue, 01 Dec 2026 12:00:00 GMT")
	wantStatus(t, r, 200)
	wantHeader(t, r, "Last-Modified", "none")
}

func TestOptionsAllowsOtherPagesToRevisitFeeds(t *testing.T) {
	r := ask(newSite(t, newFake()), http.MethodOptions, "/feed.atom", "Origin", "https://reader.example", "Access-Control-Request-Method", "GET")
	wantStatus(t, r, 204)
	wantHeader(t, r, "Access-Control-Allow-Origin", "*")
	wantHeader(t, r, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	wantHeader(t, r, "Access-Control-Allow-Headers", "A-IM, If-None-Match, If-Modified-Since")
}

func TestOtherMethodsAreRefused(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	for _, m := range []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"} {
		r := ask(s, m, "/")
		wantStatus(t, r, 405)
		wantHeader(t, r, "Allow", "GET, HEAD, OPTIONS")
	}
	if n := f.asked("all"); n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
}

func TestUnknownAddressesGetAPageThatLeadsHome(t *testing.T) {
	s := newSite(t, newFake())
	for _, path := range []string{
		"/nowhere", "/category/none/", "/category/none/feed.atom", "/source/none/", "/entry/none/", "/entry/long/feed.atom",
		"/entry/LONG/", "/feed.xml", "/category/", "/category//", "/categories/x", "/static/planet.css", "/index.html",
		"/category/%2E%2E/", "/category/..%2F..%2Fup/", "/category/a%00b/", "/category/%FF/", "/category/../up/", "//evil.example/",
	} {
		r := get(s, path)
		wantStatus(t, r, 404)
		wantHeader(t, r, "Content-Security-Policy", pagePolicy)
		if b := body(t, r); !strings.Contains(b, "Planet Test") || !strings.Contains(b, `<a href="/">`) {
			t.Errorf("%s: the page does not name the planet and lead home", path)
		}
	}
}

func TestAPageWithoutItsSlashIsRedirected(t *testing.T) {
	s := newSite(t, newFake())
	for path, want := range map[string]string{
		"/category/chess":           "/category/chess/",
		"/category/g%C3%A4rten?x=1": "/category/g%C3%A4rten/",
		"/source/rook":              "/source/rook/",
		"/entry/long":               "/entry/long/",
		"/categories":               "/categories/",
		"/sources":                  "/sources/",
	} {
		r := get(s, path)
		wantStatus(t, r, 301)
		wantHeader(t, r, "Location", want)
	}
}

func TestAPlanetBelowAPathWorksWithAndWithoutIt(t *testing.T) {
	s := newSite(t, newFake(), func(o *Options) { o.Planet.URL = "https://example.org/my%20planet/" })
	for _, path := range []string{"/my%20planet/category/chess/", "/category/chess/"} {
		r := get(s, path)
		wantStatus(t, r, 200)
		wantHeader(t, r, "Link", `<https://example.org/my%20planet/category/chess/>; rel="self"`)
		b := body(t, r)
		for _, want := range []string{`href="/my%20planet/category/chess/feed.atom"`, `href="/my%20planet/"`, `href="/my%20planet/static/planet.`} {
			if !strings.Contains(b, want) {
				t.Errorf("%s: no %s in the page", path, want)
			}
		}
	}
	wantStatus(t, get(s, s.names.Style), 200)
	for _, path := range []string{"/my%20planet", "/my%20planet/category/chess", "/category/chess"} {
		r := get(s, path)
		wantStatus(t, r, 301)
		if to := r.Header.Get("Location"); !strings.HasPrefix(to, "/my%20planet/") {
			t.Errorf("%s leads to %s", path, to)
		}
	}
}

func TestStaticFilesAreKeptForEver(t *testing.T) {
	s := newSite(t, newFake())
	for path, typ := range map[string]string{s.names.Style: "text/css; charset=utf-8", s.names.Icon: "image/svg+xml"} {
		r := get(s, path)
		wantStatus(t, r, 200)
		wantHeader(t, r, "Content-Type", typ)
		wantHeader(t, r, "Cache-Control", "public, max-age=31536000, immutable")
		wantStatus(t, get(s, path, "If-None-Match", r.Header.Get("ETag")), 304)
	}
}

func TestNewRefusesWhatCannotBeServed(t *testing.T) {
	for _, address := range []string{"", "planet.example/", "https://planet.example", "ftp://planet.example/", "https:///x/", "https://planet.example/?a/", "https://p.example/#/"} {
		if _, err := New(Options{Planet: feeds.Planet{URL: address}, Reader: newFake()}); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
	if _, err := New(Options{Planet: testPlanet}); err == nil {
		t.Error("a site without a reader was made")
	}
}
