package xmpp

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/feeds"
)

const (
	planetName = "planet.example.org"
	readerName = "reader.example.org"
	guestName  = "guest.example.org" // may not make nodes
	pubsubName = "pubsub.example.org"
	testSecret = "s3cret & <more>"
)

// testPlanet is whose entries the tests publish.
var testPlanet = &feeds.Planet{Title: "Planet Test", URL: "https://planet.example.org/"}

func testEntry(n int) feeds.Entry {
	at := time.Date(2026, 3, 1, 0, n, 0, 0, time.UTC)
	return feeds.Entry{
		ID: fmt.Sprintf("id%d", n), GUID: fmt.Sprintf("https://blog.example.org/posts/%d", n), GUIDGlobal: true,
		Permalink: fmt.Sprintf("https://blog.example.org/posts/%d", n), Title: fmt.Sprintf("Post %d & <more>", n),
		Content: fmt.Sprintf("<p>Text %d<br>with a&nbsp;<b>break</b> &amp; more.</p>", n), Authors: []feeds.Person{{Name: "Ann"}},
		Published: at, Changed: at, Sort: at, FirstSeen: at, Tags: []feeds.Tag{{Term: "go"}},
		Source: &feeds.Source{Slug: "blog", URL: "https://blog.example.org/feed", Title: "A Blog", FeedLink: "https://blog.example.org/"},
	}
}

// shelf is a Source in memory, the newest last.
type shelf struct {
	mu      sync.Mutex
	nodes   []Node
	entries []feeds.Entry
	loaded  int
}

func (s *shelf) Nodes(context.Context) ([]Node, error) { return s.nodes, nil }

func (s *shelf) Posts(context.Context, string) iter.Seq2[Post, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := slices.Clone(s.entries)
	return func(yield func(Post, error) bool) {
		for _, e := range slices.Backward(entries) {
			if !yield(Post{e.ID, e.GUID}, nil) {
				return
			}
		}
	}
}

func (s *shelf) Entry(_ context.Context, _ string, p Post) (*feeds.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded++
	for i := range s.entries {
		if s.entries[i].ID == p.ID {
			e := s.entries[i]
			return &e, nil
		}
	}
	return nil, nil
}

// logged collects what a component says.
type logged struct {
	mu   sync.Mutex
	said []string
	news chan struct{}
}

func newLogged() *logged { return &logged{news: make(chan struct{}, 1000)} }

func (l *logged) log(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, err.Error())
	select {
	case l.news <- struct{}{}:
	default:
	}
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.said, "\n")
}

func online(t *testing.T, c *Component, after int) int {
	t.Helper()
	n, err := c.Online(timely(t), after)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		t.Fatalf("no connection: %v", c.last)
	}
	return n
}

// timely ends before the test is killed.
func timely(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// find is the first element of the name anywhere in e.
func (e *Element) find(local string) *Element {
	if e == nil || e.Name.Local == local {
		return e
	}
	for _, c := range e.Children {
		if f := c.find(local); f != nil {
			return f
		}
	}
	return nil
}
