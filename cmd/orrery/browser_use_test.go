//go:build !race

// The race detector finds nothing in a browser, and what it is shown is served under it elsewhere.

package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patienceEnds returns a function that says whether it has.
func patienceEnds() func() bool {
	deadline := time.Now().Add(patience)
	return func() bool { return time.Now().After(deadline) }
}

// focused is what has the focus and whether a person sees that.
const focused = `(() => {
const cut = (e, r, s) => { // the box of a text cuts off the outline of what fills it
	const text = e.closest(".text");
	if (!text || !e.matches("pre, table")) return false;
	const b = text.getBoundingClientRect(), far = parseFloat(s.outlineOffset) + parseFloat(s.outlineWidth);
	return r.left - far < b.left - 1 || r.right + far > b.right + 1 || r.top - far < b.top - 1 || r.bottom + far > b.bottom + 1;
};
const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
const x = r.left + Math.min(r.width, 20) / 2, y = r.top + Math.min(r.height, 10) / 2, top = document.elementFromPoint(x, y);
const before = window.before;
window.before = e;
return {
	name: e.localName + (e.id && "#" + e.id) + Array.from(e.classList, c => "." + c).join("") + " " + e.textContent.trim().slice(0, 30),
	ends: e === document.body,
	outlined: e.matches(":focus-visible") && s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 && !cut(e, r, s),
	inside: r.left >= -1 && r.right <= innerWidth + 1 && r.bottom > 0 && r.top < innerHeight,
	covered: !(top && (e.contains(top) || top.contains(e))) && e.getClientRects().length < 2,
	follows: !before || !!(before.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING),
	at: r.top + scrollY, bottom: r.bottom + scrollY,
};
})()`

type stop struct {
	Name                                     string
	Ends, Outlined, Inside, Covered, Follows bool
	At, Bottom                               float64
}

// keyboardLeads walks through the home page with Tab, in the narrowest window and in
// a wide one.
func keyboardLeads(t *testing.T, b *browser) {
	for _, width := range []int64{320, 1440} {
		v := b.tab(t)
		v.look(width, "light")
		v.open("/")
		v.do(chromedp.KeyEvent(kb.Tab))
		if s := eval[stop](v, focused); !strings.HasPrefix(s.Name, "a.skip") || !s.Inside || s.Covered || !s.Outlined {
			t.Errorf("%d: the first stop is %+v, want the skip link in sight", width, s)
		}
		v.do(chromedp.KeyEvent(kb.Enter))
		if got := eval[string](v, `location.hash + " " + document.activeElement.localName`); got != "#content main" {
			t.Errorf("%d: the skip link leads to %q, want the content", width, got)
		}
		walk(t, v, width, 50)
		if !testing.Short() { // its posts are each a <pre> and nothing else
			v.open("/source/atom10-github-commits-atom/")
			walk(t, v, width, 20)
		}
	}
}

// walk goes on from the content to the end of the page, with so many stops at least.
func walk(t *testing.T, v *tab, width int64, least int) {
	t.Helper()
	_ = eval[bool](v, "(window.before = document.activeElement, true)")
	stops, last, most := 0, stop{}, 2000
	if testing.Short() {
		most = 60
	}
	for ; stops < most; stops++ {
		v.do(chromedp.KeyEvent(kb.Tab))
		s := eval[stop](v, focused)
		if s.Ends {
			break
		}
		switch {
		case !s.Outlined:
			t.Errorf("%d: nobody sees that %q has the focus", width, s.Name)
		case !s.Inside || s.Covered:
			t.Errorf("%d: %q has the focus out of sight: %+v", width, s.Name, s)
		case !s.Follows:
			t.Errorf("%d: %q comes after %q, which stands below it", width, s.Name, last.Name)
		case width == 320 && s.Bottom < last.At:
			t.Errorf("%d: %q is above %q, which has the focus before", width, s.Name, last.Name)
		}
		last = s
	}
	if stops < least {
		t.Errorf("%d: only %d stops", width, stops)
	}
	t.Logf("%d pixels: %d stops, the last is %s", width, stops, last.Name)
}

// formSearches types into the form of the home page.
func formSearches(t *testing.T, b *browser) {
	v := b.tab(t)
	v.look(768, "light")
	v.open("/")
	v.do(chromedp.Focus(chromedp.CSS("form.seek input")), chromedp.KeyEvent("xmpp summit"))
	ctx := v.ctx
	if _, err := chromedp.Run(ctx, chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.KeyEvent(kb.Enter))); err != nil {
		t.Fatal(err)
	}
	if got := eval[string](v, "location.href"); got != shownURL+"search?q=xmpp+summit" {
		t.Errorf("the form leads to %s", got)
	}
	if marks := eval[[]string](v, `Array.from(document.querySelectorAll("article mark"), m => m.textContent.toLowerCase())`); !slices.Contains(marks, "xmpp") || !slices.Contains(marks, "summit") {
		t.Errorf("marked is %q", marks)
	}
	if got := eval[string](v, `document.querySelector("form.search input[name=q]").value`); got != "xmpp summit" {
		t.Errorf("the form of the answer has %q in it", got)
	}
	shown := eval[int](v, `document.querySelectorAll("article").length`)
	addresses := eval[[]string](v, `Array.from(document.querySelectorAll(".links a.feed"), a => a.href)`)
	if len(addresses) != 3 || shown == 0 {
		t.Errorf("%d posts and the feeds %q", shown, addresses)
	}
	for _, address := range addresses {
		status, _, body := b.planet.ask(t, "/"+strings.TrimPrefix(address, shownURL))
		if n := strings.Count(body, "<entry") + strings.Count(body, "<item") + strings.Count(body, `"date_published"`); status != http.StatusOK || n != shown {
			t.Errorf("%s: status %d, %d posts, want as many as the page has, %d", address, status, n, shown)
		}
	}
}
