package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orrery/feeds"
)

// fetching.md 35: sources at hosts of their own lead to one, which is asked one at a
// time with a pause between, as if it were their own.
func TestHostThatManyLeadToIsAskedInTurn(t *testing.T) {
	const sources, pause = 4, 30 * time.Millisecond // at most hopPause
	var mu sync.Mutex
	var ended []time.Time
	now, most := 0, 0
	var early []time.Duration
	hub := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if n := len(ended); n > 0 {
			if d := time.Since(ended[n-1]); d < pause {
				early = append(early, d)
			}
		}
		now++
		most = max(most, now)
		mu.Unlock()
		fmt.Fprint(w, "a feed")
		mu.Lock()
		now--
		ended = append(ended, time.Now())
		mu.Unlock()
	})
	servers := []*server{hub}
	for range sources {
		servers = append(servers, newServer(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, hub.URL, http.StatusFound)
		}))
	}
	h := newFetcher(t, Options{Pause: pause}, servers...)
	var all sync.WaitGroup
	for _, s := range servers[1:] {
		all.Go(func() {
			if _, err := h.Fetch(t.Context(), source(s.URL), feeds.Validators{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(ended) != sources || most != 1 || len(early) > 0 {
		t.Errorf("asked %d times, %d at once; after %v for a pause of %v", len(ended), most, early, pause)
	}
}

func TestWhoWaitsTooLongForHisTurnGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts := newTurns(1, time.Second, time.Now)
		leave, err := ts.enter(t.Context(), "example.org")
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if _, err := ts.enter(t.Context(), "example.org"); !errors.Is(err, ErrTurn) || time.Since(begun) != turnTimeout {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ts.enter(ctx, "example.org"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if other, err := ts.enter(t.Context(), "example.net"); err != nil || time.Since(begun) != turnTimeout+time.Second {
			t.Errorf("another domain: %v after %v", err, time.Since(begun))
		} else {
			other()
		}
		leave()
		begun = time.Now()
		leave, err = ts.enter(t.Context(), "example.org")
		if err != nil || time.Since(begun) != time.Second {
			t.Errorf("the next came after %v, %v", time.Since(begun), err)
		}
		leave()
	})
}

// Memory must not grow with the hosts that were ever asked.
func TestDomainsThatSayNothingAnyMoreAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts := newTurns(1, time.Second, time.Now)
		ts.leaveAlone("busy.example", time.Now().Add(time.Hour))
		inside, err := ts.enter(t.Context(), "inside.example")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20_000 {
			leave, err := ts.enter(t.Context(), fmt.Sprintf("%d.example", i))
			if err != nil {
				t.Fatal(err)
			}
			leave()
			if i%500 == 0 {
				time.Sleep(time.Second)
			}
		}
		if n := len(ts.all); n > 4000 {
			t.Errorf("%d are remembered", n)
		}
		if ts.rests("busy.example").IsZero() {
			t.Error("who has enough was forgotten")
		}
		if d := ts.all["inside.example"]; d == nil || d.users != 1 {
			t.Error("who is being asked was forgotten")
		}
		inside()
	})
}

// Who had no turn was not asked, whatever ended his waiting, and says so.
func TestSourceWithoutATurnIsNoSilentHost(t *testing.T) {
	s := newServer(t, always(200, "a feed"))
	h := newFetcher(t, Options{Timeout: 20 * time.Millisecond}, s)
	leave, err := h.turns.enter(t.Context(), feeds.DomainOf(s.URL))
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Fetch(t.Context(), source(s.URL), feeds.Validators{})
	if want := s.Listener.Addr().String() + " was asked for other sources"; !errors.Is(err, ErrTurn) || !strings.HasPrefix(err.Error(), want) || len(r.Answer.Hops) > 0 {
		t.Errorf("%v after %v, want %q", err, r.Answer.Hops, want)
	}
	var timeout net.Error
	if errors.As(err, &timeout) || len(s.requests()) > 0 {
		t.Errorf("it counts as silence, or was asked: %v", err)
	}
	leave()
	mustFetch(t, newFetcher(t, Options{}, s), s.URL, feeds.Validators{})
}

// A panic is one visit's failure, and takes nobody's turn.
func TestPanicLeavesItsTurn(t *testing.T) {
	panics := false
	s := newServer(t, always(200, "a feed"))
	h := newFetcher(t, Options{Now: func() time.Time {
		if panics {
			panic("a decoder gives up")
		}
		return time.Now()
	}}, s)
	panics = true
	func() {
		defer func() { _ = recover() }()
		_, _ = h.Fetch(t.Context(), source(s.URL), feeds.Validators{})
		t.Error("it did not panic")
	}()
	panics = false
	mustFetch(t, h, s.URL, feeds.Validators{})
}
