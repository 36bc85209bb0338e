package site

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"orrery/feeds"
)

// maxChanges is how many of its changes the page of a post tells apart.
const maxChanges = 5

// history is how a post came to say what it says.
type history struct {
	Times   int      // it was changed
	Changes []change // the newest first, at most maxChanges
}

// change is what a revision made of a post.
type change struct {
	When  moment // we saw it
	Says  string // how much differs, in words
	Title []piece
	Text  []piece
}

// piece is a stretch of a comparison. Kind is "ins" or "del" for what was put in and
// taken out, "" for what surrounds it. Space says that a blank follows.
type piece struct {
	Kind, Text string
	Space      bool
}

// versions are what the entry said before. The store is asked only when it was
// revised, and may meanwhile know more than the entry does.
func (s *Site) versions(ctx context.Context, e *feeds.Entry) ([]feeds.Version, error) {
	if e.Revision == 0 {
		return nil, nil
	}
	list, err := s.reader.Versions(ctx, e.ID)
	if err != nil {
		return nil, fmt.Errorf("read what %s said before: %w", e.ID, err)
	}
	return slices.DeleteFunc(list, func(v feeds.Version) bool { return v.N >= e.Revision }), nil
}

// tellHistory is nil for a post of which nothing older is known.
func tellHistory(e *feeds.Entry, versions []feeds.Version) *history {
	if len(versions) == 0 {
		return nil
	}
	h := &history{Times: max(e.Revision, len(versions))}
	title, text := e.Title, feeds.PlainText(shown(e))
	for i := range versions[:min(len(versions), maxChanges)] {
		v := &versions[i]
		c, oldText := change{When: momentOf(v.At)}, feeds.PlainText(shown(&v.Entry))
		c.tell(v.Entry.Title, title, oldText, text)
		h.Changes = append(h.Changes, c)
		title, text = v.Entry.Title, oldText
	}
	return h
}

// shown is the text that the page of an entry shows.
func shown(e *feeds.Entry) string { return cmp.Or(e.Content, e.Summary) }

// tell compares the titles and the texts.
func (c *change) tell(oldTitle, title, oldText, text string) {
	var says []string
	if oldTitle != title {
		says = append(says, "another title")
		c.Title, _, _ = differ(oldTitle, title)
	}
	list, n, ok := differ(oldText, text)
	switch c.Text = list; {
	case !ok:
		says = append(says, fmt.Sprintf("too much to compare: %s before, %s after", length(oldText), length(text)))
	case list != nil:
		says = append(says, n.String())
	}
	c.Says = cmp.Or(strings.Join(says, ", "), "the words stayed the same")
}

func length(s string) string {
	n := 0
	for range words(s) {
		n++
	}
	return plural(n, "word", "words")
}

// size counts words.
type size struct{ added, removed int }

func (s size) String() string {
	switch {
	case s.removed == 0:
		return plural(s.added, "word", "words") + " added"
	case s.added == 0:
		return plural(s.removed, "word", "words") + " removed"
	}
	return plural(s.removed, "word", "words") + fmt.Sprintf(" removed, %d added", s.added)
}

// differ is what became of a, nil for nothing; ok is false where that is too much to
// tell.
func differ(a, b string) (list []piece, n size, ok bool) {
	if a == b {
		return nil, n, true
	}
	if max(len(a), len(b)) > maxCompared {
		return nil, n, false
	}
	was, is := newText(a), newText(b)
	edits, ok := compare(was, is)
	if len(edits) == 0 {
		return nil, n, ok
	}
	for _, e := range edits {
		n.removed += e.a1 - e.a0
		n.added += e.b1 - e.b0
	}
	list = pieces(was, is, joinEdits(edits))
	told := 0
	for _, p := range list {
		told += len(p.Text)
	}
	if told > maxTold { // a word may be as long as its text
		return nil, n, false
	}
	return list, n, true
}

// Of what stayed the same so many words are shown beside what did not; a stretch is
// left out if it has more than a few others.
const (
	around   = 8
	leastGap = 4
)

func pieces(a, b *text, edits []edit) []piece {
	var list []piece
	at := 0
	for i, e := range edits {
		list = b.unchanged(list, at, e.b0, i > 0, true)
		list = a.piece(list, "del", e.a0, e.a1)
		list = b.piece(list, "ins", e.b0, e.b1)
		at = e.b1
	}
	return b.unchanged(list, at, len(b.words), len(edits) > 0, false)
}

func (t *text) piece(list []piece, kind string, i, j int) []piece {
	if i == j {
		return list
	}
	return append(list, piece{kind, t.part(i, j), t.spaced(j)})
}

// unchanged adds the words from i to j: those that follow a change and those that one
// follows.
func (t *text) unchanged(list []piece, i, j int, follows, followed bool) []piece {
	head, tail := i, j
	if follows {
		head += around
	}
	if followed {
		tail -= around
	}
	if tail-head <= leastGap {
		return t.piece(list, "", i, j)
	}
	list = append(t.piece(list, "", i, head), piece{Text: "…", Space: true})
	return t.piece(list, "", tail, j)
}
