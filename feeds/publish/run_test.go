package publish_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"orrery/feeds/publish"
)

func TestSlowListenerHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, slow, quick := newMemory(), &listener{name: "slow"}, &listener{name: "quick"}
		slow.answer = func(ctx context.Context, _ []publish.Item) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		m.now = time.Now()
		p, err := publish.NewLoop(publish.Options{Outbox: m, Entry: m.Entry},
			publish.Listener{Publisher: slow}, publish.Listener{Publisher: quick})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { p.Run(ctx); close(ended) }()
		m.tell("x", publish.New)
		p.Wake()
		synctest.Wait()
		hears(t, quick, "x new")
		if waiting, _ := m.failures("slow"); waiting != nil {
			t.Errorf("%v failed before their time", waiting)
		}
		time.Sleep(time.Minute + time.Second) // of the bubble
		if waiting, _ := m.failures("slow"); len(waiting) != 1 {
			t.Errorf("%v failed", waiting)
		}
		m.tell("y", publish.New)
		time.Sleep(2 * time.Second) // nobody calls Wake
		hears(t, quick, "y new")
		time.Sleep(time.Minute) // slow is in its second Send
		stop()
		<-ended
		synctest.Wait()
		if got := m.tries["slow"][1]; got != 1 {
			t.Errorf("being stopped was counted as a failure: %d", got)
		}
	})
}

func TestListenerInTroubleIsLeftAloneWhateverHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a := newMemory(), &listener{name: "a"}
		var sends atomic.Int32
		a.answer = func(context.Context, []publish.Item) (int, error) { sends.Add(1); return 0, errors.New("down") }
		p, err := publish.NewLoop(publish.Options{Outbox: m, Entry: m.Entry}, publish.Listener{Publisher: a})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { p.Run(ctx); close(ended) }()
		for i := range 20 {
			m.tell(fmt.Sprint("e", i), publish.New)
			p.Wake()
			time.Sleep(time.Second)
		}
		if n := sends.Load(); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
		stop()
		<-ended
	})
}

func TestNewsIsGatheredForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a := newMemory(), &listener{name: "a"}
		var sends atomic.Int32
		a.answer = func(_ context.Context, items []publish.Item) (int, error) { sends.Add(1); return len(items), nil }
		p, err := publish.NewLoop(publish.Options{Outbox: m, Entry: m.Entry}, publish.Listener{Publisher: a, Gather: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { p.Run(ctx); close(ended) }()
		for i := range 9 {
			m.advance(time.Since(m.Now()))
			m.tell(fmt.Sprint("e", i), publish.New)
			time.Sleep(time.Second)
		}
		if n := sends.Load(); n != 0 {
			t.Errorf("sent %d times already", n)
		}
		time.Sleep(3 * time.Second)
		if got, n := len(a.words()), sends.Load(); n != 1 || got != 9 {
			t.Errorf("%d items in %d", got, n)
		}
		stop()
		<-ended
	})
}
