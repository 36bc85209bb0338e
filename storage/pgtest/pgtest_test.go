//go:build linux

package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain also is the process whose end a test wants to see.
func TestMain(m *testing.M) {
	if os.Getenv("PGTEST_CHILD") == "" {
		os.Exit(Main(m))
	}
	os.Exit(m.Run()) // a package that forgets Main
}

// ask is one session of psql: all statements, and all that they return.
func ask(t *testing.T, url, sql string) string {
	t.Helper()
	out, err := psql(t, url, sql)
	if err != nil {
		t.Fatalf("%s: %v\n%s", sql, err, out)
	}
	return out
}

func psql(t *testing.T, url, sql string) (string, error) {
	t.Helper()
	bin, err := find()
	need(t, err)
	out, err := exec.Command(filepath.Join(bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// eventually polls for what happens in other processes.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("after 20 s not yet: %s", what)
		}
	}
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func TestTwoDatabasesAreApart(t *testing.T) {
	one, two := URL(t), URL(t)
	if one == two {
		t.Fatalf("both are %s", one)
	}
	ask(t, one, "CREATE TABLE posts (n int); INSERT INTO posts VALUES (1)")
	ask(t, two, "CREATE TABLE posts (n int)")
	if a, b := ask(t, one, "SELECT count(*) FROM posts"), ask(t, two, "SELECT count(*) FROM posts"); a != "1" || b != "0" {
		t.Errorf("%s and %s posts, want 1 and 0", a, b)
	}
}

func TestDatabaseIsUTF8AndSortsByCodePoint(t *testing.T) {
	got := ask(t, URL(t), "SHOW server_encoding; SELECT string_agg(w, '' ORDER BY w) FROM unnest(ARRAY['é', 'a', 'Z', 'z']) w")
	if want := "UTF8\nZazé"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDatabaseIsDroppedWhoeverIsStillConnected(t *testing.T) {
	var url string
	var idle *exec.Cmd
	t.Run("test", func(t *testing.T) {
		url = URL(t)
		idle = session(t, url, "SELECT 1")
	})
	if idle == nil {
		t.Skip("the test was skipped")
	}
	if out, err := psql(t, url, "SELECT 1"); err == nil || !strings.Contains(out, "does not exist") {
		t.Errorf("the database is still there: %s", out)
	}
}

func TestServerSurvivesATestThatEndsAllConnections(t *testing.T) {
	url := URL(t)
	ask(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
	ask(t, URL(t), "SELECT 1")
}

// session is a psql that has run a statement and stays connected.
func session(t *testing.T, url, sql string) *exec.Cmd {
	t.Helper()
	bin, err := find()
	need(t, err)
	cmd := exec.Command(filepath.Join(bin, "psql"), "-X", "-q", "-A", "-t", "-d", url)
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // it was cut off, which it says
	})
	if _, err := fmt.Fprintf(in, "%s;\n\\echo said\n", sql); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "said" {
			return cmd
		}
	}
	t.Fatalf("psql ended within %q", sql)
	return nil
}

func TestServerThatIsKilledOrStoppedHasWhatWasCommittedAndNoMore(t *testing.T) {
	for name, down := range map[string]func(*Server){
		"kill":      (*Server).Kill,
		"fast":      func(s *Server) { s.Stop("fast") },
		"immediate": func(s *Server) { s.Stop("immediate") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Start(t, true)
			url := s.URL(t)
			ask(t, url, "CREATE TABLE posts (n int)")
			for round := 1; round <= 2; round++ {
				ask(t, url, "INSERT INTO posts VALUES (1)")
				session(t, url, "BEGIN; INSERT INTO posts VALUES (2)")
				pid := s.process.cmd.Process.Pid
				family := append(children(pid), pid)
				if len(family) < 3 {
					t.Fatalf("the processes of the server are %v; the test looks in the wrong place", family)
				}
				down(s)
				for _, pid := range family { // what has no files and no memory may still be listed
					eventually(t, fmt.Sprintf("process %d has ended", pid), func() bool { return ended(pid) })
				}
				if c, err := net.Dial("tcp", s.Addr()); err == nil {
					_ = c.Close()
					t.Error("a server that is down answers")
				}
				s.Restart(t)
				if got, want := ask(t, url, "SELECT count(*), sum(n) FROM posts"), fmt.Sprintf("%d|%[1]d", round); got != want {
					t.Errorf("round %d: count and sum are %s, want %s", round, got, want)
				}
			}
			s.URL(t) // also a server that was down can make one
		})
	}
}

// ended: gone, or dead and not yet fetched by whoever has inherited it.
func ended(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X")
}

// segment says whether a System V segment exists.
func segment(t *testing.T, id string) bool {
	t.Helper()
	b, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[1] == id {
			return true
		}
	}
	return false
}

// traces are what a server could leave.
type traces struct {
	dir, segment string
	pids         []int
}

func (s *Server) traces(t *testing.T) traces {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(b), "\n") // line 7: key and number of the segment
	pid := s.process.cmd.Process.Pid
	return traces{s.dir, strings.Fields(lines[6])[1], append(children(pid), pid, s.watch.cmd.Process.Pid)}
}

func TestNothingIsLeftOfAServerThatWasKilledAndNotRestarted(t *testing.T) {
	var left traces
	t.Run("test", func(t *testing.T) {
		s := Start(t, false)
		s.URL(t)
		left = s.traces(t)
		if !segment(t, left.segment) || missing(left.dir) {
			t.Fatalf("%+v is not there; the test looks in the wrong place", left)
		}
		s.Kill()
	})
	if left.dir == "" {
		t.Skip("the test was skipped")
	}
	if !missing(left.dir) || segment(t, left.segment) {
		t.Errorf("%+v is still there", left)
	}
}

// TestChild is no test but the process that the next one ends.
func TestChild(t *testing.T) {
	way := os.Getenv("PGTEST_CHILD")
	if way == "" {
		t.Skip("only for TestNothingIsLeftOfTestsThatEndBadly")
	}
	if way == "start" { // killed at some moment of this
		Start(t, true)
		select {}
	}
	URL(t)
	left := shared.server.traces(t)
	fmt.Println(left.dir, left.segment, strings.Trim(fmt.Sprint(left.pids), "[]"))
	switch way {
	case "panic":
		go panic("as a test does")
	case "exit":
		os.Exit(3)
	}
	select {} // until a signal comes
}

// child starts TestChild, in a process group of its own, as a shell does.
func child(t *testing.T, way string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	_, err := find()
	need(t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), "PGTEST_CHILD="+way)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := cmd.StdoutPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(pipe)
}

func TestNothingIsLeftOfTestsThatEndBadly(t *testing.T) {
	for way, signal := range map[string]syscall.Signal{
		"panic":     0,
		"exit":      0,
		"interrupt": syscall.SIGINT,  // ^C
		"quit":      syscall.SIGQUIT, // go test, when the time is up
		"kill":      syscall.SIGKILL,
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			cmd, out := child(t, way)
			if !out.Scan() {
				t.Fatal("the child started no server")
			}
			words := strings.Fields(out.Text())
			if len(words) < 5 || missing(words[0]) {
				t.Fatalf("the child says %q", out.Text())
			}
			if signal != 0 {
				if err := syscall.Kill(-cmd.Process.Pid, signal); err != nil {
					t.Fatal(err)
				}
			}
			_ = cmd.Wait() // with whatever code
			eventually(t, "the folder "+words[0]+" is gone", func() bool { return missing(words[0]) })
			if segment(t, words[1]) {
				t.Errorf("the segment %s is still there", words[1])
			}
			for _, word := range words[2:] {
				pid, err := strconv.Atoi(word)
				if err != nil {
					t.Fatal(err)
				}
				eventually(t, fmt.Sprintf("process %d has ended", pid), func() bool { return ended(pid) })
			}
		})
	}
}

func TestNothingIsLeftOfAStartThatIsKilled(t *testing.T) {
	for _, seen := range []string{"data/PG_VERSION", "data/postmaster.opts"} {
		t.Run(strings.ReplaceAll(seen, "/", " "), func(t *testing.T) {
			t.Parallel()
			cmd, _ := child(t, "start")
			var dir string // the last word of the watchdog's command
			eventually(t, seen+" is there", func() bool {
				for _, pid := range children(cmd.Process.Pid) {
					line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
					if words := strings.Split(string(line), "\x00"); err == nil && strings.HasPrefix(filepath.Base(words[max(len(words)-2, 0)]), "pgtest-") {
						dir = words[len(words)-2]
					}
				}
				return dir != "" && !missing(filepath.Join(dir, seen))
			})
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			eventually(t, dir+" is gone", func() bool { return missing(dir) })
		})
	}
}

func BenchmarkStart(b *testing.B) {
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("durable=%v", durable), func(b *testing.B) {
			for b.Loop() {
				s, err := start(durable)
				need(b, err)
				if err := s.close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A database is made and dropped again.
func BenchmarkURL(b *testing.B) {
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("durable=%v", durable), func(b *testing.B) {
			s := Start(b, durable)
			for b.Loop() {
				name, err := s.create("template0")
				if err := errors.Join(err, s.drop(name)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
