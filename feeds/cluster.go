package feeds

import (
	"cmp"
	"slices"
)

// KeyKind is what makes a key one, the strongest first.
type KeyKind byte

// The kinds of keys.
const (
	KeyGlobal KeyKind = iota // the GUID, which means the post wherever it appears
	KeyLink                  // the permalink
	KeyAlias                 // a further address
)

// Key is an identity of a post across sources. Compare Name only; show nobody.
type Key struct {
	Kind KeyKind
	Name string
}

// Copy is a post as one source has it, with all that says which others are the same.
type Copy struct {
	// Name orders copies whatever the order in which they came.
	Name   string
	Source int64
	Local  bool   // of a folder of ours
	Live   bool   // not withdrawn
	Title  uint64 // a hash of it, 0 for none
	Keys   []Key
}

// TieKind is what ties or parts two copies beside their keys.
type TieKind byte

// The kinds of ties.
const (
	TieSplit TieKind = iota // a person said that they are two posts
	TieMerge                // a person said that they are one
	TieText                 // they say nearly the same (dedupe.md 10, 11)
)

// Tie ties the copies with these indices.
type Tie struct {
	A, B int
	Kind TieKind
}

// Reason is why a copy is in its cluster: the copy it was joined to, and by what.
type Reason struct {
	With int // index; -1 for the first of a cluster
	Kind ReasonKind
}

// ReasonKind is what joins two copies, the strongest first.
type ReasonKind byte

// The kinds of reasons.
const (
	ByPerson ReasonKind = iota
	ByGlobal
	ByLink
	ByAlias
	ByText
)

// Cluster says which copies are one post: clusters of indices, and for every copy
// the reason why it is in its cluster. It depends on the copies and ties alone,
// not on their order (dedupe.md 1), so any order of visits makes the same planet.
//
// Two copies of one source are two posts, whatever address they share: whole feeds
// link every entry to one page, and folders belong to their owners. Only a person,
// or in a remote source a text that is nearly the same, makes them one.
func Cluster(copies []Copy, ties []Tie) (clusters [][]int, reasons []Reason) {
	c := &clustering{copies: copies, of: make([]int, len(copies)), members: make([][]int, len(copies)), tied: map[[2]int]TieKind{}}
	reasons = make([]Reason, len(copies))
	for i := range copies {
		c.of[i], c.members[i], reasons[i] = i, []int{i}, Reason{With: -1}
	}
	for _, t := range ties {
		if k, ok := c.tied[pair(t.A, t.B)]; !ok || t.Kind < k {
			c.tied[pair(t.A, t.B)] = t.Kind
		}
	}
	for _, e := range c.joins(ties) {
		if a, b := c.of[e.a], c.of[e.b]; a != b && c.mayJoin(a, b) {
			c.join(a, b)
			c.trees = append(c.trees, e)
		}
	}
	for i := range copies {
		if m := c.members[i]; m != nil {
			slices.SortFunc(m, func(a, b int) int { return cmp.Compare(copies[a].Name, copies[b].Name) })
			clusters = append(clusters, m)
		}
	}
	slices.SortFunc(clusters, func(a, b []int) int { return cmp.Compare(copies[a[0]].Name, copies[b[0]].Name) })
	for _, m := range clusters {
		c.explain(m[0], -1, reasons)
	}
	return clusters, reasons
}

// explain notes for whatever was joined to the copy, and on from there, by what.
func (c *clustering) explain(copy, from int, reasons []Reason) {
	for _, e := range c.trees {
		with := e.a + e.b - copy
		if (e.a == copy || e.b == copy) && with != from {
			reasons[with] = Reason{With: copy, Kind: e.why}
			c.explain(with, copy, reasons)
		}
	}
}

type clustering struct {
	copies  []Copy
	of      []int // the cluster of each copy, named by one of its members
	members [][]int
	tied    map[[2]int]TieKind
	trees   []joint
}

// joint is a reason for two copies to be one post.
type joint struct {
	a, b int
	why  ReasonKind
}

func pair(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }

// joins are all reasons, the strongest first, and among equals in the order of the
// copies' names.
func (c *clustering) joins(ties []Tie) []joint {
	var list []joint
	add := func(a, b int, why ReasonKind) {
		if c.copies[a].Name > c.copies[b].Name {
			a, b = b, a
		}
		list = append(list, joint{a, b, why})
	}
	for _, t := range ties {
		switch t.Kind {
		case TieMerge:
			add(t.A, t.B, ByPerson)
		case TieText:
			add(t.A, t.B, ByText)
		}
	}
	holders := map[string][]holder{}
	for i := range c.copies {
		for _, k := range c.copies[i].Keys {
			holders[k.Name] = append(holders[k.Name], holder{i, k.Kind})
		}
	}
	for _, list := range holders {
		ambiguous := c.ambiguous(list)
		for i, x := range list {
			for _, y := range list[:i] {
				if c.sameBy(x, y, ambiguous) {
					add(x.copy, y.copy, ByGlobal+ReasonKind(max(x.kind, y.kind)))
				}
			}
		}
	}
	slices.SortFunc(list, func(x, y joint) int {
		return cmp.Or(cmp.Compare(x.why, y.why), cmp.Compare(c.copies[x.a].Name, c.copies[y.a].Name), cmp.Compare(c.copies[x.b].Name, c.copies[y.b].Name))
	})
	return list
}

// holder is a copy that has a key.
type holder struct {
	copy int
	kind KeyKind
}

// ambiguous says that one source has the key for several of its posts.
func (c *clustering) ambiguous(list []holder) bool {
	seen := map[int64]bool{}
	for _, h := range list {
		if x := &c.copies[h.copy]; x.Live {
			if seen[x.Source] {
				return true
			}
			seen[x.Source] = true
		}
	}
	return false
}

// sameBy says that a key that both have makes them one post. One that a source has
// for several says less than the GUID, or the title beside it.
func (c *clustering) sameBy(x, y holder, ambiguous bool) bool {
	a, b := &c.copies[x.copy], &c.copies[y.copy]
	switch {
	case a.Source == b.Source:
		return false
	case !ambiguous, x.kind == KeyGlobal && y.kind == KeyGlobal:
		return true
	}
	return a.Title != 0 && a.Title == b.Title
}

// mayJoin says that no two copies of the clusters must stay apart.
func (c *clustering) mayJoin(a, b int) bool {
	for _, i := range c.members[a] {
		for _, j := range c.members[b] {
			kind, tied := c.tied[pair(i, j)]
			x, y := &c.copies[i], &c.copies[j]
			switch {
			case tied && kind == TieSplit:
				return false
			case tied && (kind == TieMerge || !x.Local):
			case x.Source == y.Source && x.Live && y.Live:
				return false
			}
		}
	}
	return true
}

func (c *clustering) join(a, b int) {
	if len(c.members[a]) < len(c.members[b]) {
		a, b = b, a
	}
	for _, i := range c.members[b] {
		c.of[i] = a
	}
	c.members[a] = append(c.members[a], c.members[b]...)
	c.members[b] = nil
}
