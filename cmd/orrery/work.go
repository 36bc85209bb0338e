package main

import "github.com/spf13/cobra"

func (p *program) work() *cobra.Command {
	var noFolders bool
	c := &cobra.Command{
		Use:   "work",
		Short: "Visit sources as scheduled, without a site",
		Long: `Visits the sources that are due whenever the schedule says. Any number of workers, on
as many machines as share one PostgreSQL database, visit each source once and a host
one at a time; who of them dies, is stopped or cut off loses nothing: others go on
with what it had claimed. A folder of posts is read by whichever worker comes first: it
has to lie at the same place on all machines, and say the same, or be left to one of
them. SIGHUP and SIGTERM are what they are for serve.`,
		Example: `  orrery work                  on every machine that is to fetch
  orrery work --no-folders     where the folders of posts do not lie
  orrery serve --no-fetch      on every machine that is to serve`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			pl, err := p.open(c.Context())
			if err != nil {
				return err
			}
			return p.run(c.Context(), pl, role{visits: true, noFolders: noFolders}, func() (*planet, error) { return p.load() })
		},
	}
	c.Flags().BoolVar(&noFolders, "no-folders", false, "leave folders of posts to the other machines")
	p.logFormat(c)
	return c
}
