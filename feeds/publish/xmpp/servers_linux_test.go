package xmpp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// realServer is an XMPP server of a Debian package, in a folder of its own.
type realServer struct {
	kind      string
	dir       string
	addresses map[string]string // of the listener for a component
	listeners int               // how many there are
	items     int               // the most a node holds
	ready     string            // what it says when one listens
	command   func(s *realServer) *exec.Cmd
	config    func(s *realServer) (file, text string)

	cmd   *exec.Cmd
	drain sync.WaitGroup // of what it says
}

func prosody() *realServer {
	return &realServer{
		kind: "prosody", listeners: 1, ready: "Activated service 'component'",
		command: func(s *realServer) *exec.Cmd {
			return exec.Command(find("prosody"), "-F", "--config", filepath.Join(s.dir, "prosody.cfg.lua"))
		},
		config: func(s *realServer) (string, string) {
			_, port, _ := net.SplitHostPort(s.addresses[planetName])
			r := strings.NewReplacer("DIR", s.dir, "PORT", port, "ITEMS", fmt.Sprint(s.items), "SECRET", testSecret)
			return "prosody.cfg.lua", r.Replace(`
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
  pubsub_max_items = ITEMS
  expose_publisher = true
  storage = { pubsub_data = "sql" }
  sql = { driver = "SQLite3", database = "pubsub.sqlite" }
Component "planet.example.org"
  component_secret = "SECRET"
Component "reader.example.org"
  component_secret = "SECRET"
Component "guest.example.org"
  component_secret = "SECRET"
`)
		},
	}
}

func ejabberd() *realServer {
	return &realServer{
		kind: "ejabberd", listeners: 3, ready: "for ejabberd_service",
		// Without a name, so that no epmd is started, which would outlive the test.
		command: func(s *realServer) *exec.Cmd {
			cmd := exec.Command(find("erl"), "-noinput", "-mnesia", "dir", `"`+filepath.Join(s.dir, "db")+`"`, "-s", "ejabberd")
			libraries, _ := filepath.Glob("/usr/lib/*/ejabberd-*")
			if len(libraries) > 0 {
				cmd.Env = append(os.Environ(), "ERL_LIBS="+filepath.Dir(libraries[0]))
			}
			cmd.Env = append(cmd.Env, "HOME="+s.dir, "EJABBERD_CONFIG_PATH="+filepath.Join(s.dir, "ejabberd.yml"), "EJABBERD_LOG_PATH="+filepath.Join(s.dir, "ejabberd.log"))
			return cmd
		},
		config: func(s *realServer) (string, string) {
			// A listener each: ejabberd routes all names of a listener to every connection
			// to it, and shares the stanzas out between them.
			var listeners strings.Builder
			for name, address := range s.addresses {
				_, port, _ := net.SplitHostPort(address)
				fmt.Fprintf(&listeners, "  - {port: %s, ip: 127.0.0.1, module: ejabberd_service, access: all, hosts: {%s: {password: %q}}}\n", port, name, testSecret)
			}
			r := strings.NewReplacer("LISTENERS", listeners.String(), "ITEMS", fmt.Sprint(s.items))
			return "ejabberd.yml", r.Replace(`
hosts: [localhost]
loglevel: info
listen:
LISTENERS
acl: {planet: {server: planet.example.org}}
access_rules: {pubsub_createnode: [{allow: planet}]}
modules:
  mod_disco: {}
  mod_pubsub: {host: pubsub.example.org, access_createnode: pubsub_createnode, plugins: [flat], max_items_node: ITEMS}
`)
		},
	}
}

// find is the path of a program; those of the administrator are not on everybody's PATH.
func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}

// onRealServers runs the test against every server that is installed.
func onRealServers(t *testing.T, items int, test func(*testing.T, *realServer)) {
	for _, c := range []struct {
		make     func() *realServer
		programs []string
		packages string
	}{
		{prosody, []string{"prosody"}, "prosody lua-dbi-sqlite3"},
		{ejabberd, []string{"ejabberdctl", "erl"}, "ejabberd"},
	} {
		s := c.make()
		t.Run(s.kind, func(t *testing.T) {
			t.Parallel()
			for _, p := range c.programs {
				if find(p) != "" {
					continue
				}
				sentence := fmt.Sprintf("%s is not installed: apt-get install --no-install-recommends %s", p, c.packages)
				if os.Getenv("CI") == "true" {
					t.Fatal(sentence)
				}
				t.Skip(sentence)
			}
			s.dir, s.items = memory(t), items
			free := freeAddresses(t, s.listeners)
			s.addresses = map[string]string{planetName: free[0], readerName: free[1%s.listeners], guestName: free[2%s.listeners]}
			file, text := s.config(s)
			if err := os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s.start(t)
			t.Cleanup(s.stop)
			test(t, s)
		})
	}
}

// memory is a folder in memory, where there is one: a server that waits for a busy disk
// at every item takes the tests ten times as long.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "orrery-xmpp-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func freeAddresses(t *testing.T, n int) []string {
	t.Helper()
	var free []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // when all are found, so that they differ
		free = append(free, l.Addr().String())
	}
	return free
}

// start returns when the server listens.
func (s *realServer) start(t *testing.T) {
	t.Helper()
	const patience = 30 * time.Second
	s.cmd = s.command(s)
	// In a group of its own, which stop ends whole; if the test dies, so does it.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = in, in
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	if err := out.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(io.TeeReader(out, &said))
	for listening := 0; lines.Scan(); {
		if strings.Contains(lines.Text(), s.ready) {
			if listening++; listening < s.listeners {
				continue
			}
			_ = out.SetReadDeadline(time.Time{})
			s.drain.Go(func() { _, _ = io.Copy(io.Discard, out); _ = out.Close() })
			return
		}
	}
	s.stop()
	t.Fatalf("%s does not start:\n%s", s.kind, said.String())
}

// stop ends the server and all its children, without asking: what it acknowledged must
// be on its disk. It may be called twice.
func (s *realServer) stop() {
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait()
	s.drain.Wait()
	s.cmd = nil
}
