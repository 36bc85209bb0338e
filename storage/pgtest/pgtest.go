// Package pgtest gives the tests of a package a PostgreSQL server of their own:
// in a temporary folder, on a free loopback port, as an unprivileged user, gone
// when the tests end, however they end. It is only for tests and no part of the
// program.
//
// PostgreSQL 15 or newer must be installed; it need not run. A test that asks for
// a server where there is none is skipped, or fails if the environment has
// CI=true.
//
// A server asks nobody for a password. It listens on 127.0.0.1 alone, but every
// user of the machine may enter while the tests run.
package pgtest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take to start, stop or answer. It is only
// reached when something is wrong: a start takes half a second.
const patience = time.Minute

// shared is the one server of all calls of URL in this process.
var shared struct {
	sync.Mutex
	server *Server
	err    error
}

// Main runs the tests, ends the server that URL started, and returns the code to
// exit with. Without it the server ends too, but nobody waits for that.
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	if shared.server != nil {
		if err := shared.server.close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	return code
}

// URL makes an empty database for the test and returns its address. It takes
// about 10 ms; the first call in a process starts the server, which takes half a
// second. The database is dropped when the test ends, whoever is still connected.
//
// The server is quick and careless: nothing is ever synced, nothing is vacuumed
// or analyzed unless a test says so.
func URL(t testing.TB) string {
	t.Helper()
	shared.Lock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = start(false)
	}
	s, err := shared.server, shared.err
	shared.Unlock()
	need(t, err)
	return s.URL(t)
}

// prepared are the templates of Prepared, by name.
var prepared struct {
	sync.Mutex
	names map[string]string
}

// Prepared is URL with what prepare, which is called once a process, has put into
// another database: to copy that takes a fraction of the time. It must have closed
// all its connections.
func Prepared(t testing.TB, name string, prepare func(url string) error) string {
	t.Helper()
	prepared.Lock()
	defer prepared.Unlock()
	if prepared.names == nil {
		prepared.names = map[string]string{}
	}
	if prepared.names[name] == "" {
		URL(t) // that there is a server
		template, err := shared.server.create("template0")
		if err == nil {
			err = prepare(shared.server.address(template))
		}
		if err != nil {
			t.Fatal(err)
		}
		prepared.names[name] = template
	}
	return shared.server.url(t, prepared.names[name])
}

// Server is a server that a test may stop and kill. Its methods may be called
// from any number of goroutines, but those that take a T only from the test's own.
type Server struct {
	t       testing.TB // of Start; nil for the shared server
	bin     string     // folder of postgres, initdb and psql
	account account
	dir     string
	port    int
	durable bool
	watch   *watchdog

	mu      sync.Mutex // guards what follows
	process *process   // nil while the server is down
	console *console   // nil until it is needed
	made    int        // databases
}

// Start starts a server for one test; it ends with the test. A durable one has
// PostgreSQL's own settings: what it acknowledged survives Kill. From another,
// Kill takes up to the last second of what was committed. The data of both are in
// memory where there is room, so that syncing costs nothing; it is no server to
// measure.
func Start(t testing.TB, durable bool) *Server {
	t.Helper()
	s, err := start(durable)
	need(t, err)
	s.t = t
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last words of PostgreSQL at %s:\n%s", s.Addr(), s.lastWords())
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// need ends the test unless there is a server.
func need(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, errMissing) && os.Getenv("CI") != "true":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}

// Addr is where the server listens, also while it is down: 127.0.0.1:port.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// URL makes an empty database and returns its address, which stays the same when
// the server is restarted. It is dropped when the test t ends.
func (s *Server) URL(t testing.TB) string {
	t.Helper()
	return s.url(t, "template0")
}

func (s *Server) url(t testing.TB, template string) string {
	t.Helper()
	name, err := s.create(template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.drop(name); err != nil {
			t.Error(err)
		}
	})
	return s.address(name)
}

func (s *Server) create(template string) (name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	name = fmt.Sprintf("test%d", s.made)
	strategy := "FILE_COPY" // 8 ms against 21 ms where nothing is synced
	if s.durable {
		strategy = "WAL_LOG" // FILE_COPY syncs every file
	}
	return name, s.execute("CREATE DATABASE " + name + " TEMPLATE " + template + " STRATEGY " + strategy)
}

func (s *Server) drop(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil // it goes with the server
	}
	return s.execute("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
}

func (s *Server) address(database string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", superuser, s.Addr(), database)
}

// execute runs one statement outside of any database of a test; s.mu is held.
func (s *Server) execute(sql string) error {
	if s.process == nil {
		return fmt.Errorf("%s: the server at %s is down; call Restart first", sql, s.Addr())
	}
	if s.console != nil {
		if err := s.console.execute(sql); !errors.Is(err, errHungUp) {
			return err
		}
		// A test may have ended all connections; then a new one is made.
		s.console.close()
	}
	var err error
	if s.console, err = s.open(); err != nil {
		return err
	}
	return s.console.execute(sql)
}

// Stop ends the server and returns when all of it is gone: "fast" rolls back what
// is open and writes a checkpoint, "immediate" leaves the rest to the recovery at
// the next start.
func (s *Server) Stop(mode string) {
	s.t.Helper()
	signal, ok := map[string]syscall.Signal{"fast": syscall.SIGINT, "immediate": syscall.SIGQUIT}[mode]
	if !ok {
		s.t.Errorf("Stop(%q): the mode is fast or immediate", mode)
		return
	}
	s.down(func(p *process) error { return p.cmd.Process.Signal(signal) })
}

// Kill ends the server and all its processes as kill -9 does, and returns when
// they are gone.
func (s *Server) Kill() {
	s.t.Helper()
	s.down((*process).kill)
}

// down ends the server in some way; one that is down already stays down.
func (s *Server) down(end func(*process) error) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	p, c := s.process, s.console
	s.process, s.console = nil, nil
	if err := end(p); err != nil {
		s.t.Errorf("end PostgreSQL at %s: %v", s.Addr(), err)
	}
	if err := p.wait(); err != nil {
		s.t.Errorf("PostgreSQL at %s: %v", s.Addr(), err)
		_ = p.kill() // the test has failed already
	}
	if c != nil {
		c.close()
	}
}

// Restart starts a server that is down again, on its port and with its data, and
// returns when it answers. One that is up is stopped (fast) first.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop("fast")
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.launch()
	if err != nil {
		t.Fatal(err)
	}
	s.process = p
}

func (s *Server) lastWords() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return "(it is down)"
	}
	return s.process.log.String()
}

// close leaves all ending and removing to the watchdog, so that there is one way
// for tests that pass, fail, panic and are killed.
func (s *Server) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.watch.close()
	if s.console != nil {
		s.console.close()
	}
	if s.process != nil && err == nil {
		err = s.process.wait()
	}
	s.process, s.console = nil, nil
	if err != nil {
		return fmt.Errorf("end PostgreSQL at %s in %s: %w; end what runs there and remove the folder by hand", s.Addr(), s.dir, err)
	}
	return nil
}
