package websub

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	topic    = "https://planet.example/feed.atom"
	atomType = "application/atom+xml; charset=utf-8"
)

// planet is a hub on loopback with its store and its clock.
type planet struct {
	t     *testing.T
	hub   *Hub
	store *memory
	url   string

	mu   sync.Mutex
	now  time.Time
	body string
	gone bool // it has no such topic any more
}

func newPlanet(t *testing.T, change func(*HubOptions)) *planet {
	t.Helper()
	p := &planet{t: t, store: newMemory(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), body: "<feed>0</feed>"}
	client := &http.Transport{DisableKeepAlives: true}
	o := HubOptions{
		URL: "https://planet.example/hub", Store: p.store, Do: client.RoundTrip,
		Topic: func(a string) bool { p.mu.Lock(); defer p.mu.Unlock(); return a == topic && !p.gone },
		Topics: func(context.Context, []Item) ([]string, error) {
			return []string{topic}, nil
		},
		Content: func(context.Context, string) ([]byte, string, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			return []byte(p.body), atomType, nil
		},
		Now: p.clock,
	}
	if change != nil {
		change(&o)
	}
	p.hub = NewHub(o)
	server := httptest.NewServer(p.hub)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *planet) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *planet) advance(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

// change makes the topic another, and notes it as the loop does.
func (p *planet) change(body string) {
	p.t.Helper()
	p.mu.Lock()
	p.body = body
	p.mu.Unlock()
	if n, err := p.hub.Send(p.t.Context(), []Item{{ID: 1}, {ID: 2}}); n != 2 || err != nil {
		p.t.Fatal(n, err)
	}
}

// work does what is due until nothing is.
func (p *planet) work() {
	p.t.Helper()
	for {
		n, err := p.hub.Pass(p.t.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// ask posts a form to the hub.
func (p *planet) ask(params ...string) (code int, text string) {
	p.t.Helper()
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	return p.post(formType, form.Encode())
}

func (p *planet) post(contentType, body string) (code int, text string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

// subscribe asks for a subscription, which is taken.
func (p *planet) subscribe(callback string, params ...string) {
	p.t.Helper()
	code, text := p.ask(append([]string{"hub.mode", "subscribe", "hub.topic", topic, "hub.callback", callback}, params...)...)
	if code != http.StatusAccepted {
		p.t.Fatal(code, text)
	}
}

// visitor is a request to a callback.
type visitor struct {
	method string
	uri    string
	query  url.Values
	header http.Header
	body   string
}

// subscriber is a callback on loopback that writes down who came. answer may answer in its
// place; without it, it says yes to everything.
type subscriber struct {
	url    string
	mu     sync.Mutex
	came   []visitor
	answer func(w http.ResponseWriter, r *http.Request) bool
}

func newSubscriber(t *testing.T) *subscriber {
	t.Helper()
	s := &subscriber{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		s.came = append(s.came, visitor{r.Method, r.RequestURI, r.URL.Query(), r.Header, string(body)})
		answer := s.answer
		s.mu.Unlock()
		if answer == nil || !answer(w, r) {
			_, _ = io.WriteString(w, r.URL.Query().Get("hub.challenge"))
		}
	}))
	t.Cleanup(server.Close)
	s.url = server.URL + "/push/x?a=%7e&b"
	return s
}

func (s *subscriber) answers(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// visitors are those that came since the last call.
func (s *subscriber) visitors() []visitor {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.came
	s.came = nil
	return list
}

// code answers everything with a status.
func code(n int) func(w http.ResponseWriter, r *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		if n/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(n)
		return true
	}
}
