package publish_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"orrery/feeds/publish"
	"orrery/feeds/publish/hook"
	"orrery/feeds/publish/websub"
)

var (
	_ publish.Publisher = (*hook.Webhook)(nil)
	_ publish.Publisher = (*hook.Command)(nil)
	_ publish.Publisher = (*websub.Hub)(nil)
	_ publish.Publisher = (*websub.Pinger)(nil)
)

func TestWebhookThatComesBackHearsWhatItMissed(t *testing.T) {
	answer := http.StatusServiceUnavailable
	heard := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer/100 == 2 {
			heard[r.Header.Get("X-Orrery-Delivery")+" "+r.Header.Get("X-Orrery-Event")]++
		}
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(answer)
	}))
	defer server.Close()
	m := newMemory()
	w, err := hook.NewWebhook(hook.WebhookOptions{Name: "chat", URL: server.URL, Do: server.Client().Transport.RoundTrip, Now: m.Now})
	if err != nil {
		t.Fatal(err)
	}
	p := loop(t, m, nil, publish.Listener{Publisher: w})
	m.tell("x", publish.New)
	m.tell("y", publish.New)
	if err := p.Once(t.Context()); err == nil {
		t.Error("no error")
	}
	answer = http.StatusOK
	m.advance(time.Hour - time.Second) // it asked for an hour
	once(t, p)
	if len(heard) != 0 {
		t.Errorf("heard %v too early", heard)
	}
	m.tell("y", publish.Withdrawn)
	m.advance(time.Second)
	m.crashes = 1
	_ = p.Once(t.Context())
	once(t, p)
	if len(heard) != 2 || heard["x.1 new"] != 2 || heard["y.3 withdrawn"] != 2 { // twice, since the first settle was lost
		t.Errorf("heard %v", heard)
	}
}
