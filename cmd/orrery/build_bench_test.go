package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"orrery/feeds/feedstest"
)

// BenchmarkBuild writes the site of the 416 posts as files, and again when nothing has
// changed.
func BenchmarkBuild(b *testing.B) {
	path := benchPlanet(b, feedstest.Data(b, "xmpp.org/content/blog"))
	benchFetch(b, path)
	dir := b.TempDir()
	b.Run("first", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			benchRun(b, "-c", path, "build", filepath.Join(dir, fmt.Sprint("first", i)))
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			benchRun(b, "-c", path, "build", filepath.Join(dir, "first0"))
		}
	})
}
