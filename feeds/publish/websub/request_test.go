package websub

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRequestThatMakesNoSenseIsRefused(t *testing.T) {
	p := newPlanet(t, nil)
	good := map[string]string{"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": "https://reader.example/x"}
	for _, c := range []struct {
		name, value, says string
	}{
		{"hub.mode", "", "hub.mode"}, {"hub.mode", "publish", "hub.mode"}, {"hub.mode", "denied", "hub.mode"},
		{"hub.topic", "", "hub.topic"}, {"hub.topic", "/feed.atom", "hub.topic"},
		{"hub.callback", "", "hub.callback"}, {"hub.callback", "ftp://a.example/", "hub.callback"}, {"hub.callback", "https:///x", "hub.callback"},
		{"hub.callback", "https://u:p@a.example/", "hub.callback"}, {"hub.callback", "https://a.example/#x", "hub.callback"},
		{"hub.callback", "https://a.example/#", "hub.callback"}, {"hub.callback", "https://a.example/\r\nHost: b", "hub.callback"},
		{"hub.callback", "https://a.example/" + strings.Repeat("x", maxAddress), "hub.callback"}, {"hub.callback", "https://a.example/\xff", "hub.callback"},
		{"hub.secret", strings.Repeat("x", 200), "hub.secret"}, {"hub.secret", "a\x00b", "hub.secret"},
		{"hub.lease_seconds", "-1", "hub.lease_seconds"}, {"hub.lease_seconds", "forever", "hub.lease_seconds"},
		{"hub.lease_seconds", "99999999999999999999", "hub.lease_seconds"},
	} {
		params := []string{c.name, c.value}
		for k, v := range good {
			if k != c.name {
				params = append(params, k, v)
			}
		}
		if code, text := p.ask(params...); code != http.StatusBadRequest || !strings.Contains(text, c.says) {
			t.Errorf("%s=%.40q: %d %s", c.name, c.value, code, text)
		}
	}
	for _, c := range []struct {
		contentType, body string
		code              int
	}{
		{"application/json", "{}", http.StatusUnsupportedMediaType}, {formType, "a=%zz", http.StatusBadRequest},
		{formType, strings.Repeat("x", maxForm+1), http.StatusRequestEntityTooLarge}, {formType + "; charset=utf-8", "", http.StatusBadRequest},
	} {
		if code, text := p.post(c.contentType, c.body); code != c.code {
			t.Errorf("%s %.20q: %d %s", c.contentType, c.body, code, text)
		}
	}
	if len(p.store.rows) != 0 {
		t.Errorf("%d are stored", len(p.store.rows))
	}
}

func TestHubSaysWhatItIs(t *testing.T) {
	p := newPlanet(t, nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "POST" || !strings.Contains(string(b), "WebSub hub") {
		t.Errorf("%d %v %s", answer.StatusCode, answer.Header, b)
	}
}

func TestLeasesAreClamped(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"": leaseDefault, "0": leaseDefault, "1": leaseLeast, "300": leaseLeast, "3600": time.Hour,
		"2592000": leaseMost, "2592001": leaseMost, "9223372036854775807": leaseMost,
	} {
		if got, ok := readLease(in); !ok || got != want {
			t.Errorf("%q is %s", in, got)
		}
	}
}

func TestSubscriptionsAreBounded(t *testing.T) {
	p := newPlanet(t, func(o *HubOptions) { o.PerHost, o.Total = 3, 5 })
	ask := func(callback string) int {
		code, _ := p.ask("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", callback)
		return code
	}
	for i := range 4 {
		want := http.StatusAccepted
		if i == 3 {
			want = http.StatusServiceUnavailable
		}
		if code := ask(fmt.Sprintf("https://A.example:%d/x", 8000+i)); code != want {
			t.Errorf("%d: %d", i, code)
		}
	}
	if code := ask("https://A.example:8000/x"); code != http.StatusAccepted {
		t.Errorf("one that is there already: %d", code)
	}
	ask("https://b.example/")
	ask("https://c.example/")
	if code := ask("https://d.example/"); code != http.StatusServiceUnavailable || len(p.store.rows) != 5 {
		t.Errorf("%d, and %d are stored", code, len(p.store.rows))
	}
}

func TestNobodyIsCalledBecauseOthersAskOften(t *testing.T) {
	p := newPlanet(t, nil)
	taken := 0
	for i := range 200 {
		code, _ := p.ask("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", fmt.Sprintf("https://victim.example/?%d", i))
		if code == http.StatusAccepted {
			taken++
		}
	}
	if taken != allowance {
		t.Errorf("%d were taken", taken)
	}
	p.advance(10 * time.Second)
	if code, _ := p.ask("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", "https://victim.example/later"); code != http.StatusAccepted {
		t.Error(code)
	}
}

func TestLimiterForgetsHosts(t *testing.T) {
	var l limiter
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range mostHosts {
		if !l.pass(fmt.Sprint(i), now) {
			t.Fatal(i)
		}
	}
	if l.pass("one more", now) {
		t.Error("it passes")
	}
	if !l.pass("one more", now.Add(2*time.Second)) || len(l.full) != 1 {
		t.Errorf("it remembers %d hosts", len(l.full))
	}
}

func TestParametersAreAppendedToTheQuery(t *testing.T) {
	v := url.Values{"x": {"1"}}
	for in, want := range map[string]string{
		"https://a.example/": "https://a.example/?x=1", "https://a.example/?": "https://a.example/?x=1",
		"https://a.example/?q=%7E+b": "https://a.example/?q=%7E+b&x=1", "https://a.example/?q&": "https://a.example/?q&x=1",
	} {
		if got := withQuery(in, v); got != want {
			t.Errorf("%s is %s", in, got)
		}
	}
}

func FuzzRequestIsRefusedOrFitToBeStored(f *testing.F) {
	f.Add("hub.mode=subscribe&hub.topic=https%3A%2F%2Fa.example%2F&hub.callback=https%3A%2F%2Fb.example%2F%3Fx&hub.secret=s&hub.lease_seconds=60")
	f.Add("hub.mode=unsubscribe&hub.topic=http://a&hub.callback=http://[::1]:80/%00")
	f.Add("hub.mode=subscribe&hub.topic=http://a&hub.callback=http://.") // the root of all names is no host
	f.Add("a;b=%")
	f.Fuzz(func(t *testing.T, body string) {
		r, fault := readRequest(body)
		if fault != "" {
			return
		}
		if len(r.secret) >= maxSecret || r.lease < leaseLeast || r.lease > leaseMost || !plain(r.topic+r.callback+r.secret+r.host) || r.host == "" {
			t.Errorf("%+v", r)
		}
		u, err := url.Parse(withQuery(r.callback, url.Values{"hub.challenge": {"c&="}}))
		if err != nil || u.Hostname() == "" {
			t.Errorf("%+v becomes %v, %v", r, u, err)
		} else if q, _ := url.ParseQuery(u.RawQuery); q.Get("hub.challenge") == "" {
			t.Errorf("%q has lost its challenge", u)
		}
	})
}
