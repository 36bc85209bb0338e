package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"orrery/feeds"
)

// The environment that makes this test binary a child.
const (
	childJob  = "ORRERY_TEST_CHILD"
	childPath = "ORRERY_TEST_PATH"
)

// children are what a child can be told to do with a store, or with what it finds at a
// path. A sentence a line on stdout says what it has done.
var children = map[string]func(path string) error{
	"claim":  childClaims,
	"commit": func(dsn string) error { return childCommits(dsn, 1) },
	"crowd":  func(dsn string) error { return childCommits(dsn, 4) },
	"index":  childIndexes,
	"work":   childWorks,
}

// child is a running one.
type child struct {
	cmd *exec.Cmd
	out *bufio.Scanner
}

func startChild(t *testing.T, job, path string) *child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childJob+"="+job, childPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return &child{cmd, bufio.NewScanner(out)}
}

// wait reads what is left of the child's lines and waits for its end.
func (c *child) wait(t *testing.T) []string {
	t.Helper()
	var lines []string
	for c.out.Scan() {
		lines = append(lines, c.out.Text())
	}
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// kill ends the child after it has said n lines, at once and without a warning,
// and returns all its lines.
func (c *child) kill(t *testing.T, n int) []string {
	t.Helper()
	var lines []string
	for len(lines) < n && c.out.Scan() {
		lines = append(lines, c.out.Text())
	}
	if len(lines) < n {
		t.Fatalf("the child ended by itself after %d lines", len(lines))
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for c.out.Scan() {
		lines = append(lines, c.out.Text())
	}
	if err := c.cmd.Wait(); err == nil || c.cmd.ProcessState.Exited() {
		t.Fatalf("the child was not killed: %v", c.cmd.ProcessState)
	}
	return lines
}

// childClaims claims three at a time until nobody is left.
func childClaims(dsn string) error {
	db, err := Open(context.Background(), dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		due, err := db.Claim(context.Background(), feeds.Want{Now: epoch, Start: epoch, N: 3, Lease: time.Hour})
		if errors.Is(err, feeds.ErrBeside) {
			continue
		}
		if err != nil || len(due) == 0 {
			return err
		}
		fmt.Println(strings.Join(slugsOf(due), " "))
	}
}

// childCommits visits sources s0, s1, … each by a goroutine, until it is killed,
// and says which visit of which source is stored.
func childCommits(dsn string, sources int) error {
	db, err := Open(context.Background(), dsn)
	if err != nil {
		return err
	}
	var g errgroup.Group
	for s := range sources {
		g.Go(func() error {
			for n := 0; ; n++ {
				if err := childVisit(db, fmt.Sprintf("s%d", s), n, os.Stdout); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// childPosts is how many entries a visit of a child brings.
const childPosts = 3

func childVisit(db *DB, slug string, n int, done io.Writer) error {
	at := epoch.Add(time.Duration(n) * time.Hour)
	due, err := db.Claim(context.Background(), feeds.Want{Now: at, Start: at, N: 1, Lease: time.Minute, Slugs: []string{slug}})
	if err != nil || len(due) != 1 {
		return fmt.Errorf("claim %s: %d, %w", slug, len(due), err)
	}
	v := visitOf(due[0], at)
	for i := range childPosts {
		v.Feed.Entries = append(v.Feed.Entries, placed(in(post(fmt.Sprintf("%s-%d-%d", slug, n, i), at), "All"), at))
	}
	v.Validators = feeds.Validators{URL: due[0].Source.URL, ETag: fmt.Sprintf(`"%d"`, n)}
	if _, err := db.Commit(context.Background(), v); err != nil {
		return err
	}
	_, err = fmt.Fprintf(done, "%s %d\n", slug, n)
	return err
}
