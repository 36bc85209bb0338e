package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

var errHungUp = errors.New("psql has ended")

// console is a psql that stays: a new one for every statement would take longer
// than the statement, and this package needs no driver.
type console struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *os.File
	buf *bufio.Reader
}

// open connects to the database that no test uses.
func (s *Server) open() (*console, error) {
	c := &console{cmd: s.command("psql", "-X", "-q", "-A", "-t", "-d", s.address("postgres"))}
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	var end *os.File
	if c.out, end, err = os.Pipe(); err != nil {
		return nil, errors.Join(err, c.in.Close())
	}
	c.cmd.Stdout, c.cmd.Stderr = end, end
	c.buf = bufio.NewReader(c.out)
	err = c.cmd.Start()
	_ = end.Close() // psql has its own
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start psql: %w", err), c.in.Close(), c.out.Close())
	}
	return c, nil
}

// execute runs a statement that returns no rows: whatever psql says before the
// mark is a complaint.
func (c *console) execute(sql string) error {
	const mark = "-- done --"
	if err := c.out.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c.in, "%s;\n\\echo '%s'\n", sql, mark); err != nil {
		return fmt.Errorf("%s: %w: %w", sql, errHungUp, err)
	}
	var complaint strings.Builder
	for {
		line, err := c.buf.ReadString('\n')
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w: %w\n%s", sql, errHungUp, err, complaint.String())
		case line != mark+"\n":
			complaint.WriteString(line)
		case complaint.Len() > 0 && !strings.HasPrefix(complaint.String(), "NOTICE:"):
			return fmt.Errorf("%s: %s", sql, strings.TrimSpace(complaint.String()))
		default:
			return nil
		}
	}
}

// close ends psql; it has nothing to lose.
func (c *console) close() {
	_ = c.in.Close()
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
	_ = c.out.Close()
}
