package publish_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/feeds/publish"
)

// refusal is an error about one item.
type refusal struct{}

func (refusal) Error() string { return "no such thing here" }
func (refusal) Refused() bool { return true }

func once(t *testing.T, p *publish.Loop) {
	t.Helper()
	if err := p.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestEveryListenerHearsEachChangeOnce(t *testing.T) {
	m, a, b := newMemory(), &listener{name: "a"}, &listener{name: "b"}
	p := loop(t, m, nil, publish.Listener{Publisher: a}, publish.Listener{Publisher: b, Batch: 1})
	m.tell("x", publish.New)
	m.tell("y", publish.New)
	once(t, p)
	once(t, p)
	m.tell("x", publish.Revised)
	once(t, p)
	m.tell("y", publish.Withdrawn)
	once(t, p)
	m.tell("x", publish.New) // which they have
	once(t, p)
	for _, l := range []*listener{a, b} {
		hears(t, l, "x new", "y new", "x revised", "y withdrawn", "x revised")
	}
}

func TestRevisionsThatCameTogetherAreOne(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	p := loop(t, m, nil, publish.Listener{Publisher: a})
	m.tell("x", publish.New)
	m.advance(time.Minute)
	m.tell("y", publish.New)
	m.tell("x", publish.Revised)
	m.tell("x", publish.Revised)
	once(t, p)
	if len(a.heard) == 2 && (a.heard[1].ID != 4 || a.heard[1].Entry.Revision != 4) {
		t.Errorf("told of row %d, revision %d; want the newest, 4", a.heard[1].ID, a.heard[1].Entry.Revision)
	}
	if x := a.heard[len(a.heard)-1]; !x.Since.Equal(m.rows[0].At) || !x.At.After(x.Since) {
		t.Errorf("it happened from %v to %v; the first at %v", x.Since, x.At, m.rows[0].At)
	}
	hears(t, a, "y new", "x new")
	m.tell("x", publish.Revised)
	m.tell("x", publish.Revised)
	once(t, p)
	hears(t, a, "x revised")
}

func TestOfAWithdrawnEntryTheEndIsAllThatIsTold(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	p := loop(t, m, nil, publish.Listener{Publisher: a, Batch: 1})
	m.tell("x", publish.New)
	m.tell("x", publish.Revised)
	m.tell("x", publish.Withdrawn)
	once(t, p)
	for _, w := range a.words() {
		if w != "x withdrawn" {
			t.Errorf("heard %s", w)
		}
	}
	m.tell("x", publish.New) // it is back
	once(t, p)
	hears(t, a, "x new")
}

func TestCrashBetweenSendAndSettleTellsTheSameIDsAgain(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	p := loop(t, m, nil, publish.Listener{Publisher: a})
	for i := range 5 {
		m.tell(fmt.Sprint("e", i), publish.New)
	}
	m.crashes = 1
	if err := p.Once(t.Context()); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	first := slices.Clone(a.heard)
	a.words()
	p = loop(t, m, nil, publish.Listener{Publisher: a}) // another process
	once(t, p)
	if len(first) != 5 || !slices.EqualFunc(first, a.heard, func(x, y publish.Item) bool { return x.ID == y.ID && x.Key == y.Key && x.Event == y.Event }) {
		t.Errorf("first %v, then %v", first, a.heard)
	}
	a.words()
	once(t, p)
	hears(t, a)
}

func TestEntryThatWasSentBeforeACrashAndWithdrawnAfterIsTakenBack(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	p := loop(t, m, nil, publish.Listener{Publisher: a, Categories: []string{"c"}})
	m.tell("x", publish.New, "c")
	m.crashes = 1
	if err := p.Once(t.Context()); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	m.tell("x", publish.Withdrawn)
	once(t, p)
	hears(t, a, "x new", "x withdrawn")
}

func TestFailureIsTriedAgainLaterAndLater(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	down := errors.New("down")
	a.answer = func(context.Context, []publish.Item) (int, error) { return 0, down }
	var rounds []publish.Round
	p := loop(t, m, func(r publish.Round) { rounds = append(rounds, r) }, publish.Listener{Publisher: a})
	m.tell("x", publish.New)
	m.tell("y", publish.New)
	wait := time.Duration(0)
	for i := range 12 {
		if err := p.Once(t.Context()); !errors.Is(err, down) {
			t.Fatalf("try %d: %v", i, err)
		}
		retry := m.state["a"][1].Retry.Sub(m.Now())
		if retry < 30*time.Second || retry > 6*time.Hour || retry < wait*8/10 {
			t.Errorf("try %d: the next is after %s, and before it was %s", i, retry, wait)
		}
		m.advance(retry - time.Second)
		if once(t, p); len(rounds) != i+1 {
			t.Fatalf("it was told before its time")
		}
		m.advance(time.Minute + retry/4) // the other's time has come, too
		wait = retry
	}
	if wait != 6*time.Hour {
		t.Errorf("the last wait was %s", wait)
	}
	a.answer = nil
	once(t, p)
	hears(t, a, "x new", "y new")
}

func TestNewsWaitsBehindTheOldNewsOfItsEntry(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	a.answer = func(context.Context, []publish.Item) (int, error) { return 0, refusal{} }
	p := loop(t, m, nil, publish.Listener{Publisher: a})
	m.tell("x", publish.New)
	if err := p.Once(t.Context()); err == nil {
		t.Fatal("no error")
	}
	a.answer = nil
	m.tell("x", publish.Revised)
	m.tell("y", publish.New)
	once(t, p)
	hears(t, a, "y new")
	m.advance(time.Minute)
	once(t, p)
	once(t, p)
	hears(t, a, "x new")
	if a.words() != nil || len(m.state["a"]) != 3 {
		t.Errorf("settled are %v", m.state["a"])
	}
}

func TestItemNobodyWantsHoldsNoOtherUp(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	a.answer = func(_ context.Context, items []publish.Item) (int, error) {
		if i := slices.IndexFunc(items, func(i publish.Item) bool { return i.Key == "bad" }); i >= 0 {
			return i, refusal{}
		}
		return len(items), nil
	}
	p := loop(t, m, nil, publish.Listener{Publisher: a})
	for _, id := range []string{"x", "bad", "y", "z"} {
		m.tell(id, publish.New)
	}
	if err := p.Once(t.Context()); !errors.Is(err, refusal{}) {
		t.Errorf("the error is %v", err)
	}
	hears(t, a, "x new", "y new", "z new")
	if waiting, _ := m.failures("a"); !slices.Equal(waiting, []int64{2}) {
		t.Errorf("%v wait", waiting)
	}
}

func TestNewsIsGivenUpAfterSevenDaysOfTrying(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	a.answer = func(context.Context, []publish.Item) (int, error) { return 0, errors.New("down") }
	var gaveUp int
	p := loop(t, m, func(r publish.Round) { gaveUp += r.GaveUp }, publish.Listener{Publisher: a})
	m.tell("x", publish.New)
	start := m.Now()
	m.advance(8 * 24 * time.Hour) // this process was not there
	for tries := 1; gaveUp == 0 && tries < 100; tries++ {
		_ = p.Once(t.Context())
		m.advance(6 * time.Hour)
		if gaveUp > 0 && tries < 10 {
			t.Errorf("given up after %d tries", tries)
		}
	}
	if _, dead := m.failures("a"); !slices.Equal(dead, []int64{1}) || m.Now().Sub(start) > 12*24*time.Hour {
		t.Errorf("given up are %v", dead)
	}
	a.answer = nil
	once(t, p)
	hears(t, a)
}

func TestListenerHearsOnlyItsCategories(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	p := loop(t, m, nil, publish.Listener{Publisher: a, Categories: []string{"c", "d"}})
	m.tell("x", publish.New, "c")
	m.tell("y", publish.New, "e")
	once(t, p)
	m.tell("y", publish.Revised, "e")
	m.tell("y", publish.Withdrawn)
	m.tell("z", publish.New, "e")
	once(t, p)
	m.tell("z", publish.Withdrawn) // nobody told of it
	once(t, p)
	a.heard = slices.DeleteFunc(a.heard, func(i publish.Item) bool { return i.Key == "y" && i.Event == publish.Withdrawn }) // one too many does no harm
	hears(t, a, "x new")
	m.tell("x", publish.Revised, "e") // it leaves
	once(t, p)
	m.tell("x", publish.Revised, "e")
	m.tell("x", publish.Revised, "f")
	once(t, p)
	hears(t, a, "x withdrawn")
	m.tell("x", publish.Revised, "d", "f")
	once(t, p)
	hears(t, a, "x revised")
}

func TestFaultOfOneListenerIsItsFailure(t *testing.T) {
	m, a, b := newMemory(), &listener{name: "a"}, &listener{name: "b"}
	a.answer = func(context.Context, []publish.Item) (int, error) { panic("index out of range") }
	p := loop(t, m, nil, publish.Listener{Publisher: a}, publish.Listener{Publisher: b})
	m.tell("x", publish.New)
	if err := p.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "tell a: a fault in Orrery, please report it: index out of range") {
		t.Errorf("the error is %v", err)
	}
	hears(t, b, "x new")
	if waiting, _ := m.failures("a"); len(waiting) != 1 {
		t.Errorf("%v wait", waiting)
	}
}

func TestListenerThatTakesTooLittleOrTooMuchIsNotBelieved(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	takes := 0
	a.answer = func(context.Context, []publish.Item) (int, error) { return takes, nil }
	p := loop(t, m, nil, publish.Listener{Publisher: a})
	m.tell("x", publish.New)
	if err := p.Once(t.Context()); err == nil || !strings.Contains(err.Error(), "not everything was taken") {
		t.Errorf("the error is %v", err)
	}
}

func TestTwoListenersOfOneNameAreRefused(t *testing.T) {
	a := publish.Listener{Publisher: &listener{name: "a"}}
	if _, err := publish.NewLoop(publish.Options{}, a, a); err == nil {
		t.Error("no error")
	}
}

func TestListenerThatIsAnotherProcessesIsLeftAlone(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	mine, asked := false, 0
	p, err := publish.NewLoop(publish.Options{Outbox: m, Entry: m.Entry, Now: m.Now, Turn: func(_ context.Context, to string, until time.Time) (bool, error) {
		if asked++; to != "a" || until.Sub(m.Now()) < time.Minute && (!mine || !until.Equal(m.Now())) {
			t.Errorf("asked for the turn of %s until %s", to, until)
		}
		return mine, nil
	}}, publish.Listener{Publisher: a})
	if err != nil {
		t.Fatal(err)
	}
	once(t, p)
	if asked != 0 {
		t.Error("the turn was asked for though nothing is owed")
	}
	m.tell("x", publish.New)
	once(t, p)
	hears(t, a)
	mine = true
	once(t, p)
	hears(t, a, "x new")
}

func TestWhatWasTakenIsSettledWhenWeAreStopped(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	ctx, stop := context.WithCancel(t.Context())
	a.answer = func(ctx context.Context, items []publish.Item) (int, error) {
		stop()
		return 1, ctx.Err()
	}
	p := loop(t, m, nil, publish.Listener{Publisher: a})
	m.tell("x", publish.New)
	m.tell("y", publish.New)
	p.Run(ctx)
	if len(m.state["a"]) != 1 || m.state["a"][1].Failure != nil || !m.has["a"]["x"] {
		t.Errorf("settled is %v", m.state["a"])
	}
	if waiting, _ := m.failures("a"); waiting != nil {
		t.Errorf("%v failed", waiting)
	}
}

func TestEntryThatCannotBeLoadedIsTheStoresTrouble(t *testing.T) {
	m, a := newMemory(), &listener{name: "a"}
	broken := errors.New("disk")
	p, err := publish.NewLoop(publish.Options{Outbox: m, Now: m.Now, Entry: func(context.Context, string) (*feeds.Entry, error) { return nil, broken }},
		publish.Listener{Publisher: a})
	if err != nil {
		t.Fatal(err)
	}
	m.tell("x", publish.New)
	if err := p.Once(t.Context()); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	if len(m.state["a"]) != 0 {
		t.Errorf("settled is %v", m.state["a"])
	}
}
