package feeds

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// copyOf is a live copy of a remote source.
func copyOf(name string, source int64, keys ...Key) Copy {
	return Copy{Name: name, Source: source, Live: true, Keys: keys}
}

func id(s string) Key    { return Key{KeyGlobal, s} }
func link(s string) Key  { return Key{KeyLink, s} }
func alias(s string) Key { return Key{KeyAlias, s} }

func titled(c Copy, title uint64) Copy { c.Title = title; return c }
func local(c Copy) Copy                { c.Local = true; return c }
func gone(c Copy) Copy                 { c.Live = false; return c }

// clustered is what Cluster says, as text: the names of each cluster.
func clustered(copies []Copy, ties []Tie) string {
	clusters, _ := Cluster(copies, ties)
	var out []string
	for _, c := range clusters {
		var names []string
		for _, i := range c {
			names = append(names, copies[i].Name)
		}
		out = append(out, strings.Join(names, "+"))
	}
	return strings.Join(out, " ")
}

func TestCopiesOfOnePostAreOneInAnyOrder(t *testing.T) {
	for _, c := range []struct {
		name   string
		copies []Copy
		ties   []Tie
		want   string
	}{
		{"nothing in common", []Copy{copyOf("a", 1, link("x")), copyOf("b", 2, link("y")), copyOf("c", 3)}, nil, "a b c"},
		{"one link", []Copy{copyOf("a", 1, link("x")), copyOf("b", 2, link("x"))}, nil, "a+b"},
		{"one GUID, two links", []Copy{copyOf("a", 1, id("g"), link("x")), copyOf("b", 2, id("g"), link("y"))}, nil, "a+b"},
		{"a third shows that two are one", []Copy{copyOf("a", 1, link("x")), copyOf("b", 2, link("y")), copyOf("c", 3, link("x"), alias("y"))}, nil, "a+b+c"},
		{"two posts of a source with one link", []Copy{copyOf("a1", 1, link("x")), copyOf("a2", 1, link("x"))}, nil, "a1 a2"},
		{"and a copy of one of them, with another title", []Copy{titled(copyOf("a1", 1, link("x")), 1), titled(copyOf("a2", 1, link("x")), 2), titled(copyOf("b", 2, link("x")), 3)}, nil, "a1 a2 b"},
		{"and copies of both, which their titles tell apart", []Copy{titled(copyOf("a1", 1, link("x")), 1), titled(copyOf("a2", 1, link("x")), 2),
			titled(copyOf("b1", 2, link("x")), 1), titled(copyOf("b2", 2, link("x")), 2)}, nil, "a1+b1 a2+b2"},
		{"which their GUIDs tell apart", []Copy{copyOf("a1", 1, id("1"), link("x")), copyOf("a2", 1, id("2"), link("x")),
			copyOf("b1", 2, id("2"), link("x")), copyOf("b2", 2, id("1"), link("x"))}, nil, "a1+b2 a2+b1"},
		{"a third does not join two posts of a source", []Copy{copyOf("a1", 1, link("x")), copyOf("a2", 1, link("y")), copyOf("b", 2, link("x"), alias("y"))}, nil, "a1+b a2"},
		{"the stronger reason wins", []Copy{copyOf("a1", 1, link("x")), copyOf("a2", 1, id("g"), link("y")), copyOf("b", 2, id("g"), link("x"))}, nil, "a1 a2+b"},
		{"a withdrawn post keeps its place", []Copy{gone(local(copyOf("a", 1, link("x")))), copyOf("b", 2, link("x"))}, nil, "a+b"},
		{"a withdrawn one makes nothing ambiguous", []Copy{gone(copyOf("a1", 1, link("x"))), copyOf("a2", 1, link("x")), copyOf("b", 2, link("x"))}, nil, "a1+a2+b"},
		{"texts that are nearly the same", []Copy{copyOf("a", 1), copyOf("b", 2), copyOf("c", 3)}, []Tie{{0, 2, TieText}}, "a+c b"},
		{"of one source", []Copy{copyOf("a1", 1), copyOf("a2", 1)}, []Tie{{0, 1, TieText}}, "a1+a2"},
		{"of one folder", []Copy{local(copyOf("a1", 1)), local(copyOf("a2", 1))}, []Tie{{0, 1, TieText}}, "a1 a2"},
		{"a person joins", []Copy{local(copyOf("a1", 1)), local(copyOf("a2", 1)), copyOf("b", 2)}, []Tie{{0, 1, TieMerge}, {1, 2, TieMerge}}, "a1+a2+b"},
		{"a person parts", []Copy{copyOf("a", 1, link("x")), copyOf("b", 2, link("x")), copyOf("c", 3, link("x"))}, []Tie{{0, 1, TieSplit}}, "a+c b"},
		{"a person knows better than a text", []Copy{copyOf("a", 1), copyOf("b", 2)}, []Tie{{0, 1, TieText}, {0, 1, TieSplit}}, "a b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			order := make([]int, len(c.copies))
			for i := range order {
				order[i] = i
			}
			for range 20 {
				copies, at := make([]Copy, len(order)), make([]int, len(order))
				for i, j := range order {
					copies[i], at[j] = c.copies[j], i
				}
				var ties []Tie
				for _, x := range c.ties {
					ties = append(ties, Tie{at[x.B], at[x.A], x.Kind})
				}
				if got := clustered(copies, ties); got != c.want {
					t.Fatalf("in the order %v: %s, want %s", order, got, c.want)
				}
				rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			}
		})
	}
}

func TestEveryJoinHasAReason(t *testing.T) {
	copies := []Copy{copyOf("a", 1, link("x")), copyOf("b", 2, link("x"), id("g")), copyOf("c", 3, id("g")), copyOf("d", 4), copyOf("e", 5)}
	_, reasons := Cluster(copies, []Tie{{2, 3, TieText}})
	want := []Reason{{With: -1}, {0, ByLink}, {1, ByGlobal}, {2, ByText}, {With: -1}}
	if !slices.Equal(reasons, want) {
		t.Errorf("got %v, want %v", reasons, want)
	}
}

// Whatever the keys are, the order of the copies decides nothing, no two live posts
// of a source end up together, and every copy is in one cluster.
func TestClustersDependOnTheCopiesAlone(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var copies []Copy
		for i := range 2 + r.IntN(9) {
			c := Copy{Name: fmt.Sprint(i), Source: r.Int64N(4), Local: false, Live: r.IntN(6) > 0, Title: r.Uint64N(3)}
			for k := range KeyKind(3) {
				if r.IntN(2) == 0 {
					c.Keys = append(c.Keys, Key{k, fmt.Sprint(r.IntN(5))})
				}
			}
			copies = append(copies, c)
		}
		want := clustered(copies, nil)
		shuffled := slices.Clone(copies)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := clustered(shuffled, nil); got != want {
			t.Fatalf("seed %d: %s, in another order %s", seed, want, got)
		}
		clusters, reasons := Cluster(copies, nil)
		n := 0
		for _, c := range clusters {
			sources := map[int64]bool{}
			for k, i := range c {
				n++
				if (reasons[i].With < 0) != (k == 0) {
					t.Fatalf("seed %d: %v has the reasons %v", seed, c, reasons)
				}
				if x := copies[i]; x.Live && sources[x.Source] {
					t.Fatalf("seed %d: two posts of a source in %v", seed, c)
				} else if x.Live {
					sources[x.Source] = true
				}
			}
		}
		if n != len(copies) {
			t.Fatalf("seed %d: %d of %d copies", seed, n, len(copies))
		}
	}
}
