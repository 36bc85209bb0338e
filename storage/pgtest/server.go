package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	superuser = "postgres"
	oldest    = 15 // the first with STRATEGY; older ones are no longer maintained
)

var (
	errMissing = errors.New("PostgreSQL is not installed, or older than 15; apt-get install postgresql, or put the folder of initdb on the PATH")
	errTaken   = errors.New("the port is taken")
)

// find returns the folder of PostgreSQL's programs, of the newest one installed.
// Debian keeps only psql on the PATH.
func find() (string, error) {
	version := func(bin string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))) // 0 for what is no version
		return n
	}
	list, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	sort.Slice(list, func(i, j int) bool { return version(list[i]) > version(list[j]) })
	for _, bin := range list {
		if version(bin) >= oldest && complete(bin) {
			return bin, nil
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil && complete(filepath.Dir(path)) {
		return filepath.Dir(path), nil
	}
	return "", errMissing
}

func complete(bin string) bool {
	for _, name := range []string{"initdb", "postgres", "psql"} {
		if _, err := exec.LookPath(filepath.Join(bin, name)); err != nil {
			return false
		}
	}
	return true
}

// start makes a server from nothing. Whatever fails, nothing is left.
func start(durable bool) (*Server, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, durable: durable}
	if s.account, err = unprivileged(); err != nil {
		return nil, err
	}
	if s.dir, err = s.account.folder(); err != nil {
		return nil, err
	}
	if s.watch, err = watch(s); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if err := s.init(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	for range 10 {
		if s.port, err = freePort(); err != nil {
			break
		}
		// Between the look at a port and its use another process may take it.
		if s.process, err = s.launch(); !errors.Is(err, errTaken) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// command is one of PostgreSQL's programs.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	return s.prepare(exec.Command(filepath.Join(s.bin, name), args...))
}

// prepare has a command run in the server's folder, by which the watchdog knows
// it, as its user, and with no PG… variables that would lead it elsewhere.
func (s *Server) prepare(cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + s.dir, "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.SysProcAttr = s.account.attr()
	return cmd
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) init() error {
	cmd := s.command("initdb", "-D", s.data(), "-U", superuser, "--auth=trust", "--encoding=UTF8",
		"--locale=C.UTF-8", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// settings are PostgreSQL's own for a durable server, but for where it is found.
func (s *Server) settings() []string {
	list := []string{
		"listen_addresses=127.0.0.1",
		"port=" + strconv.Itoa(s.port),
		"unix_socket_directories=",
		"dynamic_shared_memory_type=mmap", // in the folder; else a killed server leaves files in /dev/shm
		"logging_collector=off",
		"lc_messages=C", // the log is read here
	}
	if s.durable {
		return list
	}
	return append(list,
		"fsync=off", "synchronous_commit=off", "full_page_writes=off",
		"wal_level=minimal", "max_wal_senders=0", "max_wal_size=256MB",
		"shared_buffers=32MB", "max_connections=200",
		"autovacuum=off", "jit=off")
}

// launch starts the server with the data there is and returns when it answers.
func (s *Server) launch() (*process, error) {
	args := []string{"-D", s.data()}
	for _, setting := range s.settings() {
		args = append(args, "-c", setting)
	}
	p := &process{cmd: s.command("postgres", args...), log: &lastWords{ready: make(chan struct{})}, gone: make(chan struct{})}
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in the log
		close(p.gone)
	}()
	select {
	case <-p.log.ready:
		return p, nil
	case <-p.gone:
		err := errors.New("it ended")
		if strings.Contains(p.log.String(), "could not bind") {
			err = errTaken
		}
		return nil, fmt.Errorf("start PostgreSQL at %s: %w\n%s", s.Addr(), err, p.log)
	case <-time.After(patience):
		return nil, errors.Join(fmt.Errorf("start PostgreSQL at %s: not ready after %v\n%s", s.Addr(), patience, p.log), p.kill())
	}
}

// process is a running server.
type process struct {
	cmd *exec.Cmd
	log *lastWords
	// gone is closed when the server and every process that it started have ended:
	// all of them hold the pipe of the log, and Wait reads it to its end.
	gone chan struct{}
}

func (p *process) wait() error {
	select {
	case <-p.gone:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("still running after %v\n%s", patience, p.log)
	}
}

// kill takes the parent first: one that sees a child die by a signal starts its
// recovery. It has no more children from when they are counted: one that is born when
// the others are killed may wait for ever for what they had locked.
func (p *process) kill() error {
	freeze(p.cmd.Process.Pid)
	list := children(p.cmd.Process.Pid)
	err := p.cmd.Process.Kill()
	for _, pid := range list {
		if child, e := os.FindProcess(pid); e == nil {
			_ = child.Kill() // it may be gone
		}
	}
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill PostgreSQL: %w", err)
	}
	return nil
}

// lastWords keeps the end of a server's log and sees when the server is ready.
type lastWords struct {
	mu    sync.Mutex
	text  []byte
	seen  bool
	ready chan struct{} // closed when it is
}

func (l *lastWords) Write(b []byte) (int, error) {
	const keep = 16 << 10
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	if !l.seen && bytes.Contains(l.text, []byte("ready to accept connections")) {
		l.seen = true
		close(l.ready)
	}
	if len(l.text) > 2*keep {
		l.text = append(l.text[:0], l.text[len(l.text)-keep:]...)
	}
	return len(b), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// freePort takes one below those that the system gives to outgoing connections:
// while a server is down, nobody is given its port, not even a client that calls
// the port in vain.
func freePort() (int, error) {
	low, high := 10000, ephemeral()
	if high-low < 1000 {
		low, high = 0, 1 // leave it to the system
	}
	var err error
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", low+rand.IntN(high-low))
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			return l.Addr().(*net.TCPAddr).Port, l.Close()
		}
	}
	return 0, fmt.Errorf("find a free port on 127.0.0.1: %w", err)
}
