//go:build !linux

package site

import (
	"errors"
	"os"
)

const syncEach = true

// syncTree has nothing to do: the files are synced one by one, and a folder
// cannot be synced everywhere.
func syncTree(*os.File) error { return nil }

func exchange(*os.File, string, string) error { return errors.ErrUnsupported }

// lock takes nothing, so that no folder is ever judged to be abandoned: without
// locks that every system has, a running build could be meant.
func lock(*os.File) bool { return false }
