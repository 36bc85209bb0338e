package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"orrery/config"
)

// Exit codes.
const (
	exitDone   = 0 // single sources may have failed: that is data
	exitFailed = 1
	exitUsage  = 2 // wrong usage or configuration
)

func main() {
	log.SetOutput(io.Discard) // net/http writes there what servers say that nobody asked
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program: data goes to stdout, everything else to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{stdout: stdout, stderr: stderr, getenv: os.Getenv}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	var problems config.Errors
	var wrong usageError
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(stderr, "orrery: stopped; what was finished is stored")
		return exitFailed
	case errors.As(err, &problems):
		for _, problem := range problems {
			fmt.Fprintln(stderr, problem)
		}
		return exitUsage
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "orrery: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "orrery: %v\n", err)
	return exitFailed
}

// program is what every command shares.
type program struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	configFile     string // of -c
	logs           string // of --log-format
}

// usageError is a mistake in the command line or the choice of the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func wrongUsage(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "orrery",
		Short: "Gather what a community writes, hand it on to every reader",
		Long: `Orrery gathers the posts of a community, from Markdown folders and from its
members' blogs, keeps each post once, and serves merged Atom, RSS and JSON
feeds for the whole planet and for every category, with a planet site.`,
		Example: `  orrery demo             look at a whole planet with nothing to set up
  orrery init             begin one of your own in this folder
  orrery check            find every mistake in its configuration
  orrery fetch            visit the sources that are due (for cron)
  orrery serve            serve the site and visit sources beside it
  orrery why URL          tell why a post is, or is not, on the planet`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVarP(&p.configFile, "config", "c", "",
		"configuration `file` (default $ORRERY_CONFIG, else orrery.yaml)")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return wrongUsage("%v; see %s --help", err, c.CommandPath())
	})
	for _, c := range []*cobra.Command{
		p.demo(), p.init(), p.check(), p.fetch(), p.serve(), p.work(), p.build(), p.inspect(), p.sources(), p.why(), p.publish(), p.hide(), p.split(), p.merge(), p.release(),
		p.importList(), p.export(), p.backup(), p.copy(), p.version(),
	} {
		root.AddCommand(c)
	}
	root.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = fmt.Sprintf("; did you mean %q?", near[0])
		}
		return wrongUsage("there is no command %q%s (orrery --help lists them)", args[0], hint)
	}
	root.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	root.SuggestionsMinimumDistance = 2
	return root
}

// exactly is cobra.ExactArgs with a sentence for people.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return wrongUsage("%s needs %s; see %s --help", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}

func none(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return wrongUsage("%s takes no argument %q; see %s --help", c.CommandPath(), args[0], c.CommandPath())
	}
	return nil
}
