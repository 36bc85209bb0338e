package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func item(id int64, key string) Item {
	return Item{ID: id, Event: "new", Key: key, GUID: "urn:" + key, At: at, Entry: &feeds.Entry{
		ID: key, GUID: "urn:" + key, GUIDGlobal: true, Permalink: "https://a.example/" + key, Title: "Fish & <chips>", Content: "<p>Hello</p>\u2028",
		Published: at.Add(-time.Hour), FirstSeen: at, Sort: at.Add(-time.Hour), Authors: []feeds.Person{{Name: "Ann"}},
		Categories: []feeds.CategoryName{{Slug: "c", Title: "C"}}, Source: &feeds.Source{Slug: "blog", URL: "https://a.example/feed"},
	}}
}

func TestLineIsOneObjectWithoutNullLists(t *testing.T) {
	for _, i := range []Item{item(7, "x"), {ID: 8, Event: "withdrawn", Key: "x", GUID: "urn:x", At: at}, {ID: 9, Event: "new", Key: "y", Entry: &feeds.Entry{}}} {
		line := Line(i)
		if bytes.Count(line, []byte("\n")) != 1 || !bytes.HasSuffix(line, []byte("}\n")) {
			t.Errorf("%q is not one line", line)
		}
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		if got["event"] != i.Event || got["id"] != i.Key || got["delivery"] != fmt.Sprintf("%s.%d", i.Key, i.ID) {
			t.Errorf("%s is not %v", line, i)
		}
		for name, v := range got {
			if v == nil && !slices.Contains([]string{"published", "updated", "origin"}, name) {
				t.Errorf("%s is null", name)
			}
		}
		if i.Entry == nil && len(got) != 5 {
			t.Errorf("of a withdrawn entry is said %s", line)
		}
	}
}

func TestDateThatCannotBeWrittenIsNotThere(t *testing.T) {
	i := item(1, "x")
	i.Entry.Published, i.Entry.Sort = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)
	if line := string(Line(i)); !strings.Contains(line, `"published":null`) {
		t.Error(line)
	}
}

// post is what a webhook was sent.
type post struct {
	header http.Header
	body   []byte
}

// webhook returns a Webhook to a server that answers with the codes, then with 204.
func webhook(t *testing.T, o WebhookOptions, codes ...int) (*Webhook, *[]post) {
	t.Helper()
	var got []post
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, post{r.Header, body})
		code := http.StatusNoContent
		if len(codes) > 0 {
			code, codes = codes[0], codes[1:]
		}
		w.Header().Set("Retry-After", "90")
		if code/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(code)
	}))
	t.Cleanup(server.Close)
	o.Name, o.URL, o.Do = "chat", server.URL+"/secret/token", server.Client().Transport.RoundTrip
	o.Now = func() time.Time { return at }
	w, err := NewWebhook(o)
	if err != nil {
		t.Fatal(err)
	}
	return w, &got
}

func TestWebhookIsSentEveryItemSigned(t *testing.T) {
	w, got := webhook(t, WebhookOptions{Secret: "s3cret"})
	if taken, err := w.Send(t.Context(), []Item{item(1, "x"), item(2, "y")}); taken != 2 || err != nil {
		t.Fatal(taken, err)
	}
	for i, p := range *got {
		want := item(int64(i+1), []string{"x", "y"}[i])
		if p.header.Get("X-Orrery-Signature") != Sign("s3cret", p.body) || p.header.Get("X-Orrery-Delivery") != Delivery(want) ||
			p.header.Get("X-Orrery-Event") != "new" || p.header.Get("Content-Type") != "application/json" {
			t.Errorf("the header is %v", p.header)
		}
		if !bytes.Equal(p.body, bytes.TrimSpace(Line(want))) {
			t.Errorf("the body is %s", p.body)
		}
	}
	// RFC 4231 §4.3.
	if got := Sign("Jefe", []byte("what do ya want for nothing?")); got != "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" {
		t.Error(got)
	}
}

func TestWebhookStopsAtWhatIsNotTaken(t *testing.T) {
	for _, c := range []struct {
		code    int
		refused bool
		at      time.Time
		says    string
	}{
		{500, false, time.Time{}, "answered with 500 Internal Server Error"},
		{503, false, at.Add(90 * time.Second), "answered with 503"},
		{429, false, at.Add(90 * time.Second), "answered with 429"},
		{422, true, time.Time{}, "answered with 422"},
		{403, false, time.Time{}, "is the secret in its configuration the same as in ours?"},
		{308, false, time.Time{}, "redirects are not followed"},
	} {
		w, got := webhook(t, WebhookOptions{}, 200, c.code)
		taken, err := w.Send(t.Context(), []Item{item(1, "x"), item(2, "y"), item(3, "z")})
		var f *failure
		if taken != 1 || len(*got) != 2 || !errors.As(err, &f) {
			t.Fatal(c.code, taken, len(*got), err)
		}
		if f.Refused() != c.refused || !f.RetryAt().Equal(c.at) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%d: refused %v, at %v: %s", c.code, f.Refused(), f.RetryAt(), err)
		}
	}
}

func TestErrorsDoNotTellTheAddressOfAWebhook(t *testing.T) {
	w, err := NewWebhook(WebhookOptions{Name: "chat", URL: "https://chat.example/token/s3cret", Do: func(r *http.Request) (*http.Response, error) {
		c := http.Client{Transport: transport(func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") })}
		return c.Do(r)
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Send(t.Context(), []Item{item(1, "x")})
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "chat.example") {
		t.Errorf("the error is %v", err)
	}
	for _, bad := range []string{"", "ftp://a.example/", "https:///s3cret", "http://[s3cret"} {
		if _, err := NewWebhook(WebhookOptions{URL: bad}); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWebhookThatNeverAnswersIsLeft(t *testing.T) {
	w, err := NewWebhook(WebhookOptions{Name: "chat", URL: "https://chat.example/", Timeout: time.Millisecond, Do: func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Send(t.Context(), []Item{item(1, "x")}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	for s, want := range map[string]time.Time{
		"": {}, "soon": {}, "-5": {}, "99999999999999999999": {}, " 120 ": at.Add(2 * time.Minute),
		"Sun, 01 Mar 2026 12:30:00 GMT": at.Add(30 * time.Minute),
	} {
		if got := retryAfter(s, at); !got.Equal(want) {
			t.Errorf("%q is %v", s, got)
		}
	}
}

func command(t *testing.T, o CommandOptions) *Command {
	t.Helper()
	o.Name = "glue"
	c, err := NewCommand(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCommandIsFedLines(t *testing.T) {
	out := t.TempDir() + "/out"
	c := command(t, CommandOptions{Shell: `cat >"` + out + `"; env >>"` + out + `"`})
	t.Setenv("PGPASSWORD", "s3cret")
	if taken, err := c.Send(t.Context(), []Item{item(1, "x"), item(2, "y")}); taken != 2 || err != nil {
		t.Fatal(taken, err)
	}
	got := read(t, out)
	if want := string(Line(item(1, "x"))) + string(Line(item(2, "y"))); !strings.HasPrefix(got, want) {
		t.Errorf("it read %s", got)
	}
	if !strings.Contains(got, "ORRERY_LISTENER=glue\n") || strings.Contains(got, "s3cret") {
		t.Errorf("its environment is %s", got)
	}
}

func TestNoShellReadsArguments(t *testing.T) {
	dir := t.TempDir()
	c := command(t, CommandOptions{Args: []string{"touch", "$(touch pwned)", "a b"}, Dir: dir})
	if _, err := c.Send(t.Context(), []Item{item(1, "x")}); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !reflect.DeepEqual(got, []string{"$(touch pwned)", "a b"}) {
		t.Errorf("made %q", got)
	}
}

func TestCommandThatFailsTakesNothing(t *testing.T) {
	for _, c := range []struct {
		o    CommandOptions
		says string
	}{
		{CommandOptions{Shell: "echo first >&2; printf 'no \\033[31mroom\\n' >&2; exit 3"}, "the command glue ended with exit status 3: no ?[31mroom"},
		{CommandOptions{Args: []string{"/no/such/program"}}, "the command glue cannot be run"},
		{CommandOptions{Shell: "echo started >&2; exec sleep 60", Timeout: 200 * time.Millisecond}, "the command glue did not end within 200ms"},
		// What it began holds its pipes open, and ends with it.
		{CommandOptions{Shell: "sleep 60 & sleep 60", Timeout: 200 * time.Millisecond}, "did not end within"},
	} {
		begun := time.Now()
		taken, err := command(t, c.o).Send(t.Context(), []Item{item(1, "x")})
		if taken != 0 || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %d, %v", c.o, taken, err)
		}
		if took := time.Since(begun); took > killing {
			t.Errorf("%v took %s", c.o, took)
		}
	}
}

func TestCommandMayLeaveItsLinesUnread(t *testing.T) {
	big := item(1, "x")
	big.Entry.Content = strings.Repeat("x", 1<<20)
	if taken, err := command(t, CommandOptions{Args: []string{"true"}}).Send(t.Context(), []Item{big, big}); taken != 2 || err != nil {
		t.Error(taken, err)
	}
}

func TestCommandIsEitherAProgramOrALine(t *testing.T) {
	for _, o := range []CommandOptions{{}, {Args: []string{""}}, {Args: []string{"a"}, Shell: "b"}} {
		if _, err := NewCommand(o); err == nil {
			t.Errorf("%v is taken", o)
		}
	}
}

func TestCommandIsStoppedWithUs(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := command(t, CommandOptions{Args: []string{"sleep", "60"}}).Send(ctx, []Item{item(1, "x")}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
