package main

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

func TestMetricsSayWhatListenersAreOwed(t *testing.T) {
	list := []feeds.Debt{{To: "quiet"}, {To: `an "odd\one`, Owed: 3, Oldest: time.Unix(1_700_000_000, 500_000_000), Tries: 2, GivenUp: 1}}
	var fault error
	h := metrics(func(context.Context) ([]feeds.Debt, error) { return list, fault })
	get := func() (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Code, w.Body.String()
	}
	status, text := get()
	if status != 200 {
		t.Fatalf("%d: %s", status, text)
	}
	for _, line := range []string{
		`orrery_deliveries_owed{listener="quiet"} 0`,
		`orrery_deliveries_owed{listener="an \"odd\\one"} 3`,
		`orrery_deliveries_oldest_timestamp_seconds{listener="an \"odd\\one"} 1.7000000005e+09`,
		`orrery_deliveries_tries{listener="an \"odd\\one"} 2`,
		`orrery_deliveries_given_up{listener="an \"odd\\one"} 1`,
		"process_resident_memory_bytes ", "go_goroutines ",
	} {
		if !strings.Contains("\n"+text, "\n"+line) {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
	if strings.Contains(text, `oldest_timestamp_seconds{listener="quiet"}`) {
		t.Error("who is owed nothing waits since a time")
	}
	fault = errors.New("the disk is gone")
	if status, text = get(); status != 500 || !strings.Contains(text, "the disk is gone") {
		t.Errorf("a store that does not answer: %d, %s", status, text)
	}
}
