package feeds

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"orrery/feeds/feedstest"
)

// The real feeds are of every format and fault. Reading hardens later; what must
// hold already: no panic, tidy entries, and what we write of them is read back.
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
		f, err := Read(body, "", "https://blog.example/feed")
		if err != nil {
			failed++
			t.Logf("%s: %v", path[len(root):], err)
			return nil
		}
		read++
		Normalize(f, "https://blog.example/feed")
		roundTrip(t, path[len(root):], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d read, %d failed", read, failed)
	if read < 200 {
		t.Errorf("only %d feeds could be read", read)
	}
}

func roundTrip(t *testing.T, name string, f *Feed) {
	t.Helper()
	for i := range f.Entries {
		e := &f.Entries[i]
		e.ID = PublicID(e.Identity("x"))
		e.Sort, e.Changed = newest(e), newest(e)
	}
	p := Planet{Title: "P", URL: "https://planet.example/"}
	g := p.Compose(View{Title: "P"}, "feed.atom", f.Entries)
	for what, write := range writers {
		var b bytes.Buffer
		if err := write(&b, g); err != nil {
			t.Errorf("%s: %s: %v", name, what, err)
			continue
		}
		back, err := Read(b.Bytes(), "", g.Self)
		if err != nil {
			t.Errorf("%s: %s is not read back: %v", name, what, err)
			continue
		}
		if len(back.Entries) != len(g.Entries) {
			t.Errorf("%s: %s: %d entries of %d come back", name, what, len(back.Entries), len(g.Entries))
			continue
		}
		for i := range back.Entries {
			if back.Entries[i].GUID != g.Entries[i].GUID {
				t.Errorf("%s: %s: guid %q comes back as %q", name, what, g.Entries[i].GUID, back.Entries[i].GUID)
			}
		}
	}
}
