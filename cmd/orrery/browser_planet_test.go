//go:build !race

// The race detector finds nothing in a browser, and what it is shown is served under it elsewhere.

package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"orrery/feeds/feedstest"
)

// shownURL is the address of the planet as its pages and the browser know it; the
// browser is told where on loopback that is (startBrowser).
const shownURL = "http://planet.example.org/"

// shownPlanet is a planet of all real posts and feeds, and of two feeds of our own:
// one that edits its post, and one that attacks.
type shownPlanet struct {
	address string // host:port on loopback
	slugs   []string
	hidden  string // the id of a post that a person took off
}

// shownFolders are the feeds that a smaller planet has, for the race detector.
var shownFolders = []string{"hostile", "missing", "xmpp", "excerpts"}

// showPlanet fetches the planet twice, with an edit between, and serves it, all by
// the program itself and in processes of their own, until the test ends.
func showPlanet(t *testing.T) *shownPlanet {
	t.Helper()
	posts, root := feedstest.Data(t, "xmpp.org/content/blog"), feedstest.Data(t, "feeds")
	program, err := exec.LookPath("orrery") // TestMain has put it there
	if err != nil {
		t.Fatal(err)
	}
	var edited atomic.Bool
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir(root)))
	mux.HandleFunc("GET /edited.atom", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, editedFeed(edited.Load())) })
	mux.HandleFunc("GET /arabic.atom", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, arabicFeed) })
	mux.HandleFunc("GET /attack.rss", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, attackingFeed(edited.Load())) })
	blogs := httptest.NewServer(mux)
	t.Cleanup(blogs.Close)
	p := &shownPlanet{}
	config := p.configure(t, blogs.URL, root, posts)
	p.order(t, program, "-c", config, "fetch", "xsf") // so that it has the same pages every time
	p.order(t, program, "-c", config, "fetch")
	edited.Store(true)
	p.order(t, program, "-c", config, "fetch", "edited", "attack")
	said := p.order(t, program, "-c", config, "hide", "https://arabic.example/2")
	if m := regexp.MustCompile(`\((\w+)\) is hidden`).FindStringSubmatch(said); m != nil {
		p.hidden = m[1]
	}
	p.serve(t, program, config)
	return p
}

// oddLetters are what no slug has.
var oddLetters = regexp.MustCompile(`[^a-z0-9]+`)

// configure writes the planet's configuration and returns its path.
func (p *shownPlanet) configure(t *testing.T, blogs, root, posts string) string {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	fmt.Fprintf(&b, `planet:
  title: Planet XMPP
  url: %q
  description: What the people around XMPP write.
  owner: {name: XMPP Standards Foundation, url: "https://xmpp.org/"}
  about: about.md
listen: 127.0.0.1:0
admin: ""
fetch: {allow: [%q], per_host: 32, pause_per_host: 0s, min_interval: 0s}
categories:
  - {title: XMPP Summit, match: {tags: [XMPP Summit]}}
sources:
  - {markdown: %q, title: XMPP Standards Foundation, slug: xsf, site: "https://xmpp.org/", permalink: "/:year/:month/:title/", avatar: face.svg}
  - {feed: %q, slug: edited}
  - {feed: %q, slug: attack}
  - {feed: %q, slug: arabic}
  - {feed: %q, slug: gone}
`, shownURL, strings.TrimPrefix(blogs, "http://"), posts, blogs+"/edited.atom", blogs+"/attack.rss", blogs+"/arabic.atom", blogs+"/gone.rss")
	p.slugs = []string{"xsf", "edited", "attack", "arabic", "gone"}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || d.IsDir() || ext == ".md" || ext == ".tsv" {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil || testing.Short() && !beginsWithAny(name, shownFolders) {
			return err
		}
		name = filepath.ToSlash(name)
		slug := strings.Trim(oddLetters.ReplaceAllString(strings.ToLower(name), "-"), "-")
		p.slugs = append(p.slugs, slug)
		fmt.Fprintf(&b, "  - {feed: %q, slug: %s}\n", blogs+"/"+name, slug)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"orrery.yaml": b.String(),
		"face.svg":    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="#069"/></svg>`,
		"about.md":    "Who writes about XMPP can be on this planet.\n\n## Joining\n\n1. [Write to us](mailto:planet@example.org).\n2. Tell us where your feed is.\n\n## Rules\n\n| what | how often |\n|---|---|\n| news | whenever there are some |\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "orrery.yaml")
}

func beginsWithAny(s string, list []string) bool {
	for _, prefix := range list {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// order gives the program an order that it has to carry out, and returns its last line.
func (p *shownPlanet) order(t *testing.T, program string, args ...string) string {
	t.Helper()
	begin := time.Now()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("orrery %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	t.Logf("orrery %s, %v: %s", strings.Join(args[2:], " "), time.Since(begin).Round(time.Millisecond), lines[len(lines)-1])
	return lines[len(lines)-1]
}

var servingAt = regexp.MustCompile(`serving .* at http://([^/]+)/`)

// serve starts the server; it is stopped when the test ends.
func (p *shownPlanet) serve(t *testing.T, program, config string) {
	t.Helper()
	cmd := exec.Command(program, "-c", config, "serve", "--no-fetch")
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1000)
	go func() {
		defer close(said)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			said <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		for line := range said {
			t.Errorf("the server said: %s", line)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-said:
			if m := servingAt.FindStringSubmatch(line); m != nil {
				p.address = m[1]
				return
			}
			if !ok {
				t.Fatal("the server ended")
			}
			t.Logf("the server said: %s", line)
		case <-timeout:
			t.Fatalf("the server did not say within %v where it serves", patience)
		}
	}
}

// editedFeed is a post that is there in another version afterwards.
func editedFeed(edited bool) string {
	title, text := "A post about frogs", "<p>The frog is green, and it sits beside the pond.</p><p>It sings at night.</p>"
	if edited {
		title, text = "A post about toads", "<p>The toad is brown, and it sits beside the pond.</p><p>It sings at night, loudly.</p><ul><li>And by day.</li></ul>"
	}
	return `<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><id>urn:edited</id><title>Edited again and again</title>
<link href="https://edited.example/"/><updated>2024-06-01T12:00:00Z</updated><author><name>Ada Editor</name></author>
<entry><id>urn:edited:1</id><title>` + title + `</title><link href="https://edited.example/1"/><category term="frogs"/>
<published>2024-06-01T12:00:00Z</published><updated>2024-06-01T12:00:00Z</updated>
<content type="html"><![CDATA[` + text + `]]></content></entry></feed>`
}

// arabicFeed is written from right to left, with words and code from left to right in it;
// a person takes its second post off.
const arabicFeed = `<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ar"><id>urn:arabic</id><title>حديقة الورود</title>
<link href="https://arabic.example/"/><updated>2024-05-01T12:00:00Z</updated><author><name>سلمى Salma</name></author>
<entry><id>urn:arabic:1</id><title>الوردة الأولى (XMPP 1.0) في الحديقة</title><link href="https://arabic.example/1"/><category term="ورود"/>
<published>2024-05-01T12:00:00Z</published><updated>2024-05-01T12:00:00Z</updated>
<content type="html"><![CDATA[<p>هذه وردة حمراء، واسمها Rosa gallica، وتنمو قرب الماء.</p><ul><li>الأولى</li><li>الثانية</li></ul>
<blockquote><p>قالت: الورد جميل.</p></blockquote><pre><code>garden --water 3 --every 2d --and-a-line-that-is-longer-than-any-narrow-window-can-show</code></pre>
<table><tr><th>اليوم</th><th>الماء</th></tr><tr><td>الاثنين</td><td>3 l</td></tr></table>]]></content></entry>
<entry><id>urn:arabic:2</id><title>إعلان</title><link href="https://arabic.example/2"/>
<published>2024-04-01T12:00:00Z</published><updated>2024-04-01T12:00:00Z</updated><content type="html">x</content></entry></feed>`
