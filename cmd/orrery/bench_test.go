package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
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

// Requests over loopback with kept connections; the client's work is in the figure, too.
// nginx, where it is installed, serves the same bytes from files in the same run.
func BenchmarkServeOverLoopback(b *testing.B) {
	_, base := servedPlanet(b)
	b.Run("orrery", func(b *testing.B) { benchServer(b, base) })
	b.Run("nginx", func(b *testing.B) { benchServer(b, startNginx(b, base)) })
}

func benchServer(b *testing.B, base string) {
	r, _ := http.NewRequest(http.MethodGet, base+"/feed.atom", nil)
	r.Header.Set("Accept-Encoding", "identity")
	res, err := http.DefaultTransport.RoundTrip(r)
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
		{"304", http.Header{"Accept-Encoding": {"identity"}, "If-None-Match": {res.Header.Get("ETag")}}, http.StatusNotModified},
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

// startNginx serves what base says, plain and as gzip, as nginx does with gzip_static.
func startNginx(b *testing.B, base string) (address string) {
	b.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		b.Skip("nginx is not installed")
	}
	dir := b.TempDir()
	for name, coding := range map[string]string{"feed.atom": "identity", "feed.atom.gz": "gzip"} {
		r, _ := http.NewRequest(http.MethodGet, base+"/feed.atom", nil)
		r.Header.Set("Accept-Encoding", coding)
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			b.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), body, 0o644)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address = l.Addr().String()
	l.Close() // nginx opens its sockets itself
	config := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`daemon off; pid %[1]s/pid; error_log %[1]s/error.log; worker_processes auto;
events { worker_connections 1024; }
http {
	access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=16;
	types { application/atom+xml atom; }
	server { listen %[2]s; root %[1]s; gzip_static on; }
}
`, dir, address)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	c := exec.Command(program, "-c", config, "-g", "user root;")
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
	})
	for range 200 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return "http://" + address
		}
		<-time.After(10 * time.Millisecond)
	}
	b.Fatal("nginx does not answer")
	return ""
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
