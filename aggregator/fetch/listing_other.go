//go:build !unix

package fetch

import "io/fs"

// listingInode is not known here: size and time must do.
func listingInode(fs.FileInfo) uint64 { return 0 }
