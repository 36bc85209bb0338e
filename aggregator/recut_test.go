package aggregator

import (
	"strings"
	"testing"
	"time"
)

// excerpt is how a feed begins a post that it does not give whole.
func excerpt(x *item) {
	x.text = strings.Join(strings.Fields(x.text)[:20], " ") + " … Continue reading"
}

// A source that turns from whole texts to excerpts has written nothing, nor has it
// when it turns back. What it wrote anew meanwhile is told, and so is a post that is
// cut while the others are not: that may be its author's will.
func TestSourceThatGivesExcerptsInThePlaceOfTextsHasNoNews(t *testing.T) {
	whole := func(n int) item {
		return item{guid: "urn:x:" + string(rune('a'+n)), title: "Post " + string(rune('A'+n)), link: "https://cut.example/" + string(rune('a'+n)),
			text: prose("cut"+string(rune('a'+n)), 200), at: epoch.Add(-time.Duration(n) * day)}
	}
	const posts = 8
	for _, c := range []struct {
		name   string
		change func(n int, x *item)
		told   []string
	}{
		{"all", func(_ int, x *item) { excerpt(x) }, nil},
		{"most", func(n int, x *item) {
			if n > 1 {
				excerpt(x)
			}
		}, nil},
		{"all, and one written anew", func(n int, x *item) {
			if excerpt(x); n == 3 {
				x.text = prose("anew", 100)
			}
		}, []string{"revised Post D"}},
		{"all, and one under another title", func(n int, x *item) {
			if excerpt(x); n == 3 {
				x.title = "Another"
			}
		}, []string{"revised Another"}},
		{"one", func(n int, x *item) {
			if n == 3 {
				excerpt(x)
			}
		}, []string{"revised Post D"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlanet(t, remote("cut"))
			var before, after []item
			for n := range posts {
				x := whole(n)
				before = append(before, x)
				c.change(n, &x)
				after = append(after, x)
			}
			p.hears("cut", rss("cut", before...))
			p.pass(0)
			p.settle()
			order, told := p.order(), p.outbox()
			p.hears("cut", rss("cut", after...))
			p.pass(2 * time.Hour)
			same(t, "told", p.told(told), append([]string{}, c.told...))
			same(t, "ids", firstWords(p.order()), firstWords(order))
			if got := p.entries()[4].Content; got != "" && !strings.Contains(after[4].text, got) {
				t.Errorf("what is said now is not stored: %q", got)
			}
			told = p.outbox()
			p.hears("cut", rss("cut", before...))
			p.pass(2 * time.Hour)
			same(t, "told when it turns back", p.told(told), []string{"revised Post D"}[:len(c.told)])
			p.again(c.name)
		})
	}
}

// firstWords are the IDs of an order.
func firstWords(list []string) []string {
	var ids []string
	for _, line := range list {
		ids = append(ids, strings.Fields(line)[0])
	}
	return ids
}
