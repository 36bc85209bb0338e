package aggregator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
)

// habits are kinds of feeds that anybody might write.
var habits = []habit{
	{"articles", func(host string, n int) item {
		return item{guid: fmt.Sprintf("http://%s/?p=%d", host, n), link: fmt.Sprintf("http://%s/%d/", host, n), title: fmt.Sprint("Article ", n), text: prose(fmt.Sprint(host, n), 60)}
	}},
	{"news", func(host string, n int) item {
		return item{guid: fmt.Sprintf("http://%s/?p=%d", host, n), link: fmt.Sprintf("http://%s/%d/", host, n), title: fmt.Sprint("News ", n), text: fmt.Sprint("Short text ", n)}
	}},
	{"notes", func(host string, n int) item { // without titles
		return item{guid: fmt.Sprintf("http://%s/%d", host, n), link: fmt.Sprintf("http://%s/%d", host, n), text: fmt.Sprintf("Today I saw %d birds and %d cats", n, n*n)}
	}},
	{"essays", func(host string, n int) item { // without titles
		return item{guid: fmt.Sprintf("http://%s/%d", host, n), link: fmt.Sprintf("http://%s/%d", host, n), text: prose(fmt.Sprint(host, n), 60)}
	}},
	{"weeklies", func(host string, n int) item { // of one title
		return item{guid: fmt.Sprintf("http://%s/?p=%d", host, n), link: fmt.Sprintf("http://%s/%d/", host, n), title: "Weekly notes", text: prose(fmt.Sprint(host, n), 60)}
	}},
	{"links", func(host string, n int) item { // without GUIDs
		return item{link: fmt.Sprintf("http://%s/%d/", host, n), title: fmt.Sprint("Article ", n), text: prose(fmt.Sprint(host, n), 60)}
	}},
	{"shows", func(host string, n int) item { // all at one address
		return item{guid: fmt.Sprintf("http://%s/?p=%d", host, n), link: fmt.Sprintf("http://%s/show", host), title: fmt.Sprint("Show ", n), text: prose(fmt.Sprint(host, n), 60)}
	}},
}

// anew is a way in which a source says the same posts otherwise.
type anew struct {
	name   string
	change func(n int, x *item)
}

// minute is a moment of the day after epoch.
func minute(n int) time.Time { return epoch.Add(day - time.Duration(n)*time.Minute) }

// someHabits are all of them, or under the race detector, which makes each ten times as
// slow, two.
func someHabits() []habit {
	if testing.Short() {
		return habits[:2]
	}
	return habits
}

var allAnew = []anew{
	{"GUIDs of https", func(_ int, x *item) { turn(&x.guid, "http:", "https:") }},
	{"GUIDs and addresses of https", func(_ int, x *item) { turn(&x.guid, "http:", "https:"); turn(&x.link, "http:", "https:") }},
	{"GUIDs of a new generator", func(n int, x *item) { x.guid = fmt.Sprintf("tag:example,2026:%d of %s", n, x.guid) }},
	{"GUIDs and addresses of a new site", func(_ int, x *item) {
		turn(&x.guid, "http://", "https://new.")
		turn(&x.link, "http://", "https://new.")
	}},
	{"dates", func(n int, x *item) { x.at = minute(n) }},
	{"dates, all one", func(_ int, x *item) { x.at = minute(0) }},
	{"GUIDs and dates", func(n int, x *item) { x.guid, x.at = "new "+x.guid, minute(n) }},
	{"GUIDs, addresses and dates", func(n int, x *item) {
		x.guid, x.at = "new "+x.guid, minute(n)
		turn(&x.link, "http://", "https://new.")
	}},
	{"GUIDs, addresses and dates, all one", func(_ int, x *item) {
		x.guid, x.at = "new "+x.guid, minute(0)
		turn(&x.link, "http://", "https://new.")
	}},
	{"GUIDs, addresses and excerpts in the place of texts", func(_ int, x *item) {
		words := strings.Fields(x.text)
		x.guid, x.text = "new "+x.guid, strings.Join(words[:min(len(words), 50)], " ")
		turn(&x.link, "http://", "https://new.")
	}},
	{"GUIDs and the markup", func(_ int, x *item) { x.guid, x.text = "new "+x.guid, "<div class='post'><p>"+x.text+"</p></div>" }},
}

// regular is a source of that habit with its n posts before epoch, one every three
// days, the newest first.
func regular(h habit, n int) (s feeds.Source, list []item) {
	s = remote(fmt.Sprint(h.name, n))
	for i := range n {
		x := h.write(s.Slug+".example", n-i)
		x.at = epoch.Add(-time.Hour - time.Duration(i+1)*3*day)
		list = append(list, x)
	}
	return s, list
}

// dedupe.md 6: a known source changes all GUIDs, all dates, or both, and nobody
// notices.
func TestSourceThatSaysAllItsPostsAnewChangesNothing(t *testing.T) {
	for _, c := range allAnew {
		t.Run(c.name, func(t *testing.T) {
			p, lists := newPlanet(t), map[string][]item{}
			var all []feeds.Source
			for _, h := range someHabits() {
				for _, n := range []int{4, 25} {
					s, list := regular(h, n)
					all, lists[s.Slug] = append(all, s), list
					p.hears(s.Slug, rss(s.Slug, list...))
				}
			}
			p.sync(all...)
			p.pass(0)
			order, told := map[string][]string{}, p.outbox()
			for slug, list := range lists {
				if order[slug] = p.order(slug); len(order[slug]) != len(list) {
					t.Fatalf("%s has %d entries", slug, len(order[slug]))
				}
			}
			if told != 2*len(lists) { // of the last week
				t.Fatalf("%d told", told)
			}
			for slug, list := range lists {
				for i := range list {
					c.change(i, &list[i])
				}
				p.hears(slug, rss(slug, list...))
			}
			p.pass(day)
			for slug := range lists {
				same(t, slug, p.order(slug), order[slug])
			}
			same(t, "told", p.told(told), []string{})
			p.settle()
			p.again(c.name)
		})
	}
}

// Nor is anybody told of a flood.
func TestSourceThatSaysAllItsPostsAnewIsNoFlood(t *testing.T) {
	list := series(-25, -1, 3*day)
	p := blogger(t, rss("A", list...))
	for i := range list {
		list[i].guid, list[i].at = fmt.Sprint("new ", i), minute(i)
	}
	p.hears("a", rss("A", list...))
	p.pass(day)
	if s := p.trouble("a"); s != "" {
		t.Errorf("people are told: %s", s)
	}
	p.again("all anew")
}

// What is really new in the visit that says all anew is news.
func TestNewPostOfASourceThatSaysAllAnewIsAnnounced(t *testing.T) {
	for _, c := range allAnew {
		t.Run(c.name, func(t *testing.T) {
			p, lists := newPlanet(t), map[string][]item{}
			var all []feeds.Source
			for _, h := range someHabits() {
				s, list := regular(h, 10)
				all, lists[s.Slug] = append(all, s), list
				p.hears(s.Slug, rss(s.Slug, list...))
			}
			p.sync(all...)
			p.pass(0)
			order, told := map[string][]string{}, p.outbox()
			next := map[string]item{}
			for i, s := range all {
				order[s.Slug] = p.order(s.Slug)
				list, x := lists[s.Slug], habits[i].write(s.Slug+".example", 11)
				x.at = minute(-1)
				c.change(-1, &x)
				for i := range list {
					c.change(i, &list[i])
				}
				p.hears(s.Slug, rss(s.Slug, slices.Insert(list, 0, x)[:10]...)) // the oldest is no longer listed
				next[s.Slug] = x
			}
			p.pass(2 * day)
			for slug, x := range next {
				if got := p.order(slug); len(got) != 11 || !slices.Equal(got[1:], order[slug]) {
					t.Errorf("%s is %q, was %q", slug, got, order[slug])
				}
				same(t, slug+" tells", p.told(told, slug), []string{"new " + x.title})
			}
			p.again(c.name)
		})
	}
}

// The old ones that look new are many, and it is none of them.
func TestNewPostIsNotHeldBackForOldOnesThatAreSaidAnew(t *testing.T) {
	list := series(-25, -1, 3*day)
	p := blogger(t, rss("A", list...))
	order, told := p.order(), p.outbox()
	for i := range list {
		list[i].guid, list[i].at = fmt.Sprint("new ", i), minute(i)
	}
	next := habits[0].write("a.example", 1)
	next.at = epoch.Add(time.Minute)
	p.hears("a", rss("A", append(list, next)...))
	p.pass(day)
	if got := p.order(); len(got) != 26 || !slices.Equal(got[1:], order) {
		t.Errorf("the planet is %q, was %q", got, order)
	}
	same(t, "told", p.told(told), []string{"new Article 1"})
}

// A server with two faces shows one or the other.
func TestSourceThatGoesBackAndForthChangesNothing(t *testing.T) {
	for _, c := range allAnew {
		p := newPlanet(t)
		var all []feeds.Source
		faces := map[string][2]string{}
		for _, h := range someHabits() {
			s, list := regular(h, 12)
			face := [2]string{rss(s.Slug, list...)}
			for i := range list {
				c.change(i, &list[i])
			}
			face[1] = rss(s.Slug, list...)
			all, faces[s.Slug] = append(all, s), face
		}
		p.sync(all...)
		var order []string
		var told int
		for i := range 5 {
			for slug, face := range faces {
				p.hears(slug, face[i%2])
			}
			p.pass(day)
			if i == 0 {
				order, told = p.order(), p.outbox()
			}
			same(t, c.name, p.order(), order)
		}
		same(t, c.name+": told", p.told(told), []string{})
	}
}

// dedupe.md 6: dates that jump together say nothing.
func TestSourceThatSaysThatAllWasChangedTellsOfWhatWas(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(n int, x *item)
		told   []string
	}{
		{"the dates", func(int, *item) {}, []string{}},
		{"the dates and the markup", func(_ int, x *item) { x.text = "<div><p>" + x.text + "</p></div>" }, []string{}},
		{"the dates and the text of one", func(n int, x *item) {
			if n == 3 {
				x.text = prose("other", 60)
			}
		}, []string{"revised Article 9"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, list := regular(habits[0], 12)
			for i := range list {
				list[i].updated = list[i].at
			}
			p := blogger(t, atomOf("A", list...))
			order, told := p.order(), p.outbox()
			for i := range list {
				c.change(i, &list[i])
				list[i].updated = minute(i)
			}
			p.hears("a", atomOf("A", list...))
			p.pass(day)
			same(t, "the planet", p.order(), order)
			same(t, "told", p.told(told), c.told)
			p.again(c.name)
		})
	}
}

// series are the posts from the n-th before epoch to the last, the newest first, so
// far apart.
func series(first, last int, apart time.Duration) (list []item) {
	for n := last; n >= first; n-- {
		x := habits[0].write("a.example", n)
		x.at = epoch.Add(time.Duration(n) * apart)
		list = append(list, x)
	}
	return list
}

func titlesOf(list []item) []string {
	out := []string{}
	for _, x := range list {
		out = append(out, x.title)
	}
	return out
}

// announced are what the outbox holds when these were, the oldest first or in the
// order of the document.
func announced(list []item) []string {
	out := []string{}
	for _, x := range list {
		out = append(out, "new "+x.title)
	}
	slices.Sort(out)
	return out
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// dedupe.md 7: a new subscription floods neither the front page nor those who are
// told, and loses nothing.
func TestFirstVisitTellsOfTheLastWeekAlone(t *testing.T) {
	for _, c := range []struct {
		name  string
		posts []item
		told  int
	}{
		{"three years of posts", series(-300, -1, 4*day), 1},
		{"a busy week", series(-300, -1, 3*time.Hour), 20},
		{"a week and a moment", series(-3, -1, 7*day+time.Second), 0},
		{"a week", series(-3, -1, 7*day), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := blogger(t, rss("A", c.posts...))
			same(t, "shown", p.titles(), titlesOf(c.posts))
			same(t, "told", sorted(p.told(0)), announced(c.posts[:c.told]))
			if s := p.trouble("a"); s != "" {
				t.Errorf("people are told: %s", s)
			}
			p.again("a first visit")
		})
	}
}

// Where they are in the document says nothing.
func TestFirstVisitPutsAllWhereTheirDatesSay(t *testing.T) {
	list := series(-40, -1, day)
	var mixed []item
	for i := range list {
		mixed = append(mixed, list[i*7%len(list)]) // 7 and 40 have nothing in common
	}
	imprint := item{guid: "imprint", title: "Imprint", text: "Who we are"}
	about := item{guid: "about", title: "About", text: "What we do"}
	p := blogger(t, rss("A", slices.Concat([]item{imprint}, mixed, []item{about})...))
	same(t, "shown", p.titles(), append(titlesOf(list), "Imprint", "About"))
	same(t, "told", sorted(p.told(0)), announced(list[:7]))
	p.again("a first visit")
}

// Nobody says that they were published in the last week.
func TestFirstVisitTellsOfNothingWithoutADate(t *testing.T) {
	list := series(-30, -1, day)
	for i := range list {
		list[i].at = time.Time{}
	}
	p := blogger(t, rss("A", list...))
	same(t, "shown", p.titles(), titlesOf(list))
	same(t, "told", p.told(0), []string{})

	next := habits[0].write("a.example", 1)
	p.hears("a", rss("A", slices.Insert(list, 0, next)...))
	p.pass(day)
	same(t, "shown then", p.titles()[:2], []string{"Article 1", "Article -1"})
	same(t, "told then", p.told(0), []string{"new Article 1"})
	p.again("a post without a date")
}

// RFC 5005 §4: what the documents of the past hold is of the first visit too.
func TestPastOfASourceTellsNoMoreThanItsFirstVisitMay(t *testing.T) {
	const documents, each = 10, 8
	list := series(-documents*each, -1, time.Hour)
	p := newPlanet(t, remote("a"))
	pages := map[string]string{}
	for i := range documents {
		doc := rss("A", list[i*each:(i+1)*each]...)
		if i < documents-1 {
			turn(&doc, "<channel>", fmt.Sprintf(`<channel><atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="prev-archive" href="https://a.example/%d"/>`, i+1))
		}
		pages[fmt.Sprintf("https://a.example/%d", i)] = doc
	}
	pages["https://a.example/feed"] = pages["https://a.example/0"]
	p.says["a"] = func(ctx context.Context, s feeds.Source, v feeds.Validators) (fetch.Response, error) {
		return body(pages[s.URL])(ctx, s, v)
	}
	p.pass(0)
	same(t, "shown", p.titles(), titlesOf(list))
	if told := sorted(p.told(0)); len(told) > 20 || !slices.Equal(told, announced(list[:len(told)])) || len(told) < each {
		t.Errorf("%d told: %q", len(told), told)
	}
	p.again("the past")
}

// A blog that imports its old posts has old news; one that publishes a draft of long
// ago has news.
func TestPostsDatedBackTakeTheirPlacesAndFewAreTold(t *testing.T) {
	recent := series(-5, -1, 3*day)
	for _, c := range []struct {
		name     string
		old, new int
		told     int // of the old ones
	}{
		{"an import", 200, 0, 0}, {"an import and a post", 200, 1, 0}, {"four old posts", 4, 0, 0},
		{"a late draft", 1, 0, 1}, {"late drafts and a post", 3, 1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := blogger(t, rss("A", recent...))
			told := p.outbox()
			fresh, old := series(1, c.new, time.Hour), series(-10-c.old, -11, 3*day)
			all := slices.Concat(fresh, recent, old)
			p.hears("a", rss("A", all...))
			p.pass(2 * time.Hour)
			same(t, "shown", p.titles(), titlesOf(all))
			same(t, "told", sorted(p.told(told)), announced(slices.Concat(fresh, old[:c.told])))
			if s := p.trouble("a"); s != "" {
				t.Errorf("people are told: %s", s)
			}
			p.again(c.name)
		})
	}
}
