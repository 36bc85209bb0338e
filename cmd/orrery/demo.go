package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"orrery/aggregator"
	"orrery/config"
)

// demoFiles are a small community of our own: its site's posts and three blogs.
//
//go:embed demo
var demoFiles embed.FS

func (p *program) demo() *cobra.Command {
	listen := ""
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show a whole planet, with nothing to set up and no network",
		Long: `Starts three small sample blogs on this machine, fetches them and a folder of
sample posts into a temporary database, and serves the planet. Nothing is left
behind when it ends.`,
		Example: `  orrery demo
  orrery demo --listen 127.0.0.1:0     at whatever port is free`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := os.MkdirTemp("", "orrery-demo-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			return p.runDemo(c.Context(), dir, listen)
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "`address` to serve the planet at")
	return c
}

// demoPlanet is what the templates of the demo are filled with.
type demoPlanet struct {
	URL, Dir           string
	Site, Mira, Garden string
	Allow              []netip.AddrPort
	blogs              []*demoBlog
}

func (p *program) runDemo(ctx context.Context, dir, listen string) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address, such as orrery demo --listen 127.0.0.1:0", err)
	}
	d := &demoPlanet{URL: "http://" + l.Addr().String() + "/", Dir: dir}
	defer d.stop()
	pl, err := d.start(ctx)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	pl.listener = l
	if err := p.fetchDemo(ctx, pl, d); err != nil {
		pl.close()
		return errors.Join(err, l.Close())
	}
	fmt.Fprintf(p.stdout, `
Open  %[1]s                          the planet
      %[1]scategory/summit/          a category, from the folder and the blogs
      %[1]scategory/summit/feed.atom its feed; feed.rss and feed.json, too
      %[1]ssources/                  who is on it

Ctrl-C ends it; nothing is left behind.
`, d.URL)
	return p.run(ctx, pl, role{site: true, visits: true}, func() (*planet, error) { return nil, errors.New("the demo has no configuration to read again") })
}

// start starts the blogs and opens the planet.
func (d *demoPlanet) start(ctx context.Context) (*planet, error) {
	for _, b := range []struct {
		base            *string
		feed, path, typ string
	}{
		{&d.Site, "home.atom", "/feed.atom", "application/atom+xml"},
		{&d.Mira, "mira.rss", "/rss.xml", "application/rss+xml"},
		{&d.Garden, "garden.json", "/feed.json", "application/feed+json"},
	} {
		blog, err := newDemoBlog(b.feed, b.path, b.typ)
		if err != nil {
			return nil, err
		}
		*b.base = blog.base
		d.blogs, d.Allow = append(d.blogs, blog), append(d.Allow, blog.addr)
	}
	posts, err := fs.Sub(demoFiles, "demo/posts")
	if err == nil {
		err = os.CopyFS(filepath.Join(d.Dir, "posts"), posts)
	}
	if err != nil {
		return nil, err
	}
	text, err := fill("orrery.yaml", d)
	if err != nil {
		return nil, err
	}
	c, err := config.Parse(filepath.Join(d.Dir, "orrery.yaml"), text, os.Getenv)
	if err != nil {
		return nil, err
	}
	pl, err := newPlanet(c)
	if err != nil {
		return nil, err
	}
	return pl, pl.open(ctx, nil)
}

func (d *demoPlanet) stop() {
	for _, b := range d.blogs {
		b.server.Close()
	}
}

// fetchDemo makes two passes; between them a post is corrected.
func (p *program) fetchDemo(ctx context.Context, pl *planet, d *demoPlanet) error {
	for _, what := range []string{
		"The first pass, over a folder of posts and three blogs:",
		"\nMira corrects a post. The second pass:",
	} {
		fmt.Fprintln(p.stdout, what)
		out := p.newProgress()
		out.start(len(pl.sources))
		s, err := pl.aggregator(out.visit).Refresh(ctx, aggregator.Pass{All: true})
		out.end()
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, s)
		for _, b := range d.blogs {
			b.revised.Store(true)
		}
	}
	return nil
}

// demoBlog is a blog on loopback: one feed, and a page for every other address.
type demoBlog struct {
	server  *http.Server
	base    string
	addr    netip.AddrPort
	feed    string
	revised atomic.Bool
}

func newDemoBlog(feed, path, mediaType string) (*demoBlog, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr, err := netip.ParseAddrPort(l.Addr().String())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	b := &demoBlog{base: "http://" + addr.String() + "/", addr: addr, feed: feed}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		body, err := fill(b.feed, map[string]any{"Base": b.base, "Revised": b.revised.Load()})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, len(body)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".svg") {
			w.Header().Set("Content-Type", "image/svg+xml")
			http.ServeFileFS(w, r, demoFiles, "demo/lantern.svg")
			return
		}
		http.ServeFileFS(w, r, demoFiles, "demo/page.html")
	})
	b.server = &http.Server{Handler: mux, ReadHeaderTimeout: readHeaderTimeout}
	go func() { _ = b.server.Serve(l) }() // ends with Close
	return b, nil
}

// fill fills a template of the demo.
func fill(name string, data any) ([]byte, error) {
	t, err := template.ParseFS(demoFiles, "demo/"+name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
