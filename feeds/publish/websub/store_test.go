package websub

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

// memory is a Store as the interface asks for it. between is called before every Save and
// Remove, for what others do meanwhile.
type memory struct {
	mu      sync.Mutex
	rows    map[[2]string]Subscription
	between func()
}

func newMemory() *memory { return &memory{rows: map[[2]string]Subscription{}} }

func (m *memory) Get(_ context.Context, topic, callback string) (Subscription, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.rows[[2]string{topic, callback}]
	return s, ok, nil
}

func (m *memory) swap(s Subscription, apply func(key [2]string)) bool {
	m.mu.Lock()
	between := m.between
	m.between = nil
	m.mu.Unlock()
	if between != nil {
		between()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{s.Topic, s.Callback}
	if m.rows[key].Rev != s.Rev {
		return false
	}
	apply(key)
	return true
}

func (m *memory) Save(_ context.Context, s Subscription) (bool, error) {
	return m.swap(s, func(key [2]string) { s.Rev++; m.rows[key] = s }), nil
}

func (m *memory) Remove(_ context.Context, s Subscription) (bool, error) {
	return m.swap(s, func(key [2]string) { delete(m.rows, key) }), nil
}

func (m *memory) Count(_ context.Context, host string) (ofHost, all int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.rows {
		if s.Host == host {
			ofHost++
		}
	}
	return ofHost, len(m.rows), nil
}

func (m *memory) Changed(_ context.Context, topics []string, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, s := range m.rows {
		if !slices.Contains(topics, s.Topic) {
			continue
		}
		s.Changed++
		s.Rev++
		if due := latest(now, s.NotBefore); due.Before(s.Next) {
			s.Next = due
		}
		m.rows[key] = s
	}
	return nil
}

func (m *memory) Claim(_ context.Context, now time.Time, n int, until time.Time) ([]Subscription, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Subscription
	for _, s := range m.rows {
		if !s.Next.After(now) && !s.Held.After(now) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b Subscription) int { return a.Next.Compare(b.Next) })
	list = list[:min(n, len(list))]
	for i := range list {
		list[i].Held = until
		list[i].Rev++
		m.rows[[2]string{list[i].Topic, list[i].Callback}] = list[i]
	}
	return list, nil
}

// one is the only subscription there is.
func (m *memory) one(t *testing.T) Subscription {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.rows) != 1 {
		t.Fatalf("there are %d subscriptions", len(m.rows))
	}
	for _, s := range m.rows {
		return s
	}
	panic("unreachable")
}
