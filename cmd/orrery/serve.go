package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"

	"orrery/feeds"
	"orrery/feeds/site"
	"orrery/storage"
)

// Limits of the server (hostile.md): whoever is slower or larger than this is
// no reader.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	maxConnections    = 2000
	shutdownTimeout   = 20 * time.Second
)

// lookForChanges is how often the site asks the store whether anything changed, where
// the store does not say so first; requests never ask. leastPause is how long the site
// waits before it asks again, however often the store says so.
const (
	lookForChanges = time.Second
	leastPause     = 50 * time.Millisecond
)

func (p *program) serve() *cobra.Command {
	var noFetch bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the site, and visit sources as scheduled",
		Long: `Serves the planet's pages and feeds, and visits the sources that are due
whenever the schedule says. SIGHUP reads the configuration again: an invalid one
is reported and the old one goes on. SIGTERM ends it when what is being answered
is answered.`,
		Example: `  orrery serve
  orrery serve --no-fetch      only the site; orrery work, or fetch from cron, visits`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			pl, err := p.open(c.Context())
			if err != nil {
				return err
			}
			return p.run(c.Context(), pl, role{site: true, visits: !noFetch}, func() (*planet, error) { return p.load() })
		},
	}
	c.Flags().BoolVar(&noFetch, "no-fetch", false, "only serve; do not visit sources")
	p.logFormat(c)
	return c
}

// role is what a process does.
type role struct{ site, visits, noFolders bool }

// run does its part for pl until ctx ends. reload reads the configuration again on
// SIGHUP.
func (p *program) run(ctx context.Context, pl *planet, does role, reload func() (*planet, error)) error {
	j, err := p.newJournal()
	if err != nil {
		pl.close()
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // before it is said that anybody serves: until then it kills
	defer signal.Stop(hup)
	s := &server{journal: j, planet: pl, store: pl.store, role: does}
	defer func() { s.planet.close() }()
	if err := s.show(ctx, pl); err != nil {
		return err
	}
	closeAll, failed, err := s.listen(pl)
	if err != nil {
		return err
	}
	stop := s.schedule(ctx, pl)
	for {
		select {
		case <-hup:
			next, err := s.reload(ctx, reload)
			if err != nil {
				s.warn("the new configuration is not taken, the old one goes on: %v", err)
				continue
			}
			stop()
			stop = s.schedule(ctx, next)
			s.say("the new configuration is in force")
		case err := <-failed:
			stop()
			return errors.Join(err, closeAll())
		case <-ctx.Done():
			stop()
			return closeAll()
		}
	}
}

// server is a running planet.
type server struct {
	*journal
	planet *planet
	store  *storage.DB // the same for every configuration
	role   role
	site   atomic.Pointer[site.Site] // nil for a worker
	front  atomic.Pointer[front]
}

// front is what stands before the site, and who is told of what is behind it.
type front struct {
	http.Handler
	told *listeners
	push *pusher // nil: hubs are not asked to call
}

// show makes the site of pl the one that is served, and its listeners those that are told.
func (s *server) show(ctx context.Context, pl *planet) error {
	st, f, err := s.prepare(pl)
	if err != nil {
		return err
	}
	return s.put(ctx, st, f)
}

// prepare makes all that can be wrong with a configuration, and writes nothing.
func (s *server) prepare(pl *planet) (*site.Site, *front, error) {
	st, err := pl.site(func(err error) { s.warn("%v", err) })
	if err != nil {
		return nil, nil, err
	}
	f := &front{}
	if f.told, err = pl.listeners(st, s.warn); err != nil {
		return nil, nil, err
	}
	if f.push, err = pl.pusher(s.warn); err != nil {
		return nil, nil, err
	}
	f.Handler = pl.calls(f.told.hub, f.push, st)
	return st, f, nil
}

func (s *server) put(ctx context.Context, st *site.Site, f *front) error {
	if s.role.site {
		if err := st.Refresh(ctx); err != nil {
			return err
		}
		s.site.Store(st)
	}
	s.front.Store(f)
	return nil
}

// reload puts a new configuration in the place of the old one, or changes nothing.
func (s *server) reload(ctx context.Context, load func() (*planet, error)) (*planet, error) {
	next, err := load()
	if err != nil {
		return nil, err
	}
	old := s.planet.config
	if next.config.Storage != old.Storage {
		return nil, errors.New("storage has changed; end this and start it anew for that")
	}
	next.store = s.planet.store
	st, f, err := s.prepare(next)
	if err != nil {
		return nil, err
	}
	if err := s.planet.store.Sync(ctx, time.Now(), next.sources, &next.rules); err != nil {
		return nil, err
	}
	s.planet.store.SetFeedSize(next.config.Entries)
	if err := s.planet.store.SyncListeners(ctx, next.listenerNames()); err != nil {
		return nil, err
	}
	if err := s.put(ctx, st, f); err != nil {
		return nil, err
	}
	if next.config.Listen != old.Listen || next.config.Admin != old.Admin {
		s.warn("listen or admin has changed; it holds from the next start")
	}
	s.planet.http.Close()
	s.planet = next
	return next, nil
}

// schedule starts visiting; the function it returns ends that and waits.
func (s *server) schedule(ctx context.Context, pl *planet) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	if st := s.site.Load(); st != nil {
		wg.Go(func() { s.watch(ctx, st, pl.store.Changes(ctx)) })
		// Who serves indexes what people look for; nobody else has a use for it.
		wg.Go(func() { pl.store.IndexBehind(ctx, func(err error) { s.warn("%v", err) }) })
	}
	f := s.front.Load()
	wg.Go(func() { f.told.run(ctx) })
	if s.role.visits {
		a := pl.aggregator(func(v feeds.Visit, t feeds.Tally) {
			s.visit(v, t)
			f.push.found(ctx, &v)
			f.told.loop.Wake()
		})
		a.Remote = s.role.noFolders
		if f.push != nil {
			wg.Go(func() { f.push.run(ctx, a, s.pass) })
		}
		wg.Go(func() {
			if err := a.Run(ctx, pl.config.Schedule, s.pass); err != nil {
				s.warn("%v", err)
			}
		})
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// askedFor is how long the store is waited for when a site asks what has changed. A
// network that has forgotten the connection says nothing, and a new one may do.
const askedFor = 3 * time.Second

func refreshSoon(ctx context.Context, st *site.Site) error {
	ctx, cancel := context.WithTimeout(ctx, askedFor)
	defer cancel()
	return st.Refresh(ctx)
}

// watch tells the site when the store has changed, by us or by another process: at once
// when there is a value in changes, which is closed when ctx has ended, and anyhow every
// second.
func (s *server) watch(ctx context.Context, st *site.Site, changes <-chan struct{}) {
	defer func() {
		for range changes { // whoever sends has ended, too
		}
	}()
	t := time.NewTicker(lookForChanges)
	defer t.Stop()
	last := ""
	for {
		select {
		case <-t.C:
		case <-changes:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return
		}
		text := ""
		if err := refreshSoon(ctx, st); err != nil && ctx.Err() == nil {
			text = err.Error()
		}
		if text != last && text != "" { // once, not every second
			s.warn("what was served goes on being served: %s", text)
		}
		last = text
		select {
		case <-time.After(leastPause): // what changes meanwhile is one value
		case <-ctx.Done():
		}
	}
}

// listen opens the public address and the admin's.
func (s *server) listen(pl *planet) (closeAll func() error, failed chan error, err error) {
	failed = make(chan error, 2)
	if !s.role.site {
		s.say("visiting the sources of %s", pl.config.Planet.Title)
		return s.listenAdmin(pl, failed, func() error { return nil })
	}
	public := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.front.Load().ServeHTTP(w, r) })
	l := pl.listener
	if l == nil {
		if l, err = listenAt("listen", pl.config.Listen); err != nil {
			return nil, nil, err
		}
	}
	stopPublic := serveOn(l, public, failed)
	s.say("serving %s at http://%s/", pl.config.Planet.Title, l.Addr())
	return s.listenAdmin(pl, failed, stopPublic)
}

// listenAdmin opens the admin's address beside the other, if there is to be one.
func (s *server) listenAdmin(pl *planet, failed chan error, stopOther func() error) (closeAll func() error, _ chan error, err error) {
	if pl.config.Admin == "" {
		return stopOther, failed, nil
	}
	l, err := listenAt("admin", pl.config.Admin)
	if err != nil {
		return nil, nil, errors.Join(err, stopOther())
	}
	stopAdmin := serveOn(l, s.health(), failed)
	s.say("health at http://%s/healthz, /readyz and /metrics", l.Addr())
	return func() error { return errors.Join(stopOther(), stopAdmin()) }, failed, nil
}

func listenAt(key, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; choose another address, or end the program that has it", key, err)
	}
	return l, nil
}

// serveOn serves until the function it returns is called, which lets requests in
// flight finish.
func serveOn(l net.Listener, h http.Handler, failed chan<- error) (stop func() error) {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
	}
	go func() {
		if err := srv.Serve(netutil.LimitListener(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		return srv.Shutdown(ctx)
	}
}

// health answers whoever watches over the process: healthz while it runs,
// readyz while the store answers, metrics with figures.
func (s *server) health() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", metrics(s.store.Debts))
	return mux
}

// ready says whether the store answers.
func (s *server) ready(ctx context.Context) error {
	if st := s.site.Load(); st != nil {
		return refreshSoon(ctx, st)
	}
	ctx, cancel := context.WithTimeout(ctx, askedFor)
	defer cancel()
	_, _, err := s.store.Version(ctx, feeds.Query{})
	return err
}

// lockedWriter lets many goroutines write lines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
