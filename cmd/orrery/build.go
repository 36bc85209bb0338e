package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (p *program) build() *cobra.Command {
	return &cobra.Command{
		Use:   "build DIR",
		Short: "Write the site as files, for any web server",
		Long: `Writes the same addresses and the same bytes that serve would send. The new
tree is written beside DIR and then swapped in; a file that did not change keeps
its time, so that rsync has little to do. Files in DIR that Orrery did not write
are kept.`,
		Example: `  orrery fetch && orrery build public`,
		Args:    exactly(1, "the folder to write to"),
		RunE: func(c *cobra.Command, args []string) error {
			pl, err := p.open(c.Context())
			if err != nil {
				return err
			}
			defer pl.close()
			st, err := pl.site(func(err error) { fmt.Fprintf(p.stderr, "orrery: %v\n", err) })
			if err != nil {
				return err
			}
			if err := st.Refresh(c.Context()); err != nil {
				return err
			}
			out, done := p.newProgress(), 0
			r, err := st.Build(c.Context(), args[0], func(n, total int) {
				if n == 1 || out.bar == nil && done == 0 {
					out.startNamed(total, "writing files")
				}
				for ; done < n; done++ {
					out.step()
				}
			})
			out.end()
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "%s: %s: %d written, %d unchanged, %d removed\n",
				args[0], count(r.Files, "file", "files"), r.Written, r.Unchanged, r.Removed)
			return nil
		},
	}
}
