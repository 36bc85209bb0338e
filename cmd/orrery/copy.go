package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"orrery/storage"
)

func (p *program) copy() *cobra.Command {
	return &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy the database into another one, also of another kind",
		Long: `Copy the whole planet from one database into another: sqlite:FILE or
postgres://USER@HOST/DATABASE, as storage: in the configuration names them. No
configuration is needed.

TO is made if it is a file that does not exist; it must be empty. A copy that was
broken off is taken up by the same command; if FROM has changed meanwhile it begins
anew. At the end every row is read again on both sides and compared; before that no
other command takes TO for a planet.

FROM is only read, and may be in use by serve. What is fetched during the copy is not
in it: to lose nothing of that, end serve, copy, name TO as storage: in the
configuration and start serve again.`,
		Example: `  orrery copy sqlite:orrery.db postgres://planet@db.example/planet
  orrery copy postgres://planet@db.example/planet sqlite:orrery-$(date +%F).db`,
		Args: exactly(2, "the database to copy and where to copy it to"),
		RunE: func(c *cobra.Command, args []string) error {
			begun := time.Now()
			bar := p.newProgress()
			done, err := storage.Copy(c.Context(), args[0], args[1], bar.following("copying and comparing rows"))
			if err != nil {
				bar.end() // else it has ended by itself
			}
			switch {
			case errors.Is(err, storage.ErrAddress):
				return usageError{err}
			case err != nil:
				return err
			case done.Restarted:
				fmt.Fprintln(p.stderr, "orrery: what an earlier copy had left there was thrown away, since it was not what FROM holds now")
			case done.Resumed > 0:
				were := grouped(done.Resumed) + " rows were"
				if done.Resumed == 1 {
					were = "1 row was"
				}
				fmt.Fprintf(p.stderr, "orrery: %s there from a copy that was broken off\n", were)
			}
			fmt.Fprintf(p.stdout, "copied %s rows of %d tables in %.1fs; counts and hashes are the same\n",
				grouped(done.Rows), done.Tables, time.Since(begun).Seconds())
			return nil
		},
	}
}

// grouped is a number with commas between thousands; it is not negative.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
