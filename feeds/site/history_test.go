package site

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"orrery/feeds"
)

// parsed is the page at path as a browser understands it.
func parsed(t *testing.T, page string) *html.Node {
	t.Helper()
	for _, w := range wellFormed(page) {
		t.Error(w)
	}
	n, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// all are the elements of the kind below n, with the class if one is given.
func all(n *html.Node, kind atom.Atom, class string) (list []*html.Node) {
	for d := range n.Descendants() {
		if d.DataAtom == kind && (class == "" || strings.Contains(" "+attribute(d, "class")+" ", " "+class+" ")) {
			list = append(list, d)
		}
	}
	return list
}

// reads is the text of n on one line, deletions and insertions marked.
func reads(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		before, after := "", ""
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data)
		case n.DataAtom == atom.Ins:
			before, after = "{+", "+}"
		case n.DataAtom == atom.Del:
			before, after = "[-", "-]"
		}
		b.WriteString(before)
		for c := range n.ChildNodes() {
			walk(c)
		}
		b.WriteString(after)
	}
	walk(n)
	return strings.Join(strings.Fields(b.String()), " ")
}

// told is what the page of the entry says of its changes, a line each; the first is
// the heading.
func told(t *testing.T, s *Site, id string) (lines []string, section *html.Node) {
	t.Helper()
	list := all(parsed(t, body(t, get(s, "/entry/"+id+"/"))), atom.Section, "history")
	if len(list) == 0 {
		return nil, nil
	}
	for d := range list[0].Descendants() {
		switch {
		case d.DataAtom == atom.H2 || d.DataAtom == atom.Summary || d.DataAtom == atom.P:
			lines = append(lines, reads(d))
		case d.DataAtom == atom.Li && len(all(d, atom.Details, "")) == 0:
			lines = append(lines, reads(d))
		}
	}
	return lines, list[0]
}

func wantLines(t *testing.T, got, want []string) {
	t.Helper()
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("the page says\n%s\nwant\n%s", a, b)
	}
}

func TestThePageOfAPostTellsHowItChanged(t *testing.T) {
	f := newFake()
	f.revise("plain00", func(e *feeds.Entry) { e.Content = "<p>Knight to <b>f1</b>, and a check.</p>" })
	f.revise("plain00", func(e *feeds.Entry) { e.Title, e.Content = "Move nil", "<p>Bishop to <b>f1</b>, and a check.</p>" })
	f.revise("plain00", func(e *feeds.Entry) { e.Content = "<p>Bishop to <i>f1</i>, and a check.</p>" })
	lines, section := told(t, newSite(t, f), "plain00")
	wantLines(t, lines, []string{
		"Changed 3 times",
		"4 March 2026 · the words stayed the same",
		"3 March 2026 · another title, 1 word removed, 1 added",
		"Move [-0-] {+nil+}",
		"[-Knight-] {+Bishop+} to f1, and a check.",
		"2 March 2026 · 1 word removed, 4 added",
		"Knight to [-f1.-] {+f1, and a check.+}",
	})
	if at := attribute(all(section, atom.Time, "")[1], "datetime"); at != "2026-03-03T12:00:00Z" {
		t.Errorf("the time for machines is %s", at)
	}
	if n := len(all(section, atom.Details, "")); n != 2 {
		t.Errorf("%d changes can be unfolded, want those 2 with something to see", n)
	}
}

func TestAPostThatNeverChangedSaysNothingAndCostsNothing(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	if lines, _ := told(t, s, "plain00"); lines != nil {
		t.Errorf("it says %q", lines)
	}
	if n := f.asked("versions"); n != 0 {
		t.Errorf("the store was asked %d times for what it said before", n)
	}
	if lines, _ := told(t, s, "long"); lines != nil { // revised, and nothing older was kept
		t.Errorf("it says %q", lines)
	}
}

func TestOnlyTheLastChangesAreTold(t *testing.T) {
	f := newFake()
	for i := range 7 {
		f.revise("plain00", func(e *feeds.Entry) { e.Content = fmt.Sprintf("<p>Move number %d of the game</p>", i) })
	}
	lines, section := told(t, newSite(t, f), "plain00")
	if n := len(all(section, atom.Details, "")); n != maxChanges || lines[0] != "Changed 7 times" || lines[len(lines)-1] != "These are the last 5 changes." {
		t.Errorf("%d changes: %q", n, lines)
	}
	wantLines(t, lines[1:3], []string{"8 March 2026 · 1 word removed, 1 added", "Move number [-5-] {+6+} of the game"})
}

func TestAChangeTooLargeToReadIsToldByItsSize(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	f := newFake()
	for _, text := range []string{babble(r, 2500, 900), babble(r, 3100, 900), strings.Repeat("word ", 60_000)} {
		f.revise("plain00", func(e *feeds.Entry) { e.Content = "<p>" + text + "</p>" })
	}
	f.revise("plain00", func(e *feeds.Entry) { e.Title = "Another one" })
	s := newSite(t, f)
	lines, _ := told(t, s, "plain00")
	wantLines(t, lines[:6], []string{
		"Changed 4 times",
		"5 March 2026 · another title",
		"[-Move 0-] {+Another one+}",
		"4 March 2026 · too much to compare: 3100 words before, 60000 words after",
		"3 March 2026 · too much to compare: 2500 words before, 3100 words after",
		"2 March 2026 · too much to compare: 3 words before, 2500 words after",
	})
	if n := len(body(t, get(s, "/entry/plain00/"))); n > 60_000*5+maxChanges*(maxTold+2000)+20_000 {
		t.Errorf("the page has %d bytes", n)
	}
}

func TestWhatAPostSaidBeforeRunsNothingEither(t *testing.T) {
	f := newFake()
	evil := `</p></section><script>alert(1)</script> "onload=x <ins>` + "\u202e"
	f.revise("plain00", func(e *feeds.Entry) { e.Title, e.Content = evil, "<p>"+html.EscapeString(evil)+"</p>" })
	f.revise("plain00", func(e *feeds.Entry) { e.Title, e.Content = "Tame", "<p>Tame, too</p>" })
	lines, section := told(t, newSite(t, f), "plain00")
	if len(lines) != 7 || !strings.Contains(lines[2], "<script>alert(1)</script>") || !strings.Contains(lines[3], "<script>alert(1)</script>") {
		t.Errorf("it says %q", lines)
	}
	if n := len(all(section, atom.Script, "")); n != 0 {
		t.Errorf("%d scripts", n)
	}
}

func TestWordsOfAChangeAreInTheLanguageOfThePost(t *testing.T) {
	f := newFake()
	f.revise("arabic", func(e *feeds.Entry) { e.Content = "<p>نص طويل</p>" })
	lines, section := told(t, newSite(t, f), "arabic")
	wantLines(t, lines, []string{"Changed once", "2 March 2026 · 1 word removed, 1 added", "نص [-قصير-] {+طويل+}"})
	for n, want := range map[*html.Node]string{all(section, atom.H2, "")[0]: "en", all(section, atom.Summary, "")[0]: "en", all(section, atom.P, "differs")[0]: "ar"} {
		lang := ""
		for a := n; a != nil && lang == ""; a = a.Parent {
			lang = attribute(a, "lang")
		}
		if lang != want {
			t.Errorf("<%s> is in %q, want %q", n.Data, lang, want)
		}
	}
}

func TestARevisionMakesItsPageAnew(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	refresh(t, s)
	before := get(s, "/entry/plain00/")
	f.revise("plain00", func(e *feeds.Entry) { e.Content = "<p>Rook to a8.</p>" })
	wantHeader(t, get(s, "/entry/plain00/"), "ETag", before.Header.Get("ETag"))
	refresh(t, s)
	if lines, _ := told(t, s, "plain00"); len(lines) != 3 || lines[0] != "Changed once" {
		t.Errorf("it says %q", lines)
	}
	calls := f.asked("all")
	told(t, s, "plain00")
	if n := f.asked("all") - calls; n != 0 {
		t.Errorf("the kept page asked the store %d times", n)
	}
}

// The store is read twice, and a revision may come in between.
func TestAVersionNewerThanTheEntryIsNotComparedWithIt(t *testing.T) {
	f := newFake()
	f.revise("plain00", func(e *feeds.Entry) { e.Content = "<p>Rook to a8.</p>" })
	f.before["plain00"] = append([]feeds.Version{{N: 1, At: epoch, Entry: feeds.Entry{Content: "<p>Rook to a8.</p>"}}}, f.before["plain00"]...)
	if lines, _ := told(t, newSite(t, f), "plain00"); len(lines) != 3 || lines[0] != "Changed once" {
		t.Errorf("it says %q", lines)
	}
}

func TestTheTreeOfFilesTellsChangesToo(t *testing.T) {
	f := newFake()
	f.revise("plain00", func(e *feeds.Entry) { e.Content = "<p>Rook to a8.</p>" })
	s := newSite(t, f)
	dir := t.TempDir() + "/out"
	build(t, s, dir)
	page := files(t, dir)["entry/plain00/index.html"]
	if !strings.Contains(page, "<del>Knight to f1.</del> <ins>Rook to a8.</ins>") || page != body(t, get(s, "/entry/plain00/")) {
		t.Error("the file does not tell the change, or not as the page does")
	}
}

func TestVersionsThatCannotBeReadFailThePageOrKeepTheOld(t *testing.T) {
	f := newFake()
	s := newSite(t, f)
	refresh(t, s)
	f.revise("plain00", func(e *feeds.Entry) { e.Content = "<p>Rook to a8.</p>" })
	f.failAt = f.calls["all"] + 3 // version, entries, versions
	wantStatus(t, get(s, "/entry/plain00/"), 503)
	wantStatus(t, get(s, "/entry/plain00/"), 200)
}
