package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"orrery/storage/pgtest"
)

// commands are what this test binary is under other names: the program itself,
// and what the benchmarks of a pass need beside it. They are found by the PATH.
var commands = map[string]func(){"orrery": main}

func TestMain(m *testing.M) {
	testscript.Main(withPostgres{m}, commands)
}

// withPostgres ends the server that tests were given.
type withPostgres struct{ *testing.M }

func (m withPostgres) Run() int {
	// The scripts wait more than they work: a program with the race detector alone sleeps
	// a second before it ends. What works more than it waits has slots.
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		if err := flag.Set("test.parallel", strconv.Itoa(8*runtime.GOMAXPROCS(0))); err != nil {
			panic(err)
		}
	}
	return pgtest.Main(m.M)
}

// The scripts use the program as a person does: what is typed, what comes out on
// stdout and stderr, with which exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Values[running] = &servers{byName: map[string]*process{}, blogs: map[string]*blog{}}
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("ORRERY_CONFIG", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"blog": startBlog, "hits": checkHits, "start": startServer, "signal": signalServer, "said": serverSaid, "get": get, "code": exitCode, "subst": subst,
		},
	})
}

// running is the name of a script's servers among its values.
const running = "running"

// servers are what a script has running.
type servers struct {
	byName map[string]*process
	blogs  map[string]*blog
}

func serversOf(ts *testscript.TestScript) *servers { return ts.Value(running).(*servers) }

// blog is a folder served on loopback with validators; every request is counted.
type blog struct {
	full, notModified atomic.Int64
}

// startBlog NAME DIR serves DIR and sets $NAME to its address:port. A file that
// is missing answers 404, one that begins with "gone" 410.
func startBlog(ts *testscript.TestScript, _ bool, args []string) {
	name, dir := args[0], ts.MkAbs(args[1])
	b := &blog{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := os.ReadFile(filepath.Join(dir, filepath.Clean("/"+r.URL.Path)))
		switch {
		case err != nil:
			http.NotFound(w, r)
			return
		case strings.HasPrefix(string(body), "gone"):
			w.WriteHeader(http.StatusGone)
			return
		}
		etag := fmt.Sprintf(`"%x"`, len(body))
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			b.notModified.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		b.full.Add(1)
		_, _ = w.Write([]byte(strings.ReplaceAll(string(body), "BLOG", "http://"+r.Host)))
	}))
	ts.Defer(srv.Close)
	serversOf(ts).blogs[name] = b
	ts.Setenv(name, strings.TrimPrefix(srv.URL, "http://"))
}

// checkHits NAME FULL NOTMODIFIED compares the answers the blog gave.
func checkHits(ts *testscript.TestScript, _ bool, args []string) {
	b := serversOf(ts).blogs[args[0]]
	if got := fmt.Sprintf("%d %d", b.full.Load(), b.notModified.Load()); got != args[1]+" "+args[2] {
		ts.Fatalf("%s gave %s answers (whole, not modified), want %s %s", args[0], got, args[1], args[2])
	}
}

// process is an orrery that runs beside the script.
type process struct {
	cmd  *exec.Cmd
	said chan string // lines on stderr, in order
	past []string
}

// patience is how long a script waits for a line before it fails.
const patience = 30 * time.Second

// startServer NAME ARGS... starts orrery and sets $NAME to the address it serves at.
func startServer(ts *testscript.TestScript, _ bool, args []string) {
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, "orrery"); path == "" && executable(p) {
			path = p
		}
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, v := range []string{"PATH", "HOME", "WORK", "TMPDIR", "ORRERY_CONFIG"} {
		cmd.Env = append(cmd.Env, v+"="+ts.Getenv(v))
	}
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	p := &process{cmd: cmd, said: make(chan string, 1000)}
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			p.said <- lines.Text()
		}
		close(p.said)
	}()
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	serversOf(ts).byName[args[0]] = p
	m := p.wait(ts, `serving .* at http://([^/]+)/`)
	ts.Setenv(args[0], m[1])
}

func executable(path string) bool {
	i, err := os.Stat(path)
	return err == nil && i.Mode().IsRegular() && i.Mode()&0o111 != 0
}

// wait reads lines until one matches.
func (p *process) wait(ts *testscript.TestScript, pattern string) []string {
	re := regexp.MustCompile(pattern)
	for i, line := range p.past {
		if m := re.FindStringSubmatch(line); m != nil {
			p.past = append(p.past[:i:i], p.past[i+1:]...)
			return m
		}
	}
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-p.said:
			if !ok {
				ts.Fatalf("the server ended without saying %q; it said:\n%s", pattern, strings.Join(p.past, "\n"))
			}
			ts.Logf("[server] %s", line)
			if m := re.FindStringSubmatch(line); m != nil {
				return m
			}
			p.past = append(p.past, line)
		case <-timeout:
			ts.Fatalf("the server did not say %q within %v; it said:\n%s", pattern, patience, strings.Join(p.past, "\n"))
		}
	}
}

// serverSaid NAME PATTERN waits for a line on the server's stderr.
func serverSaid(ts *testscript.TestScript, _ bool, args []string) {
	serversOf(ts).byName[args[0]].wait(ts, args[1])
}

// signalServer NAME HUP|TERM [CODE] sends a signal; with a code it waits for the
// end and compares.
func signalServer(ts *testscript.TestScript, _ bool, args []string) {
	p := serversOf(ts).byName[args[0]]
	ts.Check(p.cmd.Process.Signal(map[string]syscall.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}[args[1]]))
	if len(args) < 3 {
		return
	}
	for line := range p.said {
		ts.Logf("[server] %s", line)
	}
	err := p.cmd.Wait()
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	if got := fmt.Sprint(code); got != args[2] {
		ts.Fatalf("the server ended with %s, want %s", got, args[2])
	}
}

// get URL STATUS [PATTERN...] asks until the answer has the status and every
// pattern, or patience ends: what was committed is served within a second.
func get(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now().Add(patience)
	for {
		why := answerDiffers(args[0], args[1], args[2:])
		if (why == "") != neg {
			return
		}
		if neg || time.Now().After(deadline) {
			ts.Fatalf("%s: %s", args[0], why)
		}
	}
}

func answerDiffers(address, status string, patterns []string) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err.Error()
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	if got := fmt.Sprint(res.StatusCode); got != status {
		return "status " + got + ", want " + status
	}
	for _, p := range patterns {
		if !regexp.MustCompile(p).Match(body) {
			return fmt.Sprintf("no %q in\n%s", p, body)
		}
	}
	return ""
}

// subst FILE replaces $NAME in it by the environment's.
func subst(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// exitCode WANT COMMAND... runs a command that must end with the code.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got := fmt.Sprint(code); got != args[0] {
		ts.Fatalf("%s ended with %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}
