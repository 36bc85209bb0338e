package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/storage"
)

// host is a server that notes what it is asked, when, and how much at once.
type host struct {
	*httptest.Server
	name  string // address:port
	mu    sync.Mutex
	pages map[string]http.HandlerFunc // others are a feed
	asked []string
	times []time.Time
	now   int
	most  int
}

func newHost(t *testing.T) *host {
	h := &host{pages: map[string]http.HandlerFunc{}}
	h.Server = httptest.NewServer(h)
	h.name = h.Listener.Addr().String()
	t.Cleanup(h.Close)
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.asked, h.times = append(h.asked, r.URL.Path), append(h.times, time.Now())
	h.now++
	h.most = max(h.most, h.now)
	page := h.pages[r.URL.Path]
	h.mu.Unlock()
	if page != nil {
		page(w, r)
	} else {
		fmt.Fprintf(w, `<rss version="2.0"><channel><title>%s</title><item><title>T</title><guid>%[1]s</guid></item></channel></rss>`, r.URL.Path)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now--
}

// was is what was asked since the last call, sorted.
func (h *host) was() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked = nil
	slices.Sort(asked)
	return strings.Join(asked, " ")
}

// busy answers with a status and a wish.
func busy(status int, wait string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", wait)
		w.WriteHeader(status)
	}
}

// configured writes a planet of these feeds, slug and address each, into the folder.
func configured(t *testing.T, dir, fetch string, feeds ...string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "planet: {title: P, url: \"https://p.example/\"}\nfetch: {%s}\nsources:\n", fetch)
	for i := 0; i < len(feeds); i += 2 {
		fmt.Fprintf(&b, "  - {slug: %s, feed: \"%s\"}\n", feeds[i], feeds[i+1])
	}
	path := filepath.Join(dir, "orrery.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// says fails the test unless the program ends well and prints every line.
func says(t *testing.T, patterns []string, args ...string) {
	t.Helper()
	code, out, trouble := typed(args...)
	if code != exitDone || trouble != "" {
		t.Errorf("%q: %d %s", args, code, trouble)
	}
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)^" + p + "$").MatchString(out) {
			t.Errorf("%q: no line %s in\n%s", args, p, out)
		}
	}
}

// fetching.md 35.
func TestCheckAsksAHostAsPolitelyAsAPass(t *testing.T) {
	const pause = 20 * time.Millisecond
	h := newHost(t)
	var list []string
	for i := range 9 {
		list = append(list, fmt.Sprint("s", i), fmt.Sprint(h.URL, "/", i))
	}
	path := configured(t, t.TempDir(), fmt.Sprintf("allow: [%q], pause_per_host: %v", h.name, pause), list...)
	says(t, []string{"s0: 1 entry", "s8: 1 entry", ".*: no problem found: 9 sources, 0 categories"}, "-c", path, "check", "--fetch")
	if len(h.times) != 9 || h.most != 1 {
		t.Errorf("asked %d times, %d at once", len(h.times), h.most)
	}
	for i := range h.times[1:] {
		if gap := h.times[i+1].Sub(h.times[i]); gap < pause {
			t.Errorf("request %d came %v after the one before", i+1, gap)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "orrery.db")); err == nil {
		t.Error("something was stored")
	}
}

// planetOfMoods is a planet that was fetched: its sources are well, want to be left
// alone, or are gone.
func planetOfMoods(t *testing.T) (path string, calm, angry *host) {
	t.Helper()
	calm, angry = newHost(t), newHost(t)
	calm.pages["/late"], calm.pages["/gone"] = busy(503, "7200"), busy(410, "")
	angry.pages["/a"], angry.pages["/b"] = busy(429, "7200"), busy(429, "7200")
	path = configured(t, t.TempDir(), moods(calm, angry, "0s"), moodFeeds(calm, angry)...)
	says(t, nil, "-c", path, "fetch", "fine", "late", "gone", "a")
	calm.was()
	angry.was()
	return path, calm, angry
}

func moods(calm, angry *host, least string) string {
	return fmt.Sprintf("allow: [%q, %q], pause_per_host: 0s, min_interval: %s, max_interval: 1h", calm.name, angry.name, least)
}

func moodFeeds(calm, angry *host) []string {
	return []string{"fine", calm.URL + "/fine", "late", calm.URL + "/late", "gone", calm.URL + "/gone", "a", angry.URL + "/a", "b", angry.URL + "/b"}
}

const minute = `\d{4}-\d\d-\d\d \d\d:\d\d`

// fetching.md 20, 21, 25: what the store knows holds for check, too.
func TestCheckLeavesThoseAloneWhoAskedForIt(t *testing.T) {
	path, calm, angry := planetOfMoods(t)
	tooOften := fmt.Sprintf(`not visited: its host %s said that it is asked too often \(429\), and is left alone until %s`, angry.name, minute)
	want := []string{
		"fine: 1 entry", "late: not visited: it asked to be left alone until " + minute, `gone: not visited: the server said that it is gone for good \(410\); .*`,
		"a: .*", "b: " + tooOften,
	}
	says(t, want, "-c", path, "check", "--fetch")
	if got := calm.was() + angry.was(); got != "/fine" {
		t.Errorf("asked: %s", got)
	}
	// One that is new on a host that has enough, and none faster than min_interval.
	list := append(moodFeeds(calm, angry), "c", angry.URL+"/c", "new", calm.URL+"/new")
	configured(t, filepath.Dir(path), moods(calm, angry, "1h"), list...)
	says(t, []string{"new: 1 entry", "c: " + tooOften, `fine: not visited: not before ` + minute + ` \(fetch.min_interval\)`}, "-c", path, "check", "--fetch")
	if got := calm.was() + angry.was(); got != "/new" {
		t.Errorf("asked: %s", got)
	}
}

// The same holds for who wants to look at once; how short ago it was asked does not.
func TestInspectAndAddLeaveThoseAloneWhoAskedForIt(t *testing.T) {
	path, calm, angry := planetOfMoods(t)
	tooOften := regexp.QuoteMeta("its host " + angry.name + " said that it is asked too often (429), and is left alone until ")
	for _, c := range []struct{ address, sentence string }{
		{calm.URL + "/late", `not asked: it asked to be left alone until ` + minute + `; orrery sources late shows what it answered last`},
		{angry.URL + "/b", `not asked: ` + tooOften + minute + `; orrery sources b shows what it answered last`},
		{angry.URL + "/new", `not asked: ` + tooOften + minute},
	} {
		if code, _, trouble := typed("-c", path, "inspect", c.address); code != exitFailed || !regexp.MustCompile(c.sentence).MatchString(trouble) {
			t.Errorf("%s: %d %s", c.address, code, trouble)
		}
	}
	code, _, trouble := typed("-c", path, "sources", "add", "--yes", angry.URL+"/new")
	if code != exitFailed || !regexp.MustCompile("not asked: "+tooOften+minute).MatchString(trouble) {
		t.Errorf("%d %s", code, trouble)
	}
	if got := calm.was() + angry.was(); got != "" {
		t.Errorf("asked: %s", got)
	}
	says(t, []string{"  title +/fine"}, "-c", path, "inspect", calm.URL+"/fine")
}

func TestCheckAsksNoMoreOfAHostThatHasEnough(t *testing.T) {
	h := newHost(t)
	h.pages["/a"], h.pages["/b"] = busy(429, "7200"), busy(429, "7200")
	path := configured(t, t.TempDir(), fmt.Sprintf("allow: [%q], pause_per_host: 0s", h.name), "a", h.URL+"/a", "b", h.URL+"/b")
	says(t, []string{`[ab]: failed: the server answered 429.*`, fmt.Sprintf(`[ab]: not visited: %s said that it is asked too often \(429\), and is left alone until %s`, h.name, minute)},
		"-c", path, "check", "--fetch")
	if n := len(strings.Fields(h.was())); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// What the store knows is said, instead of what might be.
func TestFetchSaysWhyASourceThatWasNamedIsNotVisited(t *testing.T) {
	path, calm, angry := planetOfMoods(t)
	says(t, []string{
		"late: not visited: it asked to be left alone until " + minute,
		fmt.Sprintf(`b: not visited: its host %s said that it is asked too often \(429\), and is left alone until %s`, angry.name, minute),
		"0 sources: .*",
	}, "-c", path, "fetch", "late", "b")
	configured(t, filepath.Dir(path), moods(calm, angry, "1h"), moodFeeds(calm, angry)...)
	says(t, []string{"1 source: .*"}, "-c", path, "fetch", "fine")
	says(t, []string{`fine: not visited: not before ` + minute + ` \(fetch.min_interval\)`, `gone: not visited: not before .*`}, "-c", path, "fetch", "fine", "gone")
	if got := calm.was() + angry.was(); got != "/fine" {
		t.Errorf("asked: %s", got)
	}
}

// kill -9 leaves claims behind, which nobody can tell from visits under way.
func TestFetchTellsOfSourcesThatAreStillClaimed(t *testing.T) {
	h, other := newHost(t), newHost(t)
	path := configured(t, t.TempDir(), fmt.Sprintf("allow: [%q, %q], pause_per_host: 0s, min_interval: 0s, max_interval: 1ms", h.name, other.name),
		"a", h.URL+"/a", "b", h.URL+"/b", "same", h.URL+"/same", "c", other.URL+"/c")
	says(t, []string{"4 sources: 4 new.*"}, "-c", path, "fetch")
	db, err := storage.Open(t.Context(), "sqlite:"+filepath.Join(filepath.Dir(path), "orrery.db"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(time.Second) // by then all are due
	due, err := db.Claim(t.Context(), feeds.Want{Now: now, Start: now, N: 2, Lease: time.Hour, Slugs: []string{"a", "b"}})
	if err != nil || len(due) != 2 || db.Close() != nil {
		t.Fatal(due, err)
	}
	killed := "claimed by another process, which visits now or was killed while it did; free again at " +
		shortTime(now.Add(time.Hour+time.Minute-time.Nanosecond), "") + " at the latest"
	h.was()
	other.was()
	says(t, []string{"3 sources were not visited: they or others of their host are " + killed, "1 source: .*"}, "-c", path, "fetch")
	says(t, []string{"a: not visited: it or another of its host is " + killed, "0 sources: .*"}, "-c", path, "fetch", "a")
	says(t, []string{"same: not visited: it or another of its host is " + killed, "0 sources: .*"}, "-c", path, "fetch", "same")
	if got := h.was() + other.was(); got != "/c" {
		t.Errorf("asked: %s", got)
	}
}

// fetching.md 21: a host that has enough puts off all its sources, and people are told so.
func TestNextVisitIsBehindTheRestOfItsHost(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	soon, rest := now.Add(time.Hour), now.Add(3*time.Hour)
	list := []feeds.Source{
		{Slug: "due", URL: "https://busy.example/a", State: feeds.State{NextVisit: soon}, Answer: feeds.Answer{Next: "before"}},
		{Slug: "later", URL: "https://busy.example/b", State: feeds.State{NextVisit: now.Add(9 * time.Hour)}, Answer: feeds.Answer{Next: "before"}},
		{Slug: "moved", URL: "https://other.example/c", Address: "https://busy.example/c", State: feeds.State{NextVisit: soon}},
		{Slug: "other", URL: "https://other.example/d", State: feeds.State{NextVisit: soon}, Answer: feeds.Answer{Next: "before"}},
		{Slug: "gone", URL: "https://busy.example/e", Answer: feeds.Answer{Next: "before"}},
		{Slug: "folder", URL: "file:///posts", State: feeds.State{NextVisit: soon}, Answer: feeds.Answer{Next: "before"}},
	}
	heedHosts(list, map[string]time.Time{"busy.example": rest})
	const why = "its host busy.example said that it is asked too often (429)"
	for i, want := range []struct {
		next time.Time
		why  string
	}{{rest, why}, {now.Add(9 * time.Hour), "before"}, {rest, why}, {soon, "before"}, {time.Time{}, "before"}, {soon, "before"}} {
		if s := &list[i]; !s.State.NextVisit.Equal(want.next) || s.Answer.Next != want.why {
			t.Errorf("%s: %v, %s", s.Slug, s.State.NextVisit, s.Answer.Next)
		}
	}
}
