package site

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orrery/feeds"
)

func TestHubsKnowEveryFeedThatChangesWithAnEntry(t *testing.T) {
	f := newFake()
	f.cats = append(f.cats, feeds.Category{CategoryName: feeds.CategoryName{Slug: "author/ann-lee", Title: "Ann Lee"}, Entries: 1},
		feeds.Category{CategoryName: feeds.CategoryName{Slug: "language/de", Title: "de"}, Entries: 1})
	const hub = "https://hub.example/"
	s := newSite(t, f, func(o *Options) { o.Hubs = []string{hub} })
	refresh(t, s)
	e := f.entries[len(f.entries)-2]
	e.Authors, e.Language = []feeds.Person{{Name: "Ann Lee"}}, "de-AT"
	topics := s.Topics(&e)
	f.touch(&e)
	f.touched[feeds.Query{Language: "de"}] = f.seq
	all, err := s.TopicsSince(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"feed.atom", "category/chess/feed.json", "source/" + e.Source.Slug + "/feed.rss", "author/ann-lee/feed.atom", "language/de/feed.atom"} {
		if topic := "https://planet.example/" + path; !slices.Contains(topics, topic) || !slices.Contains(all, topic) || !s.Topic(topic) {
			t.Errorf("%s: of the entry %v, of all %v, a topic %v", path, slices.Contains(topics, topic), slices.Contains(all, topic), s.Topic(topic))
		}
	}
	for path, named := range map[string]bool{
		"/feed.atom": true, "/category/chess/feed.rss": true, "/feed.atom?content=summary": false, "/feed.json?order=arrival": false, "/search/feed.atom?q=x": false, "/": false, "/opml.xml": false,
	} {
		r := get(s, path)
		if got := strings.Contains(r.Header.Get("Link"), "<"+hub+`>; rel="hub"`); got != named {
			t.Errorf("%s: its header names the hub: %v", path, got)
		}
		if got := strings.Contains(body(t, r), hub); got != named {
			t.Errorf("%s: it names the hub: %v", path, got)
		}
		if s.Topic("https://planet.example"+path) != named {
			t.Errorf("%s: a topic: %v", path, !named)
		}
	}
	for _, address := range []string{"https://planet.example/category/made-up/feed.atom", "https://elsewhere.example/feed.atom", "https://planet.example/archive/1.atom", "https://planet.example/feed.atom#x", ""} {
		if s.Topic(address) {
			t.Errorf("%s is a topic", address)
		}
	}
	if text, typ, err := s.Content(t.Context(), "https://planet.example/feed.atom"); err != nil || typ != feeds.AtomType || string(text) != body(t, get(s, "/feed.atom")) {
		t.Errorf("%s, %v", typ, err)
	}
}

func TestHubsKnowWhatAPostHasLeft(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	refresh(t, s)
	i := slices.IndexFunc(f.entries, func(e feeds.Entry) bool { return len(e.Categories) > 0 })
	e := f.entries[i]
	left := "https://planet.example/category/" + url.PathEscape(e.Categories[0].Slug) + "/feed.atom"
	f.change(e.ID, func(e *feeds.Entry) { e.Categories = nil })
	refresh(t, s)
	at := f.entries[i].Changed
	topics, err := s.TopicsSince(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	source := "https://planet.example/source/" + e.Source.Slug + "/feed.json"
	for _, topic := range []string{left, source, "https://planet.example/feed.atom"} {
		if !slices.Contains(topics, topic) {
			t.Errorf("%s is not among %q", topic, topics)
		}
	}
	for _, x := range f.sources {
		if topic := "https://planet.example/source/" + x.Slug + "/feed.json"; x.Slug != e.Source.Slug && slices.Contains(topics, topic) {
			t.Errorf("%s is among what has changed", topic)
		}
	}
	if topics, err = s.TopicsSince(t.Context(), at.Add(time.Minute)); err != nil || len(topics) > 0 {
		t.Errorf("later %q, %v", topics, err)
	}
	gone := "https://planet.example/category/alone/feed.atom" // nobody stands in it any more, so no list has it
	f.touched[feeds.Query{Category: "alone"}] = f.seq + 1
	if topics, err = s.TopicsSince(t.Context(), at.Add(time.Minute)); err != nil || !slices.Contains(topics, gone) || len(topics) != 3 {
		t.Errorf("of a category that is empty: %q, %v", topics, err)
	}
	f.broken(true)
	if _, err := s.TopicsSince(t.Context(), at); err == nil {
		t.Error("a store that does not answer has changed nothing")
	}
}

// Who is told of a change must not be given what was there before it.
func TestContentIsOfNowOrAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := newSite(t, f)
		topic := "https://planet.example/feed.atom"
		before, _, err := s.Content(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		f.change("plain01", func(e *feeds.Entry) { e.Title += "!" })
		gate := make(chan struct{})
		f.hold(gate)
		if text, _, err := s.Content(t.Context(), topic); !errors.Is(err, errSilent) {
			t.Errorf("the store is slow: %d bytes, %v", len(text), err)
		}
		wantStatus(t, get(s, "/feed.atom"), 200) // which is good enough for a reader
		f.hold(nil)
		close(gate)
		synctest.Wait()
		after, _, err := s.Content(t.Context(), topic)
		if err != nil || string(after) == string(before) {
			t.Errorf("the store is quick again: %v", err)
		}
	})
}

// panicky is a store whose answer nobody foresaw.
type panicky struct{ *fake }

func (panicky) Version(context.Context, feeds.Query) (int64, time.Time, error) { panic("unforeseen") }

func TestAPanicFailsTheOneRequest(t *testing.T) {
	f := newFake()
	s := newSite(t, f, func(o *Options) { o.Reader = panicky{f} })
	wantStatus(t, get(s, "/feed.atom"), 503)
}
