// Package site is the planet as people and feed readers see it: an http.Handler
// and, with the same bytes, a tree of files.
//
// Every address is a document: bytes, their compressed forms and the validators of
// each. A document is made once and kept in memory until the store says that
// what it shows has changed; a request for a kept document asks the store
// nothing. The status page alone, whose every visit would change it, is made anew
// once a minute instead. Nothing in a document depends on the clock.
package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"orrery/feeds"
)

// Reader is what the site asks of the store. Its methods are called by many
// goroutines at once.
type Reader interface {
	Entries(ctx context.Context, q feeds.Query) ([]feeds.Entry, error)
	Sources(ctx context.Context) ([]feeds.Source, error)
	// Lists are the categories and the lists of authors and languages (feeds.Rules).
	Lists(ctx context.Context) ([]feeds.Category, error)
	// SourcesIn are the slugs of the sources that have an entry in the category.
	SourcesIn(ctx context.Context, category string) ([]string, error)
	// Version changes whenever anything the query selects has changed; changed is
	// when. The zero Query is the planet as a whole: any change at all, of
	// entries or sources.
	Version(ctx context.Context, q feeds.Query) (seq int64, changed time.Time, err error)
	// ChangedSince are the scopes (feeds.Query.Scope) whose version changed at that time
	// or later.
	ChangedSince(ctx context.Context, t time.Time) (scopes []string, err error)
	// Archives is the number of the last closed archive of what the query selects, 0 for
	// none; each has its number as Query.Archive.
	Archives(ctx context.Context, q feeds.Query) (int, error)
	// Tombstones are the entries of what the query selects that were taken back last.
	Tombstones(ctx context.Context, q feeds.Query) ([]feeds.Tombstone, error)
	// Versions are what an entry that is shown said before, the newest first.
	Versions(ctx context.Context, id string) ([]feeds.Version, error)
	// Fate says why no entry is shown under the ID: it was and is no more, or it was
	// found to be the same as the one called movedTo. Neither: nobody knows it.
	Fate(ctx context.Context, id string) (gone bool, movedTo string, err error)
	// Moved are all IDs for which Fate says movedTo, and that.
	Moved(ctx context.Context) (map[string]string, error)
	// Why tells what became of the entry, which has several copies.
	Why(ctx context.Context, id string) ([]feeds.Story, error)
	// Months are those with entries of what the query selects, the newest first.
	Months(ctx context.Context, q feeds.Query) ([]feeds.MonthCount, error)
	// Activity are the months since one of all sources and all lists, by slug.
	Activity(ctx context.Context, since feeds.Month) (sources, lists map[string][]feeds.MonthCount, err error)
	// Debts are what every listener is owed.
	Debts(ctx context.Context) ([]feeds.Debt, error)
	// LastVisit is when a source was looked at last; zero: never.
	LastVisit(ctx context.Context) (time.Time, error)
	// Held are the posts that are held back as a flood, by the slugs of their sources.
	Held(ctx context.Context) (map[string]feeds.HeldPosts, error)
}

// Options say what the site shows and how.
type Options struct {
	Planet feeds.Planet // URL must be absolute and end in a slash
	Reader Reader
	// Authors are the names that people chose for who writes under several; what the
	// Reader says is shown by them. Default: as the Reader says.
	Authors feeds.Authors
	// Version of the program; pages name it as their generator. May be empty.
	Version string
	// MaxAge is how long others may keep a document without asking again
	// (Cache-Control), in whole seconds. Default 15 minutes.
	MaxAge time.Duration
	// CacheBytes bounds the memory of kept documents, but for those of searches and for
	// posts that are rendered, each of which may take another eighth of it. Default 64 MiB.
	CacheBytes int64
	// StaleAfter is how long ago the last look at a source may be before every page says
	// so. Default 48 hours.
	StaleAfter time.Duration
	// About is what the planet says of itself at length, as HTML that is sanitized; ""
	// for no such page.
	About string
	// Faces are the pictures of sources by their slugs: the bytes of image files.
	Faces map[string][]byte
	// Hubs are the WebSub hubs of the feeds, which name them.
	Hubs []string
	// Nodes are the xmpp: addresses of the nodes that have the same entries as a category,
	// by its slug; that of "" has all.
	Nodes map[string]string
	// NoIndex asks search engines to leave the planet out.
	NoIndex bool
	// Theme overlays templates/*.html and static/* one by one (docs/themes.md); nil: none.
	Theme fs.FS
	// Log hears of documents that could not be made, from any goroutine. Default: nobody.
	Log func(error)
}

// Defaults of Options and of Planet.Entries.
const (
	defaultMaxAge     = 15 * time.Minute
	defaultCacheBytes = 64 << 20
	defaultEntries    = 60
)

// renderTimeout bounds the making of a document. It has to end before the
// server's WriteTimeout of 30 s (hostile.md).
const renderTimeout = 20 * time.Second

// keptPatience is what a request waits for a new document while the last one is good.
const keptPatience = 3 * time.Second

// Site serves the planet. Its methods may be called by many goroutines at once.
type Site struct {
	planet  feeds.Planet
	reader  Reader
	version string
	log     func(error)
	now     func() time.Time
	base    string // path of Planet.URL, escaped; starts and ends in a slash
	strip   string // the same unescaped: what requests begin with
	max     string // Cache-Control
	about   template.HTML
	hubs    []string
	nodes   map[string]string
	noIndex bool
	faces   map[string]string // the addresses of pictures of sources, by slug

	pages  *template.Template
	assets map[string]*document // by their path below the base
	names  assetNames
	absent atomic.Pointer[absences]

	finders         chan struct{} // a place for each search that may run
	cache, searches *cache        // what a search found never takes the place of a view
	posts           *fragments    // as they are shown among others
	flight          singleflight.Group
	// epoch grows whenever anything in the store has changed: what was checked in
	// an earlier epoch is checked again. tick grows with every Refresh: what
	// failed is tried again once a tick, not once a request.
	epoch, tick atomic.Uint64
	lost        atomic.Bool   // the last Refresh found no store
	patience    time.Duration // how long a request waits for a document of which there is a good one
	refresh     sync.Mutex
	seen        bool      // guarded by refresh
	seq         int64     // guarded by refresh
	lookRead    time.Time // guarded by refresh
	look        atomic.Pointer[look]
	staleAfter  time.Duration
	list        atomic.Pointer[directory]
	health      atomic.Pointer[healths]
}

// Try finds what keeps New from making a site of the options; it needs no Reader. What is
// wrong with a theme is a *ThemeError.
func Try(o Options) error {
	o.Reader = struct{ Reader }{}
	_, err := New(o)
	return err
}

// New prepares a site; it asks the reader nothing.
func New(o Options) (*Site, error) {
	u, err := url.Parse(o.Planet.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !strings.HasSuffix(u.Path, "/") ||
		u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the planet's url %q is not an absolute http or https address that ends in a slash", o.Planet.URL)
	}
	if o.Reader == nil {
		return nil, errors.New("the site has no store to read from")
	}
	s := &Site{
		planet: o.Planet, reader: named{o.Reader, o.Authors}, version: o.Version, log: o.Log, now: time.Now,
		base: u.EscapedPath(), strip: u.Path, patience: keptPatience,
		max:      fmt.Sprintf("public, max-age=%d, stale-while-revalidate=86400", int64(cmp.Or(o.MaxAge, defaultMaxAge)/time.Second)),
		cache:    newCache(cmp.Or(o.CacheBytes, defaultCacheBytes)),
		searches: newCache(cmp.Or(o.CacheBytes, defaultCacheBytes) / 8),
		posts:    newFragments(int(cmp.Or(o.CacheBytes, defaultCacheBytes) / 16)),
		finders:  make(chan struct{}, maxFinders),
		about:    trusted(o.About, 2), noIndex: o.NoIndex, hubs: o.Hubs, nodes: o.Nodes, staleAfter: cmp.Or(o.StaleAfter, defaultStaleAfter),
	}
	s.look.Store(&look{})
	if s.planet.Entries <= 0 {
		s.planet.Entries = defaultEntries
	}
	s.planet.Title = cmp.Or(s.planet.Title, u.Host)
	if s.log == nil {
		s.log = func(error) {}
	}
	if err := s.loadAssets(o.Theme, o.Faces); err != nil {
		return nil, err
	}
	if err := s.loadMeta(); err != nil {
		return nil, err
	}
	if err := s.loadPages(o.Theme); err != nil {
		return nil, err
	}
	return s, nil
}

// Refresh asks the reader once whether anything has changed. Requests never
// ask, so somebody has to call it: the server does every second.
//
// Until it has an answer again, what was made is served as it is.
func (s *Site) Refresh(ctx context.Context) (err error) {
	s.refresh.Lock()
	defer s.refresh.Unlock()
	defer func() {
		s.tick.Add(1)
		if !errors.Is(err, context.Canceled) { // else whoever asked has gone
			s.lost.Store(err != nil)
		}
	}()
	seq, _, err := s.reader.Version(ctx, feeds.Query{Text: "*"}) // of what is found, too
	if err != nil {
		return fmt.Errorf("ask the store what has changed: %w", err)
	}
	looked, err := s.readLook(ctx)
	if err != nil {
		return err
	}
	if looked {
		if err := s.loadAbsences(*s.look.Load()); err != nil { // as they were
			s.log(fmt.Errorf("make the pages for what is not there: %w", err))
		}
	}
	if !s.seen || seq != s.seq || looked {
		s.seen, s.seq = true, seq
		s.epoch.Add(1)
	}
	return nil
}

// ServeHTTP answers GET, HEAD and OPTIONS for every address of the planet, with
// or without the path of Planet.URL in front: a proxy may have taken it away.
// What a query string asks for that nobody knows is ignored (output.md 20), and so is
// the Host header: absolute
// addresses come from Planet.URL alone.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		preflight(w)
		return
	default:
		refuseMethod(w)
		return
	}
	path := s.local(r.URL.Path)
	if d := s.assets[path]; d != nil {
		s.send(w, r, d, http.StatusOK)
		return
	}
	if path == wellKnown {
		redirect(w, s.href(route{kind: atOPML}), folderControl)
		return
	}
	rt, ok := parseRoute(path)
	if !ok {
		if to, ok := folder(path); ok {
			redirect(w, s.base+to.asked(r.URL.RawQuery).escaped(), folderControl)
			return
		}
		s.send(w, r, s.absent.Load().missing, http.StatusNotFound)
		return
	}
	if rt.tooLong(r.URL.RawQuery) {
		sentence(w, http.StatusRequestURITooLong, "that is more than anybody looks for; use fewer words")
		return
	}
	s.serve(w, r, rt.asked(r.URL.RawQuery))
}

func (s *Site) serve(w http.ResponseWriter, r *http.Request, rt route) {
	d, err := s.document(r.Context(), rt)
	var to movedError
	switch {
	case err == nil:
		s.send(w, r, d, http.StatusOK)
	case errors.As(err, &to):
		redirect(w, s.href(to.entry()), movedControl)
	case errors.Is(err, errGone):
		s.send(w, r, s.absent.Load().gone, http.StatusGone)
	case errors.Is(err, errNotFound):
		s.send(w, r, s.absent.Load().missing, http.StatusNotFound)
	case errors.Is(err, errBusy):
		unavailable(w)
	default:
		s.log(fmt.Errorf("make %s: %w", rt, err))
		unavailable(w)
	}
}

// local is the path below the planet's base: "" for the planet itself.
func (s *Site) local(path string) string {
	if p, ok := strings.CutPrefix(path, s.strip); ok {
		return p
	}
	if path == strings.TrimSuffix(s.strip, "/") {
		return "/" // the base without its slash: folder turns it into a redirect
	}
	return strings.TrimPrefix(path, "/")
}
