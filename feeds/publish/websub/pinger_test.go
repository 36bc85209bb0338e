package websub

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestHubIsToldOnceOfEachChangedDocument(t *testing.T) {
	var told []string
	fail := ""
	var trouble error
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.FormValue("hub.mode") != "publish" || r.Header.Get("Content-Type") != formType {
			t.Errorf("%s %v", r.Method, r.Form)
		}
		url := r.FormValue("hub.url")
		if url == fail {
			http.Error(w, "not\nnow", http.StatusServiceUnavailable)
			return
		}
		told = append(told, url)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	p, err := NewPinger(PingerOptions{Hub: server.URL, Do: server.Client().Transport.RoundTrip, Topics: func(_ context.Context, items []Item) ([]string, error) {
		list := []string{"https://planet.example/all"}
		for _, i := range items {
			if topic := "https://planet.example/" + i.Key; !slices.Contains(list, topic) {
				list = append(list, topic)
			}
		}
		return list, trouble
	}})
	if err != nil {
		t.Fatal(err)
	}
	batch := []Item{{ID: 1, Key: "a"}, {ID: 2, Key: "b"}, {ID: 3, Key: "a"}}
	send := func(want ...string) error {
		told = nil
		n, err := p.Send(t.Context(), batch)
		if err == nil && n != len(batch) || err != nil && n != 0 {
			t.Errorf("%d taken, %v", n, err)
		}
		for i := range told {
			told[i] = strings.TrimPrefix(told[i], "https://planet.example/")
		}
		if !slices.Equal(told, want) {
			t.Errorf("told of %q, want %q", told, want)
		}
		return err
	}
	if err := send("all", "a", "b"); err != nil {
		t.Fatal(err)
	}
	fail = "https://planet.example/b"
	if err := send("all", "a"); err == nil || !strings.HasSuffix(err.Error(), "answered with 503 Service Unavailable: not now") {
		t.Error(err)
	}
	fail = ""
	if err := send("b"); err != nil { // it has heard of the others
		t.Fatal(err)
	}
	if err := send("all", "a", "b"); err != nil {
		t.Fatal(err)
	}
	for i := range batch {
		batch[i].ID += 3
	}
	fail = "https://planet.example/b"
	if err := send("all", "a"); err == nil {
		t.Error("all was told")
	}
	fail, batch = "", append(batch, Item{ID: 7, Key: "c"}) // which changes all once more
	if err := send("all", "b", "c"); err != nil {
		t.Fatal(err)
	}
	trouble = errors.New("the store is away")
	if err := send(); !errors.Is(err, trouble) {
		t.Errorf("what has changed cannot be known, and it says %v", err)
	}
}

func TestHubMustHaveAnAddress(t *testing.T) {
	for _, bad := range []string{"", "self", "ftp://a.example/", "http://"} {
		if _, err := NewPinger(PingerOptions{Hub: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
