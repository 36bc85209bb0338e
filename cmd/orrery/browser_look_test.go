//go:build !race

// The race detector finds nothing in a browser, and what it is shown is served under it elsewhere.

package main

import (
	"fmt"
	"slices"
	"testing"
)

// wide says what is wider than the window, or, of what others wrote, than its box and
// so cut off where nobody can scroll to it.
const wide = `(() => {
const found = [], page = document.scrollingElement, width = page.clientWidth;
const name = e => e.localName + Array.from(e.classList, c => "." + c).join("");
if (page.scrollWidth > Math.min(innerWidth, width)) {
	found.push("the page is " + page.scrollWidth + " pixels wide, the window " + width);
	for (const e of document.body.querySelectorAll("*")) {
		const r = e.getBoundingClientRect();
		if (r.width > 0 && (r.right > width + .5 || r.left < -.5) && !e.closest(".scroll, .skip, .hidden, pre, .text table")) found.push(name(e.parentElement) + " > " + name(e) + " ends at " + r.right.toFixed(1));
	}
}
for (const e of document.querySelectorAll(".text, .differs")) {
	if (e.scrollWidth > e.clientWidth + 1) found.push(name(e) + " is " + e.scrollWidth + " wide in " + e.clientWidth + ": " + e.textContent.trim().slice(0, 40));
}
return found.slice(0, 5);
})()`

// unfold opens everything that is folded, or folds it again.
func unfold(v *tab, open bool) {
	v.t.Helper()
	_ = eval[bool](v, fmt.Sprintf(`(() => { for (const d of document.querySelectorAll("details")) d.open = %v; return true })()`, open))
}

// nothingScrollsSideways looks at every page in the narrowest window, those of all
// sources among them.
func nothingScrollsSideways(t *testing.T, b *browser) {
	v := b.tab(t)
	v.look(320, "light")
	list := b.views
	if !testing.Short() {
		list = slices.Concat(list, b.planet.odd())
	}
	for _, w := range list {
		v.visit(w)
		found := eval[[]string](v, wide)
		unfold(v, true)
		found = append(found, eval[[]string](v, wide)...)
		slices.Sort(found)
		for _, s := range slices.Compact(found) {
			t.Errorf("%s, %s: %s", w.name, w.address, s)
		}
	}
	t.Logf("%d pages", len(list))
}

// Widths of windows, in pixels, and the colours that people prefer.
var (
	widths  = []int64{320, 768, 1440}
	schemes = []string{"light", "dark"}
)

// judge runs axe over the page. Of what others wrote it leaves out what only they
// could mend: a picture without a text, a link without words, headings out of order,
// lists and tables that are none. The colours in a post are ours.
const judge = `axe.run({
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	resultTypes: ["violations", "passes"], preload: false,
}).then(r => ({
	passes: r.passes.length,
	violations: r.violations.flatMap(v => v.nodes.filter(n => !(theirs.has(v.id) && document.querySelector(n.target[0])?.closest(".text"))).slice(0, 3).map(n =>
		v.id + ": " + n.target.join(" ") + " " + n.html.slice(0, 160) + " – " + n.any.concat(n.all, n.none).map(c => c.message).join("; "))),
}))`

// theirs are the rules that a post may break.
const theirs = `const theirs = new Set(["image-alt", "link-name", "empty-table-header", "heading-order"]);`

// shorten leaves the texts of the first posts only; what is around them all remains.
const shorten = `(() => { for (const e of Array.from(document.querySelectorAll(".text")).slice(20)) e.replaceChildren(); return true })()`

// thin leaves only the first few of what there is much of, so that the same is not
// judged a thousand times.
const thin = `(() => {
for (const e of document.querySelectorAll(".posts, .h-feed, .titles ul, .columns, .sources, tbody, .topics, .shares, select")) {
	for (const more of Array.from(e.children).slice(6)) more.remove();
}
return true;
})()`

// axeFindsNothing has axe-core judge every view: the whole page once, and then, with a
// few of its posts, in light and dark and three widths, folded and unfolded.
func axeFindsNothing(t *testing.T, b *browser) {
	source := axe(t)
	least := 1000
	v := b.tab(t)
	said := map[string]bool{}
	judged := func(w view, how string) {
		t.Helper()
		r := eval[struct {
			Passes     int
			Violations []string
		}](v, judge)
		least = min(least, r.Passes)
		for _, s := range r.Violations {
			if !said[w.name+s] {
				t.Errorf("%s, %s, %s: %s", w.name, w.address, how, s)
			}
			said[w.name+s] = true
		}
	}
	for _, w := range b.views {
		v.look(320, "light")
		v.open(w.address)
		_ = eval[bool](v, source+";"+theirs+"true")
		if !testing.Short() {
			unfold(v, true)
			_ = eval[bool](v, shorten)
			judged(w, "the whole page")
		}
		_ = eval[bool](v, thin)
		folds := eval[bool](v, `!!document.querySelector("details")`)
		for _, width := range widths {
			for _, scheme := range schemes {
				v.look(width, scheme)
				for _, open := range []bool{true, false} {
					if open && !folds || testing.Short() && (width == 768 || open && scheme == "dark") {
						continue
					}
					unfold(v, open)
					judged(w, fmt.Sprintf("%d pixels, %s, unfolded %v", width, scheme, open))
				}
			}
		}
	}
	if least < 10 {
		t.Errorf("only %d rules have passed; the test looks in the wrong place", least)
	}
}
