package feeds

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"orrery/feeds/feedstest"
)

func TestListIsReadAsItWasWritten(t *testing.T) {
	o := &OPML{
		Title: "Planet & friends", Owner: Person{Name: "Ann", URL: "https://a.example/"}, Updated: day(1),
		Outlines: []Outline{
			{Title: "A < B", FeedURL: "https://a.example/feed?x=1&y=2", SiteURL: "https://a.example/", Language: "de", Categories: []string{"Go", "News & more"}},
			{Title: "C", FeedURL: "http://c.example/rss"},
		},
	}
	var b bytes.Buffer
	if err := WriteOPML(&b, o); err != nil {
		t.Fatal(err)
	}
	root, err := parseXML(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	head := root.all("head")[0]
	if root.attrs["version"] != "2.0" || head.value("ownerName") != "Ann" || head.value("ownerId") != "https://a.example/" {
		t.Errorf("head %+v", head)
	}
	if _, err := parse822(head.value("dateModified")); err != nil {
		t.Error(err)
	}
	back, err := ReadOPML(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if back.Title != o.Title || !reflect.DeepEqual(back.Outlines, o.Outlines) {
		t.Errorf("written %+v\nread %+v", o, back)
	}
	var again bytes.Buffer
	if err := WriteOPML(&again, &OPML{Title: back.Title, Owner: o.Owner, Updated: o.Updated, Outlines: back.Outlines}); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("written again it is %v\n%s", err, again.Bytes())
	}
}

func TestListsOfEveryKindAreRead(t *testing.T) {
	opml := func(body string) string {
		return `<opml version="1.1"><head><title>T</title></head><body>` + body + `</body></opml>`
	}
	tests := []struct {
		name, in string
		want     string // title > feed > site > categories, a line each
	}{
		{"folders are categories", opml(`<outline text="Go"><outline text="Deep"><outline title="A" xmlUrl="https://a.example/"/></outline></outline><outline text="B" xmlUrl="https://b.example/"/>`),
			"A > https://a.example/ >  > Go,Deep\nB > https://b.example/ >  > "},
		{"attributes in any case", opml(`<OUTLINE TEXT="A" XMLURL="https://a.example/f" HtmlUrl="https://a.example/"/>`), "A > https://a.example/f > https://a.example/ > "},
		{"categories in an attribute", opml(`<outline text="A" xmlUrl="https://a.example/f" category="/Go/News, /x"/>`), "A > https://a.example/f >  > Go/News,x"},
		{"the same feed twice", opml(`<outline text="A" xmlUrl="https://a.example/f/"/><outline text="B" xmlUrl="http://www.a.example/f"/>`), "A > https://a.example/f/ >  > "},
		{"feed: in place of http:", opml(`<outline text="A" xmlUrl="feed://a.example/f"/><outline text="B" xmlUrl="FEED:https://b.example/f"/>`),
			"A > http://a.example/f >  > \nB > https://b.example/f >  > "},
		{"addresses we do not know are not the same", opml(`<outline text="A" xmlUrl="gopher://a/"/><outline text="B" xmlUrl="gopher://b/"/>`), "A > gopher://a/ >  > \nB > gopher://b/ >  > "},
		{"entities of HTML and a lone ampersand", opml(`<outline text="Caf&eacute; & Co" xmlUrl="https://a.example/?a=1&b=2"/>`), "Café & Co > https://a.example/?a=1&b=2 >  > "},
		{"latin1", `<?xml version="1.0" encoding="ISO-8859-1"?>` + opml("<outline text=\"Caf\xe9\" xmlUrl=\"https://a.example/\"/>"), "Café > https://a.example/ >  > "},
		{"a mark and a control character", "\xEF\xBB\xBF" + opml("<outline text=\"A\x0b\" xmlUrl=\"https://a.example/\"/>"), "A > https://a.example/ >  > "},
		{"UTF-16", utf16Bytes(`<?xml version="1.0" encoding="UTF-16"?>`+opml(`<outline text="Ä" xmlUrl="https://a.example/"/>`), true, true), "Ä > https://a.example/ >  > "},
		{"nothing in it", opml(""), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, err := ReadOPML([]byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range o.Outlines {
				got = append(got, fmt.Sprintf("%s > %s > %s > %s", l.Title, l.FeedURL, l.SiteURL, strings.Join(l.Categories, ",")))
			}
			if s := strings.Join(got, "\n"); s != test.want || o.Title != "T" {
				t.Errorf("got %q titled %q\nwant %q", s, o.Title, test.want)
			}
		})
	}
}

func TestFeedThatIsInAListTwiceIsTakenOnceAndNamed(t *testing.T) {
	list := `<opml version="2.0"><body>
		<outline text="plain" xmlUrl="http://a.example/f"/><outline text="secure" xmlUrl="https://www.a.example/f/"/>
		<outline text="b" xmlUrl="https://b.example/f"/><outline text="b, plain" xmlUrl="http://b.example/f"/>
		<outline text="c" xmlUrl="gopher://c/"/><outline text="c again" xmlUrl="gopher://c/"/><outline text="c once more" xmlUrl="gopher://c/"/>
	</body></opml>`
	o, err := ReadOPML([]byte(list))
	if err != nil {
		t.Fatal(err)
	}
	titles := func(list []Outline) string {
		var names []string
		for _, l := range list {
			names = append(names, l.Title)
		}
		return strings.Join(names, "; ")
	}
	if got := titles(o.Outlines); got != "secure; b; c" {
		t.Errorf("taken: %s", got)
	}
	if got := titles(o.Twice); got != "plain; b, plain; c again; c once more" {
		t.Errorf("not taken: %s", got)
	}
}

func TestListsThatAreNoneGetASentence(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                "",
		"a feed":                 charsetDoc("utf-8", "x"),
		"a web page":             "<html><body><p>x</body></html>",
		"text":                   "https://a.example/feed",
		"cut off":                `<opml><body><outline text="A" xmlUrl="https://a.exa`,
		"too large":              "<opml>" + strings.Repeat(" ", maxOPML),
		"nested without end":     "<opml><body>" + strings.Repeat(`<outline text="a">`, 100),
		"more feeds than 10,000": "<opml><body>" + numbered(`<outline xmlUrl="x:%d"/>`, 10_001) + "</body></opml>",
	} {
		o, err := ReadOPML([]byte(in))
		if err == nil || o != nil {
			t.Errorf("%s is read: %+v", name, o)
		} else if s := err.Error(); strings.ContainsAny(s, "\r\n") || len(s) > 300 {
			t.Errorf("%s: %q", name, s)
		}
	}
}

func TestCommasInACategoryDoNotMakeTwo(t *testing.T) {
	var b bytes.Buffer
	if err := WriteOPML(&b, &OPML{Updated: time.Time{}, Outlines: []Outline{{Title: "A", FeedURL: "https://a.example/", Categories: []string{"News, old"}}}}); err != nil {
		t.Fatal(err)
	}
	o, err := ReadOPML(b.Bytes())
	if err != nil || len(o.Outlines[0].Categories) != 1 {
		t.Errorf("%v: %+v", err, o)
	}
}

func TestRealListsAreReadOrGetASentence(t *testing.T) {
	root := feedstest.Data(t, "opml")
	read, outlines := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".md" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		o, err := ReadOPML(data)
		if err != nil {
			t.Logf("%s: %v", path[len(root):], err)
			return nil
		}
		read++
		outlines += len(o.Outlines)
		var b bytes.Buffer
		if err := WriteOPML(&b, o); err != nil {
			t.Errorf("%s: %v", path[len(root):], err)
		}
		back, err := ReadOPML(b.Bytes())
		if err != nil || len(back.Outlines) != len(o.Outlines) {
			t.Errorf("%s: %v: %d of %d come back", path[len(root):], err, len(back.Outlines), len(o.Outlines))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d lists with %d feeds", read, outlines)
	if read < 5 || outlines < 100 {
		t.Errorf("only %d lists with %d feeds could be read", read, outlines)
	}
}
