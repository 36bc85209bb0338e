package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery/feeds/feedstest"
)

// BenchmarkBuild writes the site of the 416 posts as files, and again when nothing has
// changed.
func BenchmarkBuild(b *testing.B) {
	path := benchPlanet(b, feedstest.Data(b, "xmpp.org/content/blog"))
	benchFetch(b, path)
	dir := b.TempDir()
	b.Run("first", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			benchRun(b, "-c", path, "build", filepath.Join(dir, fmt.Sprint("first", i)))
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			benchRun(b, "-c", path, "build", filepath.Join(dir, "first0"))
		}
	})
}

// A large planet: so many entries of so many sources each, of the last ten years, each in
// one of twenty categories and of some 200 words.
const (
	largeSources   = 100
	largePerSource = 500
)

// BenchmarkBuildLarge writes the site of 50,000 entries, again when nothing has changed,
// and when one entry is new. It takes minutes, and some GB where temporary files are.
func BenchmarkBuildLarge(b *testing.B) {
	if testing.Short() {
		b.Skip("50,000 entries take minutes")
	}
	more := false
	words := strings.Fields("planet feed reader post server client room message release notes open protocol account network people week work code")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var source int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &source); err != nil {
			http.NotFound(w, r)
			return
		}
		n := largePerSource
		if more && source == 0 {
			n++
		}
		random := rand.New(rand.NewPCG(uint64(source), 1))
		w.Header().Set("Content-Type", "application/atom+xml")
		fmt.Fprintf(w, `<feed xmlns="http://www.w3.org/2005/Atom"><title>Source %d</title><id>s%d</id><updated>2026-01-01T00:00:00Z</updated>`, source, source)
		for i := range n {
			at := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(random.IntN(10*365*24*60)) * time.Minute).Format(time.RFC3339)
			fmt.Fprintf(w, `<entry><title>Post %d of %d</title><id>s%d-%d</id><updated>%s</updated><category term="Category %d"/><content type="html">&lt;p&gt;`, i, source, source, i, at, random.IntN(20))
			for range 200 {
				fmt.Fprint(w, words[random.IntN(len(words))], " ", random.IntN(1000), " ")
			}
			fmt.Fprint(w, `&lt;/p&gt;</content></entry>`)
		}
		fmt.Fprint(w, `</feed>`)
	}))
	defer s.Close()
	dir := b.TempDir()
	path, public := filepath.Join(dir, "orrery.yaml"), filepath.Join(dir, "public")
	var config strings.Builder
	fmt.Fprintf(&config, "planet: {title: Large, url: \"https://planet.example/\"}\nstorage: sqlite:large.db\ntags_as_categories: true\nfetch: {allow: [%q], pause_per_host: 0s, min_interval: 1s}\nsources:\n", strings.TrimPrefix(s.URL, "http://"))
	for i := range largeSources {
		fmt.Fprintf(&config, "  - {feed: \"%s/%d\", slug: source%d}\n", s.URL, i, i)
	}
	if err := os.WriteFile(path, []byte(config.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	benchRun(b, "-c", path, "fetch")
	build := func(name string) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				benchRun(b, "-c", path, "build", public)
			}
		})
	}
	build("first")
	build("again")
	more = true
	benchRun(b, "-c", path, "fetch", "--all")
	build("one more")
}
