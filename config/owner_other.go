//go:build !unix

package config

import "io/fs"

// keepOwner has nothing to do where files take the owner of their folder.
func keepOwner(string, fs.FileInfo) {}
