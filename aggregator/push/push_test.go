package push_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"orrery/aggregator/push"
)

func sign(method string, h func() hash.Hash, secret, body string) string {
	mac := hmac.New(h, []byte(secret))
	mac.Write([]byte(body))
	return method + "=" + hex.EncodeToString(mac.Sum(nil))
}

func TestHubOfASourceIsAskedForASubscription(t *testing.T) {
	r, h := newReader(t, nil), newHub(t)
	r.found(h.url)
	r.work()
	forms := h.asked()
	if len(forms) != 1 {
		t.Fatalf("asked %v", forms)
	}
	f := forms[0]
	if f.Get("hub.mode") != "subscribe" || f.Get("hub.topic") != topic || f.Get("hub.lease_seconds") != "864000" ||
		len(f.Get("hub.secret")) < 26 || len(f.Get("hub.secret")) >= 200 {
		t.Errorf("asked %v", f)
	}
	id, ok := strings.CutPrefix(f.Get("hub.callback"), r.url)
	if !ok || len(id) < 26 || strings.Contains(f.Get("hub.secret"), id) {
		t.Errorf("the callback is %s", f.Get("hub.callback"))
	}
	if r.active() {
		t.Error("it is active and nobody has verified it")
	}
	r.found(h.url) // at every visit
	if r.work(); h.asked() != nil {
		t.Error("the hub was asked again")
	}
}

func TestSecretIsToldOverHTTPSOnly(t *testing.T) {
	r := newReader(t, func(o *push.Options) {
		o.Do = func(req *http.Request) (*http.Response, error) {
			if err := req.ParseForm(); err != nil || req.PostForm.Has("hub.secret") {
				t.Errorf("sent %v, %v", req.PostForm, err)
			}
			return &http.Response{StatusCode: http.StatusAccepted, Body: http.NoBody}, nil
		}
	})
	r.found("http://hub.example/")
	r.work()
	if s := r.row(); s.NewID == "" || s.NewSecret != "" {
		t.Errorf("it is %+v", s)
	}
}

func TestOnlyWhatWasAskedForIsVerified(t *testing.T) {
	r, h := newReader(t, nil), newHub(t)
	r.found(h.url)
	r.work()
	callback := h.asked()[0].Get("hub.callback")
	for _, params := range [][]string{
		{"hub.mode", "unsubscribe"}, {"hub.mode", ""}, {"hub.topic", "https://other.example/"}, {"hub.topic", ""},
		{"hub.challenge", ""}, {"hub.challenge", strings.Repeat("x", 5000)}, {"hub.mode", "denied", "hub.topic", "x"},
	} {
		if code, text := r.verify(callback, params...); code != http.StatusNotFound || text != "" {
			t.Errorf("%.60q: %d %q", params, code, text)
		}
	}
	for _, other := range []string{r.url, r.url + "x", r.url + strings.Repeat("A", 26), callback + "A", callback + "/"} {
		if code, _ := r.verify(other); code != http.StatusNotFound {
			t.Errorf("%s: %d", other, code)
		}
	}
	if r.active() {
		t.Error("it is active")
	}
	if code, text := r.verify(callback); code != http.StatusOK || text != "chal<b>lenge" {
		t.Errorf("%d %q", code, text)
	}
	s := r.row()
	if !r.active() || s.Expires.Sub(r.clock()) != 24*time.Hour { // as the hub says
		t.Errorf("it is %+v", s)
	}
	// The hub did not get our answer, and asks again.
	if code, text := r.verify(callback, "hub.lease_seconds", "99"); code != http.StatusOK || text != "chal<b>lenge" || r.row() != s {
		t.Errorf("%d %q %+v", code, text, r.row())
	}
	if code, _, _ := r.call(http.MethodDelete, callback, ""); code != http.StatusMethodNotAllowed {
		t.Error(code)
	}
}

func TestSubscriptionIsRenewedInTimeWithAnotherCallback(t *testing.T) {
	r, h, callback, secret := subscribed(t, nil)
	r.advance(19 * time.Hour)
	if r.work(); h.asked() != nil {
		t.Error("renewed too early")
	}
	r.advance(13 * time.Minute)
	r.work()
	forms := h.asked()
	if len(forms) != 1 || forms[0].Get("hub.callback") == callback || forms[0].Get("hub.secret") == secret {
		t.Fatalf("asked %v", forms)
	}
	if code, _, _ := r.call(http.MethodPost, callback, "x", "X-Hub-Signature", sign("sha256", sha256.New, secret, "x")); code != http.StatusAccepted || r.visited() != 1 {
		t.Errorf("the old callback answers %d before the new one is verified", code)
	}
	if code, _ := r.verify(forms[0].Get("hub.callback")); code != http.StatusOK {
		t.Error(code)
	}
	if code, _, _ := r.call(http.MethodPost, callback, "x"); code != http.StatusGone {
		t.Errorf("the old callback answers %d", code)
	}
	if s := r.row(); s.Expires.Sub(r.clock()) != 24*time.Hour {
		t.Errorf("it is %+v", s)
	}
}

func TestCallMeansThatTheSourceIsVisited(t *testing.T) {
	r, _, callback, secret := subscribed(t, func(o *push.Options) { o.MaxBody = 1000 })
	for _, c := range []struct {
		name, header, body string
		code, visits       int
	}{
		{"sha256", sign("sha256", sha256.New, secret, "<feed/>"), "<feed/>", 202, 1},
		{"sha384", sign("sha384", sha512.New384, secret, "<feed/>"), "<feed/>", 202, 1},
		{"sha512 in capitals", strings.ToUpper(sign("sha512", sha512.New, secret, "\xff\x00")), "\xff\x00", 202, 1},
		{"sha1", sign("sha1", sha1.New, secret, "<feed/>"), "<feed/>", 202, 0},
		{"no signature", "", "<feed/>", 202, 0},
		{"another secret", sign("sha256", sha256.New, "guess", "<feed/>"), "<feed/>", 202, 0},
		{"another body", sign("sha256", sha256.New, secret, "<feed/>"), "<evil/>", 202, 0},
		{"half a signature", sign("sha256", sha256.New, secret, "<feed/>")[:40], "<feed/>", 202, 0},
		{"another method", sign("sha256", sha256.New, secret, "<feed/>")[3:], "<feed/>", 202, 0},
		{"no digits", "sha256=xyz", "<feed/>", 202, 0},
		{"too large", sign("sha256", sha256.New, secret, strings.Repeat("x", 1001)), strings.Repeat("x", 1001), 413, 0},
	} {
		r.advance(2 * time.Minute)
		code, text, _ := r.call(http.MethodPost, callback, c.body, "X-Hub-Signature", c.header)
		if n := r.visited(); code != c.code || text != "" || n != c.visits {
			t.Errorf("%s: %d %q, and %d visits", c.name, code, text, n)
		}
	}
}

func TestSHA1IsTakenIfAllowed(t *testing.T) {
	r, _, callback, secret := subscribed(t, func(o *push.Options) { o.AllowSHA1 = true })
	r.call(http.MethodPost, callback, "x", "X-Hub-Signature", sign("sha1", sha1.New, secret, "x"))
	if n := r.visited(); n != 1 {
		t.Errorf("%d visits", n)
	}
}

func TestFloodOfCallsIsOneVisitAMinute(t *testing.T) {
	r, _, callback, secret := subscribed(t, nil)
	signature := sign("sha256", sha256.New, secret, "x")
	visits, saves := 0, r.store.saves
	for i := range 300 { // over five minutes
		if code, _, _ := r.call(http.MethodPost, callback, "x", "X-Hub-Signature", signature); code != http.StatusAccepted {
			t.Fatal(code)
		}
		if i%10 == 0 {
			visits += r.visited()
		}
		r.advance(time.Second)
	}
	if visits != 5 {
		t.Errorf("%d visits", visits)
	}
	if n := r.store.saves - saves; n > 40 {
		t.Errorf("stored %d times", n)
	}
	r.advance(time.Minute) // the last call was within a minute of a visit, and is not lost
	if n := r.visited(); n != 1 {
		t.Errorf("%d visits", n)
	}
}

func TestForgedCallForNoSubscriptionIsGone(t *testing.T) {
	r, _, _, _ := subscribed(t, nil)
	for _, id := range []string{"", "1", strings.Repeat("A", 26), "../../etc/passwd"} {
		if code, _, _ := r.call(http.MethodPost, r.url+url.PathEscape(id), "x"); code != http.StatusGone {
			t.Errorf("%q: %d", id, code)
		}
	}
	if n := r.visited(); n != 0 {
		t.Errorf("%d visits", n)
	}
}

func TestCallBeforeTheVerificationIsIgnored(t *testing.T) {
	r, h := newReader(t, nil), newHub(t)
	r.found(h.url)
	r.work()
	f := h.asked()[0]
	code, _, _ := r.call(http.MethodPost, f.Get("hub.callback"), "x", "X-Hub-Signature", sign("sha256", sha256.New, f.Get("hub.secret"), "x"))
	if n := r.visited(); code != http.StatusAccepted || n != 0 {
		t.Errorf("%d, and %d visits", code, n)
	}
}

func TestDeniedSubscriptionIsAskedForAgainADayLater(t *testing.T) {
	r, h, callback, _ := subscribed(t, nil)
	code, text := r.verify(callback, "hub.mode", "denied", "hub.reason", "no\nroom")
	s := r.row()
	if code != http.StatusOK || text != "" || push.Active(s, r.clock()) || s.Error != "the hub denies the subscription: no room" {
		t.Errorf("%d %q %+v", code, text, s)
	}
	r.advance(23 * time.Hour)
	if r.work(); h.asked() != nil {
		t.Error("asked again too soon")
	}
	r.advance(time.Hour)
	if r.work(); len(h.asked()) != 1 {
		t.Error("not asked again")
	}
	if code, _, _ := r.call(http.MethodPost, callback, "x"); code != http.StatusGone {
		t.Error(code)
	}
}

func TestHubThatNeverAsksBackIsAskedLessAndLess(t *testing.T) {
	r, h := newReader(t, nil), newHub(t)
	r.found(h.url)
	last := ""
	for range 7 * 24 * 60 {
		r.work()
		if f := h.asked(); f != nil {
			last = f[0].Get("hub.callback")
		}
		r.advance(time.Minute)
	}
	s := r.row()
	if s.Tries < 8 || s.Tries > 18 || !strings.Contains(s.Error, "never asked") {
		t.Errorf("it is %+v", s)
	}
	for r.row().NewID != "" {
		r.advance(time.Minute)
		r.work()
	}
	if code, _ := r.verify(last); code != http.StatusNotFound {
		t.Errorf("it asks too late, and is told %d", code)
	}
}

func TestHubThatSaysNoIsASentence(t *testing.T) {
	for _, c := range []struct {
		answer func(http.ResponseWriter, url.Values)
		says   string
	}{
		{func(w http.ResponseWriter, _ url.Values) {
			http.Error(w, "topic\nunknown", http.StatusUnprocessableEntity)
		}, "answered with 422 Unprocessable Entity: topic unknown"},
		{func(w http.ResponseWriter, _ url.Values) { http.Error(w, "<html>", 500) }, "answered with 500 Internal Server Error"},
		{func(w http.ResponseWriter, _ url.Values) { w.Header().Set("Location", "/x"); w.WriteHeader(302) }, "answered with 302 Found"},
		{func(w http.ResponseWriter, _ url.Values) { w.Header().Set("Location", "/hub"); w.WriteHeader(307) }, "redirects more than 5 times"},
		{func(w http.ResponseWriter, _ url.Values) {
			w.Header().Set("Location", "http://hub.example/")
			w.WriteHeader(308)
		}, "a secret would be read by others"},
		{func(w http.ResponseWriter, _ url.Values) { w.Header().Set("Location", "ftp://x/"); w.WriteHeader(308) }, "cannot be asked"},
	} {
		r, h := newReader(t, nil), newHub(t)
		h.answers(c.answer)
		r.found(h.url)
		r.work()
		s := r.row()
		if !strings.HasPrefix(s.Error, "the hub at 127.0.0.1:") || !strings.HasSuffix(s.Error, c.says) || s.NewID != "" || s.Tries != 1 {
			t.Errorf("%q: it is %+v", c.says, s)
		}
		if wait := s.Renew.Sub(r.clock()); wait < 5*time.Minute || wait > 7*time.Minute {
			t.Errorf("the next is after %s", wait)
		}
	}
}

func TestHubThatMovesWithoutAWordLostIsFollowed(t *testing.T) {
	for _, code := range []int{307, 308} {
		r, old, now := newReader(t, nil), newHub(t), newHub(t)
		old.answers(func(w http.ResponseWriter, _ url.Values) {
			w.Header().Set("Location", now.url)
			w.WriteHeader(code)
		})
		r.found(old.url)
		r.work()
		a, b := old.asked(), now.asked()
		if len(a) != 1 || len(b) != 1 || a[0].Encode() != b[0].Encode() {
			t.Errorf("%d: asked %v, then %v", code, a, b)
		}
	}
}

func TestHubThatNeverAnswersIsLeft(t *testing.T) {
	r := newReader(t, func(o *push.Options) {
		o.Timeout = 10 * time.Millisecond
		o.Do = func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}
	})
	r.found("https://silent.example/")
	r.work()
	if s := r.row(); !strings.HasPrefix(s.Error, "the hub at silent.example gave no answer") {
		t.Errorf("it is %+v", s)
	}
}

func TestHubMayAskBackBeforeItAnswers(t *testing.T) {
	r, h := newReader(t, nil), newHub(t)
	h.answers(func(w http.ResponseWriter, f url.Values) {
		if code, text := r.verify(f.Get("hub.callback")); code != http.StatusOK || text != "chal<b>lenge" {
			t.Errorf("%d %q", code, text)
		}
		http.Error(w, "and then it falls over", http.StatusInternalServerError)
	})
	r.found(h.url)
	r.work()
	if s := r.row(); !r.active() || s.Error != "" || s.Tries != 0 {
		t.Errorf("it is %+v", s)
	}
}

func TestSourceThatNamesAnotherHubIsSubscribedThere(t *testing.T) {
	r, _, callback, secret := subscribed(t, nil)
	other := newHub(t)
	r.advance(time.Hour)
	r.found(other.url)
	r.work()
	if len(other.asked()) != 1 || !r.active() {
		t.Errorf("it is %+v", r.row())
	}
	if err := r.p.Found(t.Context(), 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	if len(r.store.rows) != 0 {
		t.Error("without a hub there is a subscription")
	}
	if code, _, _ := r.call(http.MethodPost, callback, "x", "X-Hub-Signature", sign("sha256", sha256.New, secret, "x")); code != http.StatusGone {
		t.Error(code)
	}
}

func TestSourceThatNamesAnotherHubEachTimeMakesFewCalls(t *testing.T) {
	calls := 0
	r := newReader(t, func(o *push.Options) {
		o.Do = func(*http.Request) (*http.Response, error) {
			calls++
			return &http.Response{StatusCode: http.StatusAccepted, Body: http.NoBody}, nil
		}
	})
	for i := range 60 {
		r.found(fmt.Sprintf("https://victim.example/%d", i))
		r.work()
		r.advance(10 * time.Second)
	}
	if calls > 3 {
		t.Errorf("%d calls", calls)
	}
}

func TestWhatAHubSaysWhileWeWorkIsNotLost(t *testing.T) {
	r, _, callback, secret := subscribed(t, nil)
	r.advance(20 * time.Hour)
	r.store.between = func() { // the renewal is about to be stored
		r.call(http.MethodPost, callback, "x", "X-Hub-Signature", sign("sha256", sha256.New, secret, "x"))
	}
	if n := r.visited(); n != 1 {
		t.Errorf("%d visits", n)
	}
	if s := r.row(); s.NewID == "" {
		t.Errorf("it is %+v", s)
	}
}

func TestCallbackAddressIsChecked(t *testing.T) {
	for _, bad := range []string{"", "/push/", "https://a.example/push", "https://a.example/push/?x/", "ftp://a.example/"} {
		if _, err := push.New(push.Options{Callback: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
