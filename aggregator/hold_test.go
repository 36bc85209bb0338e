package aggregator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// flooded is a planet whose one source, which writes every three days, has written
// n posts since it was visited last, one a minute: all is what it says now.
func flooded(t *testing.T, n int) (p *planet, all []item, told int) {
	t.Helper()
	usual := series(-12, -1, 3*day)
	p = blogger(t, rss("A", usual...))
	told = p.outbox()
	fresh := series(1, n, time.Minute)
	all = slices.Concat(fresh, usual)
	p.hears("a", rss("A", all...))
	p.pass(day)
	return p, all, told
}

// dedupe.md 7: nobody's front page is one source's.
func TestFloodIsHeldBackForADayButForItsNewest(t *testing.T) {
	p, all, told := flooded(t, 60)
	shown := titlesOf(slices.Concat(all[:20], all[60:]))
	newest := announced(all[:20])
	same(t, "shown", p.titles(), shown)
	same(t, "shown of the source", p.titles("a"), shown)
	same(t, "told", sorted(p.told(told)), newest)
	if s := p.trouble("a"); !strings.Contains(s, "60 new posts") || !strings.Contains(s, "20 newest") || !strings.Contains(s, "orrery release a") {
		t.Errorf("people are told: %q", s)
	}
	p.settle()
	same(t, "shown a moment later", p.titles(), shown)
	p.again("a flood")
	p.pass(23 * time.Hour)
	same(t, "shown before a day is over", p.titles(), shown)

	p.pass(time.Hour)
	same(t, "shown after a day", p.titles(), titlesOf(all))
	same(t, "told after a day", sorted(p.told(told)), newest)
	p.again("after a day")
}

func TestReleasedFloodIsShownAtOnceAndNotTold(t *testing.T) {
	p, all, told := flooded(t, 60)
	if found, _, posts, err := p.db.Trust(t.Context(), p.now.Add(time.Hour), "a"); !found || posts != 40 || err != nil {
		t.Fatalf("released %v, %d posts, %v", found, posts, err)
	}
	same(t, "shown", p.titles(), titlesOf(all))
	same(t, "told", sorted(p.told(told)), announced(all[:20]))
	p.pass(2 * time.Hour)
	p.again("released")
	p.pass(2 * day)
	same(t, "shown after a day", p.titles(), titlesOf(all))
	same(t, "told after a day", sorted(p.told(told)), announced(all[:20]))
}

// What the source says of them meanwhile is what they say when they are shown.
func TestFloodThatChangesWhileItIsHeldBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		then  func(all []item) []item // what it says an hour later
		after func(all []item) []item // what the planet shows after a day; nil: what it says
	}{
		{"is edited", func(all []item) []item {
			for i := range 60 {
				all[i].title, all[i].text = "Edited "+all[i].title, prose(fmt.Sprint("edited", i), 60)
			}
			return all
		}, nil},
		{"is listed no more", func(all []item) []item { return all[60:] }, func(all []item) []item { return all }},
		{"has new GUIDs", func(all []item) []item {
			for i := range all {
				all[i].guid = fmt.Sprint("new ", all[i].guid)
			}
			return all
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, all, told := flooded(t, 60)
			want := slices.Clone(all)
			said := c.then(all)
			if c.after == nil {
				want = said
			} else {
				want = c.after(want)
			}
			p.hears("a", rss("A", said...))
			p.pass(time.Hour)
			same(t, "shown", p.titles(), titlesOf(slices.Concat(want[:20], want[60:])))
			p.pass(day)
			same(t, "shown after a day", p.titles(), titlesOf(want))
			news := slices.DeleteFunc(p.told(told), func(s string) bool { return strings.HasPrefix(s, "revised ") })
			same(t, "announced", sorted(news), announced(want[:20]))
			for _, event := range p.told(told) {
				if i := slices.IndexFunc(want, func(x item) bool { return strings.HasSuffix(event, " "+x.title) }); i >= 20 {
					t.Errorf("told %q of what was held back", event)
				}
			}
			p.again(c.name)
		})
	}
}

// It has always written so much, or we have not looked for long; or it is a few.
func TestWhatIsNoFloodIsShownAndToldWhole(t *testing.T) {
	for _, c := range []struct {
		name         string
		usual, fresh []item
		away         time.Duration
	}{
		{"a busy source", series(-30, -1, time.Hour), series(1, 24, time.Hour), day},
		{"a busy source that was away for three days", series(-30, -1, 2*time.Hour), series(1, 36, 2*time.Hour), 3 * day},
		{"five times as much as usual", series(-30, -1, time.Hour), series(1, 120, 12*time.Minute), day},
		{"twenty posts of a source that writes little", series(-12, -1, 3*day), series(1, 20, time.Minute), day},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := blogger(t, rss("A", c.usual...))
			told := p.outbox()
			all := slices.Concat(c.fresh, c.usual)
			p.hears("a", rss("A", all...))
			p.pass(c.away)
			same(t, "shown", p.titles(), titlesOf(all))
			same(t, "told", sorted(p.told(told)), announced(c.fresh))
			p.again(c.name)
		})
	}
}

// What a source that floods has of others does not hide theirs.
func TestPostOfAFloodThatAnotherSourceHasIsShown(t *testing.T) {
	for _, first := range []string{"b", "a"} {
		t.Run(first+" comes first", func(t *testing.T) {
			usual, flood := series(-12, -1, 3*day), series(1, 60, time.Minute)
			p := newPlanet(t, remote("a"), remote("b"))
			p.hears("a", rss("A", usual...))
			p.hears("b", rss("B", usual...))
			p.pass(0)
			told := p.outbox()
			p.hears("a", rss("A", slices.Concat(flood, usual)...))
			p.hears("b", rss("B", slices.Concat(flood[50:51], usual)...)) // one of those that are held back
			p.pass(day, first)
			p.pass(time.Minute, map[string]string{"a": "b", "b": "a"}[first])
			same(t, "shown", p.titles(), titlesOf(slices.Concat(flood[:20], flood[50:51], usual)))
			same(t, "told", sorted(p.told(told)), announced(slices.Concat(flood[:20], flood[50:51])))
			p.settle()
			p.again("both")
		})
	}
}

// An empty answer is no news, nor is what comes back.
func TestFeedThatEmptiesAndRefillsChangesNothing(t *testing.T) {
	list := series(-30, -1, day)
	anewed := slices.Clone(list)
	for i := range anewed {
		anewed[i].guid, anewed[i].at = fmt.Sprint("new ", anewed[i].guid), minute(-i)
	}
	for name, then := range map[string][]item{"as it was": list, "a part of it": list[10:20], "with new GUIDs and dates": anewed} {
		t.Run(name, func(t *testing.T) {
			p := blogger(t, rss("A", list...))
			order, told := p.order(), p.outbox()
			for range 2 {
				p.hears("a", rss("A"))
				p.pass(day)
				same(t, "shown of an empty feed", p.order(), order)
				p.again("an empty feed")
				p.hears("a", rss("A", then...))
				p.pass(day)
				same(t, "shown of a full one", p.order(), order)
				p.settle()
				p.again("a full feed")
			}
			same(t, "told", p.told(told), []string{})
		})
	}
}

// A folder is its owner's: what he puts in is shown.
func TestFolderIsNeverHeldBack(t *testing.T) {
	p := newPlanet(t, local("own"))
	usual := series(-12, -1, 3*day)
	folderOf(p, "own", usual...)
	p.pass(0)
	told := p.outbox()
	same(t, "told of a first visit", sorted(p.told(0)), announced(usual[:2]))

	all := slices.Concat(series(1, 60, time.Minute), usual)
	folderOf(p, "own", all...)
	p.pass(day)
	same(t, "shown", p.titles(), titlesOf(all))
	same(t, "told", sorted(p.told(told)), announced(all[:20]))
	if s := p.trouble("own"); s != "" {
		t.Errorf("people are told: %s", s)
	}

	// A draft of long ago that is published now is news.
	told = p.outbox()
	draft := habits[0].write("a.example", -99)
	draft.at = epoch.Add(-99*3*day - time.Hour)
	folderOf(p, "own", append(all, draft)...)
	p.pass(day)
	same(t, "told of a draft", p.told(told), []string{"new Article -99"})

	// What its owner deletes is gone, and everybody is told.
	told = p.outbox()
	folderOf(p, "own", all[1:]...)
	p.pass(day)
	same(t, "shown without the newest and the draft", p.titles(), titlesOf(all[1:]))
	same(t, "told of what is gone", sorted(p.told(told)), []string{"withdrawn Article -99", "withdrawn Article 60"})
	p.again("a folder")
}

// A folder whose posts are all at other addresses now, or dated otherwise, has the
// same posts.
func TestFolderThatIsReorganizedChangesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(n int, x *item)
	}{
		{"other addresses", func(_ int, x *item) { turn(&x.link, "a.example/", "a.example/blog/") }},
		{"another site", func(_ int, x *item) { turn(&x.link, "a.example", "b.example") }},
		{"other dates", func(n int, x *item) { x.at = minute(n) }},
		{"other addresses and dates", func(n int, x *item) { turn(&x.link, "a.example/", "a.example/blog/"); x.at = minute(n) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlanet(t, local("own"))
			list := series(-25, -1, 3*day)
			folderOf(p, "own", list...)
			p.pass(0)
			order, told := p.order(), p.outbox()
			for i := range list {
				c.change(i, &list[i])
			}
			folderOf(p, "own", list...)
			p.pass(day)
			same(t, "shown", p.order(), order)
			same(t, "told", p.told(told), []string{})
			folderOf(p, "own", list...)
			p.again(c.name)
		})
	}
}

// Posts that have a title in common with those that their owner deleted are others.
func TestFolderWhosePostsAreReplacedHasOthers(t *testing.T) {
	p := newPlanet(t, local("own"))
	weeklies := func(from int) []item {
		list := series(from, from+7, 3*day)
		for i := range list {
			list[i].title, list[i].text = "Weekly notes", fmt.Sprint("Notes of week ", from+i)
		}
		return list
	}
	folderOf(p, "own", weeklies(-20)...)
	p.pass(0)
	order, told := p.order(), p.outbox()
	folderOf(p, "own", weeklies(-12)...)
	p.pass(day)
	for _, e := range p.order() {
		if slices.Contains(order, e) {
			t.Errorf("%s is still there", e)
		}
	}
	same(t, "told", sorted(p.told(told)), slices.Repeat([]string{"withdrawn Weekly notes"}, 8))
}

// parsing.md 24: the clock of the source is wrong, the post is new.
func TestPostOfTheFutureStandsWhereItWasFirstSeen(t *testing.T) {
	p := blogger(t, rss("A", series(-3, -1, day)...))
	told := p.outbox()
	ahead := habits[0].write("a.example", 7)
	ahead.at = epoch.AddDate(9, 0, 0)
	p.hears("a", rss("A", append([]item{ahead}, series(-3, -1, day)...)...))
	p.pass(day)
	seen := p.now
	next := habits[0].write("a.example", 8)
	for i, at := range []time.Time{ahead.at, epoch.AddDate(0, 0, -100), epoch.AddDate(0, 0, 3), {}} {
		ahead.at, next.at = at, seen.Add(time.Hour)
		p.hears("a", rss("A", append([]item{ahead, next}, series(-3, -1, day)...)...))
		p.pass(day)
		list := p.entries()
		same(t, fmt.Sprint("shown ", i), p.titles(), []string{"Article 8", "Article 7", "Article -1", "Article -2", "Article -3"})
		if e := list[1]; !e.Sort.Equal(seen) || e.Published.After(p.now) || e.Changed.After(p.now) {
			t.Errorf("%d: it stands at %v, published %v, changed %v", i, e.Sort, e.Published, e.Changed)
		}
		p.again("a post of the future")
	}
	same(t, "told", p.told(told), []string{"new Article 7", "new Article 8"})
}

// parsing.md 24: what nobody can believe is no date.
func TestPostDatedBefore1990IsNotOfTheRomans(t *testing.T) {
	for _, year := range []int{1, 1970, 1989} {
		old := habits[0].write("a.example", 7)
		old.at = time.Date(year, 12, 31, 23, 0, 0, 0, time.UTC)
		list := append(series(-3, -1, day), old)

		p := blogger(t, rss("A", list...))
		same(t, fmt.Sprint("a first visit, ", year), p.titles(), titlesOf(list))
		if e := p.entries()[3]; e.Sort.Before(epoch.Add(-4*day)) || !e.Published.IsZero() {
			t.Errorf("%d: it stands at %v, published %v", year, e.Sort, e.Published)
		}
		p = blogger(t, rss("A", list[:3]...))
		p.hears("a", rss("A", list...))
		p.pass(day)
		same(t, fmt.Sprint("a later visit, ", year), p.titles(), append([]string{"Article 7"}, titlesOf(list[:3])...))
	}
}

// A person has said that it is not to be seen.
func TestHiddenEntryStaysHiddenWhateverItsSourcesSay(t *testing.T) {
	list := series(-12, -1, 3*day)
	first := list[4]
	p := newPlanet(t, remote("a"), remote("b"), local("own"))
	p.hears("a", rss("A", list...))
	p.hears("b", rss("B", series(-40, -39, 3*day)...))
	p.pass(0)
	order, hidden := p.order(), p.entries()[4]
	hide := func(is bool) {
		t.Helper()
		p.now = p.now.Add(time.Hour)
		if _, changed, err := p.db.Hide(t.Context(), p.now, hidden.ID, is); !changed || err != nil {
			t.Fatal(changed, err)
		}
	}
	hide(true)
	told := p.outbox()
	gone := func(what string) {
		t.Helper()
		p.pass(day)
		if got := p.order(); slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, " "+hidden.Title) || strings.HasPrefix(s, hidden.ID) }) {
			t.Errorf("%s: it is shown: %q", what, got)
		}
		for _, event := range p.told(told) {
			if strings.HasSuffix(event, " "+hidden.Title) {
				t.Errorf("%s: told %q", what, event)
			}
		}
		p.again(what)
	}
	gone("the same again")
	list[4].text = prose("other", 60)
	p.hears("a", rss("A", list...))
	gone("it was edited")
	for i := range list {
		list[i].guid, list[i].at = "new "+list[i].guid, minute(i)
	}
	p.hears("a", rss("A", list...))
	gone("it has another GUID and date")
	p.hears("b", rss("B", first))
	gone("another source has it")
	folderOf(p, "own", first)
	gone("a folder has it")
	p.hears("a", rss("A", list[:3]...))
	gone("it is listed no more")
	hide(false)
	same(t, "shown again", p.order(), order)
}

// The source's retain: what was too old to keep is never new.
func TestPostThatWasTooOldToKeepNeverComesBack(t *testing.T) {
	list := series(-40, -1, 6*time.Hour) // ten days of them
	for i := range list {
		list[i].at = list[i].at.Add(time.Hour)
	}
	for name, retain := range map[string]feeds.Retain{"five posts": {Entries: 5}, "a day of posts": {Days: 1}} {
		for _, c := range []anew{
			{"all the same", func(int, *item) {}},
			{"GUIDs and addresses of https", allAnew[1].change},
			{"GUIDs of a new generator", allAnew[2].change},
			{"dates", allAnew[4].change},
			{"GUIDs and dates", allAnew[6].change},
			{"texts", func(n int, x *item) { x.text = prose(fmt.Sprint("other", n), 60) }},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				s := remote("a")
				s.Retain = retain
				p := newPlanet(t, s)
				list := slices.Clone(list)
				p.hears("a", rss("A", list...))
				p.pass(0)
				n := max(retain.Entries, 4*retain.Days)
				same(t, "shown", p.titles(), titlesOf(list[:n]))
				same(t, "told", sorted(p.told(0)), announced(list[:n]))
				p.again("a first visit")

				for i := range list {
					c.change(i, &list[i])
				}
				p.hears("a", rss("A", list...))
				p.pass(2 * time.Hour)
				want := titlesOf(list[:n])
				if retain.Days > 0 {
					want = want[:n-1] // two hours later
				}
				same(t, "shown then", p.titles(), want)
				for _, event := range p.told(n) {
					if !strings.HasPrefix(event, "revised ") || !slices.Contains(want, strings.TrimPrefix(event, "revised ")) {
						t.Errorf("told %q", event)
					}
				}
				same(t, "texts kept", p.rows(`SELECT count(*) FROM copies WHERE json_extract(body, '$.content') IS NOT NULL`), []string{fmt.Sprint(len(want))})
				p.settle()
				p.again(c.name)
			})
		}
	}
}

// dedupe.md 8: a page that prints the clock is no news.
func TestPostIsToldOnceAnHourAndKeptTwentyFourTimes(t *testing.T) {
	list := series(-3, -1, day)
	p := blogger(t, rss("A", list...))
	told := p.outbox()
	var at []time.Time
	for i := range 90 { // thirty hours
		list[1].text = prose(fmt.Sprint("edit", i), 60)
		p.hears("a", rss("A", list...))
		before := p.outbox()
		p.pass(20 * time.Minute)
		if n := p.outbox() - before; n == 1 {
			at = append(at, p.now)
		} else if n > 1 {
			t.Fatalf("told %q at once", p.told(before))
		}
		if e := p.entries()[1]; !strings.Contains(e.Content, strings.Fields(list[1].text)[0]) || !strings.Contains(e.Content, fmt.Sprintf("edit%d11.", i)) {
			t.Fatalf("edit %d is not shown: %s", i, e.Content)
		}
	}
	for i := 1; i < len(at); i++ {
		if d := at[i].Sub(at[i-1]); d < time.Hour {
			t.Errorf("told again after %v", d)
		}
	}
	same(t, "told", p.told(told), slices.Repeat([]string{"revised Article -2"}, 24))
	same(t, "kept", p.rows(`SELECT count(*) FROM revisions`), []string{"24"})
}

// dedupe.md 8: what a reader does not notice.
func TestSmallEditIsShownAndNotTold(t *testing.T) {
	const words = 200
	for name, edit := range map[string]func(x *item){
		"a typing error": func(x *item) { turn(&x.text, "e23.", "e24.") },
		"white space":    func(x *item) { turn(&x.text, " ", "\n\t ") },
		"punctuation":    func(x *item) { turn(&x.text, ".", "!") },
		"markup":         func(x *item) { x.text = "<section><p>" + x.text + "</p></section>" },
		"its tags":       func(x *item) { x.tags = []string{"More"} },
		"where its readers came from": func(x *item) {
			turn(&x.link, "/e", "/e?utm_source=feed&fbclid=1")
		},
		"its date": func(x *item) { x.at = x.at.Add(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			x := item{guid: "e", link: "https://a.example/e", title: "E", text: prose("e", words), at: epoch.Add(-day)}
			p := blogger(t, rss("A", x))
			told, order := p.outbox(), p.order()
			edit(&x)
			p.hears("a", rss("A", x))
			p.pass(day)
			same(t, "told", p.told(told), []string{})
			same(t, "shown", p.order(), order)
			same(t, "kept", p.rows(`SELECT count(*) FROM revisions`), []string{"0"})
			p.again(name)
		})
	}
	for name, edit := range map[string]func(x *item){
		"its title":      func(x *item) { x.title = "F" },
		"six words":      func(x *item) { x.text += " and this is what is new" },
		"its address":    func(x *item) { x.link = "https://a.example/f" },
		"half the words": func(x *item) { x.text = prose("e", words/2) },
	} {
		t.Run(name, func(t *testing.T) {
			x := item{guid: "e", link: "https://a.example/e", title: "E", text: prose("e", words), at: epoch.Add(-day)}
			p := blogger(t, rss("A", x))
			told := p.outbox()
			edit(&x)
			p.hears("a", rss("A", x))
			p.pass(day)
			same(t, "told", p.told(told), []string{"revised " + x.title})
			same(t, "kept", p.rows(`SELECT count(*) FROM revisions`), []string{"1"})
			p.again(name)
		})
	}
}
