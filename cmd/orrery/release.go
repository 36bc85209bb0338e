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
held. This lets it in: the next pass takes the feed as it is.`,
		Example: `  orrery release jitsi && orrery fetch jitsi`,
		Args:    exactly(1, "a source"),
		RunE: func(c *cobra.Command, args []string) error {
			pl, err := p.open(c.Context())
			if err != nil {
				return err
			}
			defer pl.close()
			found, held, err := pl.store.Trust(c.Context(), time.Now(), args[0])
			switch {
			case err != nil:
				return err
			case !found:
				return wrongUsage("there is no source %q; orrery sources lists them", args[0])
			case !held:
				fmt.Fprintf(p.stdout, "nothing of %s is held back\n", args[0])
				return nil
			}
			fmt.Fprintf(p.stdout, "%s is taken as it is with the next pass\n", args[0])
			return nil
		},
	}
}
