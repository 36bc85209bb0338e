package fetch

import (
	"fmt"
	"html"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// Of all real posts two say nearly the same: a call for members, sent out again word
// for word. It has another title and came two weeks later, so that even these two
// stay apart; the newsletters of two months do so by what they say (dedupe.md 10, 11).
func TestNoRealPostIsNearAnotherButTheRepost(t *testing.T) {
	entries := xmppBlog(t)
	var like []feeds.Likeness
	for i := range entries {
		like = append(like, feeds.LikenessOf(&entries[i]))
	}
	compared, candidates := 0, make([]int, len(entries))
	var near, joined []string
	for i := range entries {
		for j := range i {
			a, b := &entries[i], &entries[j]
			if a.Language != b.Language {
				continue
			}
			compared++
			shared := share(like[i].Sketch(), like[j].Sketch())
			if shared {
				candidates[i]++
				candidates[j]++
			}
			if !like[i].Near(like[j]) {
				continue
			}
			pair := fmt.Sprintf("%q and %q", a.Title, b.Title)
			if near = append(near, pair); !shared {
				t.Errorf("%s are near, and their sketches have nothing in common", pair)
			}
			if foldedTitle(a) == foldedTitle(b) || a.Published.Sub(b.Published).Abs() <= 7*24*time.Hour {
				joined = append(joined, pair)
			}
		}
	}
	all := 0
	for _, n := range candidates {
		all += n
	}
	t.Logf("of %d pairs of one language %d have a value of their sketches in common, of one post at most %d", compared, all/2, slices.Max(candidates))
	if len(near) != 1 || strings.Contains(strings.ToLower(near[0]), "newsletter") || !strings.Contains(strings.ToLower(near[0]), "membership") {
		t.Errorf("%d pairs are near, want the membership posts alone:\n%s", len(near), strings.Join(near, "\n"))
	}
	if len(joined) != 0 {
		t.Errorf("of one title or one week are\n%s", strings.Join(joined, "\n"))
	}
	if all/2 > compared/20 {
		t.Errorf("%d of %d pairs would have to be compared", all/2, compared)
	}
}

func foldedTitle(e *feeds.Entry) string {
	return strings.ToLower(strings.Join(strings.Fields(e.Title), " "))
}

func share(a, b []uint64) bool {
	return slices.ContainsFunc(a, func(v uint64) bool { return slices.Contains(b, v) })
}

// A changed copy is found by its sketch: what is changed here is what feeds change.
func TestSketchesFindChangedCopies(t *testing.T) {
	entries := xmppBlog(t)
	r := rand.New(rand.NewPCG(3, 5))
	invented := func() string { return fmt.Sprintf("w%d", r.Uint64()) }
	several := func(n int) (words []string) {
		for range n {
			words = append(words, invented())
		}
		return words
	}
	changed := func(share float64) func([]string) []string {
		return func(words []string) []string {
			out := slices.Clone(words)
			for i := range out {
				if r.Float64() < share {
					out[i] = invented()
				}
			}
			return out
		}
	}
	for _, test := range []struct {
		what string
		copy func(words []string) []string
		want float64
	}{
		{"a footer of 15 words", func(w []string) []string { return slices.Concat(w, several(15)) }, 1},
		{"1 % of the words changed", changed(.01), .99},
		{"5 % of the words changed", changed(.05), .97},
		{"the first quarter", func(w []string) []string { return w[:len(w)/4] }, 1},
		{"the first 55 words", func(w []string) []string { return append(slices.Clone(w[:min(55, len(w))]), "[…]") }, 1},
		{"a by-line of 6 words in front", func(w []string) []string { return slices.Concat(several(6), w) }, .99},
		{"another first sentence of 15 words", func(w []string) []string { return slices.Concat(several(15), w[min(15, len(w)):]) }, .95},
	} {
		tried, found, near, both := 0., 0., 0., 0.
		for i := range entries {
			e := &entries[i]
			words := test.copy(strings.Fields(feeds.PlainText(e.Content)))
			other := feeds.Entry{Content: "<p>" + html.EscapeString(strings.Join(words, " ")) + "</p>"}
			a, b := feeds.SketchOf(e), feeds.SketchOf(&other)
			if a == nil || b == nil {
				continue
			}
			tried++
			isFound, isNear := share(a, b), feeds.LikenessOf(e).Near(feeds.LikenessOf(&other))
			for n, is := range map[*float64]bool{&found: isFound, &near: isNear, &both: isFound && isNear} {
				if is {
					*n++
				}
			}
		}
		t.Logf("%-34s found %.1f %% of %.0f; near are %.0f, of which %.1f %% are found", test.what, 100*found/tried, tried, near, 100*both/near)
		if found < test.want*tried || both < .99*near || near == 0 {
			t.Errorf("%s: found %.0f of %.0f, want %.2f; %.0f of %.0f that are near", test.what, found, tried, test.want, both, near)
		}
	}
}
