package publish_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/feeds/publish"
)

// memory is an Outbox, and the entries it speaks of, as the interface asks for them.
type memory struct {
	mu      sync.Mutex
	now     time.Time
	rows    []publish.Delivery
	state   map[string]map[int64]publish.Settlement
	tries   map[string]map[int64]int
	has     map[string]map[string]bool
	shown   map[string]*feeds.Entry
	crashes int // so many Settles are forgotten
}

var errCrash = errors.New("the process was killed")

func newMemory() *memory {
	return &memory{
		now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), shown: map[string]*feeds.Entry{},
		state: map[string]map[int64]publish.Settlement{}, tries: map[string]map[int64]int{}, has: map[string]map[string]bool{},
	}
}

func (m *memory) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *memory) advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

// tell commits what happened to an entry; one that is withdrawn is shown no more.
func (m *memory) tell(id, event string, categories ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = append(m.rows, publish.Delivery{ID: int64(len(m.rows) + 1), Entry: id, GUID: "urn:" + id, Event: event, At: m.now})
	if event == publish.Withdrawn {
		delete(m.shown, id)
		return
	}
	e := &feeds.Entry{ID: id, GUID: "urn:" + id, Title: event, Revision: len(m.rows)}
	for _, c := range categories {
		e.Categories = append(e.Categories, feeds.CategoryName{Slug: c, Title: c})
	}
	m.shown[id] = e
}

func (m *memory) Entry(_ context.Context, id string) (*feeds.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shown[id], nil
}

func (m *memory) Owed(_ context.Context, to string, now time.Time, n int) ([]publish.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []publish.Delivery
	waiting := map[string]bool{}
	for _, d := range m.rows {
		s, settled := m.state[to][d.ID]
		if settled && s.Retry.IsZero() || waiting[d.Entry] {
			continue
		}
		if s.Retry.After(now) {
			waiting[d.Entry] = true
			continue
		}
		if len(list) == n {
			break
		}
		d.Tries, d.Told = m.tries[to][d.ID], m.has[to][d.Entry]
		list = append(list, d)
	}
	return list, nil
}

func (m *memory) Settle(ctx context.Context, to string, ids []int64, s publish.Settlement) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.crashes > 0 {
		m.crashes--
		return errCrash
	}
	if m.state[to] == nil {
		m.state[to], m.tries[to], m.has[to] = map[int64]publish.Settlement{}, map[int64]int{}, map[string]bool{}
	}
	for _, id := range ids {
		m.state[to][id] = s
		if s.Failure != nil {
			m.tries[to][id]++
		} else {
			m.has[to][m.rows[id-1].Entry] = s.Has
		}
	}
	return nil
}

// failures are the deliveries to a listener that wait or were given up.
func (m *memory) failures(to string) (waiting, dead []int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.state[to] {
		switch {
		case s.Failure != nil && s.Retry.IsZero():
			dead = append(dead, id)
		case s.Failure != nil:
			waiting = append(waiting, id)
		}
	}
	slices.Sort(waiting)
	slices.Sort(dead)
	return waiting, dead
}

// listener writes down what it is told. answer decides what it takes.
type listener struct {
	name   string
	mu     sync.Mutex
	heard  []publish.Item
	answer func(ctx context.Context, items []publish.Item) (int, error)
}

func (l *listener) Name() string { return l.name }

func (l *listener) Send(ctx context.Context, items []publish.Item) (int, error) {
	n, err := len(items), error(nil)
	if l.answer != nil {
		n, err = l.answer(ctx, items)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, items[:n]...)
	return n, err
}

// words is what was heard, an entry and an event each, and forgets it.
func (l *listener) words() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for _, i := range l.heard {
		list = append(list, i.Key+" "+i.Event)
	}
	l.heard = nil
	return list
}

func loop(t *testing.T, m *memory, done func(publish.Round), listeners ...publish.Listener) *publish.Loop {
	t.Helper()
	p, err := publish.NewLoop(publish.Options{Outbox: m, Entry: m.Entry, Now: m.Now, Done: done}, listeners...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hears(t *testing.T, l *listener, want ...string) {
	t.Helper()
	if got := l.words(); !slices.Equal(got, want) {
		t.Errorf("%s heard %q, want %q", l.name, got, want)
	}
}
