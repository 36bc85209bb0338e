package aggregator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// moulds are kinds of feeds whose posts are like each other: what the n-th one of the
// source at the host is.
var moulds = []habit{
	{"show", func(host string, n int) item {
		return item{guid: fmt.Sprint("episode ", n), link: "https://" + host + "/show", title: fmt.Sprint("Episode ", n), text: prose(fmt.Sprint(host, n), 60)}
	}},
	{"sponsored", func(host string, n int) item { // the same words below each
		return item{guid: fmt.Sprint("episode ", n), link: "https://" + host + "/show", title: fmt.Sprint("Episode ", n), text: fmt.Sprint("Guest ", n, ". ") + prose(host, 80)}
	}},
	{"builds", func(host string, n int) item {
		return item{guid: fmt.Sprint("build ", n), link: fmt.Sprintf("https://%s/%d", host, n), title: fmt.Sprintf("Build %d", n), text: "All tests passed."}
	}},
	{"warnings", func(host string, n int) item {
		return item{guid: fmt.Sprint("warning ", n), link: fmt.Sprintf("https://%s/%d", host, n), title: fmt.Sprint("Warning ", n), text: prose(host, 60) + fmt.Sprint(" Number ", n)}
	}},
	{"greetings", func(host string, n int) item {
		return item{guid: fmt.Sprint("note ", n), link: fmt.Sprintf("https://%s/%d", host, n), text: "Good morning!"}
	}},
	{"threads", func(host string, n int) item {
		return item{guid: fmt.Sprint("thread ", n), link: fmt.Sprintf("https://%s/%d", host, n), title: "Open thread", text: "What is on your mind?"}
	}},
	{"releases", func(host string, n int) item { // without GUIDs
		return item{link: "https://" + host + "/download", title: fmt.Sprint("Release ", n), text: prose(fmt.Sprint(host, n), 60)}
	}},
	{"pictures", func(host string, n int) item {
		return item{guid: fmt.Sprint("picture ", n), link: fmt.Sprintf("https://%s/%d", host, n), title: "Untitled"}
	}},
}

// A feed lists its newest posts only: one that comes takes the place of one that
// goes, and is another, whatever they have in common.
func TestPostThatLeavesTheFeedWhenAnotherComesStays(t *testing.T) {
	const often, before = 8 * time.Hour, 10 // a post; posts until the first visit
	type feed struct {
		slug   string
		window int
		posts  []item
	}
	for _, step := range []int{1, 3, 10} {
		t.Run(fmt.Sprintf("%d between two visits", step), func(t *testing.T) {
			var all []feed
			var list []feeds.Source
			for _, m := range moulds {
				for _, window := range []int{1, 2, 10} {
					if at := m.write("", 0).link; window == 1 && at == m.write("", 1).link {
						continue // one post at one address is a page that changes, not a feed
					}
					s := remote(fmt.Sprint(m.name, window))
					f := feed{slug: s.Slug, window: window}
					for n := range before + 3*step {
						x := m.write(s.Slug+".example", n)
						x.at = epoch.Add(time.Duration(n-before) * often)
						f.posts = append(f.posts, x)
					}
					all, list = append(all, f), append(list, s)
				}
			}
			p := newPlanet(t, list...)
			shown, told := map[string][]string{}, 0
			for n := before; n <= before+3*step; n += step {
				news := map[string][]string{}
				for _, f := range all {
					listed := slices.Clone(f.posts[max(0, n-f.window):n])
					slices.Reverse(listed)
					p.hears(f.slug, rss(f.slug, listed...))
					if n > before {
						listed = listed[:min(len(listed), step)]
					}
					for _, x := range slices.Backward(listed) {
						news[f.slug] = append(news[f.slug], "new "+x.title)
						shown[f.slug] = slices.Insert(shown[f.slug], 0, x.title)
					}
				}
				p.pass(time.Duration(step) * often)
				for _, f := range all {
					got, want := p.told(told, f.slug), news[f.slug]
					slices.Sort(got)
					slices.Sort(want)
					same(t, fmt.Sprintf("%s tells of its post %d", f.slug, n), got, want)
				}
				told = p.outbox()
			}
			for _, f := range all {
				same(t, f.slug, p.titles(f.slug), shown[f.slug])
			}
			p.again("")
		})
	}
}

// An address that a post was given by mistake is corrected.
func TestCorrectedAddressKeepsTheEntry(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(x *item)
	}{
		{"the address", func(x *item) { turn(&x.link, "/2/", "/two/"); turn(&x.guid, "/2/", "/two/") }},
		{"the address and the day", func(x *item) {
			turn(&x.link, "/2/", "/two/")
			turn(&x.guid, "/2/", "/two/")
			x.at = x.at.Add(-day)
		}},
		{"the address and the title", func(x *item) {
			turn(&x.link, "/2/", "/two/")
			turn(&x.guid, "/2/", "/two/")
			x.title = "Correct"
		}},
		{"the address and a typing error", func(x *item) {
			turn(&x.link, "/2/", "/two/")
			turn(&x.guid, "/2/", "/two/")
			x.text = strings.Replace(x.text, "two7", "twice", 1)
		}},
		{"the GUID and the title", func(x *item) { turn(&x.guid, "/2/", "/two/"); x.title = "Correct" }},
		{"the GUID and the text", func(x *item) { turn(&x.guid, "/2/", "/two/"); x.text = prose("else", 60) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var list []item
			for n := range 4 {
				at := fmt.Sprintf("https://a.example/%d/", n)
				list = append(list, item{guid: at, link: at, title: fmt.Sprint("Post ", n), text: prose([]string{"zero", "one", "two", "three"}[n], 60), at: epoch.Add(-time.Duration(n+1) * day)})
			}
			p := blogger(t, rss("A", list...))
			before, told := p.entries(), p.outbox()
			c.change(&list[2])
			p.hears("a", rss("A", list...))
			p.pass(10 * time.Minute)
			after := p.entries()
			if len(after) != 4 || after[2].ID != before[2].ID || !after[2].Sort.Equal(before[2].Sort) || after[2].GUID != before[2].GUID {
				t.Fatalf("it shows %q, was %q", p.order(), before[2].ID)
			}
			if e := after[2]; e.Title != list[2].title || e.Permalink != list[2].link {
				t.Errorf("it shows %q at %s", e.Title, e.Permalink)
			}
			for _, event := range p.told(told) {
				if !strings.HasPrefix(event, "revised ") {
					t.Errorf("told %q", event)
				}
			}
			p.again(c.name)
		})
	}
}
