package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"orrery/feeds/site"
)

func (p *program) build() *cobra.Command {
	var o site.BuildOptions
	var check bool
	c := &cobra.Command{
		Use:   "build DIR",
		Short: "Write the site as files, for any web server",
		Long: `Writes the same addresses and the same bytes that serve would send. The new
tree is written beside DIR and then swapped in; a file that did not change keeps
its time, so that rsync has little to do. Files in DIR that Orrery did not write
are kept; a folder with files that it has never built in is refused. Files cannot
search: where the search would be stand the months.

With --relative the pages work at any address, as for a preview below another
folder; feeds, which readers take elsewhere, name planet.url as always, and so do
links in the about text and 404.html, which has no place of its own.`,
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
			if !check {
				return nil
			}
			return p.checkLinks(args[0], pl.config.Planet.URL)
		},
	}
	c.Flags().BoolVar(&check, "check", false, "also look whether every link within the site leads somewhere")
	c.Flags().BoolVar(&o.Relative, "relative", false, "links from page to page that work wherever DIR is put, not only at planet.url")
	c.Flags().BoolVar(&o.Compress, "compress", false, "also write FILE.gz and FILE.br beside each text")
	return c
}

// checkLinks says which links of the site that was built lead nowhere.
func (p *program) checkLinks(dir, planet string) error {
	broken, err := site.CheckLinks(dir, planet)
	if err != nil {
		return err
	}
	for _, b := range broken {
		fmt.Fprintln(p.stdout, b)
	}
	if broken != nil {
		return fmt.Errorf("%s within the site lead nowhere", count(len(broken), "link", "links"))
	}
	return nil
}
