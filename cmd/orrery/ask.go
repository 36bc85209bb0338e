package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// asker asks whoever sits at the terminal.
type asker struct {
	in  *bufio.Reader
	out io.Writer
}

// newAsker is nil where nobody sits.
func newAsker(in io.Reader, out io.Writer) *asker {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &asker{in: bufio.NewReader(in), out: out}
}

// line is what is typed. The end of the context does not wait for it, though the
// reading goes on: nothing can end that but the terminal, or the program.
func (a *asker) line(ctx context.Context, question string) (string, error) {
	fmt.Fprint(a.out, question+" ")
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := a.in.ReadString('\n')
		got <- answer{text, err}
	}()
	select {
	case r := <-got:
		if r.err != nil {
			fmt.Fprintln(a.out)
			return "", errors.New("no answer; nothing was changed")
		}
		return strings.ToLower(strings.TrimSpace(r.text)), nil
	case <-ctx.Done():
		fmt.Fprintln(a.out)
		return "", ctx.Err()
	}
}

// number is one of 1 to n; an empty line is 1.
func (a *asker) number(ctx context.Context, question string, n int) (int, error) {
	for {
		text, err := a.line(ctx, fmt.Sprintf("%s [1-%d, Enter is 1]", question, n))
		if err != nil || text == "" {
			return 1, err
		}
		if k, err := strconv.Atoi(text); err == nil && k >= 1 && k <= n {
			return k, nil
		}
	}
}

// yes is true for y and an empty line.
func (a *asker) yes(ctx context.Context, question string) (bool, error) {
	text, err := a.line(ctx, question+" [Y/n]")
	return text == "" || text == "y" || text == "yes", err
}
