package aggregator

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
	"orrery/feeds/feedstest"
)

// poll is a feed as it was at a time.
type poll struct {
	at       time.Time
	document string
}

// monal are the polls of a real blog, in order.
func monal(t *testing.T) (list []poll) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(feedstest.Data(t, "feeds/series/monal-im"), "*.rss"))
	if err != nil || len(files) != 20 {
		t.Fatalf("%d polls, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("2006-01-02T150405", strings.Split(filepath.Base(name), ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, poll{at, string(text)})
	}
	return list
}

// Titles of the blog.
const (
	insights  = "Insights Into Monal Development"
	turkish   = "Monal Gelişime İlişkin Gelişmeler"
	project   = "Monal IM - project moved"
	nlnet     = "NLNet Funding"
	sasl      = "On the state of SASL in XMPP"
	push      = "Push on iOS"
	tutorials = "XMPP Tutorials"
	handlers  = "Monal Internals - Handlers framework"
	six       = "Monal 6.0 released"
	papers    = "Publications moved"
	banned    = "iOS app banned from chinese appstore"
	audit     = "ROS Security Audit"
	campaign  = "New fundraising campaign"
	second    = "New NLNet Funding"
)

// monalTold is what each poll has to tell, as read in the files. A text is told when
// more than a few of its words are others (dedupe.md 8).
var monalTold = [][]string{
	{"new " + insights, "new " + turkish},   // five days old
	{"new " + project},                      // the Turkish one is listed no more
	{"new " + nlnet},                        // project is dated anew
	{},                                      // whole texts in the place of excerpts, in all: no news
	{"new " + sasl},                         //
	{},                                      // three words of 4,000, after 17 minutes
	{},                                      // 13 words more
	{"new " + push},                         //
	{"revised " + push},                     // 82 words more
	{"new " + tutorials, "revised " + push}, // 44 words more
	{},                                      // three words
	{"new " + handlers},                     // other markup in all, eight words fewer in one
	{"new " + six},                          //
	{},                                      // excerpts again
	{"new " + papers},                       //
	{"new " + banned},                       // at /00010/
	{"new " + audit},                        // banned is at /00010-ios-banned/
	{},                                      // whole texts
	{"new " + campaign, "revised " + audit}, // five words of 54
	{"new " + second},                       // another generator, all GUIDs and addresses are others
}

func TestRealBlogIsOnePlanetThroughItsMoves(t *testing.T) {
	p := newPlanet(t, feeds.Source{Slug: "monal", URL: "https://monal-im.github.io/monal-im.org/post/index.xml"})
	ids, told := map[string]string{}, 0
	for n, poll := range monal(t) {
		p.hears("monal", poll.document)
		p.pass(poll.at.Sub(p.now))
		same(t, poll.at.String(), sorted(p.told(told)), sorted(monalTold[n]))
		told = p.outbox()
		for _, e := range p.entries() {
			if id := ids[e.Title]; id != "" && id != e.ID {
				t.Errorf("%v: %s was %s, is %s", poll.at, e.Title, id, e.ID)
			}
			ids[e.Title] = e.ID
		}
		if s := p.trouble("monal"); s != "" {
			t.Errorf("%v: people are told: %s", poll.at, s)
		}
		p.again(poll.at.String())
	}
	list := p.titles()
	same(t, "shown", list[:11], []string{second, campaign, audit, banned, papers, six, handlers, tutorials, push, sasl, nlnet})
	same(t, "shown, of one day", sorted(list[11:]), []string{insights, turkish, project})
	for _, e := range p.entries() {
		if at := e.Sort.Format("2006-01-02"); e.Title == project && at != "2022-03-07" || e.Title == banned && at != "2024-03-31" {
			t.Errorf("%s stands at %s", e.Title, at)
		}
		if e.Title != turkish && !strings.Contains(e.Permalink, "/site/post/") {
			t.Errorf("%s leads to %s", e.Title, e.Permalink)
		}
	}
}

// A server that gives out what it once said, in whatever order, brings nothing new.
func TestRealBlogThatIsReadBackwardsTellsOfNothingNew(t *testing.T) {
	polls := monal(t)
	p := newPlanet(t, feeds.Source{Slug: "monal", URL: "https://monal-im.github.io/monal-im.org/post/index.xml"})
	for _, poll := range polls {
		p.hears("monal", poll.document)
		p.pass(poll.at.Sub(p.now))
	}
	order, told := p.order(), p.outbox()
	backwards := slices.Clone(polls)
	slices.Reverse(backwards)
	var shuffled []poll
	for i := range polls {
		shuffled = append(shuffled, polls[i*7%len(polls)]) // 7 and 20 have nothing in common
	}
	for _, poll := range slices.Concat(backwards, shuffled) {
		p.hears("monal", poll.document)
		p.pass(2 * time.Hour)
		same(t, "shown", p.order(), order)
	}
	for _, event := range p.told(told) {
		if !strings.HasPrefix(event, "revised ") {
			t.Errorf("told %q", event)
		}
	}
}
