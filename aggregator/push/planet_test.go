package push_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/aggregator/push"
	"orrery/feeds"
	"orrery/feeds/publish"
	"orrery/feeds/publish/websub"
)

// shelf is a websub.Store.
type shelf struct {
	mu   sync.Mutex
	rows map[[2]string]websub.Subscription
}

func (m *shelf) Get(_ context.Context, topic, callback string) (websub.Subscription, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.rows[[2]string{topic, callback}]
	return s, ok, nil
}

func (m *shelf) swap(s websub.Subscription, apply func(key [2]string)) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{s.Topic, s.Callback}
	if m.rows[key].Rev != s.Rev {
		return false, nil
	}
	apply(key)
	return true, nil
}

func (m *shelf) Save(_ context.Context, s websub.Subscription) (bool, error) {
	return m.swap(s, func(key [2]string) { s.Rev++; m.rows[key] = s })
}

func (m *shelf) Remove(_ context.Context, s websub.Subscription) (bool, error) {
	return m.swap(s, func(key [2]string) { delete(m.rows, key) })
}

func (m *shelf) Count(context.Context, string) (ofHost, all int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.rows), len(m.rows), nil
}

func (m *shelf) Changed(_ context.Context, topics []string, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, s := range m.rows {
		if slices.Contains(topics, s.Topic) {
			s.Changed, s.Rev, s.Next = s.Changed+1, s.Rev+1, now
			m.rows[key] = s
		}
	}
	return nil
}

func (m *shelf) Claim(_ context.Context, now time.Time, n int, until time.Time) (list []websub.Subscription, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, s := range m.rows {
		if len(list) < n && !s.Next.After(now) && !s.Held.After(now) {
			s.Held, s.Rev = until, s.Rev+1
			m.rows[key] = s
			list = append(list, s)
		}
	}
	return list, nil
}

// blog is a planet that others read: a hub of ours over TLS, and its topics.
type blog struct {
	hub   *websub.Hub
	store *shelf
	url   string
	mu    sync.Mutex
	text  map[string]string
	calls int // requests to callbacks
}

func newBlog(t *testing.T, now func() time.Time) *blog {
	t.Helper()
	b := &blog{store: &shelf{rows: map[[2]string]websub.Subscription{}}, text: map[string]string{}}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.hub.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	b.url = server.URL + "/hub"
	b.hub = websub.NewHub(websub.HubOptions{
		URL: b.url, Store: b.store, Now: now, Log: func(err error) { t.Error(err) },
		Topic: func(a string) bool { return strings.HasPrefix(a, "https://blog.example/") },
		Topics: func(_ context.Context, items []websub.Item) (list []string, err error) {
			for _, i := range items {
				list = append(list, "https://blog.example/"+i.Key)
			}
			return list, nil
		},
		Content: func(_ context.Context, topic string) ([]byte, string, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			return []byte(b.text[topic]), feeds.AtomType, nil
		},
		Do: func(r *http.Request) (*http.Response, error) {
			b.mu.Lock()
			b.calls++
			b.mu.Unlock()
			return server.Client().Transport.RoundTrip(r)
		},
	})
	return b
}

// post writes something new, as the outbox tells it.
func (b *blog) post(t *testing.T, key, text string) {
	t.Helper()
	b.mu.Lock()
	b.text["https://blog.example/"+key] = text
	b.mu.Unlock()
	var p publish.Publisher = b.hub
	if n, err := p.Send(t.Context(), []publish.Item{{ID: 1, Key: key, Event: publish.New}}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
}

func (b *blog) work(t *testing.T) {
	t.Helper()
	for {
		n, err := b.hub.Pass(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func TestOurHubCallsOurSubscriber(t *testing.T) {
	r := newReader(t, nil)
	b := newBlog(t, r.clock)
	if err := r.p.Found(t.Context(), 1, []string{b.url}, topic); err != nil {
		t.Fatal(err)
	}
	r.work()
	b.work(t)
	if !r.active() || len(b.store.rows) != 1 || r.row().Secret == "" || r.row().Expires.Sub(r.clock()) != 10*24*time.Hour {
		t.Fatalf("it is %+v; the hub has %v", r.row(), b.store.rows)
	}
	b.post(t, "atom.xml", "<feed>1</feed>")
	b.work(t)
	if n := r.visited(); n != 1 {
		t.Errorf("%d visits", n)
	}
	// The lease is renewed, and the callback from before is given up at the next call.
	r.advance(8*24*time.Hour + time.Minute)
	r.work()
	b.work(t)
	if !r.active() || len(b.store.rows) != 2 {
		t.Errorf("it is %+v; the hub has %d", r.row(), len(b.store.rows))
	}
	b.post(t, "atom.xml", "<feed>2</feed>")
	b.work(t)
	if n := r.visited(); n != 1 || len(b.store.rows) != 1 {
		t.Errorf("%d visits; the hub has %d", n, len(b.store.rows))
	}
	// Nobody reads the source any more.
	if err := r.p.Found(t.Context(), 1, nil, ""); err != nil {
		t.Fatal(err)
	}
	r.advance(time.Minute)
	b.post(t, "atom.xml", "<feed>3</feed>")
	b.work(t)
	if n := r.visited(); n != 0 || len(b.store.rows) != 0 {
		t.Errorf("%d visits; the hub has %d", n, len(b.store.rows))
	}
}

func TestOurHubDeniesWhatItHasNot(t *testing.T) {
	r := newReader(t, nil)
	b := newBlog(t, r.clock)
	if err := r.p.Found(t.Context(), 1, []string{b.url}, "https://other.example/"); err != nil {
		t.Fatal(err)
	}
	r.work()
	b.work(t)
	if s := r.row(); s.Error != "the hub denies the subscription: this hub is for the feeds of this site only" || len(b.store.rows) != 0 {
		t.Errorf("it is %+v", s)
	}
}

func TestSomebodyElsesRequestMakesNoSubscription(t *testing.T) {
	r := newReader(t, nil)
	b := newBlog(t, r.clock)
	for i := range 3 {
		form := fmt.Sprintf("hub.mode=subscribe&hub.topic=%s&hub.callback=%s%026d", "https://blog.example/x", r.url, i)
		code, text, _ := r.call(http.MethodPost, b.url, form, "Content-Type", "application/x-www-form-urlencoded")
		if code != http.StatusAccepted {
			t.Fatal(code, text)
		}
	}
	b.work(t)
	b.post(t, "x", "<feed/>")
	b.work(t)
	if b.calls != 3 || len(b.store.rows) != 0 {
		t.Errorf("%d calls, and %d subscriptions", b.calls, len(b.store.rows))
	}
}

// Everything runs as it does in the program, on the clock of the wall.
func TestNewsArrivesWithinTwoSeconds(t *testing.T) {
	const sources = 40
	arrived := make(chan int64, sources)
	r := newReader(t, func(o *push.Options) {
		o.Now = time.Now
		o.Visit = func(_ context.Context, source int64) error { arrived <- source; return nil }
	})
	b := newBlog(t, time.Now)
	for i := range int64(sources) {
		if err := r.p.Found(t.Context(), i, []string{b.url}, fmt.Sprintf("https://blog.example/%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	r.work()
	b.work(t)
	for i := range int64(sources) {
		if s, ok, _ := r.store.Of(t.Context(), i); !ok || !push.Active(s, time.Now()) {
			t.Fatalf("source %d: %+v", i, s)
		}
	}
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	wg.Go(func() { r.p.Run(ctx) })
	wg.Go(func() { b.hub.Run(ctx) })
	defer wg.Wait()
	defer stop()
	var slowest time.Duration
	for i := range int64(sources) {
		begun := time.Now()
		b.post(t, fmt.Sprint(i), "<feed>news</feed>")
		select {
		case got := <-arrived:
			if got != i {
				t.Errorf("source %d is visited instead of %d", got, i)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("nothing came of source %d", i)
		}
		slowest = max(slowest, time.Since(begun))
	}
	t.Logf("the slowest of %d took %s", sources, slowest)
	if slowest > 2*time.Second {
		t.Errorf("the slowest took %s", slowest)
	}
}
