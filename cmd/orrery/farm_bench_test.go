//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"orrery/aggregator/farm"
	"orrery/feeds"
)

func init() { commands["farm"] = farmMain }

// farmProcess is a farm in a process of its own.
type farmProcess struct {
	farm.Options
	hosts   []string // that it answers as, each with its port
	entries int      // it began with
	in      io.Writer
	out     *bufio.Scanner
}

// startFarm starts a farm whose feeds are spread over so many hosts. More than one
// there are only where all of 127.0.0.0/8 is this machine, as on Linux.
func startFarm(b *testing.B, o farm.Options, hosts int) *farmProcess {
	b.Helper()
	options, err := json.Marshal(o)
	if err != nil {
		b.Fatal(err)
	}
	c := exec.Command("farm", string(options), strconv.Itoa(hosts))
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close() // it ends at the end of its input, even if we were killed
		_ = c.Wait()
	})
	f := &farmProcess{Options: o, in: in, out: bufio.NewScanner(out)}
	var port int
	if _, err := fmt.Sscan(f.answer(b), &port, &f.entries); err != nil {
		b.Fatal(err)
	}
	for n := range hosts {
		f.hosts = append(f.hosts, farmHost(n, port))
	}
	return f
}

// ask sends a command and returns the answer.
func (f *farmProcess) ask(b *testing.B, command string) string {
	b.Helper()
	if _, err := fmt.Fprintln(f.in, command); err != nil {
		b.Fatal(err)
	}
	return f.answer(b)
}

func (f *farmProcess) answer(b *testing.B) string {
	b.Helper()
	if !f.out.Scan() {
		b.Fatalf("the farm has ended: %v", f.out.Err())
	}
	return f.out.Text()
}

func (f *farmProcess) counts(b *testing.B) (c farm.Counts) {
	b.Helper()
	if err := json.Unmarshal([]byte(f.ask(b, "counts")), &c); err != nil {
		b.Fatal(err)
	}
	return c
}

// farmHost is the n-th of the hosts of a farm, with its port.
func farmHost(n, port int) string {
	return fmt.Sprintf("127.0.%d.%d:%d", n/200, n%200+1, port)
}

// config writes the configuration of a planet of the farm's feeds into the folder
// and returns its path; more are further lines of it.
func (f *farmProcess) config(b *testing.B, dir string, concurrency int, more ...string) string {
	b.Helper()
	list := &feeds.OPML{Title: "Farm"}
	for n := range f.Feeds {
		list.Outlines = append(list.Outlines, feeds.Outline{Title: fmt.Sprintf("f%d", n), FeedURL: fmt.Sprintf("http://%s/%d.xml", f.hosts[n%len(f.hosts)], n)})
	}
	var opml bytes.Buffer
	text := fmt.Sprintf(`planet: {title: Farm, url: "https://planet.example.org/"}
fetch: {concurrency: %d, per_host: %[1]d, pause_per_host: 0s, min_interval: 0s, allow: ["%s"]}
sources: [{opml: farm.opml}]
%s
`, concurrency, strings.Join(f.hosts, `", "`), strings.Join(more, "\n"))
	if err := feeds.WriteOPML(&opml, list); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(dir, fmt.Sprintf("orrery-%d.yaml", concurrency))
	for name, data := range map[string][]byte{path: []byte(text), filepath.Join(dir, "farm.opml"): opml.Bytes()} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return path
}

// farmMain is the command farm: it says its port and its number of entries, then
// answers each line of its input, and ends with that.
func farmMain() {
	var o farm.Options
	var hosts int
	var all []net.Listener
	err := json.Unmarshal([]byte(os.Args[1]), &o)
	if err == nil {
		hosts, err = strconv.Atoi(os.Args[2])
	}
	port := 0 // that the first one is given holds for all
	for n := 0; n < hosts && err == nil; n++ {
		var l net.Listener
		if l, err = new(net.ListenConfig).Listen(context.Background(), "tcp", farmHost(n, port)); err == nil {
			port = l.Addr().(*net.TCPAddr).Port
			all = append(all, l)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "farm:", err)
		os.Exit(1)
	}
	f := farm.New(o)
	size := f.Grow()
	s := &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	for _, l := range all {
		go s.Serve(l) //nolint:errcheck // it ends with the process
	}
	fmt.Println(port, size.Entries)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(farmDoes(f, lines.Text()))
	}
}

func farmDoes(f *farm.Farm, command string) string {
	what, arg, _ := strings.Cut(command, " ")
	switch what {
	case "step":
		return fmt.Sprint(f.Step())
	case "latency":
		d, err := time.ParseDuration(arg)
		if err != nil {
			return err.Error()
		}
		f.SetLatency(d)
	case "counts":
		c, err := json.Marshal(f.Counts())
		if err != nil {
			return err.Error()
		}
		return string(c)
	}
	return command
}
