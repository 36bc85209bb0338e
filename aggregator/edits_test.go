package aggregator

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/aggregator/fetch"
	"orrery/feeds"
	"orrery/feeds/feedstest"
)

// edit is an earlier version of a real post.
type edit struct {
	File, Path string
	Committed  time.Time
}

// post is the name of the post that it is a version of.
func (e *edit) post() string { return filepath.Dir(e.File) }

// edits are all there are, in the order in which they were made.
func edits(t *testing.T) (list []edit) {
	t.Helper()
	index, err := os.ReadFile(feedstest.Data(t, "xmpp.org/revisions/index.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(index)) {
		var e edit
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	slices.SortStableFunc(list, func(a, b edit) int { return cmp.Compare(a.Committed.UnixNano(), b.Committed.UnixNano()) })
	return list
}

// editsTold is what the edits have to tell, by the day on which they were made, as read
// in the files: a title that is another, or more than a few of the words (dedupe.md 8).
var editsTold = map[string][]string{
	// 2015-11-02, the first visit: six posts of 2007 to 2015 are old.
	"2016-02-09": {
		"new The 19th XMPP Summit and FOSDEM 2016",
		"revised The 19th XMPP Summit and FOSDEM 2016", // 21 words of 1,356, eight minutes later
	},
	"2017-03-02": {"new XMPP and the GSoC 2017"},
	"2017-08-14": {
		"new Easy XMPP: The Challenge",
		// Written anew under another title and date: nothing says that it is the same.
		"withdrawn Easy XMPP: The Challenge", "new Easy XMPP: The Challenges",
		"revised Easy XMPP: The Challenges", // 267 words more; 26 and 23 others follow within the hour
	},
	"2021-09-07": {"revised XMPP Roundup #7: Brussels Report"},     // the title was "XMPP Roundup": # began a comment
	"2021-09-16": {"revised XMPP Roundup 7: Brussels Report"},      // the title
	"2021-09-27": {"new The XSF as a Fiscal Host"},                 //
	"2021-10-21": {"revised The 19th XMPP Summit and FOSDEM 2016"}, // 488 words of 1,356
	"2022-02-05": {"new The XMPP Newsletter December 2021 & January 2022"},
	"2022-08-13": {
		"new Mid Term Evaluation Updates",
		"revised Google Summer of Code 2022 at XSF: Converse.js - Mid Term Evaluation Update", // title and address
	},
	"2025-08-14": {"new Annunci XSF"}, // by its first heading: its front matter is Italian
	"2026-01-05": {
		"new Chat of the Future Initiative",
		"revised Chat of the Future Initiative", // 38 words of 882, four hours later
	},
	"2026-01-13": {
		"revised Chat of the Future Initiative", // 346 words of 801
		"revised Newsletter XMPP giugno 2025",   // title and address
	},
	"2026-02-08": {"new The XMPP Newsletter January 2026"},
	"2026-03-15": {"revised Chat of the Future Initiative"}, // 23 words of 809
	"2026-05-24": {
		"new XMPP Summit 29",
		"revised XMPP Summit 29", // 11 words of 704; 30 others and another date follow within the hour
	},
}

func TestRealPostsAreOneEntryEachThroughAllTheirEdits(t *testing.T) {
	dir := t.TempDir()
	p := newPlanet(t, feeds.Source{Slug: "xsf", URL: "file://" + dir, Site: "https://xmpp.org/", Permalink: "/:year/:month/:title/"})
	p.says["xsf"] = (&fetch.Folder{Now: func() time.Time { return p.now }}).Fetch
	p.now = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	files, told, renamed := map[string]string{}, map[string][]string{}, 0
	ids := map[string]string{} // by file
	for list := edits(t); len(list) > 0; {
		now := list[0].Committed.UTC()
		if !now.After(p.now) {
			now = p.now.Add(time.Second) // several edits of one post have one time
		}
		var changed []string
		for at := list[0].Committed; len(list) > 0 && list[0].Committed.Equal(at) && !slices.Contains(changed, list[0].post()); list = list[1:] {
			post := list[0].post()
			name := filepath.Join(dir, strings.TrimPrefix(strings.TrimPrefix(list[0].Path, "content/"), "posts/"))
			if old := files[post]; old != "" && old != name {
				renamed++
				if err := os.Remove(old); err != nil {
					t.Fatal(err)
				}
			}
			copyEdit(t, list[0].File, name, now)
			files[post], changed = name, append(changed, post)
		}
		n, before := p.outbox(), p.order()
		p.pass(now.Sub(p.now))
		day := now.Format(time.DateOnly)
		told[day] = append(told[day], p.told(n)...)
		if got := p.order(); len(got) != len(files) {
			t.Errorf("%v, %q: %d posts are %d entries: %q, were %q", now, changed, len(files), len(got), got, before)
		}
		if s := p.trouble("xsf"); s != "" {
			t.Errorf("%v, %q: %s", now, changed, s)
		}
		for _, e := range p.entries() {
			if post := ofTitle(e.Title); ids[post] != "" && ids[post] != e.ID && post != "easy-xmpp-challenge" {
				t.Errorf("%v: %s was %s, is %s", now, e.Title, ids[post], e.ID)
			} else {
				ids[post] = e.ID
			}
		}
		if len(list) == 0 || list[0].Committed.Sub(p.now) > time.Hour {
			p.settle() // files that were just written are read once more
			p.again(day)
		}
	}
	if len(files) != 16 || renamed != 2 {
		t.Errorf("%d posts, %d renamed", len(files), renamed)
	}
	for day, got := range told {
		same(t, "told on "+day, sorted(got), sorted(editsTold[day]))
	}
	for day := range editsTold {
		if told[day] == nil {
			t.Errorf("nothing happened on %s", day)
		}
	}
}

// copyEdit makes the file what the version of it says.
func copyEdit(t *testing.T, version, name string, at time.Time) {
	t.Helper()
	text, err := os.ReadFile(feedstest.Data(t, "xmpp.org/revisions/"+version))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

// ofTitle is the post that has had the title, where it has had several.
func ofTitle(title string) string {
	for begin, post := range map[string]string{
		"XMPP Roundup": "xmpp-roundup-7", "Easy XMPP": "easy-xmpp-challenge", "Annunci XSF": "newsletter.it", "Newsletter XMPP giugno 2025": "newsletter.it",
		"Mid Term Evaluation Updates": "PawBud", "Google Summer of Code 2022 at XSF: Converse.js": "PawBud",
	} {
		if strings.HasPrefix(title, begin) {
			return post
		}
	}
	return title
}
