package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// programVersion is what User-Agent and the version command say.
const programVersion = "0.1.0"

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which Orrery this is",
		Args:  none,
		Run: func(*cobra.Command, []string) {
			fmt.Fprintf(p.stdout, "orrery %s (%s %s/%s)\n", programVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}
