package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The folder, the site's feed and its German one, in whatever order they are read: the
// planet is the same, down to the addresses of its entries.
func TestTheRealPostsAndTheirFeedsAreTheSamePlanetInAnyOrder(t *testing.T) {
	var first []storedEntry
	orders := [][]string{
		{"xsf", "xsf-feed", "xsf-feed-de"}, {"xsf-feed-de", "xsf-feed", "xsf"}, {"xsf", "xsf-feed-de", "xsf-feed"},
		{"xsf-feed", "xsf", "xsf-feed-de"}, {"xsf-feed-de", "xsf", "xsf-feed"}, {"xsf-feed", "xsf-feed-de", "xsf"},
	}
	if testing.Short() { // the race detector makes each ten times as slow
		orders = orders[:2]
	}
	for _, order := range orders {
		t.Run(strings.Join(order, " "), func(t *testing.T) {
			config := xmppPlanet(t)
			for _, slug := range order {
				orrery(t, 0, "-c", config, "fetch", "--strict", slug)
			}
			again := orrery(t, 0, "-c", config, "fetch", "--strict")
			if !strings.Contains(again, "3 sources: 0 new, 0 revised, 0 duplicate, 0 failed, 3 unchanged") {
				t.Errorf("the same again is not nothing:\n%s", again)
			}
			list := exported(t, orrery(t, 0, "-c", config, "export", "jsonl"))
			if len(list) != 416 {
				t.Errorf("%d entries, want 416", len(list))
			}
			seen := map[string]bool{}
			for i := range list {
				e := &list[i]
				e.FirstSeen = time.Time{}
				if e.Source != "xsf" {
					t.Errorf("%s: the primary is %s, want the folder", e.Permalink, e.Source)
				}
				for _, name := range []string{"ID " + e.ID, "address " + e.Permalink, fmt.Sprintf("title %s of %s in %s", e.Title, e.Published, e.Language)} {
					if seen[name] {
						t.Errorf("twice: %s", name)
					}
					seen[name] = true
				}
			}
			if first == nil {
				first = list
			}
			for i := range first {
				if len(list) != len(first) || !reflect.DeepEqual(list[i], first[i]) {
					t.Errorf("it is another planet than in the first order, from\n%+v\non, where that has\n%+v", list[i], first[i])
					break
				}
			}
		})
	}
}
