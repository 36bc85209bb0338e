package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"orrery/storage"
)

func (p *program) backup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a consistent copy of the database, while it is in use",
		Long: `Writes the database to a new file, as it is at one moment, while others write to
it. Of PostgreSQL pg_dump makes copies; orrery copy makes an SQLite file of one.`,
		Example: `  orrery backup orrery-$(date +%F).db
  storage: sqlite:orrery-2026-11-23.db     in a configuration, to use a copy`,
		Args: exactly(1, "the file to write"),
		RunE: func(c *cobra.Command, args []string) error {
			pl, err := p.load()
			if err != nil {
				return err
			}
			defer pl.close()
			db, err := storage.Open(c.Context(), pl.config.Storage)
			if err != nil {
				return err
			}
			defer db.Close()
			if err := db.Backup(c.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintln(p.stdout, args[0])
			return nil
		},
	}
}
