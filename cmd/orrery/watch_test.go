package main

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"orrery/feeds"
	"orrery/feeds/site"
)

// asked is a store that notes when it is asked for its version, which never changes.
type asked struct {
	site.Reader // nobody asks for more
	times       []time.Duration
	since       time.Time
	err         error
	silent      atomic.Bool // it says nothing
}

func (a *asked) Version(ctx context.Context, _ feeds.Query) (int64, time.Time, error) {
	a.times = append(a.times, time.Since(a.since))
	if a.silent.Load() {
		<-ctx.Done()
		return 0, time.Time{}, ctx.Err()
	}
	return 1, a.since, a.err
}

func (a *asked) LastVisit(context.Context) (time.Time, error) { return a.since, nil }

// watched is when a store is asked that gives values in changes: send gives one.
func watched(t *testing.T, during func(a *asked, send func())) []time.Duration {
	a := &asked{}
	synctest.Test(t, func(t *testing.T) {
		a.since = time.Now()
		st, err := site.New(site.Options{Planet: feeds.Planet{Title: "P", URL: "https://p.example/"}, Reader: a})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		changes := make(chan struct{}, 1)
		context.AfterFunc(ctx, func() { close(changes) }) // as the store does
		done := make(chan struct{})
		go func() {
			defer close(done)
			(&server{journal: &journal{lines: io.Discard}}).watch(ctx, st, changes)
		}()
		synctest.Wait()
		during(a, func() {
			select {
			case changes <- struct{}{}:
			default:
			}
			synctest.Wait()
		})
		cancel()
		<-done
	})
	return a.times
}

func TestChangeIsNoticedAtOnce(t *testing.T) {
	times := watched(t, func(_ *asked, send func()) {
		time.Sleep(300 * time.Millisecond) // of a clock that takes no time
		send()
	})
	if len(times) != 1 || times[0] != 300*time.Millisecond {
		t.Errorf("asked at %v", times)
	}
}

func TestChangeThatNobodyTellsOfIsNoticedWithinASecond(t *testing.T) {
	times := watched(t, func(*asked, func()) { time.Sleep(3500 * time.Millisecond) })
	if len(times) != 3 || times[2] != 3*time.Second {
		t.Errorf("asked at %v", times)
	}
}

// A network that has forgotten the connection says nothing; the next question finds another.
func TestStoreThatSaysNothingIsAskedAgain(t *testing.T) {
	times := watched(t, func(a *asked, send func()) {
		a.silent.Store(true)
		time.Sleep(2 * time.Second) // it is asked after one
		a.silent.Store(false)
		time.Sleep(4 * time.Second)
	})
	if len(times) < 3 || times[0] != time.Second || times[1] > time.Second+askedFor+leastPause {
		t.Errorf("asked at %v", times)
	}
}

func TestStormOfChangesIsNoStormOfQuestions(t *testing.T) {
	times := watched(t, func(_ *asked, send func()) {
		for range 500 {
			send()
			time.Sleep(time.Millisecond)
		}
		time.Sleep(200 * time.Millisecond)
	})
	if len(times) != 11 { // at once, nine more until half a second, and one for the last of them
		t.Errorf("asked %d times: %v", len(times), times)
	}
	for i := 1; i < len(times); i++ {
		if times[i]-times[i-1] < leastPause {
			t.Errorf("asked at %v and %v", times[i-1], times[i])
		}
	}
	if last := times[len(times)-1]; last < 500*time.Millisecond {
		t.Errorf("the last of the changes, at 499ms, was never asked for: %v", last)
	}
}
