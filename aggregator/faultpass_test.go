package aggregator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"orrery/aggregator/fetch"
	"orrery/feeds"
	"orrery/storage"
)

// spree is a street in which the first crooks will do wrong and the others stay
// honest. All were visited once, at epoch.
type spree struct {
	street
	db       *storage.DB
	misdeeds []misdeed
}

func newSpree(t *testing.T, honest int) *spree {
	t.Helper()
	s := &spree{}
	t.Cleanup(func() { hungUp(t, &s.open) }) // after the listeners are closed
	s.misdeeds = misdeeds(t, func(serve func(net.Conn)) string { return s.listen(t, serve) })
	s.live(t, len(s.misdeeds)+honest)
	s.db = stored(t, s.list...)
	if sum, _ := s.visit(t, s.db, epoch, fetch.Options{}, nil); sum.New != len(s.list) {
		t.Fatalf("the first pass: %s", sum)
	}
	return s
}

// hungUp demands that whoever called has hung up by himself.
func hungUp(t testing.TB, open *sync.WaitGroup) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		open.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("a connection to a server was left open")
	}
}

// all lets the crooks do wrong, or be honest again with a new post, and returns
// what each was asked since the last time.
func (s *spree) all(wrong bool, etag string) (asked [][]string) {
	for i, c := range s.crooks {
		var does act
		if wrong && i < len(s.misdeeds) {
			does = s.misdeeds[i].does
		}
		c.publishes(etag, fmt.Sprintf("%03d-1", i), fmt.Sprintf("%03d-", i)+etag)
		asked = append(asked, c.does(does))
	}
	return asked
}

// short are the limits under which the crooks are visited.
var short = fetch.Options{Timeout: 300 * time.Millisecond, MaxBody: maxBody}

// hostile.md, Faults; fetching.md 5, 24, 26 to 28, 33, 34: every misdeed ends in a
// sentence about its source. What is stored stays, the next request is the one
// that was due before, and nobody else waits.
func TestWhateverAServerDoesHarmsItselfOnly(t *testing.T) {
	s := newSpree(t, 5)
	s.all(true, `"2"`)
	s.passWithoutTheSilent(t, epoch.Add(week))
	sum, _ := s.visit(t, s.db, epoch.Add(week), short, nil)
	if silent := s.silent(); sum != (Summary{Sources: silent, Failed: silent}) {
		t.Errorf("the pass over the silent: %s", sum)
	}
	states := sources(t, s.db)
	during := s.all(false, `"3"`)
	sum, _ = s.visit(t, s.db, epoch.Add(3*week), fetch.Options{}, nil)
	if want := (Summary{Sources: len(s.list), Tally: feeds.Tally{New: len(s.list)}}); sum != want {
		t.Errorf("the pass after it: %s, want %s", sum, want)
	}
	after := s.all(false, `"3"`)
	for i, m := range s.misdeeds {
		t.Run(m.name, func(t *testing.T) {
			sentence(t, states[s.list[i].Slug].State, m.says)
			askedOnce(t, during[i], m.hangs)
			same(t, "asked afterwards", after[i], []string{`/feed "1"`})
		})
	}
	var want []string
	for i := range s.list {
		want = append(want, fmt.Sprintf("urn:x:%03d-1", i), fmt.Sprintf(`urn:x:%03d-"3"`, i))
		if i >= len(s.misdeeds) {
			want = append(want, fmt.Sprintf(`urn:x:%03d-"2"`, i))
		}
	}
	slices.Sort(want)
	same(t, "shown in the end", shown(t, s.db), want)
}

const week = 7 * 24 * time.Hour

// passWithoutTheSilent makes a pass that ends when everybody was told of but those
// that hang, for whom there would be an hour.
func (s *spree) passWithoutTheSilent(t *testing.T, now time.Time) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := fetch.NewHTTP(fetch.Options{Timeout: time.Hour, MaxBody: maxBody, Allow: s.allow})
	defer h.Close()
	left := len(s.list) - s.silent()
	a, _ := newAggregator(s.db, h.Fetch, func(o *Options) {
		o.Now, o.Concurrency = func() time.Time { return now }, len(s.list)
		o.Fetch = map[string]fetch.Func{"http": h.Fetch}
		o.Observe = func(feeds.Visit, feeds.Tally) {
			if left--; left == 0 {
				cancel()
			}
		}
	})
	guard := time.AfterFunc(2*time.Minute, cancel)
	defer guard.Stop()
	sum, err := a.Refresh(ctx, Pass{})
	want := Summary{Sources: len(s.list) - s.silent(), Failed: len(s.misdeeds) - s.silent(), Tally: feeds.Tally{New: len(s.list) - len(s.misdeeds)}}
	if !errors.Is(err, context.Canceled) || sum != want {
		t.Errorf("the pass without the silent: %s, %v, want %s", sum, err, want)
	}
}

// silent is how many hang.
func (s *spree) silent() (n int) {
	for _, m := range s.misdeeds {
		if m.hangs {
			n++
		}
	}
	return n
}

// sentence demands that a person can read what went wrong.
func sentence(t *testing.T, state feeds.State, says string) {
	t.Helper()
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	if e := state.LastError; !regexp.MustCompile(says).MatchString(e) || len(e) > 500 || strings.ContainsFunc(e, unprintable) {
		t.Errorf("it says %q, want %q", e, says)
	}
	if state.Failures != 1 || !state.LastSuccess.Equal(epoch) {
		t.Errorf("state %+v", state)
	}
}

// askedOnce demands that no address was asked twice in a pass (fetching.md 26), and
// that there were five redirects at the most; those that hang had two passes.
func askedOnce(t *testing.T, asked []string, hangs bool) {
	t.Helper()
	passes := 1
	if hangs {
		passes = 2
	}
	times := map[string]int{}
	for _, a := range asked {
		times[a]++
	}
	for a, n := range times {
		if n > passes {
			t.Errorf("%s was asked %d times", a, n)
		}
	}
	if len(times) < 1 || len(times) > 6 {
		t.Errorf("asked %q", asked)
	}
}

// The heap is as large after many misdeeds as after one pass of them, and no
// connection is left open, which newSpree sees to.
func TestMisdeedsLeaveNothingBehind(t *testing.T) {
	s := newSpree(t, 0)
	s.all(true, `"2"`)
	var sizes [2]uint64
	for i := range sizes {
		if sum, _ := s.visit(t, s.db, epoch.Add(time.Duration(i+1)*week), short, nil); sum.Failed != len(s.list) {
			t.Errorf("pass %d: %s", i, sum)
		}
		sizes[i] = liveHeap()
	}
	// A document left behind by every source would be twenty times as much.
	if sizes[1] > sizes[0]+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", sizes[0], sizes[1])
	}
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
