package feeds

// Parts of a table stand in a table or nowhere, and nothing but parts stands
// directly in it. A browser moves everything else out of the table and opens there
// again whatever phrasing was open (HTML §13.2.6.1, foster parenting): from 60 KB
// it made half a million elements.

// endParts ends what the start of a part of a table ends in HTML: all of the
// innermost table up to the row or the group that the part belongs into, a cell
// with all that is open in it too. It says whether there is a table.
func (t *tidier) endParts(n string) bool {
	depth := t.last(isTable) + 1
	if depth == 0 {
		return false
	}
	into := func(what trait) bool { return depth < len(t.open) && t.open[depth].what&what != 0 }
	cell := n == "td" || n == "th"
	if n == "col" && into(isColumns) || (cell || n == "tr") && into(isGroup) {
		depth++
	}
	if cell && into(isRow) {
		depth++
	}
	t.closeTo(depth)
	return true
}

// openCell opens a cell, in a row of its own if need be, for what stands between
// the rows or cells of a table.
func (t *tidier) openCell() {
	if t.inside(isColumns) {
		t.closeTo(len(t.open) - 1)
	}
	if !t.inside(isRow) {
		t.insert("tr")
	}
	t.insert("td")
}
