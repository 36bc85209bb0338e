//go:build unix

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"orrery/feeds/feedstest"
)

// What any input may cost (hostile.md, Bounds), and how large one is: a feed as
// it comes over HTTP, a post or a list.
const (
	attackCPU    = 5 * time.Second
	attackMemory = 512 << 20
	attackFeed   = 5 << 20
	attackText   = 1 << 20
	attackShort  = 64 << 10
	// attackWait ends a child that waits for something and so uses nothing up.
	attackWait = time.Minute
	// attackLimits have the kernel stop a child that is beyond all bounds.
	attackLimits = `ulimit -t 10; ulimit -d 524288; exec "$0" "$@"`
	// attackList is a planet whose sources are the list.
	attackList = "planet: {title: P, url: 'https://p.example/'}\nsources:\n  - {opml: attack.opml}\n"
)

// attackFigures are what became of an attack.
type attackFigures struct {
	name    string
	size    int
	outcome string
	cpu     time.Duration
	memory  int64 // the largest resident set, in bytes
}

// The program reads each attack in a process of its own: that a library runs out
// of stack or memory, no recover catches.
func TestAnyInputStaysInBounds(t *testing.T) {
	program, err := exec.LookPath("orrery") // TestMain has put it there
	if err != nil {
		t.Fatal(err)
	}
	// Linux counts to a child what its parent had in memory at most.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(32 << 20))
	var mu sync.Mutex
	var figures []attackFigures
	slots := make(chan struct{}, 2)
	t.Run("attacks", func(t *testing.T) {
		for _, a := range sizedAttacks() {
			t.Run(a.Name, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				f := attack(t, program, a)
				mu.Lock()
				defer mu.Unlock()
				figures = append(figures, f)
			})
		}
	})
	slices.SortFunc(figures, func(a, b attackFigures) int { return cmp.Compare(b.cpu, a.cpu) })
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, f := range figures {
		fmt.Fprintf(w, "%s\t%.1f MB\t%.2f s\t%d MB\t%s\n", f.name, float64(f.size)/(1<<20), f.cpu.Seconds(), f.memory>>20, f.outcome)
	}
	_ = w.Flush() // a buffer takes everything
	t.Logf("%d attacks: size, CPU, largest resident set, outcome\n%s", len(figures), &table)
}

// sizedAttack is an attack of one size.
type sizedAttack struct {
	feedstest.Attack
	size int
}

// sizedAttacks are all attacks as large as their kind may be, and one post and one
// list that are larger.
func sizedAttacks() []sizedAttack {
	var out []sizedAttack
	seen := map[string]bool{}
	for _, a := range feedstest.Attacks() {
		size := attackFeed
		if a.Ext == ".md" || a.Ext == ".opml" {
			size = attackText
		}
		if testing.Short() { // the race detector makes the large ones twenty times as slow
			size = attackShort
		}
		out = append(out, sizedAttack{a, size})
		if size == attackText && !seen[a.Ext] {
			seen[a.Ext] = true
			a.Name += ", too large"
			out = append(out, sizedAttack{a, attackFeed})
		}
	}
	return out
}

// attack runs the program over an attack and says what that cost.
func attack(t *testing.T, program string, a sizedAttack) attackFigures {
	t.Helper()
	dir := t.TempDir()
	body := a.Make(a.size)
	f := attackFigures{name: a.Name, size: len(body)}
	for name, data := range map[string][]byte{"attack" + a.Ext: body, "list.yaml": []byte(attackList)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args, outcome := []string{"inspect", "--json", "attack" + a.Ext}, inspected
	if a.Ext == ".opml" {
		args, outcome = []string{"-c", "list.yaml", "check"}, checked
	}
	ctx, cancel := context.WithTimeout(t.Context(), attackWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	if runtime.GOOS == "linux" && !testing.Short() {
		cmd = exec.CommandContext(ctx, "sh", append([]string{"-c", attackLimits, program}, args...)...)
	}
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ORRERY_CONFIG=", "GORACE=atexit_sleep_ms=0")
	f.run(t, cmd, outcome)
	return f
}

// run runs the child and judges it by what it says on stdout, or if that is
// nothing, on stderr.
func (f *attackFigures) run(t *testing.T, cmd *exec.Cmd, outcome func(io.Reader) (string, error)) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said, wrong := outcome(stdout)
	_, _ = io.Copy(io.Discard, stdout) // so that the child can end
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	state, trouble := cmd.ProcessState, strings.ReplaceAll(stderr.String(), cmd.Dir+"/", "")
	f.cpu, f.memory = state.UserTime()+state.SystemTime(), maxResident(state)
	f.outcome = cmp.Or(said, attackSentence(trouble))
	switch {
	case !state.Exited(), wrong != nil, f.outcome == "", strings.Contains(trouble, "\ngoroutine "), strings.Contains(trouble+said, "fault in Orrery"):
		f.outcome = cmp.Or(f.outcome, state.String())
		t.Errorf("neither a feed nor an error, but %q (%v, %v), after %v of CPU and %d MB", f.outcome, state, wrong, f.cpu, f.memory>>20)
	case testing.Short():
	case f.cpu > attackCPU, f.memory > attackMemory:
		t.Errorf("%v of CPU and %d MB: %s", f.cpu, f.memory>>20, f.outcome)
	}
}

func maxResident(state *os.ProcessState) int64 {
	n := int64(state.SysUsage().(*syscall.Rusage).Maxrss)
	if runtime.GOOS == "darwin" { // in bytes there, in kilobytes elsewhere
		return n
	}
	return n << 10
}

// inspected is what inspect --json says on stdout: the error, or of a feed its
// format and how many entries it has. It is read piece by piece, so that little
// of it is in memory.
func inspected(stdout io.Reader) (string, error) {
	d := json.NewDecoder(stdout)
	var format string
	var value json.RawMessage
	entries := 0
	_, err := d.Token()
	for err == nil && d.More() {
		var name json.Token
		name, err = d.Token()
		switch {
		case err != nil:
		case name == "error":
			var sentence string
			if err = d.Decode(&sentence); sentence != "" {
				return attackSentence(sentence), err
			}
		case name == "format":
			err = d.Decode(&format)
		case name == "entries":
			for _, err = d.Token(); err == nil && d.More(); entries++ {
				err = d.Decode(&value)
			}
			if err == nil {
				_, err = d.Token()
			}
		default:
			err = d.Decode(&value)
		}
	}
	if err == nil {
		_, err = d.Token()
	}
	if err == nil && format == "" {
		err = errors.New("a feed without a format")
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%.20s, %s", format, count(entries, "entry", "entries")), nil
}

// checked is what check says on stdout of a list that it could read, else nothing.
func checked(stdout io.Reader) (string, error) {
	b, err := io.ReadAll(stdout)
	return attackSentence(string(b)), err
}

// attackSentence is the first line of s, short enough for a table.
func attackSentence(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return fmt.Sprintf("%.100s", s)
}
