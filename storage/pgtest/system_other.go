//go:build !linux

package pgtest

import (
	"fmt"
	"syscall"
)

// Elsewhere the tests that need a server are skipped: the watchdog reads /proc.

type account struct{}

func unprivileged() (account, error) {
	return account{}, fmt.Errorf("%w (and this package knows only Linux)", errMissing)
}

func (account) attr() *syscall.SysProcAttr { return nil }
func (account) folder() (string, error)    { return "", errMissing }
func children(int) []int                   { return nil }
func freeze(int)                           {}
func ephemeral() int                       { return 0 }
