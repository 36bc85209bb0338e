package aggregator

import (
	"context"
	"sync"
	"testing"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// Who had no turn comes with another pass, but who was asked, and led on, not before his
// lease has run out; neither has failed.
func TestSourceThatHadNoTurnHasNotFailed(t *testing.T) {
	db := stored(t, remote("led"), remote("late"))
	var mu sync.Mutex
	asked := map[string]int{}
	a, _ := newAggregator(db, func(_ context.Context, s feeds.Source, _ feeds.Validators) (fetch.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		asked[s.Slug]++
		switch {
		case s.Slug == "led":
			return fetch.Response{Answer: feeds.Answer{Hops: []string{"302 https://hub.example/led"}}}, fetch.ErrTurn
		case asked[s.Slug] == 1:
			return fetch.Response{}, fetch.ErrTurn
		}
		return fetch.Response{Status: 200, Feed: &feeds.Feed{}}, nil
	}, nil)
	visited := 0 // in the first pass or in the second
	for range 2 {
		sum := refresh(t, a, Pass{})
		if visited += sum.Sources; sum.Failed != 0 {
			t.Errorf("%s", sum)
		}
	}
	if visited != 1 || asked["led"] != 1 || asked["late"] != 2 {
		t.Errorf("%d visited, asked %v", visited, asked)
	}
	all := sources(t, db)
	if led := all["led"].State; led != (feeds.State{}) {
		t.Errorf("what led to a crowded host: %+v", led)
	}
	if late := all["late"].State; late.Failures != 0 || late.LastSuccess.IsZero() {
		t.Errorf("what had no turn at first: %+v", late)
	}
}
