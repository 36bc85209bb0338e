package push_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/aggregator/push"
)

const topic = "https://blog.example/atom.xml"

// memory is a Store as the interface asks for it. between is called before every Save,
// for what others do meanwhile.
type memory struct {
	mu      sync.Mutex
	rows    map[int64]push.Subscription
	saves   int
	between func()
}

func (m *memory) Of(_ context.Context, source int64) (push.Subscription, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.rows[source]
	return s, ok, nil
}

func (m *memory) ByID(_ context.Context, id string) (push.Subscription, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.rows {
		if id == s.ID || id == s.NewID {
			return s, true, nil
		}
	}
	return push.Subscription{}, false, nil
}

func (m *memory) Save(_ context.Context, s push.Subscription) (bool, error) {
	m.mu.Lock()
	between := m.between
	m.between = nil
	m.mu.Unlock()
	if between != nil {
		between()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows[s.Source].Rev != s.Rev {
		return false, nil
	}
	m.saves++
	if s.Hub == "" {
		delete(m.rows, s.Source)
		return true, nil
	}
	s.Rev++
	m.rows[s.Source] = s
	return true, nil
}

func (m *memory) Due(_ context.Context, now time.Time, n int, until time.Time) ([]push.Subscription, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []push.Subscription
	for _, s := range m.rows {
		if !s.Next.After(now) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b push.Subscription) int { return a.Next.Compare(b.Next) })
	list = list[:min(n, len(list))]
	for i := range list {
		list[i].Next = until
		list[i].Rev++
		m.rows[list[i].Source] = list[i]
	}
	return list, nil
}

// reader is a Subscriber on loopback with its store, its clock and the visits it asked for.
type reader struct {
	t      *testing.T
	p      *push.Subscriber
	store  *memory
	url    string // of the callbacks
	mu     sync.Mutex
	now    time.Time
	visits []int64
	client http.RoundTripper
}

func newReader(t *testing.T, change func(*push.Options)) *reader {
	t.Helper()
	r := &reader{t: t, store: &memory{rows: map[int64]push.Subscription{}}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.p.ServeHTTP(w, req) }))
	t.Cleanup(server.Close)
	r.url, r.client = server.URL+"/push/", server.Client().Transport
	o := push.Options{
		Callback: r.url, Store: r.store, Do: r.client.RoundTrip, Now: r.clock,
		Visit: func(_ context.Context, source int64) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.visits = append(r.visits, source)
			return nil
		},
		Log: func(err error) { t.Error(err) },
	}
	if change != nil {
		change(&o)
	}
	p, err := push.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.p = p
	return r
}

func (r *reader) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *reader) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// work does what is due until nothing is.
func (r *reader) work() {
	r.t.Helper()
	for {
		n, err := r.p.Pass(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// row is what is known of source 1.
func (r *reader) row() push.Subscription {
	r.t.Helper()
	s, ok, _ := r.store.Of(r.t.Context(), 1)
	if !ok {
		r.t.Fatal("there is no subscription")
	}
	return s
}

func (r *reader) active() bool { return push.Active(r.row(), r.clock()) }

func (r *reader) found(hub string) {
	r.t.Helper()
	if err := r.p.Found(r.t.Context(), 1, []string{hub}, topic); err != nil {
		r.t.Fatal(err)
	}
}

// visited are the visits since the last call.
func (r *reader) visited() int {
	r.t.Helper()
	r.work()
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.visits)
	r.visits = nil
	return n
}

// call calls a callback as a hub does.
func (r *reader) call(method, address, body string, header ...string) (code int, text string, h http.Header) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	answer, err := r.client.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, string(b), answer.Header
}

// verify asks a callback whether it wants a subscription.
func (r *reader) verify(callback string, params ...string) (code int, text string) {
	r.t.Helper()
	q := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.challenge": {"chal<b>lenge"}, "hub.lease_seconds": {"86400"}}
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	code, text, h := r.call(http.MethodGet, callback+"?"+q.Encode(), "")
	if code == http.StatusOK && text != "" && !strings.HasPrefix(h.Get("Content-Type"), "text/plain") {
		r.t.Errorf("the challenge is sent back as %s", h.Get("Content-Type"))
	}
	return code, text
}

// hub is one that does as it is told, over TLS.
type hub struct {
	url    string
	mu     sync.Mutex
	forms  []url.Values
	answer func(w http.ResponseWriter, form url.Values)
}

func newHub(t *testing.T) *hub {
	t.Helper()
	h := &hub{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
			t.Error(r.Method, err)
		}
		h.mu.Lock()
		h.forms = append(h.forms, r.PostForm)
		answer := h.answer
		h.mu.Unlock()
		if answer != nil {
			answer(w, r.PostForm)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(server.Close)
	h.url = server.URL + "/hub"
	return h
}

func (h *hub) answers(f func(w http.ResponseWriter, form url.Values)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

// asked are the requests since the last call.
func (h *hub) asked() []url.Values {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.forms
	h.forms = nil
	return list
}

// subscribed returns a reader with a subscription at a hub, its callback and its secret.
func subscribed(t *testing.T, change func(*push.Options)) (r *reader, h *hub, callback, secret string) {
	t.Helper()
	r, h = newReader(t, change), newHub(t)
	r.found(h.url)
	r.work()
	forms := h.asked()
	if len(forms) != 1 {
		t.Fatalf("the hub was asked %v", forms)
	}
	callback, secret = forms[0].Get("hub.callback"), forms[0].Get("hub.secret")
	if code, text := r.verify(callback); code != http.StatusOK || text != "chal<b>lenge" {
		t.Fatal(code, text)
	}
	return r, h, callback, secret
}
