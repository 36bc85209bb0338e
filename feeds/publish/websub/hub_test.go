package websub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSubscriberWhoSaysYesIsSentTheFeed(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url, "hub.secret", "s3cret", "hub.lease_seconds", "86400", "hub.unknown", "x")
	p.work()
	came := s.visitors()
	if len(came) != 1 || came[0].method != http.MethodGet || !strings.HasPrefix(came[0].uri, "/push/x?a=%7e&b&hub.challenge=") {
		t.Fatalf("came %v", came)
	}
	if q := came[0].query; q.Get("hub.mode") != "subscribe" || q.Get("hub.topic") != topic || q.Get("hub.lease_seconds") != "86400" || len(q.Get("hub.challenge")) < 20 {
		t.Errorf("asked %v", q)
	}
	p.change("<feed>1</feed>")
	p.work()
	came = s.visitors()
	if len(came) != 1 || came[0].method != http.MethodPost || came[0].body != "<feed>1</feed>" || came[0].uri != "/push/x?a=%7e&b" {
		t.Fatalf("came %v", came)
	}
	h := came[0].header
	if h.Get("Content-Type") != atomType || h.Get("Link") != `<https://planet.example/hub>; rel="hub", <`+topic+`>; rel="self"` ||
		h.Get("X-Hub-Signature") != signature("s3cret", []byte("<feed>1</feed>")) {
		t.Errorf("the header is %v", h)
	}
	p.advance(time.Hour)
	p.work()
	if came := s.visitors(); came != nil {
		t.Errorf("sent again: %v", came)
	}
}

func TestNothingIsSentBeforeTheSubscriberSaysYes(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"404":             code(404),
		"redirect":        code(302),
		"wrong challenge": func(w http.ResponseWriter, r *http.Request) bool { fmt.Fprint(w, "no"); return true },
		"one byte more": func(w http.ResponseWriter, r *http.Request) bool {
			fmt.Fprintln(w, r.URL.Query().Get("hub.challenge"))
			return true
		},
		"endless": func(w http.ResponseWriter, r *http.Request) bool {
			fmt.Fprint(w, r.URL.Query().Get("hub.challenge"), strings.Repeat("x", 1<<20))
			return true
		},
		"500, three times": code(500),
	} {
		p, s := newPlanet(t, nil), newSubscriber(t)
		s.answers(answer)
		p.subscribe(s.url)
		for range 10 {
			p.work()
			p.change("<feed>" + p.clock().String() + "</feed>")
			p.work()
			p.advance(time.Hour)
		}
		came := s.visitors()
		want := 1
		if strings.HasPrefix(name, "500") {
			want = mostAsks
		}
		for _, c := range came {
			if c.method != http.MethodGet || strings.HasPrefix(c.uri, "/elsewhere") {
				t.Errorf("%s: came %v", name, c)
			}
		}
		if len(came) != want || len(p.store.rows) != 0 {
			t.Errorf("%s: %d came, and %d subscriptions are left", name, len(came), len(p.store.rows))
		}
	}
}

func TestNothingIsSentAfterTheLease(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url, "hub.lease_seconds", "1") // it gets five minutes
	p.work()
	if q := s.visitors()[0].query; q.Get("hub.lease_seconds") != "300" {
		t.Errorf("asked %v", q)
	}
	p.advance(5*time.Minute - time.Second)
	p.change("<feed>1</feed>")
	p.work()
	if len(s.visitors()) != 1 {
		t.Error("not sent within the lease")
	}
	p.advance(time.Second)
	p.change("<feed>2</feed>")
	p.work()
	if came := s.visitors(); came != nil || len(p.store.rows) != 0 {
		t.Errorf("came %v; %d subscriptions are left", came, len(p.store.rows))
	}
}

func TestSubscriptionEndsWhenItsSubscriberSaysSo(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url)
	p.work()
	p.advance(time.Minute)
	s.answers(code(404)) // somebody else asks
	end := []string{"hub.mode", "unsubscribe", "hub.topic", topic, "hub.callback", s.url}
	if c, text := p.ask(end...); c != http.StatusAccepted {
		t.Fatal(c, text)
	}
	p.work()
	p.advance(time.Minute)
	if p.store.one(t); len(s.visitors()) != 2 {
		t.Error("it was not asked")
	}
	s.answers(nil)
	p.ask(end...)
	p.work()
	if len(p.store.rows) != 0 {
		t.Error("it is still subscribed")
	}
	if c, text := p.ask(end...); c != http.StatusNotFound {
		t.Error(c, text)
	}
}

func TestRenewalThatFailsLeavesTheSubscription(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url, "hub.secret", "old")
	p.work()
	p.advance(time.Hour)
	s.answers(code(404))
	p.subscribe(s.url, "hub.secret", "forged", "hub.lease_seconds", "300")
	p.work()
	if row := p.store.one(t); row.Secret != "old" || row.Expires.Sub(p.clock()) < 9*24*time.Hour || row.Mode != "" {
		t.Errorf("it is %+v", row)
	}
	s.answers(nil)
	p.advance(time.Hour)
	p.subscribe(s.url, "hub.secret", "new", "hub.lease_seconds", "600")
	p.work()
	if row := p.store.one(t); row.Secret != "new" || row.Expires.Sub(p.clock()) != 10*time.Minute {
		t.Errorf("it is %+v", row)
	}
}

func TestTopicThatIsNotOursIsDenied(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	if c, text := p.ask("hub.mode", "subscribe", "hub.topic", "https://other.example/", "hub.callback", s.url); c != http.StatusAccepted {
		t.Fatal(c, text)
	}
	p.work()
	came := s.visitors()
	if len(came) != 1 || came[0].query.Get("hub.mode") != "denied" || came[0].query.Get("hub.topic") != "https://other.example/" ||
		came[0].query.Get("hub.reason") == "" || came[0].query.Has("hub.challenge") || len(p.store.rows) != 0 {
		t.Errorf("came %v; %d subscriptions are left", came, len(p.store.rows))
	}
}

func TestSubscribersOfATopicThatIsNoMoreAreTold(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url)
	p.work()
	p.advance(time.Minute)
	p.mu.Lock()
	p.gone = true
	p.mu.Unlock()
	p.change("<feed>1</feed>")
	p.work()
	came := s.visitors()
	if len(came) != 2 || came[1].query.Get("hub.mode") != "denied" || len(p.store.rows) != 0 {
		t.Errorf("came %v; %d subscriptions are left", came, len(p.store.rows))
	}
}

func TestDeliveryThatFailsIsTriedAgainAndTheSubscriptionKept(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url, "hub.lease_seconds", "2000000")
	p.work()
	s.visitors()
	for _, n := range []int{500, 404, 302, 403} {
		s.answers(code(n))
		p.change(fmt.Sprintf("<feed>%d</feed>", n))
		p.work()
		if came := s.visitors(); len(came) != 1 || !strings.Contains(p.store.one(t).Error, fmt.Sprint(n)) {
			t.Errorf("%d: came %v, and the error is %q", n, came, p.store.one(t).Error)
		}
		p.advance(29 * time.Second)
		if p.work(); s.visitors() != nil {
			t.Errorf("%d: tried again too soon", n)
		}
		p.advance(time.Hour)
	}
	s.answers(nil)
	p.work()
	if came := s.visitors(); len(came) != 1 || came[0].body != "<feed>403</feed>" || p.store.one(t).Tries != 0 {
		t.Errorf("came %v", came)
	}
	s.answers(code(500))
	p.change("<feed>bad</feed>")
	for range 4 * mostTries {
		p.work()
		p.advance(6 * time.Hour)
	}
	if n := len(s.visitors()); n != mostTries {
		t.Errorf("tried %d times", n)
	}
	s.answers(nil)
	p.change("<feed>good</feed>")
	p.work()
	if came := s.visitors(); len(came) != 1 || came[0].body != "<feed>good</feed>" {
		t.Errorf("came %v", came)
	}
}

func TestSubscriberWhoIsGoneIsForgotten(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url)
	p.work()
	s.answers(code(410))
	p.change("<feed>1</feed>")
	p.work()
	if len(p.store.rows) != 0 {
		t.Error("it is still subscribed")
	}
}

func TestManyChangesAreFewDeliveries(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url)
	p.work()
	s.visitors()
	for i := range 30 {
		p.change(fmt.Sprintf("<feed>%d</feed>", i))
		p.work()
		p.advance(time.Second)
	}
	p.advance(time.Minute)
	p.work()
	came := s.visitors()
	if len(came) < 2 || len(came) > 4 || came[len(came)-1].body != "<feed>29</feed>" {
		t.Errorf("came %v", came)
	}
	p.change("<feed>29</feed>") // does not show
	p.advance(time.Minute)
	if p.work(); s.visitors() != nil {
		t.Error("the same was sent again")
	}
}

func TestChangeDuringADeliveryIsDelivered(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url)
	p.work()
	s.visitors()
	s.answers(func(http.ResponseWriter, *http.Request) bool {
		s.answer = nil
		p.change("<feed>2</feed>")
		return false
	})
	p.change("<feed>1</feed>")
	p.work()
	p.advance(time.Minute)
	p.work()
	if came := s.visitors(); len(came) != 2 || came[0].body != "<feed>1</feed>" || came[1].body != "<feed>2</feed>" {
		t.Errorf("came %v", came)
	}
}

func TestWhatIsAskedDuringAVerificationIsNotLost(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url, "hub.secret", "first")
	p.store.between = func() { p.subscribe(s.url, "hub.secret", "second") }
	p.work()
	if row := p.store.one(t); row.Secret != "" || len(s.visitors()) != 1 { // what it said was of the first
		t.Errorf("it is %+v", row)
	}
	p.advance(time.Minute)
	p.work()
	if row := p.store.one(t); row.Secret != "second" || row.Mode != "" || len(s.visitors()) != 1 {
		t.Errorf("it is %+v", row)
	}
	p.subscribe(s.url)
	if p.work(); s.visitors() != nil {
		t.Error("it was asked twice in ten seconds")
	}
}

func TestCrashBetweenDeliveryAndItsNoteDeliversAgain(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url)
	p.work()
	s.visitors()
	p.change("<feed>1</feed>")
	ctx, kill := context.WithCancel(t.Context())
	s.answers(func(http.ResponseWriter, *http.Request) bool { kill(); return false })
	if _, err := p.hub.Pass(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(s.visitors()); n != 1 {
		t.Fatalf("%d came", n)
	}
	if p.work(); s.visitors() != nil {
		t.Error("another worker took what one had")
	}
	p.advance(10 * time.Minute)
	p.work()
	if came := s.visitors(); len(came) != 1 || came[0].body != "<feed>1</feed>" {
		t.Errorf("came %v", came)
	}
}

func TestTwoWorkersDeliverOnce(t *testing.T) {
	p, s := newPlanet(t, nil), newSubscriber(t)
	p.subscribe(s.url)
	p.work()
	s.visitors()
	other := NewHub(p.hub.o)
	s.answers(func(http.ResponseWriter, *http.Request) bool {
		if n, err := other.Pass(t.Context()); n != 0 || err != nil {
			t.Errorf("the other one had %d to do, %v", n, err)
		}
		return false
	})
	p.change("<feed>1</feed>")
	p.work()
	if n := len(s.visitors()); n != 1 {
		t.Errorf("%d came", n)
	}
}

func TestCallbacksThatNeverAnswerHoldTheirOwnHostUpOnly(t *testing.T) {
	calls := 0
	p := newPlanet(t, func(o *HubOptions) {
		o.Timeout, o.Workers = 20*time.Millisecond, 1
		o.Do = func(r *http.Request) (*http.Response, error) {
			calls++
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
	})
	for i := range 8 {
		p.subscribe(fmt.Sprintf("https://silent.example:%d/", 8000+i))
	}
	p.work()
	if calls != silentCalls {
		t.Errorf("%d were waited for", calls)
	}
}

func TestFeedThatCannotBeMadeIsReportedAndTriedAgain(t *testing.T) {
	broken := errors.New("no disk")
	fails := true
	p := newPlanet(t, func(o *HubOptions) {
		content := o.Content
		o.Content = func(ctx context.Context, topic string) ([]byte, string, error) {
			if fails {
				return nil, "", broken
			}
			return content(ctx, topic)
		}
	})
	s := newSubscriber(t)
	p.subscribe(s.url)
	p.work()
	s.visitors()
	p.change("<feed>1</feed>")
	if _, err := p.hub.Pass(t.Context()); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	fails = false
	p.advance(time.Minute)
	p.work()
	if n := len(s.visitors()); n != 1 {
		t.Errorf("%d came", n)
	}
}
