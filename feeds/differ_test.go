package feeds

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orrery/feeds/feedstest"
)

// What we write is for other programs. Each feed that is made of real posts is read back
// by three readers that share nothing: ours, gofeed, and feedparser, which the planets
// before us were made with.

// served is a document of ours and what was to be said in it.
type served struct {
	name, format string
	feed         *Feed
	doc          []byte
}

// word is what readers agree on of an entry.
type word struct {
	id, title, link, published, updated string
	authors, tags, files                int
}

// TestOthersReadWhatWeWrite compares the number of entries, and of each the id, title,
// address, dates, and how many authors, categories and files it has.
func TestOthersReadWhatWeWrite(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes ten seconds, and is run without -short")
	}
	docs := writtenFeeds(t)
	for _, d := range docs {
		back, err := Read(d.doc, "", d.feed.Self)
		if err != nil {
			t.Errorf("we do not read %s.%s: %v", d.name, d.format, err)
			continue
		}
		d.compare(t, "we", words(back))
	}
	t.Run("gofeed", func(t *testing.T) {
		for _, d := range docs {
			back := readGofeed(d.doc)
			if back == nil {
				t.Errorf("gofeed does not read %s.%s", d.name, d.format)
				continue
			}
			d.compare(t, "gofeed", words(back))
		}
	})
	t.Run("feedparser", func(t *testing.T) { feedparserReads(t, docs) })
}

// writtenFeeds are the real feeds as a planet writes each in every format.
func writtenFeeds(t *testing.T) []served {
	t.Helper()
	root := feedstest.Data(t, "feeds")
	var docs []served
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || d.IsDir() || ext == ".md" || ext == ".tsv" {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := Read(body, "", "https://blog.example/feed")
		if err != nil {
			return nil // other tests say which
		}
		Normalize(f, "https://blog.example/feed")
		asStored(f)
		for format, write := range writers {
			g := (&Planet{Title: "P", URL: "https://planet.example/"}).Compose(View{Title: "P"}, "feed."+format, f.Entries)
			var b bytes.Buffer
			if err := write(&b, g); err != nil {
				return err
			}
			docs = append(docs, served{filepath.ToSlash(path[len(root)+1:]), format, g, b.Bytes()})
		}
		return nil
	})
	if err != nil || len(docs) < 700 {
		t.Fatalf("%d documents: %v", len(docs), err)
	}
	return docs
}

// said is what the i-th entry says, as far as the format can and who hears it: others
// know nothing of what we say beside JSON Feed; of media:content we and gofeed take no
// picture for a file, and feedparser does.
func (d *served) said(i int, who string) word {
	e := reduce(d.format, &d.feed.Entries[i], d.feed)
	w := word{e.GUID, e.Title, e.Permalink, stamp(e.Published), stamp(e.Updated), len(e.Authors), len(e.Tags), len(e.Enclosures)}
	if who == "we" {
		return w
	}
	if d.format == "json" {
		w.tags = len(newJSONItem(&d.feed.Entries[i]).Tags)
	}
	w.files = 0
	for n, x := range d.feed.Entries[i].Enclosures {
		if d.format != "rss" || who == "feedparser" || n == 0 || !strings.HasPrefix(x.Type, "image/") {
			w.files++
		}
	}
	return w
}

func (d *served) compare(t *testing.T, who string, heard []word) {
	t.Helper()
	if len(heard) != len(d.feed.Entries) {
		t.Errorf("%s.%s: %s read %d entries of %d", d.name, d.format, who, len(heard), len(d.feed.Entries))
		return
	}
	for i := range heard {
		if want := d.said(i, who); heard[i] != want {
			t.Errorf("%s.%s: of entry %d %s read\n%+v\nof\n%+v", d.name, d.format, i+1, who, heard[i], want)
		}
	}
}

func words(f *Feed) []word {
	var out []word
	for i := range f.Entries {
		e := &f.Entries[i]
		out = append(out, word{e.GUID, e.Title, e.Permalink, stamp(e.Published), stamp(e.Updated), len(e.Authors), len(e.Tags), len(e.Enclosures)})
	}
	return out
}

// feedparserReads has all documents read by one process.
func feedparserReads(t *testing.T, docs []served) {
	python := feedparserPython(t)
	dir, paths := t.TempDir(), ""
	var asked []served
	for i, d := range docs {
		if d.format == "json" {
			continue
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.xml", i))
		if err := os.WriteFile(path, d.doc, 0o600); err != nil {
			t.Fatal(err)
		}
		paths, asked = paths+path+"\n", append(asked, d)
	}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "reads.py"))
	cmd.Stdin, cmd.Stderr = strings.NewReader(paths), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("feedparser: %v", err)
	}
	t.Logf("feedparser took %v", cmd.ProcessState.UserTime().Round(time.Millisecond))
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 64<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var heard struct {
			Fault   string
			Entries []struct {
				ID, Title, Type, Link, Published, Updated string
				Authors, Tags, Files                      int
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &heard); err != nil || n >= len(asked) {
			t.Fatalf("feedparser says %s: %v", lines.Bytes(), err)
		}
		d := &asked[n]
		if heard.Fault != "" {
			t.Errorf("%s.%s: feedparser says %s", d.name, d.format, heard.Fault)
		}
		var list []word
		for _, e := range heard.Entries {
			if e.Type != "text/plain" {
				e.Title = PlainText(e.Title)
			}
			list = append(list, word{e.ID, e.Title, e.Link, e.Published, e.Updated, e.Authors, e.Tags, e.Files})
		}
		d.compare(t, "feedparser", list)
	}
	if n != len(asked) {
		t.Errorf("feedparser read %d of %d documents", n, len(asked))
	}
}

// feedparserPython is a Python that has feedparser: Debian's own has what apt installs.
func feedparserPython(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import feedparser").Run() == nil {
			return python
		}
	}
	const missing = "no Python has feedparser (apt-get install python3-feedparser)"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}
