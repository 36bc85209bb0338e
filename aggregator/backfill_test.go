package aggregator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// archived is an Atom document with the posts, an hour each before epoch by its number,
// and with the document before it, if there is one (RFC 5005 §4).
func archived(before string, posts ...int) string {
	var b strings.Builder
	b.WriteString(`<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x:feed</id><title>Sample</title><updated>2026-03-01T12:00:00Z</updated>`)
	if before != "" {
		fmt.Fprintf(&b, `<link rel="prev-archive" href="%s"/>`, before)
	}
	for _, n := range posts {
		fmt.Fprintf(&b, `<entry><id>urn:x:%d</id><title>Post %d</title><updated>%s</updated><content>Text %d</content></entry>`,
			n, n, written(n).Format(time.RFC3339), n)
	}
	return b.String() + "</feed>"
}

// written is when a post was.
func written(n int) time.Time { return epoch.Add(-time.Duration(n) * time.Hour) }

// chain puts documents of two posts each at /feed, /1, /2 and so on, the newest first.
func chain(s *site, documents int) {
	for i := range documents {
		path, before := fmt.Sprint("/", i), fmt.Sprint("/", i+1)
		if i == 0 {
			path = "/feed"
		}
		if i == documents-1 {
			before = ""
		}
		text := archived(before, 2*i+1, 2*i+2)
		s.at(path, serves(text, fmt.Sprintf(`"%d"`, i)))
	}
}

// library is a site with a feed and its past.
func library(t *testing.T, documents int) (*site, *web) {
	t.Helper()
	s := newSite(t)
	chain(s, documents)
	return s, visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed"})
}

// numbered fails the test unless the planet shows the posts 1 to n, newest first,
// each at its own time.
func numbered(t *testing.T, w *web, n int) {
	t.Helper()
	list, err := w.db.Entries(t.Context(), feeds.Query{})
	if err != nil || len(list) != n {
		t.Errorf("%d entries, not %d; %v", len(list), n, err)
		return
	}
	for i, e := range list {
		if e.GUID != fmt.Sprint("urn:x:", i+1) || !e.Sort.Equal(written(i+1)) {
			t.Errorf("entry %d is %s at %v", i, e.GUID, e.Sort)
		}
	}
}

// RFC 5005 §4.
func TestFirstVisitReadsThePastToItsEnd(t *testing.T) {
	s, w := library(t, 5)
	if sum := w.after(t, 0); sum.New != 10 || sum.Sources != 1 || sum.Failed != 0 {
		t.Errorf("%s", sum)
	}
	same(t, "asked", s.was(), []string{"/feed", "/1", "/2", "/3", "/4"})
	numbered(t, w, 10)
	if a := sources(t, w.db)["a"]; a.Backfill != (feeds.Backfill{}) || a.FeedTitle != "Sample" || a.State.Status != 200 {
		t.Errorf("source %+v", a)
	}
	w.after(t, day)
	same(t, "asked then", s.was(), []string{`/feed "0"`})
}

// JSON Feed 1.1, next_url.
func TestPagesOfAJSONFeedAreReadToTheirEnd(t *testing.T) {
	s := newSite(t)
	for i := range 4 {
		next := fmt.Sprintf(`"next_url": "%s/%d", `, s.URL, i+1)
		if i == 3 {
			next = ""
		}
		path := map[bool]string{true: "/feed", false: fmt.Sprint("/", i)}[i == 0]
		s.at(path, plain(fmt.Sprintf(`{"version": "https://jsonfeed.org/version/1.1", "title": "Sample", %s"items": [
			{"id": "urn:x:%d", "content_text": "Text", "date_published": "%s"}]}`, next, i+1, written(i+1).Format(time.RFC3339))))
	}
	w := visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed"})
	w.after(t, 0)
	same(t, "asked", s.was(), []string{"/feed", "/1", "/2", "/3"})
	numbered(t, w, 4)
}

func TestPastIsReadOnceAndInOneDirection(t *testing.T) {
	for _, c := range []struct {
		name  string
		pages map[string]string // the document before each
		asked []string
	}{
		{"two that name each other", map[string]string{"/feed": "/1", "/1": "/2", "/2": "/1"}, []string{"/feed", "/1", "/2"}},
		{"one that names itself", map[string]string{"/feed": "/1", "/1": "/1"}, []string{"/feed", "/1"}},
		{"one that names the feed", map[string]string{"/feed": "/1", "/1": "/feed"}, []string{"/feed", "/1"}},
		{"a feed that names itself", map[string]string{"/feed": "/feed"}, []string{"/feed"}},
		{"what is no address of the web", map[string]string{"/feed": "file:///etc/passwd"}, []string{"/feed"}},
		{"an address that is private", map[string]string{"/feed": "http://10.0.0.1/1"}, []string{"/feed"}},
	} {
		s := newSite(t)
		for path, before := range c.pages {
			n := map[string]int{"/feed": 1, "/1": 2, "/2": 3}[path]
			s.at(path, plain(archived(before, n)))
		}
		w := visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed"})
		w.after(t, 0)
		same(t, c.name, s.was(), c.asked)
		numbered(t, w, len(c.pages))
	}
}

// Another address that answers with what is known says where the past ends.
func TestPastEndsWhereItIsKnown(t *testing.T) {
	s := newSite(t)
	s.at("/feed", plain(archived("/1", 1, 2)))
	s.at("/1", plain(archived("/2", 1, 2))) // what the feed has just brought
	s.at("/2", plain(archived("/3", 1, 2)))
	w := visits(t, []*site{s}, feeds.Source{Slug: "a", URL: s.URL + "/feed"})
	w.after(t, 0)
	same(t, "asked", s.was(), []string{"/feed", "/1", "/2"})
}

func TestPastIsReadNoFurtherThanFiftyDocuments(t *testing.T) {
	s, w := library(t, 60)
	w.after(t, 0)
	asked := s.was()
	if len(asked) != maxBackfill {
		t.Errorf("asked %d times, the last %q", len(asked), asked[len(asked)-1])
	}
	numbered(t, w, 2*maxBackfill)
	w.after(t, day)
	same(t, "asked then", s.was(), []string{`/feed "0"`})
}

// Only the first visit looks back: what a source begins to name later is what was
// in its feed when it was visited.
func TestPastOfASourceThatIsDoneIsNotRead(t *testing.T) {
	s, w := library(t, 1)
	w.after(t, 0)
	s.at("/feed", plain(archived("/1", 1, 2, 3)))
	s.at("/1", plain(archived("", 4)))
	s.was()
	w.after(t, day)
	same(t, "asked", s.was(), []string{`/feed "0"`})
	numbered(t, w, 3)
}

func TestDocumentOfThePastThatCannotBeReadIsTriedAgain(t *testing.T) {
	s, w := library(t, 5)
	s.at("/2", status(500))
	for i, want := range [][]string{{"/feed", "/1", "/2"}, {`/feed "0"`, "/2"}} {
		if sum := w.after(t, time.Duration(i)*day); sum.Failed != 0 {
			t.Errorf("%s", sum)
		}
		same(t, fmt.Sprint("visit ", i), s.was(), want)
		numbered(t, w, 4)
	}
	if a := sources(t, w.db)["a"]; a.State.Failures != 0 || a.State.LastError != "" {
		t.Errorf("the source is blamed: %+v", a.State)
	}
	s.at("/2", plain("<p>Please log in"))
	w.after(t, 2*day)
	s.was()
	chain(s, 5)
	if sum := w.after(t, 3*day); sum.New != 6 {
		t.Errorf("%s", sum)
	}
	same(t, "asked when it is well", s.was(), []string{`/feed "0"`, "/2", "/3", "/4"})
	numbered(t, w, 10)
}

// fetching.md 21: the wish is the document's, not the feed's.
func TestDocumentOfThePastIsLeftAloneAsLongAsItsServerAsks(t *testing.T) {
	s, w := library(t, 4)
	s.at("/2", tooMany(503, "10800"))
	w.after(t, 0)
	s.was()
	for _, since := range []time.Duration{time.Hour, 2 * time.Hour, 3*time.Hour - time.Second} {
		w.after(t, since)
		same(t, fmt.Sprint("asked after ", since), s.was(), []string{`/feed "0"`})
	}
	chain(s, 4)
	w.after(t, 3*time.Hour+2*time.Minute)
	same(t, "asked then", s.was(), []string{`/feed "0"`, "/2", "/3"})
	numbered(t, w, 8)
	if a := sources(t, w.db)["a"]; a.Backfill != (feeds.Backfill{}) || a.State.LastError != "" {
		t.Errorf("what is over is remembered: %+v, %s", a.Backfill, a.State.LastError)
	}
}

// fetching.md 26.
func TestDocumentOfThePastThatFailsIsAskedMoreAndMoreRarely(t *testing.T) {
	s, w := library(t, 4)
	s.at("/2", status(500))
	for _, c := range []struct {
		since time.Duration
		asked bool
	}{{0, true}, {59 * time.Minute, false}, {61 * time.Minute, true}, {3 * time.Hour, false}, {3*time.Hour + 2*time.Minute, true}, {6 * time.Hour, false}, {8 * time.Hour, true}} {
		w.after(t, c.since)
		if asked := slices.Contains(s.was(), "/2"); asked != c.asked {
			t.Errorf("asked after %v: %v", c.since, asked)
		}
	}
	b := sources(t, w.db)["a"].Backfill
	if want := (feeds.Backfill{URL: s.URL + "/2", Left: maxBackfill - 1}); b.URL != want.URL || b.Left != want.Left || b.Failures != 4 || !b.Since.Equal(epoch) ||
		b.Trouble != "the server answered 500 (internal server error)" {
		t.Errorf("a failure costs documents, or is not told: %+v", b)
	}
}

func TestDocumentOfThePastIsGivenUpAfterTenFailuresInThirtyDays(t *testing.T) {
	d := feeds.Due{Source: feeds.Source{Backfill: feeds.Backfill{URL: "https://a.example/2", Left: 9}}}
	now, b := epoch, d.Source.Backfill
	tries := 1
	for b = unread(now, b, &fetch.Response{}, errTrouble); b.URL != "" && tries < 99; tries++ {
		if b.Left != 9 || b.After.Sub(now) < time.Hour || b.After.Sub(now) > 7*day {
			t.Fatalf("after %d tries: %+v", tries, b)
		}
		now = b.After
		b = unread(now, b, &fetch.Response{}, errTrouble)
	}
	if took := now.Sub(epoch); tries < 10 || tries > 15 || took < 30*day || took > 40*day {
		t.Errorf("given up after %d tries in %v", tries, took)
	}
	if want := "the posts before those of its feed are not all here: https://a.example/2 failed 12 times since 1 March 2026 (the server is on fire) and is not asked any more"; b.Lost != want {
		t.Errorf("got  %s\nwant %s", b.Lost, want)
	}
	if b.Lost = ""; b != (feeds.Backfill{}) {
		t.Errorf("left: %+v", b)
	}
	often := feeds.Backfill{URL: "https://a.example/2", Left: 9, Failures: 50, Since: epoch.Add(-29 * day)}
	if b = unread(epoch, often, &fetch.Response{}, errTrouble); b.URL == "" || b.After.Sub(epoch) != 7*day {
		t.Errorf("given up within thirty days: %+v", b)
	}
	for _, code := range []int{404, 410} {
		if b = unread(epoch, d.Source.Backfill, &fetch.Response{}, &fetch.StatusError{Status: code}); b.URL != "" || b.Lost == "" {
			t.Errorf("%d: %+v", code, b)
		}
	}
}

// Nothing is lost without a word.
func TestPastThatIsGivenUpIsAProblemOfItsSource(t *testing.T) {
	s, w := library(t, 5)
	s.at("/2", nil)
	a, l := newAggregator(w.db, nil, w.options)
	refresh(t, a, Pass{})
	want := "the posts before those of its feed are not all here: " + s.URL + "/2 failed (the server answered 404 (not found)) and is not asked any more"
	if v := l.visits[0]; len(v.Problems) != 1 || v.Problems[0] != want {
		t.Errorf("told: %q, want %q", v.Problems, want)
	}
	if a := sources(t, w.db)["a"]; a.State.LastError != want || a.State.Failures != 0 || a.Backfill != (feeds.Backfill{Lost: want}) {
		t.Errorf("stored: %+v, %+v", a.State, a.Backfill)
	}
	s.was()
	w.after(t, day)
	same(t, "asked then", s.was(), []string{`/feed "0"`})
	if a := sources(t, w.db)["a"]; a.State.LastError != "" || a.Backfill.Lost != want {
		t.Errorf("later: %+v, %+v", a.State, a.Backfill)
	}
	numbered(t, w, 4)
}

// A feed that fails is not pestered for its past; one that has not changed is asked
// for what is left of it.
func TestPastWaitsForAFeedThatFails(t *testing.T) {
	s, w := library(t, 3)
	s.at("/1", status(500))
	w.after(t, 0)
	s.at("/feed", status(500))
	s.was()
	w.after(t, day)
	same(t, "asked", s.was(), []string{`/feed "0"`})
	chain(s, 3)
	w.after(t, 2*day)
	numbered(t, w, 6)
}

// hostile.md, Faults: a pass may end anywhere.
func TestEndedPassLeavesTheRestOfThePastToTheNext(t *testing.T) {
	s, w := library(t, 5)
	ctx, cancel := context.WithCancel(t.Context())
	s.at("/2", func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	a, _ := newAggregator(w.db, nil, w.options)
	sum, err := a.Refresh(ctx, Pass{})
	if !errors.Is(err, context.Canceled) || sum.New != 4 {
		t.Errorf("%s, %v", sum, err)
	}
	numbered(t, w, 4)
	if n, err := a.Waiting(t.Context(), Pass{All: true}); n != 0 || err != nil {
		t.Errorf("within its interval %d sources wait, %v", n, err)
	}
	chain(s, 5)
	s.was()
	w.after(t, 2*time.Minute) // far less than the lease
	same(t, "asked then", s.was(), []string{`/feed "0"`, "/2", "/3", "/4"})
	numbered(t, w, 10)
}

// A pass waits for no archive that takes its time: each visit reads some of it.
func TestLongPastIsReadInSeveralVisits(t *testing.T) {
	s, w := library(t, 5)
	options := func(o *Options) {
		w.options(o)
		o.Linger = time.Nanosecond
	}
	for i, asked := range [][]string{{"/feed", "/1"}, {`/feed "0"`, "/2"}, {`/feed "0"`, "/3"}, {`/feed "0"`, "/4"}, {`/feed "0"`}} {
		w.now = epoch.Add(time.Duration(i) * 2 * time.Minute)
		a, _ := newAggregator(w.db, nil, options)
		refresh(t, a, Pass{})
		same(t, fmt.Sprint("asked in visit ", i), s.was(), asked)
	}
	numbered(t, w, 10)
}

// killed is a store whose process dies: it gives no claim back.
type killed struct{ *brokenStore }

func (killed) Release(context.Context, feeds.Due, time.Time) error { return errTrouble }

// The process dies before any of its commits; its lease runs out.
func TestCrashBetweenTheDocumentsOfThePastLosesNothing(t *testing.T) {
	for at := range 5 {
		s, w := library(t, 5)
		commits := 0
		store := &brokenStore{DB: w.db, commit: func(feeds.Visit) error {
			if commits++; commits == at+1 {
				return errTrouble
			}
			return nil
		}}
		a, _ := newAggregator(killed{store}, nil, w.options)
		if _, err := a.Refresh(t.Context(), Pass{}); !errors.Is(err, errTrouble) {
			t.Errorf("commit %d: %v", at, err)
		}
		if at > 0 {
			numbered(t, w, 2*at)
		}
		s.was()
		if sum := w.after(t, 9*time.Minute); sum.Sources != 0 {
			t.Errorf("within the lease: %s", sum)
		}
		w.after(t, 11*time.Minute)
		want := []string{"/feed"}
		for i := range 5 {
			if i >= max(at, 1) {
				want = append(want, fmt.Sprint("/", i))
			}
		}
		if at > 0 {
			want[0] = `/feed "0"`
		}
		same(t, fmt.Sprint("asked after the failure of commit ", at), s.was(), want)
		numbered(t, w, 10)
	}
}

// A visit that was stored is counted, though the pass ended while its past was read.
func TestFirstVisitIsCountedThoughItsPastWasNotStored(t *testing.T) {
	s, w := library(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	store := &brokenStore{DB: w.db}
	store.commit = func(v feeds.Visit) error {
		if v.Older {
			cancel() // between the look and the commit
		}
		return ctx.Err()
	}
	a, l := newAggregator(store, nil, w.options)
	sum, err := a.Refresh(ctx, Pass{})
	if !errors.Is(err, context.Canceled) || sum.Sources != 1 || sum.New != 2 {
		t.Errorf("%s, %v", sum, err)
	}
	same(t, "told of", l.slugs(), []string{"a"})
	s.was()
}

// What keep leaves out is not known for it: the posts that it wants may lie further
// back.
func TestPastOfASourceIsReadThroughDocumentsOfWhichItKeepsNothing(t *testing.T) {
	s := newSite(t)
	chain(s, 4)
	source := feeds.Source{Slug: "a", URL: s.URL + "/feed", Drop: feeds.Match{Words: []string{"Text 3", "Text 4"}}}
	w := visits(t, []*site{s}, source)
	w.after(t, 0)
	same(t, "asked", s.was(), []string{"/feed", "/1", "/2", "/3"})
	if got := shown(t, w.db); len(got) != 6 {
		t.Errorf("shown: %q", got)
	}
}

// fetching.md 21: whoever says it says it for the host.
func TestHostThatHasEnoughOfThePastIsLeftAlone(t *testing.T) {
	s, w := library(t, 4)
	s.at("/2", tooMany(429, "7200"))
	w.after(t, 0)
	s.was()
	w.after(t, time.Hour)
	same(t, "asked within its time", s.was(), nil)
	chain(s, 4)
	w.after(t, 2*time.Hour)
	numbered(t, w, 8)
}

// What opens the feed opens its past, too; but no other host is told of it.
func TestPasswordOfAFeedOpensItsPast(t *testing.T) {
	s, other := newSite(t), newSite(t)
	guarded := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if _, password, _ := r.BasicAuth(); password != "secret" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, text)
		}
	}
	told := false
	s.at("/feed", guarded(archived("/1", 1)))
	s.at("/1", guarded(archived(other.URL+"/2", 2)))
	other.at("/2", func(w http.ResponseWriter, r *http.Request) {
		_, _, told = r.BasicAuth()
		fmt.Fprint(w, archived("", 3))
	})
	w := visits(t, []*site{s, other}, feeds.Source{Slug: "a", URL: strings.Replace(s.URL, "://", "://me:secret@", 1) + "/feed"})
	w.after(t, 0)
	numbered(t, w, 3)
	if told {
		t.Error("the password was told to another host")
	}
}
