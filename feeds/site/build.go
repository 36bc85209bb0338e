package site

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"path"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"orrery/feeds"
)

// BuildReport counts what a Build did.
type BuildReport struct {
	Files     int   // of the tree, without what was carried over
	Written   int   // new or different from the last build
	Unchanged int   // the same files as before, with their times
	Removed   int   // that the last build had and this one has not
	Bytes     int64 // of all Files
}

// searchPage stands in a folder of files, which cannot search, where people look for the
// search.
const searchPage = "search/index.html"

// BuildOptions say how a tree is written.
type BuildOptions struct {
	// Compress also writes each document compressed beside itself, as FILE.gz and FILE.br,
	// where that is smaller: what web servers send without compressing anything
	// (gzip_static of nginx, precompressed of Caddy).
	Compress bool
	// Relative has pages lead to each other from where they lie, so that the tree works at
	// any address, and not only at the planet's.
	Relative bool
	// Progress, which may be nil, hears of every document, one at a time; total is an
	// estimate until done reaches it.
	Progress func(done, total int)
}

// errorPage is what static hosts serve for unknown addresses.
const errorPage = "404.html"

// walkPage is how many entries are read at once.
const walkPage = 500

// Paths is every address of the tree, sorted, below the planet's base and not
// escaped: "/", "/category/x/feed.atom". Build writes them.
func (s *Site) Paths(ctx context.Context) ([]string, error) {
	var paths []string
	for name := range s.assets {
		paths = append(paths, "/"+name)
	}
	d, err := s.readDirectory(ctx)
	if err != nil {
		return nil, err
	}
	for _, rt := range s.routes(d) {
		last := 0
		if rt.hasFeeds() {
			if last, err = s.reader.Archives(ctx, rt.query(0)); err != nil {
				return nil, fmt.Errorf("read the archives: %w", err)
			}
		}
		for _, list := range documents(rt, last) {
			for _, x := range list {
				paths = append(paths, "/"+x.String())
			}
		}
	}
	err = s.walk(ctx, func(e *feeds.Entry) error {
		paths = append(paths, "/"+route{kind: atEntry, name: e.ID}.String())
		return nil
	})
	slices.Sort(paths)
	return paths, err
}

// Build writes the whole planet as files into dir, the same bytes that
// ServeHTTP answers (but see BuildOptions.Relative), and for what that redirects to
// another entry pages that lead there. The tree is made in a new folder beside dir,
// which then takes its place at once: at no moment is dir half old, half new, and a
// build that fails or is killed leaves it as it was. Files that Build did not write (CNAME, .well-known) are kept; a
// folder with files and without a list of an earlier build in it is refused.
//
// What is the same as before is the same file, with its times.
func (s *Site) Build(ctx context.Context, dir string, o BuildOptions) (BuildReport, error) {
	t, err := openTree(dir)
	if err != nil {
		return BuildReport{}, fmt.Errorf("build: %w", err)
	}
	defer t.close()
	b := &builder{s: s, t: t, o: o}
	if err := b.run(ctx); err != nil {
		return BuildReport{}, fmt.Errorf("build %s: %w", dir, err)
	}
	r, err := t.finish()
	if err != nil {
		return r, fmt.Errorf("build %s: %w", dir, err)
	}
	b.total = b.done
	b.report()
	return r, nil
}

// builder renders everything into a tree.
type builder struct {
	s           *Site
	t           *tree
	o           BuildOptions
	mu          sync.Mutex // guards what follows
	done, total int
}

func (b *builder) report() {
	if b.o.Progress != nil {
		b.o.Progress(b.done, max(b.total, b.done))
	}
}

func (b *builder) write(ctx context.Context, file string, body []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.o.Relative {
		var err error
		if body, err = b.s.relative(file, body); err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
	}
	same, err := b.t.write(file, body)
	if err == nil && b.o.Compress && compressible(file) {
		err = b.siblings(file, body, same)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done++
	b.report()
	return nil
}

// siblings writes a file compressed beside itself; if it is the same as before, so are they.
func (b *builder) siblings(file string, body []byte, same bool) error {
	for i := range codings {
		c := &codings[i]
		if c.suffix == "" {
			continue
		}
		if same {
			if kept, err := b.t.keep(file + c.suffix); kept || err != nil {
				if err != nil {
					return err
				}
				continue
			}
		}
		if compressed := c.compress(body); len(compressed) < len(body) {
			if _, err := b.t.write(file+c.suffix, compressed); err != nil {
				return err
			}
		}
	}
	return nil
}

// compressible says that the file is a text: pictures are compressed already.
func compressible(file string) bool {
	switch path.Ext(file) {
	case ".html", ".atom", ".rss", ".json", ".xml", ".css", ".svg", ".txt", ".webmanifest":
		return true
	}
	return false
}

// together makes documents on all processors. The first that fails ends it.
func together(ctx context.Context, hand func(ctx context.Context, do func(func() error)) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	failed := hand(ctx, g.Go)
	return cmp.Or(g.Wait(), failed)
}

// run writes the views before the entries they link to: an entry that appears
// meanwhile has its page, whatever shows it.
func (b *builder) run(ctx context.Context) error {
	d, err := b.s.readDirectory(ctx)
	if err != nil {
		return err
	}
	d.epoch = b.s.epoch.Load()
	b.s.list.Store(d)
	routes := b.s.routes(d)
	b.total = len(b.s.assets) + 2 + (2+len(formats))*len(routes)
	for _, x := range d.sources {
		b.total += x.Entries
	}
	for name, a := range b.s.assets {
		if err := b.write(ctx, name, a.plain.body); err != nil {
			return err
		}
	}
	if err := b.write(ctx, errorPage, b.s.absent.Load().missing.plain.body); err != nil {
		return err
	}
	body, err := b.s.unsearchable(d)
	if err != nil {
		return fmt.Errorf("make the page in the place of the search: %w", err)
	}
	if err := b.write(ctx, searchPage, body); err != nil {
		return err
	}
	if err := b.views(ctx, d, routes); err != nil {
		return err
	}
	if err := b.entries(ctx, d); err != nil {
		return err
	}
	return b.moved(ctx)
}

func (b *builder) entries(ctx context.Context, d *directory) error {
	v := b.s.plainView(route{kind: atEntry})
	return together(ctx, func(ctx context.Context, do func(func() error)) error {
		return b.s.walk(ctx, func(e *feeds.Entry) error {
			m := material{view: v, look: *b.s.look.Load(), entries: []feeds.Entry{*e}, authors: d.authors, directory: d}
			do(func() error {
				if err := b.s.gatherPost(ctx, &m); err != nil {
					return err
				}
				return b.render(ctx, route{kind: atEntry, name: m.entries[0].ID}, m)
			})
			return ctx.Err()
		})
	})
}

// moved writes for every entry that was merged into another what leads there: a
// folder of files cannot answer 301.
func (b *builder) moved(ctx context.Context) error {
	moved, err := b.s.reader.Moved(ctx)
	if err != nil {
		return fmt.Errorf("read which entries were merged: %w", err)
	}
	for _, from := range slices.Sorted(maps.Keys(moved)) {
		to := route{kind: atEntry, name: moved[from]}
		if !validID(from) || !b.t.has(to.file()) {
			continue
		}
		body, err := b.s.movedPage(to)
		if err != nil {
			return fmt.Errorf("make the page that leads from %s to %s: %w", from, to, err)
		}
		if err := b.write(ctx, route{kind: atEntry, name: from}.file(), body); err != nil {
			return err
		}
	}
	return nil
}

// views writes the lists and the pages, feeds and archives of every view.
func (b *builder) views(ctx context.Context, d *directory, routes []route) error {
	return together(ctx, func(ctx context.Context, do func(func() error)) error {
		for _, rt := range routes {
			v, err := b.s.viewIn(d, rt)
			if err != nil {
				return fmt.Errorf("make %s: %w", rt, err)
			}
			do(func() error { return b.view(ctx, v, rt) })
		}
		return nil
	})
}

// view writes a page and what else there is of its view.
func (b *builder) view(ctx context.Context, v view, rt route) error {
	last, err := b.same(ctx, v, rt)
	if err != nil {
		return err
	}
	for _, list := range documents(rt, last)[1:] {
		if _, err := b.same(ctx, v, list...); err != nil {
			return err
		}
	}
	return nil
}

// documents are those of a page: itself, first, and what else there is of its view if it
// is one with so many archives. What is made from the same entries stands together.
func documents(rt route, archives int) (all [][]route) {
	all = [][]route{{rt}}
	if !rt.numbered() || !rt.hasFeeds() {
		return all
	}
	titles := rt
	titles.titles = true
	all = append(all, []route{titles}, rt.feeds(0))
	if rt.kind == atCategory {
		all = append(all, []route{rt.list()})
	}
	for n := 1; n <= archives; n++ {
		page := rt
		page.archive = n
		all = append(all, append(rt.feeds(n), page))
	}
	return all
}

// same writes documents of the same entries: the store is asked once for them. It
// returns how many archives they have.
func (b *builder) same(ctx context.Context, v view, routes ...route) (archives int, err error) {
	m, err := b.s.gather(ctx, routes[0], v)
	if err != nil {
		return 0, fmt.Errorf("make %s: %w", routes[0], err)
	}
	for _, rt := range routes {
		if err := b.render(ctx, rt, m); err != nil {
			return 0, err
		}
	}
	return m.archives, nil
}

func (b *builder) render(ctx context.Context, rt route, m material) error {
	body, err := b.s.render(rt, m)
	if err != nil {
		return fmt.Errorf("make %s: %w", rt, err)
	}
	return b.write(ctx, rt.file(), body)
}

// walk calls f for every entry of the planet, newest first.
func (s *Site) walk(ctx context.Context, f func(*feeds.Entry) error) error {
	q := feeds.Query{Limit: walkPage}
	for {
		entries, err := s.reader.Entries(ctx, q)
		if err != nil {
			return fmt.Errorf("read the entries: %w", err)
		}
		for i := range entries {
			if !validID(entries[i].ID) {
				continue
			}
			if err := f(&entries[i]); err != nil {
				return err
			}
		}
		if len(entries) < q.Limit {
			return nil
		}
		q.After = &entries[len(entries)-1]
	}
}

// routes are the first pages of everything but entries, and what has no others.
func (s *Site) routes(d *directory) []route {
	list := []route{{kind: atCategories}, {kind: atSources}, {kind: atStatus}, {kind: atMonths}, {kind: atOPML}, {kind: atSitemap}, {kind: atHome}}
	if s.about != "" {
		list = append(list, route{kind: atAbout})
	}
	for _, c := range d.months {
		list = append(list, route{kind: atMonth, month: c.Month})
	}
	for _, kind := range []struct {
		kind  kind
		names iter.Seq[string]
	}{{atCategory, maps.Keys(d.categories)}, {atSource, maps.Keys(d.sources)}, {atWhy, maps.Keys(d.sources)}, {atAuthor, maps.Keys(d.authors)}, {atLanguage, maps.Keys(d.languages)}} {
		for name := range kind.names {
			list = append(list, route{kind: kind.kind, name: name})
		}
	}
	return list
}
