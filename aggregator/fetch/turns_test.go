package fetch

import (
	"context"
	"errors"
	"fmt"
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
	const sources, pause = 4, 30 * time.Millisecond
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
		if _, err := ts.enter(t.Context(), "example.org"); !errors.Is(err, errCrowded) || time.Since(begun) != turnTimeout {
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

func TestCrowdedHostIsNamedInASentence(t *testing.T) {
	h := newFetcher(t, Options{})
	w, err := newWalk("https://blog.example/feed", feeds.Validators{})
	if err != nil {
		t.Fatal(err)
	}
	err = h.explain(t.Context(), t.Context(), w, errCrowded)
	if !errors.Is(err, ErrRest) || !strings.Contains(err.Error(), "lead to blog.example") {
		t.Error(err)
	}
}
