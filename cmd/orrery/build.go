package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"orrery/feeds/site"
)

func (p *program) build() *cobra.Command {
	var o site.BuildOptions
	c := &cobra.Command{
		Use:   "build DIR",
		Short: "Write the site as files, for any web server",
		Long: `Writes the same addresses and the same bytes that serve would send. The new
tree is written beside DIR and then swapped in; a file that did not change keeps
its time, so that rsync has little to do. Files in DIR that Orrery did not write
are kept. Files cannot search: where the search would be stand the months.`,
		Example: `  orrery fetch && orrery build public
  orrery build --compress public     for gzip_static and brotli_static of nginx`,
		Args: exactly(1, "the folder to write to"),
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
			o.Progress = func(n, total int) {
				if n == 1 || out.bar == nil && done == 0 {
					out.startNamed(total, "writing files")
				}
				for ; done < n; done++ {
					out.step()
				}
			}
			r, err := st.Build(c.Context(), args[0], o)
			out.end()
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "%s: %s: %d written, %d unchanged, %d removed\n",
				args[0], count(r.Files, "file", "files"), r.Written, r.Unchanged, r.Removed)
			return nil
		},
	}
	c.Flags().BoolVar(&o.Compress, "compress", false, "also write FILE.gz and FILE.br beside each text")
	return c
}
