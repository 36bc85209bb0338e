package feeds

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"orrery/feeds/feedstest"
)

// The real feeds are of every format and fault. None may panic, what is read is
// tidy, what we write of it is valid and is read back as the same posts.
func TestRealFeedsAreReadAndWrittenBack(t *testing.T) {
	root := feedstest.Data(t, "feeds")
	read, failed := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || d.IsDir() || ext == ".md" || ext == ".tsv" {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := path[len(root)+1:]
		f, err := Read(body, "", "https://blog.example/feed")
		if err != nil {
			failed++
			t.Logf("%s: %s", name, Explain(err))
			return nil
		}
		read++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			Normalize(f, "https://blog.example/feed")
			tidy(t, f)
			comesBack(t, f)
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d read, %d failed", read, failed)
	if read < 240 {
		t.Errorf("only %d feeds could be read", read)
	}
}

// tidy wants what Normalize promises: clean HTML, absolute addresses, texts on
// one line, and that a second time changes nothing.
func tidy(t *testing.T, f *Feed) {
	t.Helper()
	for i := range f.Entries {
		e := &f.Entries[i]
		if p := unbalanced(e.TitleHTML) + harmful(e.TitleHTML); p != "" || e.TitleHTML != "" && PlainText(e.TitleHTML) != e.Title {
			t.Errorf("entry %q: title %q as HTML %q: %s", e.GUID, e.Title, e.TitleHTML, p)
		}
		for _, s := range []string{e.Content, e.Summary} {
			if p := unbalanced(s) + harmful(s); p != "" {
				t.Errorf("entry %q: %s", e.GUID, p)
			}
		}
		if e.Title != oneLine(e.Title) || e.GUID == "" {
			t.Errorf("entry %q: title %q", e.GUID, e.Title)
		}
		if u, err := url.Parse(e.Permalink); e.Permalink != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			t.Errorf("entry %q: permalink %q", e.GUID, e.Permalink)
		}
	}
	again := *f
	again.Entries = append([]Entry(nil), f.Entries...)
	Normalize(&again, "https://blog.example/feed")
	for i := range again.Entries {
		if a, b := again.Entries[i], f.Entries[i]; !reflect.DeepEqual(a, b) {
			t.Errorf("entry %q: normalizing twice changes\n%+v\ninto\n%+v", b.GUID, b, a)
		}
	}
}

// asStored gives the entries of a feed that was read what the store would.
func asStored(f *Feed) {
	source := &Source{Slug: "s", URL: "https://blog.example/feed", FeedID: f.ID, FeedTitle: f.Title, FeedLink: f.Link, Authors: f.Authors}
	ids := map[string]bool{}
	for i := range f.Entries {
		e := &f.Entries[i]
		if e.ID = PublicID(e.Identity(source.URL)); ids[e.ID] { // as the store does
			e.ID = PublicID(source.URL + " " + e.GUID)
		}
		ids[e.ID] = true
		e.Source, e.Sort, e.Changed = source, sayable(e.Published, day(1)), later(e.Updated, e.Published)
		e.Categories = []CategoryName{{Slug: "news", Title: "News"}}
	}
}

// comesBack composes the feed as a planet does, checks what is written of it and
// wants every post back under its id.
func comesBack(t *testing.T, f *Feed) {
	t.Helper()
	asStored(f)
	p := Planet{Title: "P", URL: "https://planet.example/"}
	for format := range writers {
		g := p.Compose(View{Title: "P"}, "feed."+format, f.Entries)
		back, err := Read(writeValid(t, format, g), "", g.Self)
		if err != nil {
			t.Errorf("%s is not read back: %v", format, err)
			continue
		}
		if len(back.Entries) != len(g.Entries) {
			t.Errorf("%s: %d entries of %d come back", format, len(back.Entries), len(g.Entries))
			continue
		}
		Normalize(back, g.Self)
		for i := range back.Entries {
			if d := difference(reduce(format, &g.Entries[i], g), heard(&back.Entries[i])); d != "" {
				t.Errorf("%s: entry %q: %s", format, g.Entries[i].GUID, d)
			}
		}
	}
}
