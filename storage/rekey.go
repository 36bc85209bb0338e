package storage

import (
	"cmp"
	"slices"
	"time"

	"orrery/feeds"
)

// What says that a post which is listed no more is one that is listed now under
// another GUID (dedupe.md 6), the strongest first.
const (
	sameAddress = iota
	sameTitle
	sameText
	noEvidence
)

const (
	// sameTextTime is how far apart two versions of a post without a common title or
	// address may be dated.
	sameTextTime = 48 * time.Hour
	// So many posts, and such a share of a feed, with new GUIDs in one visit are a
	// new generator or a moved site, not news.
	massRekeyed = 5
	massShare   = 30 // percent
)

// rekey finds entries that the source had under other GUIDs, which it lists no more:
// they stay the entries they were, in their places, and nobody is told.
func (w *writer) rekey(list []prepared) error {
	if w.gone == nil {
		return nil
	}
	taken := map[int64]bool{}
	var rows []*copyRow
	for i := range list {
		p := &list[i]
		if w.known[string(p.guid)] != nil {
			continue
		}
		c, err := w.formerly(p, taken)
		if err != nil {
			return err
		}
		if c == 0 {
			continue
		}
		taken[c] = true
		if err := w.exec(`UPDATE copies SET guid_hash = $1, withdrawn = 0 WHERE id = $2`, p.guid, c); err != nil {
			return err
		}
		row := &copyRow{rekeyed: true}
		if err := w.row(`SELECT `+copyColumns+` FROM copies WHERE id = $1`, c).Scan(row.dest()...); err != nil {
			return err
		}
		w.known[string(p.guid)] = row
		rows = append(rows, row)
	}
	mass := len(rows) > max(massRekeyed, len(w.listed)*massShare/100)
	for _, row := range rows {
		row.silent = mass
	}
	return nil
}

// formerly is the copy that the post was until now, 0 for none.
func (w *writer) formerly(p *prepared, taken map[int64]bool) (int64, error) {
	var ids []int64
	for _, k := range p.keys {
		for _, h := range w.holders[k.Name] {
			if h.source == w.source.ID {
				ids = append(ids, h.id)
			}
		}
	}
	ids = unique(append(ids, w.likes(p.probes(true), 0)...))
	list, err := w.loadLike(ids, func(c *likeCopy) bool {
		return c.source == w.source.ID && !c.purged && !taken[c.id] && w.gone(c.guid)
	})
	if err != nil {
		return 0, err
	}
	type candidate struct {
		id       int64
		evidence int
		apart    time.Duration
	}
	var found []candidate
	for i := range list {
		c := &list[i]
		apart := (time.Duration(micros(p.Sort)-c.sort) * time.Microsecond).Abs()
		evidence, err := evidenceOf(p, c, apart)
		if err != nil {
			return 0, err
		}
		if evidence < noEvidence {
			found = append(found, candidate{c.id, evidence, apart})
		}
	}
	if len(found) == 0 {
		return 0, nil
	}
	best := slices.MinFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.evidence, b.evidence), cmp.Compare(a.apart, b.apart), cmp.Compare(a.id, b.id))
	})
	return best.id, nil
}

// evidenceOf says what speaks for c, which is listed no more, being p.
func evidenceOf(p *prepared, c *likeCopy, apart time.Duration) (int, error) {
	if sharesAddress(p.keys, unpackKeys(c.keys)) {
		return sameAddress, nil
	}
	e, err := c.entry()
	if err != nil {
		return noEvidence, err
	}
	titled := p.title != 0 && p.title == c.title
	if titled && !p.Published.IsZero() && p.Published.Equal(e.Published) {
		return sameTitle, nil
	}
	if !sameWords(p.Entry, &e) {
		return noEvidence, nil
	}
	switch {
	case titled:
		return sameTitle, nil
	case apart <= sameTextTime && p.title == 0 == (c.title == 0):
		return sameText, nil
	}
	return noEvidence, nil
}

// sameWords says that two versions of a post say nearly the same, or being short,
// exactly the same.
func sameWords(a, b *feeds.Entry) bool {
	x, y := feeds.LikenessOf(a), feeds.LikenessOf(b)
	if x.Near(y) {
		return true
	}
	text := feeds.PlainText(cmp.Or(a.Content, a.Summary))
	return text != "" && text == feeds.PlainText(cmp.Or(b.Content, b.Summary))
}
