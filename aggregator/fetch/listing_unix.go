//go:build unix

package fetch

import (
	"io/fs"
	"syscall"
)

// listingInode tells a replaced file from an edited one.
func listingInode(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Ino)
	}
	return 0
}
