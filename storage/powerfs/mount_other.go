//go:build !linux

package powerfs

import (
	"errors"
	"syscall"
)

var errLinux = errors.New("power cuts are simulated on Linux only")

// Supported says why there can be no such folder here.
func Supported() error { return errLinux }

// FS is nothing here.
type FS struct{}

// Mount does not.
func Mount(string, map[string][]byte) (*FS, error) { return nil, errLinux }

// Cut is of nothing.
func (*FS) Cut(uint64) Snapshot { return Snapshot{} }

// CutBefore never comes.
func (*FS) CutBefore(int, uint64) <-chan Snapshot { return nil }

// Refuse refuses nothing.
func (*FS) Refuse(syscall.Errno) {}

// Seen is nothing.
func (*FS) Seen() map[string][]byte { return nil }

// Unmount has nothing to do.
func (*FS) Unmount() error { return nil }
