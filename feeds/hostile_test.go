package feeds

import (
	"slices"
	"strings"
	"testing"

	"orrery/feeds/feedstest"
)

// hostileFeeds are the attacks that Read reads.
func hostileFeeds() []feedstest.Attack {
	return slices.DeleteFunc(feedstest.Attacks(), func(a feedstest.Attack) bool { return a.Ext != ".xml" && a.Ext != ".json" })
}

// What each costs at its full size, cmd/orrery asks the kernel.
func TestHostileFeedsAreReadOrRefused(t *testing.T) {
	size := 128 << 10
	if testing.Short() { // the race detector makes everything twenty times as slow
		size = 16 << 10
	}
	for _, a := range hostileFeeds() {
		t.Run(a.Name, func(t *testing.T) {
			f, err := Read(a.Make(size), "", readAt)
			if err != nil {
				if s := Explain(err); s == "" || strings.Contains(s, "fault in Orrery") {
					t.Errorf("refused with %q", s)
				}
				return
			}
			Normalize(f, readAt)
			if len(f.Entries) > maxEntries {
				t.Errorf("%d entries", len(f.Entries))
			}
		})
	}
}

// Every hostile document of 5 MB; the bound is 5 s of one core and 512 MB
// (hostile.md).
func BenchmarkHostileFeeds(b *testing.B) {
	for _, a := range hostileFeeds() {
		b.Run(a.Name, func(b *testing.B) {
			body := a.Make(5 << 20)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if f, err := Read(body, "", readAt); err == nil {
					Normalize(f, readAt)
				}
			}
		})
	}
}
