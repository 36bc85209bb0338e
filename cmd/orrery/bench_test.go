package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/feeds/feedstest"
	"orrery/storage"
)

// servedPlanet is the real posts' planet behind a real server on loopback.
func servedPlanet(b *testing.B) (*planet, string) {
	b.Helper()
	path := benchPlanet(b, feedstest.Data(b, "xmpp.org/content/blog"))
	benchFetch(b, path)
	p := &program{configFile: path, getenv: func(string) string { return "" }}
	pl, err := p.open(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pl.close)
	st, err := pl.site(func(err error) { b.Error(err) })
	if err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(st)
	b.Cleanup(srv.Close)
	return pl, srv.URL
}

// Requests over loopback with kept connections; the client's work is in the
// figure, too.
func BenchmarkServeOverLoopback(b *testing.B) {
	_, base := servedPlanet(b)
	res, err := http.Get(base + "/feed.atom")
	if err != nil {
		b.Fatal(err)
	}
	res.Body.Close()
	for _, c := range []struct {
		name   string
		header http.Header
		status int
	}{
		{"whole", http.Header{"Accept-Encoding": {"identity"}}, http.StatusOK},
		{"gzip", http.Header{"Accept-Encoding": {"gzip"}}, http.StatusOK},
		{"304", http.Header{"Accept-Encoding": {"gzip"}, "If-None-Match": {res.Header.Get("ETag")}}, http.StatusNotModified},
	} {
		b.Run(c.name, func(b *testing.B) {
			t := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
			b.Cleanup(t.CloseIdleConnections)
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r, _ := http.NewRequest(http.MethodGet, base+"/feed.atom", nil)
					r.Header = c.header
					res, err := t.RoundTrip(r)
					if err != nil {
						b.Error(err)
						return
					}
					n, _ := io.Copy(io.Discard, res.Body)
					res.Body.Close()
					if res.StatusCode != c.status || c.status == http.StatusOK && n == 0 {
						b.Errorf("status %d, %d bytes", res.StatusCode, n)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

// One feed of 60 real entries, from the store to the bytes.
func BenchmarkRenderFeed(b *testing.B) {
	pl, _ := servedPlanet(b)
	planet := feeds.Planet{Title: "P", URL: "https://p.example/"}
	for name, write := range map[string]func(io.Writer, *feeds.Feed) error{"atom": feeds.WriteAtom, "rss": feeds.WriteRSS, "json": feeds.WriteJSON} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				entries, err := pl.store.Entries(context.Background(), feeds.Query{Limit: 60})
				if err != nil || len(entries) != 60 {
					b.Fatal(len(entries), err)
				}
				if err := write(io.Discard, planet.Compose(feeds.View{Title: "P"}, "feed", entries)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One new post among 416: what a commit costs, durably.
func BenchmarkCommitOneEntry(b *testing.B) {
	pl, _ := servedPlanet(b)
	commitNew(b, pl.store)
}

func commitNew(b *testing.B, store *storage.DB) {
	ctx := context.Background()
	n := 0
	for b.Loop() {
		n++
		now := time.Now().Add(time.Duration(n) * time.Hour)
		due, err := store.Claim(ctx, feeds.Want{Now: now, Start: now, N: 1, Lease: time.Minute})
		if err != nil || len(due) != 1 {
			b.Fatal(len(due), err)
		}
		e := feeds.Entry{GUID: now.String(), Title: "New", Content: "<p>New</p>", FirstSeen: now, Sort: now, Changed: now}
		_, err = store.Commit(ctx, feeds.Visit{Due: due[0], At: now, Next: now, Outcome: feeds.Changed,
			Validators: due[0].Validators, Feed: &feeds.Feed{Entries: []feeds.Entry{e}}})
		if err != nil {
			b.Fatal(err)
		}
	}
}
