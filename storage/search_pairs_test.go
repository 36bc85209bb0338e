package storage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"orrery/feeds"
)

// A phrase finds the texts in which its words follow each other, and no others.
func TestPhrasesFindTheTextsThatSayThem(t *testing.T) {
	words := strings.Fields("a of the to way xmpp server 東 京 都 été")
	r := rand.New(rand.NewPCG(7, 8))
	some := func(n int) string {
		var list []string
		for range n {
			list = append(list, words[r.IntN(len(words))])
		}
		return strings.Join(list, " ")
	}
	type said struct{ name, title, text string }
	var all []said
	var posts []feeds.Entry
	for i := range 120 {
		e := saying(fmt.Sprint("P", i, " ", some(4)), some(1+r.IntN(30)))
		e.GUID, e.Permalink = fmt.Sprint(i), fmt.Sprint("https://posts.example/", i)
		posts = append(posts, e)
		title, text := feeds.SearchText(&e)
		all = append(all, said{e.Title, " " + title + " ", " " + text + " "})
	}
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		visit(t, db, "a", epoch, posts...)
		indexAll(t, db)
		phrases, found := rand.New(rand.NewPCG(9, 10)), 0
		for n := range 300 {
			list := make([]string, 2+n%3)
			for i := range list {
				list[i] = words[phrases.IntN(len(words))]
			}
			phrase := strings.Join(list, " ")
			_, terms := feeds.SearchText(&feeds.Entry{Content: phrase})
			var with, without []string
			for _, s := range all {
				if strings.Contains(s.title, " "+terms+" ") || strings.Contains(s.text, " "+terms+" ") {
					with = append(with, s.name)
				} else if strings.Contains(s.text, " xmpp ") || strings.Contains(s.title, " xmpp ") {
					without = append(without, s.name)
				}
			}
			found += len(with)
			finds(t, db, `"`+phrase+`"`, with...)
			finds(t, db, `xmpp -"`+phrase+`"`, without...)
		}
		if found < 500 {
			t.Errorf("only %d were found; the test tests nothing", found)
		}
	})
}

// Posts that have one time, as those that say only a day do, are found each, and each in
// its month.
func TestManyPostsOfTheSameSecondAreFoundInTheirMonth(t *testing.T) {
	each(t, func(t *testing.T, db *DB) {
		configure(t, db, nil, remote("a"))
		ends := []time.Time{time.Date(2024, 1, 31, 23, 59, 59, 0, time.UTC), time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)}
		const many = 5 << placeBits
		var posts []feeds.Entry
		want := make([][]string, len(ends))
		for i := range many {
			for m, at := range ends {
				e := saying(fmt.Sprint("Post ", m, " ", i), fmt.Sprint("word number", i))
				e.Published = at
				posts = append(posts, e)
				want[m] = append(want[m], e.Title)
			}
		}
		look := func() {
			t.Helper()
			for m, at := range ends {
				got := lookFor(t, db, "word", feeds.Query{Month: feeds.MonthOf(at)})
				slices.Sort(got)
				slices.Sort(want[m])
				same(t, fmt.Sprint("those of ", at), got, want[m])
			}
			finds(t, db, "number17", "Post 0 17", "Post 1 17")
			if n := inIndex(t, db); n != 2*many {
				t.Errorf("%d entries are in the index", n)
			}
		}
		visit(t, db, "a", epoch, posts...)
		indexAll(t, db)
		look()
		for i := range posts { // each is put where it was, or where another was
			posts[i].Content += " edited"
			posts[i].Updated = epoch
		}
		slices.Reverse(posts)
		visit(t, db, "a", epoch.Add(2*time.Hour), posts...)
		indexAll(t, db)
		look()
		finds(t, db, "edited number17", "Post 0 17", "Post 1 17")
	})
}

// An index that lost what names its texts is no error for who looks for something.
func TestIndexThatCannotNameWhatItFindsIsMadeAnew(t *testing.T) {
	path := newPath(t)
	db := open(t, path)
	configure(t, db, nil, remote("a"))
	visit(t, db, "a", epoch, saying("One", "word"))
	indexAll(t, db)
	finds(t, db, "word", "One")
	mustExec(t, raw(t, path+"-search"), `DROP TABLE places`)
	finds(t, db, "word")
	indexAll(t, db)
	finds(t, db, "word", "One")
}
