package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
	"orrery/feeds/publish/xmpp"
)

// prosody starts an XMPP server with components for a planet and for a reader, and
// returns the address it takes them at.
func prosody(t *testing.T) (address string) {
	t.Helper()
	program, err := exec.LookPath("prosody")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("prosody is not installed: apt-get install --no-install-recommends prosody lua-dbi-sqlite3")
		}
		t.Skip("prosody is not installed: apt-get install --no-install-recommends prosody lua-dbi-sqlite3")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // for a port that is free
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(address)
	dir := t.TempDir()
	config := filepath.Join(dir, "prosody.cfg.lua")
	text := strings.NewReplacer("DIR", dir, "PORT", port).Replace(`
run_as_root = true
data_path = "DIR"
certificates = "DIR"
log = { info = "*console" }
interfaces = { "127.0.0.1" }
component_ports = { PORT }
c2s_ports = {} s2s_ports = {} c2s_direct_tls_ports = {} s2s_direct_tls_ports = {} http_ports = {} https_ports = {}
modules_enabled = { "disco" }
modules_disabled = { "c2s", "s2s", "tls", "s2s_auth_certs" }
VirtualHost "localhost"
Component "pubsub.example.org" "pubsub"
  admins = { "planet.example.org" }
  pubsub_max_items = 1000
  storage = { pubsub_data = "sql" }
  sql = { driver = "SQLite3", database = "pubsub.sqlite" }
Component "planet.example.org"
  component_secret = "s3cret"
Component "reader.example.org"
  component_secret = "s3cret"
`)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-F", "--config", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(said)
	var all []string
	for lines.Scan() {
		all = append(all, lines.Text())
		if strings.Contains(lines.Text(), "Activated service 'component'") {
			go func() {
				for lines.Scan() { // or it would wait for somebody to read
				}
			}()
			return address
		}
	}
	t.Fatalf("prosody ended:\n%s", strings.Join(all, "\n"))
	return ""
}

// The posts of a planet are on nodes of an XMPP server, each category on one of its own,
// and leave them when they leave the planet.
func TestPlanetIsOnNodesOfAnXMPPServer(t *testing.T) {
	server, dir := prosody(t), t.TempDir()
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
	today := time.Now().UTC().Format(time.RFC3339)
	first := filepath.Join(posts, "first.md")
	write(first, "---\ntitle: First\ndate: "+today+"\ntags: [Garden]\n---\nOne.\n")
	config := filepath.Join(dir, "orrery.yaml")
	write(config, fmt.Sprintf(`planet: {title: P, url: "https://p.example/"}
storage: sqlite:p.db
listen: 127.0.0.1:0
admin: ""
schedule: "@every 1s"
sources: [{markdown: posts, slug: own, site: "https://p.example/", permalink: "/:title/"}]
categories: [{title: Garden, match: {tags: [Garden]}}]
xmpp: {component: planet.example.org, secret: s3cret, server: %q, pubsub: pubsub.example.org}
`, server))
	_, m := startPart(t, `serving P at (http://\S+/)`, "-c", config, "serve")
	reader, err := xmpp.New(xmpp.Options{Name: "reader.example.org", Secret: "s3cret", Server: server, PubSub: "pubsub.example.org", Dial: fetch.Dial})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- reader.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	if _, err := reader.Online(ctx, 0); err != nil {
		t.Fatal(err)
	}
	id := func(slug string) string {
		p := feeds.Planet{URL: "https://p.example/"}
		return xmpp.ItemID(p.EntryID(&feeds.Entry{GUID: "https://p.example/" + slug + "/"}))
	}
	holds := func(node string, want ...string) {
		t.Helper()
		slices.Sort(want)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		var got []string
		for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
			var err error
			if got, err = reader.ItemIDs(ctx, node); err != nil {
				continue // the node is not there yet
			}
			slices.Sort(got)
			if slices.Equal(got, want) {
				return
			}
		}
		t.Fatalf("%s holds %v, want %v", node, got, want)
	}
	holds("planet", id("first"))
	holds("garden", id("first"))
	write(filepath.Join(posts, "second.md"), "---\ntitle: Second\ndate: "+today+"\n---\nTwo.\n")
	begun := time.Now()
	holds("planet", id("first"), id("second"))
	t.Logf("from the file to the node: %v", time.Since(begun).Round(time.Millisecond))
	holds("garden", id("first"))
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	holds("planet", id("second"))
	holds("garden")
	shows(t, m[1], "xmpp:pubsub.example.org?;node=planet")
	shows(t, m[1]+"feed.atom", `rel="alternate" href="xmpp:pubsub.example.org?;node=planet"`)
}
