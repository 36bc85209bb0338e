package storage

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"orrery/feeds"
)

const (
	// sameTextTime is how far apart two versions of a short post without a common title
	// or address may be dated in a folder.
	sameTextTime = 48 * time.Hour
	// So many posts, and such a share of a feed, with new GUIDs in one visit are a
	// new generator or a moved site, not news; and so are most of a small feed.
	massRekeyed = 5
	massShare   = 30 // percent
	massSmall   = 3
)

// pairing is a post that is listed now, and one that is listed no more and may be what
// it was until now.
type pairing struct {
	p *prepared
	c int64
	// evidence is how much speaks for it: the date, the title, the address, the words.
	evidence int
	// sure says that this is enough for the one post; the others count where many posts
	// have new GUIDs. What vague ones share may be the text of several: it counts where
	// it is that of no other.
	sure, vague bool
	apart       time.Duration
}

// rekey finds entries that the source had under other GUIDs, which it lists no more
// (dedupe.md 6): they stay the entries they were, in their places, and nobody is told.
//
// A feed lists its newest posts only, so that one goes whenever another comes. Whatever
// two posts of a mould have in common, the same words, a page for all, speaks for
// nothing.
func (w *writer) rekey(list []prepared) error {
	if w.gone == nil {
		return nil
	}
	pairs, err := w.pairings(list)
	if err != nil || len(pairs) == 0 {
		return err
	}
	found := match(pairs, func(x *pairing) bool { return x.sure })
	all := match(pairs, alone(pairs))
	mass := w.massive(len(all))
	if mass {
		found = all
	}
	for _, x := range found {
		if err := w.exec(`UPDATE copies SET guid_hash = $1, withdrawn = 0 WHERE id = $2`, x.p.guid, x.c); err != nil {
			return err
		}
		row := &copyRow{rekeyed: true, silent: mass}
		if err := w.row(`SELECT `+copyColumns+` FROM copies WHERE id = $1`, x.c).Scan(row.dest()...); err != nil {
			return err
		}
		w.known[string(x.p.guid)] = row
	}
	return nil
}

// massive says that so many posts with new GUIDs are no news.
func (w *writer) massive(n int) bool {
	listed := len(w.listed)
	return n > max(massRekeyed, listed*massShare/100) || n >= massSmall && w.listed != nil && 2*n > listed
}

// alone says of a pairing whether it is sure, or what its posts share is shared with
// none of the others.
func alone(pairs []pairing) func(*pairing) bool {
	ofPost, ofCopy := map[*prepared]int{}, map[int64]int{}
	for i := range pairs {
		if x := &pairs[i]; x.vague {
			ofPost[x.p]++
			ofCopy[x.c]++
		}
	}
	return func(x *pairing) bool { return x.sure || !x.vague || ofPost[x.p] == 1 && ofCopy[x.c] == 1 }
}

// match gives each post at most one copy, and each copy to at most one post, where the
// most speaks for it.
func match(pairs []pairing, may func(*pairing) bool) (found []pairing) {
	pairs = slices.Clone(pairs)
	slices.SortStableFunc(pairs, func(a, b pairing) int {
		return cmp.Or(cmp.Compare(b.evidence, a.evidence), cmp.Compare(a.apart, b.apart), cmp.Compare(a.c, b.c), bytes.Compare(a.p.guid, b.p.guid))
	})
	posts, copies := map[*prepared]bool{}, map[int64]bool{}
	for _, x := range pairs {
		if may(&x) && !posts[x.p] && !copies[x.c] {
			posts[x.p], copies[x.c] = true, true
			found = append(found, x)
		}
	}
	return found
}

// pairings are those of all posts that have a new GUID.
func (w *writer) pairings(list []prepared) (pairs []pairing, err error) {
	listed := map[string]int{} // posts that have the key
	for i := range list {
		if w.known[string(list[i].guid)] == nil {
			for _, k := range list[i].keys {
				listed[k.Name]++
			}
		}
	}
	for i := range list {
		p := &list[i]
		if w.known[string(p.guid)] != nil {
			continue
		}
		copies, err := w.formerly(p)
		if err != nil {
			return nil, err
		}
		var own feeds.Likeness
		if len(copies) > 0 {
			own = feeds.LikenessOf(p.Entry)
		}
		for j := range copies {
			x, err := w.compare(p, own, &copies[j], listed)
			if err != nil {
				return nil, err
			}
			if x.evidence > 0 {
				pairs = append(pairs, x)
			}
		}
	}
	return pairs, nil
}

// formerly are the copies that the post may have been until now.
func (w *writer) formerly(p *prepared) ([]likeCopy, error) {
	var ids []int64
	for _, k := range p.keys {
		for _, h := range w.holders[k.Name] {
			if h.source == w.source.ID {
				ids = append(ids, h.id)
			}
		}
	}
	ids = unique(append(ids, w.likes(p.probes(true), 0)...))
	return w.loadLike(ids, func(c *likeCopy) bool { return c.source == w.source.ID && w.gone(c.guid) })
}

// compare says what speaks for c, which is listed no more, being p.
func (w *writer) compare(p *prepared, own feeds.Likeness, c *likeCopy, listed map[string]int) (pairing, error) {
	x := pairing{p: p, c: c.id, apart: (time.Duration(micros(p.Sort)-c.sort) * time.Microsecond).Abs()}
	e, err := c.entry()
	if err != nil {
		return x, err
	}
	count := func(is bool) bool {
		if is {
			x.evidence++
		}
		return is
	}
	dated := count(!p.Published.IsZero() && p.Published.Equal(e.Published))
	titled := count(p.title != 0 && p.title == c.title)
	address := count(w.sharesOwnAddress(p, c, listed))
	near := count(own.Near(feeds.LikenessOf(&e)))
	text := !near && count(sameText(p.Entry, &e))
	untitled := p.title == 0 && c.title == 0
	switch {
	case dated && (titled || address || near || text && untitled), titled && address, titled && near, address && near:
		x.sure = true
	case w.source.Local(): // what its owner takes out and puts in at once is one
		x.sure = address || near || text && (titled || x.apart <= sameTextTime && (p.title == 0) == (c.title == 0))
	case address:
	default:
		x.vague = text && (titled || untitled) || near && untitled
	}
	if !x.sure && !x.vague && (!address || w.source.Local()) { // a title, a day or words that many have
		x.evidence = 0
	}
	return x, nil
}

// sharesOwnAddress says that the posts have an address in common which no other post
// of the source has or had: whole feeds link every entry to one page.
func (w *writer) sharesOwnAddress(p *prepared, c *likeCopy, listed map[string]int) bool {
	keys := unpackKeys(c.keys)
	return slices.ContainsFunc(p.keys, func(k feeds.Key) bool {
		had := 0
		for _, h := range w.holders[k.Name] {
			if h.source == w.source.ID {
				had++
			}
		}
		return had == 1 && listed[k.Name] == 1 && slices.ContainsFunc(keys, func(o feeds.Key) bool { return o.Name == k.Name })
	})
}

// sameText says that two short texts are the same.
func sameText(a, b *feeds.Entry) bool {
	text := feeds.PlainText(cmp.Or(a.Content, a.Summary))
	return text != "" && text == feeds.PlainText(cmp.Or(b.Content, b.Summary))
}
