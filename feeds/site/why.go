package site

import (
	"fmt"
	"strings"
	"time"

	"orrery/feeds"
)

// sourceWhy is how one source is doing, and why. Its times are days: the page is to
// change with what happens, not with every visit.
type sourceWhy struct {
	link
	Face      *face
	Condition condition
	Facts     []fact
	Care      *care
	Health    *chart
	Posts     *chart
}

// fact is something that is known of a source.
type fact struct {
	Name, Text, URL string
	At              moment
}

func (s *Site) sourceWhy(m material) *sourceWhy {
	x := &m.sources[0]
	w := &sourceWhy{link: s.sourceLink(x), Face: s.face(x), Posts: s.chart(m.months, m.newest())}
	word := x.Condition()
	for _, c := range conditions {
		if c.Word == kindOf(word) {
			w.Condition = condition{word, c.Means}
		}
	}
	if word == "retired" {
		w.Condition = condition{word, "The planet does not follow it any more. Its posts stay."}
	}
	if c, ok := s.care(x, m.held[x.Slug], dayMoment); ok {
		w.Care = &c
	}
	if !x.Local() && !x.State.LastVisit.IsZero() {
		w.Health = health(x.State.Health, x.State.LastVisit)
	}
	add := func(name, text, url string, at moment) {
		if text != "" || at.Text != "" {
			w.Facts = append(w.Facts, fact{name, text, url, at})
		}
	}
	if x.Local() {
		add("Kind", "a folder of posts of the planet itself", "", moment{})
	} else {
		add("Feed", x.PublicURL(), webLink(x.PublicURL()), moment{})
	}
	if x.Address != "" {
		to := (&feeds.Source{URL: x.Address}).PublicURL()
		add("Moved to", to, webLink(to), moment{})
	}
	add("Website", webLink(x.Home()), webLink(x.Home()), moment{})
	add("Posts here", fmt.Sprint(x.Entries), "", moment{})
	add("Newest post", "", "", dayMoment(x.Newest, "none"))
	add("Newest change", "", "", dayMoment(x.Updated, "none"))
	add("Last good visit", "", "", dayMoment(x.State.LastSuccess, "never"))
	add("Language", languageWords(x), "", moment{})
	add("Always put into", categoryNames(x.Categories), "", moment{})
	add("Takes only posts", matchWords(x.Keep), "", moment{})
	add("Leaves out posts", matchWords(x.Drop), "", moment{})
	return w
}

// dayMoment is a time to the day; none for the zero time.
func dayMoment(t time.Time, none string) moment {
	if t.IsZero() {
		return moment{Text: none}
	}
	return dayOf(momentOf(t))
}

func languageWords(x *feeds.Source) string {
	if x.Language == "" {
		return ""
	}
	return languageName(x.Language)
}

func categoryNames(list []feeds.CategoryName) string {
	var names []string
	for _, c := range list {
		names = append(names, c.Title)
	}
	return strings.Join(names, ", ")
}

// matchWords says in words which posts a rule takes; "" for none.
func matchWords(m feeds.Match) string {
	var parts []string
	for _, p := range [...]struct {
		how  string
		list []string
	}{{"tagged", m.Tags}, {"with the words", m.Words}, {"from", m.Sources}, {"by", m.Authors}} {
		if len(p.list) > 0 {
			parts = append(parts, p.how+" “"+strings.Join(p.list, "” or “")+"”")
		}
	}
	return strings.Join(parts, ", or ")
}
