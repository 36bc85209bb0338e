package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"orrery/storage/pgtest"
)

// part is one process of a planet that has several.
type part struct {
	cmd   *exec.Cmd
	lines chan string // on stderr
}

// startPart starts the program and waits until it has said something that matches.
func startPart(t testing.TB, says string, args ...string) (*part, []string) {
	t.Helper()
	p := &part{cmd: exec.Command("orrery", args...), lines: make(chan string, 1000)}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	want := regexp.MustCompile(says)
	var said []string
	for line := range p.lines {
		said = append(said, line)
		if m := want.FindStringSubmatch(line); m != nil {
			return p, m
		}
	}
	t.Fatalf("it ended and said %q, not %s", said, says)
	return nil, nil
}

// shows asks until the page has the text.
func shows(t *testing.T, url, text string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	body := ""
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-tick.C {
		r, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if body = string(b); err == nil && strings.Contains(body, text) {
			return
		}
	}
	t.Fatalf("%s has no %q:\n%s", url, text, body)
}

// Two sites and two workers, each a process, are one planet in one PostgreSQL database.
// While that is away the sites show what they showed last, and then all go on.
func TestSitesAndWorkersAreOnePlanet(t *testing.T) {
	dir, server := t.TempDir(), pgtest.Start(t, true)
	posts := filepath.Join(dir, "posts")
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(posts, "first.md"), "---\ntitle: First\ndate: 2026-01-01\n---\nOne.\n")
	config := filepath.Join(dir, "orrery.yaml")
	write(config, fmt.Sprintf(`planet: {title: Many, url: "https://p.example/"}
storage: %s
listen: 127.0.0.1:0
admin: ""
schedule: "@every 1s"
sources: [{markdown: posts, slug: site}]
`, server.URL(t)))
	var addresses []string
	for range 2 {
		_, m := startPart(t, `serving Many at (http://\S+/)`, "-c", config, "serve", "--no-fetch")
		addresses = append(addresses, m[1])
	}
	first, _ := startPart(t, `visiting the sources of Many`, "-c", config, "work")
	for _, a := range addresses {
		shows(t, a, "First")
	}
	startPart(t, `visiting the sources of Many`, "-c", config, "work")
	if err := first.cmd.Process.Signal(syscall.SIGTERM); err != nil || first.cmd.Wait() != nil {
		t.Errorf("a worker that is to end: %v, %v", err, first.cmd.ProcessState)
	}
	write(filepath.Join(posts, "second.md"), "---\ntitle: Second\ndate: 2026-01-02\n---\nTwo.\n")
	for _, a := range addresses {
		shows(t, a+"feed.json", "Second")
	}
	server.Stop("immediate")
	write(filepath.Join(posts, "third.md"), "---\ntitle: Third\ndate: 2026-01-03\n---\nThree.\n")
	for _, a := range addresses {
		for range 3 {
			shows(t, a+"feed.json", "Second")
		}
	}
	server.Restart(t)
	for _, a := range addresses {
		shows(t, a+"feed.json", "Third")
	}
}
