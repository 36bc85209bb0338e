package storage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// What is longest, and says something else with every word.
func TestLargestTextsAreFound(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		words := func(n, length int) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "%0*d ", length, i)
			}
			return b.String()
		}
		visit(t, db, "a", epoch, saying("Many", "first "+words(60_000, 6)), saying("Long", "first "+words(10_000, 70)), saying(words(900, 64), "first"),
			saying("One", "first "+strings.Repeat("same ", 60_000)), saying("字", "first "+strings.Repeat("漢字", 60_000)))
		if n := indexAll(t, db); n != 5 {
			t.Errorf("%d entries were indexed", n)
		}
		if got := lookFor(t, db, "first", feeds.Query{}); len(got) != 5 {
			t.Errorf("%d were found", len(got))
		}
		finds(t, db, "000007 000008", "Many")
		finds(t, db, `"first 000000 000001"`, "Many")
		finds(t, db, `"same same same"`, "One")
		finds(t, db, "漢字漢字", "字")
	})
}

// Both engines find the same in what people write.
func TestContractTheSameIsFoundOnEveryEngine(t *testing.T) {
	t.Parallel()
	leaveOutPostgres(t)
	posts := realPosts(t)
	bothSay(t, func(t *testing.T, db *DB) (lines []string) {
		configure(t, db, nil, remote("a"))
		for n := 0; n < 1500; n += 250 {
			var list []feeds.Entry
			for i := range 250 {
				e := posts[(n+i)*len(posts)/1500]
				e.GUID, e.Permalink, e.Aliases = fmt.Sprint(n+i), fmt.Sprint("https://posts.example/", n+i), nil
				list = append(list, e)
			}
			visit(t, db, "a", epoch.Add(time.Duration(n)*time.Hour), list...)
		}
		indexAll(t, db)
		total, names := 0, map[string]string{}
		for _, line := range column(t, db, `SELECT id || ' ' || public_id FROM entries WHERE withdrawn = 0`) {
			id, name, _ := strings.Cut(line, " ")
			names[id] = name
		}
		look := func(text string) { // which are found: to read each of them whole takes most of the time
			found, err := db.search(t.Context(), feeds.Query{Text: text})
			if err != nil {
				t.Fatal(err)
			}
			defer found.close()
			list, err := found.first(t.Context(), len(found.hits))
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, id := range list {
				ids = append(ids, cmp.Or(names[fmt.Sprint(id)], "nobody"))
			}
			slices.Sort(ids)
			total += len(ids)
			lines = append(lines, fmt.Sprint(text, " ", ids))
		}
		for i := 0; i < len(posts); i += 37 {
			title := strings.Fields(posts[i].Title)
			text := strings.Fields(feeds.PlainText(posts[i].Content))
			for _, words := range [][]string{title, text} {
				if n := len(words); n > 0 {
					at := i % n
					some := words[at:min(at+2, n)]
					look(some[0])
					look(strings.Join(some, " "))
					look(`"` + strings.Join(some, " ") + `"`)
					look(strings.Trim(some[0], ".,:;") + "*")
					look("the -" + some[0])
				}
			}
		}
		if total < 5000 {
			t.Errorf("only %d were found; the test tests nothing", total)
		}
		return lines
	})
}

// Who asks for what takes too long gets the newest of what there is, or nothing.
func TestWhatTakesTooLongIsAnswered(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		posts := someNumbered(300, 0)
		for i := range posts {
			posts[i].Content = "<p>" + strings.Repeat("over and ", 200) + "out</p>"
		}
		visit(t, db, "a", epoch, posts...)
		indexAll(t, db)
		slow := `"over and over and over and over and out"`
		finds(t, db, slow, titles(posts)...)
		switch x := db.index.(type) {
		case *fileIndex:
			x.patience = time.Microsecond
		case *tableIndex:
			x.patience = time.Millisecond
		}
		began := time.Now()
		got := lookFor(t, db, slow, feeds.Query{})
		if db.dialect == postgres && len(got) != len(posts) { // all are new
			t.Errorf("%d of %d were found in time", len(got), len(posts))
		}
		if db.dialect != postgres && len(got) == len(posts) || time.Since(began) > 5*time.Second {
			t.Errorf("%d of %d were found after %v", len(got), len(posts), time.Since(began))
		}
	})
}
