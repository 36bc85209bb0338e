package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"orrery/feeds"
)

func (p *program) publish() *cobra.Command {
	var asJSON, send, retry, drop bool
	c := &cobra.Command{
		Use:   "publish [LISTENER...]",
		Short: "Show who is to be told of what, and what went wrong",
		Long: `Shows for every listener of the configuration (publish:, planet.hub, xmpp:) how much it
is owed, since when, how often that was tried and why it failed. serve and work tell
them; where only cron runs, --send does, after fetch.

What a listener did not take is tried again for seven days, more and more rarely, and then
given up, but kept for thirty days more: --retry tries it again, --drop forgets it.`,
		Example: `  orrery publish
  orrery fetch && orrery publish --send
  orrery publish --retry chat.example.org`,
		RunE: func(c *cobra.Command, args []string) error {
			if n := countTrue(send, retry, drop); n > 1 {
				return wrongUsage("--send, --retry and --drop exclude each other")
			}
			if (retry || drop) && len(args) == 0 {
				return wrongUsage("%s needs the name of a listener with --retry and --drop; without them it lists all", c.CommandPath())
			}
			pl, err := p.open(c.Context())
			if err != nil {
				return err
			}
			defer pl.close()
			for _, name := range args {
				if !slices.Contains(pl.listenerNames(), name) {
					return wrongUsage("there is no listener %q; orrery publish lists them", name)
				}
			}
			switch {
			case send:
				return pl.onceAll(c.Context(), func(format string, args ...any) { fmt.Fprintf(p.stderr, "orrery: "+format+"\n", args...) })
			case retry:
				return p.settleDebts(c.Context(), args, "will be tried again", pl.store.RetryDebts)
			case drop:
				return p.settleDebts(c.Context(), args, "dropped", pl.store.DropDebts)
			}
			return p.showDebts(c.Context(), pl, args, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	c.Flags().BoolVar(&send, "send", false, "tell them now what they are owed")
	c.Flags().BoolVar(&retry, "retry", false, "try again at once what failed or was given up")
	c.Flags().BoolVar(&drop, "drop", false, "forget what they are owed")
	return c
}

func countTrue(list ...bool) (n int) {
	for _, b := range list {
		if b {
			n++
		}
	}
	return n
}

// settleDebts does it with all that the listeners are owed.
func (p *program) settleDebts(ctx context.Context, names []string, done string, do func(ctx context.Context, to string, ids []int64) (int, error)) error {
	for _, name := range names {
		n, err := do(ctx, name, nil)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s: %s %s\n", name, count(n, "delivery", "deliveries"), done)
	}
	return nil
}

func (p *program) showDebts(ctx context.Context, pl *planet, names []string, asJSON bool) error {
	list, err := pl.store.Debts(ctx)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		list = slices.DeleteFunc(list, func(d feeds.Debt) bool { return !slices.Contains(names, d.To) })
	}
	if asJSON {
		return p.debtsJSON(list)
	}
	if len(list) == 0 {
		fmt.Fprintln(p.stdout, "Nobody is to be told of anything; publish:, planet.hub and xmpp: in the configuration say who.")
		return nil
	}
	t := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "LISTENER\tOWED\tSINCE\tTRIES\tNEXT\tGIVEN UP\tLAST ERROR")
	for i := range list {
		d := &list[i]
		next := ""
		if d.Owed > 0 {
			next = shortTime(d.Next, "now")
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%s\t%d\t%s\n", d.To, d.Owed, shortTime(d.Oldest, ""), d.Tries, next, d.GivenUp, firstLine(d.Error))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(names) == 0 {
		return nil
	}
	for i := range list {
		for _, f := range list[i].Failed {
			state := "next " + shortTime(f.Retry, "now")
			if f.GivenUp {
				state = "given up"
			}
			fmt.Fprintf(p.stdout, "%s: %s %s of %s, tried %s, %s: %s\n", list[i].To, f.Event, f.Entry, shortTime(f.At, ""), count(f.Tries, "time", "times"), state, firstLine(f.Error))
		}
	}
	return nil
}

// firstLine is what stands in a table of a text that may have several.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return cmp.Or(plain(redacted(s)), "")
}

// debtJSON is a listener as a program reads it.
type debtJSON struct {
	Listener string     `json:"listener"`
	Owed     int        `json:"owed"`
	Since    *time.Time `json:"since"`
	Tries    int        `json:"tries"`
	Next     *time.Time `json:"next"`
	GivenUp  int        `json:"given_up"`
	Error    string     `json:"error"`
	Failed   []failJSON `json:"failed"`
}

type failJSON struct {
	Entry   string     `json:"entry"`
	Event   string     `json:"event"`
	At      *time.Time `json:"at"`
	Tries   int        `json:"tries"`
	Retry   *time.Time `json:"retry"`
	GivenUp bool       `json:"given_up"`
	Error   string     `json:"error"`
}

func (p *program) debtsJSON(list []feeds.Debt) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	for i := range list {
		d := &list[i]
		j := debtJSON{d.To, d.Owed, timeOrNull(d.Oldest), d.Tries, timeOrNull(d.Next), d.GivenUp, d.Error, []failJSON{}}
		for _, f := range d.Failed {
			j.Failed = append(j.Failed, failJSON{f.Entry, f.Event, timeOrNull(f.At), f.Tries, timeOrNull(f.Retry), f.GivenUp, f.Error})
		}
		if err := e.Encode(j); err != nil {
			return err
		}
	}
	return nil
}
