package feeds

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orrery/feeds/feedstest"
)

// What the real feeds say was written down by reading their bytes, before any
// program was asked: testdata/real.tsv has a line a feed with the number of
// entries, the feed's title and link, and title, link, published and updated of the
// first and the last entry. Their words are not ours, so titles and links stand
// there as digests.
func TestRealFeedsSayWhatPeopleReadInThem(t *testing.T) {
	root := feedstest.Data(t, "feeds")
	list, err := os.Open(filepath.Join("testdata", "real.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	lines := bufio.NewScanner(list)
	n := 0
	for lines.Scan() {
		name, want, ok := strings.Cut(lines.Text(), "\t")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		n++
		body, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
			continue
		}
		got, words := goldenLine(body)
		if got != want {
			t.Errorf("%s\n got %s\nwant %s\nread %s", name, got, want, words)
		}
	}
	if err := lines.Err(); err != nil || n != 270 {
		t.Errorf("%d feeds (%v)", n, err)
	}
}

// goldenLine is what testdata/real.tsv has of a document, and the same in words.
func goldenLine(body []byte) (line, words string) {
	const at = "https://blog.example/feed"
	f, err := Read(body, "", at)
	if err != nil {
		return "no feed", Explain(err)
	}
	Normalize(f, at)
	cells := []string{fmt.Sprint(len(f.Entries)), digest(f.Title), digest(f.Link)}
	text := []string{f.Title, f.Link}
	add := func(e *Entry) {
		cells = append(cells, digest(e.Title), digest(e.Permalink), stamp(e.Published), stamp(e.Updated))
		text = append(text, e.Title, e.Permalink)
	}
	if n := len(f.Entries); n > 0 {
		add(&f.Entries[0])
		add(&f.Entries[n-1])
	}
	return strings.Join(cells, "\t"), strings.Join(text, " | ")
}

// digest is "" for nothing, else the beginning of a hash.
func digest(s string) string {
	if s == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}
