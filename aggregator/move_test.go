package aggregator

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// site is a server of several addresses. It notes what it is asked: the path, and
// the ETag that came with it.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]http.HandlerFunc
	asked []string
}

func newSite(t *testing.T) *site {
	s := &site{pages: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("If-None-Match")))
	page := s.pages[r.URL.Path]
	s.mu.Unlock()
	if page == nil {
		page = http.NotFound
	}
	page(w, r)
}

// at is what the path answers from now on; nil: 404.
func (s *site) at(path string, page http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = page
}

// was is what was asked since the last call.
func (s *site) was() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// redirects answers with a redirect.
func redirects(code int, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(code)
	}
}

// status answers with a status and nothing else.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// plain answers with a document that has no validators.
func plain(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

// visits is an Aggregator's store and clock for sources at these sites.
func visits(t *testing.T, sites []*site, list ...feeds.Source) *web {
	t.Helper()
	w := &web{db: stored(t, list...), now: epoch}
	w.fetch = fetcher(t, func() time.Time { return w.now }, sites...)
	return w
}

func fetcher(t *testing.T, now func() time.Time, sites ...*site) fetch.Func {
	t.Helper()
	o := fetch.Options{Now: now}
	for _, s := range sites {
		o.Allow = append(o.Allow, netip.MustParseAddrPort(s.Listener.Addr().String()))
	}
	h := fetch.NewHTTP(o)
	t.Cleanup(h.Close)
	return h.Fetch
}

// after makes a pass so long after epoch, with intervals so short that every source
// is due that nobody asked us to leave alone.
func (w *web) after(t *testing.T, since time.Duration) Summary {
	t.Helper()
	w.now = epoch.Add(since)
	a, _ := newAggregator(w.db, nil, w.options)
	return refresh(t, a, Pass{})
}

func (w *web) options(o *Options) {
	o.Fetch = map[string]fetch.Func{"http": w.fetch, "https": w.fetch}
	o.Now = func() time.Time { return w.now }
	o.Intervals = Intervals{time.Minute, time.Minute}
}

const day = 24 * time.Hour

// moving is a site whose /old has moved to /new, or where the codes say.
func moving(t *testing.T, codes string) (*site, *web) {
	t.Helper()
	s := newSite(t)
	from, list := "/old", strings.Fields(codes)
	for i, text := range list {
		to := "/new"
		if i < len(list)-1 {
			to = fmt.Sprint("/hop", i)
		}
		code, _ := strconv.Atoi(text)
		s.at(from, redirects(code, to))
		from = to
	}
	s.at("/new", serves(atom("1"), `"1"`))
	return s, visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/old"})
}

// fetching.md 1, 4, 23.
func TestSourceThatMovedForGoodIsAskedThereAndKeepsItsName(t *testing.T) {
	for codes, way := range map[string][]string{"301": {"/old"}, "308": {"/old"}, "301 308 301": {"/old", "/hop0", "/hop1"}} {
		t.Run(codes, func(t *testing.T) {
			s, w := moving(t, codes)
			for i := range 3 {
				w.after(t, time.Duration(i)*day)
				want := slices.Concat(way, []string{"/new"})
				if i > 0 {
					want = slices.Concat(way, []string{`/new "1"`})
				}
				same(t, fmt.Sprint("visit ", i), s.was(), want)
			}
			for i := range 2 {
				if sum := w.after(t, time.Duration(3+i)*day); sum.Unchanged != 1 || sum.Failed != 0 {
					t.Errorf("%s", sum)
				}
				same(t, "asked then", s.was(), []string{`/new "1"`})
			}
			if a := sources(t, w.db)["a"]; a.URL != s.URL+"/old" || a.Address != s.URL+"/new" || a.Moving != (feeds.Move{}) || a.State.LastError != "" {
				t.Errorf("source %+v", a)
			}
			same(t, "shown", shown(t, w.db), []string{"urn:x:1"})
		})
	}
}

func TestSourceMovesOnlyForGood(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!DOCTYPE html><title>Sold</title>") }
	for _, c := range []struct {
		name, codes string
		target      http.HandlerFunc
	}{
		{"for now", "302", nil}, {"to see something else", "303", nil}, {"for now, as it was", "307", nil},
		{"for good and then for now", "301 302", nil}, {"for now and then for good", "307 308", nil},
		{"to a page", "301", page}, {"to nothing", "301", http.NotFound}, {"to an empty answer", "308", status(200)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, w := moving(t, c.codes)
			if c.target != nil {
				s.at("/new", c.target)
			}
			for i := range 5 {
				w.after(t, time.Duration(i)*day)
				if got := s.was(); got[0] != "/old" {
					t.Errorf("visit %d asked %q", i, got)
				}
			}
			if a := sources(t, w.db)["a"]; a.Address != "" || a.Moving != (feeds.Move{}) {
				t.Errorf("address %q, moving %+v", a.Address, a.Moving)
			}
		})
	}
}

// trusting is a TLS server that this process trusts. The system's list of authorities
// is read once a process: a test that has none yet runs itself in another one.
func trusting(t *testing.T) *site {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("other systems have no file of the authorities they trust")
	}
	s := &site{pages: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	const mark = "authorities-of-a-test.pem"
	if strings.HasSuffix(os.Getenv("SSL_CERT_FILE"), mark) {
		return s
	}
	file := filepath.Join(t.TempDir(), mark) // the server of the other process has the same certificate
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=50s")
	c.Env = append(os.Environ(), "SSL_CERT_FILE="+file)
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("%v\n%s", err, out)
	}
	return nil
}

// fetching.md 23: the same level of security, or the next one to listen on the way
// decides what the planet shows.
func TestSourceNeverMovesFromTLSToNone(t *testing.T) {
	secure, open := trusting(t), newSite(t)
	if secure == nil {
		return
	}
	secure.at("/down", redirects(301, open.URL+"/new"))
	secure.at("/detour", redirects(301, open.URL+"/back"))
	secure.at("/new", serves(atom("2"), `"2"`))
	open.at("/back", redirects(301, secure.URL+"/new"))
	open.at("/new", serves(atom("1"), `"1"`))
	w := visits(t, []*site{open, secure}, feeds.Source{Slug: "a", URL: secure.URL + "/down"},
		feeds.Source{Slug: "b", URL: secure.URL + "/detour"}, feeds.Source{Slug: "c", URL: open.URL + "/back"})
	for i := range 5 {
		if sum := w.after(t, time.Duration(i)*day); sum.Sources != 3 || sum.Failed != 0 {
			t.Fatalf("visit %d: %s; %s", i, sum, sources(t, w.db)["a"].State.LastError)
		}
	}
	want := map[string]string{"c": secure.URL + "/new"} // from none to TLS
	for slug, s := range sources(t, w.db) {
		if s.Address != want[slug] || s.Moving != (feeds.Move{}) {
			t.Errorf("%s: address %q, moving %+v", slug, s.Address, s.Moving)
		}
	}
}

// fetching.md 23: three visits, and 48 hours.
func TestMoveIsBelievedWhenItLasts(t *testing.T) {
	for _, c := range []struct {
		name  string
		hours []int    // of the visits
		to    []string // where each is sent; "": nowhere, "!": into a failure
		want  string   // the address in the end
	}{
		{"three visits in two days", []int{0, 24, 48}, []string{"/a", "/a", "/a"}, "/a"},
		{"three visits within an hour", []int{0, 0, 1}, []string{"/a", "/a", "/a"}, ""},
		{"many visits within two days", []int{0, 10, 20, 30, 40, 47}, []string{"/a", "/a", "/a", "/a", "/a", "/a"}, ""},
		{"two visits in a week", []int{0, 168}, []string{"/a", "/a"}, ""},
		{"a target that changes starts anew", []int{0, 24, 48, 72}, []string{"/a", "/a", "/b", "/b"}, ""},
		{"the new target counts from its own first visit", []int{0, 24, 48, 72, 96}, []string{"/a", "/a", "/b", "/b", "/b"}, "/b"},
		{"an answer of its own starts anew", []int{0, 24, 48, 72}, []string{"/a", "/a", "", "/a"}, ""},
		{"a failure neither counts nor starts anew", []int{0, 24, 48, 72}, []string{"/a", "!", "!", "/a"}, ""},
		{"and the third visit is believed after it", []int{0, 24, 48, 72}, []string{"/a", "!", "/a", "/a"}, "/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.at("/a", serves(atom("1"), `"a"`))
			s.at("/b", serves(atom("1"), `"b"`))
			w := visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/old"})
			for i, to := range c.to {
				switch to {
				case "":
					s.at("/old", serves(atom("1"), `"old"`))
				case "!":
					s.at("/old", status(500))
				default:
					s.at("/old", redirects(301, to))
				}
				if sum := w.after(t, time.Duration(c.hours[i])*time.Hour+time.Duration(i)*2*time.Minute); sum.Sources != 1 {
					t.Fatalf("visit %d: %s", i, sum)
				}
			}
			want := ""
			if c.want != "" {
				want = s.URL + c.want
			}
			if got := sources(t, w.db)["a"].Address; got != want {
				t.Errorf("address %q, want %q", got, want)
			}
		})
	}
}

// settled is moving after the move.
func settled(t *testing.T) (*site, *web) {
	t.Helper()
	s, w := moving(t, "301")
	for i := range 3 {
		w.after(t, time.Duration(i)*day)
	}
	if got := sources(t, w.db)["a"].Address; got != s.URL+"/new" {
		t.Fatalf("it did not move: %q", got)
	}
	s.was()
	return s, w
}

func TestMoveThatDidNotLastIsTakenBackAfterThreeFailures(t *testing.T) {
	s, w := settled(t)
	s.at("/old", serves(atom("1", "2"), `"2"`))
	for i, answer := range []http.HandlerFunc{status(500), http.NotFound, serves(atom("1"), `"1"`)} {
		s.at("/new", answer)
		w.after(t, time.Duration(3+i)*day)
	}
	same(t, "two failures are borne", s.was(), []string{`/new "1"`, `/new "1"`, `/new "1"`})
	s.at("/new", status(500))
	for i := range 4 {
		w.after(t, time.Duration(6+i)*day)
	}
	same(t, "after three it is asked at its own address", s.was(), []string{`/new "1"`, `/new "1"`, `/new "1"`, "/old"})
	if a := sources(t, w.db)["a"]; a.Address != "" || a.State.Failures != 0 {
		t.Errorf("source %+v", a)
	}
	same(t, "shown", shown(t, w.db), []string{"urn:x:1", "urn:x:2"})
}

func TestSourceThatMovesOnOrHomeIsFollowed(t *testing.T) {
	for to, want := range map[string]string{"/newer": "/newer", "/old": ""} {
		s, w := settled(t)
		s.at("/new", redirects(308, to))
		s.at(to, serves(atom("1"), `"1"`))
		for i := range 3 {
			w.after(t, time.Duration(3+i)*day)
		}
		s.was()
		w.after(t, 6*day)
		same(t, "asked", s.was(), []string{to + ` "1"`})
		if want != "" {
			want = s.URL + want
		}
		if got := sources(t, w.db)["a"].Address; got != want {
			t.Errorf("address %q, want %q", got, want)
		}
	}
}

func resync(t *testing.T, w *web, list ...feeds.Source) {
	t.Helper()
	if err := w.db.Sync(t.Context(), w.now, list, &feeds.Rules{}); err != nil {
		t.Fatal(err)
	}
}
