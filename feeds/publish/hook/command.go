package hook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
	"unicode"
)

const (
	// lastWords is how much of what a command says of its failure is kept, in bytes.
	lastWords = 400
	// killing is how long a command has to end, with what it began, when its time is up.
	killing = 5 * time.Second
)

// CommandOptions say which.
type CommandOptions struct {
	Name string // of the listener
	// Args are the program and its arguments, as they are: no shell reads them.
	Args []string
	// Shell is a line for /bin/sh instead of Args; only what the configuration says, and
	// nothing of an entry, comes into it.
	Shell string
	Dir   string // where it is run; "": where we are
	// Env is its whole environment, NAME=value; nil: a PATH and a UTF-8 locale. Ours is
	// not handed on: it has the passwords of the configuration in it.
	Env     []string
	Timeout time.Duration // of one run. 0: 30 s
}

// Command runs a command and writes the items on its stdin, a Line each. Exit code 0
// means that all were taken, every other that none was.
type Command struct{ o CommandOptions }

// NewCommand returns a Command, or a sentence on what is wrong with the options.
func NewCommand(o CommandOptions) (*Command, error) {
	if o.Shell != "" && len(o.Args) > 0 || o.Shell == "" && (len(o.Args) == 0 || o.Args[0] == "") {
		return nil, fmt.Errorf("the command %s needs either a program with its arguments or a line for the shell", o.Name)
	}
	if o.Shell != "" {
		o.Args = []string{"/bin/sh", "-c", o.Shell}
	}
	if o.Env == nil {
		o.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"}
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	return &Command{o}, nil
}

// Name is that of the options.
func (c *Command) Name() string { return c.o.Name }

// Send runs the command once over all items.
func (c *Command) Send(ctx context.Context, items []Item) (taken int, err error) {
	run, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	cmd := exec.CommandContext(run, c.o.Args[0], c.o.Args[1:]...)
	cmd.Dir, cmd.Env = c.o.Dir, append([]string{"ORRERY_LISTENER=" + c.o.Name}, c.o.Env...)
	cmd.WaitDelay = killing
	whole(cmd)
	said := &tail{}
	cmd.Stdin, cmd.Stderr = &lines{items: items}, said
	err = cmd.Run()
	switch {
	case err == nil:
		return len(items), nil
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case run.Err() != nil:
		return 0, fmt.Errorf("the command %s did not end within %s%s", c.o.Name, c.o.Timeout, said.words())
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return 0, fmt.Errorf("the command %s ended with %s%s", c.o.Name, exit.ProcessState, said.words())
	}
	return 0, fmt.Errorf("the command %s cannot be run: %w", c.o.Name, err)
}

// lines reads as the items' lines; one of them is in memory at a time.
type lines struct {
	items []Item
	rest  []byte
}

func (l *lines) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		if len(l.items) == 0 {
			return 0, io.EOF
		}
		l.rest, l.items = Line(l.items[0]), l.items[1:]
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// tail keeps the end of what is written to it.
type tail struct{ end []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.end = append(t.end, p...)
	if more := len(t.end) - lastWords; more > 0 {
		t.end = append(t.end[:0], t.end[more:]...)
	}
	return len(p), nil
}

// words are the last line of it, fit for a page, as the end of a sentence.
func (t *tail) words() string {
	s := strings.TrimSpace(strings.ToValidUTF8(string(t.end), "?"))
	s = strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if s = s[strings.LastIndexByte(s, '\n')+1:]; s == "" {
		return ""
	}
	return ": " + s
}
