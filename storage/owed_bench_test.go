package storage

import (
	"fmt"
	"testing"
	"time"

	"orrery/feeds"
)

// What it costs a commit of 20 news that there are listeners.
func BenchmarkCommitOf20News(b *testing.B) {
	for _, n := range []int{0, 3} {
		b.Run(fmt.Sprintf("listeners=%d", n), func(b *testing.B) {
			onEngines(b, []int{1}, func(b *testing.B, all []*DB) {
				db := all[0]
				configure(b, db, nil, remote("a"))
				listen(b, db, []string{"x", "y", "z"}[:n]...)
				visit(b, db, "a", epoch)
				for i := 1; b.Loop(); i++ {
					b.StopTimer()
					at := epoch.Add(time.Duration(i) * time.Hour)
					var list []feeds.Entry
					for k := range 20 {
						list = append(list, in(post(fmt.Sprint(i, "-", k), at), fmt.Sprint("Category ", k)))
					}
					v := visitOf(claimed(b, db, "a", at), at, list...)
					b.StartTimer()
					commit(b, db, v)
				}
			})
		})
	}
}
