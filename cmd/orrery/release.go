package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (p *program) release() *cobra.Command {
	return &cobra.Command{
		Use:   "release SOURCE",
		Short: "Let in what was held back of a source",
		Long: `A feed whose name, posts and hosts are suddenly all others looks as if its
address had been sold, and what it says is held back; orrery sources shows it as
held. This lets it in: the next pass takes the feed as it is.

So are most posts of a source that suddenly writes far more than it ever did, for
a day. This shows them at once, each in its place, without announcing them.`,
		Example: `  orrery release jitsi && orrery fetch jitsi`,
		Args:    exactly(1, "a source"),
		RunE: func(c *cobra.Command, args []string) error {
			pl, err := p.open(c.Context())
			if err != nil {
				return err
			}
			defer pl.close()
			found, held, posts, err := pl.store.Trust(c.Context(), time.Now(), args[0])
			switch {
			case err != nil:
				return err
			case !found:
				return wrongUsage("there is no source %q; orrery sources lists them", args[0])
			}
			for _, s := range released(args[0], held, posts) {
				fmt.Fprintln(p.stdout, s)
			}
			return nil
		},
	}
}

// released are sentences about what was let go of the source.
func released(slug string, held bool, posts int) (list []string) {
	switch {
	case posts == 1:
		list = append(list, "1 post of "+slug+" that was held back is shown")
	case posts > 1:
		list = append(list, fmt.Sprintf("%d posts of %s that were held back are shown", posts, slug))
	}
	if held {
		list = append(list, slug+" is taken as it is with the next pass")
	}
	if list == nil {
		list = append(list, "nothing of "+slug+" is held back")
	}
	return list
}
