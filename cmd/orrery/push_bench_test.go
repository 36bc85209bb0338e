package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// blogs is a server with feeds that change when a test says so, and their hub.
type blogs struct {
	*httptest.Server
	mu        sync.Mutex
	posts     []int    // of each feed
	callbacks []string // of each feed; "": nobody has subscribed
}

func newBlogs(t testing.TB, n int) *blogs {
	b := &blogs{posts: make([]int, n), callbacks: make([]string, n)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{feed}", b.feed)
	mux.HandleFunc("POST /hub", func(w http.ResponseWriter, r *http.Request) {
		topic, callback := r.FormValue("hub.topic"), r.FormValue("hub.callback")
		w.WriteHeader(http.StatusAccepted)
		go func() { // the request is to be answered first (WebSub §5.1)
			ask := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.challenge": {"yes"}, "hub.lease_seconds": {"864000"}}
			answer, err := http.Get(callback + "?" + ask.Encode())
			if err != nil {
				return // the benchmark waits for it, and says so
			}
			defer answer.Body.Close()
			var i int
			if _, err := fmt.Sscanf(topic, b.URL+"/%d", &i); err == nil && answer.StatusCode == http.StatusOK {
				b.mu.Lock()
				b.callbacks[i] = callback
				b.mu.Unlock()
			}
		}()
	})
	b.Server = httptest.NewServer(mux)
	t.Cleanup(b.Close)
	return b
}

func (b *blogs) feed(w http.ResponseWriter, r *http.Request) {
	var i int
	if _, err := fmt.Sscan(r.PathValue("feed"), &i); err != nil {
		http.NotFound(w, r)
		return
	}
	b.mu.Lock()
	n := b.posts[i]
	b.mu.Unlock()
	self := fmt.Sprintf("%s/%d", b.URL, i)
	w.Header().Add("Link", "<"+b.URL+`/hub>; rel="hub", <`+self+`>; rel="self"`)
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n))
	if r.Header.Get("If-None-Match") == fmt.Sprintf(`"%d"`, n) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/atom+xml")
	now := time.Now().UTC().Format(time.RFC3339)
	fmt.Fprintf(w, `<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog %d</title><id>%s</id><updated>%s</updated>`, i, self, now)
	for k := range n + 1 {
		fmt.Fprintf(w, `<entry><title>Post %d of blog %d</title><id>%s#%d</id><updated>%s</updated><content>Text %d.</content></entry>`, k, i, self, k, now, k)
	}
	fmt.Fprint(w, `</feed>`)
}

// publish has the blog write a post, and its hub call.
func (b *blogs) publish(i int) (title string, err error) {
	b.mu.Lock()
	b.posts[i]++
	title, callback := fmt.Sprintf("Post %d of blog %d", b.posts[i], i), b.callbacks[i]
	b.mu.Unlock()
	r, err := http.Post(callback, "application/atom+xml", strings.NewReader(""))
	if err == nil {
		r.Body.Close()
	}
	return title, err
}

func (b *blogs) subscribed() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.callbacks {
		if c != "" {
			n++
		}
	}
	return n
}

// pushBlogs are the blogs of BenchmarkPush; each publishes once, since a planet looks at a
// source at most once a minute because of its hub.
const pushBlogs = 100

// BenchmarkPush is the time from a blog's call to the planet until who has subscribed at
// the planet's hub is sent the post, all on loopback: call, visit, commit, outbox, hub.
func BenchmarkPush(b *testing.B) {
	if testing.Short() {
		b.Skip("100 subscriptions take minutes")
	}
	for b.Loop() {
		times := benchPush(b)
		slices.Sort(times)
		for name, i := range map[string]int{"p50-ms": len(times) / 2, "p99-ms": len(times) * 99 / 100, "max-ms": len(times) - 1} {
			b.ReportMetric(float64(times[i].Microseconds())/1000, name)
		}
	}
	b.ReportMetric(0, "ns/op") // most of it is subscribing
}

func benchPush(b *testing.B) (times []time.Duration) {
	blogs := newBlogs(b, pushBlogs)
	sent, verified := make(chan string, 2*pushBlogs), make(chan struct{}, 2*pushBlogs)
	reader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if challenge := r.FormValue("hub.challenge"); challenge != "" {
			fmt.Fprint(w, challenge)
			verified <- struct{}{}
			return
		}
		body, _ := io.ReadAll(r.Body) // what is cut off has not the title
		sent <- string(body)
	}))
	defer reader.Close()
	g := newGateway(b)
	var config strings.Builder
	fmt.Fprintf(&config, "fetch: {allow: [%q, %q], min_interval: 24h, pause_per_host: 0s}\nsources:\n",
		strings.TrimPrefix(blogs.URL, "http://"), strings.TrimPrefix(reader.URL, "http://"))
	for i := range pushBlogs {
		fmt.Fprintf(&config, "  - {feed: \"%s/%d\", slug: blog%d}\n", blogs.URL, i, i)
	}
	dir := b.TempDir()
	g.run(b, dir, config.String())
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); blogs.subscribed() < pushBlogs; <-tick.C {
		if time.Now().After(end) {
			b.Fatalf("the planet has subscribed to %d of %d blogs", blogs.subscribed(), pushBlogs)
		}
	}
	for i := range pushBlogs {
		form := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {fmt.Sprintf("%s/source/blog%d/feed.atom", g.URL, i)}, "hub.callback": {fmt.Sprintf("%s/%d", reader.URL, i)}}
		for {
			r, err := http.PostForm(g.URL+"/"+hubFolder, form)
			if err != nil {
				b.Fatal(err)
			}
			r.Body.Close()
			if r.StatusCode == http.StatusAccepted {
				break
			}
			if r.StatusCode != http.StatusTooManyRequests {
				b.Fatalf("the hub says %s", r.Status)
			}
			<-tick.C
		}
		select {
		case <-verified:
		case <-time.After(patience):
			b.Fatalf("the hub did not ask reader %d whether it subscribed", i)
		}
	}
	toldAll(b, dir)
	<-time.After(11 * time.Second) // a hub asks a callback for something every ten seconds at most
	for i := range pushBlogs {
		began := time.Now()
		title, err := blogs.publish(i)
		if err != nil {
			b.Fatal(err)
		}
		for there := false; !there; {
			select {
			case body := <-sent:
				there = strings.Contains(body, ">"+title+"<")
			case <-time.After(patience):
				b.Fatalf("%s was never sent", title)
			}
		}
		times = append(times, time.Since(began))
	}
	return times
}
